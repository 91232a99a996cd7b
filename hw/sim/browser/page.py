"""The page that draws telephones: its HTML with their names, and the files beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web

from hw.sim.browser.lamp_style import lamp_style

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE_FILES = {
    "handset.css": "text/css",
    "handset.js": "text/javascript",
    "drawing.js": "text/javascript",
    "sound.js": "text/javascript",
    "sound-worklet.js": "text/javascript",
}
HERE = Path(__file__).parent
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"


def page_routes(users: Sequence[tuple[str, str]], base: str = "/phones/{user}/") -> list[web.RouteDef]:
    """The page of all `users` (user, name) at `/`, and each one's own at `/phones/USER/`.

    `base` is where a user's `/sim/` routes are mounted; with one phone at the root it is "/". Add these routes to
    an application before its sub-applications, which would otherwise answer for `/phones/USER/`.
    """
    phones = [{"user": user, "name": name, "base": base.format(user=user)} for user, name in users]
    routes = [web.get("/", _page(phones))]
    for phone in phones:
        if phone["base"] != "/":
            routes += [web.get(phone["base"], _page([phone])), web.get(phone["base"].rstrip("/"), _to(phone["base"]))]
    routes += [web.get(f"/page/{name}", _file(name, kind)) for name, kind in PAGE_FILES.items()]
    return [*routes, web.get("/page/lamps.css", _lamps)]


def _page(phones: list[dict[str, str]]) -> Handler:
    listed = json.dumps(phones).replace("<", "\\u003c")
    title = html.escape(", ".join(phone["name"] for phone in phones))

    async def page(request: web.Request) -> web.StreamResponse:
        text = (HERE / "index.html").read_text().replace("{{phones}}", listed).replace("{{title}}", title)
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    return page


def _to(path: str) -> Handler:
    async def redirect(request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(path)

    return redirect


async def _lamps(request: web.Request) -> web.StreamResponse:
    return web.Response(text=lamp_style(), content_type="text/css", headers={"Cache-Control": "no-cache"})


def _file(name: str, kind: str) -> Handler:
    async def file(request: web.Request) -> web.StreamResponse:
        text = (HERE / name).read_text()
        return web.Response(text=text, content_type=kind, headers={"Cache-Control": "no-cache"})

    return file
