"""Challenges within a call: answered for our own servers and their realms only (RFC 3261 §22)."""

from __future__ import annotations

import pytest

from firmware.sip.cores.user_agent_events import AnswerReceived, OfferRefused
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, SERVER = "192.168.0.1", "192.168.0.9"


def challenge(realm: str) -> str:
    return f'Digest realm="{realm}", nonce="n", qop="auth", algorithm=SHA-256'


def in_call_through_server() -> tuple[Wire, Telephone, Peer]:
    """A call through the outbound proxy, which challenged the INVITE in its realm and stays in the route."""
    wire = Wire()
    server = Peer(wire, SERVER)
    proxy = parse_sip_uri(f"sip:{SERVER}")
    alice = telephone(wire, ALICE, "alice", password="secret", outbound_proxy=proxy)
    alice.agent.invite("c", "sip:alice@home.test", "sip:bob@home.test", OFFER, wire.now)
    wire.run(0.1)
    server.reply(server.requests("INVITE")[0], 407, Proxy_Authenticate=challenge("home.test"))
    wire.run(0.1)
    route = f"<sip:{SERVER};lr>"
    server.reply(server.requests("INVITE")[1], 200, body=ANSWER, Contact="<sip:bob@198.51.100.7>", Record_Route=route)
    wire.run(0.1)
    alice.agent.reinvite("c", OFFER, wire.now)
    wire.run(0.1)
    return wire, alice, server


def test_challenge_of_a_known_realm_is_answered() -> None:
    """§8.1.3.5: with the next CSeq of the dialog."""
    wire, alice, server = in_call_through_server()
    first = server.requests("INVITE")[-1]
    server.reply(first, 407, Proxy_Authenticate=challenge("home.test"))
    wire.run(0.1)
    again = server.requests("INVITE")[-1]
    server.reply(again, 200, body=ANSWER)
    wire.run(0.1)
    alice.agent.hang_up("c", wire.now)
    wire.run(0.1)

    assert again.proxy_authorization[0].realm == "home.test"
    assert again.cseq.number == first.cseq.number + 1
    assert server.requests("ACK")[-1].proxy_authorization == again.proxy_authorization
    assert server.requests("BYE")[0].cseq.number == again.cseq.number + 1
    assert alice.only(AnswerReceived).sdp == ANSWER


@pytest.mark.parametrize("realm", ["evil.test", "Home.test", ""])
def test_challenge_of_an_unknown_realm_is_refused(realm: str) -> None:
    wire, alice, server = in_call_through_server()
    server.reply(server.requests("INVITE")[-1], 407, Proxy_Authenticate=challenge(realm))
    wire.run(0.1)

    assert len(server.requests("INVITE")) == 3
    assert alice.only(OfferRefused).status == 407


def test_basic_is_never_answered() -> None:
    """§22: "servers MUST NOT accept credentials using the "Basic" authorization scheme"."""
    wire, alice, server = in_call_through_server()
    server.reply(server.requests("INVITE")[-1], 401, WWW_Authenticate='Basic realm="home.test"')
    wire.run(0.1)

    assert alice.only(OfferRefused).status == 401
