"""What a payload type means (RFC 3551)."""

from __future__ import annotations

from typing import Protocol

SAMPLES_PER_OCTET = {"PCMU": 1.0, "PCMA": 1.0, "G722": 1.0, "L8": 1.0, "L16": 0.5}
"""RTP clock units in an octet of one channel. RFC 3551 §4.5.2: G722's clock is 8000 Hz, so an octet is one unit."""


class Format(Protocol):
    """A payload type and what it means; any object with these attributes will do (media's PayloadFormat does)."""

    @property
    def payload_type(self) -> int:
        """0 to 127."""

    @property
    def encoding(self) -> str:
        """Upper-case encoding name (RFC 3551 §6)."""

    @property
    def clock_rate_hz(self) -> int:
        """Of the RTP timestamp."""

    @property
    def channels(self) -> int:
        """Interleaved channels."""


def samples_per_octet(form: Format) -> float:
    """Return how many RTP clock units an octet of the payload lasts; 0 for a frame codec."""
    return SAMPLES_PER_OCTET.get(form.encoding.upper(), 0.0) / max(1, form.channels)
