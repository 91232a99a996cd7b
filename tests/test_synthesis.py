"""Samples of tones: lengths, levels, phases, whatever the frames."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.level import level_dbm0
from firmware.audio.synthesis import ToneGenerator, amplitude
from firmware.audio.tones import Segment, Tone, dtmf, parse_tone
from tests.support.spectrum import amplitude_at, difference, rms, sine

RATES = [8000, 16000, 44100, 48000]


def render(tone: Tone, samples: int, rate_hz: int = 8000) -> bytes:
    return ToneGenerator(tone, rate_hz).read(samples)


def read_in(generator: ToneGenerator, sizes: list[int]) -> bytes:
    return b"".join(generator.read(size) for size in sizes)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_steady_tone_is_the_sine_it_names(rate_hz: int) -> None:
    tone = parse_tone("425@-10")

    frame = render(tone, rate_hz, rate_hz)

    wanted = sine(425, rate_hz, amplitude(-10.0), rate_hz)
    assert max(map(abs, difference(frame, wanted))) <= 2


def test_full_scale_is_3_dbm0_above_the_reference() -> None:
    """G.711: the A-law overload point is +3.14 dBm0."""
    assert amplitude(3.14) == pytest.approx(32767)
    assert level_dbm0(render(parse_tone("1000@0"), 8000)) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
@pytest.mark.parametrize("digit", "147*2580369#ABCD")
def test_dtmf_has_its_two_frequencies_alike_and_no_other(digit: str, rate_hz: int) -> None:
    tone = dtmf(digit, level_dbm0=-10.0)

    frame = render(tone, rate_hz // 10, rate_hz)

    low, high = tone.segments[0].frequencies_hz
    for frequency in (low, high):
        assert amplitude_at(frame, frequency, rate_hz) == pytest.approx(amplitude(-10.0), rel=0.03)
    assert amplitude_at(frame, 1090.0, rate_hz) < 0.05 * amplitude(-10.0)


def test_level_of_a_pair_is_the_sum_of_powers() -> None:
    assert level_dbm0(render(parse_tone("350+440@-13"), 8000)) == pytest.approx(-10.0, abs=0.05)


def test_modulation_makes_sidebands_and_keeps_the_level() -> None:
    """Full modulation: each sideband 6 dB below the carrier; the power is what the level says."""
    frame = render(parse_tone("425*25@-10"), 8000)

    carrier = amplitude_at(frame, 425)
    assert amplitude_at(frame, 400) == pytest.approx(carrier / 2, rel=0.01)
    assert amplitude_at(frame, 450) == pytest.approx(carrier / 2, rel=0.01)
    assert level_dbm0(frame) == pytest.approx(-10.0, abs=0.05)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_cadence_boundaries_are_exact_to_the_sample(rate_hz: int) -> None:
    on, off = 375 * rate_hz // 1000, 375 * rate_hz // 1000
    cadence = render(parse_tone("400/375 -/375"), 2 * (on + off), rate_hz)

    samples = array("h", cadence)
    assert rms(samples[on - 20 : on].tobytes()) > 1000
    assert not any(samples[on : on + off])
    assert samples[on + off] == 0
    assert samples[on + off + 1] != 0
    assert samples[: on + off] == samples[on + off :]


def test_fractions_of_a_sample_never_add_up() -> None:
    """7 ms at 44.1 kHz are 308.7 samples; a hundred rounds of 7 + 3 ms are exactly 44100."""
    generator = ToneGenerator(parse_tone("1000/7 -/3"), 44100)

    frame = generator.read(2 * 44100)

    assert frame[: 2 * 44100 - 2 * 441] == frame[2 * 441 : 2 * 44100]


@given(st.lists(st.integers(1, 700), max_size=40))
def test_frames_of_any_size_make_the_same_sound(sizes: list[int]) -> None:
    tone = parse_tone("425/20 -/13 350+440*25/37 -/5")

    assert read_in(ToneGenerator(tone, 8000), sizes) == render(tone, sum(sizes))


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=10))
def test_an_endless_tone_has_no_seam(sizes: list[int]) -> None:
    frame = read_in(ToneGenerator(parse_tone("697+1209"), 8000), sizes)

    samples = array("h", frame)
    steepest = 2 * 3.1416 * (697 + 1209) / 8000 * amplitude(-13.0)
    assert all(abs(b - a) <= steepest + 2 for a, b in pairwise(samples))


def test_a_tone_without_repeat_ends_in_silence() -> None:
    generator = ToneGenerator(parse_tone("440/30 -/10 440/30."), 8000)

    frame = generator.read(800)

    assert generator.finished
    assert any(frame[2 * 559 : 2 * 560])
    assert not any(frame[2 * 560 :])


def test_a_step_without_end_is_the_last() -> None:
    generator = ToneGenerator(parse_tone("440/10 -/10 950 -/100"), 8000)

    generator.read(160)

    assert amplitude_at(generator.read(8000), 950) == pytest.approx(amplitude(-10.0), rel=0.01)
    assert not generator.finished


def test_steps_of_no_length_are_skipped() -> None:
    tone = Tone((Segment((), 0), Segment((400.0,), 20), Segment((), 0)))

    assert render(tone, 320) == render(parse_tone("400@-13/20"), 320)


@pytest.mark.parametrize("tone", [Tone(()), Tone((Segment((400.0,), 0),)), Tone((Segment((), 0),), repeats=False)])
def test_a_tone_without_time_is_silence(tone: Tone) -> None:
    generator = ToneGenerator(tone, 8000)

    assert generator.finished
    assert generator.read(160) == bytes(320)


def test_what_the_rate_cannot_carry_is_left_out() -> None:
    assert not any(render(parse_tone("4500"), 160, 8000))


@given(
    st.builds(
        Segment,
        st.lists(st.floats(0, 5000), max_size=4).map(tuple),
        st.none() | st.integers(0, 50),
        st.floats(-60, 20),
        st.floats(0, 100),
    )
)
def test_any_segment_gives_as_many_samples_as_asked(segment: Segment) -> None:
    assert len(render(Tone((segment,)), 333)) == 666
