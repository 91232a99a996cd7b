"""The timers of RFC 3261 table 4 (with RFC 6026 and RFC 4320), and an agenda of what is due when."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """The three times all others derive from, and the derived ones; seconds (RFC 3261 §17, table 4)."""

    t1: float = 0.5
    """Estimate of the round trip."""
    t2: float = 4.0
    """Longest interval between retransmissions of non-INVITE requests and INVITE responses."""
    t4: float = 5.0
    """Longest time a message stays in the network."""
    trying: float = 0.2
    """How long a core may stay silent before the INVITE server transaction sends 100 (§17.2.1)."""

    @property
    def timeout(self) -> float:
        """64*T1: Timers B, F, H, J, L and M, and how long a cancelled INVITE may stay open (§9.1)."""
        return 64 * self.t1

    @property
    def failover(self) -> float:
        """Timer B while another server is left to ask. 64*T1 is a SHOULD (§17.1.1.2), and half a minute of it for each
        dead server is more than a caller waits; a living one has answered the fifth copy by now, if only with 100."""
        return 16 * self.t1

    @property
    def timer_d(self) -> float:
        """Timer D for unreliable transports: at least 32 s, whatever T1 is (§17.1.1.2)."""
        return max(32.0, self.timeout)

    @property
    def late_trying(self) -> float:
        """When a client's Timer E is reset to T2: from then a non-INVITE request may get a 100 (RFC 4320 §4.1)."""
        elapsed, interval = 0.0, self.t1
        while interval < self.t2:
            elapsed += interval
            interval = self.backed_off(interval)
        return elapsed

    def backed_off(self, interval: float) -> float:
        """The next interval of Timers E and G: MIN(2*interval, T2)."""
        return min(2 * interval, self.t2)


class Agenda:
    """What is due when. A key stands in it once; setting it again moves it."""

    __slots__ = ("_due", "_heap", "_serial")

    def __init__(self) -> None:
        self._due: dict[Hashable, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Hashable]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._due

    def set(self, key: Hashable, at: float) -> None:
        """Make `key` due at the monotonic time `at`, instead of any earlier setting."""
        self._serial += 1  # equal times come out in the order they were set, and keys are never compared
        self._due[key] = (at, self._serial)
        heapq.heappush(self._heap, (at, self._serial, key))
        if len(self._heap) > 64 + 4 * len(self._due):
            self._sweep()

    def cancel(self, key: Hashable) -> None:
        """Forget `key`; nothing happens when it is not there."""
        self._due.pop(key, None)

    def pop_due(self, now: float) -> list[Hashable]:
        """Return and forget the keys due at or before `now`, earliest first."""
        due: list[Hashable] = []
        while (head := self._head()) is not None and head[0] <= now:
            heapq.heappop(self._heap)
            del self._due[head[2]]
            due.append(head[2])
        return due

    def next_deadline(self) -> float | None:
        """Return the earliest time at which something is due; None when nothing is."""
        head = self._head()
        return None if head is None else head[0]

    def _head(self) -> tuple[float, int, Hashable] | None:
        while self._heap:
            head = self._heap[0]
            if self._due.get(head[2]) == (head[0], head[1]):
                return head
            heapq.heappop(self._heap)  # moved or cancelled since
        return None

    def _sweep(self) -> None:
        """Drop stale entries, so that keys set and cancelled again and again do not fill memory."""
        self._heap = [(at, serial, key) for key, (at, serial) in self._due.items()]
        heapq.heapify(self._heap)
