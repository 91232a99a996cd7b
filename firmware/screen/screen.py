"""The panel's picture: a phone's view in, one bit a pixel out.

Drawn with Pillow on luma's canvas: whatever offers luma's `mode`, `size` and `display(image)` can be drawn on, so the
same pixels reach a simulated panel and a real one. Both are imported when the first picture is drawn, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from firmware.phone.view import PhoneView
from firmware.screen import menu_screens, screens, small_screens
from firmware.screen.page import Page

if TYPE_CHECKING:
    from PIL import Image

LOW = 64
"""Panels with fewer rows than this have two lines of text only."""


SCREENS = {**screens.SCREENS, "options": menu_screens.options}


@dataclass(frozen=True, slots=True)
class Picture:
    """What the panel shows."""

    pixels: bytes
    """`width * height / 8` octets, rows from the top, most significant bit leftmost, 1 is lit."""
    lines: tuple[str, ...]
    """The text on it, top to bottom; what stands beside each other is one line."""


class Paper:
    """A device for luma's canvas that keeps the picture."""

    mode = "1"

    def __init__(self, size: tuple[int, int]) -> None:
        """`size`: width (a multiple of 8) and height in pixels."""
        self.size = size
        self.pixels = b""

    def display(self, image: Image.Image) -> None:
        """Take the finished picture."""
        self.pixels = image.tobytes()


def render(view: PhoneView, wall: datetime, now: float, size: tuple[int, int] = (128, 64)) -> Picture:
    """Draw `view`. `wall`: local date and time of the clock; `now`: monotonic seconds of the view; `size`: pixels."""
    from luma.core.render import canvas

    paper = Paper(size)
    with canvas(paper) as draw:
        page = Page(draw, size)
        if size[1] < LOW:
            small_screens.draw(page, view, wall, now)
        else:
            SCREENS[view.mode](page, view, wall, now)
            if view.volume_shown:
                screens.volume(page, view)
    return Picture(paper.pixels, page.lines)
