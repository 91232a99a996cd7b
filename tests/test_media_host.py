"""The engine with its sockets and its card: what is read when, and when the card may rest. Time is data."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random

import pytest

from firmware.audio.tones import parse_tone
from firmware.media.messages import (
    CloseSession,
    ConnectAudio,
    Event,
    KeyTone,
    OpenSession,
    PlayTone,
    Quality,
    RemoteDigit,
    SessionOpened,
    SoundCard,
)
from firmware.rtp.packet import build
from firmware.runtime.media_host import MediaHost
from tests.support.media_shells import FarEnd

PORTS = (46600, 46699)
PERIOD_S = 0.02


class Card:
    """A card that waits for nobody."""

    rate_hz = 8000
    period_samples = 160
    paced = True

    def __init__(self) -> None:
        self.fault = ""
        self.rests = 0
        self.at_rest: Callable[[], None] = lambda: None
        self.played: list[bytes] = []

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        self.played.append(earpiece)
        return bytes(320)

    def rest(self) -> None:
        self.rests += 1
        self.at_rest()

    def close(self) -> None:
        pass


class House:
    """A host, its card, and a clock that stands still."""

    def __init__(self) -> None:
        self.card = Card()
        self.events: list[Event] = []
        self.now = 1000.0
        self.looks = 0
        self.host = MediaHost(
            self.card, PORTS, self.events.append, random=Random(1), clock=lambda: self.now, looked=self._looked
        )

    def _looked(self) -> None:
        self.looks += 1

    def go_on(self, seconds: float) -> None:
        """So many seconds of periods."""
        for _ in range(round(seconds / PERIOD_S)):
            self.now += PERIOD_S
            self.host.exchange()

    def open_session(self, far: FarEnd) -> int:
        self.host.receive_command(OpenSession("call", "127.0.0.1"))
        opened = self.events[-1]
        assert isinstance(opened, SessionOpened)
        self.host.receive_command(far.configuration("call"))
        self.host.receive_command(ConnectAudio("call"))
        return opened.port

    def packets_received(self) -> int:
        """By what the next report says. The first of all proves the source, and is not counted (RFC 3550 A.1)."""
        self.events.clear()
        self.go_on(1.1)
        return 1 + next(event.packets_received for event in self.events if isinstance(event, Quality))


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.host.close()


def speech(number: int) -> bytes:
    return build(8, False, number, 160 * number, 77, b"\x55" * 160)


# --- what is read ---


def test_each_period_takes_what_came_since_the_one_before(house: House) -> None:
    with closing(FarEnd()) as far:
        port = house.open_session(far)
        for number in range(50):
            far.send(speech(number), port)
            house.go_on(PERIOD_S)

        assert house.packets_received() == 50


@pytest.mark.parametrize("together", [2, 7])
def test_packets_that_came_together_are_all_taken(house: House, together: int) -> None:
    with closing(FarEnd()) as far:
        port = house.open_session(far)
        for number in range(20 * together):
            far.send(speech(number), port)
            if number % together == together - 1:
                house.go_on(together * PERIOD_S)

        assert house.packets_received() == 20 * together


def test_a_flow_that_stops_and_comes_again_is_taken(house: House) -> None:
    with closing(FarEnd()) as far:
        port = house.open_session(far)
        for number in range(60):
            if number // 15 % 2 == 0:
                far.send(speech(number), port)
            house.go_on(PERIOD_S)

        assert house.packets_received() == 30


def test_a_key_amid_the_flow_is_told_in_its_period(house: House) -> None:
    with closing(FarEnd()) as far:
        port = house.open_session(far)
        for number in range(30):
            far.send(speech(number), port)
            house.go_on(PERIOD_S)

        far.send(build(101, True, 30, 30 * 160, 77, bytes((5, 10, 0, 160))), port)
        house.go_on(PERIOD_S)

        assert house.events[-1] == RemoteDigit("call", "5")


def test_two_sessions_are_both_read(house: House) -> None:
    with closing(FarEnd()) as far, closing(FarEnd()) as other:
        port = house.open_session(far)
        house.host.receive_command(OpenSession("second", "127.0.0.1"))
        second = house.events[-1]
        assert isinstance(second, SessionOpened)
        house.host.receive_command(other.configuration("second"))
        for number in range(40):
            far.send(speech(number), port)
            other.send(speech(number), second.port)
            house.go_on(PERIOD_S)
        house.events.clear()
        house.go_on(1.1)

        received = {event.session: event.packets_received for event in house.events if isinstance(event, Quality)}
        assert received == {"call": 39, "second": 39}


# --- rest ---


def test_the_card_may_rest_after_five_seconds_with_nothing_to_hear(house: House) -> None:
    house.go_on(4.8)
    assert not house.host.may_rest

    house.go_on(0.4)

    assert house.host.may_rest


@pytest.mark.parametrize("sound", [PlayTone(parse_tone("440")), KeyTone("5"), OpenSession("call", "127.0.0.1")])
def test_whatever_is_to_be_heard_ends_the_rest(house: House, sound: PlayTone | KeyTone | OpenSession) -> None:
    house.go_on(6.0)

    house.host.receive_command(sound)
    assert not house.host.may_rest
    house.host.rest()  # asked too late

    assert house.card.rests == 0
    house.go_on(6.0)
    assert not house.host.may_rest


def test_after_the_last_session_and_the_last_tone_it_may_rest_again(house: House) -> None:
    house.host.receive_command(OpenSession("call", "127.0.0.1"))
    house.host.receive_command(PlayTone(parse_tone("440")))
    house.go_on(6.0)
    house.host.receive_command(CloseSession("call"))
    house.go_on(6.0)
    assert not house.host.may_rest

    house.host.receive_command(PlayTone(None))
    house.go_on(5.2)

    assert house.host.may_rest


def test_a_rest_stops_the_card_and_is_a_sign_of_life(house: House) -> None:
    house.go_on(6.0)
    house.now += 2.0
    looks = house.looks
    house.card.at_rest = house.host.wake

    house.card.fault = "pulled out"
    house.host.rest()

    assert house.card.rests == 1
    assert house.host.last_period_at == house.now
    assert house.looks > looks
    assert house.events == [SoundCard("pulled out")]


def test_sound_begins_with_the_cards_first_period(house: House) -> None:
    """A rest that ends has the engine's next period ready before the card asks."""
    house.go_on(6.0)
    played = len(house.card.played)

    house.card.at_rest = lambda: house.host.receive_command(PlayTone(parse_tone("440")))
    house.host.rest()
    house.go_on(PERIOD_S)

    assert any(house.card.played[played])


def test_a_port_is_free_once_its_session_is_closed(house: House) -> None:
    with closing(FarEnd()) as far:
        port = house.open_session(far)
        house.host.receive_command(CloseSession("call"))
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as again:
            again.bind(("127.0.0.1", port))
