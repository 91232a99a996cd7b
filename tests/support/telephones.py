"""User agents and scripted peers on one virtual wire: every message is logged, may be dropped, and time jumps."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TypeVar

from firmware.sip.cores.account import Account
from firmware.sip.cores.user_agent import UserAgent
from firmware.sip.cores.user_agent_events import UserAgentEvent
from firmware.sip.endpoint import Endpoint
from firmware.sip.fields import Fields
from firmware.sip.message import Message, Request, Response, parse_message, response_to
from firmware.sip.transport import Flow, Hop, ListeningPoint, Locate, Output, SendDatagram
from firmware.sip.uri import SipUri, parse_sip_uri

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.168.0.1\r\n"
ANSWER = b"v=0\r\no=- 2 2 IN IP4 192.168.0.2\r\n"
DELAY = 0.01
"""Seconds from end to end of the wire."""

Event = TypeVar("Event", bound=UserAgentEvent)


@dataclass(frozen=True)
class Sent:
    """One message on the wire."""

    at: float
    source: str
    target: str
    message: Message

    @property
    def name(self) -> str:
        """INVITE, 200 INVITE."""
        one = self.message
        return one.method if isinstance(one, Request) else f"{one.status} {one.cseq.method}"


class Wire:
    """A network without loss, except for what `lose` says, under a clock that jumps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.log: list[Sent] = []
        self.names: dict[str, list[Hop]] = {}
        """What `Locate` finds."""
        self.keep_alives: list[tuple[float, str, str]] = []
        """When, from whom, to whom."""
        self.lose: Callable[[Sent], bool] = lambda sent: False
        self.change: Callable[[bytes], bytes] = lambda data: data
        """What a server on the way makes of a message."""
        self.seen_as: dict[str, tuple[str, int]] = {}
        """Network address translation: host to what others see."""
        self._flights: list[tuple[float, int, bytes, tuple[str, int], tuple[str, int]]] = []
        self._serial = count()
        self._telephones: list[Telephone] = []
        self._peers: dict[tuple[str, int], Peer | Telephone] = {}

    def join(self, host: str, party: Peer | Telephone) -> None:
        """Connect a party at port 5060 of `host`."""
        self._peers[self.seen_as.get(host, (host, 5060))] = party
        if isinstance(party, Telephone):
            self._telephones.append(party)

    def carry(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        """Send octets."""
        data = self.change(data)
        source = self.seen_as.get(source[0], source)
        if not data.strip(b"\r\n"):
            self.keep_alives.append((self.now, source[0], target[0]))
            return
        sent = Sent(self.now, source[0], target[0], parse_message(data))
        self.log.append(sent)
        if not self.lose(sent):
            heapq.heappush(self._flights, (self.now + DELAY, next(self._serial), data, source, target))

    def run(self, seconds: float = 1.0) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while True:
            self._flush()
            due = self._next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            self._deliver()
            for telephone in self._telephones:
                telephone.endpoint.handle_timers(self.now)
        self.now = end

    def _next_due(self) -> float | None:
        deadlines = [telephone.endpoint.next_deadline() for telephone in self._telephones]
        times = [time for time in deadlines if time is not None]
        times += [self._flights[0][0]] if self._flights else []
        return min(times, default=None)

    def _deliver(self) -> None:
        while self._flights and self._flights[0][0] <= self.now:
            _, _, data, source, target = heapq.heappop(self._flights)
            party = self._peers.get(target)
            if isinstance(party, Peer):
                party.inbox.append(parse_message(data))
                party.on_message(party.inbox[-1])
            elif party is not None:
                party.endpoint.receive(data, Flow("UDP", (party.host, 5060), source), self.now)
            self._flush()

    def _flush(self) -> None:
        for telephone in self._telephones:
            while outputs := telephone.endpoint.drain():
                self._send_all(telephone, outputs)

    def _send_all(self, telephone: Telephone, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, SendDatagram):
                self.carry(output.data, output.local, output.remote)
            elif isinstance(output, Locate):
                telephone.endpoint.located(output.query, self.names.get(output.host, []), self.now)

    def names_since(self, start: int = 0) -> list[str]:
        """The log as a ladder: `INVITE`, `180 INVITE`, ..."""
        return [sent.name for sent in self.log[start:]]

    def requests(self, method: str) -> list[Request]:
        """Every request of that method that was sent."""
        return [sent.message for sent in self.log if isinstance(sent.message, Request) and sent.name == method]


@dataclass
class Telephone:
    """A user agent with its endpoint."""

    wire: Wire
    host: str
    endpoint: Endpoint
    agent: UserAgent
    heard: list[UserAgentEvent] = field(default_factory=list)

    def events(self, kind: type[Event]) -> list[Event]:
        """Every event of that kind so far."""
        self.heard += self.agent.events()
        return [event for event in self.heard if isinstance(event, kind)]

    def only(self, kind: type[Event]) -> Event:
        """The one event of that kind."""
        (event,) = self.events(kind)
        return event

    @property
    def account(self) -> Account:
        """The first account, with its Contact user."""
        return self.agent.accounts[0]


def telephone(wire: Wire, host: str, user: str, *, seed: int = 3261, **options: object) -> Telephone:
    """A telephone that is called directly, unless account fields among the options say otherwise."""
    account_options = {name: options.pop(name) for name in tuple(options) if name in Account.__dataclass_fields__}
    account_options.setdefault("register", False)
    account = Account(SipUri(user, "home.test"), user.title(), **account_options)  # type: ignore[arg-type]
    points = [ListeningPoint("UDP", host, 5060)]
    endpoint = Endpoint(points=points, random=Random(seed), local_address=lambda remote: host, user_agent="")
    agent = UserAgent(endpoint, [account], Random(seed + 1), **options)  # type: ignore[arg-type]
    endpoint.cores.append(agent)
    result = Telephone(wire, host, endpoint, agent)
    wire.join(host, result)
    return result


class Peer:
    """A party whose messages the test writes."""

    def __init__(self, wire: Wire, host: str, user: str = "peer") -> None:
        self.wire = wire
        self.host = host
        self.user = user
        self.inbox: list[Message] = []
        self.on_message: Callable[[Message], None] = lambda message: None
        self._branches = count(1)
        wire.join(host, self)

    @property
    def contact(self) -> str:
        """Our Contact."""
        return f"<sip:{self.user}@{self.host}:5060>"

    def requests(self, method: str) -> list[Request]:
        """What came of that method."""
        return [one for one in self.inbox if isinstance(one, Request) and one.method == method]

    def responses(self, method: str = "INVITE") -> list[Response]:
        """What came in answer to that method, 100 left out."""
        return [
            one for one in self.inbox if isinstance(one, Response) and one.cseq.method == method and one.status > 100
        ]

    def reply(self, request: Request, status: int, *, tag: str = "peer-tag", body: bytes = b"", **fields: str) -> None:
        """Answer a request, with a Contact."""
        lines = [(name.replace("_", "-"), value) for name, value in fields.items()]
        lines += [] if "Contact" in fields else [("Contact", self.contact)]
        lines += [("Content-Type", "application/sdp")] if body else []
        response = response_to(request, status, to_tag=tag, fields=tuple(lines), body=body)
        via = request.via
        self.wire.carry(bytes(response), (self.host, 5060), (via.host, via.port or 5060))

    def send(self, target: str, uri: str, method: str = "INVITE", **options: object) -> None:
        """Send a request to a host: see `request`."""
        self.wire.carry(bytes(self.request(uri, method, **options)), (self.host, 5060), (target, 5060))  # type: ignore[arg-type]

    def request(
        self,
        uri: str,
        method: str = "INVITE",
        *,
        cseq: int = 1,
        to_tag: str | None = None,
        from_tag: str = "peer-tag",
        call_id: str = "a84b4c76e66710",
        body: bytes = b"",
        branch: str | None = None,
        extra: tuple[tuple[str, str], ...] = (),
        kind: str = "application/sdp",
    ) -> Request:
        """A request of ours."""
        branch = branch or f"z9hG4bK{next(self._branches)}"
        to = f"<{uri}>" + (f";tag={to_tag}" if to_tag else "")
        lines = [
            ("Via", f"SIP/2.0/UDP {self.host}:5060;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"Peer <sip:{self.user}@peer.test>;tag={from_tag}"),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            *extra,
        ]
        if method in ("INVITE", "UPDATE", "REFER") and not any(name == "Contact" for name, _ in extra):
            lines.append(("Contact", self.contact))
        lines += [("Content-Type", kind)] if body else []
        return Request(method, parse_sip_uri(uri), Fields(lines), body)
