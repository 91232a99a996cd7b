"""What the telephone says of itself to the service manager: STATUS= of sd_notify(3), read again with systemctl."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firmware.phone.view import AccountView
from firmware.runtime.notify import notify
from firmware.set_up.course import IN_SERVICE
from firmware.web.door import PhoneDoor


def tell_standing(phone: PhoneDoor) -> None:
    """Keep the service manager told, from now on."""
    told = ""

    def tell() -> None:
        nonlocal told
        words = standing(phone.view().accounts)
        if words != told:
            told = words
            notify(f"STATUS={words}")

    tell()
    phone.watch(tell)


PROPERTIES = ("ActiveState", "SubState", "StatusText", "ExecMainStartTimestampMonotonic")


def standing(accounts: Iterable[AccountView]) -> str:
    """IN_SERVICE, or which accounts are not, and why."""
    missing = [one for one in accounts if one.registers and not one.registered]
    words = "; ".join(f"{one.address}: {one.reason or 'Registering'}" for one in missing)
    return " ".join(words.split()) or IN_SERVICE


@dataclass(frozen=True, slots=True)
class Service:
    """The telephone's unit, as `systemctl show` has it."""

    status: str
    """What it said last; empty: nothing yet, or it has not started since `since`."""
    failed: bool


def service_of(shown: str, since: float) -> Service:
    """Read `systemctl show` with PROPERTIES; `since`: of a start before this it knows nothing, monotonic seconds."""
    values: Mapping[str, str] = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    started = int(values.get("ExecMainStartTimestampMonotonic") or "0") / 1e6
    if not started or started < since:
        return Service("", failed=False)
    failed = values.get("ActiveState") == "failed" or values.get("SubState") == "auto-restart"
    runs = values.get("ActiveState") == "active"
    return Service(values.get("StatusText", "") if runs or failed else "", failed)
