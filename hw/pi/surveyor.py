"""Looks at what is connected to what on the header's free pins, and drives those that the person named.

A pin is looked at as an input with its own pull-up. To find a keypad's rows and columns one pin at a time is driven
low for some microseconds while the others are read, so nothing but switches and lamps should hang on the free pins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gpiozero import PinPWMUnsupported

from hw import DeviceError
from hw.cadence import Cadence, half_wave
from hw.pi.pins import Factory, faults_of
from hw.wizard.prompts import Outputs, Survey

SETTLE_S = 0.00002
BLINK = Cadence((500, 500))
BURST = Cadence((1000, 1000))


class Surveyor:
    """`held` says which pins could not be had, and who has them."""

    def __init__(self, factory: Factory, gpios: Iterable[int], *, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._pins: dict[int, Any] = {}
        self._driven: dict[int, float] = {}
        self.held: dict[int, str] = {}
        for gpio in sorted(gpios):
            try:
                with faults_of(f"GPIO{gpio}"):
                    pin = factory.pin(gpio)
                    pin.input_with_pull("up")
                    self._pins[gpio] = pin
            except DeviceError as fault:
                self.held[gpio] = str(fault)

    @property
    def watched(self) -> tuple[int, ...]:
        """The pins that are looked at."""
        return tuple(self._pins)

    def survey(self, pairs: bool) -> Survey:
        """Look once; with `pairs` also for pins joined; what is driven is left out. Raises DeviceError."""
        with faults_of("the pins"):
            looked_at = {gpio: pin for gpio, pin in self._pins.items() if gpio not in self._driven}
            grounded = frozenset(gpio for gpio, pin in looked_at.items() if not pin.state)
            if not pairs:
                return Survey(grounded)
            follow = self._follow([gpio for gpio in looked_at if gpio not in grounded])
            joined = {frozenset((gpio, other)) for gpio, others in follow.items() for other in others}
            one_way = {(gpio, other) for gpio, others in follow.items() for other in others - _back(gpio, follow)}
            return Survey(grounded, frozenset(joined), frozenset(one_way))

    def drive(self, levels: Mapping[int, float]) -> None:
        """Drive these pins, and no others; what goes low goes first. Raises DeviceError."""
        with faults_of("the pins"):
            for gpio in self._driven.keys() - levels.keys():
                self._let_go(gpio)
            for gpio, level in sorted(levels.items(), key=lambda pair: pair[1]):
                if gpio not in self._driven:
                    self._pins[gpio].output_with_state(level)
                elif self._driven[gpio] != level:
                    self._pins[gpio].state = level
                self._driven[gpio] = level

    def sound(self, gpio: int, hz: int, on: bool) -> None:
        """Drive a pin with a tone, and no others. Raises DeviceError where the pins' library has no pulse width."""
        with faults_of(f"a tone on GPIO{gpio}"):
            self.drive({gpio: self._driven.get(gpio, 0.0)})
            pin = self._pins[gpio]
            if pin.frequency != hz:
                try:
                    pin.frequency = hz
                except PinPWMUnsupported:
                    words = "the pins' library here has no pulse width: a bare disc cannot sound, only a buzzer"
                    raise DeviceError(words) from None
            pin.state = self._driven[gpio] = 0.5 if on else 0.0

    def close(self) -> None:
        """Let go of the pins. Raises DeviceError."""
        with faults_of("the pins"):
            self.drive({})
            for pin in self._pins.values():
                pin.close()

    def _let_go(self, gpio: int) -> None:
        pin = self._pins[gpio]
        if pin.frequency is not None:
            pin.frequency = None
        pin.input_with_pull("up")
        del self._driven[gpio]

    def _follow(self, floating: list[int]) -> dict[int, set[int]]:
        """Of each pin, which others go low with it."""
        follow = {}
        for gpio in floating:
            pin = self._pins[gpio]
            pin.function = "output"
            pin.state = 0
            self._pause(SETTLE_S)
            follow[gpio] = {other for other in floating if other != gpio and not self._pins[other].state}
            pin.function = "input"
            self._pause(SETTLE_S)
        return follow


def _back(gpio: int, follow: Mapping[int, set[int]]) -> set[int]:
    return {other for other, others in follow.items() if gpio in others}


def obey(surveyor: Surveyor, outputs: Outputs, elapsed: float) -> None:
    """Drive what `outputs` wants, `elapsed` seconds after it was first wanted. Raises DeviceError."""
    if outputs.piezo is not None and outputs.piezo_hz:
        surveyor.sound(outputs.piezo, outputs.piezo_hz, BURST.at(elapsed)[0])
    else:
        surveyor.drive(levels(outputs, elapsed))


def levels(outputs: Outputs, elapsed: float) -> dict[int, float]:
    """The level of each pin that is to be driven."""
    driven: dict[int, float] = {}
    if outputs.blinking is not None:
        driven[outputs.blinking] = float(BLINK.at(elapsed)[0])
    if outputs.high is not None:
        driven[outputs.high] = 1.0
    if outputs.piezo is not None:
        driven[outputs.piezo] = float(BURST.at(elapsed)[0])
    if outputs.bell is not None:
        wave = half_wave(elapsed, outputs.bell_hz, 1.0).wires if BURST.at(elapsed)[0] else (False, False)
        driven |= dict(zip(outputs.bell, map(float, wave), strict=True))
    return driven
