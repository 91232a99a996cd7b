"""How the telephone, which may do nothing to its machine, has the card's set-up page opened: it leaves a file.

    /run/offhook/set-up   ──offhook-asked.path──>  offhook-asked.service, as root: opens the page, then removes the file

Only a telephone on Offhook's own card has those units; there the folder /run/offhook-setup is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from firmware.phone.set_up_page import Outcome
from firmware.runtime.kept import ASKED, BOOT

log = logging.getLogger(__name__)

LOOK_S = 0.2
PATIENCE_S = 60.0
"""Of who waits for the page, on the slowest board there is."""


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
        request = self._folder / ASKED
        try:
            request.touch()
            async with asyncio.timeout(patience_s):
                while request.exists():
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            log.warning("the set-up page is asked for, and does not open: see systemctl status offhook-asked")
            request.unlink(missing_ok=True)
            return "failed"
        except OSError as fault:
            log.warning("the set-up page cannot be asked for: %s", fault)
            return "failed"
        log.info("the set-up page is open for 15 minutes, as somebody at the telephone asks")
        return "open"


def own_folder(environment: Mapping[str, str]) -> Path | None:
    """The service's folder under /run (systemd.exec(5), RuntimeDirectory=)."""
    folder = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder) if folder else None
