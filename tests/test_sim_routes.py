"""The simulated hardware over HTTP, and the page (the outside interface's `/sim/` part)."""

from __future__ import annotations

import array
import asyncio
import base64
import io
import json
import re
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

import hw.sim.browser.routes
from hw import BoardEvent, HookLifted, KeyPressed, KeyReleased, LampState
from hw.sim import SimBoard
from hw.sim.browser.page import PAGE_FILES
from hw.sim.browser.routes import page_routes, sim_routes
from hw.sim.wav import write_wav

Client = TestClient[web.Request, web.Application]
Visit = Callable[[Client], Awaitable[None]]


def level(value: int, samples: int = 160) -> bytes:
    return array.array("h", [value] * samples).tobytes()


SILENCE = level(0)


def visit(routes: list[web.RouteDef], test: Visit) -> None:
    """Serve the routes on loopback while `test` talks to them."""

    async def run() -> None:
        app = web.Application()
        app.add_routes(routes)
        async with TestClient(TestServer(app)) as client:
            await asyncio.wait_for(test(client), 60)

    asyncio.run(run())


def visit_board(board: SimBoard, test: Visit) -> None:
    visit(sim_routes(board), test)


async def refused(client: Client, method: str, path: str, status: int, **options: object) -> str:
    """The plain words of a refusal."""
    async with client.request(method, path, **options) as answer:  # type: ignore[arg-type]
        assert answer.status == status
        words = (await answer.json())["error"]
        assert isinstance(words, str)
        return words


# --- hook, keys, state ---


def test_the_hook_is_lifted_and_replaced() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        async with client.post("/sim/hook", json={"off": True}) as answer:
            assert answer.status == 200
        assert board.hook.lifted
        async with client.post("/sim/hook", json={"off": False}) as answer:
            assert (await answer.json())["hook"] == "on"
        assert not board.hook.lifted

    visit_board(board, test)


def test_a_key_is_down_until_it_is_let_up() -> None:
    board = SimBoard()
    heard: list[BoardEvent] = []
    board.listen(heard.append)

    async def test(client: Client) -> None:
        async with client.post("/sim/key", json={"key": "5", "down": True}) as answer:
            assert (await answer.json())["keys_down"] == ["5"]
        async with client.post("/sim/key", json={"key": "5", "down": False}) as answer:
            assert (await answer.json())["keys_down"] == []

    visit_board(board, test)
    assert heard == [KeyPressed("5"), KeyReleased("5")]


def test_a_number_is_typed_as_a_person_would() -> None:
    """Each key down for 100 ms, 80 ms between them, and the answer comes when all is typed."""
    board = SimBoard()
    story: list[BoardEvent | float] = []
    board.listen(story.append)

    async def pause(seconds: float) -> None:
        story.append(seconds)

    async def test(client: Client) -> None:
        async with client.post("/sim/key", json={"press": "10#"}) as answer:
            assert answer.status == 200

    visit(sim_routes(board, pause), test)
    assert story == [
        *(KeyPressed("1"), 0.1, KeyReleased("1"), 0.08),
        *(KeyPressed("0"), 0.1, KeyReleased("0"), 0.08),
        *(KeyPressed("#"), 0.1, KeyReleased("#")),
    ]


def test_two_who_type_at_once_do_not_type_into_each_others_numbers() -> None:
    board = SimBoard()
    typed: list[str] = []
    board.listen(lambda event: typed.append(event.key) if isinstance(event, KeyPressed) else None)

    async def pause(seconds: float) -> None:
        await asyncio.sleep(0)

    async def test(client: Client) -> None:
        async def press(keys: str) -> None:
            async with client.post("/sim/key", json={"press": keys}) as answer:
                assert answer.status == 200

        await asyncio.gather(press("111111"), press("222222"))

    visit(sim_routes(board, pause), test)
    assert "".join(typed) in {"111111222222", "222222111111"}


def test_a_named_key_may_be_pressed_too() -> None:
    board = SimBoard()
    heard: list[BoardEvent] = []
    board.listen(heard.append)

    async def pause(seconds: float) -> None: ...

    async def test(client: Client) -> None:
        async with client.post("/sim/key", json={"press": "redial"}) as answer:
            assert answer.status == 200

    visit(sim_routes(board, pause), test)
    assert heard == [KeyPressed("redial"), KeyReleased("redial")]


