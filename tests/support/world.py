"""A telephone network in virtual time: nodes joined by links that delay, lose, double and reorder, all from one seed.

    world = World(seed=3261)
    hall = world.add(StationNode(...), "10.0.0.1")
    world.run(until=60.0)

The clock jumps from event to event. The same `Station` and `Endpoint` run here as behind real sockets; only the edges
differ. Every datagram sent is in `world.trace`, so a run can be compared with another octet for octet.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from firmware.sip.endpoint import Endpoint
from firmware.sip.transport import (
    CloseConnection,
    Flow,
    Hop,
    ListeningPoint,
    Locate,
    Output,
    SendDatagram,
    SendStream,
    SocketAddress,
)

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def wall(now: float) -> datetime:
    """The virtual world's clock on the wall."""
    return EPOCH + timedelta(seconds=now)


@dataclass(frozen=True, slots=True)
class Link:
    """How datagrams fare on their way, each way alike."""

    delay: float = 0.005
    """Seconds."""
    jitter: float = 0.0
    """Up to so many seconds more, drawn for each datagram (which reorders them)."""
    loss: float = 0.0
    """Share of the datagrams that vanish."""
    doubled: float = 0.0
    """Share of the datagrams that arrive twice."""


PERFECT = Link()


@dataclass(frozen=True, slots=True)
class Sent:
    """One datagram or piece of a stream that a node sent."""

    at: float
    transport: str
    source: SocketAddress
    destination: SocketAddress
    data: bytes
    lost: bool

    @property
    def first_line(self) -> str:
        """The message's start line."""
        return self.data.partition(b"\r\n")[0].decode("utf-8", "replace")

    @property
    def summary(self) -> str:
        """The method, or the status and the method it answers, as RFC 3665 draws its arrows."""
        line = self.first_line
        if not line.startswith("SIP/2.0 "):
            return line.partition(" ")[0]
        cseq = next(row for row in self.data.split(b"\r\n") if row.lower().startswith(b"cseq:"))
        return f"{line[8:11]} {cseq.split()[-1].decode()}"


class Node(Protocol):
    """Something with a SIP port."""

    points: tuple[ListeningPoint, ...]

    def receive(self, data: bytes, flow: Flow, now: float) -> None: ...
    def connection_closed(self, connection: int, now: float) -> None: ...
    def delivery_failed(self, hop: Hop, now: float) -> None: ...
    def located(self, query: int, hops: Sequence[Hop], now: float) -> None: ...
    def handle_timers(self, now: float) -> None: ...
    def next_deadline(self) -> float | None: ...
    def drain(self) -> list[Output]: ...


class EndpointNode:
    """A bare endpoint with whatever cores it was given."""

    def __init__(self, endpoint: Endpoint, points: Sequence[ListeningPoint]) -> None:
        self.endpoint = endpoint
        self.points = tuple(points)
        self.receive = endpoint.receive
        self.connection_closed = endpoint.connection_closed
        self.delivery_failed = endpoint.delivery_failed
        self.located = endpoint.located
        self.handle_timers = endpoint.handle_timers
        self.next_deadline = endpoint.next_deadline
        self.drain = endpoint.drain


@dataclass(slots=True)
class _Connection:
    """A stream: two ends, each with the number its node knows it by."""

    ends: tuple[tuple[int, SocketAddress], tuple[int, SocketAddress]]
    """(node index, address) of who opened it and of who accepted it."""
    numbers: tuple[int, int]
    open: bool = True


