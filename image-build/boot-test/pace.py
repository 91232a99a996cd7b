"""How the boot tests speak, and how patient they are."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

SLOW = float(os.environ.get("PATIENCE", "1"))
"""Multiplies every time limit: an emulated machine on a loaded one is slow."""
BEGAN = time.monotonic()


def say(*words: object) -> None:
    """One line of the log, with the seconds since the test began."""
    print(f"{time.monotonic() - BEGAN:7.1f}", *words, flush=True)


def run(*command: str, **options: Any) -> str:
    """Run a program to its end; its output. Raises CalledProcessError."""
    return str(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout)
