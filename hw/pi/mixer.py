"""A card's mixer levels as the profile has them, set whenever the card is opened: a new card, or one plugged again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import alsaaudio

log = logging.getLogger(__name__)


def set_mixer(
    device: str,
    levels: Iterable[tuple[str, int]],
    *,
    records: bool = False,
    open_control: Callable[..., Any] = alsaaudio.Mixer,
) -> None:
    """Set each control to its level in per cent; 0 mutes, switches are on above 0.

    `records`: the levels are a microphone's. A USB card's "Mic" has two: how loud it is recorded, and how loud it is
    heard in one's own ear at once; only the first is meant, and the second left alone.

    A control the card lacks is said in the log: cards of one kind differ in them. One that cannot be set as well: a
    level that is wrong is better than no sound.
    """
    for name, level in levels:
        try:
            control = open_control(control=name, device=device)
        except alsaaudio.ALSAAudioError:
            there = ", ".join(sorted(set(_controls(device)))) or "none"
            log.warning("the sound card has no mixer control %r; it has %s", name, there)
            continue
        try:
            _set(control, level, "Capture" if records else "Playback")
        except alsaaudio.ALSAAudioError as error:
            log.warning("the sound card's mixer control %r cannot be set: %s", name, error)
        control.close()


def _set(control: Any, level: int, direction: str) -> None:
    """Set what the control has in this direction; if it has nothing there, what it has in the other."""
    volumes, switches = control.volumecap(), control.switchcap()
    directed = [words for words in (*volumes, *switches) if "Playback" in words or "Capture" in words]
    if directed and not any(direction in words for words in directed):
        direction = "Playback" if direction == "Capture" else "Capture"
    captures = direction == "Capture"
    if any(_goes(words, direction) for words in volumes):
        control.setvolume(level, pcmtype=alsaaudio.PCM_CAPTURE if captures else alsaaudio.PCM_PLAYBACK)
    if not any(_goes(words, direction) for words in switches):
        return
    if captures:
        control.setrec(1 if level else 0)
    else:
        control.setmute(0 if level else 1)


def _goes(capability: str, direction: str) -> bool:
    """Whether a capability is of this direction: "Capture Volume" goes one way, "Joined Volume" both."""
    return direction in capability or not ("Playback" in capability or "Capture" in capability)


def _controls(device: str) -> list[str]:
    try:
        return [str(name) for name in alsaaudio.mixers(device=device)]
    except alsaaudio.ALSAAudioError:
        return []
