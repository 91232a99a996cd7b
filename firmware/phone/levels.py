"""Volumes, and the microphone's switch."""

from __future__ import annotations

from typing import Literal

LOUDEST = 10
Volume = Literal["earpiece", "ringer"]


class Levels:
    """What the volume and mute keys set; kept from call to call, mute excepted."""

    def __init__(self, earpiece: int, ringer: int) -> None:
        """0 to 10 each; 7 is 0 dB for the ear."""
        self.earpiece = _within(earpiece)
        self.ringer = _within(ringer)
        self.muted = False
        self.shown: Volume | Literal[""] = ""
        """Whose bar is on the panel."""

    def change(self, volume: Volume, step: int) -> None:
        """Turn one volume up or down, and show it."""
        if volume == "earpiece":
            self.earpiece = _within(self.earpiece + step)
        else:
            self.ringer = _within(self.ringer + step)
        self.shown = volume


def _within(volume: int) -> int:
    return max(0, min(LOUDEST, volume))
