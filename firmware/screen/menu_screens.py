"""The screens of the telephone's own menu, on a panel of at least 64 rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from firmware.phone.view import OptionsView, PhoneView
from firmware.screen import wording
from firmware.screen.lettering import cell, wrapped
from firmware.screen.page import FOOT, Page
from firmware.screen.screens import HEAD, knock, waiting


def options(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """The telephone's own menu."""
    if view.options is None:
        return
    room = (page.height - HEAD - 1 - (2 * FOOT + 1 if waiting(view) else 0)) // HEAD
    _OPTIONS[view.options.page](page, view, view.options, room)
    knock(page, view, below=HEAD + 2 + room * HEAD)


def _choices(page: Page, view: PhoneView, menu: OptionsView, room: int) -> None:
    taken = page.text("" if view.notice else "#:take *:back", 0, side="right")
    page.text(view.notice or "Menu", 0, right=page.width - (taken + 6 if taken else 1))
    page.rule(HEAD)
    first = max(0, min(menu.chosen - room + 2, len(menu.choices) - room))
    for row, name in enumerate(menu.choices[first : first + room]):
        top = HEAD + 2 + row * HEAD
        chosen = first + row == menu.chosen
        if chosen:
            page.fill(0, top, page.width, top + HEAD)
        page.text(f"{first + row + 1} {wording.choice(view, name)}", top, dark=chosen)


def _about(page: Page, view: PhoneView, menu: OptionsView, room: int) -> None:
    lines = [line for words in wording.about(view) for line in wrapped(words, columns(page))]
    sheets = [lines[first : first + room] for first in range(0, len(lines), room)]
    sheet = menu.turned % len(sheets)
    more = f"2,8:more {sheet + 1}/{len(sheets)}" if len(sheets) > 1 else ""
    page.text(more, 0, side="right")
    _say(page, "About", sheets[sheet])


def _clear(page: Page, view: PhoneView, menu: OptionsView, room: int) -> None:
    _say(page, "Clear call list", wrapped("Forget all calls, and what Redial calls?", columns(page))[:room])
    if room >= 4:
        _yes_or_no(page)


def _set_up(page: Page, view: PhoneView, menu: OptionsView, room: int) -> None:
    lines = {
        "": [wording.SURE_OF_SET_UP],
        "asked": ["Opening ..."],
        "open": [wording.SITE, "Here, or in the Wi-Fi", f'"{wording.SET_UP_WIFI}",', "for 15 minutes"],
        "absent": [wording.NO_PAGE],
        "failed": ["It did not open. Switch the telephone off and on, and try again."],
    }[menu.set_up]
    _say(page, "Set-up page", [line for words in lines for line in wrapped(words, columns(page))][:room])
    if not menu.set_up and room >= 4:
        _yes_or_no(page)


def _say(page: Page, title: str, lines: list[str]) -> None:
    page.text(title, 0)
    page.rule(HEAD)
    for row, line in enumerate(lines):
        page.text(line, HEAD + 2 + row * HEAD)


def _yes_or_no(page: Page) -> None:
    page.text("#:yes", page.height - FOOT)
    page.text("*:no", page.height - FOOT, side="right")


_OPTIONS: dict[str, Callable[[Page, PhoneView, OptionsView, int], None]] = {
    "choices": _choices, "about": _about, "clear": _clear, "set-up": _set_up,
}  # fmt: skip


def columns(page: Page) -> int:
    """Return how many characters a line has."""
    return (page.width - 2) // cell("small")[0]
