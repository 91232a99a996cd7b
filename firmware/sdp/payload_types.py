"""Payload types and what they mean: static ones (RFC 3551 §6) and those of rtpmap and fmtp (RFC 8866 §6.6, §6.15)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware.sdp.session import Media

TELEPHONE_EVENT = "telephone-event"
DYNAMIC = range(96, 128)
"""RFC 3551 §3."""
UNASSIGNED = range(35, 64)
"""When those are used up: numbers without a static meaning, below the 64 to 95 that RFC 5761 §4 forbids."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A format of the audio stream with its payload type."""

    encoding: str
    """As registered: "PCMA", "telephone-event"; compared without case."""
    clock_rate: int = 8000
    channels: int = 1
    payload_type: int = 0
    """The static one, or the dynamic one we prefer; in an Agreement the one agreed."""
    parameters: str = ""
    """Text of a=fmtp."""

    @property
    def identity(self) -> tuple[str, int, int]:
        """What two formats must share to be the same codec."""
        return self.encoding.upper(), self.clock_rate, self.channels

    @property
    def rtpmap(self) -> str:
        """Value of a=rtpmap. §6.6: the number of channels may be left out when it is one."""
        channels = f"/{self.channels}" if self.channels != 1 else ""
        return f"{self.payload_type} {self.encoding}/{self.clock_rate}{channels}"


PCMU = Codec("PCMU", 8000, 1, 0)
PCMA = Codec("PCMA", 8000, 1, 8)
G722 = Codec("G722", 8000, 1, 9)
"""RFC 3551 §4.5.2: samples 16,000 a second, but the clock rate said is 8000, a mistake that must stay."""

STATIC: dict[int, Codec] = {
    codec.payload_type: codec
    for codec in (
        PCMU,
        Codec("GSM", 8000, 1, 3),
        Codec("G723", 8000, 1, 4),
        Codec("DVI4", 8000, 1, 5),
        Codec("DVI4", 16000, 1, 6),
        Codec("LPC", 8000, 1, 7),
        PCMA,
        G722,
        Codec("L16", 44100, 2, 10),
        Codec("L16", 44100, 1, 11),
        Codec("QCELP", 8000, 1, 12),
        Codec("CN", 8000, 1, 13),
        Codec("MPA", 90000, 1, 14),
        Codec("G728", 8000, 1, 15),
        Codec("DVI4", 11025, 1, 16),
        Codec("DVI4", 22050, 1, 17),
        Codec("G729", 8000, 1, 18),
    )
}
"""RFC 3551 table 4: what a payload type means without rtpmap."""


def codecs_of(media: Media) -> list[Codec]:
    """Return what the formats of an RTP media section mean, in order; formats that mean nothing are left out."""
    mapped = _mapped(media)
    parameters = _parameters(media)
    codecs = []
    for text in media.formats:
        number = _payload_type(text)
        codec = mapped.get(number, STATIC.get(number))
        if codec is not None:
            codecs.append(replace(codec, parameters=parameters.get(number, "")))
    return codecs


def _payload_type(text: str) -> int:
    """Return 0 to 127, or -1 for what is no payload type."""
    if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > 127:
        return -1
    return int(text)


def _mapped(media: Media) -> dict[int, Codec]:
    """Return the rtpmap lines; of two for one payload type the first counts."""
    mapped: dict[int, Codec] = {}
    for value in media.values("rtpmap"):
        number, _, encoding = value.strip().partition(" ")
        codec = _read_encoding(_payload_type(number), encoding.strip())
        if codec is not None:
            mapped.setdefault(codec.payload_type, codec)
    return mapped


def _read_encoding(payload_type: int, text: str) -> Codec | None:
    name, _, rest = text.partition("/")
    rate, _, channels = rest.partition("/")
    if payload_type < 0 or not name or not _is_small(rate) or not _is_small(channels or "1"):
        return None
    return Codec(name, int(rate), int(channels or "1"), payload_type)


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0


def _parameters(media: Media) -> dict[int, str]:
    parameters: dict[int, str] = {}
    for value in media.values("fmtp"):
        number, _, text = value.strip().partition(" ")
        parameters.setdefault(_payload_type(number), text.strip())
    return parameters
