"""The composition root: the one file that knows every other part. `run` is a phone, `sim` is several on a page."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import ipaddress
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import hw
from firmware.config import Config, ConfigurationError, Problem, parse
from firmware.media import messages as media
from firmware.phone.memory import Memory
from firmware.runtime.kept import BOOT, FORGETFUL
from firmware.runtime.memory_file import MemoryFile
from firmware.runtime.network_watch import NetworkWatch
from firmware.runtime.notify import notify
from firmware.runtime.resolver import Resolver
from firmware.runtime.set_up_request import SetUpRequest, own_folder
from firmware.runtime.shell import MediaEngine, Shell
from firmware.runtime.sip_sockets import local_address
from firmware.runtime.site import Exhibit, listen_for_site, open_site
from firmware.runtime.standing import tell_standing
from firmware.runtime.watchdog import watched
from firmware.station import memory_codec
from firmware.station.build import World, build_station
from hw.boards import load_board, open_board
from hw.sim.board import SimBoard

if TYPE_CHECKING:
    from firmware.station.registrations_codec import Bindings

log = logging.getLogger("offhook")

DEFAULT_PAGE = ("127.0.0.1", 8080)


async def run(config: Config, memory: Path | None = None) -> None:
    """One phone until SIGTERM or SIGINT; `memory`: where it is kept, unless the configuration says where.

    Raises ListenError, DeviceError, ConfigurationError.
    """
    async with AsyncExitStack() as stack:
        stopped = _told_to_stop()
        listener = _take_address(config.web.listen, stack) if config.web is not None else None
        exhibit = await _open_phone(config, stack, memory)
        _say_ready()
        async with watched(lambda: _well(exhibit)):  # at once: the page, which comes next, may take a slow machine long
            tell_standing(exhibit.phone)
            if config.web is not None and listener is not None:
                token = config.web.token
                site = await open_site(listener, [exhibit], token=token, clock=time.monotonic, together=False)
                stack.push_async_callback(site.close)
                log.info("the page is at http://%s/", _authority(listener))
            _settle_memory()
            await stopped.wait()
        await _take_leave([exhibit])


async def sim(configs: Sequence[Config], listen: tuple[str, int] | None = None) -> None:
    """Phones in a browser until SIGTERM or SIGINT; `listen`: where the page is, None for where the phones say.

    Raises ListenError, DeviceError, ConfigurationError.
    """
    address, token = page_of(configs, listen)
    async with AsyncExitStack() as stack:
        stopped = _told_to_stop()
        listener = _take_address(address, stack)
        exhibits = _told_apart([await _open_phone(config, stack) for config in configs])
        site = await open_site(listener, exhibits, token=token, clock=time.monotonic, together=True)
        stack.push_async_callback(site.close)
        for exhibit in exhibits:
            log.info("%s is at http://%s/phones/%s/", exhibit.name, _authority(listener), exhibit.user)
        log.info("open http://%s/ in a browser", _authority(listener))
        _say_ready()
        _settle_memory()
        await stopped.wait()
        await _take_leave(exhibits)


def page_of(configs: Sequence[Config], listen: tuple[str, int] | None) -> tuple[tuple[str, int], str]:
    """Where the one page of several phones is, and its token. Raises ConfigurationError.

    One page works them all, so it is where the command line says, else where the first phone with a `[web]` says;
    and phones that ask for different tokens cannot share it.
    """
    sections = [config.web for config in configs if config.web is not None]
    tokens = sorted({section.token for section in sections if section.token})
    if len(tokens) > 1:
        words = "the phones ask for different tokens, and one page shows them all"
        raise ConfigurationError((Problem("web.token", None, words, "give all the same token"),))
    address = listen or next((section.listen for section in sections), DEFAULT_PAGE)
    if not tokens and not ipaddress.ip_address(address[0]).is_loopback:
        words = f"without a token only a loopback address may be listened on, not {address[0]}"
        remedy = "listen on 127.0.0.1, or write a token in [web] of a CONFIG"
        raise ConfigurationError((Problem("--listen", None, words, remedy),))
    return address, "".join(tokens)


def _take_address(address: tuple[str, int], stack: AsyncExitStack) -> socket.socket:
    listener = listen_for_site(address)
    stack.callback(listener.close)
    return listener


def _told_apart(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Two phones of one user are two places on the page: 1001 and 1001-2."""
    apart: dict[str, Exhibit] = {}
    for exhibit in exhibits:
        user, n = exhibit.user, 1
        while user in apart:
            n += 1
            user = f"{exhibit.user}-{n}"
        apart[user] = dataclasses.replace(exhibit, user=user)
    return list(apart.values())


