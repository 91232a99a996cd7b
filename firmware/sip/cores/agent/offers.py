"""Offers and answers within an established call: re-INVITE both ways (RFC 3261 §14, RFC 6141), UPDATE (RFC 3311)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.cores.agent.bodies import session_description
from firmware.sip.cores.agent.exchange import Exchange
from firmware.sip.cores.agent.station import capabilities, with_body
from firmware.sip.cores.agent.usage import FAILURES
from firmware.sip.cores.user_agent_events import AnswerReceived, OfferReceived, OfferRefused

if TYPE_CHECKING:
    from firmware.sip.cores.agent.session import Session
    from firmware.sip.cores.core import Failure
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ServerTransaction

PATIENCE = 180.0
"""Seconds after which a re-INVITE without a final response is cancelled."""


class Offers:
    """At most one offer at a time, ours or theirs (RFC 3264 §4); one more of ours may wait."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._station = session.station
        self._ours: Exchange | None = None
        """Our re-INVITE under way."""
        self._theirs: ServerTransaction | None = None
        """Their re-INVITE or UPDATE, until the application answers."""
        self._waiting: bytes | None = None
        """What we want to offer next."""
        self._backing_off = False

    # --- ours ---

    def propose(self, sdp: bytes, now: float) -> None:
        """Offer `sdp` as soon as nothing else is under way; a later proposal replaces a waiting one."""
        self._waiting = sdp
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Send the waiting offer, if now is the time (§14.1: not while another INVITE transaction is in progress)."""
        busy = self._ours or self._theirs or self._backing_off or not self._session.settled
        if self._waiting is None or busy:
            return
        session, sdp, self._waiting = self._session, self._waiting, None
        fields = (*capabilities(), *session.timer.request_fields(), *with_body(sdp))
        request = session.dialog.request("INVITE", self._station.random, fields, sdp)
        self._ours = Exchange(self._station, session.account, self, request, dialog=session.dialog, with_contact=True)
        self._station.set_alarm(self, "stuck", now + PATIENCE)
        self._ours.send(now)

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """Our re-INVITE has a final response, see ExchangeUser."""
        if response.is_success:
            self._succeed(exchange, response, now)
            return
        self._finish()
        if self._session.over:
            return
        if response.status == 422 and self._session.timer.raise_least(response):
            self._waiting = self._waiting or exchange.request.body
            self.go_on(now)
        elif response.status == 491:
            self._back_off(exchange.request.body, now)
        elif response.status in (408, 481):  # §12.2.1.2: the dialog is gone at the other end
            self._session.fail(response.status, response.reason, "remote", now)
        else:
            self._refused(response.status, response.reason, now)

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """Our re-INVITE got no answer, see ExchangeUser."""
        self._finish()
        code, reason = FAILURES[failure]
        if self._session.over:
            return
        if failure == "timeout":
            self._session.fail(code, reason, "network", now)
        else:
            self._refused(code, reason, now)

    def _succeed(self, exchange: Exchange, response: Response, now: float) -> None:
        if exchange.ack is not None:
            self._station.endpoint.send_stateless(exchange.ack, now)  # the 2xx again: so the ACK was lost
            return
        self._finish()
        self._session.dialog.refresh_target(response)
        self._session.timer.answered(exchange.request, response, now)
        exchange.ack = self._session.dialog.ack(exchange.request)
        self._station.endpoint.send_stateless(exchange.ack, now)
        if not self._session.over:
            self._station.report(AnswerReceived(self._session.call, session_description(response)))
            self.go_on(now)

    def _refused(self, status: int, reason: str, now: float) -> None:
        self._station.report(OfferRefused(self._session.call, status, reason))
        self.go_on(now)

    def _finish(self) -> None:
        self._ours = None
        self._station.cancel_alarms(self, "stuck")

    def _back_off(self, sdp: bytes, now: float) -> None:
        """§14.1: both offered at once; who made the Call-ID waits longer, so that one of us is first next time."""
        random = self._station.random
        hundredths = random.randint(210, 400) if self._session.initiator else random.randint(0, 200)
        if self._waiting is None:
            self._waiting = sdp
        self._backing_off = True
        self._station.set_alarm(self, "again", now + hundredths / 100)

    def alarm(self, name: str, now: float) -> None:
        """The wait is over, or a re-INVITE hangs."""
        if name == "again":
            self._backing_off = False
            self.go_on(now)
        elif self._ours is not None and self._ours.transaction is not None:
            self._station.endpoint.cancel(self._ours.transaction, now)

    # --- theirs ---

    def receive(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A re-INVITE or UPDATE came (§14.2, RFC 3311 §5.2)."""
        endpoint = self._station.endpoint
        if request.method == "UPDATE" and not request.body:
            self._session.dialog.refresh_target(request)
            timer = self._session.timer.response_fields(request, now)
            endpoint.reply(transaction, 200, now, fields=(*self._session.reply_fields(transaction), *timer))
        elif self._ours is not None or self._session.owed_an_answer:
            endpoint.reply(transaction, 491, now)
        elif self._theirs is not None:
            wait = self._station.random.randint(0, 10)
            endpoint.reply(transaction, 500, now, fields=[("Retry-After", wait)])
        else:
            self._theirs = transaction
            self._station.report(OfferReceived(self._session.call, session_description(request)))

    def accept(self, sdp: bytes | None, now: float) -> None:
        """Answer 200. Only now the target changes (RFC 6141 §5)."""
        transaction, self._theirs = self._theirs, None
        if transaction is None:
            return
        request = transaction.request
        self._session.dialog.refresh_target(request)
        timer = self._session.timer.response_fields(request, now)
        fields = (*self._session.reply_fields(transaction), *timer, *with_body(sdp))
        response = self._station.endpoint.reply(transaction, 200, now, fields=fields, body=sdp or b"")
        if request.method == "INVITE":
            self._session.accepted(transaction, response, now)
        self.go_on(now)

    def refuse(self, status: int, now: float) -> None:
        """Answer with an error; the session stays as it is."""
        transaction, self._theirs = self._theirs, None
        if transaction is not None:
            self._station.endpoint.reply(transaction, status, now)
            self.go_on(now)

    def cancelled(self, transaction: ServerTransaction, now: float) -> None:
        """A CANCEL for their re-INVITE came (§9.2)."""
        if transaction is self._theirs:
            self.refuse(487, now)

    def close(self, now: float) -> None:
        """The call is over: pending requests are answered (§15.1.2), nothing more is sent."""
        self._waiting = None
        self._station.cancel_alarms(self, "again")
        self.refuse(487, now)
