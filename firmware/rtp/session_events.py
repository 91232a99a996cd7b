"""What an RTP session tells of its far end (RFC 4733, RFC 4961, RFC 3550 §6.6)."""

from __future__ import annotations

from dataclasses import dataclass

Address = tuple[str, int]
"""Numeric host and port."""


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """The far end pressed a key (RFC 4733), told once, at its beginning."""

    digit: str


@dataclass(frozen=True, slots=True)
class SourceMoved:
    """The far end's packets come from another address than it said: we send there now (RFC 4961)."""

    address: Address


@dataclass(frozen=True, slots=True)
class RemoteLeft:
    """RTCP BYE."""

    reason: str


Event = DigitReceived | SourceMoved | RemoteLeft
