"""Parameters of URIs and header fields: ordered, immutable, names without case (RFC 3261 §7.3.1, §19.1.1, §25.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from firmware.sip.grammar import QUOTED, TOKEN_CHARACTERS, MalformedMessage, escape, quote, unescape, unquote

_PARAMETER = re.compile(
    rf';[ \t]*([{TOKEN_CHARACTERS}]++)[ \t]*(?:=[ \t]*(?:([^\x00-\x20";,<>\\\x7f]++)|({QUOTED}))[ \t]*)?', re.DOTALL
)
SIMPLE_PARAMETERS = rf'(?:;[{TOKEN_CHARACTERS}]++(?:=[^\x00-\x20";,<>\\\x7f]++)?)*'
"""Parameters without quotes and white space, as nearly all are. For `join_parameters`."""

OUTSIDE_URI = r"\x00-\x20\x7f<>\"\ud800-\udfff"
"""Inside a regular expression's brackets: what no part of a URI may hold unescaped."""

URI_PARAMETERS = rf"(?:;[^{OUTSIDE_URI}@?;=]++(?:=[^{OUTSIDE_URI}@?;]*+)?)*"
"""uri-parameters (§25.1), read liberally. For `matched_uri_parameters`."""

_URI_PARAMETERS = re.compile(URI_PARAMETERS)
_BARE = re.compile(r'[^\x00-\x20";,<>\\\x7f]+')
_URI_PARAMETER_SAFE = "[]/:&+$!*'()"
"""param-unreserved and the marks (§25.1)."""

_ALWAYS_QUOTED = frozenset(["methods", "events", "extensions", "schemes", "description", "languages", "text"])
"""RFC 3840 §9 feature tags and RFC 3326's text: their values are quoted even where a token would do."""


_Items = tuple[tuple[str, str | None], ...]


class Parameters:
    """An ordered, immutable mapping of lower-case names to values without their quotes or escapes; None is a flag.

    Made by a parser it keeps the text, which the parser has checked, splits it when first asked, and writes it as it
    was received.
    """

    __slots__ = ("_items", "_split", "_text")

    def __init__(self, items: Iterable[tuple[str, str | None]] | Mapping[str, str | None] = ()) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items
        self._items: _Items | None = tuple([(name.lower(), value) for name, value in pairs])
        self._text = ""
        self._split: Callable[[str], _Items] | None = None

    def _pairs(self) -> _Items:
        items = self._items
        if items is None:
            assert self._split is not None
            items = self._items = self._split(self._text)
        return items

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of `name`; `default` if absent; None for a flag."""
        items = self._items
        if items is None:
            items = self._pairs()
        for key, value in items:
            if key == name:
                return value
        lowered = name.lower()
        return default if lowered == name else self.get(lowered, default)

    def has(self, name: str) -> bool:
        """Whether `name` is present, as a flag or with a value."""
        name = name.lower()
        return any(key == name for key, _ in self._pairs())

    __contains__ = has

    def with_(self, name: str, value: str | None = None) -> Parameters:
        """Return a copy in which `name` has `value`, in its place if it was there, else at the end."""
        name = name.lower()
        if not self.has(name):
            return Parameters((*self._pairs(), (name, value)))
        return Parameters((key, value if key == name else old) for key, old in self._pairs())

    def without(self, *names: str) -> Parameters:
        """Return a copy lacking `names`."""
        dropped = {name.lower() for name in names}
        return Parameters(item for item in self._pairs() if item[0] not in dropped)

    def names(self) -> tuple[str, ...]:
        """Return the names in order, lower case."""
        return tuple(name for name, _ in self._pairs())

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return iter(self._pairs())

    def __len__(self) -> int:
        return len(self._pairs())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameters) and self._pairs() == other._pairs()

    def __hash__(self) -> int:
        return hash(self._pairs())

    def __repr__(self) -> str:
        return f"Parameters({list(self._pairs())!r})"

    def __str__(self) -> str:
        """Return the header field form, `;name=value;flag`, quoting where §25.1's gen-value needs it."""
        if self._split is _split_header:
            return self._text
        return "".join([_format_header_parameter(name, value) for name, value in self._pairs()])

    def uri_text(self) -> str:
        """Return the URI form, `;name=value;flag`, escaped (§19.1.2)."""
        if self._split is _split_uri:
            return self._text
        return "".join([_format_uri_parameter(name, value) for name, value in self._pairs()])


NO_PARAMETERS = Parameters()
"""None at all."""


def _format_header_parameter(name: str, value: str | None) -> str:
    if value is None:
        return f";{name}"
    if name[0] == "+" or name in _ALWAYS_QUOTED or not _BARE.fullmatch(value):
        return f";{name}={quote(value)}"
    return f";{name}={value}"


def _format_uri_parameter(name: str, value: str | None) -> str:
    if value is None:
        return f";{escape(name, _URI_PARAMETER_SAFE)}"
    return f";{escape(name, _URI_PARAMETER_SAFE)}={escape(value, _URI_PARAMETER_SAFE)}"


def _split_header(text: str) -> _Items:
    """Split what SIMPLE_PARAMETERS has matched."""
    if text.rfind(";") == 0:  # one alone, as the tag mostly is
        name, equals, value = text[1:].partition("=")
        return ((name.lower(), value if equals else None),)
    items: list[tuple[str, str | None]] = []
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        items.append((name.lower(), value if equals else None))
    return tuple(items)


def _split_uri(text: str) -> _Items:
    """Split what URI_PARAMETERS has matched."""
    items: list[tuple[str, str | None]] = []
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        if "%" in piece:
            name, value = unescape(name), unescape(value)
        items.append((name.lower(), value if equals else None))
    return tuple(items)


_new = object.__new__


def parse_parameters(text: str) -> Parameters:
    """Read `;name=value;flag` of a header field (§25.1 generic-param); raises MalformedMessage."""
    if not text:
        return NO_PARAMETERS
    items: list[tuple[str, str | None]] = []
    position, end = 0, len(text)
    while position < end:
        match = _PARAMETER.match(text, position)
        if match is None:
            raise MalformedMessage("Bad parameter")
        name, value, quoted = match.groups()
        items.append((name, value if quoted is None else unquote(quoted)))
        position = match.end()
    return Parameters(items)


def join_parameters(simple: str, others: str) -> Parameters:
    """Read parameters of which SIMPLE_PARAMETERS has matched the first, `simple`; raises MalformedMessage.

    A regular expression for a whole value thus finds out, in passing, whether the short way will do.
    """
    if others:
        return parse_parameters(simple + others)
    if not simple:
        return NO_PARAMETERS
    parameters = _new(Parameters)
    parameters._items = None
    parameters._text = simple
    parameters._split = _split_header
    return parameters


def matched_uri_parameters(text: str) -> Parameters:
    """Read what URI_PARAMETERS has matched; nothing can fail any more."""
    parameters = _new(Parameters)
    parameters._items, parameters._text, parameters._split = None, text, _split_uri
    return parameters


def parse_uri_parameters(text: str) -> Parameters:
    """Read `;name=value;flag` of a URI (§25.1 uri-parameters); raises MalformedMessage."""
    if not _URI_PARAMETERS.fullmatch(text):
        raise MalformedMessage("Bad URI parameter")
    return matched_uri_parameters(text) if text else NO_PARAMETERS
