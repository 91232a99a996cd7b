"""The media engine in a process of its own, seen from the phone: the same verbs as `media_local.MediaLocal`.

    phone ── commands ──> Journal ──> socket pair ──> media_child ── RTP
          <── events ───────────────────────────────

If the process dies it is started again and told everything that still holds, so that calls go on, on their ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import firmware
from firmware.media.framing import MessageFramer, frame
from firmware.media.journal import Journal
from firmware.media.messages import SILENT_S, Command, Event, Failed, MalformedMessage, Message, Ready, SoundCard
from hw import DeviceError

logger = logging.getLogger(__name__)

_START_S = 20.0
# A loaded Pi needs a few seconds to start Python.
_STOP_S = 2.0
_LONG_ENOUGH_S = 10.0
# A process that lived so long is started again at once; one that did not, after a growing pause.
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
_LARGEST_BACKLOG = 1 << 20


class _Child(asyncio.Protocol):
    """One running process: its control socket."""

    process: asyncio.subprocess.Process
    _transport: asyncio.Transport

    def __init__(self, heard: Callable[[list[Message]], None]) -> None:
        loop = asyncio.get_running_loop()
        self.first: asyncio.Future[list[Message]] = loop.create_future()
        """What it says first; `heard` gets all that comes later."""
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done when it says nothing more."""
        self._heard = heard
        self._framer = MessageFramer()

    @classmethod
    async def start(cls, audio: str, rtp_ports: tuple[int, int], heard: Callable[[list[Message]], None]) -> _Child:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = str(theirs.fileno())
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "firmware.runtime.media_child"),
                    *(descriptor, audio, str(rtp_ports[0]), str(rtp_ports[1])),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                )
            except OSError:
                ours.close()
                raise
        _, child = await asyncio.get_running_loop().create_connection(lambda: cls(heard), sock=ours)
        child.process = process
        return child

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._framer.feed(data)
        except MalformedMessage:
            self._transport.abort()
            return
        if self.first.done():
            self._heard(messages)
        elif messages:
            self.first.set_result(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        self.first.cancel()
        if not self.ended.done():
            self.ended.set_result(None)

    def send(self, message: Message) -> None:
        if self._transport.get_write_buffer_size() > _LARGEST_BACKLOG:
            # It hangs. A new one will be told everything.
            self.kill()
        elif not self._transport.is_closing():
            self._transport.write(frame(message))

    def kill(self) -> None:
        # Not process.kill(): before Python 3.12.8 it asks for the exit status, which asyncio then does not learn.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Close its control socket, on which it says BYE and leaves; help if it does not."""
        self._transport.close()
        try:
            await asyncio.wait_for(self.process.wait(), _STOP_S)
        except TimeoutError:
            self.kill()
            await self.process.wait()


def _environment() -> dict[str, str]:
    """Ours, with the folder we were imported from on the module path."""
    root = str(Path(firmware.__file__).parent.parent)
    paths = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


class MediaProcess:
    """The engine of one telephone, in its own process.

    media = MediaProcess("null", (40000, 40099), notify=print)
    await media.start()
    media.send(OpenSession("call-1", "127.0.0.1"))  # notify(SessionOpened(...)) follows
    await media.stop()
    """

    def __init__(self, audio: str, rtp_ports: tuple[int, int], notify: Callable[[Event], None]) -> None:
        """`audio`: what `hw.boards.open_audio` takes; `rtp_ports`: first and last UDP port;
        `notify`: gets each event, in the loop's thread."""
        self._audio = audio
        self._rtp_ports = rtp_ports
        self._notify = notify
        self._journal = Journal()
        self._child: _Child | None = None
        self._ready: bool | None = None
        self._fault = ""
        self._heard_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.restarts = 0
        """How often the process had to be started again."""

    @property
    def pid(self) -> int | None:
        """The running process; None between two."""
        return None if self._child is None else self._child.process.pid

    @property
    def realtime(self) -> bool | None:
        """Whether it was granted real-time priority; None: it is not up."""
        return self._ready

    def healthy(self, now: float) -> bool:
        """It is up and its periods go on; `now`: the running loop's time."""
        return self._ready is not None and now - self._heard_at < SILENT_S

    async def start(self) -> None:
        """Start the process and wait until it has looked for its sound cards, which may come later.

        Raises:
            DeviceError: there are no drivers or no such board, or it did not answer in time.
        """
        child = await self._launch()
        self._task = asyncio.create_task(self._attend(child))

    def send(self, command: Command) -> None:
        """Give the engine a command; while it is being started again, it gets it when it is up."""
        self._journal.record(command)
        if self._child is not None:
            self._child.send(command)

    async def stop(self) -> None:
        """End every session and the process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._child is not None:
            await self._child.end()
            self._child = None

    async def _launch(self) -> _Child:
        """Start a process, tell it what the one before knew."""
        child = await _Child.start(self._audio, self._rtp_ports, self._take)
        try:
            await asyncio.wait([child.first], timeout=_START_S)
        except asyncio.CancelledError:
            child.kill()
            raise
        first, refusal = _first_words(child)
        if refusal is not None:
            child.kill()
            await child.end()
            raise DeviceError(refusal)
        for command in self._journal.replay():
            child.send(command)
        self._child = child
        self._take(first)
        return child

    async def _attend(self, child: _Child) -> None:
        """Pass on events; when the process ends, start another."""
        pause = _SHORTEST_PAUSE_S
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            await self._until_over(child)
            self._child = None
            self._ready = None
            child.kill()
            await child.end()
            pause = _SHORTEST_PAUSE_S if clock() - started > _LONG_ENOUGH_S else min(2 * pause, _LONGEST_PAUSE_S)
            logger.error("the media engine died (exit status %s); starting it again", child.process.returncode)
            child = await self._relaunch(pause)

    async def _until_over(self, child: _Child) -> None:
        """Wait until it ended, or says nothing any more, not even that it lives."""
        clock = asyncio.get_running_loop().time
        while not child.ended.done():
            left = self._heard_at + SILENT_S - clock()
            if left <= 0:
                logger.error("the media engine is silent")
                return
            await asyncio.wait([child.ended], timeout=left)

    async def _relaunch(self, pause: float) -> _Child:
        while True:
            await asyncio.sleep(pause)
            self.restarts += 1
            try:
                return await self._launch()
            except (DeviceError, OSError) as error:
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                logger.error("the media engine does not start: %s; trying again in %.1f s", error, pause)

    def _take(self, messages: list[Message]) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        for message in messages:
            if isinstance(message, Ready):
                self._ready = message.realtime
                self._tell_fault(message.fault)
            elif isinstance(message, SoundCard):
                self._tell_fault(message.fault)
            elif isinstance(message, Failed):
                logger.error("the media engine: %s", message.reason)
            elif isinstance(message, Event) and self._journal.report(message):
                self._notify(message)

    def _tell_fault(self, fault: str) -> None:
        """A new process finds the cards as they are; the phone hears of what is other than it knew."""
        if fault != self._fault:
            self._fault = fault
            self._notify(SoundCard(fault))


def _first_words(child: _Child) -> tuple[list[Message], str | None]:
    """What it said first, and why it cannot be used (None: it can)."""
    if not child.first.done():
        return [], "the media engine does not start"
    if child.first.cancelled():
        return [], "the media engine ended at once"
    messages = child.first.result()
    return messages, next((message.reason for message in messages if isinstance(message, Failed)), None)
