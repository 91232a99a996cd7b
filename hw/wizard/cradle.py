"""The cradle: which lines rest how, which contact moves with the handset, which way round, and how long it chatters."""

from __future__ import annotations

from hw.wizard.dialling import Kind
from hw.wizard.found import Found
from hw.wizard.prompts import Choice, Prompt, Situation, Survey, names
from hw.wizard.steps import Movement, Onward, Step

QUIET_S = 1.0
"""So long nobody touches anything: what moves then is noise."""
SHORTEST_BOUNCE_MS, LONGEST_BOUNCE_MS = 10, 300
MANY = 8


class Rest(Step):
    """Everything as it is when nobody uses it."""

    def __init__(self, situation: Situation, found: Found) -> None:
        text = "Put the handset in its cradle, and touch nothing else."
        ready = Choice("ready", "g", "Ready")
        super().__init__(
            situation, found, Prompt("Cradle", text, "Handset in its cradle, touch nothing", (ready,), "ready")
        )

    def choose(self, choice: str, now: float) -> Onward | None:
        """Ready: the lines are listened to."""
        return Onward(Quiet(self.situation, self.found), self.found)

    def advice(self) -> str:
        """Half a minute."""
        return "Press Enter when the handset lies in its cradle. Without a cradle, press it just so."


class Quiet(Step):
    """A second in which nothing should happen: finds lines that flicker or are joined already."""

    passing = True
    busy = True
    wants_pairs = True

    def __init__(self, situation: Situation, found: Found) -> None:
        super().__init__(situation, found, Prompt("Cradle", "One moment ...", "One moment"))
        self._movement = Movement(frozenset())
        self._joined: frozenset[frozenset[int]] = frozenset()
        self._until = 0.0

    def begin(self, survey: Survey, now: float) -> None:
        """The second begins."""
        super().begin(survey, now)
        self._movement = Movement.since(survey.grounded)
        self._until = now + QUIET_S

    def watch(self, now: float) -> Onward | None:
        """Until it is over."""
        self._movement.see(self.survey.grounded, now)
        self._joined |= self.survey.joined
        if now < self._until:
            return None
        restless = self._movement.moved
        joined = frozenset[int]().union(*self._joined)
        rest = self.survey.grounded - restless
        found = self.learn(rest=rest, left_out=restless | joined)
        said = []
        if restless:
            said.append(f"{names(restless)} will not be still: a long wire, or something that drives it? Left out.")
        if rest:
            said.append(f"At rest {names(rest)} {'is' if len(rest) == 1 else 'are'} connected to ground.")
        if len(rest) > MANY:
            said.append("That is much: is a wire in the wrong place, or the handset not in its cradle?")
        if joined:
            return Onward(Joined(self.situation, found, joined), found, tuple(said))
        return Onward(Lift(self.situation, found), found, tuple(said))


class Joined(Step):
    """Lines that are joined though nobody presses anything."""

    passing = True

    def __init__(self, situation: Situation, found: Found, joined: frozenset[int]) -> None:
        words = f"{names(joined)} are joined though nothing is pressed: a key that sticks, or wires that touch. "
        without = Choice("without", "w", "Go on without them")
        look = Choice("look", "l", "Look again")
        text = words + "Mend it and look again, or go on without these pins."
        super().__init__(
            situation, found, Prompt("Cradle", text, f"{names(joined)} are joined!", (look, without), "look")
        )

    def choose(self, choice: str, now: float) -> Onward | None:
        """Look again, or go on."""
        if choice == "look":
            return Onward(Quiet(self.situation, self.found), self.found)
        return Onward(Lift(self.situation, self.found), self.found)


