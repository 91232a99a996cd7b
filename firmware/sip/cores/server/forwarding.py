"""One copy of a request for one target: RFC 3261 §16.6, RFC 3327 §5.2, RFC 5393 §5, RFC 5658."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.sip.cores.location import DEFAULT_Q, Binding
from firmware.sip.cores.server.routing import Seal
from firmware.sip.grammar import MalformedMessage
from firmware.sip.locating import DEFAULT_PORTS, is_numeric
from firmware.sip.message import Contact, Request, Response
from firmware.sip.parameters import Parameters
from firmware.sip.transport import Flow, Hop
from firmware.sip.uri import SipUri, Uri

if TYPE_CHECKING:
    from firmware.sip.endpoint import Endpoint

MAX_FORWARDS = 70
_MAKES_NO_DIALOG = frozenset(["REGISTER", "OPTIONS", "MESSAGE", "PUBLISH", "INFO", "PRACK", "BYE", "ACK"])
"""Methods that need no Record-Route; one we do not know might (§16.6 step 4)."""


@dataclass(frozen=True, slots=True)
class Target:
    """One element of the target set (§16.5)."""

    uri: Uri
    hop: Flow | None = None
    """Where to send; None: by the Route, or the URI (RFC 3263)."""
    path: tuple[str, ...] = ()
    """Route values to go through first (RFC 3327)."""
    q: float = DEFAULT_Q

    def is_same_as(self, other: Target) -> bool:
        """Whether both are the same URI by its own rules of comparison."""
        if isinstance(self.uri, SipUri):
            return self.uri.equivalent(other.uri)
        return self.uri == other.uri


def target_of(binding: Binding, secure: bool) -> Target | None:
    """Return the target that a binding is for a request to a sips URI, if `secure`, or a sip URI; None: it is none.

    RFC 5630 §5.3: a sips request only goes to sips contacts; a sip request goes to one over TLS, as sip.
    """
    uri = binding.uri
    if not isinstance(uri, SipUri) or (secure and not uri.secure):
        return None
    if uri.secure == secure:
        return Target(uri, binding.hop, binding.path, binding.q)
    if binding.flow is None or binding.flow.transport != "TLS":
        return None
    return Target(uri.with_(secure=False), binding.flow, binding.path, binding.q)


def redirect_targets(redirection: Response, request: Request) -> tuple[list[Target], list[Contact]]:
    """Return the contacts of a 3xx to try, and those to leave to the caller (§16.7 step 4)."""
    try:
        contacts = redirection.contacts
    except MalformedMessage:
        return [], []
    secure = isinstance(request.uri, SipUri) and request.uri.secure
    found: list[Target] = []
    others: list[Contact] = []
    for contact in contacts:
        # RFC 5630 §5.3: neither from sips to sip nor the other way.
        if isinstance(contact.uri, SipUri) and contact.uri.secure == secure:
            found.append(Target(contact.uri, q=DEFAULT_Q if contact.q is None else contact.q))
        else:
            others.append(contact)
    return found, others


class Forwarder:
    """Makes the copies."""

    def __init__(self, endpoint: Endpoint, seal: Seal, realm: str, record_route: bool) -> None:
        self._endpoint = endpoint
        self._seal = seal
        self._realm = realm
        self._record_route = record_route

    def copy(
        self, request: Request, target: Target, flow: Flow, breadth: int | None = None
    ) -> tuple[Request, Flow | Hop | None]:
        """Return the request for `target`, without our Via, and its hop (§16.6 steps 1 to 7).

        `flow`: where the request came from. `breadth`: the branch's Max-Breadth, None for an ACK.
        The hop is None where the transaction layer is to find it, from the first Route or the Request-URI.
        """
        uri = target.uri.without_headers() if isinstance(target.uri, SipUri) else target.uri
        copy = request.with_uri(uri).with_("Max-Forwards", MAX_FORWARDS)
        if request.max_forwards is not None:
            copy = copy.with_("Max-Forwards", request.max_forwards - 1)
        if breadth is not None:
            copy = copy.with_("Max-Breadth", breadth)
        copy = self._without_our_credentials(copy)
        for value in reversed(target.path):
            copy = copy.prepend("Route", value)
        if self._record_route and request.method not in _MAKES_NO_DIALOG:
            copy = self._recorded(copy, target, flow)
        if not copy.routes:
            return copy, target.hop
        if _is_loose(copy.routes[0].uri):
            return copy, None
        copy = _for_strict_router(copy)
        # Step 7: then the Request-URI leads on, although Routes follow.
        return copy, _numeric_hop(copy.uri)

    def _without_our_credentials(self, request: Request) -> Request:
        """§22.3: credentials for our realm are consumed here, those for other proxies are passed on."""
        lines = request.fields.all("Proxy-Authorization")
        if not lines:
            return request
        offered = zip(lines, request.proxy_authorization, strict=True)
        kept = [line for line, credentials in offered if credentials.realm != self._realm]
        return request.with_("Proxy-Authorization", *kept)

    def _recorded(self, request: Request, target: Target, flow: Flow) -> Request:
        """Step 4: Record-Route, once more where we look different from the other side (RFC 5658 §3)."""
        secure = isinstance(request.uri, SipUri) and request.uri.secure
        sides = [Hop(flow.transport, *flow.remote), _following(request, target)]
        own = [self._own_route(side, request.call_id, secure) for side in sides]
        for value in dict.fromkeys(own):
            if value is not None:
                request = request.prepend("Record-Route", value)
        return request

    def _own_route(self, side: Hop | None, call_id: str, secure: bool) -> str | None:
        if side is None:
            return None
        try:
            host, port = self._endpoint.contact_address(side.host, side.transport)
        except ValueError:
            return None  # the transaction layer will say that this cannot be reached
        transport = side.transport
        parameters = [] if transport == "UDP" or secure else [("transport", transport.lower())]
        uri = SipUri(self._seal.of(call_id), host, port, Parameters([*parameters, ("lr", None)]), secure=secure)
        return f"<{uri}>"


def _following(request: Request, target: Target) -> Hop | None:
    """Return the next hop as far as it is known without asking DNS."""
    if request.routes:
        return _numeric_hop(request.routes[0].uri)
    if target.hop is not None:
        return Hop(target.hop.transport, *target.hop.remote)
    return _numeric_hop(request.uri)


def _numeric_hop(uri: Uri) -> Hop | None:
    if not isinstance(uri, SipUri):
        return None
    host = uri.maddr or uri.host
    transport = "TLS" if uri.secure else uri.transport or "UDP"
    if not is_numeric(host) or transport not in DEFAULT_PORTS:
        return None
    return Hop(transport, host, uri.port or DEFAULT_PORTS[transport])


def _is_loose(uri: Uri) -> bool:
    return isinstance(uri, SipUri) and uri.lr


def _for_strict_router(request: Request) -> Request:
    """Step 6: the first Route, which lacks lr, goes into the Request-URI, and that to the end of the Route."""
    first, *rest = request.routes
    return request.with_("Route", *rest, f"<{request.uri}>").with_uri(first.uri)
