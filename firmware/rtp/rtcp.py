"""RTCP packets: SR, RR, SDES, BYE and their compounds (RFC 3550 §6, header checks of appendix A.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from firmware.rtp.packet import MalformedPacket

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203

MAXIMUM_OCTETS = 2048
_CNAME = 1
_HEADER = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!QIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How its author receives one source (§6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Since its author's last report, in 1/256."""
    lost: int
    """Cumulative, signed 24 bits."""
    highest: int
    """Extended highest sequence number received."""
    jitter: int
    """Interarrival jitter in timestamp units."""
    last_sender_report: int
    """LSR: the middle 32 bits of the last SR's NTP timestamp, or 0."""
    delay_since_sender_report: int
    """DLSR: in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR (§6.4.1)."""

    ssrc: int
    ntp_timestamp: int
    """64 bits, 32.32 seconds."""
    timestamp: int
    """The same instant on the RTP clock."""
    packets: int
    octets: int
    """Payload octets."""
    blocks: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        counts = (self.timestamp, self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        body = struct.pack("!I", self.ssrc) + _SENDER.pack(self.ntp_timestamp, *counts) + _build_blocks(self.blocks)
        return _packet(SENDER_REPORT, len(self.blocks), body)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR (§6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    def __bytes__(self) -> bytes:
        return _packet(RECEIVER_REPORT, len(self.blocks), struct.pack("!I", self.ssrc) + _build_blocks(self.blocks))


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """One chunk of an SDES with its CNAME (§6.5)."""

    ssrc: int
    cname: str
    """"" when the chunk had none."""

    def __bytes__(self) -> bytes:
        name = self.cname.encode()[:255]
        chunk = struct.pack("!IBB", self.ssrc, _CNAME, len(name)) + name
        # §6.5: the list ends with one or more null octets, up to the next 32-bit boundary.
        return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE (§6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""

    def __bytes__(self) -> bytes:
        body = struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes([len(text)]) + text
            body += bytes(-len(body) % 4)
        return _packet(GOODBYE, len(self.ssrcs), body)


Report = SenderReport | ReceiverReport | SourceDescription | Goodbye


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _build_blocks(blocks: Sequence[ReportBlock]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.lost & 0xFFFFFF,
            block.highest,
            block.jitter,
            block.last_sender_report,
            block.delay_since_sender_report,
        )
        for block in blocks
    )


def compound(*reports: Report) -> bytes:
    """Return one datagram: §6.1 wants a report (SR or RR) first and a CNAME in every one."""
    return b"".join(bytes(report) for report in reports)


def parse(data: bytes) -> list[Report]:
    """Return the packets of a compound that we know, in order; other types are skipped. Raises MalformedPacket."""
    if len(data) > MAXIMUM_OCTETS:
        raise MalformedPacket("too long for RTCP")
    reports: list[Report] = []
    for kind, count, body in _split(data):
        match kind:
            case 200:
                reports.append(_parse_sender_report(count, body))
            case 201:
                reports.append(ReceiverReport(_word(body, 0), _parse_blocks(body, 4, count)))
            case 202:
                reports.extend(_parse_description(count, body))
            case 203:
                reports.append(_parse_goodbye(count, body))
    return reports


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, count and body of each packet, checking the compound as A.2 does."""
    offset = 0
    while offset < len(data):
        if offset + 4 > len(data):
            raise MalformedPacket("RTCP header runs over the end")
        first, kind, words = _HEADER.unpack_from(data, offset)
        end = offset + 4 + 4 * words
        if first >> 6 != 2 or end > len(data):
            raise MalformedPacket("RTCP version is not 2, or its length runs over the end")
        if offset == 0 and kind not in (SENDER_REPORT, RECEIVER_REPORT):
            raise MalformedPacket("a compound begins with SR or RR")
        body = data[offset + 4 : end]
        if first & 0x20:
            body = _without_padding(body, last=end == len(data))
        yield kind, first & 0x1F, body
        offset = end
    if not data:
        raise MalformedPacket("empty")


def _without_padding(body: bytes, *, last: bool) -> bytes:
    # §6.4.1: padding only on the last packet; the count includes itself and is a multiple of four.
    count = body[-1] if body else 0
    if not last or count == 0 or count % 4 or count > len(body):
        raise MalformedPacket("impossible RTCP padding")
    return body[:-count]


def _word(body: bytes, offset: int) -> int:
    if offset + 4 > len(body):
        raise MalformedPacket("RTCP body too short")
    return int.from_bytes(body[offset : offset + 4], "big")


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < 24:
        raise MalformedPacket("SR too short")
    ntp, timestamp, packets, octets = _SENDER.unpack_from(body, 4)
    return SenderReport(_word(body, 0), ntp, timestamp, packets, octets, _parse_blocks(body, 24, count))


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    if offset + 24 * count > len(body):
        raise MalformedPacket("report blocks run over the end")
    return tuple(_parse_block(body, offset + 24 * index) for index in range(count))


def _parse_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, offset)
    lost = ((loss & 0xFFFFFF) ^ 0x800000) - 0x800000
    return ReportBlock(ssrc, loss >> 24, lost, highest, jitter, lsr, dlsr)


def _parse_description(count: int, body: bytes) -> Iterator[SourceDescription]:
    offset = 0
    for _ in range(count):
        ssrc = _word(body, offset)
        cname, offset = _parse_items(body, offset + 4)
        yield SourceDescription(ssrc, cname)


def _parse_items(body: bytes, offset: int) -> tuple[str, int]:
    """Return the CNAME among a chunk's items and where the next chunk begins."""
    cname = ""
    while offset < len(body) and body[offset] != 0:
        if offset + 2 > len(body) or (end := offset + 2 + body[offset + 1]) > len(body):
            raise MalformedPacket("SDES item runs over the end")
        if body[offset] == _CNAME:
            cname = body[offset + 2 : end].decode("utf-8", "replace")
        offset = end
    return cname, (offset // 4 + 1) * 4


def _parse_goodbye(count: int, body: bytes) -> Goodbye:
    ssrcs = tuple(_word(body, 4 * index) for index in range(count))
    rest = body[4 * count :]
    return Goodbye(ssrcs, rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else "")


def round_trip(block: ReportBlock, ntp_timestamp: int) -> float | None:
    """Return seconds there and back by a report block that came at `ntp_timestamp` (§6.4.1); None: no SR in it."""
    if block.last_sender_report == 0:
        return None
    middle = (ntp_timestamp >> 16) & 0xFFFFFFFF
    ticks = (middle - block.last_sender_report - block.delay_since_sender_report) & 0xFFFFFFFF
    # The far end's rounding may make it slightly negative; half the range says which it is.
    return ticks / 65536.0 if ticks < 0x80000000 else 0.0
