"""Where media may be sent: one host, of the family we use (RFC 3264 §5, §8.3.1, §8.4; RFC 8866 §5.7)."""

from __future__ import annotations

import ipaddress

from firmware.sdp.session import Connection, MalformedDescription, parse

_HOLD_OF_OLD = ("0.0.0.0", "::")


def is_hold_of_old(connection: Connection) -> bool:
    """Return whether this is RFC 2543's hold: no address at all (§8.4). It may come in either family."""
    return connection.address in _HOLD_OF_OLD


def can_send_to(connection: Connection, ours: str) -> bool:
    """Return whether one end with our numeric address `ours` can be the other end of this stream.

    Not a group's address nor everybody's (multicast, broadcast: RFC 3264 §5.2 has no answer for a telephone), and none
    of the other family, whose packets would never arrive.
    """
    if is_hold_of_old(connection):
        return True
    if connection.network_type != "IN" or connection.suffix:
        return False
    try:
        address = ipaddress.ip_address(connection.address)
    except ValueError:  # a name: all that is known of it is the family it was said to have
        return (connection.address_type == "IP6") == (":" in ours)
    several = address.is_multicast or (address.version == 4 and address.is_reserved)
    return not several and (address.version == 6) == (":" in ours)


def offered_host(offer: bytes) -> str:
    """Return the numeric host of the first audio stream offered; empty if there is none, or the offer is unreadable."""
    try:
        description = parse(offer)
    except MalformedDescription:
        return ""
    for media in description.media:
        connection = description.connection_of(media)
        if media.kind == "audio" and media.port and connection is not None and not is_hold_of_old(connection):
            return connection.address if _is_numeric(connection.address) else ""
    return ""


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
