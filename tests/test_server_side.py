"""Server transactions through the endpoint: RFC 3261 §9.2, §17.2, §18.2; RFC 6026, 4320, 3581."""

from __future__ import annotations

import pytest

from firmware.sip.endpoint import Endpoint
from firmware.sip.grammar import MalformedMessage
from firmware.sip.message import Request, Response, parse_message, response_to
from firmware.sip.transaction import ServerTransaction, State
from firmware.sip.transport import Hop, SendDatagram, SendStream
from tests.support.signalling import (
    ATLANTA,
    BILOXI,
    Limits,
    RecordingCore,
    flow,
    new_endpoint,
    request,
    run,
    sent,
    sent_octets,
)


def receive(
    octets: bytes, endpoint: Endpoint | None = None, transport: str = "UDP"
) -> tuple[Endpoint, RecordingCore, ServerTransaction]:
    """Hand a request to an endpoint with one core that takes it and says nothing."""
    endpoint, core = endpoint or new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    endpoint.receive(octets, flow(transport, connection=None if transport == "UDP" else 1), 0.0)
    return endpoint, core, core.requests[0]


def statuses(endpoint: Endpoint) -> list[int]:
    return [item.status for item in sent(endpoint) if isinstance(item, Response)]


# INVITE.


def test_silent_core_makes_the_layer_send_100_after_200_ms() -> None:
    """§17.2.1; §8.2.6.1: no tag in To."""
    endpoint, _, _ = receive(request())

    ((at, output),) = run(endpoint, 60.0)

    assert at == 0.2
    assert isinstance(output, SendDatagram)
    trying = parse_message(output.data)
    assert isinstance(trying, Response)
    assert (trying.status, trying.to.tag) == (100, None)


def test_core_that_answers_in_time_needs_no_100() -> None:
    """§17.2.1."""
    endpoint, _, transaction = receive(request())

    endpoint.reply(transaction, 180, 0.1)

    assert statuses(endpoint) == [180]
    assert run(endpoint, 60.0) == []


def test_repeated_invite_gets_the_latest_provisional_response_again() -> None:
    """§17.2.1."""
    endpoint, core, transaction = receive(request())
    endpoint.receive(request(), flow(), 0.1)
    assert sent(endpoint) == []
    endpoint.reply(transaction, 180, 0.2)
    endpoint.reply(transaction, 183, 0.3)
    ringing, progress = sent_octets(endpoint)

    endpoint.receive(request(), flow(), 0.5)

    assert sent_octets(endpoint) == [progress]
    assert ringing != progress
    assert len(core.requests) == 1
    assert endpoint.counters.retransmissions == 1


def test_refusal_is_repeated_by_timer_g_until_timer_h() -> None:
    """§17.2.1: T1, 2*T1, 4*T1, then every T2; at 64*T1 the core is told that no ACK came."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 486, 0.0)
    (busy,) = sent_octets(endpoint)

    outputs = run(endpoint, 60.0)

    assert [at for at, _ in outputs] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert {output.data for _, output in outputs if isinstance(output, SendDatagram)} == {busy}
    assert core.lost == [("timeout", 32.0)]
    assert endpoint.transactions == (0, 0)


def test_ack_ends_the_repetition_and_is_absorbed_for_t4() -> None:
    """§17.2.1: Confirmed, Timer I."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 486, 0.0)
    endpoint.drain()

    endpoint.receive(request("ACK", to_tag=transaction.to_tag), flow(), 0.3)
    endpoint.receive(request("ACK", to_tag=transaction.to_tag), flow(), 0.4)

    assert transaction.state is State.CONFIRMED
    assert core.acks == []
    assert endpoint.next_deadline() == 5.3
    assert run(endpoint, 60.0) == []
    assert endpoint.transactions == (0, 0)
    assert core.lost == []


