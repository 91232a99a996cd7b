"""Reading tables of a board profile: values handed out by type and range, every mistake noted with its place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hw.toml_lines import Path as KeyPath
from hw.toml_lines import line_of

Value = TypeVar("Value", str, int, bool, list[Any], dict[str, Any])
Name = TypeVar("Name", bound=str)

_TYPES = {
    str: "text in quotes",
    int: "a whole number",
    bool: "true or false",
    list: "a list in [ ]",
    dict: "a table",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a profile."""

    key: str
    """Key path, as "display.size[0]"; empty for the file as a whole."""
    line: int | None
    """Line of the file, from 1; None: nowhere in particular."""
    text: str
    """What is wrong."""
    remedy: str
    """What would be right."""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.key + ': ' if self.key else ''}{self.text}; {self.remedy}"


class ProfileError(ValueError):
    """A profile cannot be used; `problems` says why, one by one."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(map(str, problems)))


class Problems:
    """What was found so far, and on which line each key stands."""

    def __init__(self, lines: dict[KeyPath, int]) -> None:
        self._lines = lines
        self.found: list[Problem] = []
        self.spare: tuple[int, ...] = ()
        """Pins that a remedy may name: the file names them nowhere."""

    def add(self, path: KeyPath, text: str, remedy: str) -> None:
        """Note a mistake at a key."""
        self.found.append(Problem(dotted(path), line_of(path, self._lines), text, remedy))


def dotted(path: KeyPath) -> str:
    """A key path as people write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class Section:
    """One table of the file. Take its values, then `finish` it: what nobody took is unknown."""

    def __init__(self, table: dict[str, Any], path: KeyPath, problems: Problems, *, spoiled: bool = False) -> None:
        """`spoiled`: it stands for what is no table, as was said; whatever else it lacks follows from that."""
        self._table = table
        self._asked: dict[str, None] = {}
        self._path = path
        self._problems = problems
        self._spoiled = spoiled
        self._wrong: set[KeyPath] = set()

    def has(self, key: str) -> bool:
        """Whether the file says anything here."""
        self._asked[key] = None
        return key in self._table

    def wrong(self, key: str | KeyPath, text: str, remedy: str) -> None:
        """Note a mistake at a key of this table, or further in."""
        path = (key,) if isinstance(key, str) else key
        self._wrong.add(path)
        if not self._spoiled:
            self._problems.add((*self._path, *path), text, remedy)

    def sound(self, *keys: str) -> bool:
        """Whether nothing was wrong with these keys so far: then others may be judged by them."""
        return not any((key,) in self._wrong for key in keys)

    def spare(self, count: int = 1) -> str:
        """Pins that are free, for one remedy: "22", "22, 23"; in words where there are not so many."""
        pins, self._problems.spare = self._problems.spare[:count], self._problems.spare[count:]
        return ", ".join(map(str, pins)) if len(pins) == count else "GPIO numbers" if count > 1 else "a GPIO number"

    def given(self, key: str) -> Any:
        """The value at `key`, of whatever type; None: there is none."""
        self._asked[key] = None
        return self._table.get(key)

    def take(self, key: str, default: Value) -> Value:
        """The value at `key` if it has the default's type, else the default."""
        self._asked[key] = None
        value = self._table.get(key, default)
        if type(value) is type(default):
            return value
        self.wrong(key, f"{value!r} does not fit", f"write {_TYPES[type(default)]}")
        return default

    def required(self, key: str, example: str) -> bool:
        """Whether the key is there; that it is not is a mistake."""
        if not self.has(key):
            self.wrong(key, "is missing", f"write {key} = {example}")
        return key in self._table

    def one_of(self, key: str, default: Name, allowed: Collection[Name]) -> Name:
        """One of some words."""
        value = self.take(key, str(default))
        for word in allowed:
            if word == value:
                return word
        leave = ", or leave it out" if "" in allowed else ""
        self.wrong(key, f"{value!r} is unknown", f"write one of {', '.join(word for word in allowed if word)}{leave}")
        return default

    def number(self, key: str, default: int, least: int, most: int, multiple_of: int = 1) -> int:
        """A whole number within bounds."""
        value = self.take(key, default)
        if least <= value <= most and value % multiple_of == 0:
            return value
        steps = f" in steps of {multiple_of}" if multiple_of > 1 else ""
        self.wrong(key, f"{value} does not fit", f"write {least} to {most}{steps}")
        return default

    def names(self, key: str, default: Collection[str], allowed: Collection[str]) -> frozenset[str]:
        """A list of different words."""
        values = self.take(key, sorted(default))
        for position, value in enumerate(values):
            if not isinstance(value, str) or value not in allowed:
                self.wrong((key, position), f"{value!r} is unknown", f"write some of {', '.join(sorted(allowed))}")
            elif value in values[:position]:
                self.wrong((key, position), f"{value!r} occurs twice", "write it once")
        return frozenset(value for value in values if isinstance(value, str) and value in allowed)

    def section(self, key: str) -> Section:
        """A table within this one; empty if it is not there."""
        table = self.take(key, {})
        return Section(table, (*self._path, key), self._problems, spoiled=self._spoiled or not self.sound(key))

    def entries(self) -> list[tuple[str, Any]]:
        """All keys with their values: for a table whose keys are names."""
        self._asked.update(dict.fromkeys(self._table))
        return list(self._table.items())

    def finish(self) -> None:
        """Note every key nobody asked for."""
        for key in self._table:
            if key not in self._asked:
                known = ", ".join(self._asked)
                self.wrong(key, "unknown key", f"known here: {known}" if known else "take it out")
