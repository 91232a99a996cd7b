"""What the jitter buffer holds, and what it gives out."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a piece of playout is."""

    SPEECH = "speech"
    LOST = "lost"
    """A packet is missing: conceal."""
    NOTHING = "nothing"
    """Nobody speaks (not begun, silence suppressed, ended): silence or comfort noise."""


class Piece(NamedTuple):
    """Some consecutive samples to play."""

    kind: Kind
    samples: int
    """Length in units of the RTP clock. Sample-based codecs (G.711, G.722, L16) are cut to the length asked."""
    payload: bytes = b""
    payload_type: int = -1
    """As received; -1 unless speech."""
    joined: bool = True
    """False where samples were left out just before this piece (a cross-fade hides it)."""


class Held(NamedTuple):
    """A packet, or what is left of one, waiting for its time."""

    samples: int
    payload: bytes
    payload_type: int
    sequence: int
    whole: bool
    """A frame codec's packet: never cut."""


def tail(held: Held, samples: int) -> Held:
    """Return a packet without its first `samples`; the codec has a whole number of samples to the octet or octets."""
    octets = len(held.payload) * samples // held.samples
    return held._replace(samples=held.samples - samples, payload=held.payload[octets:])
