"""The panel's picture: a phone's view in, one bit a pixel out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from firmware.phone.view import PhoneView


@dataclass(frozen=True, slots=True)
class Picture:
    """What the panel shows."""

    pixels: bytes
    """`width * height / 8` octets, rows from the top, most significant bit leftmost, 1 is lit."""
    lines: tuple[str, ...]
    """The text on it, top to bottom, left to right."""


def render(view: PhoneView, wall: datetime, now: float, size: tuple[int, int] = (128, 64)) -> Picture:
    """Draw `view`. `wall`: local date and time of the clock; `now`: monotonic seconds of the view; `size`: pixels."""
    raise NotImplementedError
