"""A number pad's records, from a pipe that stands for its device."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hw import BoardEvent, KeyPressed, KeyReleased
from hw.boards.profile import UsbKeypadProfile
from hw.boards.usb_keys import KEY_CODES, USUAL_KEYS
from hw.pi.usb_keypad import EV_KEY, RECORD, UsbKeypad, input_devices
from tests.support.hands import wait_until

LISTING = """\
I: Bus=0019 Vendor=0001 Product=0001 Version=0100
N: Name="Power Button"
P: Phys=PNP0C0C/button/input0
H: Handlers=kbd event0
B: EV=3
B: KEY=10000000000000 0

I: Bus=0003 Vendor=04d9 Product=1203 Version=0111
N: Name="SIGMACHIP USB Keypad"
P: Phys=usb-0000:01:00.0-1.2/input0
H: Handlers=sysrq kbd leds event3
B: EV=120013
B: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe

"""


class Pad:
    """A number pad of pipes in a folder."""

    def __init__(self, folder: Path, listing: str = LISTING) -> None:
        self.devices = folder / "devices"
        self.nodes = folder
        self.devices.write_text(listing)
        self._path = folder / "event3"
        os.mkfifo(self._path)
        self._file = -1

    def plug(self) -> None:
        """Somebody reads it now."""
        self._file = os.open(self._path, os.O_WRONLY)

    def unplug(self) -> None:
        """It ends."""
        self.devices.write_text("")
        os.close(self._file)

    def send(self, name: str, value: int) -> None:
        """A key's record, and the one that ends a report."""
        os.write(self._file, RECORD.pack(1, 2, EV_KEY, KEY_CODES[name], value) + RECORD.pack(1, 2, 0, 0, 0))


@pytest.fixture
def pad(tmp_path: Path) -> Pad:
    return Pad(tmp_path)


def test_the_kernels_list_is_read(tmp_path: Path) -> None:
    power, keypad = input_devices(LISTING)

    assert (power.name, power.node, power.has_digits) == ("Power Button", "event0", False)
    assert (keypad.name, keypad.node, keypad.has_digits) == ("SIGMACHIP USB Keypad", "event3", True)


def test_keys_are_told_once_though_the_kernel_repeats_them(pad: Pad) -> None:
    events: list[BoardEvent] = []
    keypad = UsbKeypad(UsbKeypadProfile("sigmachip"), events.append, devices=pad.devices, nodes=pad.nodes)
    pad.plug()

    for value in (1, 2, 2, 0):
        pad.send("KEY_KP5", value)
    pad.send("KEY_KPENTER", 1)

    assert wait_until(lambda: len(events) == 3)
    assert events == [KeyPressed("5"), KeyReleased("5"), KeyPressed("ok")]
    assert keypad.keys_down == {"ok"}
    keypad.close()


def test_a_profile_may_give_keys_another_meaning(pad: Pad) -> None:
    events: list[BoardEvent] = []
    profile = UsbKeypadProfile(keys=(("KEY_KPENTER", "#"), ("KEY_F1", "hold")))
    keypad = UsbKeypad(profile, events.append, devices=pad.devices, nodes=pad.nodes)
    pad.plug()

    for name in ("KEY_KPENTER", "KEY_F1", "KEY_NUMLOCK"):
        pad.send(name, 1)
        pad.send(name, 0)

    assert wait_until(lambda: len(events) == 4)
    assert [event.key for event in events[::2]] == ["#", "hold"]  # type: ignore[union-attr]
    keypad.close()


def test_a_pad_that_is_pulled_out_lets_its_keys_up_and_may_come_back(pad: Pad) -> None:
    events: list[BoardEvent] = []
    keypad = UsbKeypad(UsbKeypadProfile(), events.append, devices=pad.devices, nodes=pad.nodes)
    pad.plug()
    pad.send("KEY_KP5", 1)
    assert wait_until(lambda: len(events) == 1)

    pad.unplug()
    assert wait_until(lambda: len(events) == 2)
    pad.devices.write_text(LISTING)
    pad.plug()
    pad.send("KEY_KP6", 1)

    assert wait_until(lambda: len(events) == 3)
    assert events == [KeyPressed("5"), KeyReleased("5"), KeyPressed("6")]
    keypad.close()


def test_without_a_pad_there_are_no_keys_and_closing_is_at_once(tmp_path: Path) -> None:
    keypad = UsbKeypad(UsbKeypadProfile(), print, devices=tmp_path / "none", nodes=tmp_path)

    assert keypad.keys_down == frozenset()
    keypad.close()


def test_every_usual_key_is_one_the_kernel_has() -> None:
    assert set(USUAL_KEYS) <= set(KEY_CODES)
    assert len(set(KEY_CODES.values())) == len(KEY_CODES)
