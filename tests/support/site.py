"""A telephone's site under test: a real `Phone` without a network behind it, and an HTTP client in front."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from firmware.phone.events import PhoneEvent
from firmware.phone.view import PhoneView
from firmware.web.access import Access
from firmware.web.api import api_routes
from tests.support.desk_phone import DeskPhone

Client = TestClient[web.Request, web.Application]
Visit = Callable[[Client], Awaitable[None]]


class Door:
    """`firmware.web.door.PhoneDoor` of a phone on the test's table."""

    def __init__(self, desk: DeskPhone) -> None:
        self.desk = desk
        self.watchers: list[Callable[[], None]] = []

    def view(self) -> PhoneView:
        return self.desk.view

    def now(self) -> float:
        return self.desk.now

    def request(self, event: PhoneEvent) -> str | None:
        try:
            return self.desk.give(event)
        finally:
            self.changed()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)

    def counters(self) -> dict[str, int]:
        return {"requests": 12_345_678, "malformed": 0}

    def changed(self) -> None:
        """Tell whoever watches."""
        for changed in tuple(self.watchers):
            changed()


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def visit(door: Door, test: Visit, *, token: str = "", clock: Clock | None = None) -> None:
    """Serve the phone's API on loopback while `test` talks to it."""

    async def run() -> None:
        access = Access(token, clock or Clock())
        app = web.Application(middlewares=[access.middleware])
        app.on_response_prepare.append(access.prepare)
        app.add_routes([*access.routes(), *api_routes(door)])
        async with TestClient(TestServer(app)) as client:
            await asyncio.wait_for(test(client), 60)

    asyncio.run(run())