def test_refusal_over_a_stream_is_not_repeated() -> None:
    """§17.2.1: Timer G is not set, Timer H is; Timer I is zero."""
    endpoint, _, transaction = receive(request(transport="TCP"), transport="TCP")
    endpoint.reply(transaction, 486, 0.0)
    (output,) = endpoint.drain()
    assert isinstance(output, SendStream)
    assert endpoint.next_deadline() == 32.0

    endpoint.receive(request("ACK", transport="TCP"), flow("TCP", connection=1), 1.0)

    assert transaction.state is State.TERMINATED
    assert endpoint.transactions == (0, 0)


def test_repeated_invite_is_absorbed_after_a_2xx() -> None:
    """RFC 6026 §7.1: not passed to the core, and the layer repeats no 2xx by itself."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 200, 0.0)
    endpoint.drain()

    endpoint.receive(request(), flow(), 0.5)

    assert run(endpoint, 31.9) == []
    assert len(core.requests) == 1
    assert transaction.state is State.ACCEPTED
    run(endpoint, 32.0)
    assert endpoint.transactions == (0, 0)


def test_core_may_repeat_its_2xx_while_accepted_and_nothing_else() -> None:
    """RFC 6026 §7.1."""
    endpoint, _, transaction = receive(request())
    response = endpoint.reply(transaction, 200, 0.0)
    endpoint.respond(transaction, response, 0.5)
    endpoint.reply(transaction, 486, 0.6)

    first, second = sent_octets(endpoint)

    assert first == second
    run(endpoint, 32.0)
    endpoint.respond(transaction, response, 33.0)
    assert sent(endpoint) == []


def test_ack_of_a_2xx_goes_to_the_core_with_or_without_its_own_branch() -> None:
    """§17.1.1.3, RFC 6026 §7.1."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 200, 0.0)

    endpoint.receive(request("ACK", branch="z9hG4bKother", to_tag=transaction.to_tag), flow(), 0.1)
    endpoint.receive(request("ACK", to_tag=transaction.to_tag), flow(), 0.2)

    assert [ack.method for ack in core.acks] == ["ACK", "ACK"]


def test_second_final_response_is_not_sent() -> None:
    """§17.2.1: whichever came first stands."""
    endpoint, _, transaction = receive(request())
    endpoint.reply(transaction, 486, 0.0)
    endpoint.reply(transaction, 200, 0.1)
    endpoint.reply(transaction, 180, 0.1)

    assert statuses(endpoint) == [486]


