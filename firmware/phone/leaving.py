"""Leaving the telephone: what the person was busy with ends."""

from __future__ import annotations

from firmware.phone import transfers
from firmware.phone.calls import Call
from firmware.phone.desk import Desk


def disconnect(desk: Desk, now: float) -> None:
    """The person leaves: what they were busy with ends; what they had set aside for it rings back.

    A call that they put on hold before leaving stays on hold.
    """
    call = desk.focused
    parked = call is not None and call.held_by_us
    ended = _let_go(desk, call, now) if call is not None and not parked else None
    if not parked:
        for held in desk.calls.live():
            if held.held_by_us and not (held.transferring or transfers.under_way(desk, held)):
                desk.ring_back(held, now)
    desk.rest()
    if ended is not None:
        desk.show_end(ended, now, None)


def _let_go(desk: Desk, call: Call, now: float) -> Call | None:
    if transfers.can_complete(desk, call):
        transfers.complete(desk, call, now)  # hanging up after the announcement is what completes it
    if not call.live:
        return None
    if transfers.under_way(desk, call):
        desk.hold(call, now)
        return None
    before = desk.calls.get(call.replaces)
    if before is not None and before.live:
        desk.hang_up(before, now)
    desk.hang_up(call, now)
    return call
