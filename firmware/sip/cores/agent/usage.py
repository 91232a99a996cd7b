"""What every stage of a call has in common: RFC 3261 §12 to §15.

A call is first an `OutgoingCall` or an `IncomingCall`, and from its 2xx on a `Session`. The stage stands in
`Station.calls` under the call's id, and in `Station.dialogs` under each of its dialogs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.cores.agent.dtmf import parse_dtmf_relay
from firmware.sip.cores.agent.station import DTMF_RELAY, Station, abilities
from firmware.sip.cores.user_agent_events import By, DigitReceived, Ended

if TYPE_CHECKING:
    from firmware.sip.address import NameAddress
    from firmware.sip.cores.account import Account
    from firmware.sip.cores.core import Failure
    from firmware.sip.dialog import Dialog
    from firmware.sip.message import Message, Request
    from firmware.sip.transaction import ServerTransaction
    from firmware.sip.uri import Uri

FAILURES: dict[Failure, tuple[int, str]] = {
    "timeout": (408, "Request Timeout"),  # §8.1.3.1
    "transport": (503, "Service Unavailable"),  # §8.1.3.1
    "unresolved": (478, "Unresolvable Destination"),  # not registered, but what proxies in use say
}
"""What we tell the application when the network gave no answer."""


class Usage:
    """A stage of a call. Verbs that do not fit a stage do nothing there."""

    def __init__(self, station: Station, call: str, account: Account) -> None:
        self.station = station
        self.call = call
        self.account = account
        self.over = False
        """True once the application was told that the call is over; BYE may still be under way."""

    def end(self, code: int, reason: str, by: By, *, answered_elsewhere: bool = False) -> None:
        """Tell the application, once, that the call is over."""
        if self.over:
            return
        self.over = True
        if self.station.calls.get(self.call) is self:
            del self.station.calls[self.call]
        self.station.report(Ended(self.call, code, reason, by, answered_elsewhere))

    def forget(self, dialog: Dialog | None) -> None:
        """A dialog is gone."""
        if dialog is not None and self.station.dialogs.get(dialog.id) is self:
            del self.station.dialogs[dialog.id]

    # --- verbs of the application ---

    def ring(self, now: float) -> None:
        """Answer 180."""

    def answer(self, sdp: bytes | None, now: float) -> None:
        """Answer 200, or send the ACK that carries our answer."""

    def reject(self, status: int, reason: str | None, now: float) -> None:
        """Answer with an error."""

    def hang_up(self, status: int, now: float) -> None:
        """End the call."""

    def reinvite(self, sdp: bytes, now: float) -> None:
        """Offer."""

    def accept_offer(self, sdp: bytes | None, now: float) -> None:
        """Answer a re-INVITE or UPDATE."""

    def refuse_offer(self, status: int, now: float) -> None:
        """Refuse a re-INVITE or UPDATE."""

    def transfer(self, refer_to: str, now: float) -> None:
        """Send REFER."""

    def replaced(self, now: float) -> None:
        """Another call took this one's place (RFC 3891 §3)."""

    @property
    def confirmed_dialog(self) -> Dialog | None:
        """The dialog that a Replaces header can name to the far end; None if there is none yet."""
        return None

    # --- from the network ---

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Answer a request within one of the call's dialogs: what all stages treat alike."""
        if request.method == "OPTIONS":
            self.station.endpoint.reply(transaction, 200, now, fields=abilities())
        elif request.method == "INFO":
            self._receive_info(transaction, request, now)
        else:
            self.station.endpoint.reply(transaction, 481, now)

    def _receive_info(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        kind = request.content_type
        if request.body and (kind is None or kind.name != DTMF_RELAY):
            self.station.endpoint.reply(transaction, 415, now, fields=[("Accept", DTMF_RELAY)])
            return
        self.station.endpoint.reply(transaction, 200, now)
        digit = parse_dtmf_relay(request.body)
        if digit is not None and not self.over:
            self.station.report(DigitReceived(self.call, *digit))

    def acknowledged(self, request: Request, now: float) -> None:
        """An ACK to one of our 2xx."""

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """A CANCEL for an INVITE we have not answered."""

    def alarm(self, name: str, now: float) -> None:
        """An alarm is due."""


def connected_party(message: Message, claimed: NameAddress, *, trusted: bool) -> tuple[Uri, str]:
    """Who is at the other end: P-Asserted-Identity of a trusted server (RFC 3325 §9.1), else what From or To claims."""
    asserted = message.p_asserted_identity if trusted else ()
    who = asserted[0] if asserted else claimed
    return who.uri, who.display_name


def said_reason(message: Message) -> str:
    """The text of a SIP or Q.850 Reason header (RFC 3326); empty if there is none."""
    return next((reason.text for reason in message.reasons if reason.text), "")
