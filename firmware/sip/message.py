"""Requests and responses: RFC 3261 §7, §8.2.6, §18.3."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Self

from firmware.sip.address import Contact, From, NameAddress, Route, To
from firmware.sip.credentials import Challenge, Credentials
from firmware.sip.field_values import CSeq, MediaType, Reason
from firmware.sip.grammar import TOKEN_CHARACTERS, MalformedMessage
from firmware.sip.header import Fields, parse_fields
from firmware.sip.making import maker
from firmware.sip.status import reason_phrase
from firmware.sip.typed_fields import TypedFields, parse_length
from firmware.sip.uri import SipUri, Uri, parse_uri
from firmware.sip.via import Via

__all__ = [
    "CSeq",
    "Challenge",
    "Contact",
    "Credentials",
    "Fields",
    "From",
    "MalformedMessage",
    "MediaType",
    "Message",
    "NameAddress",
    "Reason",
    "Request",
    "Response",
    "Route",
    "To",
    "Via",
    "parse_message",
    "reason_phrase",
    "response_to",
]

MAX_HEADER_OCTETS = 65_536
MAX_MESSAGE_OCTETS = 262_144

_REQUEST_LINE = re.compile(rf"([{TOKEN_CHARACTERS}]++) ([^ ]++) (?i:SIP)/([0-9]++\.[0-9]++)")
_STATUS_LINE = re.compile(r"(?i:SIP)/2\.0 ([1-6][0-9]{2})(?: (.*))?")
_LOOKS_LIKE_REQUEST = re.compile(r"([^ ]++) .*SIP/[0-9.]+[ \t]*", re.IGNORECASE)
_ANSWERABLE = ("Via", "From", "To", "Call-ID", "CSeq")
"""What a response copies (§8.2.6.2)."""
_DIALOG_MAKING = frozenset(["INVITE", "SUBSCRIBE", "REFER", "NOTIFY"])
"""Methods whose 2xx makes a dialog (§12.1, RFC 6665 §4.4.1, RFC 3515 §2.4.6)."""


class _Editing(TypedFields):
    """What requests and responses have in common."""

    __slots__ = ()

    body: bytes

    def with_(self, name: str, *values: object) -> Self:
        """Return a copy whose only lines of `name` are these."""
        return self._with_fields(self.fields.set(name, *values))

    def without(self, *names: str) -> Self:
        """Return a copy without lines of `names`."""
        fields = self.fields
        for name in names:
            fields = fields.remove(name)
        return self._with_fields(fields)

    def prepend(self, name: str, value: object) -> Self:
        """Return a copy with a line before the first of `name`, or before all."""
        return self._with_fields(self.fields.prepend(name, value))

    def append(self, name: str, value: object) -> Self:
        """Return a copy with a line behind the last of `name`, or behind all."""
        return self._with_fields(self.fields.append(name, value))

    def with_body(self, body: bytes, content_type: object | None = None) -> Self:
        """Return a copy with that body and Content-Type; an empty body takes the Content-Type away."""
        fields = self.fields.set("Content-Type", content_type) if content_type else self.fields
        if not body:
            fields = fields.remove("Content-Type")
        return replace(self, fields=fields, body=body)  # type: ignore[type-var]

    def _with_fields(self, fields: Fields) -> Self:
        return replace(self, fields=fields)  # type: ignore[type-var]

    def _check_common(self, method: str | None) -> None:
        cseq = self.cseq
        if method is not None and cseq.method != method:
            raise MalformedMessage("CSeq names another method")
        _ = self.vias, self.from_, self.to, self.call_id, self.max_forwards, self.content_length

    def _serialised(self, start_line: str) -> bytes:
        if "\r" in start_line or "\n" in start_line:
            raise ValueError("a line end in the start line")
        length = f"Content-Length: {len(self.body)}"
        lines = [start_line]
        found = False
        for name, value in self.fields:
            if name == "Content-Length":
                if not found:
                    lines.append(length)
                    found = True
            else:
                lines.append(f"{name}: {value}")
        if not found:
            lines.append(length)
        lines.append("\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True, slots=True)
class Request(_Editing):
    """A request (§7.1). `bytes()` writes it, with the Content-Length that its body has."""

    method: str
    """Compared with case (§7.1)."""
    uri: Uri
    """The Request-URI."""
    fields: Fields
    body: bytes = b""

    def check(self) -> None:
        """Read what §8.1.1 makes mandatory, so that later reading cannot fail; raises MalformedMessage.

        Max-Forwards may be absent (§16.3: RFC 2543 elements); CSeq must name the request's method (§8.1.1.5).
        """
        self._check_common(self.method)

    def with_uri(self, uri: Uri) -> Request:
        """Return a copy to that Request-URI."""
        return replace(self, uri=uri)

    def __bytes__(self) -> bytes:
        return self._serialised(f"{self.method} {self.uri} SIP/2.0")


@dataclass(frozen=True, slots=True)
class Response(_Editing):
    """A response (§7.2). `bytes()` writes it, with the Content-Length that its body has."""

    status: int
    """100 to 699."""
    reason: str
    """The reason phrase; show it through `grammar.display_text`. The Reason header field is `reasons`."""
    fields: Fields
    body: bytes = b""

    @property
    def is_provisional(self) -> bool:
        """Whether more will follow: 1xx."""
        return self.status < 200

    @property
    def is_final(self) -> bool:
        """Whether it ends the transaction: 2xx to 6xx."""
        return self.status >= 200

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    def check(self) -> None:
        """Read what every response must have, so that later reading cannot fail; raises MalformedMessage."""
        self._check_common(None)

    def __bytes__(self) -> bytes:
        return self._serialised(f"SIP/2.0 {self.status} {self.reason}")

    @staticmethod
    def of(request: Request, status: int, reason: str | None = None, **rest: Any) -> Response:
        """Return `response_to(request, status, reason, ...)`."""
        return response_to(request, status, reason, **rest)


Message = Request | Response

_make_request = maker(Request)
_make_response = maker(Response)


class MalformedRequest(MalformedMessage):
    """A request of which enough was readable to be answered (§8.2.6.2, §21.4.1)."""

    def __init__(self, reason: str, status: int, fields: Fields) -> None:
        super().__init__(reason, status)
        self.fields = fields
        """The request's header fields, with all that a response copies."""


