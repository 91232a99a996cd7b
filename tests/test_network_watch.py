"""The telephone notices that its machine came into a network (rtnetlink(7))."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from firmware.runtime.network_watch import Known, is_change

NEW_ADDRESS, DEL_ADDRESS, NEW_ROUTE, DEL_ROUTE = 20, 21, 24, 25
GLOBAL, LINK, HOST = 0, 253, 254
CHILD = """
import asyncio, subprocess
from firmware.runtime.network_watch import NetworkWatch

async def main():
    came = asyncio.Event()
    watch = NetworkWatch(came.set)
    for words in ("tuntap add wire mode tap", "link set wire up", "addr add 192.0.2.7/24 dev wire"):
        subprocess.run(["ip", *words.split()], check=True)
    await asyncio.wait_for(came.wait(), 60)
    watch.close()
    print("noticed")

asyncio.run(main())
"""


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def address(octets: bytes, *, kind: int = NEW_ADDRESS, scope: int = GLOBAL, flags: int = 0) -> bytes:
    family = 2 if len(octets) == 4 else 10
    attribute = struct.pack("=HH", 4 + len(octets), 1) + octets
    label = struct.pack("=HH", 9, 3) + b"eth0\0" + bytes(3)
    return message(kind, struct.pack("=BBBBI", family, 24, flags, scope, 2) + label + attribute)


def route(destination_bits: int, kind: int = NEW_ROUTE) -> bytes:
    return message(kind, struct.pack("=8BI", 2, destination_bits, 0, 0, 254, 16, 0, 1, 0))


HOME, ELSEWHERE = bytes([192, 0, 2, 7]), bytes([198, 51, 100, 7])


def test_a_new_address_is_a_change_and_its_renewal_is_none() -> None:
    known: Known = set()

    assert is_change(address(HOME), known)
    assert not is_change(address(HOME), known)
    assert is_change(address(ELSEWHERE), known)


def test_an_address_that_comes_back_is_a_change() -> None:
    known: Known = set()
    is_change(address(HOME), known)

    assert not is_change(address(HOME, kind=DEL_ADDRESS), known)
    assert is_change(address(HOME), known)


@pytest.mark.parametrize(("scope", "flags"), [(LINK, 0), (HOST, 0), (GLOBAL, 0x40)])
def test_an_address_of_no_use_outside_is_no_change(scope: int, flags: int) -> None:
    """Of the link, of this machine, or tentative (RFC 4862 5.4)."""
    assert not is_change(address(bytes(16), scope=scope, flags=flags), set())


def test_an_address_is_news_once_it_is_ours() -> None:
    known: Known = set()
    is_change(address(bytes(16), flags=0x40), known)

    assert is_change(address(bytes(16)), known)


def test_a_default_route_is_a_change_and_no_other_is() -> None:
    assert is_change(route(0), set())
    assert not is_change(route(24), set())
    assert not is_change(route(0, DEL_ROUTE), set())


def test_all_messages_of_a_datagram_are_read() -> None:
    known: Known = set()

    assert is_change(route(24) + address(HOME) + address(ELSEWHERE), known)
    assert len(known) == 2


@pytest.mark.parametrize("octets", [b"", b"\1", bytes(40), message(NEW_ADDRESS, b"\2"), message(NEW_ROUTE, b"")])
def test_what_is_cut_short_is_no_change(octets: bytes) -> None:
    assert not is_change(octets, set())


def test_an_interface_that_comes_up_is_noticed() -> None:
    """In a network of its own."""
    done = subprocess.run(
        ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), sys.executable, "-c", CHILD],
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.stdout == "noticed\n", done.stderr
