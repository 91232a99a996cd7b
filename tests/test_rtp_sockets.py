"""Socket pairs of RTP sessions (RFC 3550 §11)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from firmware.runtime.rtp_sockets import RtpSockets, SocketPair, receive

PORTS = (46000, 46019)


@pytest.fixture
def sockets() -> RtpSockets:
    return RtpSockets(PORTS)


@pytest.fixture
def pair(sockets: RtpSockets) -> Iterator[SocketPair]:
    with closing(sockets.open("127.0.0.1")) as opened:
        yield opened


def test_rtp_is_even_and_rtcp_the_next(pair: SocketPair) -> None:
    assert pair.port % 2 == 0
    assert PORTS[0] <= pair.port < PORTS[1]
    assert pair.rtp.getsockname() == ("127.0.0.1", pair.port)
    assert pair.rtcp.getsockname() == ("127.0.0.1", pair.port + 1)
    assert pair.host == "127.0.0.1"


def test_packets_are_marked_for_expedited_forwarding(pair: SocketPair) -> None:
    """RFC 4594 §4.1: EF, 46, in the upper six bits."""
    for one in (pair.rtp, pair.rtcp):
        assert one.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0xB8


def test_sockets_never_block(pair: SocketPair) -> None:
    with pytest.raises(BlockingIOError):
        pair.rtp.recvfrom(100)


def test_ports_are_taken_in_turn(sockets: RtpSockets) -> None:
    with closing(sockets.open("127.0.0.1")) as first:
        known = first.port
    with closing(sockets.open("127.0.0.1")) as second:
        assert second.port == known + 2


def test_a_port_in_use_is_passed_over() -> None:
    with closing(RtpSockets(PORTS).open("127.0.0.1")) as first, closing(RtpSockets(PORTS).open("127.0.0.1")) as second:
        assert second.port == first.port + 2


def test_a_range_used_up_is_told() -> None:
    sockets = RtpSockets((46100, 46103))
    with ExitStack() as opened:
        for _ in range(2):
            opened.callback(sockets.open("127.0.0.1").close)

        with pytest.raises(OSError, match="46100 to 46103"):
            sockets.open("127.0.0.1")


def test_an_odd_first_port_is_rounded_up() -> None:
    with closing(RtpSockets((46111, 46114)).open("127.0.0.1")) as pair:
        assert pair.port == 46112


@pytest.mark.parametrize("ports", [(46001, 46002), (46000, 46000), (46010, 46000)])
def test_a_range_without_a_pair_is_refused(ports: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no pair"):
        RtpSockets(ports)


def test_one_certain_port(sockets: RtpSockets) -> None:
    with closing(sockets.open("127.0.0.1", 46200)) as pair:
        assert pair.port == 46200

        with pytest.raises(OSError, match="in use"):
            sockets.open("127.0.0.1", 46200)


def test_an_address_that_is_not_ours(sockets: RtpSockets) -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        sockets.open("192.0.2.1")


def test_ipv6(sockets: RtpSockets) -> None:
    try:
        pair = sockets.open("::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with closing(pair):
        assert pair.host == "::1"
        assert pair.rtp.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 0xB8


def test_a_datagram_comes_with_its_source_and_the_time_it_came(pair: SocketPair, sockets: RtpSockets) -> None:
    with closing(sockets.open("127.0.0.1")) as other:
        before = time.time()
        other.rtp.sendto(b"speech", ("127.0.0.1", pair.port))
        after = time.time()

    came = receive(pair.rtp)

    assert came is not None
    data, source, stamp = came
    assert (data, source) == (b"speech", ("127.0.0.1", other.port))
    assert stamp is not None
    assert before - 0.001 <= stamp <= after + 0.001


def test_nothing_to_receive_is_none(pair: SocketPair) -> None:
    assert receive(pair.rtcp) is None
