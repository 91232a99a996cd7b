"""The media engine in virtual time: two of them on a cable, driven by their sound cards."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.audio.level import amplify, factor
from firmware.audio.mixer import mix
from firmware.audio.synthesis import ToneGenerator
from firmware.audio.tones import Segment, Tone, parse_tone
from firmware.media.engine import CloseSockets, Engine, OpenSockets, SendPacket
from firmware.media.messages import (
    CloseSession,
    ConnectAudio,
    Direction,
    KeyTone,
    MediaStopped,
    OpenSession,
    PlayKnock,
    PlayRing,
    PlayTone,
    Quality,
    RemoteDigit,
    RemoteLeft,
    SendDigits,
    SessionOpened,
    SessionRefused,
    SetLevels,
    StartDigit,
    StopDigit,
)
from tests.support.spectrum import amplitude_at, rms
from tests.support.telephony import PCMA, PCMU, EnginePair

SPOKEN = Tone((Segment((1000.0,), None, -10.0),))
LOUD = 7200.0
"""Peak of -10 dBm0."""


def talk(pair: EnginePair, name: str, tone: Tone = SPOKEN, rate_hz: int = 8000) -> None:
    """The person speaks: a tone into the microphone from now on."""
    generator = ToneGenerator(tone, rate_hz)
    pair.microphones[name] = lambda: generator.read(len(pair.silence) // 2)


def second(frame: bytes, rate_hz: int = 8000) -> bytes:
    """The last tenth of a second."""
    return frame[-2 * rate_hz // 10 :]


def call(**options: object) -> EnginePair:
    pair = EnginePair()
    pair.connect(**options)  # type: ignore[arg-type]
    return pair


# --- speech ---


@pytest.mark.parametrize("form", [PCMA, PCMU])
def test_what_one_says_the_other_hears(form: object) -> None:
    pair = call(form=form)
    talk(pair, "a")

    pair.run(1.0)

    assert amplitude_at(second(pair.heard["b"]), 1000) == pytest.approx(LOUD, rel=0.03)
    assert rms(second(pair.heard["a"])) < 20


@pytest.mark.parametrize(("rate_hz", "period_ms"), [(8000, 10), (16000, 20), (48000, 10)])
def test_other_sound_cards(rate_hz: int, period_ms: int) -> None:
    pair = EnginePair(rate_hz=rate_hz, period_ms=period_ms)
    pair.connect()
    talk(pair, "a", rate_hz=rate_hz)

    pair.run(1.0)

    assert amplitude_at(second(pair.heard["b"], rate_hz), 1000, rate_hz) == pytest.approx(LOUD, rel=0.03)
    assert len(pair.heard["b"]) == 2 * rate_hz


@pytest.mark.parametrize(("card_ms", "packet_ms"), [(20, 10), (20, 20), (20, 30), (20, 60), (10, 20), (10, 30)])
def test_packets_of_the_agreed_length(card_ms: int, packet_ms: int) -> None:
    """RFC 8866 §6.4 ptime; RFC 3551 §4.2: timestamp and length agree."""
    pair = EnginePair(period_ms=card_ms)
    pair.connect(period_ms=packet_ms)
    talk(pair, "a")

    pair.run(1.2)

    packets = pair.speech("a")
    assert len(packets) == 1200 // packet_ms
    assert {len(packet.payload) for packet in packets} == {8 * packet_ms}
    steps = {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)}
    assert steps == {8 * packet_ms}
    assert amplitude_at(second(pair.heard["b"]), 1000) == pytest.approx(LOUD, rel=0.03)


def test_a_talkspurt_begins_with_the_marker() -> None:
    """RFC 3551 §4.1."""
    pair = call()

    pair.run(0.2)

    assert [packet.marker for packet in pair.speech("a")] == [True] + 9 * [False]


def test_each_sound_card_period_in_step_with_one_packet() -> None:
    pair = call()

    pair.run(1.0)

    times = [at for at, packet in pair.sent["a"] if not packet.rtcp]
    assert [round(1000 * (b - a)) for a, b in pairwise(times)] == 49 * [20]


def test_a_lost_packet_is_concealed() -> None:
    pair = call()
    talk(pair, "a")
    pair.run(1.0)
    pair.forget()
    numbers = iter(range(1000))
    pair.drop = lambda name, packet: name == "a" and not packet.rtcp and next(numbers) % 10 == 5

    pair.run(1.0)

    assert amplitude_at(pair.heard["b"], 1000) > 0.85 * LOUD


def test_a_muted_microphone_sends_zeros() -> None:
    pair = call()
    talk(pair, "a")
    pair.run(0.5)
    pair.command("a", SetLevels(muted=True))
    pair.forget()

    pair.run(1.0)

    assert {packet.payload for packet in pair.speech("a")} == {b"\xd5" * 160}
    assert rms(second(pair.heard["b"])) < 20


def test_only_the_connected_session_is_heard_and_spoken_into() -> None:
    pair = call()
    talk(pair, "a")
    talk(pair, "b")
    pair.run(0.5)
    pair.command("a", ConnectAudio(None))
    pair.forget()

    pair.run(0.5)

    assert pair.heard["a"] == bytes(len(pair.heard["a"]))
    assert {packet.payload for packet in pair.speech("a")} == {b"\xd5" * 160}


def test_a_session_that_nobody_listens_to_is_played_out_all_the_same() -> None:
    pair = call()
    talk(pair, "b")
    pair.command("a", ConnectAudio(None))
    pair.run(5.0)
    pair.command("a", ConnectAudio("call"))
    pair.forget()

    pair.run(0.2)

    assert amplitude_at(second(pair.heard["a"]), 1000) == pytest.approx(LOUD, rel=0.03)
    quality = [event for event in pair.told["a"] if isinstance(event, Quality)]
    assert all(event.delay_ms < 100 for event in quality)


# --- hold ---


@pytest.mark.parametrize(("direction", "sends"), [("sendonly", True), ("recvonly", False), ("inactive", False)])
def test_directions(direction: Direction, sends: bool) -> None:
    """RFC 3264 §5.1."""
    pair = call(direction={"a": direction})

    pair.run(0.5)

    assert bool(pair.speech("a")) is sends


def test_the_timestamp_goes_on_while_held() -> None:
    """RFC 3550 §5.1: it counts the sampling clock, also while nothing is sent."""
    pair = call()
    pair.run(1.0)
    last = pair.speech("a")[-1]
    pair.configure("a", direction="inactive")
    pair.run(4.0)
    pair.forget()
    pair.configure("a")

    pair.run(0.1)

    first = pair.speech("a")[0]
    assert (first.timestamp - last.timestamp) % 2**32 == pytest.approx(4.02 * 8000, abs=160)
    assert first.sequence == (last.sequence + 1) % 2**16
    assert first.marker


def test_another_codec_in_the_middle_of_a_call() -> None:
    pair = call(form=PCMA)
    talk(pair, "a")
    pair.run(0.5)
    ssrc = pair.speech("a")[-1].ssrc
    pair.forget()
    pair.configure("a", PCMU)
    pair.configure("b", PCMU)

    pair.run(0.5)

    assert {(packet.payload_type, packet.ssrc) for packet in pair.speech("a")} == {(0, ssrc)}
    assert amplitude_at(second(pair.heard["b"]), 1000) == pytest.approx(LOUD, rel=0.03)


# --- digits ---


def digits(pair: EnginePair, name: str) -> str:
    return "".join(event.digit for event in pair.told[name] if isinstance(event, RemoteDigit))


def test_a_key_held_down_is_one_digit() -> None:
    pair = call()
    pair.run(0.5)
    pair.command("a", StartDigit("call", "5"))
    pair.run(0.5)
    pair.command("a", StopDigit("call"))

    pair.run(0.5)

    assert digits(pair, "b") == "5"


def test_no_speech_while_a_digit_is_sent() -> None:
    """RFC 4733 §2.5.1.2 allows either; we send the event alone, so that no tone leaks into the speech."""
    pair = call()
    talk(pair, "a")
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "1"))

    pair.run(0.4)

    assert {packet.payload_type for packet in pair.speech("a")} == {101}
    assert len({packet.timestamp for packet in pair.speech("a")}) == 1


def sounding(frame: bytes) -> float:
    """How many seconds of the earpiece's samples, at 8000 Hz, hold a key's tone."""
    pieces = [frame[at : at + 320] for at in range(0, len(frame), 320)]
    return 0.02 * sum(rms(piece) > 300 for piece in pieces)


@pytest.mark.parametrize("held_s", [0.08, 0.2, 0.5, 2.0])
def test_a_key_of_the_far_end_is_heard_as_long_as_it_is_held(held_s: float) -> None:
    """RFC 4733 §2.5.2.2; it carries the key's name alone, the person would else hear a gap."""
    pair = call()
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "5"))
    pair.run(held_s)
    pair.command("a", StopDigit("call"))

    pair.run(0.5)

    beginning = pair.heard["b"][1600:2400]
    assert amplitude_at(beginning, 770) > 1000
    assert amplitude_at(beginning, 1336) > 1000
    assert sounding(pair.heard["b"]) == pytest.approx(max(held_s, 0.16), abs=0.05)
    assert rms(second(pair.heard["b"])) < 20


