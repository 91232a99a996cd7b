"""Where SIP messages come from and go to: RFC 3261 §18, as values."""

from __future__ import annotations

from dataclasses import dataclass

RELIABLE = frozenset(["TCP", "TLS"])
"""Transports whose transactions need no retransmission (RFC 3261 §17)."""

SocketAddress = tuple[str, int]
"""Numeric host and port."""


@dataclass(frozen=True, slots=True)
class ListeningPoint:
    """A port we listen on (RFC 3261 §18.2.1)."""

    transport: str
    """"UDP", "TCP" or "TLS"."""
    host: str
    """Numeric host bound; "0.0.0.0" and "::" mean every one."""
    port: int


@dataclass(frozen=True, slots=True)
class Hop:
    """A next hop: what RFC 3263 yields for a URI."""

    transport: str
    """"UDP", "TCP" or "TLS"."""
    host: str
    """Numeric host."""
    port: int
    server_name: str = ""
    """For TLS: the domain the certificate must name (RFC 5922)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The path a message came by (RFC 5626's word), by which it can be answered."""

    transport: str
    """"UDP", "TCP" or "TLS"."""
    local: SocketAddress
    """Our end."""
    remote: SocketAddress
    """The other end."""
    connection: int | None = None
    """The shell's number for a stream connection; None for a datagram."""


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send `data` from the listening point bound to `local` (the shell matches a wildcard too) to `remote`."""

    data: bytes
    local: SocketAddress
    remote: SocketAddress


@dataclass(frozen=True, slots=True)
class SendStream:
    """Send `data` on `connection` if that is still open, else on any connection to `hop`, else on a new one.

    The shell answers a failure with `Endpoint.delivery_failed(hop, now)`.
    """

    data: bytes
    hop: Hop
    connection: int | None = None


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a stream: its peer broke the framing, or stayed idle."""

    connection: int


@dataclass(frozen=True, slots=True)
class Locate:
    """Find the hops for a URI by RFC 3263; answer with `Endpoint.located(query, hops, now)`, hops empty if none."""

    query: int
    host: str
    port: int | None
    transport: str | None
    """The URI's transport parameter, upper case, if it has one."""
    secure: bool
    """True for sips."""


@dataclass(frozen=True, slots=True)
class HopSilent:
    """A hop that `Locate` yielded gave no answer at all, or could not be reached: try it last for a while.

    RFC 3263 §4.3 leaves the order of later requests open; §4.2's SRV order would make each wait 64*T1 for it again.
    """

    hop: Hop


@dataclass(frozen=True, slots=True)
class HopAnswered:
    """A hop that was `HopSilent` answers again."""

    hop: Hop


Output = SendDatagram | SendStream | CloseConnection | Locate | HopSilent | HopAnswered
