"""Notices that this machine came into a network, or into another one: addresses and default routes (rtnetlink(7)).

A telephone is ready before its network is. Without this, the server that it could not reach at first would be asked
again no sooner than RFC 5626 4.5 allows when a server is gone: half a minute to a whole one later.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

SETTLE_S = 0.5
"""An interface that comes up brings several messages; they are one change."""
_GROUPS = 0x10 | 0x40 | 0x100
"""RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR; not IPv6's routes, which routers renew for ever."""
_NEW_ADDRESS, _DEL_ADDRESS, _NEW_ROUTE = 20, 21, 24
_TENTATIVE, _LINK_SCOPE = 0x40, 253
_HEADER, _ADDRESS, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")
_IFA_ADDRESS = 1

Known = set[tuple[int, bytes]]
"""The addresses we have been told of: (interface, address)."""


def is_change(octets: bytes, known: Known) -> bool:
    """Whether netlink messages bring an address that is not in `known`, which is kept up to date, or a default route.

    An address that is announced again, as routers do every few minutes, is none; nor is one of no use to anybody
    outside: of this machine or link alone, or not yet known to be ours (IPv6's duplicate address detection).
    """
    found = [_is_one(kind, body, known) for kind, body in _messages(octets)]  # each, for each may tell of an address
    return any(found)


def _is_one(kind: int, body: bytes, known: Known) -> bool:
    if kind == _NEW_ROUTE:
        return len(body) > 1 and body[1] == 0  # rtm_dst_len
    if kind not in (_NEW_ADDRESS, _DEL_ADDRESS) or len(body) < _ADDRESS.size:
        return False
    _, _, flags, scope, interface = _ADDRESS.unpack_from(body)
    address = next((value for name, value in _attributes(body[_ADDRESS.size :]) if name == _IFA_ADDRESS), b"")
    one = (interface, address)
    if kind == _DEL_ADDRESS:
        known.discard(one)
        return False
    if flags & _TENTATIVE or scope >= _LINK_SCOPE or one in known:
        return False
    known.add(one)
    return True


def _messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= _HEADER.size:
        length, kind, _, _, _ = _HEADER.unpack_from(octets)
        if length < _HEADER.size:
            return
        yield kind, octets[_HEADER.size : length]
        octets = octets[(length + 3) & ~3 :]


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= _ATTRIBUTE.size:
        length, name = _ATTRIBUTE.unpack_from(octets)
        if length < _ATTRIBUTE.size:
            return
        yield name, octets[_ATTRIBUTE.size : length]
        octets = octets[(length + 3) & ~3 :]


class NetworkWatch:
    """Calls `changed` in the running loop, half a second after the network did."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._known: Known = set()
        self._loop = asyncio.get_running_loop()
        self._settling: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.bind((0, _GROUPS))
        except OSError as fault:
            log.warning("the network is not watched: %s", fault)
            self.close()
            return
        self._loop.add_reader(self._socket, self._read, self._socket)

    def _read(self, ours: socket.socket) -> None:
        try:
            octets = ours.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: more happened than was kept for us
            self._settle()
            return
        if is_change(octets, self._known):
            self._settle()

    def _settle(self) -> None:
        if self._settling is None:
            self._settling = self._loop.call_later(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self._changed()

    def close(self) -> None:
        """Watch no more."""
        if self._settling is not None:
            self._settling.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
