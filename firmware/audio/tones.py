"""Tones as values (placeholder: the audio room fills this in)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of a tone's cadence."""

    frequencies_hz: tuple[float, ...]
    """Sounding together; empty: silence."""
    duration_ms: int | None
    """How long; None: for ever."""
    level_dbm0: float = -13.0
    """Level of each frequency."""
    modulation_hz: float = 0.0
    """If not 0, the first frequency is amplitude modulated by this one (as Japan's ringback and Britain's old tones)."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A cadence of segments."""

    segments: tuple[Segment, ...]
    repeats: bool = True
    """Begin again after the last segment, or fall silent."""
