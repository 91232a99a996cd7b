"""The telephone's memory on the disk: read at the start, written beside the old file and renamed over it.

One process has it at a time; whoever comes second begins with nothing, and keeps nothing. Whatever is wrong with the
disk, the telephone goes on: it says so once, and is forgetful.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from firmware.runtime.safe_file import write_safely
from firmware.station.memory_codec import Unreadable

log = logging.getLogger(__name__)

_LOCK = "lock"


def default_path(configuration: Path, environment: Mapping[str, str]) -> Path | None:
    """Where the memory of the phone with this configuration is: /etc/offhook/phone.toml's in phone.json.

    In the service's own folder (systemd.exec(5), StateDirectory=), else in the user's (XDG base directories);
    None: there is neither.
    """
    name = f"{configuration.stem}.json"
    service = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    if service:
        return Path(service) / name
    for variable, below in (("XDG_STATE_HOME", ""), ("HOME", ".local/state")):
        folder = Path(environment.get(variable, ""))
        if folder.is_absolute():
            return folder / below / "offhook" / name
    return None


Known = TypeVar("Known")


class MemoryFile(Generic[Known]):
    """`open` it, `save` what comes, `close` it."""

    def __init__(self, path: Path, decode: Callable[[bytes], Known], largest: int, what: str) -> None:
        """`decode` raises Unreadable; no file of more than `largest` octets is read; `what`: in words, a plural."""
        self._path = path
        self._decode = decode
        self._largest = largest
        self._what = what
        self._hidden = f".{path.name}."
        self._lock: int | None = None
        self._writable = False
        self._wanted: bytes | None = None
        self._unsaved: bytes | None = None
        self._troubled = False
        self._writing: asyncio.Task[None] | None = None

    def open(self) -> Known | None:
        """What was known before, None if nothing was; that is said in the log, and never raised."""
        try:
            self._take()
        except BlockingIOError:
            log.warning("%s is in use by another telephone: this one begins without a past, and keeps none", self._path)
            return None
        except OSError as fault:
            self._forgetful(fault)
        else:
            self._writable = True
            self._tidy()
        return self._read()

    def save(self, octets: bytes) -> None:
        """Keep these instead of what was before; soon, in another thread, for an SD card may take its time."""
        if not self._writable:
            return
        self._wanted = octets
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_wanted())

    @property
    def busy(self) -> bool:
        """It is being written."""
        return self._writing is not None

    async def close(self) -> None:
        """Write what is not yet written, and let others have the file."""
        if self._writing is not None:
            await self._writing
        if self._unsaved is not None:
            await asyncio.to_thread(self._write, self._unsaved)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- the start ---

    def _take(self) -> None:
        """Be the one who writes it. Raises BlockingIOError if somebody else is; OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._path.with_name(self._hidden + _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _tidy(self) -> None:
        """Remove what a writer left that was killed."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._path.parent):
                if name.startswith(self._hidden) and name != self._hidden + _LOCK:
                    self._path.with_name(name).unlink()

    def _read(self) -> Known | None:
        try:
            if not self._path.is_file() and self._path.exists():
                raise OSError(0, "it is no file")
            with self._path.open("rb") as file:
                octets = file.read(self._largest + 1)
        except FileNotFoundError:
            return None
        except OSError as fault:
            self._writable = False
            self._forgetful(fault)
            return None
        try:
            if len(octets) > self._largest:
                raise Unreadable(f"it is larger than {self._largest} octets")
            return self._decode(octets)
        except Unreadable as fault:
            self._set_aside(fault)
            return None

    def _set_aside(self, why: Unreadable) -> None:
        """It may be worth something to somebody: it is not written over."""
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.unreadable-{number}")).exists():
            number += 1
        try:
            if self._writable:
                self._path.rename(aside)
                words = "%s cannot be used, %s: it is now %s, and %s begin anew"
                log.warning(words, self._path, why, aside, self._what)
                return
        except OSError as fault:
            self._forgetful(fault)
        self._writable = False
        log.warning("%s cannot be used, and is left as it is: %s", self._path, why)

    # --- later ---

    async def _write_wanted(self) -> None:
        while self._wanted is not None:
            octets, self._wanted = self._wanted, None
            await asyncio.to_thread(self._write, octets)
        self._writing = None

    def _write(self, octets: bytes) -> None:
        try:
            write_safely(self._path, octets, mode=0o600)
        except OSError as fault:
            self._unsaved = octets
            self._forgetful(fault)
        else:
            self._unsaved = None
            if self._troubled:
                log.info("%s are kept in %s again", self._what, self._path)
            self._troubled = False

    def _forgetful(self, fault: OSError) -> None:
        """Say so, once."""
        if not self._troubled:
            words = "%s: %s; %s are not kept beyond this telephone's end"
            log.warning(words, self._path, fault.strerror, self._what)
        self._troubled = True
