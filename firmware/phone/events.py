"""What reaches the phone and what it wants done: values only.

`Phone.receive(event, now)` takes a `PhoneEvent`; `Phone.drain()` gives the `Action`s. The composition root
turns hardware, signalling and media into the former and the latter back into them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firmware.audio.tones import Tone
from firmware.phone.set_up_page import OpenSetUpPage, SetUpPageTold

# --- the person ---


@dataclass(frozen=True, slots=True)
class HandsetLifted:
    """Off-hook."""


@dataclass(frozen=True, slots=True)
class HandsetReplaced:
    """On-hook."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key went down: one of hw.KEYS' names."""

    key: str


@dataclass(frozen=True, slots=True)
class KeyReleased:
    """A key came up."""

    key: str


# --- requests of the web API ---


@dataclass(frozen=True, slots=True)
class DialRequest:
    """Call a number or URI; the handset may still lie (then it is hands-free until lifted)."""

    to: str
    account: str | None = None
    """Address of the account to call from; None: the first."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """Do something with one call."""

    call: str
    verb: Literal["answer", "reject", "hold", "resume", "hangup"]


@dataclass(frozen=True, slots=True)
class DigitsRequest:
    """Send DTMF digits into a confirmed call."""

    call: str
    digits: str


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Transfer a call: blind (`to`) or attended (`other`)."""

    call: str
    to: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class SetDoNotDisturb:
    """Refuse every call from now on (RFC 4504 Req-41), or no longer; calls that ring already go on ringing."""

    on: bool


