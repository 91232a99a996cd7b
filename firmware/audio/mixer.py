"""Adding frames: saturating, on 16-bit little-endian mono."""

from __future__ import annotations

import audioop
from collections.abc import Iterable


def mix(frames: Iterable[bytes | None], samples: int) -> bytes:
    """The sum of the frames, each of `samples` samples, clipped at the scale's ends; None is silence."""
    total: bytes | None = None
    for frame in frames:
        if frame is not None:
            total = frame if total is None else audioop.add(total, frame, 2)
    return bytes(2 * samples) if total is None else total
