"""Board profiles: one TOML a telephone, read, checked and opened.

    board = open_board(load_board("sim"))

A profile names its driver and what the driver finds where (`hw/README.md`). `load_board` reports every mistake at
once, each with its key path, line and remedy; nothing is opened before `open_board`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from hw import AudioPort, Board, DeviceError
from hw.boards.claims import held_by_buses, spare_gpios
from hw.boards.profile import AudioProfile, Profile
from hw.boards.reading import SIMULATED_PORTS, read_profile
from hw.boards.sections import Problem, Problems, ProfileError, dotted
from hw.sim import NullSound, SimBoard, SimSound, ToneSound
from hw.toml_lines import BYTE_ORDER_MARK, key_lines, line_of

__all__ = [
    "AudioProfile",
    "Problem",
    "Profile",
    "ProfileError",
    "board_faults",
    "board_names",
    "board_notes",
    "board_titles",
    "find_board",
    "load_board",
    "open_audio",
    "open_board",
    "parse_board",
    "simulate",
]

BUILT_IN = Path(__file__).parent
LARGEST_PROFILE = 64 * 1024
"""Octets."""
INSTALL = "install the drivers: pip install 'offhook[pi]'"


def board_names() -> tuple[str, ...]:
    """The profiles that come with this package."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def board_titles() -> dict[str, str]:
    """Each of them by name, with what it is in a few words: how its file begins."""
    titles = {}
    for name in board_names():
        first = (BUILT_IN / f"{name}.toml").read_text("utf-8").partition("\n")[0]
        titles[name] = f"{name.capitalize()}: {re.split('[:.]', first.removeprefix('#').strip())[0]}"
    return titles


def board_faults(name_or_path: str) -> list[str]:
    """What is wrong with a profile, a line each, the file named in front; nothing: it can be loaded."""
    try:
        load_board(name_or_path)
    except ProfileError as fault:
        return [f"{fault.source}: {one}" for one in fault.problems]
    return []


def board_notes(name_or_path: str) -> list[str]:
    """What is good to know of a profile that can be loaded, a line each: pins that a bus may hold, and a way out."""
    try:
        path = find_board(name_or_path)
        text = _read(path)
        profile, spare = parse_board(text, str(path)), spare_gpios(_tables(text, str(path)))
    except ProfileError:
        return []
    lines = key_lines(text)
    notes = []
    for claim, bus in held_by_buses(profile):
        words = f"GPIO{claim.gpio} is the {bus.name}'s {bus.wires[claim.gpio]} where config.txt says {bus.switch}"
        free = f"choose another pin, as {spare[0]}, or" if spare else "no other pin is free:"
        remedy = f"the kernel holds it then, as on {bus.cards}: {free} take that line out"
        notes.append(f"{path}: {Problem(dotted(claim.path), line_of(claim.path, lines), words, remedy)}")
    return notes


def load_board(name_or_path: str) -> Profile:
    """Read a profile: a name of `board_names()`, or the path of a file (anything with a "/" or ending in ".toml").

    Raises ProfileError with everything that is wrong, an unreadable file included.
    """
    path = find_board(name_or_path)
    return parse_board(_read(path), str(path))


def find_board(name_or_path: str) -> Path:
    """The file of a profile. Raises ProfileError for an unknown name."""
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    if name_or_path in board_names():
        return BUILT_IN / f"{name_or_path}.toml"
    remedy = f"known are {', '.join(board_names())}, or give a file's path"
    raise ProfileError(name_or_path, [Problem("", None, "no such board", remedy)])


def parse_board(text: str, source: str = "profile") -> Profile:
    """A profile from TOML text. Raises ProfileError; `source` is named in its message."""
    problems = Problems(key_lines(text))
    profile = read_profile(_tables(text, source), problems)
    if problems.found:
        raise ProfileError(source, sorted(problems.found, key=lambda problem: problem.line or 0))
    return profile


def _tables(text: str, source: str) -> dict[str, Any]:
    """Raises ProfileError."""
    try:
        return tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except RecursionError as error:
        raise ProfileError(source, [Problem("", None, "this nests too deeply", "is it the right file?")]) from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(source, [Problem("", None, f"not TOML: {error}", "mend that line")]) from error


def open_board(profile: Profile) -> Board:
    """Open every device of the profile, but for a card that paces itself: `open_audio` does. Raises DeviceError."""
    if profile.driver == "sim":
        return simulate(profile)
    try:
        from hw.pi.board import PiBoard
    except ImportError as error:
        raise DeviceError(f"this board needs {error.name}, which is not here; {INSTALL}") from error
    return PiBoard(profile)


def simulate(profile: Profile) -> SimBoard:
    """The same telephone in software: its keys, lamps and panel, whatever the driver."""
    audio = _simulated_port(profile.audio) if profile.audio.port != "alsa" else SimSound()
    simulated = audio if isinstance(audio, SimSound) else None
    return SimBoard(
        profile.name,
        keys=profile.keys,
        lamps=profile.lamps,
        size=profile.display.size if profile.display is not None else (128, 64),
        audio=simulated,
        sound=simulated is not None,
    )


def open_audio(spec: str) -> AudioPort:
    """Open a sound card by itself: "null", "sim", "tone", or a profile as in `load_board`.

    Raises ProfileError and DeviceError.
    """
    audio = AudioProfile(port=spec) if spec in SIMULATED_PORTS else load_board(spec).audio
    if audio.port != "alsa":
        return _simulated_port(audio)
    try:
        from hw.pi.sound import AlsaSound
    except ImportError as error:
        raise DeviceError(f"real sound cards need {error.name}, which is not here; {INSTALL}") from error
    return AlsaSound(audio)


def _simulated_port(audio: AudioProfile) -> SimSound | NullSound:
    if audio.port == "null":
        return NullSound(audio.rate_hz, audio.period_samples)
    if audio.port == "tone":
        return ToneSound(rate_hz=audio.rate_hz, period_samples=audio.period_samples)
    return SimSound(audio.rate_hz, audio.period_samples)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(LARGEST_PROFILE + 1)
        if len(octets) > LARGEST_PROFILE:
            problem = Problem("", None, "too large for a board profile", "is it the right file?")
            raise ProfileError(str(path), [problem])
        return octets.decode()
    except OSError as error:
        problem = Problem("", None, f"cannot be read: {error.strerror}", "check its name and its permissions")
        raise ProfileError(str(path), [problem]) from error
    except UnicodeDecodeError as error:
        raise ProfileError(str(path), [Problem("", None, "is not UTF-8 text", "save it as UTF-8")]) from error
