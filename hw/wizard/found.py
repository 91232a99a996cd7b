"""What is known of a telephone, and the board profile it makes: pairs of pins become rows and columns."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hw.boards.profile import CardProfile, DisplayProfile, Profile
from hw.boards.reading import read_profile
from hw.boards.sections import Problem, Problems
from hw.toml_lines import key_lines

Place = frozenset[int]
"""Where a key is: two pins it joins, or the one it takes to ground."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that is known of a telephone."""

    name: str
    rest: frozenset[int] = frozenset()
    """Pins connected to ground while nobody touches anything."""
    left_out: frozenset[int] = frozenset()
    """Pins that are not to be trusted: they flicker, or are joined for no reason."""
    hook: int | None = None
    hook_closed: bool = True
    """While the handset is up."""
    hook_bounce_ms: int = 0
    keys: Mapping[str, Place] = field(default_factory=dict)
    cathodes: Mapping[Place, int] = field(default_factory=dict)
    """Of the keys with a diode, the pin at its cathode."""
    stuck: frozenset[Place] = frozenset()
    """Keys that did not let go."""
    pulse: int | None = None
    off_normal: int | None = None
    pulses_per_second: int = 10
    order: str = "standard"
    usb_keypad: bool = False
    lamps: Mapping[str, int] = field(default_factory=dict)
    lamps_active: str = ""
    """"high" or "low"; empty: not known."""
    ringer: str = "loudspeaker"
    ringer_pins: tuple[int, ...] = ()
    ringer_hz: int = 0
    display: DisplayProfile | None = None
    hat: str = ""
    earpiece: CardProfile | None = None
    microphone: CardProfile | None = None
    speaker: CardProfile | None = None

    def uses(self) -> dict[int, str]:
        """The pins that have a use already, and which."""
        uses = {gpio: f"the lamp {lamp}" for lamp, gpio in self.lamps.items()}
        for key, place in self.keys.items():
            uses |= dict.fromkeys(place, "the keypad" if len(place) == 2 else f"the key {key}")
        uses |= dict.fromkeys(self.ringer_pins, f"the {self.ringer}")
        contacts = {self.hook: "the hook switch", self.pulse: "the dial", self.off_normal: "the dial"}
        return uses | {gpio: part for gpio, part in contacts.items() if gpio is not None}

    @property
    def has_diodes(self) -> bool:
        """Whether every key of the matrix has a diode of its own."""
        pairs = [place for place in self.keys.values() if len(place) == 2]
        return bool(pairs) and all(place in self.cathodes for place in pairs)


def rows_and_columns(pairs: Iterable[Place], row_of: Iterable[Place] = ()) -> tuple[list[int], list[int]]:
    """Split pins so that every pair has one on each side.

    `row_of`: pairs of which it is known that they lie on one row (1, 2 and 3), so that the pin they share is a row.
    Raises ValueError if it cannot be done: then it is no matrix.
    """
    neighbours: dict[int, set[int]] = {}
    for pair in pairs:
        one, other = sorted(pair)
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    shared = frozenset.intersection(*known) if (known := list(row_of)) and len(known) > 1 else frozenset()
    is_row: dict[int, bool] = {}
    # A part of the matrix that nothing ties to the known row may have its sides either way round.
    for start in [*sorted(shared & neighbours.keys()), *sorted(neighbours)]:
        if start in is_row:
            continue
        is_row[start] = True
        waiting = [start]
        while waiting:
            pin = waiting.pop()
            for neighbour in neighbours[pin]:
                if neighbour not in is_row:
                    is_row[neighbour] = not is_row[pin]
                    waiting.append(neighbour)
                elif is_row[neighbour] == is_row[pin]:
                    raise ValueError(f"GPIO{pin} and GPIO{neighbour} are neither row and column")
    return [pin for pin in neighbours if is_row[pin]], [pin for pin in neighbours if not is_row[pin]]


def sides(found: Found) -> tuple[list[int], list[int]]:
    """The matrix's rows and columns, in the order in which its keys were pressed. Raises ValueError for none."""
    matrix = {key: place for key, place in found.keys.items() if len(place) == 2}
    if found.has_diodes:
        rows = sorted({found.cathodes[place] for place in matrix.values()})
        columns = sorted(frozenset().union(*matrix.values()) - set(rows))
        if any(len(place & set(rows)) != 1 for place in matrix.values()):
            raise ValueError("the diodes do not all point the same way")
    else:
        rows, columns = rows_and_columns(matrix.values(), [matrix[key] for key in "123" if key in matrix])

    def pressed(pin: int) -> int:
        return next(n for n, place in enumerate(matrix.values()) if pin in place)

    return sorted(rows, key=pressed), sorted(columns, key=pressed)


