"""A sound card that is not there when the phone starts: the engine runs without it, and has it as soon as it comes.

The card is PulseAudio's null sink through ALSA's pulse plugin, so that the real driver does all of it; what the card
plays, its microphone hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from firmware.audio.tones import parse_tone
from firmware.media.messages import ConnectAudio, Event, OpenSession, PlayTone, SessionOpened, SoundCard
from firmware.runtime.media_local import MediaLocal
from firmware.runtime.media_process import MediaProcess
from firmware.runtime.shell import MediaEngine
from hw.boards import open_audio
from tests.support.media_shells import FarEnd, Told
from tests.support.sound_cards import SoundServer, alsa_configured, plugins, pulse_plugins

BOARD = """
name = "late"
driver = "pi"
[audio]
earpiece = { card = "pcm:sink" }
microphone = { card = "pcm:monitor" }
"""
PORTS = (46500, 46599)
SILENCE = b"\xd5" * 160

Maker = Callable[[str, Callable[[Event], None]], MediaEngine]
SHELLS: dict[str, Maker] = {
    "in the phone's process": lambda board, told: MediaLocal(open_audio(board), PORTS, told),
    "in a process of its own": lambda board, told: MediaProcess(board, PORTS, told),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_card_that_comes_after_the_start_has_sound(tmp_path: Path, shell: str) -> None:
    board, server = tmp_path / "late.toml", SoundServer(tmp_path)
    board.write_text(BOARD)

    async def scenario() -> None:
        told = Told()
        media = SHELLS[shell](str(board), told)
        await media.start()
        with closing(FarEnd()) as far:
            media.send(OpenSession("call", "127.0.0.1"))
            await told.of(SessionOpened)
            media.send(far.configuration("call"))
            media.send(ConnectAudio("call"))
            media.send(PlayTone(parse_tone("440")))
            missing = await told.of(SoundCard)
            without = await far.packets(10)
            assert media.healthy(asyncio.get_running_loop().time())

            await asyncio.to_thread(server.start)
            async with asyncio.timeout(30):
                while not any(isinstance(event, SoundCard) and not event.fault for event in told.events):
                    far.forget()
                    await far.packets(5)
                while (await far.packets(1))[0].payload == SILENCE:
                    pass  # until the tone has gone through the card and back
        await media.stop()

        assert "cannot be opened" in missing.fault
        assert {packet.payload for packet in without} == {SILENCE}

    with alsa_configured(tmp_path, pulse_plugins(server.socket)):
        try:
            asyncio.run(scenario())
        finally:
            server.stop()


def test_a_card_that_is_no_clock_neither_hurries_the_call_nor_has_the_engine_killed(tmp_path: Path) -> None:
    """ALSA's null device gives every period at once."""
    board = tmp_path / "timeless.toml"
    board.write_text(BOARD.replace("pcm:sink", "pcm:quiet").replace("pcm:monitor", "pcm:quiet"))

    async def scenario() -> None:
        told = Told()
        media = MediaProcess(str(board), PORTS, told)
        await media.start()
        with closing(FarEnd()) as far:
            media.send(OpenSession("call", "127.0.0.1"))
            await told.of(SessionOpened)
            media.send(far.configuration("call"))
            media.send(ConnectAudio("call"))
            await far.packets(60)  # of the first half second some come at once
            far.forget()
            clock = asyncio.get_running_loop().time
            begun = clock()
            await far.packets(100)

            assert clock() - begun > 1.8
            assert media.healthy(clock())
        await media.stop()
        assert media.restarts == 0

    with alsa_configured(tmp_path, plugins(tmp_path)):
        asyncio.run(scenario())
