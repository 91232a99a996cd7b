"""Pulses by program, in virtual time: the thread's clock and its sleep are the test's."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from hw.pi.pulse_width import PulseWidth


class Line:
    """A pin whose time passes only when the pulses sleep; after so many moves it is switched off."""

    def __init__(self, moves: int, *, late: float = 0.0, stop_duty: float = 0.0) -> None:
        self.now = 100.0
        self.moves: list[tuple[float, bool]] = []
        self.stopped = threading.Event()
        self._left = moves
        self._late = late
        self._stop_duty = stop_duty
        self.pulse_width = PulseWidth(self.set_level, 200, clock=lambda: self.now, sleep=self.sleep)

    def set_level(self, high: bool) -> None:
        self.moves.append((self.now, high))

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self._late
        self._left -= 1
        if not self._left:
            self.pulse_width.duty = self._stop_duty
            self.stopped.set()

    def pulse(self, duty: float) -> list[tuple[float, bool]]:
        self.pulse_width.duty = duty
        assert self.stopped.wait(10)
        return self.moves[1:-1]


@pytest.mark.parametrize("duty", [0.01, 0.4, 0.99])
def test_each_pulse_is_high_for_its_part_of_the_period(duty: float) -> None:
    moves = Line(100).pulse(duty)

    assert [high for _, high in moves[:4]] == [True, False, True, False]
    highs = [after - at for (at, high), (after, _) in pairwise(moves) if high]
    rises = [at for at, high in moves if high]
    assert highs == pytest.approx([duty / 200] * len(highs), abs=1e-9)
    assert [b - a for a, b in pairwise(rises)] == pytest.approx([1 / 200] * (len(rises) - 1), abs=1e-9)


def test_a_thread_that_wakes_late_keeps_the_frequency() -> None:
    rises = [at for at, high in Line(400, late=0.0007).pulse(0.5) if high]

    assert (rises[-1] - rises[0]) / (len(rises) - 1) == pytest.approx(1 / 200, rel=0.01)


@pytest.mark.parametrize("duty", [0.0, 1.0])
def test_the_ends_are_steady_levels_and_the_last_word(duty: float) -> None:
    line = Line(50, stop_duty=duty)
    line.pulse(0.3)

    assert line.moves[-1][1] is bool(duty)
    assert line.pulse_width.duty == duty
