"""Client transactions through the endpoint: RFC 3261 §9.1, §17.1, §18.1; RFC 6026; RFC 3263 §4.3."""

from __future__ import annotations

import pytest

from firmware.sip.address import Contact, parse_contact
from firmware.sip.endpoint import Endpoint
from firmware.sip.grammar import MalformedMessage
from firmware.sip.message import Request, Response, parse_message
from firmware.sip.transaction import ClientTransaction, State
from firmware.sip.transport import Flow, Hop, HopAnswered, HopSilent, Locate, Output, SendDatagram, SendStream
from firmware.sip.uri import SipUri
from tests.support.signalling import (
    ATLANTA,
    BILOXI,
    Limits,
    Timers,
    User,
    answer,
    flow,
    new_endpoint,
    outgoing,
    run,
    sent,
    sent_octets,
)

HOPS = [Hop("UDP", "192.0.2.10", 5060), Hop("UDP", "192.0.2.11", 5060)]


def times(outputs: list[tuple[float, Output]]) -> list[float]:
    return [at for at, output in outputs if isinstance(output, SendDatagram | SendStream)]


def begin(
    method: str = "INVITE", endpoint: Endpoint | None = None, **options: object
) -> tuple[Endpoint, User, ClientTransaction, bytes]:
    endpoint, user = endpoint or new_endpoint(), User()
    transaction = endpoint.send_request(outgoing(method), user, 0.0, **options)  # type: ignore[arg-type]
    return endpoint, user, transaction, sent_octets(endpoint)[0]


def located(hops: list[Hop], method: str = "INVITE") -> tuple[Endpoint, User, ClientTransaction]:
    """A request whose host name has been resolved to `hops`."""
    endpoint, user = new_endpoint(), User()
    transaction = endpoint.send_request(outgoing(method, "sip:bob@biloxi.example"), user, 0.0)
    (query,) = endpoint.drain()
    assert isinstance(query, Locate)
    endpoint.located(query.query, hops, 0.0)
    return endpoint, user, transaction


# What is sent.


def test_request_gets_a_via_max_forwards_and_user_agent() -> None:
    """§8.1.1.6, §8.1.1.7, §18.1.1; RFC 3581 §3."""
    endpoint, _, transaction, octets = begin(endpoint=new_endpoint(user_agent="Offhook/1"))

    request = parse_message(octets)
    via = request.via
    assert (via.transport, via.sent_by) == ("UDP", (ATLANTA, 5060))
    assert via.has_cookie
    assert via.has_rport
    assert via.rport is None
    assert request.max_forwards == 70
    assert request.fields.get("User-Agent") == "Offhook/1"
    assert transaction.request.via == via
    assert transaction.flow == Hop("UDP", BILOXI, 5060)
    assert endpoint.transactions == (1, 0)


def test_forwarded_request_keeps_its_vias_below_ours_and_gets_no_user_agent() -> None:
    """§16.6 step 8."""
    endpoint = new_endpoint()
    request = outgoing(Via="SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKbelow", Max_Forwards="12")

    endpoint.send_request(request, User(), 0.0, branch_suffix=".loop")

    (forwarded,) = sent(endpoint)
    assert [via.host for via in forwarded.vias] == [ATLANTA, "192.0.2.77"]
    assert (forwarded.via.branch or "").endswith(".loop")
    assert forwarded.max_forwards == 12
    assert "User-Agent" not in forwarded.fields


def test_contact_is_written_as_seen_from_the_hop() -> None:
    """§8.1.1.8: the Contact must be reachable from there, by that transport."""
    endpoint = new_endpoint()
    contact: Contact = parse_contact("<sip:k3j2@placeholder.invalid>;+sip.instance=x")

    endpoint.send_request(outgoing(), User(), 0.0, contact=contact)
    endpoint.send_request(outgoing(), User(), 0.0, contact=contact, hop=Hop("TCP", BILOXI, 5060))

    by_udp, by_tcp = sent(endpoint)
    assert str(by_udp.contacts[0].uri) == f"sip:k3j2@{ATLANTA}:5060"
    assert str(by_tcp.contacts[0].uri) == f"sip:k3j2@{ATLANTA}:5060;transport=tcp"


