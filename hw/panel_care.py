"""Care of a panel whose pixels age as they shine: dimmed when nobody uses it, its picture moved, then dark if wished.

Organic pixels lose light with every hour lit, so a telephone's clock would be burnt in within months. Dimmed, they age
many times slower; and the picture moves by a pixel every two minutes, round a square, so that no edge stays in place.
"""

from __future__ import annotations

from dataclasses import dataclass

DIMMED = 1
"""Contrast; still legible in a room."""
SHIFT_S = 120.0
SHIFTS = ((0, 0), (1, 0), (1, 1), (0, 1))


@dataclass(frozen=True, slots=True)
class Look:
    """How the panel shines."""

    contrast: int
    """0 to 255."""
    visible: bool
    """False: dark."""
    shift: tuple[int, int]
    """The picture's place, in pixels to the right and down."""


class PanelCare:
    """What one panel should look like, given when it was used last."""

    def __init__(self, *, contrast: int, dim_after: float, off_after: float) -> None:
        """`dim_after`, `off_after`: seconds without use; 0: never."""
        self._contrast = contrast
        self._dim_after = dim_after or float("inf")
        self._off_after = off_after or float("inf")
        self._used_at = 0.0

    def use(self, now: float) -> None:
        """Somebody does something, or is being called."""
        self._used_at = max(self._used_at, now)

    def look(self, now: float) -> Look:
        """How the panel should shine."""
        idle = now - self._used_at
        if idle < min(self._dim_after, self._off_after):
            return Look(self._contrast, True, (0, 0))
        turns = int((idle - min(self._dim_after, self._off_after)) // SHIFT_S)
        return Look(min(DIMMED, self._contrast), idle < self._off_after, SHIFTS[turns % len(SHIFTS)])

    def next_change(self, now: float) -> float:
        """Monotonic seconds at which the look changes if nobody uses it; infinity: never."""
        idle = now - self._used_at
        ahead = [after for after in (self._dim_after, self._off_after) if after > idle]
        if self._dim_after <= idle < self._off_after:
            ahead.append(self._dim_after + SHIFT_S * ((idle - self._dim_after) // SHIFT_S + 1))
        return self._used_at + min(ahead, default=float("inf"))
