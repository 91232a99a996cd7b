"""The thread that runs a driver."""

from __future__ import annotations

import logging

import pytest

from hw import DeviceError
from hw.pi.worker import Worker
from tests.support.hands import wait_until


class Counting:
    """A task that counts its runs, and fails as often as it is told to."""

    def __init__(self, due: float | None = None, faults: int = 0) -> None:
        self.runs = 0
        self.at: list[float] = []
        self._due = due
        self._faults = faults

    def run(self, now: float) -> float | None:
        self.runs += 1
        self.at.append(now)
        if self.runs <= self._faults:
            raise DeviceError("it is loose")
        return None if self._due is None else now + self._due


def test_a_task_that_wants_nothing_is_left_alone_until_it_is_woken() -> None:
    task, worker = Counting(), Worker("test")
    worker.start(task)
    assert wait_until(lambda: task.runs == 1)
    assert not wait_until(lambda: task.runs > 1, 0.1)

    worker.wake()

    assert wait_until(lambda: task.runs == 2)
    worker.close()


def test_a_task_that_sleeps_is_not_run_before_it_is_woken() -> None:
    task, worker = Counting(), Worker("test")
    worker.start(task, asleep=True)
    assert not wait_until(lambda: task.runs > 0, 0.1)

    worker.wake()

    assert wait_until(lambda: task.runs == 1)
    worker.close()


def test_a_worker_that_sleeps_may_be_closed() -> None:
    task, worker = Counting(), Worker("test")
    worker.start(task, asleep=True)

    worker.close()

    assert task.runs == 0


def test_a_task_is_called_when_it_asked_to_be() -> None:
    task, worker = Counting(due=0.01), Worker("test")
    worker.start(task)

    assert wait_until(lambda: task.runs == 10)
    worker.close()

    assert task.at[9] - task.at[0] >= 0.09


def test_after_a_fault_it_is_tried_again_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    task, worker = Counting(faults=2), Worker("panel")
    worker.start(task)

    assert wait_until(lambda: task.runs == 1)
    worker.wake()
    assert wait_until(lambda: task.runs == 3)
    assert wait_until(lambda: "works again" in caplog.text)
    worker.close()

    assert caplog.text.count("it is loose") == 1


def test_a_closed_worker_runs_nothing_any_more() -> None:
    task, worker = Counting(due=0.001), Worker("test")
    worker.start(task)
    assert wait_until(lambda: task.runs > 3)

    worker.close()
    runs = task.runs

    assert not wait_until(lambda: task.runs > runs, 0.05)
    worker.close()


def test_one_that_was_never_started_may_be_closed() -> None:
    Worker("test").close()
