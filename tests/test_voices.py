"""Whole telephones with the real media engine: what is said here is heard there, over links that lose and delay."""

from __future__ import annotations

from array import array
from functools import partial
from itertools import pairwise
from random import Random

import pytest

from firmware.audio.codecs.g711 import ALaw
from firmware.media import messages as media
from firmware.phone.events import DialRequest
from firmware.rtp import packet as rtp
from firmware.sip.transaction import ServerTransaction
from tests.support.exchange import Phone as Peer
from tests.support.listening import dominant_hz, level_dbov, power_at, sine
from tests.support.stations import connect, exchange_text, phone_text
from tests.support.voices import SPOKEN_DBM0, Voice, spoken, voiced
from tests.support.world import Link, World

FULL_SCALE_DBM0 = 6.15
"""What a full-scale square wave would be: 0 dBm0 is 3.14 dB below a full-scale sine (ITU-T G.711)."""
QUIET_DBOV = -60.0
HALL_SAYS, KITCHEN_SAYS = 1000.0, 700.0


class Talk:
    """Two telephones with people who talk: the hall at 1,000 Hz, the kitchen at 700 Hz."""

    def __init__(self, link: Link = Link(), *, seed: int = 3261) -> None:  # noqa: B008
        self.world = World(seed=seed)
        self.hall, self.in_hall = voiced(self.world, exchange_text("1001", ["1001", "1002"]), "10.0.0.1", 1)
        self.kitchen, self.in_kitchen = voiced(self.world, phone_text("1002"), "10.0.0.2", 2)
        self.world.wait(2.0)
        connect(self.hall, self.kitchen)
        self.world.set_link("10.0.0.1", "10.0.0.2", link)
        self.in_hall.say(spoken(HALL_SAYS))
        self.in_kitchen.say(spoken(KITCHEN_SAYS))

    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    def heard(self) -> tuple[array[int], array[int]]:
        """What the hall's and the kitchen's ear heard last."""
        return self.in_hall.heard(0.4), self.in_kitchen.heard(0.4)

    def digits_heard(self, voice: Voice) -> str:
        return "".join(event.digit for event in voice.all_told(media.RemoteDigit))  # type: ignore[attr-defined]


def is_silent(samples: array[int]) -> bool:
    return level_dbov(samples) < QUIET_DBOV


# --- speech ---


def test_each_hears_the_other_and_not_himself() -> None:
    talk = Talk()
    talk.wait(3.0)

    in_hall, in_kitchen = talk.heard()

    assert dominant_hz(in_hall) == KITCHEN_SAYS
    assert dominant_hz(in_kitchen) == HALL_SAYS
    for samples, frequency in ((in_hall, KITCHEN_SAYS), (in_kitchen, HALL_SAYS)):
        assert power_at(samples, frequency) > 0.99
        assert level_dbov(samples) == pytest.approx(SPOKEN_DBM0 - FULL_SCALE_DBM0, abs=0.5)


@pytest.mark.parametrize(
    ("link", "least"),
    [
        (Link(delay=0.02, jitter=0.03), 0.97),
        (Link(delay=0.02, jitter=0.02, loss=0.05, doubled=0.02), 0.8),
        (Link(delay=0.15, jitter=0.08, loss=0.02), 0.8),
    ],
    ids=["jitter", "loss", "far"],
)
def test_speech_is_heard_through_loss_and_jitter(link: Link, least: float) -> None:
    talk = Talk(link)
    talk.wait(20.0)

    in_hall, in_kitchen = talk.heard()

    assert power_at(in_hall, KITCHEN_SAYS) > least
    assert power_at(in_kitchen, HALL_SAYS) > least
    assert level_dbov(in_kitchen) == pytest.approx(SPOKEN_DBM0 - FULL_SCALE_DBM0, abs=1.5)


def test_the_telephone_knows_how_bad_the_line_is() -> None:
    talk = Talk(Link(delay=0.02, jitter=0.02, loss=0.10))
    talk.wait(30.0)

    quality = talk.hall.call.quality

    assert quality is not None
    assert quality.loss_percent == pytest.approx(10.0, abs=4.0)
    assert 1.0 < quality.mos < 3.9
    assert 1.0 < quality.jitter_ms < 20.0


