"""The values of tones: DTMF (ITU-T Q.23), call progress (ITU-T E.180 Supplement 2), and their notation."""

from __future__ import annotations

import pytest

from firmware.audio.tones import (
    COUNTRIES,
    PROGRESS_TONES,
    Segment,
    Tone,
    dtmf,
    parse_tone,
    progress_tone,
    ring,
)


def steps(tone: Tone) -> list[tuple[tuple[float, ...], int | None]]:
    return [(segment.frequencies_hz, segment.duration_ms) for segment in tone.segments]


def test_notation_of_a_cadence() -> None:
    tone = parse_tone("400+450/400 -/200")

    assert steps(tone) == [((400.0, 450.0), 400), ((), 200)]
    assert tone.repeats


def test_notation_of_modulation_level_and_end() -> None:
    tone = parse_tone("425*25@-20/375.")

    assert tone == Tone((Segment((425.0,), 375, -20.0, 25.0),), repeats=False)


def test_two_frequencies_together_are_as_loud_as_one() -> None:
    """E.180: the power of the sum counts."""
    one, two = parse_tone("425").segments[0], parse_tone("350+440").segments[0]

    assert one.level_dbm0 - two.level_dbm0 == pytest.approx(3.0)


@pytest.mark.parametrize("text", ["", ".", "400/", "/400", "400+/100", "dial", "400 /200", "400*", "400@/3"])
def test_what_is_not_notation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="tone"):
        parse_tone(text)


@pytest.mark.parametrize(
    ("digit", "low", "high"),
    [
        *(("1", 697, 1209), ("2", 697, 1336), ("3", 697, 1477), ("A", 697, 1633)),
        *(("4", 770, 1209), ("5", 770, 1336), ("6", 770, 1477), ("B", 770, 1633)),
        *(("7", 852, 1209), ("8", 852, 1336), ("9", 852, 1477), ("C", 852, 1633)),
        *(("*", 941, 1209), ("0", 941, 1336), ("#", 941, 1477), ("D", 941, 1633)),
    ],
)
def test_dtmf_frequencies(digit: str, low: int, high: int) -> None:
    """ITU-T Q.23, figure 1."""
    assert dtmf(digit, 100).segments[0].frequencies_hz == (low, high)


def test_dtmf_is_for_ever_or_once() -> None:
    assert dtmf("5").segments[0].duration_ms is None
    assert dtmf("5", 80).segments[0].duration_ms == 80
    assert not dtmf("5", 80).repeats


@pytest.mark.parametrize("digit", ["", "E", "12", "hold"])
def test_no_dtmf_for_other_keys(digit: str) -> None:
    with pytest.raises(ValueError, match="no DTMF digit"):
        dtmf(digit)


@pytest.mark.parametrize(
    ("country", "name", "expected"),
    [
        ("gb", "dial", [((350, 440), None)]),
        ("gb", "ringback", [((400, 450), 400), ((), 200), ((400, 450), 400), ((), 2000)]),
        ("gb", "busy", [((400,), 375), ((), 375)]),
        ("gb", "congestion", [((400,), 400), ((), 350), ((400,), 225), ((), 525)]),
        ("gb", "unobtainable", [((400,), None)]),
        ("us", "dial", [((350, 440), None)]),
        ("us", "ringback", [((440, 480), 2000), ((), 4000)]),
        ("us", "busy", [((480, 620), 500), ((), 500)]),
        ("us", "congestion", [((480, 620), 250), ((), 250)]),
        ("us", "unobtainable", [((985.2,), 380), ((1370.6,), 274), ((1776.7,), 380), ((), 1000)]),
        ("de", "dial", [((425,), None)]),
        ("de", "ringback", [((425,), 1000), ((), 4000)]),
        ("de", "busy", [((425,), 480), ((), 480)]),
        ("de", "congestion", [((425,), 240), ((), 240)]),
        ("de", "unobtainable", [((950,), 330), ((1400,), 330), ((1800,), 330), ((), 1000)]),
        ("fr", "dial", [((440,), None)]),
        ("fr", "ringback", [((440,), 1500), ((), 3500)]),
        ("fr", "busy", [((440,), 500), ((), 500)]),
        ("jp", "dial", [((400,), None)]),
        ("jp", "ringback", [((400,), 1000), ((), 2000)]),
        ("jp", "busy", [((400,), 500), ((), 500)]),
        ("au", "dial", [((425,), None)]),
        ("au", "busy", [((425,), 375), ((), 375)]),
        ("it", "dial", [((425,), 200), ((), 200), ((425,), 600), ((), 1000)]),
        ("nz", "busy", [((400,), 500), ((), 500)]),
    ],
)
def test_published_figures(country: str, name: str, expected: list[tuple[tuple[float, ...], int | None]]) -> None:
    """ITU-T E.180 Supplement 2; for Britain BT's SIN 350, for North America the precise tone plan."""
    assert steps(progress_tone(country, name)) == expected


@pytest.mark.parametrize(("country", "beat"), [("jp", 16.0), ("au", 25.0), ("in", 25.0), ("za", 33.0)])
def test_ringback_tones_that_are_modulated(country: str, beat: float) -> None:
    assert progress_tone(country, "ringback").segments[0].modulation_hz == beat


def test_australian_congestion_alternates_in_level() -> None:
    loud, _, soft, _ = progress_tone("au", "congestion").segments

    assert loud.level_dbm0 - soft.level_dbm0 == pytest.approx(10.0)


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_country_has_every_tone(country: str) -> None:
    for name in PROGRESS_TONES:
        tone = progress_tone(country, name)

        assert any(segment.frequencies_hz for segment in tone.segments)
        assert all(200 <= f <= 3400 for segment in tone.segments for f in segment.frequencies_hz)
        assert all(segment.duration_ms != 0 for segment in tone.segments)


def test_a_confirmation_ends_by_itself() -> None:
    assert not any(progress_tone(country, "confirmation").repeats for country in COUNTRIES)


@pytest.mark.parametrize(
    ("synonym", "name"),
    [
        ("reorder", "congestion"),
        ("number-unobtainable", "unobtainable"),
        ("off-hook-warning", "howler"),
        ("ringing", "ringback"),
    ],
)
def test_other_names_of_the_same_tone(synonym: str, name: str) -> None:
    assert progress_tone("gb", synonym) == progress_tone("gb", name)


def test_the_code_of_a_country_in_capitals() -> None:
    assert progress_tone("GB", "dial") == progress_tone("gb", "dial")


def test_unknown_country_and_unknown_tone_name_what_there_is() -> None:
    with pytest.raises(ValueError, match="gb"):
        progress_tone("xx", "dial")
    with pytest.raises(ValueError, match="ringback"):
        progress_tone("gb", "birdsong")
    with pytest.raises(ValueError, match="gb"):
        ring("xx")


@pytest.mark.parametrize(
    ("country", "cadence"),
    [
        ("gb", (400, 200, 400, 2000)),
        ("us", (2000, 4000)),
        ("ca", (2000, 4000)),
        ("de", (1000, 4000)),
        ("fr", (1500, 3500)),
        ("jp", (1000, 2000)),
        ("au", (400, 200, 400, 2000)),
    ],
)
def test_ring_cadence(country: str, cadence: tuple[int, ...]) -> None:
    assert ring(country)[1] == cadence


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_the_ring_sounds_in_its_cadence(country: str) -> None:
    tone, cadence = ring(country)

    assert [segment.duration_ms for segment in tone.segments] == list(cadence)
    assert [bool(segment.frequencies_hz) for segment in tone.segments] == [i % 2 == 0 for i in range(len(cadence))]
    assert tone.repeats
