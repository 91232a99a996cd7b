"""What the network tells the phone: calls that come, get on, and end; accounts that register."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from firmware.phone import transfers
from firmware.phone.calls import Call
from firmware.phone.desk import Desk
from firmware.phone.events import (
    AccountChanged,
    AlertCall,
    AnswerCall,
    CallArrived,
    CallConfirmed,
    CallEnded,
    CallMedia,
    CallProgressed,
    CallQuality,
    CallTransferred,
    EndCall,
    HoldCall,
    Party,
    RemoteDigitHeard,
    SoundCardChanged,
)
from firmware.phone.reasons import ADDRESS_INCOMPLETE, reason_for
from firmware.phone.view import AccountView, HistoryView

BUSY = 486
UNAVAILABLE = 480
NO_ANSWER = 408
LONGEST_URI = 512
LONGEST_NAME = 128
"""Characters that are kept of a caller."""
DIGITS_KEPT = 32
"""Digits that are kept of what the far end typed."""


def arrived(desk: Desk, event: CallArrived, now: float) -> None:
    """Somebody calls: ring, or knock, or say that we are busy."""
    if desk.calls.get(event.call) is not None:
        return
    remote = Party(event.remote.uri[:LONGEST_URI], event.remote.name[:LONGEST_NAME])
    before = desk.calls.get(event.replaces)
    if before is not None and before.live:
        take_over(desk, event, remote, before, now)
        return
    if desk.stage == "ended" and not desk.off_hook:
        desk.rest()  # hands-free, and what is left of the last call: nobody is at the phone
    line = desk.calls.free_line()
    engaged = desk.present or bool(desk.calls.live())
    if line is None or desk.do_not_disturb or (engaged and not desk.settings.call_waiting):
        desk.emit(EndCall(event.call, BUSY))
        desk.history.add(HistoryView("missed", remote, now, 0.0))
        return
    call = Call(
        id=event.call, direction="in", account=event.account, remote=remote, line=line, began_at=now, state="ringing",
    )  # fmt: skip
    desk.enlist(call)
    desk.emit(AlertCall(call.id))
    desk.alarms.set("incoming", now + desk.settings.timeouts.incoming, call.id)
    if event.auto_answer_s is not None:
        desk.alarms.set("auto-answer", now + event.auto_answer_s, call.id)


def take_over(desk: Desk, event: CallArrived, remote: Party, before: Call, now: float) -> None:
    """A call comes in the place of another: it is answered at once, on the same line (RFC 3891 §3).

    Busy or not is no question: the person talks already, or has the call on hold and goes on holding it.
    """
    call = Call(
        id=event.call, direction="in", account=event.account, remote=remote, line=before.line, began_at=now,
        state="ringing", answering=True, held_by_us=before.held_by_us, replaces=before.id,
    )  # fmt: skip
    desk.enlist(call)
    if desk.focused is before:
        desk.attend(call)
    desk.emit(AnswerCall(call.id))


def progressed(desk: Desk, event: CallProgressed, now: float) -> None:
    """The far end is being called. Once its own sound comes it is not replaced by ours (RFC 3960 §3.2)."""
    call = desk.calls.get(event.call)
    if call is None or not call.trying:
        return
    desk.alarms.cancel("no-server", call.id)
    desk.alarms.cancel("no-news", call.id)
    call.unheard = False
    if event.early_media:
        call.state = "early"
    elif event.status == 180 and call.state == "calling":
        call.state = "ringing"


def confirmed(desk: Desk, event: CallConfirmed, now: float) -> None:
    """The two are connected."""
    call = desk.calls.get(event.call)
    if call is None or not call.live:
        return
    if event.remote is not None:
        call.remote = event.remote
    if call.talking:
        return
    call.state, call.answering, call.answered_at = "confirmed", False, now
    desk.alarms.cancel("outgoing", call.id)
    transfers.replaced(desk, call, now)
    if call.held_by_us:  # asked for between our 200 and its ACK
        desk.emit(HoldCall(call.id, hold=True))


def media(desk: Desk, event: CallMedia, now: float) -> None:
    """Codec, encryption, and whether they hold us. Whether we hold them is for the person to say, not the media."""
    call = desk.calls.get(event.call)
    if call is not None and call.live:
        call.codec, call.encrypted, call.held_by_them = event.codec, event.encrypted, event.held_by_them


def measured(desk: Desk, event: CallQuality, now: float) -> None:
    """New figures."""
    call = desk.calls.get(event.call)
    if call is not None:
        call.quality = event


def digit_heard(desk: Desk, event: RemoteDigitHeard, now: float) -> None:
    """The far end pressed a key (RFC 4733 §2.3.1): keep it for who looks on; the engine lets it be heard."""
    call = desk.calls.get(event.call)
    if call is not None and call.live:
        call.digits_received = (call.digits_received + event.digit)[-DIGITS_KEPT:]


def transferred(desk: Desk, event: CallTransferred, now: float) -> None:
    """How a transfer goes on."""
    call = desk.calls.get(event.call)
    if call is not None and call.live:
        transfers.progressed(desk, call, event.status, now)


def ended(desk: Desk, event: CallEnded, now: float) -> None:
    """A call is over. If we ended it ourselves the phone has long known."""
    call = desk.calls.get(event.call)
    if call is None or not call.live:
        return
    in_focus = desk.focused is call
    missed = call.alerting and not event.answered_elsewhere
    # RFC 3261 21.4.18 leaves open why nobody is available; a phone that rang was there.
    rang_out = event.code == UNAVAILABLE and call.direction == "out" and call.state == "ringing"
    code = event.code if event.code >= 200 else 487
    goes_on = code == ADDRESS_INCOMPLETE and event.by == "remote" and in_focus and call.trying and desk.present
    desk.close(call, now, code, event.by, event.reason, missed=missed, listed=not (goes_on and call.dialled))
    if goes_on and call.dialled:
        desk.dial_on(call, now)
        return
    if event.answered_elsewhere:
        call.cause = (code, "Answered elsewhere")
    elif rang_out:
        call.cause = (code, reason_for(NO_ANSWER).words)
    if in_focus and not (transfers.fall_back(desk, call, now) or transfers.waits_on(desk, call)):
        desk.show_end(call, now, reason_for(code, event.by).tone)


def registered(desk: Desk, event: AccountChanged, now: float) -> None:
    """An account came into service, or fell out of it."""
    account: AccountView | None = desk.accounts.get(event.address)
    if account is not None:
        desk.accounts[event.address] = replace(
            account, registered=event.registered, expires_at=event.expires_at, reason=event.reason
        )


def sound_changed(desk: Desk, event: SoundCardChanged, now: float) -> None:
    """A card went away, or is back; calls go on either way, and who rings still rings."""
    desk.sound_fault = event.fault


def give_up(desk: Desk, call: Call, status: int, now: float) -> None:
    """Nobody answered in time: 480 to a caller (and a missed call), CANCEL to a called person."""
    desk.emit(EndCall(call.id, status))
    in_focus = desk.focused is call
    code = NO_ANSWER if call.direction == "out" else status
    call.cause = (code, reason_for(NO_ANSWER).words)
    desk.close(call, now, code, "local", missed=call.direction == "in")
    if in_focus:
        desk.show_end(call, now, "busy")


def miss_server(desk: Desk, call: Call, now: float) -> None:
    """Nothing came back at all. Where registering failed too, waiting out SIP's 32 seconds (timer B) tells no more."""
    account: AccountView | None = desk.accounts.get(call.account)
    if not call.trying or account is None or account.registered or not account.registers:
        return
    desk.emit(EndCall(call.id))
    in_focus = desk.focused is call
    desk.close(call, now, NO_ANSWER, "network")
    if in_focus and not transfers.fall_back(desk, call, now):
        desk.show_end(call, now, reason_for(NO_ANSWER, "network").tone)


HANDLERS: dict[type, Callable[[Desk, Any, float], None]] = {
    CallArrived: arrived,
    CallProgressed: progressed,
    CallConfirmed: confirmed,
    CallMedia: media,
    CallQuality: measured,
    RemoteDigitHeard: digit_heard,
    CallTransferred: transferred,
    CallEnded: ended,
    AccountChanged: registered,
    SoundCardChanged: sound_changed,
}
