"""The set-up page over HTTP: who may see it, what is answered to whom."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from firmware.config.wifi import SET_UP_SSID
from firmware.set_up.air import Seen
from firmware.set_up.course import Course
from firmware.set_up.form import Known, Mistake, Mistakes, answers, kept_secrets, shown
from firmware.set_up.page import POLICY, Form, form_page, progress_page
from firmware.set_up.portal import ACCESS_POINT, is_near, is_our_name
from hw.boards import board_faults, board_titles

COOKIE = "set-up"
"""Tells who gave the answers from others in the network."""
LARGEST_FORM = 16 * 1024
"""Octets."""
MODEL = Path("/proc/device-tree/model")
"""Of a Raspberry Pi; a PC has none."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asking(Protocol):
    """The set-up, as its page sees it."""

    course: Course
    token: str
    networks: tuple[Seen, ...]

    def known(self) -> Known:
        """The settings there are."""
        ...

    def keep(self, phone: str, wifi: str) -> None:
        """Take new settings."""
        ...

    def visited(self) -> None:
        """Somebody is at the page."""
        ...

    def folder(self) -> Path:
        """Where the settings are."""
        ...

    @property
    def forgetful(self) -> bool:
        """They are in memory, and lost when it is switched off."""
        ...


def application(set_up: Asking) -> web.Application:
    """The page."""
    door = _Door(set_up)
    app = web.Application(client_max_size=LARGEST_FORM, middlewares=[door.middleware])
    app.add_routes([web.get("/", door.show), web.post("/", door.take), web.get("/{anything:.*}", door.lead)])
    return app


class _Door:
    def __init__(self, set_up: Asking) -> None:
        self._set_up = set_up
        self._ticket = secrets.token_urlsafe(16)

    @property
    def middleware(self) -> Middleware:
        """Lets in visitors of our own network who ask for us; others in the set-up network are led here."""

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            _check(request)
            return await handler(request)

        return let_in

    async def show(self, request: web.Request) -> web.Response:
        """GET /: the form, or how the trial goes."""
        self._set_up.visited()
        course = self._set_up.course
        if course.stage == "asking":
            known = self._set_up.known()
            return self._form(shown(known, _likely_board()), known)
        return self._progress(secrets.compare_digest(request.cookies.get(COOKIE, "").encode(), self._ticket.encode()))

    async def take(self, request: web.Request) -> web.Response:
        """POST /: 200 and what comes next, 400 and the form again (507: no room), 403 for a form that is not ours."""
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        if not secrets.compare_digest(form.get("ticket", "").encode(), self._ticket.encode()):
            raise web.HTTPForbidden(text="this form is old: load http://offhook.local/ again")
        if self._set_up.course.stage != "asking":
            raise web.HTTPSeeOther("/")
        self._set_up.visited()
        known = self._set_up.known()
        try:
            found = answers(form, known, self._set_up.token, self._set_up.folder(), board_faults)
        except Mistakes as fault:
            return self._form(form, known, fault, status=400)
        try:
            self._set_up.keep(found.phone, found.wifi)
        except OSError as fault:
            words = f"the answers cannot be written: {fault.strerror}; is the card full, or at its end?"
            return self._form(form, known, Mistakes([Mistake("", words)]), status=507)
        self._set_up.token = found.token
        progress = self._progress(may_know=True)
        progress.set_cookie(COOKIE, self._ticket, httponly=True, samesite="Strict")
        return progress

    async def lead(self, request: web.Request) -> web.Response:
        """Any other page of ours: a device that looks for the internet is shown the form instead."""
        raise web.HTTPFound("/")

    def _form(
        self, values: dict[str, str], known: Known, wrong: Mistakes | None = None, *, status: int = 200
    ) -> web.Response:
        mistakes = wrong.mistakes if wrong is not None else self._set_up.course.mistakes
        seen = [one for one in self._set_up.networks if one.ssid != SET_UP_SSID]
        kept, forgetful = kept_secrets(known), self._set_up.forgetful
        form = Form(self._ticket, values, board_titles(), seen, mistakes, kept, forgetful)
        return _page(form_page(form), status)

    def _progress(self, may_know: bool) -> web.Response:
        """`may_know`: this visitor gave the answers, and is told the token."""
        course, known = self._set_up.course, self._set_up.known()
        token = str(known.table("web").get("token", "")) if may_know else ""
        return _page(progress_page(course.words, token, wifi=known.wifi is not None, done=course.stage == "done"))


def _check(request: web.Request) -> None:
    """Raises what a request gets instead of the page."""
    own, peer = _ends(request)
    if not is_near(peer, own):
        raise web.HTTPForbidden(text="the set-up page is for the telephone's own network")
    if not is_our_name(request.host):
        if own == ACCESS_POINT and request.method in ("GET", "HEAD"):
            raise web.HTTPFound(f"http://{ACCESS_POINT}/")
        raise web.HTTPMisdirectedRequest(text="ask for http://offhook.local/")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text="another site's page may not do this")


def _ends(request: web.Request) -> tuple[str, str]:
    """Our address and the visitor's."""
    transport = request.transport
    if transport is None:
        return "", ""
    own, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    return str(own[0]).removeprefix("::ffff:"), str(peer[0]).removeprefix("::ffff:")


def _likely_board() -> str:
    return "handset" if MODEL.exists() else "sim"


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status, headers=HEADERS)
