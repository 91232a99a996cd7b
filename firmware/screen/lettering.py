"""Letters of the panel: Terminus bitmap fonts, and text made of characters that they have."""

from __future__ import annotations

import gzip
import unicodedata
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL import ImageFont

Face = Literal["small", "name", "digits", "clock"]
"""Cells of 6x12, 8x16 bold, 14x28 bold and 16x32 bold pixels."""

_FILES: dict[Face, tuple[str, int, int]] = {
    "small": ("ter-u12n_unicode.pcf.gz", 6, 12),
    "name": ("ter-u16b_unicode.pcf.gz", 8, 16),
    "digits": ("ter-u28b_unicode.pcf.gz", 14, 28),
    "clock": ("ter-u32b_unicode.pcf.gz", 16, 32),
}
_FOLDER = Path(__file__).parent / "fonts"
_NOBODYS_CODE = "\uffff"
_BOX = "▮"
LONGEST = 256
"""Characters of a text that are looked at; no panel shows as many in a line."""


def cell(face: Face) -> tuple[int, int]:
    """Return a character's width and height in pixels: all of a face have the same."""
    _, width, height = _FILES[face]
    return width, height


@cache
def font(face: Face) -> ImageFont.FreeTypeFont:
    """Return the face for Pillow, read once."""
    from PIL import ImageFont

    name, _, height = _FILES[face]
    # Unpacked here: from a packed file each glyph would be unpacked anew each time it is drawn.
    packed = (_FOLDER / name).read_bytes()
    return ImageFont.truetype(BytesIO(gzip.decompress(packed)), height, layout_engine=ImageFont.Layout.BASIC)


def printable(text: str) -> str:
    """Return text in characters the fonts have: others lose their accents, or become boxes; controls vanish."""
    return "".join(_drawn(character) for character in unicodedata.normalize("NFC", text[:LONGEST]))


@lru_cache(maxsize=1024)
def _drawn(character: str) -> str:
    if character.isspace():
        return " "
    if unicodedata.category(character)[0] in "CM":
        return ""
    if _has(character):
        return character
    plain = "".join(each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each))
    return plain if plain and plain != character and all(map(_has, plain)) else _BOX


def _has(character: str) -> bool:
    return character.isascii() or bytes(font("small").getmask(character)) != bytes(
        font("small").getmask(_NOBODYS_CODE)
    )


def fitted(text: str, columns: int, keep: Literal["start", "end"] = "start") -> str:
    """Return text cut to so many characters, with an ellipsis where something is missing."""
    if len(text) <= columns:
        return text
    if columns < 2:
        return text[:columns]
    return text[: columns - 1].rstrip() + "…" if keep == "start" else "…" + text[-(columns - 1) :]


def wrapped(text: str, columns: int) -> list[str]:
    """Return text as lines of at most so many characters, broken between words; at least one line."""
    return wrap(text, columns) or [""]


def two_lines(text: str, columns: int) -> list[str]:
    """Return text as one line if it fits, else as two of about the same length, broken between words if possible."""
    if len(text) <= columns:
        return [text]
    breaks = [place for place, character in enumerate(text) if character == " " and place <= columns]
    cut = min(breaks, key=lambda place: max(place, len(text) - place - 1), default=columns)
    return [text[:cut], fitted(text[cut:].strip(), columns)]
