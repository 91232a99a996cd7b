"""A telephone network in virtual time: nodes joined by links that delay, lose, double and reorder, all from one seed.

    world = World(seed=3261)
    hall = StationNode(world, phone_text("1001"), "10.0.0.1", seed=1)
    world.add(hall)
    hall.start()
    world.run(until=60.0)

The clock jumps from event to event. The same `Station` and `Endpoint` run here as behind real sockets; only the edges
differ. Every SIP message sent is in `world.trace`, so a run can be compared with another octet for octet.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from firmware.sip.endpoint import Endpoint
from firmware.sip.locating import is_numeric
from firmware.sip.transport import (
    CloseConnection,
    Flow,
    Hop,
    HopAnswered,
    HopSilent,
    ListeningPoint,
    Locate,
    Output,
    SendDatagram,
    SendStream,
    SocketAddress,
)
from tests.support.links import PERFECT, WITHIN, Link, Sent

__all__ = ["EndpointNode", "Link", "Node", "Sent", "World", "wall"]

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CONNECT_TIMEOUT = 10.0
"""Seconds until a stream to a silent host is given up, as `firmware.runtime.sip_sockets` does."""
STREAM_REPEAT = 0.3
"""Seconds by which a loss delays a stream: TCP's retransmission."""
SILENCE = 60.0
"""Seconds for which a silent hop is tried last."""
MOST_AT_ONCE = 10_000
"""Wakings of one node without time passing: more is a node that never finishes."""


def wall(now: float) -> datetime:
    """The virtual world's clock on the wall."""
    return EPOCH + timedelta(seconds=now)


class Node(Protocol):
    """Something with a SIP port."""

    points: tuple[ListeningPoint, ...]

    def receive(self, data: bytes, flow: Flow, now: float) -> None: ...
    def connection_closed(self, connection: int, now: float, hop: Hop | None) -> None: ...
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


@dataclass(slots=True, eq=False)
class _Place:
    """A node in the network."""

    node: Node
    due: float | None = None
    """When it is going to be woken."""
    silent: bool = False
    """Its power is cut."""
    dead: dict[Hop, float] = field(default_factory=dict)
    """Hops it said are silent, and until when its look-ups name them last, as `firmware.runtime.resolver` does."""
    wakings: tuple[float, int] = (-1.0, 0)
    """How often it was woken at one time."""


@dataclass(slots=True, eq=False)
class _End:
    """One end of a stream."""

    place: _Place
    number: int
    """What its node calls the stream."""
    address: SocketAddress
    ready: float = 0.0
    """What is sent to it arrives no earlier: a stream keeps its order."""
    open: bool = True
    opener: bool = False
    other: _End = field(init=False)


