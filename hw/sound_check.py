"""What a telephone's microphone hears of its own earpiece or loudspeaker, measured by played tones.

    port = open_audio("handset")
    check = measure(listen(port, "earpiece"), port.rate_hz)
    check.echo_db, check.delay_ms, check.drift_ppm

Six short sweeps through the telephone's band, a second and a quarter apart, after a second of silence. A sweep is found
by correlation even where it is softer than the noise, and its place is known to a few microseconds: that the places
drift apart shows that the card that records and the card that plays have different clocks.
"""

from __future__ import annotations

import array
import audioop
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from hw import AudioPort
from hw.correlation import Pattern, shift_between

End = Literal["earpiece", "speaker", "ringer"]

ENDS: tuple[End, ...] = ("earpiece", "speaker", "ringer")
NAMES = {"earpiece": "earpiece", "speaker": "loudspeaker", "ringer": "ringer"}
SETTLE_S = 0.5
"""Silence that is played and not listened to: cards start with a click."""
QUIET_S = 1.0
SWEEPS, APART_S, SWEEP_S = 6, 1.25, 0.25
REST_S = 0.75
LOW_HZ, HIGH_HZ = 300.0, 3400.0
"""The telephone's band (ITU-T G.712)."""
PEAK = 4096
"""Of the sweeps: -18 dB below the loudest, a soft voice."""
LONGEST_DELAY_S = 0.5
ANALYSED_HZ = 8000
FOUND = 6.0
"""A sweep is there if its place stands out so many times from what is elsewhere."""
FULL_SCALE = 32768
CLIPPED = 32_700
"""From here on a sample is at the converter's end."""
FLOOR_DB = -100.0
GAP_MS = 2.0
"""A sweep that is so much nearer or farther than its neighbours: sound was lost or put in between."""
_AROUND = 40
_MOST_SHIFT = 12
# Samples at ANALYSED_HZ: how much of the answer around its peak is compared, and how far.

WEAK_ECHO_DB, STRONG_ECHO_DB = -40.0, -25.0
"""ITU-T P.310 wants 40 dB between a handset's ear and its mouth; from 25 on everybody hears himself."""
LONG_DELAY_MS = 100.0
MOST_DRIFT_PPM = 50.0
MOST_NOISE_DB = -45.0
MOST_CLIPPED_PERCENT = 0.1

Verdict = Literal["ok", "note", "bad"]


@dataclass(frozen=True, slots=True)
class SoundCheck:
    """What was measured."""

    mute: bool
    """The microphone gave nothing at all, not even noise."""
    noise_db: float
    """The noise while nothing was played, below full scale."""
    echo_db: float
    """What came back, below what was played; if nothing was found, what it is less than."""
    delay_ms: float | None
    """From playing to hearing, through card, air and card; None: nothing came back."""
    drift_ppm: float | None
    """By how much the clock that records is faster than the one that plays; None: nothing came back."""
    gaps: int
    """How often sound was lost or put in between."""
    clipped_percent: float
    """Of the samples that were at the converter's end."""

    @property
    def heard(self) -> bool:
        """Whether the sweeps came back."""
        return self.delay_ms is not None


def sweep(rate_hz: int) -> list[float]:
    """One sweep, its ends faded: samples of -1 to 1."""
    count = round(SWEEP_S * rate_hz)
    bend = (HIGH_HZ - LOW_HZ) / SWEEP_S
    fade = round(0.02 * rate_hz)
    samples = []
    for n in range(count):
        time = n / rate_hz
        edge = min(1.0, (n + 1) / fade, (count - n) / fade)
        samples.append(edge * math.sin(2 * math.pi * (LOW_HZ * time + bend * time * time / 2)))
    return samples


def signal(rate_hz: int) -> bytes:
    """All that is played, but for the silence before: int16, mono."""
    whole = array.array("h", bytes(2 * round((QUIET_S + SWEEPS * APART_S + REST_S) * rate_hz)))
    one = array.array("h", (round(PEAK * value) for value in sweep(rate_hz)))
    for n in range(SWEEPS):
        start = round((QUIET_S + n * APART_S) * rate_hz)
        whole[start : start + len(one)] = one
    return _little_endian(whole).tobytes()


