"""An exchange (registrar, proxy or redirect server) and phones that do as they are told, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from firmware.sip.cores.core import Core
from firmware.sip.cores.location import Binding, LocationService
from firmware.sip.cores.proxy import Proxy
from firmware.sip.cores.redirect import Redirect
from firmware.sip.cores.registrar import Registrar
from firmware.sip.digest import answer
from firmware.sip.endpoint import Endpoint
from firmware.sip.fields import Fields
from firmware.sip.message import Contact, Request, Response
from firmware.sip.parameters import Parameters
from firmware.sip.transaction import ClientTransaction, ServerTransaction
from firmware.sip.transport import Flow, Hop, ListeningPoint
from firmware.sip.uri import parse_uri
from tests.support.world import EndpointNode, World

DOMAIN = "home.test"
EXCHANGE = "192.0.2.10"
USERS = {"1001": "secret1", "1002": "secret2", "1003": "secret3"}


def make_request(
    method: str,
    uri: str,
    *,
    sender: str = "sip:1001@home.test",
    to: str | None = None,
    call_id: str = "call-1",
    cseq: int = 1,
    fields: Sequence[tuple[str, object]] = (),
    body: bytes = b"",
) -> Request:
    """A request as a core gives it to its endpoint; `to` may have a tag behind it."""
    to = f"<{uri}>" if to is None else to
    items: list[tuple[str, object]] = [
        ("From", f"<{sender}>;tag=from-tag"),
        ("To", to),
        ("Call-ID", call_id),
        ("CSeq", f"{cseq} {method}"),
    ]
    return Request(method, parse_uri(uri), Fields([*items, *fields]), body)


def new_node(world: World, host: str, port: int = 5060) -> EndpointNode:
    """An endpoint with no cores yet, listening on UDP and TCP of one host."""
    points = [ListeningPoint(transport, host, port) for transport in ("UDP", "TCP")]
    endpoint = Endpoint(points=points, random=Random(f"{host} {port}"), local_address=lambda remote: host)
    node = EndpointNode(endpoint, points)
    world.add(node)
    return node


def with_credentials(request: Request, refusal: Response, user: str, password: str) -> Request:
    """The request again with the next CSeq, answering a 401 or 407."""
    challenges = refusal.www_authenticate or refusal.proxy_authenticate
    credentials = answer(challenges, user, password, request.method, str(request.uri), request.body, Random(7), {})
    name = "Authorization" if refusal.status == 401 else "Proxy-Authorization"
    cseq = request.cseq
    return request.with_("CSeq", f"{cseq.number + 1} {cseq.method}").append(name, credentials)


class Exchange:
    """Registrar and proxy of home.test in one process."""

    def __init__(self, world: World, host: str = EXCHANGE, *, redirects: bool = False, **options: object) -> None:
        self.world = world
        self.node = new_node(world, host)
        self.endpoint = self.node.endpoint
        self.location = LocationService()
        random = Random(f"exchange {host}")
        server: Core = (
            Redirect(self.endpoint, [DOMAIN], self.location, users=USERS)
            if redirects
            else Proxy(self.endpoint, [DOMAIN], self.location, random, users=USERS, **options)  # type: ignore[arg-type]
        )
        self.server = server
        self.registrar = Registrar(self.endpoint, DOMAIN, USERS, self.location, random)
        self.endpoint.cores += [self.registrar, server]

    def bind(self, user: str, contact: str, *, q: float | None = None, flow: Flow | None = None) -> None:
        """Put a binding into the location service."""
        parameters = Parameters([] if q is None else [("q", str(q))])
        binding = Binding(Contact.of(parse_uri(contact), "", parameters), 3600.0, f"binding {contact}", 1, flow)
        self.location.update(f"{user}@{DOMAIN}", [binding], self.world.now)


class Phone:
    """Answers what it gets by `script`, and sends what the test says."""

    def __init__(self, world: World, host: str, *, port: int = 5060) -> None:
        self.world = world
        self.host = host
        self.port = port
        self.node = new_node(world, host, port)
        self.endpoint = self.node.endpoint
        self.script: Callable[[ServerTransaction], None] = lambda transaction: None
        self.requests: list[ServerTransaction] = []
        self.acks: list[Request] = []
        self.cancels: list[ServerTransaction] = []
        """What was cancelled."""
        self.cancel_requests: list[Request] = []
        self.responses: list[Response] = []
        self.failures: list[str] = []
        self.endpoint.cores.append(self)

    @property
    def contact(self) -> str:
        return f"sip:phone@{self.host}:{self.port}"

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    @property
    def last(self) -> Response:
        return self.responses[-1]

    def answers(self, *statuses: int, fields: Sequence[tuple[str, object]] = ()) -> None:
        """Answer every request with these, at once."""

        def play(transaction: ServerTransaction) -> None:
            for status in statuses:
                self.reply(transaction, status, fields=fields)

        self.script = play

    def reply(self, transaction: ServerTransaction, status: int, fields: Sequence[tuple[str, object]] = ()) -> None:
        """Answer one request, with a Contact where a dialog begins."""
        extra = [("Contact", f"<{self.contact}>")] if 100 < status < 300 else []
        self.endpoint.reply(transaction, status, self.world.now, fields=[*extra, *fields])
        self.world.touch(self.node)

    def send(self, request: Request, hop: Hop | Flow | None = None) -> ClientTransaction:
        """Send through the exchange, unless told otherwise."""
        hop = hop or Hop("UDP", EXCHANGE, 5060)
        transaction = self.endpoint.send_request(request, self, self.world.now, hop=hop)
        self.world.touch(self.node)
        return transaction

    def send_stateless(self, request: Request, hop: Hop | None = None) -> None:
        self.endpoint.send_stateless(request, self.world.now, hop=hop)
        self.world.touch(self.node)

    def cancel(self, transaction: ClientTransaction) -> None:
        self.endpoint.cancel(transaction, self.world.now)
        self.world.touch(self.node)

    def ask(self, request: Request, hop: Hop | None = None, *, wait: float = 5.0) -> Response:
        """Send, and return the final response that comes within `wait` seconds."""
        before = len(self.responses)
        self.send(request, hop)
        self.world.run(self.world.now + wait, lambda: any(each.status >= 200 for each in self.responses[before:]))
        return next(each for each in self.responses[before:] if each.status >= 200)

    def ask_with_digest(self, request: Request, user: str, password: str, *, hop: Hop | None = None) -> Response:
        """The same, answering one challenge."""
        refusal = self.ask(request, hop)
        if refusal.status not in (401, 407):
            return refusal
        again = with_credentials(request, refusal, user, password)
        return self.ask(again, hop)

    def register(self, user: str, *, contact: str | None = None, hop: Hop | None = None, cseq: int = 1) -> Response:
        """Register the contact for a user of the domain."""
        request = make_request(
            "REGISTER",
            f"sip:{DOMAIN}",
            sender=f"sip:{user}@{DOMAIN}",
            to=f"<sip:{user}@{DOMAIN}>",
            call_id=f"registration of {user} at {self.host}".replace(" ", "-"),
            cseq=cseq,
            fields=[("Contact", f"<{contact or self.contact}>")],
        )
        response = self.ask_with_digest(request, user, USERS[user], hop=hop)
        assert response.status == 200
        return response

    # What the endpoint tells.

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        self.requests.append(transaction)
        self.world.at(now, lambda: self.script(transaction))
        return True

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        self.acks.append(request)
        return True

    def hop_lost(self, hop: Hop, now: float) -> None: ...

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        self.cancels.append(transaction)
        self.cancel_requests.append(cancel)
        self.reply(transaction, 487)

    def server_transaction_failed(self, transaction: ServerTransaction, failure: str, now: float) -> None: ...

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        self.responses.append(response)

    def transaction_failed(self, transaction: ClientTransaction, failure: str, now: float) -> None:
        self.failures.append(failure)

    def handle_timers(self, now: float) -> None: ...

    def next_deadline(self) -> float | None:
        return None
