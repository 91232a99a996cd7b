"""Tones as values: DTMF (ITU-T Q.23) and the call-progress tones of countries (ITU-T E.180/Q.35 and its Supplement 2).

`firmware.audio.synthesis` turns them into samples.
"""

from __future__ import annotations

import re
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
    """If not 0, the first frequency is amplitude modulated by this one (as Japan's ringback, Australia's dial tone)."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A cadence of segments."""

    segments: tuple[Segment, ...]
    repeats: bool = True
    """Begin again after the last segment, or fall silent."""


_STEP = re.compile(
    r"(?P<frequencies>-|\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?)*)"
    r"(?:\*(?P<modulation>\d+(?:\.\d+)?))?(?:@(?P<level>-?\d+(?:\.\d+)?))?(?:/(?P<duration>\d+))?"
)
_SINGLE_DBM0 = -10.0
_COMBINED_DBM0 = -13.0
# E.180 §7: -10 dBm0 (± 5 dB) for one frequency; of two, each is 3 dB lower so that their sum is as loud.


def parse_tone(text: str) -> Tone:
    """The tone that a line of notation describes.

    Steps stand between spaces: `400+450/400` is two frequencies in Hz for 400 ms, `-/200` is silence, `425*25`
    is 425 Hz amplitude modulated by 25 Hz, `425@-20` has a level in dBm0; without `/` a step lasts for ever.
    The tone repeats, unless the text ends in `.`.

    Raises:
        ValueError: the text is not such a line.
    """
    body = text.removesuffix(".").split()
    if not body:
        raise ValueError("a tone needs at least one step, as in 400/375 -/375")
    return Tone(tuple(_segment(step) for step in body), repeats=not text.endswith("."))


def _segment(step: str) -> Segment:
    match = _STEP.fullmatch(step)
    if match is None:
        raise ValueError(f"{step!r} is not a step of a tone, such as 350+440/500")
    frequencies = tuple(float(one) for one in match["frequencies"].split("+")) if match["frequencies"] != "-" else ()
    level = match["level"]
    return Segment(
        frequencies_hz=frequencies,
        duration_ms=int(match["duration"]) if match["duration"] else None,
        level_dbm0=float(level) if level else (_SINGLE_DBM0 if len(frequencies) < 2 else _COMBINED_DBM0),
        modulation_hz=float(match["modulation"] or 0),
    )


# --- DTMF ---