def test_a_key_whose_end_never_comes_falls_silent() -> None:
    """§2.5.2.2: "the tone SHOULD NOT be extended by more than three packet interarrival times"."""
    pair = call()
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "5"))
    pair.run(0.5)
    pair.command("a", CloseSession("call"))

    pair.run(0.5)

    assert 0.4 < sounding(pair.heard["b"]) <= 0.72


def test_a_key_held_for_ever_falls_silent_after_ten_seconds() -> None:
    pair = call()
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "5"))

    pair.run(11.0)

    assert sounding(pair.heard["b"]) == pytest.approx(10.0, abs=0.1)
    assert digits(pair, "b") == "5"


def test_a_key_of_the_far_end_falls_silent_when_the_person_leaves_the_call() -> None:
    pair = call()
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "5"))
    pair.run(0.3)
    pair.command("b", ConnectAudio(None))

    pair.run(0.3)

    assert rms(second(pair.heard["b"])) < 20


def test_a_key_of_a_far_end_on_hold_is_not_heard() -> None:
    pair = call()
    pair.run(0.5)
    pair.command("b", ConnectAudio(None))
    pair.forget()
    pair.command("a", StartDigit("call", "5"))

    pair.run(0.3)

    assert digits(pair, "b") == "5"
    assert rms(pair.heard["b"]) < 20


