"""How long a card needs from its kernel's start to the dial tone, and what it spends the time on.

    python3 boot_time.py ARCH IMAGE MODULES OUT

The guest has one core, whose clock goes by the instructions it ran (one a nanosecond): what is told is the same
however busy this machine is. Two starts: the first takes the user's files off the card, the second is an ordinary one.
The handset is off its hook all the while, so the tone sounds as soon as it can.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE)]

from beginning import arguments, telephone_card  # noqa: E402
from guest import Guest  # noqa: E402
from network import Leases, lay_wire  # noqa: E402
from pace import SLOW, say  # noqa: E402
from phones import OUTSIDE, is_registered  # noqa: E402

from tests.support.programs import Phone, wait_until  # noqa: E402

HOOK = 17
STAMPS = ["InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic"]


def reported(guest: Guest) -> str:
    """What systemd says of the start, the units first that the telephone waited for."""
    text = ""
    for command in (
        ["systemd-analyze"],
        ["systemd-analyze", "critical-chain", "--no-pager", "offhook.service"],
        ["systemd-analyze", "blame", "--no-pager"],
        ["journalctl", "--no-pager", "-q", "-o", "short-monotonic", "-u", "offhook*"],
    ):
        text += f"$ {' '.join(command)}\n{guest.run(*command)}\n"
    return text


def spent(guest: Guest) -> str:
    """The processor's time that each service took so far, seconds, the dearest first: `blame` has their waits, too."""
    shown = guest.run("systemctl", "show", "*.service", "-pId", "-pCPUUsageNSec")
    rows = []
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("CPUUsageNSec", "").isdecimal():
            rows.append((int(values["CPUUsageNSec"]) / 1e9, values["Id"]))
    return "".join(f"{seconds:7.2f} {unit}\n" for seconds, unit in sorted(rows, reverse=True) if seconds >= 0.01)


def measure(arch: str, disk: Path, folder: Path, boot: int) -> None:
    """One start: the moments of it, by the guest's own clock, and a report in the folder."""
    guest = Guest(arch, disk, folder, boot, counted=True)
    try:
        guest.wait_for_wires()
        guest.order("pull", line=HOOK, down=False)
        tone = guest.order("first_sound", seconds=600)
        assert tone is not None, "no dial tone"
        costs = spent(guest)
        wait_until(is_registered, 900 * SLOW, "registered")
        registered = guest.order("clock")
        shown = guest.run("systemctl", "show", "offhook.service", *[f"-p{name}" for name in STAMPS])
        moments = {line.split("=")[0]: int(line.split("=")[1]) / 1e6 for line in shown.split()}
        began, ready = (moments[name] for name in STAMPS)
        report = f"{reported(guest)}processor time to the dial tone, seconds:\n{costs}"
        (folder / f"boot-time-{boot}.txt").write_text(report)
        said = report.split("\n")[1]
        say(f"start {boot}: the telephone is started at {began:.1f} s, ready {ready:.1f} s, dial tone {tone:.1f} s,")
        say(f"         registered by {registered:.1f} s of the kernel's clock. {said}")
        guest.run("sync")
    finally:
        guest.pull_the_plug()


def main() -> int:
    """Measure both starts; returns the exit code."""
    options = arguments("Measure the time to the dial tone.")
    disk, folder = telephone_card(options), options.folder
    lay_wire()
    Leases()
    os.chdir(TOP)
    with Phone(folder, OUTSIDE):
        for boot in (1, 2):
            measure(options.arch, disk, folder, boot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
