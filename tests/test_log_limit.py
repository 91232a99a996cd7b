"""A flood from the network does not become one of the log."""

from __future__ import annotations

import logging

from firmware.runtime.log_limit import LINES_A_MINUTE, MOST_KINDS, QUIET_S, LineLimit, Overload


class Log:
    """A log with a clock of its own; what passed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.limit = LineLimit(lambda: self.now)

    def write(self, message: str, *arguments: object, level: int = logging.INFO) -> None:
        record = logging.LogRecord("offhook", level, "", 0, message, arguments, None)
        if self.limit.filter(record):
            self.lines.append(record.getMessage())


def test_so_many_lines_of_a_kind_a_minute() -> None:
    log = Log()
    for n in range(1000):
        log.write("call %s refused", n)
    log.write("something else")

    assert log.lines[:-1] == [f"call {n} refused" for n in range(LINES_A_MINUTE)]
    assert log.lines[-1] == "something else"


def test_the_next_minute_says_what_was_left_out() -> None:
    log = Log()
    for n in range(LINES_A_MINUTE + 7):
        log.write("call %s refused", n)
    log.now = 60.0
    log.write("call %s refused", "a")
    log.write("call %s refused", "b")

    assert log.lines[-2:] == ["call a refused (there were 7 more of these)", "call b refused"]


def test_errors_and_asked_for_details_are_always_written() -> None:
    log = Log()
    for _ in range(100):
        log.write("it broke", level=logging.ERROR)
        log.write("a detail", level=logging.DEBUG)

    assert len(log.lines) == 200


def test_kinds_without_number_fill_no_memory() -> None:
    log = Log()
    for n in range(3 * MOST_KINDS):
        log.write(f"kind {n}")

    assert len(log.lines) == 3 * MOST_KINDS


def test_a_flood_is_told_when_it_begins_and_when_it_ends() -> None:
    overload = Overload()

    assert overload.count(0, 1.0) is None
    assert overload.over_at is None
    assert "rate limited" in (overload.count(3, 2.0) or "")
    assert [overload.count(n, 2.0 + n) for n in range(4, 9)] == [None] * 5
    assert overload.over_at == 10.0 + QUIET_S
    assert overload.count(8, 19.9) is None
    assert "8 were refused" in (overload.count(8, 20.0) or "")
    assert overload.count(8, 99.0) is None
    assert "rate limited" in (overload.count(9, 100.0) or "")
    assert "1 were refused" in (overload.count(9, 110.0) or "")