def test_topmost_loose_route_is_the_next_hop() -> None:
    """§8.1.2, §16.6 step 6."""
    endpoint = new_endpoint()

    endpoint.send_request(outgoing(Route="<sip:192.0.2.99:5070;lr>, <sip:192.0.2.98;lr>"), User(), 0.0)

    (output,) = endpoint.drain()
    assert isinstance(output, SendDatagram)
    assert output.remote == ("192.0.2.99", 5070)
    assert output.local == (ATLANTA, 5060)


def test_a_flow_as_hop_goes_back_along_its_connection() -> None:
    """RFC 5626 §5.3: a request can be sent along the flow by which the binding was made."""
    endpoint = new_endpoint()
    back = Flow("TCP", (ATLANTA, 5060), ("198.51.100.7", 40_000), 9)

    endpoint.send_request(outgoing(), User(), 0.0, hop=back)

    (output,) = endpoint.drain()
    assert isinstance(output, SendStream)
    assert (output.connection, output.hop) == (9, Hop("TCP", "198.51.100.7", 40_000))


def test_a_uri_as_hop_names_the_server_in_place_of_route_and_request_uri() -> None:
    """§8.1.2: an outbound proxy."""
    endpoint = new_endpoint()
    request = outgoing(Route="<sip:192.0.2.99;lr>")

    for method in ("send_request", "send_stateless"):
        user = (User(),) if method == "send_request" else ()
        getattr(endpoint, method)(request, *user, 0.0, hop=SipUri(None, "192.0.2.77", 5070))
        getattr(endpoint, method)(request, *user, 0.0, hop=SipUri(None, "proxy.example"))

        numeric, named = endpoint.drain()
        assert isinstance(numeric, SendDatagram)
        assert numeric.remote == ("192.0.2.77", 5070)
        assert isinstance(named, Locate)
        assert named.host == "proxy.example"


# Retransmission and timeout.


def test_timer_a_doubles_and_timer_b_ends_it_at_64_t1() -> None:
    """§17.1.1.2: T1, 2*T1, 4*T1...; "seven requests in the case of an unreliable transport"."""
    endpoint, user, transaction, octets = begin()

    outputs = run(endpoint, 100.0)

    assert times(outputs) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert all(output.data == octets for _, output in outputs if isinstance(output, SendDatagram))
    assert user.failures == [("timeout", 32.0)]
    assert transaction.state is State.TERMINATED
    assert endpoint.transactions == (0, 0)


def test_timer_e_doubles_up_to_t2_and_timer_f_ends_it_at_64_t1() -> None:
    """§17.1.2.2: 500 ms, 1 s, 2 s, 4 s, 4 s, 4 s..."""
    endpoint, user, _, _ = begin("OPTIONS")

    outputs = run(endpoint, 100.0)

    assert times(outputs) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert user.failures == [("timeout", 32.0)]
    assert endpoint.next_deadline() is None


def test_another_t1_moves_everything() -> None:
    endpoint, user, _, _ = begin("OPTIONS", new_endpoint(timers=Timers(t1=1.0)))

    outputs = run(endpoint, 100.0)

    assert times(outputs)[:4] == [1.0, 3.0, 7.0, 11.0]
    assert user.failures == [("timeout", 64.0)]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_streams_are_not_retransmitted_on_but_do_time_out(method: str) -> None:
    """§17.1.1.2, §17.1.2.2: Timers A and E only for unreliable transports."""
    endpoint, user, _, _ = begin(method, hop=Hop("TCP", BILOXI, 5060))

    assert run(endpoint, 100.0) == []
    assert user.failures == [("timeout", 32.0)]


def test_a_provisional_response_stops_an_invites_retransmissions_and_its_timeout() -> None:
    """§17.1.1.2: Timers A and B belong to Calling."""
    endpoint, user, transaction, octets = begin()

    endpoint.receive(answer(octets, 180), flow(), 0.1)
    endpoint.receive(answer(octets, 183), flow(), 0.2)

    assert run(endpoint, 1000.0) == []
    assert user.statuses == [180, 183]
    assert user.failures == []
    assert transaction.state is State.PROCEEDING


