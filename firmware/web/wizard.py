"""The wiring wizard's page: its question live, buttons for the answers, the drawing and the profile as they grow.

    GET  /                  the page
    GET  /api/v1/wiring     {"asked", "prompt", "choices", "said", "profile", "ended"}
    GET  /api/v1/wiring/events   server-sent events: the same, at every change
    POST /api/v1/wiring     {"asked": 7, "answer": "yes"}: 204, or 409 if another question is asked by now
    GET  /api/v1/wiring/drawing.svg, /api/v1/wiring/profile.toml

An answer is a choice's name, or what is typed for the prompt's "entry".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from firmware.web.access import limited_body, refusal

HERE = Path(__file__).parent
FILES = {"wizard.css": "text/css", "wizard.js": "text/javascript"}
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
LARGEST_ANSWER = 1024
"""Octets."""
HEARTBEAT_S = 15.0
BASE = "/api/v1/wiring"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WizardDoor(Protocol):
    """One run of the wizard."""

    def state(self) -> dict[str, Any]:
        """What is asked and what was found, as JSON can hold it; "asked" is the question's number."""
        ...

    def drawing(self) -> str:
        """The wiring as far as it is known, SVG."""
        ...

    def answer(self, text: str, asked: int) -> None:
        """Answer the question of that number."""
        ...

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` from the server's thread at every change; what is returned ends that."""
        ...


def wizard_routes(wizard: WizardDoor) -> list[web.RouteDef]:
    """The page and what it asks for."""
    site = _Site(wizard)
    return [
        web.get("/", _file("wizard.html", "text/html")),
        *(web.get(f"/page/{name}", _file(name, kind)) for name, kind in FILES.items()),
        web.get(BASE, site.state),
        web.post(BASE, site.answer),
        web.get(f"{BASE}/events", site.events),
        web.get(f"{BASE}/drawing.svg", site.drawing),
        web.get(f"{BASE}/profile.toml", site.profile),
    ]


def _file(name: str, kind: str) -> Handler:
    async def file(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
        return web.Response(text=(HERE / name).read_text(), content_type=kind, headers=headers)

    return file


class _Site:
    """The handlers."""

    def __init__(self, wizard: WizardDoor) -> None:
        self._wizard = wizard

    async def state(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._wizard.state())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        try:
            body = json.loads(await limited_body(request, LARGEST_ANSWER))
        except (ValueError, RecursionError):
            return refusal(400, "the request's body is not JSON")
        asked, answer = (body.get("asked"), body.get("answer")) if isinstance(body, dict) else (None, None)
        if type(asked) is not int or not isinstance(answer, str) or not answer.isprintable():
            return refusal(400, 'say {"asked": 7, "answer": "yes"}')
        if asked != self._wizard.state()["asked"]:
            return refusal(409, "another question is asked by now")
        self._wizard.answer(answer, asked)
        return web.Response(status=204)

    async def drawing(self, request: web.Request) -> web.StreamResponse:
        # An SVG opened by itself is a page of this site: it must not run anything.
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=self._wizard.drawing(), content_type="image/svg+xml", headers=headers)

    async def profile(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Disposition": 'attachment; filename="board.toml"'}
        return web.Response(text=self._wizard.state()["profile"], content_type="application/toml", headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        changed = asyncio.Event()
        unwatch = self._wizard.watch(changed.set)
        try:
            await response.prepare(request)
            while True:
                changed.clear()
                state = self._wizard.state()
                await response.write(f"data: {json.dumps(state)}\n\n".encode())
                if state["ended"]:
                    break
                while not await _set_within(changed, HEARTBEAT_S):
                    await response.write(b": still here\n\n")
        except ConnectionError:
            pass  # the page was closed
        finally:
            unwatch()
        return response


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
