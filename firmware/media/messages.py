"""What the phone and the media engine say to each other: small values, never shared objects.

The engine runs in the phone's process (simulator, tests) or in one of its own (the real phone);
`encode`/`decode` make each message octets for the socket pair between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from firmware.audio.tones import Tone

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


@dataclass(frozen=True, slots=True)
class PayloadFormat:
    """One payload type of an RTP session (RFC 3551, RFC 8866 §6.6)."""

    payload_type: int
    encoding: str
    """Upper-case encoding name, "PCMU", "PCMA", "TELEPHONE-EVENT", ..."""
    clock_rate_hz: int = 8000
    channels: int = 1
    parameters: str = ""
    """The fmtp line's text."""


# --- phone to engine ---


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Open an RTP socket pair (RTP even, RTCP the next odd) for a call. Answered by SessionOpened or SessionRefused."""

    session: str
    host: str
    """Local numeric host to bind."""
    port: int | None = None
    """Only this RTP port (a session opened again after the engine died); None: any free one."""


@dataclass(frozen=True, slots=True)
class ConfigureSession:
    """What offer/answer agreed on; may come again in the session (hold, new address, codec change)."""

    session: str
    remote: tuple[str, int]
    """Where to send RTP; symmetric RTP may move it (RFC 4961) within what the engine trusts."""
    remote_rtcp: tuple[str, int]
    send: PayloadFormat
    """What we send speech in."""
    receive: tuple[PayloadFormat, ...]
    """Every speech format we may receive."""
    telephone_event_send: PayloadFormat | None
    telephone_event_receive: PayloadFormat | None
    direction: Direction
    """Ours: "sendonly" when we hold the other."""
    period_ms: int = 20
    """Packetisation time towards the other (ptime)."""


@dataclass(frozen=True, slots=True)
class CloseSession:
    """RTCP BYE, then close the sockets."""

    session: str


@dataclass(frozen=True, slots=True)
class ConnectAudio:
    """Which session the person hears and speaks into; None: none (tones still sound)."""

    session: str | None


@dataclass(frozen=True, slots=True)
class PlayTone:
    """A call-progress tone in the ear, from its beginning; None: silence. Replaces the one before."""

    tone: Tone | None


@dataclass(frozen=True, slots=True)
class PlayKnock:
    """The call-waiting tone in the ear, over whatever sounds there; None: stop."""

    tone: Tone | None


@dataclass(frozen=True, slots=True)
class PlayRing:
    """The ring on the loudspeaker; None: stop."""

    tone: Tone | None


@dataclass(frozen=True, slots=True)
class KeyTone:
    """The key's own DTMF tone in the person's ear while down; None: key released (it sounds 80 ms at least)."""

    digit: str | None


@dataclass(frozen=True, slots=True)
class StartDigit:
    """Begin a telephone-event (RFC 4733) on a session; it lasts until StopDigit."""

    session: str
    digit: str


@dataclass(frozen=True, slots=True)
class StopDigit:
    """End it (never shorter than 80 ms)."""

    session: str


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Queue whole digits, 100 ms each with 100 ms between."""

    session: str
    digits: str


@dataclass(frozen=True, slots=True)
class SetLevels:
    """Gains and switches of the telephone's audio."""

    earpiece_db: float = 0.0
    ringer_db: float = 0.0
    muted: bool = False
    """The microphone's samples are replaced by zeros."""
    handset: bool = True
    """Speech and tones in the earpiece."""
    loudspeaker: bool = False
    """Speech and tones on the loudspeaker (hands-free, on-hook dialling)."""


Command = (
    OpenSession
    | ConfigureSession
    | CloseSession
    | ConnectAudio
    | PlayTone
    | PlayKnock
    | PlayRing
    | KeyTone
    | StartDigit
    | StopDigit
    | SendDigits
    | SetLevels
)

# --- engine to phone ---


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The session's sockets are bound."""

    session: str
    host: str
    port: int
    """RTP port; RTCP is on the next."""


@dataclass(frozen=True, slots=True)
class SessionRefused:
    """No port could be bound."""

    session: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemoteDigit:
    """The far end pressed a key (RFC 4733), reported once, at its beginning."""

    session: str
    digit: str


@dataclass(frozen=True, slots=True)
class Quality:
    """Once a second for each session."""

    session: str
    packets_received: int
    packets_sent: int
    loss_percent: float
    jitter_ms: float
    delay_ms: float
    """Round trip / 2 as RTCP measured it, plus our playout delay."""
    mos: float
    """1 to 4.5, by the E-model (ITU-T G.107, narrow-band)."""


@dataclass(frozen=True, slots=True)
class MediaStopped:
    """No packet from the far end for `seconds`."""

    session: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RemoteLeft:
    """RTCP BYE came from the far end."""

    session: str


@dataclass(frozen=True, slots=True)
class SoundCard:
    """A sound card went away, or is back; told when it changes."""

    fault: str
    """What is wrong, in plain words with the cure; empty: all is well."""


Event = SessionOpened | SessionRefused | RemoteDigit | Quality | MediaStopped | RemoteLeft | SoundCard

# --- on the socket pair ---


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine's process has opened what there is of the sound cards and takes commands."""

    realtime: bool
    """It was granted real-time priority (SCHED_FIFO)."""
    fault: str = ""
    """As of `SoundCard`, at the start."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine's process cannot go on; it ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Every ALIVE_S: the sound card's periods go on."""


ALIVE_S = 1.0
SILENT_S = 5.0
"""An engine that has not said so for so long hangs: far longer than any card needs to recover."""


Message = Command | Event | Ready | Failed | Alive


class MalformedMessage(ValueError):
    """The octets are not one of our messages."""


_ENCODER = msgspec.msgpack.Encoder()
_NAMED = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(Message)
}


def encode(message: Message) -> bytes:
    """The octets of a message: its class's name and its fields, in MessagePack."""
    return _ENCODER.encode((type(message).__name__, message))


def decode(data: bytes) -> Message:
    """The message that `encode` made octets of.

    Raises:
        MalformedMessage: they are not a message's.
    """
    try:
        name, fields = _NAMED.decode(data)
        message: Message = _DECODERS[name].decode(fields)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError) as error:
        raise MalformedMessage(f"no media message: {error}") from error
    return message
