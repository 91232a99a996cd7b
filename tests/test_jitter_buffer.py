"""The jitter buffer against seeded networks; the figures to compare with are those of the design's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.jitter_buffer import CAPACITY, JitterBuffer
from firmware.rtp.pieces import Kind, Piece

PCMA = 8
Delay = Callable[[Random, float], float]
"""Seconds a packet takes that is sent at a time."""


def packet(buffer: JitterBuffer, index: int, now: float, *, samples: int = 160, timestamp: int | None = None) -> None:
    """Put in the packet `index` of a stream whose every octet is the index."""
    at = index * samples if timestamp is None else timestamp
    buffer.put(PCMA, index, at & 0xFFFFFFFF, bytes([index & 0xFF]) * samples, samples, False, now)


def heard(pieces: list[Piece]) -> list[tuple[str, int]]:
    return [(piece.kind.value, piece.samples) for piece in pieces]


def started(packets: int = 1) -> JitterBuffer:
    """A buffer with packets 0.. at hand, all come at 0, and the first about to be played at 0.02."""
    buffer = JitterBuffer()
    for index in range(packets):
        packet(buffer, index, index * 0.02)
    return buffer


@dataclass
class Run:
    """What a simulated stream came to."""

    buffer: JitterBuffer
    late_percent: float = 0.0
    delay_ms: float = 0.0
    kinds: dict[Kind, int] = field(default_factory=dict)
    """Samples of each."""


def simulate(
    delay: Delay, *, packets: int = 15000, drift: float = 0.0, loss: float = 0.0, ptime_ms: int = 20,
    period_ms: int = 20, percentile: float = 0.97, seed: int = 3550,
) -> Run:  # fmt: skip
    """Play a stream of packets that each take `delay`; the sender's clock is off by `drift`."""
    random = Random(seed)
    buffer = JitterBuffer(percentile=percentile)
    arrivals = []
    for index in range(packets):
        sent = (index + 1) * ptime_ms / 1000 * (1 + drift)
        if random.random() >= loss:
            arrivals.append((sent + delay(random, sent), index))
    arrivals.sort(reverse=True)
    run, delays = Run(buffer), 0.0
    periods = packets * ptime_ms // period_ms
    for tick in range(periods):
        now = tick * period_ms / 1000 + 0.007
        while arrivals and arrivals[-1][0] <= now:
            at, index = arrivals.pop()
            packet(buffer, index, at, samples=ptime_ms * 8)
        pieces = buffer.get(now, period_ms * 8)
        assert sum(piece.samples for piece in pieces) == period_ms * 8
        delays += buffer.delay_ms
        for piece in pieces:
            run.kinds[piece.kind] = run.kinds.get(piece.kind, 0) + piece.samples
    run.late_percent = 100 * buffer.late / packets
    run.delay_ms = delays / periods
    return run


def lan(random: Random, sent: float) -> float:
    return 0.001 + abs(random.gauss(0, 0.0005))


class WirelessSpikes:
    """A few milliseconds, and now and then nothing for some tens, then all at once."""

    def __init__(self) -> None:
        self._until = 0.0

    def __call__(self, random: Random, sent: float) -> float:
        if sent >= self._until and random.random() < 0.004:
            self._until = sent + 0.04 + random.expovariate(1 / 0.06)
        return max(0.004 + random.expovariate(1 / 0.003), self._until + 0.002 - sent)


class Queueing:
    """A link shared with bursts: a queue that fills and drains."""

    def __init__(self) -> None:
        self._queue = 0.0

    def __call__(self, random: Random, sent: float) -> float:
        burst = 0.05 if random.random() < 0.1 else random.expovariate(1 / 0.0135)
        self._queue = max(0.0, self._queue + burst - 0.02)
        return 0.02 + self._queue


# --- against networks ---


def test_on_a_lan_nothing_is_late_and_little_is_added() -> None:
    """Design: 0 % late, 5 ms; with whole frames up to a period."""
    run = simulate(lan)

    assert run.late_percent == 0
    assert run.delay_ms < 10
    assert run.buffer.inserted == run.buffer.left_out == 0


