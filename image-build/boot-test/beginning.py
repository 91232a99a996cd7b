"""How the boot tests begin: what they are told, and a fresh card with a telephone's settings on it."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from guest import prepare
from phones import CARD

HERE = Path(__file__).resolve().parent


def arguments(description: str) -> argparse.Namespace:
    """`arch`, and the paths `image`, `modules` (of the simulated chips) and `folder` (for all that comes out)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("arch", choices=["amd64", "arm64"])
    for name in ("image", "modules", "folder"):
        parser.add_argument(name, type=lambda path: Path(path).resolve())
    return parser.parse_args()


def telephone_card(options: argparse.Namespace) -> Path:
    """The image with phone.toml and the handset's board on it, in a folder that was emptied."""
    folder: Path = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "phone.toml").write_text(CARD)
    return prepare(
        options.arch,
        options.image,
        folder,
        files=[folder / "phone.toml", HERE / "board.toml"],
        kit=HERE / "kit",
        modules=options.modules.glob("*.ko"),
    )
