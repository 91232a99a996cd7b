"""What keeps a flood from the network out of the log: so many lines of a kind a minute, and one that tells of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

LINES_A_MINUTE = 30
"""Of one kind: the same sentence with other names and numbers in it."""
MINUTE_S = 60.0
QUIET_S = 10.0
"""Seconds without a refusal after which a flood is over."""
MOST_KINDS = 512


class LineLimit(logging.Filter):
    """Lets so many lines of each kind pass a minute; the first one of a later minute says how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = LINES_A_MINUTE) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}
        """When each kind's minute began, and how many lines it has had."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it: errors always, and everything of a log that is asked for every detail."""
        if record.levelno >= logging.ERROR or record.levelno <= logging.DEBUG:
            return True
        now, kind = self._clock(), (record.name, str(record.msg))
        began, lines = self._kinds.get(kind, (now, 0))
        if now - began >= MINUTE_S:
            if lines > self._most:
                record.msg = f"{record.msg} (there were {lines - self._most} more of these)"
            began, lines = now, 0
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[kind] = (began, lines + 1)
        return lines < self._most


class Overload:
    """Tells from the count of refused requests when a flood begins and when it is over, in words for the log."""

    def __init__(self) -> None:
        self._refused = 0
        self._before = 0
        """How many had been refused when the flood began."""
        self._last: float | None = None
        """When the latest was; None: all is well."""

    def count(self, refused: int, now: float) -> str | None:
        """What to log, now that so many were refused since the start; None for nothing."""
        if refused > self._refused:
            calm = self._last is None
            self._before = self._refused if calm else self._before
            self._refused, self._last = refused, now
            words = "too many SIP requests: rate limited, those beyond what this phone can hold get 503 or no answer"
            return words if calm else None
        if self._last is None or now - self._last < QUIET_S:
            return None
        self._last = None
        return f"SIP requests are back to what this phone can hold; {refused - self._before} were refused"

    @property
    def over_at(self) -> float | None:
        """When to ask again whether the flood is over; None if there is none."""
        return None if self._last is None else self._last + QUIET_S
