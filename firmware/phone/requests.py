"""What the web asks for. A request that makes no sense now raises NotPossible and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from firmware.phone import transfers
from firmware.phone.calls import Call
from firmware.phone.desk import Desk, NoSuchCall, NotPossible
from firmware.phone.events import CallRequest, DialRequest, DigitsRequest, SendDigits, TransferRequest

DTMF = frozenset("0123456789*#ABCD")
MOST_DIGITS = 64
"""In one request."""


def dial(desk: Desk, request: DialRequest, now: float) -> str:
    """Place a call; return its id."""
    if desk.focused is not None and desk.focused.trying:
        raise NotPossible("Another call is being set up")
    return desk.place(request.to, now, account=request.account).id


def control(desk: Desk, request: CallRequest, now: float) -> None:
    """Answer, reject, hold, resume or hang up one call."""
    call = _find(desk, request.call)
    if not call.live:
        raise NotPossible("The call is over")
    verb = _VERBS.get(request.verb)
    if verb is None:
        raise NotPossible(f"A call cannot {request.verb}")
    verb(desk, call, now)


def digits(desk: Desk, request: DigitsRequest, now: float) -> None:
    """Send DTMF."""
    call = _talking(desk, request.call)
    wanted = request.digits.upper()
    if not wanted or not DTMF.issuperset(wanted):
        raise NotPossible("Digits are 0-9, *, # and A-D")
    if len(wanted) > MOST_DIGITS:
        raise NotPossible(f"At most {MOST_DIGITS} digits at a time")
    call.digits = (call.digits + wanted)[-MOST_DIGITS:]
    desk.emit(SendDigits(call.id, wanted))


def transfer(desk: Desk, request: TransferRequest, now: float) -> None:
    """Transfer a call, blind or to another call's far end."""
    call = _talking(desk, request.call)
    if call.transferring:
        raise NotPossible("The call is already being transferred")
    if request.to is not None:
        transfers.blind(desk, call, request.to, now)
    elif request.other is not None and request.other != request.call:
        transfers.attended(desk, call, _talking(desk, request.other), now)
    else:
        raise NotPossible("A transfer needs somebody to go to")


def _find(desk: Desk, call: str) -> Call:
    found = desk.calls.get(call)
    if found is None:
        raise NoSuchCall("There is no such call")
    return found


def _talking(desk: Desk, call: str) -> Call:
    found = _find(desk, call)
    if not found.talking:
        raise NotPossible("The call is not connected")
    return found


def _answer(desk: Desk, call: Call, now: float) -> None:
    if not call.alerting:
        raise NotPossible("The call is not ringing here")
    desk.answer(call, now)


def _reject(desk: Desk, call: Call, now: float) -> None:
    if not call.alerting:
        raise NotPossible("The call is not ringing here")
    desk.hang_up(call, now)


def _hold(desk: Desk, call: Call, now: float) -> None:
    if not call.talking:
        raise NotPossible("The call is not connected")
    if call.held_by_us:
        raise NotPossible("The call is already on hold")
    desk.hold(call, now)


def _resume(desk: Desk, call: Call, now: float) -> None:
    if not call.talking or not call.held_by_us:
        raise NotPossible("The call is not on hold")
    if call.transferring:
        raise NotPossible("The call is being transferred")
    desk.resume(call, now)


def _hang_up(desk: Desk, call: Call, now: float) -> None:
    in_focus = desk.focused is call
    desk.hang_up(call, now)
    if in_focus:
        desk.show_end(call, now, "busy")


_VERBS: dict[str, Callable[[Desk, Call, float], None]] = {
    "answer": _answer,
    "reject": _reject,
    "hold": _hold,
    "resume": _resume,
    "hangup": _hang_up,
}
