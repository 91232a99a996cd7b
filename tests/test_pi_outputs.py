"""Bells and buzzers on mock pins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.boards.profile import RingerProfile
from hw.cadence import Cadence, half_wave
from hw.pi.ringers import PiRinger
from tests.support.wiring import Bench

# --- cadences ---


def test_a_cadence_sounds_and_rests_as_it_says() -> None:
    cadence = Cadence((400, 200, 400, 2000))

    assert [cadence.at(t)[0] for t in (0.0, 0.39, 0.41, 0.61, 0.99, 1.01, 2.99, 3.01)] == [
        *(True, True, False, True),
        *(True, False, False, True),
    ]
    assert cadence.at(0.1)[1] == pytest.approx(0.3)


@pytest.mark.parametrize("wrong", [(), (400, -1)])
def test_a_cadence_is_made_of_durations(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="durations"):
        Cadence(wrong)


def test_a_cadence_of_nothing_is_silence() -> None:
    assert Cadence((0, 0)).at(5.0)[0] is False


@given(st.floats(0, 1000), st.floats(16, 25), st.floats(0, 1))
def test_a_bells_wires_are_never_both_high(elapsed: float, frequency: float, strength: float) -> None:
    wave = half_wave(elapsed, frequency, strength)

    assert wave.wires != (True, True)
    assert 0 < wave.seconds <= 1 / (2 * frequency)


# --- ringers ---


def ringer_bench(profile: RingerProfile) -> tuple[Bench, PiRinger]:
    bench = Bench()
    ringer = PiRinger(bench.wiring.factory, profile, bench.wake, clock=lambda: bench.now)
    bench.start(ringer)
    return bench, ringer


def waves(bench: Bench, gpio: int, seconds: float, step: float = 0.001) -> list[int]:
    """A pin's level in each millisecond."""
    levels = []
    for _ in range(round(seconds / step)):
        bench.run(until=bench.now + step)
        levels.append(int(bench.wiring.pins[gpio].state > 0))
    return levels


def rises(levels: list[int]) -> int:
    return sum(before < after for before, after in zip([0, *levels], levels, strict=False))


@pytest.mark.parametrize("frequency_hz", [16, 20, 25])
def test_a_bell_swings_at_its_frequency(frequency_hz: int) -> None:
    bench, ringer = ringer_bench(RingerProfile("bell", (5, 6), frequency_hz))

    ringer.ring((1000, 4000), 10)

    assert rises(waves(bench, 5, 1.0)) == frequency_hz
    assert rises(waves(bench, 5, 4.0)) <= 1
    ringer.close()


def test_both_wires_of_a_bell_take_turns_and_rest_in_between() -> None:
    bench, ringer = ringer_bench(RingerProfile("bell", (5, 6), 20))
    ringer.ring((1000, 1000), 10)
    seen = set()
    for _ in range(1000):
        bench.run(until=bench.now + 0.0005)
        seen.add((bench.wiring.pins[5].state, bench.wiring.pins[6].state))

    assert seen == {(1, 0), (0, 1), (0, 0)}
    ringer.close()


def test_a_quieter_bell_is_driven_for_less_of_each_wave() -> None:
    driven = []
    for volume in (2, 6, 10):
        bench, ringer = ringer_bench(RingerProfile("bell", (5, 6), 20))
        ringer.ring((1000, 1000), volume)
        driven.append(sum(waves(bench, 5, 1.0)))
        ringer.close()

    assert driven[0] < driven[1] < driven[2] < 500


def test_silence_is_at_once_and_volume_0_never_sounds() -> None:
    bench, ringer = ringer_bench(RingerProfile("bell", (5, 6), 20))
    ringer.ring((1000, 1000), 10)
    bench.run(until=0.01)
    assert bench.wiring.pins[5].state == 1

    ringer.silence()
    bench.run(until=0.011)
    assert bench.wiring.pins[5].state == 0
    ringer.ring((1000, 1000), 0)

    assert sum(waves(bench, 5, 1.0)) == 0
    ringer.close()


def test_a_piezo_sounds_its_tone_in_the_cadence() -> None:
    bench, ringer = ringer_bench(RingerProfile("piezo", (18,), 2400))
    ringer.ring((400, 200), 10)

    bench.run(until=0.1)
    assert bench.wiring.pins[18].frequency == 2400
    assert bench.wiring.pins[18].state == pytest.approx(0.5)
    bench.run(until=0.5)

    assert bench.wiring.pins[18].state == 0
    ringer.close()


def test_a_buzzer_with_its_own_tone_is_just_switched() -> None:
    bench, ringer = ringer_bench(RingerProfile("piezo", (18,), 0))
    ringer.ring((400, 200), 3)

    bench.run(until=0.1)

    assert bench.wiring.pins[18].state == 1
    ringer.close()


@pytest.mark.parametrize(("cadence", "volume"), [((), 5), ((400, 200), 11), ((400, 200), -1)])
def test_a_ring_out_of_bounds_is_our_own_fault(cadence: tuple[int, ...], volume: int) -> None:
    _, ringer = ringer_bench(RingerProfile("bell", (5, 6), 20))

    with pytest.raises(ValueError):
        ringer.ring(cadence, volume)
    ringer.close()
