"""How much later than the fastest packets come: the jitter buffer's measure of the network, no RFC's.

A packet's transit is its arrival less its timestamp, on clocks that have nothing in common; only how it differs from
the least transit of the last seconds means something: that is the packet's delay here.
"""

from __future__ import annotations

BIN_MS = 5
BINS = 100
"""The last one holds everything longer."""
FORGETTING = 0.998
"""Weight of a packet against the one after it: a memory of some 500 packets, ten seconds."""
BASE_WINDOW = 5.0
"""Seconds: the least transit is that of the last one to two windows, so that clock drift is followed."""
UPDATE_EVERY = 8
"""Packets between two looks at the percentile, once the first ones are in."""


class DelayHistogram:
    """Delays over the running minimum, and the delay that a given share of packets stays below."""

    __slots__ = (
        "_base_before",
        "_base_now",
        "_bins",
        "_packets",
        "_percentile",
        "_top",
        "_total",
        "_turn_at",
        "_weight",
        "base",
        "target_ms",
    )

    def __init__(self, percentile: float) -> None:
        self._percentile = percentile
        self._bins = [0.0] * BINS
        self._top = 0
        """The last bin that ever held anything."""
        self._total = 0.0
        self._weight = 1.0
        self._packets = 0
        self.target_ms = 2.0 * BIN_MS
        """The playout delay that lets `percentile` of the packets be in time."""
        self.base: float | None = None
        """Least transit of the last seconds; None before the first packet."""
        self._base_now = self._base_before = 0.0
        self._turn_at = 0.0

    def restart(self, transit: float, now: float) -> None:
        """Begin a new base (new source, or a jump of its clock); what is known of the network's spread is kept."""
        self.base = self._base_now = self._base_before = transit
        self._turn_at = now + BASE_WINDOW

    def add(self, transit: float, now: float) -> None:
        """Count a packet; `transit` in seconds."""
        if self.base is None:
            self.restart(transit, now)
        if now >= self._turn_at:
            self._base_before, self._base_now = self._base_now, transit
            self._turn_at = now + BASE_WINDOW
        elif transit < self._base_now:
            self._base_now = transit
        base = self.base = self._base_now if self._base_now < self._base_before else self._base_before
        index = int((transit - base) * (1000 / BIN_MS))
        if index > self._top:
            index = self._top = min(index, BINS - 1)
        self._bins[index] += self._weight
        self._total += self._weight
        # Older packets are forgotten by giving each newer one more weight.
        self._weight /= FORGETTING
        self._packets += 1
        if self._packets < 50 or self._packets % UPDATE_EVERY == 0:
            self._update()

    def _update(self) -> None:
        if self._weight > 1e12:
            self._scale()
        above = self._total * (1.0 - self._percentile)
        index = self._top + 1
        while index > 1 and above >= 0:
            index -= 1
            above -= self._bins[index]
        # The bin in which the share is reached must itself be in time: its upper edge.
        self.target_ms = float((index + 1) * BIN_MS) if above < 0 else float(BIN_MS)

    def _scale(self) -> None:
        self._bins = [weight / self._weight for weight in self._bins]
        self._total = sum(self._bins)
        self._weight = 1.0
