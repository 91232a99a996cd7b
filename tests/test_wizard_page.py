"""The wizard's page as a server: who may ask, what it tells, which answers count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import ClientSession, web

from firmware.web.access import Access
from firmware.web.wizard import wizard_routes

BASE = "/api/v1/wiring"


class Door:
    """A wizard that asks two questions."""

    def __init__(self) -> None:
        self.asked = 1
        self.ended = ""
        self.answers: list[tuple[str, int]] = []
        self.watchers: list[Callable[[], None]] = []

    def state(self) -> dict[str, Any]:
        return {"asked": self.asked, "profile": 'name = "x"\n', "said": [], "prompt": None, "ended": self.ended}

    def drawing(self) -> str:
        return "<svg xmlns='http://www.w3.org/2000/svg'/>"

    def answer(self, text: str, asked: int) -> None:
        self.answers.append((text, asked))

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)


def on_site(visit: Callable[[ClientSession, Door], Coroutine[Any, Any, None]], token: str = "") -> None:
    async def serve() -> None:
        door = Door()
        access = Access(token, lambda: 0.0)
        app = web.Application(middlewares=[access.middleware])
        app.on_response_prepare.append(access.prepare)
        app.add_routes([*access.routes(), *wizard_routes(door)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0]
            async with ClientSession(f"http://{host}:{port}") as client:
                await asyncio.wait_for(visit(client, door), 20)
        finally:
            await runner.cleanup()

    asyncio.run(serve())


def test_an_answer_counts_for_the_question_it_was_given_to() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        assert (await client.post(BASE, json={"asked": 1, "answer": "yes"})).status == 204
        door.asked = 2
        assert (await client.post(BASE, json={"asked": 1, "answer": "yes"})).status == 409
        assert door.answers == [("yes", 1)]

    on_site(visit)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"asked": true, "answer": "y"}', b'{"asked": 1}', b'{"asked": 1, "answer": "a\\nb"}']
)
def test_what_is_no_answer_is_refused_in_words(body: bytes) -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        answer = await client.post(BASE, data=body)
        assert answer.status == 400
        assert "error" in await answer.json()
        assert door.answers == []

    on_site(visit)


def test_a_long_answer_is_none() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        assert (await client.post(BASE, json={"asked": 1, "answer": "x" * 2000})).status == 413

    on_site(visit)


def test_another_site_s_page_and_another_name_are_refused() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            assert (await client.post(BASE, json={"asked": 1, "answer": "yes"}, headers=headers)).status == 403
            assert (await client.get(BASE, headers=headers)).status == 403
        assert door.answers == []

    on_site(visit)


def test_with_a_token_it_is_asked_for() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        assert (await client.get(BASE)).status == 401
        assert (await client.get("/", headers={"Accept": "text/html"}, allow_redirects=False)).status == 303
        assert (await client.get(BASE, headers={"Authorization": "Bearer sesame"})).status == 200

    on_site(visit, token="sesame")


def test_every_change_is_told_until_the_end() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        async with client.get(f"{BASE}/events") as events:
            assert events.content_type == "text/event-stream"
            assert b'"asked": 1' in await events.content.readline()
            door.asked = 2
            door.watchers[0]()
            await events.content.readline()
            assert b'"asked": 2' in await events.content.readline()
            door.ended = "Written."
            door.watchers[0]()
            rest = await events.content.read()
        assert b"Written." in rest
        assert door.watchers == []

    on_site(visit)


def test_drawing_profile_and_page_run_no_foreign_script() -> None:
    async def visit(client: ClientSession, door: Door) -> None:
        drawing = await client.get(f"{BASE}/drawing.svg")
        assert drawing.content_type == "image/svg+xml"
        assert drawing.headers["Content-Security-Policy"].startswith("default-src 'none'")
        profile = await client.get(f"{BASE}/profile.toml")
        assert 'filename="board.toml"' in profile.headers["Content-Disposition"]
        assert await profile.text() == 'name = "x"\n'
        for path in ("/", "/page/wizard.js", "/page/wizard.css"):
            page = await client.get(path)
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            assert page.headers["X-Frame-Options"] == "SAMEORIGIN"

    on_site(visit)
