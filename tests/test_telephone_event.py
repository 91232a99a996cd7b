"""Keys as packets: RFC 4733."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.telephone_event import DIGITS, EventPacket, EventReceiver, EventSender, event_payload

PERIOD = 160


def periods(sender: EventSender, count: int, first: int = 0) -> list[list[EventPacket]]:
    """The packets of `count` periods of 20 ms from timestamp `first`."""
    return [sender.packets((first + index * PERIOD) & 0xFFFFFFFF, PERIOD) for index in range(count)]


def flat(packets: list[list[EventPacket]]) -> list[EventPacket]:
    return [packet for period in packets for packet in period]


def duration(packet: EventPacket) -> int:
    return int.from_bytes(packet.payload[2:4], "big")


def ends(packet: EventPacket) -> bool:
    return bool(packet.payload[1] & 0x80)


# --- sending ---


def test_the_payload_is_event_end_volume_and_duration() -> None:
    """§2.3."""
    assert event_payload("1", 400, end=False) == bytes.fromhex("010a0190")
    assert event_payload("#", 800, end=True) == bytes.fromhex("0b8a0320")
    assert [event_payload(digit, 0, end=False)[0] for digit in "0*D"] == [0, 10, 15]


def test_a_key_is_reported_each_period_with_a_growing_duration() -> None:
    """§2.5.1.2: the timestamp stays, the duration grows, the first packet alone has the marker."""
    sender = EventSender()
    sender.start("5")

    packets = flat(periods(sender, 5, first=8000))

    assert [p.timestamp for p in packets] == [8000] * 5
    assert [duration(p) for p in packets] == [160, 320, 480, 640, 800]
    assert [p.marker for p in packets] == [True, False, False, False, False]
    assert not any(ends(p) for p in packets)


def test_the_final_packet_is_sent_three_times_then_speech_goes_on() -> None:
    """§2.5.1.4."""
    sender = EventSender()
    sender.start("5")
    periods(sender, 5)
    sender.stop()

    after = periods(sender, 10, first=800)

    packets = flat(after)
    assert [len(period) for period in after] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert [ends(p) for p in packets] == [True] * 3
    assert [duration(p) for p in packets] == [960] * 3
    assert not any(p.marker for p in packets)
    assert not sender.busy


def test_a_key_is_never_shorter_than_80_ms() -> None:
    sender = EventSender()
    sender.start("5")
    periods(sender, 1)
    sender.stop()

    packets = flat(periods(sender, 10, first=160))

    assert [duration(p) for p in packets if ends(p)] == [640] * 3


def test_a_key_released_before_its_first_packet_is_still_sent() -> None:
    sender = EventSender()
    sender.start("5")
    sender.stop()

    assert [duration(p) for p in flat(periods(sender, 10))] == [160, 320, 480, 640, 640, 640]


def test_queued_digits_last_100_ms_with_100_ms_between() -> None:
    sender = EventSender()
    sender.enqueue("12")

    packets = flat(periods(sender, 30))

    starts = sorted({p.timestamp for p in packets})
    assert [p.payload[0] for p in packets if p.marker] == [1, 2]
    assert [duration(p) for p in packets if ends(p)] == [800] * 6
    assert starts[1] - starts[0] >= 1600


def test_a_key_pressed_during_another_ends_it_and_follows() -> None:
    sender = EventSender()
    sender.start("1")
    periods(sender, 6)
    sender.start("2")

    packets = flat(periods(sender, 12, first=960))

    assert [p.payload[0] for p in packets if p.marker] == [2]
    assert {p.payload[0] for p in packets if ends(p)} == {1}


def test_a_long_key_is_cut_into_segments() -> None:
    """§2.5.1.3: the greatest duration without E; the next segment begins where it ended, without marker."""
    sender = EventSender()
    sender.start("9")
    packets = flat(periods(sender, 500))
    sender.stop()
    packets += flat(periods(sender, 3, first=500 * PERIOD))

    whole = [p for p in packets if duration(p) == 0xFFFF]
    second = [p for p in packets if p.timestamp == 0xFFFF]
    assert len(whole) == 3
    assert not any(ends(p) for p in whole)
    assert not any(p.marker for p in second)
    assert duration(second[-1]) == 501 * PERIOD - 0xFFFF
    assert ends(second[-1])
    assert sum(p.marker for p in packets) == 1


@pytest.mark.parametrize("digit", ["", "x", "12", "é"])
def test_what_is_no_key_is_our_own_fault(digit: str) -> None:
    with pytest.raises(ValueError, match="no telephone key"):
        EventSender().start(digit)


def test_the_queue_is_capped() -> None:
    sender = EventSender()
    sender.enqueue("1" * 10_000)
    count = sum(p.marker for p in flat(periods(sender, 4000)))

    assert count < 400
    assert not sender.busy


# --- receiving ---


def press(digit: str, start: int, packets: int = 8) -> list[tuple[int, bytes]]:
    """The packets of one key: growing, then the final one three times."""
    growing = [(start, event_payload(digit, (i + 1) * PERIOD, end=False)) for i in range(packets - 3)]
    return growing + [(start, event_payload(digit, (packets - 2) * PERIOD, end=True))] * 3


def told(packets: list[tuple[int, bytes]]) -> str:
    receiver = EventReceiver()
    return "".join(receiver.receive(timestamp, payload, 0.0) for timestamp, payload in packets)


def test_a_key_is_told_once_at_its_first_packet() -> None:
    receiver = EventReceiver()
    told_by_packet = [receiver.receive(*packet, 0.0) for packet in press("7", 1000)]

    assert told_by_packet == ["7"] + [""] * 7


def test_a_key_is_down_from_its_first_packet_to_the_one_that_says_it_ended() -> None:
    """§2.3.2; a new key is down though the end of the one before was lost."""
    receiver = EventReceiver()
    down = [receiver.down]
    for packet in [*press("7", 1000), *press("8", 3000)[:1]]:
        receiver.receive(*packet, 0.0)
        down.append(receiver.down)

    assert down == [False, True, True, True, True, True, False, False, False, True]


@given(st.sets(st.integers(0, 7), min_size=1))
def test_a_key_survives_the_loss_of_any_of_its_packets(left: set[int]) -> None:
    """§2.5.2.2: also of its beginning or its end."""
    packets = press("7", 1000)

    assert told([packets[index] for index in sorted(left)]) == "7"


def test_the_same_key_twice_is_told_twice_though_the_first_end_is_lost() -> None:
    assert told(press("7", 1000)[:3] + press("7", 3000)) == "77"


def test_a_packet_of_an_older_key_that_was_overtaken_is_ignored() -> None:
    older, newer = press("1", 1000), press("2", 3000)

    assert told([*older[:7], newer[0], older[7], *newer[1:]]) == "12"


def test_segments_of_a_long_key_are_one_key() -> None:
    """§2.5.2.3: no gap between the segments."""
    first = [(1000, event_payload("9", 0xFFFF, end=False))]
    second = press("9", 1000 + 0xFFFF)

    assert told(press("9", 1000)[:2] + first + second) == "9"
    assert told(press("9", 1000)[:2] + second) == "9"


def test_several_events_in_one_packet_are_told_in_order() -> None:
    """§2.5.1.5."""
    payload = event_payload("1", 400, end=True) + event_payload("2", 400, end=True)

    assert told([(1000, payload), (1000, payload), (1400, event_payload("2", 400, end=True))]) == "12"


def test_events_that_are_no_keys_are_not_told() -> None:
    """§3: code 16 is a hook flash."""
    assert told([(1000, bytes.fromhex("100a0190"))]) == ""


def test_the_timestamp_may_wrap() -> None:
    assert told(press("1", 2**32 - 100) + press("2", 2000)) == "12"


@given(st.text(alphabet=DIGITS, max_size=20))
def test_digits_sent_are_the_digits_received(digits: str) -> None:
    sender = EventSender()
    sender.enqueue(digits)

    packets = flat(periods(sender, 20 * len(digits) + 1, first=2**32 - 5000))

    assert told([(p.timestamp, p.payload) for p in packets]) == digits


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=90)), max_size=40))
def test_arbitrary_payloads_never_raise(packets: list[tuple[int, bytes]]) -> None:
    assert set(told(packets)) <= set(DIGITS)