class Lift(Step):
    """Which contact moves."""

    def __init__(self, situation: Situation, found: Found) -> None:
        text = "Lift the handset, and keep it up."
        none = Choice("skip", "s", "There is no cradle")
        super().__init__(situation, found, Prompt("Cradle", text, "Lift the handset", (none,), "skip"))
        self._movement = Movement(frozenset())

    def begin(self, survey: Survey, now: float) -> None:
        """It is asked now."""
        super().begin(survey, now)
        self._movement = Movement.since(survey.grounded - self.found.left_out)

    def watch(self, now: float) -> Onward | None:
        """Until something has come to rest elsewhere."""
        self._movement.see(self.survey.grounded - self.found.left_out, now)
        moved = self._movement.all_settled(now)
        if not moved:
            return None
        bounces = {gpio: self._movement.seconds(gpio) for gpio in moved}
        # The first to move is the cradle's own contact; what somebody else does moves later.
        order = sorted(moved, key=lambda gpio: self._movement.first[gpio])
        closed = frozenset(order) & self.survey.grounded
        return Onward(Return(self.situation, self.found, order, closed, bounces), self.found)

    def choose(self, choice: str, now: float) -> Onward | None:
        """No cradle."""
        return Onward(Kind(self.situation, self.found), self.learn(hook=None), ("No cradle, then.",))

    def advice(self) -> str:
        """Half a minute."""
        return (
            "Nothing moved yet. Is one wire of the cradle's contact on a GPIO of the header and the other on GND? "
            "Some cradles have several contacts: try another pair. Without a cradle, skip."
        )


class Return(Step):
    """That the same contact comes back."""

    passing = True

    def __init__(
        self,
        situation: Situation,
        found: Found,
        moved: list[int],
        closed: frozenset[int],
        bounces: dict[int, float],
    ) -> None:
        """`moved`: the pins that moved, in turn; `closed`: those connected to ground now; `bounces`: seconds each."""
        none = Choice("skip", "s", "There is no cradle")
        prompt = Prompt("Cradle", "Put the handset back.", "Put the handset back", (none,))
        super().__init__(situation, found, prompt)
        self._moved = moved
        self._closed = closed
        self._bounces = bounces
        self._movement = Movement(frozenset())
        self._pause = 0.0
        self._seen_at: float | None = None

    def begin(self, survey: Survey, now: float) -> None:
        """It is asked now."""
        super().begin(survey, now)
        self._movement = Movement.since(survey.grounded - self.found.left_out)

    def watch(self, now: float) -> Onward | None:
        """Until one of them is back."""
        if self._seen_at is not None:
            self._pause = max(self._pause, now - self._seen_at)
        self._seen_at = now
        self._movement.see(self.survey.grounded - self.found.left_out, now)
        back = self._movement.all_settled(now)
        gpio = next((gpio for gpio in self._moved if gpio in back), None)
        if gpio is None:
            return None
        closed = gpio in self._closed
        seconds = max(self._bounces[gpio], self._movement.seconds(gpio))
        found = self.learn(hook=gpio, hook_closed=closed, hook_bounce_ms=self._bounce_ms(seconds))
        said = [f"The hook switch is GPIO{gpio}, {'closed' if closed else 'open'} while the handset is up."]
        if others := frozenset(self._moved) & back - {gpio}:
            said.append(f"{names(others)} move{'s' * (len(others) == 1)} with it; one contact is enough.")
        said.append(f"It chatters for up to {found.hook_bounce_ms} ms, some margin included.")
        return Onward(Kind(self.situation, found), found, tuple(said))

    def choose(self, choice: str, now: float) -> Onward | None:
        """No cradle after all."""
        return Onward(Kind(self.situation, self.found), self.found, ("No cradle, then.",))

    def advice(self) -> str:
        """Half a minute."""
        return f"{names(frozenset(self._moved))} moved, and did not come back yet. Press the cradle down once."

    def _bounce_ms(self, seconds: float) -> int:
        """Half as much again as was seen, and what may have been missed between two surveys."""
        missed = min(2 * self._pause, 0.02)
        return min(LONGEST_BOUNCE_MS, max(SHORTEST_BOUNCE_MS, round(1500 * (seconds + missed))))
