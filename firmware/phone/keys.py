"""What each key does on each screen: a table, and the few lines behind each entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from firmware.phone import choosing, transfers
from firmware.phone.calls import Call
from firmware.phone.desk import Desk, NotPossible
from firmware.phone.leaving import disconnect
from firmware.phone.mode import mode_of

DIGITS = frozenset("0123456789*#")

Verb = Callable[[Desk, str, float], None]


def press(desk: Desk, key: str, now: float) -> None:
    """A key that is not a digit of a confirmed call went down. What means nothing now does nothing."""
    try:
        if key in ("volume-up", "volume-down"):
            _turn(desk, 1 if key == "volume-up" else -1, now)
        elif (verb := _TABLE.get((mode_of(desk), "digit" if key in DIGITS else key))) is not None:
            verb(desk, key, now)
    except NotPossible as refusal:
        desk.say(str(refusal), now)
        if desk.entry is not None and desk.entry.digits:
            desk.refuse_entry(str(refusal), now)


def hold_down(desk: Desk, key: str, now: float) -> None:
    """The pause after a digit begins when its key comes up; a key that sticks must not keep the number for ever."""
    if key in DIGITS and (entry := desk.entry) is not None and desk.present and entry.open:
        desk.alarms.set("entry", now + desk.settings.timeouts.first_digit)
    if (key == "0" or key == "*") and (kind := _held_longer(desk)) is not None:
        desk.alarms.set(kind, now + desk.settings.timeouts.long_press)


def _held_longer(desk: Desk) -> Literal["plus", "options"] | None:
    """What the one digit there is would be if its key were held longer."""
    entry = desk.entry
    if entry is None:
        return None
    return "plus" if entry.may_become_plus else "options" if entry.may_become_menu else None


def let_go(desk: Desk, key: str, now: float) -> None:
    """A digit's key came up: from now on the next one is waited for, if there is to be one."""
    desk.alarms.cancel("plus")
    desk.alarms.cancel("options")
    if desk.entry is not None and desk.entry.ready:
        send_entry(desk, now)
    elif key in DIGITS and (entry := desk.entry) is not None and desk.present and entry.open:
        desk.wait_for_digit(now)


def send_entry(desk: Desk, now: float) -> None:
    """The digits are a whole number: call it. Where that cannot be, say why."""
    entry = desk.entry
    assert entry is not None
    try:
        line = entry.line if entry.line is None or desk.calls.on_line(entry.line) is None else None
        desk.place(entry.digits, now, line=line, consults=entry.transfers).dialled = entry.digits
    except NotPossible as refusal:
        if desk.entry is not entry:
            desk.begin_entry(now)
        desk.refuse_entry(str(refusal), now)


def call_hotline(desk: Desk, now: float) -> None:
    """Call whom the telephone calls by itself. Where that cannot be, say why."""
    try:
        desk.place(desk.settings.hotline, now)
    except NotPossible as refusal:
        desk.refuse_entry(str(refusal), now)


def take_selected(desk: Desk, now: float) -> None:
    """Call the chosen line of the call list."""
    lines = desk.history.lines
    if desk.selected < len(lines):
        desk.place(lines[desk.selected].remote.uri, now)


def _turn(desk: Desk, step: int, now: float) -> None:
    desk.levels.change("earpiece" if desk.present else "ringer", step)
    desk.alarms.set("volume", now + desk.settings.timeouts.volume_shown)


def _type(desk: Desk, key: str, now: float) -> None:
    if desk.entry is None:
        desk.begin_entry(now)
    assert desk.entry is not None
    step = desk.entry.press(key)
    if step == "dial" and desk.present and key in ("0", "*") and _held_longer(desk) is not None:
        desk.entry.ready = True
    elif step == "dial" and (desk.present or key == "#"):
        send_entry(desk, now)
    elif not (desk.entry.howling or desk.entry.refused):
        desk.wait_for_digit(now)


def _type_if_nobody_listens(desk: Desk, key: str, now: float) -> None:
    # In the handset the far end's release still sounds: digits meant for the call must not dial a stranger.
    if not desk.present:
        _type(desk, key, now)


def _erase(desk: Desk, key: str, now: float) -> None:
    entry = desk.entry
    assert entry is not None
    held = desk.calls.get(entry.transfers)
    if not entry.digits and held is not None and held.talking:
        desk.resume(held, now)
    elif not entry.digits and not desk.off_hook:
        desk.rest()
    else:
        entry.erase()
        desk.wait_for_digit(now)


