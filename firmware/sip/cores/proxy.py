"""The stateful, forking proxy: RFC 3261 §16, RFC 4320, RFC 5393.

`routing` undoes Routes, `admission` says who may pass, `forwarding` makes the copies, `response_context` weighs the
answers; here they meet the transaction layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from firmware.sip.cores.location import LocationService
from firmware.sip.cores.server.admission import Admission
from firmware.sip.cores.server.authentication import ALGORITHMS, Authenticator
from firmware.sip.cores.server.domain import Domain
from firmware.sip.cores.server.forwarding import Forwarder, Target, target_of
from firmware.sip.cores.server.response_context import (
    MAX_BREADTH,
    Action,
    Answer,
    Branch,
    Cancel,
    Forward,
    ResponseContext,
    Start,
)
from firmware.sip.cores.server.routing import (
    Routed,
    Seal,
    branch_suffix,
    has_looped,
    is_spiral,
    preprocess,
    sealed_branch,
    without_first,
)
from firmware.sip.cores.server.server_core import Refused, refuse_unsupported
from firmware.sip.machines import State
from firmware.sip.message import Request, Response, response_to
from firmware.sip.timers import Agenda
from firmware.sip.transport import Flow
from firmware.sip.uri import OtherUri, SipUri, TelUri

if TYPE_CHECKING:
    from firmware.sip.cores.core import Failure
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.transaction import ClientTransaction, ServerTransaction

BUSY_RETRY = 10
"""Seconds after which a request refused for want of room may come again."""


@dataclass(slots=True, eq=False)
class _Forwarding:
    """A request being forwarded: its transactions on both sides."""

    server: ServerTransaction
    context: ResponseContext
    suffix: str
    clients: dict[Branch, ClientTransaction]


class Proxy:
    """Forwards requests for our users to where they are registered, and our users' requests to anywhere.

    `domains[0]` is our domain, further ones are aliases. `users`: those who exist, and their passwords. `trusted`:
    networks whose requests need no proof. `open_to_strangers`: other domains' users may call ours without one, from
    anywhere or from the numeric hosts for which it is true.
    `recurse`: follow the redirections our users' phones answer with. `search_time`: seconds for which contacts of one
    q ring before those of a lower one are tried.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        domains: Sequence[str],
        location: LocationService,
        random: Random,
        *,
        users: Mapping[str, str],
        trusted: Sequence[str] = (),
        open_to_strangers: bool | Callable[[str], bool] = True,
        algorithms: Sequence[str] = ALGORITHMS,
        record_route: bool = True,
        recurse: bool = True,
        search_time: float = 20.0,
        most_requests: int = 4096,
    ) -> None:
        self._endpoint = endpoint
        self._location = location
        self._domain = Domain(endpoint, domains, users)
        self._seal = Seal(random)
        authenticator = Authenticator(self._domain.name, users, random, algorithms)
        self._admission = Admission(self._domain, location, authenticator, trusted, open_to_strangers=open_to_strangers)
        self._forwarder = Forwarder(endpoint, self._seal, self._domain.name, record_route)
        self._recurse = recurse
        self._search_time = search_time
        self._most_requests = most_requests
        self._forwardings: dict[ServerTransaction, _Forwarding] = {}
        self._branches: dict[ClientTransaction, tuple[_Forwarding, Branch]] = {}
        self._agenda = Agenda()

    def __len__(self) -> int:
        """Return how many requests have a response context."""
        return len(self._forwardings)

    # Requests.

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Forward or refuse it; what is meant for another core of this process is left to that."""
        routed = preprocess(request, transaction.flow, self._domain, self._seal)
        if not self._is_for_us(routed.request):
            return False
        try:
            self._validate(request, routed, transaction.flow, now)
            targets = self._targets(routed.request, now)
        except Refused as refused:
            self._endpoint.reply(transaction, refused.status, now, refused.reason, fields=refused.fields)
            return True
        self._forward(transaction, request, routed.request, targets, now)
        return True

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        """Forward the ACK for a 2xx without state (§16.11); one that nobody vouches for is dropped."""
        routed = preprocess(request, flow, self._domain, self._seal)
        if not self._is_for_us(routed.request):
            return False
        if not (routed.sealed or self._admission.is_known(request, flow, now)) or request.max_forwards == 0:
            return True
        try:
            target = self._targets(routed.request, now)[0]
        except Refused:
            return True
        copy, hop = self._forwarder.copy(routed.request, target, flow)
        self._endpoint.send_stateless(copy, now, hop=hop)
        return True

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """Cancel what is pending (§16.10)."""
        forwarding = self._forwardings.get(transaction)
        if forwarding is not None:
            # RFC 3326 §2: why the caller gave up is for the phones to know.
            self._do(forwarding, forwarding.context.cancel(now, cancel.fields.get("Reason")), now)

    def server_transaction_failed(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        """§16.9: a response that cannot be forwarded is dropped, and nothing is cancelled for it."""

    # Responses.

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Process a response (§16.7)."""
        found = self._branches.get(transaction)
        if found is None:
            return
        forwarding, branch = found
        if len(response.vias) > 1:
            self._do(forwarding, forwarding.context.receive(branch, without_first(response, "Via"), now), now)
        elif response.status >= 200:
            # §16.7 step 3: without another Via "the response was meant for this element"; the caller still waits.
            self._do(forwarding, forwarding.context.fail(branch, "timeout", now), now)

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """No response will come on this branch."""
        found = self._branches.get(transaction)
        if found is None:
            return
        forwarding, branch = found
        flow = branch.target.hop
        if failure == "transport" and flow is not None and flow.connection is not None:
            self._location.forget_flow(flow)
        self._do(forwarding, forwarding.context.fail(branch, failure, now), now)

    def stray_response(self, response: Response, flow: Flow, now: float) -> bool:
        """Forward a response whose transaction is gone, if its Via shows that we forwarded the request (§16.7)."""
        vias = response.vias
        ours = self._endpoint.is_own_address(vias[0].host, vias[0].port, vias[0].transport)
        if not ours or len(vias) < 2 or not sealed_branch(vias[0].branch, response.call_id, self._seal):
            return False
        # RFC 4320 §4.2: late final responses to anything but INVITE are not forwarded.
        if response.cseq.method == "INVITE" and response.status >= 200:
            self._endpoint.send_stateless(without_first(response, "Via"), now)
        return True

    # Time.

    def handle_timers(self, now: float) -> None:
        """Do what Timer C and the search demand; forget what is over."""
        for forwarding in self._agenda.pop_due(now):
            assert isinstance(forwarding, _Forwarding)
            self._do(forwarding, forwarding.context.handle_timers(now), now)

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted."""
        return self._agenda.next_deadline()

    # Inside.

    def _is_for_us(self, request: Request) -> bool:
        """Whether the routed request is a proxy's business, and not the registrar's or the user agent's."""
        if request.routes or not self._domain.covers(request.uri):
            return True
        if isinstance(request.uri, SipUri) and not request.uri.user:
            return request.method == "OPTIONS"  # the domain itself may be asked what it can do
        return request.method != "REGISTER" and self._domain.has_address(request.uri)

    def _validate(self, received: Request, routed: Routed, flow: Flow, now: float) -> None:
        """§16.3. Raises `Refused`."""
        request = routed.request
        if isinstance(request.uri, OtherUri):
            raise Refused(416)
        if request.max_forwards == 0:
            raise Refused(200 if request.method == "OPTIONS" else 483)
        if has_looped(received, self._endpoint):
            raise Refused(482)
        if request.max_breadth == 0:
            raise Refused(440, "Max-Breadth Exceeded")
        refuse_unsupported(request.proxy_require)
        _ = request.proxy_authorization  # read later too, where a fault in it would leave the request half forwarded
        self._admit(routed, flow, now)
        if len(self._forwardings) >= self._most_requests:
            raise Refused(503, fields=[("Retry-After", BUSY_RETRY)])

    def _admit(self, routed: Routed, flow: Flow, now: float) -> None:
        """§16.3 step 6. Raises `Refused`."""
        request = routed.request
        if routed.sealed and request.to.tag is not None:
            return
        # A Route that leads on to somebody else makes it somebody else's request, whatever its Request-URI.
        to_our_user = not request.routes and (self._domain.covers(request.uri) or isinstance(request.uri, TelUri))
        # What we let through already may come back: from ourselves, when one of our users is bound to another, or from
        # a server elsewhere that sends it on to one of ours.
        if is_spiral(request, self._endpoint, self._seal) and (
            to_our_user or self._endpoint.is_own_address(*flow.remote, flow.transport)
        ):
            return
        self._admission.check(request, flow, to_our_user=to_our_user, now=now)

    def _targets(self, request: Request, now: float) -> list[Target]:
        """Determine the target set (§16.5). Raises `Refused`."""
        uri = request.uri
        user = self._domain.user(uri)
        if user is not None:
            return self._registered(request, user, now)
        if isinstance(uri, SipUri) and self._domain.covers(uri) and not uri.maddr:
            # The domain itself, without a user: OPTIONS asks what the proxy can do (§11).
            raise Refused(404 if uri.user else 200)
        if isinstance(uri, TelUri) and not request.routes:
            raise Refused(404)
        binding = self._location.find(uri, now)
        return [Target(uri, binding.hop if binding else None)]

    def _registered(self, request: Request, user: str, now: float) -> list[Target]:
        bindings = self._location.lookup(self._domain.address(user), now)
        secure = isinstance(request.uri, SipUri) and request.uri.secure
        targets = [target for binding in bindings if (target := target_of(binding, secure)) is not None]
        if not targets:
            raise Refused(480)
        return targets

    def _forward(
        self, transaction: ServerTransaction, received: Request, request: Request, targets: list[Target], now: float
    ) -> None:
        breadth = MAX_BREADTH if request.max_breadth is None else min(request.max_breadth, MAX_BREADTH)
        context = ResponseContext(
            request,
            targets,
            recurse=self._recurse and self._domain.user(request.uri) is not None,
            max_breadth=breadth,
            search_time=self._search_time,
        )
        forwarding = _Forwarding(transaction, context, branch_suffix(received, self._seal), {})
        self._forwardings[transaction] = forwarding
        if request.method == "INVITE":
            # §17.2.1 lets it wait 200 ms; a proxy knows already that its own answer will take longer.
            self._endpoint.respond(transaction, response_to(received, 100), now, forwarded=True)
        self._do(forwarding, context.begin(now), now)

    def _do(self, forwarding: _Forwarding, actions: Sequence[Action], now: float) -> None:
        for action in actions:
            if isinstance(action, Start):
                self._start(forwarding, action.branch, now)
            elif isinstance(action, Forward):
                self._respond(forwarding, action.response, now)
            elif isinstance(action, Answer):
                self._endpoint.reply(forwarding.server, action.status, now)
            elif isinstance(action, Cancel):
                self._endpoint.cancel(forwarding.clients[action.branch], now, reason=action.reason)
        self._plan(forwarding, now)

    def _start(self, forwarding: _Forwarding, branch: Branch, now: float) -> None:
        copy, hop = self._forwarder.copy(
            forwarding.context.request, branch.target, forwarding.server.flow, branch.breadth
        )
        client = self._endpoint.send_request(copy, self, now, hop=hop, branch_suffix=forwarding.suffix)
        forwarding.clients[branch] = client
        self._branches[client] = (forwarding, branch)

    def _respond(self, forwarding: _Forwarding, response: Response, now: float) -> None:
        if forwarding.server.state is not State.TERMINATED:
            self._endpoint.respond(forwarding.server, response, now, forwarded=True)
        elif forwarding.server.method == "INVITE":
            # §16.7 step 9: without a server transaction the response goes to the transport. Not for other methods:
            # RFC 4320 §4.2, "this proxy will not forward any "late" non-INVITE responses".
            self._endpoint.send_stateless(response, now)

    def _plan(self, forwarding: _Forwarding, now: float) -> None:
        if forwarding.context.is_over(now):
            self._agenda.cancel(forwarding)
            self._forwardings.pop(forwarding.server, None)
            for client in forwarding.clients.values():
                self._branches.pop(client, None)
            return
        deadline = forwarding.context.next_deadline()
        if deadline is not None:
            self._agenda.set(forwarding, deadline)
