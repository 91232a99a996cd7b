"""The files of a card's settings, and the ways they change: what the page was answered, what is wiped; the FAT."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from firmware.runtime.safe_file import write_safely

PHONE, WIFI, BOARD = "phone.toml", "wifi.toml", "board.toml"
ANSWERS = "answers.json"
"""Both files in one, until both are written."""
WORKED = "worked"
"""With these settings the telephone has been in service: nobody may change them who has not asked at the telephone."""
STARTS = "starts"
"""How often it was started and not left on."""

SUPPLICANT, WANTED, START = "wpa_supplicant.conf", "wanted", "start"
"""Under /run/offhook-setup: what the Wi-Fi card is to be; that the page is wanted ("asked": by the user, although the
telephone works); touched when the telephone is to start anew."""
BOOT = Path("/run/offhook-setup")
"""What a card's start leaves for the units."""
FORGETFUL = "forgetful"
"""There: the card's data partition cannot be used, and /data is in memory."""
ASKED = "set-up"
"""In the telephone's own folder under /run: somebody at its keys wants the page."""
REFUSED = ".failed"
"""What is added to that name if the page does not open."""
CONTROL = "ctrl_interface=/run/offhook-wifi\np2p_disabled=1\n"


def keep_answers(settings: Path, phone: str, wifi: str, group: str) -> None:
    """Write the two files; a power cut leaves both old or both new. `wifi` empty: none."""
    both = json.dumps({"phone": phone, "wifi": wifi})
    write_safely(settings / ANSWERS, both.encode(), mode=0o600)
    finish_answers(settings, group)


def finish_answers(settings: Path, group: str) -> None:
    """Do what keep_answers began. Raises OSError, LookupError (no such group) and ValueError: the answers are lost."""
    both = _answers(settings / ANSWERS)
    (settings / WORKED).unlink(missing_ok=True)
    if both["wifi"]:
        write_safely(settings / WIFI, both["wifi"].encode(), mode=0o600)
    else:
        (settings / WIFI).unlink(missing_ok=True)
    write_safely(settings / PHONE, both["phone"].encode(), mode=0o640, group=group)
    (settings / ANSWERS).unlink()


def _answers(path: Path) -> dict[str, str]:
    try:
        both = json.loads(path.read_bytes())
        if isinstance(both, dict) and all(isinstance(both.get(name), str) for name in ("phone", "wifi")):
            return both
    except ValueError:
        pass  # not even JSON
    path.unlink()  # or it would be in the way at every start
    raise ValueError(f"{path.name} is damaged; give the answers again")


def shred(path: Path) -> None:
    """Overwrite a file and remove it: on a FAT, removing alone leaves the passwords readable."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def write_private(path: Path, text: str) -> None:
    """A file for root alone, under /run: no power cut to fear."""
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


@contextlib.contextmanager
def writable(mount_point: Path) -> Iterator[None]:
    """The FAT partition, writable for a moment where it is not always: read-only, a power cut cannot hurt it.

    Raises OSError: it can only be read; mount has said more in the log.
    """
    if not os.statvfs(mount_point).f_flag & os.ST_RDONLY:
        yield
        os.sync()
        return
    if subprocess.run(["mount", "-o", "remount,rw", str(mount_point)], check=False).returncode:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(mount_point))
    try:
        yield
    finally:
        os.sync()
        subprocess.run(["mount", "-o", "remount,ro", str(mount_point)], check=True)
