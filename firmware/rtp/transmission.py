"""Our own source: the packets we send, speech and keys on one sequence and one clock (RFC 3550 §5.1, RFC 4733 §2.5)."""

from __future__ import annotations

from random import Random

from firmware.rtp.packet import build
from firmware.rtp.telephone_event import EventSender

PAUSE = 0.2
"""Seconds without a call of `speech` after which the timestamp is moved on by the time gone (§5.1: it never stops)."""


class Transmission:
    """One SSRC as sent.

    for data in transmission.speech(payload, 160, now, marker=False): ...
    """

    __slots__ = (
        "_called_at",
        "_clock_rate_hz",
        "_marker",
        "_random",
        "_sequence",
        "_timestamp",
        "event_payload_type",
        "events",
        "octets",
        "packets",
        "payload_type",
        "sent_at",
        "ssrc",
    )

    def __init__(self, random: Random, clock_rate_hz: int) -> None:
        self._random = random
        self.packets = 0
        self.octets = 0
        """Payload octets."""
        self.sent_at: float | None = None
        """When the last packet went."""
        self.payload_type = 0
        self.event_payload_type: int | None = None
        self.renew(clock_rate_hz)

    def renew(self, clock_rate_hz: int) -> None:
        """Become another source: after a collision (RFC 3550 §8.2), or with another clock (RFC 7160 §4)."""
        random = self._random
        self.ssrc = random.getrandbits(32)
        # §5.1: both begin at random.
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)
        self._clock_rate_hz = clock_rate_hz
        self._called_at: float | None = None
        self._marker = True
        self.packets = self.octets = 0
        self.events = EventSender(clock_rate_hz)

    @property
    def clock_rate_hz(self) -> int:
        """Of the timestamp."""
        return self._clock_rate_hz

    def timestamp_at(self, now: float) -> int:
        """Return the RTP clock at `now`, for a sender report."""
        gone = 0.0 if self._called_at is None else now - self._called_at
        return (self._timestamp + round(gone * self._clock_rate_hz)) & 0xFFFFFFFF

    def speech(self, payload: bytes, samples: int, now: float, *, marker: bool) -> list[bytes]:
        """Return the packets of a period: speech, or a key's event in its place; b"" is silence, no packet."""
        before, self._called_at = self._called_at, now
        if before is not None and now - before > PAUSE:
            self._timestamp = (self._timestamp + round((now - before) * self._clock_rate_hz) - samples) & 0xFFFFFFFF
            self._marker = True
        timestamp = self._timestamp
        self._timestamp = (timestamp + samples) & 0xFFFFFFFF
        if self.event_payload_type is not None and self.events.busy:
            packets = self._keys(timestamp, samples, now, self.event_payload_type)
            if packets:
                return packets
        if not payload:
            self._marker = True
            return []
        packet = self._packet(self.payload_type, marker or self._marker, timestamp, payload, now)
        self._marker = False
        return [packet]

    def _keys(self, timestamp: int, samples: int, now: float, payload_type: int) -> list[bytes]:
        return [
            self._packet(payload_type, key.marker, key.timestamp, key.payload, now)
            for key in self.events.packets(timestamp, samples)
        ]

    def _packet(self, payload_type: int, marker: bool, timestamp: int, payload: bytes, now: float) -> bytes:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        self.sent_at = now
        return build(payload_type, marker, sequence, timestamp, self.ssrc, payload)
