"""Whether what was recorded is a certain tone: its frequencies and its cadence (ITU-T E.180), measured in the samples.

A tone is written as `firmware.audio.tones` reads it: "400+450/400 -/200 400+450/400 -/2000". Everything is measured at
the rate of the recording; nothing above half a lower rate can fold down and pass for a tone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from firmware.audio.tones import Segment, parse_tone
from tests.support.listening import level_dbov, power_at

FRAME_MS = 10
"""Cadence is measured to this."""
WINDOW_MS, HOP_MS = 100, 50
"""Frequencies are measured over this: 10 Hz apart is told apart, and so are all that a country's tones mix."""
QUIET_DBOV = -45.0
"""What is below is silence, however loud the rest is; the telephone's tones are near -16."""
CONTRAST_DB = 15.0
"""Silence is this much below the sound around it. Two frequencies beat, which costs a frame of 10 ms up to 7."""
DROPOUT_MS = 60
"""Silence in a sound that is shorter was made by the emulation: a buffer that was late. No cadence has one so short."""
TOLERANCE_MS, TOLERANCE = 30, 0.1
"""How much a step of the cadence may be off: the larger of the two (E.180 asks for 10 %, and a frame may be on either
side of either edge)."""


def faults(samples: Sequence[int], rate_hz: int, tone: str) -> list[str]:
    """What of a recording (s16) is not as the tone's notation says, in plain words; none: it is this tone.

    The recording must hold every step of the cadence whole: the cadence's length and its longest step.
    """
    segments = parse_tone(tone).segments
    frames = [level_dbov(part) for part in _parts(samples, rate_hz, FRAME_MS, FRAME_MS)]
    loud = _sounding(frames)
    if not any(loud):
        return [f"silence: {max(frames, default=-math.inf):.0f} dBov at most"]
    return [*_faults_of_cadence(loud, segments), *_faults_of_pitch(samples, rate_hz, loud, segments)]


def clear_share(samples: Sequence[int], rate_hz: int, hz: float) -> float:
    """How much of a recording is one frequency, loud and clear: of windows, 0 to 1. For speech that is a sine."""
    windows = _parts(samples, rate_hz, WINDOW_MS, WINDOW_MS)
    clear = [one for one in windows if level_dbov(one) > QUIET_DBOV and power_at(one, hz, rate_hz) > 0.9]
    return len(clear) / max(1, len(windows))


def runs(loud: Sequence[bool]) -> list[tuple[bool, int]]:
    """Sound and silence in turn: (whether it sounds, ms)."""
    return [(sounds, FRAME_MS * len(list(group))) for sounds, group in groupby(loud)]


def _parts(samples: Sequence[int], rate_hz: int, window_ms: int, hop_ms: int) -> list[Sequence[int]]:
    window, hop = rate_hz * window_ms // 1000, rate_hz * hop_ms // 1000
    return [samples[at : at + window] for at in range(0, len(samples) - window + 1, hop)]


def _sounding(frames: Sequence[float]) -> list[bool]:
    """Frame by frame, dropouts mended."""
    usual = sorted(frames)[-max(1, len(frames) // 10)]
    floor = max(QUIET_DBOV, usual - CONTRAST_DB)
    loud: list[bool] = []
    for sounds, ms in runs([level > floor for level in frames]):
        inside = bool(loud) and len(loud) + ms // FRAME_MS < len(frames)
        loud += [sounds or (inside and ms < DROPOUT_MS)] * (ms // FRAME_MS)
    return loud


def _faults_of_cadence(loud: Sequence[bool], segments: Sequence[Segment]) -> list[str]:
    seen, steps = runs(loud), [(bool(one.frequencies_hz), one.duration_ms or math.inf) for one in segments]
    if any(not sounds and ms < 2 * DROPOUT_MS for sounds, ms in steps):
        raise ValueError("a pause of this cadence is too short to be told from a dropout")
    if len(steps) > 1 and len(seen) - 2 < len(steps):
        return [f"the recording does not hold every step of the cadence whole: {_words(seen)}"]
    if any(_fits(seen, steps, first) for first in range(len(steps))):
        return []
    return [f"the cadence is {_words(seen)}, not {_words(steps)}"]


def _fits(seen: Sequence[tuple[bool, int]], steps: Sequence[tuple[bool, float]], first: int) -> bool:
    """Whether the cadence, begun at its step `first`, is what was seen; the recording cuts the first and the last."""
    for n, (sounds, ms) in enumerate(seen):
        wanted, length = steps[(first + n) % len(steps)]
        slack = max(TOLERANCE_MS, TOLERANCE * length) if length < math.inf else 0
        cut = n in (0, len(seen) - 1)
        if sounds != wanted or ms > length + slack or (not cut and ms < length - slack):
            return False
    return True


def _words(steps: Sequence[tuple[bool, float]]) -> str:
    return " ".join(f"{'sound' if sounds else 'pause'}/{'ever' if ms == math.inf else ms}" for sounds, ms in steps)


def _faults_of_pitch(
    samples: Sequence[int], rate_hz: int, loud: Sequence[bool], segments: Sequence[Segment]
) -> list[str]:
    """Windows that sound from end to end hold the frequencies, each its part, and hardly anything else."""
    wanted = {one.frequencies_hz for one in segments if one.frequencies_hz}
    if len(wanted) != 1 or any(one.modulation_hz for one in segments):
        raise ValueError("only tones of one sound, unmodulated, are measured")
    frequencies = wanted.pop()
    span, hop = WINDOW_MS // FRAME_MS, HOP_MS // FRAME_MS
    windows = _parts(samples, rate_hz, WINDOW_MS, HOP_MS)
    full = [one for n, one in enumerate(windows) if all(loud[n * hop : n * hop + span])]
    shares = [[power_at(one, hz, rate_hz) for hz in frequencies] for one in full]
    good = [each for each in shares if sum(each) > 0.9 and min(each) > 0.6 / len(frequencies)]
    if len(good) > 0.8 * len(full):
        return []
    usual = [sorted(column)[len(column) // 2] for column in zip(*shares, strict=True)]
    heard = ", ".join(f"{100 * share:.0f} % at {hz:g} Hz" for share, hz in zip(usual, frequencies, strict=False))
    return [f"{len(good)} of {len(full)} windows hold the tone's frequencies; usual: {heard}"]
