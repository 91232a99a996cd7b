"""What the web needs of a phone: asked through this protocol, so that the site knows nothing of sockets or media."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from firmware.phone.events import PhoneEvent
from firmware.phone.view import PhoneView


class PhoneDoor(Protocol):
    """One running phone."""

    def view(self) -> PhoneView:
        """Its state now."""
        ...

    def now(self) -> float:
        """The time the view's times are in, monotonic seconds."""
        ...

    def request(self, event: PhoneEvent) -> str | None:
        """Ask it for something; the id of the call it placed, if it did. Raises NotPossible."""
        ...

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever something may have changed; what is returned ends that."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Signalling counters since the start, by name."""
        ...
