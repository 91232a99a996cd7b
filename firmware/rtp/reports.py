"""RTCP's half of a session: our reports, and what the far end's say (RFC 3550 §6.3, §6.4)."""

from __future__ import annotations

from random import Random

from firmware.rtp.reception import Reception
from firmware.rtp.report_interval import ReportSchedule
from firmware.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    Report,
    ReportBlock,
    SenderReport,
    SourceDescription,
    compound,
    round_trip,
)
from firmware.rtp.transmission import Transmission

SENDER_TIMEOUT_INTERVALS = 2
"""§6.3.5, §6.3.8: who sent nothing for so many report intervals is no sender."""
NOMINAL_INTERVAL = 5.0


def ntp_timestamp(now: float) -> int:
    """Return `now` as 32.32 seconds. §6.4.1: with no wall clock, elapsed time will do."""
    return int(now * 4294967296.0) & 0xFFFFFFFFFFFFFFFF


class Reports:
    """Builds what is due, and keeps what the far end reports about us."""

    __slots__ = ("_cname", "_ever_sent", "remote_jitter", "remote_loss", "round_trip", "schedule")

    def __init__(self, random: Random, cname: str, now: float) -> None:
        self._cname = cname
        self._ever_sent = False
        self.schedule = ReportSchedule(random, now)
        self.round_trip: float | None = None
        """Seconds, by the last report about us."""
        self.remote_loss = 0.0
        """Share lost of what we sent, over the far end's last interval."""
        self.remote_jitter = 0
        """Interarrival jitter there, in units of our timestamp."""

    def due(self, transmission: Transmission, reception: Reception | None, now: float) -> bytes | None:
        """Return the report to send now, None when it is not time yet."""
        we_sent = _sends(transmission.sent_at, now)
        members = 1 if reception is None else 2
        senders = we_sent + (reception is not None and _sends(reception.last_at, now))
        if not self.schedule.due(now, members=members, senders=senders, we_sent=we_sent):
            return None
        data = compound(*self._report(transmission, reception, now))
        self.schedule.sent(len(data), now, members=members, senders=senders, we_sent=we_sent)
        return data

    def goodbye(self, transmission: Transmission, reception: Reception | None, now: float) -> bytes | None:
        """Return a BYE. §6.3.7: a participant which never sent RTP or RTCP must not send one."""
        if not self._ever_sent and not transmission.packets:
            return None
        return compound(*self._report(transmission, reception, now), Goodbye((transmission.ssrc,)))

    def _report(self, transmission: Transmission, reception: Reception | None, now: float) -> tuple[Report, Report]:
        self._ever_sent = True
        recent = reception is not None and reception.valid and _sends(reception.last_at, now)
        blocks = (reception.report(now),) if reception is not None and recent else ()
        ssrc = transmission.ssrc
        description = SourceDescription(ssrc, self._cname)
        if not _sends(transmission.sent_at, now):
            return ReceiverReport(ssrc, blocks), description
        counts = (transmission.packets, transmission.octets)
        return SenderReport(ssrc, ntp_timestamp(now), transmission.timestamp_at(now), *counts, blocks), description

    def heard(self, report: Report, ssrc: int, reception: Reception | None, now: float) -> None:
        """Take what the far end reports; `ssrc` is ours. Our own report that an echo service returns tells nothing."""
        if not isinstance(report, SenderReport | ReceiverReport) or report.ssrc == ssrc:
            return
        if isinstance(report, SenderReport) and reception is not None and reception.ssrc == report.ssrc:
            reception.heard_sender_report(report.ntp_timestamp, now)
        for block in report.blocks:
            if block.ssrc == ssrc:
                self._heard_of_us(block, now)

    def _heard_of_us(self, block: ReportBlock, now: float) -> None:
        self.remote_loss = block.fraction_lost / 256.0
        self.remote_jitter = block.jitter
        trip = round_trip(block, ntp_timestamp(now))
        if trip is not None:
            self.round_trip = trip


def _sends(last_at: float | None, now: float) -> bool:
    return last_at is not None and now - last_at < SENDER_TIMEOUT_INTERVALS * NOMINAL_INTERVAL
