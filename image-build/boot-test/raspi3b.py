"""The boot test on QEMU's Raspberry Pi 3: the untouched arm64 image starts on that board and is a registered telephone.

    python3 raspi3b.py IMAGE OUT

QEMU does not run start4.elf: kernel, initrd, command line and device tree are taken off the card's own FAT partition
and given to it. The board has no virtio and no firmware configuration, so nothing of the test is in the guest: the
network is an Ethernet adapter on USB, as on the real board, the log its serial console, the settings two files on the
card. The telephone's real drivers open the emulated chip's pins; there is no panel and no sound card on this board,
and the telephone must be one all the same and say what it lacks.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE)]

from guest import mtools  # noqa: E402
from network import GUEST, Leases, lay_wire, named  # noqa: E402
from pace import SLOW, run, say  # noqa: E402
from phones import CARD, OUTSIDE, calls, state  # noqa: E402

from tests.support.programs import Phone, wait_until  # noqa: E402

TREE = "bcm2837-rpi-3-b.dtb"


def prepare(image: Path, folder: Path) -> Path:
    """The card: the image, as large as cards are (QEMU takes powers of two), with a user's files on it."""
    disk = folder / "card.img"
    run("cp", "--sparse=always", str(image), str(disk))
    os.truncate(disk, 1 << (image.stat().st_size - 1).bit_length())
    (folder / "phone.toml").write_text(CARD)
    shutil.copy(HERE / "board-raspi3b.toml", folder / "board.toml")
    mtools("mcopy", disk, str(folder / "phone.toml"), str(folder / "board.toml"), "::")
    mtools("mcopy", disk, "::vmlinuz", "::initrd.img", "::cmdline.txt", f"::{TREE}", str(folder))
    return disk


def qemu(disk: Path, folder: Path) -> list[str]:
    """The board; the card's command line names its second serial port. Not quiet: that log is all we see."""
    line = (folder / "cmdline.txt").read_text().replace("console=tty0 ", "").replace("quiet ", "").strip()
    line += " systemd.default_device_timeout_sec=900"  # four emulated cores on fewer: a card may take its time
    return [
        *("qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi"),
        *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"), "-dtb", str(folder / TREE)),
        *("-append", line, "-drive", f"if=sd,file={disk},format=raw"),
        *("-netdev", "tap,id=wire,ifname=wire,script=no,downscript=no", "-device", "usb-net,netdev=wire"),
        *("-serial", "null", "-serial", f"file:{folder}/console.log"),
        *("-display", "none", "-monitor", "none", "-no-reboot"),
    ]


def account() -> dict[str, Any]:
    """The guest's account; {} while its telephone does not answer."""
    found: list[dict[str, Any]] = state().get("accounts", [])
    return found[0] if found else {}


def steps(guest: subprocess.Popen[bytes], folder: Path, outside: Phone, began: float) -> None:
    """Start, register, be reached by name, be called; say what is missing."""

    def answers() -> bool:
        assert guest.poll() is None, f"the guest is gone; see {folder}/console.log"
        return bool(account())

    wait_until(answers, 1800 * SLOW, f"the telephone's interface answers; see {folder}/console.log")
    say("the telephone answers after", f"{time.monotonic() - began:.0f} s")
    wait_until(lambda: account().get("registered"), 300 * SLOW, "registered")
    say("registered after", f"{time.monotonic() - began:.0f} s:", account())
    wait_until(lambda: state().get("sound_fault"), 60 * SLOW, "the telephone says that it has no sound card")
    say("it says of its sound:", state()["sound_fault"])
    wait_until(lambda: named("offhook.local"), 60 * SLOW, "offhook.local")
    say("offhook.local is the telephone, at", GUEST)
    outside.lift()
    outside.press("1001")
    wait_until(lambda: any(one["state"] == "ringing" for one in calls()), 120 * SLOW, f"ringing: {state()}")
    outside.call("ringing", 60 * SLOW)
    say("the exchange found it by its registration: called from outside, it rings")
    outside.hang_up()
    wait_until(lambda: not calls(), 120 * SLOW, "the call is over")
    started = [
        line for line in console(folder) if re.search(r"Started.*offhook\.service|Startup finished|FAILED", line)
    ]
    say("of its console:", *[f"\n         {line}" for line in started])
    assert not any("FAILED" in line for line in started)


def console(folder: Path) -> list[str]:
    """The lines of the serial console, without their colours."""
    text = (folder / "console.log").read_text("utf-8", "replace")
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in text.splitlines()]


def main() -> int:
    """Run all of it; returns the exit code."""
    parser = argparse.ArgumentParser(description="Boot the arm64 image on QEMU's Raspberry Pi 3.")
    for name in ("image", "folder"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    folder = options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    disk = prepare(options.image.resolve(), folder)
    lay_wire()
    Leases()
    os.chdir(TOP)
    with Phone(folder, OUTSIDE) as outside:
        began = time.monotonic()
        guest = subprocess.Popen(qemu(disk, folder), stdin=subprocess.DEVNULL)
        try:
            steps(guest, folder, outside, began)
        except BaseException:
            say("inside:", state())
            raise
        finally:
            guest.kill()
            guest.wait()
    say("PASSED")
    return 0


if __name__ == "__main__":
    sys.exit(main())
