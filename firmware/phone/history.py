"""Past calls, latest first: the call list, redial, and how many calls were missed."""

from __future__ import annotations

from collections import deque

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

    @property
    def entries(self) -> tuple[HistoryView, ...]:
        """The calls, latest first."""
        return tuple(self._entries)

    def add(self, entry: HistoryView) -> None:
        """Remember a call that is over."""
        self._entries.appendleft(entry)
        self.missed += entry.kind == "missed"

    def dialled(self, text: str, account: str) -> None:
        """Remember what redial is to call."""
        self.last_dialled, self.last_account = text, account

    def look(self) -> None:
        """The person has seen the list."""
        self.missed = 0
