"""Symmetric RTP and its guard against injected packets: RFC 4961."""

from __future__ import annotations

import pytest

from firmware.rtp.latch import RUN, SILENCE, Latch

SIGNALLED = ("192.0.2.9", 4000)
TRANSLATED = ("198.51.100.7", 31000)
STRANGER = ("203.0.113.66", 5)


def offer(latch: Latch, source: tuple[str, int], count: int, *, now: float = 1.0, ssrc: int = 7, first: int = 0) -> int:
    """Packets in sequence from a source; how many were accepted."""
    return sum(latch.accepts(source, ssrc, (first + index) & 0xFFFF, now) for index in range(count))


def test_the_signalled_address_is_the_far_end_from_the_first_packet() -> None:
    assert offer(Latch(SIGNALLED), SIGNALLED, 3) == 3


def test_a_run_from_another_address_moves_there_when_the_signalled_one_is_silent() -> None:
    latch = Latch(SIGNALLED)

    assert offer(latch, TRANSLATED, RUN + 2, first=65534) == 3
    assert latch.address == TRANSLATED
    assert latch.signalled == SIGNALLED


def test_a_shorter_run_moves_nothing() -> None:
    latch = Latch(SIGNALLED)

    assert offer(latch, TRANSLATED, RUN - 1) == 0
    assert latch.address == SIGNALLED


@pytest.mark.parametrize("fault", ["gap", "other SSRC", "other port"])
def test_a_run_must_be_one_source_in_sequence(fault: str) -> None:
    latch = Latch(SIGNALLED)
    offer(latch, TRANSLATED, RUN - 1)

    source = (TRANSLATED[0], TRANSLATED[1] + 1) if fault == "other port" else TRANSLATED
    sequence = RUN + 50 if fault == "gap" else RUN - 1
    accepted = latch.accepts(source, 8 if fault == "other SSRC" else 7, sequence, 1.0)

    assert not accepted
    assert latch.address == SIGNALLED


def test_nobody_takes_a_stream_over_while_it_flows() -> None:
    """Injection: packets from elsewhere are never played, however many."""
    latch = Latch(SIGNALLED)
    for index in range(200):
        assert latch.accepts(SIGNALLED, 7, index, index * 0.02)
        assert not latch.accepts(STRANGER, 9, index, index * 0.02 + 0.01)


def test_once_moved_the_stream_is_locked_to_the_new_address() -> None:
    latch = Latch(SIGNALLED)
    offer(latch, TRANSLATED, RUN, now=1.0)

    assert offer(latch, STRANGER, 50, now=1.0 + SILENCE - 0.1) == 0
    assert latch.address == TRANSLATED


def test_after_seconds_of_silence_another_address_may_be_learnt() -> None:
    latch = Latch(SIGNALLED)
    offer(latch, SIGNALLED, 5, now=1.0)

    assert offer(latch, TRANSLATED, RUN, now=1.0 + SILENCE) == 1


def test_the_signalled_address_takes_its_stream_back_after_a_run() -> None:
    """Whoever was first to inject into a stream that had not begun loses it when the far end speaks."""
    latch = Latch(SIGNALLED)
    offer(latch, STRANGER, RUN, now=1.0)

    assert offer(latch, SIGNALLED, RUN, now=1.1) == 1
    assert latch.address == SIGNALLED
    assert offer(latch, STRANGER, 50, now=1.2, first=RUN) == 0


def test_a_run_may_have_lost_or_swapped_packets() -> None:
    """A translated far end on a bad link is heard too."""
    latch = Latch(SIGNALLED)

    accepted = [latch.accepts(TRANSLATED, 7, sequence, 0.02 * sequence) for sequence in (1, 0, 3, 2, 7, 6, 9, 11)]

    assert accepted.index(True) == 7
    assert latch.address == TRANSLATED
