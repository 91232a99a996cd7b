"""Speech codecs: what each makes of a frame, and which there are, by encoding name (RFC 3551 §6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from firmware.audio.codecs import g711


class Codec(Protocol):
    """One direction pair of one call; it may keep state between frames."""

    @property
    def encoding(self) -> str:
        """Upper-case encoding name, as in SDP's rtpmap."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of the frames. The RTP clock may differ (G.722: 16000 sampled, 8000 on the wire)."""

    @property
    def samples_per_octet(self) -> int | None:
        """Samples that one payload octet holds; None where a payload is a frame of its own kind (Opus)."""

    def encode(self, frame: bytes) -> bytes:
        """Return the payload of a frame (int16 little-endian mono at `rate_hz`, one packetisation period)."""

    def decode(self, payload: bytes) -> bytes:
        """Return the samples of a payload, int16 little-endian mono at `rate_hz`. Never raises on what a peer sent."""


_FACTORIES: dict[str, Callable[[], Codec]] = {
    "PCMU": g711.MuLaw,
    "PCMA": g711.ALaw,
}


def open_codec(encoding: str) -> Codec:
    """A new codec for one session.

    Raises:
        ValueError: no codec of this name.
    """
    factory = _FACTORIES.get(encoding.upper())
    if factory is None:
        raise ValueError(f"no codec {encoding!r}")
    return factory()