def test_queued_digits_arrive_in_order_and_once() -> None:
    pair = call()
    pair.run(0.5)
    pair.command("a", SendDigits("call", "0123#*99"))

    pair.run(3.0)

    assert digits(pair, "b") == "0123#*99"


def test_digits_survive_loss() -> None:
    """RFC 4733 §2.5.1.4: the end is sent three times, and every packet tells the whole event."""
    pair = call()
    pair.run(0.5)
    random = Random(4733)
    pair.drop = lambda name, packet: random.random() < 0.2
    pair.command("a", SendDigits("call", "1234567890"))

    pair.run(4.0)

    assert digits(pair, "b") == "1234567890"


def test_without_telephone_events_a_key_sounds_in_the_speech() -> None:
    pair = call(events=None)
    pair.run(0.5)
    pair.forget()
    pair.command("a", StartDigit("call", "5"))
    pair.run(0.3)
    pair.command("a", StopDigit("call"))

    heard = second(pair.heard["b"])

    assert amplitude_at(heard, 770) > 3000
    assert amplitude_at(heard, 1336) > 3000
    pair.run(0.3)
    assert rms(second(pair.heard["b"])) < 20


def test_without_telephone_events_queued_digits_sound_one_after_another() -> None:
    pair = call(events=None)
    pair.run(0.5)
    pair.forget()
    pair.command("a", SendDigits("call", "1x5"))

    pair.run(0.6)

    octets = 2 * 400
    pieces = [pair.heard["b"][i : i + octets] for i in range(0, len(pair.heard["b"]), octets)]
    assert any(amplitude_at(piece, 697) > 3000 for piece in pieces)
    assert any(amplitude_at(piece, 770) > 3000 for piece in pieces)
    assert not any(amplitude_at(piece, 697) > 3000 and amplitude_at(piece, 770) > 3000 for piece in pieces)


