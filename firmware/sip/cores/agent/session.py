"""An answered call: the INVITE usage of a dialog, from the 2xx to BYE (RFC 3261 §12.2, §13, §15; RFC 5407)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.cores.agent.acceptance import Acceptance
from firmware.sip.cores.agent.bodies import session_description
from firmware.sip.cores.agent.exchange import Exchange
from firmware.sip.cores.agent.offers import Offers
from firmware.sip.cores.agent.session_timer import SessionTimer
from firmware.sip.cores.agent.station import Station, capabilities, with_body
from firmware.sip.cores.agent.transfer import Referral, Transferor
from firmware.sip.cores.agent.usage import Usage, said_reason
from firmware.sip.cores.user_agent_events import Acknowledged, AnswerReceived, By

if TYPE_CHECKING:
    from firmware.sip.cores.account import Account
    from firmware.sip.cores.core import Failure
    from firmware.sip.dialog import Dialog
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ServerTransaction


class Session(Usage):
    """A call with a confirmed dialog. After `over` it lives on until its BYE is answered."""

    def __init__(self, station: Station, call: str, account: Account, dialog: Dialog, *, initiator: bool) -> None:
        """`initiator`: the dialog's first INVITE was ours."""
        super().__init__(station, call, account)
        self.dialog = dialog
        self.initiator = initiator
        self.timer = SessionTimer(self)
        self._offers = Offers(self)
        self._transferor = Transferor(self)
        self._ack: Request | None = None
        """Our ACK to the first INVITE's 2xx."""
        self._unanswered: Request | None = None
        """Our first INVITE, had it no offer, while the application makes the answer for the ACK."""
        self._acceptances: dict[int, Acceptance] = {}
        """Our 2xx that wait for an ACK, by CSeq number."""
        self._bye_after_ack = False
        self._buried = False

    # --- the start, as UAC (§13.2.2.4) ---

    def acknowledge(self, invite: Request, sdp: bytes, now: float) -> None:
        """Send the ACK for the 2xx to our first INVITE."""
        self._unanswered = None
        self._ack = self.dialog.ack(invite, with_body(sdp), sdp)
        self.acknowledge_again(now)

    def acknowledge_again(self, now: float) -> None:
        """The 2xx came once more: so does its ACK."""
        if self._ack is not None:
            self.station.endpoint.send_stateless(self._ack, now)

    def await_answer(self, invite: Request) -> None:
        """The 2xx has the offer; `answer` will bring what the ACK carries."""
        self._unanswered = invite

    def answer(self, sdp: bytes | None, now: float) -> None:
        """Send the ACK with our answer."""
        if self._unanswered is not None:
            self.acknowledge(self._unanswered, sdp or b"", now)
            self._offers.go_on(now)

    def dismiss(self, invite: Request, now: float) -> None:
        """One 2xx too many: ACK, then BYE (§13.2.2.4)."""
        self.over = True
        self.acknowledge(invite, b"", now)
        self._send_bye(now)

    # --- the start, as UAS (§13.3.1.4) ---

    def accepted(self, transaction: ServerTransaction, response: Response, now: float, *, first: bool = False) -> None:
        """Our 2xx to an INVITE was sent once; see to it that it arrives."""
        offered = session_description(transaction.request) is None
        acceptance = Acceptance(self.station, self, transaction, response, now, offered=offered, first=first)
        self._acceptances[acceptance.number] = acceptance

    def acknowledged(self, request: Request, now: float) -> None:
        """An ACK came; one for a 2xx that has its ACK already is a retransmission."""
        acceptance = self._acceptances.pop(request.cseq.number, None)
        if acceptance is None:
            return
        acceptance.stop()
        if self._bye_after_ack:
            self._send_bye(now)
        if self.over:
            return
        sdp = session_description(request)
        if acceptance.first:
            self.station.report(Acknowledged(self.call, sdp))
        elif acceptance.offered:
            self.station.report(AnswerReceived(self.call, sdp))
        self._offers.go_on(now)

    def never_acknowledged(self, acceptance: Acceptance, now: float) -> None:
        """§13.3.1.4: the dialog is confirmed all the same, but the session is ended with a BYE."""
        self._acceptances.pop(acceptance.number, None)
        if not self.over:
            self.end(408, "No ACK", "network")
            self._offers.close(now)
        self._send_bye(now)

    @property
    def settled(self) -> bool:
        """True while no 2xx of ours or theirs waits for its ACK."""
        return not self.over and not self._acceptances and self._unanswered is None

    @property
    def owed_an_answer(self) -> bool:
        """True while an offer of ours, in a 2xx, has no answer yet (RFC 5407 §3.1.5)."""
        return any(acceptance.offered for acceptance in self._acceptances.values())

    @property
    def confirmed_dialog(self) -> Dialog | None:
        """See Usage."""
        return None if self.over else self.dialog

    # --- offers ---

    def reinvite(self, sdp: bytes, now: float) -> None:
        """See Usage."""
        self._offers.propose(sdp, now)

    def accept_offer(self, sdp: bytes | None, now: float) -> None:
        """See Usage."""
        self._offers.accept(sdp, now)

    def refuse_offer(self, status: int, now: float) -> None:
        """See Usage."""
        self._offers.refuse(status, now)

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """See Usage."""
        self._offers.cancelled(transaction, now)

    def transfer(self, refer_to: str, now: float) -> None:
        """See Usage."""
        self._transferor.ask(refer_to, now)

    def reply_fields(self, transaction: ServerTransaction) -> tuple[tuple[str, object], ...]:
        """What every 2xx within the dialog says of us."""
        flow = transaction.flow
        contact = self.station.contact_towards(self.account, flow.remote[0], flow.transport, secure=self.dialog.secure)
        return (("Contact", contact), *capabilities())

    # --- the end (§15) ---

    def end(self, code: int, reason: str, by: By, *, answered_elsewhere: bool = False) -> None:
        """See Usage."""
        self.timer.stop()
        super().end(code, reason, by, answered_elsewhere=answered_elsewhere)

    def hang_up(self, status: int, now: float) -> None:
        """End the call with BYE, as soon as we may."""
        self.end(200, "", "local")
        self._release(now)

    def replaced(self, now: float) -> None:
        """See Usage."""
        self.end(200, "Replaced", "remote")
        self._release(now)

    def fail(self, code: int, reason: str, by: By, now: float) -> None:
        """The dialog does not work any more (§12.2.1.2)."""
        self.end(code, reason, by)
        self._release(now)

    def _release(self, now: float) -> None:
        self._offers.close(now)
        if self._unanswered is not None:
            self.acknowledge(self._unanswered, b"", now)
        if any(acceptance.first for acceptance in self._acceptances.values()):
            # §15: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an ACK".
            self._bye_after_ack = True
        else:
            self._send_bye(now)

    def _send_bye(self, now: float) -> None:
        self._bye_after_ack = False
        self._stop_waiting()
        request = self.dialog.request("BYE", self.station.random)
        Exchange(self.station, self.account, self, request, dialog=self.dialog).send(now)

    def _stop_waiting(self) -> None:
        for acceptance in self._acceptances.values():
            acceptance.stop()
        self._acceptances.clear()

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """Our BYE is answered: whatever the answer, this is over (§15.1.1)."""
        self.bury(now)

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """Our BYE is not answered, see ExchangeUser."""
        self.bury(now)

    def bury(self, now: float) -> None:
        """Forget the dialog, unless a transfer we asked for still reports within it (RFC 5589 §6.1)."""
        self._buried = True
        self.bury_if_over()

    def bury_if_over(self) -> None:
        """The last report of a transfer came."""
        if self._buried and not self._transferor.listening():
            self.forget(self.dialog)

    def _receive_bye(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        self.station.endpoint.reply(transaction, 200, now)
        self._bye_after_ack = False
        self._offers.close(now)
        self._stop_waiting()
        self.end(200, said_reason(request), "remote")
        self.bury(now)

    # --- requests ---

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Answer a request of our peer."""
        if not self.dialog.accepts(request):
            self.station.endpoint.reply(transaction, 500, now)  # §12.2.2
        elif request.method == "BYE":
            self._receive_bye(transaction, request, now)
        elif request.method == "NOTIFY":
            self._transferor.receive_notify(transaction, request, now)
        elif self.over:
            self.station.endpoint.reply(transaction, 481, now)  # RFC 5407 §3.2.2
        elif request.method in ("INVITE", "UPDATE"):
            self._offers.receive(transaction, request, now)
        elif request.method == "REFER":
            Referral.begin(self, transaction, request, now)
        else:
            super().request_received(transaction, request, now)
