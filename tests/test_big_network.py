"""A thousand calls among fifty telephones through one exchange, on a bad network, twice over from one seed.

Everybody behaves as people do: some answer, some don't, some give up, some are busy with another call. Five datagrams
in a hundred are lost. In the end every call is over at both ends, and nobody remembers anything.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import pytest

from firmware.phone.view import CallView
from firmware.sip.cores.proxy import Proxy
from tests.support.stations import StationNode, exchange_text, phone_text
from tests.support.world import Link, World

EXCHANGE = "10.0.0.1"
LINE = Link(delay=0.004, jitter=0.012, loss=0.05, doubled=0.01)
DAY = 9000.0
"""Seconds over which the calls begin."""
QUIET = 240.0
"""Seconds after which no timer of a call can still run: the longest ring, an INVITE's Timer B, a BYE's Timer F."""


@dataclass(frozen=True)
class Plan:
    """One call, as the two people mean it to go."""

    at: float
    caller: int
    callee: int
    answers: bool
    rings_s: float
    """How long the callee lets it ring, or the caller waits."""
    talks_s: float
    caller_ends: bool


@dataclass
class Town:
    """Fifty telephones and the people at them."""

    world: World
    exchange: StationNode
    phones: list[StationNode]
    ended: dict[int, CallView] = field(default_factory=dict)
    """What the caller's telephone says of each call in the end, by the plan's number."""

    left: list[str] = field(default_factory=list)
    """What anybody still remembered of a call when all was quiet."""

    def remembered(self) -> list[str]:
        """Calls and media ports that are still there."""
        calls = [f"{phone.host} {call}" for phone in self.phones for call in phone.view.calls]
        return calls + [f"{phone.host} {id}" for phone in self.phones for id in phone.media.sessions]

    # --- one call ---

    def begin(self, number: int, plan: Plan) -> None:
        caller = self.phones[plan.caller]
        if caller.view.mode not in ("idle", "ended") or caller.view.hook == "off":
            self.begin_later(number, plan)
            return
        caller.lift()
        caller.press(f"{1001 + plan.callee}")
        self.world.at(self.world.now + 1.0, lambda: self.dialled(number, plan))

    def begin_later(self, number: int, plan: Plan) -> None:
        self.world.at(self.world.now + 11.0, lambda: self.begin(number, plan))

    def dialled(self, number: int, plan: Plan) -> None:
        id = self.phones[plan.caller].view.focus
        if id is None or not id.startswith("out"):  # an earlier call's end had him lay the handset down
            self.begin_later(number, plan)
            return
        self.watch(number, plan, id)
        after = self.answer if plan.answers else self.give_up
        self.world.at(self.world.now + plan.rings_s, lambda: after(plan))

    def answer(self, plan: Plan) -> None:
        callee = self.phones[plan.callee]
        if callee.ringing and callee.view.hook == "on":
            callee.lift()
        ends = self.world.now + plan.talks_s
        first, second = (plan.caller, plan.callee) if plan.caller_ends else (plan.callee, plan.caller)
        self.world.at(ends, self.phones[first].hang_up)
        self.world.at(ends + 3.0, self.phones[second].hang_up)

    def give_up(self, plan: Plan) -> None:
        self.phones[plan.caller].hang_up()

    def watch(self, number: int, plan: Plan, id: str) -> None:
        """Look at the caller's panel again and again; an ended call stays listed for 15 s."""
        call = next(call for call in self.phones[plan.caller].view.calls if call.id == id)
        if call.state == "ended":
            self.ended[number] = call
        else:
            self.world.at(self.world.now + 10.0, lambda: self.watch(number, plan, id))


def town(seed: int, phones: int) -> Town:
    """Everybody switched on."""
    world = World(seed=seed, link=LINE)
    users = [str(1001 + n) for n in range(phones)]
    exchange = StationNode(world, exchange_text("1000", ["1000", *users]), EXCHANGE, seed, panel_size=None)
    telephones = [
        StationNode(world, phone_text(user), f"10.0.1.{n + 1}", 1000 * seed + n, panel_size=None)
        for n, user in enumerate(users)
    ]
    for node in (exchange, *telephones):
        world.add(node)
        node.start()
    return Town(world, exchange, telephones)


