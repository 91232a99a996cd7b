"""The telephone laid over an image like Raspberry Pi OS starts in QEMU: to be set up, then as a telephone; then another
card, on which Raspberry Pi Imager's files are, too.

    python3 run.py IMAGE OUT

In a network of its own, as root. Before each start kernel, initial file system and command line are read off the card's
FAT partition, as a Pi's loader reads them. Two simulated Wi-Fi cards (mac80211_hwsim, a module of every Debian kernel)
are the telephone's and a neighbour's; the test's shell comes by QEMU's firmware configuration, and nobody but the user
changes the card.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(TOP), str(HERE.parent / "boot-test")]

from network import GUEST, Leases, lay_wire, named  # noqa: E402
from pace import SLOW, run, say  # noqa: E402
from phones import CARD, OUTSIDE, is_registered, state  # noqa: E402

from tests.support.programs import Phone, wait_until  # noqa: E402

UNIT = """
[Unit]
Description=The shell of a test
DefaultDependencies=no
After=systemd-udevd.service
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'exec /bin/sh <>/dev/virtio-ports/wire >&0 2>&1'
Restart=always
RestartSec=1
"""
TOLD = " systemd.wants=t.service modules_load=mac80211_hwsim systemd.default_device_timeout_sec=600"
"""To the kernel: the test's shell, two Wi-Fi cards, and patience where a disk takes a minute to be found."""
SIGNATURE = "5049676e"
"""Of the downloaded image's disk; a card gets one of its own at its first start."""
WIFI = 'ssid = "Home"\npassword = "correct horse"\ncountry = "GB"\n'
DEVICES = "nmcli -t -f DEVICE,STATE device"
ACCESS_POINT = 'network={\n ssid="Home"\n mode=2\n key_mgmt=WPA-PSK\n psk="correct horse"\n frequency=2437\n}\n'
HASH = "$6$offhooktest$Fs/./rxmoLINBiPMCM/eXQng/USAQR2GA7gIUuFaBfBLf7crxgOF0y/fq2EvupDMdXribxBVJd0.k5xyLBEYt1"
"""Of "correct horse" (crypt(5))."""
USER_DATA = f"""#cloud-config
manage_resolv_conf: false
hostname: hall
users:
- name: anna
  groups: users,sudo
  shell: /bin/bash
  lock_passwd: false
  passwd: "{HASH}"
ssh_pwauth: true
runcmd:
- [ systemctl, enable, --now, ssh ]
"""
NETWORK_CONFIG = f"""network:
  version: 2
  ethernets:
    eth0:
      dhcp4: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      regulatory-domain: "GB"
      access-points:
        "Home":
          password: "{hashlib.pbkdf2_hmac("sha1", b"correct horse", b"Home", 4096, 32).hex()}"
      optional: true
"""
"""For cloud-init, as Raspberry Pi Imager writes them: a name, a user, SSH and a Wi-Fi."""
CARD_BYTES = 4 << 30
"""QEMU's disk is larger than the image, as a card is."""
FAT_BYTES = 8 << 20


