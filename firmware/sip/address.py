"""Addresses in header fields: name-addr and addr-spec with parameters (RFC 3261 §20.10, §20.20, §25.1; RFC 8217)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from firmware.sip.grammar import QUOTED_INSIDE, MalformedMessage, parse_number, parse_port, quote, unpair
from firmware.sip.making import maker
from firmware.sip.parameters import (
    NO_PARAMETERS,
    SIMPLE_PARAMETERS,
    Parameters,
    join_parameters,
    matched_uri_parameters,
    parse_parameters,
)
from firmware.sip.uri import USUAL_URI, Uri, make_sip_uri, parse_uri

A = TypeVar("A", bound="NameAddress")

_NAME = rf'(?:"({QUOTED_INSIDE})"|([^"<>,;]*+))[ \t]*'
_NAME_ADDR = re.compile(rf"{_NAME}<[ \t]*+([^<> \t]*+)[ \t]*+>[ \t]*+({SIMPLE_PARAMETERS})(.*)", re.DOTALL)
_USUAL = re.compile(
    rf"{_NAME}<{USUAL_URI}>[ \t]*+({SIMPLE_PARAMETERS})(.*)",
    re.DOTALL,
)
"""What nearly every address is, taken apart in one go."""

_LARGEST_EXPIRES = 2**32 - 1
_MALFORMED_EXPIRES = 3600


@dataclass(frozen=True, slots=True)
class NameAddress:
    """A display name, a URI and the header field's own parameters: From, To, Route, Reply-To, Refer-To..."""

    display_name: str
    """Without quotes and escapes; "" if absent. Show it through `grammar.display_text`."""
    uri: Uri
    parameters: Parameters = NO_PARAMETERS
    """Those behind the URI; the URI's own are in `uri.parameters`."""

    @classmethod
    def of(cls, uri: Uri, display_name: str = "", parameters: Parameters = NO_PARAMETERS) -> Self:
        """Return the address of `uri`, with the URI first for the many that have no display name."""
        return cls(display_name, uri, parameters)

    @property
    def tag(self) -> str | None:
        """The tag parameter (§19.3), None if absent."""
        return self.parameters.get("tag")

    def with_tag(self, tag: str | None) -> Self:
        """Return a copy with that tag; None takes it away."""
        changed = self.parameters.without("tag") if tag is None else self.parameters.with_("tag", tag)
        return replace(self, parameters=changed)

    def with_parameter(self, name: str, value: str | None = None) -> Self:
        """Return a copy in which the parameter `name` has `value`; None makes it a flag."""
        return replace(self, parameters=self.parameters.with_(name, value))

    def __str__(self) -> str:
        # Always in brackets: §20 requires them as soon as the URI has a comma, question mark or semicolon.
        if self.display_name:
            return f"{quote(self.display_name)} <{self.uri}>{self.parameters}"
        return f"<{self.uri}>{self.parameters}"


From = NameAddress
To = NameAddress
Route = NameAddress


@dataclass(frozen=True, slots=True)
class Contact(NameAddress):
    """A Contact field's value (§20.10)."""

    @property
    def q(self) -> float | None:
        """The preference, 0.0 to 1.0; None if absent or malformed."""
        value = self.parameters.get("q")
        return parse_q(value) if value is not None else None

    @property
    def expires(self) -> int | None:
        """Seconds; None if absent. Malformed counts as 3600, and too large as 2**32-1 (§10.2, §20.10)."""
        if not self.parameters.has("expires"):
            return None
        try:
            return min(parse_number(self.parameters.get("expires") or "", 10**20), _LARGEST_EXPIRES)
        except MalformedMessage:
            return _MALFORMED_EXPIRES

    @property
    def instance(self) -> str | None:
        """The +sip.instance URN without its brackets (RFC 5626 §4.1)."""
        value = self.parameters.get("+sip.instance")
        return value.strip("<>") if value else None


_Q_VALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?|\.[0-9]{1,3}")


def parse_q(text: str) -> float | None:
    """Return a qvalue (§25.1), None if it is none."""
    return float(text) if _Q_VALUE.fullmatch(text) else None


def _parser(make: Callable[[str, Uri, Parameters], A]) -> Callable[[str], A]:
    def parse(text: str) -> A:
        match = _USUAL.fullmatch(text)
        if match is None or "%" in text:
            return make(*_parse_any(text))
        quoted, plain, user, host, port, uri_parameters, simple, others = match.groups()
        uri = make_sip_uri(
            user,
            host.lower(),
            None if port is None else parse_port(port),
            matched_uri_parameters(uri_parameters) if uri_parameters else NO_PARAMETERS,
            (),
            None,
            False,
            None,
        )
        name = plain.rstrip(" \t") if quoted is None else unpair(quoted)
        return make(name, uri, join_parameters(simple, others))

    return parse


def _parse_any(text: str) -> tuple[str, Uri, Parameters]:
    match = _NAME_ADDR.fullmatch(text)
    if match is None:
        return _parse_addr_spec(text)
    quoted, plain, uri, simple, others = match.groups()
    name = plain.rstrip(" \t") if quoted is None else unpair(quoted)
    return name, parse_uri(uri), join_parameters(simple, others)


def _parse_addr_spec(text: str) -> tuple[str, Uri, Parameters]:
    # §20: without brackets, parameters are the header field's, and the URI may hold no comma or question mark.
    uri, semicolon, parameters = text.partition(";")
    if "," in uri or "?" in uri:
        raise MalformedMessage("URI needs angle brackets")
    return "", parse_uri(uri.strip(" \t")), parse_parameters(semicolon + parameters)


parse_name_address = _parser(maker(NameAddress))
"""Read a name-addr or addr-spec with parameters (§25.1); raises MalformedMessage."""

parse_contact = _parser(maker(Contact))
"""Read one Contact value other than `*` (§20.10); raises MalformedMessage."""
