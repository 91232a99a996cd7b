"""`wifi.toml`: the network to join. And the forms in which wpa_supplicant wants it, wpa_supplicant.conf(5)."""

from __future__ import annotations

import string
import tomllib
from dataclasses import dataclass
from typing import Any

from firmware.config.problems import ConfigurationError, Problem, Problems
from hw.toml_lines import BYTE_ORDER_MARK, key_lines

KEYS = ("ssid", "password", "country")
SET_UP_SSID = "Offhook set-up"
KEY_DIGITS = 64
"""Hexadecimal digits of a key that is given as itself, not as the passphrase it is made of (IEEE 802.11 J.4)."""


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network to join."""

    ssid: str
    password: str
    """WPA2/WPA3 passphrase; empty: an open network."""
    country: str
    """ISO 3166 code: which channels may be used."""

    @property
    def supplicant(self) -> str:
        """A configuration for wpa_supplicant; the name in hexadecimal, as it may hold any octets."""
        lines = [f"ssid={self.ssid.encode().hex()}", "scan_ssid=1", *self._key()]
        return f"country={self.country}\nsae_pwe=2\nnetwork={{\n " + "\n ".join(lines) + "\n}\n"

    def _key(self) -> list[str]:
        if not self.password:
            return ["key_mgmt=NONE"]
        if _is_key(self.password):  # SAE has no use for one
            return [f"psk={self.password}", "key_mgmt=WPA-PSK WPA-PSK-SHA256", "ieee80211w=1"]
        # It ends a quoted text at the line's last quotation mark, and knows no escapes.
        quoted = f'"{self.password}"'
        return [f"psk={quoted}", f"sae_password={quoted}", "key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE", "ieee80211w=1"]


def access_point(country: str = "") -> str:
    """wpa_supplicant's configuration of the set-up network: open, on channel 6, which every country allows."""
    head = f"country={country}\n" if country else ""
    return f"{head}network={{\n ssid={SET_UP_SSID.encode().hex()}\n mode=2\n key_mgmt=NONE\n frequency=2437\n}}\n"


def read_wifi(text: str) -> Wifi:
    """The network in a `wifi.toml`. Raises ConfigurationError with everything that is wrong."""
    try:
        table = tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        problem = Problem("", None, f"this is not TOML: {fault}", "mend the line, https://toml.io shows the form")
        raise ConfigurationError((problem,)) from None
    problems = Problems(key_lines(text))
    for name in table:
        if name not in KEYS:
            problems.complain((name,), "unknown key", "known here: " + ", ".join(KEYS))
    wifi = Wifi(*(_text(problems, table, name) for name in KEYS))
    _check(problems, wifi)
    if problems.found:
        raise ConfigurationError(tuple(sorted(problems.found, key=lambda one: one.line or 0)))
    return Wifi(wifi.ssid, wifi.password, wifi.country.upper())


def _text(problems: Problems, table: dict[str, Any], name: str) -> str:
    value = table.get(name, "")
    if isinstance(value, str):
        return value
    problems.spoil((name,), "it is not a text", "write it in quotation marks")
    return ""


def _check(problems: Problems, wifi: Wifi) -> None:
    if problems.sound("ssid") and not wifi.ssid:
        problems.complain(("ssid",), "the network has no name", "write the name that other devices show")
    elif len(wifi.ssid.encode()) > 32:
        problems.complain(("ssid",), "no network's name is this long", "write at most 32 letters, fewer with accents")
    if problems.sound("password") and wifi.password and not (_is_passphrase(wifi.password) or _is_key(wifi.password)):
        remedy = "write it as it stands on the router; leave it empty for a network without one"
        problems.complain(("password",), "a Wi-Fi password has 8 to 63 letters, digits and signs, no accents", remedy)
    country = wifi.country
    if problems.sound("country") and not (len(country) == 2 and country.isascii() and country.isalpha()):
        remedy = 'write two letters, like "GB": they say which channels may be used'
        problems.complain(("country",), "this is not a country's code" if country else "it is missing", remedy)


def _is_passphrase(text: str) -> bool:
    return 8 <= len(text) <= 63 and text.isascii() and text.isprintable()


def _is_key(text: str) -> bool:
    return len(text) == KEY_DIGITS and set(text) <= set(string.hexdigits)
