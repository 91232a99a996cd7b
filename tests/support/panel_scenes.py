"""Every screen of the panel, with the phone in the state that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from firmware.phone.events import CallQuality, Party
from firmware.phone.options import CHOICES
from firmware.phone.view import AccountView, CallView, HistoryView, OptionsView, PhoneView

WALL = datetime(2025, 11, 22, 17, 42, 5)
NOW = 5000.0

ANNA = Party("sip:1002@example.net", "Anna Bergström")
NUMBER = Party("sip:+493039833401@example.net")
REGISTERED = AccountView("sip:1001@example.net", "Hall phone", True, True, 9000.0, "")
LOST = replace(REGISTERED, registered=False, expires_at=None, reason="Server silent")


def call(**changes: object) -> CallView:
    given: dict[str, object] = {
        "id": "a", "direction": "out", "state": "confirmed", "hold": "none", "remote": ANNA, "account": "",
        "codec": "PCMA", "encrypted": False, "seconds": 83.0, "quality": CallQuality("a", 0.0, 2.0, 40.0, 4.3),
        "cause": None,
    }  # fmt: skip
    return CallView(**(given | changes))  # type: ignore[arg-type]


IDLE = PhoneView(
    name="Hall", hook="on", mode="idle", digits="", focus=None, calls=(), accounts=(REGISTERED,), missed=0,
    earpiece_volume=7, ringer_volume=7, muted=False, loudspeaker=False, volume_shown="", notice="",
)  # fmt: skip


def about(one: CallView, mode: str, **changes: object) -> PhoneView:
    return replace(IDLE, mode=mode, focus="a", calls=(one,), **changes)  # type: ignore[arg-type]


_PAST = (
    HistoryView("missed", ANNA, NOW - 600, 0.0),
    HistoryView("out", NUMBER, NOW - 3600, 120.0),
    HistoryView("in", Party("sip:1003@example.net", "Kitchen"), NOW - 90000, 65.0),
    HistoryView("in", Party("sip:1004@example.net"), NOW - 900000, 5.0),
    HistoryView("out", Party("sip:*97@example.net"), NOW - 900001, 5.0),
    HistoryView("out", Party("sip:999@example.net"), NOW - 900002, 5.0),
)
_KNOCK = call(id="b", direction="in", state="ringing", remote=Party("sip:1003@x", "Otto"), line=2, seconds=0.0)
_RINGING_IN = call(direction="in", state="ringing", codec="", seconds=0.0, quality=None)


def _over(code: int, words: str, advice: str, seconds: float = 0.0, **changes: object) -> PhoneView:
    return about(call(state="ended", cause=(code, words), advice=advice, seconds=seconds), "ended", **changes)


def options(page: str = "choices", **changes: object) -> PhoneView:
    """The telephone's own menu: `chosen`, `turned`, `set_up` are the menu's, the rest is the telephone's."""
    place = {name: changes.pop(name) for name in ("chosen", "turned", "set_up") if name in changes}
    given = {"version": "0.1.0", "own_addresses": ("192.0.2.17",)} | changes
    return replace(IDLE, mode="options", options=OptionsView(CHOICES, page, **place), **given)  # type: ignore[arg-type]


_ADDRESSES = ("192.0.2.17", "2001:db8:4f66:6666:ba27:ebff:fe5c:1a2b")


