"""The lines of the virtual world, and what was sent over them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from firmware.sip.message import Message, Request, parse_message
from firmware.sip.transport import SocketAddress


@dataclass(frozen=True, slots=True)
class Link:
    """How what is sent fares on its way, each way alike."""

    delay: float = 0.005
    """Seconds."""
    jitter: float = 0.0
    """Up to so many seconds more, drawn for each datagram (which reorders them)."""
    loss: float = 0.0
    """Share of the datagrams that vanish."""
    doubled: float = 0.0
    """Share of the datagrams that arrive twice."""

    def late(self, random: Random) -> float:
        """Seconds that one datagram takes."""
        return self.delay + self.jitter * random.random()

    def fate(self, random: Random) -> tuple[float, ...]:
        """When the copies of one datagram arrive, in seconds from now: none, one or two."""
        if random.random() < self.loss:
            return ()
        copies = 2 if random.random() < self.doubled else 1
        return tuple(self.late(random) for _ in range(copies))


PERFECT = Link()
WITHIN = Link(delay=0.0)
"""From a host to itself."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One datagram or piece of a stream that a node sent."""

    at: float
    transport: str
    """"UDP", "TCP"; "RTP" for voice."""
    source: SocketAddress
    destination: SocketAddress
    data: bytes
    lost: bool = False

    @property
    def first_line(self) -> str:
        """The message's start line."""
        return self.data.partition(b"\r\n")[0].decode("utf-8", "replace")

    @property
    def is_keep_alive(self) -> bool:
        """Line ends alone (RFC 5626 §3.5.1)."""
        return not self.data.strip(b"\r\n")

    @property
    def message(self) -> Message:
        """What was sent."""
        return parse_message(self.data)

    @property
    def summary(self) -> str:
        """The method, or the status and the method it answers, as RFC 3665 draws its arrows."""
        if self.is_keep_alive:
            return "keep-alive"
        message = self.message
        return message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"