# --- the telephone's own sounds ---


def alone() -> EnginePair:
    return EnginePair()


def test_a_progress_tone_in_the_ear() -> None:
    pair = alone()
    pair.command("a", PlayTone(parse_tone("350+440")))

    pair.run(0.5)

    assert pair.heard["a"] == ToneGenerator(parse_tone("350+440"), 8000).read(4000)
    assert not any(pair.rung["a"])


def test_who_knocks_is_heard_over_the_tone_which_goes_on() -> None:
    """The beep stands out of a dial tone of nearly its own pitch; between two beeps the tone is as it was."""
    pair = alone()
    pair.command("a", PlayTone(parse_tone("425")))
    pair.command("a", PlayKnock(parse_tone("400/100 -/4000")))

    pair.run(0.5)

    alone_samples = ToneGenerator(parse_tone("425"), 8000).read(4000)
    beep = ToneGenerator(parse_tone("400/100"), 8000).read(800)
    heard = pair.heard["a"]
    assert heard[2 * 960 :] == alone_samples[2 * 960 :]
    assert heard[:1600] == mix((amplify(alone_samples[:1600], factor(-12.0)), beep), 800)
    assert not any(pair.rung["a"])


def test_who_knocks_is_heard_where_nothing_else_sounds() -> None:
    pair = alone()
    pair.command("a", PlayKnock(parse_tone("400/100 -/4000")))
    pair.run(0.1)
    pair.command("a", PlayKnock(None))

    pair.run(0.1)

    assert pair.heard["a"][:1600] == ToneGenerator(parse_tone("400/100"), 8000).read(800)
    assert not any(pair.heard["a"][1600:])


def test_silence_after_the_tone_is_stopped() -> None:
    pair = alone()
    pair.command("a", PlayTone(parse_tone("350+440")))
    pair.run(0.1)
    pair.command("a", PlayTone(None))
    pair.forget()

    pair.run(0.1)

    assert not any(pair.heard["a"])


def test_the_ring_is_on_the_loudspeaker_only() -> None:
    pair = alone()
    pair.command("a", PlayRing(parse_tone("1000/400 -/200")))

    pair.run(0.6)

    assert pair.rung["a"] == ToneGenerator(parse_tone("1000/400 -/200"), 8000).read(4800)
    assert not any(pair.heard["a"])


def test_the_ringer_has_its_own_volume() -> None:
    pair = alone()
    pair.command("a", SetLevels(ringer_db=-20.0))
    pair.command("a", PlayRing(parse_tone("1000@-10")))

    pair.run(0.2)

    assert amplitude_at(second(pair.rung["a"]), 1000) == pytest.approx(LOUD / 10, rel=0.02)


def test_earpiece_volume() -> None:
    pair = alone()
    pair.command("a", SetLevels(earpiece_db=-20.0))
    pair.command("a", PlayTone(parse_tone("1000@-10")))

    pair.run(0.2)

    assert amplitude_at(second(pair.heard["a"]), 1000) == pytest.approx(LOUD / 10, rel=0.02)


def test_too_much_volume_is_limited_not_clipped() -> None:
    pair = alone()
    pair.command("a", SetLevels(earpiece_db=24.0))
    pair.command("a", PlayTone(parse_tone("1000@-3")))

    pair.run(0.2)

    heard = second(pair.heard["a"])
    assert amplitude_at(heard, 1000) > 25000
    assert amplitude_at(heard, 3000) < 300


