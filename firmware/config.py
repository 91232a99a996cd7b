"""The configuration file: TOML in, frozen dataclasses out, or every problem with its key path, line and remedy."""

from __future__ import annotations

import dataclasses
import ipaddress
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from firmware import config_values as read
from firmware.config_values import Wrong
from firmware.sip.transport import ListeningPoint
from firmware.sip.uri import SipUri
from hw.toml_lines import Path as KeyPath
from hw.toml_lines import key_lines, line_of

T = TypeVar("T")

ROLES = ("user-agent", "registrar", "proxy", "redirect")
CODECS = ("opus", "G722", "PCMA", "PCMU")
"""Every codec name a file may list. Those this version lacks are passed over."""
AVAILABLE_CODECS = ("PCMA", "PCMU")
DIGESTS = ("SHA-512-256", "SHA-256", "MD5")
MAX_FILE_OCTETS = 1 << 20


def _key(reader: read.Reader, default: Any = dataclasses.MISSING) -> Any:
    return field(default=default, metadata={"reader": reader})


@dataclass(frozen=True, slots=True)
class PhoneSection:
    """`[phone]`."""

    name: str = _key(read.filled, "Offhook")
    """Shown on the panel."""
    country: str = _key(read.country, "gb")
    """Whose call-progress tones and ring."""
    roles: tuple[str, ...] = _key(read.list_of(read.one_of(*ROLES), least=1), ("user-agent",))
    """What this process is in the network (RFC 3261 §6)."""
    timezone: str = _key(read.timezone, "")
    """IANA name, "Europe/London"; empty: the machine's."""
    call_waiting: bool = _key(read.boolean, True)
    """A second caller is announced in a call; false: hears busy."""


@dataclass(frozen=True, slots=True)
class AccountSection:
    """`[[account]]`."""

    address: SipUri = _key(read.address_of_record)
    """Address-of-record."""
    name: str = _key(read.text, "")
    """Display name."""
    username: str = _key(read.filled, "")
    """Digest user; default: the address's user part."""
    password: str = _key(read.filled, "")
    """Digest password."""
    password_file: str = _key(read.filled, "")
    """File that holds the password; relative to the configuration file."""
    registrar: SipUri | None = _key(read.sip_uri, None)
    """Where to register; default: the address's domain, located by RFC 3263."""
    outbound_proxy: SipUri | None = _key(read.sip_uri, None)
    """Where every request goes first."""
    register: bool = _key(read.boolean, True)
    """False: a peer that is called directly, with no server at all."""
    expires: int = _key(read.integer(30, 604_800), 3600)
    """Seconds."""
    auto_answer: float | None = _key(read.auto_answer, None)
    """Seconds before an incoming call is answered; None: never by itself."""


@dataclass(frozen=True, slots=True)
class SipSection:
    """`[sip]`."""

    listen: tuple[ListeningPoint, ...] = _key(
        read.list_of(read.listening_point, least=1),
        (ListeningPoint("UDP", "0.0.0.0", 5060), ListeningPoint("TCP", "0.0.0.0", 5060)),
    )
    """Listening points."""
    accept_from: tuple[str, ...] = _key(read.list_of(read.network), ())
    """Networks, besides the account's own servers, whose calls may ring."""


@dataclass(frozen=True, slots=True)
class MediaSection:
    """`[media]`."""

    rtp_ports: tuple[int, int] = _key(read.port_range, (16384, 16483))
    """First and last UDP port of RTP and RTCP."""
    codecs: tuple[str, ...] = _key(read.list_of(read.one_of(*CODECS), least=1), CODECS)
    """In order of preference."""
    srtp: str = _key(read.one_of("off", "offer", "require"), "off")
    """Encryption of media."""


@dataclass(frozen=True, slots=True)
class HardwareSection:
    """`[hardware]`."""

    board: str = _key(read.filled, "sim")
    """A name in hw/boards, or a path to such a file; relative to the configuration file."""


