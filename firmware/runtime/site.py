"""The web server: its address is taken before the phone is ready, aiohttp is loaded when it is up."""

from __future__ import annotations

import asyncio
import errno
import importlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.runtime.sip_sockets import ListenError

if TYPE_CHECKING:
    from aiohttp import web

    from firmware.web.door import PhoneDoor
    from firmware.web.wizard import WizardDoor
    from hw.sim.board import SimBoard

LARGEST_BODY = 64 * 1024 * 1024
SHUTDOWN_S = 0.5


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One phone on the site."""

    user: str
    """Its place in the paths, quoted for a URL."""
    name: str
    phone: PhoneDoor
    board: SimBoard | None
    """Its hardware, if that is simulated: then the page shows it."""


class Site:
    """A running web server. Open with `await open_site(...)`."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    async def close(self) -> None:
        """Stop serving; requests under way get a moment to end."""
        await self._runner.cleanup()


def listen_for_site(address: tuple[str, int]) -> socket.socket:
    """Take the site's address: who asks from now on is answered as soon as the site is open. Raises ListenError."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=128)
    except OSError as fault:
        raise _listen_error(address, fault) from None


async def open_site(
    listener: socket.socket, exhibits: Sequence[Exhibit], *, token: str, clock: Callable[[], float], together: bool
) -> Site:
    """Serve the phones' APIs and pages. `together`: each under /phones/USER/, else the one at the root."""
    await asyncio.to_thread(_load)
    from aiohttp import web

    app = _guarded(token, clock)
    _add_pages(app, exhibits, together)
    for exhibit in exhibits:
        if together:
            part = web.Application(client_max_size=LARGEST_BODY)
            part.add_routes(_phone_routes(exhibit))
            app.add_subapp(f"/phones/{exhibit.user}", part)
        else:
            app.add_routes(_phone_routes(exhibit))
    return await _start(app, listener)


async def open_wizard_site(
    listener: socket.socket, wizard: WizardDoor, *, token: str, clock: Callable[[], float]
) -> Site:
    """Serve the wiring wizard's page, as guarded as a phone's."""
    from firmware.web.wizard import wizard_routes

    app = _guarded(token, clock)
    app.add_routes(wizard_routes(wizard))
    return await _start(app, listener)


def _guarded(token: str, clock: Callable[[], float]) -> web.Application:
    """An application that nobody else's page may use, and nobody without the token, if there is one."""
    logging.getLogger("aiohttp.server").addFilter(_is_our_fault)
    from aiohttp import web

    from firmware.web.access import Access

    access = Access(token, clock)
    app = web.Application(middlewares=[access.middleware], client_max_size=LARGEST_BODY)
    app.on_response_prepare.append(access.prepare)
    app.add_routes(access.routes())
    return app


async def _start(app: web.Application, listener: socket.socket) -> Site:
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return Site(runner)


def _load() -> None:
    """Import what takes long, in a thread: the telephone goes on meanwhile."""
    for name in ("firmware.web.access", "firmware.web.api", "hw.sim.browser.routes"):
        importlib.import_module(name)


def _is_our_fault(record: logging.LogRecord) -> bool:
    """What a peer sends that is not HTTP, and that it went away, is no error of ours: aiohttp tells all at length."""
    from aiohttp.http_exceptions import HttpProcessingError

    fault = record.exc_info[1] if record.exc_info else None
    return not isinstance(fault, HttpProcessingError | ConnectionError)


def _listen_error(listen: tuple[str, int], fault: OSError) -> ListenError:
    where = f"{listen[0]} port {listen[1]}"
    if fault.errno == errno.EADDRINUSE:
        return ListenError(f"cannot serve the page on {where}: another program uses that port; choose another address")
    return ListenError(f"cannot serve the page on {where}: {fault.strerror}; choose another address")


def _phone_routes(exhibit: Exhibit) -> list[web.RouteDef]:
    from firmware.web.api import api_routes

    routes = api_routes(exhibit.phone)
    if exhibit.board is not None:
        from hw.sim.browser.routes import sim_routes

        routes += sim_routes(exhibit.board)
    return routes


def _add_pages(app: web.Application, exhibits: Sequence[Exhibit], together: bool) -> None:
    shown = [(exhibit.user, exhibit.name) for exhibit in exhibits if exhibit.board is not None]
    if shown:
        from hw.sim.browser.routes import page_routes

        app.add_routes(page_routes(shown, "/phones/{user}/" if together else "/"))
