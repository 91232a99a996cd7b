"""The command `offhook wire`: its options, this machine, the wizard, and its views."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from firmware.config.values import Wrong, web_address
from firmware.runtime.sip_sockets import ListenError
from firmware.runtime.site import listen_for_site, open_wizard_site
from firmware.wire.door import Door, page_token
from firmware.wire.files import name_to_keep, write_profile
from firmware.wire.views import Keyboard, Terminal, picture
from hw import AudioPort, DeviceError, header
from hw.boards import ProfileError, load_board
from hw.boards.claims import claims_of
from hw.boards.profile import AudioProfile, DisplayProfile, GpioProfile, Profile
from hw.boards.reading import SIZES
from hw.pi.cards import cards
from hw.pi.examinations import i2c_answers, lines_in_use
from hw.pi.header_use import cards_on_offer, hat_among, mixer_controls, panels_on_bus, taken_pins
from hw.pi.panel import Bus, Panel, open_bus
from hw.pi.pins import Factory, open_factory
from hw.pi.surveyor import Surveyor
from hw.pi.tones import Tones
from hw.pi.wiring_panel import PanelView
from hw.pi.wiring_session import Session
from hw.pi.worker import Worker
from hw.wiring import table
from hw.wizard.prompts import Situation
from hw.wizard.wizard import Wizard

DONE, FAILED, MISUSED = 0, 1, 2
I2C_PANELS = ("ssd1306", "sh1106", "ssd1309", "ssd1327")
FAREWELL_S = 5.0
"""So long, at most, the pages have to hear how it ended."""


def _open_port(profile: AudioProfile) -> AudioPort:
    try:
        from hw.pi.sound import AlsaSound
    except ImportError as missing:
        raise DeviceError(f"{missing.name} is not here; pip install 'offhook[pi]'") from missing
    return AlsaSound(profile)


def _lines(chip: str) -> Mapping[int, str]:
    return lines_in_use(Profile("", "pi", gpio=GpioProfile(chip))) or {}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the wizard reaches of this machine."""

    root: Path = Path("/")
    open_factory: Callable[[str], Factory] = open_factory
    lines: Callable[[str], Mapping[int, str]] = _lines
    """The GPIO lines somebody holds, and who."""
    answers: Callable[[int, int], bool] = i2c_answers
    open_bus: Callable[[DisplayProfile, Factory], Bus] = open_bus
    open_port: Callable[[AudioProfile], AudioPort] = _open_port
    controls: Callable[[str], Sequence[str]] = mixer_controls
    keyboard: TextIO | None = None
    """None: standard input."""
    clock: Callable[[], float] = time.monotonic


def main(arguments: Sequence[str], machine: Machine | None = None) -> int:
    """The command; returns its exit code."""
    machine = machine or Machine()
    options = _parser().parse_args(arguments)
    try:
        token = _token(options)
        display = _display(options, machine)
        _check_folder(options.file)
        with ExitStack() as stack:
            listener = stack.enter_context(listen_for_site(options.listen)) if options.listen is not None else None
            return _wire(options, machine, display, listener, token, stack)
    except _Misuse as fault:
        print(f"offhook wire: {fault}", file=sys.stderr)
        return MISUSED
    except (DeviceError, ListenError, EOFError) as fault:
        print(f"offhook wire: {fault or 'no answer'}\nNothing was written.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nNothing was written.", file=sys.stderr)
        return FAILED


