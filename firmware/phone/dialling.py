"""Digits being typed: collected until the dial plan, `#`, OK or a pause makes them a number (RFC 3435 §2.1.5)."""

from __future__ import annotations

from typing import Literal

from firmware.numbering.dial_plan import DialPlan
from firmware.phone.settings import Timeouts

LONGEST = 64
"""Digits; more are not taken."""

Step = Literal["wait", "dial"]
"""More may come; this is the number."""


class Entry:
    """One attempt at typing a number."""

    def __init__(self, plan: DialPlan, timeouts: Timeouts, *, transfers: str | None = None) -> None:
        """`transfers`: id of the call that is to go to this number, None: it is to be called."""
        self._plan = plan
        self._timeouts = timeouts
        self.transfers = transfers
        self.digits = ""
        self.howling = False
        """Nothing was dialled for so long that the howler sounds."""
        self.refused = False
        """This number can't be called."""
        self.incomplete = ""
        """The exchange wants more digits than these (484)."""
        self.ready = False
        """The number is whole, but its key is still down, and held longer would mean another."""
        self.hotline = False
        """The handset was just lifted: no digit at all means the hotline."""
        self.line: int | None = None
        """The line chosen by its key, None: the first free one."""

    @property
    def open(self) -> bool:
        """There are digits, and more may come."""
        return bool(self.digits) and not (self.howling or self.refused)

    def press(self, digit: str) -> Step:
        """Take one of 0-9, * and #. `#` ends the number; as the first digit it is part of it."""
        if self.howling or self.refused:
            return "wait"
        if digit == "#" and self.digits:
            return "dial"
        if len(self.digits) < LONGEST:
            self.digits += digit
        return self._judge()

    def _judge(self) -> Step:
        # A plan says when a number is whole, never that it can't be: the exchange knows its numbers, we don't, and what
        # no pattern fits is sent by #, OK or a pause (RFC 4504 §3.6.2).
        whole = self._plan.verdict(self.digits) == "complete"
        # A transfer leaves time for the key that says which kind it is.
        return "dial" if whole and self.transfers is None else "wait"

    @property
    def may_become_plus(self) -> bool:
        """There is the one digit that stands for an international number's + when its key is held."""
        return self.digits == "0" and self.open

    def become_plus(self) -> None:
        """The 0 was meant for a + (RFC 4504 Req-90 and Req-92: E.164 numbers begin with it)."""
        self.digits, self.ready = "+", False

    @property
    def may_become_menu(self) -> bool:
        """There is the one digit that, when its key is held, opens the telephone's own menu instead.

        An exchange's codes begin with the same digit (`*97`, `**1002`), so only time can tell which is meant.
        """
        return self.digits == "*" and self.open and self.transfers is None

    def erase(self) -> None:
        """Take the last digit back."""
        self.digits = self.digits[:-1]
        self.refused = False

    def patience(self) -> float:
        """Return how many seconds to wait for the next digit."""
        if not self.digits:
            return self._timeouts.first_digit
        whole = self._plan.verdict(self.digits) in ("complete", "extendable")
        return self._timeouts.critical if whole else self._timeouts.next_digit