def test_the_board_is_told_as_it_is() -> None:
    board = SimBoard(lamps=["mute", "hold"])
    board.lift()
    board.press("7")
    board.lamps.set("mute", LampState.HELD)
    board.ringer.ring((1000, 4000), 5)

    async def test(client: Client) -> None:
        async with client.get("/sim/board") as answer:
            assert await answer.json() == {
                "hook": "off",
                "keys_down": ["7"],
                "lamps": {"hold": "off", "mute": "blink"},
                "ringing": True,
            }

    visit_board(board, test)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sim/hook", b""),
        ("/sim/hook", b"{"),
        ("/sim/hook", b"\xff"),
        ("/sim/hook", b"[" * 4000),
        ("/sim/hook", b"[true]"),
        ("/sim/hook", b'{"off": "yes"}'),
        ("/sim/hook", b"{}"),
        ("/sim/key", b"{}"),
        ("/sim/key", b'{"key": "5"}'),
        ("/sim/key", b'{"key": 5, "down": true}'),
        ("/sim/key", b'{"key": "5", "down": 1}'),
        ("/sim/key", b'{"key": "fire", "down": true}'),
        ("/sim/key", b'{"press": ""}'),
        ("/sim/key", b'{"press": 1002}'),
        ("/sim/key", b'{"press": "10x"}'),
        ("/sim/key", b'{"press": "' + b"1" * 65 + b'"}'),
    ],
)
def test_what_makes_no_sense_is_refused_in_plain_words_and_moves_nothing(path: str, body: bytes) -> None:
    board = SimBoard()
    heard: list[BoardEvent] = []
    board.listen(heard.append)

    async def test(client: Client) -> None:
        assert await refused(client, "POST", path, 400, data=body)

    visit_board(board, test)
    assert heard == []


def test_a_body_beyond_all_measure_is_refused() -> None:
    async def test(client: Client) -> None:
        await refused(client, "POST", "/sim/hook", 413, data=b" " * 5000)

    visit_board(SimBoard(), test)


def test_another_sites_page_may_not_use_the_telephone() -> None:
    """RFC 6454 §7: the browser says whose page it is; scripts say nothing and may."""
    board = SimBoard()

    async def test(client: Client) -> None:
        own = f"http://{client.host}:{client.port}"
        for origin in ("http://evil.example", "null", f"http://{client.host}:1"):
            await refused(client, "POST", "/sim/hook", 403, json={"off": True}, headers={"Origin": origin})
            with pytest.raises(WSServerHandshakeError, match="403"):
                await client.ws_connect("/sim/audio", headers={"Origin": origin})
        assert not board.hook.lifted
        async with client.post("/sim/hook", json={"off": True}, headers={"Origin": own}) as answer:
            assert answer.status == 200

    visit_board(board, test)


# --- panel ---


def test_the_panel_is_told_as_picture_and_as_text() -> None:
    board = SimBoard()
    board.display.show(bytes([0x80, *bytes(1023)]))
    board.display.show_text(["Hall", "Ready"])

    async def test(client: Client) -> None:
        async with client.get("/sim/display.png?scale=2") as answer:
            assert answer.content_type == "image/png"
            image = Image.open(io.BytesIO(await answer.read()))
            assert image.size == (256, 128)
            assert [image.getpixel(at) for at in ((1, 1), (2, 2))] == [255, 0]
        async with client.get("/sim/display.txt") as answer:
            assert answer.content_type == "text/plain"
            assert await answer.text() == "Hall\nReady\n"
        assert "1 to 8" in await refused(client, "GET", "/sim/display.png?scale=0", 400)
        assert "1 to 8" in await refused(client, "GET", "/sim/display.png?scale=big", 400)

    visit_board(board, test)


# --- sound by files ---


def test_a_wav_is_spoken_into_the_microphone() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        async with client.put("/sim/microphone", data=write_wav(level(77, 240), 8000)) as answer:
            assert await answer.json() == {"seconds": 0.03}
        assert board.audio.exchange(SILENCE, SILENCE) == level(77)
        assert board.audio.exchange(SILENCE, SILENCE) == level(77, 80) + level(0, 80)

    visit_board(board, test)


def test_what_is_no_wav_or_too_much_of_it_is_refused() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        assert "not a WAV" in await refused(client, "PUT", "/sim/microphone", 415, data=b"hello")
        long = write_wav(bytes(16_000 * 121), 8000)
        assert "longer than 120 seconds" in await refused(client, "PUT", "/sim/microphone", 415, data=long)
        half = write_wav(bytes(16_000 * 70), 8000)
        async with client.put("/sim/microphone", data=half) as answer:
            assert answer.status == 200
        assert "waiting" in await refused(client, "PUT", "/sim/microphone", 409, data=half)
        huge = bytes(hw.sim.browser.routes.LARGEST_WAV + 1)
        await refused(client, "PUT", "/sim/microphone", 413, data=huge)

    visit_board(board, test)


