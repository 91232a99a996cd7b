"""Values of the header fields that are no addresses: RFC 3261 §20 and its extensions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from firmware.sip.grammar import (
    CALL_ID,
    QUOTED,
    TOKEN_CHARACTERS,
    MalformedMessage,
    is_token,
    parse_number,
    quote,
    remember,
    unquote,
)
from firmware.sip.making import maker
from firmware.sip.parameters import NO_PARAMETERS, Parameters, parse_parameters

_CSEQ = re.compile(rf"([0-9]{{1,20}})[ \t]+([{TOKEN_CHARACTERS}]++)")
_USUAL_METHODS = frozenset(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "NOTIFY", "SUBSCRIBE", "REFER"])
_LARGEST_SEQUENCE = 2**31 - 1
_CALL_ID = re.compile(CALL_ID)
_MEDIA_TYPE = re.compile(rf"([{TOKEN_CHARACTERS}]++)[ \t]*/[ \t]*([{TOKEN_CHARACTERS}]++)[ \t]*(;.*)?", re.DOTALL)
_VALUE = re.compile(r"([^\x00-\x20;,\"<>]++)[ \t]*(;.*)?", re.DOTALL)
_WARNING = re.compile(rf"([0-9]{{3}})[ \t]+([^\x00-\x20\"]++)[ \t]+({QUOTED})", re.DOTALL)
_RETRY_AFTER = re.compile(r"([0-9]{1,20})[ \t]*(\((?:[^()\\]++|\\.|\([^()]*+\))*\))?[ \t]*(;.*)?", re.DOTALL)
_TIMESTAMP = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?)(?:[ \t]+([0-9]{0,12}(?:\.[0-9]{0,12})?))?")
_RACK = re.compile(rf"([0-9]{{1,20}})[ \t]+([0-9]{{1,20}})[ \t]+([{TOKEN_CHARACTERS}]++)")


@dataclass(frozen=True, slots=True)
class CSeq:
    """Orders the requests of a dialog (§20.16)."""

    number: int
    """0 to 2**31 - 1 (§8.1.1.5)."""
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or range with parameters: Content-Type, Accept (§20.15, §20.1)."""

    type: str
    """Lower case, "*" in a range."""
    subtype: str
    """Lower case, "*" in a range."""
    parameters: Parameters = NO_PARAMETERS

    @property
    def name(self) -> str:
        """Type and subtype, "application/sdp"."""
        return f"{self.type}/{self.subtype}"

    def covers(self, other: MediaType) -> bool:
        """Whether this range includes `other`, parameters aside."""
        return self.type in ("*", other.type) and self.subtype in ("*", other.subtype)

    def __str__(self) -> str:
        return f"{self.type}/{self.subtype}{self.parameters}"


@dataclass(frozen=True, slots=True)
class Qualified:
    """A word with parameters: Accept-Encoding, Accept-Language, Content-Disposition, Privacy..."""

    value: str
    """As received; compare without case."""
    parameters: Parameters = NO_PARAMETERS

    def __str__(self) -> str:
        return f"{self.value}{self.parameters}"


@dataclass(frozen=True, slots=True)
class Disposition(Qualified):
    """Content-Disposition (§20.11)."""

    @property
    def optional(self) -> bool:
        """Whether a body we do not understand may be ignored: handling=optional."""
        return (self.parameters.get("handling") or "").lower() == "optional"


@dataclass(frozen=True, slots=True)
class Event(Qualified):
    """Event (RFC 6665 §8.2.1): the package with its templates, and the id."""

    @property
    def id(self) -> str | None:
        """The id parameter, which belongs to the subscription's name."""
        return self.parameters.get("id")


