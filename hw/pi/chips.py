"""GPIO chips, asked of the kernel itself (GPIO_GET_CHIPINFO_IOCTL of linux/gpio.h): which one is the 40-pin header?"""

from __future__ import annotations

import fcntl
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw import DeviceError

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""The chip behind the header: of the Pi 5; of the Pi 4; of all before, the Zero 2 W too."""
PI_4B = 0xC03111
"""The revision code that boards which are no Raspberry Pi (a kernel's simulated chip) are taken to have."""
DEVICES = Path("/dev")
_CHIP_INFO = struct.Struct("32s32sI")
_GET_CHIP_INFO = 0x8044B401
# _IOR(0xB4, 0x01, struct gpiochip_info), 68 octets.


@dataclass(frozen=True, slots=True)
class Chip:
    """One GPIO chip."""

    path: str
    """Its device, "/dev/gpiochip0"."""
    label: str
    """What it is, "pinctrl-bcm2711"."""
    lines: int
    """How many pins it has."""

    @property
    def number(self) -> int:
        """The number in its device's name."""
        digits = re.search(r"\d+$", self.path)
        return int(digits[0]) if digits else 0


def read_chip(path: Path) -> Chip:
    """Ask one chip who it is. Raises OSError."""
    with path.open("rb") as device:
        answer = fcntl.ioctl(device, _GET_CHIP_INFO, bytes(_CHIP_INFO.size))
    _, label, lines = _CHIP_INFO.unpack(answer)
    return Chip(str(path), label.rstrip(b"\0").decode(errors="replace"), lines)


def chips(devices: Path = DEVICES, read: Callable[[Path], Chip] = read_chip) -> list[Chip]:
    """Every chip of this machine that may be asked, by number; a second name for a chip is left out."""
    paths = sorted({path.resolve() for path in devices.glob("gpiochip*")}, key=_number)
    found = []
    for path in paths:
        try:
            found.append(read(path))
        except OSError:
            continue
    return found


def find_chip(wanted: str = "", available: Iterable[Chip] | None = None) -> Chip:
    """The chip with this label or device; empty: the one behind the header. Raises DeviceError saying what there is."""
    there = list(chips() if available is None else available)
    for name in [wanted] if wanted else HEADER_LABELS:
        for chip in there:
            if name in (chip.label, chip.path, Path(chip.path).name):
                return chip
    raise DeviceError(_missing(wanted, there))


def _missing(wanted: str, there: Sequence[Chip]) -> str:
    if not there:
        return "there are no GPIO pins on this machine, or none this user may open: is it in the group gpio?"
    labels = ", ".join(f"{chip.label} ({chip.path})" for chip in there)
    return f"no GPIO chip {wanted or 'leads to a 40-pin header'}; there is {labels}; name one as gpio.chip"


def _number(path: Path) -> tuple[int, str]:
    digits = re.search(r"\d+$", path.name)
    return (int(digits[0]) if digits else -1, path.name)