def test_what_was_heard_can_be_fetched() -> None:
    board = SimBoard()
    for n in range(100):
        board.audio.exchange(level(n), level(1000 + n))

    async def samples(client: Client, path: str) -> bytes:
        async with client.get(path) as answer:
            assert answer.content_type == "audio/wav"
            with wave.open(io.BytesIO(await answer.read())) as reader:
                assert reader.getparams()[:3] == (1, 2, 8000)
                return reader.readframes(reader.getnframes())

    async def test(client: Client) -> None:
        assert await samples(client, "/sim/earpiece.wav?seconds=0.04") == level(98) + level(99)
        assert await samples(client, "/sim/speaker.wav?seconds=0.02") == level(1099)
        assert len(await samples(client, "/sim/speaker.wav")) == 2 * 16_000
        for seconds in ("0", "-1", "61", "nan", "much"):
            assert "at most 60" in await refused(client, "GET", f"/sim/earpiece.wav?seconds={seconds}", 400)

    visit_board(board, test)


# --- live sound ---


def test_a_telephone_whose_card_is_not_simulated_says_so() -> None:
    board = SimBoard(sound=False)

    async def test(client: Client) -> None:
        assert "not simulated" in await refused(client, "PUT", "/sim/microphone", 404, data=write_wav(SILENCE, 8000))
        for path in ("/sim/earpiece.wav", "/sim/speaker.wav", "/sim/audio"):
            assert "not simulated" in await refused(client, "GET", path, 404)
        async with client.post("/sim/hook", json={"off": True}) as answer:
            assert (await answer.json())["hook"] == "off"

    visit_board(board, test)


async def binary(socket: ClientWebSocketResponse) -> bytes:
    message = await socket.receive()
    assert message.type is WSMsgType.BINARY
    return bytes(message.data)


def test_live_sound_says_its_form_first_and_then_goes_both_ways() -> None:
    board = SimBoard()
    board.lift()

    async def test(client: Client) -> None:
        async with client.ws_connect("/sim/audio") as socket:
            form = await socket.receive_json()
            assert form == {"rate_hz": 8000, "frame_samples": 160, "encoding": "s16le", "channels": 1}

            board.audio.exchange(level(5), level(6))
            assert await binary(socket) == level(11)

            await socket.send_bytes(level(40) + level(41))
            heard = SILENCE
            while heard == SILENCE:
                heard = board.audio.exchange(SILENCE, SILENCE)
                await binary(socket)  # in step, as the port's clock would be
            assert heard == level(40)
            assert board.audio.exchange(SILENCE, SILENCE) == level(41)

    visit_board(board, test)


def test_live_text_and_odd_octets_do_no_harm() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        async with client.ws_connect("/sim/audio") as socket:
            await socket.receive_json()
            await socket.send_str("hello")
            await socket.send_bytes(b"")
            await socket.send_bytes(level(9, 320) + b"\x01")
            heard = SILENCE
            while heard == SILENCE:
                heard = board.audio.exchange(SILENCE, SILENCE)
                await binary(socket)
            assert heard == level(9)

    visit_board(board, test)


def test_a_ninth_listener_is_refused_and_one_that_leaves_makes_room() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        sockets = [await client.ws_connect("/sim/audio") for _ in range(8)]
        with pytest.raises(WSServerHandshakeError, match="409"):
            await client.ws_connect("/sim/audio")
        await sockets[0].close()
        again = None
        while again is None:
            try:
                again = await client.ws_connect("/sim/audio")
            except WSServerHandshakeError:
                await asyncio.sleep(0)
        assert (await again.receive_json())["rate_hz"] == 8000

    visit_board(board, test)


def test_closing_the_board_ends_live_sound_and_events() -> None:
    board = SimBoard()

    async def test(client: Client) -> None:
        async with client.ws_connect("/sim/audio") as socket, client.get("/sim/events") as events:
            await socket.receive_json()
            assert await events.content.readuntil(b"\n\n")
            board.close()
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert b"event: board" not in await events.content.read()

    visit_board(board, test)


# --- events ---


def test_events_tell_the_state_at_once_and_then_every_change() -> None:
    board = SimBoard(keys=[*"0123456789*#", "hold"])

    async def test(client: Client) -> None:
        async with client.get("/sim/events") as stream:
            assert stream.content_type == "text/event-stream"

            async def state() -> dict[str, Any]:
                name, data, *_ = (await stream.content.readuntil(b"\n\n")).decode().split("\n")
                assert name == "event: board"
                found = json.loads(data.removeprefix("data: "))
                assert isinstance(found, dict)
                return found

            first = await state()
            assert first["hook"] == "on"
            assert first["keys"] == sorted([*"0123456789*#", "hold"])
            assert first["ring"] == {"cadence_ms": [], "volume": 0}

            board.lift()
            board.display.show(b"\xaa" * 1024)
            board.display.show_text(["Dial"])
            board.ringer.ring((400, 200), 3)
            board.lamps.set("line1", LampState.RING)
            second = await state()
            assert second["lamps"]["line1"] == "blink"
            assert second["lamps_tell"] == dict.fromkeys(hw.LAMPS, "off") | {"line1": "ring"}
            assert second["hook"] == "off"
            assert second["ring"] == {"cadence_ms": [400, 200], "volume": 3}
            assert second["display"] == {
                "width": 128,
                "height": 64,
                "pixels": base64.b64encode(b"\xaa" * 1024).decode(),
                "lines": ["Dial"],
            }

    visit_board(board, test)


