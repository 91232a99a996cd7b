"""Is this machine fit to be a phone? Each examination ends in a finding in plain words, with the cure if it failed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Literal

from firmware.config import AccountSection, Config, ConfigurationError, load
from firmware.runtime.resolver import Resolver
from firmware.runtime.sip_sockets import ListenError, SipSockets, local_address
from firmware.sip.addresses import Addresses
from firmware.sip.cores.core import Failure
from firmware.sip.endpoint import Endpoint
from firmware.sip.fields import Fields
from firmware.sip.identifiers import new_call_id, new_tag
from firmware.sip.locating import is_numeric
from firmware.sip.message import Request, Response
from firmware.sip.transaction import ClientTransaction
from firmware.sip.transport import CloseConnection, Flow, Hop, ListeningPoint, Locate, SendDatagram, SendStream
from firmware.sip.uri import SipUri
from hw import AudioPort, DeviceError, sound_check
from hw.boards import AudioProfile, ProfileError, load_board, open_audio, open_board
from hw.pi.examinations import examine as examine_pi
from hw.pi.examinations import run_program

Verdict = Literal["ok", "note", "bad"]
PUBLIC = "198.51.100.1"
"""An address that only a default route leads to (RFC 5737); nothing is sent there."""
ANSWER_S = 4.0
WARNING_S = 3.0
"""To take the handset from the ear."""
STOP_CURE = "To try them: systemctl stop offhook; offhook doctor; systemctl start offhook."


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found."""

    verdict: Verdict
    """"bad" makes the machine unfit; a "note" is good to know."""
    subject: str
    words: str
    cure: str = ""

    def __str__(self) -> str:
        mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[self.verdict]
        return f"{mark} {self.subject}: {self.words}" + (f"\n     {self.cure}" if self.cure else "")


async def examine(
    path: Path | None, *, listen_for_echo: bool = False, running: bool = False, warning_s: float = WARNING_S
) -> AsyncIterator[Finding]:
    """Examine this machine, for the phone that the configuration at `path` describes if there is one.

    `listen_for_echo`: play sweeps and listen, each `warning_s` after a warning; `running`: the phone is, and holds its
    pins, its card and its ports, which therefore are not tried.
    """
    yield _python()
    config: Config | None = None
    if path is not None:
        config, finding = _configuration(path)
        yield finding
        if config is not None and _holds_secrets(config) and path.stat().st_mode & 0o004:
            words = f"everybody on this machine can read the passwords in {path}"
            yield Finding("note", "configuration", words, f"chmod o-r {path}")
    said: list[str] = []
    if running:
        words = "it is running, and holds its pins, its sound card and its ports: they were not tried"
        yield Finding("note", "phone", words, STOP_CURE)
        if listen_for_echo:
            yield _unmeasured("the telephone holds its sound card", STOP_CURE)
    else:
        async for finding in _sound(config, listen_for_echo, warning_s):
            said.append(finding.words)
            yield finding
        yield _pins_and_panel(config)
    for found in _real_board(config, running):
        if not any(found.words in words for words in said):
            yield found
    yield _network()
    if config is None:
        return
    if not running:
        async for finding in _listening(config):
            yield finding
    for account in config.account:
        async for finding in _servers(config, account):
            yield finding


def _python() -> Finding:
    return Finding("ok", "Python", ".".join(map(str, sys.version_info[:3])))


def _configuration(path: Path) -> tuple[Config | None, Finding]:
    try:
        return load(path), Finding("ok", "configuration", f"{path} has no problems")
    except ConfigurationError as fault:
        every = "\n     ".join(map(str, fault.problems))
        return None, Finding("bad", "configuration", f"{path} cannot be used", every)


def _holds_secrets(config: Config) -> bool:
    """The file itself does, not a password_file."""
    inline = any(account.password and not account.password_file for account in config.account)
    web = config.web is not None and config.web.token and not config.web.token_file
    return bool(inline or web or config.registrar)


def _board_name(config: Config | None) -> str:
    return config.hardware.board if config is not None else "sim"