@dataclass(slots=True)
class World:
    """The network and its clock."""

    seed: int = 3261
    link: Link = PERFECT
    now: float = 0.0
    trace: list[Sent] = field(default_factory=list)
    names: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    """What RFC 3263 finds for a host name."""
    refuses: bool = True
    """A host that exists answers ICMP port unreachable where nobody listens."""
    random: Random = field(init=False)
    _nodes: list[Node] = field(default_factory=list)
    _where: dict[tuple[str, SocketAddress], int] = field(default_factory=dict)
    _links: dict[tuple[str, str], Link] = field(default_factory=dict)
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _connections: dict[int, _Connection] = field(default_factory=dict)
    _due: dict[int, float] = field(default_factory=dict)
    _down: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    # --- building ---

    def add(self, node: Node) -> int:
        """Join a node to the network at its listening points; returns its index."""
        index = len(self._nodes)
        self._nodes.append(node)
        for point in node.points:
            self._where[(point.transport, (point.host, point.port))] = index
        self.settle(index)
        return index

    def set_link(self, one: str, other: str, link: Link) -> None:
        """Between two hosts, both ways."""
        self._links[(one, other)] = self._links[(other, one)] = link

    def cut(self, node: Node) -> None:
        """A node falls silent: power cut."""
        self._down.add(self._nodes.index(node))

    def restore(self, node: Node) -> None:
        """It is back, with its memory."""
        self._down.discard(self._nodes.index(node))
        self.settle(self._nodes.index(node))

    # --- running ---

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Have something done at a virtual time."""
        heapq.heappush(self._queue, (when, next(self._order), act))

    def run(self, until: float, stop: Callable[[], bool] | None = None) -> bool:
        """Let time pass to `until`, or until `stop()`; returns whether it was `stop`."""
        while self._queue and self._queue[0][0] <= until:
            when, _, act = heapq.heappop(self._queue)
            self.now = max(self.now, when)
            act()
            if stop is not None and stop():
                return True
        self.now = max(self.now, until)
        return False

    def settle(self, index: int) -> None:
        """Carry out what a node wants, and note when it wants to be woken."""
        node = self._nodes[index]
        if index in self._down:
            return
        while outputs := node.drain():
            for output in outputs:
                self._carry(index, output)
        deadline = node.next_deadline()
        if deadline is None or self._due.get(index) == deadline:
            return
        self._due[index] = deadline
        self.at(max(deadline, self.now), lambda: self._wake(index, deadline))

    def touch(self, node: Node) -> None:
        """A test acted on a node directly."""
        self.settle(self._nodes.index(node))

    def _wake(self, index: int, deadline: float) -> None:
        if self._due.get(index) != deadline or index in self._down:
            return
        del self._due[index]
        self._nodes[index].handle_timers(self.now)
        self.settle(index)

    # --- carrying ---

    def _carry(self, index: int, output: Output) -> None:
        match output:
            case SendDatagram():
                self._datagram(index, output)
            case SendStream():
                self._stream(index, output)
            case CloseConnection():
                self._close(output.connection)
            case Locate():
                self._locate(index, output)

    def _locate(self, index: int, query: Locate) -> None:
        port = query.port or (5061 if query.secure else 5060)
        found = self.names.get(query.host, ())
        if not found and query.host.replace(".", "").isdigit():
            found = (Hop(query.transport or "UDP", query.host, port),)
        self.at(self.now, lambda: self._deliver(index, lambda node: node.located(query.query, found, self.now)))

    def _deliver(self, index: int, act: Callable[[Node], None]) -> None:
        if index in self._down:
            return
        act(self._nodes[index])
        self.settle(index)

    def _datagram(self, index: int, output: SendDatagram) -> None:
        link = self._links.get((output.local[0], output.remote[0]), self.link)
        local_only = output.local[0] == output.remote[0]
        lost = not local_only and self.random.random() < link.loss
        self.trace.append(Sent(self.now, "UDP", output.local, output.remote, output.data, lost))
        if lost:
            return
        copies = 1 if local_only or self.random.random() >= link.doubled else 2
        for _ in range(copies):
            late = 0.0 if local_only else link.delay + link.jitter * self.random.random()
            self.at(self.now + late, lambda: self._arrive(index, output))

    def _arrive(self, sender: int, output: SendDatagram) -> None:
        target = self._where.get(("UDP", output.remote))
        if target is None:
            known = any(address[0] == output.remote[0] for _, address in self._where)
            if self.refuses and known:
                hop = Hop("UDP", *output.remote)
                self._deliver(sender, lambda node: node.delivery_failed(hop, self.now))
            return
        flow = Flow("UDP", output.remote, output.local)
        self._deliver(target, lambda node: node.receive(output.data, flow, self.now))

    # --- streams: reliable and in order ---

    def _stream(self, index: int, output: SendStream) -> None:
        number = output.connection
        if number is None or number not in self._connections or not self._connections[number].open:
            number = self._connected(index, output.hop)
        if number is None:
            self.at(
                self.now + self.link.delay,
                lambda: self._deliver(index, lambda node: node.delivery_failed(output.hop, self.now)),
            )
            return
        connection = self._connections[number]
        side = 0 if connection.numbers[0] == number else 1
        (_, source), (target, destination) = connection.ends[side], connection.ends[1 - side]
        self.trace.append(Sent(self.now, "TCP", source, destination, output.data, lost=False))
        flow = Flow("TCP", destination, source, connection.numbers[1 - side])
        self.at(
            self.now + self.link.delay,
            lambda: self._deliver(target, lambda node: node.receive(output.data, flow, self.now)),
        )

    def _connected(self, index: int, hop: Hop) -> int | None:
        for connection in self._connections.values():
            for side in (0, 1):
                (owner, _), (_, remote) = connection.ends[side], connection.ends[1 - side]
                if connection.open and owner == index and remote == (hop.host, hop.port):
                    return connection.numbers[side]
        target = self._where.get(("TCP", (hop.host, hop.port)))
        if target is None or target in self._down:
            return None
        mine = (self._nodes[index].points[0].host, 40_000 + next(self._order) % 20_000)
        connection = _Connection(
            ((index, mine), (target, (hop.host, hop.port))), (next(self._numbers), next(self._numbers))
        )
        for number in connection.numbers:
            self._connections[number] = connection
        return connection.numbers[0]

    def _close(self, number: int) -> None:
        connection = self._connections.get(number)
        if connection is None or not connection.open:
            return
        connection.open = False
        for side in (0, 1):
            index, own = connection.ends[side][0], connection.numbers[side]
            self.at(
                self.now + self.link.delay,
                lambda index=index, own=own: self._deliver(index, lambda node: node.connection_closed(own, self.now)),
            )

    # --- looking back ---

    def flow_between(self, *hosts: str, since: int = 0) -> list[str]:
        """What was sent between these hosts, as `summary` lines "host > host: INVITE"."""
        return [
            f"{sent.source[0]} > {sent.destination[0]}: {sent.summary}"
            for sent in self.trace[since:]
            if sent.source[0] in hosts and sent.destination[0] in hosts
        ]
