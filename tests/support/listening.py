"""Measures of what was heard: level and frequency of samples (s16)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence


def level_dbov(samples: Sequence[int]) -> float:
    """Root mean square in dB below full scale (a full-scale square wave is 0)."""
    if not samples:
        return -math.inf
    mean = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(mean / 32768**2) if mean else -math.inf


def power_at(samples: Sequence[int], frequency_hz: float, rate_hz: int = 8000) -> float:
    """Share of the samples' power that lies at a frequency, 0 to 1 (Goertzel; resolution is rate / length)."""
    total = sum(sample * sample for sample in samples)
    if not total:
        return 0.0
    turn = 2 * math.pi * frequency_hz / rate_hz
    factor, before, last = 2 * math.cos(turn), 0.0, 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    power = before * before + last * last - factor * before * last
    return min(1.0, 2 * power / (total * len(samples)))


def dominant_hz(samples: Sequence[int], rate_hz: int = 8000, *, step_hz: float = 5.0) -> float:
    """The frequency that holds the most power between 100 Hz and 3,400 Hz."""
    candidates = [100 + step_hz * n for n in range(int(3300 / step_hz) + 1)]
    return max(candidates, key=lambda frequency: power_at(samples, frequency, rate_hz))


def sine(frequency_hz: float, seconds: float, *, rate_hz: int = 8000, peak: int = 8000) -> array[int]:
    """A tone to be spoken."""
    turn = 2 * math.pi * frequency_hz / rate_hz
    return array("h", (round(peak * math.sin(turn * n)) for n in range(int(seconds * rate_hz))))
