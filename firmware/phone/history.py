"""Past calls, latest first: the call list, redial, and how many calls were missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from firmware.phone.view import HistoryView

LONGEST = 100
"""Calls remembered; the oldest is forgotten first."""


class History:
    """The call list."""

    def __init__(self) -> None:
        self._entries: deque[HistoryView] = deque(maxlen=LONGEST)
        self.missed = 0
        """Missed calls not yet looked at."""
        self.last_dialled = ""
        """What redial calls: as the person gave it."""
        self.last_account: str | None = None
        self.changes = 0
        """Grows whenever one of these changes."""
        self.erasures = 0
        """Grows whenever a person had all of it erased."""

    @property
    def entries(self) -> tuple[HistoryView, ...]:
        """The calls, latest first."""
        return tuple(self._entries)

    @property
    def lines(self) -> tuple[HistoryView, ...]:
        """The calls as a person reads them, latest first: repeats in a row are one line."""
        lines: list[HistoryView] = []
        for entry in self._entries:
            if lines and (lines[-1].kind, lines[-1].remote.uri) == (entry.kind, entry.remote.uri):
                lines[-1] = replace(lines[-1], times=lines[-1].times + 1)
            else:
                lines.append(entry)
        return tuple(lines)

    def add(self, entry: HistoryView) -> None:
        """Remember a call that is over."""
        self._entries.appendleft(entry)
        self.missed += entry.kind == "missed"
        self.changes += 1

    def dialled(self, text: str, account: str) -> None:
        """Remember what redial is to call."""
        if (self.last_dialled, self.last_account) != (text, account):
            self.last_dialled, self.last_account = text, account
            self.changes += 1

    def look(self) -> None:
        """The person has seen the list."""
        if self.missed:
            self.missed = 0
            self.changes += 1

    def clear(self) -> None:
        """Forget all calls, and what redial calls."""
        self._entries.clear()
        self.missed, self.last_dialled, self.last_account = 0, "", None
        self.changes += 1
        self.erasures += 1

    def recall(self, entries: Iterable[HistoryView], missed: int, last_dialled: str, last_account: str | None) -> None:
        """Begin with what was known before this start; `entries`: latest first."""
        self._entries = deque(entries, maxlen=LONGEST)
        self.missed, self.last_dialled, self.last_account = missed, last_dialled, last_account
