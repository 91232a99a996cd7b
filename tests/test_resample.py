"""Changing the sample rate: exact lengths, flat speech band, no images."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.resample import Resampler
from tests.support.spectrum import amplitude_at, rms, sine

PAIRS = [
    *((8000, 16000), (8000, 24000), (8000, 32000), (8000, 48000), (16000, 48000)),
    *((16000, 8000), (24000, 8000), (32000, 8000), (48000, 8000), (48000, 16000)),
]


def convert(sound: bytes, from_hz: int, to_hz: int, period_s: float = 0.02) -> bytes:
    resampler = Resampler(from_hz, to_hz)
    octets = 2 * round(from_hz * period_s)
    return b"".join(resampler.process(sound[i : i + octets]) for i in range(0, len(sound), octets))


def settled(sound: bytes, rate_hz: int) -> bytes:
    """The second of two tenths of a second: the filter is full."""
    return sound[2 * rate_hz // 10 : 4 * rate_hz // 10]


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
@pytest.mark.parametrize("frequency_hz", [300, 1000, 3000, 3400])
def test_speech_passes_unchanged_in_level(from_hz: int, to_hz: int, frequency_hz: int) -> None:
    """The telephone band, 300 to 3400 Hz, within 0.1 dB."""
    out = settled(convert(sine(frequency_hz, from_hz // 5, 10000, from_hz), from_hz, to_hz), to_hz)

    assert amplitude_at(out, frequency_hz, to_hz) == pytest.approx(10000, rel=0.0116)


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_upsampling_adds_no_image(from_hz: int, to_hz: int) -> None:
    out = settled(convert(sine(1000, from_hz // 5, 10000, from_hz), from_hz, to_hz), to_hz)

    assert amplitude_at(out, from_hz - 1000, to_hz) < 10
    assert amplitude_at(out, 1000, to_hz) ** 2 / 2 == pytest.approx(rms(out) ** 2, rel=1e-4)


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_downsampling_folds_nothing_back(from_hz: int, to_hz: int) -> None:
    beyond = to_hz / 2 * 1.2

    out = settled(convert(sine(beyond, from_hz // 5, 10000, from_hz), from_hz, to_hz), to_hz)

    assert rms(out) < 30


@given(st.sampled_from(PAIRS), st.lists(st.integers(0, 700), max_size=8))
def test_lengths_are_exact_whatever_the_frames(pair: tuple[int, int], sizes: list[int]) -> None:
    from_hz, to_hz = pair
    resampler = Resampler(from_hz, to_hz)

    out = sum(len(resampler.process(bytes(2 * size))) // 2 for size in sizes)

    assert out == sum(sizes) * to_hz // from_hz


@given(st.sampled_from(PAIRS), st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_frames_of_any_size_make_the_same_sound(pair: tuple[int, int], sizes: list[int]) -> None:
    from_hz, to_hz = pair
    sound = sine(700, sum(sizes), 9000, from_hz)
    resampler, at, pieces = Resampler(from_hz, to_hz), 0, []

    for size in sizes:
        pieces.append(resampler.process(sound[at : at + 2 * size]))
        at += 2 * size

    assert b"".join(pieces) == Resampler(from_hz, to_hz).process(sound)


def test_upsampled_sound_keeps_its_samples() -> None:
    """Phase 0 of the filter is a delay: every second sample is one that came in."""
    sound = sine(900, 400)

    out = Resampler(8000, 16000).process(sound)

    kept = memoryview(out).cast("h")[::2].tolist()
    assert kept[12:] == memoryview(sound).cast("h").tolist()[: len(kept) - 12]


def test_full_scale_does_not_wrap() -> None:
    loud = b"\xff\x7f" * 80 + b"\x00\x80" * 80

    out = memoryview(Resampler(8000, 48000).process(loud)).cast("h").tolist()

    assert min(out) == -32768
    assert max(out) == 32767
    assert sum(1 for a, b in pairwise(out) if abs(a - b) > 20000) == 0


def test_the_same_rate_is_left_alone() -> None:
    frame = sine(440, 160)

    assert Resampler(8000, 8000).process(frame) == frame


@pytest.mark.parametrize("pair", [(44100, 8000), (16000, 24000)])
def test_rates_that_are_no_multiples_are_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="multiple"):
        Resampler(*pair)