def profile_text(found: Found) -> str:
    """The profile as TOML, its tables in the order of a person's reading. Raises ValueError for keys that are no
    matrix."""
    tables = [f'name = {_quoted(found.name)}\ndriver = "pi"\n']
    if found.hook is not None:
        normally = "closed" if found.hook_closed else "open"
        bounce_ms = found.hook_bounce_ms or 30
        tables.append(f'[hook]\npin = {found.hook}\nnormally = "{normally}"\nbounce_ms = {bounce_ms}\n')
    if found.pulse is not None:
        tables.append(_dial(found))
    if any(len(place) == 2 for place in found.keys.values()):
        tables.append(_matrix(found))
    single = {key: min(place) for key, place in found.keys.items() if len(place) == 1}
    if single:
        tables.append(f"[keys]\npins = {_inline(single)}\n")
    if found.usb_keypad:
        tables.append("[usb_keypad]\n")
    if found.display is not None:
        tables.append(_display(found.display))
    if found.lamps:
        active = '\nactive = "low"' if found.lamps_active == "low" else ""
        tables.append(f"[lamps]\npins = {_inline(found.lamps)}{active}\n")
    if found.ringer != "loudspeaker":
        pins = list(found.ringer_pins)
        tables.append(f'[ringer]\nkind = "{found.ringer}"\npins = {pins}\nfrequency_hz = {found.ringer_hz}\n')
    return "\n".join([*tables, *_audio(found)])


def _dial(found: Found) -> str:
    off_normal = f"off_normal = {found.off_normal}\n" if found.off_normal is not None else ""
    speed = f"pulses_per_second = {found.pulses_per_second}\n"
    return f'[dial]\npulse = {found.pulse}\n{off_normal}{speed}order = "{found.order}"\n'


def _matrix(found: Found) -> str:
    rows, columns = sides(found)
    keys = {place: key for key, place in found.keys.items() if len(place) == 2}
    lines = [
        "    [" + ", ".join(f'"{keys.get(frozenset((row, column)), "")}"' for column in columns) + "]," for row in rows
    ]
    diodes = ["diodes = true"] if found.has_diodes else []
    return "\n".join(["[matrix]", f"rows = {rows}", f"columns = {columns}", "keys = [", *lines, "]", *diodes, ""])


def _display(display: DisplayProfile) -> str:
    lines = ["[display]", f'controller = "{display.controller}"', f'bus = "{display.bus}"', f"port = {display.port}"]
    if display.bus == "i2c":
        lines.append(f"address = 0x{display.address:02X}")
    else:
        lines += [f"device = {display.device}", f"dc = {display.dc}"]
    if display.reset is not None:
        lines.append(f"reset = {display.reset}")
    lines.append(f"size = {list(display.size)}")
    if display.rotate:
        lines.append(f"rotate = {display.rotate}")
    return "\n".join([*lines, ""])


def _audio(found: Found) -> list[str]:
    tables = [f'[audio]\nhat = "{found.hat}"\n'] if found.hat else []
    for end, card in (("earpiece", found.earpiece), ("microphone", found.microphone), ("speaker", found.speaker)):
        if card is None:
            continue
        lines = [f"[audio.{end}]", f"card = {_quoted(card.card)}"]
        if card.channel != "both":
            lines.append(f'channel = "{card.channel}"')
        if card.mixer:
            lines.append(f"mixer = {_inline(dict(card.mixer))}")
        tables.append("\n".join([*lines, ""]))
    return tables


def _inline(values: Mapping[str, int]) -> str:
    return "{ " + ", ".join(f"{_bare(name)} = {value}" for name, value in values.items()) + " }"


def _bare(name: str) -> str:
    """A key as TOML has it: quoted unless it is letters, digits and dashes."""
    return name if all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name) else _quoted(name)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, but for U+007F, which TOML refuses.
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


def profile_of(found: Found) -> tuple[Profile, tuple[Problem, ...]]:
    """The telephone as far as it is known, and what keeps it from being one. Raises ValueError as `profile_text`."""
    text = profile_text(found)
    problems = Problems(key_lines(text))
    profile = read_profile(tomllib.loads(text), problems)
    return profile, tuple(problems.found)