def test_the_delay_is_the_links_and_a_little_patience() -> None:
    """From mouth to ear: packetisation, link, playout; without jitter no more than three frames beside the link."""
    talk = Talk()
    talk.wait(3.0)
    talk.in_hall.say(None)
    talk.wait(3.0)
    begun = talk.world.now
    talk.in_hall.say(spoken(HALL_SAYS))

    assert talk.world.run(begun + 1.0, lambda: not is_silent(talk.in_kitchen.heard(0.02)))

    assert talk.world.now - begun < 0.005 + 0.080


def test_a_muted_microphone_is_not_heard() -> None:
    talk = Talk()
    talk.wait(1.0)

    talk.hall.press(["mute"])
    talk.wait(3.0)

    in_hall, in_kitchen = talk.heard()
    assert is_silent(in_kitchen)
    assert dominant_hz(in_hall) == KITCHEN_SAYS


def test_packets_leave_every_twenty_milliseconds() -> None:
    talk = Talk()
    talk.wait(5.0)
    sent = [
        (each.at, rtp.parse(each.data))
        for each in talk.world.voice
        if each.source[0] == "10.0.0.1" and not rtp.is_rtcp(each.data)
    ]

    steps = [(b[0] - a[0], (b[1].sequence - a[1].sequence) % 65536) for a, b in pairwise(sent)]

    assert len(sent) > 240
    assert all(step == (pytest.approx(0.02), 1) for step in steps)


# --- keys ---


@pytest.mark.parametrize(
    "link", [Link(), Link(delay=0.02, jitter=0.03, loss=0.1, doubled=0.2)], ids=["good line", "bad line"]
)
def test_each_key_is_told_once(link: Link) -> None:
    """RFC 4733 §2.5.1.4: the end is sent three times; an event is one event however often it comes."""
    talk = Talk(link)
    talk.wait(1.0)

    talk.hall.press("1590*#11")
    talk.wait(4.0)

    assert talk.digits_heard(talk.in_kitchen) == "1590*#11"
    assert talk.digits_heard(talk.in_hall) == ""


def test_a_key_held_down_is_one_digit_and_its_tone_is_in_our_own_ear() -> None:
    talk = Talk()
    talk.in_kitchen.say(None)
    talk.wait(2.0)
    key = [697.0, 1209.0]

    talk.hall.press(["1"])
    talk.wait(0.07)
    ear = talk.in_hall.heard(0.02)
    talk.wait(2.0)

    assert sum(power_at(ear, frequency) for frequency in key) > 0.8
    assert talk.digits_heard(talk.in_kitchen) == "1"
    assert is_silent(talk.in_hall.heard(0.5))


# --- hold ---


def test_hold_silences_both_and_resume_brings_them_back() -> None:
    talk = Talk()
    talk.wait(2.0)

    talk.hall.press(["hold"])
    talk.wait(3.0)
    assert [is_silent(samples) for samples in talk.heard()] == [True, True]
    talk.hall.press(["hold"])
    talk.wait(3.0)

    in_hall, in_kitchen = talk.heard()
    assert dominant_hz(in_hall) == KITCHEN_SAYS
    assert dominant_hz(in_kitchen) == HALL_SAYS


def test_a_held_telephone_sends_nothing() -> None:
    """RFC 3264 §5.1: recvonly."""
    talk = Talk()
    talk.hall.press(["hold"])
    talk.wait(2.0)
    before = len(talk.world.voice)
    talk.wait(5.0)

    late = [each for each in talk.world.voice[before:] if each.source[0] == "10.0.0.2"]

    assert all(rtp.is_rtcp(each.data) for each in late)


# --- the telephone's own tones, as the ear hears them ---


def test_tones_of_a_call_from_dial_tone_to_the_end() -> None:
    world = World()
    hall, ear = voiced(world, exchange_text("1001", ["1001", "1002"]), "10.0.0.1", 1)
    kitchen, other = voiced(world, phone_text("1002"), "10.0.0.2", 2)
    world.wait(2.0)

    hall.lift()
    world.wait(1.0)
    dial = ear.heard(0.5)
    assert power_at(dial, 350) + power_at(dial, 440) > 0.9

    hall.press("1002")
    world.wait(1.0)
    ringback = ear.heard(0.2, until=world.now - 0.1)  # 400 ms on, 200 ms off, 400 ms on, 2 s off
    assert power_at(ringback, 400) + power_at(ringback, 450) > 0.9
    bell = array("h", bytes(other.loudspeaker[-32000:]))
    assert level_dbov(bell) > -40
    world.wait(2.0)
    kitchen.lift()
    world.wait(2.0)
    assert is_silent(ear.heard(1.0))
    assert is_silent(array("h", bytes(other.loudspeaker[-16000:])))

    kitchen.hang_up()
    world.wait(4.0)
    busy = ear.heard(3.0)
    assert power_at(busy, 400) == pytest.approx(0.5, abs=0.07)  # it sounds half the time
    loud = [not is_silent(busy[start : start + 200]) for start in range(0, len(busy), 200)]
    assert sum(loud) / len(loud) == pytest.approx(0.5, abs=0.07)  # 375 ms on, 375 ms off


