"""When RTCP is sent: RFC 3550 §6.2, §6.3, A.7."""

from __future__ import annotations

import math
from random import Random

import pytest

from firmware.rtp.report_interval import ReportSchedule, report_interval


class Middle(Random):
    """Chance that always falls in the middle: the interval is then the calculated one over the compensation."""

    def random(self) -> float:
        return 0.5


def interval(**changes: float | bool) -> float:
    """The calculated interval of a session of two, both sending, before randomisation."""
    arguments: dict[str, float | bool] = {
        "members": 2, "senders": 2, "bandwidth": 500.0, "we_sent": True, "average_octets": 100.0, "initial": False,
    } | changes  # fmt: skip
    return report_interval(Middle(), **arguments) * (math.e - 1.5)  # type: ignore[arg-type]


def test_a_small_session_reports_every_five_seconds_and_first_after_half() -> None:
    """§6.2."""
    assert interval() == pytest.approx(5.0)
    assert interval(initial=True) == pytest.approx(2.5)


def test_a_large_session_keeps_to_its_bandwidth() -> None:
    """§6.3.1: average size, times members, over the bandwidth."""
    assert interval(members=100, senders=50) == pytest.approx(100.0 * 100 / 500)


def test_few_senders_share_a_quarter_and_receivers_the_rest() -> None:
    """A.7."""
    assert interval(members=1000, senders=200) == pytest.approx(200 * 100.0 / 125)
    assert interval(members=1000, senders=200, we_sent=False) == pytest.approx(800 * 100.0 / 375)


def test_intervals_are_spread_over_half_to_one_and_a_half() -> None:
    """A.7: divided by e - 3/2."""
    random = Random(3550)
    drawn = [
        report_interval(
            random, members=2, senders=1, bandwidth=500, we_sent=True, average_octets=100, initial=False
        ) for _ in range(2000)
    ]  # fmt: skip

    assert min(drawn) == pytest.approx(2.5 / (math.e - 1.5), rel=0.01)
    assert max(drawn) == pytest.approx(7.5 / (math.e - 1.5), rel=0.01)


def test_reconsidered_reports_come_every_five_seconds_on_average() -> None:
    """§6.3.6: when the timer expires the interval is drawn again, and the report waits if that is longer."""
    schedule = ReportSchedule(Random(1), now=0.0)
    sent: list[float] = []
    while len(sent) < 500:
        now = schedule.deadline
        if schedule.due(now, members=2, senders=2, we_sent=True):
            sent.append(now)
            schedule.sent(100, now, members=2, senders=2, we_sent=True)

    assert sent[0] <= 3.75 / (math.e - 1.5)
    assert sent[-1] / len(sent) == pytest.approx(5.0, rel=0.05)


def test_nothing_is_due_before_the_deadline() -> None:
    schedule = ReportSchedule(Random(1), now=0.0)
    deadline = schedule.deadline

    assert not schedule.due(deadline - 0.001, members=2, senders=1, we_sent=True)
    assert schedule.deadline == deadline
