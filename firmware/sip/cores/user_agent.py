"""The user agent core: UAC and UAS for every account (RFC 3261 §8, §9, §11 to §15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from firmware.sip.cores.account import Account
from firmware.sip.cores.core import Failure
from firmware.sip.cores.user_agent_events import UserAgentEvent
from firmware.sip.message import Request, Response
from firmware.sip.transport import Flow
from firmware.sip.uri import Uri

if TYPE_CHECKING:
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.transaction import ClientTransaction, ServerTransaction


class UserAgent:
    """The telephone as SIP sees it: its registrations and its calls.

    Verbs on a call that is already over do nothing: an event saying so is on its way to the application.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        accounts: Sequence[Account],
        random: Random,
        *,
        accept_from: Callable[[Account, str], bool] | None = None,
        max_calls: int = 32,
        no_answer_s: float | None = None,
    ) -> None:
        """Append this core to `endpoint.cores` yourself.

        `accept_from(account, host)`: True lets calls in from a further source address, beyond the account's own
        servers and (for an account that does not register) the local network.
        `max_calls`: calls at a time; more are answered 486.
        `no_answer_s`: give up an outgoing call so long after its last provisional response; None: never.
        """

    def start(self, now: float) -> None:
        """Register every account that wants it."""

    def stop(self, now: float) -> None:
        """Remove the registrations and end all calls; `idle` tells when that is done."""

    @property
    def idle(self) -> bool:
        """True when, after `stop`, nothing is left to say to anybody."""
        return True

    def events(self) -> list[UserAgentEvent]:
        """What happened since the last time."""
        return []

    def register_again(self, now: float) -> None:
        """Refresh every registration now: the network changed."""

    def invite(self, call: str, account: str, to: str | Uri, sdp: bytes | None, now: float) -> None:
        """Call `to` (sip, sips or tel) from the account with that address. Without `sdp` the callee makes the offer."""

    def ring(self, call: str, now: float) -> None:
        """Answer 180 Ringing to an incoming call."""

    def answer(self, call: str, sdp: bytes | None, now: float) -> None:
        """Answer 200 to an incoming call; or, after `Answered` to our INVITE without offer, send the ACK with `sdp`."""

    def reject(self, call: str, status: int, now: float, reason: str | None = None) -> None:
        """Answer an incoming call with a final response, 300 to 699."""

    def hang_up(self, call: str, now: float, status: int = 486) -> None:
        """End a call by CANCEL, BYE, or for one still ringing here by the final response `status`."""

    def reinvite(self, call: str, sdp: bytes, now: float) -> None:
        """Offer a new session description; `AnswerReceived` or `OfferRefused` follows. A later offer replaces a waiting one."""

    def accept_offer(self, call: str, sdp: bytes | None, now: float) -> None:
        """Answer an `OfferReceived` with 200."""

    def refuse_offer(self, call: str, status: int, now: float) -> None:
        """Answer an `OfferReceived` with an error, usually 488."""

    def transfer(self, call: str, now: float, *, to: str | Uri | None = None, replaces_call: str | None = None) -> None:
        """Ask the far end to call `to` instead (RFC 5589 §6), or to take the place of us in `replaces_call` (§7)."""

    def follow_transfer(self, call: str, new_call: str, sdp: bytes | None, now: float) -> None:
        """Do what `TransferRequested` asked: call there as `new_call`, and keep the transferor informed."""

    def refuse_transfer(self, call: str, now: float, status: int = 603) -> None:
        """Tell the transferor that we will not."""

    # --- Core ---

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Take what is addressed to us, see Core."""
        return False

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        """Take an ACK for a 2xx of ours, see Core."""
        return False

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """The caller gave up, see Core."""

    def server_transaction_failed(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        """Our final response reached nobody, see Core."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Not used: each request has a user of its own."""

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """Not used: each request has a user of its own."""

    def handle_timers(self, now: float) -> None:
        """Do what is due."""

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted."""
        return None
