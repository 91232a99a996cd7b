"""Tell systemd how we are (sd_notify(3)): a datagram to the socket it names; nothing where there is none."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send `state`, "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=..."."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return  # the service manager is gone: nobody to tell
