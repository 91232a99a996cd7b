"""What a person does in the telephone's menu, by digits or by arrows, OK and Back.

    choices --digit, #, OK--> calls (the call list) | about | clear? | set-up?
       ^----------- *, Back ------------'         '---- # or OK: done, * or Back: not'
"""

from __future__ import annotations

from collections.abc import Callable

from firmware.phone.desk import Desk
from firmware.phone.options import CHOICES, Options, Sound
from firmware.phone.set_up_page import OpenSetUpPage, Outcome, SetUpPageTold

BACK, YES = "*", "#"
ARROWS = {"2": "up", "8": "down", "6": "right", "4": "left", "5": "ok", YES: "ok", BACK: "back"}
"""Digits that do for the keys that a telephone may lack, while there is no number to dial."""

_TOLD_LATER: dict[Outcome, str] = {
    "open": "Set-up page is open", "absent": "There is no set-up page", "failed": "Set-up page did not open",
}  # fmt: skip


def take_digit(desk: Desk, key: str, now: float) -> None:
    """A digit chooses; `#` and `*` are yes and no."""
    options = _touched(desk, now)
    if key == YES:
        confirm(desk, key, now)
    elif key == BACK:
        step_back(desk, key, now)
    elif options.page == "about" and key in ("2", "8"):
        move(desk, ARROWS[key], now)
    elif options.page == "choices" and key.isdigit() and 1 <= int(key) <= len(CHOICES):
        options.chosen = int(key) - 1
        _choose(desk, options, now)
    else:
        _tell(desk, options, "refused", now)


def move(desk: Desk, key: str, now: float) -> None:
    """Up or down: mark another choice, turn the page."""
    options = _touched(desk, now)
    step = 1 if key == "down" else -1
    if options.page == "choices":
        options.chosen = max(0, min(len(CHOICES) - 1, options.chosen + step))
    elif options.page == "about":
        options.turned += step


def confirm(desk: Desk, key: str, now: float) -> None:
    """Take what is marked, or say yes."""
    options = _touched(desk, now)
    if options.page == "choices":
        _choose(desk, options, now)
    elif options.page == "clear":
        desk.history.clear()
        desk.say("Call list cleared", now)
        options.turn_to("choices")
        _tell(desk, options, "done", now)
    elif options.asks:
        options.set_up = "asked"
        desk.alarms.set("set-up", now + desk.settings.timeouts.set_up)
        desk.alarms.set("menu", now + desk.settings.timeouts.set_up + desk.settings.timeouts.menu)
        desk.emit(OpenSetUpPage())
    else:
        options.turn_to("choices")


def step_back(desk: Desk, key: str, now: float) -> None:
    """No; back to the choices; out of the menu."""
    options = _touched(desk, now)
    if options.page == "choices":
        desk.leave_menu(now)
    else:
        options.turn_to("choices")


def set_up_told(desk: Desk, event: SetUpPageTold, now: float) -> None:
    """The set-up page is open, or not."""
    desk.alarms.cancel("set-up")
    options = desk.options
    if options is None or options.set_up != "asked":
        desk.say(_TOLD_LATER[event.outcome], now)
        return
    options.set_up = event.outcome
    desk.alarms.set("menu", now + desk.settings.timeouts.directions)
    _tell(desk, options, "done" if event.outcome == "open" else "refused", now)


def _touched(desk: Desk, now: float) -> Options:
    """The menu, which is given up if nobody touches it."""
    assert desk.options is not None
    desk.alarms.set("menu", now + desk.settings.timeouts.menu)
    return desk.options


def _tell(desk: Desk, options: Options, how: Sound, now: float) -> None:
    options.told = how
    desk.alarms.set("told", now + desk.settings.timeouts.told)


def _choose(desk: Desk, options: Options, now: float) -> None:
    _CHOICES[CHOICES[options.chosen]](desk, options, now)


def _calls(desk: Desk, options: Options, now: float) -> None:
    desk.open_menu(now, by_digits=True)


def _do_not_disturb(desk: Desk, options: Options, now: float) -> None:
    desk.do_not_disturb = not desk.do_not_disturb
    _tell(desk, options, "done" if desk.do_not_disturb else "off", now)


def _about(desk: Desk, options: Options, now: float) -> None:
    options.turn_to("about")


def _clear(desk: Desk, options: Options, now: float) -> None:
    options.turn_to("clear")


def _set_up(desk: Desk, options: Options, now: float) -> None:
    options.set_up = ""
    options.turn_to("set-up")


_CHOICES: dict[str, Callable[[Desk, Options, float], None]] = {
    "calls": _calls, "do-not-disturb": _do_not_disturb, "about": _about, "clear": _clear, "set-up": _set_up,
}  # fmt: skip
assert tuple(_CHOICES) == CHOICES
