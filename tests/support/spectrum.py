"""Listening with figures: how much of one frequency there is in samples."""

from __future__ import annotations

import math
from array import array


def amplitude_at(frame: bytes, frequency_hz: float, rate_hz: int = 8000) -> float:
    """Peak amplitude of the sine of this frequency in 16-bit samples (one bin of a Fourier transform)."""
    samples = array("h", frame)
    step = 2 * math.pi * frequency_hz / rate_hz
    real = sum(sample * math.cos(step * i) for i, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(step * i) for i, sample in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


def sine(frequency_hz: float, samples: int, peak: float = 8000, rate_hz: int = 8000) -> bytes:
    """A sine from phase zero."""
    step = 2 * math.pi * frequency_hz / rate_hz
    return array("h", [round(peak * math.sin(step * i)) for i in range(samples)]).tobytes()


def rms(frame: bytes) -> float:
    """Root of the mean square."""
    samples = array("h", frame)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def difference(one: bytes, other: bytes) -> list[int]:
    """Sample by sample."""
    return [a - b for a, b in zip(array("h", one), array("h", other), strict=True)]
