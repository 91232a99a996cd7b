"""What the user wrote on the SD card's FAT partition moves to /data, where it is safe from power cuts.

    FAT  phone.toml  wifi.toml  board.toml  ──>  /data/offhook   (checked first; then taken off the card)
                                            ──>  /run/offhook-setup  what this boot is like

Runs as root before the telephone and the network, at every boot: new files on the card replace the old settings.
A file called `set-up` on it asks for the set-up page, one called `reset` for a telephone as it left the factory.

Each step fails alone: with a full card, or one that can only be read, the telephone still has its Wi-Fi and its page.
Where the card's data partition cannot be mounted, /data is in memory: then the user's files are only borrowed. They
stay on the FAT partition for the next start, and nothing is wiped or erased that may be all there is.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import grp
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.runtime.device_tree import OVERLAYS, fit_board
from firmware.runtime.kept import (
    ANSWERS,
    BOARD,
    CONTROL,
    FORGETFUL,
    PHONE,
    STARTS,
    SUPPLICANT,
    WANTED,
    WIFI,
    WORKED,
    finish_answers,
    shred,
    writable,
    write_private,
)
from firmware.runtime.safe_file import write_safely

log = logging.getLogger("offhook.firstboot")

PROBLEMS = "problems.txt"
ASKS, RESETS = "set-up", "reset"
TAKEN = ".taken"
"""What a file is called between being taken over and being wiped."""
LARGEST_OCTETS = 64 * 1024
FOLDER_MODE = 0o750
CURES = {
    errno.EROFS: "if nobody wants it so, the card may be at its end: try another",
    errno.ENOSPC: "delete what is not needed, or take a larger card",
}
RESTART = ("systemctl", "--no-block", "--job-mode=replace-irreversibly", "start", "reboot.target")
"""What "systemctl reboot" comes to. That would first ask for logind, over a message bus that is not there so early."""
LOST = (
    "the card's memory (its last partition) cannot be used: the telephone works with the files here, which stay; what "
    "is set on its page, and who called, is forgotten when it is switched off; replace the card, or write it anew "
    "(fsck.ext4 on a computer may save what was kept)"
)
IMPATIENT_STARTS = 5
"""So often switched off before it ran a minute: somebody wants the set-up page, and has no key to ask for it."""


@dataclass(frozen=True, slots=True)
class Card:
    """Where things are."""

    firmware: Path
    """The FAT partition."""
    settings: Path
    """The folder under /data."""
    boot: Path
    """The folder under /run that tells the units what this boot is like."""
    group: str = "offhook"
    """Who may read the telephone's settings; empty: nobody else."""
    memory: Path = Path("/data/lib/offhook")
    """What the telephone remembers: its call list."""
    log: Path = Path("/data/log")
    """The kept ends of the journal, which name who called."""

    @property
    def forgetful(self) -> bool:
        """The settings' folder is in memory, for want of the card's."""
        return (self.boot / FORGETFUL).exists()


@contextlib.contextmanager
def _alone(problems: list[str], what: str) -> Iterator[None]:
    """A step that may fail without the others: then `what`, and why, is a problem."""
    try:
        yield
    except (OSError, LookupError, ValueError, subprocess.CalledProcessError) as fault:
        problems.append(f"{what}: {_reason(fault)}")


def _reason(fault: Exception) -> str:
    if not isinstance(fault, OSError):
        return str(fault)
    words = fault.strerror or str(fault)
    return f"{words}; {CURES[fault.errno]}" if fault.errno in CURES else words


def take_over(card: Card) -> list[str]:
    """Move what is on the FAT partition and sound to the settings; return what is wrong with the rest."""
    problems: list[str] = []
    for left in () if card.forgetful else card.firmware.glob(f"*{TAKEN}"):
        with _alone(problems, f"{left.name} cannot be wiped"):
            shred(left)  # power was cut while it was wiped
    for name in (BOARD, PHONE, WIFI):
        path = _found(card, name)
        if path is not None:
            with _alone(problems, f"{path.name} cannot be taken from the card"):
                problems += [f"{path.name}: {one}" for one in _take(card, name, path)]
    return problems


def _take(card: Card, name: str, path: Path) -> list[str]:
    """Move one file if it is sound; what is wrong with it. Raises OSError and LookupError (no such group)."""
    text, found = _read(path)
    if found := found or _faults(card, name, text):
        return found
    private = name == WIFI
    group = "" if private else card.group
    write_safely(card.settings / name, text.encode(), mode=0o600 if private else 0o640, group=group)
    (card.settings / WORKED).unlink(missing_ok=True)
    if card.forgetful:
        log.info("copied %s, which stays on the card", path.name)
        return []
    log.info("took %s from the card", path.name)
    # Only now: the copy is on the disk for good.
    shred(path.replace(path.with_name(path.name + TAKEN)))
    return []