def test_undeliverable_response_is_reported_and_the_state_stays() -> None:
    """RFC 6026 §7.1, §8.8."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 180, 0.0)

    endpoint.delivery_failed(Hop("UDP", BILOXI, 5060), 0.1)

    assert core.lost == [("transport", 0.1)]
    assert transaction.state is State.PROCEEDING


# Other methods.


def test_repeated_request_is_answered_from_memory_until_timer_j() -> None:
    """§17.2.2."""
    endpoint, core, transaction = receive(request("OPTIONS"))
    endpoint.receive(request("OPTIONS"), flow(), 0.5)
    assert sent(endpoint) == []
    endpoint.reply(transaction, 200, 1.0)
    (first,) = sent_octets(endpoint)

    endpoint.receive(request("OPTIONS"), flow(), 1.5)

    assert sent_octets(endpoint) == [first]
    assert len(core.requests) == 1
    assert endpoint.next_deadline() == 33.0
    run(endpoint, 33.0)
    assert endpoint.transactions == (0, 0)


def test_answer_over_a_stream_ends_the_transaction() -> None:
    """§17.2.2: Timer J is zero for reliable transports."""
    endpoint, _, transaction = receive(request("OPTIONS", transport="TCP"), transport="TCP")

    endpoint.reply(transaction, 200, 1.0)

    assert transaction.state is State.TERMINATED
    assert endpoint.transactions == (0, 0)


def test_100_comes_late_and_no_other_provisional_response_ever() -> None:
    """RFC 4320 §4.1: not before Timer E is T2 over a datagram; 3.5 s by default; then it must."""
    endpoint, _, transaction = receive(request("REGISTER"))
    endpoint.reply(transaction, 100, 1.0)
    endpoint.reply(transaction, 183, 1.0)

    ((at, output),) = run(endpoint, 31.0)

    assert at == 3.5
    assert isinstance(output, SendDatagram)
    assert output.data.startswith(b"SIP/2.0 100 ")


def test_100_over_a_stream_may_come_at_any_time() -> None:
    """RFC 4320 §4.1."""
    endpoint, _, transaction = receive(request("REGISTER", transport="TCP"), transport="TCP")

    endpoint.reply(transaction, 100, 0.1)

    assert statuses(endpoint) == [100]


def test_no_408_and_nothing_at_all_once_the_client_has_given_up() -> None:
    """RFC 4320 §4.2."""
    endpoint, _, transaction = receive(request("REGISTER"))
    endpoint.reply(transaction, 408, 1.0)
    assert statuses(endpoint) == []

    run(endpoint, 32.0)
    endpoint.reply(transaction, 200, 32.0)

    assert statuses(endpoint) == []
    assert endpoint.transactions == (0, 0)


# CANCEL.


def test_cancel_is_answered_200_with_the_invites_tag_and_passed_up() -> None:
    """§9.2."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 180, 0.1)
    (ringing,) = sent(endpoint)

    endpoint.receive(request("CANCEL"), flow(), 0.2)

    (ok,) = sent(endpoint)
    assert isinstance(ok, Response)
    assert (ok.status, ok.cseq.method) == (200, "CANCEL")
    assert ok.to.tag == ringing.to.tag
    assert core.cancels == [transaction]
    endpoint.receive(request("CANCEL"), flow(), 0.7)
    assert statuses(endpoint) == [200]
    assert core.cancels == [transaction]


def test_cancel_that_comes_too_late_is_answered_200_and_changes_nothing() -> None:
    """§9.2."""
    endpoint, core, transaction = receive(request())
    endpoint.reply(transaction, 200, 0.1)

    endpoint.receive(request("CANCEL"), flow(), 0.2)

    assert statuses(endpoint) == [200, 200]
    assert core.cancels == []


def test_cancel_of_another_method_is_answered_200_and_has_no_effect() -> None:
    """§9.2."""
    endpoint, core, _ = receive(request("OPTIONS"))

    endpoint.receive(request("CANCEL"), flow(), 0.2)

    assert statuses(endpoint) == [200]
    assert core.cancels == []


@pytest.mark.parametrize(
    "cancel",
    [
        request("CANCEL", branch="z9hG4bKother"),
        request("CANCEL", via="SIP/2.0/UDP other.example;branch=z9hG4bKnashds8"),
    ],
)
def test_cancel_of_nothing_is_answered_481(cancel: bytes) -> None:
    """§9.2, §17.2.3: branch and sent-by."""
    endpoint, core, _ = receive(request())

    endpoint.receive(cancel, flow(), 0.2)

    assert statuses(endpoint) == [481]
    assert core.cancels == []


# Who takes it.


def test_requests_are_offered_to_the_cores_in_turn() -> None:
    endpoint = new_endpoint()
    first, second, third = RecordingCore(takes=False), RecordingCore(), RecordingCore()
    endpoint.cores += [first, second, third]

    endpoint.receive(request(), flow(), 0.0)

    assert [len(core.requests) for core in (first, second, third)] == [1, 1, 0]
    assert second.requests[0].core is second


@pytest.mark.parametrize(("to_tag", "status"), [("", 404), ("314159", 481)])
def test_request_nobody_takes_is_404_outside_and_481_inside_a_dialog(to_tag: str, status: int) -> None:
    """§8.2.2.1, §12.2.2."""
    endpoint = new_endpoint()
    endpoint.cores.append(RecordingCore(takes=False))

    endpoint.receive(request("OPTIONS", to_tag=to_tag), flow(), 0.0)

    assert statuses(endpoint) == [status]


