"""The telephone as the person at the desk knows it: hook, keys, lines, calls. Events and time in, actions out.

    hardware, network, web --PhoneEvent--> receive --> Desk (state) --> wanted outputs --> drain --> Action

Verbs (dial, hold, ...) are actions at once; what sounds and shines follows from the state (see outputs.py).
Without a registered account there is dial tone all the same, and the panel says "No service": a peer, or an
emergency number at another server, may still be reached, and a failed call explains itself better than silence.
"""

from __future__ import annotations

from firmware.phone import choosing, hook, keys, network, requests, transfers
from firmware.phone.calls import Call
from firmware.phone.desk import Desk, NoSuchCall, NotPossible
from firmware.phone.events import (
    Action,
    CallRequest,
    DialRequest,
    DigitsRequest,
    HandsetLifted,
    HandsetReplaced,
    KeyPressed,
    KeyReleased,
    PhoneEvent,
    SendDigitDown,
    SendDigitUp,
    SetDoNotDisturb,
    SoundKey,
    TransferAsked,
    TransferRequest,
)
from firmware.phone.memory import Memory, mark_of, memory_of, recall
from firmware.phone.mode import focus_of, mode_of
from firmware.phone.outputs import SILENT, Outputs, differences, wanted
from firmware.phone.set_up_page import SetUpPageTold
from firmware.phone.settings import PhoneSettings
from firmware.phone.timers import expire
from firmware.phone.view import PhoneView

__all__ = ["NoSuchCall", "NotPossible", "Phone"]

NO_SOUND = "No sound card"
TYPED_SHOWN = 32
"""Digits typed in a call that stay on the panel."""


