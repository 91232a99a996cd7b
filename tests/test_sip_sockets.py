"""The sockets of the transport layer on loopback: UDP and TCP, IPv4 and IPv6 (RFC 3261 §18)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from firmware.runtime import sip_sockets
from firmware.runtime.sip_sockets import MAX_BACKLOG_OCTETS, MAX_CONNECTIONS, ListenError, SipSockets, local_address
from firmware.sip.transport import CloseConnection, Flow, Hop, ListeningPoint, SendDatagram, SendStream

LOOPBACKS = ["127.0.0.1", "::1"]


class User:
    """Writes down what the sockets report."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Flow]] = []
        self.opened: list[Flow] = []
        self.closed: list[int] = []
        self.failed: list[Hop] = []
        self.happened = asyncio.Event()

    def sip_received(self, data: bytes, flow: Flow) -> None:
        self.received.append((data, flow))
        self.happened.set()

    def sip_connection_opened(self, flow: Flow) -> None:
        self.opened.append(flow)
        self.happened.set()

    def sip_connection_closed(self, connection: int, hop: Hop | None) -> None:
        self.closed.append(connection)
        self.happened.set()

    def sip_delivery_failed(self, hop: Hop) -> None:
        self.failed.append(hop)
        self.happened.set()

    async def until(self, done: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not done():
                self.happened.clear()
                await self.happened.wait()


def run(test: Callable[[SipSockets, User], Awaitable[None]]) -> None:
    async def whole() -> None:
        user = User()
        sockets = SipSockets(user)
        try:
            await asyncio.wait_for(test(sockets, user), 60)
        finally:
            await sockets.close()

    asyncio.run(whole())


async def listen(sockets: SipSockets, transport: str, host: str = "127.0.0.1") -> tuple[str, int]:
    """Listen on a port of the system's choice; where."""
    (point,) = await sockets.open([ListeningPoint(transport, host, 0)])
    assert point.port
    return point.host, point.port


def free_port(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as trial:
        trial.bind((host, 0))
        return int(trial.getsockname()[1])


@pytest.mark.parametrize("host", LOOPBACKS)
def test_datagrams_come_and_go(host: str) -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        first, second = await listen(sockets, "UDP", host), await listen(sockets, "UDP", host)
        for octets in (b"one", b"x" * 60_000):
            sockets.send_datagram(SendDatagram(octets, first, second))
        await user.until(lambda: len(user.received) == 2)
        assert user.received == [
            (b"one", Flow("UDP", second, first)),
            (b"x" * 60_000, Flow("UDP", second, first)),
        ]

    run(test)


def test_a_wildcard_sends_from_its_port() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        here = await listen(sockets, "UDP")
        (wild,) = await sockets.open([ListeningPoint("UDP", "0.0.0.0", 0)])
        sockets.send_datagram(SendDatagram(b"hello", ("127.0.0.1", wild.port), here))
        await user.until(lambda: user.received)
        assert user.received[0][1].remote == ("127.0.0.1", wild.port)

    run(test)


@pytest.mark.parametrize(("wildcard", "asked", "asker"), [("0.0.0.0", "127.0.0.2", "127.0.0.1"), ("::", "::1", "::1")])
def test_a_wildcard_knows_which_address_was_asked_and_answers_from_there(wildcard: str, asked: str, asker: str) -> None:
    """RFC 3581 §4: the response goes out from the address that the request came to, or no translator lets it in."""

    async def test(sockets: SipSockets, user: User) -> None:
        (wild,) = await sockets.open([ListeningPoint("UDP", wildcard, 0)])
        here = await listen(sockets, "UDP", asker)
        sockets.send_datagram(SendDatagram(b"question", here, (asked, wild.port)))
        await user.until(lambda: user.received)
        flow = user.received.pop()[1]
        sockets.send_datagram(SendDatagram(b"answer", flow.local, flow.remote))
        await user.until(lambda: user.received)

        assert flow == Flow("UDP", (asked, wild.port), here)
        assert user.received == [(b"answer", Flow("UDP", here, (asked, wild.port)))]

    run(test)


def test_an_answer_from_an_address_that_is_gone_leaves_from_another() -> None:
    """A new lease came between request and response."""

    async def test(sockets: SipSockets, user: User) -> None:
        (wild,) = await sockets.open([ListeningPoint("UDP", "0.0.0.0", 0)])
        here = await listen(sockets, "UDP")
        sockets.send_datagram(SendDatagram(b"answer", ("192.0.2.77", wild.port), here))
        await user.until(lambda: user.received)

        assert user.received[0][1].remote == ("127.0.0.1", wild.port)

    run(test)


def test_a_family_that_is_not_listened_on_is_a_failed_delivery() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        here = await listen(sockets, "UDP")
        sockets.send_datagram(SendDatagram(b"hello", here, ("::1", 5060)))
        await user.until(lambda: user.failed)
        assert user.failed == [Hop("UDP", "::1", 5060)]

    run(test)


@pytest.mark.parametrize("host", LOOPBACKS)
def test_a_port_that_nobody_listens_on_is_reported(host: str) -> None:
    """§18.4: ICMP says so."""

    async def test(sockets: SipSockets, user: User) -> None:
        here = await listen(sockets, "UDP", host)
        there = (host, free_port(host, socket.SOCK_DGRAM))
        sockets.send_datagram(SendDatagram(b"hello", here, there))
        await user.until(lambda: user.failed)
        assert user.failed == [Hop("UDP", *there)]
        sockets.send_datagram(SendDatagram(b"to myself", here, here))
        await user.until(lambda: user.received)  # the socket is as good as before

    run(test)


@pytest.mark.parametrize("remote", [("192.0.2.1", 0), ("255.255.255.255", 5060)])
def test_what_cannot_be_sent_at_all_is_reported(remote: tuple[str, int]) -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        here = await listen(sockets, "UDP")
        sockets.send_datagram(SendDatagram(b"hello", here, remote))
        await user.until(lambda: user.failed)
        assert user.failed[0] == Hop("UDP", *remote)

    run(test)


def test_a_flood_lets_others_have_their_turn() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        here = await listen(sockets, "UDP")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for n in range(3 * sip_sockets.BATCH):
                flood.sendto(b"%d" % n, here)
        turns = 0
        while len(user.received) < 3 * sip_sockets.BATCH:
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 3
        assert [octets for octets, _ in user.received] == [b"%d" % n for n in range(3 * sip_sockets.BATCH)]

    run(test)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_port_in_use_names_the_remedy(transport: str) -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if transport == "TCP":
                taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(ListenError, match=rf"{transport.lower()}:127.0.0.1:{port}: another program") as caught:
                await sockets.open([ListeningPoint(transport, "127.0.0.1", port)])
            assert "sip.listen" in str(caught.value)

    run(test)


def test_an_ipv6_address_is_named_as_the_configuration_writes_it() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        with pytest.raises(ListenError, match=r"cannot listen on udp:\[2001:db8::77\]:5060: "):
            await sockets.open([ListeningPoint("UDP", "2001:db8::77", 5060)])

    run(test)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_an_address_of_another_machine_names_the_remedy(transport: str) -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        with pytest.raises(ListenError, match="no such address"):
            await sockets.open([ListeningPoint(transport, "192.0.2.77", 5060)])

    run(test)


def test_what_was_opened_before_a_failure_is_closed() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        port = free_port(kind=socket.SOCK_DGRAM)
        with pytest.raises(ListenError):
            await sockets.open([ListeningPoint("UDP", "127.0.0.1", port), ListeningPoint("UDP", "192.0.2.77", 5060)])
        await SipSockets(user).open([ListeningPoint("UDP", "127.0.0.1", port)])

    run(test)


# --- streams ---


@pytest.mark.parametrize("host", LOOPBACKS)
def test_a_stream_is_opened_once_and_used_both_ways(host: str) -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        hop = Hop("TCP", *await listen(sockets, "TCP", host))
        for octets in (b"one ", b"two ", b"three"):  # before the connection stands
            sockets.send_stream(SendStream(octets, hop))
        await user.until(lambda: b"".join(octets for octets, _ in user.received) == b"one two three")
        assert len(user.opened) == 1
        flow = user.received[0][1]
        assert flow.transport == "TCP"
        assert flow.local == (hop.host, hop.port)
        assert flow.connection == user.opened[0].connection
        user.received.clear()
        sockets.send_stream(SendStream(b"back", Hop("TCP", *flow.remote), flow.connection))
        await user.until(lambda: user.received)
        assert user.received[0][0] == b"back"
        user.received.clear()
        sockets.send_stream(SendStream(b"again", hop))
        await user.until(lambda: user.received)
        assert len(user.opened) == 1

    run(test)


def test_who_is_not_there_is_a_failed_delivery() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        hop = Hop("TCP", "127.0.0.1", free_port())
        sockets.send_stream(SendStream(b"hello", hop))
        sockets.send_stream(SendStream(b"hello again", hop))
        await user.until(lambda: user.failed)
        assert user.failed == [hop]

    run(test)


def test_a_stream_that_ended_is_reported_and_opened_anew() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        hop = Hop("TCP", *await listen(sockets, "TCP"))
        sockets.send_stream(SendStream(b"one", hop))
        await user.until(lambda: user.received)
        accepted = user.opened[0].connection
        assert accepted is not None
        sockets.close_connection(CloseConnection(accepted))
        await user.until(lambda: len(user.closed) == 2)  # both ends
        assert user.failed == []  # what was sent had arrived
        sockets.send_stream(SendStream(b"two", hop))
        await user.until(lambda: len(user.received) == 2)
        assert len(user.opened) == 2

    run(test)


def test_a_stream_that_broke_is_a_failed_delivery() -> None:
    """§18.4: reset by the peer, what was sent last may be lost."""

    async def test(sockets: SipSockets, user: User) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            hop = Hop("TCP", *server.getsockname())
            sockets.send_stream(SendStream(b"INVITE", hop))
            peer, _ = await asyncio.to_thread(server.accept)
            assert await asyncio.to_thread(peer.recv, 10) == b"INVITE"
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            await user.until(lambda: user.failed)
            assert user.failed == [hop]
            assert len(user.closed) == 1

    run(test)


def test_a_peer_that_does_not_read_is_given_up() -> None:
    """What is kept for one is bounded."""

    async def test(sockets: SipSockets, user: User) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            hop = Hop("TCP", *server.getsockname())
            for _ in range(400):
                sockets.send_stream(SendStream(b"x" * (MAX_BACKLOG_OCTETS // 16), hop))
                await asyncio.sleep(0)
                if user.failed:
                    break
            await user.until(lambda: user.failed)
            assert user.failed[0] == hop

    run(test)


def test_closing_a_stream_whose_peer_does_not_read_does_not_wait() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        address = await listen(sockets, "TCP")
        with socket.create_connection(address):
            await user.until(lambda: user.opened)
            number = user.opened[0].connection
            assert number is not None
            for _ in range(12):
                sockets.send_stream(
                    SendStream(b"x" * (MAX_BACKLOG_OCTETS // 2), Hop("TCP", *user.opened[0].remote), number)
                )
            sockets.close_connection(CloseConnection(number))
            await user.until(lambda: user.closed)

    run(test)


def test_there_are_only_so_many_connections() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        address = await listen(sockets, "TCP")
        with contextlib.ExitStack() as stack:
            for _ in range(MAX_CONNECTIONS + 5):
                stack.enter_context(socket.create_connection(address))
                await asyncio.sleep(0)
            late = stack.enter_context(socket.create_connection(address))
            late.setblocking(False)
            with contextlib.suppress(ConnectionError):  # reset, or ended
                assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(late, 10), 30) == b""
            assert len(user.opened) == MAX_CONNECTIONS
        await user.until(lambda: len(user.closed) == MAX_CONNECTIONS)
        with socket.create_connection(address):  # and there is room again
            await user.until(lambda: len(user.opened) == MAX_CONNECTIONS + 1)

    run(test)


def test_after_the_close_nothing_is_reported() -> None:
    async def test(sockets: SipSockets, user: User) -> None:
        address = await listen(sockets, "TCP")
        with socket.create_connection(address) as peer:
            await user.until(lambda: user.opened)
            sockets.send_stream(SendStream(b"hello", Hop("TCP", "127.0.0.1", free_port())))
            await sockets.close()
            peer.settimeout(30)
            assert await asyncio.to_thread(peer.recv, 10) == b""
        assert user.closed == user.failed == []

    run(test)


# --- where we are ---


def test_our_address_towards_a_host_is_the_routing_tables() -> None:
    assert local_address("127.0.0.1") == "127.0.0.1"
    assert local_address("::1") == "::1"
    assert local_address("2001:db8::1").count(":") >= 2
