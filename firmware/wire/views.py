"""The wizard's views besides the page: lines at a terminal, a picture on the telephone's panel; and the keyboard."""

from __future__ import annotations

import os
import select
import time
from typing import TextIO

from firmware.screen.instruction import frame, instruction
from hw.pi.wiring_session import State
from hw.wizard.prompts import Prompt


def picture(state: State, size: tuple[int, int]) -> bytes:
    """What the panel shows: `width * height / 8` octets, as `hw.Display` takes them."""
    if state.test_picture and state.draft.display is not None:
        return frame(state.draft.display.controller.upper(), size).pixels
    prompt, note = state.prompt, state.said[-1] if state.said else ""
    if prompt is None:
        return instruction("Wiring", "Done" if state.ended else "Saving", note, 0, 0, size).pixels
    if state.by_keys:
        note = _keys_for(prompt) or note
    return instruction(prompt.section, prompt.short, note, prompt.done, prompt.of, size).pixels


def _keys_for(prompt: Prompt) -> str:
    """Which of the telephone's own keys answer."""
    names = [choice.name for choice in prompt.choices]
    if "yes" in names:
        return "#: yes  *: no"
    if prompt.entry:
        gap = ", * between" if prompt.entry == "two GPIOs" else ""
        return f"Digits{gap}, then #{'' if gap else '; *: none'}"
    if len(names) > 1:
        return "  ".join(f"{n}: {name}" for n, name in enumerate(names, 1))
    return f"#: {names[0]}" if names else ""


class Terminal:
    """The view of lines."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._asked = 0
        self._count = 0

    def show(self, state: State) -> None:
        """Print what is new."""
        news = state.count - self._count
        for words in state.said[-news:] if news else ():
            print(f"  {words}", file=self._out)
        if state.prompt is not None and (news or state.asked != self._asked):
            prompt = state.prompt
            place = f"[{prompt.done + 1}/{prompt.of}] " if prompt.of else ""
            offered = [
                f"{'Enter or ' if choice.name == prompt.default else ''}{choice.letter}: {choice.words}"
                for choice in state.choices
            ]
            print(f"\n{place}{prompt.text}", file=self._out)
            print(f"  ({'; '.join(offered)})" if offered else "", file=self._out, flush=True)
        self._asked, self._count = state.asked, state.count


class Keyboard:
    """Lines as they come, without waiting for them."""

    def __init__(self, descriptor: int, *, needed: bool) -> None:
        """`needed`: that it is closed is an EOFError; else answers come from elsewhere."""
        self._descriptor: int | None = descriptor
        self._needed = needed
        self._typed = b""

    def line(self, seconds: float) -> str | None:
        """The next line, None: none came within some seconds. Raises EOFError."""
        if b"\n" not in self._typed:
            self._read(seconds)
        line, newline, rest = self._typed.partition(b"\n")
        if not newline:
            return None
        self._typed = rest
        return line.decode(errors="replace")

    def _read(self, seconds: float) -> None:
        if self._descriptor is None:
            time.sleep(seconds)
            return
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return
        octets = os.read(self._descriptor, 1024)
        if not octets and self._needed:
            raise EOFError
        if not octets:
            self._descriptor = None
        self._typed += octets
