"""Lamps: the rhythm of each thing they tell, on mock pins and in the page's style sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from hw import LampState
from hw.boards.profile import LampsProfile
from hw.lamp_rhythm import RHYTHMS, Step, step_at
from hw.pi.lamps import PiLamps
from hw.sim.browser.lamp_style import lamp_style
from tests.support.wiring import Bench

RHYTHMIC = [state for state in LampState if isfinite(RHYTHMS[state][0].seconds)]


def period(state: LampState) -> float:
    return sum(step.seconds for step in RHYTHMS[state])


def flashes(state: LampState) -> int:
    """How often in a period it becomes light."""
    levels = [step.level for step in RHYTHMS[state]]
    return sum(not before and after > 0 for before, after in pairwise([levels[-1], *levels]))


# --- rhythms ---


def test_every_state_has_its_rhythm_and_no_two_the_same() -> None:
    assert set(RHYTHMS) == set(LampState)
    assert len(set(RHYTHMS.values())) == len(LampState)
    assert {state for state in LampState if state not in RHYTHMIC} == {LampState.OFF, LampState.ON}
    assert all(0 <= step.level <= 1 and step.seconds > 0 for steps in RHYTHMS.values() for step in steps)


def test_the_more_urgent_the_faster() -> None:
    assert [flashes(state) for state in RHYTHMIC] == [1, 1, 1]
    assert 2 * period(LampState.RING) < period(LampState.HELD) < period(LampState.MISSED)


def test_no_rhythm_flashes_more_than_three_times_a_second() -> None:
    """WCAG 2.2, 2.3.1."""
    assert all(flashes(state) / period(state) <= 3 for state in RHYTHMIC)


def test_what_is_missed_fades_in_and_out_and_is_dark_for_most_of_the_time() -> None:
    levels = [step.level for step in RHYTHMS[LampState.MISSED]]
    top = levels.index(1.0)

    assert levels[: top + 1] == sorted(levels[: top + 1])
    assert levels[top:] == sorted(levels[top:], reverse=True)
    assert RHYTHMS[LampState.MISSED][-1].level == 0
    assert RHYTHMS[LampState.MISSED][-1].seconds > period(LampState.MISSED) / 2


@pytest.mark.parametrize("state", RHYTHMIC)
def test_a_rhythm_is_its_steps_over_and_over(state: LampState) -> None:
    at, seen = 0.0, []
    for _ in range(2):
        for step in RHYTHMS[state]:
            seen.append(step_at(state, at + step.seconds / 2))
            at += step.seconds

    expected = [Step(step.level, step.seconds / 2) for step in RHYTHMS[state]] * 2
    assert [step.level for step in seen] == [step.level for step in expected]
    assert [step.seconds for step in seen] == pytest.approx([step.seconds for step in expected])


@pytest.mark.parametrize(("state", "level"), [(LampState.OFF, 0.0), (LampState.ON, 1.0)])
def test_dark_and_lit_last_for_ever(state: LampState, level: float) -> None:
    assert step_at(state, 0.0) == step_at(state, 1e9) == Step(level, inf)


# --- pins ---


@dataclass
class Lit:
    """One lamp on a bench: what its pin is given, and when, in the bench's time."""

    bench: Bench
    lamps: PiLamps
    pin: MockPin

    def levels(self, seconds: float, step: float = 0.01) -> list[float]:
        """The pin's level in each hundredth of a second, taken in its middle."""
        seen = []
        for _ in range(round(seconds / step)):
            self.bench.run(until=self.bench.now + step / 2)
            seen.append(float(self.pin.state))
            self.bench.run(until=self.bench.now + step / 2)
        return seen


def lit(profile: LampsProfile, factory: MockFactory | None = None) -> Lit:
    bench = Bench()
    lamps = PiLamps(factory or bench.wiring.factory, profile, bench.wake, clock=lambda: bench.now)
    bench.start(lamps)
    gpio = profile.pins[0][1]
    return Lit(bench, lamps, (factory or bench.wiring.factory).pin(gpio))


@pytest.mark.parametrize("pin_class", [MockPin, MockPWMPin])
@pytest.mark.parametrize(("active", "high"), [("high", 1), ("low", 0)])
def test_a_lamp_is_lit_by_the_level_its_profile_names(active: str, high: int, pin_class: type[MockPin]) -> None:
    one = lit(LampsProfile((("mute", 24),), active), MockFactory(pin_class=pin_class))  # type: ignore[arg-type]
    assert one.pin.state == 1 - high

    one.lamps.set("mute", LampState.ON)
    assert set(one.levels(5.0)) == {high}
    one.lamps.set("mute", LampState.OFF)

    assert set(one.levels(5.0)) == {1 - high}
    one.lamps.close()


def test_a_dimmed_lamp_shines_by_pulse_width_and_is_dark_without() -> None:
    one = lit(LampsProfile((("mute", 24),), brightness=40))

    one.lamps.set("mute", LampState.ON)
    assert set(one.levels(1.0)) == {0.4}
    assert one.pin.frequency == 200
    one.lamps.set("mute", LampState.OFF)

    assert set(one.levels(1.0)) == {0}
    assert one.pin.frequency is None
    one.lamps.close()


