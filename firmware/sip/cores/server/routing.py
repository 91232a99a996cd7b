"""Route preprocessing and loop detection: RFC 3261 §16.3 step 4, §16.4; RFC 5393 §4.2.

Our Record-Route values carry a *seal* in their user part, made from the Call-ID with a key of our own. A later request
of the dialog shows it again, which proves, without any state, that we once let this call through (§16.6 step 4: "MAY
encode enough information in the value to compare it against the dialog identifier of future requests").
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from hmac import compare_digest
from random import Random
from typing import TypeVar

from firmware.sip.cores.server.domain import Domain, OwnAddresses
from firmware.sip.grammar import split_list
from firmware.sip.locating import DEFAULT_PORTS
from firmware.sip.message import Request, Response
from firmware.sip.transport import Flow
from firmware.sip.uri import SipUri, Uri

M = TypeVar("M", Request, Response)

_HASH_OCTETS = 8
_HASH_CHARACTERS = 2 * _HASH_OCTETS


def without_first(message: M, name: str) -> M:
    """Return `message` without the first value of `name`; the others stay as they are written."""
    first, *rest = message.fields.all(name)
    remaining = split_list(first)[1:]
    return message.with_(name, *([", ".join(remaining)] if remaining else []), *rest)


class Seal:
    """Marks what belongs to a call that was let through."""

    def __init__(self, random: Random) -> None:
        self._key = random.randbytes(16)

    def of(self, call_id: str) -> str:
        """Return the mark of a call, a token."""
        return _hash(call_id, self._key)

    def fits(self, mark: str | None, call_id: str) -> bool:
        """Whether `mark` is that of the call."""
        return mark is not None and compare_digest(mark.encode("utf-8", "replace"), self.of(call_id).encode())


def loop_mark(request: Request) -> str:
    """Return the branch's second part: it is the same again if nothing changed that decides where a request goes.

    RFC 5393 §4.2.1: it depends on the received Request-URI and Route, does not vary with the method, and (§4.2.4) takes
    in Call-ID and CSeq, so that one unlucky collision does not last.
    """
    routes = ",".join(request.fields.all("Route"))
    parts = (str(request.uri), routes, request.call_id, str(request.cseq.number), request.from_.tag or "")
    return _hash("\n".join(parts), b"")


def branch_suffix(request: Request, seal: Seal) -> str:
    """Return what ends the branch of our Via: the loop mark, and the seal by which a late response shows it is ours."""
    return f"-{loop_mark(request)}{seal.of(request.call_id)}"


def has_looped(request: Request, own: OwnAddresses) -> bool:
    """Whether the request as received was here before, unchanged (§16.3 step 4); a changed one is a spiral."""
    mark = loop_mark(request)
    return any(
        _suffix(via.branch)[:_HASH_CHARACTERS] == mark
        for via in request.vias
        if own.is_own_address(via.host, via.port, via.transport)
    )


def is_spiral(request: Request, own: OwnAddresses, seal: Seal) -> bool:
    """Whether we forwarded this very request before, to somebody who sent it back."""
    return any(
        sealed_branch(via.branch, request.call_id, seal) and own.is_own_address(via.host, via.port, via.transport)
        for via in request.vias
    )


def sealed_branch(branch: str | None, call_id: str, seal: Seal) -> bool:
    """Whether we made this branch for a request of that call."""
    return seal.fits(_suffix(branch)[_HASH_CHARACTERS:], call_id)


def _suffix(branch: str | None) -> str:
    suffix = (branch or "").rpartition("-")[2]
    return suffix if len(suffix) == 2 * _HASH_CHARACTERS else ""


def _hash(text: str, key: bytes) -> str:
    return blake2s(text.encode("utf-8", "surrogateescape"), key=key, digest_size=_HASH_OCTETS).hexdigest()


@dataclass(frozen=True, slots=True)
class Routed:
    """A request after §16.4."""

    request: Request
    """Without the Routes that named us, and with its own Request-URI if a strict router had moved that."""
    sealed: bool
    """True if it came along a Record-Route of ours, made for this very call."""


def preprocess(request: Request, flow: Flow, domain: Domain, seal: Seal) -> Routed:
    """Apply §16.4. Raises `MalformedMessage`."""
    sealed = False
    if _is_record_route(request.uri, request.call_id, domain, seal):
        sealed = True
        request = _undo_strict_routing(request)
    request = _without_maddr(request, flow, domain)
    # Two of ours stand together where the transports on both sides differ (RFC 5658 §3: double Record-Routing).
    while request.routes and domain.covers(request.routes[0].uri):
        sealed = sealed or _is_record_route(request.routes[0].uri, request.call_id, domain, seal)
        request = without_first(request, "Route")
    return Routed(request, sealed)


def _is_record_route(uri: Uri, call_id: str, domain: Domain, seal: Seal) -> bool:
    return isinstance(uri, SipUri) and seal.fits(uri.user, call_id) and domain.is_own(uri)


def _undo_strict_routing(request: Request) -> Request:
    """§16.4: the Request-URI is our Record-Route value, so the real one is the last Route."""
    if not request.routes:
        return request
    last = request.routes[-1].uri
    return request.with_("Route", *request.routes[:-1]).with_uri(last)


def _without_maddr(request: Request, flow: Flow, domain: Domain) -> Request:
    """§16.4: strip a maddr that is ours if the request came by the port and transport that the URI indicates."""
    uri = request.uri
    if not isinstance(uri, SipUri) or uri.maddr is None or not domain.covers(SipUri(uri.user, uri.maddr, uri.port)):
        return request
    transport = uri.transport or flow.transport
    if (transport, uri.port or DEFAULT_PORTS.get(transport)) != (flow.transport, flow.local[1]):
        return request
    return request.with_uri(uri.with_(port=None, parameters=uri.parameters.without("maddr", "transport")))