class _Misuse(Exception):
    """The options do not fit."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="offhook wire",
        description="Find out how a telephone is wired: asks, watches the header's free pins, and writes the profile.",
        epilog="Answer at the terminal, or with --listen on the page; the telephone's own panel shows the questions.",
    )
    parser.add_argument("file", type=Path, nargs="?", default=Path("board.toml"), help="the profile to write")
    parser.add_argument("--name", default="Mine", help="what the board is called")
    parser.add_argument(
        "--panel",
        default="auto",
        metavar="PANEL",
        help=f"auto (asked for if one answers on I2C), none, {', '.join(I2C_PANELS)}; or a board profile that has it",
    )
    parser.add_argument("--hat", choices=sorted(header.HATS), help="the sound card on the header; else it is found")
    parser.add_argument("--chip", default="", help="the GPIO chip's label; else it is found")
    parser.add_argument("--force", action="store_true", help="replace the file without keeping what is in it")
    parser.add_argument("--listen", metavar="HOST:PORT", type=_address, help="serve the wizard as a page, too")
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="holds what the page asks for; without it, one is made and printed if others than this machine may ask",
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    try:
        return web_address(text)
    except Wrong as wrong:
        raise argparse.ArgumentTypeError(f"{wrong.message}; {wrong.remedy}") from None


def _token(options: argparse.Namespace) -> str:
    try:
        return page_token(options.listen[0], options.token_file) if options.listen is not None else ""
    except OSError as fault:
        raise _Misuse(f"{options.token_file}: {fault.strerror}") from None
    except ValueError as fault:
        raise _Misuse(str(fault)) from None


def _display(options: argparse.Namespace, machine: Machine) -> DisplayProfile | None:
    if options.panel in ("auto", "none"):
        return None
    if options.panel in I2C_PANELS:
        answering = panels_on_bus(machine.answers, machine.root)
        controller = next(one for one in SIZES if one == options.panel)
        return DisplayProfile(SIZES[controller][0], controller, address=answering[0] if answering else 0x3C)
    try:
        display = load_board(options.panel).display
    except ProfileError as fault:
        raise _Misuse(f"--panel: {fault}") from None
    if display is None:
        raise _Misuse(f"--panel: the board {options.panel} has none")
    return display


def _check_folder(file: Path) -> None:
    """Better now than after forty questions."""
    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise _Misuse(f"{file} cannot be written; give another name")


def _wire(
    options: argparse.Namespace,
    machine: Machine,
    display: DisplayProfile | None,
    listener: socket.socket | None,
    token: str,
    stack: ExitStack,
) -> int:
    taken = _taken(options, machine, display)
    factory = machine.open_factory(options.chip)
    surveyor = Surveyor(factory, header.GPIOS - taken.keys())
    stack.callback(_close, surveyor)
    situation = _situation(options, machine, display, taken, surveyor)
    wizard = Wizard(situation, name=options.name, now=machine.clock())
    session = Session(wizard, surveyor, tones=Tones(machine.open_port), clock=machine.clock)
    panel = PanelView(picture, lambda display, worker: _panel(display, worker, machine, factory))
    stack.callback(panel.close)
    _introduce(surveyor, situation)
    session.watch(Terminal(sys.stdout).show)
    session.watch(panel.show)
    keyboard = Keyboard((machine.keyboard or sys.stdin).fileno(), needed=listener is None)
    if listener is not None:
        return asyncio.run(_on_page(session, keyboard, options, listener, token))
    with _terminated():
        return _finish(session.run(keyboard.line), session, options)


def _taken(options: argparse.Namespace, machine: Machine, display: DisplayProfile | None) -> dict[int, str]:
    hat = options.hat or hat_among(cards(machine.root / "proc/asound/cards", machine.root / "sys/class/sound"))
    taken = {gpio: f"{user} holds it" for gpio, user in machine.lines(options.chip).items()}
    taken |= taken_pins(hat, machine.root)
    claims = claims_of(Profile("", "pi", display=display)) if display is not None else ()
    return {claim.gpio: f"the panel has it ({claim.wire})" for claim in claims} | taken


def _situation(
    options: argparse.Namespace,
    machine: Machine,
    display: DisplayProfile | None,
    taken: Mapping[int, str],
    surveyor: Surveyor,
) -> Situation:
    there = cards(machine.root / "proc/asound/cards", machine.root / "sys/class/sound")
    return Situation(
        watched=frozenset(surveyor.watched),
        taken={**taken, **surveyor.held},
        display=display,
        panels=panels_on_bus(machine.answers, machine.root) if options.panel == "auto" else (),
        cards=cards_on_offer(machine.root, machine.controls),
        hat=options.hat or hat_among(there),
        file=str(options.file),
        kept="" if options.force or not options.file.exists() else str(name_to_keep(options.file)),
    )


def _introduce(surveyor: Surveyor, situation: Situation) -> None:
    if not surveyor.watched:
        raise DeviceError("none of the header's pins is free: stop the telephone first (systemctl stop offhook)")
    print("Connect switches to pins and to ground only. These pins are watched:")
    print("  " + " ".join(f"GPIO{gpio}" for gpio in surveyor.watched))
    for gpio, why in sorted(situation.taken.items()):
        print(f"  left out: GPIO{gpio}, {why}")


def _close(surveyor: Surveyor) -> None:
    with contextlib.suppress(DeviceError):  # we end; the kernel takes its lines back
        surveyor.close()


def _panel(display: DisplayProfile, worker: Worker, machine: Machine, factory: Factory) -> Panel:
    return Panel(display, lambda: machine.open_bus(display, factory), worker.wake, clock=machine.clock)


@contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, and that does even where who started us ignores it: pins are let go of first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


async def _on_page(
    session: Session, keyboard: Keyboard, options: argparse.Namespace, listener: socket.socket, token: str
) -> int:
    door = Door(session)
    site = await open_wizard_site(listener, door, token=token, clock=time.monotonic)
    host, port = listener.getsockname()[:2]
    print(f"\nThe page: http://{f'[{host}]' if ':' in host else host}:{port}/", flush=True)
    if token and options.token_file is None:
        print(f"It asks for this token: {token}", flush=True)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, session.stop)
    try:
        code = _finish(await asyncio.to_thread(session.run, keyboard.line), session, options)
        await door.farewell(FAREWELL_S)
        return code
    finally:
        await site.close()


def _finish(complete: bool, session: Session, options: argparse.Namespace) -> int:
    """Write what was found, and tell every view."""
    if not complete:
        print("Nothing was written.", file=sys.stderr)
        session.end("Nothing was written.")
        return FAILED
    file, state = options.file, session.state
    try:
        write_profile(file, state.profile, name_to_keep(file) if file.exists() and not options.force else None)
    except OSError as fault:
        print(f"offhook wire: {file} cannot be written: {fault.strerror}. This is what was found:", file=sys.stderr)
        print(state.profile)
        session.end(f"{file} could not be written: {fault.strerror}. Download the profile below.")
        return FAILED
    where = f'[hardware]\nboard = "{file.resolve()}"'
    print(f"\n{table(state.draft)}\n\nWritten to {file}. In phone.toml:\n\n{where}")
    print(f"\nThe drawing: python -m hw.wiring {file} --svg > drawing.svg")
    session.end(f'Written to {file.resolve()}. In phone.toml: [hardware] board = "{file.resolve()}"')
    return DONE
