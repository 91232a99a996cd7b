"""The stateful proxy: RFC 3261 §16, RFC 4320, RFC 5393."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.message import Request, response_to
from firmware.sip.transport import Flow, Hop
from firmware.sip.uri import SipUri
from tests.support.exchange import DOMAIN, EXCHANGE, Exchange, Phone, make_request, with_credentials
from tests.support.world import World

BOB = "sip:1002@home.test"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def exchange(world: World) -> Exchange:
    return Exchange(world)


@pytest.fixture
def alice(world: World, exchange: Exchange) -> Phone:
    """1001's phone, registered."""
    phone = Phone(world, "192.0.2.1")
    phone.register("1001")
    phone.responses.clear()
    return phone


@pytest.fixture
def bob(world: World, exchange: Exchange) -> Phone:
    """1002's phone, registered."""
    phone = Phone(world, "192.0.2.2")
    phone.register("1002")
    phone.responses.clear()
    return phone


def invite(uri: str = BOB, **rest: object) -> Request:
    return make_request("INVITE", uri, fields=[("Contact", "<sip:phone@192.0.2.1:5060>")], **rest)  # type: ignore[arg-type]


def own_user(request: Request) -> str | None:
    uri = request.record_routes[0].uri
    assert isinstance(uri, SipUri)
    return uri.user


def test_a_call_is_forwarded_and_every_response_returns(world: World, alice: Phone, bob: Phone) -> None:
    """§16.6, §16.7."""
    bob.answers(180, 200)

    alice.send(invite())
    world.run(0.5)

    (got,) = bob.requests
    assert str(got.request.uri) == bob.contact
    assert got.request.max_forwards == 69
    assert [via.host for via in got.request.vias] == [EXCHANGE, alice.host]
    assert alice.statuses == [100, 180, 200]
    assert [via.host for via in alice.last.vias] == [alice.host]


def test_100_is_sent_at_once_and_goes_no_further(world: World, alice: Phone, bob: Phone) -> None:
    """§16.7 step 5: "a stateful proxy MUST NOT forward any 100 (Trying) response"."""
    bob.answers(100)

    alice.send(invite())
    world.run(world.now + 0.011)

    assert alice.statuses == [100]
    assert [via.host for via in alice.last.vias] == [alice.host]
    world.run(world.now + 0.5)
    assert alice.statuses == [100]


# §16.3: validation


def test_max_forwards_0_goes_no_further(alice: Phone, bob: Phone) -> None:
    """§16.3 step 3."""
    assert alice.ask(invite().with_("Max-Forwards", 0)).status == 483
    assert bob.requests == []


def test_options_ends_here_at_max_forwards_0(alice: Phone, bob: Phone) -> None:
    """§16.3 step 3, §11: the element may answer itself, which makes a traceroute."""
    assert alice.ask(make_request("OPTIONS", BOB, fields=[("Max-Forwards", 0)])).status == 200
    assert bob.requests == []


def test_the_domain_itself_answers_options(alice: Phone) -> None:
    """§11.2: a proxy is method agnostic, so it names no methods."""
    answer = alice.ask(make_request("OPTIONS", f"sip:{DOMAIN}"))

    assert answer.status == 200
    assert answer.accept
    assert [coding.value for coding in answer.accept_encoding] == ["identity"]
    assert [language.value for language in answer.accept_language] == ["en"]
    assert answer.supported == ("path",)
    assert "Allow" not in answer.fields


def test_an_extension_we_would_have_to_understand_is_refused(alice: Phone, bob: Phone) -> None:
    """§16.3 step 5."""
    refusal = alice.ask(invite().with_("Proxy-Require", "foo, bar"))

    assert refusal.status == 420
    assert refusal.unsupported == ("foo", "bar")
    assert bob.requests == []


def test_an_unknown_scheme_is_refused(alice: Phone) -> None:
    """§16.3 step 2."""
    assert alice.ask(invite("urn:service:sos", to="<sip:sos@home.test>")).status == 416


