"""Readers of single configuration values: each returns the value or raises `Wrong` with what to do about it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from firmware.numbering.dial_plan import DialPlan, Rule
from firmware.sip.message import MalformedMessage
from firmware.sip.transport import ListeningPoint
from firmware.sip.uri import SipUri, parse_uri

Reader = Callable[[Any], Any]

_LISTEN = re.compile(r"(udp|tcp|tls):(?:\[([0-9A-Fa-f:.%]+)\]|([^:\[\]]+)):(\d+)", re.IGNORECASE)
_WEB = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):(\d+)")
_COUNTRY = re.compile(r"[a-z]{2}")


class Wrong(ValueError):
    """A value that can't be used: what is wrong, and the remedy."""

    def __init__(self, message: str, remedy: str, others: Sequence[Wrong] = (), rest: Any = None) -> None:
        """`others`: what else is wrong in the same value. `rest`: what of it can be used, None for nothing."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.every: tuple[Wrong, ...] = (self, *others)
        self.rest = rest


def _each(reader: Reader, values: Iterable[Any]) -> tuple[Any, ...]:
    """All values, read. Raises Wrong with everything that is wrong among them; its `rest` is the others."""
    good: list[Any] = []
    wrongs: list[Wrong] = []
    for value in values:
        try:
            good.append(reader(value))
        except Wrong as wrong:
            wrongs += wrong.every
    if wrongs:
        raise Wrong(wrongs[0].message, wrongs[0].remedy, wrongs[1:], tuple(good))
    return tuple(good)


def shown(value: object) -> str:
    """A value as TOML writes it, cut short, for an error message."""
    text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    text = text or (f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= 60 else text[:57] + "..."


def text(value: Any) -> str:
    """A string of one line."""
    if not isinstance(value, str):
        raise Wrong(f"{shown(value)} is not a string", "write it in quotation marks")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise Wrong("there is a control character in it", "use one line of plain text")
    return value


def filled(value: Any) -> str:
    """A string that is not empty."""
    if not text(value).strip():
        raise Wrong("it is empty", "write a name, or remove the line")
    return str(value)


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Wrong(f"{shown(value)} is neither true nor false", "write true or false, without quotation marks")
    return value


def integer(lowest: int, highest: int) -> Reader:
    """A whole number within these limits."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Wrong(f"{shown(value)} is not a whole number", f"write a number from {lowest} to {highest}")
        if not lowest <= value <= highest:
            raise Wrong(f"{value} is out of range", f"write a number from {lowest} to {highest}")
        return value

    return read


def seconds(lowest: float, highest: float) -> Reader:
    """A time in seconds within these limits, fractions allowed."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
            raise Wrong(f"{shown(value)} is not a time in range", f"write seconds from {lowest:g} to {highest:g}")
        return float(value)

    return read


def one_of(*choices: str) -> Reader:
    """One of these words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise Wrong(f"{shown(value)} is not one of the choices", "write one of: " + ", ".join(choices))
        return str(value)

    return read


def list_of(reader: Reader, *, least: int = 0) -> Reader:
    """An array, each value read by `reader`; as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Wrong(f"{shown(value)} is not an array", "write it as [ ..., ... ]")
        if len(value) < least:
            raise Wrong("the array is empty", "write at least one value")
        values = _each(reader, value)
        if len(set(values)) < len(values):
            raise Wrong("a value stands in it twice", "write each value once")
        return values

    return read


def port_range(value: Any) -> tuple[int, int]:
    """[first, last] UDP port, with room for one RTP and RTCP pair (RFC 3550 §11: RTP on the even one)."""
    port = integer(1024, 65535)
    if not isinstance(value, list) or len(value) != 2:
        raise Wrong(f"{shown(value)} is not a pair of ports", "write [first, last], for example [16384, 16483]")
    try:
        first, last = _each(port, value)
    except Wrong as wrong:
        wrong.rest = None  # half a range is none
        raise
    if last - (first + first % 2) < 1:
        raise Wrong(f"from {first} to {last} there is no room for one call", "make the last at least two more")
    return first, last


def country(value: Any) -> str:
    """A country whose call-progress tones are known."""
    from firmware.audio.tones import COUNTRIES

    if not isinstance(value, str) or not _COUNTRY.fullmatch(value.lower()):
        raise Wrong(f"{shown(value)} is not a country code", 'write two letters, for example "gb" or "de"')
    if value.lower() not in COUNTRIES:
        raise Wrong(f"the tones of {shown(value)} are not known", "write one of: " + ", ".join(sorted(COUNTRIES)))
    return value.lower()


def timezone(value: Any) -> str:
    """An IANA time zone that this machine knows."""
    name = filled(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(f"the time zone {shown(value)} is not known", 'write for example "Europe/London"') from None
    return name


def domain(value: Any) -> str:
    """A host name, or an IP address, as it stands in an address of record."""
    remedy = 'write for example "home.test"'
    try:
        uri = parse_uri(f"sip:{filled(value)}")
    except MalformedMessage:
        raise Wrong(f"{shown(value)} is not a domain", remedy) from None
    if not isinstance(uri, SipUri) or uri != SipUri(user=None, host=uri.host):
        raise Wrong(f"{shown(value)} is more than a domain", remedy)
    return uri.host


def callee(value: Any) -> str:
    """Somebody to call: a SIP URI, or a number as it is dialled."""
    if ":" in text(value):
        return str(sip_uri(value))
    if not value or not set(value) <= set("0123456789*#+"):
        raise Wrong(f"{shown(value)} is neither a number nor a SIP URI", 'write for example "sip:hall@192.0.2.10"')
    return str(value)


def sip_uri(value: Any) -> SipUri:
    """A sip or sips URI."""
    try:
        uri = parse_uri(text(value))
    except MalformedMessage as fault:
        raise Wrong(f"{shown(value)} is not a SIP URI: {fault}", 'write for example "sip:192.0.2.10"') from None
    if not isinstance(uri, SipUri):
        raise Wrong(f"{shown(value)} is not a SIP URI", 'begin it with "sip:"')
    if uri.secure or uri.transport == "TLS":
        raise Wrong("calls over TLS are not supported by this version", 'use "sip:" with udp or tcp')
    if uri.transport not in (None, "UDP", "TCP"):
        raise Wrong(f"the transport {uri.transport} is not supported", "use transport=udp or transport=tcp")
    return uri


def address_of_record(value: Any) -> SipUri:
    """A user's public address, "sip:user@domain" (RFC 3261 §6)."""
    uri = sip_uri(value)
    if not uri.user:
        raise Wrong(f"{shown(value)} names no user", 'write it as "sip:1001@example.net"')
    if uri.headers or uri.password:
        raise Wrong("an address has no headers and no password in it", "leave away what follows ? and :")
    return uri


