"""Which contacts a rotary dial moves: one opens and closes in even pulses, another holds for as long as it turns."""

from __future__ import annotations

from dataclasses import dataclass

from hw.debounce import Debounce

BOUNCE_S = 0.006
QUIET_S = 1.0
"""Nothing moved for so long: the dial is at rest again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the dial."""

    pulse: int
    """GPIO of the contact that pulses."""
    pulses: int
    pulses_per_second: float
    """0 if there was but one."""
    off_normal: int | None
    """GPIO of the contact that was closed meanwhile; None: none was."""


class DialWatch:
    """Every contact's settled changes since the question was asked."""

    def __init__(self, at_rest: frozenset[int]) -> None:
        """`at_rest`: the pins connected to ground while the dial rests."""
        self._at_rest = at_rest
        self._contacts: dict[int, Debounce] = {}
        self._openings: dict[int, list[float]] = {}
        self._closings: dict[int, list[float]] = {}
        self._moved_at: float | None = None

    def see(self, grounded: frozenset[int], now: float) -> None:
        """Take which pins are connected to ground."""
        for gpio in (grounded | self._at_rest) - self._contacts.keys():
            self._contacts[gpio] = Debounce(BOUNCE_S, closed=gpio in self._at_rest)
        for gpio, contact in self._contacts.items():
            contact.sample(gpio in grounded, now)
            for change in contact.events():
                (self._closings if change.closed else self._openings).setdefault(gpio, []).append(change.since)
                self._moved_at = now

    @property
    def moved(self) -> frozenset[int]:
        """The contacts that moved."""
        return frozenset((*self._openings, *self._closings))

    def over(self, now: float) -> bool:
        """Whether something moved, and has come to rest."""
        return self._moved_at is not None and now - self._moved_at >= QUIET_S

    def turn(self, known: int | None = None) -> Turn | None:
        """The turn that is over; None if nothing pulsed. `known`: the pulse contact's GPIO, found before."""
        # At rest the pulse contact is closed: it opens first.
        pulsing = {
            gpio: openings
            for gpio, openings in self._openings.items()
            if (closings := self._closings.get(gpio)) and openings[0] < closings[0]
        }
        if not pulsing:
            return None
        pulse = known if known in pulsing else max(pulsing, key=lambda gpio: len(pulsing[gpio]))
        openings = pulsing[pulse]
        span = openings[-1] - openings[0]
        speed = (len(openings) - 1) / span if span else 0.0
        return Turn(pulse, len(openings), speed, self._holding(pulse, openings))

    def _holding(self, pulse: int, openings: list[float]) -> int | None:
        """The contact that closed before the first pulse and opened after the last."""
        for gpio, closings in self._closings.items():
            opened = self._openings.get(gpio, [])
            if gpio != pulse and closings[0] < openings[0] and opened and opened[-1] > openings[-1]:
                return gpio
        return None