@pytest.mark.parametrize(("percentile", "late", "delay"), [(0.97, 1.6, 60), (0.99, 1.0, 110)])
def test_wireless_spikes_cost_what_the_percentile_says(percentile: float, late: float, delay: float) -> None:
    """Design: 1.55 % late with 37 ms at the 97th percentile, 0.67 % with 72 ms at the 99th; fixed 60 ms: 1.34 %.

    This network is not the design's, only of its kind (fixed 60 ms loses 1.06 %). Over six seeds it gave 1.05 to
    1.33 % with 41 to 49 ms, and 0.65 to 0.83 % with 69 to 101 ms; the bounds leave some room above.
    """
    run = simulate(WirelessSpikes(), percentile=percentile)

    assert run.late_percent < late
    assert run.delay_ms < delay


def test_a_queueing_link_is_followed() -> None:
    """Design: 1.33 % late with 150 ms where fixed 60 ms loses 12.9 %; this link is harder, fixed 60 ms loses 27 %."""
    run = simulate(Queueing())

    assert run.late_percent < 3
    assert 60 < run.delay_ms < 260


def test_a_higher_percentile_trades_delay_for_loss() -> None:
    low, high = (simulate(Queueing(), percentile=percentile) for percentile in (0.97, 0.99))

    assert high.late_percent < low.late_percent
    assert high.delay_ms > low.delay_ms


def test_lost_packets_are_told_as_lost_and_do_not_change_the_delay() -> None:
    run = simulate(lan, loss=0.05, packets=5000)

    assert run.kinds[Kind.LOST] / sum(run.kinds.values()) == pytest.approx(0.05, abs=0.01)
    assert run.delay_ms < 10
    assert run.buffer.late == 0


@pytest.mark.parametrize("drift", [5e-4, -5e-4, 1e-4, -1e-4])
def test_the_drift_of_the_clocks_is_absorbed(drift: float) -> None:
    """500 ppm over five minutes are 150 ms: seven or eight periods."""
    run = simulate(lan, drift=drift)

    corrections = run.buffer.inserted if drift > 0 else run.buffer.left_out
    assert corrections == pytest.approx(abs(drift) * 300 / 0.02, abs=1.5)
    assert run.buffer.late == 0
    assert run.delay_ms < 45


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("period_ms", [10, 20])
def test_frames_of_any_length_fill_periods_of_any_length(ptime_ms: int, period_ms: int) -> None:
    run = simulate(lan, ptime_ms=ptime_ms, period_ms=period_ms, packets=1000)

    assert run.buffer.late == 0
    assert Kind.LOST not in run.kinds
    assert run.kinds[Kind.SPEECH] >= (1000 - 3) * ptime_ms * 8
    assert run.delay_ms < 2 * max(period_ms, ptime_ms)


def test_a_path_that_becomes_slower_for_good_is_taken_anew() -> None:
    run = simulate(lambda random, sent: lan(random, sent) + (0.3 if sent > 20 else 0), packets=3000)

    assert run.buffer.late < 25
    assert run.delay_ms < 60


def test_a_path_that_becomes_faster_gives_its_delay_back() -> None:
    run = simulate(lambda random, sent: lan(random, sent) + (0.3 if sent < 20 else 0), packets=3000)

    assert run.delay_ms < 30
    assert run.buffer.late < 25


def test_a_stall_of_two_seconds_is_not_carried_on_as_delay() -> None:
    run = simulate(lambda random, sent: max(0.01, 22 - sent) if 20 < sent < 22 else 0.01, packets=3000)

    assert run.buffer.delay_ms < 60
    assert run.delay_ms < 150


# --- one packet at a time ---


def test_nothing_is_played_before_the_first_packet() -> None:
    assert heard(JitterBuffer().get(1.0, 160)) == [("nothing", 160)]