class Phone:
    """One telephone with two lines."""

    def __init__(self, settings: PhoneSettings, now: float, memory: Memory | None = None) -> None:
        """`now`: monotonic seconds, as everywhere; `memory`: what it knew before. The first `drain` sets the levels."""
        self._desk = Desk(settings)
        if memory is not None:
            recall(self._desk, memory)
        self._outputs: Outputs = SILENT
        self._key_down: str | None = None
        self._key_sounds = False
        self._digit_call: str | None = None
        self._settle()

    def receive(self, event: PhoneEvent, now: float) -> str | None:
        """Take one event. Return the id of the call that a DialRequest or a TransferAsked placed.

        Raises NotPossible for a request that cannot be met in this state; nothing else raises.
        """
        self.handle_timers(now)
        try:
            return self._take(event, now)
        finally:
            self._settle()

    def handle_timers(self, now: float) -> None:
        """Do what has become due."""
        while (alarm := self._desk.alarms.pop_due(now)) is not None:
            expire(self._desk, alarm, now)
            self._settle()

    def next_deadline(self) -> float | None:
        """Return when `handle_timers` is next due, None if nothing waits."""
        return self._desk.alarms.next_deadline()

    def drain(self) -> list[Action]:
        """Return the actions since the last drain, oldest first."""
        actions, self._desk.actions = self._desk.actions, []
        return actions

    def view(self, now: float) -> PhoneView:
        """Return the phone's picture for the panel and the web."""
        desk = self._desk
        mode = mode_of(desk)
        return PhoneView(
            name=desk.settings.name,
            hook="off" if desk.off_hook else "on",
            mode=mode,
            digits=self._digits(),
            focus=focus_of(desk),
            calls=tuple(call.view(now) for call in desk.calls),
            accounts=tuple(desk.accounts.values()),
            missed=desk.history.missed,
            earpiece_volume=desk.levels.earpiece,
            ringer_volume=desk.levels.ringer,
            muted=desk.levels.muted,
            loudspeaker=desk.handsfree,
            volume_shown=desk.levels.shown,
            notice=desk.notice or (NO_SOUND if desk.sound_fault and mode != "idle" else ""),
            sound_fault=desk.sound_fault,
            purpose="transfer" if desk.entry is not None and desk.entry.transfers is not None else "dial",
            joinable=self._joinable(),
            history=desk.history.lines if mode == "menu" else (),
            selected=desk.selected,
            detailed=desk.detailed and mode == "menu",
            by_digits=desk.by_digits and mode == "menu",
            do_not_disturb=desk.do_not_disturb,
            options=desk.options.view() if desk.options is not None and mode == "options" else None,
            version=desk.settings.version,
            forgetful=desk.settings.forgetful,
        )

    @property
    def memory_mark(self) -> tuple[int, ...]:
        """Another one than before: `memory` has changed."""
        return mark_of(self._desk)

    @property
    def erasures(self) -> int:
        """Grows whenever the person had the call list erased."""
        return self._desk.history.erasures

    def memory(self, now: float, unix: float) -> Memory:
        """Return what outlasts the phone's end; `unix`: the clock on the wall at `now`, Unix seconds."""
        return memory_of(self._desk, now, unix)

    def _take(self, event: PhoneEvent, now: float) -> str | None:
        match event:
            case KeyPressed(key):
                self._press(key, now)
            case KeyReleased(key):
                self._release(key, now)
            case HandsetLifted():
                if not self._desk.off_hook:
                    hook.lifted(self._desk, now)
            case HandsetReplaced():
                if self._desk.off_hook:
                    hook.replaced(self._desk, now)
            case DialRequest():
                return requests.dial(self._desk, event, now)
            case CallRequest():
                requests.control(self._desk, event, now)
            case DigitsRequest():
                requests.digits(self._desk, event, now)
            case TransferRequest():
                requests.transfer(self._desk, event, now)
            case SetDoNotDisturb(on):
                self._desk.do_not_disturb = on
            case SetUpPageTold():
                choosing.set_up_told(self._desk, event, now)
            case TransferAsked(name, to):
                call = self._desk.calls.get(name)
                return None if call is None else transfers.obey(self._desk, call, to, now)
            case _ if (handler := network.HANDLERS.get(type(event))) is not None:
                handler(self._desk, event, now)
        return None

    def _press(self, key: str, now: float) -> None:
        if self._key_down is not None:
            self._release(self._key_down, now)  # two keys at once: the later one wins
        self._key_down = key
        if (call := keys.typed_in_call(self._desk, key)) is not None:
            self._send_digit(call, key)
        else:
            self._sound_key(key)
            keys.press(self._desk, key, now)
            keys.hold_down(self._desk, key, now)

    def _send_digit(self, call: Call, key: str) -> None:
        call.digits = (call.digits + key)[-TYPED_SHOWN:]
        self._digit_call = call.id
        self._desk.emit(SendDigitDown(call.id, key))
        self._desk.emit(SoundKey(key))
        self._key_sounds = True

    def _sound_key(self, key: str) -> None:
        if key in keys.DIGITS and self._desk.entry is not None and self._desk.present:
            self._desk.emit(SoundKey(key))
            self._key_sounds = True

    def _release(self, key: str, now: float) -> None:
        if key != self._key_down:
            return
        self._key_down = None
        keys.let_go(self._desk, key, now)
        call = self._desk.calls.get(self._digit_call)
        if call is not None and call.live:
            self._desk.emit(SendDigitUp(call.id))
        self._digit_call = None
        if self._key_sounds:
            self._desk.emit(SoundKey(None))
            self._key_sounds = False

    def _joinable(self) -> bool:
        entry = self._desk.entry
        call = None if entry is None or entry.digits else self._desk.calls.get(entry.transfers)
        return call is not None and transfers.to_join(self._desk, call) is not None

    def _digits(self) -> str:
        entry, call = self._desk.entry, self._desk.focused
        if entry is not None:
            return entry.digits
        return call.digits if call is not None else ""

    def _settle(self) -> None:
        """Make what sounds and shines follow the state."""
        outputs = wanted(self._desk)
        self._desk.actions += differences(self._outputs, outputs)
        self._outputs = outputs
