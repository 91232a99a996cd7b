"""A 2xx to INVITE on its way: sent again until its ACK comes (RFC 3261 §13.3.1.4, §14.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from firmware.sip.cores.agent.station import Station

if TYPE_CHECKING:
    from firmware.sip.message import Response
    from firmware.sip.transaction import ServerTransaction


class AcceptanceUser(Protocol):
    """Who waits for the ACK."""

    def never_acknowledged(self, acceptance: Acceptance, now: float) -> None:
        """64*T1 have passed without an ACK."""
        ...


class Acceptance:
    """Our 2xx to one INVITE.

    "The 2xx response is passed to the transport with an interval that starts at T1 seconds and doubles for each
    retransmission until it reaches T2 seconds", whatever the transport.
    """

    def __init__(
        self,
        station: Station,
        owner: AcceptanceUser,
        transaction: ServerTransaction,
        response: Response,
        now: float,
        *,
        offered: bool,
        first: bool,
    ) -> None:
        """`response` has been sent once.

        `offered`: it carries our offer. `first`: it answers the dialog's first INVITE.
        """
        self.offered = offered
        self.first = first
        self._station = station
        self._owner = owner
        self._transaction = transaction
        self._response = response
        self._interval = station.timers.t1
        station.set_alarm(self, "again", now + self._interval)
        station.set_alarm(self, "give up", now + station.timers.timeout)

    @property
    def number(self) -> int:
        """The CSeq number that the ACK will have (§13.2.2.4)."""
        return self._transaction.request.cseq.number

    def stop(self) -> None:
        """The ACK came, or nobody waits for it any more."""
        self._station.cancel_alarms(self, "again", "give up")

    def alarm(self, name: str, now: float) -> None:
        """Send again, or give up."""
        if name == "give up":
            self.stop()
            self._owner.never_acknowledged(self, now)
            return
        self._station.endpoint.respond(self._transaction, self._response, now)
        self._interval = self._station.timers.backed_off(self._interval)
        self._station.set_alarm(self, "again", now + self._interval)
