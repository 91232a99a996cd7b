"""What digits mean: digit maps (RFC 3435 §2.1.5), and dialled text made a URI (RFC 4504 §3.6.2, Req-90, Req-93)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Verdict = Literal["none", "partial", "complete", "extendable"]
"""No rule can match; one could with more digits; one does and none could go on; one does and one could go on."""

LONGEST = 256
"""Characters of dialled text; more is nobody's number."""

_DIGITS = frozenset("0123456789")
_PART = re.compile(r"(?P<one>[0-9*#+A-Da-d])|(?P<any>x)|\[(?P<set>[0-9*#-]+)\]", re.ASCII)
_NUMBER = re.compile(r"[0-9*#+().\-/\s]*[0-9*#][0-9*#+().\-/\s]*", re.ASCII)
_PUNCTUATION = re.compile(r"[().\-/\s]", re.ASCII)
_TRUNK_ZERO = re.compile(r"(?<=\d)\s*\(0\)", re.ASCII)
_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>\"\\^`{}|]")
_SCHEME = re.compile(r"(sips?|tel):(.+)", re.IGNORECASE | re.DOTALL)
_USER_UNRESERVED = "-_.!~*'()&=+$,;?/"  # RFC 3261 §25.1, mark and user-unreserved


class NotDiallable(ValueError):
    """The text can be no number and no URI. The message says why, in plain words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a dial plan."""

    pattern: str
    """Digits as they are; `x` any digit, `[2-9]` one of these; `.` after one: zero times or more (RFC 3435 §2.1.5)."""
    strip: int = 0
    """How many leading characters to drop."""
    prefix: str = ""
    """What to put in front then."""
    refuse: bool = False
    """Such numbers are not called."""


@dataclass(frozen=True, slots=True)
class _Part:
    characters: frozenset[str]
    repeats: bool


class _Pattern:
    """A pattern as a row of parts; where we are in it is a set of positions, so matching is linear in the digits."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._parts = _parse(rule.pattern)

    def match(self, digits: str) -> tuple[bool, bool]:
        """Return whether `digits` is a whole match, and whether more digits could make one."""
        places = self._skip_repeats({0})
        for digit in digits:
            steps = (self._step(place, digit) for place in places)
            places = self._skip_repeats({place for place in steps if place is not None})
        end = len(self._parts)
        return end in places, any(place < end for place in places)

    def _step(self, place: int, digit: str) -> int | None:
        if place == len(self._parts) or digit not in self._parts[place].characters:
            return None
        return place if self._parts[place].repeats else place + 1

    def _skip_repeats(self, places: set[int]) -> set[int]:
        reached = set(places)
        for place in places:
            while place < len(self._parts) and self._parts[place].repeats:
                place += 1
                reached.add(place)
        return reached


def _parse(pattern: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if found is None:
            raise ValueError(f"dial plan pattern {pattern!r}: cannot read {pattern[at:]!r}")
        at = found.end()
        repeats = pattern[at : at + 1] == "."
        at += repeats
        parts.append(_Part(_characters(found, pattern), repeats))
    if not parts:
        raise ValueError("a dial plan pattern is empty")
    return tuple(parts)


def _characters(part: re.Match[str], pattern: str) -> frozenset[str]:
    if part["one"]:
        return frozenset(part["one"].upper())
    if part["any"]:
        return _DIGITS
    members: set[str] = set()
    for low, high in re.findall(r"([0-9*#])(?:-([0-9]))?", part["set"]):
        if high and not low <= high:
            raise ValueError(f"dial plan pattern {pattern!r}: range {low}-{high} is empty")
        members.update(map(chr, range(ord(low), ord(high or low) + 1)))
    return frozenset(members)


class DialPlan:
    """Rules in order of preference. A number that none fits is taken as well: it ends with `#`, OK or a pause."""

    def __init__(self, rules: Sequence[Rule | str] = ()) -> None:
        """Raises ValueError naming the pattern that cannot be read."""
        self._patterns = tuple(_Pattern(Rule(rule) if isinstance(rule, str) else rule) for rule in rules)

    def verdict(self, digits: str) -> Verdict:
        """Return how far `digits` got. The first rule that matches decides; a later one never delays it."""
        if not self._patterns:
            return "extendable" if digits else "partial"
        undecided = False
        for pattern in self._patterns:
            whole, could_go_on = pattern.match(digits)
            undecided = undecided or could_go_on
            if whole and digits:
                return "extendable" if undecided else "complete"
        return "partial" if undecided else "none"

    def number(self, digits: str) -> str:
        """Return the number to call after the first matching rule's changes; without a match, `digits`.

        Raises NotDiallable if the rule refuses it.
        """
        rule = next((each.rule for each in self._patterns if each.match(digits)[0]), None)
        if rule is None:
            return digits
        if rule.refuse:
            raise NotDiallable("Number not allowed")
        return rule.prefix + digits[rule.strip :]


def to_uri(text: str, domain: str) -> str:
    """Return the URI that `text`, typed or pasted by a person, means at `domain` (host or host:port).

    Full sip, sips and tel URIs pass; `user@host` gets its scheme; a number loses human punctuation (RFC 4504 Req-93).
    Raises NotDiallable.
    """
    text = text.strip()
    if not text:
        raise NotDiallable("No number given")
    if len(text) > LONGEST:
        raise NotDiallable("The number is too long")
    if text == "+":
        raise NotDiallable("A number follows the +")
    if _QUAD.fullmatch(text):
        return f"sip:{text}"
    if _NUMBER.fullmatch(text):
        return _number_uri(text, domain)
    if _UNSAFE.search(text):
        raise NotDiallable("The address holds characters that none may hold")
    if _SCHEME.fullmatch(text):
        return text
    return _address_uri(text, domain)


def bare_number(text: str) -> str:
    """Return a number without human punctuation (RFC 4504 Req-93); any other text as it is."""
    text = text.strip()
    if _QUAD.fullmatch(text) or not _NUMBER.fullmatch(text):
        return text
    if text.startswith("+"):
        text = _TRUNK_ZERO.sub("", text, count=1)  # "+44 (0)20 ...": the 0 is dialled inside the country only
    return _PUNCTUATION.sub("", text)


def _number_uri(text: str, domain: str) -> str:
    number = bare_number(text)
    if "+" in number[1:]:
        raise NotDiallable("A + may only come first")
    return f"sip:{quote(number, safe=_USER_UNRESERVED)}@{_need(domain)}"


def _address_uri(text: str, domain: str) -> str:
    user, at, host = text.rpartition("@")
    if at and not (user and host):
        raise NotDiallable("The address is not complete")
    if at:
        return f"sip:{text}"
    if ":" in text:
        raise NotDiallable("Only sip, sips and tel addresses can be called")
    return f"sip:{quote(text, safe=_USER_UNRESERVED)}@{_need(domain)}"


def _need(domain: str) -> str:
    if not domain:
        raise NotDiallable("This phone has no account to call from")
    return domain


def domain_of(address: str) -> str:
    """Return the host (and port) of a sip address without its user, parameters and headers."""
    rest = address.partition(":")[2]
    return re.split(r"[;?>]", rest.rpartition("@")[2], maxsplit=1)[0]
