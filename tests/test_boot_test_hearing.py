"""The boot test's ear: a tone is known by its frequencies and its cadence, through an emulation's stumbles."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / "image-build" / "boot-test")]

from hearing import clear_share, faults, runs  # noqa: E402

RATE = 8000
DIAL, RINGBACK, BUSY = "350+440", "400+450/400 -/200 400+450/400 -/2000", "400/375 -/375"
DOUBLE_RING = [((400, 450), 400), ((), 200), ((400, 450), 400), ((), 2000)]
Steps = list[tuple[tuple[float, ...], float]]


def sound(steps: Steps, seconds: float, *, start: float = 0.0, rate: int = RATE, peak: int = 4000) -> array[int]:
    """Steps (frequencies, ms) over and over, cut out from `start` on."""

    def samples() -> Iterator[float]:
        n = 0
        for frequencies, ms in cycle(steps):
            for _ in range(round(ms * rate / 1000)):
                yield sum(peak * math.sin(2 * math.pi * hz * n / rate) for hz in frequencies)
                n += 1

    taken, first = samples(), round(start * rate)
    return array("h", (round(next(taken)) for _ in range(first + round(seconds * rate))))[first:]


def without(samples: array[int], at: float, seconds: float) -> array[int]:
    """Silence for a moment, as when a buffer is late."""
    first, last = round(at * RATE), round((at + seconds) * RATE)
    return samples[:first] + array("h", bytes(2 * (last - first))) + samples[last:]


def skipping(samples: array[int], at: float, seconds: float) -> array[int]:
    """A moment lost: the tone goes on in another phase."""
    return samples[: round(at * RATE)] + samples[round((at + seconds) * RATE) :]


@pytest.mark.parametrize("start", [0.0, 0.15, 0.39, 0.5, 0.7, 1.0, 1.2, 2.9])
def test_a_ringback_is_known_wherever_the_recording_begins(start: float) -> None:
    assert faults(sound(DOUBLE_RING, 5.2, start=start), RATE, RINGBACK) == []


@pytest.mark.parametrize(
    ("tone", "steps"),
    [
        (DIAL, [((350, 440), 1000)]),
        (BUSY, [((400,), 375), ((), 375)]),
        ("440+480/2000 -/4000", [((440, 480), 2000), ((), 4000)]),
    ],
)
def test_the_right_tone_has_no_fault(tone: str, steps: Steps) -> None:
    assert faults(sound(steps, 10.2, start=0.1), RATE, tone) == []


@pytest.mark.parametrize(
    ("what", "frequencies"),
    [("one of the two", (400,)), ("the other", (450,)), ("one between", (425,)), ("busy", (480, 620)),
     ("North America's", (440, 480)), ("out by 2 %", (408, 459)), ("a third with them", (400, 450, 1000))],
)  # fmt: skip
def test_a_ringback_of_other_frequencies_is_refused(what: str, frequencies: tuple[float, ...]) -> None:
    steps: Steps = [(frequencies if one else (), ms) for one, ms in DOUBLE_RING]

    assert "windows hold" in faults(sound(steps, 5.2), RATE, RINGBACK)[0], what


@pytest.mark.parametrize(
    ("what", "lengths"),
    [("single ring", (1000, 4000)), ("never pausing", (1000,)), ("hasty", (340, 170, 340, 1700)),
     ("slow", (460, 230, 460, 2300)), ("pause too long", (400, 300, 400, 2000)),
     ("ring too long", (500, 200, 400, 2000)), ("triple ring", (400, 200, 400, 200, 400, 2000)), ("busy", (375, 375))],
)  # fmt: skip
def test_a_ringback_of_another_cadence_is_refused(what: str, lengths: tuple[float, ...]) -> None:
    steps: Steps = [((400, 450) if n % 2 == 0 else (), ms) for n, ms in enumerate(lengths)]

    assert faults(sound(steps, 8), RATE, RINGBACK)[0].startswith(("the cadence is", "the recording")), what


def test_a_cadence_may_be_off_by_less_than_a_tenth() -> None:
    assert faults(sound([(one, 1.06 * ms) for one, ms in DOUBLE_RING], 5.6), RATE, RINGBACK) == []


def test_a_dial_tone_that_pauses_is_refused() -> None:
    paused = faults(sound([((350, 440), 750), ((), 750)], 5), RATE, DIAL)

    assert paused[0].startswith("the cadence is")


def test_a_buffer_that_was_late_is_no_pause() -> None:
    samples = sound([((350, 440), 1000)], 4)
    for at in (0.7, 1.9, 3.1):
        samples = without(samples, at, 0.045)

    assert faults(samples, RATE, DIAL) == []
    assert runs([True, True, False]) == [(True, 20), (False, 10)]


def test_a_tone_that_goes_on_in_another_phase_is_the_same_tone() -> None:
    samples = sound([((350, 440), 1000)], 5)
    for at in (0.9, 2.2, 3.4):
        samples = skipping(samples, at, 0.013)

    assert faults(samples, RATE, DIAL) == []


def test_a_dropout_within_a_ring_is_no_pause() -> None:
    assert faults(without(sound(DOUBLE_RING, 5.2), 0.7, 0.04), RATE, RINGBACK) == []


@pytest.mark.parametrize("seconds", [0.08, 0.2, 1.0])
def test_a_hole_too_long_for_a_late_buffer_is_a_fault(seconds: float) -> None:
    assert faults(without(sound([((350, 440), 1000)], 4), 2.0, seconds), RATE, DIAL)
    assert faults(without(sound(DOUBLE_RING, 5.2), 0.62, seconds), RATE, RINGBACK)


def test_a_tone_that_stumbles_all_the_time_is_refused() -> None:
    """Holes of 45 ms, five a second: nobody would take it for the tone."""
    samples = sound([((350, 440), 1000)], 4)
    for n in range(20):
        samples = without(samples, 0.1 + 0.19 * n, 0.045)

    assert faults(samples, RATE, DIAL)


def test_silence_and_noise_are_no_tone() -> None:
    chance = Random(1)
    noise = array("h", (round(chance.gauss(0, 3000)) for _ in range(4 * RATE)))

    assert faults(array("h", bytes(8 * RATE)), RATE, DIAL)[0].startswith("silence")
    assert faults(sound([((350, 440), 1000)], 4, peak=40), RATE, DIAL)[0].startswith("silence")
    assert faults(noise, RATE, DIAL)


def test_a_tone_above_the_telephones_band_does_not_fold_down() -> None:
    """8,350 and 8,440 Hz are 350 and 440 to whoever keeps one sample of six."""
    assert faults(sound([((8350, 8440), 1000)], 1, rate=48000), 48000, DIAL)
    assert faults(sound([((350, 440), 1000)], 1, rate=48000), 48000, DIAL) == []


def test_a_recording_too_short_for_the_cadence_proves_nothing() -> None:
    assert "does not hold every step" in faults(sound(DOUBLE_RING, 2.5), RATE, RINGBACK)[0]


@pytest.mark.parametrize("tone", ["400*25", "950/330 1400/330 -/1000", "425/100 -/100"])
def test_a_tone_that_cannot_be_measured_is_refused(tone: str) -> None:
    with pytest.raises(ValueError, match=r"measured|told"):
        faults(sound([((400,), 1000)], 4), RATE, tone)


def test_speech_is_clear_where_it_is_loud_and_pure() -> None:
    samples = sound([((1200,), 1000), ((), 1000)], 4)

    assert clear_share(samples, RATE, 1200) == pytest.approx(0.5, abs=0.03)
    assert clear_share(samples, RATE, 1100) == 0
