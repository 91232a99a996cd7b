"""Finding the session description in a message's body (RFC 3261 §7.4, §8.2.3; RFC 5621 §3: multipart/mixed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.sip.message import Request, Response

ACCEPT = "application/sdp, application/dtmf-relay, message/sipfrag, multipart/mixed"
"""The bodies we read (§20.1)."""

_READABLE = frozenset(piece.strip() for piece in ACCEPT.split(","))
_MAX_PARTS = 16


def readable(request: Request) -> bool:
    """True if we can read the body, or may ignore it (§8.2.3); False: answer 415."""
    if not request.body:
        return True
    disposition = request.content_disposition
    if disposition is not None and disposition.optional:
        return True
    if any(coding.lower() != "identity" for coding in request.content_encoding):
        return False
    return request.content_type is None or request.content_type.name in _READABLE


def session_description(message: Request | Response) -> bytes | None:
    """The session description in a message, None if it has none. A body of no declared type is taken for one."""
    if not message.body:
        return None
    kind = message.content_type
    if kind is None or kind.name == "application/sdp":
        return message.body
    if kind.name != "multipart/mixed":
        return None
    return _part(message.body, kind.parameters.get("boundary") or "")


def _part(body: bytes, boundary: str) -> bytes | None:
    """The first application/sdp part of a multipart body (RFC 2046 §5.1)."""
    if not boundary:
        return None
    delimiter = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    for part in (b"\r\n" + body).split(delimiter, _MAX_PARTS)[1:]:
        header, blank, content = part.partition(b"\r\n\r\n")
        if blank and b"application/sdp" in header.lower():
            return content
    return None
