"""The set-up page is asked for at the telephone while it is open already: it stays for another quarter of an hour."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware.runtime import kept
from firmware.runtime.set_up import Places, SetUp
from firmware.set_up.course import WINDOW_S


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A telephone that has worked, and is asked for the page."""
    for name in ("data", "boot", "wifi"):
        (tmp_path / name).mkdir()
    for name in (kept.PHONE, kept.WORKED):
        (tmp_path / "data" / name).touch()
    (tmp_path / "data" / kept.PHONE).write_text('[[account]]\naddress = "sip:1001@example.net"\npassword = "x"\n')
    (tmp_path / "boot" / kept.WANTED).write_text("asked\n")
    return Places(tmp_path / "data", tmp_path / "boot", tmp_path / "wifi", "")


def ask(places: Places) -> None:
    """What `offhook-firstboot --ask` leaves; its time is another one for sure."""
    wanted = places.boot / kept.WANTED
    before = wanted.stat().st_mtime_ns
    wanted.write_text("asked\n")
    os.utime(wanted, ns=(before + 1, before + 1))


def stage_after(set_up: SetUp) -> str:
    """Where it is, having looked."""
    set_up.step()
    return set_up.course.stage


def test_a_page_that_nobody_comes_to_is_closed(places: Places) -> None:
    watch = Watch()
    set_up = SetUp(places, watch)

    watch.now += WINDOW_S - 1
    assert stage_after(set_up) == "asking"
    watch.now += 2

    assert stage_after(set_up) == "done"


def test_asked_again_it_is_open_as_long_again(places: Places) -> None:
    watch = Watch()
    set_up = SetUp(places, watch)
    watch.now += WINDOW_S - 1
    set_up.step()

    ask(places)
    set_up.step()
    watch.now += WINDOW_S - 1
    assert stage_after(set_up) == "asking"
    watch.now += 2

    assert stage_after(set_up) == "done"
