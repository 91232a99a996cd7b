"""/data is the card's partition, or memory in its place: offhook-data.service's script, in a small root of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "image-build" / "overlay" / "usr" / "lib" / "offhook-card" / "data"
FSTAB = (ROOT / "image-build" / "fstab").read_text()
SMALL_ROOT = """
set -e
cd "$1"
for part in usr proc; do mount --rbind /$part $part; done
[ "$2" = none ] || { mkdir -p run/card; mount -t tmpfs card run/card; mkdir -p run/card/offhook run/card/lib/offhook; }
[ "$2" != none ] || mkdir -p run/card
chroot . /bin/sh /script
chroot . /bin/sh -ec "$3"
"""


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    for name in ("usr", "proc", "etc", "run", "data", "var/lib"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    (tmp_path / "script").write_bytes(SCRIPT.read_bytes())
    (tmp_path / "etc" / "fstab").write_text(FSTAB)
    return tmp_path


def after(root: Path, card: str, command: str) -> str:
    """What a command says after the script ran; `card`: "there" or "none"."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    own = ["unshare", "--mount", *as_root, "sh", "-c", SMALL_ROOT, "sh", str(root), card, command]
    done = subprocess.run(own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_card_that_can_be_mounted_is_data(small_root: Path) -> None:
    said = after(small_root, "there", "touch /data/offhook/x /var/lib/offhook/y; cd /run/card; echo */* */*/*")

    assert "offhook/x" in said
    assert "lib/offhook/y" in said
    assert not (small_root / "run" / "offhook-setup").exists()


def test_without_it_data_is_in_memory_and_that_is_said(small_root: Path) -> None:
    said = after(small_root, "none", "touch /var/lib/offhook/y; ls /data/lib/offhook; grep ' /data ' /proc/mounts")

    assert said.startswith("y\nforgetful /data tmpfs ")
    assert (small_root / "run" / "offhook-setup" / "forgetful").exists()
    assert list((small_root / "run" / "card").iterdir()) == []
    assert list((small_root / "data").iterdir()) == []


def test_a_system_that_has_no_such_partition_is_left_alone(small_root: Path) -> None:
    """Raspberry Pi OS: /data is a folder of its root."""
    (small_root / "etc" / "fstab").write_text("/data/lib/offhook /var/lib/offhook none bind,nofail 0 0\n")

    said = after(small_root, "none", "! grep ' /data ' /proc/mounts; echo well")

    assert said == "well\n"
    assert not (small_root / "run" / "offhook-setup").exists()


def test_nothing_fails_for_want_of_the_card() -> None:
    """What requires a mount, or is in fstab as a bind mount below one, fails with it; and the telephone with that."""
    units = [*(ROOT / "systemd").glob("*.service"), *(ROOT / "image-build" / "overlay").rglob("offhook*.service")]
    entries = [line.split() for line in FSTAB.splitlines() if not line.startswith("#")]

    assert [unit.name for unit in units if "RequiresMountsFor=/data" in unit.read_text()] == []
    assert {entry[1] for entry in entries} == {"/boot/firmware", "/run/card", "/var", "/tmp"}
    assert all("nofail" in entry[3] for entry in entries if entry[0].startswith("PARTUUID"))
