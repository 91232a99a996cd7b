"""What digits mean: digit-map patterns (RFC 3435 §2.1.5) and dialled text made a URI (RFC 4504 §3.6.2, Req-90 and Req-93)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["none", "partial", "complete", "extendable"]
"""No rule can match; one could with more digits; one does and none could go on; one does and one could go on."""


class NotDiallable(ValueError):
    """The text can be no number and no URI. The message says why, in plain words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a dial plan."""

    pattern: str
    """Digits as they are; `x` any digit, `[2-9]` one of; a following `.` repeats it, zero times or more (RFC 3435 §2.1.5)."""
    strip: int = 0
    """How many leading characters to drop."""
    prefix: str = ""
    """What to put in front then."""
    refuse: bool = False
    """Such numbers are not called."""


class DialPlan:
    """Rules in order of preference; without any, every number is taken and ends with `#` or a pause."""

    def __init__(self, rules: Sequence[Rule | str] = ()) -> None:
        """Raises ValueError naming the pattern that cannot be read."""
        raise NotImplementedError

    def verdict(self, digits: str) -> Verdict:
        """Return how far `digits` got."""
        raise NotImplementedError

    def number(self, digits: str) -> str:
        """Return the number to call after the first matching rule's changes. Raises NotDiallable if it is refused."""
        raise NotImplementedError


def to_uri(text: str, domain: str) -> str:
    """Return the URI that `text`, typed or pasted by a person, means at `domain` (host or host:port).

    Full sip, sips and tel URIs pass; `user@host` gets its scheme; a number loses human punctuation (RFC 4504 Req-93).
    Raises NotDiallable.
    """
    raise NotImplementedError
