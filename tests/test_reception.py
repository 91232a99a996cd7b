"""Sequence validity, loss and jitter of a source: RFC 3550 A.1, A.3, A.8."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.reception import MAXIMUM_DROPOUT, MAXIMUM_MISORDER, Reception


def source(first: int = 100) -> Reception:
    """A source that two packets, `first` - 1 and `first`, have proved."""
    reception = Reception(0xCAFE, first - 1 & 0xFFFF)
    assert reception.update(first - 1 & 0xFFFF) is None
    assert reception.update(first) == first
    return reception


def heard(reception: Reception, *sequences: int) -> list[int | None]:
    return [reception.update(sequence & 0xFFFF) for sequence in sequences]


# --- A.1 ---


def test_a_source_is_valid_after_two_packets_in_sequence() -> None:
    reception = Reception(1, 10)

    assert heard(reception, 10, 40, 41) == [None, None, 41]
    assert reception.valid
    assert reception.received == 1


@pytest.mark.parametrize(
    ("came", "believed_from"),
    [((0, 2, 4, 6, 8), 2), ((1, 0, 3, 2, 5), 3), ((65535, 65534, 1, 0, 3), 1), ((0, 5, 9, 11), 5)],
)
def test_a_link_that_loses_or_swaps_every_second_packet_is_heard(came: tuple[int, ...], believed_from: int) -> None:
    """A.1 in full would wait for ever, and the call be silent: what is nearly in sequence proves a source as well."""
    reception = Reception(1, came[0])

    believed = [sequence for sequence in heard(reception, *came) if sequence is not None]

    assert believed[0] == believed_from
    assert len(believed) == len(came) - came.index(believed_from)


def test_chance_numbers_prove_nothing() -> None:
    reception = Reception(1, 10)

    assert heard(reception, 10, 5000, 11, 40000, 60000, 100, 10, 5000) == [None] * 8


def test_sequence_numbers_are_extended_over_the_wrap() -> None:
    reception = source(65534)

    assert heard(reception, 65535, 0, 1) == [65535, 65536, 65537]
    assert reception.highest == 65537


def test_a_packet_from_before_the_wrap_keeps_its_cycle() -> None:
    reception = source(65534)

    assert heard(reception, 0, 65535, 1) == [65536, 65535, 65537]
    assert reception.lost == 0


@pytest.mark.parametrize("step", [1, 2, MAXIMUM_DROPOUT - 1])
def test_a_gap_within_the_dropout_is_believed(step: int) -> None:
    assert source(100).update(100 + step) == 100 + step


@pytest.mark.parametrize("step", [MAXIMUM_DROPOUT, 30000, 65536 - MAXIMUM_MISORDER])
def test_a_large_jump_is_not_believed(step: int) -> None:
    assert source(100).update((100 + step) & 0xFFFF) is None


def test_two_packets_in_sequence_after_a_jump_are_a_restart() -> None:
    """A.1: the statistics begin anew."""
    reception = source(100)
    heard(reception, 101, 105)

    assert heard(reception, 40000, 40001, 40002) == [None, 40001, 40002]
    assert reception.expected == reception.received == 2
    assert reception.lost == 0


def test_two_jumps_to_different_places_are_not_a_restart() -> None:
    reception = source(100)

    assert heard(reception, 40000, 20000, 101) == [None, None, 101]


def test_a_reordered_packet_is_believed_and_no_duplicate() -> None:
    reception = source(100)

    assert heard(reception, 102, 101, 103) == [102, 101, 103]
    assert reception.duplicates == 0
    assert reception.lost == 0


def test_duplicates_are_counted() -> None:
    reception = source(100)
    heard(reception, 101, 101, 102, 100, 100)

    assert reception.duplicates == 3


# --- A.3 ---


def test_loss_is_expected_less_received() -> None:
    reception = source(100)
    heard(reception, 101, 104, 105)

    assert (reception.expected, reception.received, reception.lost) == (6, 4, 2)


def test_a_report_tells_the_loss_of_its_interval() -> None:
    """A.3: one of four lost is 64 / 256; the next interval begins from zero."""
    reception = source(100)
    heard(reception, 101, 103)
    first = reception.report(0.0)
    heard(reception, 104, 105)
    second = reception.report(5.0)

    assert (first.fraction_lost, first.lost, first.highest) == (64, 1, 103)
    assert (second.fraction_lost, second.lost, second.highest) == (0, 1, 105)


def test_duplicates_make_the_loss_negative_and_the_fraction_zero() -> None:
    reception = source(100)
    heard(reception, 101, 101, 101)

    report = reception.report(0.0)

    assert report.lost == -2
    assert report.fraction_lost == 0


def test_a_report_without_a_packet_since_the_last_says_no_loss() -> None:
    reception = source(100)
    reception.report(0.0)

    assert reception.report(5.0).fraction_lost == 0


def test_the_report_dates_the_last_sender_report() -> None:
    """§6.4.1: LSR is the middle 32 bits of the NTP timestamp, DLSR in 1/65536 s."""
    reception = source(100)
    before = reception.report(0.0)
    reception.heard_sender_report(0xB44DB705_20000000, 10.0)

    report = reception.report(15.25)

    assert (before.last_sender_report, before.delay_since_sender_report) == (0, 0)
    assert report.last_sender_report == 0xB7052000
    assert report.delay_since_sender_report == 0x00054000


# --- A.8 ---


def test_regular_arrival_has_no_jitter() -> None:
    reception = source()
    for index in range(50):
        reception.arrived(index * 160, 7.0 + index * 0.02, 8000)

    assert reception.jitter_ms == pytest.approx(0.0, abs=0.01)


def test_jitter_gains_a_sixteenth_of_the_difference() -> None:
    """A.8: J += (|D| - J) / 16; 16 ms late once is 1 ms."""
    reception = source()
    reception.arrived(0, 1.0, 8000)
    reception.arrived(160, 1.036, 8000)

    assert reception.jitter_ms == pytest.approx(1.0, abs=0.01)
    assert reception.report(2.0).jitter == 8


def test_jitter_converges_to_the_mean_difference() -> None:
    """Every other packet 4 ms late: successive transits differ by 4 ms."""
    reception = source()
    for index in range(400):
        reception.arrived(index * 160, index * 0.02 + 0.004 * (index % 2), 8000)

    assert reception.jitter_ms == pytest.approx(4.0, abs=0.1)


def test_the_timestamps_wrap_is_no_jitter() -> None:
    reception = source()
    for index in range(10):
        reception.arrived((2**32 - 800 + index * 160) & 0xFFFFFFFF, index * 0.02, 8000)

    assert reception.jitter_ms == pytest.approx(0.0, abs=0.1)


def test_another_clock_rate_begins_anew() -> None:
    reception = source()
    reception.arrived(0, 1.0, 8000)
    reception.arrived(5_000_000, 1.02, 48000)

    assert reception.jitter_ms == 0.0


@given(st.lists(st.integers(0, 65535), max_size=300))
def test_any_run_of_sequence_numbers_is_survived(sequences: list[int]) -> None:
    reception = Reception(1, sequences[0] if sequences else 0)
    for sequence in sequences:
        extended = reception.update(sequence)
        assert extended is None or extended & 0xFFFF == sequence

    report = reception.report(1.0)
    assert 0 <= report.fraction_lost <= 255
    assert -0x800000 <= report.lost <= 0x7FFFFF
