"""Endpoints under test, what they told their users, and a lossy link between two of them, all in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from firmware.sip.endpoint import Endpoint, Limits
from firmware.sip.message import Message, Request, Response, parse_message
from firmware.sip.timers import Timers
from firmware.sip.transaction import ClientTransaction, ServerTransaction
from firmware.sip.transport import Flow, Hop, ListeningPoint, Output, SendDatagram, SendStream

ATLANTA = "192.0.2.1"
BILOXI = "192.0.2.4"


def new_endpoint(host: str = ATLANTA, seed: int = 3261, transports: str = "UDP TCP", **options: object) -> Endpoint:
    """An endpoint on port 5060 of `host`."""
    return Endpoint(
        points=[ListeningPoint(transport, host, 5060) for transport in transports.split()],
        random=Random(seed),
        local_address=lambda remote: host,
        **options,  # type: ignore[arg-type]
    )


def flow(transport: str = "UDP", remote: tuple[str, int] = (BILOXI, 5060), connection: int | None = None) -> Flow:
    """How something from `remote` reaches ATLANTA."""
    return Flow(transport, (ATLANTA, 5060), remote, connection)


def message(text: str, body: str = "") -> bytes:
    """A message from lines indented for reading, with CRLFs and Content-Length."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def request(
    method: str = "INVITE",
    *,
    branch: str = "z9hG4bKnashds8",
    via: str | None = None,
    cseq: int = 1,
    to_tag: str = "",
    extra: str = "",
    uri: str = f"sip:bob@{ATLANTA}",
    transport: str = "UDP",
) -> bytes:
    """A request as BILOXI sends it."""
    return message(
        f"""{method} {uri} SIP/2.0
        Via: {via or f"SIP/2.0/{transport} {BILOXI}:5060;branch={branch}"}
        Max-Forwards: 70
        From: Alice <sip:alice@biloxi.example>;tag=1928301774
        To: Bob <sip:bob@atlanta.example>{f";tag={to_tag}" if to_tag else ""}
        Call-ID: a84b4c76e66710
        CSeq: {cseq} {method}
        {extra or f"Contact: <sip:alice@{BILOXI}>"}"""
    )


def outgoing(method: str = "INVITE", uri: str = f"sip:bob@{BILOXI}", **fields: str) -> Request:
    """A request as a core gives it to its endpoint."""
    extra = "\n".join(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())
    parsed = parse_message(
        message(
            f"""{method} {uri} SIP/2.0
            From: <sip:alice@atlanta.example>;tag=88sja8x
            To: <sip:bob@biloxi.example>
            Call-ID: 987asjd97y7atg
            CSeq: 986759 {method}
            {extra}""".rstrip()
        )
    )
    assert isinstance(parsed, Request)
    return parsed


def answer(sent: bytes, status: int, *, tag: str = "99sa0xk", extra: str = "") -> bytes:
    """The other side's response to a request we sent."""
    asked = parse_message(sent)
    to = asked.fields.get("To")
    return message(
        f"""SIP/2.0 {status} Whatever
        Via: {asked.fields.get("Via")}
        From: {asked.fields.get("From")}
        To: {to}{f";tag={tag}" if status > 100 and ";tag=" not in (to or "") else ""}
        Call-ID: {asked.fields.get("Call-ID")}
        CSeq: {asked.fields.get("CSeq")}
        {extra or f"Contact: <sip:bob@{BILOXI}>"}"""
    )


@dataclass
class User:
    """A transaction user that writes down what it is told."""

    responses: list[Response] = field(default_factory=list)
    failures: list[tuple[str, float]] = field(default_factory=list)
    on_response: Callable[[ClientTransaction, Response, float], None] | None = None

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.responses]

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        self.responses.append(response)
        if self.on_response is not None:
            self.on_response(transaction, response, now)

    def transaction_failed(self, transaction: ClientTransaction, failure: str, now: float) -> None:
        self.failures.append((failure, now))


