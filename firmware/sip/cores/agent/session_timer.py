"""The session timer of an answered call (RFC 4028): servers that keep state hear now and then that it still goes on.

    interval / 2     we refresh: UPDATE, or re-INVITE to who knows no UPDATE
    interval - 32 s  nobody has refreshed though they should: BYE (§10)

We ask for no timer of our own accord, but take part in any: as the one who refreshes wherever that is left to us, so
that a call does not hang on the far end's care.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.cores.agent.exchange import Exchange
from firmware.sip.cores.agent.station import TIMER, capabilities
from firmware.sip.cores.agent.usage import FAILURES
from firmware.sip.cores.user_agent_events import RefreshDue
from firmware.sip.grammar import MalformedMessage

if TYPE_CHECKING:
    from firmware.sip.cores.agent.session import Session
    from firmware.sip.cores.core import Failure
    from firmware.sip.field_values import SessionExpires
    from firmware.sip.message import Message, Request, Response

SHORTEST = 90
"""Seconds. §4: the absolute minimum of an interval; who asks for less is answered 422."""
EARLY = 32.0
"""§10: BYE is sent so long before the end, or a third of the interval if that is less."""
AGAIN = 10.0
"""Seconds at least between attempts to refresh; else half of what is left, so that nobody is asked without end."""

Lines = tuple[tuple[str, object], ...]


def too_short(request: Request) -> bool:
    """True if a 422 is due (§9); a client that knows no timers could do nothing about it."""
    wanted = request.session_expires
    return wanted is not None and wanted.seconds < SHORTEST and TIMER in request.supported


class SessionTimer:
    """The timer of one session; off until a 2xx says otherwise."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._station = session.station
        self._interval: int | None = None
        """Seconds, by the latest 2xx; None: off."""
        self._ours = False
        """We are the one who refreshes."""
        self._least = 0
        """The largest Min-SE seen in this dialog (§7.4)."""
        self._expires_at = 0.0
        self._takes_updates = False
        self._exchange: Exchange | None = None

    # --- what messages say ---

    def request_fields(self) -> Lines:
        """What a re-INVITE or UPDATE of ours says (§7.4)."""
        least: Lines = (("Min-SE", self._least),) if self._least else ()
        if self._interval is None:
            return least
        interval = max(self._interval, self._least, SHORTEST)
        return (("Session-Expires", f"{interval};refresher={'uac' if self._ours else 'uas'}"), *least)

    def response_fields(self, request: Request, now: float) -> Lines:
        """What our 2xx to their INVITE or UPDATE says, which sets the timer (§9, table 2)."""
        self.note_peer(request)
        wanted = request.session_expires
        if wanted is None or wanted.seconds < SHORTEST:
            self.stop()
            return ()
        knows = TIMER in request.supported
        refresher = (wanted.refresher if knows else None) or "uas"
        self._set(wanted.seconds, refresher == "uas", now)
        fields: Lines = (("Session-Expires", f"{wanted.seconds};refresher={refresher}"),)
        return (*fields, ("Require", TIMER)) if knows else fields

    def answered(self, request: Request, response: Response, now: float) -> None:
        """A 2xx to our INVITE or UPDATE came (§7.2)."""
        self.note_peer(response)
        agreed = _session_expires(response)
        if agreed is not None:
            self._set(max(agreed.seconds, SHORTEST // 3), agreed.refresher != "uas", now)
        elif "Session-Expires" in request.fields and self._interval is not None:
            self._set(self._interval, True, now)  # the far end knows no timers: it is for us to go on
        else:
            self.stop()

    def note_peer(self, message: Message) -> None:
        """Learn whether the far end takes UPDATE, and the least interval on the way."""
        if "Allow" in message.fields:
            self._takes_updates = "UPDATE" in message.allow
        self.raise_least(message)

    def raise_least(self, message: Message) -> bool:
        """Take a Min-SE; False if that is nothing new: to ask again would be of no use."""
        least = _min_se(message)
        if least <= self._least:
            return False
        self._least = least
        return True

    def _set(self, interval: int, ours: bool, now: float) -> None:
        self.stop()
        self._interval, self._ours, self._expires_at = interval, ours, now + interval
        if ours:
            self._station.set_alarm(self, "refresh", now + interval / 2)
        else:
            self._station.set_alarm(self, "expired", self._expires_at - min(EARLY, interval / 3))

    def stop(self) -> None:
        """No timer any more: the call is over, or the latest 2xx had none."""
        self._interval = None
        self._station.cancel_alarms(self, "refresh", "expired")

    # --- refreshing (§10) ---

    def alarm(self, name: str, now: float) -> None:
        """It is time to refresh, or nobody did."""
        if self._session.over:
            return
        if name == "expired":
            self._session.fail(408, "Session expired", "network", now)
        elif self._takes_updates:
            self._update(now)
        else:
            self._station.report(RefreshDue(self._session.call))
            self._try_later(now)

    def _update(self, now: float) -> None:
        session = self._session
        fields = (*capabilities(), *self.request_fields())
        request = session.dialog.request("UPDATE", self._station.random, fields)
        self._exchange = Exchange(
            self._station, session.account, self, request, dialog=session.dialog, with_contact=True
        )
        self._exchange.send(now)

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """Our UPDATE has a final response, see ExchangeUser."""
        if self._session.over or exchange is not self._exchange:
            return
        if response.is_success:
            self._session.dialog.refresh_target(response)
            self.answered(exchange.request, response, now)
        elif response.status in (408, 481):  # §10: the dialog is gone at the other end
            self._session.fail(response.status, response.reason, "remote", now)
        elif response.status == 422 and self.raise_least(response):
            self._update(now)
        else:
            # 405 and 501 say that there is no UPDATE after all; a re-INVITE is taken by all.
            self._takes_updates = self._takes_updates and response.status in (491, 500, 503, 504)
            self._try_later(now)

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """Our UPDATE got no answer, see ExchangeUser."""
        if self._session.over or exchange is not self._exchange:
            return
        if failure == "timeout":
            self._session.fail(*FAILURES[failure], "network", now)
        else:
            self._try_later(now)

    def _try_later(self, now: float) -> None:
        """Until the session expires; what servers do then is theirs to decide."""
        again = now + max(AGAIN, (self._expires_at - now) / 2)
        if self._interval is not None and again < self._expires_at:
            self._station.set_alarm(self, "refresh", again)


def _session_expires(message: Message) -> SessionExpires | None:
    """That of a response; a call is worth more than a number that nobody can read."""
    try:
        return message.session_expires
    except MalformedMessage:
        return None


def _min_se(message: Message) -> int:
    try:
        return 0 if message.min_se is None else message.min_se.seconds
    except MalformedMessage:
        return 0
