"""What the wizard's page is told and asks for, and who is told of a change (`firmware.web.wizard.WizardDoor`)."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hw.pi.wiring_session import Session, State
from hw.wiring import draw
from hw.wizard.prompts import Choice

POLL_S = 0.02


def page_token(host: str, file: Path | None) -> str:
    """What the page asks for: the file's, else a new one if others than this machine may ask, else empty for nothing.

    Raises OSError for a file that cannot be read, ValueError for an empty one.
    """
    if file is None:
        return "" if ipaddress.ip_address(host).is_loopback else secrets.token_urlsafe(9)
    token = file.read_text().strip()
    if not token:
        raise ValueError(f"{file} is empty")
    return token


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

    async def farewell(self, seconds: float) -> None:
        """Return once every page has been told the end, or after some seconds."""
        until = self._loop.time() + seconds
        while self._watchers and self._loop.time() < until:
            await asyncio.sleep(POLL_S)

    def _changed(self, state: State) -> None:
        self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for changed in tuple(self._watchers):
            changed()


def _choice(choice: Choice) -> dict[str, str]:
    return {"name": choice.name, "letter": choice.letter, "words": choice.words}
