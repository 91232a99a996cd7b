"""A message's header fields, as received and in order: RFC 3261 §7.3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from firmware.sip.grammar import MalformedMessage
from firmware.sip.header_names import key, known_name, parse_name, spelling

MAX_FIELD_LINES = 256
"""More header field lines than any honest message has."""

_LINE_END = re.compile(r"[\r\n]")

_Item = tuple[str, str]


class Fields:
    """Immutable, ordered header fields: names in their usual spelling, values as text without folds.

    Iterating gives (name, value), one for each line. Names are compared without case and compact forms count as the
    long ones. `typed_fields` reads them on demand and keeps the values.
    """

    __slots__ = ("_items", "index", "typed")

    def __init__(self, items: Iterable[tuple[str, object]] = ()) -> None:
        """Take (name, value) pairs; a value that is no text is written by `str`. A line end in one is a ValueError."""
        self._items: tuple[_Item, ...] = tuple(_written(name, value) for name, value in items)
        self.index: dict[str, tuple[str, ...]] | None = None
        """What `lines` returns, once it has been computed, for `typed_fields` alone."""
        self.typed: dict[str, Any] = {}
        """Typed values already read, for `typed_fields` alone."""

    def get(self, name: str) -> str | None:
        """Return the first line's value, None if there is none."""
        lines = self.all(name)
        return lines[0] if lines else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values, one for each line as received: commas are not split."""
        return self.lines().get(key(name), ())

    def set(self, name: str, *values: object) -> Fields:
        """Return a copy in which these are the only lines of `name`, at its first place, or last if it had none."""
        wanted = key(name)
        lines = [_written(name, value) for value in values]
        place = next((i for i, item in enumerate(self._items) if key(item[0]) == wanted), len(self._items))
        before = self._items[:place]
        after = [item for item in self._items[place:] if key(item[0]) != wanted]
        return self._changed(wanted, (*before, *lines, *after))

    def remove(self, name: str) -> Fields:
        """Return a copy without lines of `name`."""
        return self.set(name) if name in self else self

    def prepend(self, name: str, value: object) -> Fields:
        """Return a copy with a line before the first of `name`, or before all if there is none."""
        wanted = key(name)
        place = next((i for i, item in enumerate(self._items) if key(item[0]) == wanted), 0)
        return self._changed(wanted, (*self._items[:place], _written(name, value), *self._items[place:]))

    def append(self, name: str, value: object) -> Fields:
        """Return a copy with a line behind the last of `name`, or behind all if there is none."""
        wanted = key(name)
        places = [i for i, item in enumerate(self._items) if key(item[0]) == wanted]
        place = places[-1] + 1 if places else len(self._items)
        return self._changed(wanted, (*self._items[:place], _written(name, value), *self._items[place:]))

    def lines(self) -> dict[str, tuple[str, ...]]:
        """Return every line's value under `header_names.key` of its name."""
        index = self.index
        if index is None:
            index = self.index = {}
            for name, value in self._items:
                at = key(name)
                index[at] = (*index.get(at, ()), value)
        return index

    def _changed(self, wanted: str, items: tuple[_Item, ...]) -> Fields:
        # Typed values already read stay good for every other name.
        typed = {name: value for name, value in self.typed.items() if name != wanted}
        return _assemble(items, None, typed)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and key(name) in self.lines()

    def __iter__(self) -> Iterator[_Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fields) and self._items == other._items

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return f"Fields({list(self._items)!r})"

    def __str__(self) -> str:
        """Return the header as it stands in a message, each line with its CRLF."""
        return "".join([f"{name}: {value}\r\n" for name, value in self._items])


def _assemble(items: tuple[_Item, ...], index: dict[str, tuple[str, ...]] | None, typed: dict[str, Any]) -> Fields:
    fields = Fields.__new__(Fields)
    fields._items = items
    fields.index = index
    fields.typed = typed
    return fields


def _written(name: str, value: object) -> _Item:
    text = (value if isinstance(value, str) else str(value)).strip(" \t")
    if _LINE_END.search(text):
        raise ValueError(f"a line end in {name}")
    return spelling(name), text


def parse_fields(lines: list[str], *, skip_bad: bool = False) -> Fields:
    """Read header lines, joining continued ones (§7.3.1); raises MalformedMessage for a bad one unless it is skipped.

    Skipping serves only to answer a request that is refused.
    """
    if len(lines) > MAX_FIELD_LINES:
        if not skip_bad:
            raise MalformedMessage("Too many header fields", 513)
        lines = lines[:MAX_FIELD_LINES]
    items: list[_Item] = []
    index: dict[str, tuple[str, ...]] = {}
    for line in lines:
        text, colon, value = line.partition(":")
        name = known_name(text)
        if name is not None and colon:
            at = name
        else:
            if line[:1] in (" ", "\t") and items:
                return parse_fields(_unfolded(lines), skip_bad=skip_bad)
            try:
                name = _parse_name(text, colon)
            except MalformedMessage:
                if skip_bad:
                    continue
                raise
            at = key(name)
        value = value.strip(" \t")
        items.append((name, value))
        if at in index:
            index[at] = (*index[at], value)
        else:
            index[at] = (value,)
    return _assemble(tuple(items), index, {})


def _unfolded(lines: list[str]) -> list[str]:
    pieces: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and pieces:
            pieces[-1].append(line.strip(" \t"))
        else:
            pieces.append([line])
    return [" ".join(parts) for parts in pieces]


def _parse_name(text: str, colon: str) -> str:
    if not colon:
        raise MalformedMessage("Header line without a colon")
    return parse_name(text)
