"""A board profile's text from what the wiring wizard found: pairs of pins become rows and columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Place = frozenset[int]
"""Where a key is: two pins it joins, or the one it takes to ground."""


@dataclass(slots=True)
class Found:
    """Everything that is known of a telephone."""

    name: str
    tail: str = ""
    """The other tables' text."""
    hook: int | None = None
    hook_closed: bool = True
    """While the handset is up."""
    hook_bounce_ms: int = 0
    keys: dict[str, Place] = field(default_factory=dict)
    pulse: int | None = None
    off_normal: int | None = None
    pulses_per_second: int = 10
    order: str = "standard"


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


def profile_text(found: Found) -> str:
    """The profile as TOML, its tables in the order of a person's reading."""
    tables = [f'name = "{found.name}"\ndriver = "pi"\n']
    if found.hook is not None:
        normally = "closed" if found.hook_closed else "open"
        tables.append(f'[hook]\npin = {found.hook}\nnormally = "{normally}"\nbounce_ms = {found.hook_bounce_ms}\n')
    if found.pulse is not None:
        tables.append(_dial(found))
    matrix = {key: place for key, place in found.keys.items() if len(place) == 2}
    single = {key: min(place) for key, place in found.keys.items() if len(place) == 1}
    if matrix:
        tables.append(_matrix(matrix))
    if single:
        pins = ", ".join(f"{_bare(key)} = {gpio}" for key, gpio in single.items())
        tables.append(f"[keys]\npins = {{ {pins} }}\n")
    return "\n".join([*tables, *([found.tail] if found.tail else [])])


def _dial(found: Found) -> str:
    off_normal = f"off_normal = {found.off_normal}\n" if found.off_normal is not None else ""
    speed = f"pulses_per_second = {found.pulses_per_second}\n"
    return f'[dial]\npulse = {found.pulse}\n{off_normal}{speed}order = "{found.order}"\n'


def _matrix(matrix: dict[str, Place]) -> str:
    rows, columns = rows_and_columns(matrix.values(), [matrix[key] for key in "123" if key in matrix])
    # In the order in which the keys were pressed: rows from the top, columns from the left.
    rows.sort(key=lambda pin: next(n for n, place in enumerate(matrix.values()) if pin in place))
    columns.sort(key=lambda pin: next(n for n, place in enumerate(matrix.values()) if pin in place))
    names = {place: key for key, place in matrix.items()}
    lines = [
        "    [" + ", ".join(f'"{names.get(frozenset((row, column)), "")}"' for column in columns) + "]," for row in rows
    ]
    return "\n".join(["[matrix]", f"rows = {rows}", f"columns = {columns}", "keys = [", *lines, "]", ""])


def _bare(key: str) -> str:
    """A key's name as TOML has it: quoted unless it is letters, digits and dashes."""
    return key if all(letter.isalnum() or letter == "-" for letter in key) else f'"{key}"'
