"""The web server: aiohttp, imported only when a site is wanted, and after the phone is up."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.runtime.sip_sockets import ListenError

if TYPE_CHECKING:
    from aiohttp import web

    from firmware.web.door import PhoneDoor
    from hw.sim.board import SimBoard

LARGEST_BODY = 64 * 1024 * 1024
SHUTDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One phone on the site."""

    user: str
    """Its place in the paths."""
    name: str
    phone: PhoneDoor
    board: SimBoard | None
    """Its hardware, if that is simulated: then the page shows it."""


class Site:
    """A running web server. Open with `await open_site(...)`."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner

    async def close(self) -> None:
        """Stop serving; requests under way get a second to end."""
        await self._runner.cleanup()


async def open_site(
    listen: tuple[str, int], exhibits: Sequence[Exhibit], *, token: str, clock: Callable[[], float], together: bool
) -> Site:
    """Serve the phones' APIs and pages. `together`: each under /phones/USER/, else the one at the root.

    Raises ListenError.
    """
    from aiohttp import web

    from firmware.web.access import Access

    access = Access(token, clock)
    app = web.Application(middlewares=[access.middleware], client_max_size=LARGEST_BODY)
    app.add_routes(access.routes())
    _add_pages(app, exhibits, together)
    for exhibit in exhibits:
        if together:
            part = web.Application(client_max_size=LARGEST_BODY)
            part.add_routes(_phone_routes(exhibit))
            app.add_subapp(f"/phones/{exhibit.user}", part)
        else:
            app.add_routes(_phone_routes(exhibit))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, *listen).start()
    except OSError as fault:
        await runner.cleanup()
        raise _listen_error(listen, fault) from None
    return Site(runner)


def _listen_error(listen: tuple[str, int], fault: OSError) -> ListenError:
    where = f"{listen[0]}:{listen[1]}"
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