def listening_point(value: Any) -> ListeningPoint:
    """ "udp:0.0.0.0:5060" """
    remedy = 'write it as "udp:0.0.0.0:5060" or "tcp:[::]:5060"'
    found = _LISTEN.fullmatch(text(value))
    if not found:
        raise Wrong(f"{shown(value)} is not a transport, address and port", remedy)
    if found[1].lower() == "tls":
        raise Wrong("TLS is not supported by this version", "use udp and tcp")
    host, port = numeric_host(found[2] or found[3], remedy), int(found[4])
    if port > 65535:
        raise Wrong(f"{port} is not a port", "write a port from 1 to 65535")
    return ListeningPoint(found[1].upper(), host, port)


def numeric_host(host: str, remedy: str) -> str:
    """An IP address, or localhost's."""
    try:
        return str(ipaddress.ip_address({"localhost": "127.0.0.1"}.get(host, host)))
    except ValueError:
        raise Wrong(f'"{host}" is not an IP address of this machine', remedy) from None


def web_address(value: Any) -> tuple[str, int]:
    """ "127.0.0.1:8080" """
    found = _WEB.fullmatch(text(value))
    remedy = 'write it as "127.0.0.1:8080"'
    if not found or int(found[3]) > 65535:
        raise Wrong(f"{shown(value)} is not an address and port", remedy)
    return numeric_host(found[1] or found[2], remedy), int(found[3])


def network(value: Any) -> str:
    """An IP network, "192.0.2.0/24"."""
    try:
        return str(ipaddress.ip_network(text(value), strict=False))
    except ValueError:
        raise Wrong(f"{shown(value)} is not a network", 'write it as "192.0.2.0/24"') from None


def auto_answer(value: Any) -> float | None:
    """False, or seconds before an incoming call is answered."""
    if value is False:
        return None
    if value is True:
        raise Wrong("true does not say when", "write the seconds to wait, 0 for at once, or false")
    return float(seconds(0, 60)(value))


def dial_pattern(value: Any) -> str:
    """A pattern of the dial plan (RFC 3435 §2.1.5)."""
    try:
        DialPlan([filled(value)])
    except ValueError as fault:
        if isinstance(fault, Wrong):
            raise
        raise Wrong(str(fault), 'write for example "1xxx", or "0x." for any number that begins with 0') from None
    return str(value)


def dial_rule(value: Any) -> Rule:
    """A dial pattern, and what becomes of the numbers that match it."""
    readers: dict[str, Reader] = {
        "pattern": dial_pattern,
        "strip": integer(0, 32),
        "prefix": dial_prefix,
        "refuse": boolean,
    }
    if not isinstance(value, dict):
        raise Wrong(f"{shown(value)} is not a rule", 'write it as { pattern = "0x.", strip = 1, prefix = "+44" }')
    if "pattern" not in value:
        raise Wrong("a rule has no pattern", 'add pattern = "..."')

    def read(item: tuple[str, Any]) -> tuple[str, Any]:
        if item[0] not in readers:
            raise Wrong(f"a rule has no {shown(item[0])}", "known here: " + ", ".join(readers))
        return item[0], readers[item[0]](item[1])

    return Rule(**dict(_each(read, value.items())))


def dial_prefix(value: Any) -> str:
    """What is put in front of a number."""
    if not set(text(value)) <= set("0123456789*#+") or "+" in value[1:]:
        raise Wrong(f"{shown(value)} can't begin a number", 'write digits, after a + if need be, for example "+44"')
    return str(value)


def passwords(value: Any) -> tuple[tuple[str, str], ...]:
    """A table of user = "password"."""
    if not isinstance(value, dict):
        raise Wrong(f"{shown(value)} is not a table", 'write it as { 1001 = "secret" }')
    return _each(_user_and_password, value.items())


def _user_and_password(item: tuple[str, Any]) -> tuple[str, str]:
    user, password = item
    if not isinstance(password, str) or not password:
        raise Wrong(f"the password of {user} is not a string", "give each user a password in quotation marks")
    return user, password
