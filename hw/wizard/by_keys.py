"""The telephone's own keys as answers, once they are found: for whoever has neither keyboard nor page at hand.

`#` is yes, or Enter, or the end of a number; `*` is no, or skip, or the gap between two numbers; a digit is a part of a
number where one is asked for, else the choice of that place.
"""

from __future__ import annotations

from hw.wizard.found import Found, Place
from hw.wizard.keys import HELD_S, places_in
from hw.wizard.prompts import Outputs, Prompt, Survey

SECTIONS = ("Lamps", "Ringer", "Sound", "Save")
"""Where keys are not asked for themselves."""


def may_answer(prompt: Prompt, found: Found, outputs: Outputs) -> bool:
    """Whether keys count now. While a bell rings they do not: to look for them takes longer than a half wave."""
    return prompt.section in SECTIONS and {"#", "*"} <= found.keys.keys() and outputs.bell is None


class KeyAnswers:
    """What is pressed, one key after another."""

    def __init__(self) -> None:
        self._held: tuple[Place, float] | None = None
        self._taken = False
        self._typed = ""

    def receive(self, survey: Survey, found: Found, prompt: Prompt, now: float) -> str | None:
        """Take one survey, with joined pins; returns an answer as it is given."""
        places = places_in(survey, found)
        if len(places) != 1:
            self._held, self._taken = None, self._taken and bool(places)
            return None
        if self._held is None or self._held[0] != places[0]:
            self._held = (places[0], now)
        elif not self._taken and now - self._held[1] >= HELD_S:
            self._taken = True
            return self._press(next((key for key, place in found.keys.items() if place == places[0]), ""), prompt)
        return None

    def _press(self, key: str, prompt: Prompt) -> str | None:
        names = [choice.name for choice in prompt.choices]
        if key == "#":
            typed, self._typed = self._typed, ""
            return typed or ("yes" if "yes" in names else "")
        if key == "*" and self._typed:
            self._typed = f"{self._typed} " if prompt.entry == "two GPIOs" else ""
            return None
        if key == "*":
            return next((name for name in ("no", "skip") if name in names), None)
        if key.isdigit() and prompt.entry:
            self._typed += key
            return None
        return names[int(key) - 1] if key.isdigit() and 0 < int(key) <= len(names) else None