def _found(card: Card, name: str) -> Path | None:
    """A file of the user's; some editors add ".txt", and some systems hide that they did."""
    names = (name, f"{name}.txt")
    return next((path for one in names if (path := card.firmware / one).is_file()), None)


def _read(path: Path) -> tuple[str, list[str]]:
    if path.stat().st_size > LARGEST_OCTETS:
        return "", ["too large; is it the right file?"]
    try:
        return path.read_bytes().decode("utf-8-sig"), []  # with the mark that some editors put first
    except UnicodeDecodeError:
        return "", ["this is not UTF-8; save the file as UTF-8"]


def _faults(card: Card, name: str, text: str) -> list[str]:
    from firmware.config import ConfigurationError, parse  # not at most starts, which would only wait for it
    from firmware.config.wifi import read_wifi
    from hw.boards import ProfileError, board_faults, parse_board

    try:
        if name == BOARD:
            parse_board(text, name)
        elif name == PHONE:
            parse(text, card.settings, board_faults)
        else:
            read_wifi(text)
    except (ConfigurationError, ProfileError) as fault:
        return [str(problem) for problem in fault.problems]
    return []


def tell_problems(card: Card, problems: Sequence[str]) -> None:
    """Leave the problems on the card, where the user looks next, or take an old list away."""
    _say(problems)
    if _told(card) != _list_of(problems):
        with writable(card.firmware):
            if problems:
                (card.firmware / PROBLEMS).write_bytes(_list_of(problems))
            else:
                (card.firmware / PROBLEMS).unlink()


def _told(card: Card) -> bytes:
    """The list on the card; empty: there is none."""
    path = card.firmware / PROBLEMS
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(LARGEST_OCTETS) or b"?"  # one that a full card left empty is no list of no problems


def _list_of(problems: Sequence[str]) -> bytes:
    return "".join(f"{one}\r\n" for one in problems).encode()


def forget_all(card: Card) -> list[str]:
    """As it left the factory: no settings, passwords, call list or log. Returns what could not be erased, and why."""
    problems: list[str] = []
    for folder in (card.settings, card.memory, card.log):
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            with _alone(problems, f"{path.name} cannot be erased"):
                shred(path)
    if not problems:
        log.warning("all settings are erased, as the card asks")
    return problems


def count_start(settings: Path) -> bool:
    """Note one more start; whether there were so many cut short that somebody means something by it. Raises OSError."""
    path = settings / STARTS
    try:
        starts = int(path.read_text()) + 1
    except (OSError, ValueError):
        starts = 1
    if starts >= IMPATIENT_STARTS:
        path.unlink(missing_ok=True)
        return True
    write_safely(path, f"{starts}\n".encode(), mode=0o600)
    return False


def say_what_boot(card: Card, *, asked: bool = False) -> list[str]:
    """Write what the Wi-Fi and set-up units go by: join a network, or ask for the settings, or neither.

    Returns what is wrong with the Wi-Fi's settings: then they are asked for.
    """
    card.boot.mkdir(mode=0o755, parents=True, exist_ok=True)
    problems: list[str] = []
    network, known = "", os.path.isfile(card.settings / WIFI)
    if known:
        with _alone(problems, f"the Wi-Fi settings in {card.settings / WIFI} cannot be used"):
            network = _network(card.settings / WIFI)
    settled = all(os.path.isfile(card.settings / name) for name in (PHONE, WORKED)) and not problems
    wanted = asked or not settled
    if network or wanted:
        write_private(card.boot / SUPPLICANT, CONTROL + network)  # without a network: the set-up goes on from there
    if wanted:
        (card.boot / WANTED).write_text("asked\n" if asked else "")
    return problems