_LOW_HZ = (697, 770, 852, 941)
_HIGH_HZ = (1209, 1336, 1477, 1633)
DTMF_HZ: dict[str, tuple[int, int]] = {
    digit: (_LOW_HZ[place // 4], _HIGH_HZ[place % 4]) for place, digit in enumerate("123A456B789C*0#D")
}
"""The low and the high frequency of each digit (ITU-T Q.23 §2)."""


def dtmf(digit: str, duration_ms: int | None = None, level_dbm0: float = -10.0) -> Tone:
    """The tone of a key: for ever, or once for `duration_ms`.

    Raises:
        ValueError: not one of 0-9, *, # and A-D.
    """
    pair = DTMF_HZ.get(digit.upper())
    if pair is None:
        raise ValueError(f"{digit!r} is no DTMF digit")
    return Tone((Segment(pair, duration_ms, level_dbm0),), repeats=False)


# --- call progress ---

_SIT = "950/330 1400/330 1800/330 -/1000"
# E.180 §8, the special information tone: three rising tones, then a second of silence or an announcement.
_NORTH_AMERICAN_SIT = "985.2/380 1370.6/274 1776.7/380 -/1000"
# The "vacant code" form, whose lengths and pitches tell machines why.
_HOWLER = "1400@-6/100 2060@-6/100 2450@-6/100 2600@-6/100"
_NORTH_AMERICAN_HOWLER = "1400+2060+2450+2600@-9/100 -/100"
_BRITISH_RINGBACK = "400+450/400 -/200 400+450/400 -/2000"

_COUNTRIES: dict[str, dict[str, str]] = {
    "gb": {
        "dial": "350+440", "ringback": _BRITISH_RINGBACK, "busy": "400/375 -/375",
        "congestion": "400/400 -/350 400/225 -/525", "unobtainable": "400",
        "call-waiting": "400/100 -/4000", "confirmation": "1400/1000.",
    },
    "us": {
        "dial": "350+440", "ringback": "440+480/2000 -/4000", "busy": "480+620/500 -/500",
        "congestion": "480+620/250 -/250", "unobtainable": _NORTH_AMERICAN_SIT, "call-waiting": "440/300 -/9700",
        "confirmation": "350+440/100 -/100 350+440/100 -/100 350+440/100.", "howler": _NORTH_AMERICAN_HOWLER,
    },
    "de": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/480 -/480", "congestion": "425/240 -/240",
        "call-waiting": "425/200 -/200 425/200 -/5000",
    },
    "fr": {
        "dial": "440", "ringback": "440/1500 -/3500", "busy": "440/500 -/500", "congestion": "440/250 -/250",
        "call-waiting": "440/300 -/10000",
    },
    "jp": {
        "dial": "400", "ringback": "400*16/1000 -/2000", "busy": "400/500 -/500", "congestion": "400/500 -/500",
        "call-waiting": "400*16/500 -/8000",
    },
    "au": {
        "dial": "425*25", "ringback": "425*25/400 -/200 425*25/400 -/2000", "busy": "425/375 -/375",
        "congestion": "425/375 -/375 425@-20/375 -/375", "unobtainable": "425/2500 -/500",
        "call-waiting": "425/200 -/200 425/200 -/4400",
    },
    "at": {
        "dial": "420", "ringback": "420/1000 -/5000", "busy": "420/400 -/400", "congestion": "420/200 -/200",
        "unobtainable": "950/330 1450/330 1850/330 -/1000", "call-waiting": "420/40 -/1950",
    },
    "be": {
        "dial": "425", "ringback": "425/1000 -/3000", "busy": "425/500 -/500", "congestion": "425/167 -/167",
        "unobtainable": "900/330 1400/330 1800/330 -/1000", "call-waiting": "1400/175 -/175 1400/175 -/3500",
    },
    "br": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/250 -/250",
        "congestion": "425/250 -/250 425/750 -/250", "unobtainable": "425/250 -/250 425/750 -/250",
        "call-waiting": "425/50 -/1000",
    },
    "ch": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/500 -/500", "congestion": "425/200 -/200",
        "call-waiting": "425/200 -/200 425/200 -/4000",
    },
    "cn": {
        "dial": "450", "ringback": "450/1000 -/4000", "busy": "450/350 -/350", "congestion": "450/700 -/700",
        "unobtainable": "450/100 -/100 450/100 -/100 450/100 -/100 450/400 -/400", "call-waiting": "450/400 -/4000",
    },
    "cz": {
        "dial": "425/330 -/330 425/660 -/660", "ringback": "425/1000 -/4000", "busy": "425/330 -/330",
        "congestion": "425/165 -/165", "call-waiting": "425/330 -/9000",
    },
    "dk": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/500 -/500", "congestion": "425/200 -/200",
        "call-waiting": "425/200 -/600 425/200 -/3000",
    },
    "es": {
        "dial": "425", "ringback": "425/1500 -/3000", "busy": "425/200 -/200",
        "congestion": "425/200 -/200 425/200 -/200 425/200 -/600", "call-waiting": "425/175 -/175 425/175 -/3500",
    },
    "fi": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/300 -/300", "congestion": "425/200 -/200",
        "call-waiting": "425/150 -/150 425/150 -/8000",
    },
    "ie": {
        "dial": "425", "ringback": _BRITISH_RINGBACK, "busy": "425/500 -/500", "congestion": "425/500 -/500",
        "call-waiting": "425/180 -/200 425/200 -/4500",
    },
    "in": {
        "dial": "400*25", "ringback": "400*25/400 -/200 400*25/400 -/2000", "busy": "400/750 -/750",
        "congestion": "400/250 -/250", "unobtainable": "400/2500 -/500",
        "call-waiting": "400/200 -/100 400/200 -/7500",
    },
    "it": {
        "dial": "425/200 -/200 425/600 -/1000", "ringback": "425/1000 -/4000", "busy": "425/500 -/500",
        "congestion": "425/200 -/200", "call-waiting": "425/400 -/100 425/250 -/100 425/150 -/14000",
    },
    "nl": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/500 -/500", "congestion": "425/250 -/250",
        "call-waiting": "425/500 -/9500",
    },
    "no": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/500 -/500", "congestion": "425/200 -/200",
        "call-waiting": "425/200 -/600 425/200 -/10000",
    },
    "nz": {
        "dial": "400", "ringback": _BRITISH_RINGBACK, "busy": "400/500 -/500", "congestion": "400/250 -/250",
        "unobtainable": "400/75 -/100 400/75 -/100 400/75 -/100 400/75 -/400", "call-waiting": "400/200 -/3000",
    },
    "pl": {
        "dial": "425", "ringback": "425/1000 -/4000", "busy": "425/500 -/500", "congestion": "425/500 -/500",
        "call-waiting": "425/150 -/150 425/150 -/4000",
    },
    "pt": {
        "dial": "425", "ringback": "425/1000 -/5000", "busy": "425/500 -/500", "congestion": "425/200 -/200",
        "call-waiting": "440/300 -/10000",
    },
    "se": {
        "dial": "425", "ringback": "425/1000 -/5000", "busy": "425/250 -/250", "congestion": "425/250 -/750",
        "unobtainable": "950/332 -/24 1400/332 -/24 1800/332 -/2024", "call-waiting": "425/200 -/500 425/200 -/9100",
    },
    "za": {
        "dial": "400*33", "ringback": "400*33/400 -/200 400*33/400 -/2000", "busy": "400/500 -/500",
        "congestion": "400/250 -/250", "unobtainable": "400/2500 -/500", "call-waiting": "400*33/400 -/4000",
    },
}  # fmt: skip
_COUNTRIES["ca"] = _COUNTRIES["us"]