async def _take_leave(exhibits: Sequence[Exhibit]) -> None:
    """All at once: one phone may be the exchange of the others, and nobody waits for another's dead server."""
    notify("STOPPING=1")
    log.info("stopping")
    await asyncio.gather(*(exhibit.phone.take_leave() for exhibit in exhibits if isinstance(exhibit.phone, Shell)))


def _say_ready() -> None:
    log.info("ready")
    notify("READY=1")


def _well(exhibit: Exhibit) -> bool:
    return not isinstance(exhibit.phone, Shell) or exhibit.phone.healthy


def _settle_memory() -> None:
    """What is there now stays: the collector need not walk it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _authority(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _told_to_stop() -> asyncio.Event:
    """Set when we are told to stop. Once is enough: however often it is said, we end in order, and at leisure."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop(number: int, frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):  # first, for who shouts without pause leaves no time for more
            signal.signal(each, signal.SIG_IGN)
        with contextlib.suppress(RuntimeError):  # the loop is closed: we have stopped
            loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


async def _open_phone(config: Config, stack: AsyncExitStack, memory: Path | None = None) -> Exhibit:
    """Open the board, then the phone on it; both are closed with `stack`."""
    if config.registrar is not None and not {"registrar", "proxy", "redirect"} & set(config.phone.roles):
        log.info("%s has no server role, so its [registrar] is not used", config.phone.name)
    board = open_board(load_board(config.hardware.board))
    stack.callback(board.close)
    random = SystemRandom()
    world = World(random, local_address, _wall_clock(config.phone.timezone))
    panel = board.display.size if board.display is not None else None
    resolver = Resolver(random, transports=_transports(config), families=_families(config))
    remembered = _open_memory(config, stack, memory)
    shell = Shell(
        config.sip.listen,
        lambda points, now: build_station(
            config,
            points,
            world,
            now,
            panel_size=panel,
            memory=remembered.phone,
            registrations=remembered.registrations,
            forgetful=(BOOT / FORGETFUL).exists(),
        ),
        lambda heard: _media_engine(config, board, heard),
        board,
        resolver.locate,
        lambda hop, answered: resolver.alive(hop) if answered else resolver.silent(hop),
        remembered.keep,
        SetUpRequest(own_folder(os.environ)).open,
    )
    stack.push_async_callback(shell.close)
    # Watched before it registers: the address may come while the sound still starts, and would be missed.
    stack.callback(NetworkWatch(shell.network_changed).close)
    await shell.start()
    for point in shell.points:
        log.info("%s listens on %s %s port %d", config.phone.name, point.transport, point.host, point.port)
    return Exhibit(_user(config), config.phone.name, shell, _simulated(board))


@dataclass(slots=True)
class _Remembered:
    """What was known before this start, and who keeps it for the next."""

    phone: Memory | None = None
    registrations: Bindings | None = None
    savers: dict[str, Callable[[bytes], None]] = field(default_factory=dict)

    def keep(self, name: str, octets: bytes) -> None:
        """Keep these under that name, see Shell."""
        if name in self.savers:
            self.savers[name](octets)