def _network(wifi: Path) -> str:
    """Raises OSError and ValueError."""
    from firmware.config.wifi import read_wifi

    return read_wifi(wifi.read_text("utf-8")).supplicant


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `offhook-firstboot`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="offhook-firstboot", description="Take the settings from the SD card.")
    parser.add_argument("--firmware", type=Path, default=Path("/boot/firmware"), metavar="FOLDER")
    parser.add_argument("--settings", type=Path, default=Path("/data/offhook"), metavar="FOLDER")
    parser.add_argument("--boot", type=Path, default=Path("/run/offhook-setup"), metavar="FOLDER")
    parser.add_argument("--memory", type=Path, default=Path("/data/lib/offhook"), metavar="FOLDER")
    parser.add_argument("--log", type=Path, default=Path("/data/log"), metavar="FOLDER")
    parser.add_argument("--group", default="offhook", help="who may read the settings")
    parser.add_argument("--ask", action="store_true", help="only open the set-up page")
    parser.add_argument("--fit", action="store_true", help="only start again if another board needs it")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    card = Card(options.firmware, options.settings, options.boot, options.group, options.memory, options.log)
    problems: list[str] = []
    if options.fit:
        if _fits_anew(card, problems):
            _start_again(problems)
        _say(problems)
        return 0
    with _alone(problems, f"nobody else may look into {card.settings}, but that cannot be said"):
        _own(card)
    asked, fitted = (True, False) if options.ask else _begin(card, problems)
    problems += say_what_boot(card, asked=asked)
    if options.ask:
        return 0
    untold: list[str] = []
    with _alone(untold, f"{PROBLEMS} cannot be written"):
        tell_problems(card, problems)
    if fitted:
        _start_again(untold)
    _say(untold)
    return 0


def _say(problems: Sequence[str]) -> None:
    for one in problems:
        log.error("%s", one)


def _fits_anew(card: Card, problems: list[str]) -> bool:
    """Whether the kernel must be told something else of the board than it was at this start."""
    if card.forgetful:
        return False  # what the start is for would be forgotten in it
    with _alone(problems, f"{OVERLAYS}, which turns on what the board needs, cannot be kept"):
        return fit_board(card.firmware, card.settings)
    return False


def _start_again(problems: list[str]) -> None:
    """The last thing that is done: from here on the system stops us."""
    log.warning("starting again, for the board: %s names what it needs", OVERLAYS)
    with _alone(problems, "the board needs one start more: switch it off and on"):
        subprocess.run(RESTART, check=True)


def _own(card: Card) -> None:
    """The settings' folder is for root and the telephone alone. (tmpfiles.d would come before its disk is there.)"""
    card.settings.mkdir(parents=True, exist_ok=True)
    if card.settings.stat().st_mode & 0o777 != FOLDER_MODE:
        card.settings.chmod(FOLDER_MODE)
    if card.group and card.settings.stat().st_gid != grp.getgrnam(card.group).gr_gid:
        shutil.chown(card.settings, group=card.group)


def _begin(card: Card, problems: list[str]) -> tuple[bool, bool]:
    """What a start does with the card; whether the user asks for the set-up page, and the board for another start."""
    asked = tired = False
    with _alone(problems, "what was answered on the set-up page cannot be kept"):
        if (card.settings / ANSWERS).is_file():
            finish_answers(card.settings, card.group)
    if card.forgetful:
        return _borrow(card, problems), False
    with _alone(problems, "the files on the card cannot be taken from it"):
        if _anything_new(card):
            with writable(card.firmware):
                asked = _heed(card, problems)
    fitted = _fits_anew(card, problems)
    if not fitted:  # a start that is ours to cut short tells nothing of the user
        with _alone(problems, "how often it was started cannot be counted"):
            tired = count_start(card.settings)
    return tired or asked, fitted


def _borrow(card: Card, problems: list[str]) -> bool:
    """Do with the files on the FAT partition what can be done without another; whether the page is asked for."""
    problems.append(LOST)
    asks = _found(card, ASKS)
    if asks:
        with _alone(problems, f"{asks.name} cannot be removed from the card"), writable(card.firmware):
            asks.unlink()
    if reset := _found(card, RESETS):
        problems.append(f"{reset.name}: nothing can be erased on this card")
    problems += take_over(card)
    return asks is not None


def _heed(card: Card, problems: list[str]) -> bool:
    """Do what the card asks for, take its files; whether it asks for the set-up page."""
    asks = _found(card, ASKS)
    if asks:
        with _alone(problems, f"{asks.name} cannot be removed from the card"):
            asks.unlink()
    if reset := _found(card, RESETS):
        left = forget_all(card)
        problems += left
        if left:  # the new settings on the card are not to be forgotten, too, when the rest is at the next start
            return asks is not None
        with _alone(problems, f"{reset.name} cannot be removed from the card"):
            reset.unlink()
    problems += take_over(card)
    return asks is not None


def _anything_new(card: Card) -> bool:
    names = (PHONE, WIFI, BOARD, ASKS, RESETS)
    return any(card.firmware.glob(f"*{TAKEN}")) or any(_found(card, name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
