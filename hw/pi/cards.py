"""Sound cards by name or by USB socket, never by number: numbers change with every plug, and HDMI likes to be first."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hw import DeviceError

PROC = Path("/proc/asound/cards")
SYS = Path("/sys/class/sound")
_ENTRY = re.compile(r"^\s*(\d+) \[(.{15})\]: (\S+) - (.*)$", re.MULTILINE)
_USB = re.compile(r"/(\d+-\d+(?:\.\d+)*)/\1:\d+\.\d+$")


@dataclass(frozen=True, slots=True)
class Card:
    """One card the kernel knows."""

    index: int
    id: str
    """"Device", "wm8960soundcard"."""
    driver: str
    """"USB-Audio"."""
    name: str
    """"USB Audio Device"."""
    usb: str | None
    """The USB socket it is in, "1-1.2"; None: it is not on USB."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What ALSA calls a card."""

    device: str
    """For PCM: "plughw:CARD=Device,DEV=0"."""
    mixer: str
    """For the mixer: "hw:2"."""


def cards(proc: Path = PROC, sys: Path = SYS) -> list[Card]:
    """Every card, by number."""
    try:
        text = proc.read_text(errors="replace")
    except OSError:
        return []
    return [
        Card(int(index), id.strip(), driver, name.strip(), _usb_socket(sys / f"card{index}" / "device"))
        for index, id, driver, name in _ENTRY.findall(text)
    ]


def find_sound(wanted: str, proc: Path = PROC, sys: Path = SYS, *, named: Collection[str] = ()) -> Sound:
    """Where ALSA has what a profile calls `card`. Raises DeviceError naming the cards there are.

    `named`: all that the profile names; "usb" is the first on USB that nothing else there means.
    """
    if wanted.startswith("pcm:"):
        return Sound(wanted[4:], wanted[4:])
    there = cards(proc, sys)
    others = [name for name in named if name != "usb"] if wanted == "usb" else []
    for card in there:
        if _is(card, wanted) and not any(_is(card, other) for other in others):
            return Sound(f"plughw:CARD={card.id},DEV=0", f"hw:{card.index}")
    names = ", ".join(f"{card.id} ({card.name}{', usb:' + card.usb if card.usb else ''})" for card in there)
    raise DeviceError(
        f"no sound card {wanted!r}; there {'is ' + names if names else 'is none'}; plug it in, or name one in [audio]"
    )


def _is(card: Card, wanted: str) -> bool:
    if wanted == "usb":
        return card.usb is not None
    if wanted.startswith("usb:"):
        return card.usb == wanted[4:]
    return wanted == card.id or wanted.lower() in card.name.lower()


def _usb_socket(device: Path) -> str | None:
    found = _USB.search(str(device.resolve()))
    return found[1] if found else None
