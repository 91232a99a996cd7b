"""The endpoint as a whole: two of them over a lossy link, deadlines, and one that talks to itself."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.sip.message import Request, Response, parse_message, response_to
from firmware.sip.transaction import ClientTransaction, ServerTransaction, State
from firmware.sip.transport import Flow, Hop, SendDatagram
from tests.support.signalling import (
    ATLANTA,
    BILOXI,
    Link,
    RecordingCore,
    User,
    answer,
    flow,
    new_endpoint,
    outgoing,
    request,
    run,
    sent,
    sent_octets,
)


def linked(seed: int, loss: float) -> tuple[Link, User, RecordingCore]:
    """A caller's endpoint and a callee's, whose core takes everything."""
    link = Link(new_endpoint(ATLANTA, seed), new_endpoint(BILOXI, seed + 1), Random(seed), loss)
    core = RecordingCore()
    link.right.cores.append(core)
    return link, User(), core


@pytest.mark.parametrize("seed", range(20))
def test_refused_call_gets_through_30_percent_loss_each_way(seed: int) -> None:
    """§17: retransmission by Timers A and G, ACK for each refusal; the two ends agree and forget."""
    link, user, core = linked(seed, 0.3)
    core.on_request = lambda transaction, now: link.right.reply(transaction, 486, now) and None

    link.left.send_request(outgoing(), user, 0.0)
    link.run(200.0)

    assert user.statuses[-1:] == [486]
    assert user.statuses.count(486) == 1
    assert len(core.requests) == 1
    assert core.lost == []
    assert link.left.transactions == (0, 0)
    assert link.right.transactions == (0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_accepted_call_gets_through_30_percent_loss_each_way(seed: int) -> None:
    """RFC 6026 §7: the core repeats its 2xx from T1 to T2 until the ACK; the caller acknowledges each."""
    link, user, core = linked(seed, 0.3)
    answered: list[tuple[ServerTransaction, Response]] = []

    def accept(transaction: ServerTransaction, now: float) -> None:
        link.right.reply(transaction, 180, now)
        answered.append((transaction, link.right.reply(transaction, 200, now)))

    def acknowledge(transaction: ClientTransaction, response: Response, now: float) -> None:
        if response.status == 200:
            link.left.send_stateless(outgoing("ACK"), now)

    core.on_request, user.on_response = accept, acknowledge
    link.left.send_request(outgoing(), user, 0.0)
    while not core.acks and link.now < 32.0:
        link.run(link.now + 0.5)
        for transaction, response in answered:
            if not core.acks:
                link.right.respond(transaction, response, link.now)
    link.run(100.0)

    assert 200 in user.statuses
    assert len(core.requests) == 1
    assert core.acks
    assert link.left.transactions == (0, 0)
    assert link.right.transactions == (0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_request_is_answered_through_30_percent_loss_each_way(seed: int) -> None:
    """§17.1.2, §17.2.2: the client repeats, the server answers from memory."""
    link, user, core = linked(seed, 0.3)
    core.on_request = lambda transaction, now: link.right.reply(transaction, 200, now) and None

    link.left.send_request(outgoing("REGISTER"), user, 0.0)
    link.run(100.0)

    assert user.statuses == [200]
    assert len(core.requests) == 1


def test_same_seed_gives_the_same_octets() -> None:
    """Chance is an argument."""
    first, second = (sent_through_loss(seed=7) for _ in range(2))

    assert first == second
    assert first != sent_through_loss(seed=8)


def sent_through_loss(seed: int) -> bytes:
    link, user, core = linked(seed, 0.3)
    core.on_request = lambda transaction, now: link.right.reply(transaction, 486, now) and None
    transaction = link.left.send_request(outgoing(), user, 0.0)
    link.run(100.0)
    return bytes(transaction.request) + bytes(user.responses[-1])


@pytest.mark.parametrize("seed", range(10))
def test_cancel_and_487_get_through_loss(seed: int) -> None:
    """§9: CANCEL is a transaction of its own, so it is repeated like any other request."""
    link, user, core = linked(seed, 0.3)
    core.on_request = lambda transaction, now: link.right.reply(transaction, 180, now) and None
    transaction = link.left.send_request(outgoing(), user, 0.0)
    link.run(31.9)
    assert user.statuses[-1] == 180

    link.left.cancel(transaction, link.now)
    link.run(60.0)
    for invite in core.cancels:
        link.right.reply(invite, 487, link.now)
    link.run(200.0)

    assert len(core.cancels) == 1
    assert user.statuses[-1] == 487
    assert link.left.transactions == link.right.transactions == (0, 0)


def test_endpoint_that_calls_itself_keeps_both_sides_apart() -> None:
    """§6: one element may be client and server of the same request; branch and method are the same in both."""
    endpoint, user, core = new_endpoint(), User(), RecordingCore()
    endpoint.cores.append(core)
    loop = Flow("UDP", (ATLANTA, 5060), (ATLANTA, 5060))
    core.on_request = lambda transaction, now: endpoint.reply(transaction, 486, now) and None

    endpoint.send_request(outgoing(uri=f"sip:me@{ATLANTA}"), user, 0.0)
    for _ in range(4):
        for output in endpoint.drain():
            assert isinstance(output, SendDatagram)
            endpoint.receive(output.data, loop, 0.0)

    assert user.statuses == [486]
    assert core.requests[0].state is State.CONFIRMED


# Deadlines.


def test_deadline_is_the_earliest_of_transactions_and_cores() -> None:
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    assert endpoint.next_deadline() is None

    endpoint.send_request(outgoing(), User(), 0.0)
    core.deadline = 0.3
    assert endpoint.next_deadline() == 0.3

    endpoint.handle_timers(0.3)
    assert core.woken == [0.3]
    assert endpoint.next_deadline() == 0.5


def test_core_is_not_woken_before_its_time() -> None:
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    core.deadline = 2.0

    endpoint.handle_timers(1.9)

    assert core.woken == []


def test_late_call_of_handle_timers_does_what_was_due_once() -> None:
    """A machine that was suspended for an hour sends one retransmission at most, and then gives up."""
    endpoint, user = new_endpoint(), User()
    endpoint.send_request(outgoing(), user, 0.0)
    endpoint.drain()

    endpoint.handle_timers(3600.0)

    assert len(endpoint.drain()) <= 1
    assert user.failures == [("timeout", 3600.0)]


# What belongs to nothing.


def test_stray_response_is_offered_to_the_cores_that_want_it() -> None:
    """RFC 6026 §7.3: they must not forward it, but may look."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores += [core, Reticent()]
    endpoint.send_request(outgoing(), User(), 0.0)
    (octets,) = sent_octets(endpoint)
    run(endpoint, 100.0)

    endpoint.receive(answer(octets, 200), flow(), 101.0)

    assert [response.status for response in core.strays] == [200]
    assert endpoint.counters.stray == 1


