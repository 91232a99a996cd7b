"""What the telephone knows again after a restart: the value, and the phone that begins with it."""

from __future__ import annotations

from firmware.phone.events import KeyPressed, SetDoNotDisturb
from firmware.phone.memory import Memory
from firmware.phone.phone import Phone
from tests.support.desk_phone import ACCOUNT, DeskPhone, settings

UNIX = 1_790_000_000.0


def restarted(desk: DeskPhone, *, now: float = 50.0, **changes: object) -> DeskPhone:
    """Another phone that begins with what `desk` knew; its monotonic clock starts anew."""
    memory = desk.phone.memory(desk.now, UNIX)
    fresh = DeskPhone(**changes)
    fresh.now = now
    fresh.phone = Phone(settings(**changes), now, memory)
    return fresh


def test_the_call_list_and_the_missed_calls_outlast_a_restart() -> None:
    desk = DeskPhone()
    desk.arrive("in1", "1002", "Anna")
    desk.end("in1", 487)
    desk.wait(600)
    call = desk.talk("1003")
    desk.wait(42)
    desk.end(call)
    desk.replace()
    desk.wait(100)

    fresh = restarted(desk)

    assert fresh.view.missed == 1
    fresh.press("up")
    assert [(line.kind, line.remote.uri, line.remote.name) for line in fresh.view.history] == [
        ("out", "sip:1003@example.net", ""),
        ("missed", "sip:1002@example.net", "Anna"),
    ]
    assert fresh.view.history[0].seconds == 42


def test_a_remembered_call_is_as_old_as_the_clock_on_the_wall_says() -> None:
    """The monotonic clock starts anew with the machine."""
    desk = DeskPhone()
    desk.arrive("in1")
    desk.end("in1", 487)
    desk.wait(600)

    fresh = restarted(desk)
    fresh.press("up")
    [line] = fresh.view.history

    assert abs(line.age(fresh.now, UNIX + 3600) - 4200) < 1


def test_a_remembered_call_keeps_its_date_when_the_clock_is_set_later() -> None:
    """A Raspberry Pi has no clock of its own: the time comes with the network, after the phone has started."""
    desk = DeskPhone()
    desk.arrive("in1")
    desk.end("in1", 487)
    before = desk.phone.memory(desk.now, UNIX).history

    again = restarted(desk).phone.memory(60.0, 1000.0).history

    assert again == before


def test_redial_calls_who_was_called_before_the_restart() -> None:
    desk = DeskPhone()
    call = desk.talk("1003")
    desk.end(call)
    desk.replace()

    fresh = restarted(desk)
    fresh.press("redial")

    assert fresh.placed().to == "sip:1003@example.net"


def test_redial_of_an_account_that_is_gone_calls_from_the_first() -> None:
    desk = DeskPhone()
    memory = Memory(redial="1003", redial_account="sip:gone@example.net")

    desk.phone = Phone(settings(), desk.now, memory)
    desk.press("redial")

    assert desk.placed().account == ACCOUNT


def test_volumes_outlast_a_restart_and_mute_does_not() -> None:
    desk = DeskPhone()
    desk.press("volume-down", "volume-down")
    desk.talk("1002")
    desk.press("volume-up", "mute")

    fresh = restarted(desk)

    assert (fresh.view.ringer_volume, fresh.view.earpiece_volume, fresh.view.muted) == (5, 8, False)
    [levels] = [action for action in fresh.phone.drain() if type(action).__name__ == "SetAudio"]
    assert (levels.ringer_volume, levels.earpiece_volume) == (5, 8)


def test_do_not_disturb_outlasts_a_restart() -> None:
    desk = DeskPhone()
    desk.give(SetDoNotDisturb(True))

    assert restarted(desk).view.do_not_disturb


def test_do_not_disturb_that_was_switched_off_stays_off_whatever_the_configuration_begins_with() -> None:
    desk = DeskPhone(do_not_disturb=True)
    desk.give(SetDoNotDisturb(False))

    assert not restarted(desk, do_not_disturb=True).view.do_not_disturb


def test_a_new_value_in_the_configuration_counts_where_nobody_said_otherwise() -> None:
    assert restarted(DeskPhone(), do_not_disturb=True).view.do_not_disturb


def test_the_mark_changes_with_everything_that_is_remembered_and_with_nothing_else() -> None:
    desk = DeskPhone()
    marks = [desk.phone.memory_mark]

    def changes() -> bool:
        marks.append(desk.phone.memory_mark)
        return marks[-1] != marks[-2]

    desk.lift()
    assert not changes()
    call = desk.dial("1002")
    assert changes(), "redial"
    desk.confirm(call)
    assert not changes()
    desk.end(call)
    assert changes(), "the call list"
    desk.replace()
    desk.wait(30)
    assert not changes()
    desk.give(KeyPressed("volume-up"))
    assert changes(), "a volume"
    desk.give(SetDoNotDisturb(True))
    assert changes(), "do-not-disturb"
    desk.press("up")
    assert not changes(), "there was no missed call to look at"
    desk.press("back")
    desk.arrive("in1")
    assert changes(), "a refused call is missed"
    desk.press("up")
    assert changes(), "the missed call was looked at"