def test_the_first_packet_waits_for_the_wanted_delay() -> None:
    buffer = started()

    assert heard(buffer.get(0.001, 160)) == [("nothing", 160)]
    assert heard(buffer.get(0.021, 160)) == [("speech", 160)]


def test_packets_are_played_in_order_though_they_came_out_of_order() -> None:
    buffer = started()
    played = buffer.get(0.025, 160)
    packet(buffer, 2, 0.041)
    packet(buffer, 1, 0.042)
    played += buffer.get(0.045, 160) + buffer.get(0.065, 160)

    assert [piece.payload[:1] for piece in played] == [b"\0", b"\1", b"\2"]


def test_a_duplicate_is_dropped_and_counted() -> None:
    buffer = started()
    packet(buffer, 0, 0.001)

    assert buffer.duplicates == 1
    assert len(buffer) == 1


def test_a_packet_after_its_time_is_dropped_and_counted() -> None:
    buffer = started(3)
    buffer.get(0.06, 160)
    packet(buffer, 4, 0.08)
    buffer.get(0.08, 160)
    buffer.get(0.10, 160)
    buffer.get(0.12, 160)
    packet(buffer, 3, 0.13)

    assert buffer.late == 1


def test_a_missing_packet_between_two_is_lost() -> None:
    buffer = started()
    played = buffer.get(0.021, 160)
    packet(buffer, 2, 0.040)
    played += buffer.get(0.041, 160) + buffer.get(0.061, 160)

    assert [piece.kind for piece in played] == [Kind.SPEECH, Kind.LOST, Kind.SPEECH]


def test_silence_suppressed_by_the_sender_is_no_loss() -> None:
    """The sequence numbers go on where the timestamps leave a gap (RFC 3551 §4.1)."""
    buffer = started(2)
    buffer.get(0.021, 160)
    packet(buffer, 2, 0.08, timestamp=640)
    kinds = [buffer.get(0.041 + 0.02 * tick, 160)[0].kind for tick in range(4)]

    assert kinds == [Kind.SPEECH, Kind.NOTHING, Kind.NOTHING, Kind.SPEECH]


def test_an_empty_buffer_is_loss_for_100_ms_then_silence() -> None:
    buffer = started()
    buffer.get(0.021, 160)

    kinds = [buffer.get(0.041 + 0.02 * tick, 160)[0].kind for tick in range(8)]

    assert kinds == [Kind.LOST] * 5 + [Kind.NOTHING] * 3


def test_speech_after_silence_begins_a_talkspurt() -> None:
    buffer = started()
    for tick in range(50):
        buffer.get(0.021 + 0.02 * tick, 160)
    packet(buffer, 60, 1.2)
    packet(buffer, 61, 1.22)

    assert heard(buffer.get(1.221, 160)) == [("speech", 160)]
    assert buffer.delay_ms < 40


def test_long_packets_are_cut_and_short_ones_joined_to_the_period() -> None:
    buffer = JitterBuffer()
    packet(buffer, 0, 0.0, samples=480)
    pieces = [buffer.get(0.021, 320)]
    packet(buffer, 1, 0.06, samples=480)
    pieces += [buffer.get(0.061, 320), buffer.get(0.101, 320)]

    assert [sum(p.samples for p in group) for group in pieces] == [320, 320, 320]
    assert b"".join(p.payload for group in pieces for p in group) == b"\0" * 480 + b"\1" * 480


def test_a_frame_codecs_packet_is_never_cut() -> None:
    """`samples` 0: the timestamps tell its length."""
    buffer = JitterBuffer(clock_rate_hz=48000)
    for index in range(5):
        buffer.put(96, index, index * 1920, bytes([index]) * 50, 0, False, index * 0.04)

    pieces = buffer.get(0.161, 960) + buffer.get(0.201, 960)

    assert [(p.samples, len(p.payload)) for p in pieces if p.kind is Kind.SPEECH] == [(1920, 50), (1920, 50)]


