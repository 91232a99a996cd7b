"""One contact: bounce removed, no press lost, none invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.debounce import Debounce, Settled

SCAN = 0.01


def settled(debounce: Debounce, edges: list[tuple[float, bool]], until: float) -> list[Settled]:
    for at, level in edges:
        debounce.receive(level, at)
    debounce.handle_timers(until)
    return debounce.events()


def test_a_clean_press_is_reported_once_it_was_steady_for_the_bounce_time() -> None:
    debounce = Debounce(0.02)
    debounce.receive(True, 1.0)

    debounce.handle_timers(1.0199)
    assert debounce.events() == []
    assert debounce.next_deadline() == pytest.approx(1.02)

    debounce.handle_timers(1.02)
    assert debounce.events() == [Settled(True, 1.0)]
    assert debounce.closed
    assert debounce.next_deadline() is None


def test_chatter_shorter_than_the_bounce_time_is_nothing() -> None:
    edges = [(1.0, True), (1.019, False), (1.03, True), (1.049, False)]

    assert settled(Debounce(0.02), edges, 2.0) == []


def test_the_time_counts_from_the_last_chatter() -> None:
    edges = [(1.0, True), (1.005, False), (1.006, True), (1.012, False), (1.013, True)]

    assert settled(Debounce(0.02), edges, 2.0) == [Settled(True, 1.013)]


def test_closing_and_opening_may_take_different_times() -> None:
    debounce = Debounce(0.01, 0.3)

    assert settled(debounce, [(1.0, True)], 1.01) == [Settled(True, 1.0)]
    assert settled(debounce, [(2.0, False)], 2.299) == []
    assert settled(debounce, [], 2.3) == [Settled(False, 2.0)]


def test_a_press_is_not_lost_when_the_timer_is_late() -> None:
    """The contact was steady for the bounce time; that nobody looked meanwhile does not matter."""
    edges = [(1.0, True), (1.021, False)]

    assert settled(Debounce(0.02), edges, 1.1) == [Settled(True, 1.0), Settled(False, 1.021)]


def test_no_bounce_time_believes_at_once() -> None:
    debounce = Debounce(0.0)
    debounce.receive(True, 1.0)

    assert debounce.events() == [Settled(True, 1.0)]


def test_a_contact_may_begin_closed() -> None:
    debounce = Debounce(0.02, closed=True)
    debounce.receive(True, 0.0)

    assert debounce.closed
    assert settled(debounce, [(1.0, False)], 1.02) == [Settled(False, 1.0)]


def test_a_negative_bounce_time_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Debounce(-0.01)


# --- any noise within the stated bounce ---

fractions = st.lists(st.floats(0.01, 0.99), max_size=12, unique=True).map(sorted)


@st.composite
def movements(draw: st.DrawFn) -> tuple[float, list[tuple[float, bool]], list[tuple[float, bool]]]:
    """A bounce time from 10 to 300 ms, noisy edges, and the levels meant: (when settled, level)."""
    bounce = draw(st.floats(0.01, 0.3))
    now, level = 1.0, False
    edges: list[tuple[float, bool]] = []
    meant: list[tuple[float, bool]] = []
    for _ in range(draw(st.integers(1, 8))):
        level = not level
        noise = draw(fractions)
        noise = noise if len(noise) % 2 == 0 else noise[:-1]
        edges.append((now, level))
        edges += [(now + part * bounce, level if n % 2 else not level) for n, part in enumerate(noise)]
        settles = edges[-1][0]
        meant.append((settles, level))
        now = settles + bounce + draw(st.floats(0.026, 1.0))
    return bounce, edges, meant


@given(movements())
def test_with_edges_each_movement_is_reported_once_after_exactly_the_bounce_time(
    case: tuple[float, list[tuple[float, bool]], list[tuple[float, bool]]],
) -> None:
    bounce, edges, meant = case

    found = settled(Debounce(bounce), edges, edges[-1][0] + bounce + 0.001)

    assert [(change.since, change.closed) for change in found] == [(pytest.approx(at), level) for at, level in meant]


@given(movements(), st.floats(0, SCAN))
def test_with_scans_each_movement_is_reported_once_within_the_bounce_and_25_ms(
    case: tuple[float, list[tuple[float, bool]], list[tuple[float, bool]]], phase: float
) -> None:
    bounce, edges, meant = case
    debounce = Debounce(bounce)
    found: list[tuple[float, bool]] = []
    level, waiting, now = False, list(edges), phase
    while now < edges[-1][0] + bounce + 0.03:
        while waiting and waiting[0][0] <= now:
            level = waiting.pop(0)[1]
        debounce.receive(level, now)
        found += [(now, change.closed) for change in debounce.events()]
        now += SCAN

    assert [level for _, level in found] == [level for _, level in meant]
    for (reported, _), (settles, _) in zip(found, meant, strict=True):
        # The last chatter may fall between two scans, so that the contact looks settled a little earlier.
        assert settles - bounce <= reported <= settles + bounce + 0.025


# --- scans ---


def test_a_scan_that_comes_late_invents_no_press() -> None:
    """One scan saw the contact closed, the next, long after, open: nobody knows how long it was closed."""
    debounce = Debounce(0.01)
    debounce.sample(True, 1.0)
    debounce.sample(False, 1.5)

    assert debounce.events() == []
    assert debounce.next_deadline() is None


def test_a_level_still_there_after_the_bounce_time_is_believed_however_late_the_scan() -> None:
    debounce = Debounce(0.01)
    debounce.sample(True, 1.0)
    debounce.sample(True, 1.5)

    assert debounce.events() == [Settled(True, 1.0)]


@given(st.lists(st.floats(0.0, 0.0099), max_size=8).map(sorted), st.floats(0.0, 0.004), st.floats(0.001, 0.004))
def test_scans_find_one_movement_in_any_chatter_that_lasts_no_longer_than_stated(
    chatter: list[float], phase: float, period: float
) -> None:
    debounce = Debounce(0.01)

    for n in range(round(0.1 / period)):
        now = phase + n * period
        moved = sum(at <= now for at in chatter)
        debounce.sample((len(chatter) - moved) % 2 == 0, now)

    assert [change.closed for change in debounce.events()] == [True]
