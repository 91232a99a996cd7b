"""How the telephone, which may do nothing to its machine, has the card's set-up page opened: it leaves a file.

    /run/offhook/set-up   ──offhook-asked.path──>  offhook-asked.service, as root: opens the page, then removes the
                                                   file; if it does not open, calls it set-up.failed

Only a telephone on Offhook's own card has those units; there the folder /run/offhook-setup is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from firmware.phone.set_up_page import Outcome
from firmware.runtime.kept import ASKED, BOOT, REFUSED

log = logging.getLogger(__name__)

LOOK_S = 0.2
PATIENCE_S = 180.0
"""Of who waits for the page, on the slowest board there is; that it does not open is told sooner."""


async def no_set_up() -> Outcome:
    """Of a telephone that is a program on somebody's machine."""
    return "absent"


class SetUpRequest:
    """Asks for the page."""

    def __init__(self, folder: Path | None, boot: Path = BOOT) -> None:
        """`folder`: the service's own under /run, None: there is none; `boot`: what a card's start leaves."""
        self._folder, self._boot = folder, boot

    async def open(self, patience_s: float = PATIENCE_S) -> Outcome:
        """Have it opened, and wait until it is."""
        if self._folder is None or not self._boot.is_dir():
            log.info("the set-up page is asked for, but this telephone does not run from Offhook's card")
            return "absent"
        try:
            opened = await _granted(self._folder / ASKED, patience_s)
        except OSError as fault:
            log.warning("the set-up page cannot be asked for: %s", fault)
            return "failed"
        if opened:
            log.info("the set-up page is open for 15 minutes, as somebody at the telephone asks")
            return "open"
        log.warning("the set-up page is asked for, and does not open: see systemctl status offhook-asked")
        return "failed"


async def _granted(request: Path, patience_s: float) -> bool:
    """Whether the file was removed, as a sign that the page is open. Raises OSError: it cannot be written."""
    refused = request.with_name(request.name + REFUSED)
    refused.unlink(missing_ok=True)
    request.touch()
    try:
        async with asyncio.timeout(patience_s):
            while request.exists():
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        request.unlink(missing_ok=True)
        return False
    return not refused.exists()


def own_folder(environment: Mapping[str, str]) -> Path | None:
    """The service's folder under /run (systemd.exec(5), RuntimeDirectory=)."""
    folder = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder) if folder else None