async def _sound(config: Config | None, listen_for_echo: bool, warning_s: float) -> AsyncIterator[Finding]:
    name = _board_name(config)
    try:
        audio, port = load_board(name).audio, open_audio(name)
    except (DeviceError, ProfileError) as fault:
        yield Finding("bad", "sound", str(fault), "Check the sound card's name in the board's file, and its cable.")
        if listen_for_echo:
            yield _unmeasured("there is no sound to measure with")
        return
    with contextlib.closing(port):
        if port.fault:
            cure = "Check the sound card's name in the board's file, its cable, and that no other program holds it."
            yield Finding("bad", "sound", port.fault, cure)
            if listen_for_echo:
                yield _unmeasured("not every sound card of the telephone is there")
            return
        kind = "opened" if audio.port == "alsa" else "simulated, heard in the browser"
        period_ms = 1000 * port.period_samples / port.rate_hz
        yield Finding("ok", "sound", f"{kind}, {port.rate_hz} Hz, {period_ms:g} ms periods")
        if listen_for_echo:
            async for finding in _echo(audio, port, warning_s):
                yield finding


def _unmeasured(why: str, cure: str = "Mend what is said above, then ask again: offhook doctor --sound.") -> Finding:
    return Finding("note", "echo", f"nothing was played or measured: {why}", cure)


async def _echo(audio: AudioProfile, port: AudioPort, warning_s: float) -> AsyncIterator[Finding]:
    """What the microphone hears of each end that plays."""
    ends = [end for end in sound_check.ENDS if end in dict(audio.ends)]
    if audio.port != "alsa" or audio.microphone is None or not ends:
        cure = "Name the board with the real cards: [hardware] board, in the configuration."
        yield _unmeasured("there is no microphone beside an earpiece or a loudspeaker", cure)
        return
    for end in ends:
        words = f"in {warning_s:.0f} seconds soft sweeps are played on the {sound_check.NAMES[end]}, for ten seconds"
        yield Finding("note", "echo", words, "Lay the handset down, away from every ear, and be quiet.")
        await asyncio.sleep(warning_s)
        heard = await asyncio.to_thread(sound_check.listen, port, end)
        if port.fault:
            yield Finding("bad", "echo", port.fault, "Check its cable and its supply.")
            return
        check = await asyncio.to_thread(sound_check.measure, heard, port.rate_hz)
        for verdict, told, cure in sound_check.findings(check, end, port.period_samples / port.rate_hz):
            yield Finding(verdict, "echo", told, cure)


def _pins_and_panel(config: Config | None) -> Finding:
    name = _board_name(config)
    try:
        board = open_board(load_board(name))
    except (DeviceError, ProfileError) as fault:
        return Finding("bad", f"board {name}", str(fault), "Check the board's file and the wiring.")
    panel = "no panel" if board.display is None else "a panel of {}x{}".format(*board.display.size)
    keys = "no keys" if board.keypad is None else "keys"
    hook = "no hook switch" if board.hook is None else "a hook switch"
    board.close()
    return Finding("ok", f"board {name}", f"{keys}, {hook}, {panel}")


def _real_board(config: Config | None, running: bool) -> list[Finding]:
    """What can be seen on a Raspberry Pi; nothing on another machine."""
    try:
        profile = load_board(_board_name(config))
    except ProfileError:
        return []
    return [Finding(*found) for found in examine_pi(profile, running=running)]


def _network() -> Finding:
    address = local_address(PUBLIC)
    if address.startswith("127."):
        words = "there is no route to the outside; calls within this machine work"
        return Finding("note", "network", words, "Plug in the cable or join a wireless network to call others.")
    return Finding("ok", "network", f"this machine is {address}")


async def _listening(config: Config) -> AsyncIterator[Finding]:
    sockets = SipSockets(_Deaf())
    for point in config.sip.listen:
        where = f"{point.transport.lower()} {point.host} port {point.port}"
        try:
            await sockets.open([point])
        except ListenError as fault:
            yield Finding("bad", where, str(fault), "If that is this phone already running, all is well.")
        else:
            yield Finding("ok", where, "free to listen on")
    await sockets.close()


async def _servers(config: Config, account: AccountSection) -> AsyncIterator[Finding]:
    """Is the server's name known, and does it answer? It is asked with OPTIONS (RFC 3261 §11)."""
    server = account.outbound_proxy or account.registrar
    if server is None and account.register:
        server = SipUri(user=None, host=account.address.host, port=account.address.port)
    if server is None:
        yield Finding("ok", str(account.address), "needs no server: it is called directly")
        return
    if _is_own(config, server):
        yield Finding("ok", "registrar", f"{server} is this phone itself")
        return
    hops = await Resolver(SystemRandom(), families=("A", "AAAA")).locate(
        Locate(0, server.host, server.port, server.transport, server.secure)
    )
    if not hops:
        words = f"the name {server.host} is not known"
        yield Finding("bad", "names", words, "Check the name, and this machine's DNS server (/etc/resolv.conf).")
        return
    if not is_numeric(server.host):
        yield Finding("ok", "names", f"{server.host} is {', '.join(dict.fromkeys(hop.host for hop in hops))}")
    answer = await _options(hops[0], account, server)
    if answer is None:
        words = f"{server} does not answer over {hops[0].transport}"
        yield Finding("bad", "registrar", words, "Is the server running? Does a firewall drop SIP?")
    else:
        yield Finding("ok", "registrar", f"{server} answers ({answer.status} {answer.reason})")


