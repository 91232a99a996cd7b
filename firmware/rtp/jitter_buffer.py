"""The jitter buffer: playout by time in milliseconds (RFC 3550 §6.4.4 and appendix A.8 speak of its input, no RFC of it)."""

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
