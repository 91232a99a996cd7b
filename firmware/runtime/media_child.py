"""The media engine as a process of its own: what `media_process` starts.

    python -m firmware.runtime.media_child CONTROL_FD AUDIO FIRST_PORT LAST_PORT

One loop around `select`, whose timeout has microseconds (that of `epoll` has milliseconds), with absolute deadlines.
Commands come and events go on the control socket; when it ends, so does the process.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import socket
import sys
import time
from typing import NoReturn

from firmware.media.framing import MessageFramer, frame
from firmware.media.messages import ALIVE_S, Alive, Event, Failed, MalformedMessage, Message, Quality, Ready
from firmware.runtime.media_host import CardThread, MediaHost, Pace
from firmware.runtime.realtime import make_punctual
from hw import AudioPort, DeviceError
from hw.boards import open_audio

logger = logging.getLogger(__name__)

_LARGEST_BACKLOG = 1 << 20
# Octets of events that the phone did not read: by then it hangs, and we end.


class ControlEnded(Exception):
    """The phone closed the control socket, or does not read it any more."""


class Control:
    """The socket to the phone."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self.socket = control
        self._framer = MessageFramer()
        self._backlog = b""

    @property
    def waiting(self) -> bool:
        """Something could not be sent yet."""
        return bool(self._backlog)

    def tell(self, message: Message) -> None:
        """Send a message; never blocks. Raises ControlEnded."""
        self._backlog += frame(message)
        if len(self._backlog) > _LARGEST_BACKLOG:
            raise ControlEnded("the phone does not listen")
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it goes. Raises ControlEnded."""
        try:
            sent = self.socket.send(self._backlog)
        except BlockingIOError:
            return
        except OSError as error:
            raise ControlEnded(str(error)) from error
        self._backlog = self._backlog[sent:]

    def hear(self) -> list[Message]:
        """The messages that came. Raises ControlEnded."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ControlEnded(str(error)) from error
        if not data:
            raise ControlEnded("the phone closed the control socket")
        try:
            return self._framer.feed(data)
        except MalformedMessage as error:
            raise ControlEnded(str(error)) from error


class Loop:
    """Waits for the control socket and the next period."""

    def __init__(self, control: Control, port: AudioPort, rtp_ports: tuple[int, int]) -> None:
        self._control = control
        self._paced = port.paced
        # A card's thread leaves its events here: only the loop writes to the control socket.
        self._events: list[Event] = []
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        notify = self._leave_and_ring if port.paced else self._events.append
        looked = self._looked if port.paced else lambda: None
        self._host = MediaHost(port, rtp_ports, notify, known_fault=port.fault, looked=looked)
        self._card = CardThread(self._host)
        self._told_at = self._host.last_period_at

    def run(self) -> NoReturn:
        """Work until the phone ends it. Raises ControlEnded."""
        try:
            if self._paced:
                self._run_with_card()
            else:
                self._run_by_clock()
        finally:
            if self._paced:
                self._card.stop()
            self._host.close()

    def _run_with_card(self) -> NoReturn:
        self._card.start()
        while True:
            self._serve(None)

    def _run_by_clock(self) -> NoReturn:
        pace = Pace(self._host.period_s, time.monotonic())
        while True:
            left = pace.deadline - time.monotonic()
            if left > 0:
                self._serve(left)
            else:
                self._host.exchange()
                pace.advance(time.monotonic())
                self._tell_events()

    def _serve(self, timeout: float | None) -> None:
        control = self._control
        writers = [control.socket] if control.waiting else []
        readers: list[socket.socket | int] = [control.socket, self._bell]
        readable, writable, _ = select.select(readers, writers, [], timeout)
        if writable:
            control.flush()
        if self._bell in readable:
            os.eventfd_read(self._bell)
        if control.socket in readable:
            self._obey(control.hear())
        self._tell_events()

    def _leave_and_ring(self, event: Event) -> None:
        self._events.append(event)
        os.eventfd_write(self._bell, 1)

    def _looked(self) -> None:
        """The card's thread is at work: have it told, if the phone has not heard from us for a while."""
        if self._host.last_period_at - self._told_at >= ALIVE_S:
            os.eventfd_write(self._bell, 1)

    def _obey(self, messages: list[Message]) -> None:
        for message in messages:
            if not isinstance(message, Event | Ready | Failed | Alive):
                self._host.receive_command(message)
        if self._host.idle:
            gc.collect()

    def _tell_events(self) -> None:
        while self._events:
            event = self._events.pop(0)
            self._control.tell(event)
            if isinstance(event, Quality):  # which a period brings about: a sign of life too
                self._told_at = self._host.last_period_at
        # By the period, not by the clock: a card that hangs lets the loop run on, and must not pass for alive.
        if self._host.last_period_at - self._told_at >= ALIVE_S:
            self._told_at = self._host.last_period_at
            self._control.tell(Alive())


def run(control: Control, audio: str, rtp_ports: tuple[int, int]) -> int:
    """Be the media engine until the control socket ends; return the exit status."""
    try:
        loop = _start(control, audio, rtp_ports)
        if loop is not None:
            loop.run()
    except ControlEnded as ended:
        logger.debug("%s", ended)
        return 0
    return 1


def _start(control: Control, audio: str, rtp_ports: tuple[int, int]) -> Loop | None:
    try:
        port = open_audio(audio)
    except (DeviceError, ValueError) as error:
        control.tell(Failed(str(error)))
        return None
    loop, fault = Loop(control, port, rtp_ports), port.fault
    refused = make_punctual()
    if refused:
        logger.warning("the media engine goes on without %s", ", and without ".join(refused))
    control.tell(Ready(realtime=not refused, fault=fault))
    return loop


def main(arguments: list[str]) -> int:
    """The command line of this module."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    descriptor, audio, first, last = arguments
    control = Control(socket.socket(fileno=int(descriptor)))
    return run(control, audio, (int(first), int(last)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
