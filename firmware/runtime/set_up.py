"""The set-up of a card: opens the set-up network, asks on a page, tries the answers, asks again if they do not work.

It runs from a start without settings, or with settings that have not worked yet, until the telephone is in service;
later only when somebody at the telephone asks for it. The page asks for no password: it is for the set-up network and
the wired one. A page of another site that has its visitor's browser post here lacks the form's ticket, and cannot read
it: only names and numbers of our own are answered (against DNS rebinding).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.config.wifi import access_point
from firmware.runtime import kept
from firmware.runtime.notify import notify
from firmware.runtime.standing import PROPERTIES, service_of
from firmware.runtime.supplicant import Supplicant
from firmware.set_up.air import Seen, link, networks
from firmware.set_up.course import Course, Facts, Radio
from firmware.set_up.form import Known, known_settings
from firmware.set_up.portal import ACCESS_POINT, dns_answer

log = logging.getLogger("offhook.setup")

CARD = "wlan0"
IP_FREEBIND = 15
"""ip(7): an address may be bound before it is there."""
LEAVE_S = 2.0
"""The page that says what comes next gets so long to leave before the set-up network closes."""
LAST_PAGE_S = 20.0
"""And so long the page says that all is well."""
SCAN_S = 8.0
OBEY_S = 30.0
"""After which a Wi-Fi card that is not what it is to be is told again."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are."""

    settings: Path
    boot: Path
    wifi_control: Path
    group: str
    host: str = ""
    port: int = 80
    name_port: int = 53
    """Of the names in the set-up network; 0: none."""


class SetUp:
    """One set-up: the course, and what it is told and tells."""

    def __init__(self, places: Places, clock: Callable[[], float] = time.monotonic) -> None:
        self.places = places
        self.token = secrets.token_urlsafe(9)
        self.networks: tuple[Seen, ...] = ()
        self._clock = clock
        self._supplicant = Supplicant(places.wifi_control / CARD, places.boot / "asking")
        self._obeyed = self._hold = clock()
        self._starts, self._started = 0, 0.0
        self._asked = self._wish()
        asked = self._asked is not None and bool((places.boot / kept.WANTED).read_text().strip())
        known = self.known()
        # What offhook-firstboot made of it: a network that is known is being joined already.
        self._radio: Radio | None = "home" if known.wifi is not None else None
        self.course = Course(
            phone=bool(known.phone),
            wifi=known.wifi is not None,
            worked=(places.settings / kept.WORKED).is_file(),
            asked=asked,
            has_radio=_has_radio(),
            now=clock(),
        )

    def known(self) -> Known:
        """The settings as they are on the disk."""
        return known_settings(self._text(kept.PHONE), self._text(kept.WIFI))

    def keep(self, phone: str, wifi: str) -> None:
        """Take new settings, and begin to try them. Raises OSError: they cannot be written."""
        kept.keep_answers(self.places.settings, phone, wifi, self.places.group)
        log.info("the settings are written")
        self._hold = self._clock() + LEAVE_S
        self.course.answered(wifi=bool(wifi), now=self._clock())

    def folder(self) -> Path:
        """Where the settings are."""
        return self.places.settings

    @property
    def forgetful(self) -> bool:
        """They are in memory, and lost when it is switched off."""
        return (self.places.boot / kept.FORGETFUL).exists()

    def visited(self) -> None:
        """Somebody is at the page."""
        self.course.visited(self._clock())

    def step(self) -> None:
        """Look how things are, and go on. Takes its time: not for the page's thread."""
        if _has_radio():
            self.course.radio_found()
        if (asked := self._wish()) != self._asked:
            self._asked = asked
            self.course.visited(self._clock())  # somebody at the telephone asks once more: its time begins again
        stage = self.course.stage
        self.course.observe(self._look(), self._clock())
        if self.course.stage != stage:
            wrong = "; ".join(one.words for one in self.course.mistakes)
            log.info("%s -> %s%s", stage, self.course.stage, f": {wrong}" if wrong else "")
        if self.course.stage == "done" and self.known().phone:
            self._note_worked()
        self._turn_radio()
        if self.course.starts != self._starts:
            self._starts, self._started = self.course.starts, self._clock()
            (self.places.boot / kept.START).write_text(f"{self._starts}\n")

    def _wish(self) -> int | None:
        """When the page was asked for last, in a file's time; None: nobody asks."""
        try:
            return (self.places.boot / kept.WANTED).stat().st_mtime_ns
        except OSError:
            return None

    def _note_worked(self) -> None:
        path = self.places.settings / kept.WORKED
        try:
            if not path.is_file():
                path.touch()
        except OSError as fault:
            log.warning("it is in service, but that cannot be noted: %s", fault.strerror)

    def _text(self, name: str) -> str:
        try:
            return (self.places.settings / name).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return ""

    def _look(self) -> Facts:
        wifi = self.known().wifi
        shown = _output("systemctl", "show", f"--property={','.join(PROPERTIES)}", "offhook.service")
        service = service_of(shown, self._started)
        if wifi is None or self.course.radio != "home":
            return Facts(address=bool(_addresses()), service=service.status, failed=service.failed)
        return Facts(
            link(self._supplicant.ask("STATUS"), self._supplicant.ask("LIST_NETWORKS")),
            address=CARD in _addresses(),
            in_air=any(seen.ssid == wifi.ssid for seen in networks(self._supplicant.ask("SCAN_RESULTS"))),
            service=service.status,
            failed=service.failed,
        )

    def _turn_radio(self) -> None:
        """Make the Wi-Fi card what it is to be: a new configuration, and a new wpa_supplicant that reads it."""
        now, wanted = self._clock(), self.course.radio
        if now < self._hold:
            return
        if wanted == self._radio:
            if now - self._obeyed > OBEY_S:
                self._obeyed = now
                if ("mode=AP" in self._supplicant.ask("STATUS")) != (wanted == "access point"):
                    self._supplicant.ask("TERMINATE")
            return
        if wanted == "access point":
            self.networks = self._scan() or self.networks
        self._radio, self._obeyed = wanted, now
        wifi = self.known().wifi
        texts: dict[Radio, str] = {
            "access point": access_point(wifi.country if wifi else ""),
            "home": wifi.supplicant if wifi else "",
            "off": "",
        }
        kept.write_private(self.places.boot / kept.SUPPLICANT, kept.CONTROL + texts[wanted])
        self._supplicant.ask("TERMINATE")  # systemd starts another
        log.info("Wi-Fi: %s", {"access point": "the set-up network"}.get(wanted, wanted))

    def _scan(self) -> tuple[Seen, ...]:
        """What is in the air; a card that is a network itself seldom can look."""
        self._supplicant.ask("SCAN")
        end = self._clock() + SCAN_S
        found: tuple[Seen, ...] = ()
        while not found and self._clock() < end:
            found = networks(self._supplicant.ask("SCAN_RESULTS"))
            time.sleep(0.5)
        return found


