"""When the panel is drawn: soon after a change, at each second of a call, at each minute of the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from firmware.phone.view import PhoneView

if TYPE_CHECKING:
    from firmware.screen.screen import Picture

SETTLE_S = 0.02
"""Changes within this time share one picture: signalling goes first."""


class Panel:
    """Draws when it is due; a phone without a panel has a size of None."""

    def __init__(self, size: tuple[int, int] | None, wall: Callable[[float], datetime]) -> None:
        """`wall(now)`: local date and time at a monotonic time."""
        self._size = size
        self._wall = wall
        self._due: float | None = None
        self._shown: Picture | None = None
        self._fresh: Picture | None = None

    def touch(self, now: float) -> None:
        """Something may look different."""
        if self._size is not None and (self._due is None or self._due > now + SETTLE_S):
            self._due = now + SETTLE_S

    def next_deadline(self) -> float | None:
        """When `draw` is next wanted."""
        return self._due

    def draw(self, view: Callable[[float], PhoneView], now: float) -> None:
        """Draw, if it is time."""
        if self._size is None or self._due is None or now < self._due:
            return
        from firmware.screen.screen import render  # drawing is loaded when the first picture is due, after signalling

        seen, wall = view(now), self._wall(now)
        picture = render(seen, wall, now, self._size)
        if picture != self._shown:
            self._shown = self._fresh = picture
        second = wall.microsecond / 1e6
        self._due = now + (60 - wall.second - second if seen.mode == "idle" else 1 - second)

    def drain(self) -> Picture | None:
        """The new picture, None if nothing looks different."""
        fresh, self._fresh = self._fresh, None
        return fresh
