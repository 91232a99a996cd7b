"""Numbers that wrap: RFC 3550 §5.1, RFC 1982."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.serial import extend_timestamp, sequence_delta, timestamp_delta


@pytest.mark.parametrize(
    ("later", "earlier", "delta"),
    [(1, 0, 1), (0, 1, -1), (0, 65535, 1), (65535, 0, -1), (5, 5, 0), (32767, 0, 32767), (32768, 0, -32768)],
)
def test_the_distance_of_sequence_numbers_is_the_short_way_round(later: int, earlier: int, delta: int) -> None:
    assert sequence_delta(later, earlier) == delta


def test_the_distance_of_timestamps_is_the_short_way_round() -> None:
    assert timestamp_delta(100, 2**32 - 60) == 160
    assert timestamp_delta(2**32 - 60, 100) == -160


@given(st.integers(-(2**50), 2**50), st.integers(-(2**31), 2**31 - 1))
def test_a_timestamp_is_extended_to_the_nearest(near: int, step: int) -> None:
    assert extend_timestamp((near + step) & 0xFFFFFFFF, near) == near + step
