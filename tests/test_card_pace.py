"""Telling a card that keeps time from one that gives whatever it is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.card_pace import SLACK_S, CardPace

PERIOD_S, BUFFER_S = 0.01, 0.04


def test_a_card_that_gives_everything_at_once_is_found_out_before_half_a_second_of_sound() -> None:
    pace, periods = CardPace(PERIOD_S, BUFFER_S), 0

    while pace.keeps_time:
        pace.recorded(5.0)
        periods += 1

    assert SLACK_S < periods * PERIOD_S < 0.5


@pytest.mark.parametrize("speed", [1.1, 1.5, 20.0])
def test_a_card_that_runs_too_fast_is_found_out(speed: float) -> None:
    pace = CardPace(PERIOD_S, BUFFER_S)

    for n in range(1000):
        pace.recorded(n * PERIOD_S / speed)

    assert not pace.keeps_time


@pytest.mark.parametrize("speed", [0.99, 1.0, 1.0003])
def test_a_card_of_its_own_crystal_is_trusted_for_hours(speed: float) -> None:
    pace = CardPace(PERIOD_S, BUFFER_S)

    for n in range(360_000):
        pace.recorded(n * PERIOD_S / speed)

    assert pace.keeps_time


@given(st.lists(st.integers(1, 40), max_size=30))
def test_what_a_buffer_held_while_nobody_read_comes_at_once_and_is_trusted(stalls: list[int]) -> None:
    """After a pause of `n` periods, as many as the buffer holds are there."""
    pace, now = CardPace(PERIOD_S, BUFFER_S), 0.0
    held = round(BUFFER_S / PERIOD_S)

    for n in stalls:
        now += n * PERIOD_S
        for _ in range(min(n, held)):
            pace.recorded(now)

    assert pace.keeps_time
