"""Who may use the site: a token, same-origin pages only, and no guessing (ETSI EN 303 645, 5.1-5 and 5.5-5)."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "offhook"
TRIES = 10
"""Wrong tokens from one host, before it has to wait."""
WAIT_S = 60.0
LARGEST_FORM = 4096
"""Octets of the login's form."""
MOST_HOSTS = 1000
"""Hosts whose wrong tries are remembered."""


def refusal(status: int, words: str) -> web.Response:
    """The API's form of an error."""
    return web.json_response({"error": words}, status=status)


def _in_plain_words(fault: web.HTTPError) -> web.Response:
    """What the server itself refuses, in the API's form."""
    words = {
        404: "there is nothing at this address",
        405: "this address does not take that method",
        413: "the request is too large",
    }
    refused = refusal(fault.status, words.get(fault.status, fault.reason.lower()))
    if allowed := fault.headers.get("Allow"):
        refused.headers["Allow"] = allowed
    return refused


async def limited_body(request: web.Request, largest: int) -> bytes:
    """The request's whole body. Raises HTTPRequestEntityTooLarge beyond `largest` octets."""
    octets = bytearray()
    async for chunk in request.content.iter_any():
        octets += chunk
        if len(octets) > largest:
            raise web.HTTPRequestEntityTooLarge(max_size=largest, actual_size=len(octets))
    return bytes(octets)


async def _token_of(request: web.Request) -> str:
    """The form's token; empty if there is none."""
    form = parse_qs((await limited_body(request, LARGEST_FORM)).decode("utf-8", "replace"))
    return form.get("token", [""])[0]


class _Tries:
    """Counts wrong tokens by host."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def is_barred(self, host: str, now: float) -> bool:
        count, since = self._hosts.get(host, (0, now))
        if now - since > WAIT_S:
            self._hosts.pop(host, None)
            return False
        return count >= TRIES

    def wrong(self, host: str, now: float) -> None:
        count, _ = self._hosts.pop(host, (0, now))
        self._hosts[host] = (count + 1, now)
        while len(self._hosts) > MOST_HOSTS:
            self._hosts.popitem(last=False)


def _is_loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_foreign(request: web.Request) -> bool:
    """Another site's page asks (RFC 6454 §7): its Origin is not the host it asks."""
    origin = request.headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != request.host


LOGIN_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Offhook</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>body{font:16px system-ui;display:grid;place-items:center;height:90vh;background:#222;color:#eee}
input,button{font:inherit;padding:.5em}p{color:#f99}</style>
<form method="post" action="/login"><label>This phone's token <input type="password" name="token" autofocus
autocomplete="current-password"></label> <button>Enter</button><p>{{words}}</p></form></html>"""


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}
"""In every answer: no other site's page may frame the keys of this telephone and have them clicked."""


class Access:
    """The middleware that lets requests in, and the page that asks for the token once."""

    def __init__(self, token: str, clock: Callable[[], float]) -> None:
        """`token`: empty for none; then only names of this very machine are answered (no DNS rebinding)."""
        self._token = token.encode()
        self._pass = hmac.new(self._token, b"offhook's cookie", "sha256").hexdigest()
        """What the cookie holds in the token's stead."""
        self._clock = clock
        self._tries = _Tries()

    def routes(self) -> list[web.RouteDef]:
        """The login."""
        return [web.get("/login", self._page), web.post("/login", self._login)]

    @property
    def middleware(self) -> Middleware:
        """To be the outermost of the application's."""

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                return self._refused(request) or await handler(request)
            except web.HTTPError as fault:
                return _in_plain_words(fault)

        return let_in

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers that every answer has; to be among the application's `on_response_prepare`."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)

    def _refused(self, request: web.Request) -> web.Response | None:
        if _is_foreign(request):
            return refusal(403, "another site's page may not use this telephone")
        if not self._token:
            if _is_loopback_name(request.host):
                return None
            return refusal(403, "set web.token to use this telephone by that name")
        if request.path == "/login":
            return None
        return self._without_token(request)

    def _without_token(self, request: web.Request) -> web.Response | None:
        host, now = request.remote or "", self._clock()
        if self._tries.is_barred(host, now):
            return refusal(429, "too many wrong tokens; wait a minute")
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given = bearer.strip()
            right = self._is_right(given)
        else:
            given = request.cookies.get(COOKIE, "")
            right = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._pass.encode())
        if right:
            return None
        if given:
            self._tries.wrong(host, now)
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=303, headers={"Location": "/login"})
        refused = refusal(401, "the token is missing or wrong: send Authorization: Bearer TOKEN")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="Offhook"'
        return refused

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=LOGIN_PAGE.replace("{{words}}", ""), content_type="text/html")

    async def _login(self, request: web.Request) -> web.StreamResponse:
        host, now = request.remote or "", self._clock()
        if self._tries.is_barred(host, now):
            return self._ask_again(429, "Too many wrong tokens; wait a minute.")
        given = await _token_of(request)
        if not self._is_right(given):
            self._tries.wrong(host, now)
            return self._ask_again(401, "That is not the token.")
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(COOKIE, self._pass, httponly=True, samesite="Strict", max_age=365 * 86400, path="/")
        return response

    @staticmethod
    def _ask_again(status: int, words: str) -> web.Response:
        return web.Response(status=status, text=LOGIN_PAGE.replace("{{words}}", words), content_type="text/html")
