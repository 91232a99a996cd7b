"""The user agent core: UAC and UAS for every account (RFC 3261 §8, §9, §11 to §15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from firmware.sip.address import NameAddress
from firmware.sip.cores.account import Account
from firmware.sip.cores.agent.answering import Invitation
from firmware.sip.cores.agent.calling import OutgoingCall
from firmware.sip.cores.agent.door import Door
from firmware.sip.cores.agent.keyring import Keyring
from firmware.sip.cores.agent.reception import Merged, refusal
from firmware.sip.cores.agent.station import Station, abilities
from firmware.sip.cores.agent.transfer import refer_to_replacing
from firmware.sip.cores.agent.usage import Usage
from firmware.sip.cores.core import Failure
from firmware.sip.cores.registration import Registration
from firmware.sip.cores.user_agent_events import Ended, UserAgentEvent
from firmware.sip.dialog import request_dialog_id
from firmware.sip.grammar import MalformedMessage
from firmware.sip.identifiers import new_contact_user
from firmware.sip.message import Request, Response
from firmware.sip.timers import Timers
from firmware.sip.transport import Flow, Hop
from firmware.sip.uri import OtherUri, SipUri, Uri, parse_uri

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
        timers: Timers = Timers(),  # noqa: B008  (frozen)
        max_calls: int = 32,
        no_answer_s: float | None = None,
    ) -> None:
        """Append this core to `endpoint.cores` yourself.

        `accept_from(account, host)`: True lets calls in from a further source address, beyond the account's own
        servers and (for an account that does not register) the local network.
        `timers`: the endpoint's.
        `max_calls`: calls at a time; more are answered 486.
        `no_answer_s`: give up an outgoing call so long after its last provisional response; None: never.
        """
        named = [
            account if account.contact_user else replace(account, contact_user=new_contact_user(random))
            for account in accounts
        ]
        self._accounts = {account.name: account for account in named}
        self._station = Station(
            endpoint,
            random,
            Door(named, endpoint.is_own_address, accept_from),
            timers,
            max_calls,
            no_answer_s,
            {account.name: Keyring(account, random) for account in named},
        )
        self._registrations = [Registration(self._station, account) for account in named if account.register]
        for registration in self._registrations:
            self._station.doubts[registration.account.name] = registration.doubt
        self._merged = Merged()
        self._serial = 0
        self._stopped = False

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts, with the Contact users drawn for them."""
        return tuple(self._accounts.values())

    def start(self, now: float) -> None:
        """Register every account that wants it."""
        self._stopped = False
        for registration in self._registrations:
            registration.start(now)

    def stop(self, now: float) -> None:
        """Remove the registrations and end all calls; `idle` tells when that is done."""
        self._stopped = True
        for usage in list(self._station.calls.values()):
            usage.hang_up(480, now)
        for registration in self._registrations:
            registration.stop(now)

    @property
    def idle(self) -> bool:
        """True when there is no call, no BYE under way, and no registration left to remove."""
        station = self._station
        return not station.calls and not station.dialogs and all(one.idle for one in self._registrations)

    def hop_lost(self, hop: Hop, now: float) -> None:
        """A registration that went there may be lost, see Core."""
        for registration in self._registrations:
            registration.hop_lost(hop, now)

    def events(self) -> list[UserAgentEvent]:
        """What happened since the last time."""
        events = list(self._station.reports)
        self._station.reports.clear()
        return events

    def register_again(self, now: float) -> None:
        """Refresh every registration now: the network changed."""
        for registration in self._registrations:
            registration.refresh(now)

    # --- calls ---

    def invite(self, call: str, account: str, to: str | Uri, sdp: bytes | None, now: float) -> None:
        """Call `to` (sip, sips or tel) from the account with that address. Without `sdp` the callee makes the offer.

        An address that cannot be called ends the call at once, by "local": 484 if it is none, 416 if of another kind.
        Raises `ValueError` for an unknown account and for a call id in use.
        """
        if call in self._station.calls:
            raise ValueError(f"call {call!r} exists")
        if account not in self._accounts:
            raise ValueError(f"no account {account!r}")
        try:
            uri = parse_uri(to) if isinstance(to, str) else to
        except MalformedMessage:
            # Not a peer's fault but the person's, who dialled it.
            self._station.report(Ended(call, 484, "Address Incomplete", "local"))
            return
        target = self._station.callable_uri(self._accounts[account], uri)
        if target is None:
            self._station.report(Ended(call, 416, "Unsupported URI Scheme", "local"))
            return
        outgoing = OutgoingCall(self._station, call, self._accounts[account])
        self._station.calls[call] = outgoing
        outgoing.start(target, NameAddress.of(target), sdp, now)

    def ring(self, call: str, now: float) -> None:
        """Answer 180 Ringing to an incoming call."""
        self._usage(call).ring(now)

    def answer(self, call: str, sdp: bytes | None, now: float) -> None:
        """Answer 200 to an incoming call; or, after `Answered` to our INVITE without offer, send the ACK with `sdp`."""
        self._usage(call).answer(sdp, now)

    def reject(self, call: str, status: int, now: float, reason: str | None = None) -> None:
        """Answer an incoming call with a final response, 300 to 699."""
        self._usage(call).reject(status, reason, now)

    def hang_up(self, call: str, now: float, status: int = 486) -> None:
        """End a call by CANCEL, BYE, or for one still ringing here by the final response `status`."""
        self._usage(call).hang_up(status, now)

    def reinvite(self, call: str, sdp: bytes, now: float) -> None:
        """Offer a new session description; `AnswerReceived` or `OfferRefused` follows.

        While another exchange is under way the offer waits; a later one takes the place of a waiting one.
        """
        self._usage(call).reinvite(sdp, now)

    def accept_offer(self, call: str, sdp: bytes | None, now: float) -> None:
        """Answer an `OfferReceived` with 200."""
        self._usage(call).accept_offer(sdp, now)

    def refuse_offer(self, call: str, status: int, now: float) -> None:
        """Answer an `OfferReceived` with an error, usually 488."""
        self._usage(call).refuse_offer(status, now)

    def _usage(self, call: str) -> Usage:
        """The call, or a stand-in on which every verb does nothing."""
        return self._station.calls.get(call) or Usage(self._station, call, Account(SipUri(None, "invalid")))

    # --- transfers ---

    def transfer(self, call: str, now: float, *, to: str | Uri | None = None, replaces_call: str | None = None) -> None:
        """Ask the far end to call `to` instead (RFC 5589 §6), or to take the place of us in `replaces_call` (§7).

        `TransferProgress` follows. The call goes on: hang up when the transfer has succeeded.
        """
        if to is not None:
            self._usage(call).transfer(f"<{to}>", now)
            return
        dialog = self._usage(replaces_call or "").confirmed_dialog
        if dialog is not None:
            self._usage(call).transfer(refer_to_replacing(dialog), now)

    def follow_transfer(self, call: str, new_call: str, sdp: bytes | None, now: float) -> None:
        """Do what `TransferRequested` asked: call there as `new_call`, and keep the transferor informed."""
        referral = self._station.referrals.get(call)
        if referral is None or new_call in self._station.calls:
            return
        referral.close()
        outgoing = OutgoingCall(
            self._station, new_call, referral.account, extra=referral.invite_fields(), observer=referral
        )
        self._station.calls[new_call] = outgoing
        outgoing.start(referral.target, NameAddress.of(referral.target, referral.to.display_name), sdp, now)

    def refuse_transfer(self, call: str, now: float, status: int = 603) -> None:
        """Tell the transferor that we will not."""
        referral = self._station.referrals.get(call)
        if referral is not None:
            referral.close()
            referral.call_progressed(status, "Declined", now)

    # --- Core ---

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Take what is addressed to us, see Core."""
        usage = self._station.dialogs.get(request_dialog_id(request)) if request.to.tag else None
        account = None if usage is not None else self._station.door.account_for(request)
        if usage is None and account is None and not self._is_for_nobody_else(request):
            return False
        if self._refuses(transaction, request, now):
            return True
        if usage is not None:
            usage.request_received(transaction, request, now)
        elif request.to.tag:
            self._station.endpoint.reply(transaction, 481, now)  # §12.2.2
        elif account is None or request.method == "OPTIONS":
            self._answer_options(transaction, now)
        else:
            self._receive_outside(transaction, request, account, now)
        return True

    def _is_for_nobody_else(self, request: Request) -> bool:
        """True for an OPTIONS that asks the machine itself (§11: a ping), and for schemes that no core can serve."""
        uri = request.uri
        if isinstance(uri, OtherUri):
            return True
        own = isinstance(uri, SipUri) and not uri.user and self._station.endpoint.is_own_address(uri.host, uri.port)
        return own and request.method == "OPTIONS" and not request.to.tag

    def _refuses(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """§8.2.1 to §8.2.3, in that order."""
        endpoint = self._station.endpoint
        refused = (416, ()) if isinstance(request.uri, OtherUri) else refusal(request)
        if refused is not None:
            endpoint.reply(transaction, refused[0], now, fields=refused[1])
            return True
        return not request.to.tag and self._merged.refuses(endpoint, transaction, request, now)

    def _answer_options(self, transaction: ServerTransaction, now: float) -> None:
        self._station.endpoint.reply(transaction, 200, now, fields=abilities())

    def _receive_outside(self, transaction: ServerTransaction, request: Request, account: Account, now: float) -> None:
        """A request outside a dialog: only INVITE can be one here."""
        endpoint = self._station.endpoint
        if request.method == "REFER":
            endpoint.reply(transaction, 403, now)  # nobody makes this phone call somebody without a call
        elif request.method != "INVITE":
            endpoint.reply(transaction, 481, now)  # BYE, UPDATE, INFO, NOTIFY live in dialogs
        elif request.replaces is not None:
            self._receive_replacing(transaction, request, account, now)
        elif not self._station.door.lets_in(account, transaction.flow.remote[0]):
            endpoint.reply(transaction, 403, now)
        elif self._stopped:
            endpoint.reply(transaction, 480, now)
        else:
            self._begin(transaction, account, None, now)

    def _receive_replacing(
        self, transaction: ServerTransaction, request: Request, account: Account, now: float
    ) -> None:
        """RFC 3891 §3. Who can name both tags of a dialog learnt them from somebody in it: the door lets him pass."""
        wanted = request.replaces
        assert wanted is not None
        old = self._station.dialogs.get((wanted.call_id, wanted.to_tag, wanted.from_tag))
        status = 0
        if old is None or isinstance(old, Invitation) or old.account != account:
            status = 481
        elif old.over:
            status = 603
        elif wanted.early_only and not isinstance(old, OutgoingCall):
            status = 486
        if status:
            self._station.endpoint.reply(transaction, status, now)
        else:
            self._begin(transaction, account, old, now)

    def _begin(self, transaction: ServerTransaction, account: Account, replaced: Usage | None, now: float) -> None:
        if len(self._station.calls) >= self._station.max_calls:
            self._station.endpoint.reply(transaction, 486, now)
            return
        self._serial += 1
        call = f"in-{self._serial}"
        invitation = Invitation(self._station, call, account, transaction, replaced)
        self._station.calls[call] = invitation
        invitation.start(now)

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        """Take an ACK for a 2xx of ours, see Core."""
        usage = self._station.dialogs.get(request_dialog_id(request))
        if usage is None:
            return False
        usage.acknowledged(request, now)
        return True

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """The caller gave up, see Core."""
        for usage in (*self._station.calls.values(),):
            usage.cancelled(transaction, cancel, now)

    def server_transaction_failed(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        """Nothing to do: an error response ended its call already, a 2xx has its own end (§13.3.1.4)."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Not used: each request has a user of its own."""

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """Not used: each request has a user of its own."""

    def handle_timers(self, now: float) -> None:
        """Do what is due."""
        self._station.handle_timers(now)

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted."""
        return self._station.agenda.next_deadline()