@dataclass(frozen=True, slots=True)
class SubscriptionState(Qualified):
    """Subscription-State (RFC 6665 §8.2.3): active, pending or terminated."""

    @property
    def expires(self) -> int | None:
        """Seconds left; None if absent."""
        return _number_in(self.parameters, "expires")

    @property
    def reason(self) -> str | None:
        """Why it is terminated: deactivated, probation, rejected, timeout, giveup, noresource, invariant."""
        return self.parameters.get("reason")

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait before subscribing anew."""
        return _number_in(self.parameters, "retry-after")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request was sent: RFC 3326."""

    protocol: str
    """"SIP" (cause is a status code), "Q.850" (cause is ISDN's)..."""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def of(cls, protocol: str, cause: int, text: str = "") -> Self:
        """Return the usual form with a cause and perhaps a text."""
        named: list[tuple[str, str | None]] = [("cause", str(cause))]
        return cls(protocol, Parameters([*named, ("text", text)] if text else named))

    @property
    def cause(self) -> int | None:
        """The code; None if absent."""
        return _number_in(self.parameters, "cause")

    @property
    def text(self) -> str:
        """The words, "" if absent."""
        return self.parameters.get("text") or ""

    def __str__(self) -> str:
        return f"{self.protocol}{self.parameters}"


@dataclass(frozen=True, slots=True)
class Warning:
    """What else is wrong (§20.43)."""

    code: int
    """Three digits: 3xx of SDP and session, 399 miscellaneous."""
    agent: str
    """Host or pseudonym that adds the warning."""
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.agent} {quote(self.text)}"


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """When to try again (§20.33)."""

    seconds: int
    comment: str = ""
    """With its parentheses."""
    parameters: Parameters = NO_PARAMETERS

    @property
    def duration(self) -> int | None:
        """Seconds the callee will then be reachable; None if not said."""
        return _number_in(self.parameters, "duration")

    def __str__(self) -> str:
        comment = f" {self.comment}" if self.comment else ""
        return f"{self.seconds}{comment}{self.parameters}"


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When the UAC sent, and how long the UAS took (§20.38)."""

    time: str
    """As the client wrote it."""
    delay: str = ""
    """Seconds, "" if absent."""

    def __str__(self) -> str:
        return f"{self.time} {self.delay}" if self.delay else self.time


@dataclass(frozen=True, slots=True)
class RAck:
    """Which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2)."""

    response: int
    """The RSeq acknowledged."""
    number: int
    """The CSeq's number."""
    method: str

    def __str__(self) -> str:
        return f"{self.response} {self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """Session-Expires (RFC 4028 §4)."""

    seconds: int
    parameters: Parameters = NO_PARAMETERS

    @property
    def refresher(self) -> str | None:
        """Who refreshes: "uac" or "uas"; None if not agreed."""
        value = self.parameters.get("refresher")
        return value.lower() if value else None

    def __str__(self) -> str:
        return f"{self.seconds}{self.parameters}"


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that an INVITE takes over (RFC 3891 §6.1); Join (RFC 3911) and Target-Dialog (RFC 4538) look alike."""

    call_id: str
    to_tag: str
    """local-tag for Target-Dialog."""
    from_tag: str
    """remote-tag for Target-Dialog."""
    early_only: bool = False

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


def _number_in(parameters: Parameters, name: str) -> int | None:
    value = parameters.get(name)
    return parse_number(value) if value else None


_make_cseq = maker(CSeq)


def parse_cseq(text: str) -> CSeq:
    """Read CSeq (§20.16); raises MalformedMessage."""
    digits, _, method = text.partition(" ")
    if method in _USUAL_METHODS and len(digits) < 10 and digits.isascii() and digits.isdigit():
        return _make_cseq(int(digits), method)  # nearly every one
    if method not in _USUAL_METHODS or not digits.isdigit():
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise MalformedMessage("Bad CSeq")
        digits, method = match.groups()
    number = parse_number(digits, _LARGEST_SEQUENCE)
    return _make_cseq(number, method)


def parse_call_id(text: str) -> str:
    """Read Call-ID (§20.8); raises MalformedMessage."""
    if not _CALL_ID.fullmatch(text):
        raise MalformedMessage("Bad Call-ID")
    return text


