"""Registration: RFC 3261 §10.2, RFC 3665 §2, RFC 3608, RFC 5626 §4.5."""

from __future__ import annotations

import itertools

import pytest

from firmware.sip.cores.user_agent_events import RegistrationChanged
from firmware.sip.message import Request
from firmware.sip.transport import Hop
from firmware.sip.uri import SipUri, parse_sip_uri
from tests.support.telephones import OFFER, Peer, Telephone, Wire, telephone

PHONE, SERVER = "192.168.0.1", "192.168.0.9"
CHALLENGE = 'Digest realm="home.test", nonce="{}", qop="auth", algorithm=SHA-256'


def registering(**options: object) -> tuple[Wire, Telephone, Peer]:
    """A telephone whose first REGISTER lies before its registrar."""
    wire = Wire()
    registrar = Peer(wire, SERVER)
    options = {"registrar": parse_sip_uri(f"sip:{SERVER}"), "password": "secret", **options}
    alice = telephone(wire, PHONE, "alice", register=True, **options)
    alice.agent.start(wire.now)
    wire.run(0.1)
    return wire, alice, registrar


def grant(registrar: Peer, expires: int = 3600, **fields: str) -> Request:
    """Answer the latest REGISTER as §10.3 step 8 does, and return it."""
    request = registrar.requests("REGISTER")[-1]
    contact = request.contacts[0].with_parameter("expires", str(expires))
    registrar.reply(request, 200, Contact=str(contact), **fields)
    registrar.wire.run(0.1)
    return request


def registered(**options: object) -> tuple[Wire, Telephone, Peer]:
    wire, alice, registrar = registering(**options)
    grant(registrar)
    return wire, alice, registrar


def states(alice: Telephone) -> list[tuple[bool, str]]:
    return [(event.registered, event.reason) for event in alice.events(RegistrationChanged)]


def test_register_names_the_domain_and_our_contact() -> None:
    """§10.2: no user in the Request-URI, To is the address-of-record, and it goes to the registrar configured."""
    _, alice, registrar = registering()

    (request,) = registrar.requests("REGISTER")
    assert str(request.uri) == "sip:home.test"
    assert str(request.to.uri) == str(request.from_.uri) == "sip:alice@home.test"
    assert request.expires == 3600
    assert str(request.contacts[0].uri) == f"sip:{alice.account.contact_user}@{PHONE}:5060"
    assert not request.routes
    assert len(alice.account.contact_user) >= 16


def test_challenge_is_answered_and_the_binding_reported() -> None:
    """RFC 3665 §2.1."""
    wire, alice, registrar = registering()
    registrar.reply(registrar.requests("REGISTER")[0], 401, WWW_Authenticate=CHALLENGE.format("n1"))
    wire.run(0.1)
    grant(registrar)

    first, second = registrar.requests("REGISTER")
    assert second.call_id == first.call_id
    assert second.cseq.number == first.cseq.number + 1
    assert second.authorization[0].username == "alice"
    event = alice.only(RegistrationChanged)
    assert (event.account, event.registered, event.reason) == ("sip:alice@home.test", True, "")
    assert event.expires_at == pytest.approx(wire.now + 3600, abs=0.2)


def test_wrong_password_is_not_tried_a_third_time() -> None:
    """§22.2, AST-2020-002: a challenge that is not stale, after credentials, is a refusal."""
    wire, alice, registrar = registering()
    for number in range(4):
        registrar.reply(registrar.requests("REGISTER")[-1], 401, WWW_Authenticate=CHALLENGE.format(number))
        wire.run(0.1)

    assert len(registrar.requests("REGISTER")) == 2
    assert states(alice) == [(False, "The registrar refuses our user name or password")]


def test_binding_is_refreshed_between_half_and_nine_tenths_of_its_life() -> None:
    wire, alice, registrar = registering()
    granted_at = wire.now
    grant(registrar, 600)
    wire.run(600)

    refresh = [sent.at for sent in wire.log if sent.name == "REGISTER"][1]
    assert 300 <= refresh - granted_at <= 541
    first, second = registrar.requests("REGISTER")[:2]
    assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
    assert str(second.contacts[0].uri) == str(first.contacts[0].uri)
    assert alice.events(RegistrationChanged)[0].registered


