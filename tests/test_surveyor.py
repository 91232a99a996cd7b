"""Looking at pins and driving those that were named: on wired mock pins, and over the kernel's library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiod import LineSettings
from gpiod.line import Bias, Direction, Value
from gpiozero.pins.mock import MockFactory

from hw import DeviceError
from hw.pi.gpiod_factory import GpiodFactory
from hw.pi.surveyor import Surveyor, obey
from hw.wizard.prompts import Outputs, Survey
from tests.support.gpio_chip import GpioChip
from tests.support.wiring import GROUND, Wiring


@pytest.fixture
def chip() -> GpioChip:
    return GpioChip()


@pytest.fixture
def kernel(chip: GpioChip) -> Iterator[GpiodFactory]:
    factory = GpiodFactory(chip)
    yield factory
    factory.close()


def test_what_is_connected_is_seen_both_ways() -> None:
    wiring = Wiring()
    surveyor = Surveyor(wiring.factory, [4, 5, 6, 7, 8, 9], pause=lambda seconds: None)
    wiring.join(4, GROUND)
    wiring.join(5, 9)
    wiring.diode(8, 6, True)

    assert surveyor.survey(False) == Survey(frozenset({4}))
    assert surveyor.survey(True) == Survey(
        frozenset({4}), frozenset([frozenset({5, 9}), frozenset({6, 8})]), frozenset({(8, 6)})
    )
    assert all(pin.driven is None for pin in wiring.pins.values())


def test_a_pin_that_is_driven_is_left_out_and_let_go_of_again() -> None:
    wiring = Wiring()
    surveyor = Surveyor(wiring.factory, [4, 5], pause=lambda seconds: None)

    obey(surveyor, Outputs(high=4), 0.0)
    assert wiring.pins[4].driven == 1.0
    assert surveyor.survey(True) == Survey()
    obey(surveyor, Outputs(piezo=5, piezo_hz=2400), 0.0)
    assert (wiring.pins[4].driven, wiring.pins[5].driven, wiring.pins[5].frequency) == (None, 0.5, 2400)
    obey(surveyor, Outputs(piezo=5, piezo_hz=2400), 1.5)
    assert wiring.pins[5].driven == 0.0
    obey(surveyor, Outputs(), 0.0)

    assert [(pin.driven, pin.pull, pin.frequency) for pin in wiring.pins.values()] == [(None, "up", None)] * 2


def test_over_the_kernel_s_library_lines_are_pulled_up_driven_and_let_go(chip: GpioChip, kernel: GpiodFactory) -> None:
    surveyor = Surveyor(kernel, [4, 5], pause=lambda seconds: None)
    chip.lines[4].drive(False)

    assert surveyor.survey(True) == Survey(frozenset({4}))
    obey(surveyor, Outputs(blinking=5), 0.2)
    assert (chip.lines[5].settings.direction, chip.lines[5].output) == (Direction.OUTPUT, Value.ACTIVE)
    obey(surveyor, Outputs(blinking=5), 0.7)
    assert chip.lines[5].output == Value.INACTIVE
    obey(surveyor, Outputs(), 0.8)
    assert (chip.lines[5].settings.direction, chip.lines[5].settings.bias) == (Direction.INPUT, Bias.PULL_UP)
    surveyor.close()

    assert all(line.released for line in chip.lines.values())


def test_a_line_that_somebody_holds_is_told_and_not_watched(chip: GpioChip, kernel: GpiodFactory) -> None:
    chip.request_lines({5: LineSettings()}, "w1")

    surveyor = Surveyor(kernel, [4, 5])

    assert surveyor.watched == (4,)
    assert "busy" in surveyor.held[5]


def test_a_tone_ends_when_it_is_wanted_no_more(chip: GpioChip, kernel: GpiodFactory) -> None:
    surveyor = Surveyor(kernel, [18])

    obey(surveyor, Outputs(piezo=18, piezo_hz=2400), 0.0)
    assert kernel.pin(18).frequency == 2400
    obey(surveyor, Outputs(), 0.0)

    assert kernel.pin(18).frequency is None
    assert chip.lines[18].settings.direction == Direction.INPUT


def test_pins_without_pulse_width_say_that_a_disc_cannot_sound() -> None:
    surveyor = Surveyor(MockFactory(), [18])

    with pytest.raises(DeviceError, match="a bare disc cannot sound, only a buzzer"):
        obey(surveyor, Outputs(piezo=18, piezo_hz=2400), 0.0)
