"""The service manager's watchdog (sd_watchdog_enabled(3)): WATCHDOG=1 for as long as the phone is well.

    async with watched(lambda: shell.healthy):
        ...

A phone whose loop hangs cannot say it, one whose media engine hangs does not; then systemd ends it and starts another.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from firmware.runtime.notify import notify

logger = logging.getLogger(__name__)


def interval(environment: Mapping[str, str], pid: int) -> float | None:
    """Seconds between two signs of life: half of what the service manager asks. None: it asks for none, or not us."""
    period_us, whom = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
    if not period_us.isascii() or not period_us.isdigit() or not int(period_us) or whom != str(pid):
        return None
    return int(period_us) / 1_000_000 / 2


@asynccontextmanager
async def watched(healthy: Callable[[], bool]) -> AsyncIterator[None]:
    """Give signs of life while the body runs and `healthy()`; nothing where nobody watches."""
    every = interval(os.environ, os.getpid())
    if every is None:
        yield
        return
    task = asyncio.create_task(_feed(healthy, every))
    try:
        yield
    finally:
        task.cancel()


async def _feed(healthy: Callable[[], bool], every: float) -> None:
    was_well = True
    while True:
        well = healthy()
        if well:
            notify("WATCHDOG=1")
        if well != was_well:
            logger.log(logging.INFO if well else logging.ERROR, "the phone is %s", "well again" if well else "not well")
        was_well = well
        await asyncio.sleep(every)