# --- early media ---


def early_announcement(world: World, peer: Peer, to: tuple[str, int], seconds: float) -> None:
    """The peer speaks at 600 Hz before it answers."""
    samples = sine(600, seconds)
    for n in range(len(samples) // 160):
        payload = ALaw().encode(samples[160 * n : 160 * (n + 1)].tobytes())
        data = rtp.build(8, n == 0, 100 + n, 160 * n, 0xCAFE, payload)
        world.at(world.now + 0.02 * n, lambda data=data: world.speak((peer.host, 40000), to, data))


def test_an_announcement_before_the_answer_is_heard_instead_of_ringback() -> None:
    """RFC 3960 §3.2; RFC 3261 §13.2.1: the answer may come in a provisional response."""
    world = World()
    hall, ear = voiced(world, phone_text("1001", exchange=None, host="10.0.0.1"), "10.0.0.1", 1)
    peer = Peer(world, "10.0.0.9")
    sdp = b"v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"

    def play(transaction: ServerTransaction) -> None:
        fields = [("Contact", f"<{peer.contact}>"), ("Content-Type", "application/sdp")]
        peer.endpoint.reply(transaction, 183, world.now, fields=fields, body=sdp)
        world.touch(peer.node)

    peer.script = play
    hall.lift()
    hall.do(DialRequest("sip:bob@10.0.0.9"))
    world.wait(0.5)
    early_announcement(world, peer, ("10.0.0.1", 16384), 2.0)
    world.wait(1.5)

    assert hall.call.state == "early"
    heard = ear.heard(1.0)
    assert dominant_hz(heard) == 600.0
    assert power_at(heard, 600) > 0.95


# --- trouble ---


def test_a_far_end_that_lost_its_power_is_noticed() -> None:
    talk = Talk()
    talk.wait(2.0)
    talk.world.set_link("10.0.0.1", "10.0.0.2", Link(loss=1.0))

    talk.wait(7.0)

    (stopped,) = talk.in_hall.all_told(media.MediaStopped)
    assert stopped.seconds == pytest.approx(5.0, abs=1.0)  # type: ignore[attr-defined]
    assert is_silent(talk.in_hall.heard(1.0))


def test_rubbish_on_the_port_is_not_heard() -> None:
    """Whatever comes from whomever: RFC 3550 A.1, and the door of symmetric RTP."""
    talk = Talk()
    talk.wait(2.0)
    random = Random(4733)
    for n in range(400):
        source = (random.choice(["10.0.0.2", "10.0.0.66"]), random.randrange(1024, 65536))
        data = random.randbytes(random.randrange(0, 200))
        speak = partial(talk.world.speak, source, ("10.0.0.1", 16384), data)
        talk.world.at(talk.world.now + 0.005 * n, speak)
    talk.wait(2.0)

    assert power_at(talk.in_hall.heard(1.0), KITCHEN_SAYS) > 0.95
    assert talk.digits_heard(talk.in_hall) == ""


def test_the_same_seed_says_the_same() -> None:
    def packets(seed: int) -> list[tuple[float, bytes, bool]]:
        talk = Talk(Link(jitter=0.02, loss=0.1), seed=seed)
        talk.wait(3.0)
        return [(each.at, each.data, each.lost) for each in talk.world.voice]

    assert packets(1) == packets(1)
    assert packets(1) != packets(2)


def test_nothing_listens_any_more_when_the_call_is_over() -> None:
    talk = Talk()
    talk.wait(1.0)
    talk.hall.hang_up()
    talk.kitchen.hang_up()
    talk.wait(1.0)
    before = len(talk.world.voice)

    talk.wait(5.0)

    assert len(talk.world.voice) == before
    assert talk.in_hall.engine.next_deadline() is None
