"""A configuration as TOML text: tables and arrays of tables, values in one line, as `phone.toml` has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def toml_text(tables: Mapping[str, Any]) -> str:
    """The text that `tomllib` reads as these tables. Dates and deeper tables' own headings are not written."""
    loose = {name: value for name, value in tables.items() if not _is_headed(value)}
    parts = [_lines(loose)] if loose else []
    for name, value in tables.items():
        if isinstance(value, Mapping):
            parts.append(f"[{_key(name)}]\n{_lines(value)}")
        elif _is_headed(value):
            parts += [f"[[{_key(name)}]]\n{_lines(one)}" for one in value]
    return "\n".join(parts)


def _is_headed(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, Mapping) for one in value)
    return isinstance(value, Mapping)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else _string(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
        case Sequence():
            return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _string(text: str) -> str:
    # A JSON string is a TOML basic string, but for U+007F, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
