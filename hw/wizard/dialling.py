"""What numbers are dialled with, and a rotary dial: its contacts, its speed, its country's order of digits."""

from __future__ import annotations

from hw.wizard.dial_finding import DialWatch
from hw.wizard.found import Found
from hw.wizard.keys import DIGITS, Press, further_keys
from hw.wizard.lamps import LampPin
from hw.wizard.prompts import Choice, Prompt, Situation, Survey, names
from hw.wizard.steps import Onward, Step

FULL_TURN = "Turn the dial from the hole farthest from the stop, and let it run back."
# Ten pulses in every country, whichever digit is printed there.
FASTEST_SLOW = 14.0
"""Pulses a second; a worn dial of 10 runs no faster, one of 20 no slower."""
ORDERS = {1: "standard", 2: "swedish", 9: "new-zealand"}
"""How many pulses the digit 1 has."""
NO_DIAL = Choice("skip", "s", "Leave the dial out")


class Kind(Step):
    """Keys, a dial, a number pad on USB, or nothing."""

    def __init__(self, situation: Situation, found: Found) -> None:
        choices = (
            Choice("keys", "k", "Keys"),
            Choice("dial", "d", "A rotary dial"),
            Choice("usb", "u", "A number pad on USB"),
            Choice("none", "n", "Not at all"),
        )
        super().__init__(situation, found, Prompt("Dialling", "How are numbers dialled?", "How does it dial?", choices))

    def choose(self, choice: str, now: float) -> Onward | None:
        """Go there."""
        found = self.found
        if choice == "keys":
            return Onward(Press(self.situation, found, DIGITS), found)
        if choice == "dial":
            return Onward(FullTurn(self.situation, found), found)
        if choice == "usb":
            found = self.learn(usb_keypad=True)
            return Onward(further_keys(self.situation, found), found, ("A number pad on USB is found by itself.",))
        return Onward(LampPin(self.situation, found), found)


class _Turning(Step):
    """Watches the dial turn once."""

    def __init__(self, situation: Situation, found: Found, prompt: Prompt) -> None:
        super().__init__(situation, found, prompt)
        self._dial = DialWatch(found.rest)

    def begin(self, survey: Survey, now: float) -> None:
        """It is asked now."""
        super().begin(survey, now)
        self._dial = DialWatch(self._of_dial(self.found.rest))

    def watch(self, now: float) -> Onward | None:
        """Until the dial has come to rest."""
        self._dial.see(self._of_dial(self.survey.grounded), now)
        if not self._dial.over(now):
            return None
        onward = self.judge()
        self._dial = DialWatch(self._of_dial(self.found.rest))
        return onward

    def judge(self) -> Onward | None:
        """The dial has turned."""
        raise NotImplementedError

    def choose(self, choice: str, now: float) -> Onward | None:
        """No dial."""
        found = self.learn(pulse=None, off_normal=None)
        return Onward(further_keys(self.situation, found), found, ("No dial, then.",))

    def _of_dial(self, grounded: frozenset[int]) -> frozenset[int]:
        return grounded - self.found.left_out - {self.found.hook}


class FullTurn(_Turning):
    """Ten pulses: which contact, how fast."""

    def __init__(self, situation: Situation, found: Found) -> None:
        super().__init__(situation, found, Prompt("Dialling", FULL_TURN, "Dial from the last hole", (NO_DIAL,), "skip"))

    def judge(self) -> Onward | None:
        """Ten pulses, or once more."""
        turn = self._dial.turn()
        if turn is None:
            moved = names(self._dial.moved)
            self.remarks.append(
                f"{moved} moved, but not as a dial's pulses do: that contact is closed at rest, and opens for each. "
                "Once more."
            )
            return None
        if not 9 <= turn.pulses <= 11:
            self.remarks.append(
                f"That were {turn.pulses} pulses, ten were expected. From the farthest hole, and do not hold it back."
            )
            return None
        said = [f"The dial's pulses are on GPIO{turn.pulse}, {turn.pulses_per_second:.1f} a second."]
        if turn.off_normal is not None:
            said.append(f"Its off-normal contact is GPIO{turn.off_normal}.")
        else:
            said.append("No off-normal contact moved; a digit then ends with a pause.")
        speed = 10 if turn.pulses_per_second < FASTEST_SLOW else 20
        found = self.learn(pulse=turn.pulse, off_normal=turn.off_normal, pulses_per_second=speed)
        return Onward(DialOne(self.situation, found), found, tuple(said))

    def advice(self) -> str:
        """Half a minute."""
        return (
            "Nothing pulsed yet. One wire of the dial's pulse contact goes to a GPIO, the other to GND; at rest that "
            "contact is closed. Without a dial, skip."
        )


class DialOne(_Turning):
    """In which order the digits lie."""

    def __init__(self, situation: Situation, found: Found) -> None:
        super().__init__(situation, found, Prompt("Dialling", "Now dial 1.", "Dial 1", (NO_DIAL,)))

    def judge(self) -> Onward | None:
        """1, 2 or 9 pulses, or once more."""
        turn = self._dial.turn(self.found.pulse)
        pulses = turn.pulses if turn is not None else 0
        if pulses not in ORDERS:
            self.remarks.append(f"{pulses} pulses for 1: no country's dial does that. Once more.")
            return None
        found = self.learn(order=ORDERS[pulses])
        said = f"Its digits are in the {found.order} order."
        return Onward(further_keys(self.situation, found), found, (said,))

    def advice(self) -> str:
        """Half a minute."""
        return "The hole with the digit 1, up to the stop, and let go."
