"""The counts of an RTP session (RFC 3550 §6.4 and appendices A.3, A.8; what the quality display is made of)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.rtp.jitter_buffer import JitterBuffer
    from firmware.rtp.reception import Reception
    from firmware.rtp.reports import Reports
    from firmware.rtp.transmission import Transmission


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a session has seen so far."""

    packets_sent: int
    octets_sent: int
    """Payload octets."""
    packets_received: int
    octets_received: int
    """Payload octets."""
    lost: int
    """Cumulative, RFC 3550 A.3; never below 0."""
    expected: int
    late: int
    """Came after its playout time."""
    duplicates: int
    malformed: int
    strangers: int
    """From an address that is not the far end's."""
    not_agreed: int
    """Of a payload type nobody agreed on."""
    out_of_sequence: int
    """Of a source not yet believed, or with an impossible sequence number; own packets looped back."""
    jitter_ms: float
    """Interarrival jitter, RFC 3550 A.8."""
    round_trip_ms: float | None
    """From the last report block about us; None before one came."""
    playout_delay_ms: float
    """What the jitter buffer adds now."""
    remote_loss_percent: float
    """Of what we sent, by the far end's last report."""
    remote_jitter_ms: float

    @property
    def discarded(self) -> int:
        """Datagrams dropped at the door."""
        return self.malformed + self.strangers + self.not_agreed + self.out_of_sequence


class Counts:
    """What a session counts itself, over all the sources it has heard."""

    __slots__ = (
        "_duplicates_before",
        "_expected_before",
        "_lost_before",
        "malformed",
        "not_agreed",
        "out_of_sequence",
        "received",
        "received_octets",
        "strangers",
    )

    def __init__(self) -> None:
        self.received = self.received_octets = 0
        self.malformed = self.strangers = self.not_agreed = self.out_of_sequence = 0
        self._lost_before = self._expected_before = self._duplicates_before = 0

    def leave(self, source: Reception) -> None:
        """Another source takes this one's place: keep its counts."""
        self._lost_before += max(0, source.lost)
        self._expected_before += source.expected
        self._duplicates_before += source.duplicates

    def statistics(
        self, source: Reception | None, transmission: Transmission, reports: Reports, buffer: JitterBuffer
    ) -> Statistics:
        """Return all that is known, with the source heard now."""
        return Statistics(
            packets_sent=transmission.packets,
            octets_sent=transmission.octets,
            packets_received=self.received,
            octets_received=self.received_octets,
            lost=self._lost_before + (max(0, source.lost) if source else 0),
            expected=self._expected_before + (source.expected if source else 0),
            late=buffer.late,
            duplicates=self._duplicates_before + (source.duplicates if source else 0),
            malformed=self.malformed,
            strangers=self.strangers,
            not_agreed=self.not_agreed,
            out_of_sequence=self.out_of_sequence,
            jitter_ms=source.jitter_ms if source else 0.0,
            round_trip_ms=None if reports.round_trip is None else 1000.0 * reports.round_trip,
            playout_delay_ms=buffer.delay_ms,
            remote_loss_percent=100.0 * reports.remote_loss,
            remote_jitter_ms=1000.0 * reports.remote_jitter / transmission.clock_rate_hz,
        )
