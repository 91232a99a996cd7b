"""A new source, until its second packet follows its first (RFC 3550 A.1)."""

from __future__ import annotations

from typing import NamedTuple

from firmware.rtp.packet import Packet
from firmware.rtp.reception import Reception
from firmware.rtp.statistics import Counts

PROOF = 0.25
"""Seconds a new source has from one packet to the next, until it is believed."""


class Believed(NamedTuple):
    """A source that proved itself, and its packets so far, oldest first, each with its extended sequence number."""

    reception: Reception
    packets: list[tuple[Packet, int]]


class Probation:
    """At most one source at a time: of two at once the first to come is heard out."""

    def __init__(self) -> None:
        self._candidate: Reception | None = None
        self._waiting: Packet | None = None
        """Its first packet, which may be delivered once it is believed."""

    @property
    def under_way(self) -> bool:
        """Whether somebody waits to be believed."""
        return self._candidate is not None

    def end(self) -> None:
        """Who is believed already speaks, or somebody just was."""
        self._candidate = None

    def hear(self, packet: Packet, now: float, counts: Counts) -> Believed | None:
        """Take a packet of a source that is not believed; if it proves it, the source."""
        candidate = self._candidate
        if candidate is None or now - candidate.last_at > PROOF:
            candidate = self._candidate = Reception(packet.ssrc, packet.sequence)
        elif candidate.ssrc != packet.ssrc:
            counts.out_of_sequence += 1
            return None
        candidate.last_at = now
        sequence = candidate.update(packet.sequence)
        if sequence is None:
            if self._waiting is None or self._waiting.ssrc != packet.ssrc or candidate.is_highest(packet.sequence):
                self._waiting = packet
            return None
        first, self._waiting = self._waiting, None
        packets = [(packet, sequence)]
        if first is not None and first.ssrc == packet.ssrc:
            packets.insert(0, (first, sequence - ((packet.sequence - first.sequence) & 0xFFFF)))
        return Believed(candidate, packets)
