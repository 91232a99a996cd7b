"""A rotary dial: its contacts' levels and timestamps in, digits out.

The dial runs back at a governed speed and breaks the pulse contact once for 1, twice for 2 ... ten times for 0,
10 times a second (20 in some exchanges' areas), open for about 60 % of each period. A second contact, "off-normal",
is closed for as long as the dial is out of rest:

    off-normal  __|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|_____
    pulse       ‾‾‾‾‾‾‾‾‾‾‾|__|‾|__|‾|__|‾‾‾‾‾‾‾‾‾‾‾    "3"

Worn and dirty dials run from 7 to 14 (or 22) pulses a second with anything from 25 to 75 % break, and bounce for
some milliseconds at each movement. The decoder therefore counts openings and judges no ratio. Without an
off-normal contact the digit ends when the pulse contact was closed for longer than any pulse's make.
"""

from __future__ import annotations

from enum import Enum

from hw import KeyPressed, KeyReleased
from hw.debounce import Debounce

RotaryEvent = KeyPressed | KeyReleased

MOST_PULSES = 10


class DialOrder(Enum):
    """Which digit each number of pulses stands for: one to ten pulses."""

    STANDARD = "1234567890"
    """Nearly everywhere: ten pulses are 0."""
    SWEDISH = "0123456789"
    """Sweden: one pulse is 0."""
    NEW_ZEALAND = "9876543210"
    """New Zealand, and Oslo: ten less the digit."""


class Rotary:
    """One dial.

    `bounce`: seconds of chatter at each movement of the pulse contact; less than the shortest break or make.
    `digit_gap`: seconds the pulse contact stays closed before a digit is over, for a dial without off-normal contact.
    `longest_break`: seconds; a contact open for longer is a fault, not a pulse, and voids the digit.
    """

    def __init__(
        self,
        *,
        order: DialOrder = DialOrder.STANDARD,
        off_normal: bool = True,
        bounce: float = 0.006,
        digit_gap: float = 0.2,
        longest_break: float = 0.2,
    ) -> None:
        self._order = order
        self._gap = None if off_normal else digit_gap
        self._longest_break = longest_break
        self._pulse = Debounce(bounce, closed=True)
        self._off_normal = Debounce(bounce) if off_normal else None
        self._pulses = 0
        self._opened_at: float | None = None
        self._closed_at = 0.0
        self._void = False
        self._refused = 0
        self._events: list[RotaryEvent] = []

    @property
    def turning(self) -> bool:
        """True while the dial is out of rest, as far as the contacts tell: the earpiece is muted meanwhile."""
        if self._off_normal is not None:
            return self._off_normal.closed
        return self._pulses > 0 or self._opened_at is not None

    @property
    def refused(self) -> int:
        """Turns of the dial that gave no digit: more than ten pulses, or a contact that stayed open."""
        return self._refused

    def receive_pulse(self, closed: bool, now: float) -> None:
        """Note the pulse contact's level (closed at rest)."""
        self.handle_timers(now)
        self._pulse.receive(closed, now)
        self._advance(now)

    def receive_off_normal(self, closed: bool, now: float) -> None:
        """Note the off-normal contact's level (closed while the dial is out of rest)."""
        if self._off_normal is None:
            raise ValueError("this dial was said to have no off-normal contact")
        self.handle_timers(now)
        self._off_normal.receive(closed, now)
        self._advance(now)

    def handle_timers(self, now: float) -> None:
        """Settle both contacts; end the digit if its time is up."""
        self._pulse.handle_timers(now)
        if self._off_normal is not None:
            self._off_normal.handle_timers(now)
        self._advance(now)

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which `handle_timers` has something to do; None if it has not."""
        contacts = [self._pulse] if self._off_normal is None else [self._pulse, self._off_normal]
        deadlines = [contact.next_deadline() for contact in contacts]
        deadlines.append(self._digit_ends_at())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def events(self) -> list[RotaryEvent]:
        """The digits since the last call, each as a key pressed and released at once."""
        events, self._events = self._events, []
        return events

    def _advance(self, now: float) -> None:
        for change in self._pulse.events():
            if change.closed:
                self._make(change.since)
            else:
                self._opened_at = change.since
        # Pulses first: the last make comes before the dial's return to rest.
        for change in self._off_normal.events() if self._off_normal is not None else ():
            self._begin() if change.closed else self._end()
        ends_at = self._digit_ends_at()
        if ends_at is not None and now >= ends_at:
            self._end()

    def _make(self, at: float) -> None:
        if self._opened_at is None:
            return
        if at - self._opened_at > self._longest_break:
            self._void = True
        self._pulses += 1
        self._opened_at = None
        self._closed_at = at

    def _digit_ends_at(self) -> float | None:
        if self._gap is None or not self._pulses or not self._pulse.closed or self._pulse.next_deadline() is not None:
            return None
        return self._closed_at + self._gap

    def _begin(self) -> None:
        self._pulses, self._void, self._opened_at = 0, False, None

    def _end(self) -> None:
        # A contact still open when the dial rests is a fault too.
        pulses, void = self._pulses, self._void or self._opened_at is not None
        self._begin()
        if void or pulses > MOST_PULSES:
            self._refused += 1
        elif pulses:
            digit = self._order.value[pulses - 1]
            self._events += [KeyPressed(digit), KeyReleased(digit)]
