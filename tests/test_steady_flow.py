"""Speech that flows as it should is taken in bulk, and counted as if each packet had come by itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.packet import build
from firmware.rtp.pieces import Kind
from firmware.rtp.session import DigitReceived, Session
from firmware.rtp.statistics import Statistics
from firmware.rtp.steady_flow import LONGEST, MOST, SteadyFlow
from tests.test_rtp_session import REMOTE, STRANGER, session, speech


def flow(*, sequence: int = 5, timestamp: int = 800, waiting: list[bytes] | None = None) -> SteadyFlow:
    return SteadyFlow(REMOTE, 8, sequence, timestamp, 77, samples=160, octets=160, waiting=waiting or [])


def fetch(of: Session, now: float) -> bytes | None:
    """As the voice path does it: a payload; None where none is at hand."""
    payload = of.steady_payload()
    if payload is not None:
        return payload
    pieces = of.playout(now)
    return pieces[0].payload if pieces[0].kind is Kind.SPEECH else None


def converse(packets: list[tuple[float, bytes]], periods: int, *, in_bulk: bool) -> tuple[list[bytes | None], Session]:
    """Packets by their times of arrival, and a period every 20 ms. Not `in_bulk`: each packet is settled at once."""
    made, heard, coming = session(), list[bytes | None](), sorted(packets)
    for period in range(periods):
        now = period * 0.02 + 0.006
        while coming and coming[0][0] <= now:
            at, data = coming.pop(0)
            made.receive(data, REMOTE, at)
            if not in_bulk:
                made.statistics(at)
        heard.append(fetch(made, now))
    return heard, made


def counts(of: Session, now: float) -> Statistics:
    """But for what depends on when the buffer is looked at."""
    return replace(of.statistics(now), playout_delay_ms=0.0, late=0)


def test_the_next_packet_is_taken_and_no_other() -> None:
    following = speech(5)

    assert flow().follow(following, REMOTE, 1.0)
    assert not flow().follow(following, STRANGER, 1.0)
    assert not flow().follow(following[:-1], REMOTE, 1.0)
    assert not flow().follow(speech(6), REMOTE, 1.0)
    assert not flow().follow(speech(5, ssrc=78), REMOTE, 1.0)
    assert not flow().follow(speech(5, marker=True), REMOTE, 1.0)
    assert not flow().follow(build(0, False, 5, 800, 77, bytes(160)), REMOTE, 1.0)


def test_what_waited_is_played_before_what_follows() -> None:
    one = flow(waiting=[b"first"])
    one.follow(speech(5), REMOTE, 1.0)

    assert one.take() == b"first"
    assert one.take() == bytes([5]) * 160
    assert one.take() is None


def test_it_ends_after_so_many_periods_so_that_the_network_is_looked_at() -> None:
    one = flow(waiting=[b"x"] * (LONGEST + 1))

    assert [one.take() for _ in range(LONGEST + 1)] == [b"x"] * LONGEST + [None]


def test_a_burst_that_nobody_fetches_does_not_grow_for_ever() -> None:
    one = flow(sequence=0, timestamp=0)

    taken = sum(one.follow(speech(n), REMOTE, 1.0) for n in range(MOST + 5))

    assert taken == MOST


def test_arrivals_are_told_with_their_numbers() -> None:
    one = flow()
    for n in (5, 6):
        one.follow(speech(n), REMOTE, n / 10)

    assert [(number, timestamp, at) for number, timestamp, _, at in one.arrivals()] == [(5, 800, 0.5), (6, 960, 0.6)]


def test_sequence_and_timestamp_may_wrap() -> None:
    """RFC 3550 §5.1: 16 and 32 bits, from a random beginning."""
    first, stamp = 0xFFFF - 20, 0xFFFFFFFF - 15 * 160
    packets = [
        (n * 0.02, build(8, False, (first + n) & 0xFFFF, (stamp + 160 * n) & 0xFFFFFFFF, 77, bytes([n]) * 160))
        for n in range(60)
    ]

    heard, made = converse(packets, 60, in_bulk=True)

    said = [payload[0] for payload in heard if payload is not None]
    assert said == list(range(said[0], said[0] + len(said)))
    assert len(said) > 55
    assert made.statistics(1.2).lost == 0


def test_speech_without_a_fault_sounds_and_counts_the_same_in_bulk() -> None:
    packets = [(n * 0.02, speech(n)) for n in range(200)]

    in_bulk, one = converse(packets, 200, in_bulk=True)
    singly, other = converse(packets, 200, in_bulk=False)

    assert in_bulk == singly
    assert counts(one, 4.0) == counts(other, 4.0)
    assert one.statistics(4.0).late == 0
    assert abs(one.statistics(4.0).playout_delay_ms - other.statistics(4.0).playout_delay_ms) < 0.001


def test_a_key_amid_the_flow_is_told_at_once() -> None:
    made = session()
    for n in range(12):
        made.receive(speech(n), REMOTE, n * 0.02)
        fetch(made, n * 0.02 + 0.006)

    made.receive(build(101, True, 12, 12 * 160, 77, bytes((5, 10, 0, 160))), REMOTE, 0.24)

    assert made.events() == [DigitReceived("5")]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 11), st.booleans()), min_size=30, max_size=200),
    st.integers(0, 0xFFFF),
)
def test_whatever_the_network_does_every_packet_is_counted(steps: list[tuple[int, int, bool]], first: int) -> None:
    """Late by so many ms, lost (one in twelve), doubled: what was received, lost and doubled, and the jitter."""
    packets = []
    for n, (late_ms, lost, doubled) in enumerate(steps):
        data = build(8, False, (first + n) & 0xFFFF, 160 * n, 77, bytes([n & 0xFF]) * 160)
        if lost:
            packets += [(n * 0.02 + late_ms / 1000 * (late_ms > 40), data)] * (2 if doubled and late_ms > 50 else 1)
    periods = len(steps) + 20

    _, one = converse(packets, periods, in_bulk=True)
    _, other = converse(packets, periods, in_bulk=False)

    assert counts(one, 20.0) == counts(other, 20.0)
