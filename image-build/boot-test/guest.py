"""A machine in QEMU that starts from a card: the untouched image with a user's files on it, and the test's own disk.

The test's parts come on a second disk and by QEMU's firmware configuration; nothing of the image is changed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pace import SLOW, run, say

WIRE = "t.service"
"""The unit of the test's program in the guest; so short because QEMU cuts the names of what it hands over."""

PARALLEL = ["-accel", "tcg,thread=multi", "-smp", "2"]
ALONE = ["-accel", "tcg", "-smp", "1"]
"""Now and then an emulated core runs into code that the other just changes, and the kernel stops: not so with one."""
COUNTED = ["-accel", "tcg,thread=single", "-icount", "shift=0", "-name", "guest,debug-threads=on"]
"""The clock goes by instructions, one a nanosecond, near a Pi 3's core: however slow ours is, nothing is late."""


def prepare(arch: str, image: Path, folder: Path, files: Iterable[Path], kit: Path, modules: Iterable[Path]) -> Path:
    """The card: the image with a user's files on its first partition. The kit's disk: the kit and kernel modules.

    `kit` is a folder with `t.service` and what that starts. All of it is put into `folder`, which is empty.
    """
    disk = folder / "card.img"
    run("cp", "--sparse=always", str(image), str(disk))
    if named := [str(file) for file in files]:
        mtools("mcopy", disk, *named, "::")
    if arch == "arm64":
        mtools("mcopy", disk, "::vmlinuz", "::initrd.img", "::cmdline.txt", str(folder))
    shutil.copytree(kit, folder / "kit")
    for module in modules:
        shutil.copy(module, folder / "kit")
    (folder / "kit" / "wants.conf").write_text(f"[Unit]\nWants={WIRE}\n")
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "KIT", "-d", str(folder / "kit"), str(folder / "kit.ext4"), "16M")
    return disk


def mtools(command: str, disk: Path, *words: str) -> str:
    """One of mtools' commands on the card's first partition; its output."""
    return run(command, "-i", f"{disk}@@4M", *words, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})


class Guest:
    """The machine in QEMU. `counted`: a slow one whose clock goes by its instructions, however busy ours is.

    `alone`: with one core.
    """

    def __init__(
        self, arch: str, disk: Path, folder: Path, boot: int, *, counted: bool = False, alone: bool = False
    ) -> None:
        self._log = folder / f"console-{boot}.log"
        wires = folder / "wires"
        wires.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(wires))
        self._listener.listen()
        cores = [*COUNTED, "-smp", "1"] if counted else ALONE if alone else PARALLEL
        command = [*_qemu(arch, disk, folder, wires, self._log), *cores]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        if counted:
            answer_at_once(self.process.pid)
        self.began = time.monotonic()
        self._port: socket.socket | None = None
        self._pending = b""

    def wait_for_wires(self) -> None:
        """Until the test's own program in the guest says what it loaded."""
        self._listener.settimeout(60)
        self._port, _ = self._listener.accept()
        self._port.settimeout(900 * SLOW)
        say("the wires:", self._line().get("ready", "").strip() or "all modules loaded")

    def order(self, do: str, **rest: Any) -> Any:
        """Have the guest's hands do something; their answer."""
        assert self._port is not None
        self._port.sendall((json.dumps({"do": do, **rest}) + "\n").encode())
        answer = self._line()
        if "fault" in answer:
            raise AssertionError(f"{do}: {answer['fault']}")
        return answer["answer"]

    def run(self, *command: str) -> str:
        """A command's output."""
        return str(self.order("run", command=command))

    def _line(self) -> dict[str, Any]:
        assert self._port is not None
        while b"\n" not in self._pending:
            octets = self._port.recv(1 << 16)
            if not octets:
                raise AssertionError(f"the guest is gone; see {self._log}")
            self._pending += octets
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def wait_for_end(self, seconds: float) -> None:
        """Until it stops of its own accord: it starts again in a new `Guest`. Raises TimeoutExpired."""
        self.process.wait(seconds)
        self.pull_the_plug()

    def pull_the_plug(self) -> None:
        """No shutdown, no warning."""
        self.process.kill()
        self.process.wait()
        self._listener.close()
        if self._port is not None:
            self._port.close()


def answer_at_once(pid: int) -> None:
    """While a counted machine waits for its disk, its clock goes on: the thread that answers it must not wait for ours.

    Only that thread (the process's first): it hardly works. Where we may not, the figures are as good as the machine
    is idle.
    """
    while not any("TCG" in name.read_text() for name in Path(f"/proc/{pid}/task").glob("*/comm")):
        time.sleep(0.01)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def _qemu(arch: str, disk: Path, folder: Path, wires: Path, log: Path) -> list[str]:
    machines = {
        "amd64": ["qemu-system-x86_64", "-M", "q35", "-cpu", "max"],
        "arm64": ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72"],
    }
    told = {"extra-unit." + WIRE: folder / "kit" / WIRE, "unit-dropin.multi-user.target": folder / "kit" / "wants.conf"}
    if arch == "arm64":  # a Pi's own loader starts its kernel with the line on the card; QEMU has no such loader
        line = (folder / "cmdline.txt").read_text().replace("console=ttyS1,115200", "console=ttyAMA0").strip()
        line += f" systemd.wants={WIRE}"
        started = ["-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"), "-append", line]
        name = f"extra-unit.{WIRE}"
        started += ["-fw_cfg", f"name=opt/io.systemd.credentials/systemd.{name},file={told[name]}"]
    else:  # and here it starts as on any PC, by its own loader
        started = []
        for name, path in told.items():
            text = base64.b64encode(path.read_bytes()).decode()
            started += ["-smbios", f"type=11,value=io.systemd.credential.binary:systemd.{name}={text}"]
    return [
        *machines[arch],
        *("-m", "1024"),
        *started,
        *("-drive", f"if=none,id=card,file={disk},format=raw", "-device", "virtio-blk-pci,drive=card,bootindex=0"),
        *("-drive", f"if=none,id=kit,file={folder}/kit.ext4,format=raw,readonly=on"),
        *("-device", "virtio-blk-pci,drive=kit"),
        *("-netdev", "tap,id=wire,ifname=wire,script=no,downscript=no"),
        *("-device", "virtio-net-pci,netdev=wire,romfile=", "-device", "virtio-rng-pci"),
        *("-device", "virtio-serial", "-chardev", f"socket,id=wires,path={wires}"),
        *("-device", "virtserialport,chardev=wires,name=wire"),
        *("-display", "none", "-serial", f"file:{log}", "-monitor", "none", "-no-reboot"),
    ]
