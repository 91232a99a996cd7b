"""Concealment of lost speech, after G.711 Appendix I."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.concealment import Concealer
from tests.support.spectrum import difference, rms

PERIOD = 160


def vowel(samples: int, pitch_hz: float = 125, rate_hz: int = 8000) -> bytes:
    """A pitch and two formants of it."""
    turn = 2 * math.pi * pitch_hz / rate_hz
    parts = ((1, 3000), (2, 1500), (6, 900))
    return array(
        "h", [round(sum(level * math.sin(k * turn * i + k) for k, level in parts)) for i in range(samples)]
    ).tobytes()


def hear(concealer: Concealer, sound: bytes, lost: set[int]) -> list[bytes]:
    """The 20 ms frames a listener gets of `sound` when those numbered `lost` are missing."""
    frames = [sound[i : i + 2 * PERIOD] for i in range(0, len(sound), 2 * PERIOD)]
    return [concealer.conceal(PERIOD) if i in lost else concealer.received(frame) for i, frame in enumerate(frames)]


def steepest_step(samples: array[int]) -> int:
    return max(abs(a - b) for a, b in pairwise(samples))


def error_ratio(sound: bytes, heard: list[bytes], frame: int) -> float:
    """RMS of what is wrong in a frame over that of the frame."""
    wanted = sound[2 * PERIOD * frame : 2 * PERIOD * (frame + 1)]
    wrong = array("h", [max(-32768, min(32767, value)) for value in difference(wanted, heard[frame])])
    return rms(wrong.tobytes()) / rms(wanted)


def test_what_is_received_passes_unchanged() -> None:
    sound = vowel(1600)

    assert b"".join(hear(Concealer(8000), sound, set())) == sound


@pytest.mark.parametrize("pitch_hz", [80, 100, 125, 160, 190])
def test_a_lost_frame_of_a_vowel_is_nearly_what_was_said(pitch_hz: float) -> None:
    """Pitches of 66 to 200 Hz are found (Appendix I); the fade of the second 10 ms is most of the error."""
    sound = vowel(3200, pitch_hz)

    heard = hear(Concealer(8000), sound, {10})

    assert error_ratio(sound, heard, 10) < 0.25
    assert error_ratio(sound, heard, 12) == 0.0


def test_no_click_going_in_or_coming_out() -> None:
    sound = vowel(6400, 130)

    heard = array("h", b"".join(hear(Concealer(8000), sound, {10, 15, 16, 20, 21, 22, 23})))

    steepest = steepest_step(array("h", sound))
    assert steepest_step(heard) < 1.3 * steepest


def test_fades_to_silence_in_60_ms() -> None:
    """Appendix I: 10 ms at full level, then 20 % less every 10 ms."""
    sound = vowel(4800)
    full = rms(sound)

    heard = hear(Concealer(8000), sound, set(range(10, 15)))

    levels = [rms(frame) / full for frame in heard[10:15]]
    assert levels[0] == pytest.approx(0.95, abs=0.05)
    assert levels[1] == pytest.approx(0.70, abs=0.07)
    assert levels[2] == pytest.approx(0.30, abs=0.07)
    assert levels[3:] == [0.0, 0.0]


def test_a_frame_after_a_loss_is_faded_in() -> None:
    sound = vowel(4800)

    heard = hear(Concealer(8000), sound, {10, 11, 12, 13, 14})

    first, last = heard[15][:8], heard[15][-160:]
    assert rms(first) < 0.2 * rms(sound)
    assert last == sound[2 * PERIOD * 16 - 160 : 2 * PERIOD * 16]


def test_samples_left_out_are_joined_without_a_click() -> None:
    sound = vowel(3200, 125)
    concealer = Concealer(8000)
    before = concealer.received(sound[: 2 * 1600])

    after = concealer.received(sound[2 * 1631 : 2 * 1791], joined=False)

    seam = array("h", before[-4:] + after)
    steepest = steepest_step(array("h", sound))
    assert steepest_step(seam) < 1.3 * steepest
    assert after[-200:] == sound[2 * 1791 - 200 : 2 * 1791]


def test_a_loss_before_anything_was_heard_is_silence() -> None:
    assert Concealer(8000).conceal(PERIOD) == bytes(2 * PERIOD)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_other_rates(rate_hz: int) -> None:
    concealer = Concealer(rate_hz)
    sound = vowel(rate_hz, 125, rate_hz)
    concealer.received(sound[: rate_hz // 5 * 2])

    made = concealer.conceal(rate_hz // 100)

    wanted = sound[rate_hz // 5 * 2 :][: len(made)]
    wrong = array("h", [max(-32768, min(32767, value)) for value in difference(wanted, made)])
    assert rms(wrong.tobytes()) < 0.2 * rms(wanted)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 400)), max_size=30),
    st.binary(min_size=800, max_size=800),
)
def test_any_run_of_losses_keeps_the_length(steps: list[tuple[bool, bool, int]], noise: bytes) -> None:
    concealer = Concealer(8000)
    for lost, joined, samples in steps:
        made = concealer.conceal(samples) if lost else concealer.received(noise[: 2 * samples], joined=joined)

        assert len(made) == 2 * samples
