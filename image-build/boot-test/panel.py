"""What a recorded SSD1306 shows: its memory after the octets that crossed its bus, and the text found in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from PIL import Image, ImageDraw

from firmware.screen.lettering import Face, cell, font

WIDTH, HEIGHT = 128, 64
CONTROL_COMMAND, CONTROL_DATA = 0x00, 0x40
ARGUMENTS = {0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
"""Octets that follow a command (SSD1306 data sheet, section 9); all others stand alone."""


class Panel:
    """An SSD1306 in horizontal addressing mode."""

    def __init__(self) -> None:
        self.memory = bytearray(WIDTH * HEIGHT // 8)
        self.lit = False
        self._columns, self._pages = (0, WIDTH - 1), (0, HEIGHT // 8 - 1)
        self._column = self._page = 0

    def take(self, recorded: bytes) -> None:
        """Messages as the recording adapter keeps them: length, octets."""
        for message in _messages(recorded):
            if message[0] == CONTROL_COMMAND:
                self._command(message[1:])
            elif message[0] == CONTROL_DATA:
                self._data(message[1:])

    def _command(self, octets: bytes) -> None:
        rest = iter(octets)
        for code in rest:
            arguments = [next(rest) for _ in range(ARGUMENTS.get(code, 0))]
            if code == 0x21:
                self._columns, self._column = (arguments[0], arguments[1]), arguments[0]
            elif code == 0x22:
                self._pages, self._page = (arguments[0], arguments[1]), arguments[0]
            elif code in (0xAE, 0xAF):
                self.lit = code == 0xAF

    def _data(self, octets: bytes) -> None:
        for octet in octets:
            self.memory[self._page * WIDTH + self._column] = octet
            self._column += 1
            if self._column > self._columns[1]:
                self._column, self._page = self._columns[0], self._page + 1
                if self._page > self._pages[1]:
                    self._page = self._pages[0]

    @property
    def picture(self) -> Image.Image:
        """What is seen: 1 is lit."""
        picture = Image.new("1", (WIDTH, HEIGHT))
        for y in range(HEIGHT):
            for x in range(WIDTH):
                picture.putpixel((x, y), self.memory[y // 8 * WIDTH + x] >> y % 8 & 1)
        return picture

    def shows(self, text: str) -> bool:
        """Whether the text stands anywhere on the panel, in any of the telephone's faces, light or dark."""
        seen = _rows(self.picture)
        return any(_within(wanted, seen) for face in get_args(Face) for wanted in _drawings(text, face))


def _messages(recorded: bytes) -> Iterator[bytes]:
    while len(recorded) >= 2:
        length = int.from_bytes(recorded[:2], "little")
        yield recorded[2 : 2 + length]
        recorded = recorded[2 + length :]


def _rows(picture: Image.Image) -> list[str]:
    width, height = picture.size
    return ["".join("#" if picture.getpixel((x, y)) else "." for x in range(width)) for y in range(height)]


def _drawings(text: str, face: Face) -> Iterator[list[str]]:
    width, height = cell(face)
    for ground in (0, 1):
        picture = Image.new("1", (width * len(text), height), ground)
        ImageDraw.Draw(picture).text((0, 0), text, font=font(face), fill=1 - ground)
        rows = _rows(picture)
        empty = rows[0][0] * len(rows[0])
        while rows and rows[0] == empty:
            rows.pop(0)
        while rows and rows[-1] == empty:
            rows.pop()
        yield rows


def _within(wanted: list[str], seen: list[str]) -> bool:
    if not wanted:
        return False
    for top in range(len(seen) - len(wanted) + 1):
        left = seen[top].find(wanted[0])
        while left >= 0:
            if all(seen[top + n][left : left + len(row)] == row for n, row in enumerate(wanted)):
                return True
            left = seen[top].find(wanted[0], left + 1)
    return False
