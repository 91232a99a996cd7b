"""An exchange's registrations as octets and back, so that a restart leaves no telephone unreachable.

    {"version": 1, "registrations": [{"address": "1002@home.test", "contact": "<sip:...>", "until": 1763000000,
     "call_id": "...", "cseq": 7, "path": [], "flow": ["UDP", "192.0.2.1", 5060, "192.0.2.9", 5060]}, ...]}

`until` is in Unix seconds, for the monotonic clock begins anew with each start. A stream does not outlive its exchange:
what came by one is kept without it, and is found by its contact, or registers again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from firmware.sip.address import parse_contact
from firmware.sip.cores.location import Binding
from firmware.sip.grammar import MalformedMessage
from firmware.sip.transport import Flow
from firmware.station.memory_codec import TooNew, Unreadable

VERSION = 1
MOST = 2000
"""Bindings that are kept, those that last longest first."""
LONGEST_TEXT = 500
"""Characters of a contact, a Call-ID, a Path value; a binding with a longer one is left out."""
MOST_PATHS = 10
LARGEST_OCTETS = 1 << 24

_HIGHEST_PORT = 65535

Bindings = Mapping[str, tuple[Binding, ...]]
"""By address-of-record; `expires_at` is in Unix seconds here."""


def encode(bindings: Bindings) -> bytes:
    """Return the octets."""
    lines = [_line(address, binding) for address, bound in bindings.items() for binding in bound if _fits(binding)]
    kept = sorted(lines, key=lambda line: -float(line["until"]))[:MOST]
    return json.dumps({"version": VERSION, "registrations": kept}, ensure_ascii=True, indent=1).encode() + b"\n"


def decode(octets: bytes) -> Bindings:
    """Return what is in the octets. Raises Unreadable, TooNew."""
    try:
        table = json.loads(octets)
    except (ValueError, RecursionError) as fault:
        raise Unreadable(f"it is not JSON: {fault}") from None
    if not isinstance(table, dict) or not isinstance(table.get("version"), int):
        raise Unreadable("it is no JSON object with a version")
    if table["version"] > VERSION:
        raise TooNew(f"a later version of this program wrote it (its form is {table['version']}, known is {VERSION})")
    lines = table.get("registrations")
    if not isinstance(lines, list) or len(lines) > MOST:
        raise Unreadable(f"registrations is no list of at most {MOST}")
    found: dict[str, tuple[Binding, ...]] = {}
    for line in lines:
        if not isinstance(line, dict):
            raise Unreadable("a registration is written in another way")
        address = _text(line, "address")
        found[address] = (*found.get(address, ()), _binding(line))
    return found


def _fits(binding: Binding) -> bool:
    texts = (str(binding.contact), binding.call_id, *binding.path)
    return len(binding.path) <= MOST_PATHS and all(len(text) <= LONGEST_TEXT for text in texts)


def _line(address: str, binding: Binding) -> dict[str, Any]:
    flow = binding.flow
    kept = flow is not None and flow.connection is None
    return {
        "address": address,
        "contact": str(binding.contact),
        "until": round(binding.expires_at, 3),
        "call_id": binding.call_id,
        "cseq": binding.cseq,
        "path": list(binding.path),
        "flow": [flow.transport, *flow.local, *flow.remote] if flow is not None and kept else None,
    }


def _binding(line: dict[str, Any]) -> Binding:
    path = line.get("path")
    if not isinstance(path, list) or len(path) > MOST_PATHS or not _are_texts(path):
        raise Unreadable(f"path is no list of at most {MOST_PATHS} texts")
    try:
        contact = parse_contact(_text(line, "contact"))
    except MalformedMessage as fault:
        raise Unreadable(f"contact is none: {fault}") from None
    until, cseq = line.get("until"), line.get("cseq")
    if isinstance(until, bool) or not isinstance(until, int | float) or not 0 <= until < 1e11:
        raise Unreadable("until is no time")
    if isinstance(cseq, bool) or not isinstance(cseq, int) or not 0 <= cseq < 1 << 32:
        raise Unreadable("cseq is no sequence number")
    return Binding(contact, float(until), _text(line, "call_id"), cseq, _flow(line.get("flow")), tuple(path))


def _flow(value: Any) -> Flow | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 5 or not _are_texts(value[0:2]) or not _are_texts(value[3:4]):
        raise Unreadable("flow is written in another way")
    if not all(_is_port(port) for port in (value[2], value[4])):
        raise Unreadable("flow has no ports")
    return Flow(value[0], (value[1], value[2]), (value[3], value[4]))


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_PORT


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) and len(value) <= LONGEST_TEXT for value in values)


def _text(line: dict[str, Any], key: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Unreadable(f"{key} is no text of at most {LONGEST_TEXT} characters")
    return value
