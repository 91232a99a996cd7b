"""Offer/answer of one audio stream (RFC 3264), over the lifetime of one call.

    offerer                      answerer
    offer()  ------------------> answer()
    accept() <------------------           both now have `agreed`

Media sections that are not the telephone's audio are answered, and offered again, with port 0 in their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from firmware.sdp.media_address import can_send_to, is_hold_of_old
from firmware.sdp.payload_types import DYNAMIC, G722, PCMA, PCMU, TELEPHONE_EVENT, UNASSIGNED, Codec, codecs_of
from firmware.sdp.session import (
    Attribute,
    Connection,
    Direction,
    MalformedDescription,
    Media,
    Origin,
    SessionDescription,
    Timing,
    parse,
)

__all__ = [
    "G722",
    "PCMA",
    "PCMU",
    "Agreement",
    "Codec",
    "Direction",
    "MalformedDescription",
    "Negotiation",
    "NotAcceptable",
]

PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
"""Profiles we can speak; RTP/AVPF (RFC 4585) is answered as offered and used without its early feedback."""
DEFAULT_PERIOD_MS = 20
EVENTS = "0-15"
"""RFC 4733 §3.2: the sixteen keys."""


class NotAcceptable(ValueError):
    """No stream in common: SIP answers 488 (RFC 3261 §21.4.26)."""


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


@dataclass(frozen=True, slots=True)
class _Remote:
    """The far end's audio section, read."""

    index: int
    media: Media
    codecs: list[Codec]
    connection: Connection
    direction: Direction

    @property
    def address(self) -> tuple[str, int]:
        return self.connection.address, self.media.port


