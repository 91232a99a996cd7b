"""What all questions have in common, and how contacts' movements are told from noise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hw.wizard.found import Found
from hw.wizard.prompts import Outputs, Prompt, Situation, Survey

SETTLED_S = 0.6
"""A contact that has not moved for so long has come to rest; no cradle bounces longer than 0.3 s."""
PATIENCE_S = 30.0
NOTHING = Outputs()


@dataclass(frozen=True, slots=True)
class Onward:
    """A question is answered."""

    step: Step
    """The next one."""
    found: Found
    """What is known now."""
    said: tuple[str, ...] = ()
    """What was found, in sentences."""


class Step:
    """One question: watches surveys, takes answers, until it goes `Onward`."""

    passing = False
    """True for what is not gone back to."""
    busy = False
    """True for what takes no answer and is over soon: answers wait for what comes next."""
    wants_pairs = False
    """Whether surveys should look for joined pins; they take longer, and a cradle or a dial needs quick ones."""

    def __init__(self, situation: Situation, found: Found, prompt: Prompt) -> None:
        self.situation = situation
        self.found = found
        self.prompt = prompt
        self.survey = Survey()
        self.remarks: list[str] = []

    @property
    def outputs(self) -> Outputs:
        """What is driven meanwhile."""
        return NOTHING

    def begin(self, survey: Survey, now: float) -> None:
        """It is asked now."""
        self.survey = survey

    def receive(self, survey: Survey, now: float) -> Onward | None:
        """Take one survey."""
        self.survey = survey
        return self.watch(now)

    def watch(self, now: float) -> Onward | None:
        """Look at the survey."""
        return None

    def choose(self, choice: str, now: float) -> Onward | None:
        """Take one of the prompt's choices."""
        return None

    def enter(self, text: str, now: float) -> Onward | None:
        """Take what was typed, if the prompt has an entry."""
        return None

    def advice(self) -> str:
        """What helps somebody who did nothing for half a minute; empty: one need not do anything soon."""
        return ""

    def learn(self, **news: Any) -> Found:
        """What is known, and this too."""
        return replace(self.found, **news)


@dataclass(slots=True)
class Movement:
    """What moved since a question was asked."""

    before: frozenset[int]
    now: frozenset[int] = frozenset()
    first: dict[int, float] = field(default_factory=dict)
    """When each pin's last burst of movements began."""
    last: dict[int, float] = field(default_factory=dict)

    @classmethod
    def since(cls, grounded: frozenset[int]) -> Movement:
        """Nothing has moved yet."""
        return cls(grounded, grounded)

    def see(self, grounded: frozenset[int], at: float) -> None:
        """Take what is connected to ground."""
        for gpio in grounded ^ self.now:
            if at - self.last.get(gpio, float("-inf")) >= SETTLED_S:
                self.first[gpio] = at
            self.last[gpio] = at
        self.now = grounded

    def settled(self, at: float) -> frozenset[int]:
        """The pins that came to rest elsewhere than they were."""
        return frozenset(gpio for gpio in self.before ^ self.now if at - self.last[gpio] >= SETTLED_S)

    def all_settled(self, at: float) -> frozenset[int]:
        """The same, once what moved with them, as a second contact, has come to rest too; or chatters for too long."""
        settled = self.settled(at)
        if settled == self.before ^ self.now:
            return settled
        waited = max((at - self.last[gpio] for gpio in settled), default=0.0)
        return settled if waited >= 2 * SETTLED_S else frozenset()

    @property
    def moved(self) -> frozenset[int]:
        """The pins that moved at all."""
        return frozenset(self.last)

    def seconds(self, gpio: int) -> float:
        """How long a pin's last burst took."""
        return self.last[gpio] - self.first[gpio]
