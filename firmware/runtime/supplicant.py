"""wpa_supplicant's control interface (wpa_ctrl.h): a datagram asks, a datagram answers."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

ANSWER_S = 3.0


class Supplicant:
    """One Wi-Fi card's. It may not run: then every answer is empty."""

    def __init__(self, control: Path, own: Path) -> None:
        """`control`: its socket, in ctrl_interface's folder; `own`: where ours may be."""
        self._control = control
        self._own = own

    def ask(self, command: str) -> str:
        """Its answer to a command of wpa_cli(8)'s raw form."""
        self._own.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
            asker.settimeout(ANSWER_S)
            try:
                asker.bind(str(self._own))
                asker.sendto(command.encode(), str(self._control))
                return asker.recv(1 << 16).decode("utf-8", "replace")
            except OSError:
                return ""
            finally:
                with contextlib.suppress(FileNotFoundError):
                    self._own.unlink()
