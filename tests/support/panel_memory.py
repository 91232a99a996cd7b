"""What a panel would show: the controllers' own rules for where the octets go, from their data sheets."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image

from hw.boards.profile import Controller


def octets_of(packed: str) -> bytes:
    """Octets from their recording: words of hexadecimal, `00*1024` for runs."""
    parts = (word.partition("*") for word in packed.split())
    return b"".join(bytes([int(octet, 16)]) * int(count or 1) for octet, _, count in parts)


class PanelMemory:
    """One panel, fed with the lines of a recording."""

    def __init__(self, controller: Controller, size: tuple[int, int]) -> None:
        self.image = Image.new("1", size)
        self._gray = controller in ("ssd1322", "ssd1327")
        self._controller = controller
        self._columns = range(size[0])
        self._rows = range(size[1])
        self._command = 0

    def feed(self, lines: Iterable[str]) -> None:
        """Take what was sent."""
        for line in lines:
            kind, _, packed = line.partition(" ")
            octets = octets_of(packed)
            if kind == "c":
                self._obey(octets)
            elif kind == "d" and self._controller == "ssd1322" and self._command != 0x5C:
                self._obey(bytes([self._command]) + octets)
            elif kind == "d":
                (self._shade if self._gray else self._stripe)(octets)

    def _obey(self, octets: bytes) -> None:
        self._command = octets[0]
        match self._controller, list(octets):
            case (("ssd1306" | "ssd1309"), [0x21, first, last, 0x22, top, bottom]):
                self._columns, self._rows = range(first, last + 1), range(8 * top, 8 * bottom + 8)
            case "sh1106", [page, low, high] if 0xB0 <= page <= 0xBF:
                # 132 columns of memory, the panel's 128 in the middle of them.
                first = (low & 0x0F | (high & 0x0F) << 4) - 2
                self._columns, self._rows = range(first, 128), range(8 * (page & 15), 8 * (page & 15) + 8)
            case "ssd1327", [0x15, first, last, 0x75, top, bottom]:
                self._columns, self._rows = range(2 * first, 2 * last + 2), range(top, bottom + 1)
            case "ssd1322", [0x15, first, last]:
                # An address is four pixels; a panel of 256 is in the middle of 480.
                self._columns = range(4 * (first - 28), 4 * (last - 28) + 4)
            case "ssd1322", [0x75, top, bottom]:
                self._rows = range(top, bottom + 1)

    def _stripe(self, octets: bytes) -> None:
        """Pages of eight rows: an octet a column, its lowest bit on top."""
        width = len(self._columns)
        for n, octet in enumerate(octets):
            for bit in range(8):
                place = (self._columns[n % width], self._rows[8 * (n // width) + bit])
                self.image.putpixel(place, octet >> bit & 1)

    def _shade(self, octets: bytes) -> None:
        """A nibble a pixel: the SSD1322's first pixel is the high one, the SSD1327's (as started) the low one."""
        width = len(self._columns)
        for n, octet in enumerate(octets):
            first, second = (octet >> 4, octet & 15) if self._controller == "ssd1322" else (octet & 15, octet >> 4)
            for offset, level in ((0, first), (1, second)):
                at = 2 * n + offset
                self.image.putpixel((self._columns[at % width], self._rows[at // width]), int(level > 0))
