"""The virtual world itself: what the other tests stand on must lose, double and reorder as it says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from firmware.phone.events import DialRequest
from firmware.sip.transport import (
    CloseConnection,
    Flow,
    Hop,
    ListeningPoint,
    Locate,
    Output,
    SendDatagram,
    SendStream,
)
from tests.support.stations import StationNode, phone_text
from tests.support.world import CONNECT_TIMEOUT, Link, World

A, B = "10.0.0.1", "10.0.0.2"


class Probe:
    """A node that sends what the test says and notes what comes, with the time."""

    def __init__(self, world: World, host: str, transports: Sequence[str] = ("UDP", "TCP")) -> None:
        self.world = world
        self.points = tuple(ListeningPoint(transport, host, 5060) for transport in transports)
        self.outputs: list[Output] = []
        self.came: list[tuple[float, bytes, Flow]] = []
        self.closed: list[tuple[float, int]] = []
        self.failed: list[tuple[float, Hop]] = []
        self.found: list[tuple[int, tuple[Hop, ...]]] = []
        self.woken: list[float] = []
        self.deadlines: list[float] = []
        world.add(self)

    @property
    def heard(self) -> list[bytes]:
        return [data for _, data, _ in self.came]

    def send(self, output: Output) -> None:
        self.outputs.append(output)
        self.world.touch(self)

    def datagram(self, data: bytes, host: str, port: int = 5060) -> None:
        self.send(SendDatagram(data, (self.points[0].host, 5060), (host, port)))

    def stream(self, data: bytes, host: str, connection: int | None = None) -> None:
        self.send(SendStream(data, Hop("TCP", host, 5060), connection))

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.came.append((now, data, flow))

    def connection_closed(self, connection: int, now: float, hop: Hop | None) -> None:
        self.closed.append((now, connection))

    def delivery_failed(self, hop: Hop, now: float) -> None:
        self.failed.append((now, hop))

    def located(self, query: int, hops: Sequence[Hop], now: float) -> None:
        self.found.append((query, tuple(hops)))

    def handle_timers(self, now: float) -> None:
        self.woken.append(now)
        self.deadlines = [deadline for deadline in self.deadlines if deadline > now]

    def next_deadline(self) -> float | None:
        return min(self.deadlines, default=None)

    def drain(self) -> list[Output]:
        outputs, self.outputs = self.outputs, []
        return outputs


def pair(link: Link = Link(), seed: int = 1) -> tuple[World, Probe, Probe]:  # noqa: B008
    world = World(seed=seed, link=link)
    return world, Probe(world, A), Probe(world, B)


def numbered(count: int) -> list[bytes]:
    return [str(n).encode() for n in range(count)]


# --- the clock ---


def test_the_clock_jumps_from_deadline_to_deadline() -> None:
    world, a, _ = pair()
    a.deadlines = [5.0, 3600.0]
    world.touch(a)

    world.run(7200.0)

    assert a.woken == [5.0, 3600.0]
    assert world.now == 7200.0


def test_a_deadline_that_moved_wakes_once() -> None:
    world, a, _ = pair()
    a.deadlines = [5.0]
    world.touch(a)
    a.deadlines = [2.0]
    world.touch(a)
    a.deadlines = [3.0]
    world.touch(a)

    world.run(10.0)

    assert a.woken == [3.0]


def test_what_is_due_at_one_time_happens_in_the_order_it_was_asked_for() -> None:
    world = World()
    order: list[int] = []
    for n in range(5):
        world.at(1.0, lambda n=n: order.append(n))

    world.run(1.0)

    assert order == [0, 1, 2, 3, 4]


def test_running_stops_when_the_test_has_seen_enough() -> None:
    world, a, b = pair()
    a.datagram(b"one", B)

    assert world.run(60.0, lambda: bool(b.came))
    assert world.now == pytest.approx(0.005)


def test_a_node_that_never_finishes_is_told_apart_from_a_slow_one() -> None:
    world, a, _ = pair()
    a.handle_timers = lambda now: None  # type: ignore[method-assign]
    a.deadlines = [1.0]
    world.touch(a)

    with pytest.raises(AssertionError, match="for ever"):
        world.run(2.0)


# --- datagrams ---


def test_a_datagram_takes_the_delay_and_says_where_it_came_from() -> None:
    world, a, b = pair(Link(delay=0.040))

    a.datagram(b"hello", B)
    world.run(1.0)

    assert b.came == [(0.040, b"hello", Flow("UDP", (B, 5060), (A, 5060)))]


def test_loss_is_the_share_that_was_asked_for() -> None:
    world, a, b = pair(Link(loss=0.3))

    for data in numbered(2000):
        a.datagram(data, B)
    world.run(1.0)

    assert len(b.came) == pytest.approx(1400, abs=80)
    assert sum(sent.lost for sent in world.trace) == 2000 - len(b.came)
    assert {sent.data for sent in world.trace if not sent.lost} == set(b.heard)


def test_doubled_datagrams_come_twice() -> None:
    world, a, b = pair(Link(doubled=0.5))

    for data in numbered(1000):
        a.datagram(data, B)
    world.run(1.0)

    assert set(b.heard) == set(numbered(1000))
    assert len(b.came) == pytest.approx(1500, abs=60)


def test_jitter_reorders_and_no_jitter_does_not() -> None:
    for jitter, ordered in ((0.0, True), (0.050, False)):
        world, a, b = pair(Link(jitter=jitter))
        for data in numbered(50):
            a.datagram(data, B)
            world.wait(0.001)
        world.wait(1.0)

        assert (b.heard == numbered(50)) is ordered
        assert sorted(b.heard) == sorted(numbered(50))
        assert all(0.0049 <= at - 0.001 * int(data) <= 0.0551 for at, data, _ in b.came)


def test_a_link_of_its_own_between_two_hosts() -> None:
    world, a, b = pair()
    world.set_link(A, B, Link(delay=0.3))

    a.datagram(b"there", B)
    b.datagram(b"back", A)
    world.run(1.0)

    assert [at for at, _, _ in a.came + b.came] == [0.3, 0.3]


def test_a_host_talks_to_itself_without_loss_or_delay() -> None:
    world, a, _ = pair(Link(loss=0.9))

    for data in numbered(20):
        a.datagram(data, A)
    world.run(0.0)

    assert a.heard == numbered(20)


# --- nobody there ---


def test_a_host_that_is_up_says_that_nobody_listens() -> None:
    world, a, _ = pair()

    a.datagram(b"hello", B, 5080)
    world.run(1.0)

    assert a.failed == [(pytest.approx(0.010), Hop("UDP", B, 5080))]


def test_a_host_without_power_says_nothing() -> None:
    world, a, b = pair()
    world.cut(b)

    a.datagram(b"hello", B)
    a.datagram(b"hello", B, 5080)
    world.run(60.0)

    assert not a.failed
    assert not b.came


def test_a_network_may_hide_that_nobody_listens() -> None:
    world, a, _ = pair()
    world.refuses = False

    a.datagram(b"hello", B, 5080)
    world.run(60.0)

    assert not a.failed


def test_a_program_that_ended_leaves_a_host_that_refuses() -> None:
    world, a, b = pair()
    a.stream(b"hello", B)
    world.wait(1.0)
    world.close(b)

    a.datagram(b"anybody?", B)
    a.stream(b"anybody?", B)
    world.wait(1.0)

    assert len(a.closed) == 1
    assert [hop for _, hop in a.failed] == [Hop("UDP", B, 5060), Hop("TCP", B, 5060)]


def test_power_comes_back_with_what_was_due() -> None:
    world, a, b = pair()
    b.deadlines = [3.0]
    world.touch(b)
    world.cut(b)
    world.run(5.0)
    assert b.woken == []

    world.restore(b)
    a.datagram(b"hello", B)
    world.run(6.0)

    assert b.woken == [5.0]
    assert b.heard == [b"hello"]


# --- streams ---


def test_a_stream_keeps_its_order_whatever_the_link_does() -> None:
    world, a, b = pair(Link(jitter=0.050, loss=0.3, doubled=0.3))

    for data in numbered(100):
        a.stream(data, B)
        world.wait(0.001)
    world.wait(60.0)

    assert b.heard == numbered(100)
    assert len({flow.connection for _, _, flow in b.came}) == 1


def test_an_answer_goes_back_along_the_stream() -> None:
    world, a, b = pair()
    a.stream(b"question", B)
    world.wait(1.0)
    flow = b.came[0][2]

    b.send(SendStream(b"answer", Hop("TCP", *flow.remote), flow.connection))
    a.stream(b"more", B)
    world.wait(1.0)

    assert a.heard == [b"answer"]
    assert b.came[1][2] == flow
    assert a.came[0][2].remote == (B, 5060)


def test_both_ends_learn_that_a_stream_is_closed_after_what_was_sent() -> None:
    world, a, b = pair()
    a.stream(b"last words", B)
    world.wait(1.0)
    connection = b.came[0][2].connection
    assert connection is not None
    a.stream(b"very last", B)

    b.send(CloseConnection(connection))
    world.wait(1.0)
    a.stream(b"anew", B)
    world.wait(1.0)

    assert [len(a.closed), len(b.closed)] == [1, 1]
    assert b.heard == [b"last words", b"very last", b"anew"]
    assert b.came[-1][2].connection != connection


def test_no_stream_to_where_nobody_takes_it() -> None:
    world, a, b = pair()
    only_udp = Probe(world, "10.0.0.3", ["UDP"])

    a.stream(b"hello", "10.0.0.3")
    world.cut(b)
    a.stream(b"hello", B)
    world.run(60.0)

    assert a.failed == [
        (pytest.approx(0.010), Hop("TCP", "10.0.0.3", 5060)),
        (CONNECT_TIMEOUT, Hop("TCP", B, 5060)),
    ]
    assert not only_udp.came


def test_streams_that_the_network_forgets() -> None:
    world, a, b = pair()
    a.stream(b"hello", B)
    world.wait(1.0)

    world.break_streams(A)
    world.wait(1.0)

    assert [len(a.closed), len(b.closed)] == [1, 1]


# --- names ---


def test_names_are_found_where_the_test_put_them() -> None:
    world, a, _ = pair()
    world.names["home.test"] = (Hop("UDP", B, 5060),)

    for query, host in enumerate(["home.test", "nowhere.test", "10.9.8.7"]):
        a.send(Locate(query, host, None, None, secure=False))
    world.run(1.0)

    assert a.found == [(0, (Hop("UDP", B, 5060),)), (1, ()), (2, (Hop("UDP", "10.9.8.7", 5060),))]


# --- voice ---


def test_voice_goes_over_the_same_links() -> None:
    world, *_ = pair(Link(delay=0.02, loss=0.25))
    heard: list[tuple[bytes, tuple[str, int]]] = []
    world.listen((B, 4000), lambda data, source: heard.append((data, source)))

    for data in numbered(400):
        world.speak((A, 5000), (B, 4000), data)
    world.wait(1.0)
    world.stop_listening((B, 4000))
    world.speak((A, 5000), (B, 4000), b"too late")
    world.wait(1.0)

    assert len(heard) == pytest.approx(300, abs=40)
    assert {source for _, source in heard} == {(A, 5000)}
    assert not world.trace
    assert len(world.voice) == 401


# --- seeds ---


def run_of(seed: int) -> World:
    """Two telephones on a bad line register, call and hang up."""
    world = World(seed=seed, link=Link(jitter=0.03, loss=0.2, doubled=0.1))
    one = StationNode(world, phone_text("1001", exchange=None, host=A), A, 1)
    two = StationNode(world, phone_text("1002", exchange=None, host=B), B, 2)
    for node in (one, two):
        world.add(node)
        node.start()
    one.do(DialRequest(f"sip:1002@{B}"))
    world.run(20.0)
    two.lift()
    world.run(40.0)
    one.hang_up()
    two.hang_up()
    world.run(120.0)
    return world


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    first, again, other = run_of(7), run_of(7), run_of(8)

    assert "200 BYE" in {sent.summary for sent in first.trace}
    assert first.fingerprint() == again.fingerprint()
    assert first.trace == again.trace
    assert first.fingerprint() != other.fingerprint()
