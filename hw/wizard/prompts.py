"""The values between the wizard and the world: what was seen, what is asked, what is to be driven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hw.boards.profile import DisplayProfile

Pair = frozenset[int]
Section = Literal["Panel", "Cradle", "Dialling", "Keys", "Lamps", "Ringer", "Sound", "Save"]
SECTIONS: tuple[Section, ...] = ("Panel", "Cradle", "Dialling", "Keys", "Lamps", "Ringer", "Sound", "Save")


@dataclass(frozen=True, slots=True)
class Survey:
    """What is connected to what at one instant."""

    grounded: frozenset[int] = frozenset()
    """Pins connected to ground."""
    joined: frozenset[Pair] = frozenset()
    """Pairs of pins connected to each other, and not to ground; looked for only if `Wizard.wants_pairs`."""
    one_way: frozenset[tuple[int, int]] = frozenset()
    """Of those, the pairs with a diode between them: its cathode's pin, its anode's."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that may be given."""

    name: str
    """"yes", "skip"."""
    letter: str
    """What is typed for it."""
    words: str
    """What stands on its button."""


YES = Choice("yes", "y", "Yes")
NO = Choice("no", "n", "No")
AGAIN = Choice("again", "r", "Ask again")
BACK = Choice("back", "b", "Back")
QUIT = Choice("quit", "q", "Quit")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked now, for whatever shows it."""

    section: Section
    text: str
    """The question in whole sentences."""
    short: str
    """The same for a panel of four short lines."""
    choices: tuple[Choice, ...] = ()
    """What may be answered, besides doing what is asked; "again", "back" and "quit" may be always."""
    default: str = ""
    """The choice that Enter alone means; empty: none."""
    entry: str = ""
    """What else may be typed, "GPIO"; empty: nothing."""
    done: int = 0
    """Of several alike, as keys: how many were asked for before."""
    of: int = 0
    """How many there are; 0: there is but this."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A test tone on a sound card."""

    card: str
    """As in a board profile."""
    channel: Literal["both", "left", "right"]
    mixer: tuple[tuple[str, int], ...] = ()
    """Controls and per cent, set before."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What should be driven now; everything else is let go of."""

    blinking: int | None = None
    """A lamp's pin, high and low by turns."""
    high: int | None = None
    """A pin held high."""
    bell: tuple[int, int] | None = None
    """The pins of a bell's bridge."""
    bell_hz: int = 20
    piezo: int | None = None
    """The pin of a disc, driven with a tone, on and off by turns."""
    piezo_hz: int = 0
    """0: held high, for a buzzer with a tone of its own."""
    tone: Tone | None = None
    test_picture: bool = False
    """The panel shows its frame, not the question."""


@dataclass(frozen=True, slots=True)
class Card:
    """A sound card there is."""

    name: str
    """As a board profile would name it."""
    words: str
    """For a person, "USB Audio Device"."""
    plays: bool = True
    records: bool = True
    playing: tuple[tuple[str, int], ...] = ()
    """Mixer controls and levels that make it heard."""
    recording: tuple[tuple[str, int], ...] = ()
    """Mixer controls and levels that make it hear."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before the first question."""

    watched: frozenset[int] = frozenset()
    """The pins that are surveyed."""
    taken: Mapping[int, str] = field(default_factory=dict)
    """The other pins, and who has each: "the I2C bus has it for SDA"."""
    display: DisplayProfile | None = None
    """The panel, if it is known already."""
    panels: tuple[int, ...] = ()
    """I2C addresses that answer as a panel would; those of an unknown panel."""
    cards: tuple[Card, ...] = ()
    hat: str = ""
    """The sound card on the header (`hw.header.HATS`)."""
    file: str = "board.toml"
    """Where the profile is going to be written."""
    kept: str = ""
    """The name under which what is in that file now will be kept; empty: there is nothing to keep."""


def names(pins: frozenset[int]) -> str:
    """Pins as people read them: "GPIO5 and GPIO12"."""
    words = [f"GPIO{gpio}" for gpio in sorted(pins)]
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"