def test_a_loop_is_detected(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.3 step 4: the second binding leads back here with the very same Request-URI."""
    exchange.bind("1002", f"sip:1002@{EXCHANGE}:5060")

    answers = [alice.ask(invite(f"sip:1002@{EXCHANGE}:5060")).status]

    assert answers == [482]


def test_a_spiral_is_no_loop(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§16.3 step 4: it comes back with another Request-URI."""
    exchange.bind("1003", f"sip:1002@{DOMAIN};transport=udp")
    world.names[DOMAIN] = (Hop("UDP", EXCHANGE, 5060),)
    bob.answers(200)

    assert alice.ask(invite("sip:1003@home.test")).status == 200
    assert [via.host for via in bob.requests[0].request.vias] == [EXCHANGE, EXCHANGE, alice.host]


def test_a_registration_that_forks_to_itself_does_not_explode(world: World, exchange: Exchange, alice: Phone) -> None:
    """RFC 5393 §3: two contacts of one user that both lead back to the user."""
    world.names[DOMAIN] = (Hop("UDP", EXCHANGE, 5060),)
    exchange.bind("1003", f"sip:1003@{DOMAIN};unknown-param=whack")
    exchange.bind("1003", f"sip:1003@{DOMAIN};unknown-param=thud")
    before = len(world.trace)

    assert alice.ask(invite("sip:1003@home.test")).status == 482
    invitations = [sent for sent in world.trace[before:] if sent.first_line.startswith("INVITE")]
    assert len(invitations) <= 14


def test_max_breadth_is_added_and_divided(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """RFC 5393 §5.3.3."""
    other = Phone(world, "192.0.2.3")
    other.register("1002")

    alice.send(invite())
    world.run(world.now + 0.1)

    assert [phone.requests[0].request.max_breadth for phone in (bob, other)] == [30, 30]


# §22.3, §26.3.2.3: who may


def test_a_stranger_reaches_our_users(world: World, bob: Phone) -> None:
    stranger = Phone(world, "203.0.113.9")
    bob.answers(200)

    assert stranger.ask(invite(sender="sip:carol@elsewhere.example")).status == 200


def test_a_closed_house_has_strangers_prove_who_they_are(world: World) -> None:
    """RFC 3665 §3.3: the callee's proxy challenges too; whoever has a password here may come from anywhere."""
    Exchange(world, open_to_strangers=False)
    bob = Phone(world, "192.0.2.2")
    bob.register("1002")
    bob.answers(200)
    stranger = Phone(world, "203.0.113.9")
    call = invite(sender="sip:carol@elsewhere.example")

    assert stranger.ask(call).status == 407
    assert stranger.ask_with_digest(call.with_("Call-ID", "call-2"), "1003", "secret3").status == 200


def test_a_stranger_reaches_nobody_else(world: World, exchange: Exchange) -> None:
    """No open relay."""
    stranger = Phone(world, "203.0.113.9")

    refusal = stranger.ask(invite("sip:dave@203.0.113.77", sender="sip:carol@elsewhere.example"))

    assert refusal.status == 407
    assert {challenge.realm for challenge in refusal.proxy_authenticate} == {DOMAIN}


def test_a_route_onward_makes_no_relay_of_us(world: World, exchange: Exchange, bob: Phone) -> None:
    """The Request-URI is ours, but the request would go to somebody else."""
    stranger = Phone(world, "203.0.113.9")
    routes = f"<sip:{EXCHANGE};lr>, <sip:203.0.113.77;lr>"

    assert stranger.ask(invite(sender="sip:carol@elsewhere.example").with_("Route", routes)).status == 407


def test_a_name_of_ours_must_be_proven(world: World, exchange: Exchange, bob: Phone) -> None:
    roamer = Phone(world, "203.0.113.9")
    bob.answers(200)

    assert roamer.ask(invite()).status == 407
    assert roamer.ask_with_digest(invite(call_id="call-2"), "1001", "secret1").status == 200
    assert "Proxy-Authorization" not in bob.requests[0].request.fields


def test_one_of_us_cannot_call_as_another(world: World, exchange: Exchange, bob: Phone) -> None:
    roamer = Phone(world, "203.0.113.9")

    assert roamer.ask_with_digest(invite(), "1003", "secret3").status == 403
    assert bob.requests == []


def test_where_a_user_registered_from_is_proof_enough_for_any_call(
    world: World, exchange: Exchange, alice: Phone
) -> None:
    dave = Phone(world, "203.0.113.77")
    dave.answers(200)

    assert alice.ask(invite("sip:dave@203.0.113.77")).status == 200


def test_another_port_of_that_host_is_no_proof(world: World, exchange: Exchange, alice: Phone) -> None:
    neighbour = Phone(world, alice.host, port=5090)

    assert neighbour.ask(invite("sip:dave@203.0.113.77")).status == 407


def test_a_trusted_network_needs_no_proof(world: World) -> None:
    Exchange(world, trusted=["203.0.113.0/24"])
    gateway, dave = Phone(world, "203.0.113.9"), Phone(world, "203.0.113.77")
    dave.answers(200)

    assert gateway.ask(invite("sip:dave@203.0.113.77", sender="sip:carol@elsewhere.example")).status == 200


def test_credentials_for_another_realm_pass_through(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§22.3: a proxy must not consume what is meant for another."""
    theirs = 'Digest username="a", realm="other", nonce="n", uri="sip:b", response="00"'
    bob.answers(200)

    alice.ask(invite().with_("Proxy-Authorization", theirs))

    assert bob.requests[0].request.fields.get("Proxy-Authorization") == theirs


# §16.4, §16.6: routes


def test_our_route_is_removed_and_a_further_one_followed(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.4, §16.6 step 7."""
    relay = Phone(world, "192.0.2.50")
    routes = f"<sip:{EXCHANGE}:5060;lr>, <sip:{relay.host};lr>"

    alice.send(invite("sip:dave@elsewhere.example").with_("Route", routes))
    world.run(world.now + 0.2)

    assert str(relay.requests[0].request.uri) == "sip:dave@elsewhere.example"
    assert relay.requests[0].request.fields.all("Route") == (f"<sip:{relay.host};lr>",)


def test_a_strict_router_gets_its_own_uri(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.6 step 6."""
    strict = Phone(world, "192.0.2.50")
    routes = f"<sip:{EXCHANGE}:5060;lr>, <sip:{strict.host}>, <sip:192.0.2.51;lr>"

    alice.send(invite("sip:dave@elsewhere.example").with_("Route", routes))
    world.run(world.now + 0.2)

    got = strict.requests[0].request
    assert str(got.uri) == f"sip:{strict.host}"
    assert [str(route.uri) for route in got.routes] == ["sip:192.0.2.51;lr", "sip:dave@elsewhere.example"]


def test_what_a_strict_router_moved_is_put_back(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§16.4: the Request-URI is a value of our Record-Route, the real one is the last Route."""
    bob.answers(200)
    alice.ask(invite())
    recorded = str(bob.requests[0].request.record_routes[0].uri)
    stranger = Phone(world, "203.0.113.9")
    bye = make_request("BYE", recorded, to=f"<{BOB}>;tag=x", cseq=2, fields=[("Route", f"<{bob.contact}>")])

    stranger.send(bye)
    world.run(world.now + 0.2)

    assert str(bob.requests[-1].request.uri) == bob.contact
    assert bob.requests[-1].request.routes == ()


def test_a_dialog_stays_on_our_path(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§16.6 step 4, §16.12: ACK and BYE come through the Record-Route, the callee's too."""
    bob.answers(200)
    ok = alice.ask(invite())
    route = ok.fields.all("Record-Route")
    ack = make_request("ACK", bob.contact, to=str(ok.to), fields=[("Route", route[0])])
    bye = make_request("BYE", alice.contact, sender=BOB, to="<sip:1001@home.test>;tag=from-tag", cseq=7)

    alice.send_stateless(ack, Hop("UDP", EXCHANGE, 5060))
    world.run(world.now + 0.2)
    alice.answers(200)
    answer = bob.ask(bye.with_("Route", bob.requests[0].request.fields.all("Record-Route")[0]))

    assert [via.host for via in bob.acks[0].vias] == [EXCHANGE, alice.host]
    assert bob.acks[0].routes == ()
    assert answer.status == 200
    assert "Record-Route" not in alice.requests[-1].request.fields


def test_a_dialog_request_needs_no_proof_but_the_seal(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    """§16.6 step 4: the value itself tells that this call was let through."""
    bob.answers(200)
    alice.ask(invite())
    recorded = bob.requests[0].request.fields.all("Record-Route")[0]
    stranger, dave = Phone(world, "203.0.113.9"), Phone(world, "203.0.113.77")
    dave.answers(200)

    def bye(route: str, call_id: str) -> Request:
        to = "<sip:dave@203.0.113.77>;tag=d"
        return make_request("BYE", "sip:dave@203.0.113.77", to=to, call_id=call_id, fields=[("Route", route)])

    assert stranger.ask(bye(recorded, "call-1")).status == 200
    assert stranger.ask(bye(recorded, "call-9")).status == 407
    assert stranger.ask(bye(f"<sip:{EXCHANGE};lr>", "call-1")).status == 407


def test_an_ack_that_nobody_vouches_for_is_dropped(world: World, exchange: Exchange) -> None:
    """An ACK cannot be challenged, and must not be relayed for strangers."""
    stranger, dave = Phone(world, "203.0.113.9"), Phone(world, "203.0.113.77")
    ack = make_request("ACK", "sip:dave@203.0.113.77", to="<sip:dave@203.0.113.77>;tag=d")

    stranger.send_stateless(ack, Hop("UDP", EXCHANGE, 5060))
    world.run(world.now + 1)

    assert dave.acks == []


def test_each_side_gets_a_record_route_for_its_own_transport(world: World, exchange: Exchange, bob: Phone) -> None:
    """RFC 5658 §3: from TCP to UDP we look different from either side."""
    alice = Phone(world, "192.0.2.1")
    tcp = Hop("TCP", EXCHANGE, 5060)
    alice.register("1001", hop=tcp)
    bob.answers(200)

    alice.ask(invite(), tcp)

    routes = [str(route.uri) for route in bob.requests[0].request.record_routes]
    seal = own_user(bob.requests[0].request)
    assert routes == [f"sip:{seal}@{EXCHANGE}:5060;lr", f"sip:{seal}@{EXCHANGE}:5060;transport=tcp;lr"]


def test_a_phone_behind_a_nat_is_reached_where_it_registered_from(
    world: World, exchange: Exchange, alice: Phone
) -> None:
    """RFC 5626 §3.4: its Contact is of use to nobody, in the call and later in the dialog."""
    hidden = Phone(world, "198.51.100.7", port=31337)
    hidden.register("1002", contact="sip:phone@10.0.0.5:5060")
    hidden.answers(200)

    ok = alice.ask(invite())
    bye = make_request("BYE", "sip:phone@10.0.0.5:5060", to=str(ok.to), cseq=9)
    ended = alice.ask(bye.with_("Route", ok.fields.all("Record-Route")[0]))

    assert (ok.status, ended.status) == (200, 200)
    assert str(hidden.requests[0].request.uri) == "sip:phone@10.0.0.5:5060"


def test_path_becomes_route(world: World, exchange: Exchange, alice: Phone) -> None:
    """RFC 3327 §5.2."""
    edge, phone = Phone(world, "192.0.2.50"), Phone(world, "10.0.0.5")
    request = make_request(
        "REGISTER",
        f"sip:{DOMAIN}",
        sender=BOB,
        to=f"<{BOB}>",
        fields=[("Contact", f"<{phone.contact}>"), ("Path", f"<sip:{edge.host};lr>"), ("Supported", "path")],
    )
    phone.ask_with_digest(request, "1002", "secret2")

    alice.send(invite())
    world.run(world.now + 0.2)

    assert edge.requests[0].request.fields.all("Route") == (f"<sip:{edge.host};lr>",)
    assert str(edge.requests[0].request.uri) == phone.contact


# §16.5: targets


def test_nobody_of_that_name(alice: Phone) -> None:
    assert alice.ask(invite("sip:1999@home.test")).status == 404


def test_somebody_who_is_not_registered(alice: Phone) -> None:
    assert alice.ask(invite("sip:1003@home.test")).status == 480


def test_a_telephone_number_of_ours(alice: Phone, bob: Phone) -> None:
    """RFC 3966: tel:1002 is 1002 of the only domain we have."""
    bob.answers(200)

    assert alice.ask(invite("tel:10-02;phone-context=home.test")).status == 200
    assert alice.ask(invite("tel:+441632960083", call_id="call-2")).status == 404


def test_our_own_user_agents_contact_is_left_to_it(world: World, exchange: Exchange, alice: Phone) -> None:
    """One process is both exchange and phone: the next core takes what is for its Contact."""
    phone = Phone(world, "192.0.2.60")
    exchange.endpoint.cores.append(phone)

    alice.send(invite(f"sip:x7Gq@{EXCHANGE}:5060"))
    alice.send(make_request("OPTIONS", f"sip:x7Gq@{EXCHANGE}:5060", call_id="call-2"))
    world.run(world.now + 0.2)

    assert [transaction.method for transaction in phone.requests] == ["INVITE", "OPTIONS"]


def test_a_sips_request_goes_to_no_sip_contact(alice: Phone, bob: Phone) -> None:
    """RFC 5630 §5.3."""
    assert alice.ask(invite("sips:1002@home.test")).status == 480
    assert bob.requests == []


def test_too_many_requests_at_once_are_refused(world: World) -> None:
    exchange = Exchange(world, trusted=["192.0.2.0/24"], most_requests=1)
    alice, bob = Phone(world, "192.0.2.1"), Phone(world, "192.0.2.2")
    exchange.bind("1002", bob.contact)

    alice.send(invite())
    refusal = alice.ask(invite(call_id="call-2"))

    assert refusal.status == 503
    assert refusal.retry_after is not None


# §16.7: responses of several phones


@pytest.fixture
def second(world: World, exchange: Exchange) -> Phone:
    """1002's other phone, registered."""
    phone = Phone(world, "192.0.2.3")
    phone.register("1002")
    phone.responses.clear()
    return phone


def test_all_phones_ring_and_the_first_to_answer_gets_the_call(
    world: World, alice: Phone, bob: Phone, second: Phone
) -> None:
    """§16.7 steps 5 and 10."""
    bob.answers(180)
    second.answers(180)
    alice.send(invite())
    world.run(world.now + 1)

    second.reply(second.requests[0], 200)
    world.run(world.now + 1)

    assert alice.statuses == [100, 180, 180, 200]
    # RFC 3326 §2: who knows that another phone took the call has missed none.
    assert [cancel.reasons[0].cause for cancel in bob.cancel_requests] == [200]
    assert second.cancels == []


def test_every_2xx_is_forwarded(world: World, alice: Phone, bob: Phone, second: Phone) -> None:
    """§16.7 step 5: "Any 2xx response to an INVITE request", also when one was sent already."""
    bob.answers(200)
    second.answers(200)

    alice.send(invite())
    world.run(world.now + 0.3)

    assert alice.statuses.count(200) == 2
    assert len({response.to.tag for response in alice.responses if response.status == 200}) == 2


def test_a_2xx_is_forwarded_when_nobody_remembers_the_call(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    """§16.7: "late" 2xx responses go on without state, if their Via shows that the request was ours."""
    bob.answers(486)
    alice.ask(invite())
    world.run(world.now + 200)
    late = response_to(bob.requests[0].request, 200, "Late", to_tag="late")

    exchange.endpoint.receive(bytes(late), Flow("UDP", (EXCHANGE, 5060), (bob.host, 5060)), world.now)
    world.touch(exchange.node)
    world.run(world.now + 1)
    forged = late.with_("Call-ID", "another")
    exchange.endpoint.receive(bytes(forged), Flow("UDP", (EXCHANGE, 5060), (bob.host, 5060)), world.now)
    world.touch(exchange.node)

    forwarded = [sent for sent in world.trace if sent.destination[0] == alice.host and b"200 Late" in sent.data]
    assert len(forwarded) == 1


def test_busy_everywhere_is_busy(world: World, alice: Phone, bob: Phone, second: Phone) -> None:
    """§16.7 step 6: the lowest class, and of it what says most."""
    bob.answers(480)
    second.answers(486)

    assert alice.ask(invite()).status == 486


def test_a_6xx_ends_the_search(world: World, alice: Phone, bob: Phone, second: Phone) -> None:
    """§16.7 step 5: cancel the others, and forward it once they have ended."""
    bob.answers(180)
    second.answers(603)

    assert alice.ask(invite()).status == 603
    assert [cancel.reasons[0].cause for cancel in bob.cancel_requests] == [603]


def test_the_callers_reason_for_giving_up_is_passed_on(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    """RFC 3326 §2."""
    bob.answers(180)
    call = alice.send(invite())
    world.run(world.now + 1)

    alice.endpoint.cancel(call, world.now, reason="SIP;cause=200")
    world.touch(alice.node)
    world.run(world.now + 1)

    assert [cancel.fields.get("Reason") for cancel in bob.cancel_requests] == ["SIP;cause=200"]


def test_challenges_of_all_phones_are_collected(world: World, alice: Phone, bob: Phone, second: Phone) -> None:
    """§16.7 step 7."""
    bob.answers(401, fields=[("WWW-Authenticate", 'Digest realm="bob", nonce="1"')])
    second.answers(407, fields=[("Proxy-Authenticate", 'Digest realm="second", nonce="2"')])

    answer = alice.ask(invite())

    assert answer.status in (401, 407)
    assert [challenge.realm for challenge in (*answer.www_authenticate, *answer.proxy_authenticate)] == [
        "bob",
        "second",
    ]


def test_503_is_not_passed_on(world: World, alice: Phone, bob: Phone) -> None:
    """§16.7 step 6: it would say that this proxy can serve nobody."""
    bob.answers(503)

    assert alice.ask(invite()).status == 500


def test_a_phone_that_is_gone_is_500(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.9: a transport error counts as 503."""
    exchange.bind("1003", f"sip:phone@{alice.host}:5999")

    assert alice.ask(invite("sip:1003@home.test")).status == 500


def test_a_silent_phone_is_408(world: World, alice: Phone, bob: Phone) -> None:
    """§16.6 step 7: Timer B."""
    world.cut(bob.node)

    assert alice.ask(invite(), wait=40).status == 408


def test_a_request_without_answer_gets_no_408(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """RFC 4320 §4.2: not for what is no INVITE."""
    world.cut(bob.node)

    alice.send(make_request("MESSAGE", BOB, body=b"hello"))
    world.run(world.now + 60)

    assert [status for status in alice.statuses if status != 100] == []
    assert alice.failures == ["timeout"]
    assert len(exchange.server) == 0  # type: ignore[arg-type]


def test_a_phone_that_rings_for_ever_is_given_up(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§16.8: Timer C is longer than three minutes, and starts anew with each 101-199."""
    bob.answers(180)
    alice.send(invite())
    world.run(world.now + 100)
    bob.reply(bob.requests[0], 183)
    world.run(world.now + 180)
    assert bob.cancels == []

    world.run(world.now + 10)

    assert len(bob.cancels) == 1
    assert alice.last.status == 487


def test_the_preferred_phone_rings_first(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.6: "Targets are processed from highest qvalue to lowest"."""
    desk, mobile = Phone(world, "192.0.2.2"), Phone(world, "192.0.2.3")
    exchange.bind("1002", desk.contact, q=1.0)
    exchange.bind("1002", mobile.contact, q=0.5)
    desk.answers(486)
    mobile.answers(200)

    assert alice.ask(invite()).status == 200
    assert desk.requests[0].started < mobile.requests[0].started


def test_a_phone_that_nobody_picks_up_makes_way_for_the_next(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.6: serial search; the first group is cancelled after `search_time`."""
    desk, mobile = Phone(world, "192.0.2.2"), Phone(world, "192.0.2.3")
    exchange.bind("1002", desk.contact, q=1.0)
    exchange.bind("1002", mobile.contact, q=0.5)
    desk.answers(180)
    mobile.answers(200)

    assert alice.ask(invite(), wait=30).status == 200
    assert len(desk.cancels) == 1
    assert 20 <= mobile.requests[0].started - desk.requests[0].started < 21


def test_a_redirection_by_our_users_phone_is_followed(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    """§16.7 step 4: call forwarding."""
    dave = Phone(world, "203.0.113.77")
    bob.answers(302, fields=[("Contact", "<sip:dave@203.0.113.77>")])
    dave.answers(200)

    assert alice.ask(invite()).status == 200


def test_a_redirection_by_somebody_else_is_passed_on(world: World, exchange: Exchange, alice: Phone) -> None:
    """§16.5: only for a Request-URI of ours may targets be added."""
    dave = Phone(world, "203.0.113.77")
    dave.answers(302, fields=[("Contact", "<sip:erin@203.0.113.78>")])

    answer = alice.ask(invite("sip:dave@203.0.113.77"))

    assert answer.status == 302
    assert str(answer.contacts[0].uri) == "sip:erin@203.0.113.78"


def test_a_broken_connection_takes_its_binding_away(world: World, exchange: Exchange, alice: Phone) -> None:
    """RFC 5626 §5.3: a flow that failed is no way to the phone any more."""
    restarted = Phone(world, "198.51.100.7")
    gone = Flow("TCP", (EXCHANGE, 5060), (restarted.host, 40000), 99)
    exchange.bind("1002", "sip:phone@10.0.0.5;transport=tcp", flow=gone)

    assert alice.ask(invite()).status == 500
    assert alice.ask(invite(call_id="call-2")).status == 480


# §16.10: CANCEL


def test_cancel_reaches_every_phone(world: World, exchange: Exchange, alice: Phone, bob: Phone, second: Phone) -> None:
    bob.answers(180)
    second.answers(180)
    call = alice.send(invite())
    world.run(world.now + 1)

    alice.cancel(call)
    world.run(world.now + 1)

    assert (len(bob.cancels), len(second.cancels)) == (1, 1)
    assert alice.last.status == 487
    assert len(alice.statuses) == 4


def test_nothing_is_remembered_in_the_end(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    bob.answers(486)
    alice.ask(invite())

    world.run(world.now + 200)

    assert len(exchange.server) == 0  # type: ignore[arg-type]
    assert exchange.endpoint.transactions == (0, 0)


def test_a_malformed_field_leaves_nothing_half_forwarded(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    """What forwarding reads is read before anything is sent."""
    assert alice.ask(invite().with_("Proxy-Authorization", "Digest realm=")).status == 400
    assert alice.ask(invite(call_id="call-2").with_("Max-Breadth", "many")).status == 400
    assert (len(exchange.server), bob.requests) == (0, [])  # type: ignore[arg-type]


def test_stale_credentials_are_asked_for_again(world: World, exchange: Exchange, bob: Phone) -> None:
    """RFC 7616 §3.3: the password is right, the nonce was used before."""
    roamer = Phone(world, "203.0.113.9")
    bob.answers(200)
    refusal = roamer.ask(invite())
    roamer.ask(with_credentials(invite(), refusal, "1001", "secret1"))

    replayed = roamer.ask(with_credentials(invite(call_id="call-3"), refusal, "1001", "secret1"))

    assert replayed.status == 407
    assert replayed.proxy_authenticate[0].stale


FIELDS = {
    "Via": [
        "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{}",
        "SIP/2.0/TCP [::1];branch=z9hG4bK{}, SIP/2.0/UDP 192.0.2.10",
    ],
    "From": ["<sip:1001@home.test>;tag=1", "sip:x@y;tag=2", "<urn:x>;tag=a", "<sip:%ed%a0%80@home.test>;tag=1"],
    "To": ["<sip:1002@home.test>", "<sip:1002@home.test>;tag=x", "<sip:1001@home.test>", "<tel:1002>"],
    "Route": ["<sip:192.0.2.10;lr>", "<sip:home.test>", "<sip:192.0.2.2;lr>, <urn:y>", "<sip:,"],
    "Contact": ["*", "<sip:a@192.0.2.1>", "<sip:", "<tel:1>;q=2", "<sip:a@[::1]>;expires=99999999999"],
    "Max-Forwards": ["0", "1", "70", "256", "x"],
    "Max-Breadth": ["0", "1", "-", "99999999999999"],
    "Proxy-Require": ["foo", "a b"],
    "Path": ["<sip:p;lr>", "<"],
    "Expires": ["0", "60", "-1"],
    "Proxy-Authorization": ['Digest realm="home.test", username="1001", response="0", nc=zz', "Basic abc", "Digest "],
}
URIS = [
    *("sip:1002@home.test", "sip:home.test", "sip:1002@192.0.2.10", "sip:zz@192.0.2.10", "sips:1002@home.test"),
    *(
        "tel:1002",
        "urn:x",
        "sip:a@b;maddr=192.0.2.10",
        "sip:[::1]",
        "sip:1002@home.test;maddr=[::zz",
        "sip:a@c;transport=x",
    ),
]


def nonsense(random: Random) -> bytes:
    """A request whose fields are well chosen, not well formed."""
    method = random.choice(["INVITE", "REGISTER", "OPTIONS", "BYE", "ACK", "CANCEL", "MESSAGE", "FOO"])
    lines = [f"{method} {random.choice(URIS)} SIP/2.0"]
    for name, values in FIELDS.items():
        if name in ("Via", "From", "To") or random.random() < 0.25:
            lines.append(f"{name}: {random.choice(values).format(random.randrange(500))}")
    lines += [f"Call-ID: {random.randrange(99)}", f"CSeq: {random.randrange(9)} {method}", "", ""]
    return "\r\n".join(lines).encode()


def test_whatever_comes_nothing_is_left_of_it(world: World) -> None:
    """No request, however odd, raises here or leaves a transaction or a response context behind."""
    random = Random(3261)
    exchange = Exchange(world, trusted=["192.0.2.0/24"])
    phone = Phone(world, "192.0.2.2")
    exchange.bind("1002", phone.contact)
    exchange.bind("1002", f"sip:1002@{EXCHANGE}:5060")
    phone.script = lambda call: phone.reply(call, random.choice([100, 180, 200, 302, 401, 486, 503, 600]))

    for _ in range(1500):
        source = random.choice(["192.0.2.1", "203.0.113.1"])
        exchange.endpoint.receive(nonsense(random), Flow("UDP", (EXCHANGE, 5060), (source, 5060)), world.now)
        world.touch(exchange.node)
        world.run(world.now + 0.05)
    world.run(world.now + 500)

    assert phone.requests
    assert (len(exchange.server), exchange.endpoint.transactions) == (0, (0, 0))  # type: ignore[arg-type]


# Leave


def test_a_proxy_that_ends_leaves_no_phone_ringing(world: World, exchange: Exchange, alice: Phone, bob: Phone) -> None:
    """§16.10 for all that rings: nobody would forward the CANCEL, nor the answer of who lifts."""
    bob.answers(180)
    alice.send(invite())
    world.run(world.now + 0.5)
    assert not exchange.server.idle

    exchange.server.stop(world.now)
    world.touch(exchange.node)
    world.run(world.now + 0.5)

    assert [cancel.method for cancel in bob.cancel_requests] == ["CANCEL"]
    assert alice.statuses[-1] == 503
    assert exchange.server.idle


def test_a_proxy_that_ends_begins_no_call_and_breaks_none(
    world: World, exchange: Exchange, alice: Phone, bob: Phone
) -> None:
    bob.answers(200)
    alice.send(invite())
    world.run(world.now + 0.5)
    before = len(bob.requests)

    exchange.server.stop(world.now)

    assert exchange.server.idle
    assert alice.ask(invite(call_id="another")).status == 503
    assert len(bob.requests) == before
