"""A far end for the media engine's shells, on real sockets: says and hears RTP on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from firmware.media.messages import ConfigureSession, Event, PayloadFormat
from firmware.rtp.packet import Packet, parse

PCMA = PayloadFormat(8, "PCMA")
EVENTS = PayloadFormat(101, "TELEPHONE-EVENT")
Kind = TypeVar("Kind")


class Told:
    """The events that a shell told; `of` waits for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    async def of(self, kind: type[Kind], wanted: Callable[[Kind], bool] = lambda event: True) -> Kind:
        """The first event of a kind, now or soon."""
        async with asyncio.timeout(30):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and wanted(event):
                        return event
                self._changed.clear()
                await self._changed.wait()


class FarEnd:
    """A socket pair that receives."""

    def __init__(self) -> None:
        self.rtp, self.rtcp = _bound(), _bound()

    def configuration(self, session: str) -> ConfigureSession:
        """What an answer of ours would make of the session."""
        remote, remote_rtcp = self.rtp.getsockname(), self.rtcp.getsockname()
        return ConfigureSession(session, remote, remote_rtcp, PCMA, (PCMA,), EVENTS, EVENTS, "sendrecv")

    async def packets(self, count: int) -> list[Packet]:
        """The next RTP packets."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(30):
            return [parse(await loop.sock_recv(self.rtp, 2048)) for _ in range(count)]

    async def report(self) -> bytes:
        """The next RTCP packet."""
        async with asyncio.timeout(30):
            return await asyncio.get_running_loop().sock_recv(self.rtcp, 2048)

    def forget(self) -> None:
        """Drop the RTP packets that wait."""
        while True:
            try:
                self.rtp.recv(2048)
            except BlockingIOError:
                return

    def send(self, data: bytes, port: int) -> None:
        """An RTP packet to the engine's port."""
        self.rtp.sendto(data, ("127.0.0.1", port))

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _bound() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    bound.bind(("127.0.0.1", 0))
    return bound