@dataclass(frozen=True, slots=True)
class WebSection:
    """`[web]`."""

    listen: tuple[str, int] = _key(read.web_address)
    """Address and port."""
    token: str = _key(read.filled, "")
    """What `Authorization: Bearer` must carry; empty: none."""
    token_file: str = _key(read.filled, "")
    """File that holds the token; relative to the configuration file."""


@dataclass(frozen=True, slots=True)
class RegistrarSection:
    """`[registrar]`."""

    domain: str = _key(read.domain)
    """The domain whose users register here."""
    users: tuple[tuple[str, str], ...] = _key(read.passwords)
    """User and password of each."""
    digest: tuple[str, ...] = _key(read.list_of(read.one_of(*DIGESTS), least=1), ("MD5",))
    """Digest algorithms to offer, the preferred first (RFC 8760 §2.3). MD5 alone unless asked otherwise: phones that
    know nothing else, those built on libre before version 2 among them, give up when they see any other beside it,
    although RFC 8760 §2.4 has them pass over it."""


@dataclass(frozen=True, slots=True)
class DialSection:
    """`[dial]`."""

    patterns: tuple[str, ...] = _key(read.list_of(read.dial_pattern), ())
    """Numbers that are whole as soon as they match: digits, x any digit, [2-9] one of these, `x.` any number."""
    timeout: float = _key(read.seconds(1, 60), 4.0)
    """Seconds without a key after which what was dialled is called."""
    hotline: str = _key(read.callee, "")
    """Called when the handset is lifted: a number or a SIP URI; empty: there is dial tone."""
    hotline_delay: float = _key(read.seconds(0, 60), 0.0)
    """Seconds of dial tone before that, in which another number may be begun; 0: it is called at once."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    phone: PhoneSection
    account: tuple[AccountSection, ...]
    sip: SipSection
    media: MediaSection
    hardware: HardwareSection
    web: WebSection | None
    registrar: RegistrarSection | None
    dial: DialSection


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file."""

    path: str
    """Key path, "account[0].address"; empty: the file itself."""
    line: int | None
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.path + ': ' if self.path else ''}{self.message}; {self.remedy}"


