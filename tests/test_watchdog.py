"""Signs of life to the service manager: sd_notify(3), sd_watchdog_enabled(3)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from firmware.runtime.media_process import MediaProcess
from firmware.runtime.watchdog import interval, watched
from tests.support.media_shells import Told

PID = 1234


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The service manager's end, which asks for a sign of life every 20 ms."""
    address = str(tmp_path / "notify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(address)
    listener.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    return listener


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(PID)}, 10.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": ""}, None),
    ],
)
def test_half_of_what_is_asked_of_us(environment: dict[str, str], expected: float | None) -> None:
    assert interval(environment, PID) == expected


def test_a_well_phone_gives_signs_of_life(manager: socket.socket) -> None:
    async def scenario() -> list[bytes]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(30), watched(lambda: True):
            return [await loop.sock_recv(manager, 100) for _ in range(3)]

    with manager:
        assert asyncio.run(scenario()) == [b"WATCHDOG=1"] * 3


def test_a_sick_phone_gives_none_until_it_is_well_again(manager: socket.socket) -> None:
    """Each question is a turn: five in vain, then it is well."""
    turns = iter([False] * 5 + [True] * 1000)
    asked = []

    def healthy() -> bool:
        asked.append(next(turns))
        return asked[-1]

    async def scenario() -> None:
        async with asyncio.timeout(30), watched(healthy):
            await asyncio.get_running_loop().sock_recv(manager, 100)

    with manager:
        asyncio.run(scenario())
    assert asked[:6] == [False] * 5 + [True]


def test_nothing_is_said_where_nobody_watches(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")

    async def scenario() -> None:
        async with watched(lambda: True):
            await asyncio.sleep(0)

    with manager:
        asyncio.run(scenario())
        with pytest.raises(BlockingIOError):
            manager.recv(100)


def test_an_engine_that_hangs_is_not_healthy_and_is_replaced() -> None:
    """A stopped process keeps its socket open and says nothing: only its silence tells."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        media = MediaProcess("null", (46500, 46599), Told())
        await media.start()
        try:
            assert media.healthy(loop.time())
            hung = media.pid
            assert hung is not None
            os.kill(hung, signal.SIGSTOP)
            async with asyncio.timeout(60):
                while media.healthy(loop.time()):
                    await asyncio.sleep(0.02)
                while media.pid in (None, hung) or not media.healthy(loop.time()):
                    await asyncio.sleep(0.02)
        finally:
            await media.stop()
        assert media.restarts == 1

    asyncio.run(scenario())
