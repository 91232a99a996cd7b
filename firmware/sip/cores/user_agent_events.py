"""What a user agent tells its application: values only.

`call` is always the call's id: the one given to `UserAgent.invite`, or the one an `IncomingCall` brought.
`sdp` is a session description as octets, unread by this layer; None where the message had none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firmware.sip.uri import Uri

By = Literal["local", "remote", "network"]
"""Who ended a call. "network": nobody answered (408), nobody could be reached (503), or the name is unknown (478)."""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """An INVITE passed the door (RFC 3261 §13.3.1). Answer with `ring`, `answer` or `reject`."""

    call: str
    account: str
    """Address-of-record of the account called, as text."""
    remote_uri: Uri
    """The caller: the From header's URI."""
    remote_name: str
    """The caller's display name as received, may be empty and is not safe to show unfiltered."""
    sdp: bytes | None
    """The offer; None: `answer` must bring one (RFC 3725's controller calls so)."""
    replaces: str | None = None
    """The call this one takes the place of (RFC 3891): answer it at once, without ringing; the other then ends."""
    remote_host: str = ""
    """Numeric host the INVITE came from: our media address is the one towards it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Call-Info, Alert-Info, Answer-Mode, Priority, Subject and Referred-By as received."""


@dataclass(frozen=True, slots=True)
class Responded:
    """Somebody has our INVITE, and that is all there is to say: a 100, or a response that made us send it again."""

    call: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response to our INVITE, 101 to 199."""

    call: str
    status: int
    reason: str
    sdp: bytes | None
    """Early media's description (RFC 3960): an answer not yet final, and another fork may bring another."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The first 2xx to our INVITE came. Its ACK is sent, unless the INVITE had no offer: then call `answer`."""

    call: str
    sdp: bytes | None
    remote_uri: Uri
    """Who answered, as far as the 2xx tells: its P-Asserted-Identity, else its To."""
    remote_name: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The ACK to our 2xx came: the call is confirmed. `sdp` is the caller's answer if our 2xx carried the offer."""

    call: str
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """A re-INVITE or UPDATE in the call (§14.2, RFC 3311). React with `accept_offer` or `refuse_offer`.

    Without `sdp`, `accept_offer` must bring our own offer, and `AnswerReceived` follows.
    """

    call: str
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class AnswerReceived:
    """The far end's answer to an offer of ours in an established call."""

    call: str
    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our re-INVITE failed; the session goes on as it was (§14.1)."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefreshDue:
    """The far end, or a server on the way, wants to hear that the call goes on (RFC 4028): offer once more what stands.

    React with `reinvite`.
    """

    call: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. Comes once for every call, also for those we end ourselves."""

    call: str
    code: int
    """SIP status. 200: released by BYE; 487: cancelled, or withdrawn by the caller; else what the far end answered.
    By "network": 408 nobody answered, 503 nobody could be reached, 478 the name is not in DNS."""
    reason: str
    """Reason phrase, or text of a Reason header (RFC 3326), as received."""
    by: By
    answered_elsewhere: bool = False
    """The CANCEL said that another phone took the call (RFC 3326: SIP;cause=200)."""


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """A DTMF digit came in an INFO request (application/dtmf-relay)."""

    call: str
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """An account's registration began, ended or failed."""

    account: str
    registered: bool
    expires_at: float | None
    """When the binding ends, monotonic seconds; None while there is none."""
    reason: str
    """Plain words; empty when all is well."""


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How a transfer we asked for goes on: 202 accepted, 100-199 on its way, 200 done, 300 and above failed."""

    call: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """Our peer asks us to call somebody else (REFER, RFC 3515). React with `follow_transfer` or `refuse_transfer`."""

    call: str
    to: Uri
    """Whom to call, without the URI's headers."""
    referred_by: str
    """The Referred-By header's URI, or the peer's address."""
    to_name: str = ""
    """The display name of Refer-To as received, may be empty and is not safe to show unfiltered."""


UserAgentEvent = (
    IncomingCall
    | Responded
    | Progress
    | Answered
    | Acknowledged
    | OfferReceived
    | AnswerReceived
    | OfferRefused
    | RefreshDue
    | Ended
    | DigitReceived
    | RegistrationChanged
    | TransferProgress
    | TransferRequested
)
