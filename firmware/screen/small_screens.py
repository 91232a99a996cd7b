"""The screens of a panel of two lines (32 or 48 rows): a small line over a large one."""

from __future__ import annotations

from datetime import datetime

from firmware.phone.view import OptionsView, PhoneView
from firmware.screen import wording
from firmware.screen.lettering import cell, two_lines, wrapped
from firmware.screen.page import Page
from firmware.screen.screens import focused, waiting

UPPER = 12
COLUMNS = 21
"""Characters in a small line."""


def draw(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Draw whichever screen is due."""
    if view.volume_shown:
        _volume(page, view)
    elif view.mode == "idle":
        _idle(page, view, wall)
    else:
        title, right, large = _lines(view, wall, now)
        taken = page.text(right, 0, side="right")
        page.text(title, 0, right=page.width - taken - (6 if taken else 0))
        keep = "end" if view.mode == "dialling" else "start"
        page.text(large, UPPER + 2, "name" if len(large) * 8 <= page.width - 2 else "small", keep=keep)  # type: ignore[arg-type]


def _idle(page: Page, view: PhoneView, wall: datetime) -> None:
    page.text(f"{wall:%H:%M}", (page.height - 28) // 2, "digits")
    left = 5 * cell("digits")[0] + 6
    quiet = "No calls" if view.do_not_disturb else "" if view.ringer_volume else "Bell off"
    page.text(quiet or view.name, 2, side="right", left=left)
    sound = "No sound" if view.sound_fault else "Bad card" if view.forgetful else ""
    service = "" if wording.in_service(view) else "No line"
    missed = f"{view.missed} missed" if view.missed else ""
    page.text(sound or missed or service or wording.date(wall)[4:], page.height - UPPER - 2, side="right", left=left)


def _lines(view: PhoneView, wall: datetime, now: float) -> tuple[str, str, str]:
    call, knock = focused(view), waiting(view)
    if knock is not None and view.mode != "ringing":
        behind = view.digits + "_" if view.mode == "dialling" else wording.caller_of(call.remote)[0] if call else ""
        return "Call: " + wording.caller_of(knock.remote)[0], "OK", behind
    if len(view.notice) > COLUMNS:
        upper, lower = two_lines(view.notice, COLUMNS)
        return upper, "", lower
    if view.mode == "dialling":
        purpose = "Transfer to" if view.purpose == "transfer" else "Dial"
        title = view.notice or wording.service_words(view) or ("Transfer:join the two" if view.joinable else purpose)
        return title, "", view.digits + "_"
    if view.options is not None:
        return _options(view, view.options)
    if view.mode == "menu":
        if not view.history:
            return "Calls", "", "No calls yet"
        entry = view.history[min(view.selected, len(view.history) - 1)]
        age, (name, number) = entry.age(now, wall.timestamp()), wording.caller_of(entry.remote)
        if view.detailed:
            spoken = wording.duration(entry.seconds) if entry.seconds else ""
            return wording.when(age, wall), spoken, number or name
        place = f"{view.selected + 1}/{len(view.history)}"
        title = f"{entry.kind.capitalize()} {wording.often(entry)}{wording.moment(age, wall)}"
        return title, place, name
    if call is None:
        return view.name, "", ""
    name, number = wording.caller_of(call.remote)
    if view.mode == "ringing":
        return "Held call" if call.recalling else "Call from", number, name
    if view.mode == "ended":
        title, right = _beside(view.notice or name, wording.duration(call.seconds) if call.seconds else "")
        return title, right, call.cause[1] if call.cause else "Ended"
    standing = wording.nothing_yet(view, call) if call.unheard else wording.standing(call)
    title = view.notice or ("Muted" if view.muted else standing)
    title, right = _beside(title, wording.duration(call.seconds) if call.state == "confirmed" else "")
    return title, right, view.digits or name


def _options(view: PhoneView, menu: OptionsView) -> tuple[str, str, str]:
    if menu.page == "choices":
        place = f"{menu.chosen + 1}/{len(menu.choices)}"
        return view.notice or "Menu", place, f"{menu.chosen + 1} {wording.choice(view, menu.choices[menu.chosen])}"
    if menu.page == "about":
        lines = [line for words in wording.about(view) for line in wrapped(words, COLUMNS)]
        line = menu.turned % len(lines)
        return "About", f"2,8:more {line + 1}/{len(lines)}", lines[line]
    if menu.page == "clear":
        return "Forget all calls?", "", "#:yes *:no"
    return {
        "": ("No Wi-Fi calls then", "", "#:open *:no"),
        "asked": ("Set-up page", "", "Opening ..."),
        "open": (f"Wi-Fi: {wording.SET_UP_WIFI}", "", wording.SITE),
        "absent": ("No set-up page:", "", "not Offhook's card"),
        "failed": ("Set-up page", "", "It did not open"),
    }[menu.set_up]


def _beside(title: str, time: str) -> tuple[str, str]:
    """Return both, or the title alone where there is no room."""
    return title, time if len(title) + 1 + len(time) <= COLUMNS else ""


def _volume(page: Page, view: PhoneView) -> None:
    ear = view.volume_shown == "earpiece"
    level = view.earpiece_volume if ear else view.ringer_volume
    page.text("Handset" if ear else "Ringer", 0)
    page.text(str(level) if level else "off", 0, side="right")
    step = page.width // 10
    for mark in range(10):
        top = UPPER + 4 if mark < level else page.height - 4
        page.fill(mark * step, top, mark * step + step - 2, page.height - 2)