def test_hands_free_speech_and_tones_on_the_loudspeaker() -> None:
    pair = alone()
    pair.command("a", SetLevels(handset=False, loudspeaker=True))
    pair.command("a", PlayTone(parse_tone("440")))

    pair.run(0.2)

    assert not any(pair.heard["a"])
    assert amplitude_at(second(pair.rung["a"]), 440) > 7000


def test_a_key_sounds_at_least_80_ms() -> None:
    pair = alone()
    pair.command("a", KeyTone("8"))
    pair.command("a", KeyTone(None))

    pair.run(0.2)

    assert rms(pair.heard["a"][: 2 * 640]) > 1000
    assert not any(pair.heard["a"][2 * 640 :])


def test_a_key_sounds_as_long_as_it_is_down() -> None:
    pair = alone()
    pair.command("a", KeyTone("8"))
    pair.run(0.5)
    pair.command("a", KeyTone(None))
    pair.forget()

    pair.run(0.1)

    assert not any(pair.heard["a"])


def test_speech_is_lower_while_a_key_sounds() -> None:
    pair = call()
    talk(pair, "b")
    pair.run(0.5)
    pair.command("a", KeyTone("1"))

    pair.run(0.2)

    heard = second(pair.heard["a"])
    assert amplitude_at(heard, 1000) == pytest.approx(LOUD / 4, rel=0.1)
    assert amplitude_at(heard, 697) > 5000


def test_a_key_without_a_tone_is_silent() -> None:
    pair = alone()
    pair.command("a", KeyTone("hold"))

    pair.run(0.1)

    assert not any(pair.heard["a"])


# --- reports ---


def test_quality_once_a_second() -> None:
    pair = call()

    pair.run(5.5)

    reports = [event for event in pair.told["a"] if isinstance(event, Quality)]
    assert len(reports) == 5
    last = reports[-1]
    assert 245 <= last.packets_received <= 255
    assert 245 <= last.packets_sent <= 255
    assert last.loss_percent == 0.0
    assert last.mos > 4.3


def test_loss_is_told_and_heard() -> None:
    pair = call()
    numbers = iter(range(10_000))
    pair.drop = lambda name, packet: name == "b" and not packet.rtcp and next(numbers) % 10 == 5

    pair.run(8.5)

    last = [event for event in pair.told["a"] if isinstance(event, Quality)][-1]
    assert last.loss_percent == pytest.approx(10.0, abs=1.0)
    assert 2.5 < last.mos < 3.8


@pytest.mark.parametrize("lost", [0, 1])
def test_a_link_that_loses_every_second_packet_from_the_first_on_is_heard_and_told_of(lost: int) -> None:
    """RFC 3550 A.1 asks for two packets in sequence, which would never come."""
    pair = call()
    numbers = iter(range(10_000))
    pair.drop = lambda name, packet: name == "b" and not packet.rtcp and next(numbers) % 2 == lost
    talk(pair, "b")

    pair.run(4.5)

    assert rms(second(pair.heard["a"])) > 1000
    last = [event for event in pair.told["a"] if isinstance(event, Quality)][-1]
    assert last.loss_percent == pytest.approx(50.0, abs=3.0)
    assert last.mos < 2.0


def test_round_trip_is_measured_by_rtcp() -> None:
    """RFC 3550 §6.4.1; the cable has no delay."""
    pair = call()

    pair.run(20.0)

    assert any(packet.rtcp for _, packet in pair.sent["a"])
    last = [event for event in pair.told["a"] if isinstance(event, Quality)][-1]
    assert last.delay_ms < 40


def stops(pair: EnginePair, name: str) -> list[float]:
    return [event.seconds for event in pair.told[name] if isinstance(event, MediaStopped)]