class Guest:
    """The machine in QEMU, and a shell in it."""

    def __init__(self, disk: Path, folder: Path, boot: int) -> None:
        self._log = folder / f"console-{boot}.log"
        wire = folder / "wire"
        wire.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(wire))
        self._listener.listen()
        self.process = subprocess.Popen(_qemu(disk, folder, wire, self._log), stdin=subprocess.DEVNULL)
        self._began = time.monotonic()
        self._listener.settimeout(60)
        self._port, _ = self._listener.accept()
        self._port.settimeout(10)
        self._pending = b""

    @property
    def seconds(self) -> float:
        """Since the power was switched on."""
        return time.monotonic() - self._began

    def wait(self, seconds: float) -> None:
        """Until the shell answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._port.sendall(b"echo\n")
                self._port.recv(1 << 16)
                break
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"no shell in the guest; see {self._log}") from None
        self._port.settimeout(120 * SLOW)
        self.run("true")

    def run(self, command: str) -> str:
        """A command's output, and its complaints; raises AssertionError where it fails."""
        status, text = self.ask(command)
        assert status == 0, f"{command}: {status}: {text}"
        return text

    def ask(self, command: str) -> tuple[int, str]:
        """A command's exit status and output."""
        mark = f"end-{time.monotonic_ns()}"
        self._port.sendall(f"{{ {command}\n}} </dev/null 2>&1; echo {mark} $?\n".encode())
        while not (found := re.search(rf"{mark} (\d+)\n".encode(), self._pending)):
            octets = self._port.recv(1 << 16)
            assert octets, f"the guest is gone; see {self._log}"
            self._pending += octets
        text, self._pending = self._pending[: found.start()], self._pending[found.end() :]
        return int(found[1]), text.decode("utf-8", "replace").strip()

    def switch_off(self) -> None:
        """In order, if it still can."""
        if self.process.poll() is None:
            self._port.sendall(b"systemctl poweroff\n")
            try:
                self.process.wait(120 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._port.close()
        self._listener.close()


def _qemu(disk: Path, folder: Path, wire: Path, log: Path) -> list[str]:
    line = (folder / "cmdline.txt").read_text().strip().replace("console=serial0,115200", "console=ttyAMA0") + TOLD
    return [
        *("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi", "-smp", "2"),
        *("-m", "1024", "-display", "none", "-serial", f"file:{log}", "-monitor", "none", "-no-reboot"),
        *("-kernel", str(folder / "kernel8.img"), "-initrd", str(folder / "initramfs8"), "-append", line),
        *("-fw_cfg", f"name=opt/io.systemd.credentials/systemd.extra-unit.t.service,file={folder}/t.service"),
        *("-drive", f"if=none,id=card,file={disk},format=raw", "-device", "virtio-blk-pci,drive=card"),
        *("-netdev", "tap,id=wire,ifname=wire,script=no,downscript=no"),
        *("-device", "virtio-net-pci,netdev=wire,romfile=", "-device", "virtio-rng-pci"),
        *("-device", "virtio-serial", "-chardev", f"socket,id=wire,path={wire}"),
        *("-device", "virtserialport,chardev=wire,name=wire"),
    ]


def mtools(command: str, disk: Path, *words: str) -> str:
    """One of mtools' commands on the card's FAT partition; its output."""
    return run(command, "-i", f"{disk}@@{FAT_BYTES}", *words, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})


def prepare(image: Path, folder: Path) -> Path:
    """The image on a larger card."""
    disk = folder / "card.img"
    run("cp", "--sparse=always", str(image), str(disk))
    os.truncate(disk, CARD_BYTES)
    return disk


def put(disk: Path, folder: Path, files: dict[str, str]) -> None:
    """Files of the user's on the card's FAT partition."""
    for name, text in files.items():
        (folder / name).write_text(text)
        mtools("mcopy", disk, "-o", str(folder / name), "::")


def page(path: str = "/") -> str:
    """The set-up page, over the wire; empty while there is none."""
    try:
        with urllib.request.urlopen(f"http://{GUEST}{path}", timeout=20) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def first_start(guest: Guest) -> None:
    """Nothing is known: it asks for its settings, on the wire and in the air; nobody can log in, no wizard waits."""
    wait_until(lambda: "Offhook" in page(), 600 * SLOW, "the set-up page, over the wire")
    say(f"the set-up page is at http://{GUEST}/ after {guest.seconds:.0f} s")
    wait_until(lambda: "type AP" in guest.ask("iw dev wlan0 info")[1], 240 * SLOW, "wlan0 is an access point")
    into_the_air(guest)
    air = "ip netns exec air"
    wait_until(lambda: "Offhook set-up" in guest.ask(f"{air} iw dev wlan1 scan")[1], 120 * SLOW, "in the air")
    guest.run(f"{air} iw dev wlan1 connect 'Offhook set-up' && ip -n air addr add 192.168.77.99/24 dev wlan1")
    fetch = "import urllib.request as u; print(u.urlopen('http://192.168.77.1/', timeout=20).read().decode())"
    wait_until(lambda: "Offhook" in guest.ask(f'{air} python3 -c "{fetch}"')[1], 120 * SLOW, "the page, over the air")
    say("the set-up page is in the network 'Offhook set-up', at http://192.168.77.1/")
    assert "unmanaged" in guest.run("nmcli -t -f DEVICE,STATE device | grep wlan0")
    # A wizard that asks would hold up the last target for ever.
    wait_until(lambda: guest.ask("systemctl is-active multi-user.target")[0] == 0, 600 * SLOW, "the start ends")
    say("started whole:", guest.run("systemd-analyze | head -1"))
    guest.run("! systemctl is-active userconfig.service ssh.service >/dev/null && ! pgrep -x sshd")
    assert guest.run("awk -F: '$2 !~ /^[!*]/' /etc/shadow") == ""
    say("no wizard, no SSH, no password")
    wait_until(lambda: guest.ask("test -e /etc/cloud/cloud-init.disabled")[0] == 0, 600 * SLOW, "cloud-init is done")
    assert guest.run("hostname") == "offhook"
    named_by = guest.run("cat /etc/fstab /boot/firmware/cmdline.txt")
    assert SIGNATURE not in named_by, named_by
    assert "resize" not in named_by, named_by
    size = int(guest.run("df -m --output=size / | tail -1"))
    assert size > CARD_BYTES * 0.8 / (1 << 20), f"the root file system has {size} MiB"
    assert re.fullmatch(r"[0-9a-f]{32}", guest.run("cat /etc/machine-id"))
    say(f"the root file system has grown to {size} MiB, and the card has a signature of its own")
    assert_no_failed_unit(guest)


