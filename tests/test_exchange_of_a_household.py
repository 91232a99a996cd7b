"""One telephone is also the others' registrar and proxy: calls between them through it, with digest (RFC 3261 §4)."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.cores.location import LocationService
from firmware.sip.cores.proxy import Proxy
from firmware.sip.cores.registrar import Registrar
from firmware.sip.cores.user_agent_events import (
    Acknowledged,
    Answered,
    Ended,
    IncomingCall,
    OfferReceived,
    RegistrationChanged,
    TransferProgress,
    TransferRequested,
)
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Telephone, Wire, telephone

HOSTS = {"1001": "192.168.0.1", "1002": "192.168.0.2", "1003": "192.168.0.3"}
USERS = {user: f"secret{user}" for user in HOSTS}


def household() -> tuple[Wire, Telephone, Telephone, Telephone]:
    """Three telephones, registered at the first."""
    wire = Wire()
    telephones = []
    for seed, (user, host) in enumerate(HOSTS.items()):
        registrar = parse_sip_uri(f"sip:{HOSTS['1001']}")
        telephones.append(
            telephone(wire, host, user, seed=seed, register=True, registrar=registrar, password=USERS[user])
        )
    endpoint, location = telephones[0].endpoint, LocationService()
    endpoint.cores.append(Registrar(endpoint, "home.test", USERS, location, Random(1)))
    endpoint.cores.append(Proxy(endpoint, ["home.test"], location, Random(2), users=USERS))
    for one in telephones:
        one.agent.start(wire.now)
    wire.run(1)
    return wire, *telephones  # type: ignore[return-value]


def connect(wire: Wire, caller: Telephone, call: str, callee: Telephone) -> str:
    before = len(callee.events(IncomingCall))
    caller.agent.invite(call, caller.account.name, f"sip:{callee.account.address.user}@home.test", OFFER, wire.now)
    wire.run(0.5)
    incoming = callee.events(IncomingCall)[before].call
    callee.agent.ring(incoming, wire.now)
    wire.run(0.5)
    callee.agent.answer(incoming, ANSWER, wire.now)
    wire.run(0.5)
    return incoming


def test_all_register_the_exchange_itself_too() -> None:
    _, *telephones = household()

    assert [one.events(RegistrationChanged)[-1].registered for one in telephones] == [True, True, True]


@pytest.mark.parametrize(("caller", "callee"), [(0, 1), (1, 0), (1, 2)])
def test_calls_between_any_two(caller: int, callee: int) -> None:
    wire, *telephones = household()
    one, other = telephones[caller], telephones[callee]
    incoming = connect(wire, one, "c", other)
    other.agent.reinvite(incoming, OFFER, wire.now)
    wire.run(0.5)
    one.agent.accept_offer("c", ANSWER, wire.now)
    wire.run(0.5)
    other.agent.hang_up(incoming, wire.now)
    wire.run(0.5)

    assert len(one.events(Answered)) == 1
    assert len(other.events(Acknowledged)) == 1
    assert one.only(OfferReceived).sdp == OFFER
    assert one.only(Ended).code == 200
    for phone in telephones:
        phone.agent.stop(wire.now)
    wire.run(100)
    assert all(phone.agent.idle for phone in telephones)


def test_unknown_extension() -> None:
    wire, one, *_ = household()
    one.agent.invite("c", one.account.name, "sip:1009@home.test", OFFER, wire.now)
    wire.run(1)

    assert one.only(Ended).code == 404


def test_caller_who_gives_up_stops_the_ringing() -> None:
    wire, one, other, _ = household()
    other.agent.invite("c", other.account.name, "sip:1001@home.test", OFFER, wire.now)
    wire.run(0.5)
    one.agent.ring(one.only(IncomingCall).call, wire.now)
    wire.run(0.5)
    other.agent.hang_up("c", wire.now)
    wire.run(0.5)

    assert one.only(Ended).code == 487


def test_attended_transfer_inside_the_household() -> None:
    wire, one, two, three = household()
    twos = connect(wire, one, "a", two)
    threes = connect(wire, one, "b", three)
    one.agent.transfer("a", wire.now, replaces_call="b")
    wire.run(0.5)
    assert len(two.events(TransferRequested)) == 1
    two.agent.follow_transfer(twos, "t", OFFER, wire.now)
    wire.run(0.5)
    three.agent.answer(three.events(IncomingCall)[1].call, ANSWER, wire.now)
    wire.run(0.5)

    assert three.events(IncomingCall)[1].replaces == threes
    assert one.events(TransferProgress)[-1].status == 200
    assert two.only(Answered).call == "t"


@pytest.mark.parametrize("seed", range(10))
def test_calls_survive_thirty_percent_loss(seed: int) -> None:
    random = Random(seed)
    wire, one, other, _ = household()
    wire.lose = lambda sent: sent.source != sent.target and random.random() < 0.3
    one.agent.invite("c", one.account.name, "sip:1002@home.test", OFFER, wire.now)
    wire.run(20)
    incoming = other.only(IncomingCall).call
    other.agent.answer(incoming, ANSWER, wire.now)
    wire.run(31)
    other.agent.hang_up(incoming, wire.now)
    wire.run(120)

    assert len(one.events(Answered)) == len(other.events(Acknowledged)) == 1
    assert one.only(Ended) == Ended("c", 200, "", "remote")