def test_a_provisional_response_makes_other_requests_retransmit_every_t2() -> None:
    """§17.1.2.2: "If Timer E fires while in the "Proceeding" state, [...] Timer E MUST be reset with a value of T2"."""
    endpoint, user, _, octets = begin("OPTIONS")

    endpoint.receive(answer(octets, 100), flow(), 0.1)

    assert times(run(endpoint, 13.0)) == [0.5, 4.5, 8.5, 12.5]
    run(endpoint, 50.0)
    assert user.failures == [("timeout", 32.0)]


# Final responses.


def test_ack_of_a_refusal_is_made_from_the_invite() -> None:
    """§17.1.1.3: Request-URI, Via, Route, From, Call-ID and CSeq number are the INVITE's; To is the response's."""
    endpoint, user = new_endpoint(), User()
    routes = f"<sip:{BILOXI};lr>,<sip:ss2.example;lr>"
    endpoint.send_request(outgoing(uri="sip:bob@biloxi.example", Route=routes), user, 0.0)
    (octets,) = sent_octets(endpoint)
    invite = parse_message(octets)

    redirect = answer(octets, 302, extra="Contact: <sip:bob@elsewhere.example>")
    endpoint.receive(redirect, flow(), 0.1)

    (ack,) = sent(endpoint)
    assert isinstance(ack, Request)
    assert isinstance(invite, Request)
    assert (ack.method, ack.uri) == ("ACK", invite.uri)
    assert ack.vias == (invite.via,)
    assert ack.routes == invite.routes
    assert (ack.from_, ack.call_id) == (invite.from_, invite.call_id)
    assert ack.to.tag == "99sa0xk"
    assert (ack.cseq.number, ack.cseq.method) == (986759, "ACK")
    assert ack.body == b""
    assert user.statuses == [302]


def test_repeated_refusal_is_acknowledged_again_but_told_once_until_timer_d() -> None:
    """§17.1.1.2: Completed, 32 s."""
    endpoint, user, transaction, octets = begin()
    for at in (0.1, 0.6, 32.0):
        endpoint.receive(answer(octets, 486), flow(), at)

    first, *again = sent_octets(endpoint)

    assert again == [first, first]
    assert user.statuses == [486]
    assert transaction.state is State.COMPLETED
    run(endpoint, 32.1)
    assert endpoint.transactions == (0, 0)
    endpoint.receive(answer(octets, 486), flow(), 33.0)
    assert sent(endpoint) == []


def test_refusal_over_a_stream_ends_at_once() -> None:
    """§17.1.1.2: Timer D is zero for reliable transports, the ACK is sent nevertheless."""
    endpoint, user, transaction, octets = begin(hop=Hop("TCP", BILOXI, 5060))

    endpoint.receive(answer(octets, 486), flow("TCP"), 0.1)

    assert [ack.method for ack in sent(endpoint) if isinstance(ack, Request)] == ["ACK"]
    assert transaction.state is State.TERMINATED
    assert user.statuses == [486]
    assert endpoint.next_deadline() is None


def test_every_2xx_is_passed_up_while_accepted_and_none_is_acknowledged() -> None:
    """RFC 6026 §7.2: retransmissions and those of other branches, for 64*T1."""
    endpoint, user, transaction, octets = begin()

    endpoint.receive(answer(octets, 180), flow(), 0.1)
    endpoint.receive(answer(octets, 200), flow(), 1.0)
    endpoint.receive(answer(octets, 200), flow(), 1.5)
    endpoint.receive(answer(octets, 200, tag="other-fork"), flow(), 2.0)
    endpoint.receive(answer(octets, 486), flow(), 2.1)

    assert [response.to.tag for response in user.responses] == ["99sa0xk"] * 3 + ["other-fork"]
    assert sent(endpoint) == []
    assert transaction.state is State.ACCEPTED
    run(endpoint, 33.0)
    assert endpoint.transactions == (0, 0)
    assert user.failures == []


