"""Changing the sample rate by whole factors, as a stream: 8, 16, 24, 32 and 48 kHz into each other's multiples.

Polyphase filters (windowed sinc, Kaiser) whose taps are whole-frame operations of `audioop` on 32-bit samples:

    up by 3:    x ──┬── taps of phase 0 ──┐
                    ├── taps of phase 1 ──┼── interleaved
                    └── taps of phase 2 ──┘        down by 3: the same, mirrored
"""

from __future__ import annotations

import audioop
import math
from array import array
from functools import lru_cache

_SHARP_TAPS, _GENTLE_TAPS = 24, 8
# Per phase. Only the stage at the lowest rate needs a sharp filter: further up, speech and its images lie far apart.
_KAISER_BETA = 6.0
_HEADROOM = 0.25
# The partial sums of a filter can be larger than its result: two bits are kept free, and given back at the end.


def _bessel_i0(x: float) -> float:
    """Modified Bessel function of order 0, by its series."""
    total = term = 1.0
    for k in range(1, 40):
        term *= (x / (2 * k)) ** 2
        total += term
    return total


@lru_cache(maxsize=8)
def _filter(factor: int, taps_per_phase: int) -> tuple[tuple[float, ...], ...]:
    """For each phase its taps, newest sample first: a low-pass at the lower rate's half, 1.0 at 0 Hz in each phase.

    Phase 0 is a plain delay (a Nyquist filter), so upsampled sound keeps its samples.
    """
    length = taps_per_phase * factor
    middle = length / 2
    taps = [0.0] * length
    for n in range(length):
        x = (n - middle) / factor
        sinc = 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)
        window = _bessel_i0(_KAISER_BETA * math.sqrt(1 - ((n - middle) / middle) ** 2))
        taps[n] = sinc * window / _bessel_i0(_KAISER_BETA)
    phases = [taps[phase::factor] for phase in range(factor)]
    return tuple(tuple(tap / sum(phase) for tap in phase) for phase in phases)


def _convolve(history: bytes, taps: tuple[float, ...], samples: int, scale: float) -> bytes:
    """`samples` results of a filter; `history` ends with the newest sample (32-bit). Taps newest sample first."""
    total: bytes | None = None
    end = len(history)
    for tap in taps:
        if abs(tap) > 1e-7:
            term = audioop.mul(history[end - 4 * samples : end], 4, tap * scale)
            total = term if total is None else audioop.add(total, term, 4)
        end -= 4
    return total if total is not None else bytes(4 * samples)


def _narrow(wide: bytes) -> bytes:
    """Back to 16 bits: rounded, the headroom given back, clipped."""
    return audioop.lin2lin(audioop.mul(audioop.bias(wide, 4, int(0x8000 * _HEADROOM)), 4, 1 / _HEADROOM), 4, 2)


class _Upsampler:
    def __init__(self, factor: int, taps_per_phase: int) -> None:
        self._phases = _filter(factor, taps_per_phase)
        self._history = bytes(4 * (taps_per_phase - 1))

    def process(self, frame: bytes) -> bytes:
        wide = self._history + audioop.lin2lin(frame, 2, 4)
        self._history = wide[-len(self._history) :]
        samples, factor = len(frame) // 2, len(self._phases)
        result = array("h", bytes(2 * samples * factor))
        for phase, taps in enumerate(self._phases):
            result[phase::factor] = array("h", _narrow(_convolve(wide, taps, samples, _HEADROOM)))
        return result.tobytes()


class _Downsampler:
    def __init__(self, factor: int, taps_per_phase: int) -> None:
        self._phases = _filter(factor, taps_per_phase)
        # Sample 0 of a frame meets phase 0, so the other phases look one step back.
        self._taps = taps_per_phase
        self._history = bytes(4 * taps_per_phase * factor)
        self._rest = b""

    def process(self, frame: bytes) -> bytes:
        factor = len(self._phases)
        frame = self._rest + frame
        whole = len(frame) // (2 * factor) * 2 * factor
        frame, self._rest = frame[:whole], frame[whole:]
        wide = self._history + audioop.lin2lin(frame, 2, 4)
        self._history = wide[-len(self._history) :]
        return self._decimate(array("i", wide), len(frame) // (2 * factor))

    def _decimate(self, wide: array[int], samples: int) -> bytes:
        factor = len(self._phases)
        total = bytes(4 * samples)
        for phase, taps in enumerate(self._phases):
            # y[n] = sum over k, p of h[k * factor + p] * x[(n - k) * factor - p]
            track = wide[(factor - phase) % factor :: factor]
            end = self._taps + samples - (1 if phase else 0)
            part = _convolve(track[:end].tobytes(), taps, samples, _HEADROOM / factor)
            total = audioop.add(total, part, 4)
        return _narrow(total)


class Resampler:
    """One direction of one stream. Frames of any length; `len(out) == len(in) * to / from`, to the sample."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Prepare for a pair of rates of which one is a multiple of the other.

        Raises:
            ValueError: it is not.
        """
        up, down = to_hz // math.gcd(from_hz, to_hz), from_hz // math.gcd(from_hz, to_hz)
        if up > 1 and down > 1:
            raise ValueError(f"cannot resample {from_hz} Hz to {to_hz} Hz: neither is a multiple of the other")
        kind = _Upsampler if up > 1 else _Downsampler
        factors = _factors(up * down)
        stages = [kind(factor, _GENTLE_TAPS if place else _SHARP_TAPS) for place, factor in enumerate(factors)]
        self._stages = stages if up > 1 else stages[::-1]

    def process(self, frame: bytes) -> bytes:
        """Return the frame at the other rate; what does not fill a sample of it waits for the next frame."""
        for stage in self._stages:
            frame = stage.process(frame)
        return frame


def _factors(number: int) -> list[int]:
    """Its prime factors, smallest first."""
    factors, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return factors
