"""Where a message goes: RFC 3261 §8.1.2, §16.6 step 7, §18.1.1, §18.2.2 and RFC 3581 §4.

Only what needs no look-up: host names are left to `Locate` (RFC 3263).
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware.sip.locating import DEFAULT_PORTS, is_numeric
from firmware.sip.message import Request
from firmware.sip.transport import RELIABLE, Flow, Hop, Output, SendDatagram, SendStream, SocketAddress
from firmware.sip.uri import SipUri
from firmware.sip.via import Via

DATAGRAM_LIMIT = 1300
"""Octets: a larger request goes over a stream when the path MTU is unknown (§18.1.1)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URI says about where to send (RFC 3263 §4): the question `Locate` asks."""

    host: str
    port: int | None
    transport: str | None
    """Upper case; None: the URI does not say."""
    secure: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A hop, and what of ours to use towards it."""

    hop: Hop
    local: SocketAddress
    """The listening point to send datagrams from."""
    sent_by: SocketAddress
    """Our host and port as the other side should see them (Via, Contact)."""
    connection: int | None = None
    """The stream to prefer."""
    spare: bool = False
    """UDP for a request that is too large for it: only where TCP was refused (§18.1.1)."""

    @property
    def key(self) -> tuple[str, str, int]:
        """What the shell names when delivery failed: transport, host and port."""
        return (self.hop.transport, self.hop.host, self.hop.port)

    @property
    def reliable(self) -> bool:
        """True over a stream: nothing is retransmitted."""
        return self.hop.transport in RELIABLE

    def carry(self, data: bytes) -> Output:
        """Return the output that sends `data` along this path."""
        if self.hop.transport == "UDP":
            return SendDatagram(data, self.local, (self.hop.host, self.hop.port))
        return SendStream(data, self.hop, self.connection)


def target_of(request: Request, towards: SipUri | None = None) -> Target | None:
    """Where `request` goes by its topmost Route or its Request-URI; None if that is no SIP URI (§8.1.2).

    `towards` is a server to send it to in place of both.
    """
    routes = () if towards else request.routes
    uri = towards or request.uri
    # §12.2.1.1: towards a strict router the Request-URI is that router already, and the Route is the rest of the way.
    if routes and isinstance(routes[0].uri, SipUri) and routes[0].uri.lr:
        uri = routes[0].uri
    if not isinstance(uri, SipUri):
        return None
    return Target(uri.maddr or uri.host, uri.port, uri.transport, uri.secure)


def numeric_hop(target: Target, transports: frozenset[str]) -> Hop | None:
    """The hop for a numeric host, no look-up being needed (RFC 3263 §4.1, §4.2); None if we cannot send that way.

    `transports` are those we listen on in the host's family.
    """
    transport = target.transport or _default_transport(transports)
    if target.secure:
        # §26.2.2: sips with transport=tcp is TLS over TCP; over a datagram it cannot be.
        transport = "TLS" if transport in RELIABLE or target.transport is None else ""
    if transport not in transports:
        return None
    name = target.host if transport == "TLS" else ""
    return Hop(transport, target.host, target.port or DEFAULT_PORTS[transport], name)


def _default_transport(transports: frozenset[str]) -> str:
    # RFC 3263 §4.1: "the client SHOULD use UDP for a SIP URI".
    return "UDP" if "UDP" in transports else "TCP"


def reply_path(via: Via, flow: Flow) -> Path:
    """Where the responses to a request with this top Via go, that came by `flow` (§18.2.2, RFC 3581 §4).

    `received` is always the flow's source here, whatever the Via says of itself.
    """
    host, port = flow.remote
    if flow.transport in RELIABLE:
        # "using the existing connection [...]. If that connection is no longer open, the server SHOULD open a
        # connection to the IP address in the "received" parameter [...] using the port in the "sent-by" value".
        port = via.port or DEFAULT_PORTS[flow.transport]
    elif via.maddr is not None and is_numeric(via.maddr):
        host, port = via.maddr, via.port or DEFAULT_PORTS["UDP"]
    elif not via.has_rport:
        port = via.port or DEFAULT_PORTS["UDP"]
    return Path(Hop(flow.transport, host, port), flow.local, flow.local, flow.connection)


def via_destination(via: Via) -> Hop | None:
    """Where a response without a transaction goes, by its top Via alone (§18.2.2); None if only DNS could tell."""
    host = via.maddr or via.received or via.host
    if via.transport not in DEFAULT_PORTS or not is_numeric(host):
        return None
    port = via.rport if via.rport and not via.maddr and via.transport == "UDP" else via.port
    return Hop(via.transport, host, port or DEFAULT_PORTS[via.transport])


def with_source(request: Request, flow: Flow) -> Request:
    """Record in the top Via where `request` came from: `received` (§18.2.1) and `rport` (RFC 3581 §4)."""
    via = request.via
    host = flow.remote[0].partition("%")[0]  # a zone (RFC 4007) means nothing to others and is no part of §25.1
    marked = via.with_source(host, flow.remote[1])
    if marked.received not in (None, host):
        marked = marked.with_parameter("received", host)
    return request if marked is via else request.with_("Via", marked, *request.vias[1:])
