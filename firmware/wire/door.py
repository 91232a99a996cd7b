"""What the wizard's page is told, and who is told of a change (`firmware.web.wizard.WizardDoor`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hw.pi.wiring_session import Session, State
from hw.wiring import draw
from hw.wizard.prompts import Choice


class Door:
    """The page's way to the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._watchers: list[Callable[[], None]] = []
        session.watch(self._changed)

    def state(self) -> dict[str, Any]:
        """The question and what was found."""
        state = self._session.state
        prompt = None if state.prompt is None else {
            "section": state.prompt.section,
            "text": state.prompt.text,
            "choices": [_choice(choice) for choice in state.prompt.choices],
            "default": state.prompt.default,
            "entry": state.prompt.entry,
            "done": state.prompt.done,
            "of": state.prompt.of,
        }  # fmt: skip
        return {
            "asked": state.asked,
            "prompt": prompt,
            "choices": [_choice(choice) for choice in state.choices],
            "said": list(state.said),
            "profile": state.profile,
            "ended": state.ended,
        }

    def drawing(self) -> str:
        """The wiring so far, SVG."""
        return draw(self._session.state.draft)

    def answer(self, text: str, asked: int) -> None:
        """Answer a question."""
        self._session.answer(text, asked)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` in the server's thread; what is returned ends that."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def _changed(self, state: State) -> None:
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for changed in tuple(self._watchers):
            changed()


def _choice(choice: Choice) -> dict[str, str]:
    return {"name": choice.name, "letter": choice.letter, "words": choice.words}
