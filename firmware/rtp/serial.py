"""Arithmetic on numbers that wrap: RTP sequence numbers (16 bits) and timestamps (32 bits), RFC 3550 §5.1, RFC 1982."""

from __future__ import annotations

SEQUENCE_MODULUS = 1 << 16


def sequence_delta(later: int, earlier: int) -> int:
    """Return how far `later` is ahead of `earlier`, -32768 to 32767 (negative: it is behind)."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_delta(later: int, earlier: int) -> int:
    """Return how far `later` is ahead of `earlier`, -2**31 to 2**31 - 1 (negative: it is behind)."""
    return ((later - earlier + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def extend_timestamp(timestamp: int, near: int) -> int:
    """Return the unwrapped timestamp congruent to `timestamp` that lies nearest to the unwrapped `near`."""
    return near + timestamp_delta(timestamp, near & 0xFFFFFFFF)
