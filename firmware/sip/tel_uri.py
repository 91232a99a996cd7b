"""tel URIs: RFC 3966."""

from __future__ import annotations

import re
from dataclasses import dataclass

from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import NO_PARAMETERS, Parameters, parse_uri_parameters

_SEPARATORS = re.compile(r"[-.()]")
_GLOBAL = re.compile(r"\+[-.()]*+[0-9][-.()0-9]*+")
_LOCAL = re.compile(r"[-.()]*+[0-9A-Fa-f*#][-.()0-9A-Fa-f*#]*+")


@dataclass(frozen=True, slots=True)
class TelUri:
    """A telephone number as a URI (RFC 3966 §3). `==` compares the parts, `equivalent` by §4."""

    number: str
    """As written, with its visual separators; global numbers begin with "+"."""
    parameters: Parameters = NO_PARAMETERS
    """ext, isub, phone-context and others."""

    @property
    def digits(self) -> str:
        """The number without visual separators, lower case; a global one keeps its "+" (RFC 3966 §5.1.1)."""
        return _SEPARATORS.sub("", self.number).lower()

    @property
    def is_global(self) -> bool:
        """Whether the number is unique worldwide (RFC 3966 §5.1.4)."""
        return self.number.startswith("+")

    @property
    def context(self) -> str | None:
        """The phone-context of a local number: a domain name or the leading digits of a global number (§5.1.5)."""
        return self.parameters.get("phone-context")

    def equivalent(self, other: object) -> bool:
        """Compare by RFC 3966 §4."""
        if not isinstance(other, TelUri) or self.digits != other.digits:
            return False
        return _comparable(self.parameters) == _comparable(other.parameters)

    def __str__(self) -> str:
        return f"tel:{self.number}{self.parameters.uri_text()}"


def _comparable(parameters: Parameters) -> dict[str, str | None]:
    return {name: value and _comparable_value(name, value) for name, value in parameters}


def _comparable_value(name: str, value: str) -> str:
    # §4: phone-context is compared digit by digit if it is a number; and §5.3: ext holds phonedigits.
    if name == "ext" or (name == "phone-context" and value.startswith("+")):
        value = _SEPARATORS.sub("", value)
    return value.lower()


def parse_tel_uri(rest: str) -> TelUri:
    """Return the tel URI whose part behind "tel:" is `rest`; raises MalformedMessage.

    A local number should have a phone-context (§5.1.5); one without is taken too, since trunks send them.
    """
    number, semicolon, parameters = rest.partition(";")
    if not (_GLOBAL.fullmatch(number) or _LOCAL.fullmatch(number)):
        raise MalformedMessage(f"Bad telephone number {number[:40]!r}")
    return TelUri(number, parse_uri_parameters(semicolon + parameters))
