"""The panel: found by its answer on the I2C bus, told apart by how a picture with a frame sits on it.

SSD1306 and SH1106 answer alike. The SH1106's memory is 132 columns wide with the panel's 128 in the middle, so a
picture sent its way sits two columns to the right on an SSD1306, and the columns that fell off on the other edge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hw.boards.profile import Controller, DisplayProfile
from hw.wizard.cradle import Rest
from hw.wizard.found import Found
from hw.wizard.prompts import Choice, Outputs, Prompt, Situation
from hw.wizard.steps import Onward, Step

RIGHT = Choice("right", "g", "It sits right")
SHIFTED = Choice("shifted", "s", "Shifted by two columns")
HALF = Choice("half", "h", "Every other line, or half of it")
TURNED = Choice("turned", "u", "Upside down")
SNOW = Choice("nothing", "n", "Nothing, or snow")
NO_PANEL = Choice("skip", "o", "Leave the panel out")
TRIED: tuple[tuple[Controller, tuple[int, int]], ...] = (
    ("sh1106", (128, 64)),
    ("ssd1306", (128, 64)),
    ("ssd1327", (128, 128)),
)
"""What is tried in turn while nothing is to be seen."""


def first_question(situation: Situation, found: Found) -> Step:
    """The wizard's first question: about the panel, if one answers that is not known yet."""
    if situation.display is None and situation.panels:
        display = _display(situation.panels[0], 0)
        return Frame(situation, replace(found, display=display), display, 0)
    return Rest(situation, replace(found, display=situation.display))


def _display(address: int, tried: int) -> DisplayProfile:
    controller, size = TRIED[tried]
    return DisplayProfile(size, controller, address=address)


class Frame(Step):
    """How the picture sits."""

    def __init__(self, situation: Situation, found: Found, display: DisplayProfile, tried: int) -> None:
        """`tried`: which of `TRIED` it is, or came from."""
        self._display = display
        self._tried = tried
        width, height = display.size
        text = (
            f"A panel answers at 0x{display.address:02X} on the I2C bus. It shows a frame now, one pixel wide, along "
            f"all four edges, as a {display.controller.upper()} with {width} x {height} pixels would. How does it sit?"
        )
        offered = [RIGHT]
        if display.controller == "sh1106":
            offered.append(SHIFTED)
        if display.controller == "ssd1306" and height == 64:
            offered.append(HALF)
        prompt = Prompt("Panel", text, "Is the frame whole?", (*offered, TURNED, SNOW, NO_PANEL))
        super().__init__(situation, found, prompt)

    @property
    def outputs(self) -> Outputs:
        """The frame."""
        return Outputs(test_picture=True)

    def choose(self, choice: str, now: float) -> Onward | None:
        """Taken, or tried otherwise."""
        if choice == "right":
            words = f"The panel is an {self._display.controller.upper()} at 0x{self._display.address:02X}."
            return Onward(Rest(self.situation, self.found), self.found, (words,))
        if choice == "skip":
            found = self.learn(display=None)
            return Onward(Rest(self.situation, found), found, ("No panel, then.",))
        if choice == "shifted":
            return self._try(1, controller="ssd1306")
        if choice == "half":
            return self._try(self._tried, size=(128, 32))
        if choice == "turned":
            return self._try(self._tried, rotate=180 - self._display.rotate)
        return self._next()

    def _try(self, tried: int, **changes: Any) -> Onward:
        display = replace(self._display, **changes)
        found = self.learn(display=display)
        return Onward(Frame(self.situation, found, display, tried), found)

    def _next(self) -> Onward:
        if self._tried + 1 < len(TRIED):
            display = _display(self._display.address, self._tried + 1)
            found = self.learn(display=display)
            return Onward(Frame(self.situation, found, display, self._tried + 1), found)
        addresses = self.situation.panels
        at = addresses.index(self._display.address) + 1
        if at < len(addresses):
            display = _display(addresses[at], 0)
            found = self.learn(display=display)
            return Onward(Frame(self.situation, found, display, 0), found)
        found = self.learn(display=None)
        said = "None of the panels that Offhook knows, then. Name it with --panel if you know what it is."
        return Onward(Rest(self.situation, found), found, (said,))
