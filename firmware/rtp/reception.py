"""What is known of one source we receive: sequence validity, loss and jitter (RFC 3550 appendices A.1, A.3, A.8)."""

from __future__ import annotations

from firmware.rtp.rtcp import ReportBlock
from firmware.rtp.serial import SEQUENCE_MODULUS

MAXIMUM_DROPOUT = 3000
"""A.1: packets, one minute at 50 a second."""
MAXIMUM_MISORDER = 100
"""A.1: packets, two seconds at 50 a second."""
MINIMUM_SEQUENTIAL = 2
"""A.1: packets in sequence before a source is valid."""
NEAR = 16
"""Packets: a sequence number so little ahead follows too, or a link that loses or swaps every second packet would be
silent for ever. Chance numbers are as near as this in 1 of 4,096 cases."""

_WINDOW = (1 << 64) - 1
"""One bit for each of the last 64 sequence numbers."""


class Reception:
    """One SSRC as received. Not valid until MINIMUM_SEQUENTIAL packets came in sequence.

    reception = Reception(packet.ssrc, packet.sequence)
    sequence = reception.update(packet.sequence)    # None: not to be believed
    reception.arrived(packet.timestamp, now, clock_rate_hz)
    block = reception.report(now)
    """

    __slots__ = (
        "_bad_sequence",
        "_base",
        "_clock_rate_hz",
        "_cycles",
        "_expected_prior",
        "_highest",
        "_jitter",
        "_probation",
        "_received_prior",
        "_sender_report",
        "_sender_report_at",
        "_transit",
        "_window",
        "duplicates",
        "last_at",
        "received",
        "ssrc",
    )

    def __init__(self, ssrc: int, sequence: int) -> None:
        self.ssrc = ssrc
        self.duplicates = 0
        """Packets whose sequence number had come before (among the last 64)."""
        self.last_at = 0.0
        """When the last valid packet came."""
        self._clock_rate_hz = 8000
        self._jitter = 0.0
        self._transit: int | None = None
        self._sender_report = 0
        self._sender_report_at = 0.0
        self._begin(sequence)
        self._highest = (sequence - 1) & 0xFFFF
        self._probation = MINIMUM_SEQUENTIAL

    def _begin(self, sequence: int) -> None:
        """Forget the counts: A.1's init_seq."""
        self._base = sequence
        self._highest = sequence
        self._bad_sequence = SEQUENCE_MODULUS + 1
        self._cycles = 0
        self._window = 0
        self.received = 0
        self._received_prior = 0
        self._expected_prior = 0

    @property
    def valid(self) -> bool:
        """True once enough packets came in sequence."""
        return not self._probation

    def is_highest(self, sequence: int) -> bool:
        """Whether nothing later has come."""
        return sequence == self._highest

    def update(self, sequence: int) -> int | None:
        """Take a packet's sequence number; return it unwrapped, or None when it is not (yet) believed. A.1."""
        ahead = (sequence - self._highest) & 0xFFFF
        if self._probation:
            return self._prove(sequence, ahead)
        if ahead < MAXIMUM_DROPOUT:
            if sequence < self._highest:
                self._cycles += SEQUENCE_MODULUS
            self._highest = sequence
            if ahead == 1:  # nearly every packet
                self._window = ((self._window << 1) | 1) & _WINDOW
            else:
                self._mark_ahead(ahead)
            self.received += 1
            return self._cycles + sequence
        if ahead <= SEQUENCE_MODULUS - MAXIMUM_MISORDER:
            return self._jump(sequence)
        self.received += 1
        behind = SEQUENCE_MODULUS - ahead
        self._mark_behind(behind)
        return self._cycles + self._highest - behind

    def _prove(self, sequence: int, ahead: int) -> int | None:
        if SEQUENCE_MODULUS - ahead <= NEAR:
            return None  # overtaken by what came before it, which proves nothing either way
        if not 0 < ahead <= NEAR:
            self._probation = MINIMUM_SEQUENTIAL - 1
            self._highest = sequence
            return None
        self._probation -= 1
        self._highest = sequence
        return None if self._probation else self._start(sequence)

    def _jump(self, sequence: int) -> int | None:
        # A.1: two sequential packets: the other side restarted without telling us, so count afresh.
        if sequence == self._bad_sequence:
            return self._start(sequence)
        self._bad_sequence = (sequence + 1) & 0xFFFF
        return None

    def _start(self, sequence: int) -> int:
        self._begin(sequence)
        self._window = 1
        self.received = 1
        return sequence

    def _mark_ahead(self, ahead: int) -> None:
        if ahead == 0:
            self.duplicates += 1
        self._window = ((self._window << min(ahead, 64)) | 1) & _WINDOW

    def _mark_behind(self, behind: int) -> None:
        if behind >= 64:
            return
        bit = 1 << behind
        if self._window & bit:
            self.duplicates += 1
        self._window |= bit

    def arrived(self, timestamp: int, now: float, clock_rate_hz: int) -> None:
        """Take a packet's timestamp and arrival into the interarrival jitter. A.8."""
        self.last_at = now
        transit = (int(now * clock_rate_hz) - timestamp) & 0xFFFFFFFF
        last, self._transit = self._transit, transit
        if last is None or clock_rate_hz != self._clock_rate_hz:
            self._clock_rate_hz = clock_rate_hz
            return
        difference = (transit - last) & 0xFFFFFFFF
        if difference > 0x7FFFFFFF:
            difference = 0x100000000 - difference
        self._jitter += (difference - self._jitter) / 16.0

    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter, smoothed over some sixteen packets."""
        return 1000.0 * self._jitter / self._clock_rate_hz

    @property
    def highest(self) -> int:
        """Extended highest sequence number received (§6.4.1)."""
        return self._cycles + self._highest

    @property
    def expected(self) -> int:
        """Packets expected so far. A.3."""
        return self.highest - self._base + 1 if self.received else 0

    @property
    def lost(self) -> int:
        """Expected less received: negative when there were duplicates. A.3."""
        return self.expected - self.received

    def heard_sender_report(self, ntp_timestamp: int, now: float) -> None:
        """Remember a sender report for LSR and DLSR (§6.4.1)."""
        self._sender_report = (ntp_timestamp >> 16) & 0xFFFFFFFF
        self._sender_report_at = now

    def report(self, now: float) -> ReportBlock:
        """Return the report block on this source and begin a new interval. A.3, §6.4.1."""
        delay = min(int((now - self._sender_report_at) * 65536), 0xFFFFFFFF) if self._sender_report else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=self._fraction(),
            lost=max(-0x800000, min(0x7FFFFF, self.lost)),
            highest=self.highest & 0xFFFFFFFF,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            last_sender_report=self._sender_report,
            delay_since_sender_report=delay,
        )

    def _fraction(self) -> int:
        """Return the loss since the last report in 1/256, and begin the next interval."""
        expected = self.expected - self._expected_prior
        lost = expected - (self.received - self._received_prior)
        self._expected_prior = self.expected
        self._received_prior = self.received
        return min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
