"""The phone's HTTP API: /api/v1, server-sent events, and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from firmware.phone.events import CallRequest, DialRequest, DigitsRequest, PhoneEvent, SetDoNotDisturb, TransferRequest
from firmware.phone.phone import NoSuchCall, NotPossible
from firmware.web.access import limited_body, refusal
from firmware.web.door import PhoneDoor
from firmware.web.metrics import METRICS_FORM, metrics_text
from firmware.web.shapes import call_json, phone_json

log = logging.getLogger(__name__)

LARGEST_BODY = 16 * 1024
"""Octets of a request's JSON."""
LONGEST_TEXT = 1024
"""Characters of a string in it."""
MOST_BEHIND = 100
"""States that a slow listener of the events may be behind; then it misses the oldest."""
HEARTBEAT_S = 15.0
VERBS = ("answer", "reject", "hold", "resume", "hangup")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Unusable(ValueError):
    """The request's body is not what the resource takes."""


def api_routes(phone: PhoneDoor) -> list[web.RouteDef]:
    """The routes of one phone, to be mounted at the root or under a prefix."""
    api = _Api(phone)
    base = "/api/v1"
    return [
        web.get(f"{base}/phone", api.phone),
        web.put(f"{base}/phone", _answering(api.set_phone)),
        web.get(f"{base}/calls", api.calls),
        web.post(f"{base}/calls", _answering(api.dial)),
        web.get(f"{base}/calls/{{id}}", _answering(api.one)),
        web.post(f"{base}/calls/{{id}}/digits", _answering(api.digits)),
        web.post(f"{base}/calls/{{id}}/transfer", _answering(api.transfer)),
        web.post(f"{base}/calls/{{id}}/{{verb:{'|'.join(VERBS)}}}", _answering(api.verb)),
        web.get(f"{base}/events", api.events),
        web.get("/metrics", api.metrics),
    ]


def _answering(handler: Handler) -> Handler:
    """Refusals of the phone become the status that fits, in plain words."""

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except _Unusable as fault:
            return refusal(400, str(fault))
        except NoSuchCall as fault:
            return refusal(404, str(fault))
        except NotPossible as fault:
            return refusal(409, str(fault))

    return answering


async def _body(request: web.Request) -> dict[str, Any]:
    octets = await limited_body(request, LARGEST_BODY)
    try:
        body = json.loads(octets)
    except (ValueError, RecursionError):
        raise _Unusable("the request's body is not JSON") from None
    if not isinstance(body, dict):
        raise _Unusable("the request's body is not a JSON object")
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _Unusable(f'"{key}" is missing, or not a string')
    value = value.strip()
    if len(value) > LONGEST_TEXT or not value.isprintable():
        raise _Unusable(f'"{key}" must be one line of at most {LONGEST_TEXT} characters')
    return value


class _Api:
    """The handlers of one phone."""

    def __init__(self, phone: PhoneDoor) -> None:
        self._phone = phone

    async def phone(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._snapshot())

    async def set_phone(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        wanted = body.pop("do_not_disturb", None)
        if body:
            raise _Unusable("only do_not_disturb can be set")
        if not isinstance(wanted, bool):
            raise _Unusable('"do_not_disturb" is missing, or neither true nor false')
        self._phone.request(SetDoNotDisturb(wanted))
        return web.json_response(self._snapshot())

    async def calls(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._snapshot()["calls"])

    async def one(self, request: web.Request) -> web.StreamResponse:
        return self._call(request.match_info["id"])

    async def dial(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        account = _text(body, "account") if body.get("account") is not None else None
        placed = self._phone.request(DialRequest(_text(body, "to"), account))
        if placed is None:
            raise NotPossible("the phone placed no call")
        return self._call(placed, status=201)

    async def verb(self, request: web.Request) -> web.StreamResponse:
        id, verb = request.match_info["id"], request.match_info["verb"]
        return self._asked(id, CallRequest(id, verb))  # type: ignore[arg-type]

    async def digits(self, request: web.Request) -> web.StreamResponse:
        id, digits = request.match_info["id"], _text(await _body(request), "digits").upper()
        if not set(digits) <= set("0123456789*#ABCD"):
            raise _Unusable("digits are 0 to 9, *, # and A to D")
        return self._asked(id, DigitsRequest(id, digits))

    async def transfer(self, request: web.Request) -> web.StreamResponse:
        id, body = request.match_info["id"], await _body(request)
        if ("to" in body) == ("with" in body):
            raise _Unusable('give either "to" or "with"')
        if "to" in body:
            return self._asked(id, TransferRequest(id, to=_text(body, "to")))
        return self._asked(id, TransferRequest(id, other=_text(body, "with")))

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        text = metrics_text(self._phone.view(), self._phone.counters())
        headers = {"Content-Type": METRICS_FORM, "Cache-Control": "no-store"}
        return web.Response(body=text.encode(), headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The whole phone at first and at every change; each changed call by itself too."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        story = _Story(self._snapshot)
        unwatch = self._phone.watch(story.look)
        try:
            while True:
                await response.write(await story.next() or b": still here\n\n")
        except ConnectionError:
            log.debug("a listener of the events went away")
        finally:
            unwatch()
        return response

    def _asked(self, id: str, event: PhoneEvent) -> web.Response:
        self._find(id)
        self._phone.request(event)
        return self._call(id)

    def _find(self, id: str) -> dict[str, Any]:
        for call in self._phone.view().calls:
            if call.id == id:
                return call_json(call)
        raise NoSuchCall(f"there is no call {id}")

    def _call(self, id: str, status: int = 200) -> web.Response:
        return web.json_response(self._find(id), status=status)

    def _snapshot(self) -> dict[str, Any]:
        return phone_json(self._phone.view(), self._phone.now())


class _Story:
    """The states of a phone as server-sent events: each that differs from the one before, kept until it is told."""

    def __init__(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._snapshot = snapshot
        self._last: dict[str, Any] = {}
        self._untold: deque[bytes] = deque(maxlen=MOST_BEHIND)
        self._changed = asyncio.Event()
        self.look()

    def look(self) -> None:
        """Something may have changed."""
        shown = self._snapshot()
        essence = _essence(shown)
        if essence == self._last:
            return
        before = {call["id"]: call for call in self._last.get("calls", ())}
        pairs = zip(shown["calls"], essence["calls"], strict=True)
        changed = [call for call, lasting in pairs if before.get(call["id"]) != lasting]
        self._last = essence
        self._untold.append(b"".join(_event("call", call) for call in changed) + _event("phone", shown))
        self._changed.set()

    async def next(self) -> bytes:
        """Everything untold, as soon as there is something; empty if there is nothing for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):
                await self._changed.wait()
        self._changed.clear()
        told = b"".join(self._untold)
        self._untold.clear()
        return told


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode()


def _essence(shown: dict[str, Any]) -> dict[str, Any]:
    """What is worth an event: not that time went by."""
    accounts = [{**account, "expires_in": account["expires_in"] is not None} for account in shown["accounts"]]
    return {**shown, "accounts": accounts, "calls": [{**call, "seconds": 0} for call in shown["calls"]]}
