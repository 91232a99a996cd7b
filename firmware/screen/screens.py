"""The screens of a panel of at least 64 rows, one function each.

    +---------------------+
    | head          icons |  12 rows
    | body                |  two or three lines, large
    | foot                |  12 rows
    +---------------------+
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from firmware.phone.view import CallView, PhoneView
from firmware.screen import wording
from firmware.screen.icons import SIZE
from firmware.screen.lettering import Face, cell, two_lines
from firmware.screen.page import FOOT, Page, Side

HEAD = 12
MARGIN = 2
BELOW_NAME = HEAD + 21
"""Where a box may lie that leaves the other person's name to be seen."""


def focused(view: PhoneView) -> CallView | None:
    """Return the call that the screen is about."""
    return next((call for call in view.calls if call.id == view.focus), None)


def waiting(view: PhoneView) -> CallView | None:
    """Return a caller who knocks while the person is busy with something else, or a held call that rings back."""
    others = [call for call in view.calls if call.id != view.focus and call.state != "ended"]
    callers = [call for call in others if call.state == "ringing" and call.direction == "in" and not call.answering]
    return next(iter(callers or [call for call in others if call.recalling]), None)


def held(view: PhoneView) -> CallView | None:
    """Return another call that waits on hold."""
    return next(
        (call for call in view.calls if call.hold in ("local", "both") and call.state == "confirmed"
         and call.id != view.focus),
        None,
    )  # fmt: skip