def _has_radio() -> bool:
    return Path("/sys/class/net", CARD).exists()


def _output(*command: str) -> str:
    """What a program says; nothing where there is none, or it does not end."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _addresses() -> frozenset[str]:
    """The interfaces that have an address others can reach."""
    try:
        every = json.loads(_output("ip", "-json", "address", "show", "scope", "global"))
    except ValueError:
        return frozenset()
    return frozenset(
        one["ifname"]
        for one in every
        if any(each.get("local") not in (None, ACCESS_POINT) for each in one.get("addr_info", ()))
    )


class _Names(asyncio.DatagramProtocol):
    """The name server of the set-up network."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if answer := dns_answer(data):
            self.transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def _name_server(port: int) -> AsyncIterator[None]:
    if not port:
        yield
        return
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    taken.bind((ACCESS_POINT, port))
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Names, sock=taken)
    try:
        yield
    finally:
        transport.close()


async def serve(places: Places, tick_s: float = 1.0, linger_s: float = LAST_PAGE_S) -> None:
    """Ask and try, until the telephone is in service; the last page stays a moment."""
    from aiohttp import web

    from firmware.runtime.page_door import application

    set_up = SetUp(places)
    runner = web.AppRunner(application(set_up), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        async with _name_server(places.name_port):
            await web.TCPSite(runner, places.host or None, places.port).start()
            log.info("the set-up page is on port %d", places.port)
            notify("READY=1")
            while set_up.course.stage != "done":
                await asyncio.to_thread(set_up.step)
                await asyncio.sleep(tick_s)
            (places.boot / kept.WANTED).unlink(missing_ok=True)
            await asyncio.sleep(linger_s)
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `offhook-set-up`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="offhook-set-up", description="Ask for the settings on a page.")
    parser.add_argument("--settings", type=Path, default=Path("/data/offhook"), metavar="FOLDER")
    parser.add_argument("--boot", type=Path, default=Path("/run/offhook-setup"), metavar="FOLDER")
    parser.add_argument("--wifi-control", type=Path, default=Path("/run/offhook-wifi"), metavar="FOLDER")
    parser.add_argument("--host", default="", help="all addresses without it")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--name-port", type=int, default=53, help="of the set-up network's names; 0: none")
    parser.add_argument("--group", default="offhook", help="who may read the settings")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folders = (options.settings, options.boot, options.wifi_control)
    places = Places(*folders, options.group, options.host, options.port, options.name_port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(places))
        while (places.boot / kept.WANTED).is_file():  # asked for again while the last page was still shown
            asyncio.run(serve(places))
    return 0


if __name__ == "__main__":
    sys.exit(main())