def test_ack_nobody_knows_is_counted_and_never_answered() -> None:
    endpoint = new_endpoint()

    endpoint.receive(request("ACK"), flow(), 0.0)

    assert sent(endpoint) == []
    assert endpoint.counters.stray == 1


def test_response_carries_server_unless_forwarded() -> None:
    """§20.35; §16.7 step 9 forwards as it came."""
    endpoint, _, transaction = receive(request(), new_endpoint(user_agent="Offhook/1"))
    endpoint.respond(transaction, response_to(transaction.request, 180), 0.0)
    endpoint.respond(transaction, response_to(transaction.request, 183), 0.0, forwarded=True)

    assert [response.fields.get("Server") for response in sent(endpoint)] == ["Offhook/1", None]


# Where responses go.


@pytest.mark.parametrize(
    ("via", "remote", "expected"),
    [
        (f"SIP/2.0/UDP {BILOXI}:5070", (BILOXI, 41_000), (BILOXI, 5070)),
        (f"SIP/2.0/UDP {BILOXI}", (BILOXI, 41_000), (BILOXI, 5060)),
        ("SIP/2.0/UDP bobspc.biloxi.com:5070", (BILOXI, 41_000), (BILOXI, 5070)),
        ("SIP/2.0/UDP 10.1.1.1:4540;rport", (BILOXI, 9988), (BILOXI, 9988)),
        ("SIP/2.0/UDP 10.1.1.1:4540;maddr=192.0.2.200", (BILOXI, 9988), ("192.0.2.200", 4540)),
    ],
)
def test_response_goes_where_the_top_via_says(via: str, remote: tuple[str, int], expected: tuple[str, int]) -> None:
    """§18.2.2, and RFC 3581 §4 between its second and third rule."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    endpoint.receive(request(via=f"{via};branch=z9hG4bK1"), flow(remote=remote), 0.0)

    endpoint.reply(core.requests[0], 180, 0.0)

    (output,) = endpoint.drain()
    assert isinstance(output, SendDatagram)
    assert output.remote == expected
    assert output.local == (ATLANTA, 5060)


def test_received_and_rport_are_recorded_in_request_and_response() -> None:
    """RFC 3581 §6's example."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    via = "SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff"

    endpoint.receive(request(via=via), flow(remote=("192.0.2.10", 9988)), 0.0)
    endpoint.reply(core.requests[0], 180, 0.0)

    (ringing,) = sent(endpoint)
    assert ringing.via.received == "192.0.2.10"
    assert ringing.via.rport == 9988
    assert core.requests[0].request.via == ringing.via


