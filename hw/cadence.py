"""When a ring sounds: cadences as times, and the alternating current of a bell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

DEAD_PART = 0.06
"""Of each half wave, both of a bell's wires rest this long at least, so that no bridge ever drives against itself."""
FAINTEST_PART = 0.15
"""Of each half wave; with less than this no clapper reaches its gong."""


class Cadence:
    """On, off, on, off ... milliseconds, repeated for ever."""

    def __init__(self, cadence_ms: tuple[int, ...]) -> None:
        """Raises ValueError for an empty cadence, or a part that is negative."""
        if not cadence_ms or min(cadence_ms) < 0:
            raise ValueError("a cadence is made of durations in milliseconds")
        self._ends = [end / 1000 for end in accumulate(cadence_ms)]

    def at(self, elapsed: float) -> tuple[bool, float]:
        """Whether it sounds `elapsed` seconds after its beginning, and for how many seconds it stays so."""
        if not self._ends[-1]:
            return False, 3600.0
        within = elapsed % self._ends[-1]
        for n, end in enumerate(self._ends):
            if within < end:
                return n % 2 == 0, end - within
        return False, 0.0  # the sum of a float's remainder: the next round begins now


@dataclass(frozen=True, slots=True)
class HalfWave:
    """What a bell's two wires do now."""

    wires: tuple[bool, bool]
    """Driven high; never both."""
    seconds: float
    """How long they stay so."""


def half_wave(elapsed: float, frequency_hz: float, strength: float) -> HalfWave:
    """The bridge's state `elapsed` seconds into a burst.

    Each half wave drives one wire for `strength` (0 to 1) of its length and rests until the next, the other way round.
    """
    length = 1 / (2 * frequency_hz)
    number, within = divmod(elapsed, length)
    driven = length * min(max(strength, FAINTEST_PART), 1 - DEAD_PART)
    if within < driven:
        return HalfWave((number % 2 == 0, number % 2 == 1), driven - within)
    return HalfWave((False, False), length - within)