COUNTRIES: frozenset[str] = frozenset(_COUNTRIES)
"""ISO 3166 codes, lower case, of the countries whose tones we know."""

PROGRESS_TONES: tuple[str, ...] = (
    "dial", "ringback", "busy", "congestion", "unobtainable", "call-waiting", "confirmation", "howler",
)  # fmt: skip
"""The names that `progress_tone` takes, besides their synonyms."""

_SYNONYMS = {
    "reorder": "congestion",
    "number-unobtainable": "unobtainable",
    "special-information": "unobtainable",
    "off-hook-warning": "howler",
    "ringing": "ringback",
}


def progress_tone(country: str, name: str) -> Tone:
    """The tone that a country's exchanges send for `name`, one of `PROGRESS_TONES`.

    "reorder" is "congestion", "number-unobtainable" is "unobtainable", "off-hook-warning" is "howler".

    Raises:
        ValueError: the country or the name is not known.
    """
    tones = _tones_of(country)
    known = _SYNONYMS.get(name, name)
    if known not in PROGRESS_TONES:
        raise ValueError(f"no call-progress tone is called {name!r}; there are {', '.join(PROGRESS_TONES)}")
    if known == "confirmation" and known not in tones:
        return _confirmation(parse_tone(tones["dial"]))
    return parse_tone(tones.get(known) or {"unobtainable": _SIT, "howler": _HOWLER}[known])


def _tones_of(country: str) -> dict[str, str]:
    tones = _COUNTRIES.get(country.lower())
    if tones is None:
        raise ValueError(f"the tones of {country!r} are not known; there are {', '.join(sorted(COUNTRIES))}")
    return tones


def _confirmation(dial: Tone) -> Tone:
    # Where the national plan lists none: three short bursts of the dial tone's frequency.
    first = dial.segments[0]
    burst = Segment(first.frequencies_hz, 100, first.level_dbm0, first.modulation_hz)
    gap = Segment((), 100)
    return Tone((burst, gap, burst, gap, burst), repeats=False)


_RING = Segment((1050.0, 1400.0), None, -9.0, 20.0)
# Two pitches a fourth apart, the lower one beaten 20 times a second as a bell's clapper does: easy to locate in a room.


def ring(country: str) -> tuple[Tone, tuple[int, ...]]:
    """How a telephone rings there: the sound for a loudspeaker, and the cadence for a bell (on, off, ... ms).

    The cadence is that of the country's ringback tone, so caller and called hear the same rhythm.

    Raises:
        ValueError: the country is not known.
    """
    ringback = progress_tone(country, "ringback")
    cadence = tuple(segment.duration_ms or 0 for segment in ringback.segments)
    steps = (
        Segment(_RING.frequencies_hz, ms, _RING.level_dbm0, _RING.modulation_hz) if on % 2 == 0 else Segment((), ms)
        for on, ms in enumerate(cadence)
    )
    return Tone(tuple(steps)), cadence
