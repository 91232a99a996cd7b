"""Lamps: driven one by one, on pins that the person names, for a pin driven blindly may be shorted by a switch."""

from __future__ import annotations

from hw import LAMPS
from hw.wizard.driven import NAMED_ONLY, NamedPins
from hw.wizard.found import Found
from hw.wizard.prompts import NO, YES, Choice, Outputs, Prompt, Situation
from hw.wizard.ringer import RingerKind
from hw.wizard.steps import Onward, Step

MEANINGS = {
    "message": "somebody calls, or a call was missed",
    "mute": "the microphone is off",
    "hold": "a call is held",
    "speaker": "the loudspeaker is on",
    "line1": "line 1 is in use",
    "line2": "line 2 is in use",
}
assert MEANINGS.keys() == LAMPS


class LampPin(NamedPins):
    """Where one lamp is."""

    def __init__(self, situation: Situation, found: Found, lamps: tuple[str, ...] = tuple(MEANINGS)) -> None:
        """`lamps`: those that are still to be asked for, this one first."""
        lamp, at = lamps[0], len(MEANINGS) - len(lamps)
        skip, none = Choice("skip", "s", f"No {lamp} lamp"), Choice("done", "n", "No more lamps")
        text = f"On which GPIO is the lamp {lamp}, lit when {MEANINGS[lamp]}? Type its number. {NAMED_ONLY}"
        short = f"Which GPIO is lamp {lamp}?"
        prompt = Prompt("Lamps", text, short, (skip, none), "skip", entry="GPIO", done=at, of=len(MEANINGS))
        super().__init__(situation, found, prompt)
        self._lamps = lamps

    def named(self, pins: tuple[int, ...]) -> Step:
        """Does it blink?"""
        return Blinks(self.situation, self.found, self._lamps, pins[0])

    def another(self) -> Step:
        """The same anew."""
        return LampPin(self.situation, self.found, self._lamps)

    def choose(self, choice: str, now: float) -> Onward | None:
        """No such lamp, or no more at all."""
        return Onward(_next(self.situation, self.found, () if choice == "done" else self._lamps[1:]), self.found)


class _LampTrial(Step):
    """Drives one lamp and asks."""

    def __init__(self, situation: Situation, found: Found, lamps: tuple[str, ...], gpio: int, prompt: Prompt) -> None:
        super().__init__(situation, found, prompt)
        self._lamps = lamps
        self._gpio = gpio

    def _taken(self, active: str) -> Onward:
        lamp = self._lamps[0]
        found = self.learn(lamps={**self.found.lamps, lamp: self._gpio}, lamps_active=active)
        said = f"The lamp {lamp} is GPIO{self._gpio}, lit when {active}."
        return Onward(_next(self.situation, found, self._lamps[1:]), found, (said,))

    def _another(self, *said: str) -> Onward:
        return Onward(LampPin(self.situation, self.found, self._lamps), self.found, said)


class Blinks(_LampTrial):
    """Whether it is the right pin."""

    def __init__(self, situation: Situation, found: Found, lamps: tuple[str, ...], gpio: int) -> None:
        prompt = Prompt("Lamps", f"GPIO{gpio} goes on and off. Does the lamp blink?", "Does it blink?", (YES, NO))
        super().__init__(situation, found, lamps, gpio, prompt)

    @property
    def outputs(self) -> Outputs:
        """It blinks."""
        return Outputs(blinking=self._gpio)

    def choose(self, choice: str, now: float) -> Onward | None:
        """On to its polarity, or another pin."""
        if choice == "yes":
            return Onward(Lit(self.situation, self.found, self._lamps, self._gpio), self.found)
        return self._another(
            f"Not GPIO{self._gpio}, then. If it is: a light-emitting diode shines one way round only, with its long "
            "leg to the more positive side, and a resistor of 330 ohm in series."
        )


class Lit(_LampTrial):
    """Which level lights it."""

    def __init__(self, situation: Situation, found: Found, lamps: tuple[str, ...], gpio: int) -> None:
        text = f"GPIO{gpio} is high now, and stays so. Is the lamp lit?"
        super().__init__(situation, found, lamps, gpio, Prompt("Lamps", text, "Is it lit now?", (YES, NO)))

    @property
    def outputs(self) -> Outputs:
        """It is high."""
        return Outputs(high=self._gpio)

    def choose(self, choice: str, now: float) -> Onward | None:
        """High or low; all lamps alike."""
        active = "high" if choice == "yes" else "low"
        if self.found.lamps_active not in ("", active):
            return self._another(
                f"This lamp is lit when {active}, the others when {self.found.lamps_active}. Wire them all the same "
                "way, between pin and GND or between pin and 3V3."
            )
        return self._taken(active)


def _next(situation: Situation, found: Found, lamps: tuple[str, ...]) -> Step:
    return LampPin(situation, found, lamps) if lamps else RingerKind(situation, found)
