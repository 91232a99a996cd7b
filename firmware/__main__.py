"""The command line: run, sim, check, doctor. Exit codes: 0 done, 1 it failed, 2 usage or configuration."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware.version import VERSION

if TYPE_CHECKING:
    from firmware.config import Config

DEFAULT_CONFIG = Path("/etc/offhook/phone.toml")
DONE, FAILED, MISUSED = 0, 1, 2


class _JournalFormatter(logging.Formatter):
    """One line an event; under journald with the priority in front (sd-daemon(3))."""

    _PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}  # noqa: RUF012

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", " | ")
        if "JOURNAL_STREAM" in os.environ:
            return f"<{self._PRIORITY.get(record.levelno, 6)}>{text}"
        return text


def _start_logging(verbose: bool) -> None:
    from firmware.runtime.log_limit import LineLimit

    handler = logging.StreamHandler(sys.stderr)
    form = (
        "%(name)s: %(message)s" if "JOURNAL_STREAM" in os.environ else "%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    handler.setFormatter(_JournalFormatter(form))
    handler.addFilter(LineLimit())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="offhook", description="A SIP desk phone.")
    parser.add_argument("--version", action="version", version=f"offhook {VERSION}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every detail")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser("run", help="one phone, in the foreground, until SIGTERM")
    run.add_argument("config", nargs="?", type=Path, default=DEFAULT_CONFIG, metavar="CONFIG")
    sim = commands.add_parser("sim", help="handsets in a browser: one a CONFIG, or extensions 1001 and 1002")
    sim.add_argument("configs", nargs="*", type=Path, metavar="CONFIG")
    sim.add_argument(
        "--listen",
        metavar="HOST:PORT",
        help="where the page is; else where the first CONFIG with a [web] says, else 127.0.0.1:8080",
    )
    check = commands.add_parser("check", help="every problem in a configuration file")
    check.add_argument("config", type=Path, metavar="CONFIG")
    doctor = commands.add_parser("doctor", help="is this machine fit to be a phone")
    doctor.add_argument("config", nargs="?", type=Path, default=None, metavar="CONFIG")
    doctor.add_argument(
        "--sound", action="store_true", help="play sweeps on earpiece and loudspeaker, and measure what comes back"
    )
    commands.add_parser("wire", help="find out how a telephone is wired, and write its board profile", add_help=False)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `offhook`; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["wire"]:
        return _wire(words[1:])
    parser = _parser()
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help(sys.stderr)
        return MISUSED
    if options.command == "check":
        return _check(options.config)
    _start_logging(options.verbose)
    if options.command == "doctor":
        return _doctor(options.config, options.sound)
    return _serve(options)


def _wire(arguments: list[str]) -> int:
    """The wizard has options of its own, and needs the real board's drivers, which may not be installed."""
    try:
        from firmware.wire.command import main as wire
    except ImportError as missing:
        print(f"offhook wire: needs {missing.name}; pip install 'offhook[pi]'", file=sys.stderr)
        return FAILED
    return wire(arguments)


def _check(path: Path) -> int:
    """Print every problem, one a line; they are what was asked for, so they go to standard output."""
    from firmware.config import ConfigurationError
    from hw.boards import board_notes

    try:
        config = _load(path)
    except ConfigurationError as fault:
        for problem in fault.problems:
            print(problem)
        return FAILED
    for note in board_notes(config.hardware.board):
        print(f"note: {note}")
    print(f"{path}: no problems")
    return DONE


def _load(path: Path) -> Config:
    """The configuration in a file, its board's file being sound as well. Raises ConfigurationError."""
    from firmware.config import load
    from hw.boards import board_faults

    return load(path, board_faults)


def _serve(options: argparse.Namespace) -> int:
    # Loading makes much and drops nothing: the collector would walk it in vain. The app wants it when the phone is up.
    gc.disable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(DONE))  # told to stop while it still starts
    from firmware.config import ConfigurationError

    try:
        return _run(options) if options.command == "run" else _sim(options)
    except ConfigurationError as fault:
        for problem in fault.problems:
            print(f"offhook: {problem}", file=sys.stderr)
        return MISUSED


def _run(options: argparse.Namespace) -> int:
    from firmware.app import run
    from firmware.runtime.memory_file import default_path

    return _until_done(run(_loaded(options.config), default_path(options.config, os.environ)))


def _sim(options: argparse.Namespace) -> int:
    from firmware.app import household, sim
    from firmware.config.values import Wrong, web_address

    try:
        listen = web_address(options.listen) if options.listen is not None else None
    except Wrong as wrong:
        print(f"offhook: --listen: {wrong.message}; {wrong.remedy}", file=sys.stderr)
        return MISUSED
    configs = [_loaded(path) for path in options.configs] or household()
    return _until_done(sim(configs, listen))


def _loaded(path: Path) -> Config:
    """The configuration in a file; the problems of one of several files name it."""
    from firmware.config import ConfigurationError

    try:
        return _load(path)
    except ConfigurationError:
        print(f"offhook: {path} cannot be used:", file=sys.stderr)
        raise


def _doctor(path: Path | None, sound: bool) -> int:
    from firmware.runtime.doctor import doctor

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    return DONE if doctor(path, sound) else FAILED


def _until_done(work: Coroutine[Any, Any, None]) -> int:
    from firmware.runtime.notify import notify
    from firmware.runtime.sip_sockets import ListenError
    from hw import DeviceError

    try:
        asyncio.run(work)
    except (ListenError, DeviceError) as fault:
        print(f"offhook: {fault}", file=sys.stderr)
        notify(f"STATUS={fault}")
        return FAILED
    except KeyboardInterrupt:
        return DONE
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # we end already; the interpreter's own end takes a while
    return DONE


if __name__ == "__main__":
    sys.exit(main())