class ConfigurationError(ValueError):
    """The file can't be used. `problems` holds every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Loader:
    """Reads tables into sections and collects what is wrong."""

    def __init__(self, lines: dict[KeyPath, int]) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def complain(self, path: KeyPath, message: str, remedy: str) -> None:
        self.problems.append(Problem(_dotted(path), line_of(path, self.lines), message, remedy))

    def section(self, kind: type[T], table: Any, path: KeyPath) -> T | None:
        """A section's dataclass, None if it can't be made; every problem is noted."""
        if not isinstance(table, dict):
            self.complain(path, "it is not a table", f"write it as [{path[0]}]")
            return None
        known = {one.name: one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
        for name in table:
            if name not in known:
                self.complain((*path, name), "unknown key", "known here: " + ", ".join(known))
        values: dict[str, Any] = {}
        sound = True
        for name, one in known.items():
            if name in table:
                try:
                    values[name] = one.metadata["reader"](table[name])
                except Wrong as wrong:
                    self.complain((*path, name), wrong.message, wrong.remedy)
                    sound = False
            elif one.default is dataclasses.MISSING:
                self.complain((*path, name), "it is missing", f"add {name} = ...")
                sound = False
        return kind(**values) if sound else None

    def accounts(self, tables: Any) -> tuple[AccountSection | None, ...]:
        """Every `[[account]]`."""
        if not isinstance(tables, list):
            self.complain(("account",), "accounts are an array of tables", "write [[account]] with two brackets")
            return ()
        return tuple(self.section(AccountSection, table, ("account", n)) for n, table in enumerate(tables))


def parse(text: str, folder: Path | None = None) -> Config:
    """The configuration in a TOML text. `folder`: where relative file names start. Raises ConfigurationError."""
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError((Problem("", None, "this nests too deeply", "is it the right file?"),)) from None
    except tomllib.TOMLDecodeError as fault:
        line = getattr(fault, "lineno", None) or _line_in(str(fault))
        problem = Problem("", line, f"this is not TOML: {fault}", "mend the line, https://toml.io shows the form")
        raise ConfigurationError((problem,)) from None
    loader = _Loader(key_lines(text))
    known = [one.name for one in dataclasses.fields(Config)]
    for name in tables:
        if name not in known:
            loader.complain((name,), "unknown key", "known here: " + ", ".join(known))
    sections: dict[str, Any] = {
        "phone": loader.section(PhoneSection, tables.get("phone", {}), ("phone",)),
        "account": loader.accounts(tables.get("account", [])),
        "sip": loader.section(SipSection, tables.get("sip", {}), ("sip",)),
        "media": loader.section(MediaSection, tables.get("media", {}), ("media",)),
        "hardware": loader.section(HardwareSection, tables.get("hardware", {}), ("hardware",)),
        "web": loader.section(WebSection, tables["web"], ("web",)) if "web" in tables else None,
        "registrar": loader.section(RegistrarSection, tables["registrar"], ("registrar",))
        if "registrar" in tables
        else None,
        "dial": loader.section(DialSection, tables.get("dial", {}), ("dial",)),
    }
    _read_secrets(loader, sections, folder or Path())
    sections["hardware"] = _with_board_path(sections["hardware"], folder)
    _check_together(loader, sections, tables)
    if loader.problems:
        raise ConfigurationError(tuple(sorted(loader.problems, key=lambda one: one.line or 0)))
    return Config(**sections)


def _line_in(message: str) -> int | None:
    _, found, rest = message.partition("at line ")
    digits = rest.partition(",")[0].strip()
    return int(digits) if found and digits.isdigit() else None


def load(path: Path) -> Config:
    """The configuration in a file. Raises ConfigurationError."""
    remedy = "check the name and the file's permissions"
    try:
        octets = path.read_bytes()
    except OSError as fault:
        problem = Problem("", None, f"cannot read {path}: {fault.strerror}", remedy)
        raise ConfigurationError((problem,)) from None
    if len(octets) > MAX_FILE_OCTETS:
        raise ConfigurationError((Problem("", None, f"{path} is larger than 1 MiB", "is it the right file?"),))
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = octets.count(b"\n", 0, fault.start) + 1
        raise ConfigurationError((Problem("", line, "this is not UTF-8", "save the file as UTF-8"),)) from None
    return parse(text, path.parent)


def _read_secrets(loader: _Loader, sections: dict[str, Any], folder: Path) -> None:
    """Fill password and token from the files that hold them."""
    accounts = []
    for n, account in enumerate(sections["account"]):
        if account is not None and account.password_file:
            account = _with_secret(loader, account, "password", ("account", n), folder)
        accounts.append(account)
    sections["account"] = tuple(accounts)
    if sections["web"] is not None and sections["web"].token_file:
        sections["web"] = _with_secret(loader, sections["web"], "token", ("web",), folder)


def _with_board_path(hardware: HardwareSection | None, folder: Path | None) -> HardwareSection | None:
    if hardware is None or folder is None or not ("/" in hardware.board or hardware.board.endswith(".toml")):
        return hardware
    return dataclasses.replace(hardware, board=str(folder / hardware.board))


def _with_secret(loader: _Loader, section: Any, name: str, path: KeyPath, folder: Path) -> Any:
    file_key = f"{name}_file"
    if getattr(section, name):
        loader.complain((*path, file_key), f"both {name} and {file_key} are given", "keep one of them")
        return section
    try:
        secret = (folder / getattr(section, file_key)).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        loader.complain((*path, file_key), f"cannot read it: {reason}", "check the name and the file's permissions")
        return section
    if not secret:
        loader.complain((*path, file_key), "the file is empty", f"write the {name} into it")
    return dataclasses.replace(section, **{name: secret})


def _check_together(loader: _Loader, sections: dict[str, Any], tables: Mapping[str, Any]) -> None:
    """What one value alone can't show."""
    _check_accounts(loader, sections, tables)
    media, web, phone, registrar = (sections[name] for name in ("media", "web", "phone", "registrar"))
    if media is not None:
        if media.srtp != "off":
            loader.complain(("media", "srtp"), "encrypted media is not supported by this version", 'write "off"')
        if not set(media.codecs) & set(AVAILABLE_CODECS):
            remedy = "add one of: " + ", ".join(AVAILABLE_CODECS)
            loader.complain(("media", "codecs"), "this version has none of these codecs", remedy)
    if web is not None and not web.token and not ipaddress.ip_address(web.listen[0]).is_loopback:
        remedy = 'add token = "...", or listen on 127.0.0.1'
        loader.complain(("web", "listen"), "without a token only a loopback address may be listened on", remedy)
    _check_ports(loader, sections)
    if phone is None:
        return
    wants = {"registrar", "proxy", "redirect"} & set(phone.roles)
    if wants and "registrar" not in tables:
        remedy = 'add [registrar] with domain = "..." and users = { ... }'
        loader.complain(("phone", "roles"), f"the role {sorted(wants)[0]} needs to know its domain", remedy)
    if {"proxy", "redirect"} <= wants:
        loader.complain(("phone", "roles"), "one process can't both forward and redirect", "keep proxy or redirect")
    if registrar is not None and not wants:
        loader.complain(("registrar",), "no role uses this table", 'add "registrar" to phone.roles')


