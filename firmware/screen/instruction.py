"""Pictures for somebody who wires a telephone: what to do next, and a frame that shows how a panel sits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.screen.lettering import Face, cell, wrapped
from firmware.screen.page import FOOT, Page
from firmware.screen.screen import LOW, Paper, Picture

if TYPE_CHECKING:
    from PIL import ImageDraw

HEAD = 12
BAR = 3
"""Height of the progress bar in pixels."""


def instruction(head: str, words: str, note: str, done: int, of: int, size: tuple[int, int] = (128, 64)) -> Picture:
    """Draw what to do: `head` says what it is about, `words` what to do, `note` what was found last.

    `done`, `of`: how far it is; `of` 0: there is nothing to count. `size`: pixels.
    """
    from luma.core.render import canvas

    paper = Paper(size)
    with canvas(paper) as draw:
        page = Page(draw, size)
        _instruct(page, head, words, note, done, of)
    return Picture(paper.pixels, page.lines)


def frame(words: str, size: tuple[int, int] = (128, 64)) -> Picture:
    """Draw a frame along the panel's edges, its upper side marked, with words in it."""
    from luma.core.render import canvas

    paper = Paper(size)
    with canvas(paper) as draw:
        page = Page(draw, size)
        page.frame(0, 0, *size)
        _mark(draw, size)
        page.text(words, size[1] // 2 - 6, side="centre", left=4, right=size[0] - 4)
    return Picture(paper.pixels, page.lines)


def _mark(draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """An arrow to the upper edge, and steps in the corners that tell a shift by one column from one by two."""
    middle = size[0] // 2
    draw.polygon([(middle, 2), (middle - 6, 8), (middle + 6, 8)], fill=1)
    for corner in (2, size[0] - 3):
        draw.line((corner, 2, corner, size[1] - 3), fill=1)


def _instruct(page: Page, head: str, words: str, note: str, done: int, of: int) -> None:
    if page.height < LOW and len(_wrapped(words, "small", page.width)) > 1:
        _write(page, words, 0, page.height)  # no room for anything else
        return
    taken = page.text(f"{done + 1}/{of}" if of else "", 0, side="right")
    page.text(head, 0, right=page.width - taken - 6)
    top, bottom = HEAD, page.height
    if page.height >= LOW:
        page.rule(HEAD)
        top += 2
        if of:
            page.fill(0, page.height - BAR, max(1, page.width * done // of), page.height)
            bottom -= BAR + 1
    _annotate(page, note, _write(page, words, top, bottom), bottom)


def _write(page: Page, words: str, top: int, bottom: int) -> int:
    """Write words, in the larger letters if all of them have room; returns where they end, in pixels."""
    face: Face = "name"
    if top + len(_wrapped(words, face, page.width)) * cell(face)[1] > bottom:
        face = "small"
    tall = cell(face)[1]
    lines = _wrapped(words, face, page.width)[: (bottom - top) // tall]
    for n, line in enumerate(lines):
        page.text(line, top + n * tall, face)
    return top + len(lines) * tall


def _annotate(page: Page, note: str, top: int, bottom: int) -> None:
    """Write a note on the lines that are left, at the foot."""
    lines, room = _wrapped(note, "small", page.width), (bottom - top) // FOOT
    if len(lines) > room > 0:
        lines[room - 1 :] = [" ".join(lines[room - 1 :])]  # cut where the page ends
    for n, line in enumerate(lines[:room]):
        page.text(line, bottom - FOOT * (min(len(lines), room) - n))


def _wrapped(words: str, face: Face, width: int) -> list[str]:
    return wrapped(words, (width - 2) // cell(face)[0])
