"""Board profiles: one TOML a telephone, read, checked and opened.

    board = open_board(load_board("sim"))

A profile names its driver and what the driver finds where. `load_board` reports every mistake at once, each with
its key path; nothing is opened before `open_board`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hw import KEYS, LAMPS, AudioPort, Board
from hw.sim import NullSound, SimBoard, SimSound, ToneSound

DIGIT_KEYS = frozenset("0123456789*#")
DRIVERS = ("sim",)
AUDIO_PORTS = ("sim", "null", "tone")
BUILT_IN = Path(__file__).parent
LARGEST_PROFILE = 64 * 1024
"""Octets."""

Value = TypeVar("Value", str, int, list[Any], dict[str, Any])


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a profile."""

    key: str
    """Key path, as "display.width"; empty for the file as a whole."""
    text: str
    """What is wrong and what would be right."""

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


class ProfileError(ValueError):
    """A profile cannot be used; `problems` says why, one by one."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__(f"{source}: " + "; ".join(map(str, problems)))


@dataclass(frozen=True, slots=True)
class AudioProfile:
    """The sound card."""

    port: str = "sim"
    """One of AUDIO_PORTS."""
    rate_hz: int = 8000
    """Samples a second."""
    period_samples: int = 160
    """Samples a period."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One telephone's hardware."""

    name: str
    """What the board is called."""
    driver: str = "sim"
    """One of DRIVERS."""
    size: tuple[int, int] = (128, 64)
    """The panel's width and height in pixels."""
    keys: frozenset[str] = KEYS
    """The keys the board has: the twelve digits and any others of `hw.KEYS`."""
    lamps: frozenset[str] = LAMPS
    """The lamps the board has."""
    audio: AudioProfile = field(default_factory=AudioProfile)
    """Its sound card."""


def board_names() -> tuple[str, ...]:
    """The profiles that come with this package."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def load_board(name_or_path: str) -> Profile:
    """Read a profile: a name of `board_names()`, or the path of a file (anything with a "/" or ending in ".toml").

    Raises ProfileError with everything that is wrong, an unreadable file included.
    """
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        path = Path(name_or_path)
    elif name_or_path in board_names():
        path = BUILT_IN / f"{name_or_path}.toml"
    else:
        known = ", ".join(board_names())
        raise ProfileError(name_or_path, [Problem("", f"no such board; known are {known}, or give a file's path")])
    return parse_board(_read(path), str(path))


def parse_board(text: str, source: str = "profile") -> Profile:
    """A profile from TOML text. Raises ProfileError; `source` is named in its message."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(source, [Problem("", f"not TOML: {error}")]) from error
    problems: list[Problem] = []
    profile = _profile(_Section(table, "", problems))
    if problems:
        raise ProfileError(source, problems)
    return profile


def open_board(profile: Profile) -> Board:
    """Open every device of the profile, but for a card that paces itself: `open_audio` does. Raises DeviceError."""
    audio = _open_port(profile.audio)
    simulated = audio if isinstance(audio, SimSound) else None
    return SimBoard(
        profile.name,
        keys=profile.keys,
        lamps=profile.lamps,
        size=profile.size,
        audio=simulated,
        sound=simulated is not None,
    )


def open_audio(spec: str) -> AudioPort:
    """Open a sound card by itself: "null", "sim", "tone", or a profile as in `load_board`.

    Raises ProfileError and DeviceError.
    """
    return _open_port(AudioProfile(port=spec) if spec in AUDIO_PORTS else load_board(spec).audio)


def _open_port(audio: AudioProfile) -> SimSound | NullSound:
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
            raise ProfileError(str(path), [Problem("", "too large for a board profile")])
        return octets.decode()
    except OSError as error:
        raise ProfileError(str(path), [Problem("", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ProfileError(str(path), [Problem("", "is not UTF-8 text")]) from error


class _Section:
    """One table of the file: hands out its values, notes what is wrong and what nobody asked for."""

    def __init__(self, table: dict[str, Any], path: str, problems: list[Problem]) -> None:
        self._left = dict(table)
        self._path = path
        self._problems = problems

    def wrong(self, key: str, text: str) -> None:
        self._problems.append(Problem(f"{self._path}.{key}" if self._path else key, text))

    def take(self, key: str, default: Value) -> Value:
        """The value at `key` if it has the default's type, else the default."""
        value = self._left.pop(key, default)
        if type(value) is type(default):
            return value
        expected = {str: "text in quotes", int: "a whole number", list: "a list", dict: "a table"}[type(default)]
        self.wrong(key, f"must be {expected}, not {value!r}")
        return default

    def one_of(self, key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.take(key, default)
        if value not in allowed:
            self.wrong(key, f"must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def number(self, key: str, default: int, least: int, most: int, multiple_of: int = 1) -> int:
        value = self.take(key, default)
        if not least <= value <= most or value % multiple_of:
            steps = f" in steps of {multiple_of}" if multiple_of > 1 else ""
            self.wrong(key, f"must be from {least} to {most}{steps}, not {value}")
        return value

    def names(self, key: str, default: frozenset[str], allowed: frozenset[str]) -> frozenset[str]:
        values = self.take(key, sorted(default))
        for position, value in enumerate(values):
            if not isinstance(value, str) or value not in allowed:
                self.wrong(f"{key}[{position}]", f"must be one of {', '.join(sorted(allowed))}, not {value!r}")
            elif value in values[:position]:
                self.wrong(f"{key}[{position}]", f"{value!r} occurs twice")
        return frozenset(value for value in values if isinstance(value, str))

    def section(self, key: str) -> _Section:
        return _Section(self.take(key, {}), f"{self._path}.{key}" if self._path else key, self._problems)

    def finish(self) -> None:
        for key in self._left:
            self.wrong(key, "unknown key")


def _profile(root: _Section) -> Profile:
    name = root.take("name", "")
    if not name:
        root.wrong("name", "is missing: call the board something")
    driver = root.one_of("driver", "sim", DRIVERS)
    size, keys = _size(root.section("display")), _keys(root.section("keypad"))
    lamps, audio = _lamps(root.section("lamps")), _audio(root.section("audio"))
    root.finish()
    return Profile(name, driver, size, keys, lamps, audio)


def _size(display: _Section) -> tuple[int, int]:
    size = display.number("width", 128, 8, 1024, 8), display.number("height", 64, 8, 1024)
    display.finish()
    return size


def _keys(keypad: _Section) -> frozenset[str]:
    keys = keypad.names("keys", KEYS, KEYS)
    if missing := DIGIT_KEYS - keys:
        keypad.wrong("keys", f"a telephone has all twelve digits; missing: {' '.join(sorted(missing))}")
    keypad.finish()
    return keys


def _lamps(lamps: _Section) -> frozenset[str]:
    names = lamps.names("names", LAMPS, LAMPS)
    lamps.finish()
    return names


def _audio(audio: _Section) -> AudioProfile:
    rate_hz = audio.number("rate_hz", 8000, 8000, 48_000, 8000)
    profile = AudioProfile(
        port=audio.one_of("port", "sim", AUDIO_PORTS),
        rate_hz=rate_hz,
        period_samples=audio.number("period_samples", rate_hz // 50, rate_hz // 200, rate_hz // 10),
    )
    audio.finish()
    return profile