class Negotiation:
    """Offers and answers of one call; payload types and the origin stay constant through it (RFC 4504 Req-25).

    negotiation = Negotiation([PCMA, PCMU], session_id=3724394400)
    body = negotiation.answer(request.body, "192.0.2.1", 16384)
    negotiation.agreed.send     # Codec("PCMA", 8000, 1, 8)
    """

    def __init__(
        self, codecs: Sequence[Codec], *, telephone_event: bool = True, session_id: int, username: str = "-"
    ) -> None:
        if not codecs:
            raise ValueError("a telephone without a codec")
        self.agreed: Agreement | None = None
        """What the last completed offer/answer came to; None before, and when no stream is left."""
        events = {codec.clock_rate: None for codec in codecs} if telephone_event else {}
        self._ours = [*codecs, *(Codec(TELEPHONE_EVENT, rate, 1, 101, EVENTS) for rate in events)]
        self._bound: dict[int, tuple[str, int, int]] = {}
        """Payload type: codec, as our descriptions said; nothing leaves it while the session lasts."""
        self._username = username
        self._session_id = session_id
        self._version = session_id & 0x3FFFFFFF
        self._last: SessionDescription | None = None
        self._index = 0
        """Which media section is the telephone's audio."""
        self._offered: tuple[Media, Direction, str] | None = None
        """The audio section, our direction, our host."""
        self._agreed_on: tuple[tuple[str, int, int], ...] = ()
        """The speech formats last agreed on, the one in use first."""
        self._remote_direction: Direction = "sendrecv"

    @property
    def held_by_remote(self) -> bool:
        """True while the far end does not want our media (§8.4)."""
        return self.agreed is not None and self._remote_direction in ("sendonly", "inactive")

    # --- offering ---

    def offer(self, host: str, port: int, direction: Direction = "sendrecv") -> bytes:
        """Return an offer (§5, §8): what was agreed on comes first, then our codecs in order of preference.

        §5.1: the first is what the offerer wants; a hold asks for no other codec than the one in use.
        """
        audio = self._media(filter(None, map(self._bind, sorted(self._ours, key=self._rank))), port, direction)
        self._offered = audio, direction, host
        # §8: as many media sections as before, each in its place.
        sections = [_refused(media) for media in self._last.media] if self._last else []
        self._index = min(self._index, len(sections))
        sections[self._index : self._index + 1] = [audio]
        return self._describe(host, sections, (Timing(),))

    def accept(self, remote: bytes) -> None:
        """Take the far end's answer to our offer (§7) and set `agreed`. Raises NotAcceptable, MalformedDescription."""
        if self._offered is None:
            raise ValueError("an answer without an offer")
        offered, direction, host = self._offered
        answer = parse(remote)
        if self._index >= len(answer.media) or not _is_usable(answer.media[self._index]):
            raise NotAcceptable("the audio stream was refused")
        theirs = _read(answer, self._index)
        if not can_send_to(theirs.connection, host):
            raise NotAcceptable("the answer names an address that nothing can be sent to")
        ours = codecs_of(offered)
        common = _in_common(theirs.codecs, ours)
        if not common:
            raise NotAcceptable("the answer has none of the formats offered")
        self._agree(theirs, common, direction, rtcp_mux=False)

    # --- answering ---

    def answer(self, remote: bytes, host: str, port: int, direction: Direction = "sendrecv") -> bytes:
        """Return the answer to an offer (§6) and set `agreed`. Raises NotAcceptable, MalformedDescription.

        An offer without any stream, or with all of them switched off, is answered alike and leaves `agreed` None.
        """
        offer = parse(remote)
        sections = [_refused(media) for media in offer.media]
        if not any(media.port for media in offer.media):
            self.agreed = None
            return self._describe(host, sections, offer.timings)
        theirs, common = self._choose(offer, host)
        # §6.1: a codec keeps the offer's payload type in the answer.
        ours = [replace(mine, payload_type=his.payload_type) for his, mine in common]
        mux = theirs.media.has("rtcp-mux")
        wanted = _meet(direction, theirs.direction)
        section = replace(self._media(ours, port, wanted), protocol=theirs.media.protocol)
        if mux:  # RFC 5761 §5.1.1: only when it was offered
            section = replace(section, attributes=(*section.attributes, Attribute("rtcp-mux")))
        sections[theirs.index] = section
        self._index = theirs.index
        for codec in ours:
            self._bound.setdefault(codec.payload_type, codec.identity)
        self._agree(theirs, [(his, mine) for (his, _), mine in zip(common, ours, strict=True)], direction, rtcp_mux=mux)
        return self._describe(host, sections, offer.timings)

    def _choose(self, offer: SessionDescription, host: str) -> tuple[_Remote, list[tuple[Codec, Codec]]]:
        """Return the audio section to take, the one in use before others, and the codecs in common."""
        order = sorted(range(len(offer.media)), key=lambda index: index != self._index)
        for index in order:
            media = offer.media[index]
            connection = offer.connection_of(media)
            if not _is_usable(media) or connection is None or not can_send_to(connection, host):
                continue
            theirs = _read(offer, index)
            common = _in_common(theirs.codecs, self._ours)
            if common:
                return theirs, common
        raise NotAcceptable("no audio stream in common")

    # --- common to both ---

    def _rank(self, codec: Codec) -> int:
        known = codec.identity in self._agreed_on
        return self._agreed_on.index(codec.identity) if known else len(self._agreed_on)

    def _bind(self, codec: Codec) -> Codec | None:
        """Return the codec with the payload type it has in this session, or gets now; None: no number is left."""
        bound = next((number for number, identity in self._bound.items() if identity == codec.identity), None)
        if bound is None:
            bound = next((n for n in (codec.payload_type, *DYNAMIC, *UNASSIGNED) if n not in self._bound), None)
        if bound is None:
            return None
        self._bound[bound] = codec.identity
        return replace(codec, payload_type=bound)

    def _media(self, codecs: Iterable[Codec], port: int, direction: Direction) -> Media:
        codecs = list(codecs)
        attributes = [Attribute("rtpmap", codec.rtpmap) for codec in codecs]
        attributes += [Attribute("fmtp", f"{c.payload_type} {c.parameters}") for c in codecs if c.parameters]
        attributes += [Attribute("ptime", str(DEFAULT_PERIOD_MS)), Attribute(direction)]
        formats = tuple(str(codec.payload_type) for codec in codecs)
        return Media("audio", port, "RTP/AVP", formats, attributes=tuple(attributes))

    def _describe(self, host: str, sections: Sequence[Media], timings: tuple[Timing, ...]) -> bytes:
        """Return the description; §8: the version grows by one when anything changed, else nothing may."""
        connection = Connection.to(host)
        description = SessionDescription(
            origin=self._origin(connection), connection=connection, timings=timings, media=tuple(sections)
        )
        if self._last is not None and self._last != description:
            self._version += 1
            description = replace(description, origin=self._origin(connection))
        self._last = description
        return bytes(description)

    def _origin(self, connection: Connection) -> Origin:
        # §8: the o= line stays the same but for the version, so it keeps the address of the first description.
        if self._last is not None:
            return replace(self._last.origin, version=str(self._version))
        return Origin(
            self._username, str(self._session_id), str(self._version), "IN", connection.address_type, connection.address
        )

    def _agree(
        self, theirs: _Remote, common: list[tuple[Codec, Codec]], direction: Direction, *, rtcp_mux: bool
    ) -> None:
        speech = [(his, mine) for his, mine in common if not _is_event(his)]
        if not speech:
            raise NotAcceptable("no speech format in common")
        send = speech[0][0]  # RFC 4504 Req-69: the first of the far end's list that we have
        events = [(his, mine) for his, mine in common if _is_event(his) and his.clock_rate == send.clock_rate]
        self._remote_direction = theirs.direction
        self._agreed_on = tuple(his.identity for his, _ in speech)
        self.agreed = Agreement(
            remote=theirs.address,
            remote_rtcp=theirs.address if rtcp_mux else _rtcp_address(theirs),
            send=send,
            receive=tuple(mine for _, mine in speech),
            telephone_event_send=events[0][0].payload_type if events else None,
            telephone_event_receive=events[0][1].payload_type if events else None,
            direction=_meet(direction, theirs.direction),
            period_ms=_period_ms(theirs.media),
            rtcp_mux=rtcp_mux,
        )


