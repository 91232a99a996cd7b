"""What happens when the phone has waited long enough."""

from __future__ import annotations

from collections.abc import Callable

from firmware.phone import network, transfers
from firmware.phone.alarms import Alarm, Kind
from firmware.phone.calls import Call
from firmware.phone.choosing import set_up_told
from firmware.phone.desk import Desk
from firmware.phone.events import SoundKey
from firmware.phone.keys import call_hotline, send_entry
from firmware.phone.reasons import ADDRESS_INCOMPLETE, reason_for
from firmware.phone.set_up_page import SetUpPageTold

NOT_AVAILABLE = 480
CANCELLED = 487


def expire(desk: Desk, alarm: Alarm, now: float) -> None:
    """Do what one alarm was set for."""
    kind, name = alarm
    if kind in _AT_THE_DESK:
        _AT_THE_DESK[kind](desk, now)
        return
    call = desk.calls.get(name)
    if call is not None:
        _OF_A_CALL[kind](desk, call, now)


def _entry(desk: Desk, now: float) -> None:
    entry = desk.entry
    if entry is None:
        return
    if not desk.off_hook and (not desk.handsfree or not entry.digits or entry.refused):
        desk.rest()
    elif entry.digits and entry.digits == entry.incomplete and not entry.refused:
        desk.refuse_entry(reason_for(ADDRESS_INCOMPLETE).words, now)  # nothing was added: to ask again is of no use
    elif entry.digits and not entry.refused:
        send_entry(desk, now)
    elif entry.hotline and not entry.refused:
        call_hotline(desk, now)
    else:
        entry.howling = True


def _plus(desk: Desk, now: float) -> None:
    if desk.entry is not None and desk.entry.may_become_plus:
        desk.entry.become_plus()
        desk.emit(SoundKey(None))


def _tone(desk: Desk, now: float) -> None:
    desk.ended_tone = "howler"


def _screen(desk: Desk, now: float) -> None:
    desk.rest()


def _menu(desk: Desk, now: float) -> None:
    desk.leave_menu(now)


def _options(desk: Desk, now: float) -> None:
    if desk.entry is not None and desk.entry.may_become_menu:
        desk.open_options(now)
        desk.emit(SoundKey(None))


def _told(desk: Desk, now: float) -> None:
    if desk.options is not None:
        desk.options.told = ""


def _set_up(desk: Desk, now: float) -> None:
    set_up_told(desk, SetUpPageTold("failed"), now)


def _volume(desk: Desk, now: float) -> None:
    desk.levels.shown = ""


def _notice(desk: Desk, now: float) -> None:
    desk.notice = ""


def _incoming(desk: Desk, call: Call, now: float) -> None:
    network.give_up(desk, call, NOT_AVAILABLE, now)


def _outgoing(desk: Desk, call: Call, now: float) -> None:
    network.give_up(desk, call, CANCELLED, now)


def _no_server(desk: Desk, call: Call, now: float) -> None:
    network.miss_server(desk, call, now)


def _no_news(desk: Desk, call: Call, now: float) -> None:
    call.unheard = call.trying


def _auto_answer(desk: Desk, call: Call, now: float) -> None:
    alone = len(desk.calls.live()) == 1 and desk.stage != "entry"
    if call.alerting and alone:
        desk.answer(call, now)


def _recall(desk: Desk, call: Call, now: float) -> None:
    desk.ring_back(call, now)


def _recall_ring(desk: Desk, call: Call, now: float) -> None:
    call.recalling = False
    desk.watch_hold(call, now)


def _transfer(desk: Desk, call: Call, now: float) -> None:
    transfers.failed(desk, call, "no news", now)


def _replaced(desk: Desk, call: Call, now: float) -> None:
    desk.hang_up(call, now)  # whoever sent us on has not left by itself


def _listed(desk: Desk, call: Call, now: float) -> None:
    if desk.focus == call.id:  # still on the panel
        desk.alarms.set("listed", now + desk.settings.timeouts.ended_call, call.id)
    else:
        desk.calls.remove(call.id)


_AT_THE_DESK: dict[Kind, Callable[[Desk, float], None]] = {
    "entry": _entry, "plus": _plus, "tone": _tone, "screen": _screen, "menu": _menu, "options": _options,
    "told": _told, "set-up": _set_up, "volume": _volume, "notice": _notice,
}  # fmt: skip
_OF_A_CALL: dict[Kind, Callable[[Desk, Call, float], None]] = {
    "incoming": _incoming, "outgoing": _outgoing, "no-server": _no_server, "no-news": _no_news,
    "auto-answer": _auto_answer, "recall": _recall, "recall-ring": _recall_ring,
    "transfer": _transfer, "replaced": _replaced, "listed": _listed,
}  # fmt: skip
