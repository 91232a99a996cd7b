"""Adding frames, gains, levels and the limiter."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.level import SILENCE_DBM0, Limiter, amplify, factor, level_dbm0
from firmware.audio.mixer import mix
from tests.support.spectrum import rms, sine

frames = st.lists(st.integers(-32768, 32767), min_size=4, max_size=4)


def octets(samples: list[int]) -> bytes:
    return array("h", samples).tobytes()


@given(st.lists(frames, max_size=2))
def test_the_sum_is_clipped_at_the_ends_of_the_scale(parts: list[list[int]]) -> None:
    wanted = [max(-32768, min(32767, sum(column))) for column in zip(*parts, strict=True)] or [0] * 4

    assert mix([octets(part) for part in parts], 4) == octets(wanted)


def test_nothing_is_silence_and_none_adds_nothing() -> None:
    assert mix([], 160) == bytes(320)
    assert mix([None, None], 160) == bytes(320)
    assert mix([None, octets([1, 2]), None], 2) == octets([1, 2])


@pytest.mark.parametrize(("gain_db", "times"), [(0, 1.0), (6.0206, 2.0), (-20, 0.1), (20, 10.0)])
def test_decibels(gain_db: float, times: float) -> None:
    assert factor(gain_db) == pytest.approx(times, rel=1e-5)


def test_gain_of_one_changes_nothing() -> None:
    frame = sine(440, 160)

    assert amplify(frame, 1.0) is frame


def test_gain_clips_instead_of_wrapping() -> None:
    assert amplify(octets([20000, -20000]), 2.0) == octets([32767, -32768])


@pytest.mark.parametrize("level", [0.0, -10.0, -40.0])
def test_level_of_a_sine(level: float) -> None:
    peak = 32767 * 10 ** ((level - 3.14) / 20)

    assert level_dbm0(sine(1000, 800, peak)) == pytest.approx(level, abs=0.1)


def test_level_of_silence_is_finite() -> None:
    assert level_dbm0(bytes(320)) == SILENCE_DBM0


def test_the_limiter_lets_quiet_sound_pass() -> None:
    frame = sine(440, 160, peak=10000)

    assert Limiter().process(frame) == frame


def test_the_limiter_turns_down_instead_of_clipping() -> None:
    limiter = Limiter(ceiling=30000)

    loud = array("h", limiter.process(sine(440, 160, peak=20000), gain=4.0))

    assert 29900 <= max(loud) <= 30000
    assert loud.tobytes() != amplify(sine(440, 160, peak=20000), 4.0)


def test_the_limiter_comes_back() -> None:
    limiter = Limiter()
    quiet = sine(400, 160, peak=1000)
    limiter.process(sine(400, 160, peak=30000), gain=4.0)

    levels = [rms(limiter.process(quiet)) for _ in range(30)]

    assert levels[0] < 0.4 * rms(quiet)
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(rms(quiet))


@given(frames, st.floats(0, 100))
def test_the_limiter_keeps_below_its_ceiling(samples: list[int], gain: float) -> None:
    limited = array("h", Limiter(ceiling=20000).process(octets(samples), gain))

    assert all(value <= 20000 for value in limited if value > 0) or gain == 0
