"""A blank panel to write on: text in cells, icons, bars; it remembers the text in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from firmware.screen.icons import ICONS
from firmware.screen.lettering import Face, cell, fitted, font, printable

if TYPE_CHECKING:
    from PIL import ImageDraw

Side = Literal["left", "centre", "right"]
FOOT = 12
"""Height of the bottom line in pixels."""


class Page:
    """One picture in the making."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
        self._draw = draw
        self.width, self.height = size
        self._written: list[tuple[int, int, str]] = []

    @property
    def lines(self) -> tuple[str, ...]:
        """The text, top to bottom; what stands beside each other is one line."""
        rows: dict[int, list[tuple[int, str]]] = {}
        for y, x, text in self._written:
            rows.setdefault(y, []).append((x, text))
        return tuple("  ".join(text for _, text in sorted(rows[y])) for y in sorted(rows))

    def text(
        self, text: str, y: int, face: Face = "small", *, side: Side = "left", left: int = 0, right: int | None = None,
        dark: bool = False, keep: Literal["start", "end"] = "start",
    ) -> int:
        """Write one line between `left` and `right`, cut if it is too long. Return its width in pixels."""
        left, right = max(left, 1), self.width - 1 if right is None else right
        width, _ = cell(face)
        shown = fitted(printable(text), max(0, (right - left) // width), keep)
        if not shown.strip():
            return 0
        taken = len(shown) * width
        x = {"left": left, "centre": left + (right - left - taken) // 2, "right": right - taken}[side]
        self._draw.text((x, y), shown, fill=0 if dark else 1, font=font(face))
        self._written.append((y, x, shown.strip()))
        return taken

    def icon(self, name: str, x: int, y: int, *, dark: bool = False) -> None:
        """Draw an icon with its top left corner there."""
        self._draw.point([(x + dx, y + dy) for dx, dy in ICONS[name]], fill=0 if dark else 1)

    def fill(self, left: int, top: int, right: int, bottom: int, *, dark: bool = False) -> None:
        """Light (or clear) a rectangle; `right` and `bottom` are the first pixels outside."""
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=0 if dark else 1)

    def frame(self, left: int, top: int, right: int, bottom: int) -> None:
        """Draw a rectangle's edge, cleared inside."""
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=0, outline=1)

    def rule(self, y: int) -> None:
        """Draw a line across."""
        self._draw.line((0, y, self.width - 1, y), fill=1)

    def wipe(self, top: int) -> None:
        """Clear everything from `top` downwards, text included."""
        self.fill(0, top, self.width, self.height, dark=True)
        self._written = [each for each in self._written if each[0] < top]