def response_to(
    request: Request | Fields,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    fields: Fields | tuple[tuple[str, object], ...] = (),
    body: bytes = b"",
) -> Response:
    """Return the response to a request, or to the fields of one that was malformed (§8.2.6, §12.1.1).

    Via, From, To, Call-ID and CSeq are copied; Timestamp in a 100; Record-Route where a dialog is made. `to_tag` is
    added unless To has a tag or the status is 100. `fields` are added behind, `body` as it is.
    """
    source = request if isinstance(request, Fields) else request.fields
    items: list[tuple[str, object]] = [("Via", line) for line in source.all("Via")]
    if not isinstance(request, Fields) and request.method in _DIALOG_MAKING and 101 <= status < 300:
        items += [("Record-Route", line) for line in source.all("Record-Route")]
    for name in ("From", "To", "Call-ID", "CSeq"):
        items += [(name, line) for line in source.all(name)[:1]]
    if status == 100:
        items += [("Timestamp", line) for line in source.all("Timestamp")]
    phrase = reason_phrase(status) if reason is None else reason
    response = Response(status, phrase, Fields([*items, *fields]), body)
    return response if to_tag is None or status == 100 else _tagged(response, to_tag)


def _tagged(response: Response, tag: str) -> Response:
    try:
        to = response.to
    except MalformedMessage:
        return response  # Only the 400 to a request whose To is the fault.
    return response if to.tag is not None else response.with_("To", to.with_tag(tag))


def parse_message(data: bytes) -> Message:
    """Read one complete message, a datagram or what the stream framer cut (§7, §18.3).

    Octets behind Content-Length are dropped. Header field values are not looked into before a property is read;
    `check()` reads the mandatory ones. Raises MalformedMessage, a MalformedRequest if it can be answered.
    """
    if len(data) > MAX_MESSAGE_OCTETS:
        raise MalformedMessage("Message Too Large", 513)
    # §7.5: CRLFs before the start-line are ignored.
    start = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
    head, blank, body = start.partition(b"\r\n\r\n")
    if not blank or len(head) > MAX_HEADER_OCTETS:
        raise MalformedMessage("No end of header" if not blank else "Header Too Large", 400 if not blank else 513)
    text = head.decode("utf-8", "surrogateescape")
    start_line, *lines = text.split("\r\n")
    try:
        # §7: every line ends in CRLF. A bare CR or LF would be a line end to some elements and none to others.
        if not text.count("\n") == text.count("\r") == len(lines):
            raise MalformedMessage("Bare CR or LF")
        return _build(start_line, lines, body)
    except MalformedMessage as error:
        fields = _answerable(start_line, lines)
        if fields is None:
            raise
        raise MalformedRequest(error.reason, error.status, fields) from error


def _build(start_line: str, lines: list[str], body: bytes) -> Message:
    fields = parse_fields(lines)
    match = _REQUEST_LINE.fullmatch(start_line)
    if match is None:
        status, reason = _parse_status_line(start_line)
        return _make_response(status, reason, fields, _cut(fields, body))
    method, text, version = match.groups()
    if version != "2.0":
        raise MalformedMessage("Version Not Supported", 505)
    uri = parse_uri(text)
    # 19.1.1, table 1: headers are not allowed in a Request-URI.
    if isinstance(uri, SipUri) and uri.headers:
        raise MalformedMessage("Headers in Request-URI")
    return _make_request(method, uri, fields, _cut(fields, body))


def _parse_status_line(line: str) -> tuple[int, str]:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise MalformedMessage("Bad start line")
    return int(match[1]), match[2] or ""


def _cut(fields: Fields, body: bytes) -> bytes:
    lines = fields.lines().get("Content-Length")
    if not lines:
        return body
    if len(lines) > 1 and len(set(lines)) > 1:
        raise MalformedMessage("Several Content-Length")
    length = parse_length(lines[0])
    if length > len(body):
        raise MalformedMessage("Body shorter than Content-Length")
    return body[:length]


def _answerable(start_line: str, lines: list[str]) -> Fields | None:
    """Return the fields to answer a malformed request with: if it is one, no ACK, and has what a response copies."""
    match = _LOOKS_LIKE_REQUEST.fullmatch(start_line)
    if match is None or match[1] == "ACK" or match[1].upper().startswith("SIP/"):
        return None
    fields = parse_fields([line for line in lines if "\r" not in line and "\n" not in line], skip_bad=True)
    if not all(name in fields for name in _ANSWERABLE):
        return None
    try:
        _ = Request("", _NOWHERE, fields).vias
    except MalformedMessage:
        return None
    return fields


_NOWHERE = SipUri(None, "invalid")
