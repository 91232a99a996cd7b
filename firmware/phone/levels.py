"""Volumes, and the microphone's switch."""

from __future__ import annotations

from typing import Literal

LOUDEST = 10
SOFTEST_EARPIECE = 1
"""A handset is never off: who hears no tone takes the telephone for broken."""
Volume = Literal["earpiece", "ringer"]


class Levels:
    """What the volume and mute keys set; kept from call to call, mute excepted."""

    def __init__(self, earpiece: int, ringer: int) -> None:
        """Earpiece 1 to 10, where 7 is 0 dB; ringer 0 (off) to 10."""
        self.earpiece = _within(earpiece, SOFTEST_EARPIECE)
        self.ringer = _within(ringer)
        self.muted = False
        self.shown: Volume | Literal[""] = ""
        """Whose bar is on the panel."""

    def change(self, volume: Volume, step: int) -> None:
        """Turn one volume up or down, and show it."""
        if volume == "earpiece":
            self.earpiece = _within(self.earpiece + step, SOFTEST_EARPIECE)
        else:
            self.ringer = _within(self.ringer + step)
        self.shown = volume


def _within(volume: int, softest: int = 0) -> int:
    return max(softest, min(LOUDEST, volume))
