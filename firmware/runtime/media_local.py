"""The media engine in the phone's own process, on its asyncio loop: for the simulator and for tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from random import Random

from firmware.media.messages import SILENT_S, Command, Event
from firmware.runtime.media_host import CardThread, MediaHost, Pace
from hw import AudioPort


class MediaLocal:
    """The engine of one telephone.

    media = MediaLocal(board.audio, (40000, 40099), notify=print)
    await media.start()
    media.send(OpenSession("call-1", "127.0.0.1"))  # notify(SessionOpened(...)) follows
    await media.stop()
    """

    def __init__(
        self,
        port: AudioPort,
        rtp_ports: tuple[int, int],
        notify: Callable[[Event], None],
        *,
        random: Random | None = None,
    ) -> None:
        """`port`: the sound card, closed by `stop`; `rtp_ports`: first and last UDP port; `notify`: gets each event,
        always in the loop's thread, sometimes before `send` returns."""
        self._port = port
        self._notify = notify
        self._thread_id = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host = MediaHost(port, rtp_ports, self._tell, random=random)
        self._pace: Pace | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._card: CardThread | None = None

    async def start(self) -> None:
        """Begin to run the sound card."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        if self._port.paced:
            self._card = CardThread(self._host)
            self._card.start()
        else:
            self._pace = Pace(self._host.period_s, self._loop.time())
            self._timer = self._loop.call_at(self._pace.deadline, self._period)

    def send(self, command: Command) -> None:
        """Give the engine a command. Only after `start`."""
        self._host.receive_command(command)

    def healthy(self, now: float) -> bool:
        """Its periods go on."""
        return now - self._host.last_period_at < SILENT_S

    async def stop(self) -> None:
        """End every session and close the sound card."""
        if self._timer is not None:
            self._timer.cancel()
        if self._card is not None:
            await asyncio.to_thread(self._card.stop)
        self._host.close()
        self._loop = None

    # --- the period ---

    def _period(self) -> None:
        assert self._loop is not None
        assert self._pace is not None
        # Armed first: an error in one period must not be the end of all sound.
        self._pace.advance(self._loop.time())
        self._timer = self._loop.call_at(self._pace.deadline, self._period)
        self._host.exchange()

    def _tell(self, event: Event) -> None:
        if self._loop is None or threading.get_ident() == self._thread_id:
            self._notify(event)
        else:
            self._loop.call_soon_threadsafe(self._notify, event)
