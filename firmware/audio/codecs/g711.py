"""G.711: eight bits a sample, 8000 a second, in its two laws (ITU-T G.711; payload types 0 and 8, RFC 3551 §4.5.14)."""

from __future__ import annotations

import audioop


class MuLaw:
    """PCMU, static payload type 0."""

    encoding = "PCMU"
    rate_hz = 8000
    samples_per_octet = 1
    silence = b"\xff"
    """The octet of a zero sample."""

    def encode(self, frame: bytes) -> bytes:
        """Return one octet for each sample."""
        return audioop.lin2ulaw(frame, 2)

    def decode(self, payload: bytes) -> bytes:
        """Return one 16-bit sample for each octet."""
        return audioop.ulaw2lin(payload, 2)


class ALaw:
    """PCMA, static payload type 8."""

    encoding = "PCMA"
    rate_hz = 8000
    samples_per_octet = 1
    silence = b"\xd5"
    """The octet nearest to a zero sample: A-law has no zero, this is half a step above."""

    def encode(self, frame: bytes) -> bytes:
        """Return one octet for each sample."""
        return audioop.lin2alaw(frame, 2)

    def decode(self, payload: bytes) -> bytes:
        """Return one 16-bit sample for each octet."""
        return audioop.alaw2lin(payload, 2)
