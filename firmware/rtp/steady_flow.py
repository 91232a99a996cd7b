"""Speech as it nearly always comes: the next packet in sequence, as long as the one before, fetched a period later.

Such packets are taken and played with next to no work, and accounted for some at a time: a process that has just
woken pays dearly for each piece of code that it touches, and little for going through the same piece eight times.

    packets ── follow ──> queue ── take, each period ──> decoder
                            └──── settle: what came, to reception and jitter buffer, as if each had come by itself
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from firmware.rtp.packet import HEADER_OCTETS, unpack_header

LONGEST = 8
"""Periods between two accounts: 160 ms; the jitter buffer's histogram is looked at as often."""
MOST = 4 * LONGEST
"""Packets between two accounts, should more come than are fetched."""

Address = tuple[str, int]


class Arrival(NamedTuple):
    """A packet that followed."""

    sequence: int
    timestamp: int
    payload: bytes
    at: float
    """Monotonic seconds."""


class SteadyFlow:
    """One source's packets from `sequence` on.

    flow = SteadyFlow(source, payload_type, sequence, timestamp, ssrc, samples=160, octets=160, waiting=[...])
    flow.follow(data, source, now)  # False: another packet, the flow is over
    flow.take()                     # None: not at hand, or time to settle
    """

    __slots__ = ("_arrivals", "_next", "_octets", "_queue", "_source", "left", "payload_type", "samples")

    def __init__(
        self, source: Address, payload_type: int, sequence: int, timestamp: int, ssrc: int,
        *, samples: int, octets: int, waiting: list[bytes],
    ) -> None:  # fmt: skip
        """`sequence`, `timestamp`: of the next packet; `samples`, `octets`: of every one; `waiting`: payloads that came
        and are yet to be played."""
        self.payload_type = payload_type
        self.left = LONGEST
        """How many more may be taken."""
        self._source = source
        self.samples = samples
        """In each packet."""
        self._octets = HEADER_OCTETS + octets
        # Where one of the two wraps, none fits, and the flow is over.
        self._next = (0x80, payload_type, sequence, timestamp, ssrc)
        self._queue = deque(waiting)
        self._arrivals: list[tuple[bytes, float]] = []

    def follow(self, data: bytes, source: Address, now: float) -> bool:
        """Take a datagram if it is the next packet."""
        following = self._next
        if len(data) != self._octets or unpack_header(data) != following or source != self._source:
            return False
        if len(self._arrivals) == MOST:
            return False
        first, payload_type, sequence, timestamp, ssrc = following
        self._next = (first, payload_type, sequence + 1, timestamp + self.samples, ssrc)
        payload = data[HEADER_OCTETS:]
        self._queue.append(payload)
        self._arrivals.append((payload, now))
        return True

    def take(self) -> bytes | None:
        """The next payload to play."""
        if not self.left or not self._queue:
            return None
        self.left -= 1
        return self._queue.popleft()

    @property
    def taken(self) -> int:
        """How many were played."""
        return LONGEST - self.left

    def arrivals(self) -> list[Arrival]:
        """The packets that followed, oldest first."""
        _, _, sequence, timestamp, _ = self._next
        count, samples = len(self._arrivals), self.samples
        return [
            Arrival(sequence - count + n, timestamp - (count - n) * samples, payload, at)
            for n, (payload, at) in enumerate(self._arrivals)
        ]
