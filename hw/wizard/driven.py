"""Pins that are to be driven: named by the person, and refused where a switch, a bus or a card may short them."""

from __future__ import annotations

import re

from hw.header import GPIOS
from hw.wizard.found import Found
from hw.wizard.prompts import NO, YES, Prompt, Situation, Survey
from hw.wizard.steps import Onward, Step

NAMED_ONLY = "Only pins you name are driven: on another a switch might short them."


def gpio_in(text: str) -> int | None:
    """The GPIO that was typed, "23" or "GPIO23"; None: it is none."""
    typed = re.fullmatch(r"(?:gpio)?\s*(\d{1,2})", text.strip().lower())
    return int(typed[1]) if typed and int(typed[1]) in GPIOS else None


def why_not_driven(gpio: int, situation: Situation, found: Found, survey: Survey) -> str:
    """Why a pin must not be an output; empty: it may."""
    if gpio in situation.taken:
        return f"GPIO{gpio} is not free: {situation.taken[gpio]}."
    if use := found.uses().get(gpio):
        return f"GPIO{gpio} is {use} already."
    if gpio not in situation.watched:
        return f"GPIO{gpio} could not be had."
    if any(gpio in pair for pair in survey.joined):
        return f"GPIO{gpio} is joined to another pin, by a key or a touching wire: driving it could short both."
    return ""


class NamedPins(Step):
    """Asks for the pins of something that is driven."""

    wants_pairs = True
    wanted = 1
    """How many pins it has."""

    def enter(self, text: str, now: float) -> Onward | None:
        """Numbers; refused if one must not be driven."""
        pins = [gpio_in(word) for word in re.split(r"[\s,;]+|(?<=\d)and", text.strip()) if word]
        known = tuple(gpio for gpio in pins if gpio is not None)
        if len(known) != len(pins) or len(set(known)) != self.wanted:
            numbers = "the number of one GPIO, as 23" if self.wanted == 1 else "two different GPIO numbers, as 5 6"
            self.remarks.append(f"Type {numbers}: 2 to 27, the chip's number and not the place on the header.")
            return None
        for gpio in known:
            if trouble := why_not_driven(gpio, self.situation, self.found, self.survey):
                self.remarks.append(trouble)
                return None
        grounded = sorted(self.survey.grounded & set(known))
        onward = self.named(known)
        if grounded:
            return Onward(Sure(self.situation, self.found, grounded[0], onward, self.another()), self.found)
        return Onward(onward, self.found)

    def named(self, pins: tuple[int, ...]) -> Step:
        """The question after these pins."""
        raise NotImplementedError

    def another(self) -> Step:
        """The same question anew."""
        raise NotImplementedError


class Sure(Step):
    """A pin that reads as grounded is driven only if the person is sure."""

    passing = True

    def __init__(self, situation: Situation, found: Found, gpio: int, onward: Step, another: Step) -> None:
        text = (
            f"GPIO{gpio} reads as connected to ground. A lamp with its resistor may do that, a closed switch does, and "
            "driving it would be a short. Is there nothing but the lamp or the ringer on this pin?"
        )
        super().__init__(situation, found, Prompt("Lamps", text, f"GPIO{gpio} grounded. Sure?", (YES, NO)))
        self._onward = onward
        self._another = another

    def choose(self, choice: str, now: float) -> Onward | None:
        """Go on, or name another."""
        return Onward(self._onward if choice == "yes" else self._another, self.found)
