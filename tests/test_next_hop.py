"""Routing decisions that need no look-up: RFC 3261 §8.1.2, §18.2.2; RFC 3263 §4; RFC 3581 §4."""

from __future__ import annotations

import pytest

from firmware.sip.message import Request, parse_message
from firmware.sip.next_hop import Path, Target, numeric_hop, reply_path, target_of, via_destination, with_source
from firmware.sip.transport import Flow, Hop, SendDatagram, SendStream
from firmware.sip.via import parse_via
from tests.support.signalling import outgoing, request

BOTH = frozenset(["UDP", "TCP"])
ALL = frozenset(["UDP", "TCP", "TLS"])


def plain(host: str) -> Target:
    return Target(host, None, None, secure=False)


@pytest.mark.parametrize(
    ("uri", "route", "expected"),
    [
        ("sip:bob@biloxi.com", "", plain("biloxi.com")),
        ("sips:bob@biloxi.com:5070", "", Target("biloxi.com", 5070, None, secure=True)),
        ("sip:bob@biloxi.com;transport=tcp", "", Target("biloxi.com", None, "TCP", secure=False)),
        ("sip:bob@biloxi.com;maddr=192.0.2.7", "", plain("192.0.2.7")),
        ("sip:bob@biloxi.com", "<sip:p1.example;lr>,<sip:p2.example;lr>", plain("p1.example")),
        ("sip:strict.example", "<sip:p2.example>,<sip:bob@biloxi.com>", plain("strict.example")),
        ("tel:+358-555-1234567", "", None),
        ("tel:+358-555-1234567", "<sip:gateway.example;lr>", plain("gateway.example")),
    ],
)
def test_request_goes_to_its_loose_route_or_its_request_uri(uri: str, route: str, expected: Target | None) -> None:
    """§8.1.2, §16.6 step 7."""
    assert target_of(outgoing(uri=uri, **({"Route": route} if route else {}))) == expected


@pytest.mark.parametrize(
    ("target", "transports", "expected"),
    [
        (plain("192.0.2.1"), BOTH, Hop("UDP", "192.0.2.1", 5060)),
        (Target("192.0.2.1", 5070, "TCP", secure=False), BOTH, Hop("TCP", "192.0.2.1", 5070)),
        (plain("192.0.2.1"), frozenset(["TCP"]), Hop("TCP", "192.0.2.1", 5060)),
        (Target("192.0.2.1", None, None, secure=True), ALL, Hop("TLS", "192.0.2.1", 5061, "192.0.2.1")),
        (Target("192.0.2.1", None, "TCP", secure=True), ALL, Hop("TLS", "192.0.2.1", 5061, "192.0.2.1")),
        (Target("192.0.2.1", None, "UDP", secure=True), ALL, None),
        (Target("192.0.2.1", None, None, secure=True), BOTH, None),
        (Target("192.0.2.1", None, "SCTP", secure=False), ALL, None),
        (plain("192.0.2.1"), frozenset(), None),
    ],
)
def test_numeric_host_is_its_own_hop(target: Target, transports: frozenset[str], expected: Hop | None) -> None:
    """RFC 3263 §4.1, §4.2; RFC 3261 §26.2.2."""
    assert numeric_hop(target, transports) == expected


def arrived(via: str, transport: str = "UDP", host: str = "192.0.2.4", port: int = 9988) -> tuple[Request, Flow]:
    parsed = parse_message(request(via=via, transport=transport))
    assert isinstance(parsed, Request)
    return parsed, Flow(transport, ("192.0.2.1", 5060), (host, port), None if transport == "UDP" else 3)


def test_request_from_where_it_says_stays_as_it_is() -> None:
    """§18.2.1."""
    asked, flow = arrived("SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1")

    assert with_source(asked, flow) is asked


def test_domain_name_gets_received() -> None:
    """§18.2.1's example."""
    asked, flow = arrived("SIP/2.0/UDP bobspc.biloxi.com:5060")

    assert str(with_source(asked, flow).via) == "SIP/2.0/UDP bobspc.biloxi.com:5060;received=192.0.2.4"


