"""The sockets of the SIP transport layer (RFC 3261 §18): octets in, octets out, nothing understood.

UDP sockets are read in batches and report ICMP errors (§18.4) through Linux's error queue; one that is bound to every
address learns which one was asked (IP_PKTINFO, RFC 3542 §6) and answers from there. Streams are opened
on demand, reused by hop, and closed when their peer or the endpoint says so.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
import struct
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from firmware.sip.transport import CloseConnection, Flow, Hop, ListeningPoint, SendDatagram, SendStream

log = logging.getLogger(__name__)

IP_RECVERR = 11
"""Linux: ICMP errors are queued on the socket, with the datagram's destination."""
IPV6_RECVERR = 25
MSG_ERRQUEUE = 0x2000
IP_PKTINFO = 8
"""Linux, ip(7): with each datagram the interface, our address, and the address in its header."""
_PKTINFO = struct.Struct("=I4s4s")
_PKTINFO6 = struct.Struct("=16sI")
AF31 = 26 << 2
"""The DSCP of signalling (RFC 4504 Req-67) in the traffic class octet."""

BATCH = 64
"""Datagrams read in one go, before others get their turn."""
BACKLOG = 100
"""Streams that wait to be accepted."""
MAX_CONNECTIONS = 256
MAX_BACKLOG_OCTETS = 1 << 20
"""What a stream's peer may leave unread, before the stream is given up."""
CONNECT_TIMEOUT_S = 10.0
DATAGRAM_MAX = 65_535
_ANCILLARY_OCTETS = 128


class SipUser(Protocol):
    """What the sockets report to."""

    def sip_received(self, data: bytes, flow: Flow) -> None:
        """Octets came."""
        ...

    def sip_connection_opened(self, flow: Flow) -> None:
        """A stream was accepted."""
        ...

    def sip_connection_closed(self, connection: int, hop: Hop | None) -> None:
        """A stream is gone."""
        ...

    def sip_delivery_failed(self, hop: Hop) -> None:
        """Something sent to this hop did not arrive."""
        ...


class ListenError(OSError):
    """A listening point can't be opened; the text names it and the remedy."""


def local_address(remote: str) -> str:
    """Our numeric address towards a remote numeric host, as the routing table has it; loopback if there is no route."""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote, 9))  # a datagram socket: nothing is sent
            return str(probe.getsockname()[0]).partition("%")[0]
        except OSError:
            return loopback


def _listen_error(point: ListeningPoint, fault: OSError) -> ListenError:
    host = f"[{point.host}]" if ":" in point.host else point.host
    where = f"{point.transport.lower()}:{host}:{point.port}"
    if fault.errno == errno.EADDRINUSE:
        return ListenError(f"cannot listen on {where}: another program uses that port; stop it, or change sip.listen")
    if fault.errno == errno.EADDRNOTAVAIL:
        return ListenError(f"cannot listen on {where}: this machine has no such address; change sip.listen")
    return ListenError(f"cannot listen on {where}: {fault.strerror}; change sip.listen")


def _stream_socket(point: ListeningPoint) -> socket.socket:
    """A bound socket: asyncio's own binding hides the reason of a failure since Python 3.13."""
    family = socket.AF_INET6 if ":" in point.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((point.host, point.port))
        bound.listen(BACKLOG)
    except OSError as fault:
        bound.close()
        raise _listen_error(point, fault) from None
    return bound


