"""On which line of a TOML text a key stands: tomllib does not say, and an error message should."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]
"""Keys from the root; an int is the place in an array of tables."""

BYTE_ORDER_MARK = "\ufeff"
"""What some editors put first in a file; TOML knows it not."""

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_PART = re.compile(_NAME)
_TOKEN = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#|[\[{]|[\]}]')


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(key))


class _Nesting:
    """Whether a line is inside a multi-line string or array that an earlier line opened."""

    def __init__(self) -> None:
        self.quote = ""
        self.depth = 0

    @property
    def outside(self) -> bool:
        return not self.quote and self.depth <= 0

    def read(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self.quote:
                end = text.find(self.quote, at)
                if end < 0:
                    return
                at, self.quote = end + 3, ""
                continue
            found = _TOKEN.search(text, at)
            if found is None or found[0] == "#":
                return
            at = found.end()
            if found[0] in ('"""', "'''"):
                self.quote = found[0]
            elif found[0] in "[{":
                self.depth += 1
            elif found[0] in "]}":
                self.depth -= 1


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and key of a TOML text; keys of inline tables are not told apart."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    nesting = _Nesting()
    for number, line in enumerate(text.removeprefix(BYTE_ORDER_MARK).splitlines(), 1):
        if not nesting.outside:
            nesting.read(line)
            continue
        if header := _TABLE.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            path: Path = table
            for part in _parts(key[1]):
                path = (*path, part)
                lines.setdefault(path, number)
            nesting.read(line[key.end() :])
    return lines


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """The line of a path, or of the nearest one around it; None: nowhere in the text."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
