"""Lamps on pins, by gpiozero, dimmed by pulse width."""

from __future__ import annotations

import logging
from typing import Any

from gpiozero import LED, PWMLED

from hw import DeviceError, LampState
from hw.boards.profile import LampsProfile
from hw.pi.pins import Factory, faults_of

log = logging.getLogger(__name__)

BLINK_S = 0.5
"""Half a second on, half a second off: slow enough for anybody's eyes."""
PULSE_WIDTH_HZ = 200


class PiLamps:
    """Implements `hw.Lamps`."""

    def __init__(self, factory: Factory, profile: LampsProfile | None) -> None:
        """A lamp whose pin somebody else holds stays dark, and the log says so: the telephone works without."""
        self._states: dict[str, LampState] = {}
        self._brightness = profile.brightness / 100 if profile is not None else 1.0
        self._lamps: dict[str, Any] = {}
        for lamp, gpio in profile.pins if profile is not None else ():
            try:
                with faults_of(f"the lamp {lamp} (GPIO{gpio})"):
                    self._lamps[lamp] = self._open(factory, gpio, profile is None or profile.active == "high")
            except DeviceError as fault:
                log.warning("%s; going on without it", fault)

    def set(self, lamp: str, state: LampState) -> None:
        """Set one lamp; a lamp the board lacks is ignored."""
        led = self._lamps.get(lamp)
        if led is None or self._states.get(lamp) == state:
            return
        self._states[lamp] = state
        if state == LampState.BLINK:
            led.blink(BLINK_S, BLINK_S)
        elif state == LampState.ON:
            led.on()
        else:
            led.off()

    def close(self) -> None:
        """All lamps off, and their pins free. Raises DeviceError."""
        with faults_of("the lamps"):
            while self._lamps:
                _, led = self._lamps.popitem()
                led.off()  # a line that is given back may keep its level
                led.close()

    def _open(self, factory: Factory, gpio: int, active_high: bool) -> Any:
        if self._brightness == 1.0:
            return LED(gpio, active_high=active_high, pin_factory=factory)
        brightness = self._brightness

        class Dimmed(PWMLED):  # type: ignore[misc]
            """On is as bright as the profile says."""

            def _write(self, value: float) -> None:
                super()._write(value * brightness)

        return Dimmed(gpio, active_high=active_high, frequency=PULSE_WIDTH_HZ, pin_factory=factory)
