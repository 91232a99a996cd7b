"""The wire between the guest and the world outside it: who gives addresses on it, and who answers to a name."""

from __future__ import annotations

import socket
import struct
import threading

from pace import run

HOST, GUEST = "10.0.2.2", "10.0.2.15"
"""Our end of the wire, and the guest's."""


def lay_wire() -> None:
    """Make the wire in this network of our own: the test's end of it is the interface "wire"."""
    for command in ("link set lo up", "tuntap add wire mode tap", f"addr add {HOST}/24 dev wire", "link set wire up"):
        run("ip", *command.split())


class Leases:
    """A DHCP server for one guest (RFC 2131): whoever asks gets the one address."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
        self._socket.bind(("0.0.0.0", 67))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            asked = self._socket.recv(2048)
            kind = _option(asked, 53)
            if asked[0] == 1 and kind in (b"\1", b"\3"):
                self._socket.sendto(_lease(asked, 2 if kind == b"\1" else 5), ("255.255.255.255", 68))


def _option(message: bytes, wanted: int) -> bytes:
    at = 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at] == wanted:
            return message[at + 2 : at + 2 + message[at + 1]]
        at += 1 if message[at] == 0 else 2 + message[at + 1]
    return b""


def _lease(asked: bytes, kind: int) -> bytes:
    host, guest = socket.inet_aton(HOST), socket.inet_aton(GUEST)
    head = struct.pack("!BBBB", 2, 1, 6, 0) + asked[4:8] + bytes(2) + asked[10:12] + bytes(4) + guest + host + bytes(4)
    options = bytes([53, 1, kind, 54, 4]) + host + bytes([51, 4]) + struct.pack("!I", 86400)
    options += bytes([1, 4, 255, 255, 255, 0, 6, 4]) + host + b"\xff"
    return head + asked[28:44] + bytes(192) + b"\x63\x82\x53\x63" + options


def named(name: str) -> bool:
    """Ask the wire for the address of a name, as a full resolver does (RFC 6762 5.2); whether it is the guest's."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        asker.bind(("", 5353))
        group, ours = socket.inet_aton("224.0.0.251"), socket.inet_aton(HOST)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + ours)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        asker.settimeout(1)
        asker.sendto(struct.pack("!6H", 0, 0, 1, 0, 0, 0) + labels + struct.pack("!HH", 1, 1), ("224.0.0.251", 5353))
        for _ in range(20):
            try:
                answer = asker.recv(9000)
            except TimeoutError:
                return False
            if answer[2] & 0x80 and labels[:-1] in answer and socket.inet_aton(GUEST) in answer:
                return True
    return False