def test_only_one_final_response_of_other_methods_is_passed_up() -> None:
    """§17.1.2.2: Completed buffers retransmissions for T4."""
    endpoint, user, transaction, octets = begin("REGISTER")

    endpoint.receive(answer(octets, 200), flow(), 1.0)
    endpoint.receive(answer(octets, 200), flow(), 1.1)

    assert user.statuses == [200]
    assert transaction.state is State.COMPLETED
    assert endpoint.next_deadline() == 6.0
    run(endpoint, 6.0)
    assert endpoint.transactions == (0, 0)


# Responses that are none of ours.


def test_response_must_match_branch_method_and_sent_by() -> None:
    """§17.1.3, §18.1.2."""
    endpoint, user, _, octets = begin()
    good = answer(octets, 200)
    branch = (parse_message(octets).via.branch or "").encode()

    endpoint.receive(good.replace(branch, b"z9hG4bKother"), flow(), 0.1)
    endpoint.receive(good.replace(b"986759 INVITE", b"986759 BYE"), flow(), 0.1)
    endpoint.receive(good.replace(f"UDP {ATLANTA}:5060".encode(), b"UDP 203.0.113.1:5060"), flow(), 0.1)

    assert user.responses == []
    assert endpoint.counters.stray == 3
    endpoint.receive(good, flow(), 0.2)
    assert user.statuses == [200]


def test_unreadable_response_is_as_good_as_lost() -> None:
    endpoint, user, transaction, octets = begin()

    endpoint.receive(answer(octets, 200).replace(b"From: <sip:alice", b"From: <<sip:alice"), flow(), 0.1)

    assert user.responses == []
    assert transaction.state is State.CALLING
    assert endpoint.malformed == 1


def test_final_response_its_user_cannot_read_ends_in_a_timeout() -> None:
    """It counts as never received: the user is not left waiting for ever."""
    endpoint, user = new_endpoint(), User()

    def choke(transaction: ClientTransaction, response: Response, now: float) -> None:
        raise MalformedMessage("Bad Contact")

    user.on_response = choke
    endpoint.send_request(outgoing(), user, 0.0)
    endpoint.receive(answer(sent_octets(endpoint)[0], 200), flow(), 1.0)
    run(endpoint, 100.0)

    assert user.failures == [("timeout", 33.0)]
    assert endpoint.malformed == 1


# CANCEL.


def test_cancel_waits_for_a_provisional_response() -> None:
    """§9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent"."""
    endpoint, _, transaction, octets = begin()

    endpoint.cancel(transaction, 0.1)
    assert sent(endpoint) == []

    endpoint.receive(answer(octets, 100), flow(), 0.2)
    (cancel,) = sent(endpoint)
    assert isinstance(cancel, Request)
    assert cancel.method == "CANCEL"


def test_cancel_repeats_what_identifies_the_invite() -> None:
    """§9.1: Request-URI, Call-ID, To, From, the CSeq number, Route, and the top Via alone."""
    endpoint, user = new_endpoint(), User()
    request = outgoing(Route=f"<sip:{BILOXI};lr>", Via="SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKbelow", Require="100rel")
    transaction = endpoint.send_request(request, user, 0.0)
    (octets,) = sent_octets(endpoint)
    endpoint.receive(answer(octets, 180), flow(), 0.1)

    endpoint.cancel(transaction, 0.2, reason='SIP;cause=200;text="Call completed elsewhere"')

    invite = transaction.request
    (cancel,) = sent(endpoint)
    assert isinstance(cancel, Request)
    assert cancel.uri == invite.uri
    assert cancel.vias == (invite.via,)
    assert (cancel.from_, cancel.to, cancel.call_id) == (invite.from_, invite.to, invite.call_id)
    assert (cancel.cseq.number, cancel.cseq.method) == (986759, "CANCEL")
    assert cancel.routes == invite.routes
    assert "Require" not in cancel.fields
    assert cancel.fields.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'


def test_cancelled_invite_ends_with_its_487() -> None:
    """§9.1: "both the transaction corresponding to the original request and the CANCEL transaction will complete"."""
    endpoint, user, transaction, octets = begin()
    endpoint.receive(answer(octets, 180), flow(), 0.1)
    endpoint.cancel(transaction, 0.2)
    endpoint.cancel(transaction, 0.3)
    (cancel,) = sent_octets(endpoint)

    endpoint.receive(answer(cancel, 200), flow(), 0.4)
    endpoint.receive(answer(octets, 487), flow(), 0.5)

    assert user.statuses == [180, 487]
    run(endpoint, 100.0)
    assert user.failures == []
    assert endpoint.transactions == (0, 0)


