"""SIP and SIPS URIs (RFC 3261 §19.1, RFC 5954), and the one entry for every kind of URI."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from firmware.sip.grammar import HOST, MalformedMessage, escape, format_host, parse_host, parse_port, remember, unescape
from firmware.sip.making import maker
from firmware.sip.parameters import NO_PARAMETERS, OUTSIDE_URI, URI_PARAMETERS, Parameters, matched_uri_parameters
from firmware.sip.tel_uri import TelUri, parse_tel_uri

__all__ = ["OtherUri", "SipUri", "TelUri", "Uri", "parse_sip_uri", "parse_uri"]

_SIP_URI = re.compile(
    rf"(?i:sip(s?)):"
    rf"(?:([^{OUTSIDE_URI}@:]++)(:[^{OUTSIDE_URI}@]*+)?@)?"
    rf"({HOST})(?::([0-9]{{1,5}}))?"
    rf"({URI_PARAMETERS})(?:\?([^{OUTSIDE_URI}]*+))?"
)
USUAL_URI = rf"sip:(?:([^{OUTSIDE_URI}@:]++)@)?([A-Za-z0-9_.\-]++)(?::([0-9]{{1,5}}))?({URI_PARAMETERS})"
"""What nearly every URI is: sip, without password, headers and IPv6. If it has no escapes either, its groups are
user, host, port and parameters as they are."""

_USUAL_URI = re.compile(USUAL_URI)
_OTHER_URI = re.compile(rf"([A-Za-z][A-Za-z0-9+.\-]*+):([^{OUTSIDE_URI}]++)")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED_ESCAPE = re.compile(r"%(2[4-6BCF]|3[ABDF]|40)", re.IGNORECASE)

_USER_SAFE = "&=+$,;?/!*'()"
"""user-unreserved and the marks (§25.1)."""
_PASSWORD_SAFE = "&=+$,!*'()"
_HEADER_SAFE = "[]/?:+$!*'()"

_NEVER_ONE_SIDED = ("transport", "user", "ttl", "method", "maddr")
"""§19.1.4: parameters that make two URIs differ when only one has them."""


@dataclass(frozen=True, slots=True)
class SipUri:
    """A SIP or SIPS URI (§19.1.1). `==` compares the parts, `equivalent` by §19.1.4, `str()` writes it escaped."""

    user: str | None
    """Without escapes; None if absent."""
    host: str
    """Lower case; IPv6 without brackets."""
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS
    headers: tuple[tuple[str, str], ...] = ()
    """Names and values without escapes."""
    password: str | None = None
    """Without escapes."""
    secure: bool = False
    """True for sips."""
    user_text: str | None = field(default=None, compare=False, repr=False)
    """The user as received, kept only if it had escapes, so that a proxy passes it on unchanged."""

    @property
    def transport(self) -> str | None:
        """The transport parameter in upper case, if any."""
        value = self.parameters.get("transport")
        return value.upper() if value else None

    @property
    def lr(self) -> bool:
        """Whether the lr parameter marks a loose router (§19.1.1). Some write `lr=on`."""
        return self.parameters.has("lr")

    @property
    def maddr(self) -> str | None:
        """The maddr parameter, if any, IPv6 without brackets."""
        value = self.parameters.get("maddr")
        return value.strip("[]") if value else None

    @property
    def hostport(self) -> tuple[str, int | None]:
        """The host and the port as written."""
        return self.host, self.port

    @property
    def user_is_phone(self) -> bool:
        """Whether `user=phone` says that the user part is a telephone-subscriber (§19.1.6)."""
        return (self.parameters.get("user") or "").lower() == "phone"

    def with_(self, **changes: Any) -> SipUri:
        """Return a copy with fields changed, as `dataclasses.replace`."""
        return replace(self, **changes)

    def without_headers(self) -> SipUri:
        """Return the URI fit for a Request-URI: without headers and method (§19.1.1 table 1, §19.1.5)."""
        if not self.headers and not self.parameters.has("method"):
            return self
        return replace(self, headers=(), parameters=self.parameters.without("method"))

    def address_of_record(self) -> SipUri:
        """Return the canonical form that indexes bindings: no parameters, headers or password (§10.3 step 5)."""
        return SipUri(self.user, self.host, self.port, secure=self.secure)

    def equivalent(self, other: object) -> bool:
        """Compare by §19.1.4 and RFC 5954 §4.2."""
        if not isinstance(other, SipUri):
            return False
        return (
            self.secure == other.secure
            and self._user_normal() == other._user_normal()
            and self.password == other.password
            and self.port == other.port
            and _host_normal(self.host) == _host_normal(other.host)
            and _parameters_match(self.parameters, other.parameters)
            and _headers_normal(self.headers) == _headers_normal(other.headers)
        )

    def _user_written(self) -> str:
        if self.user_text is not None and unescape(self.user_text) == self.user:
            return self.user_text
        return escape(self.user or "", _USER_SAFE)

    def _user_normal(self) -> str | None:
        # §19.1.4: only characters outside the reserved set equal their escapes, so reserved ones stay escaped.
        if self.user is None:
            return None
        return unescape(_RESERVED_ESCAPE.sub(lambda match: f"%25{match[1].upper()}", self._user_written()))

    def __str__(self) -> str:
        text = "sips:" if self.secure else "sip:"
        if self.user is not None:
            text += self._user_written()
            if self.password is not None:
                text += f":{escape(self.password, _PASSWORD_SAFE)}"
            text += "@"
        text += format_host(self.host)
        if self.port is not None:
            text += f":{self.port}"
        if self.parameters:
            text += self.parameters.uri_text()
        if self.headers:
            text += f"?{_format_headers(self.headers)}"
        return text


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of a scheme we do not look into: http, mailto, urn..."""

    scheme: str
    """Lower case."""
    rest: str
    """All behind the first colon, as received."""

    def equivalent(self, other: object) -> bool:
        """Whether both are the same text (RFC 3986 §6.2.1)."""
        return self == other

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


