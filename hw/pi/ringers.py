"""Bells and buzzers on pins: a bell through an H-bridge at 16 to 25 Hz, a piezo with or without its own tone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from gpiozero import DigitalOutputDevice, PWMOutputDevice

from hw.boards.profile import RingerProfile
from hw.cadence import Cadence, half_wave
from hw.pi.pins import Factory, faults_of

SHORTEST_S = 0.0002
"""No state of the wires is held for less: what floating point leaves over of one would be a busy loop."""


class _Sounder(Protocol):
    """What makes the noise."""

    def sound(self, elapsed: float, strength: float) -> float:
        """Be as a burst is `elapsed` seconds after its beginning; returns for how many seconds that holds."""
        ...

    def rest(self) -> None:
        """Be silent."""
        ...

    def close(self) -> None:
        """Let go of the pins."""
        ...


class PiRinger:
    """Implements `hw.Ringer`; a task (`hw.pi.worker`)."""

    audible = True

    def __init__(
        self,
        factory: Factory,
        profile: RingerProfile,
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises DeviceError."""
        self._loudest = profile.volume / 100
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: tuple[Cadence, float, float] | None = None
        with faults_of(f"the {profile.kind}"):
            self._sounder: _Sounder = (
                Bell(factory, profile.pins, profile.frequency_hz)
                if profile.kind == "bell"
                else Piezo(factory, profile.pins[0], profile.frequency_hz)
            )

    def ring(self, cadence_ms: tuple[int, ...], volume: int) -> None:
        """Ring until silenced. Raises ValueError for an empty cadence or a volume beyond 0 to 10."""
        if not 0 <= volume <= 10:
            raise ValueError("a ring's volume is from 0 to 10")
        cadence = Cadence(cadence_ms)
        with self._lock:
            self._ring = (cadence, volume / 10 * self._loudest, self._clock())
        self._wake()

    def silence(self) -> None:
        """Stop ringing, at once."""
        with self._lock:
            self._ring = None
        self._wake()

    def run(self, now: float) -> float | None:
        """Drive the wires; returns when they change next."""
        with faults_of("the ringer"):
            with self._lock:
                ring = self._ring
            if ring is None or not ring[1]:
                self._sounder.rest()
                return None
            cadence, strength, since = ring
            elapsed = max(0.0, now - since)
            sounding, seconds = cadence.at(elapsed)
            if not sounding:
                self._sounder.rest()
                return now + max(seconds, SHORTEST_S)
            return now + max(min(seconds, self._sounder.sound(elapsed, strength)), SHORTEST_S)

    def close(self) -> None:
        """Silence, and the pins free. Raises DeviceError."""
        with faults_of("the ringer"):
            self._sounder.rest()
            self._sounder.close()


class Bell:
    """Two wires that never are both high."""

    def __init__(self, factory: Factory, pins: tuple[int, ...], frequency_hz: int) -> None:
        self._wires = [DigitalOutputDevice(gpio, pin_factory=factory) for gpio in pins]
        self._frequency_hz = frequency_hz

    def sound(self, elapsed: float, strength: float) -> float:
        """Drive one wire or neither; returns for how many seconds."""
        wave = half_wave(elapsed, self._frequency_hz, strength)
        # What goes low goes first.
        for wire, high in sorted(zip(self._wires, wave.wires, strict=True), key=lambda pair: pair[1]):
            wire.value = high
        return wave.seconds

    def rest(self) -> None:
        """No current."""
        for wire in self._wires:
            wire.off()

    def close(self) -> None:
        """Let go of the pins."""
        for wire in self._wires:
            wire.close()


class Piezo:
    """A disc, driven with its tone by pulse width, or a buzzer that makes its own."""

    def __init__(self, factory: Factory, gpio: int, frequency_hz: int) -> None:
        self._tone = bool(frequency_hz)
        self._device: Any = (
            PWMOutputDevice(gpio, frequency=frequency_hz, pin_factory=factory)
            if frequency_hz
            else DigitalOutputDevice(gpio, pin_factory=factory)
        )

    def sound(self, elapsed: float, strength: float) -> float:
        """Sound; a piezo's loudness goes by the width of its pulses, half of a period at most."""
        self._device.value = strength / 2 if self._tone else 1
        return 3600.0

    def rest(self) -> None:
        """No sound."""
        self._device.off()

    def close(self) -> None:
        """Let go of the pin."""
        self._device.close()