def _open_memory(config: Config, stack: AsyncExitStack, default: Path | None) -> _Remembered:
    wanted = config.phone.memory
    path = default if wanted is None else Path(wanted) if wanted else None
    remembered = _Remembered()
    if path is None:
        return remembered
    phone = MemoryFile(path, memory_codec.decode, memory_codec.LARGEST_OCTETS, "the call list and the volumes")
    stack.push_async_callback(phone.close)
    remembered.phone = phone.open()
    remembered.savers["phone"] = phone.save
    if config.registrar is not None and "registrar" in config.phone.roles:
        from firmware.station import registrations_codec as codec

        beside = path.with_name(f"{path.stem}-registrations{path.suffix}")
        exchange = MemoryFile(beside, codec.decode, codec.LARGEST_OCTETS, "the registrations of other telephones")
        stack.push_async_callback(exchange.close)
        remembered.registrations = exchange.open()
        remembered.savers["registrations"] = exchange.save
    return remembered


def _user(config: Config) -> str:
    user = (config.account[0].address.user or "phone") if config.account else "phone"
    return quote(user, safe="+")


def _simulated(board: hw.Board) -> SimBoard | None:
    return board if isinstance(board, SimBoard) else None


def _media_engine(config: Config, board: hw.Board, heard: Callable[[media.Event], None]) -> MediaEngine:
    """A real card is opened by the engine in a process of its own; a simulated one lives with the page, in this."""
    if board.audio is not None:
        from firmware.runtime.media_local import MediaLocal

        return MediaLocal(board.audio, config.media.rtp_ports, heard)
    from firmware.runtime.media_process import MediaProcess  # and with it none of the engine's own rooms

    return MediaProcess(config.hardware.board, config.media.rtp_ports, heard)


def _transports(config: Config) -> tuple[str, ...]:
    return tuple(dict.fromkeys(point.transport for point in config.sip.listen))


def _families(config: Config) -> tuple[Literal["A", "AAAA"], ...]:
    """The address families we can send from."""
    ipv6 = any(":" in point.host for point in config.sip.listen)
    ipv4 = any(":" not in point.host for point in config.sip.listen)
    return (*(("AAAA",) if ipv6 else ()), *(("A",) if ipv4 else ()))


def _wall_clock(timezone: str) -> Callable[[float], datetime]:
    """Local time at a monotonic time, now and near now; a clock set meanwhile is followed."""
    zone = ZoneInfo(timezone) if timezone else None

    def wall(now: float) -> datetime:
        moment = time.time() + (now - time.monotonic())
        return datetime.fromtimestamp(moment, zone)

    return wall


HOUSEHOLD = """
[phone]
name = "{name}"
roles = [{roles}]

[[account]]
address = "sip:{user}@home.test"
name = "{name}"
password = "{password}"
registrar = "sip:127.0.0.1:{exchange}"
outbound_proxy = "sip:127.0.0.1:{exchange};lr"

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]

[dial]
patterns = ["10xx"]
"""
EXCHANGE = """
[registrar]
domain = "home.test"
users = {{ 1001 = "{first}", 1002 = "{second}" }}
digest = ["SHA-256"]
"""


def household() -> tuple[Config, Config]:
    """The two phones that `offhook sim` shows by itself: the first is also their registrar and proxy."""
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    exchange = _free_port(5060)
    other = _free_port(exchange + 2)
    roles = '"user-agent", "registrar", "proxy"'
    hall = HOUSEHOLD.format(
        name="Hall", roles=roles, user="1001", password=first, exchange=exchange, port=exchange
    ) + EXCHANGE.format(first=first, second=second)
    kitchen = HOUSEHOLD.format(
        name="Kitchen", roles='"user-agent"', user="1002", password=second, exchange=exchange, port=other
    )
    return parse(hall), parse(kitchen)


def _free_port(first: int) -> int:
    """The first port from `first`, in steps of two, that nobody uses on 127.0.0.1 for UDP or TCP."""
    for port in range(first, first + 200, 2):
        if _is_free(port):
            return port
    return first  # opening it will say why not


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as trial:
            if kind == socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
