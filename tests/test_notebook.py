"""When the memory is written down."""

from __future__ import annotations

from itertools import pairwise

from firmware.phone.events import KeyPressed
from firmware.station.memory_codec import decode, encode
from firmware.station.notebook import SELDOM_S, SETTLE_S, SLOWLY_S, Notebook
from tests.support.desk_phone import DeskPhone
from tests.support.world import wall


class Desk:
    """A phone with a notebook, and how often it was written."""

    def __init__(self) -> None:
        self.phone = DeskPhone()
        phone = self.phone.phone
        self.notebook = Notebook(
            lambda: phone.memory_mark,
            lambda now: encode(phone.memory(now, wall(now).timestamp())),
            self.phone.now,
            urgent_mark=lambda: phone.erasures,
        )
        self.written: list[tuple[float, int | None]] = []
        """When, and the ringer's volume in it."""

    def louder(self) -> None:
        self.phone.give(KeyPressed("volume-up"))
        self.notebook.look(self.phone.now)

    def softer(self) -> None:
        self.phone.give(KeyPressed("volume-down"))
        self.notebook.look(self.phone.now)

    def miss(self, call: str) -> None:
        self.phone.arrive(call)
        self.phone.end(call, 487)
        self.notebook.look(self.phone.now)

    def wait(self, seconds: float) -> None:
        until = self.phone.now + seconds
        while (due := self.notebook.next_deadline()) is not None and due <= until:
            self.phone.wait(due - self.phone.now)
            self.notebook.write(self.phone.now)
            self.collect()
        self.phone.wait(until - self.phone.now)

    def collect(self) -> None:
        octets = self.notebook.drain()
        if octets is not None:
            self.written.append((self.phone.now, decode(octets).ringer_volume))


def test_what_a_person_had_erased_is_gone_from_the_disk_at_once() -> None:
    desk = Desk()
    desk.miss("a")
    desk.wait(SETTLE_S)
    desk.louder()
    assert len(desk.written) == 1

    desk.phone.press("down", "back")
    desk.phone.give(KeyPressed("*"))
    desk.phone.wait(1.0)
    desk.phone.press("4", "#")
    desk.notebook.look(desk.phone.now)

    octets = desk.notebook.drain()
    assert octets is not None
    assert decode(octets).history == ()
    assert desk.notebook.next_deadline() is None


def test_nothing_new_is_never_written() -> None:
    desk = Desk()

    desk.wait(10_000)
    desk.notebook.close(desk.phone.now)
    desk.collect()

    assert desk.written == []


def test_a_change_is_written_when_it_has_settled() -> None:
    desk = Desk()
    began = desk.phone.now

    desk.softer()
    desk.wait(1.0)
    desk.softer()
    desk.wait(5.0)

    assert desk.written == [(began + SETTLE_S, 5)]


def test_what_changes_without_end_is_written_seldom() -> None:
    desk = Desk()

    for number in range(600):
        desk.miss(f"in{number}")
        desk.wait(1.0)

    assert len(desk.written) == 600 / SELDOM_S
    times = [at for at, _ in desk.written]
    assert min(after - before for before, after in pairwise(times)) >= SELDOM_S


def test_what_changed_back_is_not_written() -> None:
    desk = Desk()

    desk.softer()
    desk.louder()
    desk.wait(100)

    assert desk.written == []


def test_the_end_writes_at_once() -> None:
    desk = Desk()
    desk.softer()
    desk.wait(10)
    desk.softer()

    desk.notebook.close(desk.phone.now)
    desk.collect()

    assert [volume for _, volume in desk.written] == [6, 5]


def test_what_changes_all_day_is_written_now_and_then() -> None:
    """For how long a registration holds: every refresh would wear the card, and none is missed at the end."""
    mark, slow_mark, now = 0, 0, 1000.0
    book = Notebook(lambda: mark, lambda now: b"%d %d" % (mark, slow_mark), now, slow_mark=lambda: slow_mark)
    for _ in range(10):
        slow_mark += 1
        book.look(now)
        now += 60.0
    assert book.next_deadline() == 1000.0 + SLOWLY_S

    mark += 1
    book.look(now)
    assert book.next_deadline() == now + SETTLE_S
    book.write(now + SETTLE_S)
    assert book.drain() == b"1 10"
    assert book.next_deadline() is None
    slow_mark += 1
    book.close(now + 3.0)
    assert book.drain() == b"1 11"