make_sip_uri = maker(SipUri)
"""Makes a SipUri of all its fields in order, unchecked."""

Uri = SipUri | TelUri | OtherUri


def _parse(text: str) -> Uri:
    match = _USUAL_URI.fullmatch(text)
    if match is None or "%" in text:
        return _parse_unusual(text)
    user, host, port, parameters = match.groups()
    return make_sip_uri(
        user,
        host.lower(),
        None if port is None else parse_port(port),
        matched_uri_parameters(parameters) if parameters else NO_PARAMETERS,
        (),
        None,
        False,
        None,
    )


def _parse_unusual(text: str) -> Uri:
    match = _SIP_URI.fullmatch(text)
    if match is None:
        return _parse_other(text)
    if "%" in text and _BAD_ESCAPE.search(text):
        raise MalformedMessage("Bad escape in URI")
    secure, user, password, host, port, parameters, headers = match.groups()
    escaped = user is not None and "%" in user
    return SipUri(
        user=unescape(user) if escaped else user,
        host=parse_host(host),
        port=None if port is None else parse_port(port),
        parameters=matched_uri_parameters(parameters) if parameters else NO_PARAMETERS,
        headers=_parse_headers(headers) if headers else (),
        password=None if password is None else unescape(password[1:]),
        secure=bool(secure),
        user_text=user if escaped else None,
    )


parse_uri = remember(_parse)
"""Return the URI that a text is, with nothing around it; raises MalformedMessage."""


def parse_sip_uri(text: str) -> SipUri:
    """Return a SIP or SIPS URI; raises MalformedMessage, with status 416 for another scheme (§8.2.2.1)."""
    uri = parse_uri(text)
    if not isinstance(uri, SipUri):
        raise MalformedMessage("Unsupported URI Scheme", 416)
    return uri


def _parse_other(text: str) -> Uri:
    match = _OTHER_URI.fullmatch(text)
    if match is None or match[1].lower() in ("sip", "sips"):
        raise MalformedMessage(f"Bad URI {text[:60]!r}")
    scheme = match[1].lower()
    return parse_tel_uri(match[2]) if scheme == "tel" else OtherUri(scheme, match[2])


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = []
    for piece in text.split("&"):
        name, equals, value = piece.partition("=")
        if not name or not equals:
            raise MalformedMessage("Bad URI header")
        headers.append((unescape(name), unescape(value)))
    return tuple(headers)


def _format_headers(headers: tuple[tuple[str, str], ...]) -> str:
    return "&".join([f"{escape(name, _HEADER_SAFE)}={escape(value, _HEADER_SAFE)}" for name, value in headers])


def _host_normal(host: str) -> str | IPv6Address:
    # RFC 5954 §4.2: IPv6 addresses are compared as numbers, whatever their spelling.
    if ":" not in host:
        return host.lower()
    try:
        return IPv6Address(host)
    except AddressValueError:
        return host.lower()


def _headers_normal(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers)


def _parameters_match(ours: Parameters, theirs: Parameters) -> bool:
    for name in {*ours.names(), *theirs.names()}:
        if not (ours.has(name) and theirs.has(name)):
            if name in _NEVER_ONE_SIDED:
                return False
            continue
        if (ours.get(name) or "").lower() != (theirs.get(name) or "").lower():
            return False
    return True
