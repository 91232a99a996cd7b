"""Offer/answer of one audio stream (RFC 3264), over the lifetime of one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class NotAcceptable(ValueError):
    """No stream in common: SIP answers 488 (RFC 3261 §21.4.26)."""


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


PCMU = Codec("PCMU", 8000, 1, 0)
PCMA = Codec("PCMA", 8000, 1, 8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the two ends agreed on."""

    remote: tuple[str, int]
    """Where to send RTP. The host "0.0.0.0" of an old-style hold is kept as said: nothing is sent to it."""
    remote_rtcp: tuple[str, int]
    send: Codec
    """What we send, with the far end's payload type."""
    receive: tuple[Codec, ...]
    """Every speech format we may get, with our payload types."""
    telephone_event_send: int | None
    """Payload type, or None."""
    telephone_event_receive: int | None
    direction: Direction
    """Ours."""
    period_ms: int
    """Packetisation time towards the far end."""
    rtcp_mux: bool


class Negotiation:
    """Offers and answers of one call; payload types and the origin stay constant through it (RFC 4504 Req-25)."""

    agreed: Agreement | None

    def __init__(
        self, codecs: Sequence[Codec], *, telephone_event: bool = True, session_id: int, username: str = "-"
    ) -> None:
        raise NotImplementedError

    def offer(self, host: str, port: int, direction: Direction = "sendrecv") -> bytes:
        """Return an offer (§5, §8): our codecs in order of preference."""
        raise NotImplementedError

    def answer(self, remote: bytes, host: str, port: int, direction: Direction = "sendrecv") -> bytes:
        """Return the answer to an offer (§6) and set `agreed`. Raises NotAcceptable, MalformedDescription."""
        raise NotImplementedError

    def accept(self, remote: bytes) -> None:
        """Take the far end's answer to our offer (§7) and set `agreed`. Raises NotAcceptable, MalformedDescription."""
        raise NotImplementedError

    @property
    def held_by_remote(self) -> bool:
        """True while the far end does not want our media (§8.4)."""
        raise NotImplementedError
