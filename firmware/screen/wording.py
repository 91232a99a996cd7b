"""What the panel says about people, times and lines."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote

from firmware.phone.events import Party
from firmware.phone.view import CallView, HistoryView, PhoneView

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PANEL_COLUMNS = 21
_SERVICE = {
    "No answer from the registrar": "Server not answering",
    "Cannot reach the registrar": "Server not reachable",
    "The registrar's name was not found": "Server not found",
    "The registrar refuses our user name or password": "Password refused",
    "The registrar does not know our address": "Unknown to the server",
}
"""A registration's troubles, which are told in a sentence, in a line of the smallest panel."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number_of(party: Party) -> str:
    """Return the part of the address that a person would dial: the user, or the host if there is none."""
    rest = re.split(r"[;?>]", party.uri.partition(":")[2], maxsplit=1)[0]
    user, at, host = rest.rpartition("@")
    return unquote(user if at else host)


def caller_of(party: Party) -> tuple[str, str]:
    """Return the two lines about a person: name and number, or the number alone."""
    number = number_of(party) or "Unknown"
    name = party.name.strip()
    return (name, number) if name and name != number else (number, "")


def duration(seconds: float) -> str:
    """Return 3:05, or 1:03:05."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def date(wall: datetime) -> str:
    """Return Sat 22 Nov."""
    return f"{_DAYS[wall.weekday()]} {wall.day} {_MONTHS[wall.month - 1]}"


def moment(ago: float, wall: datetime) -> str:
    """Return when something was: 17:42 today, 22 Nov before."""
    then = wall - timedelta(seconds=max(0.0, ago))
    return f"{then:%H:%M}" if then.date() == wall.date() else f"{then.day} {_MONTHS[then.month - 1]}"


def when(ago: float, wall: datetime) -> str:
    """Return when something was, in full: 22 Nov 17:42."""
    then = wall - timedelta(seconds=max(0.0, ago))
    return f"{then.day} {_MONTHS[then.month - 1]} {then:%H:%M}"


def often(entry: HistoryView) -> str:
    """Return how often in a row that was, and a space: (3); empty for once."""
    return f"({entry.times}) " if entry.times > 1 else ""


KINDS = {"missed": "Missed", "in": "Received", "out": "Dialled"}
"""What sort of past call it is."""


def in_service(view: PhoneView) -> bool:
    """Return whether at least one account can make calls."""
    return any(account.registered or not account.registers for account in view.accounts)


def own_number(view: PhoneView) -> str:
    """Return what others dial to reach this phone."""
    return number_of(Party(view.accounts[0].address)) if view.accounts else ""


def lasting_words(view: PhoneView) -> str:
    """Return what the person has to know or to mend for as long as it lasts, in a line of the panel; empty if nothing.

    First what keeps calls from being heard.
    """
    if view.do_not_disturb:
        return "Do not disturb"
    if view.sound_fault:
        return "No sound card"
    return "Replace the card" if view.forgetful else ""


def service_words(view: PhoneView) -> str:
    """Return why there is no service, in a line of the panel; empty if there is."""
    if in_service(view):
        return ""
    reason = view.accounts[0].reason if view.accounts else "No account"
    words = _SERVICE.get(reason, reason)
    return words if 0 < len(words) <= _PANEL_COLUMNS else "No service"


CHOICES = {
    "calls": "Call list", "do-not-disturb": "Do not disturb", "about": "About", "clear": "Clear call list",
    "set-up": "Set-up page",
}  # fmt: skip
"""What is in the menu."""
FORGETFUL = "The memory card cannot be used: what is set is forgotten when switched off. Replace it, or write it anew."
NO_PAGE = "This telephone has no set-up page: it does not run from Offhook's card."
SET_UP_WIFI = "Offhook set-up"
SITE = "http://offhook.local/"
SURE_OF_SET_UP = "Open it for 15 minutes? On Wi-Fi no calls meanwhile."


def choice(view: PhoneView, name: str) -> str:
    """Return a choice as the menu has it: what it is, and how it stands."""
    words = CHOICES[name]
    return f"{words}: {'on' if view.do_not_disturb else 'off'}" if name == "do-not-disturb" else words


def about(view: PhoneView) -> list[str]:
    """Return what there is to know of this telephone, each a line that may be too long for a panel."""
    lines: list[str] = []
    for account in view.accounts:
        lines.append(account.address.removeprefix("sip:"))
        served = account.registered or not account.registers
        lines.append("In service" if served else _SERVICE.get(account.reason, account.reason) or "No service")
    lines += view.own_addresses or ("No network",)
    lines.append(f"Offhook {view.version}")
    return [*lines, FORGETFUL] if view.forgetful else lines


def standing(call: CallView) -> str:
    """Return how a call stands, in a word or two."""
    if call.state != "confirmed":
        return "Ringing" if call.state in ("ringing", "early") and call.direction == "out" else "Connecting"
    return {"none": "In call", "local": "On hold", "remote": "You are on hold", "both": "On hold"}[call.hold]


def nothing_yet(view: PhoneView, call: CallView) -> str:
    """Return who has not answered our INVITE yet, in a line of the smallest panel."""
    served = any(account.registers for account in view.accounts if account.address == call.account)
    return "Server: no answer yet" if served else "Phone: no answer yet"


def bars(call: CallView) -> str | None:
    """Return the icon of the connection's quality (mean opinion score, ITU-T P.800.1), None if it is not known."""
    if call.quality is None:
        return None
    return f"bars-{1 + sum(call.quality.mos >= floor for floor in (3.1, 3.6, 4.0))}"
