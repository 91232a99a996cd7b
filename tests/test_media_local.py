"""The media engine on asyncio's loop, on real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from random import Random

import pytest

from firmware.audio.tones import parse_tone
from firmware.media.messages import (
    CloseSession,
    ConnectAudio,
    OpenSession,
    PlayTone,
    Quality,
    RemoteDigit,
    SessionOpened,
    SessionRefused,
    SoundCard,
)
from firmware.rtp.packet import build
from firmware.runtime.media_local import MediaLocal
from hw import AudioPort
from hw.boards import open_audio
from tests.support.media_shells import FarEnd, Told
from tests.support.spectrum import amplitude_at

PORTS = (46300, 46399)


class Card:
    """A sound card that remembers what was played; with a `fault` it is away."""

    rate_hz = 8000
    period_samples = 160

    def __init__(self, *, paced: bool) -> None:
        self.paced = paced
        self.fault = ""
        self.closed = False
        self.rests = 0
        self.played = b""
        self.heard = threading.Event()
        self._tick = threading.Event()

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        if self.paced:
            self._tick.wait(0.02)
        if self.fault:
            return bytes(320)
        self.played += earpiece
        self.heard.set()
        return b"\x10\x20" * 160

    def rest(self) -> None:
        self.rests += 1

    def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def running(port: AudioPort, told: Told) -> AsyncIterator[MediaLocal]:
    media = MediaLocal(port, PORTS, told, random=Random(1))
    await media.start()
    try:
        yield media
    finally:
        await media.stop()


async def open_session(media: MediaLocal, told: Told, far: FarEnd, name: str = "call") -> int:
    media.send(OpenSession(name, "127.0.0.1"))
    opened = await told.of(SessionOpened, lambda event: event.session == name)
    media.send(far.configuration(name))
    media.send(ConnectAudio(name))
    return opened.port


@pytest.mark.parametrize("paced", [False, True])
def test_the_microphone_reaches_the_far_end(paced: bool) -> None:
    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(Card(paced=paced), told) as media:
                await open_session(media, told, far)

                packets = await far.packets(10)

        assert {len(packet.payload) for packet in packets} == {160}
        assert [packet.sequence - packets[0].sequence for packet in packets] == list(range(10))
        assert len(set(packets[-1].payload)) == 1
        assert packets[-1].payload != b"\xd5" * 160

    asyncio.run(scenario())


@pytest.mark.parametrize("paced", [False, True])
def test_events_come_in_the_loops_thread(paced: bool) -> None:
    async def scenario() -> None:
        told = Told()
        threads: set[int] = set()

        def note(event: object) -> None:
            threads.add(threading.get_ident())
            told(event)  # type: ignore[arg-type]

        with closing(FarEnd()) as far:
            media = MediaLocal(Card(paced=paced), PORTS, note)
            await media.start()
            port = await open_session(media, told, far)
            # RFC 4733: event 5, duration 160; two packets prove the source (RFC 3550 A.1).
            for sequence in range(3):
                head = bytes((0x80, 101, 0, sequence)) + bytes(4) + b"\0\0\0\7"
                far.send(head + bytes((5, 10)) + (160 * sequence).to_bytes(2, "big"), port)
            digit = await told.of(RemoteDigit)
            await media.stop()

        assert digit == RemoteDigit("call", "5")
        assert threads == {threading.get_ident()}

    asyncio.run(scenario())


def test_a_tone_reaches_the_card() -> None:
    async def scenario() -> bytes:
        card = Card(paced=True)
        async with running(card, Told()) as media:
            media.send(PlayTone(parse_tone("440")))
            while len(card.played) < 2 * 1600:
                card.heard.clear()
                await asyncio.to_thread(card.heard.wait, 5)
        assert card.closed
        return card.played[2 * 800 : 2 * 1600]

    assert amplitude_at(asyncio.run(scenario()), 440) > 7000


def test_a_closed_session_says_goodbye_and_frees_its_port() -> None:
    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(open_audio("sim"), told) as media:
                port = await open_session(media, told, far)
                await far.packets(3)
                media.send(CloseSession("call"))

                # RTCP compounds with a BYE (203) in them.
                while b"\x81\xcb" not in await far.report():
                    pass
                media.send(OpenSession("next", "127.0.0.1", port=port))
                again = await told.of(SessionOpened, lambda event: event.session == "next")

        assert again.port == port

    asyncio.run(scenario())


def test_an_address_that_is_not_ours_is_refused() -> None:
    async def scenario() -> SessionRefused:
        told = Told()
        async with running(open_audio("sim"), told) as media:
            media.send(OpenSession("call", "192.0.2.1"))
            return await told.of(SessionRefused)

    assert asyncio.run(scenario()).session == "call"


@pytest.mark.parametrize("paced", [False, True])
def test_all_that_comes_is_taken_whatever_its_pace(paced: bool) -> None:
    """One packet a period, then two each two periods, then none for a while, then all of them at once."""

    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(Card(paced=paced), told) as media:
                port = await open_session(media, told, far)
                sent = 0
                for together, turns in ((1, 40), (2, 10), (0, 5), (12, 1), (1, 10)):
                    for _ in range(turns):
                        for _ in range(together):
                            far.send(build(8, False, sent, 160 * sent, 77, bytes(160)), port)
                            sent += 1
                        await asyncio.sleep(0.02 * max(1, together if together < 3 else 1))
                # The first proves the source and is not counted (RFC 3550 A.1).
                await told.of(Quality, lambda event: event.packets_received == sent - 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("paced", [False, True])
def test_a_call_goes_on_without_its_card_which_is_told(paced: bool) -> None:
    async def scenario() -> None:
        told, card = Told(), Card(paced=paced)
        with closing(FarEnd()) as far:
            async with running(card, told) as media:
                await open_session(media, told, far)
                await far.packets(3)
                card.fault = "no card; plug it in"
                assert (await told.of(SoundCard)).fault == card.fault
                far.forget()
                without = await far.packets(10)

                card.fault = ""
                await told.of(SoundCard, lambda event: not event.fault)
                far.forget()
                again = await far.packets(10)

        assert without[-1].payload == b"\xd5" * 160
        assert again[-1].payload != b"\xd5" * 160

    asyncio.run(scenario())