def test_a_restart_of_the_timestamps_is_followed_at_the_second_packet() -> None:
    buffer = started(3)
    buffer.get(0.041, 160)
    packet(buffer, 3, 0.06, timestamp=3_000_000_000)
    packet(buffer, 4, 0.08, timestamp=3_000_000_160)

    assert buffer.resynchronised == 1
    assert heard(buffer.get(0.11, 160)) == [("speech", 160)]


def test_a_single_packet_out_of_time_is_ignored() -> None:
    buffer = started(3)
    packet(buffer, 3, 0.06, timestamp=3_000_000_000)
    packet(buffer, 4, 0.08)

    assert buffer.resynchronised == 0
    assert len(buffer) == 4


def test_a_talkspurts_marker_makes_one_packet_enough() -> None:
    buffer = started(3)
    buffer.put(PCMA, 3, 3_000_000_000, bytes(160), 160, True, 0.06)

    assert buffer.resynchronised == 1
    assert len(buffer) == 1


def test_the_timestamp_may_wrap() -> None:
    buffer = JitterBuffer()
    kinds = []
    for index in range(10):
        packet(buffer, index, index * 0.02, timestamp=2**32 - 800 + index * 160)
        kinds.append(buffer.get(index * 0.02 + 0.015, 160)[0].kind)

    assert kinds == [Kind.SPEECH] * 10
    assert buffer.resynchronised == buffer.late == 0


def test_a_buffer_that_nobody_empties_keeps_the_newest() -> None:
    buffer = started(1000)

    assert len(buffer) == CAPACITY
    assert buffer.overflows == 900
    assert buffer.get(19.981, 160)[0].payload[:1] == bytes([998 & 0xFF])


def test_a_listener_who_comes_back_is_not_kept_in_the_past() -> None:
    buffer = JitterBuffer()
    for index in range(3000):
        packet(buffer, index, index * 0.02)
        if index < 100 or index > 2900:
            buffer.get(index * 0.02 + 0.006, 160)

    assert buffer.delay_ms < 60


def test_a_reset_begins_anew_with_another_clock() -> None:
    buffer = started(3)
    buffer.reset(16000)
    buffer.put(97, 9, 77, bytes(320), 320, True, 5.0)

    assert len(buffer) == 1
    assert heard(buffer.get(5.03, 320)) == [("speech", 320)]


def test_quiet_moments_are_used_to_correct_the_delay() -> None:
    """Too long by some 40 ms after the fast path is found: corrected at once in silence, later in speech."""

    def corrected_at(quiet: bool) -> int:
        buffer = JitterBuffer()
        for index in range(200):
            packet(buffer, index, index * 0.02 + (0.08 if index < 20 else 0.0))
            if index >= 2:
                buffer.get(index * 0.02 + 0.0995, 160, quiet=quiet)
            if buffer.left_out:
                return index
        return 200

    assert corrected_at(quiet=True) < corrected_at(quiet=False) < 200


STEPS = st.tuples(
    st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 400), st.booleans(), st.floats(0, 0.5),
    st.sampled_from([80, 160, 320]),
)  # fmt: skip


@given(st.lists(STEPS, max_size=60))
def test_whatever_comes_each_period_is_filled_and_memory_is_bounded(
    steps: list[tuple[int, int, int, bool, float, int]],
) -> None:
    buffer = JitterBuffer()
    now = 0.0
    for sequence, timestamp, octets, marker, wait, samples in steps:
        buffer.put(PCMA, sequence, timestamp, bytes(octets), octets, marker, now)
        now += wait
        total = sum(piece.samples for piece in buffer.get(now, samples))
        assert total >= samples
        assert len(buffer) <= CAPACITY


@given(st.permutations(range(12)), st.sampled_from([80, 160, 320]))
def test_any_order_of_arrival_within_the_delay_plays_every_octet(order: list[int], samples: int) -> None:
    buffer = JitterBuffer()
    for index in order:
        packet(buffer, index, 0.0)
    speech = b""
    for tick in range(40):
        speech += b"".join(p.payload for p in buffer.get(0.01 + tick * samples / 8000, samples))

    assert list(speech) == sorted(speech)
    assert len(speech) <= 12 * 160