def idle(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Name, clock, date, own number; whether calls can be made, and whom one missed."""
    _head(page, view.name, _idle_icons(view))
    clock = page.height - HEAD - FOOT
    page.text(f"{wall:%H:%M}", HEAD + (clock - 32) // 2, "clock", side="centre")
    if len(view.notice) > _columns(page):
        page.wipe(HEAD + 1)
        page.text(f"{wall:%H:%M}", HEAD, "digits", side="centre")
        _foot(page, view.notice)
    elif lasting := wording.lasting_words(view):
        _foot(page, view.notice or lasting)
        if view.missed and not view.notice:
            count = page.text(str(view.missed), page.height - FOOT, side="right")
            page.icon("missed", page.width - count - SIZE - 4, page.height - FOOT + 1)
    elif view.missed:
        page.icon("missed", 1, page.height - FOOT + 1)
        page.text(f"{view.missed} missed call{'s' * (view.missed > 1)}", page.height - FOOT, left=SIZE + 5)
    elif words := view.notice or wording.service_words(view):
        page.text(words, page.height - FOOT)
    else:
        taken = page.text(wording.own_number(view), page.height - FOOT, side="right", left=64)
        page.text(wording.date(wall), page.height - FOOT, right=page.width - taken - 6)


def dialling(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """The digits, as large as they fit."""
    title = "Transfer to" if view.purpose == "transfer" else "Dial"
    _head(page, title, _audio_icons(view))
    short = len(view.digits) + 1 <= (page.width - 2 * MARGIN) // cell("digits")[0]
    face: Face = "digits" if short and not _crowded(page, view) else "name"
    top = HEAD + 4 if _crowded(page, view) else HEAD + (page.height - HEAD - FOOT - cell(face)[1]) // 2
    page.text(view.digits, top, face, left=MARGIN, right=page.width - cell(face)[0], keep="end")
    _cursor(page, view, face, top)
    _foot(page, _dialling_hint(view))
    knock(page, view)


def calling(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Who is being called, and how far that got."""
    call = focused(view)
    if call is None:
        return
    _head(page, "Calling", _audio_icons(view), mark="out")
    _person(page, call, brief=_crowded(page, view))
    progress = wording.nothing_yet(view, call) if call.unheard else wording.standing(call) + "." * (1 + int(now) % 3)
    _foot(page, view.notice or progress)
    knock(page, view)


def ringing(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Who calls."""
    call = focused(view)
    if call is None:
        return
    page.fill(0, 0, page.width, HEAD + 1)
    page.icon("bell" if int(now) % 2 else "bell-rings", 3, 2, dark=True)
    page.text("Held call" if call.recalling else "Call from", 0, left=SIZE + 8, dark=True)
    page.text(f"Line {call.line}", 0, side="right", right=page.width - 3, dark=True)
    _person(page, call)
    page.text("OK:take", page.height - FOOT)
    page.text("Back:later" if call.recalling else "Back:refuse", page.height - FOOT, side="right")


def talking(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Whom one speaks to, for how long, and how well."""
    call = focused(view)
    if call is None:
        return
    _head(page, wording.standing(call), _call_icons(view, call))
    _person(page, call, second=_second_line(view), brief=_crowded(page, view))
    if view.notice:
        _foot(page, view.notice)
    else:
        page.text(wording.duration(call.seconds), page.height - FOOT)
        page.text(call.codec, page.height - FOOT, side="right", left=48, right=page.width - SIZE - 6)
        if (quality := wording.bars(call)) is not None:
            page.icon(quality, page.width - SIZE - 2, page.height - FOOT + 1)
    knock(page, view)


def ended(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """Why the call is over, and what to do next."""
    call = focused(view)
    if call is None:
        return
    spoken = wording.duration(call.seconds) if call.seconds else ""
    name, _ = wording.caller_of(call.remote)
    taken = page.text(spoken, 0, side="right")
    page.text(name, 0, right=page.width - (taken + 6 if taken else 0))
    page.rule(HEAD)
    words = call.cause[1] if call.cause else "Call ended"
    if _crowded(page, view):
        page.text(words, HEAD + 6, side="centre")
    else:
        lines = two_lines(words, _columns(page, "name"))
        top = HEAD + 1 + (page.height - HEAD - FOOT - 16 * len(lines)) // 2
        for row, line in enumerate(lines):
            page.text(line, top + 16 * row, "name", side="centre")
    _foot(page, view.notice or call.advice, side="centre")
    knock(page, view)


def menu(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """The call list, with the chosen line inverted."""
    if view.detailed and view.history:
        _detail(page, view, wall, now)
        return
    page.text("2,8:move #:call" if view.by_digits and view.history else "Calls", 0)
    if not view.history:
        page.rule(HEAD)
        page.text("No calls yet", HEAD + (8 if waiting(view) else 16), side="centre")
        knock(page, view)
        return
    page.text(f"{view.selected + 1}/{len(view.history)}", 0, side="right")
    page.rule(HEAD)
    rows = (page.height - HEAD - 1 - (2 * FOOT + 1 if waiting(view) else 0)) // HEAD
    first = max(0, min(view.selected - rows + 2, len(view.history) - rows))
    for row, entry in enumerate(view.history[first : first + rows]):
        top = HEAD + 2 + row * HEAD
        chosen = first + row == view.selected
        if chosen:
            page.fill(0, top, page.width, top + HEAD)
        page.icon(entry.kind, 1, top + 1, dark=chosen)
        moment = wording.often(entry) + wording.moment(entry.age(now, wall.timestamp()), wall)
        when = page.text(moment, top, side="right", right=page.width - 1, dark=chosen)
        page.text(
            wording.caller_of(entry.remote)[0], top, left=SIZE + 4, right=page.width - when - 5, dark=chosen
        )
    knock(page, view, below=HEAD + 2 + rows * HEAD)


def _detail(page: Page, view: PhoneView, wall: datetime, now: float) -> None:
    """One line of the call list: who, their number, when, for how long."""
    entry = view.history[min(view.selected, len(view.history) - 1)]
    _head(page, f"{wording.KINDS[entry.kind]} {wording.often(entry)}", [], mark=entry.kind)
    name, number = wording.caller_of(entry.remote)
    page.text(name, HEAD + 4, "name")
    page.text(number, HEAD + 22)
    taken = page.text(wording.duration(entry.seconds) if entry.seconds else "", page.height - FOOT, side="right")
    moment = wording.when(entry.age(now, wall.timestamp()), wall)
    page.text(moment, page.height - FOOT, right=page.width - taken - 6)
    knock(page, view)


def volume(page: Page, view: PhoneView) -> None:
    """A bar over the lower half: which volume was changed, and to what."""
    level = view.earpiece_volume if view.volume_shown == "earpiece" else view.ringer_volume
    top = page.height - BOX
    if view.mode in ("calling", "ringing", "talking"):
        page.wipe(BELOW_NAME)
    else:
        page.wipe(HEAD + 1)
        top -= (page.height - HEAD - BOX) // 2
    page.frame(0, top, page.width, top + BOX)
    page.icon("ear" if view.volume_shown == "earpiece" else "bell", 4, top + 2)
    page.text("Handset" if view.volume_shown == "earpiece" else "Ringer", top + 1, left=SIZE + 8)
    page.text(str(level) if level else "off", top + 1, side="right", right=page.width - 4)
    step = (page.width - 8) // 10
    for mark in range(10):
        left = 4 + mark * step
        if mark < level:
            page.fill(left, top + 15, left + step - 2, top + 23)
        else:
            page.fill(left, top + 22, left + step - 2, top + 23)


BOX = 27
"""Height of the volume's box in pixels."""
Screen = Callable[[Page, PhoneView, datetime, float], None]
SCREENS: dict[str, Screen] = {
    "idle": idle,
    "dialling": dialling,
    "calling": calling,
    "ringing": ringing,
    "talking": talking,
    "ended": ended,
    "menu": menu,
}


def _head(page: Page, title: str, icons: list[str], *, mark: str | None = None) -> None:
    left = 0
    if mark is not None:
        page.icon(mark, 1, 1)
        left = SIZE + 4
    room = page.width - 1 - len(icons) * (SIZE + 3)
    page.text(title, 0, left=left, right=room)
    for place, icon in enumerate(icons):
        page.icon(icon, room + 3 + place * (SIZE + 3), 1)
    page.rule(HEAD)


def _columns(page: Page, face: Face = "small") -> int:
    return (page.width - 2) // cell(face)[0]


def _crowded(page: Page, view: PhoneView) -> bool:
    """Return whether the lower half is needed for a caller who knocks or a notice of two lines."""
    return waiting(view) is not None or len(view.notice) > _columns(page)


def _foot(page: Page, text: str, *, side: Side = "left") -> None:
    lines = two_lines(text, _columns(page))
    if len(lines) > 1:
        page.wipe(BELOW_NAME)
    for row, line in enumerate(reversed(lines)):
        page.text(line, page.height - FOOT * (row + 1), side=side)


def _person(page: Page, call: CallView, *, second: str | None = None, brief: bool = False) -> None:
    name, number = wording.caller_of(call.remote)
    second = number if second is None else second
    if second or brief:
        page.text(name, HEAD + 4, "name")
        page.text(second, HEAD + 22)  # gone again if the lower half is needed
    else:
        face: Face = "digits" if len(name) * cell("digits")[0] <= page.width - 2 * MARGIN else "name"
        page.text(name, HEAD + (page.height - HEAD - FOOT - cell(face)[1]) // 2, face)


def _second_line(view: PhoneView) -> str | None:
    if view.digits:
        return view.digits[-20:]
    if (other := held(view)) is not None:
        return f"Held: {wording.caller_of(other.remote)[0]}"
    return None


def knock(page: Page, view: PhoneView, *, below: int = BELOW_NAME) -> None:
    """Tell of a caller who knocks, over what is below."""
    caller = waiting(view)
    if caller is None:
        return
    top = page.height - 2 * FOOT - 1
    page.wipe(below)
    page.fill(0, top, page.width, page.height)
    name, _ = wording.caller_of(caller.remote)
    page.icon("bell", 3, top + 2, dark=True)
    page.text(name, top, left=SIZE + 7, right=page.width - 2, dark=True)
    page.text(f"OK:take  Line {caller.line}", top + FOOT, left=SIZE + 7, dark=True)


def _cursor(page: Page, view: PhoneView, face: Face, top: int) -> None:
    width, height = cell(face)
    shown = min(len(view.digits), (page.width - width - MARGIN) // width)
    left = MARGIN + shown * width
    page.fill(left, top + height - 2, left + width - 2, top + height)


def _dialling_hint(view: PhoneView) -> str:
    if view.notice:
        return view.notice
    if view.joinable:
        return "Transfer:join the two"
    if view.purpose == "transfer":
        return "OK:send  #:ask first"
    if not view.digits:
        return wording.service_words(view) or "Hold * for the menu"
    return "OK:call   Back:erase"


def _idle_icons(view: PhoneView) -> list[str]:
    quiet = ["bell-off"] if view.ringer_volume == 0 or view.do_not_disturb else []
    return [*quiet, "service" if wording.in_service(view) else "no-service"]


def _audio_icons(view: PhoneView) -> list[str]:
    icons = ["muted"] if view.muted else []
    return [*icons, "speaker"] if view.loudspeaker else icons


def _call_icons(view: PhoneView, call: CallView) -> list[str]:
    icons = _audio_icons(view)
    if call.encrypted:
        icons.append("lock")
    if call.hold != "none":
        icons.append("held")
    return icons
