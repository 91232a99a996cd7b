"""A card's mixer levels as the profile has them, set whenever the card is opened: a new card, or one plugged again."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import alsaaudio

log = logging.getLogger(__name__)


def set_mixer(device: str, levels: Iterable[tuple[str, int]]) -> None:
    """Set each control to its level in per cent; 0 mutes, switches are on above 0.

    A control the card lacks is said in the log: cards of one kind differ in them. One that cannot be set as well: a
    level that is wrong is better than no sound.
    """
    for name, level in levels:
        try:
            control = alsaaudio.Mixer(control=name, device=device)
        except alsaaudio.ALSAAudioError:
            there = ", ".join(sorted(set(_controls(device)))) or "none"
            log.warning("the sound card has no mixer control %r; it has %s", name, there)
            continue
        try:
            _set(control, level)
        except alsaaudio.ALSAAudioError as error:
            log.warning("the sound card's mixer control %r cannot be set: %s", name, error)
        control.close()


def _set(control: alsaaudio.Mixer, level: int) -> None:
    if control.volumecap():
        control.setvolume(level)
    switches = control.switchcap()
    if any("Playback" in switch or switch in ("Mute", "Joined Mute") for switch in switches):
        control.setmute(0 if level else 1)
    if any("Capture" in switch for switch in switches):
        control.setrec(1 if level else 0)


def _controls(device: str) -> list[str]:
    try:
        return [str(name) for name in alsaaudio.mixers(device=device)]
    except alsaaudio.ALSAAudioError:
        return []
