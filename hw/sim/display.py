"""A panel in memory: keeps the last picture shown, as pixels and as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

MOST_LINES = 16
LONGEST_LINE = 256


class SimDisplay:
    """Implements `hw.Display` for any size whose width is a multiple of eight; dark until something is shown."""

    def __init__(self, size: tuple[int, int] = (128, 64), changed: Callable[[], None] = lambda: None) -> None:
        width, height = size
        if width <= 0 or height <= 0 or width % 8:
            raise ValueError("a panel's width is a multiple of 8")
        self._size = size
        self._pixels = bytes(width * height // 8)
        self._lines: tuple[str, ...] = ()
        self._changed = changed

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def pixels(self) -> bytes:
        """The picture as it was shown: rows from the top, most significant bit leftmost, 1 is lit."""
        return self._pixels

    @property
    def lines(self) -> tuple[str, ...]:
        """The text of the picture, line by line from the top, as far as `show_text` was told."""
        return self._lines

    def show(self, pixels: bytes) -> None:
        """Show a picture (see `hw.Display.show`). Raises ValueError if it is not of the panel's size."""
        if len(pixels) != len(self._pixels):
            raise ValueError(f"a {self._size[0]}x{self._size[1]} picture has {len(self._pixels)} octets")
        if pixels != self._pixels:
            self._pixels = bytes(pixels)
            self._changed()

    def show_text(self, lines: Sequence[str]) -> None:
        """Say what text the picture holds: for scripts and screen readers. A real panel has no such method."""
        kept = tuple(line[:LONGEST_LINE] for line in lines[:MOST_LINES])
        if kept != self._lines:
            self._lines = kept
            self._changed()

    def png(self, scale: int = 1) -> bytes:
        """The picture as a PNG of one bit a pixel, each pixel enlarged to `scale` squared."""
        from PIL import Image  # a telephone that nobody looks at does without

        width, height = self._size
        image = Image.frombytes("1", self._size, self._pixels)
        if scale != 1:
            image = image.resize((width * scale, height * scale), Image.Resampling.NEAREST)
        file = BytesIO()
        image.save(file, "PNG")
        return file.getvalue()
