"""The transaction layer and the transport rules behind one door: RFC 3261 §17, §18; RFC 6026, 4320, 3581.

Octets come in through `receive`, outputs go out through `drain`, requests and responses go up to the `cores`.

```
    shell  -- receive -->  streams --> parse --+--> server side --> cores
                                               +--> client side --> transaction users
    shell  <-- drain ---  outputs  <------------ respond, send_request
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import cast

from firmware.sip.address import Contact
from firmware.sip.addresses import Addresses
from firmware.sip.client_side import ClientSide
from firmware.sip.context import Context, Counters, Limits
from firmware.sip.cores.core import Core, Failure, TransactionUser
from firmware.sip.grammar import MalformedMessage
from firmware.sip.machines import Event
from firmware.sip.message import Request, Response, parse_message
from firmware.sip.next_hop import via_destination
from firmware.sip.server_side import ServerSide
from firmware.sip.streams import Streams
from firmware.sip.timers import Timers
from firmware.sip.transaction import Attempt, ClientTransaction, ServerTransaction
from firmware.sip.transport import Flow, Hop, ListeningPoint, Output, SocketAddress
from firmware.sip.uri import SipUri

__all__ = ["Counters", "Endpoint", "Limits"]

_DEFAULT_TIMERS = Timers()
_DEFAULT_LIMITS = Limits()
_KEEP_ALIVE = b"\r\n\0 "
"""Octets that make up datagrams sent only to keep a NAT's binding."""


