"""Test tones on a sound card, for whoever looks for the right one."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Callable

from hw import AudioPort, DeviceError
from hw.boards.profile import AudioProfile, CardProfile
from hw.wizard.prompts import Tone

TONE_HZ, TONE_PEAK = 440, 8000
TONE_ON_S, TONE_OFF_S = 1.0, 0.5
RATE_HZ, PERIOD = 48_000, 480


class Tones:
    """Plays a test tone in a thread of its own, over and over, until told otherwise."""

    def __init__(self, open_port: Callable[[AudioProfile], AudioPort]) -> None:
        """`open_port`: opens a card; raises DeviceError."""
        self._open_port = open_port
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""

    def play(self, tone: Tone | None) -> None:
        """Play this one; None: none."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join(timeout=2.0)
            self._thread = None
        self._trouble = ""
        if tone is not None:
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._work, args=(tone, self._stop), name="test-tone", daemon=True)
            self._thread.start()

    def trouble(self) -> str:
        """Why the tone could not be played, once; empty: it could."""
        trouble, self._trouble = self._trouble, ""
        return trouble

    def _work(self, tone: Tone, stop: threading.Event) -> None:
        card = CardProfile(tone.card, tone.channel, tone.mixer)
        try:
            port = self._open_port(AudioProfile("alsa", RATE_HZ, PERIOD, earpiece=card))
        except DeviceError as fault:
            self._trouble = f"The tone cannot be played: {fault}."
            return
        silence, frames = bytes(2 * PERIOD), tone_frames()
        try:
            while not stop.is_set():
                for frame in frames:
                    port.exchange(frame, silence)
                    if port.fault:
                        self._trouble = f"The tone cannot be played: {port.fault}."
                        return
                    if stop.is_set():
                        break
        finally:
            port.close()


def tone_frames() -> list[bytes]:
    """A second of tone and half a second of silence, in periods of 10 ms, 48 kHz."""
    whole = [
        round(TONE_PEAK * math.sin(2 * math.pi * TONE_HZ * n / RATE_HZ)) for n in range(round(TONE_ON_S * RATE_HZ))
    ]
    samples = array("h", whole + [0] * round(TONE_OFF_S * RATE_HZ))
    return [samples[n : n + PERIOD].tobytes() for n in range(0, len(samples), PERIOD)]
