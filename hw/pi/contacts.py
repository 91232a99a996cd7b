"""Hook switch, single keys and dial on pins: edges with their own time stamps, decoded by the pure rooms.

An edge can be lost (the kernel's queue is finite, and some drivers drop edges that come too close), so every level is
read again after each silence, and once a second besides: a lost edge delays an event, it never loses one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from hw import BoardEvent
from hw.boards.profile import DialProfile, HookProfile, KeysProfile
from hw.hook import Hook
from hw.keymatrix import KeyMatrix, KeyStuck
from hw.pi.pins import Contact, Factory
from hw.rotary import DialOrder, Rotary

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 1.0
DIAL_ORDERS = {"standard": DialOrder.STANDARD, "swedish": DialOrder.SWEDISH, "new-zealand": DialOrder.NEW_ZEALAND}


class _Decoder(Protocol):
    def handle_timers(self, now: float) -> None: ...

    def next_deadline(self) -> float | None: ...


class Contacts:
    """A task (`hw.pi.worker`): watches contacts, feeds decoders, tells what they made of it."""

    def __init__(self, factory: Factory, notify: Callable[[BoardEvent], None], wake: Callable[[], None]) -> None:
        """`notify` gets each event; `wake` has `run` called soon."""
        self.hook: Hook | None = None
        self.keys: KeyMatrix | None = None
        self.dial: Rotary | None = None
        self._factory = factory
        self._notify = notify
        self._wake = wake
        self._watched: list[tuple[Contact, Callable[[bool, float], None]]] = []
        self._seen = float("-inf")

    def add_hook(self, profile: HookProfile) -> None:
        """Watch the cradle. Raises DeviceError."""
        contact = Contact(self._factory, profile.pin, self._wake)
        self.hook = Hook(
            normally_closed=profile.normally == "closed",
            bounce=profile.bounce_ms / 1000,
            flash=profile.flash_ms / 1000,
            flash_key=profile.flash_key,
            closed=contact.closed,
        )
        self._watched.append((contact, self.hook.receive))

    def add_keys(self, profile: KeysProfile) -> None:
        """Watch keys that have a pin each. Raises DeviceError."""
        matrix = KeyMatrix([[key for key, _ in profile.pins]], bounce=profile.bounce_ms / 1000, diodes=True)
        levels = [False] * len(profile.pins)

        def receiver(n: int) -> Callable[[bool, float], None]:
            def receive(closed: bool, now: float) -> None:
                levels[n] = closed
                matrix.receive([levels], now)

            return receive

        for n, (_, gpio) in enumerate(profile.pins):
            self._watched.append((Contact(self._factory, gpio, self._wake), receiver(n)))
        self.keys = matrix

    def add_dial(self, profile: DialProfile) -> None:
        """Watch a rotary dial. Raises DeviceError."""
        # At 20 pulses a second a whole pulse takes 50 ms; worn dials may take half as long again, or twice.
        longest = 2 / profile.pulses_per_second
        self.dial = Rotary(
            order=DIAL_ORDERS[profile.order],
            off_normal=profile.off_normal is not None,
            bounce=profile.bounce_ms / 1000,
            digit_gap=longest,
            longest_break=longest,
        )
        self._watched.append((Contact(self._factory, profile.pulse, self._wake), self.dial.receive_pulse))
        if profile.off_normal is not None:
            contact = Contact(self._factory, profile.off_normal, self._wake)
            self._watched.append((contact, self.dial.receive_off_normal))

    def run(self, now: float) -> float | None:
        """Decode what the contacts did; returns when to look again."""
        edges = [(at, n, closed) for n, (contact, _) in enumerate(self._watched) for at, closed in contact.edges()]
        for at, n, closed in sorted(edges):
            self._receive(n, closed, at, now)
        for n, (contact, _) in enumerate(self._watched):
            self._receive(n, contact.closed, now, now)
        decoders = self._decoders()
        for decoder in decoders:
            decoder.handle_timers(now)
        self._tell()
        deadlines = [deadline for decoder in decoders if (deadline := decoder.next_deadline()) is not None]
        return min([now + LOOK_AGAIN_S, *deadlines])

    def close(self) -> None:
        """Let go of the pins. Raises DeviceError."""
        while self._watched:
            self._watched.pop()[0].close()

    def _receive(self, n: int, closed: bool, at: float, now: float) -> None:
        # A stamp older than what was read meanwhile, or from a clock that is not ours, must not turn time back.
        self._seen = max(self._seen, min(at, now))
        self._watched[n][1](closed, self._seen)

    def _decoders(self) -> list[_Decoder]:
        return [decoder for decoder in (self.hook, self.keys, self.dial) if decoder is not None]

    def _tell(self) -> None:
        for decoder in (self.hook, self.keys, self.dial):
            for event in decoder.events() if decoder is not None else ():
                if isinstance(event, KeyStuck):
                    log.warning("the key %s has been down for too long: ignored until it comes up", event.key)
                else:
                    self._notify(event)
