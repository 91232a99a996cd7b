"""The phone's calls: what the phone knows about each, and which of its two lines each has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from firmware.phone.events import CallQuality, Party
from firmware.phone.view import CallState, CallView

LINES = (1, 2)
ENDED_KEPT = 8
"""Ended calls that stay listed at most."""


@dataclass(slots=True)
class Call:
    """One call."""

    id: str
    direction: Literal["in", "out"]
    account: str
    remote: Party
    line: int
    began_at: float
    state: CallState
    answering: bool = False
    """Incoming: our 200 went out, its ACK has not come."""
    unheard: bool = False
    """Outgoing: for a while already nothing has come back, not even a 100."""
    silenced: bool = False
    """The person silenced the bell."""
    held_by_us: bool = False
    held_by_them: bool = False
    recalling: bool = False
    """Held for so long that it rings back."""
    transferring: bool = False
    """We asked the far end to call somebody else, and wait to hear how that went."""
    consults: str | None = None
    """This call was made to announce a transfer of that one, or is being joined with it."""
    replaces: str | None = None
    """The far end of that call sent us here; it is over once this one is answered."""
    codec: str = ""
    encrypted: bool = False
    answered_at: float | None = None
    ended_at: float | None = None
    dialled: str = ""
    """The digits that the person typed to place it; empty: it was placed otherwise."""
    digits: str = ""
    """Typed in the call (DTMF)."""
    digits_received: str = ""
    """Typed by the far end."""
    quality: CallQuality | None = None
    cause: tuple[int, str] | None = None
    advice: str = ""

    @property
    def live(self) -> bool:
        """Not over."""
        return self.state != "ended"

    @property
    def alerting(self) -> bool:
        """Incoming, and nobody has taken it."""
        return self.state == "ringing" and self.direction == "in" and not self.answering

    @property
    def trying(self) -> bool:
        """Outgoing, and nobody has answered."""
        return self.direction == "out" and self.state in ("calling", "ringing", "early")

    @property
    def talking(self) -> bool:
        """Confirmed."""
        return self.state == "confirmed"

    @property
    def audible(self) -> bool:
        """There is something to hear from the far end."""
        connected = self.talking or (self.answering and self.live)
        return self.state == "early" or (connected and not self.held_by_us)

    def seconds(self, now: float) -> float:
        """Return how long the two have been connected."""
        if self.answered_at is None:
            return 0.0
        return max(0.0, (now if self.ended_at is None else self.ended_at) - self.answered_at)

    def view(self, now: float) -> CallView:
        """Return the call's picture."""
        return CallView(
            id=self.id, direction=self.direction, state=self.state, hold=self._hold(), remote=self.remote,
            account=self.account, codec=self.codec, encrypted=self.encrypted, seconds=self.seconds(now),
            quality=self.quality, cause=self.cause, line=self.line, advice=self.advice, answering=self.answering,
            recalling=self.recalling, unheard=self.unheard and self.trying, digits_received=self.digits_received,
        )  # fmt: skip

    def _hold(self) -> Literal["none", "local", "remote", "both"]:
        if self.held_by_us:
            return "both" if self.held_by_them else "local"
        return "remote" if self.held_by_them else "none"


class Calls:
    """All calls, oldest first."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def get(self, call: str | None) -> Call | None:
        """Return a call by its id, None if there is no such."""
        return None if call is None else self._calls.get(call)

    def add(self, call: Call) -> list[str]:
        """List a new call. Return the ids of the ended ones that made room for it."""
        self._calls[call.id] = call
        crowded = [each.id for each in self if not each.live][:-ENDED_KEPT]
        for old in crowded:
            del self._calls[old]
        return crowded

    def remove(self, call: str) -> None:
        """Take an ended call off the list."""
        self._calls.pop(call, None)

    def live(self) -> list[Call]:
        """Return the calls that are not over."""
        return [call for call in self if call.live]

    def free_line(self) -> int | None:
        """Return the first line without a call, None if both are taken."""
        taken = {call.line for call in self.live()}
        return next((line for line in LINES if line not in taken), None)

    def on_line(self, line: int) -> Call | None:
        """Return the live call on a line: the new one while it replaces another."""
        return next((call for call in reversed(self.live()) if call.line == line), None)

    def alerting(self) -> Call | None:
        """Return the incoming call that has waited longest."""
        return next((call for call in self if call.alerting), None)

    def recalling(self) -> Call | None:
        """Return a held call that rings back."""
        return next((call for call in self if call.live and call.recalling), None)

    def held(self) -> Call | None:
        """Return the call held last."""
        return next((call for call in reversed(list(self)) if call.talking and call.held_by_us), None)
