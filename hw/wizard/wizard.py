"""The wizard itself: one question at a time, with the way back."""

from __future__ import annotations

import copy

from hw.boards.profile import Profile
from hw.wizard.by_keys import KeyAnswers, may_answer
from hw.wizard.found import Found, profile_of, profile_text
from hw.wizard.panel import first_question
from hw.wizard.prompts import AGAIN, BACK, NO, QUIT, YES, Choice, Outputs, Prompt, Situation, Survey
from hw.wizard.saving import Written
from hw.wizard.steps import NOTHING, PATIENCE_S, Onward, Step


class Wizard:
    """One telephone's wiring, asked for step by step."""

    def __init__(self, situation: Situation, *, name: str = "Mine", now: float = 0.0) -> None:
        self._step = first_question(situation, Found(name, hat=situation.hat))
        self._survey = Survey()
        self._trail: list[Step] = []
        self._leaving = False
        self.asked = 0
        """How many questions were asked so far: the number of this one."""
        self.left = False
        """True once the person has quit: nothing is to be written."""
        self._said: list[str] = []
        self._keys = KeyAnswers()
        self._keys_told = False
        self._advise_at = 0.0
        self._advised = False
        self._enter(self._step, now)

    @property
    def prompt(self) -> Prompt | None:
        """What is asked now; None once there is a profile, or the person has quit."""
        if self.done or self.left:
            return None
        if self._leaving:
            text = "Really quit? Nothing is written, and what was found is lost."
            return Prompt(self._step.prompt.section, text, "Really quit?", (YES, NO), "no")
        return self._step.prompt

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Everything that may be chosen now."""
        prompt = self.prompt
        if prompt is None or self.busy:
            return ()
        if self._leaving:
            return prompt.choices
        return (*prompt.choices, AGAIN, *((BACK,) if self._can_go_back else ()), QUIT)

    @property
    def done(self) -> bool:
        """True once there is a profile to write."""
        return isinstance(self._step, Written)

    @property
    def busy(self) -> bool:
        """True while no answer is taken, for a moment."""
        return self._step.busy

    @property
    def outputs(self) -> Outputs:
        """What is to be driven now."""
        return NOTHING if self.done or self.left else self._step.outputs

    @property
    def wants_pairs(self) -> bool:
        """Whether surveys should look for joined pins now."""
        return self._step.wants_pairs or self.by_keys

    @property
    def by_keys(self) -> bool:
        """Whether the telephone's own keys may answer now."""
        prompt = self.prompt
        return prompt is not None and may_answer(prompt, self._step.found, self.outputs)

    @property
    def found(self) -> Found:
        """What is known so far."""
        return self._step.found

    @property
    def profile(self) -> str:
        """The profile's TOML text, as far as it is known."""
        return profile_text(self._step.found)

    def draft(self) -> Profile:
        """The telephone as far as it is known, to be drawn."""
        return profile_of(self._step.found)[0]

    def findings(self) -> list[str]:
        """What was found since the last call, in sentences."""
        said, self._said = self._said, []
        return said

    def note(self, words: str) -> None:
        """Something the world has to say to the person, as that a tone could not be played."""
        self._said.append(words)

    def receive(self, survey: Survey, now: float) -> None:
        """Take one survey."""
        self._survey = survey
        if self.by_keys:
            self._hear_keys(now)
        if self.done or self.left or self._leaving:
            return
        asked = self.asked
        self._onward(self._step.receive(survey, now), now)
        if self.asked == asked and not self._advised and now >= self._advise_at and (advice := self._step.advice()):
            self._said.append(advice)
            self._advised = True

    def answer(self, text: str, now: float) -> None:
        """Take a choice's name or letter, what was typed for the entry, or nothing for Enter alone."""
        prompt = self.prompt
        if prompt is None or self.busy:
            return
        typed = text.strip().lower()
        chosen = typed or prompt.default
        choice = next((one for one in self.choices if chosen in (one.name, one.letter)), None)
        if choice is not None:
            self._choose(choice.name, now)
        elif prompt.entry and typed and not self._leaving:
            self._onward(self._step.enter(text, now), now)
        else:
            offered = ", ".join(f"{one.letter} ({one.words.lower()})" for one in self.choices)
            self._said.append(f"{'That is no answer here' if typed else 'Choose'}: {offered}.")

    def _choose(self, name: str, now: float) -> None:
        if self._leaving:
            self._leaving, self.left = False, name == "yes"
            self.asked += 1
        elif name == QUIT.name:
            self._leaving = True
            self.asked += 1
        elif name == BACK.name:
            self._go_back(now)
        elif name == AGAIN.name:
            self._enter(self._step if self._step.passing else self._trail.pop(), now)
        else:
            self._onward(self._step.choose(name, now), now)

    def _onward(self, onward: Onward | None, now: float) -> None:
        self._hear_remarks(now)
        if onward is not None:
            self._said += onward.said
            self._enter(onward.step, now)

    def _enter(self, step: Step, now: float) -> None:
        if not step.passing:
            self._trail.append(copy.deepcopy(step))
        self._step = step
        self.asked += 1
        self._advise_at, self._advised = now + PATIENCE_S, False
        step.begin(self._survey, now)

    @property
    def _can_go_back(self) -> bool:
        return len(self._trail) > (0 if self._step.passing else 1)

    def _go_back(self, now: float) -> None:
        if not self._step.passing:
            self._trail.pop()
        self._enter(self._trail.pop(), now)

    def _hear_keys(self, now: float) -> None:
        if not self._keys_told:
            self._keys_told = True
            self._said.append("From here on the telephone's own keys answer too: # for yes or Enter, * for no or skip.")
        prompt = self.prompt
        assert prompt is not None
        answer = self._keys.receive(self._survey, self._step.found, prompt, now)
        if answer is not None:
            self.answer(answer, now)

    def _hear_remarks(self, now: float) -> None:
        if self._step.remarks:
            self._said += self._step.remarks
            self._step.remarks = []
            self._advise_at, self._advised = now + PATIENCE_S, False
