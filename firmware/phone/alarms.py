"""What the phone waits for: one deadline for each (kind, call)."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "entry", "plus", "incoming", "outgoing", "no-server", "no-news", "auto-answer", "recall", "recall-ring", "transfer",
    "replaced", "listed", "tone", "screen", "menu", "options", "told", "set-up", "volume", "notice",
]  # fmt: skip
Alarm = tuple[Kind, str]
"""What, and the id of the call that it is about ("" if none)."""


class Alarms:
    """Deadlines in monotonic seconds."""

    def __init__(self) -> None:
        self._at: dict[Alarm, float] = {}

    def set(self, kind: Kind, at: float, call: str = "") -> None:
        """Be woken `at`; replaces an earlier deadline of the same kind and call."""
        self._at[kind, call] = at

    def cancel(self, kind: Kind, call: str = "") -> None:
        """Forget a deadline; nothing happens if there is none."""
        self._at.pop((kind, call), None)

    def cancel_call(self, call: str) -> None:
        """Forget all deadlines of a call."""
        for alarm in [alarm for alarm in self._at if alarm[1] == call]:
            del self._at[alarm]

    def pending(self, kind: Kind, call: str = "") -> bool:
        """Return whether such a deadline waits."""
        return (kind, call) in self._at

    def next_deadline(self) -> float | None:
        """Return the earliest deadline, None if there is none."""
        return min(self._at.values(), default=None)

    def pop_due(self, now: float) -> Alarm | None:
        """Take out the earliest deadline that is not after `now`."""
        if not self._at:
            return None
        alarm = min(self._at, key=self._at.__getitem__)
        if self._at[alarm] > now:
            return None
        del self._at[alarm]
        return alarm
