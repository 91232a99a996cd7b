"""The thread that runs a driver: it calls the task when it asked to be called, or at once when something happened."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from hw import DeviceError

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""After a fault, the next attempt."""


class Task(Protocol):
    """What a driver does, told the time."""

    def run(self, now: float) -> float | None:
        """Do what is due; returns when to be called next (monotonic seconds), None: when woken. Raises DeviceError."""
        ...


class Worker:
    """Runs one task in a thread of its own until closed."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._woken = threading.Event()
        self._closing = False
        self._task: Task | None = None
        self._asleep = False
        self._faulty = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self, task: Task, *, asleep: bool = False) -> None:
        """Begin: run the task at once; `asleep`: not before it is woken."""
        self._task = task
        self._asleep = asleep
        self._thread.start()

    def wake(self) -> None:
        """Have the task run now. Any thread may call this."""
        self._woken.set()

    def close(self) -> None:
        """End; returns when the task is not running any more."""
        self._closing = True
        self._woken.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)

    def _work(self) -> None:
        if self._asleep:
            self._woken.wait()
            self._woken.clear()
        while not self._closing:
            due = self._run(self._clock())
            self._woken.wait(None if due is None else max(0.0, due - self._clock()))
            self._woken.clear()

    def _run(self, now: float) -> float | None:
        assert self._task is not None
        try:
            due = self._task.run(now)
        except DeviceError as fault:
            if not self._faulty:
                log.warning("%s: %s; trying on", self._thread.name, fault)
            self._faulty = True
            return now + RETRY_S
        if self._faulty:
            log.info("%s: works again", self._thread.name)
        self._faulty = False
        return due