@dataclass
class RecordingCore(User):
    """A core that takes every request (or none) and answers as the test tells it."""

    takes: bool = True
    requests: list[ServerTransaction] = field(default_factory=list)
    acks: list[Request] = field(default_factory=list)
    cancels: list[ServerTransaction] = field(default_factory=list)
    lost: list[tuple[str, float]] = field(default_factory=list)
    strays: list[Response] = field(default_factory=list)
    lost_hops: list[Hop] = field(default_factory=list)
    on_request: Callable[[ServerTransaction, float], None] | None = None
    on_ack: Callable[[Request], None] | None = None
    deadline: float | None = None
    woken: list[float] = field(default_factory=list)

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        self.requests.append(transaction)
        if self.on_request is not None:
            self.on_request(transaction, now)
        return self.takes

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        self.acks.append(request)
        if self.on_ack is not None:
            self.on_ack(request)
        return self.takes

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        self.cancels.append(transaction)

    def server_transaction_failed(self, transaction: ServerTransaction, failure: str, now: float) -> None:
        self.lost.append((failure, now))

    def hop_lost(self, hop: Hop, now: float) -> None:
        self.lost_hops.append(hop)

    def stray_response(self, response: Response, flow: Flow, now: float) -> None:
        self.strays.append(response)

    def handle_timers(self, now: float) -> None:
        self.woken.append(now)
        self.deadline = None

    def next_deadline(self) -> float | None:
        return self.deadline


def sent(endpoint: Endpoint) -> list[Message]:
    """What the endpoint wants to send, parsed."""
    return [parse_message(output.data) for output in endpoint.drain() if isinstance(output, SendDatagram | SendStream)]


def sent_octets(endpoint: Endpoint) -> list[bytes]:
    """What the endpoint wants to send."""
    return [output.data for output in endpoint.drain() if isinstance(output, SendDatagram | SendStream)]


def run(endpoint: Endpoint, until: float) -> list[tuple[float, Output]]:
    """Let the endpoint's own deadlines pass, up to and including `until`; what it put out, with the times."""
    outputs: list[tuple[float, Output]] = []
    while (deadline := endpoint.next_deadline()) is not None and deadline <= until:
        endpoint.handle_timers(deadline)
        outputs += [(deadline, output) for output in endpoint.drain()]
    return outputs


@dataclass
class Link:
    """Two endpoints joined by datagrams, `loss` of them lost each way."""

    left: Endpoint
    right: Endpoint
    random: Random
    loss: float = 0.0
    delay: float = 0.02
    now: float = 0.0
    lost: int = 0
    _flying: list[tuple[float, int, Endpoint, bytes, Flow]] = field(default_factory=list)
    _serial: int = 0

    def run(self, until: float) -> None:
        """Carry datagrams and let deadlines pass, up to `until`."""
        self._collect()
        while (moment := self._next()) is not None and moment <= until:
            self.now = max(self.now, moment)
            while self._flying and self._flying[0][0] <= self.now:
                _, _, target, data, path = heapq.heappop(self._flying)
                target.receive(data, path, self.now)
            for endpoint in (self.left, self.right):
                endpoint.handle_timers(self.now)
            self._collect()
        self.now = until

    def _next(self) -> float | None:
        moments = [self.left.next_deadline(), self.right.next_deadline()]
        moments += [self._flying[0][0]] if self._flying else []
        return min((moment for moment in moments if moment is not None), default=None)

    def _collect(self) -> None:
        for source, target in ((self.left, self.right), (self.right, self.left)):
            for output in source.drain():
                assert isinstance(output, SendDatagram)
                if self.random.random() < self.loss:
                    self.lost += 1
                    continue
                self._serial += 1
                path = Flow("UDP", output.remote, output.local)
                heapq.heappush(self._flying, (self.now + self.delay, self._serial, target, output.data, path))


__all__ = [
    "ATLANTA",
    "BILOXI",
    "Hop",
    "Limits",
    "Link",
    "RecordingCore",
    "Timers",
    "User",
    "answer",
    "flow",
    "message",
    "new_endpoint",
    "outgoing",
    "request",
    "run",
    "sent",
    "sent_octets",
]
