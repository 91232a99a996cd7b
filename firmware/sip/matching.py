"""Which transaction a message belongs to: RFC 3261 §17.1.3 (responses), §17.2.3 (requests), §9.2 (CANCEL)."""

from __future__ import annotations

from firmware.sip.message import Request, Response
from firmware.sip.via import MAGIC_COOKIE, Via

ClientKey = tuple[str, str]
"""Branch and method."""

ServerKey = tuple[object, ...]
"""What the requests of one server transaction share; the method stands last."""

ANY_METHOD = ""
"""In a `ServerKey`: whatever a CANCEL with the rest of the key would cancel."""


def has_unique_branch(via: Via) -> bool:
    """Whether the branch alone tells transactions apart: it has the magic cookie, and more (RFC 4475 §3.2.1)."""
    return via.has_cookie and via.branch != MAGIC_COOKIE


def client_key(via: Via, method: str) -> ClientKey:
    """The client transaction that a response with this top Via and CSeq method answers (§17.1.3)."""
    return (via.branch or "", method)


def response_key(response: Response) -> ClientKey:
    """The client transaction `response` answers (§17.1.3). Raises `MalformedMessage`."""
    return client_key(response.via, response.cseq.method)


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """The server transaction `request` belongs to, read as though its method were `method` (§17.2.3).

    An ACK belongs to its INVITE's: pass "INVITE". A CANCEL cancels `ANY_METHOD` (§9.2). Raises `MalformedMessage`.
    """
    via = request.via
    method = request.method if method is None else method
    if has_unique_branch(via):
        return (via.branch, via.host, via.port, method)
    return _rfc2543_key(request, method)


def _rfc2543_key(request: Request, method: str) -> ServerKey:
    """Request-URI, From tag, Call-ID, CSeq number and top Via, for clients without the magic cookie.

    The To tag is checked by `acknowledges`: an ACK has our response's, which its INVITE did not have.
    """
    return (str(request.uri), request.from_.tag, request.call_id, request.cseq.number, str(request.via), method)


def acknowledges(ack: Request, response: Response | None) -> bool:
    """Whether an ACK that matches the INVITE's transaction is for `response`: the To tags agree (§17.2.3).

    It keeps the ACK of a 2xx from a peer without the magic cookie apart from those of other responses.
    """
    return response is not None and ack.to.tag == response.to.tag