def listen(port: AudioPort, end: End) -> bytes:
    """Play the signal at one end and return what the microphone heard meanwhile, as long as the signal.

    It takes ten seconds if the port is paced. Raises DeviceError.
    """
    played, octets = signal(port.rate_hz), 2 * port.period_samples
    silence = bytes(octets)
    for _ in range(round(SETTLE_S * port.rate_hz) // port.period_samples):
        port.exchange(silence, silence)
    heard = b""
    for start in range(0, len(played), octets):
        frame = played[start : start + octets].ljust(octets, b"\0")
        heard += port.exchange(
            frame if end == "earpiece" else silence,
            frame if end == "speaker" else silence,
            frame if end == "ringer" else None,
        )
    return heard[: len(played)]


def measure(heard: bytes, rate_hz: int) -> SoundCheck:
    """Analyse what was heard while `signal` was played: int16, mono, of the same rate (a multiple of 8 kHz)."""
    quiet = heard[2 * round(0.2 * rate_hz) : 2 * round((QUIET_S - 0.05) * rate_hz)]
    noise_db = _decibels(audioop.rms(quiet, 2) / FULL_SCALE)
    clipped = 100 * sum(abs(value) >= CLIPPED for value in _samples(heard)) / (len(heard) // 2)
    slow = _slower(_samples(heard), rate_hz)
    played = _slower([PEAK * value for value in sweep(rate_hz)], rate_hz)
    pattern = Pattern(played, _samples_of(LONGEST_DELAY_S) + len(played))
    answers = [_answer(pattern, slow, n) for n in range(SWEEPS)]
    places = [_place(answer) for answer in answers]
    found = [n for n, place in enumerate(places) if place is not None]
    if len(found) <= SWEEPS // 2:
        limit = _decibels(FOUND * max(_usual(answer) for answer in answers))
        return SoundCheck(audioop.max(heard, 2) <= 1, noise_db, limit, None, None, 0, clipped)
    delays = _delays([(n, answers[n], places[n] or 0) for n in found])
    drift_ppm, gaps = _drift(delays)
    echo_db = statistics.median(_echo(slow, pattern, n, answers[n], places[n] or 0) for n in found)
    return SoundCheck(False, noise_db, echo_db, 1000 * statistics.median(delays.values()), drift_ppm, gaps, clipped)


def _samples(sound: bytes) -> array.array[int]:
    return _little_endian(array.array("h", sound))


def _little_endian(samples: array.array[int]) -> array.array[int]:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _slower(samples: Sequence[float], rate_hz: int) -> list[float]:
    """The same at `ANALYSED_HZ`, as values of -1 to 1, without what is constant."""
    step = rate_hz // ANALYSED_HZ
    level = sum(samples) / len(samples)
    scale = step * FULL_SCALE
    return [sum(samples[n : n + step]) / scale - level / FULL_SCALE for n in range(0, len(samples) - step + 1, step)]


def _samples_of(seconds: float) -> int:
    return round(seconds * ANALYSED_HZ)


def _begin(n: int) -> int:
    return _samples_of(QUIET_S + n * APART_S)


def _answer(pattern: Pattern, slow: Sequence[float], n: int) -> list[float]:
    """How much of sweep `n` came back after each delay."""
    return pattern.within(slow[_begin(n) :])[: _samples_of(LONGEST_DELAY_S)]


def _usual(answer: Sequence[float]) -> float:
    """What stands at any place, whether a sweep is there or not."""
    return statistics.median(map(abs, answer)) * 1.5 or 1e-9


def _place(answer: Sequence[float]) -> int | None:
    """Where the sweep begins, samples; None: it is not there."""
    top = max(range(len(answer)), key=lambda n: abs(answer[n]))
    return top if abs(answer[top]) > FOUND * _usual(answer) else None


def _delays(found: Sequence[tuple[int, Sequence[float], int]]) -> dict[int, float]:
    """Seconds for each sweep that was found. All are compared with the first: a room gives each the same shape."""
    first, shape, origin = found[0]
    one = _cut(shape, origin)
    delays = {first: origin / ANALYSED_HZ}
    for n, answer, place in found[1:]:
        later = place - origin + shift_between(one, _cut(answer, place), _MOST_SHIFT)
        delays[n] = (origin + later) / ANALYSED_HZ
    return delays


def _cut(answer: Sequence[float], place: int) -> list[float]:
    first, last = place - _AROUND, place + _AROUND + 1
    before, after = max(0, -first), max(0, last - len(answer))
    return [0.0] * before + list(answer[max(0, first) : last]) + [0.0] * after


def _drift(delays: dict[int, float]) -> tuple[float, int]:
    """The slope of the delays, parts in a million, and how many jumps there were, which it leaves out."""
    places = sorted(delays)
    slopes = [(delays[b] - delays[a]) / ((b - a) * APART_S) for a, b in pairwise(places)]
    usual = statistics.median(slopes)
    times, level, smooth, gaps = [0.0], 0.0, [0.0], 0
    for (a, b), slope in zip(pairwise(places), slopes, strict=True):
        seconds = (b - a) * APART_S
        jumped = abs(slope - usual) * seconds > GAP_MS / 1000
        gaps += jumped
        level += (usual if jumped else slope) * seconds
        times.append(times[-1] + seconds)
        smooth.append(level)
    return 1e6 * statistics.linear_regression(times, smooth).slope, gaps


def _echo(slow: Sequence[float], pattern: Pattern, n: int, answer: Sequence[float], place: int) -> float:
    """What came back of sweep `n` with all its reverberation, in decibels below what was played.

    Where the noise is as strong, what the sweep's own shape tells: the direct way alone.
    """
    start = _begin(n) + place
    came = slow[start : start + 2 * _samples_of(SWEEP_S)]
    quiet = slow[_samples_of(0.2) : _samples_of(QUIET_S - 0.05)]
    noise = sum(value * value for value in quiet) / len(quiet) * len(came)
    energy = sum(value * value for value in came) - noise
    direct = abs(answer[place])
    return _decibels(max(direct, math.sqrt(energy / pattern.energy)) if energy > noise else direct)


def _decibels(ratio: float) -> float:
    return max(FLOOR_DB, 20 * math.log10(ratio)) if ratio > 0 else FLOOR_DB


def findings(check: SoundCheck, end: End, period_s: float) -> Iterator[tuple[Verdict, str, str]]:
    """What that means, in plain words, each with its cure; `period_s`: of the card."""
    if check.mute:
        yield "bad", "the microphone gives nothing at all, not even noise", MUTE_CURE
        return
    yield from _noise(check)
    name = NAMES[end]
    if not check.heard:
        words = f"the microphone hears nothing of the {name}, less than {check.echo_db:.0f} dB of what was played"
        yield "note", words, SILENT_CURE.format(name=name, end=end)
        return
    yield _echo_finding(check, name, end)
    yield from _time(check, period_s)


MUTE_CURE = (
    "Is it plugged into the card's microphone socket, and switched on there? alsamixer, F4, shows whether it is muted;"
    " then write its level in the board's file: [audio.microphone] mixer = { Mic = 80 }."
)
SILENT_CURE = (
    "If you heard the sweeps, all is well: there is hardly any echo. If you did not, the {name} is silent: check its"
    " wires, its channel in the board's file, and its level (alsamixer, F3; then mixer in [audio.{end}])."
)


def _noise(check: SoundCheck) -> Iterator[tuple[Verdict, str, str]]:
    if check.noise_db > MOST_NOISE_DB:
        cure = "Lower the microphone's level, turn off Auto Gain Control and Mic Boost, keep its wires from the supply."
        yield "note", f"the microphone's noise is loud, {check.noise_db:.0f} dB", cure
    else:
        yield "ok", f"the microphone's noise is {check.noise_db:.0f} dB", ""
    if check.clipped_percent > MOST_CLIPPED_PERCENT:
        words = f"the microphone is overdriven: {check.clipped_percent:.1f} % of the sound is cut off"
        yield "note", words, "Lower its level in the board's file ([audio.microphone] mixer), and turn off Mic Boost."


def _echo_finding(check: SoundCheck, name: str, end: End) -> tuple[Verdict, str, str]:
    words = f"echo of the {name}: {check.echo_db:.0f} dB, after {check.delay_ms:.0f} ms"
    if check.echo_db <= WEAK_ECHO_DB:
        return "ok", words, ""
    cure = f"Lower the {name}'s or the microphone's level in the board's file (mixer in [audio.{end}])"
    if end == "earpiece":
        cure += ", and put some foam into the handset."
    else:
        cure += ": hands-free needs echo cancelling or half the loudness; nobody hears it while the handset is used."
    if check.echo_db <= STRONG_ECHO_DB:
        return "note", f"{words}: on long connections the other may hear himself", cure
    return "note", f"{words}: whoever calls hears himself", cure


def _time(check: SoundCheck, period_s: float) -> Iterator[tuple[Verdict, str, str]]:
    assert check.delay_ms is not None
    assert check.drift_ppm is not None
    if check.delay_ms > LONG_DELAY_MS:
        words = f"sound takes {check.delay_ms:.0f} ms through the card and back"
        yield "note", words, "Write period_ms = 10, periods = 4 in [audio]; name the card itself, not a sound server."
    if abs(check.drift_ppm) > MOST_DRIFT_PPM:
        every_s = period_s / abs(check.drift_ppm * 1e-6)
        words = f"the clocks of playing and recording differ by {check.drift_ppm:+.0f} ppm"
        cure = "Use one card for earpiece and microphone: its two directions share one clock."
        yield "note", f"{words}: a click every {every_s:.0f} s", cure
    else:
        yield "ok", f"playing and recording keep the same time ({check.drift_ppm:+.0f} ppm)", ""
    if check.gaps:
        words = f"the sound broke {check.gaps} time{'s' * (check.gaps > 1)} in ten seconds"
        yield "note", words, "Is the supply good, the USB hub one with a supply, another program busy? Try periods = 6."
