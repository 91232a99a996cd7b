"""The set-up form: what it asks, and the settings a filled-in one means, judged as `offhook check` judges files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware.config import ConfigurationError, parse
from firmware.config.wifi import Wifi, read_wifi
from firmware.config.writing import toml_text

LONGEST = 256
"""Characters of an answer."""
PAGE_ADDRESS = "0.0.0.0:8080"

FIELDS = (
    "ssid", "wifi_password", "address", "password", "name", "board", "country",
    "username", "registrar", "outbound_proxy", "wifi_country",
)  # fmt: skip
SECRET = frozenset(["password", "wifi_password"])
_ACCOUNT = ("username", "registrar", "outbound_proxy")
_FIELD_OF = {
    "phone.name": "name",
    "account[0].name": "name",
    "phone.country": "country",
    "hardware.board": "board",
    **{f"account[0].{name}": name for name in ("address", "password", *_ACCOUNT)},
}
_WIFI_FIELD_OF = {"ssid": "ssid", "password": "wifi_password", "country": "wifi_country"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something to be mended, and where."""

    field: str
    """One of `FIELDS`; empty: none of them."""
    words: str


class Mistakes(ValueError):
    """The answers make no settings. `mistakes` holds every reason."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{one.field}: {one.words}" for one in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Known:
    """The settings there are: what the form shows at first, and what an answer changes."""

    phone: Mapping[str, Any] = field(default_factory=dict)
    """The tables of `phone.toml`; empty: there is none."""
    wifi: Wifi | None = None

    @property
    def account(self) -> Mapping[str, Any]:
        """The first account."""
        tables = self.phone.get("account")
        return tables[0] if isinstance(tables, list) and tables and isinstance(tables[0], dict) else {}

    def table(self, name: str) -> Mapping[str, Any]:
        """A section."""
        value = self.phone.get(name)
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Answers:
    """The files that the answers make."""

    phone: str
    wifi: str
    """Empty: no Wi-Fi."""
    token: str
    """What the telephone's own page asks for."""


def known_settings(phone: str, wifi: str) -> Known:
    """The settings in the two files' texts; what cannot be read counts as absent."""
    try:
        tables = tomllib.loads(phone)
    except (tomllib.TOMLDecodeError, RecursionError):
        tables = {}
    try:
        return Known(tables, read_wifi(wifi) if wifi else None)
    except ConfigurationError:
        return Known(tables)


def shown(known: Known, board: str) -> dict[str, str]:
    """What stands in the form at first, passwords left out; `board`: where none is known."""
    account, phone, wifi = known.account, known.table("phone"), known.wifi
    values = {
        "name": phone.get("name", ""),
        "country": phone.get("country", "gb"),
        "board": known.table("hardware").get("board", board),
        "address": str(account.get("address", "")).removeprefix("sip:"),
        **{name: account.get(name, "") for name in _ACCOUNT},
    }
    if wifi is not None:
        values["ssid"] = wifi.ssid
        values["wifi_country"] = "" if wifi.country.lower() == values["country"] else wifi.country
    return {name: str(value) for name, value in values.items()}


def kept_secrets(known: Known) -> frozenset[str]:
    """The passwords that are known, and stay if the form's field for them does."""
    kept = {"password"} if {"password", "password_file"} & set(known.account) else set()
    return frozenset(kept | ({"wifi_password"} if known.wifi is not None and known.wifi.password else set()))


def answers(
    form: Mapping[str, str],
    known: Known,
    token: str,
    folder: Path | None = None,
    board_check: Callable[[str], Sequence[str]] | None = None,
) -> Answers:
    """The settings that a filled-in form means. `token`: a new one, for the telephone's page, if it has none.

    Raises Mistakes with every reason.
    """
    values = {name: form.get(name, "").strip() for name in FIELDS}
    for name in SECRET:
        values[name] = form.get(name, "")
    if too_long := [name for name, value in values.items() if len(value) > LONGEST]:
        raise Mistakes([Mistake(name, f"write at most {LONGEST} characters") for name in too_long])
    tables = _tables(values, known, token)
    phone, wifi = toml_text(tables), _wifi_text(values, known)
    mistakes = _judged(lambda: parse(phone, folder, board_check), _FIELD_OF)
    if wifi:
        mistakes += _judged(lambda: read_wifi(wifi), _WIFI_FIELD_OF)
    elif values["wifi_password"]:
        mistakes.append(Mistake("ssid", "there is a password, but no Wi-Fi: choose the network"))
    if mistakes:
        raise Mistakes(list(dict.fromkeys(mistakes)))
    return Answers(phone, wifi, tables["web"].get("token", ""))


def _tables(values: Mapping[str, str], known: Known, token: str) -> dict[str, Any]:
    """`phone.toml` with the answers in it; what the form does not ask stays as it is."""
    name = values["name"] or "Offhook"
    others = known.phone.get("account")
    web = known.table("web")
    changed = {
        "phone": {**known.table("phone"), "name": name, "country": values["country"].lower() or "gb"},
        "account": [_account(values, known, name), *(others[1:] if isinstance(others, list) else [])],
        "hardware": {**known.table("hardware"), "board": values["board"] or "sim"},
        "web": web if web else {"listen": PAGE_ADDRESS, "token": token},
    }
    return {**changed, **{key: value for key, value in known.phone.items() if key not in changed}}


def _account(values: Mapping[str, str], known: Known, name: str) -> dict[str, Any]:
    old = known.account
    account = {key: value for key, value in old.items() if key not in ("address", *_ACCOUNT)}
    account = {"address": _as_uri(values["address"]), **account, "name": name}
    for key in _ACCOUNT:
        if values[key]:
            account[key] = values[key] if key == "username" else _as_uri(values[key])
    # A password is for whom it was given: another server is not told it.
    same = all(account.get(key) == old.get(key) for key in ("address", "registrar", "outbound_proxy"))
    if values["password"] or not same:
        account.pop("password", None)
        account.pop("password_file", None)
    if values["password"]:
        account["password"] = values["password"]
    return account


def _as_uri(text: str) -> str:
    """People write 1001@example.net."""
    return text if not text or text.lower().startswith(("sip:", "sips:", "tel:")) else f"sip:{text}"


def _wifi_text(values: Mapping[str, str], known: Known) -> str:
    if not values["ssid"]:
        return ""
    password = values["wifi_password"]
    if not password and known.wifi is not None and known.wifi.ssid == values["ssid"]:
        password = known.wifi.password
    country = values["wifi_country"] or values["country"] or "gb"
    return toml_text({"ssid": values["ssid"], "password": password, "country": country.upper()})


def _judged(read: Callable[[], object], fields: Mapping[str, str]) -> list[Mistake]:
    try:
        read()
    except ConfigurationError as fault:
        return [Mistake(fields.get(one.path, ""), _words(one.path, one, fields)) for one in fault.problems]
    return []


def _words(path: str, problem: Any, fields: Mapping[str, str]) -> str:
    where = f"{path}: " if path and path not in fields else ""
    return f"{where}{problem.message}; {problem.remedy}"