class _DatagramSocket:
    """One UDP listening point."""

    def __init__(self, point: ListeningPoint, user: SipUser, loop: asyncio.AbstractEventLoop) -> None:
        self._user = user
        self._loop = loop
        self.family = socket.AF_INET6 if ":" in point.host else socket.AF_INET
        self._socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._set_options()
            self._socket.bind((point.host, point.port))
        except OSError as fault:
            self._socket.close()
            raise _listen_error(point, fault) from None
        self.local: tuple[str, int] = self._socket.getsockname()[:2]
        self.wild = ipaddress.ip_address(self.local[0]).is_unspecified
        if self.wild:
            self._learn_addresses()
        loop.add_reader(self._socket, self._readable)

    def _set_options(self) -> None:
        if self.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, AF31)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, AF31)

    def _learn_addresses(self) -> None:
        if self.family == socket.AF_INET6:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)

    def _receive(self) -> tuple[bytes, tuple[str, int], Any]:
        """The next datagram, our end of it, and the other. Raises OSError."""
        if not self.wild:
            data, remote = self._socket.recvfrom(DATAGRAM_MAX)
            return data, self.local, remote
        data, ancillary, _, remote = self._socket.recvmsg(DATAGRAM_MAX, _ANCILLARY_OCTETS)
        return data, (_asked(ancillary) or self.local[0], self.local[1]), remote

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                data, local, remote = self._receive()
            except BlockingIOError:
                self._drain_errors()  # harmless when there are none
                return
            except OSError:
                self._drain_errors()
                continue
            host = remote[0].partition("%")[0]
            self._user.sip_received(data, Flow("UDP", local, (host, remote[1])))

    def _drain_errors(self) -> None:
        for _ in range(BATCH):
            try:
                _, _, _, remote = self._socket.recvmsg(0, 512, MSG_ERRQUEUE)
            except OSError:
                return
            if remote:
                self._user.sip_delivery_failed(Hop("UDP", remote[0].partition("%")[0], remote[1]))

    def send(self, data: bytes, local: str, remote: tuple[str, int]) -> None:
        """Send from our address `local`, or from the one that the routing table has if it is not ours any more."""
        from_there = _from_address(local) if self.wild else ()
        for attempt in (1, 2):
            try:
                self._socket.sendmsg((data,), from_there if attempt == 1 else (), 0, remote)
                return
            except BlockingIOError:
                return  # a full socket buffer is a lost datagram: the transaction sends it again
            except OSError as fault:
                self._drain_errors()  # an error queued by an earlier datagram is reported on the next send
                again = fault.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH) or from_there
                if attempt == 2 or not again:
                    log.debug("cannot send to %s port %d: %s", remote[0], remote[1], fault.strerror)
                    self._loop.call_soon(self._user.sip_delivery_failed, Hop("UDP", *remote))
                    return

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()


