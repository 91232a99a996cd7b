"""UDP sockets whose datagrams bear the kernel's stamp of their arrival, so that the sender is measured and not us."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator

HOST = "127.0.0.1"
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@qq")

Address = tuple[str, int]


class StampedSocket:
    """A UDP socket on loopback; a context manager."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def __enter__(self) -> StampedSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, to: Address) -> None:
        """Send a datagram."""
        self.socket.sendto(data, to)

    def receive(self, seconds: float) -> tuple[bytes, Address, float] | None:
        """The next datagram, where it came from, when by the wall clock; None: none within `seconds`."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        data, ancillary, _, source = self.socket.recvmsg(4096, 256)
        whole, nanoseconds = _STAMP.unpack(ancillary[0][2][: _STAMP.size])
        return data, source, whole + nanoseconds * 1e-9

    def waiting(self) -> Iterator[tuple[bytes, float]]:
        """The datagrams that are there now, and when they came."""
        while (came := self.receive(0.0)) is not None:
            yield came[0], came[2]
