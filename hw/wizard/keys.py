"""Keys, one after another: each joins two pins, as in a matrix, or takes one to ground."""

from __future__ import annotations

from dataclasses import replace

from hw import KEYS
from hw.wizard.found import Found, Place, sides
from hw.wizard.lamps import LampPin
from hw.wizard.prompts import Choice, Prompt, Situation, Survey, names
from hw.wizard.steps import Onward, Step

DIGITS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
EXTRAS = (
    *("hold", "transfer", "redial", "mute", "speaker", "volume-up", "volume-down", "ok", "back"),
    *("up", "down", "left", "right", "line1", "line2"),
)
assert {*DIGITS, *EXTRAS} == KEYS
HELD_S = 0.06
"""A key must be seen down, and up again, for so long."""
BOTHER_S = 0.5
"""Two contacts closed for so long are worth a remark; shorter, they are a bounce."""
MOST_LINES = 8
"""Rows or columns of a matrix."""


def further_keys(situation: Situation, found: Found) -> Step:
    """The question for the first key that is no digit."""
    return Press(situation, found, EXTRAS)


def places_in(survey: Survey, found: Found) -> list[Place]:
    """Where something is closed that might be a key."""
    known = frozenset(pin for pin in (found.hook, found.pulse, found.off_normal) if pin is not None)
    deaf = found.left_out | known
    pairs = [pair for pair in survey.joined if not pair & deaf]
    single = [frozenset([pin]) for pin in survey.grounded - found.rest - deaf]
    return [place for place in (*sorted(pairs, key=sorted), *sorted(single, key=sorted)) if place not in found.stuck]


def why_not(found: Found, place: Place) -> str:
    """Why a key cannot be there, with what is known of the others; empty: it can."""
    single = {min(other): key for key, other in found.keys.items() if len(other) == 1}
    paired = {pin for other in found.keys.values() if len(other) == 2 for pin in other}
    if len(place) == 1:
        if place & paired:
            return f"{names(place)} is a wire of the keypad, and was connected to ground: do two wires touch?"
        return ""
    for pin in sorted(place & single.keys()):
        return f"GPIO{pin} is the key {single[pin]} already: do two wires touch?"
    try:
        rows, columns = sides(replace(found, keys={**found.keys, "": place}))
    except ValueError:
        return f"{names(place)} cannot be row and column, after what the other keys showed: do two wires touch?"
    if max(len(rows), len(columns)) > MOST_LINES:
        return (
            f"That makes more than {MOST_LINES} rows or columns. Have these keys a common wire? Then put that wire to "
            "GND, not to a GPIO, and go back."
        )
    return ""


