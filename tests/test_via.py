"""firmware.sip.via: RFC 3261 §20.42, RFC 3581."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import Parameters
from firmware.sip.via import Via, parse_via


@given(
    st.builds(
        Via,
        st.sampled_from(["UDP", "TCP", "TLS", "WS", "X-1"]),
        st.sampled_from(["a.example.com", "192.0.2.1", "2001:db8::1"]),
        st.none() | st.integers(0, 65535),
        st.lists(st.tuples(st.from_regex("[a-z]{1,6}", fullmatch=True), st.none() | st.text("ab1.-", min_size=1))).map(
            Parameters
        ),
    )
)
def test_a_via_survives_writing_and_reading(via):
    assert parse_via(str(via)) == via


def test_the_parts_of_a_via():
    """§20.42's examples."""
    via = parse_via("SIP / 2.0 / udp first.Example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1")

    assert (via.transport, via.sent_by) == ("UDP", ("first.example.com", 4000))
    assert (via.ttl, via.maddr, via.branch) == (16, "224.2.0.1", "z9hG4bKa7c6a8dlze.1")
    assert via.has_cookie
    assert (via.received, via.rport, via.has_rport) == (None, None, False)


def test_a_branch_without_the_cookie_is_of_rfc_2543():
    """§8.1.1.7."""
    assert not parse_via("SIP/2.0/UDP a;branch=7").has_cookie
    assert not parse_via("SIP/2.0/UDP a").has_cookie


def test_a_server_records_where_the_request_came_from():
    """§18.2.1: received only if the source differs; RFC 3581 §4: always, beside rport, if that was asked for."""
    asks = parse_via("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff")
    plain = parse_via("SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bKkjshdyff")

    answered = asks.with_source("192.0.2.1", 9988)

    assert str(answered) == "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1"
    assert (answered.received, answered.rport) == ("192.0.2.1", 9988)
    assert plain.with_source("10.1.1.1", 9) is plain
    assert plain.with_source("192.0.2.1", 9).received == "192.0.2.1"
    assert plain.with_source("192.0.2.1", 9).rport is None


def test_addresses_of_version_six_come_with_and_without_brackets():
    """RFC 5118 §4.5: implementations write received both ways."""
    one = parse_via("SIP/2.0/UDP [2001:db8::9:1]:5060;received=[2001:db8::9:255];branch=z9hG4bKas3-111")
    other = parse_via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111")

    assert one.host == other.host == "2001:db8::9:1"
    assert one.received == other.received == "2001:db8::9:255"
    assert str(one).startswith("SIP/2.0/UDP [2001:db8::9:1]:5060;")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 a",
        "SIP/2.0/UDP a:70000",
        "SIP/2.0/UDP a:",
        "SIP/2.0/UDP a;;b",
        "SIP/2.0/UDP a;branch=",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [x]",
        "SIP/2.0/UDPa",
        "SIP/2.0/UDP <a>",
        "SIP/2.0/UDP a,b",
    ],
)
def test_malformed_vias_are_refused(text):
    with pytest.raises(MalformedMessage):
        parse_via(text)


def test_a_bad_number_is_found_when_it_is_read():
    via = parse_via("SIP/2.0/UDP a;rport=x;ttl=256")
    for read in (lambda: via.rport, lambda: via.ttl):
        with pytest.raises(MalformedMessage):
            read()
