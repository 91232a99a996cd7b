"""What the telephone knows again after it was switched off: the call list, redial, volumes, do-not-disturb."""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware.phone.desk import Desk
from firmware.phone.levels import Levels
from firmware.phone.view import HistoryView


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it, as a value."""

    history: tuple[HistoryView, ...] = ()
    """The call list, latest first; every line `dated`."""
    missed: int = 0
    """Missed calls not yet looked at."""
    redial: str = ""
    """What redial calls: as the person gave it; empty: nothing yet."""
    redial_account: str | None = None
    """The address of the account it was called from."""
    earpiece_volume: int | None = None
    """1 to 10 (of an older version: 0, as good as 1); None: as the settings have it."""
    ringer_volume: int | None = None
    """0 to 10."""
    do_not_disturb: bool | None = None
    """None: as the settings have it, so that a change of the configuration counts."""


def memory_of(desk: Desk, now: float, unix: float) -> Memory:
    """Return what is worth remembering; `unix`: the clock on the wall at `now`, Unix seconds."""
    settings, history = desk.settings, desk.history
    return Memory(
        history=tuple(_dated(entry, now, unix) for entry in history.entries),
        missed=history.missed,
        redial=history.last_dialled,
        redial_account=history.last_account,
        earpiece_volume=desk.levels.earpiece,
        ringer_volume=desk.levels.ringer,
        do_not_disturb=desk.do_not_disturb if desk.do_not_disturb != settings.do_not_disturb else None,
    )


def mark_of(desk: Desk) -> tuple[int, ...]:
    """Return what differs whenever the memory does; much cheaper than the memory itself."""
    return (desk.history.changes, desk.levels.earpiece, desk.levels.ringer, desk.do_not_disturb)


def recall(desk: Desk, memory: Memory) -> None:
    """Make a new phone know what it knew."""
    known = memory.redial_account in desk.accounts
    account = memory.redial_account if known else None
    desk.history.recall(memory.history, memory.missed, memory.redial, account)
    settings = desk.settings
    desk.levels = Levels(
        settings.earpiece_volume if memory.earpiece_volume is None else memory.earpiece_volume,
        settings.ringer_volume if memory.ringer_volume is None else memory.ringer_volume,
    )
    if memory.do_not_disturb is not None:
        desk.do_not_disturb = memory.do_not_disturb


def _dated(entry: HistoryView, now: float, unix: float) -> HistoryView:
    return entry if entry.dated else replace(entry, at=unix - entry.age(now, unix), dated=True)