# --- the network ---


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at the other end."""

    uri: str
    name: str = ""
    """Display name, control characters removed; empty if none."""


@dataclass(frozen=True, slots=True)
class CallArrived:
    """An INVITE that passed the door: decide whether it rings (`AlertCall`), or `EndCall` with a status."""

    call: str
    account: str
    remote: Party
    auto_answer_s: float | None = None
    """Answer by itself after so many seconds (account's `auto_answer`)."""
    replaces: str | None = None
    """It takes the place of this call (RFC 3891): who transferred us left it to the caller."""


@dataclass(frozen=True, slots=True)
class CallProgressed:
    """A provisional response to our INVITE."""

    call: str
    status: int
    """100-199; 100 tells no more than that somebody has our INVITE."""
    reason: str
    early_media: bool = False
    """The far end sends its own ringback: play that, not ours (RFC 3960 §3.2)."""


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """The call is established: the far end answered, or our 200 was acknowledged."""

    call: str
    remote: Party | None = None
    """Set if the connected party differs from the called one."""


@dataclass(frozen=True, slots=True)
class CallMedia:
    """Media was (re)negotiated."""

    call: str
    codec: str
    """Encoding name, "PCMA"."""
    encrypted: bool
    held_by_us: bool
    held_by_them: bool


@dataclass(frozen=True, slots=True)
class CallTransferred:
    """How a transfer we asked for went on (REFER's NOTIFY): a SIP status; 202 accepted, 200 done, >= 300 failed."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The far end transfers us (REFER): a new call is to replace this one.

    `Phone.receive` returns the new call's id, None to refuse.
    """

    call: str
    to: Party


@dataclass(frozen=True, slots=True)
class CallQuality:
    """Latest figures (see firmware.media.messages.Quality)."""

    call: str
    loss_percent: float
    jitter_ms: float
    delay_ms: float
    mos: float


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over, whoever ended it."""

    call: str
    code: int
    """SIP status: 200 normal release, 487 cancelled, 486 busy, 404 unknown, 408 no answer (of the server or person),
    480 unavailable, 488 no common codec, 503 unreachable, ..."""
    reason: str
    """Reason phrase as received, may be empty."""
    by: Literal["local", "remote", "network"]
    """Who ended it; "network": nobody answered us at all (timeout, unreachable, not found in DNS)."""
    answered_elsewhere: bool = False
    """Cancelled because another phone took it (RFC 3326 Reason: SIP;cause=200): not a missed call."""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """Registration state of an account."""

    address: str
    registered: bool
    expires_at: float | None
    """Monotonic seconds."""
    reason: str
    """Plain words, empty when all is well."""


@dataclass(frozen=True, slots=True)
class SoundCardChanged:
    """The telephone's own sound went away, or is back."""

    fault: str
    """Plain words with the cure, empty when all is well."""


@dataclass(frozen=True, slots=True)
class RemoteDigitHeard:
    """The far end pressed a key."""

    call: str
    digit: str


PhoneEvent = (
    HandsetLifted
    | HandsetReplaced
    | KeyPressed
    | KeyReleased
    | DialRequest
    | CallRequest
    | DigitsRequest
    | TransferRequest
    | SetDoNotDisturb
    | SetUpPageTold
    | CallArrived
    | CallProgressed
    | CallConfirmed
    | CallMedia
    | CallTransferred
    | TransferAsked
    | CallQuality
    | CallEnded
    | AccountChanged
    | RemoteDigitHeard
    | SoundCardChanged
)

# --- actions ---


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Send an INVITE. The phone chose the call's id."""

    call: str
    account: str
    to: str
    """A URI: sip, sips or tel."""


@dataclass(frozen=True, slots=True)
class AlertCall:
    """Answer 180 Ringing."""

    call: str


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Answer 200."""

    call: str


@dataclass(frozen=True, slots=True)
class EndCall:
    """CANCEL, BYE or a final response, whichever fits; `status` is for refusing (486 busy, 603 declined, 480)."""

    call: str
    status: int = 486


@dataclass(frozen=True, slots=True)
class HoldCall:
    """Re-INVITE so that the other is held (`hold`) or not."""

    call: str
    hold: bool


@dataclass(frozen=True, slots=True)
class TransferCall:
    """REFER: blind to a URI, or attended to another call's remote."""

    call: str
    to: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectAudio:
    """Ear and microphone belong to this call; None: to none."""

    call: str | None


@dataclass(frozen=True, slots=True)
class SoundTone:
    """A call-progress tone, None: silence."""

    tone: Tone | None


@dataclass(frozen=True, slots=True)
class SoundKnock:
    """The call-waiting tone, over whatever else sounds; None: nobody knocks."""

    tone: Tone | None


@dataclass(frozen=True, slots=True)
class SoundKey:
    """The key's tone in our own ear; None: released."""

    digit: str | None


@dataclass(frozen=True, slots=True)
class SendDigitDown:
    """Start a telephone-event."""

    call: str
    digit: str


@dataclass(frozen=True, slots=True)
class SendDigitUp:
    """End it."""

    call: str


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Whole digits, typed by the engine."""

    call: str
    digits: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring: the tone for a loudspeaker, the cadence (on, off, ... ms) for a bell."""

    tone: Tone
    cadence_ms: tuple[int, ...]
    volume: int
    """0 to 10."""


@dataclass(frozen=True, slots=True)
class StopRing:
    """Stop ringing."""


@dataclass(frozen=True, slots=True)
class SetLamp:
    """One of hw.LAMPS, and what it tells: one of hw.LampState."""

    lamp: str
    state: Literal["off", "on", "ring", "held", "missed"]


@dataclass(frozen=True, slots=True)
class SetAudio:
    """Volumes up to 10 (7 is 0 dB for the ear, which is never under 1; a ringer of 0 is off), switches."""

    earpiece_volume: int
    ringer_volume: int
    muted: bool
    handset: bool
    loudspeaker: bool


Action = (
    PlaceCall
    | AlertCall
    | AnswerCall
    | EndCall
    | HoldCall
    | TransferCall
    | ConnectAudio
    | SoundTone
    | SoundKnock
    | SoundKey
    | SendDigitDown
    | SendDigitUp
    | SendDigits
    | Ring
    | StopRing
    | SetLamp
    | SetAudio
    | OpenSetUpPage
)