def test_cancelled_invite_without_a_final_response_fails_after_64_t1() -> None:
    """§9.1: an RFC 2543 server sends no 487."""
    endpoint, user, transaction, octets = begin()
    endpoint.receive(answer(octets, 180), flow(), 0.1)
    endpoint.cancel(transaction, 1.0)
    (cancel,) = sent_octets(endpoint)
    endpoint.receive(answer(cancel, 200), flow(), 1.1)

    run(endpoint, 100.0)

    assert user.failures == [("timeout", 33.0)]
    assert endpoint.transactions == (0, 0)


def test_2xx_that_crosses_the_cancel_is_passed_up() -> None:
    """RFC 5407 §3.1.2: the caller must then acknowledge and hang up."""
    endpoint, user, transaction, octets = begin()
    endpoint.receive(answer(octets, 180), flow(), 0.1)
    endpoint.cancel(transaction, 0.2)

    endpoint.receive(answer(octets, 200), flow(), 0.25)

    assert user.statuses == [180, 200]
    assert user.failures == []


def test_nothing_is_sent_to_cancel_what_has_ended_or_is_no_invite() -> None:
    """§9.1."""
    endpoint, _, transaction, octets = begin()
    endpoint.receive(answer(octets, 486), flow(), 0.1)
    options = endpoint.send_request(outgoing("OPTIONS"), User(), 0.1)
    endpoint.drain()

    endpoint.cancel(transaction, 0.2)
    endpoint.cancel(options, 0.2)

    assert sent(endpoint) == []


def test_cancelling_while_still_locating_sends_nothing_at_all() -> None:
    endpoint, user = new_endpoint(), User()
    transaction = endpoint.send_request(outgoing(uri="sip:bob@biloxi.example"), user, 0.0)
    (query,) = endpoint.drain()
    assert isinstance(query, Locate)

    endpoint.cancel(transaction, 0.1)
    endpoint.located(query.query, HOPS, 0.1)
    run(endpoint, 100.0)

    assert user.failures == [("unresolved", 0.1)]
    assert endpoint.transactions == (0, 0)


# Locating, and one hop after another.


def test_host_names_are_located() -> None:
    """RFC 3263 §4."""
    endpoint, user = new_endpoint(), User()

    transaction = endpoint.send_request(outgoing(uri="sip:bob@biloxi.example:5080;transport=tcp"), user, 0.0)

    (query,) = endpoint.drain()
    assert query == Locate(query.query, "biloxi.example", 5080, "TCP", secure=False)  # type: ignore[union-attr]
    assert transaction.state is State.LOCATING
    assert transaction.flow is None


@pytest.mark.parametrize("seconds", [1.0, None])
def test_name_that_cannot_be_located_fails(seconds: float | None) -> None:
    """Found nothing, or nobody answered."""
    endpoint, user = new_endpoint(), User()
    endpoint.send_request(outgoing(uri="sip:bob@biloxi.example"), user, 0.0)
    (query,) = endpoint.drain()
    assert isinstance(query, Locate)

    if seconds is not None:
        endpoint.located(query.query, [], seconds)
    run(endpoint, 100.0)

    assert user.failures == [("unresolved", seconds or 32.0)]
    endpoint.located(query.query, HOPS, 101.0)
    assert endpoint.drain() == []


def test_next_hop_is_tried_with_a_new_branch_when_one_is_unreachable() -> None:
    """RFC 3263 §4.3: "the value of the branch ID in the Via header field [...] MUST be different"."""
    endpoint, user, transaction = located(HOPS)
    (first,) = endpoint.drain()
    assert isinstance(first, SendDatagram)

    endpoint.delivery_failed(HOPS[0], 0.1)

    told, second = endpoint.drain()
    assert told == HopSilent(HOPS[0])
    assert isinstance(second, SendDatagram)
    assert (first.remote, second.remote) == (("192.0.2.10", 5060), ("192.0.2.11", 5060))
    assert parse_message(first.data).via.branch != parse_message(second.data).via.branch
    assert transaction.flow == HOPS[1]
    endpoint.delivery_failed(HOPS[1], 0.2)
    assert user.failures == [("transport", 0.2)]


