"""The telephone on a Raspberry Pi goes on without the parts that it can do without."""

from __future__ import annotations

from itertools import pairwise

import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory

from hw import LampState
from hw.boards import parse_board
from hw.boards.profile import DisplayProfile
from hw.pi.board import PiBoard
from hw.pi.panel import Bus
from hw.pi.pins import Factory
from tests.support.hands import wait_until

ON_USB = """
name = "Den"
driver = "pi"
[usb_keypad]
[display]
[audio]
earpiece = { card = "usb" }
"""
WITH_BELL = """
name = "Hall"
driver = "pi"
[hook]
pin = 17
[ringer]
kind = "bell"
pins = [5, 6]
[audio]
earpiece = { card = "usb" }
"""
WITH_LAMP = """
name = "Porch"
driver = "pi"
[hook]
pin = 17
[lamps]
pins = { line1 = 23 }
[audio]
earpiece = { card = "usb" }
"""


def no_bus(profile: DisplayProfile, factory: Factory) -> Bus:
    raise OSError(2, "No such file or directory: /dev/i2c-1")


def test_a_telephone_that_is_all_on_usb_needs_no_gpio_chip() -> None:
    board = PiBoard(parse_board(ON_USB), open_bus=no_bus)

    assert board.keypad is not None
    board.close()


def test_without_its_bell_the_loudspeaker_is_left_to_ring(caplog: pytest.LogCaptureFixture) -> None:
    factory = MockFactory()
    held = LED(6, pin_factory=factory)

    board = PiBoard(parse_board(WITH_BELL), factory=factory)

    assert board.ringer is None
    assert board.hook is not None
    assert "the bell" in caplog.text
    board.close()
    held.close()


def test_a_lamp_keeps_its_rhythm_by_itself_and_ends_with_the_board() -> None:
    factory = MockFactory()
    board = PiBoard(parse_board(WITH_LAMP), factory=factory)
    pin = factory.pin(23)

    board.lamps.set("line1", LampState.RING)
    assert wait_until(lambda: len(pin.states) > 5)
    board.close()

    levels = [state.state for state in pin.states]
    assert all(before != after for before, after in pairwise(levels[:6]))
    assert not levels[-1]
