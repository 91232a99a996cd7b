"""Giving a call away: blind, and after a talk with the one who gets it (RFC 5589 §6 and §7, RFC 5359 §2.4 and §2.5)."""

from __future__ import annotations

from firmware.numbering.dial_plan import NotDiallable, to_uri
from firmware.phone.calls import Call
from firmware.phone.desk import Desk, NotPossible
from firmware.phone.events import Party, TransferCall
from firmware.phone.reasons import reason_for

BEING_SENT = "Being transferred"


def begin(desk: Desk, call: Call, now: float) -> None:
    """Hold the call and take the number that it is to go to."""
    if not call.held_by_us:
        desk.hold(call, now)
    desk.begin_entry(now, transfers=call.id)


def blind(desk: Desk, call: Call, to: str, now: float) -> None:
    """Send the call to a number unannounced. Raises NotPossible."""
    uri = desk.resolve(to, desk.choose_account(call.account))
    _hand_over(desk, call, TransferCall(call.id, to=uri), now)


def attended(desk: Desk, call: Call, other: Call, now: float) -> None:
    """Join the far ends of two calls; one that still rings is given up and called by the other side instead.

    `other` goes on until its far end has been taken over: should that fail, the person is still with them.
    """
    if other.talking:
        other.consults = call.id
        _hand_over(desk, call, TransferCall(call.id, other=other.id), now)
        return
    uri = other.remote.uri
    desk.hang_up(other, now)
    _hand_over(desk, call, TransferCall(call.id, to=uri), now)


def complete(desk: Desk, consultation: Call, now: float) -> None:
    """The person has heard enough: give the held call to the one they called about it. Raises NotPossible."""
    call = desk.calls.get(consultation.consults)
    if call is None or not call.talking or call.transferring:
        raise NotPossible("There is no call to transfer")
    attended(desk, call, consultation, now)


def can_complete(desk: Desk, consultation: Call) -> bool:
    """Return whether `complete` is possible."""
    call = desk.calls.get(consultation.consults)
    return call is not None and call.talking and not call.transferring


def under_way(desk: Desk, consultation: Call) -> bool:
    """Return whether a call's far end is about to be taken over: until it is, the call must not end."""
    call = desk.calls.get(consultation.consults)
    return call is not None and call.live and call.transferring


def to_join(desk: Desk, call: Call) -> Call | None:
    """Return the held call that this one could be joined with: there is no third, and it goes nowhere yet."""
    others = [other for other in desk.calls.live() if other is not call]
    fits = len(others) == 1 and others[0].talking and others[0].held_by_us and not others[0].transferring
    return others[0] if fits and call.talking and not call.transferring else None


def _hand_over(desk: Desk, call: Call, request: TransferCall, now: float) -> None:
    if not call.held_by_us:
        desk.hold(call, now)
    call.transferring = True
    desk.alarms.cancel("recall", call.id)
    desk.alarms.set("transfer", now + desk.settings.timeouts.transfer, call.id)
    other = desk.calls.get(request.other)
    if desk.present:
        desk.attend(call if other is None else other)
    desk.emit(request)
    desk.say("Transferring", now)


def progressed(desk: Desk, call: Call, status: int, now: float) -> None:
    """The far end reports how its call to the new one goes (RFC 3515 §2.4.4)."""
    if not call.transferring or status < 200 or status == 202:
        return
    if status < 300:
        _done(desk, call, now)
    else:
        failed(desk, call, reason_for(status).words, now)


def _done(desk: Desk, call: Call, now: float) -> None:
    in_focus = desk.focused
    # RFC 5589 §7: with Replaces the target leaves the consultation by itself; ending it too does no harm.
    consultations = [other for other in desk.calls.live() if other.consults == call.id]
    for each in (call, *consultations):
        desk.hang_up(each, now)
    if in_focus is not None and not in_focus.live:
        desk.notice = ""  # the call's end says so
        desk.show_end(call, now, "busy")
    else:
        desk.say("Transferred", now)


def failed(desk: Desk, call: Call, why: str, now: float) -> None:
    """The call stays ours, on hold (RFC 5589 §6.1: we recover it); it rings back if nobody is at the phone.

    Who was asked about it (§7) is in the person's ear again, or still; to hang up then transfers no more.
    """
    call.transferring = False
    desk.alarms.cancel("transfer", call.id)
    desk.say(f"Not transferred: {why}", now)
    for other in desk.calls.live():
        if other.consults == call.id:
            other.consults = None
            if desk.focused is other and other.held_by_us:
                desk.resume(other, now)
    if desk.present:
        desk.watch_hold(call, now)
    else:
        desk.ring_back(call, now)


def obey(desk: Desk, call: Call, to: Party, now: float) -> str | None:
    """The far end sends us to somebody else: call them. Return the new call's id, None to refuse (RFC 3515 §2.4.2).

    Only the call that the person is in can be sent on: others would take the phone out of their hands.
    """
    if desk.focused is not call or not call.talking or call.transferring or call.held_by_us:
        return None
    try:
        uri = to_uri(to.uri, "")
    except NotDiallable:
        return None
    desk.say(BEING_SENT, now)
    return desk.start(call.account, Party(uri, to.name), call.line, now, replaces=call.id).id


def replaced(desk: Desk, call: Call, now: float) -> None:
    """A call that we were sent to is answered: the one before is over, RFC 5589 §6.1 has its far end say so."""
    before = desk.calls.get(call.replaces)
    if before is not None and desk.notice == BEING_SENT:
        desk.notice = ""  # whom they speak to now is on the panel
    if before is not None and before.live:
        desk.alarms.set("replaced", now + desk.settings.timeouts.replaced, before.id)


def waits_on(desk: Desk, call: Call) -> bool:
    """A call whose far end was taken over has ended: return True if the outcome is still to come, and is shown."""
    given = desk.calls.get(call.consults)
    if given is None or not under_way(desk, call):
        return False
    desk.attend(given)
    return True


def fall_back(desk: Desk, call: Call, now: float) -> bool:
    """A call that we were sent to failed: return True if the one before still lives and has the person again."""
    before = desk.calls.get(call.replaces)
    if call.answered_at is not None or before is None or not before.live:
        return False
    desk.attend(before)
    desk.say(f"Not transferred: {call.cause[1] if call.cause else ''}", now)
    return True
