"""Lifting and replacing the handset."""

from __future__ import annotations

from firmware.phone.desk import Desk
from firmware.phone.keys import call_hotline, send_entry, take_selected
from firmware.phone.leaving import disconnect


def lifted(desk: Desk, now: float) -> None:
    """Answer who rings, send the number prepared on the panel, take a hands-free call to the ear, or get dial tone."""
    was_handsfree, desk.handsfree, desk.off_hook = desk.handsfree, False, True
    caller, held = desk.calls.alerting(), desk.calls.recalling()
    if was_handsfree:
        if desk.stage == "ended":
            desk.begin_entry(now)
    elif caller is not None:
        desk.answer(caller, now)
    elif held is not None:
        desk.resume(held, now)
    elif desk.entry is not None and desk.entry.digits:
        send_entry(desk, now)
    elif desk.stage == "menu" and desk.history.entries:
        take_selected(desk, now)
    else:
        desk.begin_entry(now)
        _expect_hotline(desk, now)


def _expect_hotline(desk: Desk, now: float) -> None:
    """RFC 4504 Req-84: a URL is dialled when the phone goes off-hook; with a delay, unless a number is begun."""
    if not desk.settings.hotline or desk.entry is None:
        return
    desk.entry.hotline = True
    if desk.settings.hotline_delay:
        desk.alarms.set("entry", now + desk.settings.hotline_delay)
    else:
        call_hotline(desk, now)


def replaced(desk: Desk, now: float) -> None:
    """Hang up, unless the phone is hands-free and there is something to listen to."""
    desk.off_hook = False
    over = desk.stage == "ended" or (desk.entry is not None and desk.entry.howling)
    if over or not desk.handsfree:
        disconnect(desk, now)
