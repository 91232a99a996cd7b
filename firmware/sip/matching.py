"""Which transaction a message belongs to: RFC 3261 §17.1.3 (responses), §17.2.3 (requests), §9.2 (CANCEL)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.sip.fields import Via
    from firmware.sip.message import Request, Response

MAGIC_COOKIE = "z9hG4bK"
"""How the branch of a client that follows RFC 3261 begins (§8.1.1.7)."""

ClientKey = tuple[str, str]
"""Branch and method."""

ServerKey = tuple[object, ...]
"""What two requests of one server transaction share."""


def client_key(via: Via, method: str) -> ClientKey:
    """The client transaction a response with this top Via and CSeq method answers (§17.1.3)."""
    return (via.branch or "", method)


def response_key(response: Response) -> ClientKey:
    """The client transaction `response` answers (§17.1.3). Raises `MalformedMessage`."""
    return client_key(response.via, response.cseq.method)


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """The server transaction `request` belongs to, read as though its method were `method` (§17.2.3).

    An ACK belongs to its INVITE's: pass "INVITE". Raises `MalformedMessage`.
    """
    via = request.via
    method = method or request.method
    if via.branch is not None and via.branch.startswith(MAGIC_COOKIE):
        # Host names compare without case; the port's absence is the transport's default, but a client never mixes both.
        return (via.branch, via.host.lower(), via.port, method)
    return _rfc2543_key(request, via, method)


def _rfc2543_key(request: Request, via: Via, method: str) -> ServerKey:
    """Request-URI, From tag, Call-ID, CSeq and top Via, for clients without the magic cookie.

    The To tag is left out on purpose: an ACK carries our own response's, which its INVITE does not have.
    """
    return (str(request.uri), request.from_.tag, request.call_id, request.cseq.number, str(via), method)