def _is_own(config: Config, server: SipUri) -> bool:
    """The phone is its own exchange, which does not answer while it is not running."""
    if "registrar" not in config.phone.roles:
        return False
    ours = Addresses(config.sip.listen, local_address).is_own(server.host, server.port, server.transport)
    return ours or (config.registrar is not None and server.host == config.registrar.domain)


async def _options(hop: Hop, account: AccountSection, server: SipUri) -> Response | None:
    asking = _Asking()
    try:
        points = await asking.sockets.open([ListeningPoint(hop.transport, local_address(hop.host), 0)])
    except ListenError:
        return None  # no route there at all
    random = SystemRandom()
    endpoint = Endpoint(points=points, random=random, local_address=local_address)
    asking.endpoint = endpoint
    fields = Fields(
        [
            ("From", f"<{account.address}>;tag={new_tag(random)}"),
            ("To", f"<{server}>"),
            ("Call-ID", new_call_id(random)),
            ("CSeq", "1 OPTIONS"),
        ]
    )
    request = Request("OPTIONS", server, fields)
    endpoint.send_request(request, asking, asking.now(), hop=hop)
    asking.flush()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await asking.done.wait()
    await asking.sockets.close()
    return asking.response


class _Deaf:
    """Takes what the sockets report, and does nothing."""

    def sip_received(self, data: bytes, flow: Flow) -> None:
        """Octets nobody asked for."""

    def sip_connection_opened(self, flow: Flow) -> None:
        """A stream nobody asked for."""

    def sip_connection_closed(self, connection: int, hop: Hop | None) -> None:
        """A stream is gone."""

    def sip_delivery_failed(self, hop: Hop) -> None:
        """Something did not arrive."""


class _Asking(_Deaf):
    """Sends one request and waits for its answer."""

    endpoint: Endpoint

    def __init__(self) -> None:
        self.sockets = SipSockets(self)
        self.done = asyncio.Event()
        self.response: Response | None = None
        self.now = asyncio.get_running_loop().time

    def flush(self) -> None:
        """Send what the endpoint wants sent, and wake it when it wants to be."""
        for output in self.endpoint.drain():
            match output:
                case SendDatagram():
                    self.sockets.send_datagram(output)
                case SendStream():
                    self.sockets.send_stream(output)
                case CloseConnection():
                    self.sockets.close_connection(output)
                case Locate():
                    pass  # the hop was given
        deadline = self.endpoint.next_deadline()
        if deadline is not None and not self.done.is_set():
            asyncio.get_running_loop().call_at(deadline, self._due)

    def _due(self) -> None:
        if not self.done.is_set():
            self.endpoint.handle_timers(self.now())
            self.flush()

    def sip_received(self, data: bytes, flow: Flow) -> None:
        """An answer, perhaps."""
        self.endpoint.receive(data, flow, self.now())
        self.flush()

    def sip_delivery_failed(self, hop: Hop) -> None:
        """Nobody listens there."""
        self.endpoint.delivery_failed(hop, self.now())
        self.flush()

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Any final answer shows that the server lives."""
        if response.status >= 200:
            self.response = response
            self.done.set()

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """No answer will come."""
        self.done.set()


def doctor(path: Path | None, listen_for_echo: bool = False) -> bool:
    """Print every finding; True if the machine is fit."""
    return asyncio.run(_print(path, listen_for_echo))


def phone_runs() -> bool:
    """Whether systemd runs the phone on this machine now."""
    return run_program("systemctl", "is-active", "offhook") is not None


async def _print(path: Path | None, listen_for_echo: bool) -> bool:
    fit = True
    async for finding in examine(path, listen_for_echo=listen_for_echo, running=phone_runs()):
        print(finding, flush=True)
        fit = fit and finding.verdict != "bad"
    print("This machine is fit to be a phone." if fit else "This machine is not fit to be a phone yet.")
    return fit
