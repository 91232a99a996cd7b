"""What the kernel is told of the board when a card starts: the overlays that board.txt names on its FAT partition.

    board.toml, or a profile that comes with Offhook  ──>  board.txt  <──  include in config.txt  <──  the Pi's firmware

Debian's kernel takes no overlay once it runs (CONFIG_OF_OVERLAY is off), and the firmware has read its files before
anybody here is awake. So where board.txt is not what the board needs, it is written, and the machine starts once more.
SPI is on for a panel on SPI alone: for everybody else its five pins are as good as any.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hw
from firmware.runtime.kept import PHONE, writable
from firmware.runtime.safe_file import write_safely

OVERLAYS = "board.txt"
"""The file on the FAT partition. Where there is none, nothing is to be switched: an old PC, Raspberry Pi OS."""
RESTARTED = "restarted"
"""In the settings: what it was started again for. A card that loses what is written must not start for ever."""
HEADING = "# Written by the telephone, after its board's file. Lines of your own belong in config.txt.\n"
PROFILES = Path(hw.__file__).parent / "boards"


def fit_board(firmware: Path, settings: Path) -> bool:
    """Have board.txt name what the board needs; whether the machine is to start again for that.

    Raises OSError, and ValueError: a file of the settings is damaged, or the card does not keep what is written.
    """
    path = firmware / OVERLAYS
    if not path.is_file() or not (settings / PHONE).is_file():
        return False
    wanted = text_of(overlays_of(_board(settings)))
    mark = settings / RESTARTED
    if path.read_bytes() == wanted:
        mark.unlink(missing_ok=True)
        return False
    in_vain = mark.is_file() and mark.read_bytes() == wanted
    with writable(firmware), path.open("wb") as file:
        file.write(wanted)
        file.flush()
        os.fsync(file.fileno())
    if in_vain:
        raise ValueError("the card does not keep what is written on it: try another")
    write_safely(mark, wanted, mode=0o600)
    return True


def overlays_of(board: Mapping[str, Any]) -> tuple[str, ...]:
    """The overlays for a board's file, which is known to be sound."""
    if board.get("driver") != "pi":
        return ()
    display, audio = _table(board, "display"), _table(board, "audio")
    spi = display.get("bus") == "spi" and display.get("port", 0) == 0
    found = {"offhook-spi": spi, "offhook-wm8960": audio.get("hat") == "wm8960"}
    return tuple(name for name, needed in found.items() if needed)


def text_of(overlays: tuple[str, ...]) -> bytes:
    """board.txt naming these overlays."""
    return "".join([HEADING, *(f"dtoverlay={name}\n" for name in overlays)]).encode()


def _board(settings: Path) -> dict[str, Any]:
    """The tables of the board that the telephone's settings name. Raises OSError and ValueError."""
    name = str(_table(_tables(settings / PHONE), "hardware").get("board", "sim"))
    own = "/" in name or name.endswith(".toml")
    return _tables(settings / name if own else PROFILES / f"{name}.toml")


def _tables(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8-sig"))


def _table(tables: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = tables.get(key)
    return found if isinstance(found, dict) else {}
