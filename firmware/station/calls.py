"""The media side of each call: its offer/answer (RFC 3264) and its RTP session, kept in step with signalling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from firmware.media import messages as media
from firmware.sdp.negotiation import Agreement, Codec, Negotiation
from firmware.sip.cores.user_agent_events import IncomingCall

Stage = Literal["opening", "offered", "agreed"]
"""Waiting for a media port; an offer is out or in; both sides know the session."""


@dataclass(slots=True)
class StationCall:
    """What the station keeps of one call."""

    id: str
    account: str
    negotiation: Negotiation
    host: str
    """Our media address."""
    port: int = 0
    """Our RTP port; 0 until the engine has opened one."""
    to: str = ""
    """Whom we call; empty for an incoming call."""
    incoming: IncomingCall | None = None
    transfer_of: str = ""
    """The call whose far end sent us here (REFER)."""
    answer: bytes | None = None
    """Our answer to the offer that came in, not sent yet."""
    stage: Stage = "opening"
    holding: bool = False
    """The person at the desk holds this call."""
    wants_hold: bool = False
    """What our last offer asked for."""
    configured: media.ConfigureSession | None = field(default=None)

    @property
    def direction(self) -> media.Direction:
        """Ours, as far as we have a say: a held far end hears nothing and is not heard."""
        return "sendonly" if self.wants_hold else "sendrecv"

    def offer(self) -> bytes:
        """Our offer as things stand."""
        return self.negotiation.offer(self.host, self.port, self.direction)

    def answer_to(self, offer: bytes) -> bytes:
        """Our answer to an offer. Raises NotAcceptable, MalformedDescription."""
        return self.negotiation.answer(offer, self.host, self.port, self.direction)

    def configuration(self) -> media.ConfigureSession | None:
        """What the engine must be told now, None if nothing new."""
        agreed = self.negotiation.agreed
        if agreed is None or not self.port:
            return None
        wanted = _configure(self.id, agreed)
        if wanted == self.configured:
            return None
        self.configured = wanted
        return wanted


def _payload_format(codec: Codec) -> media.PayloadFormat:
    return media.PayloadFormat(
        codec.payload_type, codec.encoding.upper(), codec.clock_rate, codec.channels, codec.parameters
    )


def _telephone_event(payload_type: int | None) -> media.PayloadFormat | None:
    return None if payload_type is None else media.PayloadFormat(payload_type, "TELEPHONE-EVENT")


def _configure(session: str, agreed: Agreement) -> media.ConfigureSession:
    return media.ConfigureSession(
        session=session,
        remote=agreed.remote,
        remote_rtcp=agreed.remote_rtcp,
        send=_payload_format(agreed.send),
        receive=tuple(map(_payload_format, agreed.receive)),
        telephone_event_send=_telephone_event(agreed.telephone_event_send),
        telephone_event_receive=_telephone_event(agreed.telephone_event_receive),
        direction=agreed.direction,
        period_ms=agreed.period_ms,
    )


def codecs_named(names: Sequence[str], known: Sequence[Codec]) -> tuple[Codec, ...]:
    """The codecs of a configuration that this version has, in its order."""
    by_name = {codec.encoding.upper(): codec for codec in known}
    return tuple(by_name[name.upper()] for name in names if name.upper() in by_name)