def as_telephone(guest: Guest) -> None:
    """It took the user's three files, registers over the wire and is in the home's Wi-Fi."""
    wait_until(lambda: state().get("accounts", [{}])[0].get("registered"), 600 * SLOW, f"registered: {state()}")
    say(f"registered after {guest.seconds:.0f} s")
    assert guest.run("systemctl is-active offhook.service") == "active"
    left = guest.run("ls /boot/firmware").split()
    assert not {"phone.toml", "wifi.toml", "board.toml", "problems.txt"} & set(left), left
    modes = guest.run("stat -L -c '%n %U %G %a' /etc/offhook/phone.toml /etc/offhook/board.toml /etc/offhook/wifi.toml")
    assert modes.splitlines() == [
        "/etc/offhook/phone.toml root offhook 640",
        "/etc/offhook/board.toml root offhook 640",
        "/etc/offhook/wifi.toml root root 600",
    ], modes
    say("the settings are taken off the card:", modes.replace("\n", ", "))
    guest.run("touch /boot/firmware/still-writable && rm /boot/firmware/still-writable")
    home_network(guest)
    wait_until(lambda: "SSID: Home" in guest.ask("iw dev wlan0 link")[1], 240 * SLOW, "joined the Wi-Fi")
    say(
        "in the Wi-Fi",
        guest.run("iw dev wlan0 link | sed -n 's/.*SSID: //p'"),
        guest.run("iw reg get | grep -m1 country"),
    )
    assert "Power save: off" in guest.run("iw dev wlan0 get power_save")
    assert "Storage=volatile" in guest.run("systemd-analyze cat-config systemd/journald.conf")
    assert guest.ask("ls -d /var/log/journal/*/system.journal")[0] != 0
    wire = guest.run("ip route get 10.0.2.2 | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'")
    assert f"{wire}:connected" in guest.run(DEVICES).splitlines(), wire
    wait_until(lambda: named("offhook.local"), 60 * SLOW, "offhook.local")
    say("offhook.local is the telephone; the wire is NetworkManager's, power save is off, the journal in memory")
    assert guest.run("systemctl is-active cloud-init-main.service || true") == "inactive"
    assert guest.run("systemctl is-enabled ssh.service || true") == "disabled"
    say("cloud-init is left out")
    assert_no_failed_unit(guest)


def as_prepared(guest: Guest) -> None:
    """With Raspberry Pi Imager's files: name, user, SSH and Wi-Fi are as they say; the rest is the telephone."""
    wait_until(is_registered, 900 * SLOW, f"registered: {state()}")
    say(f"prepared for cloud-init: registered after {guest.seconds:.0f} s")
    blocked = "rfkill --noheadings --output SOFT | grep -qw blocked"
    wait_until(lambda: guest.ask(blocked)[0] != 0, 120 * SLOW, "the radio is open")
    home_network(guest)
    wait_until(lambda: "wlan0:connected" in guest.ask(DEVICES)[1].splitlines(), 600 * SLOW, "in NetworkManager's Wi-Fi")
    assert "SSID: Home" in guest.run("iw dev wlan0 link")
    assert "Power save: off" in guest.run("iw dev wlan0 get power_save")
    addresses = guest.run("ip -4 -o addr show dev wlan0").splitlines()
    assert len(addresses) == 1, addresses
    assert guest.run("systemctl is-active offhook-wifi.service || true") == "inactive"
    say("the Wi-Fi is NetworkManager's, with one address, and its power save is off")
    wait_until(lambda: guest.ask("systemctl is-active ssh.service")[0] == 0, 600 * SLOW, "SSH, as asked for")
    assert guest.run("hostname") == "hall"
    assert guest.run("getent shadow anna | cut -d: -f2") == HASH
    assert guest.run("awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow") == "anna"
    say("the name and the one user are the card's, and SSH is on")
    wait_until(lambda: guest.ask("test -e /etc/cloud/cloud-init.disabled")[0] == 0, 600 * SLOW, "cloud-init is done")
    assert_no_failed_unit(guest)


