"""When the telephone's memory is written down: soon after a change, but seldom, so that an SD card lives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from firmware.phone.phone import Phone
from firmware.station.memory_codec import encode

SETTLE_S = 2.0
"""Changes within this time are written together: a volume key is pressed several times."""
SELDOM_S = 60.0
"""Two writings are at least so far apart. A phone that rings without end writes 1440 times a day, some 10 kB each."""


class Notebook:
    """Watches a phone's memory, and says what is to be written."""

    def __init__(self, phone: Phone, wall: Callable[[float], datetime], now: float) -> None:
        """`phone`: new, knowing what was read; `wall(now)`: local date and time at a monotonic time."""
        self._wall = wall
        self._written = phone.memory_mark
        self._written_at = now - SELDOM_S
        self._due: float | None = None
        self._octets: bytes | None = None

    def look(self, phone: Phone, now: float) -> None:
        """The memory may have changed."""
        if phone.memory_mark == self._written:
            self._due = None
        elif self._due is None:
            self._due = max(now + SETTLE_S, self._written_at + SELDOM_S)

    def next_deadline(self) -> float | None:
        """When `write` is next wanted."""
        return self._due

    def write(self, phone: Phone, now: float) -> None:
        """Write it down if it is time."""
        if self._due is not None and now >= self._due:
            self._put(phone, now)

    def close(self, phone: Phone, now: float) -> None:
        """The phone ends: write down what has changed, however short a time ago the last time was."""
        if phone.memory_mark != self._written:
            self._put(phone, now)

    def drain(self) -> bytes | None:
        """What is to be kept from now on instead of what was before, None if nothing is new."""
        octets, self._octets = self._octets, None
        return octets

    def _put(self, phone: Phone, now: float) -> None:
        self._octets = encode(phone.memory(now, self._wall(now).timestamp()))
        self._written, self._written_at, self._due = phone.memory_mark, now, None
