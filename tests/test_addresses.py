"""Our own addresses: RFC 3261 §18.1.1."""

from __future__ import annotations

import pytest

from firmware.sip.addresses import Addresses
from firmware.sip.transport import Flow, Hop, ListeningPoint

LAN, WAN = "192.168.1.5", "203.0.113.5"


def towards(remote: str) -> str:
    """A machine with a private and a public address."""
    if ":" in remote:
        return "2001:db8::5"
    if remote.startswith("127."):
        return "127.0.0.1"
    return LAN if remote.startswith("192.168.") else WAN


def addresses(*points: str) -> Addresses:
    return Addresses([listening(point) for point in points], towards)


def listening(point: str) -> ListeningPoint:
    transport, host, port = point.split()
    return ListeningPoint(transport, host, int(port))


def test_wildcard_is_seen_under_the_address_that_leads_there() -> None:
    ours = addresses("UDP 0.0.0.0 5060", "TCP 0.0.0.0 5062")

    assert ours.contact_address("192.168.1.9", "UDP") == (LAN, 5060)
    assert ours.contact_address("198.51.100.1", "TCP") == (WAN, 5062)


def test_point_bound_to_one_address_is_seen_under_it() -> None:
    assert addresses(f"UDP {WAN} 5070").contact_address("192.168.1.9", "UDP") == (WAN, 5070)


def test_among_several_points_the_one_that_leads_there_is_taken() -> None:
    ours = addresses("UDP 127.0.0.1 5060", f"UDP {LAN} 5070", f"UDP {WAN} 5080")

    assert ours.contact_address("192.168.1.9", "UDP") == (LAN, 5070)
    assert ours.contact_address("198.51.100.1", "UDP") == (WAN, 5080)
    assert ours.contact_address("127.0.0.1", "UDP") == ("127.0.0.1", 5060)


@pytest.mark.parametrize(
    ("host", "transport"), [("2001:db8::1", "UDP"), ("192.168.1.9", "TCP"), ("192.168.1.9", "TLS")]
)
def test_no_point_for_a_family_or_a_transport(host: str, transport: str) -> None:
    ours = addresses("UDP 0.0.0.0 5060", "TCP :: 5060")

    assert ours.path(Hop(transport, host, 5060)) is None
    with pytest.raises(ValueError, match="no listening point"):
        ours.contact_address(host, transport)


def test_transports_are_those_of_the_hosts_family() -> None:
    ours = addresses("UDP 0.0.0.0 5060", "TCP 0.0.0.0 5060", "UDP :: 5060")

    assert ours.transports_to("192.168.1.9") == {"UDP", "TCP"}
    assert ours.transports_to("2001:db8::1") == {"UDP"}


def test_path_sends_from_the_point_and_names_what_is_seen() -> None:
    path = addresses("UDP 0.0.0.0 5060").path(Hop("UDP", "192.168.1.9", 5060))

    assert path is not None
    assert path.local == ("0.0.0.0", 5060)
    assert path.sent_by == (LAN, 5060)


def test_flow_is_gone_back_from_the_address_it_came_to() -> None:
    """RFC 3581 §4: from the same address and port."""
    ours = addresses("UDP 0.0.0.0 5060", "TCP 0.0.0.0 5062")

    by_udp = ours.path(Flow("UDP", (WAN, 5060), ("192.168.1.9", 41_000)))
    by_tcp = ours.path(Flow("TCP", (LAN, 5062), ("192.168.1.9", 41_000), 8))

    assert by_udp is not None
    assert by_tcp is not None
    assert (by_udp.local, by_udp.sent_by) == ((WAN, 5060), (WAN, 5060))
    assert (by_tcp.connection, by_tcp.sent_by) == (8, (LAN, 5062))


@pytest.mark.parametrize(
    ("host", "port", "transport", "own"),
    [
        (LAN, None, None, True),
        (LAN, 5060, "UDP", True),
        ("127.0.0.1", 5060, None, True),
        (LAN, 5062, None, False),
        (LAN, 5060, "TCP", False),
        (WAN, 5061, "TLS", True),
        (WAN, None, "TLS", True),
        (LAN, 5061, "TLS", False),
        ("192.168.1.9", 5060, None, False),
        ("2001:db8::5", 5060, None, False),
        ("phone.example", 5060, None, False),
    ],
)
def test_own_addresses(host: str, port: int | None, transport: str | None, own: bool) -> None:
    """§16.4: a Route or Request-URI that designates this element."""
    assert addresses("UDP 0.0.0.0 5060", f"TLS {WAN} 5061").is_own(host, port, transport) is own
