"""A card whose data partition cannot be used: the telephone works with what is on the FAT partition, and says so.

    python3 worn_out.py ARCH IMAGE MODULES OUT      (as the other tests)

First the partition holds nothing but zeros, as if its beginning were unreadable; then it is not there at all. Each time
the telephone registers, tells of it on its panel and on the card, and leaves the partition as it was. On the way its
menu is used as on a telephone of twelve keys: the page that a card asks its settings on is opened by them.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE)]

import telephone  # noqa: E402
from beginning import arguments, telephone_card  # noqa: E402
from guest import mtools  # noqa: E402
from network import GUEST, Leases, lay_wire  # noqa: E402
from pace import SLOW, run, say  # noqa: E402
from phones import OUTSIDE, state  # noqa: E402

from tests.support.programs import Phone, wait_until  # noqa: E402

NOTICE = "Replace the card"
HELD_S = 2.5
"""A key is held for a second; where the clock stumbles, longer."""


class Test(telephone.Test):
    """The telephone's own steps, and these."""

    def forgets(self) -> None:
        """What is said of the card, where a user looks; and that nothing failed for want of it."""
        assert "tmpfs" in (found := self.sh("findmnt -no FSTYPE,OPTIONS /data")), found
        for name in ("phone.toml", "board.toml"):
            assert self.sh(f"cmp /boot/firmware/{name} /data/offhook/{name} && echo same") == "same", name
        problems = self.sh("cat /boot/firmware/problems.txt")
        assert "cannot be used" in problems, problems
        assert problems in self.sh("journalctl --no-pager -q -b -o cat -u offhook-firstboot"), "the log says it, too"
        say("problems.txt:", problems)
        say("failed:", " ".join(self.sh("systemctl --failed --no-legend --plain | cut -d' ' -f1").split()) or "nothing")
        self.read_panel(NOTICE)

    def opens_its_page(self) -> None:
        """`*` held, then 5 and `#`: the page is there, and says that it will be forgotten."""
        wait_until(lambda: self.sh("systemctl is-active offhook-set-up") == "inactive", 120 * SLOW, "set-up is over")
        assert _page() == "", "nobody has asked for the page"
        self.hook(lifted=True)
        self.hold("*")
        self.read_panel("Menu")
        self.guest.order("press", line=telephone.KEYS["5"], seconds=0.15)
        self.read_panel("#:yes")
        self.guest.order("press", line=telephone.KEYS["#"], seconds=0.15)
        began = time.monotonic()
        self.read_panel("offhook.local")
        say(f"the page is open {time.monotonic() - began:.0f} s after its key")
        assert "The memory card cannot be used" in (found := _page()), found
        assert 'value="1001@home.test"' in found, found
        self.hook(lifted=False)

    def hold(self, key: str) -> None:
        """Press a key for longer."""
        line = telephone.KEYS[key]
        self.guest.order("pull", line=line, down=True)
        time.sleep(HELD_S * SLOW)
        self.guest.order("pull", line=line, down=False)

    def sh(self, command: str) -> str:
        """What a shell in the guest says."""
        return self.guest.run("sh", "-c", command).strip()


def _page() -> str:
    """The set-up page, as a neighbour on the wire sees it; empty: there is none."""
    try:
        with urllib.request.urlopen(f"http://{GUEST}/", timeout=20) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def partition(disk: Path, number: int) -> tuple[int, int]:
    """Where a partition of the card begins, and its length, in octets."""
    [line] = [line for line in run("sfdisk", "--dump", str(disk)).splitlines() if line.startswith(f"{disk}{number} ")]
    fields = dict(field.split("=") for field in line.split(":", 1)[1].replace(" ", "").split(",") if "=" in field)
    return int(fields["start"]) * 512, int(fields["size"]) * 512


def octets_of(disk: Path, start: int, length: int) -> bytes:
    """What is on that part of the card."""
    with disk.open("rb") as file:
        file.seek(start)
        return file.read(length)


def main() -> int:
    """Run all of it; returns the exit code."""
    options = arguments("Boot a card whose data partition cannot be used.")
    disk, folder = telephone_card(options), options.folder
    start, length = partition(disk, 4)
    with disk.open("r+b") as file:
        file.seek(start)
        file.write(bytes(length))
    lay_wire()
    Leases()
    os.chdir(TOP)
    with Phone(folder, OUTSIDE) as outside:
        test = Test(options.arch, disk, folder, outside)
        try:
            test.start()
            test.forgets()
            test.opens_its_page()
            test.report()
            test.guest.pull_the_plug()
            assert octets_of(disk, start, length) == bytes(length), "nothing was written where something may be saved"
            run("sfdisk", "--quiet", "--delete", str(disk), "4")
            say("and with no such partition at all")
            test.start()
            test.forgets()
            test.report()
            assert "phone.toml" in mtools("mdir", disk, "-b", "::"), "the settings stay on the card"
        except BaseException:
            try:
                say("inside:", state())
                test.report()
                say(test.sh("journalctl --no-pager -q -b -n 300"))
            finally:
                raise
        finally:
            test.guest.pull_the_plug()
    say("PASSED")
    return 0


if __name__ == "__main__":
    sys.exit(main())
