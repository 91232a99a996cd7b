"""The telephone as the person at the desk knows it: hook, keys, lines, calls. Pure: events in, actions out, time an argument."""

from __future__ import annotations

from firmware.phone.events import Action, PhoneEvent
from firmware.phone.settings import PhoneSettings
from firmware.phone.view import PhoneView


class NotPossible(ValueError):
    """A request makes no sense now. Its text says why, in plain words."""


class NoSuchCall(NotPossible):
    """The request names a call that does not exist."""


class Phone:
    """One telephone with two lines."""

    def __init__(self, settings: PhoneSettings, now: float) -> None:
        """`now`: monotonic seconds, as everywhere."""
        raise NotImplementedError

    def receive(self, event: PhoneEvent, now: float) -> str | None:
        """Take one event. Return the id of the call that it placed, if it placed one.

        Raises NotPossible for a request that cannot be met in this state; nothing else raises.
        """
        raise NotImplementedError

    def handle_timers(self, now: float) -> None:
        """Do what has become due."""
        raise NotImplementedError

    def next_deadline(self) -> float | None:
        """Return when `handle_timers` is next due, None if nothing waits."""
        raise NotImplementedError

    def drain(self) -> list[Action]:
        """Return the actions since the last drain, oldest first."""
        raise NotImplementedError

    def view(self, now: float) -> PhoneView:
        """Return the phone's picture for the panel and the web."""
        raise NotImplementedError
