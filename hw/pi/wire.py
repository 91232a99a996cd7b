"""`offhook wire`: the wiring wizard at a terminal. It watches every free pin, asks, and writes the profile.

A pin is looked at as an input with its own pull-up. To find a keypad's rows and columns one pin at a time is driven
low for some microseconds while the others are read, so nothing but switches and lamps should hang on the free pins.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from hw import DeviceError, header
from hw.boards import ProfileError, parse_board
from hw.pi.cards import cards
from hw.pi.pins import Factory, faults_of, open_factory
from hw.wiring import table
from hw.wiring_wizard import Survey, Wizard

PAUSE_S = 0.002
SETTLE_S = 0.00002
PANELS = {
    "none": "",
    "ssd1306": '[display]\ncontroller = "ssd1306"\n',
    "sh1106": '[display]\ncontroller = "sh1106"\n',
}
SOUND = """\
[audio.earpiece]
card = "{card}"

[audio.microphone]
card = "{card}"
"""


class Surveyor:
    """Looks at what is connected to what. `held` says which pins could not be had, and who has them."""

    def __init__(self, factory: Factory, gpios: Iterable[int], *, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._pins: dict[int, Any] = {}
        self.held: dict[int, str] = {}
        for gpio in sorted(gpios):
            try:
                with faults_of(f"GPIO{gpio}"):
                    pin = factory.pin(gpio)
                    pin.input_with_pull("up")
                    self._pins[gpio] = pin
            except DeviceError as fault:
                self.held[gpio] = str(fault)

    @property
    def watched(self) -> tuple[int, ...]:
        """The pins that are looked at."""
        return tuple(self._pins)

    def survey(self, pairs: bool) -> Survey:
        """Look once; with `pairs` also for pins joined to each other. Raises DeviceError."""
        with faults_of("the pins"):
            grounded = frozenset(gpio for gpio, pin in self._pins.items() if not pin.state)
            joined = frozenset(self._joined(grounded)) if pairs else frozenset()
            return Survey(grounded, joined)

    def close(self) -> None:
        """Let go of the pins. Raises DeviceError."""
        with faults_of("the pins"):
            for pin in self._pins.values():
                pin.close()

    def _joined(self, grounded: frozenset[int]) -> Iterable[frozenset[int]]:
        floating = [gpio for gpio in self._pins if gpio not in grounded]
        for n, gpio in enumerate(floating):
            pin = self._pins[gpio]
            pin.function = "output"
            pin.state = 0
            self._pause(SETTLE_S)
            low = [other for other in floating[n + 1 :] if not self._pins[other].state]
            pin.function = "input"
            self._pause(SETTLE_S)
            yield from (frozenset((gpio, other)) for other in low)


def converse(
    wizard: Wizard,
    surveyor: Surveyor,
    *,
    say: Callable[[str], None],
    typed: Callable[[float], str | None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Ask and watch until there is a profile. `typed` waits so many seconds for a line; None: there was none."""
    asked = ""
    while not wizard.done:
        for finding in wizard.findings():
            say(f"  {finding}")
        if wizard.question != asked:
            asked = wizard.question
            say(asked)
        line = typed(PAUSE_S)
        if line is not None:
            wizard.answer(line, clock())
            asked = ""
        wizard.receive(surveyor.survey(wizard.wants_pairs), clock())
    for finding in wizard.findings():
        say(f"  {finding}")


def main(arguments: list[str], *, factory: Factory | None = None, keyboard: TextIO | None = None) -> int:
    """The command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.file.exists() and not options.force:
        print(f"{options.file} is there already; give another name, or --force", file=sys.stderr)
        return 2
    try:
        opened = factory if factory is not None else open_factory(options.chip)
        surveyor = Surveyor(opened, _free(options.panel, options.hat))
    except DeviceError as fault:
        print(f"offhook wire: {fault}", file=sys.stderr)
        return 1
    print("Connect switches to pins and to ground only. These pins are watched:")
    print("  " + " ".join(f"GPIO{gpio}" for gpio in surveyor.watched))
    for why in surveyor.held.values():
        print(f"  left out: {why}")
    wizard = Wizard(name=options.name, tail=_tail(options.panel, options.hat), pause=PAUSE_S)
    try:
        typed = _Keyboard((keyboard or sys.stdin).fileno()).line
        converse(wizard, surveyor, say=print, typed=typed)
        surveyor.close()
        return _write(wizard, options.file)
    except (DeviceError, EOFError) as fault:
        print(f"offhook wire: {fault or 'no answer'}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook wire", description="Find out how a telephone is wired.")
    parser.add_argument("file", type=Path, nargs="?", default=Path("board.toml"), help="the profile to write")
    parser.add_argument("--name", default="Mine", help="what the board is called")
    parser.add_argument("--panel", choices=sorted(PANELS), default="ssd1306", help="the panel on I2C")
    parser.add_argument("--hat", choices=sorted(header.HATS), help="the sound card on the header, if there is one")
    parser.add_argument("--chip", default="", help="the GPIO chip's label; else it is found")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    return parser


def _free(panel: str, hat: str | None) -> set[int]:
    """The pins that neither the panel's bus nor the sound card has."""
    bus = header.I2C.keys() if panel != "none" else set()
    return set(header.GPIOS) - bus - header.HATS.get(hat or "", {}).keys()


def _tail(panel: str, hat: str | None) -> str:
    there = cards()
    card = "usb"
    if there and not any(one.usb for one in there):
        card = there[-1].id
    audio = f'[audio]\nhat = "{hat}"\n' if hat else ""
    return "\n".join(text for text in (PANELS[panel], audio, SOUND.format(card=card)) if text)


class _Keyboard:
    """Lines as they come, without waiting for them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._typed = b""

    def line(self, seconds: float) -> str | None:
        """The next line, None: none came within some seconds. Raises EOFError."""
        if b"\n" not in self._typed:
            ready, _, _ = select.select([self._descriptor], [], [], seconds)
            if not ready:
                return None
            octets = os.read(self._descriptor, 1024)
            if not octets:
                raise EOFError
            self._typed += octets
        line, newline, rest = self._typed.partition(b"\n")
        if not newline:
            return None
        self._typed = rest
        return line.decode(errors="replace")


def _write(wizard: Wizard, path: Path) -> int:
    try:
        text = wizard.profile
        profile = parse_board(text, str(path))
    except ProfileError as fault:
        print("What was found makes no telephone:", *fault.problems, sep="\n  ", file=sys.stderr)
        return 1
    except ValueError as fault:
        print(f"These keys are no matrix: {fault}. Look for two wires that touch, and start again.", file=sys.stderr)
        return 1
    path.write_text(text)
    print(f'\n{table(profile)}\n\nWritten to {path}. In phone.toml:\n\n[hardware]\nboard = "{path.resolve()}"')
    print(f"\nThe drawing: python -m hw.wiring {path} --svg > drawing.svg")
    return 0
