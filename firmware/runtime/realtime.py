"""Asking Linux for punctuality: real-time priority, memory that stays in memory, no garbage collections."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
from pathlib import Path

FIFO_PRIORITY = 50
"""Below the kernel's own threads of interrupts (50 and above win against us), above every ordinary process."""
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14


def make_punctual() -> list[str]:
    """Ask for everything; return what was refused, in words for the log. The process works on in any case."""
    gc.collect()
    gc.freeze()
    # The engine makes no cycles while it runs; its shell collects when no call is up.
    gc.disable()
    refused: list[str] = []
    if not _take_priority():
        refused.append("real-time priority (give the user an rtprio limit, or the service LimitRTPRIO=)")
    if not _lock_memory():
        refused.append("locked memory (give the user an unlimited memlock limit, or the service LimitMEMLOCK=infinity)")
    return refused


def _take_priority() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
    except OSError:
        return False
    return True


def _lock_memory() -> bool:
    # Under a finite limit the lock would succeed now and every later allocation beyond it fail: better not at all.
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if not unlimited and not _has_capability(_CAP_IPC_LOCK):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # ONFAULT: pages are locked when first used, so that unused ones of the libraries cost no memory.
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False
