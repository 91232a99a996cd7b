"""The configuration file: TOML in, frozen dataclasses out, or every problem with its key path, line and remedy."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from firmware.config.checks import check_together
from firmware.config.problems import ConfigurationError, Problem, Problems
from firmware.config.sections import (
    AccountSection,
    Config,
    DialSection,
    HardwareSection,
    MediaSection,
    PhoneSection,
    RegistrarSection,
    SipSection,
    WebSection,
)
from firmware.config.values import Wrong
from hw.toml_lines import BYTE_ORDER_MARK, key_lines
from hw.toml_lines import Path as KeyPath

MAX_FILE_OCTETS = 1 << 20

BoardCheck = Callable[[str], Sequence[str]]
"""What is wrong with a board, by its name or file."""

_TABLES = {
    "phone": PhoneSection,
    "sip": SipSection,
    "media": MediaSection,
    "hardware": HardwareSection,
    "web": WebSection,
    "registrar": RegistrarSection,
    "dial": DialSection,
}
_OPTIONAL = ("web", "registrar")
"""Absent, there is none of it."""


def _section(problems: Problems, kind: type[Any], table: Any, path: KeyPath) -> Any:
    """A section's dataclass; None if it is no table. Every problem is noted.

    A value that can't be read has its default instead, or None: it is noted as unsound.
    """
    if not isinstance(table, dict):
        problems.complain(path, "it is not a table", f"write it as [{path[0]}]")
        return None
    known = {one.name: one for one in dataclasses.fields(kind)}
    for name in table:
        if name not in known:
            problems.complain((*path, name), "unknown key", "known here: " + ", ".join(known))
    values: dict[str, Any] = {}
    for name, one in known.items():
        mandatory = one.default is dataclasses.MISSING
        values[name] = None if mandatory else one.default
        if name in table:
            try:
                values[name] = one.metadata["reader"](table[name])
            except Wrong as wrong:
                for each in wrong.every:
                    problems.spoil((*path, name), each.message, each.remedy)
                values[name] = wrong.rest if wrong.rest is not None else values[name]
        elif mandatory:
            problems.spoil((*path, name), "it is missing", f"add {name} = ...")
    return kind(**values)


def _accounts(problems: Problems, tables: Any) -> tuple[AccountSection | None, ...]:
    """Every `[[account]]`."""
    if not isinstance(tables, list):
        problems.complain(("account",), "accounts are an array of tables", "write [[account]] with two brackets")
        return ()
    return tuple(_section(problems, AccountSection, table, ("account", n)) for n, table in enumerate(tables))


def parse(text: str, folder: Path | None = None, board_check: BoardCheck | None = None) -> Config:
    """The configuration in a TOML text. `folder`: where relative file names start. Raises ConfigurationError."""
    tables = _tables(text)
    problems = Problems(key_lines(text))
    known = [one.name for one in dataclasses.fields(Config)]
    for name in tables:
        if name not in known:
            problems.complain((name,), "unknown key", "known here: " + ", ".join(known))
    sections: dict[str, Any] = {
        name: None
        if name in _OPTIONAL and name not in tables
        else _section(problems, kind, tables.get(name, {}), (name,))
        for name, kind in _TABLES.items()
    }
    sections["account"] = _accounts(problems, tables.get("account", []))
    _read_secrets(problems, sections, folder or Path())
    sections["hardware"] = _with_board_path(sections["hardware"], folder)
    sections["phone"] = _with_memory_path(sections["phone"], folder)
    check_together(problems, sections, tables)
    if board_check is not None and sections["hardware"] is not None:
        for fault in board_check(sections["hardware"].board):
            problems.complain(("hardware", "board"), fault, "mend the board's file, or name another board")
    if problems.found:
        raise ConfigurationError(tuple(sorted(problems.found, key=lambda one: one.line or 0)))
    return Config(**sections)


def _tables(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except RecursionError:
        raise ConfigurationError((Problem("", None, "this nests too deeply", "is it the right file?"),)) from None
    except tomllib.TOMLDecodeError as fault:
        line = getattr(fault, "lineno", None) or _line_in(str(fault))
        problem = Problem("", line, f"this is not TOML: {fault}", "mend the line, https://toml.io shows the form")
        raise ConfigurationError((problem,)) from None


def _line_in(message: str) -> int | None:
    _, found, rest = message.partition("at line ")
    digits = rest.partition(",")[0].strip()
    return int(digits) if found and digits.isdigit() else None


def load(path: Path, board_check: BoardCheck | None = None) -> Config:
    """The configuration in a file. Raises ConfigurationError."""
    remedy = "check the name and the file's permissions"
    try:
        octets = path.read_bytes()
    except OSError as fault:
        problem = Problem("", None, f"cannot read {path}: {fault.strerror}", remedy)
        raise ConfigurationError((problem,)) from None
    if len(octets) > MAX_FILE_OCTETS:
        raise ConfigurationError((Problem("", None, f"{path} is larger than 1 MiB", "is it the right file?"),))
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = octets.count(b"\n", 0, fault.start) + 1
        raise ConfigurationError((Problem("", line, "this is not UTF-8", "save the file as UTF-8"),)) from None
    return parse(text, path.parent, board_check)


def _read_secrets(problems: Problems, sections: dict[str, Any], folder: Path) -> None:
    """Fill password and token from the files that hold them."""
    accounts = []
    for n, account in enumerate(sections["account"]):
        if account is not None and account.password_file:
            account = _with_secret(problems, account, "password", ("account", n), folder)
        accounts.append(account)
    sections["account"] = tuple(accounts)
    if sections["web"] is not None and sections["web"].token_file:
        sections["web"] = _with_secret(problems, sections["web"], "token", ("web",), folder)


def _with_board_path(hardware: HardwareSection | None, folder: Path | None) -> HardwareSection | None:
    if hardware is None or folder is None or not ("/" in hardware.board or hardware.board.endswith(".toml")):
        return hardware
    return dataclasses.replace(hardware, board=str(folder / hardware.board))


def _with_memory_path(phone: PhoneSection | None, folder: Path | None) -> PhoneSection | None:
    if phone is None or folder is None or not phone.memory:
        return phone
    return dataclasses.replace(phone, memory=str(folder / phone.memory))


def _with_secret(problems: Problems, section: Any, name: str, path: KeyPath, folder: Path) -> Any:
    file_key = f"{name}_file"
    if getattr(section, name):
        problems.spoil((*path, file_key), f"both {name} and {file_key} are given", "keep one of them")
        return section
    try:
        secret = (folder / getattr(section, file_key)).read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        problems.spoil((*path, file_key), f"cannot read it: {reason}", "check the name and the file's permissions")
        return section
    if not secret:
        problems.spoil((*path, file_key), "the file is empty", f"write the {name} into it")
    return dataclasses.replace(section, **{name: secret})
