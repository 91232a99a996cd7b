"""One RTP session: RFC 3550, 3551, 4733, 4961, 5761."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp import rtcp
from firmware.rtp.latch import RUN
from firmware.rtp.packet import Packet, build, parse
from firmware.rtp.pieces import Kind
from firmware.rtp.session import DigitReceived, Direction, Event, RemoteLeft, Session, SourceMoved

REMOTE, REMOTE_RTCP = ("192.0.2.9", 4000), ("192.0.2.9", 4001)
ELSEWHERE = ("198.51.100.7", 31000)
STRANGER = ("203.0.113.66", 5)


@dataclass(frozen=True)
class Format:
    payload_type: int
    encoding: str
    clock_rate_hz: int = 8000
    channels: int = 1


PCMA, PCMU, KEYS = Format(8, "PCMA"), Format(0, "PCMU"), Format(101, "TELEPHONE-EVENT")


def session(
    *, direction: Direction = "sendrecv", remote: tuple[str, int] = REMOTE, mux: bool = False, keys: bool = True,
    seed: int = 1, now: float = 0.0,
) -> Session:  # fmt: skip
    made = Session(Random(seed), cname="hall@192.0.2.1", now=now)
    agree(made, direction=direction, remote=remote, mux=mux, keys=keys, now=now)
    return made


def agree(
    made: Session, *, direction: Direction = "sendrecv", remote: tuple[str, int] = REMOTE, mux: bool = False,
    keys: bool = True, now: float = 0.0, send: Format = PCMA, receive: Sequence[Format] = (PCMA, PCMU),
) -> None:  # fmt: skip
    made.configure(
        remote=remote, remote_rtcp=remote if mux else (remote[0], remote[1] + 1), send=send, receive=receive,
        telephone_event_send=KEYS if keys else None, telephone_event_receive=KEYS if keys else None,
        direction=direction, now=now, rtcp_mux=mux,
    )  # fmt: skip


def speech(index: int, *, payload_type: int = 8, ssrc: int = 77, marker: bool = False) -> bytes:
    return build(payload_type, marker, index & 0xFFFF, index * 160 & 0xFFFFFFFF, ssrc, bytes([index & 0xFF]) * 160)


def listen(to: Session, indices: range, *, source: tuple[str, int] = REMOTE, ssrc: int = 77) -> list[Kind]:
    """Packets each 20 ms, and playout 6 ms after each."""
    kinds = []
    for index in indices:
        to.receive(speech(index, ssrc=ssrc), source, index * 0.02)
        kinds += [piece.kind for piece in to.playout(index * 0.02 + 0.006)]
    return kinds


def talk(of: Session, periods: int, *, first: float = 0.0) -> list[Packet]:
    """What goes out when the phone speaks for some periods."""
    for index in range(periods):
        of.send(b"\xd5" * 160, first + index * 0.02, samples=160)
    return [parse(data) for data, _, rtcp_too in of.drain() if not rtcp_too]


def reports(of: Session, until: float) -> Iterator[tuple[float, list[rtcp.Report], tuple[str, int]]]:
    """Every RTCP packet up to a time: when, what, where."""
    while (deadline := of.next_deadline()) is not None and deadline <= until:
        of.handle_timers(deadline)
        for data, destination, _ in of.drain():
            yield deadline, rtcp.parse(data), destination


# --- sending ---


def test_sequence_and_timestamp_go_on_from_random_beginnings() -> None:
    """RFC 3550 §5.1."""
    packets = talk(session(), 3)
    others = talk(session(seed=2), 1)

    assert [(p.sequence - packets[0].sequence) & 0xFFFF for p in packets] == [0, 1, 2]
    assert [(p.timestamp - packets[0].timestamp) & 0xFFFFFFFF for p in packets] == [0, 160, 320]
    assert packets[0].ssrc != others[0].ssrc
    assert packets[0].timestamp != others[0].timestamp


def test_packets_go_to_the_address_agreed_on_with_the_payload_type_agreed_on() -> None:
    made = session()
    made.send(b"x", 0.0, samples=160)

    data, destination, is_rtcp = made.drain()[0]

    assert (destination, is_rtcp, parse(data).payload_type) == (REMOTE, False, 8)
    assert made.drain() == []


def test_the_first_packet_of_a_talkspurt_is_marked() -> None:
    """RFC 3551 §4.1."""
    made = session()
    for index, payload in enumerate([b"a", b"b", b"", b"", b"c"]):
        made.send(payload, index * 0.02, samples=160)

    packets = [parse(data) for data, _, _ in made.drain()]

    assert [p.marker for p in packets] == [True, False, True]
    assert (packets[2].timestamp - packets[1].timestamp) & 0xFFFFFFFF == 480
    assert (packets[2].sequence - packets[1].sequence) & 0xFFFF == 1


def test_the_timestamp_counts_the_time_of_a_hold() -> None:
    """RFC 3550 §5.1: the clock goes on when nothing is sent."""
    made = session()
    before = talk(made, 1)[0]
    after = talk(made, 1, first=10.0)[0]

    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 80000
    assert after.marker


@pytest.mark.parametrize(("direction", "sends"), [("sendrecv", 2), ("sendonly", 2), ("recvonly", 0), ("inactive", 0)])
def test_nothing_is_sent_against_the_direction(direction: Direction, sends: int) -> None:
    assert len(talk(session(direction=direction), 2)) == sends


def test_nothing_is_sent_to_the_hold_of_old() -> None:
    """RFC 3264 §8.4: neither RTP nor RTCP."""
    made = session(remote=("0.0.0.0", 4000))

    assert talk(made, 5) == []
    assert list(reports(made, 60)) == []


def test_output_that_nobody_drains_is_bounded() -> None:
    made = session()
    for index in range(1000):
        made.send(b"x", index * 0.02, samples=160)

    assert len(made.drain()) == 200


# --- keys ---


def test_a_key_replaces_speech_on_the_same_sequence_and_clock() -> None:
    """RFC 4733 §2.5.1.2."""
    made = session()
    talk(made, 2)
    made.start_digit("5")
    pressed = talk(made, 5, first=0.04)
    made.stop_digit()
    after = talk(made, 5, first=0.14)

    sequence = [p.sequence for p in pressed + after]
    assert [(s - sequence[0]) & 0xFFFF for s in sequence] == list(range(10))
    assert [p.payload_type for p in pressed + after] == [101] * 8 + [8] * 2
    assert len({p.timestamp for p in pressed + after[:3]}) == 1
    assert (after[3].timestamp - pressed[0].timestamp) & 0xFFFFFFFF == 8 * 160
    assert [p.marker for p in pressed] == [True, False, False, False, False]


def test_keys_travel_from_one_session_to_the_other() -> None:
    sender, receiver = session(), session(seed=2)
    sender.send_digits("12#")
    heard: list[Event] = []
    for index in range(60):
        sender.send(b"x" * 160, index * 0.02, samples=160)
        for data, _, _ in sender.drain():
            receiver.receive(data, REMOTE, index * 0.02)
        heard += receiver.events()

    assert heard == [DigitReceived("1"), DigitReceived("2"), DigitReceived("#")]


def test_keys_that_were_not_agreed_are_refused() -> None:
    made = session(keys=False)

    assert not made.start_digit("1")
    assert not made.send_digits("1")
    assert session().start_digit("1")


def test_speech_missing_under_a_key_is_no_loss() -> None:
    made = session()
    listen(made, range(10))
    for index in range(10, 18):
        key = bytes.fromhex("050a") + (160 * (index - 9)).to_bytes(2, "big")
        made.receive(build(101, index == 10, index, 1600, 77, key), REMOTE, index * 0.02)
        assert Kind.LOST not in [piece.kind for piece in made.playout(index * 0.02 + 0.006)]

    assert made.events() == [DigitReceived("5")]


# --- receiving ---


def test_speech_is_played_from_the_first_packet() -> None:
    """RFC 3550 A.1: the packet that waited for the proof of its source is not lost."""
    made = session()
    for index in range(5):
        made.receive(speech(index), REMOTE, index * 0.02)
    first = made.playout(0.09)[0]

    assert first.kind is Kind.SPEECH
    assert made.statistics(0.1).packets_received == 4
    assert made.statistics(0.1).lost == 0


def test_a_minute_of_speech_is_played_without_a_hole() -> None:
    kinds = listen(session(), range(3000))

    assert kinds[2:] == [Kind.SPEECH] * 2998


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"", "malformed"),
        (b"\x40" + speech(1)[1:], "malformed"),
        (speech(1)[:11], "malformed"),
        (speech(1, payload_type=96), "not_agreed"),
    ],
)
def test_what_is_not_the_streams_is_dropped_and_counted(data: bytes, counter: str) -> None:
    made = session()
    made.receive(data, REMOTE, 1.0)

    statistics = made.statistics(1.0)
    assert getattr(statistics, counter) == statistics.discarded == 1
    assert statistics.packets_received == 0


def test_strangers_are_dropped_and_counted() -> None:
    """RTP injection: the stream that flows is not disturbed."""
    made = session()
    listen(made, range(10))
    for index in range(100):
        made.receive(speech(10 + index, ssrc=666), STRANGER, 0.2)
    kinds = listen(made, range(10, 20))

    assert made.statistics(0.4).strangers == 100
    assert kinds == [Kind.SPEECH] * 10
    assert made.events() == []


def test_a_translated_far_end_is_followed_and_answered() -> None:
    """RFC 4961; RTP bleed: we send to the new address only after a run of valid packets."""
    made = session()
    listen(made, range(RUN - 1), source=ELSEWHERE)
    made.send(b"x", 0.1, samples=160)
    before = made.drain()[0][1]
    listen(made, range(RUN - 1, RUN + 1), source=ELSEWHERE)
    made.send(b"x", 0.2, samples=160)

    assert before == REMOTE
    assert made.drain()[0][1] == ELSEWHERE
    assert made.events() == [SourceMoved(ELSEWHERE)]


def test_a_new_offer_of_the_same_address_keeps_what_was_learnt_and_another_does_not() -> None:
    made = session()
    listen(made, range(RUN + 1), source=ELSEWHERE)
    agree(made, now=1.0)
    made.send(b"x", 1.0, samples=160)
    agree(made, remote=("192.0.2.30", 6000), now=2.0)
    made.send(b"x", 2.0, samples=160)

    assert [destination for _, destination, _ in made.drain()] == [ELSEWHERE, ("192.0.2.30", 6000)]


def test_another_source_is_followed_after_two_packets() -> None:
    """RFC 3550 §5.1, A.1: the far end restarted with a new SSRC."""
    made = session()
    listen(made, range(50))
    kinds = listen(made, range(50, 100), ssrc=78)

    assert kinds[3:] == [Kind.SPEECH] * 47
    assert made.statistics(2.0).lost == 0
    assert made.statistics(2.0).packets_received == 49 + 49


def test_two_sources_at_once_do_not_take_turns() -> None:
    made = session()
    for index in range(100):
        made.receive(speech(index), REMOTE, index * 0.02)
        made.receive(speech(index + 5000, ssrc=99), REMOTE, index * 0.02 + 0.001)

    assert made.statistics(2.0).packets_received == 99


def test_the_sequence_number_may_wrap() -> None:
    made = session()
    kinds = listen(made, range(65500, 65600))

    assert kinds[2:] == [Kind.SPEECH] * 98
    assert made.statistics(0.0).lost == 0
    assert made.statistics(0.0).expected == 99


def echoed(made: Session, periods: int, *, first: float = 0.0, samples: int = 160) -> list[Kind]:
    """Speak for so many periods; all we send is sent back to us within 5 ms. Return what was to be played."""
    kinds = []
    for period in range(periods):
        now = first + period * 0.02
        made.send(b"\xd5" * samples, now, samples=samples)
        for data, _, is_rtcp in made.drain():
            (made.receive_rtcp if is_rtcp else made.receive)(data, REMOTE, now + 0.005)
        made.handle_timers(now + 0.006)
        kinds += [piece.kind for piece in made.playout(now + 0.019)]
    return kinds


def test_an_echo_service_that_returns_our_very_packets_is_heard() -> None:
    """RFC 3550 §8.2 has us choose a new identifier once; what comes back under that one is what the far end says."""
    made = session()

    kinds = echoed(made, 1000)

    assert kinds[20:].count(Kind.SPEECH) > 970
    assert made.statistics(20.0).lost == 0
    assert made.events() == []


def test_our_own_reports_come_back_tell_nothing_of_the_far_end() -> None:
    made = session()

    echoed(made, 1000)

    assert made.statistics(20.0).round_trip_ms is None


def test_an_echo_is_heard_again_after_our_clock_and_with_it_our_identifier_changed() -> None:
    """RFC 7160 §4."""
    made = session()
    echoed(made, 100)
    wide = Format(9, "PCMU", 16000)
    agree(made, send=wide, receive=[wide], now=2.0)
    made.drain()

    assert echoed(made, 100, first=2.0, samples=320)[20:].count(Kind.SPEECH) > 70
    assert made.events() == []


def test_copies_of_our_packets_from_a_third_party_are_not_heard() -> None:
    """RFC 3550 §8.2: a loop. The far end speaks; what we say comes back from elsewhere."""
    made = session()
    listen(made, range(50))
    ours = talk(made, 1, first=1.0)[0].ssrc
    for index in range(200):
        now = 1.0 + index * 0.02
        made.receive(speech(50 + index), REMOTE, now)
        made.receive(build(8, False, index, 160 * index, ours, b"\xd5" * 160), ELSEWHERE, now + 0.005)

    assert made.statistics(5.0).strangers == 200
    assert talk(made, 1, first=6.0)[0].ssrc == ours


def test_a_far_end_with_our_identifier_by_chance_is_heard_under_it_once_we_have_another() -> None:
    """RFC 3550 §8.2: a collision."""
    made = session()
    ours = talk(made, 1)[0].ssrc
    kinds = listen(made, range(50), ssrc=ours)

    assert kinds[4:] == [Kind.SPEECH] * 46
    assert talk(made, 1, first=2.0)[0].ssrc != ours


def test_our_own_packets_looped_back_change_our_source_once() -> None:
    """RFC 3550 §8.2: BYE for the old identifier and a new one, and no flood of them."""
    made = session()
    first = talk(made, 1)[0]
    made.receive(build(8, False, 5, 5, first.ssrc, b"x"), REMOTE, 0.1)
    farewell = [rtcp.parse(data)[-1] for data, _, is_rtcp in made.drain() if is_rtcp]
    second = talk(made, 1, first=0.2)[0]
    made.receive(build(8, False, 6, 6, second.ssrc, b"x"), REMOTE, 0.3)
    third = talk(made, 1, first=0.4)[0]

    assert farewell == [rtcp.Goodbye((first.ssrc,))]
    assert second.ssrc != first.ssrc
    assert third.ssrc == second.ssrc


def test_a_held_stream_is_counted_and_not_played() -> None:
    made = session(direction="sendonly")

    assert set(listen(made, range(50))) == {Kind.NOTHING}
    assert made.statistics(1.0).packets_received == 49


def test_silence_of_the_far_end_is_measured() -> None:
    made = session()
    assert made.silent_for(3.0) == 3.0
    listen(made, range(50))
    assert made.silent_for(3.0) == pytest.approx(3.0 - 0.98)


# --- RTCP ---


def test_a_sender_reports_with_its_name_every_five_seconds() -> None:
    """RFC 3550 §6.1, §6.2, §6.4.1."""
    made = session()
    listen(made, range(10))
    talk(made, 10)
    found = list(reports(made, 9.0))

    _, (sender, description), destination = found[0]
    assert 0.5 < found[0][0] < 4
    assert destination == REMOTE_RTCP
    assert isinstance(sender, rtcp.SenderReport)
    assert (sender.packets, sender.octets) == (10, 1600)
    assert [block.ssrc for block in sender.blocks] == [77]
    assert description == rtcp.SourceDescription(sender.ssrc, "hall@192.0.2.1")


def test_who_sends_nothing_reports_as_a_receiver() -> None:
    """RFC 3550 §6.4.2; RFC 3264 §5.1: held streams report too."""
    made = session(direction="recvonly")
    listen(made, range(10))

    assert next(type(compound[0]) for _, compound, _ in reports(made, 6.0)) is rtcp.ReceiverReport


def test_the_timestamp_of_a_sender_report_is_that_of_its_moment() -> None:
    """RFC 3550 §6.4.1."""
    made = session()
    last = talk(made, 100)[-1]
    at, (sender, _), _ = next(reports(made, 60))

    assert isinstance(sender, rtcp.SenderReport)
    assert (sender.timestamp - last.timestamp) & 0xFFFFFFFF == pytest.approx(160 + (at - 1.98) * 8000, abs=2)
    assert sender.ntp_timestamp / 2**32 == pytest.approx(at, abs=0.001)


def test_the_round_trip_is_measured_between_two_sessions() -> None:
    """RFC 3550 §6.4.1: 40 ms there, 60 ms back."""
    here, there = session(), session(seed=2)
    talk(here, 2)
    for data, _, _ in [*_sent(here, 0.0)]:
        there.receive(data, REMOTE, 0.04)
    here.handle_timers(5.0)
    (report, _, _) = here.drain()[0]
    ssrc = rtcp.parse(report)[0].ssrc
    there.receive(build(8, False, 1, 160, ssrc, b"x"), REMOTE, 4.0)
    there.receive(build(8, False, 2, 320, ssrc, b"x"), REMOTE, 4.02)
    there.receive_rtcp(report, REMOTE_RTCP, 5.04)
    there.handle_timers(9.0)
    for data, _, _ in there.drain():
        here.receive_rtcp(data, REMOTE_RTCP, 9.06)

    assert here.statistics(9.1).round_trip_ms == pytest.approx(100.0, abs=0.1)


def _sent(of: Session, now: float) -> list[tuple[bytes, tuple[str, int], bool]]:
    of.send(b"x", now, samples=160)
    return of.drain()


def test_the_far_ends_report_tells_how_it_hears_us() -> None:
    made = session()
    ssrc = talk(made, 1)[0].ssrc
    block = rtcp.ReportBlock(ssrc, 64, 10, 500, 80, 0, 0)
    made.receive_rtcp(rtcp.compound(rtcp.ReceiverReport(77, (block,))), REMOTE_RTCP, 1.0)

    statistics = made.statistics(1.0)
    assert statistics.remote_loss_percent == 25.0
    assert statistics.remote_jitter_ms == 10.0


def test_leaving_says_goodbye_and_then_nothing() -> None:
    """RFC 3550 §6.3.7."""
    made = session()
    ssrc = talk(made, 1)[0].ssrc
    made.leave(1.0)
    farewell = rtcp.parse(made.drain()[0][0])
    made.leave(1.1)

    assert farewell[-1] == rtcp.Goodbye((ssrc,))
    assert talk(made, 3, first=2.0) == []
    assert made.next_deadline() is None
    assert made.drain() == []


def test_who_never_sent_says_no_goodbye() -> None:
    """RFC 3550 §6.3.7."""
    made = session()
    made.leave(0.1)

    assert made.drain() == []


def test_the_far_ends_goodbye_is_told() -> None:
    made = session()
    listen(made, range(5))
    other = rtcp.compound(rtcp.ReceiverReport(5), rtcp.Goodbye((5,)))
    its_own = rtcp.compound(rtcp.ReceiverReport(77), rtcp.Goodbye((77,), "end"))
    made.receive_rtcp(other, REMOTE_RTCP, 1.0)
    made.receive_rtcp(its_own, STRANGER, 1.0)
    made.receive_rtcp(its_own, REMOTE_RTCP, 1.0)

    assert made.events() == [RemoteLeft("end")]


def test_rtcp_of_a_translated_far_end_is_answered_where_it_comes_from() -> None:
    """RFC 4961: the host that was believed may send RTCP from any port."""
    made = session()
    listen(made, range(RUN + 1), source=ELSEWHERE)
    made.receive_rtcp(rtcp.compound(rtcp.ReceiverReport(77)), (ELSEWHERE[0], 31999), 1.0)
    talk(made, 1)

    assert next(reports(made, 10))[2] == (ELSEWHERE[0], 31999)


def test_multiplexed_rtcp_travels_with_the_speech() -> None:
    """RFC 5761 §4."""
    made = session(mux=True)
    listen(made, range(5))
    made.receive(rtcp.compound(rtcp.ReceiverReport(77), rtcp.Goodbye((77,))), REMOTE, 1.0)
    made.send(b"x", 1.0, samples=160)
    made.drain()
    made.handle_timers(9.0)

    assert made.events() == [RemoteLeft("")]
    assert [(destination, is_rtcp) for _, destination, is_rtcp in made.drain()] == [(REMOTE, False)]


# --- anything at all ---


@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans(), st.sampled_from([REMOTE, STRANGER])), max_size=30))
def test_arbitrary_datagrams_never_raise(datagrams: list[tuple[bytes, bool, tuple[str, int]]]) -> None:
    made = session()
    for index, (data, is_rtcp, source) in enumerate(datagrams):
        take = made.receive_rtcp if is_rtcp else made.receive
        take(data, source, index * 0.02)
        made.playout(index * 0.02)


@given(st.lists(st.tuples(st.sampled_from([0, 8, 101]), st.booleans(), st.integers(0, 65535), st.integers(0, 2**32 - 1),
                          st.integers(1, 3), st.binary(max_size=200)), max_size=40))  # fmt: skip
def test_arbitrary_valid_packets_never_raise(packets: list[tuple[int, bool, int, int, int, bytes]]) -> None:
    made = session()
    for index, packet in enumerate(packets):
        made.receive(build(*packet), REMOTE, index * 0.02)
        assert sum(piece.samples for piece in made.playout(index * 0.02 + 0.005)) == 160


def test_packets_before_anything_is_agreed_are_dropped() -> None:
    made = Session(Random(1), cname="x", now=0.0)
    made.receive(speech(1), REMOTE, 0.0)
    made.receive_rtcp(rtcp.compound(rtcp.ReceiverReport(77)), REMOTE_RTCP, 0.0)
    made.send(b"x", 0.0, samples=160)
    made.leave(1.0)

    assert made.statistics(1.0).discarded == 2
    assert made.drain() == []