def plans(seed: int, phones: int, calls: int) -> list[Plan]:
    random = Random(f"what people do {seed}")
    result = []
    for n in range(calls):
        caller, callee = random.sample(range(phones), 2)
        result.append(
            Plan(
                at=150.0 + DAY * n / calls + random.random(),
                caller=caller,
                callee=callee,
                answers=random.random() < 0.8,
                rings_s=random.uniform(2.0, 25.0),
                talks_s=random.uniform(1.0, 90.0),
                caller_ends=random.random() < 0.5,
            )
        )
    return result


def run_town(seed: int, phones: int, calls: int) -> Town:
    """A day of calls, until all is quiet; then everybody takes leave of the exchange."""
    people = town(seed, phones)
    for number, plan in enumerate(plans(seed, phones, calls)):
        people.world.at(plan.at, lambda number=number, plan=plan: people.begin(number, plan))
    people.world.run(DAY * 4, lambda: len(people.ended) == calls)
    people.world.wait(QUIET)
    people.left = people.remembered()
    for node in (*people.phones, people.exchange):
        node.station.stop(people.world.now)
        people.world.touch(node)
    people.world.wait(QUIET)
    return people


@cache
def big_town() -> Town:
    return run_town(seed=3261, phones=50, calls=1000)


def test_every_call_comes_to_a_sane_end() -> None:
    people = big_town()

    ends = Counter(call.cause[0] for call in people.ended.values() if call.cause is not None)

    assert len(people.ended) == 1000
    assert {call.state for call in people.ended.values()} == {"ended"}
    # Answered and hung up, given up by the caller, the callee busy on both lines, or in a talk for longer than a call
    # knocks: nothing is the network's fault.
    assert set(ends) == {200, 480, 486, 487}
    assert ends[480] < 100
    assert ends[200] > 500
    assert ends[487] > 150


def test_nobody_remembers_a_call_that_is_over() -> None:
    assert big_town().left == []


def test_no_transaction_dialog_or_binding_is_left_when_everybody_has_left() -> None:
    people = big_town()
    nodes = [*people.phones, people.exchange]
    (proxy,) = (core for core in people.exchange.station.endpoint.cores if isinstance(core, Proxy))

    assert [node.station.endpoint.transactions for node in nodes] == [(0, 0)] * 51
    assert [node.host for node in nodes if not node.station.idle] == []
    assert len(proxy) == 0
    assert [node.host for node in nodes if node.station.endpoint.next_deadline() is not None] == []


def test_loss_was_met_and_repaired() -> None:
    people = big_town()
    lost = sum(sent.lost for sent in people.world.trace)
    counters = [node.station.endpoint.counters for node in (*people.phones, people.exchange)]

    assert lost / len(people.world.trace) == pytest.approx(LINE.loss, abs=0.015)
    assert sum(each.retransmissions for each in counters) > 500
    assert sum(each.malformed for each in counters) == 0


def test_another_process_replays_it_octet_for_octet() -> None:
    """Not even the order of sets, which differs from process to process, may show."""
    program = "from tests.test_big_network import run_town; print(run_town(3261, 50, 1000).world.fingerprint())"
    here = Path(__file__).parents[1]

    replay = subprocess.run(
        [sys.executable, "-c", program],
        cwd=here,
        env={**os.environ, "PYTHONHASHSEED": "3665"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert replay.stdout.strip() == big_town().world.fingerprint()


def test_another_seed_gives_another_day() -> None:
    one, again, other = (run_town(seed, phones=6, calls=20).world for seed in (1, 1, 2))

    assert one.fingerprint() == again.fingerprint()
    assert one.fingerprint() != other.fingerprint()
