"""HTTP for a simulated telephone: its hardware, for scripts and for the page.

    POST /sim/hook              {"off": true}
    POST /sim/key               {"key": "5", "down": true}, or {"press": "1002#"} typed as a person would
    GET  /sim/board             what lamps, keys, hook and bell are doing
    GET  /sim/events            the same and the picture, as server-sent events (or by WebSocket), at every change
    GET  /sim/display.png?scale=N, /sim/display.txt
    PUT  /sim/microphone        a WAV file
    GET  /sim/earpiece.wav?seconds=N, /sim/speaker.wav?seconds=N
    WS   /sim/audio             s16le mono both ways; the first text message gives the rate

Errors are `{"error": "plain words"}`. Whoever mounts the routes sees to the token; that no *other site's* page
works the telephone or listens to it is seen to here, by the Origin header (RFC 6454 §7, RFC 6455 §10.2).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from hw import DeviceError, LampState
from hw.sim.board import SimBoard
from hw.sim.browser.page import page_routes
from hw.sim.sound import REMEMBERED, LiveSound, Recording, SimSound
from hw.sim.wav import UnreadableSound, read_wav, write_wav

__all__ = ["page_routes", "sim_routes"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Pause = Callable[[float], Awaitable[None]]

KEY_DOWN = 0.1
"""Seconds for which a typed key is down."""
KEY_GAP = 0.08
"""Seconds between typed keys."""
MOST_TYPED = 64
LARGEST_COMMAND = 4096
"""Octets of a JSON body."""
LARGEST_WAV = 32 * 1024 * 1024
"""Octets."""
LARGEST_FRAME = 64 * 1024
"""Octets of one WebSocket message."""
HEARTBEAT = 15.0
"""Seconds between signs of life to an event stream."""


class Refusal(Exception):
    """What was asked cannot be done; becomes the JSON error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def sim_routes(board: SimBoard, pause: Pause = asyncio.sleep) -> list[web.RouteDef]:
    """The routes of one board, all below `/sim/`. `pause` waits out the seconds of a typed key."""
    hardware = _Hardware(board, pause)
    return [
        web.post("/sim/hook", _guarded(hardware.hook)),
        web.post("/sim/key", _guarded(hardware.key)),
        web.get("/sim/board", _guarded(hardware.state)),
        web.get("/sim/events", _guarded(hardware.events)),
        web.get("/sim/display.png", _guarded(hardware.picture)),
        web.get("/sim/display.txt", _guarded(hardware.text)),
        web.put("/sim/microphone", _guarded(hardware.microphone)),
        web.get("/sim/earpiece.wav", _guarded(hardware.earpiece)),
        web.get("/sim/speaker.wav", _guarded(hardware.speaker)),
        web.get("/sim/audio", _guarded(hardware.audio)),
    ]


