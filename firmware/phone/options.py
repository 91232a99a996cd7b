"""The telephone's own menu: what may be chosen in it, and where one is in it.

Every choice has a digit, so that twelve keys do, and an ear does where there is no panel: the digits are learnt once,
and stay what they are. What cannot be taken back is asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firmware.phone.view import OptionsPage, OptionsView, SetUpPage

CHOICES = ("calls", "do-not-disturb", "about", "clear", "set-up")
"""In the order of their digits, from 1."""
Sound = Literal["", "done", "off", "refused"]


@dataclass(slots=True)
class Options:
    """One visit to the menu."""

    page: OptionsPage = "choices"
    chosen: int = 0
    turned: int = 0
    set_up: SetUpPage = ""
    told: Sound = ""
    """How the last wish ended, while that is to be heard."""

    def turn_to(self, page: OptionsPage) -> None:
        """Show another page, from its beginning."""
        self.page, self.turned = page, 0

    @property
    def tone(self) -> Literal["choose", "sure", "done", "off", "refused"] | None:
        """What is to be heard: how the last wish ended, else what is asked now."""
        if self.told:
            return self.told
        if self.page == "choices":
            return "choose"
        return "sure" if self.asks else None

    @property
    def asks(self) -> bool:
        """Yes or no is to be said."""
        return self.page == "clear" or (self.page == "set-up" and not self.set_up)

    def view(self) -> OptionsView:
        """Return the menu's picture."""
        return OptionsView(CHOICES, self.page, self.chosen, self.turned, self.set_up)
