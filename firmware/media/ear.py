"""What the telephone itself sounds: progress tones and key tones in the ear, the ring on the loudspeaker."""

from __future__ import annotations

from firmware.audio.synthesis import ToneGenerator
from firmware.audio.tones import Tone, dtmf

SHORTEST_KEY_S = 0.08
"""A key tone sounds at least this long, however briefly the key was down."""


class Voice:
    """One tone at a time, replaced or silenced."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._generator: ToneGenerator | None = None
        self.sounds = False
        """Whether `read` has anything to give."""

    def play(self, tone: Tone | None) -> None:
        """Begin a tone; None: silence."""
        self._generator = None if tone is None else ToneGenerator(tone, self._rate_hz)
        self.sounds = tone is not None

    def read(self, samples: int) -> bytes | None:
        """The next samples; None while silent."""
        if self._generator is None:
            return None
        frame = self._generator.read(samples)
        if self._generator.finished:
            self.play(None)
        return frame


class KeyVoice:
    """The tone of the key that is down."""

    def __init__(
        self, rate_hz: int, *, shortest_s: float = SHORTEST_KEY_S, longest_ms: int | None = None,
        level_dbm0: float = -10.0,
    ) -> None:  # fmt: skip
        """Sounds for `shortest_s` at least, and for `longest_ms` at most, however long the key is down."""
        self._rate_hz = rate_hz
        self._shortest_s = shortest_s
        self._longest_ms = longest_ms
        self._level_dbm0 = level_dbm0
        self._generator: ToneGenerator | None = None
        self._left = 0
        self._held = False
        self.sounds = False
        """Whether `read` has anything to give."""

    def press(self, digit: str) -> None:
        """Sound the key's tone from its beginning; a key without one is silent."""
        try:
            self._generator = ToneGenerator(dtmf(digit, self._longest_ms, self._level_dbm0), self._rate_hz)
        except ValueError:
            self._generator = None
        self.sounds = self._generator is not None
        self._left = round(self._shortest_s * self._rate_hz)
        self._held = True

    def release(self) -> None:
        """Stop, once the tone was long enough."""
        self._held = False

    def read(self, samples: int) -> bytes | None:
        """The next samples; None while silent."""
        if self._generator is None:
            return None
        sounding = samples if self._held else max(0, min(samples, self._left))
        self._left -= samples
        if not sounding or self._generator.finished:
            self._generator = None
            self.sounds = False
            return None
        return self._generator.read(sounding) + bytes(2 * (samples - sounding))
