"""Where a message goes: RFC 3261 §8.1.2, §16.6 step 7, §18.1.1, §18.2.2 and RFC 3581 §4.

Only what needs no look-up: host names are left to `Locate` (RFC 3263).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.sip.grammar import MalformedMessage
from firmware.sip.transport import Flow, Hop, Output, SendDatagram, SendStream, SocketAddress
from firmware.sip.uri import SipUri

if TYPE_CHECKING:
    from firmware.sip.fields import Via
    from firmware.sip.message import Request

DATAGRAM_LIMIT = 1300
"""Octets: a larger request goes over a stream when the path MTU is unknown (§18.1.1)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URI says about where to send (RFC 3263 §4): the question `Locate` asks."""

    host: str
    port: int | None
    transport: str | None
    """Upper case; None: the URI does not say."""
    secure: bool


@dataclass(frozen=True, slots=True)
class Path:
    """A hop, and what of ours to use towards it."""

    hop: Hop
    local: SocketAddress
    """The listening point to send datagrams from."""
    sent_by: SocketAddress
    """Our host and port as the other side should see them (Via, Contact)."""
    connection: int | None = None
    """The stream to prefer."""
    stands_in_for: Hop | None = None
    """For TCP tried only because of the request's size: the UDP hop to fall back to (§18.1.1)."""

    def carry(self, data: bytes) -> Output:
        """Return the output that sends `data` along this path."""
        if self.hop.transport == "UDP":
            return SendDatagram(data, self.local, (self.hop.host, self.hop.port))
        return SendStream(data, self.hop, self.connection)
