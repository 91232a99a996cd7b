"""The two telephones: what a user writes on the card for the one in the guest; the one outside, also the exchange."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from network import GUEST

CARD = """
[phone]
name = "Boot test"
[[account]]
address = "sip:1001@home.test"
password = "first"
registrar = "sip:10.0.2.2"
outbound_proxy = "sip:10.0.2.2;lr"
[hardware]
board = "./board.toml"
[web]
listen = "0.0.0.0:8080"
token = "boot-test"
[dial]
patterns = ["10xx"]
"""
OUTSIDE = """
[phone]
name = "Outside"
roles = ["user-agent", "registrar", "proxy"]
[[account]]
address = "sip:1002@home.test"
name = "Outside"
password = "second"
registrar = "sip:10.0.2.2"
outbound_proxy = "sip:10.0.2.2;lr"
[sip]
listen = ["udp:10.0.2.2:5060", "tcp:10.0.2.2:5060"]
[registrar]
domain = "home.test"
users = { 1001 = "first", 1002 = "second" }
[web]
listen = "{web}"
[dial]
patterns = ["10xx"]
"""


def state() -> dict[str, Any]:
    """The guest's telephone, asked over its own interface; {} while it does not answer."""
    asked = urllib.request.Request(f"http://{GUEST}:8080/api/v1/phone", headers={"Authorization": "Bearer boot-test"})
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except OSError:
        return {}


def is_registered() -> bool:
    """Whether it says that it is."""
    return any(account["registered"] for account in state().get("accounts", []))


def calls() -> list[dict[str, Any]]:
    """Its calls that are not over."""
    return [call for call in state().get("calls", []) if call["state"] != "ended"]
