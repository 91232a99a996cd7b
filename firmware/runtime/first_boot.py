"""What the user wrote on the SD card's FAT partition moves to /data, where it is safe from power cuts.

    FAT  phone.toml  wifi.toml  board.toml  ──>  /data/offhook   (checked first; then taken off the card)
                                            ──>  /run/offhook-setup  what this boot is like

Runs as root before the telephone and the network, at every boot: new files on the card replace the old settings.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.config import ConfigurationError, load
from firmware.runtime.safe_file import write_safely

log = logging.getLogger("offhook.firstboot")

PHONE, WIFI, BOARD, PROBLEMS = "phone.toml", "wifi.toml", "board.toml", "problems.txt"
LARGEST_OCTETS = 64 * 1024
SET_UP_SSID = "Offhook set-up"
SET_UP_NETWORK = """\
[Match]
Type=wlan

[Network]
Address=192.168.77.1/24
DHCPServer=yes
LinkLocalAddressing=no
MulticastDNS=yes

[DHCPServer]
EmitRouter=no
DNS=_server_address
"""


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network to join. `text` is the file's form, `supplicant` that of wpa_supplicant.conf(5)."""

    ssid: str
    password: str
    """WPA2/WPA3 passphrase; empty: an open network."""
    country: str
    """ISO 3166 code: which channels may be used."""

    @property
    def supplicant(self) -> str:
        """A configuration for wpa_supplicant; the name in hexadecimal, as it may hold any octets."""
        key = f"psk={_quoted(self.password)}" if self.password else "key_mgmt=NONE"
        mixed = "key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n ieee80211w=1\n sae_password=" + _quoted(self.password)
        lines = [f"ssid={self.ssid.encode().hex()}", "scan_ssid=1", key, *([mixed] if self.password else [])]
        return f"country={self.country}\nsae_pwe=2\nnetwork={{\n " + "\n ".join(lines) + "\n}\n"


def _quoted(passphrase: str) -> str:
    # wpa_supplicant ends a quoted string at the line's last quotation mark and knows no escapes.
    return f'"{passphrase}"'


def read_wifi(text: str) -> Wifi:
    """The network in a `wifi.toml`. Raises ValueError with the reason in plain words."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ValueError(f"this is not TOML: {fault}") from None
    if unknown := sorted(set(table) - {"ssid", "password", "country"}):
        raise ValueError(f"unknown key {unknown[0]}; known are ssid, password, country")
    values = [table.get("ssid", ""), table.get("password", ""), table.get("country", "")]
    if not all(isinstance(value, str) for value in values):
        raise ValueError("ssid, password and country are texts in quotes")
    ssid, password, country = values
    if not 1 <= len(ssid.encode()) <= 32:
        raise ValueError("ssid must have 1 to 32 octets")
    if password and not (8 <= len(password) <= 63 and password.isascii() and password.isprintable()):
        raise ValueError("password must have 8 to 63 plain characters")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError('country must be two letters, like "GB": it says which channels may be used')
    return Wifi(ssid, password, country.upper())


def set_up_supplicant() -> str:
    """The set-up access point: open, and only there until the telephone is configured. 2437 MHz is channel 6."""
    ssid = SET_UP_SSID.encode().hex()
    return f"network={{\n ssid={ssid}\n mode=2\n key_mgmt=NONE\n frequency=2437\n}}\n"


@dataclass(frozen=True, slots=True)
class Card:
    """Where things are."""

    firmware: Path
    """The FAT partition."""
    settings: Path
    """The folder under /data."""
    boot: Path
    """The folder under /run that tells the units what this boot is like."""
    group: str = "offhook"
    """Who may read the telephone's settings; empty: nobody else."""


def take_over(card: Card) -> list[str]:
    """Move what is on the FAT partition and sound to the settings; return what is wrong with the rest."""
    problems: list[str] = []
    taken: list[str] = []
    for name, check in ((BOARD, _no_check), (PHONE, _check_phone), (WIFI, _check_wifi)):
        path = card.firmware / name
        if not path.is_file():
            continue
        found = _too_large(path) or check(path)
        if found:
            problems += [f"{name}: {one}" for one in found]
            continue
        private = name == WIFI
        group = "" if private else card.group
        write_safely(card.settings / name, path.read_bytes(), mode=0o600 if private else 0o640, group=group)
        taken.append(name)
    # Only now: the copies are on the disk for good.
    for name in taken:
        log.info("took %s from the card", name)
        (card.firmware / name).unlink()
    return problems


def _too_large(path: Path) -> list[str]:
    return ["too large"] if path.stat().st_size > LARGEST_OCTETS else []


def _no_check(path: Path) -> list[str]:
    return []  # phone.toml names it, and its check reads it


def _check_phone(path: Path) -> list[str]:
    try:
        load(path)
    except ConfigurationError as fault:
        return [str(problem) for problem in fault.problems]
    return []


def _check_wifi(path: Path) -> list[str]:
    try:
        read_wifi(path.read_text("utf-8"))
    except ValueError as fault:
        return [str(fault)]
    return []


def tell_problems(card: Card, problems: Sequence[str]) -> None:
    """Leave the problems on the card, where the user looks next, or take an old list away."""
    path = card.firmware / PROBLEMS
    if problems:
        path.write_text("".join(f"{one}\r\n" for one in problems), "utf-8")
        for one in problems:
            log.error("%s", one)
    else:
        path.unlink(missing_ok=True)


def say_what_boot(card: Card) -> None:
    """Write what the Wi-Fi and set-up units go by: join a network, or be one, or neither."""
    card.boot.mkdir(mode=0o755, parents=True, exist_ok=True)
    wifi, configured = card.settings / WIFI, (card.settings / PHONE).is_file()
    if wifi.is_file():
        _write_private(card.boot / "wpa_supplicant.conf", read_wifi(wifi.read_text("utf-8")).supplicant)
    elif not configured:
        _write_private(card.boot / "wpa_supplicant.conf", set_up_supplicant())
        network = card.boot / "access-point.network"
        network.write_text(SET_UP_NETWORK)
        network.chmod(0o644)  # systemd-networkd is not root
    if not configured:
        (card.boot / "wanted").touch()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


@contextlib.contextmanager
def _writable(mount_point: Path) -> Iterator[None]:
    """The FAT partition, writable for a moment: mounted read-only, a power cut cannot hurt it."""
    if not mount_point.is_mount():
        yield
        return
    subprocess.run(["mount", "-o", "remount,rw", str(mount_point)], check=True)
    try:
        yield
    finally:
        os.sync()
        subprocess.run(["mount", "-o", "remount,ro", str(mount_point)], check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `offhook-firstboot`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="offhook-firstboot", description="Take the settings from the SD card.")
    parser.add_argument("--firmware", type=Path, default=Path("/boot/firmware"), metavar="FOLDER")
    parser.add_argument("--settings", type=Path, default=Path("/data/offhook"), metavar="FOLDER")
    parser.add_argument("--boot", type=Path, default=Path("/run/offhook-setup"), metavar="FOLDER")
    parser.add_argument("--group", default="offhook", help="who may read the settings")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    card = Card(options.firmware, options.settings, options.boot, options.group)
    if _anything_new(card):
        with _writable(card.firmware):
            tell_problems(card, take_over(card))
    say_what_boot(card)
    return 0


def _anything_new(card: Card) -> bool:
    return any((card.firmware / name).exists() for name in (PHONE, WIFI, BOARD, PROBLEMS))


if __name__ == "__main__":
    sys.exit(main())
