"""Which chip, which library, and our own pin factory over the kernel's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiod import LineSettings
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero import LED, PWMLED, Button, PinInvalidState, PinPWMFixedValue, PinSetInput

from hw import DeviceError, KeyPressed, KeyReleased, LampState
from hw.boards import load_board, open_board
from hw.boards.profile import LampsProfile, MatrixProfile, RingerProfile
from hw.pi.chips import Chip, chips, find_chip
from hw.pi.gpiod_factory import GpiodFactory
from hw.pi.lamps import PiLamps
from hw.pi.matrix import MatrixScanner
from hw.pi.pins import Contact, faults_of, open_factory
from hw.pi.ringers import PiRinger
from tests.support.gpio_chip import GpioChip
from tests.support.hands import wait_until

# --- chips ---

PI_5 = [
    Chip("/dev/gpiochip10", "gpio-brcmstb@107d508500", 32),
    Chip("/dev/gpiochip0", "pinctrl-rp1", 54),
    Chip("/dev/gpiochip11", "gpio-brcmstb@107d517c00", 15),
]
PI_5_BEFORE = [Chip("/dev/gpiochip0", "gpio-brcmstb@107d508500", 32), Chip("/dev/gpiochip4", "pinctrl-rp1", 54)]
PI_4 = [Chip("/dev/gpiochip0", "pinctrl-bcm2711", 58), Chip("/dev/gpiochip1", "raspberrypi-exp-gpio", 8)]
PI_3 = [Chip("/dev/gpiochip0", "pinctrl-bcm2835", 54)]


@pytest.mark.parametrize(("there", "number"), [(PI_5, 0), (PI_5_BEFORE, 4), (PI_4, 0), (PI_3, 0)])
def test_the_chip_behind_the_header_is_found_by_its_label(there: list[Chip], number: int) -> None:
    assert find_chip("", there).number == number


@pytest.mark.parametrize("name", ["gpio-sim.0", "gpiochip7", "/dev/gpiochip7"])
def test_a_chip_may_be_named(name: str) -> None:
    simulated = Chip("/dev/gpiochip7", "gpio-sim.0", 32)

    assert find_chip(name, [*PI_4, simulated]) == simulated


def test_without_a_header_the_chips_there_are_are_named() -> None:
    with pytest.raises(DeviceError, match=r"no GPIO chip leads to a 40-pin header; there is gpio-sim \(/dev/gpiochip7"):
        find_chip("", [Chip("/dev/gpiochip7", "gpio-sim", 32)])
    with pytest.raises(DeviceError, match="group gpio"):
        find_chip("", [])


def test_a_chip_with_two_names_is_one_and_one_that_may_not_be_opened_is_none(tmp_path: Path) -> None:
    for n in (0, 1, 10):
        (tmp_path / f"gpiochip{n}").touch()
    (tmp_path / "gpiochip4").symlink_to(tmp_path / "gpiochip0")

    def read(path: Path) -> Chip:
        if path.name == "gpiochip1":
            raise PermissionError
        return Chip(str(path), "label", 4)

    assert [chip.number for chip in chips(tmp_path, read)] == [0, 10]


def test_a_machine_without_pins_says_so_in_words() -> None:
    with pytest.raises(DeviceError, match=r"no GPIO pins on this machine|leads to a 40-pin header"):
        open_factory()
    with pytest.raises(DeviceError):
        open_board(load_board("handset"))


def test_a_busy_pin_is_said_in_words() -> None:
    with pytest.raises(DeviceError, match=r"GPIO17: .*busy; another program"), faults_of("GPIO17"):
        raise OSError("GPIO busy")


# --- our own factory ---


@pytest.fixture
def chip() -> GpioChip:
    return GpioChip()


@pytest.fixture
def factory(chip: GpioChip) -> Iterator[GpiodFactory]:
    opened = GpiodFactory(chip)
    yield opened
    opened.close()


def test_gpiozeros_devices_work_on_it(factory: GpiodFactory, chip: GpioChip) -> None:
    led, button = LED(24, pin_factory=factory), Button(25, pin_factory=factory)

    led.on()
    assert led.is_lit
    assert chip.lines[24].settings.direction == Direction.OUTPUT
    assert not button.is_pressed
    chip.lines[25].drive(False)
    assert button.wait_for_press(2)

    led.close()
    button.close()
    assert chip.lines[24].released


def test_an_output_begins_at_its_level_without_a_blip(factory: GpiodFactory, chip: GpioChip) -> None:
    pin = factory.pin(24)

    pin.output_with_state(1)

    assert chip.lines[24].settings.output_value.value == 1
    assert pin.state == 1


def test_a_contact_tells_its_edges_with_the_kernels_time(factory: GpiodFactory, chip: GpioChip) -> None:
    told: list[int] = []
    contact = Contact(factory, 17, lambda: told.append(1))
    assert chip.lines[17].settings.bias == Bias.PULL_UP
    assert chip.lines[17].settings.edge_detection == Edge.BOTH
    assert not contact.closed

    chip.lines[17].drive(False)
    chip.lines[17].drive(None)

    assert wait_until(lambda: len(told) == 2)
    (closed_at, closed), (opened_at, opened) = contact.edges()
    assert (closed, opened) == (True, False)
    assert 0 < opened_at - closed_at < 5
    contact.close()
    assert chip.lines[17].released


def test_a_matrix_is_scanned_on_it(factory: GpiodFactory, chip: GpioChip) -> None:
    """One key, so that the column follows its row."""
    events: list[object] = []
    profile = MatrixProfile((5,), (12,), (("1",),))
    scanner = MatrixScanner(factory, profile, events.append, lambda: None)
    chip.lines[12].drive(False)
    for n in range(8):
        scanner.run(n * 0.004)
    chip.lines[12].drive(None)
    for n in range(8, 16):
        scanner.run(n * 0.004)

    assert events == [KeyPressed("1"), KeyReleased("1")]
    scanner.close()


def test_a_lamp_is_dimmed_on_it(factory: GpiodFactory, chip: GpioChip) -> None:
    lamps = PiLamps(factory, LampsProfile((("mute", 24),), brightness=40), lambda: None)
    line = chip.lines[24]

    lamps.set("mute", LampState.ON)
    lamps.run(0.0)
    assert wait_until(lambda: len(line.moves) > 400)
    lamps.set("mute", LampState.OFF)
    lamps.run(0.0)
    moves = list(line.moves)
    assert line.output == Value.INACTIVE

    assert high_part(moves) == pytest.approx(0.4, abs=0.15)
    lamps.close()
    assert len(line.moves) <= len(moves) + 2
    assert line.released


@pytest.mark.parametrize(("active", "dark"), [("high", Value.INACTIVE), ("low", Value.ACTIVE)])
def test_a_lamp_comes_and_goes_on_it(factory: GpiodFactory, chip: GpioChip, active: str, dark: Value) -> None:
    told_at = 100.0
    profile = LampsProfile((("message", 23),), active)  # type: ignore[arg-type]
    lamps = PiLamps(factory, profile, lambda: None, clock=lambda: told_at)
    line = chip.lines[23]
    lamps.set("message", LampState.MISSED)

    lamps.run(told_at + 0.3)
    assert wait_until(lambda: len(line.moves) > 40)
    lamps.run(told_at + 0.57)
    assert line.output != dark
    lamps.run(told_at + 1.5)

    moves = len(line.moves)
    assert line.output == dark
    assert factory.pin(23).frequency is None
    lamps.close()
    assert len(line.moves) <= moves + 1


@pytest.mark.parametrize(("active", "dark"), [("high", Value.INACTIVE), ("low", Value.ACTIVE)])
@pytest.mark.parametrize("brightness", [40, 100])
def test_lamps_are_dark_when_the_telephone_ends(
    factory: GpiodFactory, chip: GpioChip, active: str, dark: Value, brightness: int
) -> None:
    """A line may keep the level that it is given back with."""
    lamps = PiLamps(factory, LampsProfile((("mute", 24),), active, brightness), lambda: None)  # type: ignore[arg-type]
    lamps.set("mute", LampState.ON)
    lamps.run(0.0)

    lamps.close()

    assert chip.lines[24].released
    assert chip.lines[24].output == dark


def test_a_piezo_sings_on_it(factory: GpiodFactory, chip: GpioChip) -> None:
    ringer = PiRinger(factory, RingerProfile("piezo", (18,), 400), lambda: None, clock=lambda: 10.0)
    line = chip.lines[18]

    ringer.ring((1000, 1000), 10)
    ringer.run(10.0)
    assert wait_until(lambda: len(line.moves) > 200)
    ringer.silence()
    ringer.run(10.0)

    assert line.output == Value.INACTIVE
    times = [at for at, high in line.moves if high]
    assert (times[-1] - times[1]) / (len(times) - 2) >= 0.9 / 400
    ringer.close()


def high_part(moves: list[tuple[float, bool]]) -> float:
    """How much of the time between the first rise and the last it was high."""
    rises = [at for at, high in moves if high]
    falls = [at for at, high in moves if not high and at > rises[0]]
    pulses = list(zip(rises, falls, strict=False))[:-1]
    return sum(fall - rise for rise, fall in pulses) / (rises[len(pulses)] - rises[0])


def test_what_it_cannot_do_it_says(factory: GpiodFactory) -> None:
    with pytest.raises(PinSetInput):
        factory.pin(24).state = 1
    with pytest.raises(PinPWMFixedValue):
        factory.pin(25).frequency = 200
    lamp = PWMLED(23, pin_factory=factory)
    with pytest.raises(PinInvalidState):
        lamp.pin.state = 1.5
    lamp.close()


def test_a_line_that_somebody_else_holds_is_a_fault_in_words(factory: GpiodFactory, chip: GpioChip) -> None:
    chip.request_lines({17: LineSettings()}, "somebody")

    with pytest.raises(DeviceError, match=r"GPIO17: .*busy.*gpioinfo"):
        Contact(factory, 17, lambda: None)


def test_closing_gives_back_every_line_and_the_chip(chip: GpioChip) -> None:
    factory = GpiodFactory(chip)
    Contact(factory, 17, lambda: None)
    factory.pin(18)

    factory.close()
    factory.close()

    assert all(line.released for line in chip.lines.values())
    assert chip.closed