class Reticent(User):
    """A core without `stray_response`."""

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        return False

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        return False

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None: ...

    def server_transaction_failed(self, transaction: ServerTransaction, failure: str, now: float) -> None: ...

    def handle_timers(self, now: float) -> None: ...

    def next_deadline(self) -> float | None:
        return None


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0"])
def test_keep_alive_datagrams_are_no_messages(octets: bytes) -> None:
    """RFC 5626 §3.5.1 and what phones send in its place."""
    endpoint = new_endpoint()

    endpoint.receive(octets, flow(), 0.0)

    assert endpoint.malformed == 0
    assert endpoint.drain() == []


def test_response_without_transaction_goes_where_its_via_says() -> None:
    """§18.2.2, for a core that forwards without state."""
    endpoint = new_endpoint()
    asked = parse_message(request(via="SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.9;rport=9988;branch=z9hG4bK1"))
    assert isinstance(asked, Request)

    endpoint.send_stateless(response_to(asked, 200), 0.0)
    endpoint.send_stateless(response_to(asked, 200), 0.0, hop=Hop("UDP", "192.0.2.200", 5060))

    by_via, by_hop = endpoint.drain()
    assert isinstance(by_via, SendDatagram)
    assert isinstance(by_hop, SendDatagram)
    assert (by_via.remote, by_hop.remote) == (("192.0.2.9", 9988), ("192.0.2.200", 5060))


def test_ack_and_cancel_are_no_transactions_of_a_core() -> None:
    """§9.1, §17.1.1.3: they belong to an INVITE's."""
    endpoint = new_endpoint()

    for method in ("ACK", "CANCEL"):
        with pytest.raises(AssertionError):
            endpoint.send_request(outgoing(method), User(), 0.0)


def test_own_addresses_are_known() -> None:
    endpoint = new_endpoint()

    assert endpoint.contact_address(BILOXI, "UDP") == (ATLANTA, 5060)
    assert endpoint.is_own_address(ATLANTA, None)
    assert not endpoint.is_own_address(BILOXI, 5060)


# Noise.


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_datagram_raises(noise: bytes) -> None:
    endpoint = new_endpoint()

    endpoint.receive(noise, flow(), 0.0)

    assert endpoint.transactions == (0, 0)


@settings(max_examples=300)
@given(st.data())
def test_no_damage_to_a_message_raises(data: st.DataObject) -> None:
    """A few octets changed anywhere in a request, or in a response to one of ours."""
    endpoint, core, user = new_endpoint(), RecordingCore(), User()
    endpoint.cores.append(core)
    endpoint.send_request(outgoing(), user, 0.0)
    messages = [request(), request("ACK"), request("CANCEL"), answer(*sent_octets(endpoint), 200)]
    good = data.draw(st.sampled_from(messages))
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))

    endpoint.receive(bytes(damaged), flow(), 0.1)
    run(endpoint, 200.0)
    for transaction in core.requests:
        endpoint.reply(transaction, 486, 200.0)
    run(endpoint, 400.0)

    assert endpoint.transactions == (0, 0)
    assert len(user.failures) + (200 in user.statuses) <= 1
    assert all(item is not None for item in sent(endpoint))