def _guarded(handler: Handler) -> Handler:
    """The handler, for pages of this very server only, with refusals as JSON."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            origin = request.headers.get("Origin")
            if origin is not None and urlsplit(origin).netloc != request.host:
                raise Refusal(403, "another site's page may not use this telephone")
            return await handler(request)
        except Refusal as refusal:
            return web.json_response({"error": str(refusal)}, status=refusal.status)

    return guarded


async def _body(request: web.Request, largest: int) -> bytes:
    """The request's body, read here so that the limit is ours whatever the application's is."""
    octets = bytearray()
    async for chunk in request.content.iter_any():
        octets += chunk
        if len(octets) > largest:
            raise Refusal(413, f"more than {largest} octets")
    return bytes(octets)


async def _command(request: web.Request) -> dict[str, Any]:
    try:
        command = json.loads(await _body(request, LARGEST_COMMAND))
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"the body is not JSON: {error}") from error
    if not isinstance(command, dict):
        raise Refusal(400, "the body must be a JSON object")
    return command


def _seconds(request: web.Request) -> float:
    text = request.query.get("seconds", "10")
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= REMEMBERED:
        raise Refusal(400, f"seconds must be above 0 and at most {REMEMBERED:g}, not {text!r}")
    return seconds


class _Hardware:
    """One board's handlers."""

    def __init__(self, board: SimBoard, pause: Pause) -> None:
        self._board = board
        self._pause = pause
        self._typing = asyncio.Lock()

    async def hook(self, request: web.Request) -> web.StreamResponse:
        off = (await _command(request)).get("off")
        if not isinstance(off, bool):
            raise Refusal(400, 'say {"off": true} to lift the handset, {"off": false} to put it down')
        if off:
            self._board.lift()
        else:
            self._board.replace()
        return web.json_response(self._state())

    async def key(self, request: web.Request) -> web.StreamResponse:
        command = await _command(request)
        if "press" in command:
            await self._type(self._keys_of(command["press"]))
        else:
            self._move(command.get("key"), command.get("down"))
        return web.json_response(self._state())

    async def state(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._state())

    async def picture(self, request: web.Request) -> web.StreamResponse:
        scale = request.query.get("scale", "1")
        if scale not in {"1", "2", "3", "4", "5", "6", "7", "8"}:
            raise Refusal(400, "scale must be a whole number from 1 to 8")
        png = self._board.display.png(int(scale))
        return web.Response(body=png, content_type="image/png", headers={"Cache-Control": "no-store"})

    async def text(self, request: web.Request) -> web.StreamResponse:
        lines = "".join(f"{line}\n" for line in self._board.display.lines)
        return web.Response(text=lines, headers={"Cache-Control": "no-store"})

    async def microphone(self, request: web.Request) -> web.StreamResponse:
        sound = self._sound()
        octets = await _body(request, LARGEST_WAV)
        try:
            # A long file takes a while to resample; the telephone goes on meanwhile.
            samples = await asyncio.to_thread(read_wav, octets, sound.rate_hz)
        except UnreadableSound as error:
            raise Refusal(415, str(error)) from error
        try:
            sound.speak(samples)
        except ValueError as error:
            raise Refusal(409, str(error)) from error
        return web.json_response({"seconds": len(samples) / 2 / sound.rate_hz})

    async def earpiece(self, request: web.Request) -> web.StreamResponse:
        return self._heard(self._sound().earpiece, _seconds(request))

    async def speaker(self, request: web.Request) -> web.StreamResponse:
        return self._heard(self._sound().speaker, _seconds(request))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Every state once, the newest when they come faster than the browser takes them."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._events_by_socket(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})

        async def send(state: str) -> None:
            await response.write(f"event: board\ndata: {state}\n\n".encode() if state else b": alive\n\n")

        try:
            await response.prepare(request)
            await self._tell(send)
        except ConnectionResetError:
            pass  # the page was closed
        return response

    async def _events_by_socket(self, request: web.Request) -> web.WebSocketResponse:
        """The same by WebSocket: browsers keep no more than six HTTP connections to one server, sockets not counted."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST_COMMAND, heartbeat=20.0)

        async def send(state: str) -> None:
            if state:
                await socket.send_str(state)

        async def tell() -> None:
            try:
                await self._tell(send)
                await socket.close()
            except ConnectionResetError:
                pass  # the page was closed; the loop below sees it too

        await socket.prepare(request)
        telling = asyncio.create_task(tell())
        try:
            async for _ in socket:
                pass
        finally:
            telling.cancel()
        return socket

    async def _tell(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send the state now and after each change until the board is closed; "" as a sign of life."""
        changed = asyncio.Event()
        unwatch = self._board.watch(_setter(changed))
        try:
            while not self._board.closed:
                changed.clear()
                await send(json.dumps(self._everything()))
                while not await _set_within(changed, HEARTBEAT):
                    await send("")
        finally:
            unwatch()

    async def audio(self, request: web.Request) -> web.StreamResponse:
        sound = self._sound()
        ready = asyncio.Event()
        try:
            live = sound.connect(_setter(ready))
        except DeviceError as error:
            raise Refusal(409, str(error)) from error
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, heartbeat=20.0, compress=False)
        try:
            await socket.prepare(request)
            form = {"encoding": "s16le", "channels": 1}
            await socket.send_json({"rate_hz": sound.rate_hz, "frame_samples": sound.period_samples, **form})
            playing = asyncio.create_task(_play(socket, live, ready))
            try:
                await _listen(socket, live)
            finally:
                playing.cancel()
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            live.close()
        return socket

    def _sound(self) -> SimSound:
        if self._board.audio is None:
            raise Refusal(404, "this telephone's sound is not simulated: a sound card plays it and hears for it")
        return self._board.audio

    def _state(self) -> dict[str, Any]:
        board = self._board
        return {
            "hook": "off" if board.hook.lifted else "on",
            "keys_down": sorted(board.keypad.keys_down),
            "lamps": {lamp: _plainly(state) for lamp, state in board.lamps.states.items()},
            "ringing": board.ringer.ringing,
        }

    def _everything(self) -> dict[str, Any]:
        board = self._board
        return self._state() | {
            "lamps_tell": {lamp: state.value for lamp, state in board.lamps.states.items()},
            "ring": {"cadence_ms": board.ringer.cadence_ms, "volume": board.ringer.volume},
            "keys": sorted(board.keypad.keys),
            "display": {
                "width": board.display.size[0],
                "height": board.display.size[1],
                "pixels": base64.b64encode(board.display.pixels).decode(),
                "lines": board.display.lines,
            },
        }

    def _heard(self, recording: Recording, seconds: float) -> web.Response:
        wav = write_wav(recording.last(seconds), self._sound().rate_hz)
        return web.Response(body=wav, content_type="audio/wav", headers={"Cache-Control": "no-store"})

    def _move(self, key: object, down: object) -> None:
        if not isinstance(key, str) or not isinstance(down, bool):
            raise Refusal(400, 'say {"key": "5", "down": true}, or {"press": "1002#"}')
        self._check(key)
        if down:
            self._board.press(key)
        else:
            self._board.release(key)

    def _keys_of(self, press: object) -> list[str]:
        """The keys of a "press": one named key, or a run of digits."""
        if not isinstance(press, str) or not 0 < len(press) <= MOST_TYPED:
            raise Refusal(400, f"press must be 1 to {MOST_TYPED} characters")
        keys = [press] if press in self._board.keypad.keys else list(press)
        for key in keys:
            self._check(key)
        return keys

    def _check(self, key: str) -> None:
        if key not in self._board.keypad.keys:
            raise Refusal(400, f"this telephone has no key {key!r}")

    async def _type(self, keys: list[str]) -> None:
        async with self._typing:  # two scripts do not type into each other's numbers
            for position, key in enumerate(keys):
                if position:
                    await self._pause(KEY_GAP)
                self._board.press(key)
                try:
                    await self._pause(KEY_DOWN)
                finally:
                    self._board.release(key)


def _plainly(state: LampState) -> str:
    """What a lamp shows, whatever it tells: "off", "on" or "blink"."""
    return state.value if state in (LampState.OFF, LampState.ON) else "blink"


def _setter(event: asyncio.Event) -> Callable[[], None]:
    """What sets the event from whichever thread."""
    loop = asyncio.get_running_loop()

    def set_event() -> None:
        loop.call_soon_threadsafe(event.set)

    return set_event


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _play(socket: web.WebSocketResponse, live: LiveSound, ready: asyncio.Event) -> None:
    """Send what the port plays until the port or the page is closed."""
    try:
        while not live.closed:
            await ready.wait()
            ready.clear()
            for frame in live.heard():
                await socket.send_bytes(frame)
        await socket.close()
    except ConnectionResetError:
        pass  # the page was closed; `_listen` sees it too


async def _listen(socket: web.WebSocketResponse, live: LiveSound) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            live.speak(message.data)
