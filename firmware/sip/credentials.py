"""Challenges and credentials as they stand in header fields: RFC 3261 §20.44, §20.7, §22; RFC 7616 §3.3 to §3.5."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from firmware.sip.grammar import QUOTED, TOKEN_CHARACTERS, MalformedMessage, quote, unescape, unquote
from firmware.sip.parameters import Parameters

_SCHEME = re.compile(rf"([{TOKEN_CHARACTERS}]++)[ \t]+(?=[^ \t])")
_PAIR = re.compile(
    rf"[ \t]*([{TOKEN_CHARACTERS}]++)[ \t]*=[ \t]*(?:({QUOTED})|([^\x00-\x20\",;=]++=*+))[ \t]*(,|\Z)", re.DOTALL
)
_UNQUOTED = frozenset(["algorithm", "stale", "nc", "userhash"])
"""Parameters written without marks in every header field (RFC 7616 §3.3, §3.4)."""
_TOKEN68 = "token68"
"""Our name for the nameless value of schemes that have no auth-params."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """A scheme with its auth-params: what challenges and credentials have in common."""

    scheme: str
    """"Digest"; compare without case."""
    parameters: Parameters

    @property
    def is_digest(self) -> bool:
        """Whether the scheme is Digest."""
        return self.scheme.lower() == "digest"

    @property
    def realm(self) -> str:
        """The protection space, "" if absent."""
        return self.parameters.get("realm") or ""

    @property
    def nonce(self) -> str:
        """The server's nonce, "" if absent."""
        return self.parameters.get("nonce") or ""

    @property
    def opaque(self) -> str | None:
        """What the client returns unchanged."""
        return self.parameters.get("opaque")

    @property
    def algorithm(self) -> str:
        """The algorithm as named; "MD5" if absent (RFC 7616 §3.3)."""
        return self.parameters.get("algorithm") or "MD5"


@dataclass(frozen=True, slots=True)
class Challenge(Authentication):
    """A WWW-Authenticate or Proxy-Authenticate value (§20.44, §20.27)."""

    @classmethod
    def of(
        cls, realm: str, nonce: str, algorithm: str = "MD5", qop: str = "auth", *, opaque: str = "", stale: bool = False
    ) -> Self:
        """Return a Digest challenge; `qop` is a comma-separated list, "" for none (RFC 2069's way)."""
        items: list[tuple[str, str | None]] = [("realm", realm), ("nonce", nonce), ("algorithm", algorithm)]
        items += [("qop", qop)] if qop else []
        items += [("opaque", opaque)] if opaque else []
        items += [("stale", "true")] if stale else []
        return cls("Digest", Parameters(items))

    @property
    def qop(self) -> tuple[str, ...]:
        """The offered qualities of protection, lower case; empty for RFC 2069's way."""
        pieces = (self.parameters.get("qop") or "").lower().split(",")
        return tuple(piece.strip() for piece in pieces if piece.strip())

    @property
    def stale(self) -> bool:
        """Whether only the nonce was wrong (RFC 7616 §3.3)."""
        return (self.parameters.get("stale") or "").lower() == "true"

    @property
    def domain(self) -> tuple[str, ...]:
        """The URIs of the protection space."""
        return tuple((self.parameters.get("domain") or "").split())

    def __str__(self) -> str:
        return _format(self.scheme, self.parameters, _UNQUOTED)


@dataclass(frozen=True, slots=True)
class Credentials(Authentication):
    """An Authorization or Proxy-Authorization value (§20.7, §20.28)."""

    @property
    def username(self) -> str:
        """Who claims to be calling, "" if absent; `username*` is read too (RFC 7616 §3.4, RFC 5987)."""
        extended = self.parameters.get("username*")
        if extended is None:
            return self.parameters.get("username") or ""
        charset, _, escaped = extended.partition("''")
        return unescape(escaped) if charset.upper() == "UTF-8" else ""

    @property
    def uri(self) -> str:
        """The digest-uri as text."""
        return self.parameters.get("uri") or ""

    @property
    def response(self) -> str:
        """The hexadecimal proof, lower case."""
        return (self.parameters.get("response") or "").lower()

    @property
    def qop(self) -> str | None:
        """The quality of protection used, lower case; None for RFC 2069's way."""
        value = self.parameters.get("qop")
        return value.lower() if value else None

    @property
    def cnonce(self) -> str:
        """The client's nonce, "" if absent."""
        return self.parameters.get("cnonce") or ""

    @property
    def nonce_count(self) -> str:
        """nc as received, eight hexadecimal digits, "" if absent."""
        return self.parameters.get("nc") or ""

    def __str__(self) -> str:
        # RFC 7616 §3.4: the client writes qop without quotes, the server with.
        return _format(self.scheme, self.parameters, _UNQUOTED | {"qop"})


@dataclass(frozen=True, slots=True)
class AuthenticationInfo:
    """An Authentication-Info value: no scheme, only auth-params (§20.6)."""

    parameters: Parameters

    @property
    def next_nonce(self) -> str | None:
        """The nonce to use from now on; None if it stays."""
        return self.parameters.get("nextnonce")

    def __str__(self) -> str:
        return _format("", self.parameters, _UNQUOTED | {"qop"})


def _format(scheme: str, parameters: Parameters, unquoted: frozenset[str]) -> str:
    if parameters.has(_TOKEN68):
        return f"{scheme} {parameters.get(_TOKEN68)}"
    pairs = [f"{name}={value if name in unquoted else quote(value or '')}" for name, value in parameters]
    return f"{scheme} {', '.join(pairs)}".lstrip(" ")


def parse_challenge(text: str) -> Challenge:
    """Read one challenge, a line of its own (§7.3.1); raises MalformedMessage."""
    return Challenge(*_parse(text))


def parse_credentials(text: str) -> Credentials:
    """Read one set of credentials, a line of its own (§7.3.1); raises MalformedMessage."""
    return Credentials(*_parse(text))


def parse_authentication_info(text: str) -> AuthenticationInfo:
    """Read Authentication-Info (§20.6); raises MalformedMessage."""
    return AuthenticationInfo(_parse_pairs(text, 0))


def parse_nonce_count(text: str) -> int:
    """Return the number that nc's eight hexadecimal digits say (RFC 7616 §3.4); raises MalformedMessage."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}", text):
        raise MalformedMessage("Bad nonce count")
    return int(text, 16)


def _parse(text: str) -> tuple[str, Parameters]:
    match = _SCHEME.match(text)
    if match is None:
        raise MalformedMessage("Bad authentication scheme")
    scheme, position = match[1], match.end()
    try:
        return scheme, _parse_pairs(text, position)
    except MalformedMessage:
        if scheme.lower() == "digest":
            raise
        # Another scheme may carry a token68 (RFC 7235 §2.1): it says nothing to us, but is no fault.
        return scheme, Parameters([(_TOKEN68, text[position:])])


def _parse_pairs(text: str, position: int) -> Parameters:
    items: list[tuple[str, str | None]] = []
    while True:
        match = _PAIR.match(text, position)
        if match is None:
            raise MalformedMessage("Bad authentication parameter")
        name, quoted, plain, comma = match.groups()
        items.append((name.lower(), plain if quoted is None else unquote(quoted)))
        position = match.end()
        if not comma:
            return Parameters(items)
