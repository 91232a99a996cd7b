"""The last question: whether to write what was found, and what keeps it from being a telephone."""

from __future__ import annotations

from hw.wizard.found import Found, profile_of
from hw.wizard.prompts import Choice, Prompt, Situation
from hw.wizard.steps import Onward, Step


class Save(Step):
    """Write the profile?"""

    def __init__(self, situation: Situation, found: Found) -> None:
        problems = problems_of(found)
        if problems:
            choices: tuple[Choice, ...] = ()
            text = "What was found makes no telephone yet: " + "; ".join(problems) + ". Go back and mend it, or quit."
            short = "No telephone yet: go back"
        else:
            choices = (Choice("write", "w", "Write it"),)
            kept = f" What is there already is kept as {situation.kept}." if situation.kept else ""
            text, short = f"Write the profile to {situation.file}?{kept}", "Write the profile?"
        default = "" if situation.kept or problems else "write"
        super().__init__(situation, found, Prompt("Save", text, short, choices, default))

    def choose(self, choice: str, now: float) -> Onward | None:
        """Write it."""
        return Onward(Written(self.situation, self.found), self.found)


class Written(Step):
    """Nothing more is asked."""

    passing = True

    def __init__(self, situation: Situation, found: Found) -> None:
        super().__init__(situation, found, Prompt("Save", "", ""))


def problems_of(found: Found) -> list[str]:
    """What keeps this from being a telephone, in words."""
    try:
        _, problems = profile_of(found)
    except ValueError as fault:
        return [f"these keys are no matrix: {fault}"]
    return [f"{problem.key}: {problem.text}" for problem in problems]
