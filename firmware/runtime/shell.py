"""The world around one station: sockets, the engine, the board, the names, the clock. It understands nothing.

sockets   ---->              ---->  sockets
engine    ---->   Station    ---->  engine
board     ---->    (pure)    ---->  lamps, ringer, panel
names     ---->              ---->  names
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Protocol

import hw
from firmware.media import messages as media
from firmware.phone import events as phone_events
from firmware.phone.set_up_page import Outcome, SetUpPageTold
from firmware.phone.view import PhoneView
from firmware.runtime.log_limit import Overload
from firmware.runtime.set_up_request import no_set_up
from firmware.runtime.sip_sockets import SipSockets
from firmware.sip.transport import (
    CloseConnection,
    Flow,
    Hop,
    HopAnswered,
    HopSilent,
    ListeningPoint,
    Locate,
    SendDatagram,
    SendStream,
)
from firmware.station.station import BoardAction, Station

log = logging.getLogger(__name__)

FAREWELL_S = 1.5
"""How long a stopping phone waits for the answers to its farewells."""


class MediaEngine(Protocol):
    """The media engine's shell, in this process or in one of its own."""

    def send(self, command: media.Command) -> None:
        """Give the engine a command."""
        ...

    def healthy(self, now: float) -> bool:
        """Its sound goes on; `now`: the loop's time."""
        ...

    async def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End, closing all sessions."""
        ...


Resolve = Callable[[Locate], Awaitable[Sequence[Hop]]]
HopHeard = Callable[[Hop, bool], None]
"""A located hop was silent (False), or answers again (True)."""
EngineFactory = Callable[[Callable[[media.Event], None]], MediaEngine]
StationFactory = Callable[[Sequence[ListeningPoint], float], Station]


class Shell:
    """Runs one station. `await start()`; later `await take_leave()`, if there is time for it, and `await close()`."""

    def __init__(
        self,
        points: Sequence[ListeningPoint],
        build: StationFactory,
        engine: EngineFactory,
        board: hw.Board,
        resolve: Resolve,
        hop_heard: HopHeard = lambda hop, answered: None,
        keep: Callable[[str, bytes], None] = lambda name, memory: None,
        open_set_up: Callable[[], Awaitable[Outcome]] = no_set_up,
    ) -> None:
        """`build(points as bound, now)` makes the station once its sockets are open; `keep` gets its memory, now and
        then and at the end; `open_set_up()` opens the card's set-up page."""
        self.board = board
        self.points: tuple[ListeningPoint, ...] = ()
        self._wanted = points
        self._build = build
        self._station: Station | None = None
        self._sockets = SipSockets(self)
        self._engine = engine(self._media_event)
        self._resolve = resolve
        self._hop_heard = hop_heard
        self._keep = keep
        self._open_set_up = open_set_up
        self._overload = Overload()
        self._overload_ends: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing = False
        self._left: asyncio.Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watchers: list[Callable[[], None]] = []

    @property
    def station(self) -> Station:
        """The station; there is one from `start` on."""
        assert self._station is not None
        return self._station

    async def start(self) -> None:
        """Open everything and register. Raises ListenError, DeviceError."""
        self.points = await self._sockets.open(self._wanted)
        engine_starts = self._loop.create_task(self._engine.start())
        await asyncio.sleep(0)  # an engine in this process is up now; one in its own takes what it is told meanwhile
        self._station = self._build(self.points, self._loop.time())
        self.board.listen(self._board_event)
        hook = self.board.hook
        if hook is not None and hook.lifted:
            self._hardware(hw.HookLifted())
        self.station.start(self._loop.time())
        self._flush()
        await engine_starts

    async def take_leave(self) -> None:
        """End the calls and unregister; returns when all is said, or nobody answers."""
        if self._station is None:
            return
        self._left = asyncio.Event()
        self._station.stop(self._loop.time())
        self._flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._left.wait()

    async def close(self) -> None:
        """Close everything but the board."""
        if self._timer is not None:
            self._timer.cancel()
        if self._overload_ends is not None:
            self._overload_ends.cancel()
        if self._station is not None:
            self._station.close(self._loop.time())
            self._keep_memory(self._station)
        self._station = None
        for task in tuple(self._tasks):
            task.cancel()
        await self._engine.stop()
        await self._sockets.close()

    @property
    def healthy(self) -> bool:
        """Its loop runs, as who asks shows, and so does its media engine."""
        return self._engine.healthy(self._loop.time())

    # --- for the web ---

    def view(self) -> PhoneView:
        """The phone's state now."""
        return self.station.view(self._loop.time())

    def now(self) -> float:
        """The time the view's times are in."""
        return self._loop.time()

    def request(self, event: phone_events.PhoneEvent) -> str | None:
        """Ask the phone for something; the id of the call it placed. Raises NotPossible."""
        try:
            return self.station.phone_received(event, self._loop.time())
        finally:
            self._flush()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever something may have changed; returns what ends that."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed) if changed in self._watchers else None

    def counters(self) -> dict[str, int]:
        """Signalling counters since the start."""
        return dataclasses.asdict(self.station.endpoint.counters)

    # --- from the sockets, the engine, the board, the clock ---

    def sip_received(self, data: bytes, flow: Flow) -> None:
        """Octets came."""
        if self._station is not None:
            self._station.sip_received(data, flow, self._loop.time())
            self._flush()

    def sip_connection_opened(self, flow: Flow) -> None:
        """A stream was accepted."""
        if self._station is not None:
            self._station.endpoint.connection_opened(flow, self._loop.time())
            self._flush()

    def sip_connection_closed(self, connection: int, hop: Hop | None) -> None:
        """A stream is gone."""
        if self._station is not None:
            self._station.sip_connection_closed(connection, self._loop.time(), hop)
            self._flush()

    def sip_delivery_failed(self, hop: Hop) -> None:
        """Something sent to this hop did not arrive."""
        if self._station is not None:
            self._station.sip_delivery_failed(hop, self._loop.time())
            self._flush()

    def network_changed(self) -> None:
        """This machine came into a network, or into another one."""
        if self._station is not None:
            self._station.network_changed(self._loop.time())
            self._flush()

    def _media_event(self, event: media.Event) -> None:
        if self._station is not None:
            self._station.media_received(event, self._loop.time())
            self._flush()

    def _board_event(self, event: hw.BoardEvent) -> None:
        if threading.get_ident() == self._thread:
            self._hardware(event)
        else:
            self._loop.call_soon_threadsafe(self._hardware, event)

    def _hardware(self, event: hw.BoardEvent) -> None:
        if self._station is not None:
            self._station.phone_received(_phone_event(event), self._loop.time())
            self._flush()

    def _due(self) -> None:
        self._timer = None
        if self._station is not None:
            self._station.handle_timers(self._loop.time())
            self._flush()

    # --- to them ---

    def _flush(self) -> None:
        """Carry out what the station wants. What comes back meanwhile joins the same round."""
        if self._flushing or self._station is None:
            return
        self._flushing = True
        try:
            while self._flush_once(self._station):
                pass
        finally:
            self._flushing = False
        if self._left is not None and self._station.idle:
            self._left.set()
        self._arm(self._station.next_deadline())
        self._watch_overload()
        for changed in tuple(self._watchers):
            changed()

    def _flush_once(self, station: Station) -> bool:
        outputs, commands, actions = station.drain_sip(), station.drain_media(), station.drain_board()
        for output in outputs:
            match output:
                case SendDatagram():
                    self._sockets.send_datagram(output)
                case SendStream():
                    self._sockets.send_stream(output)
                case CloseConnection():
                    self._sockets.close_connection(output)
                case Locate():
                    self._locate(output)
                case HopSilent(hop):
                    self._hop_heard(hop, False)
                case HopAnswered(hop):
                    self._hop_heard(hop, True)
        ringer = self.board.ringer
        for command in commands:
            if not (isinstance(command, media.PlayRing) and ringer is not None and ringer.audible):
                self._engine.send(command)
        for action in actions:
            self._act(action)
        picture = station.drain_picture()
        if picture is not None and self.board.display is not None:
            self.board.display.show(picture.pixels)
            show_text = getattr(self.board.display, "show_text", None)  # only a simulated panel tells its text
            if show_text is not None:
                show_text(picture.lines)
        self._keep_memory(station)
        if station.drain_set_up():
            self._begin(self._set_up())
        return bool(outputs or commands or actions)

    def _keep_memory(self, station: Station) -> None:
        for name, memory in station.drain_memory():
            self._keep(name, memory)

    def _watch_overload(self) -> None:
        """One line when requests begin to be refused, and one when that is over."""
        if self._station is None:
            return
        words = self._overload.count(self._station.endpoint.counters.overload, self._loop.time())
        if words is not None:
            log.warning(words)
        over_at = self._overload.over_at
        if over_at is not None and self._overload_ends is None:
            self._overload_ends = self._loop.call_at(over_at, self._overload_may_be_over)

    def _overload_may_be_over(self) -> None:
        self._overload_ends = None
        self._watch_overload()

    def _arm(self, deadline: float | None) -> None:
        if self._timer is not None:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._due)

    def _act(self, action: BoardAction) -> None:
        ringer = self.board.ringer
        match action:
            case phone_events.SetLamp(lamp, state):
                self.board.lamps.set(lamp, hw.LampState(state))
            case phone_events.Ring() if ringer is not None:
                ringer.ring(action.cadence_ms, action.volume)
            case phone_events.StopRing() if ringer is not None:
                ringer.silence()

    def _locate(self, query: Locate) -> None:
        self._begin(self._find(query))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _set_up(self) -> None:
        outcome = await self._open_set_up()
        if self._station is not None:
            self._station.phone_received(SetUpPageTold(outcome), self._loop.time())
            self._flush()

    async def _find(self, query: Locate) -> None:
        hops = tuple(await self._resolve(query))
        if self._station is not None:
            self._station.sip_located(query.query, hops, self._loop.time())
            self._flush()


def _phone_event(event: hw.BoardEvent) -> phone_events.PhoneEvent:
    match event:
        case hw.HookLifted():
            return phone_events.HandsetLifted()
        case hw.HookReplaced():
            return phone_events.HandsetReplaced()
        case hw.KeyPressed(key):
            return phone_events.KeyPressed(key)
        case hw.KeyReleased(key):
            return phone_events.KeyReleased(key)