@remember
def parse_media_type(text: str) -> MediaType:
    """Read a media type or range (§20.15, §20.1); raises MalformedMessage."""
    match = _MEDIA_TYPE.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad media type")
    kind, subtype, parameters = match.groups()
    return MediaType(kind.lower(), subtype.lower(), parse_parameters(parameters or ""))


def parse_qualified(text: str) -> Qualified:
    """Read a word with parameters; raises MalformedMessage."""
    return Qualified(*_split_value(text))


def parse_disposition(text: str) -> Disposition:
    """Read Content-Disposition (§20.11); raises MalformedMessage."""
    return Disposition(*_split_value(text))


def parse_event(text: str) -> Event:
    """Read Event (RFC 6665 §8.2.1); raises MalformedMessage."""
    return Event(*_split_value(text))


def parse_subscription_state(text: str) -> SubscriptionState:
    """Read Subscription-State (RFC 6665 §8.2.3); raises MalformedMessage."""
    return SubscriptionState(*_split_value(text))


def parse_reason(text: str) -> Reason:
    """Read one Reason (RFC 3326 §2); raises MalformedMessage."""
    return Reason(*_split_value(text))


def parse_session_expires(text: str) -> SessionExpires:
    """Read Session-Expires (RFC 4028 §4); raises MalformedMessage."""
    seconds, parameters = _split_value(text)
    return SessionExpires(parse_number(seconds), parameters)


def parse_replaces(text: str) -> Replaces:
    """Read Replaces (RFC 3891 §6.1); raises MalformedMessage if a tag is missing."""
    return _parse_dialog_name(text, "to-tag", "from-tag")


def parse_target_dialog(text: str) -> Replaces:
    """Read Target-Dialog (RFC 4538 §7), the local tag as `to_tag`; raises MalformedMessage if a tag is missing."""
    return _parse_dialog_name(text, "local-tag", "remote-tag")


def _parse_dialog_name(text: str, to_name: str, from_name: str) -> Replaces:
    call_id, parameters = _split_value(text)
    to_tag, from_tag = parameters.get(to_name), parameters.get(from_name)
    if not to_tag or not from_tag:
        raise MalformedMessage("Dialog without a tag")
    return Replaces(call_id, to_tag, from_tag, parameters.has("early-only"))


def parse_warning(text: str) -> Warning:
    """Read one Warning (§20.43); raises MalformedMessage."""
    match = _WARNING.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad Warning")
    return Warning(int(match[1]), match[2], unquote(match[3]))


def parse_retry_after(text: str) -> RetryAfter:
    """Read Retry-After (§20.33); raises MalformedMessage."""
    match = _RETRY_AFTER.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad Retry-After")
    return RetryAfter(parse_number(match[1]), match[2] or "", parse_parameters(match[3] or ""))


def parse_timestamp(text: str) -> Timestamp:
    """Read Timestamp (§20.38); raises MalformedMessage."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad Timestamp")
    return Timestamp(match[1], match[2] or "")


def parse_rack(text: str) -> RAck:
    """Read RAck (RFC 3262 §7.2); raises MalformedMessage."""
    match = _RACK.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad RAck")
    return RAck(parse_number(match[1]), parse_number(match[2]), match[3])


@remember
def parse_tokens(line: str) -> tuple[str, ...]:
    """Read a token list such as Allow and Supported; raises MalformedMessage.

    Empty elements are passed over: §20.5 and §20.37 allow an empty list.
    """
    tokens = [token for piece in line.split(",") if (token := piece.strip(" \t"))]
    for token in tokens:
        if not is_token(token):
            raise MalformedMessage(f"Bad token {token[:40]!r}")
    return tuple(tokens)


def _split_value(text: str) -> tuple[str, Parameters]:
    match = _VALUE.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad header field value")
    return match[1], parse_parameters(match[2]) if match[2] else NO_PARAMETERS
