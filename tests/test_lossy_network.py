"""Calls on lines that lose, double and reorder: RFC 3261's retransmissions carry them within its timers.

Each test plays a call for many seeds; what one seed does it does every time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from firmware.phone.events import DialRequest
from firmware.sip.timers import Timers
from tests.support.stations import StationNode, exchange_text, phone_text
from tests.support.world import Link, World

LIMIT = Timers().timeout
"""64*T1: Timer B of an INVITE, Timer F of a BYE, and how long a 2xx is repeated (§13.3.1.4)."""
RINGS_AT_MOST = 121.0
"""A telephone that rings in vain gives up."""
QUIET = 2 * LIMIT + 10
"""No timer of a call that is over runs longer."""


@dataclass
class Call:
    """One call from beginning to end, and its times in seconds."""

    world: World
    caller: StationNode
    callee: StationNode
    rang_after: float | None = None
    confirmed_after: float | None = None
    """From lifting the handset until both ends are sure."""
    released_after: float | None = None

    def ring(self) -> Call:
        world, begun = self.world, self.world.now
        self.caller.do(DialRequest(f"sip:{self.callee.number}@{self.target}"))
        if world.run(begun + LIMIT, lambda: self.callee.ringing):
            self.rang_after = world.now - begun
        return self

    def answer(self) -> Call:
        world, begun = self.world, self.world.now
        self.callee.lift()
        if world.run(begun + LIMIT, lambda: bool(self.caller.calls) and self.caller.call.state == "confirmed"):
            self.confirmed_after = world.now - begun
        world.wait(LIMIT)  # the callee's 2xx is repeated so long
        return self

    def release(self) -> Call:
        world, begun = self.world, self.world.now
        self.callee.hang_up()
        if world.run(begun + LIMIT, lambda: not self.caller.calls):
            self.released_after = world.now - begun
        self.caller.hang_up()
        world.wait(QUIET)
        return self

    @property
    def target(self) -> str:
        """What stands behind the @ of the callee's address."""
        address = self.callee.config.account[0].address
        return address.host

    @property
    def alive(self) -> tuple[bool, bool]:
        """Whether caller and callee have a call."""
        return bool(self.caller.calls), bool(self.callee.calls)

    @property
    def left(self) -> list[object]:
        """What any table still holds."""
        found: list[object] = []
        for node in (self.caller, self.callee):
            found += [*node.view.calls, *node.media.sessions]
            if node.station.endpoint.transactions != (0, 0):
                found.append(node.station.endpoint.transactions)
        return found


def direct(seed: int, link: Link) -> Call:
    """Two telephones without servers."""
    world = World(seed=seed, link=link)
    nodes = [
        StationNode(world, phone_text(f"100{n}", exchange=None, host=host), host, 10 * seed + n, panel_size=None)
        for n, host in ((1, "10.0.0.1"), (2, "10.0.0.2"))
    ]
    for node in nodes:
        world.add(node)
        node.start()
    return Call(world, nodes[0], nodes[1])


def through_an_exchange(seed: int, link: Link) -> Call:
    """Two registered telephones of a household, whose exchange stands elsewhere."""
    world = World(seed=seed, link=link)
    texts = [exchange_text("1000", ["1000", "1001", "1002"]), phone_text("1001"), phone_text("1002")]
    nodes = [
        StationNode(world, text, f"10.0.0.{n + 1}", 10 * seed + n, panel_size=None) for n, text in enumerate(texts)
    ]
    for node in nodes:
        world.add(node)
        node.start()
    world.run(3600.0, lambda: all(node.view.accounts[0].registered for node in nodes))
    return Call(world, nodes[1], nodes[2])


THIRTY = Link(loss=0.3)


def test_a_call_is_set_up_and_released_through_thirty_percent_loss_each_way() -> None:
    """Within 64*T1 for each step; the INVITE gets seven tries (Timer A), the 2xx and the BYE eleven."""
    rang, confirmed, released = [], [], []

    for seed in range(200):
        call = direct(seed, THIRTY).ring().answer()
        assert call.alive == (True, True), seed
        call.release()
        assert call.left == [], seed
        rang.append(call.rang_after)
        confirmed.append(call.confirmed_after)
        released.append(call.released_after)

    assert None not in [*rang, *confirmed, *released]
    assert sorted(rang)[100] < 0.1  # type: ignore[type-var, operator]
    assert max(rang) > 3.0  # type: ignore[type-var, operator]
    assert max(*rang, *confirmed, *released) < LIMIT  # type: ignore[type-var, operator]