def test_503_is_a_failure_of_the_hop_and_is_acknowledged() -> None:
    """RFC 3263 §4.3."""
    endpoint, user, _ = located(HOPS)
    (first,) = sent_octets(endpoint)

    endpoint.receive(answer(first, 503), flow(), 0.1)

    ack, second = sent_octets(endpoint)
    assert parse_message(ack).cseq.method == "ACK"
    assert user.responses == []
    endpoint.receive(answer(first, 503), flow(), 0.6)
    assert sent_octets(endpoint) == [ack]
    endpoint.receive(answer(second, 503), flow(), 0.7)
    assert user.statuses == [503]


def test_hop_that_never_answers_gives_way_to_the_next_after_64_t1() -> None:
    """RFC 3263 §4.3: "if the transaction layer times out without ever having received any response"."""
    endpoint, user, _ = located(HOPS, "OPTIONS")
    endpoint.drain()

    outputs = run(endpoint, 32.0)
    second = outputs[-1][1]

    assert isinstance(second, SendDatagram)
    assert second.remote == ("192.0.2.11", 5060)
    run(endpoint, 100.0)
    assert user.failures == [("timeout", 64.0)]


def test_no_invite_waits_64_t1_for_a_server_while_there_is_another() -> None:
    """§17.1.1.2's 64*T1 is a SHOULD; for the last one it stays: nobody is left to ask."""
    endpoint, user, _ = located(HOPS)
    endpoint.drain()

    outputs = run(endpoint, 8.0)

    assert isinstance(outputs[-1][1], SendDatagram)
    assert outputs[-1][1].remote == ("192.0.2.11", 5060)
    assert outputs[-1][0] == 8.0
    run(endpoint, 100.0)
    assert user.failures == [("timeout", 40.0)]


def test_hop_that_answered_once_does_not_give_way() -> None:
    endpoint, user, _ = located(HOPS, "OPTIONS")
    (first,) = sent_octets(endpoint)
    endpoint.receive(answer(first, 100), flow(), 0.1)

    run(endpoint, 100.0)

    assert user.failures == [("timeout", 32.0)]


def silent(outputs: list[Output]) -> list[HopSilent | HopAnswered]:
    return [output for output in outputs if isinstance(output, HopSilent | HopAnswered)]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_hop_without_any_answer_is_told_to_be_silent_and_answering_again(method: str) -> None:
    """RFC 3263 §4.3: so that the next call does not wait 64*T1 for it again."""
    endpoint, _, _ = located(HOPS, method)

    told = silent([output for _, output in run(endpoint, 100.0)])

    assert told == [HopSilent(HOPS[0]), HopSilent(HOPS[1])]
    endpoint.send_request(outgoing(method, "sip:bob@biloxi.example"), User(), 100.0)
    query = endpoint.drain()[-1]
    assert isinstance(query, Locate)
    endpoint.located(query.query, HOPS[1:], 100.0)
    (octets,) = sent_octets(endpoint)
    endpoint.receive(answer(octets, 200), flow(), 100.1)
    assert silent(endpoint.drain()) == [HopAnswered(HOPS[1])]


def test_hop_that_cannot_be_reached_is_told_to_be_silent() -> None:
    endpoint, _, _ = located(HOPS)

    endpoint.delivery_failed(HOPS[0], 0.1)

    assert silent(endpoint.drain()) == [HopSilent(HOPS[0])]


def test_hop_that_answered_anything_is_not() -> None:
    endpoint, _, _ = located(HOPS, "OPTIONS")
    (first,) = sent_octets(endpoint)
    endpoint.receive(answer(first, 100), flow(), 0.1)

    assert silent([output for _, output in run(endpoint, 100.0)]) == []


def test_nobody_looks_up_a_numeric_hop_again() -> None:
    endpoint, _, _, _ = begin("OPTIONS")

    assert silent([output for _, output in run(endpoint, 100.0)]) == []


