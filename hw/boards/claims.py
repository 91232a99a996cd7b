"""Who uses which pin: every pin of a profile once, and none that a bus or a sound card holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hw import header
from hw.boards.profile import DisplayProfile, Profile
from hw.toml_lines import Path as KeyPath


@dataclass(frozen=True, slots=True)
class Claim:
    """One use of one pin."""

    gpio: int
    path: KeyPath
    """The key of the profile that says so."""
    part: str
    """The part of the telephone, as "keypad"."""
    wire: str
    """What this wire is at that part, as "row 1"."""
    shared: bool = False
    """A line of a bus, which several parts may share."""


def claims_of(profile: Profile) -> tuple[Claim, ...]:
    """Every use of a pin in a profile: buses and cards first, then the parts that could be moved."""
    return (*_panel(profile), *_hat(profile), *_inputs(profile), *_outputs(profile))


def conflicts(profile: Profile) -> Iterator[tuple[Claim, Claim]]:
    """Each use of a pin that another use, named second, has already."""
    first: dict[int, Claim] = {}
    for claim in claims_of(profile):
        other = first.setdefault(claim.gpio, claim)
        if claim.gpio in header.GPIOS and other is not claim and not (claim.shared and other.shared):
            yield claim, other


PIN_KEYS = frozenset({"pin", "pulse", "off_normal", "dc", "reset", "rows", "columns", "pins"})
"""Keys of a profile's tables whose numbers are GPIOs."""


def spare_gpios(tables: Mapping[str, Any]) -> tuple[int, ...]:
    """Pins that a profile's file names nowhere and that no bus, card or console may hold, however wrong the file is.

    Those that rest low while the machine starts come first: a bell and a lamp want that, a switch does not mind.
    """
    held = set(header.CONSOLE) | set(header.I2C) | set(header.SPI) | set(header.SPI_SELECTS) | set(header.I2S)
    audio = tables.get("audio")
    hat = audio.get("hat") if isinstance(audio, dict) else None
    held |= set(header.HATS.get(hat, {})) if isinstance(hat, str) else set()
    display = tables.get("display")
    held |= set(header.SPI1_SELECTS) if isinstance(display, dict) and display.get("bus") == "spi" else set()
    named = {
        number
        for table in tables.values()
        if isinstance(table, dict)
        for key in PIN_KEYS & table.keys()
        for number in _numbers(table[key])
    }
    return tuple(sorted(header.GPIOS - held - named, key=lambda gpio: (gpio in header.HIGH_AT_RESET, gpio)))


def _numbers(value: Any) -> list[int]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return [number for number in values if type(number) is int]


@dataclass(frozen=True, slots=True)
class Bus:
    """What the kernel holds pins for if config.txt says so."""

    name: str
    switch: str
    """The line of config.txt."""
    wires: Mapping[int, str]
    cards: str = "the ready-made cards"
    """Where it is on."""


BUSES = (
    Bus(
        "SPI bus",
        "dtparam=spi=on",
        {**header.SPI, **dict(zip(header.SPI_SELECTS, ("CE0", "CE1"), strict=True))},
        "the ready-made card with Raspberry Pi OS",  # our own turns it on for a board with a panel on it
    ),
    Bus("I2C bus", "dtparam=i2c_arm=on", header.I2C),
    Bus("serial console", "enable_uart=1", header.CONSOLE),
)
"""Those that the ready-made cards turn on. Not digital sound, whose pins are given up to whoever asks for them."""


def held_by_buses(profile: Profile) -> Iterator[tuple[Claim, Bus]]:
    """Each switch, key, lamp or bell on a pin that the kernel takes for a bus where that bus is on."""
    for claim in (*_inputs(profile), *_outputs(profile), *_panel(profile)):
        for bus in BUSES:
            if claim.gpio in bus.wires and not claim.shared:
                yield claim, bus


def _panel(profile: Profile) -> Iterator[Claim]:
    display = profile.display
    if display is None or profile.driver == "sim":
        return
    if display.bus == "i2c":
        for gpio, wire in header.I2C.items() if display.port == 1 else ():
            yield Claim(gpio, ("display", "bus"), "panel", wire, shared=True)
    else:
        yield from _panel_on_spi(display)
    if display.reset is not None:
        yield Claim(display.reset, ("display", "reset"), "panel", "RES")


def _panel_on_spi(display: DisplayProfile) -> Iterator[Claim]:
    lines, selects = (header.SPI1, header.SPI1_SELECTS) if display.port else (header.SPI, header.SPI_SELECTS)
    # The kernel's driver holds all of the bus's lines, those too that lead to no panel.
    for gpio, wire in lines.items():
        yield Claim(gpio, ("display", "bus"), "panel" if wire != "MISO" else "SPI bus", wire, shared=True)
    for device, gpio in enumerate(selects):
        part = "panel" if device == display.device else "SPI bus"
        yield Claim(gpio, ("display", "bus"), part, "CS", shared=True)
    yield Claim(display.dc, ("display", "dc"), "panel", "D/C")


def _hat(profile: Profile) -> Iterator[Claim]:
    for gpio, wire in header.HATS.get(profile.audio.hat, {}).items():
        yield Claim(gpio, ("audio", "hat"), "sound card", wire, shared=gpio in header.I2C)


def _inputs(profile: Profile) -> Iterator[Claim]:
    if profile.hook is not None:
        yield Claim(profile.hook.pin, ("hook", "pin"), "hook switch", "contact")
    if profile.dial is not None:
        yield Claim(profile.dial.pulse, ("dial", "pulse"), "dial", "pulse")
        if profile.dial.off_normal is not None:
            yield Claim(profile.dial.off_normal, ("dial", "off_normal"), "dial", "off-normal")
    if profile.matrix is not None:
        for n, gpio in enumerate(profile.matrix.rows):
            yield Claim(gpio, ("matrix", "rows", n), "keypad", f"row {n + 1}")
        for n, gpio in enumerate(profile.matrix.columns):
            yield Claim(gpio, ("matrix", "columns", n), "keypad", f"column {n + 1}")
    if profile.single_keys is not None:
        for key, gpio in profile.single_keys.pins:
            yield Claim(gpio, ("keys", "pins", key), "keys", key)


def _outputs(profile: Profile) -> Iterator[Claim]:
    if profile.lamp_pins is not None:
        for lamp, gpio in profile.lamp_pins.pins:
            yield Claim(gpio, ("lamps", "pins", lamp), "lamps", lamp)
    wires = ("IN1", "IN2") if profile.ringer.kind == "bell" else ("+",)
    for n, (gpio, wire) in enumerate(zip(profile.ringer.pins, wires, strict=False)):
        yield Claim(gpio, ("ringer", "pins", n), profile.ringer.kind, wire)
