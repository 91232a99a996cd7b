"""Transactions: RFC 3261 §17. The machines themselves are the tables in `machines`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.machines import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Action,
    Event,
    Machine,
    State,
)
from firmware.sip.matching import ServerKey, client_key
from firmware.sip.transport import Flow, Hop

if TYPE_CHECKING:
    from firmware.sip.address import Contact
    from firmware.sip.cores.core import Core, TransactionUser
    from firmware.sip.message import Request, Response
    from firmware.sip.next_hop import Path

__all__ = ["Action", "Attempt", "ClientTransaction", "Event", "ServerTransaction", "State"]


class Attempt:
    """One client transaction of §17.1: one request with one branch, sent to one hop."""

    __slots__ = ("ack", "data", "interval", "key", "machine", "owner", "path", "request", "state")

    def __init__(self, request: Request, data: bytes, path: Path, owner: ClientTransaction) -> None:
        self.machine: Machine = INVITE_CLIENT if request.method == "INVITE" else NON_INVITE_CLIENT
        self.state: State = self.machine.initial
        self.request = request
        """As sent, with our Via on top."""
        self.data = data
        """The request's bytes, kept for retransmission."""
        self.path = path
        self.owner = owner
        self.key = client_key(request.via, request.method)
        self.interval = 0.0
        """What Timer A or E was last set to, seconds."""
        self.ack: bytes | None = None
        """The ACK's bytes once a 300-699 response came (§17.1.1.3)."""

    def step(self, event: Event) -> tuple[Action, ...]:
        """Move to the state the figure shows and return the actions it shows."""
        self.state, actions = self.machine.step(self.state, event)
        return actions


class ClientTransaction:
    """A request on its way: the one handle its user sees, however many hops are tried (RFC 3263 §4.3).

    Each hop gets an `Attempt` of its own. Compared by identity, so it can be a dictionary's key.
    """

    __slots__ = (
        "attempt",
        "branch_suffix",
        "cancel_reason",
        "cancelled",
        "contact",
        "finished",
        "hops",
        "id",
        "located",
        "original",
        "user",
    )

    def __init__(
        self,
        number: int,
        request: Request,
        user: TransactionUser | None,
        contact: Contact | None = None,
        branch_suffix: str = "",
    ) -> None:
        self.id = number
        """Unique within its endpoint."""
        self.original = request
        """As its user gave it, without our Via."""
        self.user = user
        self.contact = contact
        self.branch_suffix = branch_suffix
        self.hops: list[Path] = []
        """Those still untried."""
        self.located = False
        """True if its hops came from a look-up."""
        self.attempt: Attempt | None = None
        """The current one; None while the hops are being located."""
        self.cancelled = False
        """True once `Endpoint.cancel` was called."""
        self.cancel_reason: str | None = None
        self.finished = False
        """True once its user was given a final response or a failure."""

    @property
    def method(self) -> str:
        """The request's method."""
        return self.original.method

    @property
    def request(self) -> Request:
        """The request as last sent, with our Via on top; as its user gave it while nothing is sent yet."""
        return self.original if self.attempt is None else self.attempt.request

    @property
    def flow(self) -> Hop | None:
        """The hop the request was last sent to; None while nothing is sent yet."""
        return None if self.attempt is None else self.attempt.path.hop

    @property
    def state(self) -> State:
        """The state of the current attempt; LOCATING while there is none."""
        return State.LOCATING if self.attempt is None else self.attempt.state


class ServerTransaction:
    """A request that came in, and our answer to it: §17.2. Compared by identity."""

    __slots__ = (
        "core",
        "data",
        "flow",
        "id",
        "interval",
        "key",
        "machine",
        "path",
        "request",
        "response",
        "started",
        "state",
        "to_tag",
    )

    def __init__(
        self, number: int, request: Request, flow: Flow, path: Path, key: ServerKey, to_tag: str, now: float
    ) -> None:
        self.machine: Machine = INVITE_SERVER if request.method == "INVITE" else NON_INVITE_SERVER
        self.state: State = self.machine.initial
        self.id = number
        """Unique within its endpoint."""
        self.request = request
        """As it came, with `received` and `rport` filled in (§18.2.1, RFC 3581 §4)."""
        self.flow = flow
        """The path it came by."""
        self.path = path
        """Where responses go (§18.2.2)."""
        self.key = key
        self.to_tag = to_tag
        """The tag for the To of our responses: the request's own, or one made for this transaction (§8.2.6.2)."""
        self.started = now
        """When the request came, monotonic seconds."""
        self.core: Core | None = None
        """The core that took it."""
        self.response: Response | None = None
        """The one sent last."""
        self.data = b""
        """Its bytes, kept for retransmission."""
        self.interval = 0.0
        """What Timer G was last set to, seconds."""

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def answered(self) -> bool:
        """True once a final response was given."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    def step(self, event: Event) -> tuple[Action, ...]:
        """Move to the state the figure shows and return the actions it shows."""
        self.state, actions = self.machine.step(self.state, event)
        return actions
