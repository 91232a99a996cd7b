"""The E-model (ITU-T G.107), simplified."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.media.quality import LossCount, LossWindow, mos


def test_a_perfect_call_has_the_default_rating() -> None:
    """G.107: R = 93.2 with every parameter at its default is a MOS of 4.41."""
    assert mos(0.0, 0.0) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("delay_ms", "loss", "expected"),
    [
        # R = 93.2 - 2.4 = 90.8; 93.2 - 7.297 = 85.903; 93.2 - 34.097 = 59.103
        *((100, 0, 4.36), (200, 0, 4.23), (400, 0, 3.05)),
        # R = 93.2 - 475 / 30.1 = 77.42; 93.2 - 1900 / 45.1 = 51.07
        *((0, 5, 3.92), (0, 20, 2.63)),
    ],
)
def test_delay_and_loss(delay_ms: float, loss: float, expected: float) -> None:
    """By hand: Id = 0.024 d + 0.11 (d - 177.3), Ie,eff = 95 P / (P + 25.1), then annex B's cubic."""
    assert mos(delay_ms, loss) == pytest.approx(expected, abs=0.01)


@given(st.floats(0, 10_000), st.floats(0, 100))
def test_within_its_scale(delay_ms: float, loss: float) -> None:
    assert 1.0 <= mos(delay_ms, loss) <= 4.5


@given(st.floats(0, 600), st.floats(0, 50), st.floats(0, 600), st.floats(0, 50))
def test_worse_is_never_better(delay_ms: float, loss: float, more_delay: float, more_loss: float) -> None:
    # Below R = 6.5 the cubic of annex B bends; the scale's end hides it.
    assert mos(delay_ms + more_delay, loss + more_loss) <= mos(delay_ms, loss) + 0.01


def test_no_packets_no_loss() -> None:
    window = LossWindow()
    window.add(LossCount(0, 0, 0))

    assert window.lost_percent == window.missed_percent == 0.0


def test_late_packets_are_missed_but_not_lost() -> None:
    window = LossWindow()
    window.add(LossCount(expected=50, lost=1, late=4))

    assert window.lost_percent == pytest.approx(2.0)
    assert window.missed_percent == pytest.approx(10.0)


def test_a_bad_second_is_forgotten_after_five() -> None:
    window = LossWindow()
    seen = []
    for second in range(1, 9):
        window.add(LossCount(expected=50 * second, lost=25 if second >= 2 else 0, late=0))
        seen.append(window.lost_percent)

    assert seen[0] == 0.0
    assert seen[1] == pytest.approx(25.0)
    assert seen[5] == pytest.approx(10.0)
    assert seen[6:] == [0.0, 0.0]


def test_a_new_source_counts_from_nothing() -> None:
    window = LossWindow()
    window.add(LossCount(expected=1000, lost=100, late=0))
    window.add(LossCount(expected=50, lost=5, late=0))

    assert window.lost_percent == pytest.approx(10.0)


def test_duplicates_never_make_loss_negative() -> None:
    window = LossWindow()
    window.add(LossCount(50, 5, 0))
    window.add(LossCount(100, 0, 0))
    for _ in range(4):
        window.add(LossCount(100, 0, 0))

    assert window.lost_percent == 0.0