def test_refreshes_of_many_telephones_are_spread() -> None:
    """A building's telephones start together after a power cut, and must not come back together."""
    wire = Wire()
    registrar = Peer(wire, SERVER)
    registrar.on_message = lambda message: registrar.reply(  # type: ignore[misc]
        message, 200, Contact=f"{message.contacts[0]};expires=100"
    )
    for number in range(20):
        phone = telephone(wire, f"192.168.1.{number}", f"u{number}", seed=number, register=True,
                          registrar=parse_sip_uri(f"sip:{SERVER}"))  # fmt: skip
        phone.agent.start(wire.now)
    start = wire.now
    wire.run(95)

    refreshes = sorted(sent.at - start for sent in wire.log if sent.name == "REGISTER")[20:40]
    assert refreshes[0] >= 50
    assert refreshes[-1] - refreshes[0] > 25


def test_interval_too_brief_is_lengthened() -> None:
    """§10.2.8: 423 with Min-Expires."""
    wire, _, registrar = registering(expires=60)
    registrar.reply(registrar.requests("REGISTER")[0], 423, Min_Expires="7200")
    wire.run(0.1)

    assert [one.expires for one in registrar.requests("REGISTER")] == [60, 7200]


def test_absurd_minimum_is_not_obeyed() -> None:
    wire, alice, registrar = registering(expires=60)
    registrar.reply(registrar.requests("REGISTER")[0], 423, Min_Expires="4000000000")
    wire.run(0.1)

    assert len(registrar.requests("REGISTER")) == 1
    assert not states(alice)[-1][0]


def test_failures_are_retried_with_growing_jittered_waits() -> None:
    """RFC 5626 §4.5: 30 s doubled for each failure, at most 1800 s, of which half to all is waited."""
    wire, alice, registrar = registering()
    registrar.on_message = lambda message: registrar.reply(message, 500)  # type: ignore[arg-type]
    registrar.reply(registrar.requests("REGISTER")[0], 500)
    wire.run(20000)

    times = [sent.at for sent in wire.log if sent.name == "REGISTER"]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    for number, wait in enumerate(waits):
        longest = min(1800, 30 * 2 ** (number + 1))
        assert longest / 2 <= wait <= longest + 0.2
    assert len({round(wait, 2) for wait in waits}) == len(waits)
    assert states(alice)[0] == (False, "The registrar answers 500 Server Internal Error")


def test_retry_after_is_honoured() -> None:
    """§20.33."""
    wire, _, registrar = registering()
    registrar.reply(registrar.requests("REGISTER")[0], 503, Retry_After="900")
    wire.run(899)
    assert len(registrar.requests("REGISTER")) == 1
    wire.run(1.2)

    assert len(registrar.requests("REGISTER")) == 2


def test_registrar_that_is_down_is_said_in_plain_words() -> None:
    wire = Wire()
    alice = telephone(wire, PHONE, "alice", register=True, registrar=parse_sip_uri(f"sip:{SERVER}"))
    alice.agent.start(wire.now)
    wire.run(33)

    assert states(alice) == [(False, "No answer from the registrar")]


def test_registrar_that_has_no_address_is_said_in_plain_words() -> None:
    wire = Wire()
    alice = telephone(wire, PHONE, "alice", register=True, registrar=parse_sip_uri("sip:nowhere.test"))
    alice.agent.start(wire.now)
    wire.run(1)

    assert states(alice) == [(False, "The registrar's name was not found")]


def test_domain_without_configured_registrar_is_located() -> None:
    """§10.2.6: "the UAC SHOULD use the host part of the address-of-record as the Request-URI"."""
    wire = Wire()
    registrar = Peer(wire, SERVER)
    wire.names["home.test"] = [Hop("UDP", SERVER, 5060)]
    alice = telephone(wire, PHONE, "alice", register=True)
    alice.agent.start(wire.now)
    wire.run(0.1)

    assert len(registrar.requests("REGISTER")) == 1


