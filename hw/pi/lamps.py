"""Lamps on pins, by gpiozero; between dark and lit by pulse width."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from math import inf

from gpiozero import LED, PinPWMUnsupported

from hw import DeviceError, LampState
from hw.boards.profile import LampsProfile
from hw.lamp_rhythm import step_at
from hw.pi.pins import Factory, faults_of

log = logging.getLogger(__name__)

PULSE_WIDTH_HZ = 200
HALF_LIT = 0.5
"""On a pin without pulse width, a lamp that should shine at least so is lit."""
SHORTEST_S = 0.001
"""No step is shown for less: what rounding leaves over of one would be a busy loop."""


class PiLamps:
    """Implements `hw.Lamps`; a task (`hw.pi.worker`). Lamps that are told the same at once shine in step."""

    def __init__(
        self,
        factory: Factory,
        profile: LampsProfile,
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A lamp whose pin somebody else holds stays dark, and the log says so: the telephone works without."""
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[LampState, float]] = {}
        self._lamps: dict[str, _Lamp] = {}
        for lamp, gpio in profile.pins:
            try:
                with faults_of(f"the lamp {lamp} (GPIO{gpio})"):
                    self._lamps[lamp] = _Lamp(factory, gpio, profile)
            except DeviceError as fault:
                log.warning("%s; going on without it", fault)

    def set(self, lamp: str, state: LampState) -> None:
        """Set one lamp; a lamp the board lacks is ignored."""
        with self._lock:
            told, _ = self._told.get(lamp, (LampState.OFF, 0.0))
            if lamp not in self._lamps or told == state:
                return
            self._told[lamp] = state, self._clock()
        self._wake()

    def run(self, now: float) -> float | None:
        """Drive the pins; returns when one of them changes next, None while all are steady. Raises DeviceError."""
        with self._lock:
            told = dict(self._told)
        seconds = inf
        with faults_of("the lamps"):
            for lamp, (state, since) in told.items():
                step = step_at(state, max(0.0, now - since))
                self._lamps[lamp].shine(step.level)
                seconds = min(seconds, step.seconds)
        return None if seconds == inf else now + max(seconds, SHORTEST_S)

    def close(self) -> None:
        """All lamps off, and their pins free. Raises DeviceError."""
        with faults_of("the lamps"):
            while self._lamps:
                _, lamp = self._lamps.popitem()
                lamp.close()


class _Lamp:
    """One light-emitting diode.

    Its pin is pulsed only while it is neither dark nor fully lit: lgpio would pulse a steady pin as well, for ever.
    """

    def __init__(self, factory: Factory, gpio: int, profile: LampsProfile) -> None:
        self._brightness = profile.brightness / 100
        self._active_high = profile.active == "high"
        self._led = LED(gpio, active_high=self._active_high, pin_factory=factory)
        self._dimmable = True
        self._level = 0.0

    def shine(self, level: float) -> None:
        """Shine: 0 dark, 1 as brightly as the profile says."""
        if level == self._level:
            return
        if not 0 < level * self._brightness < 1 or not self._dim(level * self._brightness):
            self._switch(level >= HALF_LIT)
        self._level = level

    def close(self) -> None:
        """Dark, and the pin free."""
        self._switch(False)  # a line that is given back may keep its level
        self._led.close()

    def _dim(self, part: float) -> bool:
        """False if the pin knows no pulse width."""
        pin = self._led.pin
        try:
            if self._dimmable and pin.frequency is None:
                pin.frequency = PULSE_WIDTH_HZ
        except PinPWMUnsupported:
            self._dimmable = False
        if self._dimmable:
            pin.state = part if self._active_high else 1 - part
        return self._dimmable

    def _switch(self, lit: bool) -> None:
        if self._led.pin.frequency is not None:
            self._led.pin.frequency = None
        self._led.value = lit