def test_rport_is_filled_in_with_received_even_if_equal() -> None:
    """RFC 3581 §4: "even if it is identical to the value of the "sent-by" component"."""
    asked, flow = arrived("SIP/2.0/UDP 192.0.2.4:5060;rport;branch=z9hG4bK1")

    via = with_source(asked, flow).via

    assert (via.received, via.rport) == ("192.0.2.4", 9988)


def test_false_received_is_corrected() -> None:
    """Or responses could be aimed at anybody."""
    asked, flow = arrived("SIP/2.0/UDP 192.0.2.4;received=203.0.113.9;branch=z9hG4bK1")

    assert with_source(asked, flow).via.received == "192.0.2.4"


def test_vias_below_the_top_are_kept() -> None:
    asked, flow = arrived("SIP/2.0/UDP proxy.example;branch=z9hG4bK1, SIP/2.0/TCP ua.example;branch=z9hG4bK2")

    marked = with_source(asked, flow)

    assert [via.host for via in marked.vias] == ["proxy.example", "ua.example"]
    assert [via.received for via in marked.vias] == ["192.0.2.4", None]


def test_zone_of_a_link_local_source_stays_out_of_the_message_but_leads_back() -> None:
    """RFC 4007 §11; §25.1 has no place for it."""
    asked, flow = arrived("SIP/2.0/UDP [fe80::2]:5062;rport;branch=z9hG4bK1", host="fe80::1%eth0")

    assert with_source(asked, flow).via.received == "fe80::1"
    assert reply_path(asked.via, flow).hop == Hop("UDP", "fe80::1%eth0", 9988)


@pytest.mark.parametrize(
    ("via", "transport", "expected"),
    [
        ("SIP/2.0/UDP h.example:5070", "UDP", Hop("UDP", "192.0.2.4", 5070)),
        ("SIP/2.0/UDP h.example", "UDP", Hop("UDP", "192.0.2.4", 5060)),
        ("SIP/2.0/UDP h.example;rport", "UDP", Hop("UDP", "192.0.2.4", 9988)),
        ("SIP/2.0/UDP h.example;rport;maddr=224.0.1.75", "UDP", Hop("UDP", "224.0.1.75", 5060)),
        ("SIP/2.0/UDP h.example;maddr=name.example", "UDP", Hop("UDP", "192.0.2.4", 5060)),
        ("SIP/2.0/TCP h.example;rport", "TCP", Hop("TCP", "192.0.2.4", 5060)),
        ("SIP/2.0/TLS h.example", "TLS", Hop("TLS", "192.0.2.4", 5061)),
    ],
)
def test_responses_go_back_by_18_2_2(via: str, transport: str, expected: Hop) -> None:
    """§18.2.2, RFC 3581 §4."""
    _, flow = arrived(via, transport)

    path = reply_path(parse_via(via), flow)

    assert path.hop == expected
    assert path.connection == flow.connection


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        ("SIP/2.0/UDP 10.0.0.1:4000;received=192.0.2.4;rport=9988", Hop("UDP", "192.0.2.4", 9988)),
        ("SIP/2.0/UDP 10.0.0.1:4000;received=192.0.2.4", Hop("UDP", "192.0.2.4", 4000)),
        ("SIP/2.0/UDP 10.0.0.1:4000;maddr=192.0.2.9;rport=9", Hop("UDP", "192.0.2.9", 4000)),
        ("SIP/2.0/TCP 10.0.0.1;received=192.0.2.4;rport=9988", Hop("TCP", "192.0.2.4", 5060)),
        ("SIP/2.0/UDP h.example", None),
        ("SIP/2.0/SCTP 10.0.0.1", None),
    ],
)
def test_via_alone_tells_where_a_response_goes(via: str, expected: Hop | None) -> None:
    """§18.2.2."""
    assert via_destination(parse_via(via)) == expected


def test_path_carries_by_datagram_or_by_stream() -> None:
    udp, tcp = Hop("UDP", "192.0.2.4", 5060), Hop("TCP", "192.0.2.4", 5060)
    ours = ("192.0.2.1", 5060)

    assert Path(udp, ours, ours).carry(b"x") == SendDatagram(b"x", ours, ("192.0.2.4", 5060))
    assert Path(tcp, ours, ours, connection=4).carry(b"x") == SendStream(b"x", tcp, 4)
    assert [Path(hop, ours, ours).reliable for hop in (udp, tcp)] == [False, True]