def into_the_air(guest: Guest) -> None:
    """The second Wi-Fi card is a neighbour's, in a network of its own."""
    guest.run("ip netns add air && iw phy $(iw dev wlan1 info | sed -n 's/.*wiphy /phy/p') set netns name air")
    guest.run("ip -n air link set wlan1 up")


def home_network(guest: Guest) -> None:
    """The neighbour is the home's access point, and gives addresses."""
    into_the_air(guest)
    guest.run(f"printf '%s' '{ACCESS_POINT}' >/run/home.conf && ip -n air addr add 192.168.50.1/24 dev wlan1")
    guest.run("ip netns exec air wpa_supplicant -B -i wlan1 -c /run/home.conf")
    leases = "--port=0 --interface=wlan1 --dhcp-range=192.168.50.10,192.168.50.20 --dhcp-option=3 --leasefile-ro"
    guest.run(f"ip netns exec air dnsmasq --user=root --conf-file=/dev/null --pid-file=/run/home.pid {leases}")


def assert_no_failed_unit(guest: Guest) -> None:
    """Every unit did what it was to do."""
    failed = guest.run("systemctl --failed --no-legend --no-pager")
    assert not failed, failed
    say("no unit failed;", guest.run("systemd-analyze | head -1"))


def main() -> int:
    """Run all of it; returns the exit code."""
    parser = argparse.ArgumentParser(description="Boot the telephone laid over an image like Raspberry Pi OS.")
    parser.add_argument("image", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    image, folder = options.image.resolve(), options.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "t.service").write_text(UNIT)
    lay_wire()
    Leases()
    os.chdir(TOP)
    telephone = {"phone.toml": CARD, "board.toml": (TOP / "hw/boards/sim.toml").read_text()}
    disk = prepare(image, folder)
    boot(disk, folder, 1, first_start)
    put(disk, folder, {**telephone, "wifi.toml": WIFI})
    with Phone(folder, OUTSIDE):
        boot(disk, folder, 2, as_telephone)
        disk = prepare(image, folder)
        line = mtools("mtype", disk, "::cmdline.txt").strip() + " ds=nocloud;i=rpi-imager-1\n"
        seed = {"user-data": USER_DATA, "network-config": NETWORK_CONFIG, "meta-data": "instance-id: rpi-imager-1\n"}
        put(disk, folder, {**telephone, **seed, "cmdline.txt": line})
        boot(disk, folder, 3, as_prepared)
    say("PASSED")
    return 0


def boot(disk: Path, folder: Path, number: int, steps: Callable[[Guest], None]) -> None:
    """Start the machine, go through the steps, switch it off; the journal is kept where they fail."""
    mtools("mcopy", disk, "-o", "-n", "::kernel8.img", "::initramfs8", "::cmdline.txt", str(folder))
    guest = Guest(disk, folder, number)
    try:
        guest.wait(900 * SLOW)
        say(f"start {number}: a shell after {guest.seconds:.0f} s")
        steps(guest)
    except BaseException:
        for command in (
            "journalctl -b --no-pager -q",
            "systemctl --no-pager list-jobs",
            "nmcli; ip addr; rfkill; iw dev",
        ):
            with (folder / f"failed-{number}.txt").open("a") as notes:
                notes.write(f"$ {command}\n{guest.ask(command)[1]}\n")
        raise
    finally:
        (folder / f"blame-{number}.txt").write_text(guest.ask("systemd-analyze blame --no-pager")[1])
        guest.switch_off()


if __name__ == "__main__":
    sys.exit(main())
