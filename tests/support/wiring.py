"""Wires between gpiozero's mock pins: switches that join pins with each other and with ground, and bounce.

    wiring = Wiring()
    wiring.join(5, 12)              # a key of a matrix: row 5, column 12
    wiring.join(17, GROUND)         # a hook switch
    wiring.part(17, GROUND)

A pin set as input reads what its wire carries: ground or a low output above all, then a high output, then pull-ups.
Time is the bench's own: `Bench` runs drivers' tasks in virtual time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from gpiozero import PinFixedPull, PinInvalidPull
from gpiozero.pins.mock import MockFactory, MockPWMPin

from hw.pi.worker import Task

GROUND = -1
ENOUGH = 1_000_000


class WiredPin(MockPWMPin):  # type: ignore[misc]
    """A mock pin whose level, as an input, is its wire's."""

    def __init__(self, factory: WiredFactory, info: Any) -> None:
        super().__init__(factory, info)
        self.gpio = int(info.name[4:])
        self.wiring = factory.wiring
        self.wiring.pins[self.gpio] = self

    def _set_function(self, value: str) -> None:
        # The base class drives an input to its pull at once, though its wire may hold it elsewhere.
        with self.wiring.lock:
            self._function = value
            if value == "output":
                self._state = False
            self.wiring.settle(self.gpio)

    def _set_state(self, value: float) -> None:
        with self.wiring.lock:
            super()._set_state(value)
            self.wiring.settle(self.gpio)

    def _set_pull(self, value: str) -> None:
        if self.info.pull and value != self.info.pull:
            raise PinFixedPull(f"{self!r} has a fixed pull resistor")
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull(value)
        self._pull = value
        self.wiring.settle(self.gpio)

    def _call_when_changed(self) -> None:
        method = self._when_changed()
        if method is not None:
            method(self.wiring.now, int(self._state))

    @property
    def driven(self) -> float | None:
        """The level it puts on its wire; None for an input."""
        return float(self._state) if self._function == "output" else None


class WiredFactory(MockFactory):  # type: ignore[misc]
    """gpiozero's mock factory, its pins joined by a wiring."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        super().__init__(pin_class=WiredPin)


class Wiring:
    """Everything that is joined. `clock`: whose time edges carry; None: `time`, which the bench sets."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.time = 0.0
        self.pins: dict[int, WiredPin] = {}
        self._clock = clock
        self.lock = threading.RLock()
        self._joints: dict[frozenset[int], int] = {}
        self._diodes: set[tuple[int, int]] = set()
        self.factory = WiredFactory(self)

    @property
    def now(self) -> float:
        """The time."""
        return self.time if self._clock is None else self._clock()

    def join(self, one: int, other: int) -> None:
        """Close a switch."""
        with self.lock:
            self._joints[frozenset((one, other))] = 1
            self.settle()

    def part(self, one: int, other: int) -> None:
        """Open it."""
        with self.lock:
            self._joints.pop(frozenset((one, other)), None)
            self.settle()

    def set(self, one: int, other: int, closed: bool) -> None:
        """Close or open a switch."""
        (self.join if closed else self.part)(one, other)

    def diode(self, cathode: int, anode: int, joined: bool) -> None:
        """Join two pins by a diode, or part them: what takes the cathode low takes the anode low."""
        with self.lock:
            (self._diodes.add if joined else self._diodes.discard)((cathode, anode))
            self.settle()

    def settle(self, changed: int | None = None) -> None:
        """Let every input read its wire; `changed`: only those that one pin may have changed."""
        with self.lock:
            if changed is not None and not self._diodes:
                self._read(self._net(changed))
                return
            nets = self._nets()
            low = {gpio for net in nets if not self._level(net) for gpio in net}
            for net in nets:
                pulled = any(cathode in low and anode in net for cathode, anode in self._diodes)
                self._read(net, low=pulled)

    def _read(self, net: set[int], *, low: bool = False) -> None:
        level = self._level(net) and not low
        for gpio in net:
            pin = self.pins.get(gpio)
            if pin is not None and pin.driven is None:
                (pin.drive_high if level else pin.drive_low)()

    def _net(self, gpio: int) -> set[int]:
        """Everything that is joined to a pin."""
        net, waiting = {gpio}, [gpio]
        while waiting:
            pin = waiting.pop()
            for joint in self._joints:
                if pin in joint and not joint <= net:
                    waiting += joint - net
                    net |= joint
        return net

    def _level(self, net: set[int]) -> bool:
        pins = [self.pins[gpio] for gpio in net if gpio in self.pins]
        levels = [pin.driven for pin in pins if pin.driven is not None]
        assert not (0.0 in levels and any(levels)), f"a high output is joined to a low one: {sorted(net)}"
        assert not (GROUND in net and any(levels)), f"a high output is joined to ground: {sorted(net)}"
        if GROUND in net or 0.0 in levels:
            return False
        return any(levels) or all(pin.pull != "down" for pin in pins)

    def _nets(self) -> list[set[int]]:
        nets: list[set[int]] = [{gpio} for gpio in self.pins]
        for joint in self._joints:
            touched = [net for net in nets if net & joint]
            nets = [net for net in nets if not net & joint]
            nets.append(set(joint).union(*touched))
        return nets


class Bench:
    """Drivers on a wiring in virtual time.

    bench.at(1.0, lambda: bench.wiring.join(5, 12))
    bench.run(until=2.0)
    bench.events                    # [(1.011, KeyPressed("1"))]
    """

    def __init__(self) -> None:
        self.wiring = Wiring()
        self.events: list[tuple[float, object]] = []
        self._task: Task | None = None
        self._woken = True
        self._due: float | None = None
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self.runs = 0

    @property
    def now(self) -> float:
        """The time."""
        return self.wiring.now

    def wake(self) -> None:
        """What a driver's edge does."""
        self._woken = True

    def notify(self, event: object) -> None:
        """What a driver tells."""
        self.events.append((self.now, event))

    def start(self, task: Task) -> None:
        """Run this driver."""
        self._task = task

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Do something at a time."""
        self._plan.append((time, len(self._plan), action))

    def switch(self, one: int, other: int, moves: Iterable[tuple[float, bool]]) -> None:
        """Close and open a switch at these times."""
        for time, closed in moves:
            self.at(time, lambda closed=closed: self.wiring.set(one, other, closed))  # type: ignore[misc]

    def run(self, until: float) -> None:
        """Let time pass."""
        plan = sorted(self._plan, reverse=True)
        self._plan = []
        for _ in range(ENOUGH):
            self._serve()
            action_at = plan[-1][0] if plan else until
            due = until if self._due is None else self._due
            if min(action_at, due) >= until and not plan:
                break
            self.wiring.time = max(self.now, min(action_at, due))
            if plan and action_at <= due:
                plan.pop()[2]()
            else:
                self._woken = True
        self.wiring.time = until

    def _serve(self) -> None:
        assert self._task is not None
        for _ in range(ENOUGH):
            if not self._woken:
                return
            self._woken = False
            self._due = self._task.run(self.now)
            self.runs += 1