@dataclass(slots=True)
class World:
    """The network and its clock."""

    seed: int = 3261
    link: Link = PERFECT
    now: float = 0.0
    trace: list[Sent] = field(default_factory=list)
    """Every SIP message."""
    voice: list[Sent] = field(default_factory=list)
    """Every RTP and RTCP packet."""
    names: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    """What RFC 3263 finds for a host name."""
    refuses: bool = True
    """A host that is up answers ICMP port unreachable where nobody listens."""
    random: Random = field(init=False)
    _places: list[_Place] = field(default_factory=list)
    _hosts: dict[str, int] = field(default_factory=dict)
    """How many nodes of a host have power."""
    _where: dict[tuple[str, SocketAddress], _Place] = field(default_factory=dict)
    _ears: dict[SocketAddress, Callable[[bytes, SocketAddress], None]] = field(default_factory=dict)
    """Who listens to voice."""
    _links: dict[tuple[str, str], Link] = field(default_factory=dict)
    _queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _ends: dict[int, _End] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    # --- building ---

    def add(self, node: Node) -> None:
        """Join a node to the network at its listening points."""
        place = _Place(node)
        self._places.append(place)
        self._listen(place)
        self._settle(place)

    def set_link(self, one: str, other: str, link: Link) -> None:
        """Between two hosts, both ways."""
        self._links[(one, other)] = self._links[(other, one)] = link

    def cut(self, node: Node) -> None:
        """A node falls silent: power cut. Its host answers nothing, not even that nobody listens."""
        place = self._place(node)
        place.silent = True
        for host in _hosts_of(node):
            self._hosts[host] -= 1

    def restore(self, node: Node) -> None:
        """It is back, with its memory."""
        place = self._place(node)
        place.silent, place.due = False, None
        for host in _hosts_of(node):
            self._hosts[host] += 1
        self._settle(place)

    def close(self, node: Node) -> None:
        """A node's program ends: its ports close, its host stays up."""
        place = self._place(node)
        place.silent = True
        self._where = {address: other for address, other in self._where.items() if other is not place}
        for end in [end for end in self._ends.values() if end.place is place]:
            self._close(end.number)

    def _listen(self, place: _Place) -> None:
        for point in place.node.points:
            self._where[(point.transport, (point.host, point.port))] = place
        for host in _hosts_of(place.node):
            self._hosts[host] = self._hosts.get(host, 0) + 1

    def _place(self, node: Node) -> _Place:
        return next(place for place in self._places if place.node is node)

    # --- running ---

    def at(self, when: float, act: Callable[[], object]) -> None:
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

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.run(self.now + seconds)

    def touch(self, node: Node) -> None:
        """A test acted on a node directly."""
        self._settle(self._place(node))

    def _settle(self, place: _Place) -> None:
        """Carry out what a node wants, and note when it wants to be woken."""
        if place.silent:
            return
        while outputs := place.node.drain():
            for output in outputs:
                self._carry(place, output)
        deadline = place.node.next_deadline()
        if deadline == place.due:
            return
        place.due = deadline
        if deadline is not None:
            self.at(max(deadline, self.now), lambda: self._wake(place, deadline))

    def _wake(self, place: _Place, deadline: float) -> None:
        if place.due != deadline or place.silent:
            return
        place.due = None
        at, times = place.wakings
        place.wakings = (self.now, times + 1 if at == self.now else 1)
        assert times < MOST_AT_ONCE or at != self.now, f"{place.node} wants to be woken for ever"
        place.node.handle_timers(self.now)
        self._settle(place)

    def _deliver(self, place: _Place, act: Callable[[Node], None]) -> None:
        if not place.silent:
            act(place.node)
            self._settle(place)

    # --- carrying ---

    def _carry(self, place: _Place, output: Output) -> None:
        match output:
            case SendDatagram():
                self._datagram(place, output)
            case SendStream():
                self._stream(place, output)
            case CloseConnection():
                self._close(output.connection)
            case Locate():
                self._locate(place, output)
            case HopSilent(hop):
                place.dead[hop] = self.now + SILENCE
            case HopAnswered(hop):
                place.dead.pop(hop, None)

    def _between(self, one: str, other: str) -> Link:
        return WITHIN if one == other else self._links.get((one, other), self.link)

    def _locate(self, place: _Place, query: Locate) -> None:
        port = query.port or (5061 if query.secure else 5060)
        found = self.names.get(query.host, ())
        if not found and is_numeric(query.host):
            found = (Hop(query.transport or "UDP", query.host, port),)
        found = tuple(sorted(found, key=lambda hop: place.dead.get(hop, 0.0) > self.now))
        self.at(self.now, lambda: self._deliver(place, lambda node: node.located(query.query, found, self.now)))

    def _datagram(self, place: _Place, output: SendDatagram) -> None:
        arrivals = self._between(output.local[0], output.remote[0]).fate(self.random)
        self.trace.append(Sent(self.now, "UDP", output.local, output.remote, output.data, not arrivals))
        for late in arrivals:
            self.at(self.now + late, lambda: self._arrive(place, output))

    def _arrive(self, sender: _Place, output: SendDatagram) -> None:
        target = self._where.get(("UDP", output.remote))
        if target is not None:
            flow = Flow("UDP", output.remote, output.local)
            self._deliver(target, lambda node: node.receive(output.data, flow, self.now))
        elif self.refuses and self._hosts.get(output.remote[0]):
            hop, back = Hop("UDP", *output.remote), self._between(output.local[0], output.remote[0]).delay
            self.at(self.now + back, lambda: self._deliver(sender, lambda node: node.delivery_failed(hop, self.now)))

    # --- voice ---

    def listen(self, address: SocketAddress, heard: Callable[[bytes, SocketAddress], None]) -> None:
        """Take voice packets at an address: `heard(data, source)`."""
        self._ears[address] = heard

    def stop_listening(self, address: SocketAddress) -> None:
        """Take none any more."""
        self._ears.pop(address, None)

    def speak(self, source: SocketAddress, destination: SocketAddress, data: bytes) -> None:
        """Send a voice packet over the same links as the signalling."""
        arrivals = self._between(source[0], destination[0]).fate(self.random)
        self.voice.append(Sent(self.now, "RTP", source, destination, data, not arrivals))
        for late in arrivals:
            self.at(self.now + late, lambda: self._ears.get(destination, _deaf)(data, source))

    # --- streams: reliable and in order; loss makes them late ---

    def _stream(self, place: _Place, output: SendStream) -> None:
        here = self._ends.get(output.connection or 0) or self._connected(place, output.hop)
        if here is None:
            delay = self._between(place.node.points[0].host, output.hop.host).delay
            unplugged = self._hosts.get(output.hop.host) == 0
            self._report_failure(place, output.hop, CONNECT_TIMEOUT if unplugged else 2 * delay)
            return
        there = here.other
        self.trace.append(Sent(self.now, "TCP", here.address, there.address, output.data))
        link = self._between(here.address[0], there.address[0])
        there.ready = max(there.ready, self.now + link.late(self.random) + self._repeats(link))
        flow = Flow("TCP", there.address, here.address, there.number)
        self.at(there.ready, lambda: self._arrive_in_order(there, output.data, flow))

    def _arrive_in_order(self, end: _End, data: bytes, flow: Flow) -> None:
        if end.open:
            self._deliver(end.place, lambda node: node.receive(data, flow, self.now))

    def _repeats(self, link: Link) -> float:
        late = 0.0
        while self.random.random() < min(link.loss, 0.9):
            late += STREAM_REPEAT
        return late

    def _report_failure(self, place: _Place, hop: Hop, late: float) -> None:
        self.at(self.now + late, lambda: self._deliver(place, lambda node: node.delivery_failed(hop, self.now)))

    def _connected(self, place: _Place, hop: Hop) -> _End | None:
        """A stream to there: one there is, else a new one; None if nobody takes it."""
        wanted = (hop.host, hop.port)
        for end in self._ends.values():
            if end.place is place and end.other.address == wanted:
                return end
        target = self._where.get(("TCP", wanted))
        if target is None or target.silent:
            return None
        numbers = next(self._numbers), next(self._numbers)
        here = _End(place, numbers[0], (place.node.points[0].host, 40_000 + numbers[0]), opener=True)
        there = _End(target, numbers[1], wanted)
        here.other, there.other = there, here
        self._ends.update({numbers[0]: here, numbers[1]: there})
        return here

    def _close(self, number: int) -> None:
        end = self._ends.pop(number, None)
        if end is None:
            return
        self._ends.pop(end.other.number, None)
        last = max(end.ready, end.other.ready, self.now + self._between(end.address[0], end.other.address[0]).delay)
        for one in (end, end.other):
            self.at(last, lambda one=one: self._closed(one))

    def _closed(self, end: _End) -> None:
        end.open = False
        hop = Hop("TCP", *end.other.address) if end.opener else None
        self._deliver(end.place, lambda node: node.connection_closed(end.number, self.now, hop))

    def break_streams(self, host: str) -> None:
        """Every stream of a host breaks: a router in between forgot them."""
        for end in [end for end in self._ends.values() if end.address[0] == host]:
            self._close(end.number)

    # --- looking back ---

    def flow_between(self, *hosts: str, since: int = 0) -> list[str]:
        """What was sent between these hosts, as `summary` lines "host > host: INVITE"."""
        return [
            f"{sent.source[0]} > {sent.destination[0]}: {sent.summary}"
            for sent in self.trace[since:]
            if sent.source[0] in hosts and sent.destination[0] in hosts and not sent.is_keep_alive
        ]

    def fingerprint(self) -> str:
        """A hash of every message with its time and its way: two runs are alike if this is."""
        digest = hashlib.sha256()
        for sent in self.trace:
            head = f"{sent.at!r} {sent.transport} {sent.source} {sent.destination} {sent.lost} {len(sent.data)}\n"
            digest.update(head.encode())
            digest.update(sent.data)
        return digest.hexdigest()


def _hosts_of(node: Node) -> set[str]:
    return {point.host for point in node.points}


def _deaf(data: bytes, source: SocketAddress) -> None: ...