def _asked(ancillary: Iterable[tuple[int, int, bytes]]) -> str | None:
    """Our address that a datagram came to; None: it was for several (multicast), or is of use on one link only."""
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            return socket.inet_ntop(socket.AF_INET, _PKTINFO.unpack(octets)[1])
        if (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            address = ipaddress.IPv6Address(_PKTINFO6.unpack(octets)[0])
            return None if address.is_multicast or address.is_link_local else str(address)
    return None


def _from_address(local: str) -> tuple[tuple[int, int, bytes], ...]:
    """What makes sendmsg(2) send from `local`, through whichever interface leads there; () if it may be any."""
    address = ipaddress.ip_address(local)
    if address.is_unspecified:
        return ()
    if address.version == 6:
        return ((socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO6.pack(address.packed, 0)),)
    return ((socket.IPPROTO_IP, IP_PKTINFO, _PKTINFO.pack(0, address.packed, bytes(4))),)


class _Stream(asyncio.Protocol):
    """One TCP connection, opened by either side."""

    def __init__(self, owner: SipSockets, hop: Hop | None) -> None:
        self.hop = hop
        self.accepted = hop is None
        self.number = 0
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._overrun = False
        self._flow: Flow | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        if not local or not remote:  # it went away between accept and here
            transport.abort()
            return
        self.number = self._owner.adopt(self)
        self._flow = Flow("TCP", local[:2], (remote[0].partition("%")[0], remote[1]), self.number)
        if self.hop is None:
            self.hop = Hop("TCP", *self._flow.remote)
        if not self.number:
            transport.abort()
        elif self.accepted:
            self._owner.user.sip_connection_opened(self._flow)

    def data_received(self, data: bytes) -> None:
        if self._flow is not None and self.number:
            self._owner.user.sip_received(data, self._flow)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.number:
            self._owner.forget(self, broken=exc is not None or self._overrun)

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > MAX_BACKLOG_OCTETS:
            self._overrun = True
            self._transport.abort()
            return
        self._transport.write(data)

    def close(self) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # its peer does not read: waiting for that would never end
        else:
            self._transport.close()


class SipSockets:
    """Every socket of one endpoint. Open with `await open(points)`."""

    def __init__(self, user: SipUser) -> None:
        self.user = user
        self._datagram: list[_DatagramSocket] = []
        self._servers: list[asyncio.Server] = []
        self._streams: dict[int, _Stream] = {}
        self._by_hop: dict[Hop, _Stream] = {}
        self._waiting: dict[Hop, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._closed = False

    async def open(self, points: Iterable[ListeningPoint]) -> tuple[ListeningPoint, ...]:
        """Listen on every point; the points as bound (a port 0 has become a number). Raises ListenError."""
        bound: list[ListeningPoint] = []
        try:
            for point in points:
                bound.append(await self._open(point))
        except ListenError:
            await self.close()
            raise
        return tuple(bound)

    async def _open(self, point: ListeningPoint) -> ListeningPoint:
        loop = asyncio.get_running_loop()
        if point.transport == "UDP":
            opened = _DatagramSocket(point, self.user, loop)
            self._datagram.append(opened)
            return ListeningPoint("UDP", *opened.local)
        server = await loop.create_server(lambda: _Stream(self, None), sock=_stream_socket(point))
        self._servers.append(server)
        return ListeningPoint("TCP", *server.sockets[0].getsockname()[:2])

    def adopt(self, stream: _Stream) -> int:
        """Count a new stream in; its number, 0 if there are too many."""
        if self._closed or len(self._streams) >= MAX_CONNECTIONS:
            return 0
        self._numbers += 1
        self._streams[self._numbers] = stream
        if stream.hop is not None:
            self._by_hop[stream.hop] = stream
        return self._numbers

    def forget(self, stream: _Stream, *, broken: bool) -> None:
        """A stream has ended; `broken`: what was sent last may not have arrived (RFC 3261 §18.4)."""
        self._streams.pop(stream.number, None)
        if stream.hop is not None and self._by_hop.get(stream.hop) is stream:
            del self._by_hop[stream.hop]
        if self._closed:
            return
        self.user.sip_connection_closed(stream.number, stream.hop)
        if broken and stream.hop is not None:
            self.user.sip_delivery_failed(stream.hop)

    def send_datagram(self, message: SendDatagram) -> None:
        """Send from the socket that is bound where the message says, or to the wildcard that holds it."""
        ipv6 = ":" in message.remote[0]
        chosen: _DatagramSocket | None = None
        for candidate in self._datagram:
            if (candidate.family == socket.AF_INET6) != ipv6:
                continue
            if candidate.local == message.local:
                chosen = candidate
                break
            if chosen is None or (candidate.wild and candidate.local[1] == message.local[1]):
                chosen = candidate
        if chosen is None:
            self._failed_soon(Hop("UDP", *message.remote))
            return
        chosen.send(message.data, message.local[0], message.remote)

    def send_stream(self, message: SendStream) -> None:
        """Send on the stream named, else on one to the hop, else on a new one."""
        stream = self._streams.get(message.connection) if message.connection is not None else None
        stream = stream or self._by_hop.get(message.hop)
        if stream is not None and stream.number:
            stream.send(message.data)
            return
        waiting = self._waiting.get(message.hop)
        if waiting is not None:
            if sum(map(len, waiting)) < MAX_BACKLOG_OCTETS:
                waiting.append(message.data)
            return
        self._waiting[message.hop] = [message.data]
        self._start(self._connect(message.hop))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, hop: Hop) -> None:
        loop = asyncio.get_running_loop()
        stream = _Stream(self, hop)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: stream, hop.host, hop.port)
            if not stream.number:
                raise ConnectionError("it ended at once, or there are too many")
        except (OSError, TimeoutError) as fault:
            log.info("cannot connect to %s port %d: %s", hop.host, hop.port, fault or "no answer")
            self._waiting.pop(hop, None)
            self.user.sip_delivery_failed(hop)
            return
        for data in self._waiting.pop(hop, ()):
            stream.send(data)

    def _failed_soon(self, hop: Hop) -> None:
        asyncio.get_running_loop().call_soon(self.user.sip_delivery_failed, hop)

    def close_connection(self, message: CloseConnection) -> None:
        """Close one stream."""
        stream = self._streams.get(message.connection)
        if stream is not None:
            stream.close()

    async def close(self) -> None:
        """Close everything; what has been handed to a stream is still sent."""
        self._closed = True
        for opened in self._datagram:
            opened.close()
        self._datagram.clear()
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        for stream in tuple(self._streams.values()):
            stream.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