def test_events_come_by_websocket_too() -> None:
    """A page of six telephones would use up the six connections a browser allows."""
    board = SimBoard()

    async def test(client: Client) -> None:
        async with client.ws_connect("/sim/events") as socket:
            assert (await socket.receive_json())["hook"] == "on"
            board.lift()
            assert (await socket.receive_json())["hook"] == "off"
            await socket.send_str("hello")
            board.close()
            closing = await socket.receive()
            while closing.type is WSMsgType.TEXT:
                closing = await socket.receive()
            assert closing.type is WSMsgType.CLOSE

    visit_board(board, test)


# --- the page ---


def page_app(users: list[tuple[str, str]], boards: dict[str, SimBoard]) -> web.Application:
    app = web.Application()
    app.add_routes(page_routes(users))
    for user, board in boards.items():
        phone = web.Application()
        phone.add_routes(sim_routes(board))
        app.add_subapp(f"/phones/{user}/", phone)
    return app


def phones_of(page: str) -> object:
    found = re.search(r'<script type="application/json" id="phones">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_of_all_telephones_and_each_ones_own() -> None:
    users = [("1001", "Hall"), ("1002", "Kitchen")]
    boards = {user: SimBoard() for user, _ in users}
    heard: list[BoardEvent] = []
    boards["1002"].listen(heard.append)

    async def run() -> None:
        async with TestClient(TestServer(page_app(users, boards))) as client:
            async with client.get("/") as answer:
                assert answer.content_type == "text/html"
                assert phones_of(await answer.text()) == [
                    {"user": "1001", "name": "Hall", "base": "/phones/1001/"},
                    {"user": "1002", "name": "Kitchen", "base": "/phones/1002/"},
                ]
            async with client.get("/phones/1002") as answer:
                assert answer.url.path == "/phones/1002/"
                assert phones_of(await answer.text()) == [{"user": "1002", "name": "Kitchen", "base": "/phones/1002/"}]
            async with client.post("/phones/1002/sim/hook", json={"off": True}) as answer:
                assert answer.status == 200

    asyncio.run(run())
    assert heard == [HookLifted()]


def test_a_telephone_alone_may_live_at_the_root() -> None:
    async def test(client: Client) -> None:
        async with client.get("/") as answer:
            assert phones_of(await answer.text()) == [{"user": "1001", "name": "Hall", "base": "/"}]

    visit(page_routes([("1001", "Hall")], base="/"), test)


def test_a_name_cannot_break_out_of_the_page() -> None:
    name = '</script><script>alert("1")</script>'

    async def test(client: Client) -> None:
        async with client.get("/") as answer:
            page = await answer.text()
            assert phones_of(page) == [{"user": "1001", "name": name, "base": "/phones/1001/"}]
            assert "<script>alert" not in page

    visit(page_routes([("1001", name)]), test)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """Everything it names is served here, and the browser is told to load nothing else."""

    async def test(client: Client) -> None:
        async with client.get("/") as answer:
            page = await answer.text()
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        scripts = [page]
        waiting = set(re.findall(r'"(/page/[^"]+)"', page))
        done: set[str] = set()
        while waiting - done:
            path = (waiting - done).pop()
            done.add(path)
            async with client.get(path) as answer:
                assert answer.status == 200
                assert answer.content_type in {"text/css", "text/javascript"}
                text = await answer.text()
            scripts.append(text)
            waiting |= set(re.findall(r'"(/page/[^"]+)"', text))
            waiting |= {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
        assert done >= {"/page/handset.css", "/page/handset.js", "/page/sound-worklet.js"}
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg|localhost)", "".join(scripts))

    visit(page_routes([("1001", "Hall")]), test)


def test_every_file_of_the_page_is_served() -> None:
    folder = Path(hw.sim.browser.routes.__file__).parent
    files = {path.name for path in folder.iterdir() if path.suffix in {".js", ".css"}}

    assert files == set(PAGE_FILES)


def test_every_key_and_lamp_there_is_stands_on_the_page() -> None:
    page = (Path(hw.sim.browser.routes.__file__).parent / "index.html").read_text()

    assert sorted(re.findall(r'data-key="([^"]+)"', page)) == sorted(hw.KEYS)
    assert set(re.findall(r'data-lamp="([^"]+)"', page)) == hw.LAMPS
