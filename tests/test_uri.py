"""firmware.sip.uri: RFC 3261 §19.1, RFC 5954."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import Parameters
from firmware.sip.uri import OtherUri, SipUri, TelUri, parse_sip_uri, parse_uri

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
HOSTS = st.sampled_from(["example.com", "192.0.2.1", "2001:db8::1", "a_b.example", "localhost"])
URIS = st.builds(
    SipUri,
    user=st.none() | TEXT,
    host=HOSTS,
    port=st.none() | st.integers(0, 65535),
    parameters=st.lists(st.tuples(st.from_regex("[a-z]{1,6}", fullmatch=True), st.none() | TEXT), max_size=3).map(
        Parameters
    ),
    headers=st.lists(st.tuples(TEXT, st.just("") | TEXT), max_size=2).map(tuple),
    secure=st.booleans(),
)


@given(URIS, st.none() | TEXT)
def test_a_uri_survives_writing_and_reading(uri, password):
    uri = uri if uri.user is None else uri.with_(password=password)
    assert parse_uri(str(uri)) == uri
    assert uri.equivalent(parse_uri(str(uri)))


@given(st.text())
def test_any_text_is_a_uri_or_malformed(text):
    for candidate in (text, f"sip:{text}", f"tel:{text}", f"sip:a@b;{text}", f"sip:a@b?{text}"):
        try:
            uri = parse_uri(candidate)
        except MalformedMessage:
            continue
        assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:sips%3Auser%40example.com@example.net",
        "sip:[2001:db8::10]:5070",
    ],
)
def test_the_examples_of_the_standard_are_written_as_they_were_read(text):
    """§19.1.3; RFC 4475 §3.1.1.3; RFC 5954."""
    assert str(parse_uri(text)) == text


def test_every_part_is_found():
    """§19.1.1."""
    uri = parse_uri("SIPS:al%69ce:pass@ExAmple.com:5061;Transport=tcp;lr;maddr=[::1]?Subject=a%20b&Route=%3Csip:x%3E")

    assert isinstance(uri, SipUri)
    assert (uri.user, uri.password, uri.host, uri.port, uri.secure) == ("alice", "pass", "example.com", 5061, True)
    assert (uri.transport, uri.lr, uri.maddr) == ("TCP", True, "::1")
    assert uri.headers == (("Subject", "a b"), ("Route", "<sip:x>"))
    assert uri.hostport == ("example.com", 5061)


def test_a_user_part_may_hold_marks_that_separate_elsewhere():
    """§25.1 user-unreserved; RFC 4475 §3.1.1.13 semicolon-separated parameters in the user part."""
    uri = parse_sip_uri("sip:user;par=u%40example.net?/,&=+$@example.com;p=q")
    assert uri.user == "user;par=u@example.net?/,&=+$"
    assert uri.parameters == Parameters({"p": "q"})


def test_escaped_nulls_are_data():
    """RFC 4475 §3.1.1.4."""
    assert parse_sip_uri("sip:null-%00-null@example.com").user == "null-\0-null"


EQUIVALENT = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:DB8:0:0:0:0:9:01]"),
    ("sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::FFFF:c000:280]"),
]  # fmt: skip

DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@b.com", "sips:a@b.com"),
    ("sip:b.com", "sip:a@b.com"),
    ("sip:a@b.com", "sip:a:pw@b.com"),
    ("sip:a@b.com;maddr=c", "sip:a@b.com"),
    ("sip:a@b.com;user=ip", "sip:a@b.com"),
    ("sip:a%3Bb@c.com", "sip:a;b@c.com"),
    ("sip:a%2fb@c.com", "sip:a/b@c.com"),
]


@pytest.mark.parametrize(("one", "other"), EQUIVALENT)
def test_equivalent_uris(one, other):
    """§19.1.4's own pairs; RFC 5954 §4.2."""
    assert parse_sip_uri(one).equivalent(parse_uri(other))
    assert parse_sip_uri(other).equivalent(parse_uri(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_uris_that_are_not_equivalent(one, other):
    """§19.1.4's own pairs, and its rules on reserved characters."""
    assert not parse_sip_uri(one).equivalent(parse_uri(other))
    assert not parse_sip_uri(other).equivalent(parse_uri(one))


def test_a_user_is_passed_on_with_the_escapes_it_came_with():
    """§16.6: a proxy does not rewrite; but who changes the user writes the new one."""
    uri = parse_sip_uri("sip:%41%3bb@example.com")
    assert str(uri) == "sip:%41%3bb@example.com"
    assert str(uri.with_(user="c d")) == "sip:c%20d@example.com"


def test_what_a_request_uri_may_not_have_is_taken_away():
    """§19.1.1, table 1; §19.1.5."""
    uri = parse_sip_uri("sip:a@b;method=INVITE;transport=tcp?Subject=x")
    assert str(uri.without_headers()) == "sip:a@b;transport=tcp"
    assert str(uri.address_of_record()) == "sip:a@b"


@pytest.mark.parametrize(
    "text",
    [
        "", "sip:", "sip:@example.com", "sip:a@", "sip:a@b:65536", "sip:a@b:x", "sip:a b@c", "sip:a@b c", "sip:a@b@c",
        "sip:a@b;", "sip:a@b;;x", "sip:a@b;=x", "sip:a%4@b", "sip:a%zz@b", "sip:a@[::1", "sip:a@[1::2::3]", "sip:a@b?x",
        "sip:a@b?=x", "<sip:a@b>", "sip:a@b\r\nVia: x", "alice", ":x", "1a:b", "http:", "sip:a\udcff@b", 'sip:"a"@b',
    ],
)  # fmt: skip
def test_malformed_uris_are_refused(text):
    with pytest.raises(MalformedMessage):
        parse_uri(text)


def test_other_schemes_are_kept_as_they_are():
    assert parse_uri("HTTP://Example.com/a?b#c") == OtherUri("http", "//Example.com/a?b#c")
    assert str(parse_uri("urn:service:sos")) == "urn:service:sos"
    assert isinstance(parse_uri("tel:+12"), TelUri)
    assert not parse_sip_uri("sip:a@b").equivalent(parse_uri("tel:+12"))


def test_where_sip_is_wanted_another_scheme_is_unsupported():
    """§8.2.2.1: 416."""
    with pytest.raises(MalformedMessage) as caught:
        parse_sip_uri("mailto:a@b")
    assert caught.value.status == 416


def test_a_phone_number_in_a_sip_uri_is_recognised():
    """§19.1.6."""
    assert parse_sip_uri("sip:+1@gw;user=Phone").user_is_phone
    assert not parse_sip_uri("sip:+1@gw").user_is_phone
