"""The set-up page of a card without settings: asks for an account and a Wi-Fi, checks them, writes them to /data.

It is served without a password, on the wired network or the set-up access point, until it has an answer; then the
program ends, and the card starts as a telephone. A page of another site that has its visitor's browser post here
lacks the form's ticket, and cannot read it: only names and numbers of our own are answered (against DNS rebinding).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import logging
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from firmware.config import ConfigurationError, parse
from firmware.runtime.first_boot import PHONE, WIFI, read_wifi
from firmware.runtime.safe_file import write_safely
from hw.boards import board_names

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger("offhook.setup")

OUR_NAMES = frozenset(["offhook", "offhook.local", "localhost"])
FIELDS = {
    "name": ("What the panel says", "Hall"),
    "address": ("SIP address", "sip:1001@example.net"),
    "password": ("SIP password", ""),
    "username": ("User name, if it is not the address's", ""),
    "registrar": ("Server, if it is not the address's", ""),
    "country": ("Country of the tones (two letters)", "gb"),
    "ssid": ("Wi-Fi, empty for a cable", ""),
    "wifi_password": ("Wi-Fi password", ""),
}
SECRET = frozenset(["password", "wifi_password"])
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Offhook set-up</title><style>body{{font:16px/1.5 sans-serif;max-width:30em;margin:2em auto;padding:0 1em}}
label{{display:block;margin:.8em 0}}input,select{{display:block;width:100%;font:inherit;padding:.4em;
box-sizing:border-box}}button{{font:inherit;padding:.6em 2em}}.bad{{color:#a00}}</style>
<h1>Offhook</h1>{body}</html>"""


@dataclass(frozen=True, slots=True)
class Answers:
    """The files that the answers make."""

    phone: str
    wifi: str
    """Empty: no Wi-Fi."""
    token: str
    """What the telephone's own page asks for."""


def answers(form: Mapping[str, str], token: str) -> Answers:
    """The settings that a filled-in form means. Raises ValueError with every reason, a line each."""
    values = {name: form.get(name, "").strip() for name in (*FIELDS, "board")}
    account = {name: values[name] for name in ("address", "password", "username", "registrar") if values[name]}
    sections = {
        "[phone]": {"name": values["name"] or "Offhook", "country": values["country"].lower() or "gb"},
        "[[account]]": {**account, "name": values["name"] or "Offhook"},
        "[hardware]": {"board": values["board"] or "sim"},
        "[web]": {"listen": "0.0.0.0:8080", "token": token},
    }
    phone = "\n".join(f"{head}\n{_lines(table)}" for head, table in sections.items())
    table = {"ssid": values["ssid"], "password": values["wifi_password"], "country": values["country"].upper()}
    wifi = _lines(table) if values["ssid"] else ""
    problems = _problems(phone, wifi)
    if problems:
        raise ValueError("\n".join(problems))
    return Answers(phone, wifi, token)


def _lines(table: Mapping[str, str]) -> str:
    # A JSON string is a TOML basic string, but for U+007F, which TOML refuses: parse() says so.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())


def _problems(phone: str, wifi: str) -> list[str]:
    problems = []
    try:
        parse(phone)
    except ConfigurationError as fault:
        problems += [f"{one.path}: {one.message}; {one.remedy}" for one in fault.problems]
    try:
        if wifi:
            read_wifi(wifi)
    except ValueError as fault:
        problems.append(f"Wi-Fi: {fault}")
    return problems


def is_our_name(host: str) -> bool:
    """Whether a Host field may name us: our own names, or an address."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    if name in OUR_NAMES:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def form_page(ticket: str, form: Mapping[str, str], problems: Sequence[str] = ()) -> str:
    """The page that asks, with what was answered before and what is wrong with it."""
    rows = [f'<p class="bad">{escape(one)}</p>' for one in problems]
    rows.append(f'<form method="post" action="/"><input type="hidden" name="ticket" value="{escape(ticket)}">')
    for name, (label, default) in FIELDS.items():
        kind = "password" if name in SECRET else "text"
        value = "" if name in SECRET else form.get(name, default)
        rows.append(f'<label>{escape(label)}<input type="{kind}" name="{name}" value="{escape(value)}"></label>')
    options = "".join(f"<option>{escape(name)}</option>" for name in board_names())
    rows.append(f'<label>Board<select name="board">{options}</select></label><button>Save</button></form>')
    return PAGE.format(body="\n".join(rows))


def saved_page(token: str) -> str:
    """The page that says what comes next."""
    body = (
        "<p>Saved. The telephone starts anew and is ready in a minute.</p>"
        "<p>Its page is then at http://offhook.local:8080/ and asks for this token: "
        f"<code>{escape(token)}</code></p>"
    )
    return PAGE.format(body=body)


class SetUp:
    """The page's answers to its visitors. `done` is set when the settings are on the disk."""

    def __init__(self, settings: Path, group: str) -> None:
        self.done = asyncio.Event()
        self._settings = settings
        self._group = group
        self._ticket = secrets.token_urlsafe(16)

    async def show(self, request: web.Request) -> web.Response:
        """GET /."""
        self._check_host(request)
        return _page(form_page(self._ticket, {}))

    async def take(self, request: web.Request) -> web.Response:
        """POST /: 200 and done, 400 and the form again, 403 for a form that is not ours."""
        from aiohttp import web

        self._check_host(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        if not secrets.compare_digest(form.get("ticket", "").encode(), self._ticket.encode()):
            raise web.HTTPForbidden(text="this form is not ours")
        try:
            found = answers(form, secrets.token_urlsafe(9))
        except ValueError as fault:
            return _page(form_page(self._ticket, form, str(fault).splitlines()), status=400)
        if found.wifi:
            write_safely(self._settings / WIFI, found.wifi.encode(), mode=0o600)
        write_safely(self._settings / PHONE, found.phone.encode(), mode=0o640, group=self._group)
        log.info("the settings are written")
        self.done.set()
        return _page(saved_page(found.token))

    def _check_host(self, request: web.Request) -> None:
        from aiohttp import web

        if not is_our_name(request.host):
            raise web.HTTPMisdirectedRequest(text="ask for http://offhook.local/")


def _page(text: str, status: int = 200) -> web.Response:
    from aiohttp import web

    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


async def serve(settings: Path, host: str, port: int, group: str) -> None:
    """Ask until there is an answer; the last page gets a moment to leave."""
    from aiohttp import web

    page = SetUp(settings, group)
    application = web.Application(client_max_size=64 * 1024)
    application.add_routes([web.get("/", page.show), web.post("/", page.take)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or None, port).start()
        log.info("asking for the settings on port %d", port)
        await page.done.wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `offhook-set-up`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="offhook-set-up", description="Ask for the settings on a page.")
    parser.add_argument("--settings", type=Path, default=Path("/data/offhook"), metavar="FOLDER")
    parser.add_argument("--host", default="", help="all addresses without it")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--group", default="offhook", help="who may read the settings")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.settings, options.host, options.port, options.group))
    return 0


if __name__ == "__main__":
    sys.exit(main())
