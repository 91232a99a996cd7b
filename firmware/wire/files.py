"""Writing the profile: whole or not at all, and nothing that was there is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def name_to_keep(file: Path) -> Path:
    """A name that nothing has yet."""
    names = (file.with_name(f"{file.name}.old{n or ''}") for n in range(1000))
    return next(name for name in names if not name.exists())


def write_profile(file: Path, text: str, kept: Path | None) -> None:
    """Write a file whole or not at all; `kept`: where what was there goes. Raises OSError."""
    if kept is not None:
        shutil.copy2(file, kept)
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
