"""A telephone on a table in virtual time: what a person does to it, and what it did."""

from __future__ import annotations

from typing import TypeVar

from firmware.audio.tones import Segment, Tone
from firmware.numbering.dial_plan import DialPlan
from firmware.phone.events import (
    Action,
    CallArrived,
    CallConfirmed,
    CallEnded,
    CallProgressed,
    ConnectAudio,
    HandsetLifted,
    HandsetReplaced,
    KeyPressed,
    KeyReleased,
    Party,
    PhoneEvent,
    PlaceCall,
    Ring,
    SetAudio,
    SetLamp,
    SoundKnock,
    SoundTone,
    StopRing,
)
from firmware.phone.phone import Phone
from firmware.phone.settings import AccountSettings, PhoneSettings, Timeouts, Tones
from firmware.phone.view import CallView, PhoneView

ActionType = TypeVar("ActionType")


def _steady(hertz: float) -> Tone:
    return Tone((Segment((hertz,), None),))


TONES = Tones(
    dial=_steady(1), ringback=_steady(2), busy=_steady(3), congestion=_steady(4), number_unobtainable=_steady(5),
    call_waiting=_steady(6), howler=_steady(7),
    ring=Tone((Segment((400, 450), 400), Segment((), 200), Segment((400, 450), 400), Segment((), 2000))),
)  # fmt: skip
NAMES = {getattr(TONES, name): name for name in Tones.__slots__}
ACCOUNT = "sip:1001@example.net"


def settings(**changes: object) -> PhoneSettings:
    """A phone of the exchange example.net, with four-digit extensions."""
    given: dict[str, object] = {
        "name": "Hall",
        "tones": TONES,
        "accounts": (AccountSettings(ACCOUNT, "Hall phone"),),
        "dial_plan": DialPlan(["1xxx", "0x.", "999"]),
        "timeouts": Timeouts(),
    }
    return PhoneSettings(**(given | changes))  # type: ignore[arg-type]


class DeskPhone:
    """A phone, a clock, and everything the phone did so far."""

    def __init__(self, **changes: object) -> None:
        self.now = 1000.0
        self.phone = Phone(settings(**changes), self.now)
        self.fresh: list[Action] = []
        """What the last step did."""
        self.tone: str | None = None
        self.knock: str | None = None
        """What sounds over the tone."""
        self.connected: str | None = None
        self.ring: Ring | None = None
        self.lamps: dict[str, str] = {}
        self.audio: SetAudio | None = None
        self._collect()

    # --- a person ---

    def lift(self) -> None:
        self.give(HandsetLifted())

    def replace(self) -> None:
        self.give(HandsetReplaced())

    def press(self, *keys: str) -> None:
        """Press and release keys, 100 ms down and 100 ms apart."""
        done: list[Action] = []
        for key in keys:
            self.give(KeyPressed(key))
            done += self.fresh
            self.wait(0.1)
            done += self.fresh
            self.give(KeyReleased(key))
            done += self.fresh
            self.wait(0.1)
            done += self.fresh
        self.fresh = done

    def dial(self, digits: str) -> str:
        """Press digits that make a call; return its id."""
        self.press(*digits)
        return self.placed().call

    # --- the network ---

    def arrive(self, call: str = "in1", number: str = "1002", name: str = "Anna", **more: float) -> None:
        self.give(CallArrived(call, ACCOUNT, Party(f"sip:{number}@example.net", name), **more))

    def progress(self, call: str, status: int = 180, *, early_media: bool = False) -> None:
        self.give(CallProgressed(call, status, "", early_media))

    def confirm(self, call: str) -> None:
        self.give(CallConfirmed(call))

    def end(self, call: str, code: int = 200, by: str = "remote", *, elsewhere: bool = False) -> None:
        self.give(CallEnded(call, code, "", by, elsewhere))  # type: ignore[arg-type]

    def talk(self, number: str = "1002") -> str:
        """Lift, dial, be answered; return the call's id."""
        if self.view.hook == "on":
            self.lift()
        call = self.dial(number)
        self.progress(call)
        self.confirm(call)
        return call

    def receive_and_answer(self, call: str = "in1", number: str = "1002") -> str:
        self.arrive(call, number)
        self.lift()
        self.confirm(call)
        return call

    # --- the clock ---

    def give(self, event: PhoneEvent) -> str | None:
        try:
            return self.phone.receive(event, self.now)
        finally:
            self._collect()

    def wait(self, seconds: float) -> None:
        """Let time pass, waking the phone whenever it wants to be woken."""
        until = self.now + seconds
        done: list[Action] = []
        while (deadline := self.phone.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.phone.handle_timers(self.now)
            self._collect()
            done += self.fresh
        self.now = until
        self.fresh = done

    # --- what is to be seen ---

    @property
    def view(self) -> PhoneView:
        return self.phone.view(self.now)

    def call(self, name: str) -> CallView:
        return next(call for call in self.view.calls if call.id == name)

    def did(self, kind: type[ActionType]) -> list[ActionType]:
        """The actions of one kind in the last step."""
        return [action for action in self.fresh if isinstance(action, kind)]

    def placed(self) -> PlaceCall:
        [place] = self.did(PlaceCall)
        return place

    def _collect(self) -> None:
        self.fresh = self.phone.drain()
        for action in self.fresh:
            match action:
                case SoundTone(tone):
                    self.tone = None if tone is None else NAMES[tone]
                case SoundKnock(tone):
                    self.knock = None if tone is None else NAMES[tone]
                case ConnectAudio(call):
                    self.connected = call
                case Ring():
                    self.ring = action
                case StopRing():
                    self.ring = None
                case SetLamp(lamp, state):
                    self.lamps[lamp] = state
                case SetAudio():
                    self.audio = action