def _is_usable(media: Media) -> bool:
    return media.kind == "audio" and media.port != 0 and media.protocol.upper() in PROTOCOLS


def _is_event(codec: Codec) -> bool:
    return codec.encoding.lower() == TELEPHONE_EVENT


def _refused(media: Media) -> Media:
    """Return the section as it is refused or switched off (§6, §8.2): port 0, the formats as they were."""
    return Media(media.kind, 0, media.protocol, media.formats)


def _read(description: SessionDescription, index: int) -> _Remote:
    media = description.media[index]
    connection = description.connection_of(media)
    if connection is None:
        raise MalformedDescription("a stream without c=")
    direction = description.direction_of(media)
    if is_hold_of_old(connection):
        # §8.4: RFC 2543's hold: nothing is to be sent there.
        direction = _meet(direction, "recvonly")
    return _Remote(index, media, codecs_of(media), connection, direction)


def _in_common(theirs: Iterable[Codec], ours: Sequence[Codec]) -> list[tuple[Codec, Codec]]:
    """Return pairs (theirs, ours) of the same codec in their order; empty when no speech is among them."""
    by_identity = {codec.identity: codec for codec in ours}
    pairs: dict[int, tuple[Codec, Codec]] = {}
    for codec in theirs:
        mine = by_identity.get(codec.identity)
        if mine is not None:
            pairs.setdefault(codec.payload_type, (codec, mine))
    common = list(pairs.values())
    return common if any(not _is_event(codec) for codec, _ in common) else []


def _meet(ours: Direction, theirs: Direction) -> Direction:
    """Return our direction when we want `ours` and the far end said `theirs` (§6.1)."""
    send = ours in ("sendrecv", "sendonly") and theirs in ("sendrecv", "recvonly")
    receive = ours in ("sendrecv", "recvonly") and theirs in ("sendrecv", "sendonly")
    if send and receive:
        return "sendrecv"
    if send:
        return "sendonly"
    return "recvonly" if receive else "inactive"


def _rtcp_address(theirs: _Remote) -> tuple[str, int]:
    """Return where RTCP goes: a=rtcp (RFC 3605), else the next port (RFC 3550 §11)."""
    host, port = theirs.address
    words = (theirs.media.value("rtcp") or "").split()
    if words and words[0].isascii() and words[0].isdigit() and len(words[0]) <= 5 and 0 < int(words[0]) <= 65535:
        said = words[3] if len(words) == 4 and can_send_to(Connection.to(words[3]), words[3]) else host
        return said, int(words[0])
    return host, min(port + 1, 65535)


def _period_ms(media: Media) -> int:
    """Return the packetisation time asked of us: ptime within maxptime, 10 to 60 in tens."""
    wanted = _whole_ms(media.value("ptime")) or DEFAULT_PERIOD_MS
    most = _whole_ms(media.value("maxptime")) or 60
    return max(10, min(wanted, most, 60) // 10 * 10)


def _whole_ms(text: str | None) -> int:
    digits = (text or "").strip().partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0
