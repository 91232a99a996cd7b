"""When to send RTCP (RFC 3550 §6.2, §6.3 and appendix A.7), for a session of two."""

from __future__ import annotations

import math
from random import Random

MINIMUM_INTERVAL = 5.0
"""Seconds between reports on average; half of it before the first. §6.2."""
COMPENSATION = math.e - 1.5
"""A.7: timer reconsideration converges below the intended average by this factor."""
SENDER_SHARE = 0.25


def report_interval(
    random: Random, *, members: int, senders: int, bandwidth: float, we_sent: bool, average_octets: float, initial: bool
) -> float:
    """Return randomised seconds to the next report; `bandwidth` in octets per second. A.7's rtcp_interval."""
    sites = members
    if senders <= members * SENDER_SHARE:
        bandwidth *= SENDER_SHARE if we_sent else 1 - SENDER_SHARE
        sites = senders if we_sent else members - senders
    minimum = MINIMUM_INTERVAL / 2 if initial else MINIMUM_INTERVAL
    interval = max(average_octets * sites / bandwidth, minimum)
    return interval * (random.random() + 0.5) / COMPENSATION


class ReportSchedule:
    """The report timer with its reconsideration (§6.3.3, §6.3.6).

    if schedule.due(now, members=2, senders=1, we_sent=True):
        ... send a report of n octets ...
        schedule.sent(n, now, ...)
    """

    __slots__ = ("_average_octets", "_bandwidth", "_initial", "_previous", "_random", "deadline")

    def __init__(self, random: Random, now: float, *, bandwidth: float = 500.0, first_octets: int = 120) -> None:
        self._random = random
        self._bandwidth = bandwidth
        self._average_octets = float(first_octets)
        self._initial = True
        self._previous = now
        self.deadline = now + self._interval(2, 1, True)
        """When to ask `due` again."""

    def _interval(self, members: int, senders: int, we_sent: bool) -> float:
        return report_interval(
            self._random,
            members=members,
            senders=senders,
            bandwidth=self._bandwidth,
            we_sent=we_sent,
            average_octets=self._average_octets,
            initial=self._initial,
        )

    def due(self, now: float, *, members: int, senders: int, we_sent: bool) -> bool:
        """Tell whether to report now; if not, the deadline has moved (§6.3.6: the interval is drawn again)."""
        if now < self.deadline:
            return False
        self.deadline = self._previous + self._interval(members, senders, we_sent)
        return self.deadline <= now

    def sent(self, octets: int, now: float, *, members: int, senders: int, we_sent: bool) -> None:
        """Begin the next interval after a report of `octets`."""
        self.heard(octets)
        self._previous = now
        self.deadline = now + self._interval(members, senders, we_sent)
        self._initial = False

    def heard(self, octets: int) -> None:
        """Average a compound's size in, sent or received (§6.3.3)."""
        self._average_octets += (octets - self._average_octets) / 16.0
