"""The media engine in a process of its own: calls live on when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from firmware.media.framing import MessageFramer, frame
from firmware.media.messages import (
    ConnectAudio,
    Failed,
    Message,
    OpenSession,
    Quality,
    SendDigits,
    SessionOpened,
    SessionRefused,
    SetLevels,
)
from firmware.runtime.media_child import Control, ControlEnded
from firmware.runtime.media_process import MediaProcess
from hw import DeviceError
from tests.support.media_shells import FarEnd, Told

PORTS = (46400, 46499)


@asynccontextmanager
async def running(told: Told, audio: str = "tone") -> AsyncIterator[MediaProcess]:
    media = MediaProcess(audio, PORTS, told)
    await media.start()
    try:
        yield media
    finally:
        await media.stop()


async def open_session(media: MediaProcess, told: Told, far: FarEnd) -> int:
    media.send(OpenSession("call", "127.0.0.1"))
    port = (await told.of(SessionOpened)).port
    media.send(far.configuration("call"))
    media.send(ConnectAudio("call"))
    return port


@pytest.mark.parametrize("audio", ["sim", "null", "tone"])
def test_a_session_sends_at_once(audio: str) -> None:
    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(told, audio) as media:
                await open_session(media, told, far)

                packets = await far.packets(10)

                assert media.realtime is not None
        assert [packet.sequence - packets[0].sequence for packet in packets] == list(range(10))

    asyncio.run(scenario())


def test_events_cross() -> None:
    async def scenario() -> Quality:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(told) as media:
                await open_session(media, told, far)
                return await told.of(Quality)

    assert asyncio.run(scenario()).session == "call"


def test_commands_cross() -> None:
    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(told) as media:
                await open_session(media, told, far)
                media.send(SendDigits("call", "7"))
                while (await far.packets(1))[0].payload_type != 101:
                    pass

    asyncio.run(scenario())


def test_a_refused_session_is_told() -> None:
    async def scenario() -> SessionRefused:
        told = Told()
        async with running(told) as media:
            media.send(OpenSession("call", "192.0.2.1"))
            return await told.of(SessionRefused)

    assert asyncio.run(scenario()).session == "call"


def test_a_call_survives_the_death_of_the_engine() -> None:
    """The new engine sends from the same port to the same far end, with its levels, and the phone notices nothing."""

    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(told) as media:
                port = await open_session(media, told, far)
                before = (await far.packets(3))[-1]
                killed = media.pid
                assert killed is not None
                os.kill(killed, signal.SIGKILL)
                after = before
                while after.ssrc == before.ssrc:
                    after = (await far.packets(1))[0]
                _, source = await asyncio.get_running_loop().sock_recvfrom(far.rtp, 2048)

                assert media.pid not in (None, killed)
                assert media.restarts == 1
                assert source == ("127.0.0.1", port)
                assert after.payload_type == 8
        assert [type(event) for event in told.events if not isinstance(event, Quality)] == [SessionOpened]

    asyncio.run(scenario())


def test_commands_while_it_is_down_are_not_lost() -> None:
    async def scenario() -> None:
        told = Told()
        with closing(FarEnd()) as far:
            async with running(told) as media:
                assert media.pid is not None
                os.kill(media.pid, signal.SIGKILL)
                media.send(SetLevels(muted=True))

                await open_session(media, told, far)
                packets = await far.packets(5)

        assert {packet.payload for packet in packets} == {b"\xd5" * 160}

    asyncio.run(scenario())


def test_a_card_that_cannot_be_opened_is_told_at_the_start() -> None:
    async def scenario() -> None:
        await MediaProcess("no-such-board", PORTS, Told()).start()

    with pytest.raises(DeviceError, match="no-such-board"):
        asyncio.run(scenario())


def test_nothing_is_left_after_stop() -> None:
    async def scenario() -> int:
        async with running(Told()) as media:
            pid = media.pid
            assert pid is not None
        assert media.pid is None
        return pid

    pid = asyncio.run(scenario())

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_engine_dies_with_its_phone() -> None:
    """Whatever ends the phone closes its end of the control socket."""
    ours, theirs = socket.socketpair()
    control = Control(theirs)
    ours.close()

    with theirs, pytest.raises(ControlEnded):
        control.hear()


def test_the_control_socket_takes_messages_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        control, heard = Control(theirs), list[Message]()
        for octet in frame(ConnectAudio("call")):
            ours.send(bytes([octet]))
            heard += control.hear()

    assert heard == [ConnectAudio("call")]


def test_a_phone_that_is_slow_to_listen_misses_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        control = Control(theirs)
        message = Failed("x" * 100_000)
        for _ in range(4):
            control.tell(message)
        assert control.waiting
        ours.setblocking(False)
        framer = MessageFramer()
        received: list[Message] = []
        while control.waiting:
            received += framer.feed(ours.recv(1 << 20))
            control.flush()

        assert received + framer.feed(ours.recv(1 << 20)) == 4 * [message]


def test_a_phone_that_never_listens_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ControlEnded, match="listen"):
        Control(theirs).tell(Failed("x" * (1 << 20)))


def test_other_octets_on_the_control_socket_end_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"GET / HTTP/1.1\r\n\r\n")

        with pytest.raises(ControlEnded):
            Control(theirs).hear()
