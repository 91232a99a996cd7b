"""The words of SIP text that every other part is made of: RFC 3261 §25.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import TypeVar
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

TOKEN_CHARACTERS = r"A-Za-z0-9\-.!%*_+`'~"
"""Inside a regular expression's brackets: the characters of a token (§25.1)."""

# Python before 3.11.5 matches a possessive *group* wrongly (gh-106052): only single characters are possessive here.
HOST = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++"
"""A host as written: IPv6reference, IPv4address or hostname. Underscores are no part of §25.1 but of the world."""

QUOTED_INSIDE = r'(?:[^"\\]++|\\.)*'
"""What stands between a quoted-string's marks (§25.1). Possessive, so an unclosed one fails in one pass."""

QUOTED = f'"{QUOTED_INSIDE}"'
"""A quoted-string with its marks."""

CALL_ID = r"[^\x00-\x20\x7f]++"
"""callid = word [ "@" word ] (§25.1), read liberally: anything without spaces and controls."""

T = TypeVar("T")

_LONGEST_REMEMBERED = 120
_MOST_REMEMBERED = 512
_TOKEN = re.compile(f"[{TOKEN_CHARACTERS}]+")
# Python 3.11.2 (Debian 12's): a possessive group whose last round fails behind an inner repeat keeps what that took.
# No possessive group here, then: an unclosed quote would pass.
_ELEMENT = re.compile(rf'((?:[^,"<]++|{QUOTED}|<[^>]*+>)*)(?:,|\Z)', re.DOTALL)
_ESCAPED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_MUST_BE_PAIR = re.compile(r'(["\\])')
_LINE_BREAKS = re.compile(r"[\r\n]+")
_SPACING_CONTROLS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]+")


class MalformedMessage(ValueError):
    """The peer sent what RFC 3261 forbids. Caught in one place, the transaction layer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        """What is wrong, fit for a reason phrase."""
        self.status = status
        """The status code to answer a request with."""


def is_token(text: str) -> bool:
    """Whether `text` is a token (§25.1)."""
    return _TOKEN.fullmatch(text) is not None


def parse_number(text: str, limit: int = 2**32 - 1) -> int:
    """Return the decimal number in `text`, 0 to `limit`; raises MalformedMessage (§25.1: 1*DIGIT)."""
    digits = text if text.isdigit() else text.strip(" \t")
    if not (digits.isdigit() and digits.isascii() and len(digits) <= 20) or (number := int(digits)) > limit:
        raise MalformedMessage(f"Bad number {digits[:40]!r}")
    return number


def quote(text: str) -> str:
    """Return `text` as a quoted-string (§25.1). Line ends, which it cannot hold, become spaces."""
    escaped = _MUST_BE_PAIR.sub(r"\\\1", _LINE_BREAKS.sub(" ", text))
    return f'"{escaped}"'


def unquote(text: str) -> str:
    """Return what a quoted-string with its marks says (§25.1); raises MalformedMessage if it is not one."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise MalformedMessage("Bad quoted string")
    return unpair(text[1:-1])


def unpair(text: str) -> str:
    """Undo the quoted-pairs of what stands between the marks (§25.1)."""
    return _ESCAPED_PAIR.sub(r"\1", text) if "\\" in text else text


def split_list(text: str) -> list[str]:
    """Split at the commas outside quotes and angle brackets (§7.3.1), elements stripped, possibly empty.

    Raises MalformedMessage for an unclosed quote or bracket.
    """
    if '"' not in text and "<" not in text:
        return [element.strip(" \t") for element in text.split(",")]
    elements = []
    position, end = 0, len(text)
    while position <= end:
        match = _ELEMENT.match(text, position)
        if match is None:
            raise MalformedMessage("Unclosed quote or bracket")
        elements.append(match[1].strip(" \t"))
        if match.end() == end and not match[0].endswith(","):
            break
        position = match.end()
    return elements


def unescape(text: str) -> str:
    """Undo %HH (§25.1 escaped). Octets that are not UTF-8 survive as lone surrogates and are escaped back."""
    return percent_decode(text, errors="surrogateescape") if "%" in text else text


def escape(text: str, safe: str) -> str:
    """Write every character but letters, digits, `-_.~` and those in `safe` as %HH."""
    return percent_encode(text, safe=safe, errors="surrogateescape")


def remember(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return `parse` with a memory for the texts that come again and again.

    Only for immutable results. The memory is bounded in entries and in their length, so that strangers cannot fill
    it, and is emptied when full: cheaper than to keep account of which text came last.
    """
    known: dict[str, T] = {}

    def remembering(text: str) -> T:
        result = known.get(text)
        if result is None:
            result = parse(text)
            if len(text) <= _LONGEST_REMEMBERED:
                if len(known) >= _MOST_REMEMBERED:
                    known.clear()
                known[text] = result
        return result

    return remembering


def parse_host(text: str) -> str:
    """Return a host in lower case, IPv6 without its brackets (RFC 5954); raises MalformedMessage."""
    if text[0] != "[":
        return text.lower()
    try:
        IPv6Address(text[1:-1])
    except AddressValueError:
        raise MalformedMessage(f"Bad IPv6 address {text[:60]!r}") from None
    return text[1:-1].lower()


def format_host(host: str) -> str:
    """Return a host as it stands in a message: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def parse_port(digits: str) -> int:
    """Return the port that at most five digits say; raises MalformedMessage above 65535."""
    port = int(digits)
    if port > 65535:
        raise MalformedMessage("Bad port")
    return port


def display_text(text: str) -> str:
    """Return `text` fit to be shown to a person: no C0 or C1 controls, no bidirectional controls, no lone surrogates.

    A peer chooses its display name, subject and reason phrase; none may move the cursor or reverse the line.
    """
    spaced = _SPACING_CONTROLS.sub(" ", text)
    return _SURROGATES.sub("\ufffd", _HIDDEN.sub("", spaced)).strip()