def test_stream_response_names_the_connection_and_where_to_open_another() -> None:
    """§18.2.2: the port in sent-by, not the ephemeral one."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)
    endpoint.receive(request(transport="TCP"), flow("TCP", (BILOXI, 41_000), 7), 0.0)

    endpoint.reply(core.requests[0], 180, 0.0)

    (output,) = endpoint.drain()
    assert isinstance(output, SendStream)
    assert (output.connection, output.hop) == (7, Hop("TCP", BILOXI, 5060))


# Malformed requests.


def test_request_without_cseq_is_refused_without_one() -> None:
    """RFC 4475 §3.3.1: what a response copies may be missing."""
    endpoint = new_endpoint()

    endpoint.receive(request("OPTIONS").replace(b"CSeq: 1 OPTIONS\r\n", b""), flow(), 0.0)

    (refused,) = sent(endpoint)
    assert isinstance(refused, Response)
    assert refused.status == 400
    assert "CSeq" not in refused.fields


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request().replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"), 400),
        (request().replace(b"CSeq: 1 INVITE", b"CSeq: one INVITE"), 400),
        (request().replace(b"Max-Forwards: 70", b"Max-Forwards: many"), 400),
        (request().replace(b"From: Alice <", b"From: Alice <<"), 400),
        (request().replace(b"Content-Length: 0", b"Content-Length: 7"), 400),
        (request(uri="sip:bob@[::x]"), 400),
        (request().replace(b" SIP/2.0\r\nVia", b" SIP/7.0\r\nVia"), 505),
    ],
)
def test_malformed_request_is_refused_with_a_tag_that_does_not_change(octets: bytes, status: int) -> None:
    """§8.2.7, §18.3, §21.4.1, §21.5.6."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    endpoint.receive(octets, flow(), 0.0)
    endpoint.receive(octets, flow(), 0.5)

    first, second = sent(endpoint)
    assert isinstance(first, Response)
    assert first.status == status
    assert first.to.tag
    assert first.to.tag == second.to.tag
    assert first.call_id == "a84b4c76e66710"
    assert core.requests == []
    assert endpoint.malformed == 2
    assert endpoint.transactions == (0, 0)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x01\x00\x00",
        b"INVITE",
        b"\xff" * 1200,
        request("ACK").replace(b"CSeq: 1 ACK", b"CSeq: 1 INVITE"),
        request("ACK").replace(b"Content-Length: 0", b"Content-Length: 7"),
        request().replace(b"Via: SIP/2.0/UDP", b"Via: SIP//UDP"),
        b"SIP/2.0 200 OK\r\n\r\n",
    ],
)
def test_what_cannot_or_must_not_be_answered_is_dropped(octets: bytes) -> None:
    """§17.1.1.3: no response to ACK; §18.2.2: no Via, no way back."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    endpoint.receive(octets, flow(), 0.0)

    assert sent(endpoint) == []
    assert endpoint.malformed == 1


def test_core_that_finds_a_request_malformed_has_it_refused_statefully() -> None:
    """The one place where `MalformedMessage` ends is the endpoint."""
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    def choke(transaction: ServerTransaction, now: float) -> None:
        raise MalformedMessage("Bad Contact", 400)

    core.on_request = choke
    endpoint.receive(request(), flow(), 0.0)

    assert statuses(endpoint) == [400]
    assert core.requests[0].state is State.COMPLETED
    endpoint.receive(request(), flow(), 0.1)
    assert statuses(endpoint) == [400]
    assert len(core.requests) == 1


def test_core_that_answered_before_it_choked_is_not_answered_over() -> None:
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    def choke(transaction: ServerTransaction, now: float) -> None:
        endpoint.reply(transaction, 603, now)
        raise MalformedMessage("Bad Contact", 400)

    core.on_request = choke
    endpoint.receive(request(), flow(), 0.0)

    assert statuses(endpoint) == [603]


def test_core_that_chokes_on_an_ack_costs_nothing() -> None:
    endpoint, core = new_endpoint(), RecordingCore()
    endpoint.cores.append(core)

    def choke(ack: Request) -> None:
        raise MalformedMessage("Bad body", 400)

    core.on_ack = choke
    endpoint.receive(request("ACK"), flow(), 0.0)

    assert sent(endpoint) == []
    assert endpoint.malformed == 1


def test_requests_beyond_the_limit_are_refused_without_state() -> None:
    """§26.3.2.4."""
    endpoint, core = new_endpoint(limits=Limits(transactions=2)), RecordingCore()
    endpoint.cores.append(core)

    for number in range(4):
        endpoint.receive(request(branch=f"z9hG4bK{number}"), flow(), 0.0)

    assert statuses(endpoint) == [503, 503]
    assert len(core.requests) == 2
    assert endpoint.transactions == (0, 2)
    assert endpoint.counters.overload == 2


def test_one_source_cannot_fill_the_table() -> None:
    endpoint, core = new_endpoint(limits=Limits(transactions_per_host=2)), RecordingCore()
    endpoint.cores.append(core)

    for number in range(3):
        endpoint.receive(request("OPTIONS", branch=f"z9hG4bK{number}"), flow(), 0.0)
    assert statuses(endpoint) == [503]
    endpoint.receive(request("OPTIONS", branch="z9hG4bK9"), flow(remote=("192.0.2.99", 5060)), 0.0)
    assert statuses(endpoint) == []

    run(endpoint, 32.0)
    endpoint.receive(request("OPTIONS", branch="z9hG4bK10"), flow(), 33.0)
    assert len(core.requests) == 4


def ok(transaction: ServerTransaction) -> Response:
    return response_to(transaction.request, 200, to_tag=transaction.to_tag)


def answering(**limits: int) -> Endpoint:
    """An endpoint whose core answers everything at once."""
    endpoint, core = new_endpoint(limits=Limits(**limits)), RecordingCore()
    endpoint.cores.append(core)
    core.on_request = lambda transaction, now: endpoint.respond(transaction, ok(transaction), now)
    return endpoint


@pytest.mark.parametrize("limit", ["transactions", "transactions_per_host"])
def test_what_is_answered_and_was_not_asked_again_makes_room(limit: str) -> None:
    """A hundred phones behind one translator register at once, twice each: 64*T1 for each would fill its share."""
    endpoint = answering(**{limit: 40})

    for number in range(400):
        now = number / 9.0  # 36 in T2
        endpoint.handle_timers(now)
        endpoint.receive(request("OPTIONS", branch=f"z9hG4bK{number}"), flow(), now)

    assert statuses(endpoint) == [200] * 400
    assert endpoint.transactions == (0, 40)
    assert endpoint.counters.overload == 0


@pytest.mark.parametrize("limit", ["transactions", "transactions_per_host"])
def test_what_was_answered_just_now_is_kept_for_who_asks_again(limit: str) -> None:
    """§17.1.2.2: retransmissions are at most T2 apart."""
    endpoint = answering(**{limit: 2})
    endpoint.receive(request("OPTIONS", branch="z9hG4bK1"), flow(), 0.0)
    endpoint.receive(request("OPTIONS", branch="z9hG4bK2"), flow(), 0.1)
    endpoint.receive(request("OPTIONS", branch="z9hG4bK1"), flow(), 3.0)
    assert statuses(endpoint) == [200, 200, 200]

    endpoint.receive(request("OPTIONS", branch="z9hG4bK3"), flow(), 4.0)
    assert statuses(endpoint) == [503]
    endpoint.receive(request("OPTIONS", branch="z9hG4bK3"), flow(), 4.2)
    endpoint.receive(request("OPTIONS", branch="z9hG4bK1"), flow(), 4.3)

    assert statuses(endpoint) == [200, 200]
    assert endpoint.counters.requests == 6
    assert endpoint.counters.retransmissions == 2


# RFC 2543 clients.


def test_client_without_magic_cookie_is_matched_by_its_header_fields() -> None:
    """§17.2.3."""
    endpoint, core, transaction = receive(request(branch="1"))
    endpoint.receive(request(branch="1"), flow(), 0.1)
    assert len(core.requests) == 1
    endpoint.reply(transaction, 486, 0.2)
    (busy,) = sent(endpoint)

    endpoint.receive(request("ACK", branch="1", to_tag="of-another-response"), flow(), 0.3)
    assert transaction.state is State.COMPLETED
    endpoint.receive(request("ACK", branch="1", to_tag=busy.to.tag or ""), flow(), 0.4)
    assert transaction.state is State.CONFIRMED

    endpoint.receive(request(branch="1", cseq=2), flow(), 0.5)
    assert len(core.requests) == 2


def test_a_failure_is_told_once_to_those_who_sent_something_since() -> None:
    """§17.2.4: a thousand requests from a host that refuses our answers are not told a thousand times each."""
    endpoint = new_endpoint()
    for n in range(20):
        endpoint.receive(request("OPTIONS", branch=f"z9hG4bK{n}"), flow(), 0.0)
        endpoint.drain()

    for _ in range(50):
        endpoint.delivery_failed(Hop("UDP", BILOXI, 5060), 0.1)

    assert endpoint.counters.transport_failures == 20
    endpoint.receive(request("OPTIONS", branch="z9hG4bK7"), flow(), 0.2)
    endpoint.delivery_failed(Hop("UDP", BILOXI, 5060), 0.3)
    assert endpoint.counters.transport_failures == 21