SCENES: dict[str, PhoneView] = {
    "idle": IDLE,
    "idle-forgetful": replace(IDLE, forgetful=True, missed=3),
    "options": options(),
    "options-last": options(chosen=4, do_not_disturb=True),
    "options-notice": options(chosen=3, notice="Call list cleared"),
    "options-knock": options(chosen=1, calls=(_KNOCK,)),
    "options-about": options("about"),
    "options-about-no-network": options("about", accounts=(LOST,), own_addresses=()),
    "options-about-more": options("about", own_addresses=_ADDRESSES, forgetful=True),
    "options-about-rest": options("about", own_addresses=_ADDRESSES, forgetful=True, turned=5),
    "options-clear": options("clear"),
    "options-set-up": options("set-up"),
    "options-set-up-asked": options("set-up", set_up="asked"),
    "options-set-up-open": options("set-up", set_up="open"),
    "options-set-up-absent": options("set-up", set_up="absent"),
    "options-set-up-failed": options("set-up", set_up="failed"),
    "menu-by-digits": replace(IDLE, mode="menu", history=_PAST, selected=1, by_digits=True),
    "idle-missed": replace(IDLE, missed=2),
    "idle-no-service": replace(IDLE, accounts=(LOST,), ringer_volume=0),
    "idle-no-sound": replace(IDLE, sound_fault="no sound card 'usb'"),
    "idle-no-sound-missed": replace(IDLE, sound_fault="no sound card 'usb'", missed=2),
    "idle-do-not-disturb": replace(IDLE, do_not_disturb=True),
    "idle-do-not-disturb-missed": replace(IDLE, do_not_disturb=True, missed=12),
    "idle-notice": replace(IDLE, notice="Not transferred: Server not answering"),
    "idle-long-name": replace(IDLE, name="Reception second floor", accounts=()),
    "dial-tone": replace(IDLE, mode="dialling", hook="off"),
    "dial-tone-no-service": replace(IDLE, mode="dialling", hook="off", accounts=(LOST,)),
    "dialling": replace(IDLE, mode="dialling", digits="1002"),
    "dialling-long": replace(IDLE, mode="dialling", digits="+493039833401", loudspeaker=True),
    "dialling-longer": replace(IDLE, mode="dialling", digits="00493039833401234567890"),
    "dialling-refused": replace(IDLE, mode="dialling", digits="0900", notice="Number not allowed"),
    "transfer": replace(IDLE, mode="dialling", digits="1005", purpose="transfer"),
    "transfer-join": replace(IDLE, mode="dialling", hook="off", purpose="transfer", joinable=True),
    "dial-tone-knock": replace(IDLE, mode="dialling", hook="off", calls=(_KNOCK,)),
    "dialling-knock": replace(IDLE, mode="dialling", hook="off", digits="1002", calls=(_KNOCK,)),
    "dialling-notice": replace(IDLE, mode="dialling", digits="x1", notice="Not transferred: Payment required"),
    "calling": about(call(state="calling", seconds=0.0, quality=None, remote=Party("sip:1002@x")), "calling"),
    "calling-unheard": about(
        call(state="calling", seconds=0.0, quality=None, remote=Party("sip:1002@x"), unheard=True), "calling"
    ),
    "ringing-out": about(call(state="ringing", seconds=0.0, remote=NUMBER), "calling", loudspeaker=True),
    "ringing-in": about(_RINGING_IN, "ringing"),
    "ringing-in-number": about(replace(_RINGING_IN, remote=NUMBER), "ringing"),
    "ringing-cyrillic": about(replace(_RINGING_IN, remote=Party("sip:1005@x", "Анна Петрова")), "ringing"),
    "ringing-chinese": about(replace(_RINGING_IN, remote=Party("sip:1006@x", "李小龍 Lee")), "ringing"),
    "held-recall": about(call(hold="local", recalling=True), "ringing"),
    "talking": about(call(), "talking"),
    "talking-all": about(
        call(encrypted=True, hold="local", seconds=3785.0, codec="opus", quality=CallQuality("a", 4, 30, 90, 3.2)),
        "talking", muted=True, loudspeaker=True,
    ),
    "talking-digits": about(call(remote=NUMBER), "talking", digits="12#"),
    "talking-they-hold": about(call(hold="remote", remote=NUMBER), "talking"),
    "talking-knock": replace(about(call(), "talking"), calls=(call(), _KNOCK)),
    "talking-held-recall": replace(
        about(call(), "talking"), calls=(call(), replace(_KNOCK, state="confirmed", hold="local", recalling=True)),
    ),
    "talking-two": replace(
        about(call(), "talking"), calls=(call(), replace(_KNOCK, state="confirmed", hold="local")),
    ),
    "talking-notice": about(call(hold="local"), "talking", notice="Not transferred: Busy"),
    "talking-notice-long": about(call(hold="local"), "talking", notice="Not transferred: Server not answering"),
    "ended-two-lines": _over(401, "Password refused", "Check the account"),
    "ended-notice": _over(486, "Busy", "Try again later", notice="Not transferred: Server not answering"),
    "ended-knock": replace(
        _over(503, "Server not answering", "Try again later"),
        calls=(*_over(503, "Server not answering", "Try again later").calls, _KNOCK),
    ),
    "ended": _over(200, "Call ended", "", 83.0),
    "ended-busy": _over(486, "Busy", "Try again later"),
    "ended-unknown": _over(404, "Number not in use", "Check the number"),
    "ended-server": _over(408, "Server not answering", "Check the network"),
    "volume-ringer": replace(IDLE, volume_shown="ringer", ringer_volume=4),
    "volume-off": replace(IDLE, volume_shown="ringer", ringer_volume=0),
    "volume-ear": about(call(), "talking", volume_shown="earpiece"),
    "menu": replace(IDLE, mode="menu", history=_PAST, selected=0),
    "menu-repeated": replace(IDLE, mode="menu", history=(replace(_PAST[0], times=3), *_PAST[1:]), selected=1),
    "menu-detail": replace(IDLE, mode="menu", history=_PAST, selected=2, detailed=True),
    "menu-detail-repeated": replace(
        IDLE, mode="menu", history=(replace(_PAST[0], times=3), *_PAST[1:]), selected=0, detailed=True
    ),
    "menu-detail-knock": replace(IDLE, mode="menu", history=_PAST, selected=2, detailed=True, calls=(_KNOCK,)),
    "menu-last": replace(IDLE, mode="menu", history=_PAST, selected=5),
    "menu-empty": replace(IDLE, mode="menu"),
    "menu-knock": replace(IDLE, mode="menu", history=_PAST, selected=2, calls=(_KNOCK,)),
    "menu-empty-knock": replace(IDLE, mode="menu", calls=(_KNOCK,)),
}  # fmt: skip
