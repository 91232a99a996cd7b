"""A number pad on USB, read as the kernel gives it: /dev/input/eventN (linux/input.h), taken for ourselves alone.

The kernel's record is one struct of four fields, so no library is needed. The pad may come and go: while it is
away we look for it once a second.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hw import BoardEvent, KeyPressed, KeyReleased
from hw.boards.profile import UsbKeypadProfile
from hw.boards.usb_keys import KEY_CODES, USUAL_KEYS

RECORD = struct.Struct("llHHi")
"""Seconds, microseconds, type, code, value: struct input_event."""
EV_KEY = 1
EVIOCGRAB = 0x40044590
LOOK_AGAIN_S = 1.0
DEVICES = Path("/proc/bus/input/devices")
NODES = Path("/dev/input")
_KP1, _1 = KEY_CODES["KEY_KP1"], KEY_CODES["KEY_1"]


@dataclass(frozen=True, slots=True)
class InputDevice:
    """One entry of /proc/bus/input/devices."""

    name: str
    node: str
    """"event3"."""
    codes: frozenset[int]
    """Key codes it can send."""

    @property
    def has_digits(self) -> bool:
        """Whether it is a keypad or a keyboard."""
        return _KP1 in self.codes or _1 in self.codes


def input_devices(text: str) -> list[InputDevice]:
    """The devices in the text of /proc/bus/input/devices that have an event node."""
    devices = []
    for block in text.split("\n\n"):
        name = re.search(r'^N: Name="(.*)"$', block, re.MULTILINE)
        node = re.search(r"^H: Handlers=.*?\b(event\d+)\b", block, re.MULTILINE)
        keys = re.search(r"^B: KEY=([0-9a-f ]+)$", block, re.MULTILINE)
        if name and node:
            devices.append(InputDevice(name[1], node[1], _codes(keys[1] if keys else "0")))
    return devices


def _codes(words: str) -> frozenset[int]:
    """The bits of a mask written as hexadecimal words of the machine, the highest first."""
    bits = struct.calcsize("l") * 8
    mask = 0
    for word in words.split():
        mask = mask << bits | int(word, 16)
    return frozenset(code for code in range(mask.bit_length()) if mask >> code & 1)


class UsbKeypad:
    """The keys of one pad, read in a thread of its own."""

    def __init__(
        self,
        profile: UsbKeypadProfile,
        notify: Callable[[BoardEvent], None],
        *,
        devices: Path = DEVICES,
        nodes: Path = NODES,
    ) -> None:
        """`devices`, `nodes`: the kernel's list, and the folder of the event devices."""
        names = {**USUAL_KEYS, **dict(profile.keys)}
        self._meaning = {KEY_CODES[name]: key for name, key in names.items()}
        self._wanted = profile.device
        self._notify = notify
        self._devices = devices
        self._nodes = nodes
        self._down: dict[int, str] = {}
        self._told, self._tell = os.pipe()
        self._thread = threading.Thread(target=self._work, name="usb-keypad", daemon=True)
        self._thread.start()

    @property
    def keys_down(self) -> frozenset[str]:
        """The keys held down now."""
        return frozenset(self._down.copy().values())

    def close(self) -> None:
        """End."""
        if self._thread.is_alive():
            os.write(self._tell, b"q")
            self._thread.join(timeout=2.0)
            os.close(self._tell)
            os.close(self._told)

    def _work(self) -> None:
        while True:
            node = self._find()
            if node is not None:
                self._read(node)
                self._release_all()
            ready, _, _ = select.select([self._told], [], [], LOOK_AGAIN_S)
            if ready:
                return

    def _find(self) -> Path | None:
        try:
            found = input_devices(self._devices.read_text(errors="replace"))
        except OSError:
            return None
        for device in found:
            if self._wanted.lower() in device.name.lower() and (self._wanted or device.has_digits):
                return self._nodes / device.node
        return None

    def _read(self, node: Path) -> None:
        """Read one device until it goes, or until we are closed."""
        try:
            descriptor = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            _grab(descriptor)
            while True:
                ready, _, _ = select.select([descriptor, self._told], [], [])
                if self._told in ready or not self._take(os.read(descriptor, 64 * RECORD.size)):
                    return
        except OSError:
            return  # ENODEV: it was pulled out
        finally:
            os.close(descriptor)

    def _take(self, octets: bytes) -> bool:
        whole = len(octets) - len(octets) % RECORD.size
        for _, _, kind, code, value in RECORD.iter_unpack(octets[:whole]):
            # 2 is the kernel's own repeat of a key that stays down.
            if kind == EV_KEY and value in (0, 1):
                self._move(code, value == 1)
        return bool(octets)

    def _move(self, code: int, down: bool) -> None:
        key = self._meaning.get(code)
        if key is None or (code in self._down) == down:
            return
        if down:
            self._down[code] = key
            self._notify(KeyPressed(key))
        else:
            del self._down[code]
            self._notify(KeyReleased(key))

    def _release_all(self) -> None:
        for code in tuple(self._down):
            self._move(code, False)


def _grab(descriptor: int) -> None:
    """Keep the keys from the text console; a pipe in a test cannot be grabbed, and need not be."""
    try:
        fcntl.ioctl(descriptor, EVIOCGRAB, 1)
    except OSError:
        return
