"""The wizard at work: surveys in, outputs obeyed, and every view told what is asked.

Answers may come from anywhere, the keyboard and the page at once; each says which question it means, so that none
counts for the next. One thread runs the wizard; the panel, the test tone and the page have their own.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from hw import DeviceError
from hw.boards.profile import Profile
from hw.pi.surveyor import Surveyor, obey
from hw.pi.tones import Tones
from hw.wizard.prompts import Choice, Outputs, Prompt
from hw.wizard.wizard import Wizard

PAUSE_S = 0.002
"""Between two surveys."""
MOST_SAID = 300


@dataclass(frozen=True, slots=True)
class State:
    """What a view shows."""

    asked: int
    """The question's number."""
    prompt: Prompt | None
    """None: it is over."""
    choices: tuple[Choice, ...]
    said: tuple[str, ...]
    """What was found so far, in sentences; the last 300."""
    count: int
    """How many sentences there were in all."""
    profile: str
    """TOML, as far as it is known."""
    draft: Profile
    """The same, to be drawn."""
    test_picture: bool = False
    by_keys: bool = False
    """The telephone's own keys may answer: # yes, * no, a digit the choice of that place."""
    ended: str = ""
    """How it ended, in words; empty: it goes on."""


class Session:
    """One run of the wizard."""

    def __init__(
        self,
        wizard: Wizard,
        surveyor: Surveyor,
        *,
        tones: Tones | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tones`: plays test tones; None: nothing does."""
        self._wizard = wizard
        self._surveyor = surveyor
        self._tones = tones
        self._clock = clock
        self._answers: queue.SimpleQueue[tuple[str, int | None]] = queue.SimpleQueue()
        self._watchers: list[Callable[[State], None]] = []
        self._stopped = False
        self._said: list[str] = []
        self._count = 0
        self._outputs = Outputs()
        self._outputs_since = 0.0
        self._mute = False
        self.state = self._snapshot()

    def watch(self, changed: Callable[[State], None]) -> None:
        """Call `changed` with the state now, and at every change; from the session's thread."""
        self._watchers.append(changed)
        changed(self.state)

    def answer(self, text: str, asked: int | None = None) -> None:
        """Give an answer, from any thread. `asked`: the number of the question it is for; None: to whatever it is."""
        self._answers.put((text, asked))

    def stop(self) -> None:
        """End as soon as may be, from any thread: nothing is written."""
        self._stopped = True

    def run(self, pause: Callable[[float], str | None]) -> bool:
        """Ask until it is over; True if there is a profile to write.

        `pause` waits so many seconds and returns a line that was typed meanwhile, if one was. Raises DeviceError.
        """
        try:
            while not self._stopped and self._wizard.prompt is not None:
                self._once(pause(PAUSE_S))
        finally:
            if self._tones is not None:
                self._tones.play(None)
            self._surveyor.drive({})
        return self._wizard.done and not self._stopped

    def end(self, words: str) -> None:
        """Tell every view how it ended."""
        self._tell(self._snapshot(words))

    def _once(self, typed: str | None) -> None:
        if typed is not None:
            self.answer(typed)
        now = self._clock()
        while not self._answers.empty() and not self._wizard.busy:
            text, asked = self._answers.get()
            if asked is None or asked == self._wizard.asked:
                self._wizard.answer(text, now)
                self._say()
        self._obey(now)
        self._wizard.receive(self._surveyor.survey(self._wizard.wants_pairs), self._clock())
        self._say()

    def _obey(self, now: float) -> None:
        outputs = self._wizard.outputs
        if outputs != self._outputs:
            self._outputs, self._outputs_since, self._mute = outputs, now, False
            if self._tones is not None:
                self._tones.play(outputs.tone)
        if self._tones is not None and (trouble := self._tones.trouble()):
            self._wizard.note(trouble)
        if self._mute:
            return
        try:
            obey(self._surveyor, outputs, now - self._outputs_since)
        except DeviceError as fault:
            self._mute = True
            self._surveyor.drive({})
            self._wizard.note(str(fault))

    def _say(self) -> None:
        said = self._wizard.findings()
        if said or self._wizard.asked != self.state.asked:
            self._said = [*self._said, *said][-MOST_SAID:]
            self._count += len(said)
            self._tell(self._snapshot())

    def _snapshot(self, ended: str = "") -> State:
        wizard = self._wizard
        picture = wizard.outputs.test_picture
        return State(
            wizard.asked,
            wizard.prompt,
            wizard.choices,
            tuple(self._said),
            self._count,
            wizard.profile,
            wizard.draft(),
            picture,
            wizard.by_keys,
            ended,
        )

    def _tell(self, state: State) -> None:
        self.state = state
        for changed in self._watchers:
            changed(state)
