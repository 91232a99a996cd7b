"""Call transfer: REFER and its NOTIFYs, asked and obeyed (RFC 3515, 3420, 3891, 3892, 4488, 5589)."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from firmware.sip.address import NameAddress
from firmware.sip.cores.agent.exchange import Exchange
from firmware.sip.cores.agent.station import SIPFRAG
from firmware.sip.cores.agent.usage import FAILURES
from firmware.sip.cores.user_agent_events import TransferProgress, TransferRequested
from firmware.sip.field_values import parse_replaces
from firmware.sip.grammar import MalformedMessage
from firmware.sip.uri import SipUri, TelUri, Uri

if TYPE_CHECKING:
    from firmware.sip.cores.agent.session import Session
    from firmware.sip.cores.core import Failure
    from firmware.sip.dialog import Dialog
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ServerTransaction

LIFETIME = 180.0
"""Seconds a transfer may take: how long we listen for reports, and how long a request of theirs stays open."""

_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]{0,200}))?")


def status_in(sipfrag: bytes) -> tuple[int, str] | None:
    """The status and reason phrase of a message/sipfrag body (RFC 3420); None if it has no status line."""
    match = _STATUS_LINE.match(sipfrag.lstrip())
    return None if match is None else (int(match[1]), (match[2] or b"").decode("utf-8", "replace").strip())


def refer_to_replacing(dialog: Dialog) -> str:
    """The Refer-To value that makes its reader take our place in `dialog` (RFC 5589 §7).

    RFC 3891 §3 matches to-tag with the local tag of the UA that gets the INVITE: for us that is the remote one.
    A Contact's user part means nothing to people: the display name says whom it is about.
    """
    replaces = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
    target = dialog.remote_target
    if isinstance(target, SipUri):
        target = target.without_headers().with_(headers=(("Replaces", replaces),))
    return str(NameAddress.of(target, dialog.remote.display_name or _user_of(dialog.remote.uri)))


def _user_of(uri: Uri) -> str:
    if isinstance(uri, TelUri):
        return uri.digits
    return (uri.user or "") if isinstance(uri, SipUri) else ""


class Transferor:
    """Our side when we ask the peer of a session to call somebody else."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._station = session.station
        self._asked = False
        """True from our REFER to the last report."""
        self._last = 0
        """Status of the last report."""

    def ask(self, refer_to: str, now: float) -> None:
        """Send REFER (RFC 3515 §2.4.1)."""
        session = self._session
        if self._asked or session.over:
            return
        self._asked, self._last = True, 0
        referrer = NameAddress.of(session.account.address)
        fields = [("Refer-To", refer_to), ("Referred-By", referrer)]
        request = session.dialog.request("REFER", self._station.random, fields)
        self._station.set_alarm(self, "expired", now + LIFETIME)
        Exchange(self._station, session.account, self, request, dialog=session.dialog, with_contact=True).send(now)

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """REFER is answered, see ExchangeUser."""
        if not response.is_success:
            self._conclude(response.status, response.reason)
        elif self._last == 0:  # a NOTIFY may be faster than the 202
            self._report(202, response.reason)

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """REFER got no answer, see ExchangeUser."""
        self._conclude(*FAILURES[failure])

    def receive_notify(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A report of how the transfer goes (RFC 3515 §2.4.5)."""
        endpoint = self._station.endpoint
        if request.event is None or request.event.value.lower() != "refer":
            endpoint.reply(transaction, 489, now, fields=[("Allow-Events", "refer")])
            return
        if not self._asked:
            endpoint.reply(transaction, 481, now)
            return
        state = request.subscription_state
        endpoint.reply(transaction, 200, now)
        told = status_in(request.body)
        if told is not None:
            self._report(*told)
        if state is not None and state.value.lower() == "terminated":
            self._conclude(0, "")

    def _report(self, status: int, reason: str) -> None:
        self._last = status
        if not self._session.over:
            self._station.report(TransferProgress(self._session.call, status, reason))

    def _conclude(self, status: int, reason: str) -> None:
        """No more reports; the application always learns some final status."""
        if not self._asked:
            return
        self._asked = False
        self._station.cancel_alarms(self, "expired")
        if status or self._last < 200 or self._last == 202:
            self._report(status or 500, reason or "Outcome Unknown")
        self._session.bury_if_over()

    def listening(self) -> bool:
        """True while reports may come, though the call be over."""
        return self._asked

    def alarm(self, name: str, now: float) -> None:
        """The reports do not come."""
        self._conclude(408, "Request Timeout")


class Referral:
    """Our side when the peer of a session asks us to call somebody else: what we tell it, in NOTIFYs."""

    def __init__(self, session: Session, request: Request, target: SipUri, replaces: str | None) -> None:
        self.account = session.account
        self.target = target
        """Whom to call."""
        self.to = request.refer_to or NameAddress.of(target)
        self._call = session.call
        self._station = session.station
        self._dialog = session.dialog
        self._referred_by = request.fields.get("Referred-By")
        self._replaces = replaces
        self._event = f"refer;id={request.cseq.number}"  # RFC 3515 §2.4.6
        sub = request.refer_sub
        self._silent = sub is not None and sub.value.lower() == "false"  # RFC 4488 §4
        self._unsent: deque[tuple[int, str]] = deque(maxlen=8)
        self._sending = False
        self._told = 0

    @classmethod
    def begin(cls, session: Session, transaction: ServerTransaction, request: Request, now: float) -> None:
        """Take a REFER: 202, a first NOTIFY, and the question to the application (RFC 3515 §2.4.2, §2.4.4)."""
        station = session.station
        if request.refer_to is None:
            raise MalformedMessage("Missing Refer-To")
        target = station.callable_uri(session.account, request.refer_to.uri)
        if target is None or session.call in station.referrals:
            station.endpoint.reply(transaction, 416 if target is None else 491, now)
            return
        referral = cls(session, request, target, _escaped_replaces(request.refer_to.uri))
        fields = session.reply_fields(transaction)
        station.endpoint.reply(transaction, 202, now, fields=(*fields, *referral.refer_sub_fields()))
        station.referrals[session.call] = referral
        station.set_alarm(referral, "expired", now + LIFETIME)
        referral.call_progressed(100, "Trying", now)
        by = request.referred_by or session.dialog.remote
        station.report(TransferRequested(session.call, target, str(by.uri), referral.to.display_name))

    def refer_sub_fields(self) -> tuple[tuple[str, object], ...]:
        """RFC 4488 §4: the wish for silence, granted."""
        return (("Refer-Sub", "false"),) if self._silent else ()

    def invite_fields(self) -> tuple[tuple[str, object], ...]:
        """What the INVITE to the target carries: Referred-By as given (RFC 3892 §2.2), Replaces (RFC 3891 §4)."""
        named = (("Referred-By", self._referred_by), ("Replaces", self._replaces))
        return tuple((name, value) for name, value in named if value)

    def close(self) -> None:
        """The application has decided: the question is no longer open."""
        self._station.cancel_alarms(self, "expired")
        self._station.referrals.pop(self._call, None)

    def alarm(self, name: str, now: float) -> None:
        """The application never decided."""
        self.close()
        self.call_progressed(603, "Declined", now)

    # --- reports ---

    def call_progressed(self, status: int, reason: str, now: float) -> None:
        """Report a status, each once, nothing after a final one."""
        if self._silent or status == self._told or self._told >= 200:
            return
        self._told = status
        self._unsent.append((status, reason))
        self._send_next(now)

    def _send_next(self, now: float) -> None:
        """One NOTIFY at a time, so that they cannot overtake each other."""
        if self._sending or not self._unsent:
            return
        status, reason = self._unsent.popleft()
        state = "terminated;reason=noresource" if status >= 200 else f"active;expires={LIFETIME:.0f}"
        fields = [("Event", self._event), ("Subscription-State", state), ("Content-Type", f"{SIPFRAG};version=2.0")]
        body = f"SIP/2.0 {status} {reason}\r\n".encode()
        request = self._dialog.request("NOTIFY", self._station.random, fields, body)
        self._sending = True
        Exchange(self._station, self.account, self, request, dialog=self._dialog, with_contact=True).send(now)

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """A NOTIFY was answered; after an error nobody listens any more (RFC 6665 §4.2.2)."""
        self._sending = False
        if response.is_success:
            self._send_next(now)
        else:
            self._told = 699

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """A NOTIFY was lost for good, see ExchangeUser."""
        self._told = 699


def _escaped_replaces(uri: object) -> str | None:
    """The Replaces header in a Refer-To URI, None if there is none; raises MalformedMessage."""
    headers = uri.headers if isinstance(uri, SipUri) else ()
    for name, value in headers:
        if name.lower() == "replaces":
            # Unescaped text may hold a line end, which would write header fields of its own.
            if not value.isprintable():
                raise MalformedMessage("Bad Replaces")
            return str(parse_replaces(value))
    return None
