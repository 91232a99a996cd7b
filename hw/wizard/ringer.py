"""What rings: the loudspeaker, a bell on an H-bridge, or a piezo disc; rung once to see."""

from __future__ import annotations

from hw.wizard.driven import NAMED_ONLY, NamedPins
from hw.wizard.found import Found
from hw.wizard.prompts import NO, YES, Choice, Outputs, Prompt, Situation
from hw.wizard.sound import first_of_sound
from hw.wizard.steps import Onward, Step

BELL_HZ = (20, 25, 16)
"""Tried in turn: most bells are made for 20 or 25."""
DISC_HZ = 2400
"""Where most discs are loudest."""
NONE = Choice("skip", "s", "The loudspeaker, after all")


class RingerKind(Step):
    """What there is."""

    def __init__(self, situation: Situation, found: Found) -> None:
        choices = (
            Choice("loudspeaker", "l", "A loudspeaker on the sound card"),
            Choice("bell", "g", "A bell on an H-bridge"),
            Choice("piezo", "p", "A piezo disc or buzzer"),
        )
        prompt = Prompt("Ringer", "What rings?", "What rings?", choices, "loudspeaker")
        super().__init__(situation, found, prompt)

    def choose(self, choice: str, now: float) -> Onward | None:
        """Go there."""
        if choice == "bell":
            return Onward(BellPins(self.situation, self.found), self.found)
        if choice == "piezo":
            return Onward(PiezoPin(self.situation, self.found), self.found)
        return _no_ringer(self)


class BellPins(NamedPins):
    """Where the bridge's inputs are."""

    wanted = 2

    def __init__(self, situation: Situation, found: Found) -> None:
        text = (
            "On which two GPIOs are the bridge's inputs, IN1 and IN2? Type both numbers. The bell rings at once: let "
            f"nobody touch the coils' wires. {NAMED_ONLY}"
        )
        prompt = Prompt("Ringer", text, "Which 2 GPIOs drive the bell?", (NONE,), entry="two GPIOs")
        super().__init__(situation, found, prompt)

    def named(self, pins: tuple[int, ...]) -> Step:
        """Does it ring?"""
        return BellRings(self.situation, self.found, (pins[0], pins[1]))

    def another(self) -> Step:
        """The same anew."""
        return BellPins(self.situation, self.found)

    def choose(self, choice: str, now: float) -> Onward | None:
        """No bell."""
        return _no_ringer(self)


class BellRings(Step):
    """Whether it does, at one frequency after another."""

    def __init__(self, situation: Situation, found: Found, pins: tuple[int, int], tried: int = 0) -> None:
        self._pins = pins
        self._tried = tried
        text = f"GPIO{pins[0]} and GPIO{pins[1]} ring at {BELL_HZ[tried]} Hz. Does the bell ring well?"
        super().__init__(situation, found, Prompt("Ringer", text, "Does the bell ring?", (YES, NO)))

    @property
    def outputs(self) -> Outputs:
        """It rings."""
        return Outputs(bell=self._pins, bell_hz=BELL_HZ[self._tried])

    def choose(self, choice: str, now: float) -> Onward | None:
        """Taken, or the next frequency, or other pins."""
        if choice == "yes":
            found = self.learn(ringer="bell", ringer_pins=self._pins, ringer_hz=BELL_HZ[self._tried])
            said = f"The bell is on GPIO{self._pins[0]} and GPIO{self._pins[1]}, at {BELL_HZ[self._tried]} Hz."
            return Onward(first_of_sound(self.situation, found), found, (said,))
        if self._tried + 1 < len(BELL_HZ):
            return Onward(BellRings(self.situation, self.found, self._pins, self._tried + 1), self.found)
        said = "Has the bridge its own supply of 24 to 36 V, its enable input high, and GND joined with the Pi's?"
        return Onward(BellPins(self.situation, self.found), self.found, (said,))


class PiezoPin(NamedPins):
    """Where it is."""

    def __init__(self, situation: Situation, found: Found) -> None:
        text = f"On which GPIO is the piezo? Type its number. {NAMED_ONLY}"
        prompt = Prompt("Ringer", text, "Which GPIO is the piezo?", (NONE,), entry="GPIO")
        super().__init__(situation, found, prompt)

    def named(self, pins: tuple[int, ...]) -> Step:
        """Does it sound?"""
        return PiezoSounds(self.situation, self.found, pins[0], 0)

    def another(self) -> Step:
        """The same anew."""
        return PiezoPin(self.situation, self.found)

    def choose(self, choice: str, now: float) -> Onward | None:
        """No piezo."""
        return _no_ringer(self)


class PiezoSounds(Step):
    """Whether it makes its own tone, or needs one."""

    def __init__(self, situation: Situation, found: Found, gpio: int, hz: int) -> None:
        self._gpio = gpio
        self._hz = hz
        how = f"is driven at {hz} Hz" if hz else "is high"
        text = f"GPIO{gpio} {how}, for a second of two. Do you hear a tone? A click alone is none."
        super().__init__(situation, found, Prompt("Ringer", text, "Do you hear a tone?", (YES, NO)))

    @property
    def outputs(self) -> Outputs:
        """It sounds."""
        return Outputs(piezo=self._gpio, piezo_hz=self._hz)

    def choose(self, choice: str, now: float) -> Onward | None:
        """Taken, or with a tone, or another pin."""
        if choice == "yes":
            found = self.learn(ringer="piezo", ringer_pins=(self._gpio,), ringer_hz=self._hz)
            kind = f"a disc, driven at {self._hz} Hz" if self._hz else "a buzzer with a tone of its own"
            said = f"The piezo is on GPIO{self._gpio}: {kind}."
            return Onward(first_of_sound(self.situation, found), found, (said,))
        if not self._hz:
            return Onward(PiezoSounds(self.situation, self.found, self._gpio, DISC_HZ), self.found)
        said = "Nothing, then. A buzzer has a plus and a minus; and one for 5 V or 12 V is too much for a pin."
        return Onward(PiezoPin(self.situation, self.found), self.found, (said,))


def _no_ringer(step: Step) -> Onward:
    found = step.learn(ringer="loudspeaker", ringer_pins=(), ringer_hz=0)
    return Onward(first_of_sound(step.situation, found), found)
