"""The transaction layer and transport rules behind one door: RFC 3261 §17, §18; RFC 6026, 4320, 3581.

Octets come in through `receive`, outputs go out through `drain`, requests and responses go up to the `cores`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from firmware.sip.cores.core import Core, TransactionUser
from firmware.sip.fields import Contact
from firmware.sip.message import Request, Response
from firmware.sip.timers import Timers
from firmware.sip.transaction import ClientTransaction, ServerTransaction
from firmware.sip.transport import Flow, Hop, ListeningPoint, Output, SocketAddress


@dataclass(frozen=True, slots=True)
class Limits:
    """What one endpoint holds at most, and for how long it waits for a peer."""

    transactions: int = 4096
    """Client transactions, and server transactions: each. A request beyond is answered 503."""
    connections: int = 256
    connections_per_host: int = 32
    message_deadline: float = 30.0
    """Seconds within which a message begun on a stream must be complete."""
    idle: float = 7200.0
    """Seconds after which a silent stream is closed."""


@dataclass(slots=True)
class Counters:
    """How often what happened, since the start."""

    requests: int = 0
    responses: int = 0
    malformed: int = 0
    """Messages that could not be read: answered with 400, or dropped."""
    stray: int = 0
    """Responses and ACKs that belong to nothing."""
    overload: int = 0
    """Requests refused with 503 because of `Limits.transactions`."""
    retransmissions: int = 0
    """Messages we sent again."""
    timeouts: int = 0
    transport_failures: int = 0


class Endpoint:
    """Transactions and routing for an ordered list of cores; never opens a socket, never reads a clock."""

    def __init__(
        self,
        *,
        points: Sequence[ListeningPoint],
        random: Random,
        local_address: Callable[[str], str],
        timers: Timers = Timers(),  # noqa: B008  (frozen)
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        user_agent: str = "Offhook",
    ) -> None:
        """`local_address(remote numeric host)` is our numeric address towards it, for wildcard listening points."""
        self.cores: list[Core] = []
        self.counters = Counters()
        raise NotImplementedError

    @property
    def malformed(self) -> int:
        """Messages that could not be read."""
        return self.counters.malformed

    # From the shell.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """A datagram, or a chunk of a stream (`flow.connection`)."""

    def connection_opened(self, flow: Flow, now: float) -> None:
        """A stream was accepted: its first message must be whole within `Limits.message_deadline`. May be left out."""

    def connection_closed(self, connection: int, now: float) -> None:
        """A stream ended: forget its partial message."""

    def delivery_failed(self, hop: Hop, now: float) -> None:
        """ICMP says unreachable, or a stream to `hop` could not be opened, or broke (§18.4)."""

    def located(self, query: int, hops: Sequence[Hop], now: float) -> None:
        """The answer to `Locate`; empty: nothing found."""

    def handle_timers(self, now: float) -> None:
        """Do what is due, in the transactions and in the cores."""

    def next_deadline(self) -> float | None:
        """The earliest deadline of the transactions and of the cores."""
        return None

    def drain(self) -> list[Output]:
        """Return and forget what is to be sent, closed, located, in order."""
        return []

    # For the cores.

    def send_request(
        self,
        request: Request,
        user: TransactionUser,
        now: float,
        *,
        hop: Hop | Flow | None = None,
        contact: Contact | None = None,
        branch_suffix: str = "",
    ) -> ClientTransaction:
        """Send `request` (not ACK, not CANCEL) in a client transaction (§8.1.2, §17.1, RFC 3263 §4.3).

        Adds the top Via, and where absent Max-Forwards 70; User-Agent too unless it is forwarded (has a Via).
        Goes to `hop` if given (a Flow: back along it), else the topmost Route if that is a loose router, else the
        Request-URI. `contact`, if given, becomes the Contact with its host, port and transport replaced by ours as
        seen from the hop. `branch_suffix` ends the random branch (a proxy's loop detection, §16.6 step 8).
        `user` is never called from inside: failures met at once are reported by the next `handle_timers`.
        """
        raise NotImplementedError

    def send_stateless(self, message: Request | Response, now: float, *, hop: Hop | Flow | None = None) -> None:
        """Send once, without a transaction: the ACK to a 2xx (gets a Via with a new branch), a forwarded response."""

    def cancel(self, transaction: ClientTransaction, now: float, *, reason: str | None = None) -> None:
        """Cancel an INVITE (§9.1): at once if a provisional response came, else as soon as one does.

        `reason` is a Reason header value (RFC 3326). The user still gets the final response (487, or a 2xx that
        crossed), or after 64*T1 the failure "timeout".
        """

    def respond(
        self, transaction: ServerTransaction, response: Response, now: float, *, forwarded: bool = False
    ) -> None:
        """Give the transaction a response to send (§17.2, §18.2.2); adds Server unless `forwarded`.

        A 2xx to INVITE may be given again and again until its ACK comes (RFC 6026 §7.1). What RFC 4320 forbids
        (1xx but late 100, and 408, to anything but INVITE) is not sent.
        """

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
        raise NotImplementedError

    def contact_address(self, remote_host: str, transport: str) -> SocketAddress:
        """Our host and port as `remote_host` (numeric) sees them: for Contact, Record-Route, SDP.

        Raises `ValueError` when we do not listen on `transport` in that address family.
        """
        raise NotImplementedError

    def is_own_address(self, host: str, port: int | None, transport: str | None = None) -> bool:
        """True if a numeric host and port designate this endpoint (Route popping, loops)."""
        return False
