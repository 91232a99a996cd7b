"""Placing a call: the UAC of the first INVITE (RFC 3261 §8.1, §9.1, §13.2, §15; RFC 3264 as opaque octets).

One INVITE may fork into many early dialogs (RFC 4504 Req-27). The first 2xx wins and becomes the call's `Session`;
later ones from other phones are acknowledged and released at once (§13.2.2.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from firmware.sip.address import NameAddress
from firmware.sip.cores.agent.bodies import session_description
from firmware.sip.cores.agent.redirection import Redirection
from firmware.sip.cores.agent.session import Session
from firmware.sip.cores.agent.station import Station, Way, capabilities, with_body
from firmware.sip.cores.agent.usage import FAILURES, Usage, connected_party
from firmware.sip.cores.user_agent_events import Answered, By, Progress, Responded
from firmware.sip.dialog import Dialog
from firmware.sip.fields import Fields
from firmware.sip.identifiers import new_call_id, new_cseq, new_tag
from firmware.sip.message import Request, Response

if TYPE_CHECKING:
    from firmware.sip.cores.account import Account
    from firmware.sip.cores.core import Failure
    from firmware.sip.transaction import ClientTransaction, ServerTransaction
    from firmware.sip.transport import Hop
    from firmware.sip.uri import SipUri, Uri

MAX_FORKS = 32
"""Dialogs kept for one INVITE; further answerers are ignored, and released by their own timers."""


class Observer(Protocol):
    """Who else wants to know how a call goes: the transferor (RFC 3515 §2.4.5)."""

    def call_progressed(self, status: int, reason: str, now: float) -> None:
        """A provisional or final response."""
        ...


class OutgoingCall(Usage):
    """A call we place, until it is answered or over."""

    def __init__(
        self,
        station: Station,
        call: str,
        account: Account,
        *,
        extra: tuple[tuple[str, object], ...] = (),
        observer: Observer | None = None,
    ) -> None:
        super().__init__(station, call, account)
        self._extra = extra
        self._observer = observer
        self._request: Request | None = None
        self._transaction: ClientTransaction | None = None
        self._way = Way()
        self._attempt = 0
        self._redirection = Redirection()
        self._early: dict[str, Dialog] = {}
        self._sessions: dict[str, Session] = {}
        """By remote tag: everybody who answered."""

    # --- sending ---

    def start(self, target: SipUri, to: NameAddress, sdp: bytes | None, now: float) -> None:
        """Send the first INVITE (§13.2.1)."""
        station, account = self.station, self.account
        sender = NameAddress.of(account.address, account.display_name).with_tag(new_tag(station.random))
        fields = [
            ("From", sender),
            ("To", to),
            ("Call-ID", new_call_id(station.random)),
            ("CSeq", f"{new_cseq(station.random)} INVITE"),
            *self._extra,
            *capabilities(),
            *with_body(sdp),
        ]
        self._redirection.tried(target)
        self._send_to(Request("INVITE", target, Fields(fields), sdp or b""), now)

    def _send_to(self, request: Request, now: float) -> None:
        """Send the INVITE to its Request-URI by the routes that this needs."""
        self._way = self.station.way_to(self.account, request.uri)
        self._attempt = 0
        routed = request.without("Route", "Authorization", "Proxy-Authorization")
        if self._way.routes:
            routed = routed.with_("Route", *self._way.routes)
        if self._way.served:
            routed = self.station.keyring(self.account).anticipate(routed)
        self._send(routed, now)

    def _send(self, request: Request, now: float, hop: Hop | None = None) -> None:
        self._request = request
        self._transaction = self.station.send(
            self.account, request, self, now, way=self._way, with_contact=True, hop=hop
        )

    def _send_again(self, request: Request, now: float, *, elsewhere: bool) -> None:
        """§8.1.3.4, §8.1.3.5: another attempt is a new transaction with the next number, but the same call."""
        self._drop_early()
        self.station.report(Responded(self.call))
        again = request.with_("CSeq", f"{request.cseq.number + 1} INVITE")
        if elsewhere:
            self._send_to(again, now)
        else:
            # Who challenged us knows the nonce; the server before it in DNS may be the one that did not answer.
            self._send(again, now, None if self._transaction is None else self._transaction.flow)

    # --- verbs ---

    def hang_up(self, status: int, now: float) -> None:
        """Give up (§9.1, §15: CANCEL; should a 2xx cross it, ACK and BYE)."""
        self._give_up(487, "Request Terminated", "local", now)

    def replaced(self, now: float) -> None:
        """RFC 3891 §3: an early dialog we began is cancelled when another call takes its place."""
        self._give_up(487, "Replaced", "remote", now)

    def _give_up(self, code: int, reason: str, by: By, now: float) -> None:
        self.end(code, reason, by)
        self._drop_early()
        if self._transaction is not None:
            self.station.endpoint.cancel(self._transaction, now)

    def end(self, code: int, reason: str, by: By, *, answered_elsewhere: bool = False) -> None:
        """See Usage."""
        self.station.cancel_alarms(self, "no answer")
        super().end(code, reason, by, answered_elsewhere=answered_elsewhere)

    def alarm(self, name: str, now: float) -> None:
        """Nobody answers and nobody says so any more (§16.6 step 11's Timer C, at the caller)."""
        self._give_up(408, "Request Timeout", "network", now)
        self._tell_observer(408, "Request Timeout", now)

    # --- responses ---

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """See TransactionUser."""
        if self._way.served and transaction.flow is not None:
            self.station.door.learn_servers(self.account, [transaction.flow.host])
        if response.is_success:
            self._receive_success(transaction, response, now)
        elif transaction is not self._transaction:
            return
        elif response.is_provisional:
            self._receive_provisional(transaction, response, now)
        else:
            self._receive_failure(response, now)

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """See TransactionUser."""
        if transaction is self._transaction and not self._sessions:
            if self._way.served:
                self.station.unanswered(self.account, now)
            self._fail(*FAILURES[failure], "network", now)

    def _receive_provisional(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        if self.over or self._sessions:
            return
        if self.station.no_answer_s is not None:
            self.station.set_alarm(self, "no answer", now + self.station.no_answer_s)
        if response.status == 100:
            self.station.report(Responded(self.call))
            return
        self._note_early(transaction.request, response)
        sdp = session_description(response)
        self.station.report(Progress(self.call, response.status, response.reason, sdp))
        self._tell_observer(response.status, response.reason, now)

    def _note_early(self, request: Request, response: Response) -> None:
        """§12.1: a provisional response with a To tag makes an early dialog."""
        tag = response.to.tag
        if not tag or tag in self._early or len(self._early) >= MAX_FORKS:
            return
        dialog = Dialog.from_response(request, response)
        self._early[tag] = dialog
        self.station.dialogs[dialog.id] = self

    def _receive_success(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        tag = response.to.tag or ""
        known = self._sessions.get(tag)
        if known is not None:
            known.acknowledge_again(now)  # §13.2.2.4: the ACK is passed on for every retransmission
        elif len(self._sessions) < MAX_FORKS:
            self._begin_session(transaction.request, response, tag, now)

    def _begin_session(self, request: Request, response: Response, tag: str, now: float) -> None:
        dialog = self._early.pop(tag, None)
        if dialog is None:
            dialog = Dialog.from_response(request, response)
        else:
            dialog.confirm(response)
        session = Session(self.station, self.call, self.account, dialog, initiator=True)
        self.station.dialogs[dialog.id] = session
        wanted = not self.over and not self._sessions
        self._sessions[tag] = session
        if wanted:
            self._become(session, request, response, now)
        else:
            session.dismiss(request, now)

    def _become(self, session: Session, request: Request, response: Response, now: float) -> None:
        """The first 2xx: the other early dialogs end with it (§13.2.2.4), the session takes over the call."""
        self.station.cancel_alarms(self, "no answer")
        self._drop_early()
        self.station.calls[self.call] = session
        session.timer.answered(request, response, now)
        if request.body:
            session.acknowledge(request, b"", now)
        else:
            session.await_answer(request)
        # Whom a referral leads to was vouched for by who sent us there, often by a Contact that no person can read.
        who = connected_party(response, response.to, trusted=self._way.served or self._observer is not None)
        self.station.report(Answered(self.call, session_description(response), *who))
        self._tell_observer(response.status, response.reason, now)

    def _drop_early(self) -> None:
        for dialog in self._early.values():
            self.forget(dialog)
        self._early.clear()

    def _receive_failure(self, response: Response, now: float) -> None:
        """§8.1.3: a final response other than 2xx, which ends all early dialogs (§13.2.2.3)."""
        self._drop_early()
        if self.over or self._sessions or self._try_again(response, now):
            return
        self._fail(response.status, response.reason, "remote", now)

    def _try_again(self, response: Response, now: float) -> bool:
        request = self._request
        assert request is not None
        if response.status in (401, 407) and self._way.served:
            again = self.station.keyring(self.account).authorise(request, response, self._attempt)
            if again is not None:
                self._attempt += 1
                self._send_again(again, now, elsewhere=False)
                return True
        if response.status == 422 and response.min_se is not None:
            return self._ask_for_longer(request, response.min_se.seconds, now)
        if response.status < 600:  # §8.1.3.4 ends the recursion at the first 6xx, as §16.6 does for a proxy
            target = self._redirection.next(request.uri, response, self._callable)
            if target is not None:
                self._send_again(request.with_uri(target), now, elsewhere=True)
                return True
        return False

    def _ask_for_longer(self, request: Request, least: int, now: float) -> bool:
        """RFC 4028 §7.3: a server put a session interval into our INVITE that is too short for another."""
        if request.min_se is not None and request.min_se.seconds >= least:
            return False
        self._send_again(request.with_("Min-SE", least).with_("Session-Expires", least), now, elsewhere=False)
        return True

    def _callable(self, uri: Uri) -> SipUri | None:
        return self.station.callable_uri(self.account, uri)

    def _fail(self, code: int, reason: str, by: By, now: float) -> None:
        self._drop_early()
        if not self.over:
            self._tell_observer(code, reason, now)
        self.end(code, reason, by)

    def _tell_observer(self, status: int, reason: str, now: float) -> None:
        if self._observer is not None:
            self._observer.call_progressed(status, reason, now)

    # --- requests in an early dialog ---

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Answer what comes before the call is answered."""
        dialog = self._early.get(request.from_.tag or "")
        if dialog is None or not dialog.accepts(request):
            self.station.endpoint.reply(transaction, 481 if dialog is None else 500, now)
        elif request.method == "UPDATE":
            self._receive_update(transaction, request, dialog, now)
        elif request.method == "BYE":
            # §15: a callee must not, but some do, and then this fork is over.
            self.station.endpoint.reply(transaction, 200, now)
            self.forget(self._early.pop(dialog.remote_tag))
        else:
            super().request_received(transaction, request, now)

    def _receive_update(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float) -> None:
        if request.body:
            # RFC 3311 §5.2: our own offer, in the INVITE, has no reliable answer yet.
            self.station.endpoint.reply(transaction, 491, now)
            return
        dialog.refresh_target(request)
        flow = transaction.flow
        contact = self.station.contact_towards(self.account, flow.remote[0], flow.transport)
        self.station.endpoint.reply(transaction, 200, now, fields=[("Contact", contact)])