def test_stopping_removes_the_binding() -> None:
    """RFC 3665 §2.4: Expires 0 with our own Contact."""
    wire, alice, registrar = registered()
    alice.agent.stop(wire.now)
    wire.run(0.1)
    assert not alice.agent.idle
    grant(registrar, 0)

    last = registrar.requests("REGISTER")[-1]
    assert last.expires == 0
    assert str(last.contacts[0].uri) == str(registrar.requests("REGISTER")[0].contacts[0].uri)
    assert states(alice) == [(True, ""), (False, "")]
    assert alice.agent.idle
    assert not alice.agent.next_deadline()


def test_registering_again_on_demand_comes_at_once() -> None:
    wire, alice, registrar = registered()
    alice.agent.register_again(wire.now)
    wire.run(0.1)

    assert len(registrar.requests("REGISTER")) == 2


def test_registrar_that_forgot_us_is_noticed() -> None:
    """§10.2.4: the response lists every binding there is."""
    wire, alice, registrar = registering()
    registrar.reply(registrar.requests("REGISTER")[0], 200, Contact="<sip:other@192.168.0.77>;expires=3600")
    wire.run(0.1)

    assert states(alice) == [(False, "The registrar keeps no binding for us")]


def test_service_route_is_preloaded_into_calls() -> None:
    """RFC 3608 §6.1; not into REGISTER."""
    wire, alice, registrar = registering()
    grant(registrar, Service_Route=f"<sip:{SERVER};lr>, <sip:orig@home.test;lr>")
    alice.agent.invite("c", "sip:alice@home.test", "sip:bob@elsewhere.test", OFFER, wire.now)
    alice.agent.register_again(wire.now)
    wire.run(0.1)

    (invite,) = registrar.requests("INVITE")
    assert [str(route.uri) for route in invite.routes] == [f"sip:{SERVER};lr", "sip:orig@home.test;lr"]
    assert str(invite.uri) == "sip:bob@elsewhere.test"
    assert not registrar.requests("REGISTER")[-1].routes


def test_outbound_proxy_comes_before_the_service_route() -> None:
    wire, alice, registrar = registering(outbound_proxy=parse_sip_uri(f"sip:{SERVER}:5060;lr"))
    grant(registrar, Service_Route="<sip:orig@home.test;lr>")
    alice.agent.invite("c", "sip:alice@home.test", "sip:bob@elsewhere.test", OFFER, wire.now)
    wire.run(0.1)

    assert [str(route.uri) for route in registrar.requests("INVITE")[0].routes] == [
        f"sip:{SERVER}:5060;lr",
        "sip:orig@home.test;lr",
    ]


def test_call_to_our_own_domain_goes_to_the_registrar() -> None:
    wire, alice, registrar = registered()
    alice.agent.invite("c", "sip:alice@home.test", "sip:bob@home.test", OFFER, wire.now)
    wire.run(0.1)

    assert str(registrar.requests("INVITE")[0].uri) == "sip:bob@home.test"
    assert not registrar.requests("INVITE")[0].routes


def test_address_behind_nat_is_learnt_and_the_old_binding_removed() -> None:
    """RFC 3581: received and rport say where the registrar sees us; asked anew only once for it."""
    wire = Wire()
    wire.seen_as[PHONE] = ("203.0.113.7", 40000)
    registrar = Peer(wire, SERVER)
    alice = telephone(wire, PHONE, "alice", register=True, registrar=parse_sip_uri(f"sip:{SERVER}"))

    def answer(message: object) -> None:
        assert isinstance(message, Request)
        via = message.via.with_source("203.0.113.7", 40000)
        marked = message.with_("Via", via)
        contacts = ", ".join(str(one) for one in message.contacts if one.expires != 0)
        response = registrar_response(marked, contacts)
        wire.carry(response, (SERVER, 5060), ("203.0.113.7", 40000))

    registrar.on_message = answer
    alice.agent.start(wire.now)
    wire.run(10)

    first, second = registrar.requests("REGISTER")
    user = alice.account.contact_user
    assert [str(one.uri) for one in first.contacts] == [f"sip:{user}@{PHONE}:5060"]
    assert [(str(one.uri), one.expires) for one in second.contacts] == [
        (f"sip:{user}@203.0.113.7:40000", None),
        (f"sip:{user}@{PHONE}:5060", 0),
    ]
    assert states(alice)[-1] == (True, "")