def test_transport_error_after_a_provisional_response_leaves_the_invite() -> None:
    """RFC 6026 figure 5: no arrow leaves Proceeding for it."""
    endpoint, user, transaction, octets = begin()
    endpoint.receive(answer(octets, 180), flow(), 0.1)

    endpoint.delivery_failed(Hop("UDP", BILOXI, 5060), 0.2)

    assert user.failures == []
    assert transaction.state is State.PROCEEDING


# Size.


def large(method: str = "OPTIONS") -> Request:
    return outgoing(method, Subject="x" * 1300)


def test_request_above_1300_octets_goes_by_tcp_and_says_so_in_its_via() -> None:
    """§18.1.1."""
    endpoint = new_endpoint()

    endpoint.send_request(large(), User(), 0.0)

    (output,) = endpoint.drain()
    assert isinstance(output, SendStream)
    assert output.hop == Hop("TCP", BILOXI, 5060)
    assert parse_message(output.data).via.transport == "TCP"


def test_refused_tcp_falls_back_to_udp() -> None:
    """§18.1.1: "the element SHOULD retry the request, using UDP"."""
    endpoint, user = new_endpoint(), User()
    endpoint.send_request(large(), user, 0.0)
    endpoint.drain()

    endpoint.delivery_failed(Hop("TCP", BILOXI, 5060), 0.1)

    (output,) = endpoint.drain()
    assert isinstance(output, SendDatagram)
    assert parse_message(output.data).via.transport == "UDP"
    endpoint.delivery_failed(Hop("UDP", BILOXI, 5060), 0.2)
    assert user.failures == [("transport", 0.2)]


def test_tcp_that_stays_silent_is_not_tried_again_by_udp() -> None:
    endpoint, user = new_endpoint(), User()
    endpoint.send_request(large(), user, 0.0)
    endpoint.drain()

    assert run(endpoint, 100.0) == []
    assert user.failures == [("timeout", 32.0)]


def test_endpoint_without_tcp_sends_large_requests_by_udp() -> None:
    endpoint = new_endpoint(transports="UDP")

    endpoint.send_request(large(), User(), 0.0)

    assert isinstance(endpoint.drain()[0], SendDatagram)


# Nothing grows without bound; nothing is reported from inside a call.


@pytest.mark.parametrize("uri", ["tel:+358-555-1234567", "sip:bob@192.0.2.4;transport=sctp", "sip:bob@[2001:db8::1]"])
def test_request_that_can_go_nowhere_fails_later_not_at_once(uri: str) -> None:
    endpoint, user = new_endpoint(), User()

    transaction = endpoint.send_request(outgoing(uri=uri), user, 5.0)

    assert user.failures == []
    assert transaction.state is State.LOCATING
    run(endpoint, 5.0)
    assert user.failures == [("unresolved", 5.0)]


def test_client_transactions_are_limited() -> None:
    endpoint, user = new_endpoint(limits=Limits(transactions=3)), User()

    for _ in range(5):
        endpoint.send_request(outgoing("OPTIONS"), user, 0.0)
    run(endpoint, 0.0)

    assert user.failures == [("transport", 0.0)] * 2
    assert endpoint.transactions == (3, 0)


# Without a transaction.


def test_ack_of_a_2xx_is_sent_once_with_a_branch_of_its_own() -> None:
    """§13.2.2.4, §17.1.1.3."""
    endpoint = new_endpoint()
    ack = outgoing("ACK")

    endpoint.send_stateless(ack, 0.0)
    endpoint.send_stateless(ack, 0.5)

    first, second = sent(endpoint)
    assert first.via.branch != second.via.branch
    assert endpoint.transactions == (0, 0)
    assert run(endpoint, 100.0) == []


def test_ack_to_a_host_name_waits_for_its_location() -> None:
    endpoint = new_endpoint()
    endpoint.send_stateless(outgoing("ACK", "sip:bob@biloxi.example"), 0.0)
    (query,) = endpoint.drain()
    assert isinstance(query, Locate)

    endpoint.located(query.query, HOPS, 0.1)

    (output,) = endpoint.drain()
    assert isinstance(output, SendDatagram)
    assert output.remote == ("192.0.2.10", 5060)
    assert endpoint.transactions == (0, 0)
