"""`offhook sim` as a program under test: several telephones on one page."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.programs import Handset, Program, free_port, wait_until


class SimHandset(Handset):
    """One telephone of the page."""

    def __init__(self, base: str, user: str) -> None:
        self.base = base
        self.user = user

    def over(self, call: dict[str, Any]) -> dict[str, Any]:
        """Wait until this very call has ended; its CALL then."""

        def ended() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.ask("GET", f"/api/v1/calls/{call['id']}")
            return shown if shown["state"] == "ended" else None

        return dict(wait_until(ended, 15, f"the end of {call['id']}"))


class Household(Program):
    """`offhook sim`; its telephones by user."""

    def __init__(self, *configs: Path, users: tuple[str, ...] = ("1001", "1002"), host: str = "127.0.0.1") -> None:
        self.port = free_port(socket.SOCK_STREAM)
        authority = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.page = f"http://{authority}"
        command = [sys.executable, "-m", "firmware", "sim", "--listen", authority, *map(str, configs)]
        super().__init__(command, name="offhook sim")
        self.whole = SimHandset(self.page, "")
        """The page of them all."""
        self.phones = [self.phone_of(user) for user in users]
        self.wait_for("ready")

    def phone_of(self, user: str) -> SimHandset:
        """The telephone at /phones/USER/, whether there is one or not."""
        return SimHandset(f"{self.page}/phones/{user}", user)

    def settled(self) -> None:
        """Wait until every telephone that registers is registered."""
        for phone in self.phones:
            phone.registered()


class Events:
    """A listener of `GET /api/v1/events`: what has been told so far."""

    def __init__(self, base: str) -> None:
        self._response = urllib.request.urlopen(f"{base}/api/v1/events", timeout=20)
        assert self._response.headers.get_content_type() == "text/event-stream"

    def next(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while True:
            name, data = "", ""
            while line := self._response.readline().decode().rstrip("\n"):
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
            if name == kind:
                return dict(json.loads(data))

    def call_becomes(self, state: str) -> list[str]:
        """The states a call went through, up to this one."""
        states: list[str] = []
        while state not in states:
            states.append(self.next("call")["state"])
        return states

    def close(self) -> None:
        self._response.close()


__all__ = ["Events", "Household", "SimHandset", "wait_until"]
