"""The UDP sockets of RTP sessions: RTP on an even port, RTCP on the next odd one (RFC 3550 §11)."""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass

DSCP_EF = 46
"""Expedited forwarding (RFC 3246), for telephony's media (RFC 4594 §4.1)."""
LARGEST_DATAGRAM = 2048
_SO_TIMESTAMPNS_NEW = 64
# asm-generic/socket.h: two 64-bit numbers on every machine, since Linux 5.1.
_STAMP = struct.Struct("=qq")
_ANCILLARY_OCTETS = socket.CMSG_SPACE(_STAMP.size)


@dataclass(frozen=True, slots=True)
class SocketPair:
    """The two sockets of one session."""

    rtp: socket.socket
    rtcp: socket.socket
    host: str
    """Numeric address they are bound to."""
    port: int
    """Of RTP."""

    def close(self) -> None:
        """Close both."""
        self.rtp.close()
        self.rtcp.close()


class RtpSockets:
    """Opens socket pairs within a range of ports, taking each pair in turn so that a port just closed rests a while."""

    def __init__(self, ports: tuple[int, int]) -> None:
        """`ports`: first and last that may be used.

        Raises:
            ValueError: there is no even port with an odd one after it in the range.
        """
        first, last = ports
        self._evens = range(first + first % 2, last, 2)
        if not self._evens:
            raise ValueError(f"no pair of ports between {first} and {last}")
        self._next = 0

    def open(self, host: str, port: int | None = None) -> SocketPair:
        """Bind a pair on a local numeric address: at `port`, or at the next free even port.

        Raises:
            OSError: no port is free, or the address is not ours.
        """
        if port is not None:
            return _bind(host, port)
        error: OSError | None = None
        for _ in self._evens:
            candidate = self._evens[self._next]
            self._next = (self._next + 1) % len(self._evens)
            try:
                return _bind(host, candidate)
            except OSError as refused:
                error = refused
        raise OSError(f"no free pair of ports from {self._evens[0]} to {self._evens[-1] + 1} on {host}") from error


def _bind(host: str, port: int) -> SocketPair:
    rtp = _bound(host, port)
    try:
        rtcp = _bound(host, port + 1)
    except OSError:
        rtp.close()
        raise
    return SocketPair(rtp, rtcp, str(rtp.getsockname()[0]), port)


def _bound(host: str, port: int) -> socket.socket:
    family, address = _numeric(host, port)
    bound = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, DSCP_EF << 2)
        else:
            bound.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, DSCP_EF << 2)
        with contextlib.suppress(OSError):
            # An older kernel: then packets come when they are read.
            bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS_NEW, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _numeric(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]:
    if ":" not in host:
        return socket.AF_INET, (host, port)
    # The zone of a link-local address becomes a number.
    flags = socket.AI_NUMERICHOST | socket.AI_PASSIVE
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)[0]
    return family, address  # type: ignore[return-value]


def receive(readable: socket.socket) -> tuple[bytes, tuple[str, int], float | None] | None:
    """One datagram, where it came from, and when by the wall clock (None: the kernel does not say).

    None if there is none, or in place of an error that an earlier packet of ours met (ICMP): the far end is not
    there, perhaps not yet.
    """
    try:
        data, ancillary, _, source = readable.recvmsg(LARGEST_DATAGRAM, _ANCILLARY_OCTETS)
    except OSError:
        return None
    stamp = None
    if ancillary and ancillary[0][1] == _SO_TIMESTAMPNS_NEW:
        seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
        stamp = seconds + nanoseconds * 1e-9
    return data, source[:2], stamp