def _send(desk: Desk, key: str, now: float) -> None:
    assert desk.entry is not None
    if _knocked(desk):
        _answer(desk, key, now)
    elif not desk.entry.digits:
        _open_menu(desk, key, now)
    elif desk.entry.transfers is not None:
        _send_transfer(desk, key, now)
    else:
        send_entry(desk, now)


def _send_transfer(desk: Desk, key: str, now: float) -> None:
    entry = desk.entry
    assert entry is not None
    call = desk.calls.get(entry.transfers)
    if call is None or not call.talking:
        return
    if entry.digits:
        transfers.blind(desk, call, entry.digits, now)
    elif (other := transfers.to_join(desk, call)) is not None:
        transfers.attended(desk, other, call, now)


def _redial(desk: Desk, key: str, now: float) -> None:
    if desk.entry is not None and desk.entry.digits:
        return
    if not desk.history.last_dialled:
        raise NotPossible("Nothing to redial yet")
    consults = desk.entry.transfers if desk.entry is not None else None
    desk.place(desk.history.last_dialled, now, account=desk.history.last_account, consults=consults)


def _knocked(desk: Desk) -> bool:
    """Somebody waits to be talked to, and the panel says that OK takes them."""
    return desk.present and (desk.calls.alerting() or desk.calls.recalling()) is not None


def _answer(desk: Desk, key: str, now: float) -> None:
    caller = desk.calls.alerting()
    held = desk.calls.recalling()
    if caller is not None:
        desk.answer(caller, now)
    elif held is not None:
        desk.resume(held, now)


def _reject(desk: Desk, key: str, now: float) -> None:
    caller = desk.calls.alerting()
    held = desk.calls.recalling()
    if caller is not None:
        desk.hang_up(caller, now)
    elif held is not None:
        desk.alarms.cancel("recall-ring", held.id)
        held.recalling = False
        desk.watch_hold(held, now)


def _silence(desk: Desk, key: str, now: float) -> None:
    for call in desk.calls:
        call.silenced = call.silenced or call.alerting


def _cancel(desk: Desk, key: str, now: float) -> None:
    call = desk.focused
    assert call is not None
    held = desk.calls.get(call.consults)
    desk.hang_up(call, now)
    if held is not None and held.talking:
        desk.resume(held, now)
    elif desk.off_hook:
        desk.begin_entry(now)
    else:
        desk.show_end(call, now, None)
        desk.handsfree = False


def _speaker(desk: Desk, key: str, now: float) -> None:
    """Hands-free on; off again means to the handset if it is up, else hanging up."""
    if not desk.handsfree:
        desk.handsfree = True
        if desk.entry is not None and desk.entry.digits and not desk.off_hook:
            send_entry(desk, now)
        elif desk.stage in ("idle", "entry") or (desk.stage == "ended" and not desk.off_hook):
            desk.begin_entry(now) if desk.entry is None else desk.wait_for_digit(now)
    else:
        desk.handsfree = False
        if not desk.off_hook:
            disconnect(desk, now)


def _hold(desk: Desk, key: str, now: float) -> None:
    call = desk.focused
    if call is None or not (call.talking or call.answering):
        _retrieve(desk, key, now)
    elif call.held_by_us:
        desk.resume(call, now)
    else:
        desk.hold(call, now)


def _retrieve(desk: Desk, key: str, now: float) -> None:
    held = desk.calls.held()
    if held is not None and not held.transferring:
        desk.resume(held, now)


def _transfer(desk: Desk, key: str, now: float) -> None:
    call = desk.focused
    assert call is not None
    if transfers.under_way(desk, call):
        return
    if call.consults is not None and transfers.can_complete(desk, call):
        transfers.complete(desk, call, now)
    elif call.talking and not call.transferring:
        transfers.begin(desk, call, now)


def _mute(desk: Desk, key: str, now: float) -> None:
    desk.levels.muted = not desk.levels.muted


def _line(desk: Desk, key: str, now: float) -> None:
    """Go to a line: answer who rings there, take back who is held there, or get dial tone on it.

    No call is out of its key's reach, whatever became of it (RFC 5359 §2.5).
    """
    line = int(key[-1])
    call = desk.calls.on_line(line)
    if call is None:
        _seize(desk, line, now)
    elif call.alerting:
        desk.answer(call, now)
    elif call.held_by_us and not call.transferring:
        desk.resume(call, now)
    elif call is not desk.focused:
        desk.set_aside(now)
        desk.attend(call)


