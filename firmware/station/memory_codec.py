"""The telephone's memory as octets and back: JSON with a version, every value checked, bounded in size.

    {"version": 1, "calls": [{"kind": "missed", "uri": "sip:...", "name": "Anna", "at": 1763000000, "seconds": 0}, ...],
     "missed": 1, "redial": "1002", "redial_account": "sip:...", "earpiece_volume": 7, "ringer_volume": 7,
     "do_not_disturb": null}

A phone that knows a later version writes a higher number; this one then leaves the file alone.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NoReturn

from firmware.phone.events import Party
from firmware.phone.history import LONGEST
from firmware.phone.levels import LOUDEST
from firmware.phone.memory import Memory
from firmware.phone.network import LONGEST_NAME, LONGEST_URI
from firmware.phone.view import HistoryView

VERSION = 1
LARGEST_OCTETS = 1 << 20
"""More than the longest memory takes: `LONGEST` calls, each of at most `LONGEST_URI` + `LONGEST_NAME` characters of
at most 12 octets (two escapes)."""
_MOST_MISSED = 1_000_000
_LATEST_S = 32_503_680_000.0
# The year 3000: what a clock on the wall can show.
_LONGEST_CALL_S = 1e9
_KINDS: tuple[Literal["in", "out", "missed"], ...] = ("in", "out", "missed")
_KEYS = {"version", "calls", "missed", "redial", "redial_account", "earpiece_volume", "ringer_volume", "do_not_disturb"}


class Unreadable(ValueError):
    """These octets are no memory of ours; the text says why."""


class TooNew(Unreadable):
    """A later version of this program wrote them."""


def encode(memory: Memory) -> bytes:
    """Return the octets of a memory. A call whose URI is longer than the phone keeps of others is left out."""
    calls = [_line(entry) for entry in memory.history[:LONGEST] if len(entry.remote.uri) <= LONGEST_URI]
    table = {
        "version": VERSION,
        "calls": calls,
        "missed": min(memory.missed, _MOST_MISSED),
        "redial": memory.redial if len(memory.redial) <= LONGEST_URI else "",
        "redial_account": memory.redial_account if len(memory.redial_account or "") <= LONGEST_URI else None,
        "earpiece_volume": memory.earpiece_volume,
        "ringer_volume": memory.ringer_volume,
        "do_not_disturb": memory.do_not_disturb,
    }
    # Escaped: half a character in what a stranger sent as his name must not keep the rest from being written.
    return json.dumps(table, ensure_ascii=True, indent=1).encode() + b"\n"


def decode(octets: bytes) -> Memory:
    """Return the memory in the octets. Raises Unreadable, TooNew."""
    if len(octets) > LARGEST_OCTETS:
        raise Unreadable(f"it is larger than {LARGEST_OCTETS} octets")
    try:
        table = json.loads(octets, parse_constant=_no_number)
    except (ValueError, RecursionError) as fault:  # not JSON, not UTF-8, a number of thousands of digits
        raise Unreadable(f"it is not JSON: {fault}") from None
    if not isinstance(table, dict):
        raise Unreadable("it is no JSON object")
    version = _integer(table, "version", 1, 1 << 31)
    if version > VERSION:
        raise TooNew(f"a later version of this program wrote it (its form is {version}, known is {VERSION})")
    if table.keys() != _KEYS:
        raise Unreadable(f"its keys are {', '.join(sorted(map(str, table)))[:200]}")
    calls = table["calls"]
    if not isinstance(calls, list) or len(calls) > LONGEST:
        raise Unreadable(f"calls is no list of at most {LONGEST}")
    return Memory(
        history=tuple(_entry(line) for line in calls),
        missed=_integer(table, "missed", 0, _MOST_MISSED),
        redial=_text(table, "redial", LONGEST_URI),
        redial_account=None if table["redial_account"] is None else _text(table, "redial_account", LONGEST_URI),
        earpiece_volume=_volume(table, "earpiece_volume"),
        ringer_volume=_volume(table, "ringer_volume"),
        do_not_disturb=_switch(table, "do_not_disturb"),
    )


def _line(entry: HistoryView) -> dict[str, Any]:
    at = min(max(0.0, entry.at), _LATEST_S)
    return {
        "kind": entry.kind, "uri": entry.remote.uri, "name": entry.remote.name[:LONGEST_NAME], "at": round(at, 3),
        "seconds": round(min(max(0.0, entry.seconds), _LONGEST_CALL_S), 3),
    }  # fmt: skip


def _entry(line: Any) -> HistoryView:
    if not isinstance(line, dict) or line.keys() != {"kind", "uri", "name", "at", "seconds"}:
        raise Unreadable("a call is written in another way")
    kind = next((kind for kind in _KINDS if kind == line["kind"]), None)
    if kind is None:
        raise Unreadable("a call is of no known kind")
    remote = Party(_text(line, "uri", LONGEST_URI), _text(line, "name", LONGEST_NAME))
    return HistoryView(
        kind, remote, _number(line, "at", _LATEST_S), _number(line, "seconds", _LONGEST_CALL_S), dated=True
    )


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _integer(table: dict[str, Any], key: str, lowest: int, highest: int) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise Unreadable(f"{key} is no number from {lowest} to {highest}")
    return value


def _number(table: dict[str, Any], key: str, highest: float) -> float:
    value = table[key]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= highest:
        raise Unreadable(f"{key} is no number from 0 to {highest:g}")
    return float(value)


def _text(table: dict[str, Any], key: str, longest: int) -> str:
    value = table[key]
    if not isinstance(value, str) or len(value) > longest:
        raise Unreadable(f"{key} is no text of at most {longest} characters")
    return value


def _volume(table: dict[str, Any], key: str) -> int | None:
    return None if table[key] is None else _integer(table, key, 0, LOUDEST)


def _switch(table: dict[str, Any], key: str) -> bool | None:
    value = table[key]
    if value is not None and not isinstance(value, bool):
        raise Unreadable(f"{key} is neither true, false nor null")
    return value
