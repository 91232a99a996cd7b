"""What both shells of the media engine share: the engine, its sockets and its sound card, by the monotonic clock.

Sockets are read once a period, just before it: a packet is not needed earlier, the kernel stamps when it came, and a
process that wakes up half as often costs half as much. The shell says when a period is due; a card that paces itself
has a thread of its own, and the lock makes it and the phone's commands take turns. While there is nothing to hear, such
a card rests, and so does the thread.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from random import Random, SystemRandom

from firmware.media.engine import Engine, OpenSockets, SendPacket
from firmware.media.messages import CloseSession, Command, Event, SoundCard
from firmware.runtime.rtp_sockets import RtpSockets, SocketPair, receive
from hw import AudioPort

logger = logging.getLogger(__name__)

_MOST_A_PERIOD = 32
# Datagrams read of one socket in a period; of a flood the kernel drops the rest.
_TIMERS_S = 0.1
# What waits for a time, RTCP every few seconds and a report every second, may be so late.
_LONGEST_WAIT_S = 0.5
# A packet waited no longer for us than this; if the stamp says so, somebody set the clock.
_REST_AFTER_S = 5.0
# Nothing to hear for so long, and the card rests: not between hanging up and lifting again.
_REST_LOOK_S = 2.0
# While it rests: between two looks whether it is still there. Well below SILENT_S, for each is a sign of life.
_GIVE_UP_AFTER_S = 0.2
# Later than this (the machine slept), the pace starts anew instead of catching up.


class Pace:
    """Periods by absolute deadlines, so that lateness never adds up."""

    def __init__(self, period_s: float, now: float) -> None:
        self._period_s = period_s
        self._start = now
        self._count = 0

    @property
    def deadline(self) -> float:
        """When the next period is due, monotonic seconds."""
        return self._start + self._count * self._period_s

    def advance(self, now: float) -> None:
        """The period that was due is done."""
        self._count += 1
        if now - self.deadline > _GIVE_UP_AFTER_S:
            self._start, self._count = now, 0


class _Reader:
    """A socket and whose it is."""

    __slots__ = ("flows", "rtcp", "session", "socket")

    def __init__(self, session: str, socket: socket.socket, rtcp: bool) -> None:
        self.session = session
        self.socket = socket
        self.rtcp = rtcp
        self.flows = False
        """What it brought last was the packet that was expected: it is read without asking whether there is one."""


class MediaHost:
    """An engine at work. `notify` is called with each event, in whichever thread it came up."""

    def __init__(
        self,
        port: AudioPort,
        rtp_ports: tuple[int, int],
        notify: Callable[[Event], None],
        *,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        known_fault: str = "",
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        """`known_fault`: what the phone knows already of the sound card; `looked`: called ten times a second while
        periods go on, and every two seconds while the card rests."""
        self._looked = looked
        self._port = port
        self._sockets = RtpSockets(rtp_ports)
        self._readers: dict[int, _Reader] = {}
        self._speech: list[_Reader] = []
        self._poll = select.poll()
        self._notify = notify
        self._clock = clock
        self._engine = Engine(random or SystemRandom(), rate_hz=port.rate_hz, period_samples=port.period_samples)
        self._silence = bytes(2 * port.period_samples)
        self._earpiece = self._speaker = self._silence
        self._ring: bytes | None = None
        self._fault = known_fault
        self._pairs: dict[str, SocketPair] = {}
        self._lock = threading.RLock()
        self._look_at = self._received_at = 0.0
        self._offset = 0.0
        """What the two clocks differ by, as of the latest look: the kernel's stamps are of the other one."""
        self._sounded_at = clock()
        self.may_rest = False
        """There has been nothing to hear for a while, and no session is open."""
        self._woken = threading.Event()
        self.period_s = port.period_samples / port.rate_hz
        self.last_period_at = clock()
        """When the latest period was run, or the card's rest looked after: an engine that hangs falls behind."""

    @property
    def idle(self) -> bool:
        """No session is open."""
        return not self._pairs

    def receive_command(self, command: Command) -> None:
        """Do what the phone asks."""
        with self._lock:
            self._engine.receive_command(command, self._clock())
            self._flush()
            if not self._engine.silent:
                self.may_rest = False
                self._sounded_at = self._clock()
                self._woken.set()

    def exchange(self) -> None:
        """One period of the sound card and of the engine, and the timers that are due.

        A card that paces itself blocks here. One that is away is silence, and the calls go on.
        """
        self.run_period(self._port.exchange(self._earpiece, self._speaker, self._ring))

    def run_period(self, microphone: bytes) -> None:
        """One period of the engine."""
        self._lock.acquire()  # `with` touches more code, fifty times a second
        try:
            now = self.last_period_at = self._clock()
            if self._readers:
                self._receive(now)
            self._earpiece, self._speaker, self._ring = self._engine.period(microphone, now)
            if now >= self._look_at:
                self._look(now)
            self._flush()
        finally:
            self._lock.release()

    def _look(self, now: float) -> None:
        """What can wait for a tenth of a second."""
        self._look_at = now + _TIMERS_S
        self._engine.handle_timers(now)
        if not self._engine.silent:
            self._sounded_at = now
        self.may_rest = now - self._sounded_at >= _REST_AFTER_S
        self._tell_fault()
        self._looked()

    def _tell_fault(self) -> None:
        if self._port.fault != self._fault:
            self._fault = self._port.fault
            self._notify(SoundCard(self._fault))

    def rest(self) -> None:
        """Let the card rest until there is something to hear, or for two seconds."""
        self._woken.clear()
        if not self.may_rest:
            return
        self._port.rest()
        with self._lock:
            self.last_period_at = self._clock()
            self._tell_fault()
            self._looked()
        if self._woken.wait(_REST_LOOK_S):
            # The first sound is ready when the card begins, not a period later.
            self.run_period(self._silence)

    def wake(self) -> None:
        """End a rest."""
        self._woken.set()

    def close(self) -> None:
        """End every session (RTCP BYE) and let go of the sound card."""
        for session in list(self._pairs):
            self.receive_command(CloseSession(session))
        self._port.close()

    # --- sockets ---

    def _receive(self, now: float) -> None:
        """Give the engine what came since the period before."""
        look = now >= self._look_at
        for reader in self._speech:
            if not reader.flows or not self._read_next(reader, now):
                look = True
        if look:
            self._read_all(now)
        self._received_at = now

    def _read_next(self, reader: _Reader, now: float) -> bool:
        """Read one packet; whether it came since the period before and was expected, so that it was the only one."""
        at = self._read(reader, now)
        return reader.flows and at > self._received_at

    def _read_all(self, now: float) -> None:
        self._offset = now - time.time()
        for _ in range(_MOST_A_PERIOD):
            ready = self._poll.poll(0)
            if not ready:
                return
            for descriptor, _ in ready:
                self._read(self._readers[descriptor], now)

    def _read(self, reader: _Reader, now: float) -> float:
        """Read one datagram; returns when it came."""
        came = receive(reader.socket)
        if came is None:
            reader.flows = False
            return now
        data, source, stamp = came
        at = now if stamp is None else min(now, max(stamp + self._offset, now - _LONGEST_WAIT_S))
        reader.flows = self._engine.receive_packet(reader.session, data, source, reader.rtcp, at)
        return at

    def _flush(self) -> None:
        for output in self._engine.drain():
            if isinstance(output, SendPacket):
                self._send(output)
            elif isinstance(output, OpenSockets):
                self._open(output)
            else:
                self._close(output.session)
        for event in self._engine.events():
            self._notify(event)

    def _send(self, packet: SendPacket) -> None:
        pair = self._pairs.get(packet.session)
        if pair is None:
            return
        try:
            (pair.rtcp if packet.rtcp else pair.rtp).sendto(packet.data, packet.destination)
        except OSError as error:
            # As lost on the way: no route, a full queue, an address the other end should not have given.
            logger.debug("RTP to %s: %s", packet.destination, error)

    def _open(self, wanted: OpenSockets) -> None:
        try:
            pair = self._sockets.open(wanted.host, wanted.port)
        except OSError as error:
            self._engine.sockets_refused(wanted.session, str(error))
            return
        self._pairs[wanted.session] = pair
        for one, rtcp in ((pair.rtp, False), (pair.rtcp, True)):
            self._readers[one.fileno()] = _Reader(wanted.session, one, rtcp)
            self._poll.register(one, select.POLLIN)
        self._speech = [reader for reader in self._readers.values() if not reader.rtcp]
        self._engine.sockets_opened(wanted.session, pair.host, pair.port)

    def _close(self, session: str) -> None:
        if (pair := self._pairs.pop(session, None)) is not None:
            for one in (pair.rtp, pair.rtcp):
                self._poll.unregister(one)
                del self._readers[one.fileno()]
            self._speech = [reader for reader in self._readers.values() if not reader.rtcp]
            pair.close()


class CardThread:
    """Runs a card that paces itself."""

    def __init__(self, host: MediaHost) -> None:
        self._host = host
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sound-card", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the period under way."""
        self._stopping.set()
        self._host.wake()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._host.may_rest:
                self._host.rest()
            else:
                self._host.exchange()