def _seize(desk: Desk, line: int, now: float) -> None:
    digits = desk.entry.digits if desk.entry is not None and not desk.present else ""
    desk.set_aside(now)
    desk.handsfree = desk.handsfree or not desk.off_hook
    desk.begin_entry(now, line=line)
    if digits and desk.entry is not None:
        desk.entry.digits = digits
        send_entry(desk, now)


def _open_menu(desk: Desk, key: str, now: float) -> None:
    if desk.entry is None or (not desk.entry.digits and desk.entry.transfers is None):
        desk.open_menu(now)


def _move(desk: Desk, key: str, now: float) -> None:
    last = max(0, len(desk.history.lines) - 1)
    desk.selected = max(0, min(last, desk.selected + (1 if key == "down" else -1)))
    desk.alarms.set("menu", now + desk.settings.timeouts.menu)


def _take(desk: Desk, key: str, now: float) -> None:
    if key == "ok" and _knocked(desk):
        _answer(desk, key, now)
    else:
        take_selected(desk, now)


def _look_into(desk: Desk, key: str, now: float) -> None:
    """Right: all that is known of the chosen call; left, or Back: the list again."""
    desk.detailed = key == "right" and bool(desk.history.lines)
    desk.alarms.set("menu", now + desk.settings.timeouts.menu)


def _step_back(desk: Desk, key: str, now: float) -> None:
    if desk.detailed:
        _look_into(desk, key, now)
    elif desk.by_digits:
        desk.open_options(now)
    else:
        desk.leave_menu(now)


def _take_digit(desk: Desk, key: str, now: float) -> None:
    """In the call list: the beginning of a number, or a move where the menu led there."""
    if not desk.by_digits:
        _type(desk, key, now)
    elif key in choosing.ARROWS:
        arrow = choosing.ARROWS[key]
        _SCREENS["menu"][arrow](desk, arrow, now)


def _choose(desk: Desk, key: str, now: float) -> None:
    if key == "ok" and _knocked(desk):
        _answer(desk, key, now)
    else:
        choosing.confirm(desk, key, now)


def _dismiss(desk: Desk, key: str, now: float) -> None:
    desk.notice = ""
    if desk.stage == "ended" and not desk.off_hook:
        desk.rest()


def _answer_or_dial_tone(desk: Desk, key: str, now: float) -> None:
    if _knocked(desk):
        _answer(desk, key, now)
    elif desk.present:
        desk.begin_entry(now)
    else:
        desk.open_menu(now)


_LINES: dict[str, Verb] = {"line1": _line, "line2": _line}
_SCREENS: dict[str, dict[str, Verb]] = {
    "idle": {
        **_LINES, "digit": _type, "ok": _open_menu, "up": _open_menu, "down": _open_menu, "redial": _redial,
        "speaker": _speaker, "hold": _retrieve, "back": _dismiss,
    },
    "ringing": {
        **_LINES, "ok": _answer, "speaker": _answer, "hold": _retrieve, "back": _reject, "mute": _silence,
    },
    "dialling": {
        **_LINES, "digit": _type, "ok": _send, "up": _open_menu, "down": _open_menu, "back": _erase,
        "redial": _redial, "speaker": _speaker, "hold": _retrieve, "transfer": _send_transfer,
    },
    "calling": {**_LINES, "back": _cancel, "speaker": _speaker, "transfer": _transfer, "ok": _answer},
    "talking": {
        **_LINES, "ok": _answer, "back": _reject, "mute": _mute, "speaker": _speaker, "hold": _hold,
        "transfer": _transfer,
    },
    "ended": {
        **_LINES, "digit": _type_if_nobody_listens, "ok": _answer_or_dial_tone, "back": _dismiss, "redial": _redial,
        "speaker": _speaker, "hold": _retrieve, "transfer": _retrieve,
    },
    "menu": {
        **_LINES, "digit": _take_digit, "ok": _take, "up": _move, "down": _move, "left": _look_into,
        "right": _look_into, "back": _step_back, "redial": _redial, "speaker": _take,
    },
    "options": {
        **_LINES, "digit": choosing.take_digit, "ok": _choose, "right": _choose, "up": choosing.move,
        "down": choosing.move, "back": choosing.step_back, "left": choosing.step_back,
    },
}  # fmt: skip
_TABLE: dict[tuple[str, str], Verb] = {
    (screen, key): verb for screen, verbs in _SCREENS.items() for key, verb in verbs.items()
}


def typed_in_call(desk: Desk, key: str) -> Call | None:
    """Return the call that a digit key's tone (DTMF) goes to, None if it goes to none."""
    call = desk.focused
    wanted = key in DIGITS and call is not None and call.talking and not call.held_by_us
    return call if wanted else None
