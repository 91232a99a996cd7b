"""Pulse width by program, for a pin whose library has none: a thread that raises and lowers it, by absolute deadlines.

Good for lamps and for a piezo's tone: a late edge makes the next one no later. Linux wakes a thread within a tenth of
a millisecond as a rule, so that a lamp's brightness is steady and a tone of a few kilohertz a little rough.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BEHIND_PERIODS = 2
"""Later than this, the pulses start anew instead of hurrying after."""


class PulseWidth:
    """Drives one pin. A duty of 0 or 1 is a steady level, and needs no thread."""

    def __init__(
        self,
        set_level: Callable[[bool], None],
        frequency_hz: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`set_level`: raises or lowers the pin; it begins low."""
        self._set_level = set_level
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._pulses = 0
        self.frequency_hz = frequency_hz
        """May be changed while it pulses."""
        self._duty = 0.0
        set_level(False)

    @property
    def duty(self) -> float:
        """How much of each period it is high, 0 to 1."""
        return self._duty

    @duty.setter
    def duty(self, value: float) -> None:
        with self._lock:
            pulsed, self._duty = 0 < self._duty < 1, value
            if 0 < value < 1:
                if not pulsed:
                    self._pulses += 1
                    threading.Thread(target=self._run, args=(self._pulses,), name="pulse-width", daemon=True).start()
            else:
                self._set_level(value >= 1)

    def _run(self, pulses: int) -> None:
        begin = self._clock()
        while True:
            period = 1 / self.frequency_hz
            if not self._set(pulses, True):
                return
            self._wait(begin + self._duty * period)
            if not self._set(pulses, False):
                return
            begin += period
            if self._clock() - begin > BEHIND_PERIODS * period:
                begin = self._clock()
            self._wait(begin)

    def _set(self, pulses: int, high: bool) -> bool:
        """Whether these pulses still go on; when they do not, the level is not theirs any more."""
        with self._lock:
            going_on = pulses == self._pulses and 0 < self._duty < 1
            if going_on:
                self._set_level(high)
            return going_on

    def _wait(self, until: float) -> None:
        left = until - self._clock()
        if left > 0:
            self._sleep(left)
