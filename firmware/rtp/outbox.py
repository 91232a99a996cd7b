"""Packets that wait to be sent."""

from __future__ import annotations

from firmware.rtp.session_events import Address

MOST = 200


class Outbox:
    """Octets, destination, True for the RTCP socket; bounded, should nobody drain it."""

    __slots__ = ("_packets",)

    def __init__(self) -> None:
        self._packets: list[tuple[bytes, Address, bool]] = []

    def put(self, data: bytes, destination: Address, *, rtcp: bool) -> None:
        """One more; the oldest speech is worth least."""
        if len(self._packets) >= MOST:
            del self._packets[0]
        self._packets.append((data, destination, rtcp))

    def drain(self) -> list[tuple[bytes, Address, bool]]:
        """Return and forget them."""
        packets, self._packets = self._packets, []
        return packets
