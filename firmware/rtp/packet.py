"""RTP data packets (RFC 3550 §5.1, §5.3.1 and the header checks of appendix A.1).

 0                   1                   2                   3
|V=2|P|X|  CC   |M|     PT      |       sequence number         |
|                           timestamp                           |
|                             SSRC                              |
|                        CSRC, CC of them                       |
|    header extension, if X: profile, length in words, words    |
|    payload, then padding if P; the last octet counts it       |
"""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_OCTETS = 12
MAXIMUM_OCTETS = 4096
"""Longer datagrams are no telephone's speech (60 ms of stereo L16 at 48 kHz would not fit one Ethernet frame)."""

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack


class MalformedPacket(ValueError):
    """Octets that are no RTP or RTCP packet: dropped and counted."""


class Packet(NamedTuple):
    """An RTP data packet."""

    payload_type: int
    marker: bool
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, in units of the payload format's clock."""
    ssrc: int
    payload: bytes
    """Without padding."""
    contributors: tuple[int, ...] = ()
    """The CSRC list a mixer wrote."""


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on one port: packet types 192 to 223 (RFC 5761 §4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse(data: bytes) -> Packet:
    """Return the packet in a datagram. Raises MalformedPacket (RFC 3550 A.1)."""
    octets = len(data)
    if not HEADER_OCTETS <= octets <= MAXIMUM_OCTETS:
        raise MalformedPacket("too short or too long for RTP")
    first, second, sequence, timestamp, ssrc = unpack_header(data)
    if first == 0x80:  # version 2, no padding, extension or CSRC: nearly every packet
        return Packet(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[HEADER_OCTETS:])
    if first >> 6 != 2:
        raise MalformedPacket("RTP version is not 2")
    start = HEADER_OCTETS + 4 * (first & 0x0F)
    if start > octets:
        raise MalformedPacket("CSRC list runs over the end")
    contributors = struct.unpack_from(f"!{first & 0x0F}I", data, HEADER_OCTETS)
    if first & 0x10:
        start = _after_extension(data, start)
    end = octets - _padding(data, start) if first & 0x20 else octets
    return Packet(second & 0x7F, second > 0x7F, sequence, timestamp, ssrc, data[start:end], contributors)


def _after_extension(data: bytes, start: int) -> int:
    """Return where the payload begins; a header extension we do not know is skipped (§5.3.1)."""
    if start + 4 > len(data):
        raise MalformedPacket("header extension runs over the end")
    words: int = _EXTENSION.unpack_from(data, start)[1]
    start += 4 + 4 * words
    if start > len(data):
        raise MalformedPacket("header extension runs over the end")
    return start


def _padding(data: bytes, start: int) -> int:
    """Return the count of padding octets. A.1: it must be less than what the header leaves, and counts itself."""
    count = data[-1]
    if count == 0 or count > len(data) - start:
        raise MalformedPacket("impossible padding count")
    return count


def build(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """Return the octets of a packet without padding, extension or CSRC."""
    return _pack_header(0x80, payload_type | 0x80 if marker else payload_type, sequence, timestamp, ssrc) + payload