def test_media_that_stops_is_told_once() -> None:
    pair = call()
    pair.run(2.0)
    pair.drop = lambda name, packet: name == "b"

    pair.run(12.0)

    assert stops(pair, "a") == [pytest.approx(5.5, abs=0.6)]
    assert stops(pair, "b") == []


def test_media_that_stops_again_is_told_again() -> None:
    pair = call()
    pair.drop = lambda name, packet: name == "b"
    pair.run(8.0)
    pair.drop = lambda name, packet: False
    pair.run(3.0)
    pair.drop = lambda name, packet: name == "b"

    pair.run(8.0)

    assert len(stops(pair, "a")) == 2


def test_held_media_does_not_count_as_stopped() -> None:
    pair = call(direction={"a": "sendonly", "b": "recvonly"})

    pair.run(10.0)
    pair.configure("a")
    pair.configure("b")
    pair.run(4.0)

    assert stops(pair, "a") == stops(pair, "b") == []


# --- sessions ---


def test_sockets_are_asked_for_and_told() -> None:
    engine = Engine(Random(1))

    engine.receive_command(OpenSession("one", "192.0.2.1"), 0.0)
    asked = engine.drain()
    engine.sockets_opened("one", "192.0.2.1", 4002)

    assert asked == [OpenSockets("one", "192.0.2.1", None)]
    assert engine.events() == [SessionOpened("one", "192.0.2.1", 4002)]


def test_sockets_that_cannot_be_had() -> None:
    engine = Engine(Random(1))
    engine.receive_command(OpenSession("one", "192.0.2.1"), 0.0)

    engine.sockets_refused("one", "no free pair of ports")

    assert engine.events() == [SessionRefused("one", "no free pair of ports")]
    engine.receive_command(OpenSession("one", "192.0.2.1", port=4000), 0.0)
    assert engine.drain()[-1] == OpenSockets("one", "192.0.2.1", 4000)


def test_a_session_closed_says_goodbye_before_its_sockets_close() -> None:
    """RFC 3550 §6.6."""
    pair = call()
    pair.run(1.0)
    pair.engines["a"].receive_command(CloseSession("call"), pair.now)

    outputs = pair.engines["a"].drain()

    goodbye, closed = outputs
    assert isinstance(goodbye, SendPacket)
    assert goodbye.rtcp
    assert closed == CloseSockets("call")
    pair.engines["b"].receive_packet("call", goodbye.data, ("192.0.2.1", 4001), True, pair.now)
    assert pair.engines["b"].events() == [RemoteLeft("call")]


def test_commands_for_a_session_that_is_gone_do_nothing() -> None:
    pair = call()
    pair.run(0.1)
    pair.command("a", CloseSession("call"))
    pair.forget()

    for command in (StartDigit("call", "1"), StopDigit("call"), SendDigits("call", "12"), CloseSession("call")):
        pair.command("a", command)
    pair.configure("a")
    pair.run(0.1)

    assert pair.sent["a"] == []
    assert not any(pair.heard["a"])


def test_an_idle_engine_has_no_deadline() -> None:
    assert Engine(Random(1)).next_deadline() is None


def test_a_session_before_its_answer_sends_nothing() -> None:
    pair = EnginePair()
    pair.command("a", OpenSession("call", "192.0.2.1"))
    pair.command("a", ConnectAudio("call"))

    pair.run(2.0)

    assert pair.sent["a"] == []
    assert [event for event in pair.told["a"] if isinstance(event, Quality | MediaStopped)] == []


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=20), st.booleans())
def test_any_octets_from_anywhere_never_raise(packets: list[tuple[bool, bytes]], looks_like_rtp: bool) -> None:
    pair = call()
    pair.run(0.1)
    for rtcp, octets in packets:
        data = (b"\x80\xc8" if rtcp else b"\x80\x08") + octets if looks_like_rtp else octets
        pair.engines["a"].receive_packet("call", data, ("192.0.2.2", 5000 + rtcp), rtcp, pair.now)

    pair.run(0.2)

    assert len(pair.heard["a"]) == 2 * 2400
