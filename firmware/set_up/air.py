"""What wpa_supplicant says of the air, in its control interface's words (wpa_cli(8))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Link = Literal["searching", "refused", "joined"]
"""Not joined yet; the network turned us away, as it does for a wrong password; joined."""

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
_SHORT = {"n": b"\n", "r": b"\r", "t": b"\t", "e": b"\x1b", '"': b'"', "\\": b"\\"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A network in the air."""

    ssid: str
    signal_dbm: int
    locked: bool
    """It asks for a password."""


def networks(scan_results: str) -> tuple[Seen, ...]:
    """The networks in an answer to SCAN_RESULTS, the strongest first, each name once; nameless ones are left out."""
    found: dict[str, Seen] = {}
    for line in scan_results.splitlines()[1:]:
        parts = line.split("\t")
        if len(parts) < 5 or not parts[2].lstrip("-").isdigit():
            continue
        name = _unescaped(parts[4])
        seen = Seen(name, int(parts[2]), locked=any(word in parts[3] for word in ("WPA", "RSN", "WEP", "SAE")))
        if name.strip("\0") and (name not in found or seen.signal_dbm > found[name].signal_dbm):
            found[name] = seen
    return tuple(sorted(found.values(), key=lambda one: -one.signal_dbm))


def _unescaped(text: str) -> str:
    octets, at = b"", 0
    for match in _ESCAPE.finditer(text):
        octets += text[at : match.start()].encode()
        word = match[1]
        octets += bytes([int(word[1:], 16)]) if len(word) == 3 else _SHORT.get(word, word.encode())
        at = match.end()
    return (octets + text[at:].encode()).decode("utf-8", "replace")


def link(status: str, list_networks: str) -> Link:
    """How joining goes, from the answers to STATUS and LIST_NETWORKS."""
    if "wpa_state=COMPLETED" in status.splitlines():
        return "joined"
    return "refused" if "[TEMP-DISABLED]" in list_networks else "searching"
