"""Loudness: gains in decibels, levels in dBm0 (ITU-T G.711), and a limiter in place of clipping."""

from __future__ import annotations

import audioop
import math

from firmware.audio.synthesis import OVERLOAD_DBM0

SILENCE_DBM0 = -90.0
"""What `level_dbm0` says of a frame of zeros."""


def factor(gain_db: float) -> float:
    """What to multiply samples by."""
    return float(10 ** (gain_db / 20))


def amplify(frame: bytes, gain: float) -> bytes:
    """The frame times a linear `gain`, clipped at the scale's ends. A gain of 1 costs nothing."""
    return frame if gain == 1.0 else audioop.mul(frame, 2, gain)


def level_dbm0(frame: bytes) -> float:
    """Mean power of a frame; a sine that fills the scale has +3.14 dBm0."""
    rms = audioop.rms(frame, 2)
    if rms == 0:
        return SILENCE_DBM0
    return 20 * math.log10(rms * math.sqrt(2) / 32767) + OVERLOAD_DBM0


class Limiter:
    """Turns loud passages down instead of clipping them: at once, and back up over half a second."""

    def __init__(self, ceiling: int = 29204, recovery: float = 1.08) -> None:
        """`ceiling`: largest sample let out (-1 dB of the scale). `recovery`: by how much the gain may rise a frame."""
        self._ceiling = ceiling
        self._recovery = recovery
        self._gain = 1.0

    def process(self, frame: bytes, gain: float = 1.0) -> bytes:
        """The frame times `gain`, or by less where that would pass the ceiling."""
        peak = max(1, audioop.max(frame, 2))
        self._gain = min(1.0, self._gain * self._recovery, self._ceiling / (peak * gain) if gain > 0 else 1.0)
        return amplify(frame, gain * self._gain)
