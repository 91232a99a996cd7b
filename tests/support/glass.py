"""A panel's glass: what one sees when a controller is spoken to, in its own way or in another's.

From the data sheets: the SSD1306 has 128 columns, and its pointer wraps within them; the SH1106 has 132, of which the
glass shows 128 from the third on, no windows (21h, 22h) and no wrapping.
"""

from __future__ import annotations

from typing import Literal

from PIL import Image


class Glass:
    """Implements `hw.pi.panel.Bus`."""

    def __init__(self, controller: Literal["ssd1306", "sh1106"], *, turned: bool = False) -> None:
        self._sh1106 = controller == "sh1106"
        self._turned = turned
        self._memory = [bytearray(132) for _ in range(8)]
        self._page = self._column = 0
        self._window = (range(128), range(8))
        self.closed = False

    def command(self, *octets: int) -> None:
        """Place the pointer; other commands change nothing that is looked at."""
        if octets[0] & 0xF0 == 0xB0 and len(octets) == 3:
            self._page = octets[0] & 7
            self._column = (octets[1] & 15) | (octets[2] & 15) << 4
            self._window = (range(128), range(8))
        elif octets[0] == 0x21 and not self._sh1106:
            columns, pages = range(octets[1], octets[2] + 1), range(octets[4], octets[5] + 1)
            self._window = (columns, pages)
            self._column, self._page = columns[0], pages[0]

    def data(self, octets: list[int]) -> None:
        """Eight rows a column."""
        columns, pages = self._window
        for octet in octets:
            if self._sh1106:
                if self._column < 132:
                    self._memory[self._page][self._column] = octet
                self._column += 1
                continue
            self._memory[self._page][self._column] = octet
            self._column += 1
            if self._column > columns[-1]:
                self._column = columns[0]
                self._page = self._page + 1 if self._page < pages[-1] else pages[0]

    def cleanup(self) -> None:
        """Note it."""
        self.closed = True

    @property
    def seen(self) -> Image.Image:
        """What one sees."""
        first = 2 if self._sh1106 else 0
        image = Image.new("1", (128, 64))
        for y in range(64):
            for x in range(128):
                image.putpixel((x, y), self._memory[y // 8][x + first] >> y % 8 & 1)
        return image.rotate(180) if self._turned else image
