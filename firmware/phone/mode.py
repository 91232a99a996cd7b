"""Which screen is due, and what it is about."""

from __future__ import annotations

from typing import Literal

from firmware.phone.desk import Desk

Mode = Literal["idle", "dialling", "calling", "ringing", "talking", "ended", "menu", "options"]


def mode_of(desk: Desk) -> Mode:
    """Return the screen: who rings comes first while nobody is at the phone."""
    if not desk.present and (desk.calls.alerting() or desk.calls.recalling()):
        return "ringing"
    if desk.stage == "entry":
        return "dialling"
    if desk.stage == "call":
        call = desk.focused
        return "calling" if call is not None and call.trying else "talking"
    return desk.stage


def focus_of(desk: Desk) -> str | None:
    """Return the id of the call that the screen is about."""
    if mode_of(desk) != "ringing":
        return desk.focus
    caller = desk.calls.alerting() or desk.calls.recalling()
    return None if caller is None else caller.id