@pytest.mark.parametrize("brightness", [40, 100])
@pytest.mark.parametrize("active", ["high", "low"])
@pytest.mark.parametrize("state", RHYTHMIC)
def test_each_rhythm_reaches_the_pin(state: LampState, active: str, brightness: int) -> None:
    one = lit(LampsProfile((("message", 23),), active, brightness))  # type: ignore[arg-type]
    one.lamps.set("message", state)

    seen = one.levels(2 * period(state))

    lights = [step_at(state, (n + 0.5) * 0.01).level * brightness / 100 for n in range(len(seen))]
    assert seen == pytest.approx([light if active == "high" else 1 - light for light in lights])
    one.lamps.close()


def test_a_pin_is_pulsed_only_between_dark_and_lit() -> None:
    one = lit(LampsProfile((("message", 23),)))

    for state in (LampState.ON, LampState.RING, LampState.HELD, LampState.OFF):
        one.lamps.set("message", state)
        one.levels(period(state) if state in RHYTHMIC else 0.1)
        assert one.pin.frequency is None
    one.lamps.set("message", LampState.MISSED)
    one.levels(0.2)
    assert one.pin.frequency == 200
    one.levels(1.2)

    assert one.pin.frequency is None
    assert one.pin.state == 0
    one.lamps.close()


@pytest.mark.parametrize("brightness", [40, 100])
@pytest.mark.parametrize("state", RHYTHMIC)
def test_a_pin_without_pulse_width_is_switched_in_the_same_rhythm(state: LampState, brightness: int) -> None:
    one = lit(LampsProfile((("message", 23),), brightness=brightness), MockFactory())
    one.lamps.set("message", state)

    seen = one.levels(2 * period(state))

    assert seen == [step_at(state, (n + 0.5) * 0.01).level >= 0.5 for n in range(len(seen))]
    assert {0, 1} == set(seen)
    one.lamps.close()


@pytest.mark.parametrize("state", RHYTHMIC)
def test_a_rhythm_begins_and_ends_at_once(state: LampState) -> None:
    one = lit(LampsProfile((("message", 23),)))
    one.levels(0.13)

    one.lamps.set("message", state)
    assert one.levels(0.01)[0] > 0
    one.levels(0.5)
    one.lamps.set("message", LampState.ON)
    assert one.levels(0.01) == [1]
    one.lamps.set("message", LampState.OFF)

    assert set(one.levels(5.0)) == {0}
    one.lamps.close()


def test_what_is_told_twice_does_not_begin_anew() -> None:
    one = lit(LampsProfile((("hold", 25),)))
    one.lamps.set("hold", LampState.HELD)
    one.levels(1.0)

    one.lamps.set("hold", LampState.HELD)

    assert one.levels(0.5) == [1] * 20 + [0] * 30
    one.lamps.close()


def test_lamps_told_at_once_shine_in_step_and_each_in_its_own_rhythm() -> None:
    one = lit(LampsProfile((("hold", 25), ("line1", 23), ("line2", 22))))
    pins = [one.bench.wiring.pins[gpio] for gpio in (25, 23, 22)]
    for lamp, state in (("hold", LampState.HELD), ("line1", LampState.HELD), ("line2", LampState.RING)):
        one.lamps.set(lamp, state)

    seen = []
    for _ in range(300):
        one.levels(0.01)
        seen.append([pin.state for pin in pins])

    assert all(hold == line1 for hold, line1, _ in seen)
    assert {tuple(each) for each in seen} == {(1, 1, 1), (1, 1, 0), (0, 0, 1), (0, 0, 0)}
    one.lamps.close()


def test_steady_lamps_wake_nobody() -> None:
    one = lit(LampsProfile((("mute", 24), ("hold", 25))))
    one.lamps.set("mute", LampState.ON)
    one.levels(0.1)

    runs = one.bench.runs
    one.levels(60.0, step=1.0)

    assert one.bench.runs == runs
    one.lamps.close()


def test_a_lamp_whose_pin_somebody_holds_stays_dark_and_the_others_shine(caplog: pytest.LogCaptureFixture) -> None:
    factory = MockFactory()
    held = LED(24, pin_factory=factory)

    lamps = PiLamps(factory, LampsProfile((("mute", 24), ("hold", 25))), lambda: None)
    lamps.set("mute", LampState.ON)
    lamps.set("hold", LampState.ON)
    lamps.run(0.0)

    assert (factory.pin(24).state, factory.pin(25).state) == (0, 1)
    assert "the lamp mute (GPIO24)" in caplog.text
    lamps.close()
    held.close()


def test_lamps_there_are_not_are_ignored() -> None:
    lamps = PiLamps(MockFactory(), LampsProfile(()), lambda: None)
    lamps.set("mute", LampState.MISSED)

    assert lamps.run(0.0) is None
    lamps.close()


# --- the page ---


@pytest.mark.parametrize("state", RHYTHMIC)
def test_the_pages_style_has_the_steps_of_each_rhythm(state: LampState) -> None:
    """Opacity is the root of light: the eye's curve, which screens follow and diodes do not."""
    style = lamp_style()
    frames = re.search(rf"@keyframes lamp-{state.value} {{\n(.*?)\n}}", style, re.DOTALL)
    rule = re.search(rf'\[data-tells="{state.value}"\]::after {{ animation: lamp-{state.value} ([\d.]+)s', style)
    assert frames
    assert rule

    steps = [(float(at), float(opacity)) for at, opacity in re.findall(r"([\d.]+)% { opacity: ([\d.]+); }", frames[1])]

    assert float(rule[1]) == pytest.approx(period(state))
    for at, opacity in steps:
        assert opacity**2 == pytest.approx(step_at(state, at / 100 * period(state) + 0.001).level, abs=0.01)
    assert len(steps) == len(RHYTHMS[state])