class Endpoint:
    """Transactions and routing for an ordered list of cores; never opens a socket, never reads a clock."""

    def __init__(
        self,
        *,
        points: Sequence[ListeningPoint],
        random: Random,
        local_address: Callable[[str], str],
        timers: Timers = _DEFAULT_TIMERS,
        limits: Limits = _DEFAULT_LIMITS,
        user_agent: str = "Offhook",
    ) -> None:
        """`local_address(remote numeric host)` is our numeric address towards it, for wildcard listening points."""
        self.cores: list[Core] = []
        """A new request is offered to each in turn."""
        self._context = Context(Addresses(points, local_address), random, timers, limits, user_agent)
        self._client = ClientSide(self._context)
        self._server = ServerSide(self._context, self.cores)
        self._streams = Streams(self._context)

    @property
    def counters(self) -> Counters:
        """How often what happened, since the start."""
        return self._context.counters

    @property
    def malformed(self) -> int:
        """Messages that could not be read."""
        return self._context.counters.malformed

    @property
    def transactions(self) -> tuple[int, int]:
        """How many client and server transactions there are now."""
        return len(self._client), len(self._server)

    # From the shell.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take a datagram, or a chunk of a stream (`flow.connection`)."""
        if flow.connection is not None:
            for message in self._streams.receive(data, flow, now):
                self._receive_message(message, flow, now)
        elif data.strip(_KEEP_ALIVE):
            self._receive_message(data, flow, now)

    def connection_opened(self, flow: Flow, now: float) -> None:
        """A stream was accepted: its first message must be whole within `Limits.message_deadline`. May be left out."""
        self._streams.open(flow, now)

    def connection_closed(self, connection: int, now: float, hop: Hop | None = None) -> None:
        """A stream ended: forget its partial message. `hop`: where it led, if we had opened it."""
        self._streams.forget(connection)
        if hop is not None:
            self._tell_lost(hop, now)

    def delivery_failed(self, hop: Hop, now: float) -> None:
        """ICMP says unreachable, or a stream to `hop` could not be opened, or broke (§18.4)."""
        self._client.delivery_failed(hop, now)
        self._server.delivery_failed(hop, now)
        self._tell_lost(hop, now)

    def _tell_lost(self, hop: Hop, now: float) -> None:
        for core in self.cores:
            core.hop_lost(hop, now)

    def located(self, query: int, hops: Sequence[Hop], now: float) -> None:
        """Take the answer to `Locate`; empty: nothing found."""
        self._client.located(query, hops, now)

    def handle_timers(self, now: float) -> None:
        """Do what is due, in the transactions and in the cores."""
        for key in self._context.agenda.pop_due(now):
            owner, what = cast("tuple[object, object]", key)
            try:
                self._due(owner, what, now)
            except MalformedMessage:
                self.counters.malformed += 1
        for core in self.cores:
            deadline = core.next_deadline()
            if deadline is not None and deadline <= now:
                core.handle_timers(now)

    def next_deadline(self) -> float | None:
        """Return the earliest deadline of the transactions and of the cores; None: there is none."""
        deadlines = [self._context.agenda.next_deadline(), *(core.next_deadline() for core in self.cores)]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def drain(self) -> list[Output]:
        """Return and forget what is to be sent, closed, located, in order."""
        outputs = list(self._context.outputs)
        self._context.outputs.clear()
        return outputs

    # For the cores.

    def send_request(
        self,
        request: Request,
        user: TransactionUser,
        now: float,
        *,
        hop: Hop | Flow | SipUri | None = None,
        contact: Contact | None = None,
        branch_suffix: str = "",
    ) -> ClientTransaction:
        """Send `request` (not ACK, not CANCEL) in a client transaction (§8.1.2, §17.1, RFC 3263 §4.3).

        Adds the top Via, and where absent Max-Forwards 70; User-Agent too unless it is forwarded (has a Via).
        Goes to `hop` if given (a Flow: back along it; a URI: to the server it names), else to the topmost Route if
        that is a loose router, else to the Request-URI. `contact`, if given, becomes the Contact with its host, port
        and transport replaced by ours as seen from the hop. `branch_suffix` ends the random branch (a proxy's loop
        detection, §16.6 step 8).
        `user` is never called from inside: failures met at once are reported by the next `handle_timers`.
        """
        assert request.method not in ("ACK", "CANCEL"), "ACK: send_stateless; CANCEL: cancel"
        return self._client.send(request, user, now, hop, contact, branch_suffix)

    def keep_alive(self, hop: Hop) -> None:
        """Send what keeps a NAT's binding or a stream open, and finds a hop that is lost (RFC 5626 §3.5)."""
        path = self._context.addresses.path(hop)
        if path is not None:
            self._context.send(b"\r\n\r\n", path)

    def send_stateless(
        self, message: Request | Response, now: float, *, hop: Hop | Flow | SipUri | None = None
    ) -> None:
        """Send once, without a transaction: the ACK to a 2xx (gets a Via with a new branch), a forwarded response.

        A request goes as in `send_request`; a response to a Hop or Flow, else where its top Via says (§18.2.2).
        """
        if isinstance(message, Request):
            self._client.send_stateless(message, now, hop)
            return
        if hop is None or isinstance(hop, SipUri):
            hop = via_destination(message.via)
        path = None if hop is None else self._context.addresses.path(hop)
        if path is not None:
            self._context.send(bytes(message), path)

    def cancel(self, transaction: ClientTransaction, now: float, *, reason: str | None = None) -> None:
        """Cancel an INVITE (§9.1): at once if a provisional response came, else as soon as one does.

        `reason` is a Reason header value (RFC 3326). The user still gets the final response (487, or a 2xx that
        crossed), or after 64*T1 the failure "timeout"; "unresolved" if it was still being located.
        """
        self._client.cancel(transaction, now, reason)

    def respond(
        self, transaction: ServerTransaction, response: Response, now: float, *, forwarded: bool = False
    ) -> None:
        """Give the transaction a response to send (§17.2, §18.2.2); adds Server unless `forwarded`.

        A 2xx to INVITE may be given again and again until its ACK comes (RFC 6026 §7.1). What RFC 4320 forbids
        (1xx but late 100, and 408, to anything but INVITE) is not sent.
        """
        self._server.respond(transaction, response, now, forwarded)

    def reply(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str | None = None,
        *,
        fields: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
    ) -> Response:
        """Make the response of §8.2.6 with the transaction's To tag, `respond` with it, and return it."""
        return self._server.reply(transaction, status, now, reason, tuple(fields), body)

    def contact_address(self, remote_host: str, transport: str) -> SocketAddress:
        """Return our host and port as `remote_host` (numeric) sees them: for Contact, Record-Route, SDP.

        Raises `ValueError` when we do not listen on `transport` in that address family.
        """
        return self._context.addresses.contact_address(remote_host, transport)

    def is_own_address(self, host: str, port: int | None, transport: str | None = None) -> bool:
        """Return whether a numeric host and port designate this endpoint (Route popping, loops)."""
        return self._context.addresses.is_own(host, port, transport)

    # Inside.

    def _receive_message(self, data: bytes, flow: Flow, now: float) -> None:
        """The one place where what peers send wrongly ends: a request is answered, the rest is dropped and counted."""
        try:
            message = parse_message(data)
            if isinstance(message, Request):
                self.counters.requests += 1
                self._server.receive(message, flow, now)
            else:
                self.counters.responses += 1
                self._receive_response(message, flow, now)
        except MalformedMessage as error:
            self.counters.malformed += 1
            self._server.refuse(error, flow, now)

    def _receive_response(self, response: Response, flow: Flow, now: float) -> None:
        if self._client.receive(response, now):
            return
        self.counters.stray += 1
        for core in self.cores:
            stray_response = getattr(core, "stray_response", None)
            if stray_response is not None:
                stray_response(response, flow, now)

    def _due(self, owner: object, what: object, now: float) -> None:
        if isinstance(owner, ServerTransaction):
            self._server.due(owner, cast(Event, what), now)
        elif isinstance(owner, Attempt):
            self._client.attempt_due(owner, cast(Event, what), now)
        elif isinstance(owner, ClientTransaction):
            self._client.transaction_due(owner, cast(Failure, what), now)
        elif owner == "locate":
            self._client.query_due(cast(int, what), now)
        else:
            self._streams.close(cast(int, what))