def _check_ports(loader: _Loader, sections: dict[str, Any]) -> None:
    """One port can't serve two purposes on the same address."""
    sip, media, web = sections["sip"], sections["media"], sections["web"]
    if sip is None:
        return
    for n, point in enumerate(sip.listen):
        where = f"{point.transport.lower()} port {point.port}"
        if media is not None and point.transport == "UDP" and media.rtp_ports[0] <= point.port <= media.rtp_ports[1]:
            remedy = "move one of the two"
            loader.complain(("media", "rtp_ports"), f"{where} in this range is a sip.listen port", remedy)
        if web is not None and point.transport == "TCP" and point.port and _clash(web.listen, point):
            loader.complain(("web", "listen"), f"{where} is a sip.listen port too", "give the page a port of its own")
        others = [(other.host, other.port) for other in sip.listen[:n] if other.transport == point.transport]
        if point.port and any(_clash(other, point) for other in others):
            remedy = "listen on every address, or on single ones"
            loader.complain(("sip", "listen"), f"{where} is listened on twice", remedy)


def _clash(one: tuple[str, int], point: ListeningPoint) -> bool:
    """The same port on the same address, a wildcard being every address of its family."""
    first, second = ipaddress.ip_address(one[0]), ipaddress.ip_address(point.host)
    if one[1] != point.port or first.version != second.version:
        return False
    return first == second or first.is_unspecified or second.is_unspecified


def _check_accounts(loader: _Loader, sections: dict[str, Any], tables: Mapping[str, Any]) -> None:
    accounts, phone = sections["account"], sections["phone"]
    is_user_agent = phone is None or "user-agent" in phone.roles
    if not accounts and is_user_agent and not isinstance(tables.get("account"), dict):
        loader.complain(("account",), "there is no account", 'add [[account]] with address = "sip:you@example.net"')
    seen: dict[str, int] = {}
    for n, account in enumerate(accounts):
        if account is None:
            continue
        address = str(account.address)
        if address in seen:
            remedy = "remove one of the two"
            loader.complain(("account", n, "address"), f"account {seen[address] + 1} has the same address", remedy)
        seen.setdefault(address, n)
        if account.registrar is not None and not account.register:
            remedy = "remove the registrar, or write register = true"
            loader.complain(("account", n, "registrar"), "this account does not register", remedy)
