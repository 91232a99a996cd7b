"""Being called: the UAS of the first INVITE (RFC 3261 §8.2, §9.2, §13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.address import NameAddress
from firmware.sip.cores.agent.bodies import session_description
from firmware.sip.cores.agent.session import Session
from firmware.sip.cores.agent.station import Station, capabilities, with_body
from firmware.sip.cores.agent.usage import Usage, connected_party, said_reason
from firmware.sip.cores.user_agent_events import By, IncomingCall
from firmware.sip.dialog import Dialog
from firmware.sip.message import response_to
from firmware.sip.uri import SipUri

if TYPE_CHECKING:
    from firmware.sip.cores.account import Account
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ServerTransaction

RINGING_AGAIN = 60.0
"""§13.3.1.1: "the UAS SHOULD send a non-100 provisional response at every minute", or proxies give up."""

_PASSED_ON = ("Call-Info", "Alert-Info", "Answer-Mode", "Priority", "Subject", "Referred-By")


class Invitation(Usage):
    """A call that came in, until it is answered or over."""

    def __init__(
        self,
        station: Station,
        call: str,
        account: Account,
        transaction: ServerTransaction,
        replaced: Usage | None,
    ) -> None:
        """Raises `MalformedMessage` when the INVITE can make no dialog: 400, before anybody is told."""
        super().__init__(station, call, account)
        self._transaction = transaction
        self._replaced = replaced
        ringing = response_to(transaction.request, 180, to_tag=transaction.to_tag)
        self._dialog = Dialog.from_request(transaction.request, ringing)
        """In `Station.dialogs` once a response has told the caller of it."""

    @property
    def _request(self) -> Request:
        return self._transaction.request

    def start(self, now: float) -> None:
        """Tell the application (§13.3.1)."""
        request = self._request
        if request.expires is not None:
            # §13.3.1, 1.: "if the invitation expires before the UAS has generated a final response" it is 487.
            self.station.set_alarm(self, "expired", now + request.expires)
        # RFC 3325 §9.1: an identity is asserted by a server we trust, or by nobody.
        trusted = self.station.door.is_server(self.account, self._transaction.flow.remote[0])
        uri, name = connected_party(request, request.from_, trusted=trusted)
        headers = tuple((name, value) for name in _PASSED_ON for value in request.fields.all(name))
        self.station.report(
            IncomingCall(
                self.call,
                self.account.name,
                uri,
                name,
                session_description(request),
                replaces=None if self._replaced is None else self._replaced.call,
                remote_host=self._transaction.flow.remote[0],
                headers=headers,
            )
        )

    def end(self, code: int, reason: str, by: By, *, answered_elsewhere: bool = False) -> None:
        """See Usage."""
        self.station.cancel_alarms(self, "expired", "ringing")
        self.forget(self._dialog)
        super().end(code, reason, by, answered_elsewhere=answered_elsewhere)

    # --- verbs ---

    def ring(self, now: float) -> None:
        """Answer 180, again every minute, which makes an early dialog (§13.3.1.1)."""
        self._reply(180, now)
        self.station.dialogs[self._dialog.id] = self
        self.station.set_alarm(self, "ringing", now + RINGING_AGAIN)

    def answer(self, sdp: bytes | None, now: float) -> None:
        """Answer 200 (§13.3.1.4); the call this one replaces ends (RFC 3891 §3)."""
        dialog = self._dialog
        session = Session(self.station, self.call, self.account, dialog, initiator=False)
        response = self._reply(200, now, sdp, (*session.timer.response_fields(self._request, now), *self._identity()))
        self.station.cancel_alarms(self, "expired", "ringing")
        dialog.confirm(response)
        self.station.dialogs[dialog.id] = session
        self.station.calls[self.call] = session
        session.accepted(self._transaction, response, now, first=True)
        if self._replaced is not None:
            self._replaced.replaced(now)

    def _identity(self) -> tuple[tuple[str, object], ...]:
        """Who takes the place of another called a Contact of ours: say who that is (RFC 3325 §9.1)."""
        if self._replaced is None:
            return ()
        return (("P-Asserted-Identity", NameAddress.of(self.account.address, self.account.display_name)),)

    def reject(self, status: int, reason: str | None, now: float) -> None:
        """Answer with a final response (§13.3.1.2, §13.3.1.3)."""
        self._refuse(status, reason, "local", now)

    def hang_up(self, status: int, now: float) -> None:
        """See `reject`."""
        self._refuse(status, None, "local", now)

    def replaced(self, now: float) -> None:
        """Never: an early dialog that the other began cannot be replaced (RFC 3891 §3)."""

    def _reply(
        self, status: int, now: float, sdp: bytes | None = None, more: tuple[tuple[str, object], ...] = ()
    ) -> Response:
        flow = self._transaction.flow
        uri = self._request.uri
        contact = self.station.contact_towards(
            self.account, flow.remote[0], flow.transport, secure=isinstance(uri, SipUri) and uri.secure
        )
        fields = (("Contact", contact), *capabilities(), *more, *with_body(sdp))
        return self.station.endpoint.reply(self._transaction, status, now, fields=fields, body=sdp or b"")

    def _refuse(
        self, status: int, reason: str | None, by: By, now: float, *, said: str = "", elsewhere: bool = False
    ) -> None:
        response = self.station.endpoint.reply(self._transaction, status, now, reason)
        self.end(status, said or response.reason, by, answered_elsewhere=elsewhere)

    # --- the caller ---

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """The caller gave up, or another phone answered (§9.2, RFC 3326)."""
        if transaction is not self._transaction:
            return
        elsewhere = any(reason.protocol.upper() == "SIP" and reason.cause == 200 for reason in cancel.reasons)
        self._refuse(487, None, "remote", now, said=said_reason(cancel), elsewhere=elsewhere)

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Answer what comes in the early dialog."""
        dialog = self._dialog
        if not dialog.accepts(request):
            self.station.endpoint.reply(transaction, 500, now)  # §12.2.2
        elif request.method == "BYE":
            # §15: the caller may send BYE on an early dialog.
            self.station.endpoint.reply(transaction, 200, now)
            self._refuse(487, None, "remote", now, said=said_reason(request))
        elif request.method == "UPDATE":
            self._receive_update(transaction, request, dialog, now)
        else:
            super().request_received(transaction, request, now)

    def _receive_update(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float) -> None:
        endpoint = self.station.endpoint
        if request.body:
            # RFC 3311 §5.2: the offer in the INVITE is not answered yet.
            endpoint.reply(transaction, 500, now, fields=[("Retry-After", self.station.random.randint(0, 10))])
            return
        dialog.refresh_target(request)
        flow = transaction.flow
        contact = self.station.contact_towards(self.account, flow.remote[0], flow.transport, secure=dialog.secure)
        endpoint.reply(transaction, 200, now, fields=[("Contact", contact)])

    def alarm(self, name: str, now: float) -> None:
        """Say once more that we ring, or the invitation's time is up."""
        if name == "ringing":
            self.ring(now)
        else:
            self._refuse(487, None, "remote", now, said="Expired")