def registrar_response(request: Request, contacts: str) -> bytes:
    from firmware.sip.message import response_to

    return bytes(response_to(request, 200, to_tag="r", fields=(("Contact", contacts), ("Expires", "3600"))))


def test_two_accounts_have_contacts_of_their_own() -> None:
    wire = Wire()
    one = telephone(wire, PHONE, "alice", seed=1)
    other = telephone(wire, "192.168.0.2", "alice", seed=2)

    assert one.account.contact_user != other.account.contact_user
    assert one.account.address == SipUri("alice", "home.test")


# Is it still there?


def asked(registrar: Peer) -> int:
    """How many REGISTERs came, not counting what was sent again."""
    return len({request.cseq.number for request in registrar.requests("REGISTER")})


def test_a_keep_alive_goes_where_the_registrar_is_while_we_are_registered() -> None:
    """RFC 5626 §4.4.2: over UDP, at random between 24 and 29 seconds."""
    wire, alice, _ = registered()
    since = wire.now

    wire.run(300)

    assert {(source, target) for _, source, target in wire.keep_alives} == {(PHONE, SERVER)}
    times = [since, *(at for at, *_ in wire.keep_alives)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert all(23.8 <= gap <= 29.1 for gap in gaps)
    assert len(set(gaps)) > 5
    before = len(wire.keep_alives)
    alice.agent.stop(wire.now)
    wire.run(100)
    assert len(wire.keep_alives) == before


def test_a_registrar_that_cannot_be_reached_any_more_is_asked_again_at_once() -> None:
    """RFC 5626 §4.4: the flow failed; the binding is not believed for the rest of its hour."""
    wire, alice, registrar = registered()
    wire.run(40)

    alice.endpoint.delivery_failed(Hop("UDP", SERVER, 5060), wire.now)
    wire.run(2.1)

    assert asked(registrar) == 2
    wire.run(33)
    assert states(alice) == [(True, ""), (False, "No answer from the registrar")]


def test_who_cannot_be_reached_besides_the_registrar_raises_no_doubt() -> None:
    wire, alice, registrar = registered()
    wire.run(40)

    alice.endpoint.delivery_failed(Hop("UDP", SERVER, 5070), wire.now)
    alice.endpoint.delivery_failed(Hop("UDP", "192.168.0.77", 5060), wire.now)
    wire.run(40)

    assert asked(registrar) == 1


def test_a_doubt_is_followed_up_twice_a_minute_at_most() -> None:
    """A server that ends each stream after its answer is not flooded for it."""
    wire, alice, registrar = registered()
    granted = 1

    for _ in range(120):
        alice.endpoint.connection_closed(7, wire.now, Hop("UDP", SERVER, 5060))
        wire.run(1)
        if asked(registrar) > granted:
            granted = asked(registrar)
            grant(registrar)

    assert 3 <= asked(registrar) <= 5


def test_a_doubt_does_not_put_off_a_refresh_that_is_due() -> None:
    wire, alice, registrar = registering()
    grant(registrar, 12)

    alice.endpoint.delivery_failed(Hop("UDP", SERVER, 5060), wire.now)
    wire.run(11)

    assert asked(registrar) == 2


def test_a_call_that_the_server_does_not_answer_casts_doubt_on_the_registration() -> None:
    """It may have been started anew meanwhile, and know nobody."""
    wire, alice, registrar = registered()
    wire.run(40)

    alice.agent.invite("c", alice.account.name, "sip:bob@home.test", OFFER, wire.now)
    wire.run(35)

    assert len(registrar.requests("INVITE")) >= 1
    assert asked(registrar) == 2
