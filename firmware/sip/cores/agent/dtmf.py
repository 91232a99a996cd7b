"""DTMF digits in INFO requests: application/dtmf-relay, as gateways send it (RFC 6086 §2 calls it legacy usage)."""

from __future__ import annotations

import re

_LINE = re.compile(rb"(?im)^[ \t]*(signal|duration)[ \t]*=[ \t]*([0-9*#A-D]{1,5})[ \t]*\r?$")
_EVENTS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_DEFAULT_MS = 100
_LONGEST_MS = 10_000


def parse_dtmf_relay(body: bytes) -> tuple[str, int] | None:
    """The digit and its duration in ms that `Signal=5`, `Duration=160` say; None if the body says no digit."""
    lines = {name.lower(): value.decode("ascii").upper() for name, value in _LINE.findall(body[:1024])}
    signal = lines.get(b"signal", "")
    digit = _EVENTS.get(signal, signal)
    if len(digit) != 1:
        return None
    duration = lines.get(b"duration", "")
    return digit, min(int(duration), _LONGEST_MS) if duration.isdecimal() else _DEFAULT_MS