class Press(Step):
    """One key."""

    wants_pairs = True

    def __init__(self, situation: Situation, found: Found, keys: tuple[str, ...], done: int = 0) -> None:
        """`keys`: those that are still to be asked for, this one first; `done`: how many were."""
        self._keys = keys
        self._done = done
        super().__init__(situation, found, _prompt(keys[0], done, done + len(keys)))
        self._held: tuple[Place, float] | None = None
        self._many_since: float | None = None
        self._bothered = False

    def watch(self, now: float) -> Onward | None:
        """Until one contact alone is closed for a moment."""
        places = places_in(self.survey, self.found)
        if len(places) != 1:
            self._held = None
            self._notice_many(places, now)
            return None
        self._many_since = None
        if self._held is None or self._held[0] != places[0]:
            self._held = (places[0], now)
            return None
        return self._take(places[0]) if now - self._held[1] >= HELD_S else None

    def choose(self, choice: str, now: float) -> Onward | None:
        """No such key, or no more at all."""
        if choice == "done":
            keys = EXTRAS if self._keys[0] in DIGITS else ()
            return Onward(_next(self.situation, self.found, keys, 0), self.found)
        return Onward(_next(self.situation, self.found, self._keys[1:], self._done + 1), self.found)

    def advice(self) -> str:
        """Half a minute."""
        if self._held or self._many_since is not None:
            return "Some contact stays closed: let go of everything, or look for wires that touch."
        return (
            f"No contact closed yet. Press {self._keys[0]} firmly, for a second. All wires of the keypad go to GPIOs, "
            "or its common wire to GND. If there is no such key, skip it."
        )

    def _take(self, place: Place) -> Onward:
        key = self._keys[0]
        other = next((name for name, where in self.found.keys.items() if where == place), None)
        again = Press(self.situation, self.found, self._keys, self._done)
        if other is not None:
            said = f"That was {other} again ({names(place)}). Press {key}."
            return Onward(LetGo(self.situation, self.found, place, again), self.found, (said,))
        if trouble := why_not(self._with_diode(place), place):
            return Onward(LetGo(self.situation, self.found, place, again), self.found, (trouble,))
        found = replace(self._with_diode(place), keys={**self.found.keys, key: place})
        onward = _next(self.situation, found, self._keys[1:], self._done + 1)
        return Onward(LetGo(self.situation, found, place, onward), found, (f"{key} is {names(place)}.",))

    def _with_diode(self, place: Place) -> Found:
        cathode = next((one for one, other in self.survey.one_way if {one, other} == place), None)
        return self.learn(cathodes={**self.found.cathodes, place: cathode}) if cathode is not None else self.found

    def _notice_many(self, places: list[Place], now: float) -> None:
        if not places:
            self._many_since, self._bothered = None, False
        elif self._many_since is None:
            self._many_since = now
        elif now - self._many_since >= BOTHER_S and not self._bothered:
            self._bothered = True
            pins = names(frozenset[int]().union(*places))
            self.remarks.append(f"More than one contact is closed ({pins}). Press {self._keys[0]} alone.")


class LetGo(Step):
    """Until the key is up."""

    passing = True
    wants_pairs = True

    def __init__(self, situation: Situation, found: Found, place: Place, onward: Step) -> None:
        """`onward`: what comes then."""
        # A matrix with a key that sticks hides the other keys of its row and column: there is no going on.
        sticks = (Choice("stuck", "s", "It sticks: go on without it"),) if len(place) == 1 else ()
        super().__init__(situation, found, Prompt("Keys", "Let go.", "Let go", sticks))
        self._place = place
        self._onward = onward
        self._clear_since: float | None = None

    def watch(self, now: float) -> Onward | None:
        """Until nothing is closed for a moment."""
        if places_in(self.survey, self.found):
            self._clear_since = None
        elif self._clear_since is None:
            self._clear_since = now
        elif now - self._clear_since >= HELD_S:
            return Onward(self._onward, self.found)
        return None

    def choose(self, choice: str, now: float) -> Onward | None:
        """It sticks: it is no key any more, and the question is asked again for another."""
        places = places_in(self.survey, self.found)
        keys = {key: place for key, place in self.found.keys.items() if place not in places}
        found = self.learn(keys=keys, stuck=self.found.stuck | frozenset(places))
        self._onward.found = found
        return Onward(self._onward, found, (f"{names(self._place)} is looked at no more.",))

    def advice(self) -> str:
        """Half a minute."""
        if len(self._place) == 1:
            return f"{names(self._place)} is still connected to ground. Does the key stick?"
        return f"{names(self._place)} are still joined. Does the key stick? It must be mended: it hides others."


def _next(situation: Situation, found: Found, keys: tuple[str, ...], done: int) -> Step:
    if keys:
        return Press(situation, found, keys, done)
    if found.keys and not set(found.keys) & set(EXTRAS) and done == len(DIGITS):
        return Press(situation, found, EXTRAS)
    return LampPin(situation, found)


def _prompt(key: str, done: int, of: int) -> Prompt:
    skip, more = Choice("skip", "s", "No such key"), Choice("done", "n", "No more keys")
    if key in DIGITS:
        text, short = f"Press {key} and hold it a moment.", f"Press {key}"
    else:
        text, short = f"Press the key that shall be {key}, and hold it a moment.", f"Press the {key} key"
    return Prompt("Keys", text, short, (skip, more), "skip", done=done, of=of)
