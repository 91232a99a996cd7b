"""Samples from tones: a `Tone` becomes frames, sample-exact, at any rate.

A steady sound repeats after `rate / gcd(rate, frequencies)` samples, so each is built once as a loop and every later
frame is one slice of it. Frequencies are taken to the nearest hertz; E.180 allows the networks 1 % and more.
Frames are signed 16-bit little-endian mono.
"""

from __future__ import annotations

import audioop
import math
from array import array
from functools import lru_cache
from itertools import accumulate

from firmware.audio.tones import Segment, Tone

OVERLOAD_DBM0 = 3.14
"""Level of a sine that just fills the scale (G.711: A-law overloads at +3.14 dBm0)."""

_LONGEST_FRAME_S = 0.06


def amplitude(level_dbm0: float) -> float:
    """Peak amplitude, in units of the 16-bit scale, of a sine at this level."""
    return 32767 * 10 ** ((level_dbm0 - OVERLOAD_DBM0) / 20)


@lru_cache(maxsize=4)
def _turn(rate_hz: int) -> array[int]:
    """One turn of a full-scale sine in `rate_hz` steps of 32 bits: every n-th step of it is the wave of n Hz."""
    peak, step = 2**31 - 1, 2 * math.pi / rate_hz
    return array("i", [int(peak * math.sin(step * i)) for i in range(rate_hz)])


@lru_cache(maxsize=32)
def _sine(frequency_hz: int, rate_hz: int) -> bytes:
    """One loop of a full-scale sine: whole turns, `rate / gcd(rate, frequency)` samples of 32 bits."""
    turn, wave, phase = _turn(rate_hz), array("i"), 0
    for _ in range(frequency_hz // math.gcd(rate_hz, frequency_hz)):
        part = turn[phase::frequency_hz]
        wave.extend(part)
        phase += frequency_hz * len(part) - rate_hz
    return wave.tobytes()


def _partials(segment: Segment) -> list[tuple[int, float]]:
    """The sine waves a segment consists of: frequency in whole hertz, amplitude."""
    peak = amplitude(segment.level_dbm0)
    parts = [(round(frequency), peak) for frequency in segment.frequencies_hz]
    if parts and segment.modulation_hz:
        carrier, beat = parts[0][0], max(1, round(segment.modulation_hz))
        # (1 + cos b) sin c = sin c + (sin(c + b) + sin(c - b)) / 2: its power is 1.5 times the carrier's.
        peak /= math.sqrt(1.5)
        parts[0:1] = [(carrier, peak), (carrier + beat, peak / 2), (carrier - beat, peak / 2)]
    return [part for part in parts if part[0] > 0]


@lru_cache(maxsize=64)
def _loop(segment: Segment, rate_hz: int) -> tuple[bytes, int]:
    """One loop of a steady segment, continued past its end by the longest frame; and its length in samples."""
    parts = [(f, peak) for f, peak in _partials(segment) if 2 * f < rate_hz]
    length = rate_hz // math.gcd(rate_hz, *(frequency for frequency, _ in parts)) if parts else 1
    total = bytes(4 * length)
    for frequency, peak in parts:
        wave = _sine(frequency, rate_hz)
        total = audioop.add(total, audioop.mul(wave * (4 * length // len(wave)), 4, min(peak / 32767, 1.0)), 4)
    loop = audioop.lin2lin(total, 4, 2)
    tail = int(rate_hz * _LONGEST_FRAME_S)
    return loop + (loop * (tail // length + 1))[: 2 * tail], length


class ToneGenerator:
    """Plays one tone from its beginning, frame by frame. Each segment begins at phase zero and has no seam."""

    def __init__(self, tone: Tone, rate_hz: int) -> None:
        """Start `tone` at `rate_hz` samples a second."""
        self._rate_hz = rate_hz
        self._repeats = tone.repeats
        segments = tone.segments
        forever = next((i for i, segment in enumerate(segments) if segment.duration_ms is None), None)
        self._segments = segments if forever is None else segments[: forever + 1]
        marks = accumulate((s.duration_ms or 0 for s in self._segments), initial=0)
        # Boundaries are rounded from the cadence's own start, so a fraction of a sample never adds up.
        self._starts = [round(ms * rate_hz / 1000) for ms in marks]
        self._index = 0
        self._position = 0
        self._skip_empty()

    @property
    def finished(self) -> bool:
        """True when a tone that does not repeat has sounded to its end."""
        return self._index >= len(self._segments)

    def read(self, samples: int) -> bytes:
        """The next frame: `samples` samples, 16-bit; silence once the tone has ended."""
        pieces: list[bytes] = []
        wanted = samples
        while wanted and not self.finished:
            piece = self._piece(wanted)
            pieces.append(piece)
            wanted -= len(piece) // 2
        if wanted:
            pieces.append(bytes(2 * wanted))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _piece(self, wanted: int) -> bytes:
        segment = self._segments[self._index]
        if segment.duration_ms is None:
            return self._sound(segment, wanted)
        left = self._starts[self._index + 1] - self._starts[self._index] - self._position
        piece = self._sound(segment, min(wanted, left))
        if len(piece) == 2 * left:
            self._index, self._position = self._index + 1, 0
            self._skip_empty()
        return piece

    def _sound(self, segment: Segment, samples: int) -> bytes:
        if not segment.frequencies_hz:
            self._position += samples
            return bytes(2 * samples)
        loop, length = _loop(segment_sound(segment), self._rate_hz)
        samples = min(samples, len(loop) // 2 - length)
        start = 2 * (self._position % length)
        self._position += samples
        return loop[start : start + 2 * samples]

    def _skip_empty(self) -> None:
        # A tone without any sound in time (all steps 0 ms long) ends at once instead of repeating for ever.
        while not self.finished and self._is_empty(self._index):
            self._index += 1
        if self.finished and self._repeats and self._starts[-1] > 0:
            self._index = next(i for i in range(len(self._segments)) if not self._is_empty(i))

    def _is_empty(self, index: int) -> bool:
        return self._segments[index].duration_ms is not None and self._starts[index] == self._starts[index + 1]


def segment_sound(segment: Segment) -> Segment:
    """The same sound without a length: what two segments that sound alike have in common."""
    return Segment(segment.frequencies_hz, None, segment.level_dbm0, segment.modulation_hz)
