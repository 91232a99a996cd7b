"""One contact's bounce removed: levels and timestamps in, settled changes out.

A mechanical contact chatters for a while after each movement; hook switches of old telephones do so for
10 to 300 ms. `Debounce` accepts a level once it was steady for the bounce time, which may differ for
closing and opening. It neither reads a clock nor touches a pin, and serves both ways of watching a contact:

* every edge with its own timestamp, and `handle_timers` at `next_deadline`;
* a scan at regular periods, each level passed to `sample` whether it changed or not.

    contact   ____|‾|_|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|_|‾|____________
    settled   ____________|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|____
                    |<- b ->|             |<- b ->|

With edges, a contact steady for the bounce time is always reported, however late `handle_timers` is
called; with scans, one that is steady for the bounce time and one period more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settled:
    """A contact has come to rest at a new level."""

    closed: bool
    """True: closed, False: open."""
    since: float
    """Monotonic seconds at which the level became steady, one bounce time before it was believed."""


class Debounce:
    """The settled level of one contact.

    `closing`, `opening`: seconds for which a new level must be steady before it is believed.
    `closed`: the level to begin with.
    """

    def __init__(self, closing: float, opening: float | None = None, *, closed: bool = False) -> None:
        opening = closing if opening is None else opening
        if closing < 0 or opening < 0:
            raise ValueError("a bounce time cannot be negative")
        self._closing = closing
        self._opening = opening
        self._closed = closed
        self._changed_at: float | None = None
        self._events: list[Settled] = []

    @property
    def closed(self) -> bool:
        """The settled level."""
        return self._closed

    def receive(self, closed: bool, now: float) -> None:
        """Note the contact's level at `now`; times must not run backwards.

        The contact is taken to have kept its former level until now, so a change that was due is settled
        first, even if nobody called `handle_timers` in between.
        """
        self.handle_timers(now)
        if closed == self._closed:
            self._changed_at = None
        elif self._changed_at is None:
            self._changed_at = now
            self.handle_timers(now)

    def sample(self, closed: bool, now: float) -> None:
        """Note the contact's level in a scan at `now`, knowing nothing of what it did since the scan before.

        A new level is believed when it is still there after the bounce time: a scan that comes late invents nothing.
        """
        if closed == self._closed:
            self._changed_at = None
        elif self._changed_at is None:
            self._changed_at = now
        self.handle_timers(now)

    def handle_timers(self, now: float) -> None:
        """Believe the new level if it has been steady long enough."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline or self._changed_at is None:
            return
        self._closed = not self._closed
        self._events.append(Settled(self._closed, self._changed_at))
        self._changed_at = None

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which the new level will be believed; None while nothing is pending."""
        if self._changed_at is None:
            return None
        return self._changed_at + (self._opening if self._closed else self._closing)

    def events(self) -> list[Settled]:
        """What settled since the last call, oldest first."""
        events, self._events = self._events, []
        return events
