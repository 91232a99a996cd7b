"""The boot test on QEMU's Raspberry Pi 3: the untouched arm64 image starts on that board and is a registered telephone.

    python3 raspi3b.py IMAGE OUT

QEMU does not run start4.elf: kernel, initrd, command line and device tree are taken off the card's own FAT partition
and given to it. What the Pi's firmware does there is done here: the overlays that config.txt and its include name are
applied to the tree, from the card, at every start. The board has no virtio and no firmware configuration, so nothing of
the test is in the guest: the network is an Ethernet adapter on USB, as on the real board, the log its serial console,
the settings two files on the card.

The board's panel is on SPI. The card is flashed with SPI off, so the first start takes the files, writes board.txt and
starts the machine again; at the second there is /dev/spidev0.0, and the telephone's real drivers open it and the
emulated chip's pins. QEMU 9 and newer have the chip's SPI, on which nothing listens; older ones (Debian 12's) have
none, so what is sent gets stuck, and the telephone says so. There is no sound card either, and it must be a telephone
all the same and say what it lacks.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
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
SPI = "/soc/spi@7e204000"


def prepare(image: Path, folder: Path) -> Path:
    """The card: the image, as large as cards are (QEMU takes powers of two), with a user's files on it."""
    disk = folder / "card.img"
    run("cp", "--sparse=always", str(image), str(disk))
    os.truncate(disk, 1 << (image.stat().st_size - 1).bit_length())
    (folder / "phone.toml").write_text(CARD)
    shutil.copy(HERE / "board-raspi3b.toml", folder / "board.toml")
    mtools("mcopy", disk, str(folder / "phone.toml"), str(folder / "board.toml"), "::")
    mtools("mcopy", disk, "::vmlinuz", "::initrd.img", "::cmdline.txt", str(folder))
    return disk


def read_as_firmware(disk: Path, folder: Path) -> list[str]:
    """Leave the device tree in the folder as the Pi's firmware would make it; the overlays it has applied."""
    mtools("mcopy", disk, "-n", "-o", f"::{TREE}", str(folder))
    word = "dtoverlay="
    overlays = [line.removeprefix(word) for line in lines_of(disk, "config.txt") if line.startswith(word)]
    for name in overlays:
        mtools("mcopy", disk, "-n", "-o", f"::overlays/{name}.dtbo", str(folder))
        run("fdtoverlay", "-i", str(folder / TREE), "-o", str(folder / TREE), str(folder / f"{name}.dtbo"))
    # QEMU's SPI takes nothing by DMA, and the kernel would wait for its end for ever: by interrupts, as on a Pi 4.
    run("fdtput", "-d", str(folder / TREE), SPI, "dmas", "dma-names")
    return overlays


def lines_of(disk: Path, name: str) -> list[str]:
    """The lines of a file like config.txt on the card, with those of the files that it includes."""
    lines: list[str] = []
    for line in mtools("mtype", disk, f"::{name}").splitlines():
        included = line.removeprefix("include ") if line.startswith("include ") else ""
        lines += lines_of(disk, included) if included else [line]
    return lines


def qemu(disk: Path, folder: Path, start: int) -> list[str]:
    """The board; the card's command line names its second serial port. Not quiet: that log is all we see."""
    line = (folder / "cmdline.txt").read_text().replace("console=tty0 ", "").replace("quiet ", "").strip()
    line += " systemd.default_device_timeout_sec=900"  # four emulated cores on fewer: a card may take its time
    line += " systemd.journald.forward_to_console=1"
    return [
        *("qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi"),
        *("-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"), "-dtb", str(folder / TREE)),
        *("-append", line, "-drive", f"if=sd,file={disk},format=raw"),
        *("-netdev", "tap,id=wire,ifname=wire,script=no,downscript=no", "-device", "usb-net,netdev=wire"),
        *("-serial", "null", "-serial", f"file:{folder}/console-{start}.log"),
        *("-display", "none", "-monitor", "none", "-no-reboot"),
    ]


def account() -> dict[str, Any]:
    """The guest's account; {} while its telephone does not answer."""
    found: list[dict[str, Any]] = state().get("accounts", [])
    return found[0] if found else {}


def first_start(guest: subprocess.Popen[bytes], disk: Path, folder: Path) -> None:
    """It takes the board's file, has board.txt name what the board needs, and starts again: here, QEMU ends."""
    wait_until(lambda: guest.poll() is not None, 1800 * SLOW, f"the first start ends; see {folder}/console-1.log")
    assert any("starting again, for the board" in line for line in console(folder, 1)), "it did not end by itself"
    left = mtools("mdir", disk, "-b", "::").split()
    assert not any(name.endswith(("phone.toml", "board.toml", "problems.txt")) for name in left), left


def steps(guest: subprocess.Popen[bytes], folder: Path, outside: Phone, began: float) -> None:
    """Start, open the panel, register, be reached by name, be called; say what is missing."""

    def answers() -> bool:
        assert guest.poll() is None, f"the guest is gone; see {folder}/console-2.log"
        return bool(account())

    wait_until(answers, 1800 * SLOW, f"the telephone's interface answers; see {folder}/console-2.log")
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
    lines = console(folder, 2)
    started = [line for line in lines if re.search(r"Started.*offhook\.service|Startup finished|FAILED", line)]
    say("of its console:", *[f"\n         {line}" for line in started])
    assert not any("FAILED" in line for line in started)
    look_for_panel(lines)


def look_for_panel(lines: list[str]) -> None:
    """The device is there; where the emulated chip has SPI at all, everything sent to the panel went."""
    faults = [line for line in lines if "panel" in line and "offhook[" in line]
    say("it says of its panel:", *[f"\n         {line}" for line in faults[:3]] or ["nothing: all that it sent went"])
    assert not any("not found" in line or "No such file" in line for line in faults), "SPI is off"
    if qemu_version() >= (9, 0):
        assert not faults


def qemu_version() -> tuple[int, ...]:
    """Of the emulator: 9.0 was the first with the chip's SPI."""
    found = re.search(r"version (\d+)\.(\d+)", run("qemu-system-aarch64", "--version"))
    assert found is not None
    return int(found[1]), int(found[2])


def console(folder: Path, start: int) -> list[str]:
    """The lines of the serial console of a start, without their colours."""
    text = (folder / f"console-{start}.log").read_text("utf-8", "replace")
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
        assert read_as_firmware(disk, folder) == []
        boot(disk, folder, 1, lambda guest: first_start(guest, disk, folder))
        say("the first start took the settings, and the board's needs, after", f"{time.monotonic() - began:.0f} s")
        assert (overlays := read_as_firmware(disk, folder)) == ["offhook-spi"], overlays
        began = time.monotonic()
        boot(disk, folder, 2, lambda guest: steps(guest, folder, outside, began))
    say("PASSED")
    return 0


def boot(disk: Path, folder: Path, start: int, go: Callable[[subprocess.Popen[bytes]], None]) -> None:
    """Start the board, and go through the steps."""
    guest = subprocess.Popen(qemu(disk, folder, start), stdin=subprocess.DEVNULL)
    try:
        go(guest)
    except BaseException:
        say("inside:", state())
        raise
    finally:
        guest.kill()
        guest.wait()


if __name__ == "__main__":
    sys.exit(main())
