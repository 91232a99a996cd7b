"""RFC 3261 table 4 and the agenda."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.timers import Agenda, Timers


def test_default_values_are_those_of_table_4() -> None:
    """RFC 3261 table 4."""
    timers = Timers()

    assert (timers.t1, timers.t2, timers.t4) == (0.5, 4.0, 5.0)
    assert timers.timeout == 32.0
    assert timers.timer_d == 32.0


def test_timer_d_is_at_least_32_seconds_whatever_t1_is() -> None:
    """RFC 3261 §17.1.1.2: "an absolute minimum of 32s is used instead of basing Timer D on T1"."""
    assert Timers(t1=0.1).timer_d == 32.0
    assert Timers(t1=1.0).timer_d == 64.0


def test_intervals_double_up_to_t2() -> None:
    """RFC 3261 §17.1.2.2: 500 ms, 1 s, 2 s, 4 s, 4 s, 4 s."""
    timers = Timers()
    intervals = [timers.t1]

    while len(intervals) < 6:
        intervals.append(timers.backed_off(intervals[-1]))

    assert intervals == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_late_trying_is_when_timer_e_is_reset_to_t2() -> None:
    """RFC 4320 §4.1: Timer E fires after 0.5, 1.5 and 3.5 s, and is then reset to T2."""
    assert Timers().late_trying == 3.5
    assert Timers(t1=4.0).late_trying == 0.0


def test_due_keys_come_out_earliest_first_and_once() -> None:
    agenda = Agenda()
    for key, at in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("late", 9.0)):
        agenda.set(key, at)

    assert agenda.pop_due(3.0) == ["a", "b", "c"]
    assert agenda.pop_due(3.0) == []
    assert agenda.next_deadline() == 9.0


def test_equal_times_come_out_in_the_order_they_were_set() -> None:
    agenda = Agenda()
    for key in ("second", "first", object()):
        agenda.set(key, 1.0)

    assert agenda.pop_due(1.0)[:2] == ["second", "first"]


def test_setting_again_moves_and_cancelling_forgets() -> None:
    agenda = Agenda()
    agenda.set("moved", 1.0)
    agenda.set("moved", 5.0)
    agenda.set("gone", 2.0)
    agenda.cancel("gone")
    agenda.cancel("never there")

    assert "gone" not in agenda
    assert len(agenda) == 1
    assert agenda.pop_due(4.0) == []
    assert agenda.next_deadline() == 5.0


def test_nothing_due_means_no_deadline() -> None:
    agenda = Agenda()

    assert agenda.next_deadline() is None
    assert agenda.pop_due(1e9) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 100))), max_size=300))
def test_agenda_is_a_dictionary_of_times(steps: list[tuple[int, int | None]]) -> None:
    """Whatever is set and cancelled, what is due is what a plain dictionary says."""
    agenda, expected = Agenda(), {}
    for key, at in steps:
        if at is None:
            agenda.cancel(key)
            expected.pop(key, None)
        else:
            agenda.set(key, at)
            expected[key] = at

    assert agenda.next_deadline() == min(expected.values(), default=None)
    assert set(agenda.pop_due(50)) == {key for key, at in expected.items() if at <= 50}
    assert len(agenda) == sum(at > 50 for at in expected.values())


@pytest.mark.parametrize("key", ["same", None])
def test_many_settings_leave_few_entries_to_skip(key: str | None) -> None:
    """A key moved a hundred thousand times costs no more than one: the deadline stays the last one set."""
    agenda = Agenda()
    for number in range(100_000):
        agenda.set(key or number % 3, float(number))

    assert agenda.next_deadline() == (99_999.0 if key else 99_997.0)