def test_the_first_try_comes_at_timer_as_times() -> None:
    """§17.1.1.2: with the first n INVITEs lost the call rings after T1 * (2^n - 1), and the delay."""
    times = Counter(round(direct(seed, THIRTY).ring().rang_after or -1, 3) for seed in range(200))

    assert set(times) <= {0.005, 0.505, 1.505, 3.505, 7.505, 15.505}
    assert times[0.005] == pytest.approx(140, abs=20)
    assert times[0.505] == pytest.approx(42, abs=15)


def test_through_an_exchange() -> None:
    """Each hop repeats for itself; only the 2xx and its ACK go all the way."""
    for seed in range(40):
        call = through_an_exchange(seed, Link(loss=0.15)).ring().answer()
        assert call.alive == (True, True), seed
        call.release()
        assert call.left == [], seed


def test_both_ends_agree_whatever_is_lost() -> None:
    """On a line that loses more than half, calls fail; but never at one end alone, and never without an end."""
    outcomes = Counter()  # type: ignore[var-annotated]

    for seed in range(150):
        call = direct(seed, Link(loss=0.65)).ring()
        if call.rang_after is not None:
            call.answer()
        call.world.wait(2 * LIMIT)
        outcomes[call.alive] += 1
        call.release()
        assert call.left == [], seed

    assert set(outcomes) == {(True, True), (False, False)}
    assert min(outcomes.values()) > 5


@pytest.mark.parametrize(
    "link",
    [
        Link(doubled=1.0),
        Link(delay=0.05, jitter=2.0),
        Link(jitter=1.0, doubled=0.5, loss=0.1),
    ],
    ids=["doubled", "reordered", "everything"],
)
def test_what_comes_twice_or_late_is_taken_once(link: Link) -> None:
    """§17.2.3: a retransmission is no second call; nor is a request that overtook another."""
    for seed in range(40):
        call = direct(seed, link).ring().answer()
        assert call.alive == (True, True), seed
        assert len(call.callee.view.calls) == 1
        call.release()
        assert call.left == [], seed
        assert call.callee.view.missed == 0


@pytest.mark.parametrize("link", [THIRTY, Link(jitter=1.0, doubled=0.5)], ids=["lost", "reordered"])
def test_a_caller_who_gives_up_stops_the_bell(link: Link) -> None:
    """§9.1: CANCEL, or where the 2xx crossed it ACK and BYE.

    A caller that no provisional response ever reached must not send CANCEL; then the callee gives up by itself.
    """
    after: list[float] = []
    for seed in range(100):
        call = direct(seed, link).ring()
        call.world.wait(0.3)

        call.caller.lift()
        call.caller.hang_up()
        begun = call.world.now
        assert call.world.run(begun + RINGS_AT_MOST, lambda call=call: not call.callee.ringing), seed
        after.append(call.world.now - begun)
        call.world.wait(QUIET)

        assert call.left == [], seed

    assert sum(seconds < LIMIT for seconds in after) >= 97


def test_a_lost_acknowledgement_ends_the_call_at_both_ends() -> None:
    """§13.3.1.4: without an ACK for 64*T1 the callee sends BYE."""
    world = World()
    callee = StationNode(world, phone_text("1001", exchange=None, host="10.0.0.1"), "10.0.0.1", 1)
    world.add(callee)
    callee.start()
    caller = StationNode(world, phone_text("1002", exchange=None, host="10.0.0.3"), "10.0.0.3", 2)
    world.add(caller)
    caller.start()
    caller.do(DialRequest("sip:1001@10.0.0.1"))
    world.wait(1.0)
    world.set_link("10.0.0.1", "10.0.0.3", Link(loss=1.0))
    callee.lift()
    world.wait(LIMIT - 1)
    assert callee.calls
    world.wait(2.0)

    assert not callee.calls
    assert callee.last_call.cause is not None
    assert not callee.media.sessions
