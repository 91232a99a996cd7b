"""The counts of an RTP session (RFC 3550 §6.4 and appendices A.3, A.8; what the quality display is made of)."""

from __future__ import annotations

from dataclasses import dataclass


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
