"""The user agent's calls: RFC 3261 §8, §9, §13 to §15, and the flows of RFC 3665 between two of them."""

from __future__ import annotations

import itertools

import pytest

from firmware.sip.cores.user_agent_events import (
    Acknowledged,
    Answered,
    AnswerReceived,
    Ended,
    IncomingCall,
    OfferReceived,
    OfferRefused,
    Progress,
)
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB, CAROL = "192.168.0.1", "192.168.0.2", "192.168.0.3"
ALICE_ACCOUNT = "sip:alice@home.test"
SERVER = parse_sip_uri(f"sip:{CAROL}")


def two_telephones(**options: object) -> tuple[Wire, Telephone, Telephone]:
    wire = Wire()
    return wire, telephone(wire, ALICE, "alice", seed=1), telephone(wire, BOB, "bob", seed=2, **options)


def call(wire: Wire, alice: Telephone, sdp: bytes | None = OFFER) -> None:
    alice.agent.invite("c", ALICE_ACCOUNT, f"sip:bob@{BOB}", sdp, wire.now)
    wire.run(0.1)


def established() -> tuple[Wire, Telephone, Telephone, str]:
    """A call "c" of Alice's, answered; Bob's id of it."""
    wire, alice, bob = two_telephones()
    call(wire, alice)
    incoming = bob.only(IncomingCall).call
    bob.agent.ring(incoming, wire.now)
    bob.agent.answer(incoming, ANSWER, wire.now)
    wire.run(0.1)
    wire.log.clear()
    return wire, alice, bob, incoming


def with_peer() -> tuple[Wire, Telephone, Peer]:
    """Alice, and a peer whose messages the test writes."""
    wire = Wire()
    return wire, telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")


def answered_by_peer() -> tuple[Wire, Telephone, Peer]:
    """Alice called the peer, who answered."""
    wire, alice, peer = with_peer()
    call(wire, alice)
    peer.reply(peer.requests("INVITE")[0], 200, body=ANSWER)
    wire.run(0.1)
    return wire, alice, peer


def called_by_peer(**options: object) -> tuple[Wire, Telephone, Peer, str]:
    """The peer called Alice, and she answered; her To tag."""
    wire, alice, peer = with_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER, **options)
    wire.run(0.1)
    alice.agent.answer(alice.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(0.1)
    return wire, alice, peer, peer.responses()[-1].to.tag or ""


# --- between two telephones ---


def test_call_is_set_up_and_released_message_by_message() -> None:
    """RFC 3665 §3.1."""
    wire, alice, bob = two_telephones()
    call(wire, alice)
    incoming = bob.only(IncomingCall)
    bob.agent.ring(incoming.call, wire.now)
    wire.run(0.1)
    bob.agent.answer(incoming.call, ANSWER, wire.now)
    wire.run(0.1)
    bob.agent.hang_up(incoming.call, wire.now)
    wire.run(0.1)

    assert wire.names_since() == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
    assert (str(incoming.remote_uri), incoming.remote_name, incoming.sdp) == (ALICE_ACCOUNT, "Alice", OFFER)
    assert alice.only(Progress) == Progress("c", 180, "Ringing", None)
    assert alice.only(Answered).sdp == ANSWER
    assert bob.only(Acknowledged).sdp is None
    assert alice.only(Ended) == Ended("c", 200, "", "remote")
    assert bob.only(Ended) == Ended(incoming.call, 200, "", "local")


def test_nothing_is_left_after_a_call() -> None:
    wire, alice, bob, _ = established()
    alice.agent.hang_up("c", wire.now)
    wire.run(40)

    assert alice.agent.idle
    assert bob.agent.idle
    assert alice.agent.next_deadline() is None
    assert bob.agent.next_deadline() is None


def test_abandoned_call_is_cancelled() -> None:
    """RFC 3665 §3.8."""
    wire, alice, bob = two_telephones()
    call(wire, alice)
    bob.agent.ring(bob.only(IncomingCall).call, wire.now)
    wire.run(0.1)
    alice.agent.hang_up("c", wire.now)
    wire.run(0.1)

    assert wire.names_since() == ["INVITE", "180 INVITE", "CANCEL", "200 CANCEL", "487 INVITE", "ACK"]
    assert alice.only(Ended) == Ended("c", 487, "Request Terminated", "local")
    assert bob.only(Ended).code == 487
    assert bob.only(Ended).by == "remote"


def test_busy_telephone_ends_the_call_with_its_status() -> None:
    """RFC 3665 §3.9: the reason phrase is kept as received."""
    wire, alice, bob = two_telephones()
    call(wire, alice)
    bob.agent.reject(bob.only(IncomingCall).call, 486, wire.now, "At Lunch")
    wire.run(0.1)

    assert wire.names_since() == ["INVITE", "486 INVITE", "ACK"]
    assert alice.only(Ended) == Ended("c", 486, "At Lunch", "remote")


def test_nobody_answers_at_all() -> None:
    """RFC 3665 §3.10, §8.1.3.1: Timer B counts as 408."""
    wire = Wire()
    alice = telephone(wire, ALICE, "alice")
    call(wire, alice)
    wire.run(31.8)
    assert not alice.events(Ended)
    wire.run(0.2)

    assert len(wire.requests("INVITE")) == 7  # §17.1.1.2: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s
    assert alice.only(Ended) == Ended("c", 408, "Request Timeout", "network")


def test_unknown_name_ends_the_call_with_478() -> None:
    wire = Wire()
    alice = telephone(wire, ALICE, "alice")
    alice.agent.invite("c", ALICE_ACCOUNT, "sip:bob@nowhere.test", OFFER, wire.now)
    wire.run()

    assert alice.only(Ended) == Ended("c", 478, "Unresolvable Destination", "network")


@pytest.mark.parametrize(("to", "code"), [("sip:", 484), ("mailto:bob@home.test", 416)])
def test_what_is_no_address_ends_the_call_at_once(to: str, code: int) -> None:
    wire = Wire()
    alice = telephone(wire, ALICE, "alice")
    alice.agent.invite("c", ALICE_ACCOUNT, to, OFFER, wire.now)
    wire.run()

    assert (alice.only(Ended).code, alice.only(Ended).by) == (code, "local")
    assert wire.log == []


def test_number_is_called_in_our_own_domain() -> None:
    """§19.1.6: tel:+358-555-1234567;postd=pp22 becomes the user part, without visual separators."""
    wire = Wire()
    server = Peer(wire, CAROL)
    alice = telephone(wire, ALICE, "alice", registrar=SERVER)
    alice.agent.invite("c", ALICE_ACCOUNT, "tel:+358-555-1234567;postd=pp22", OFFER, wire.now)
    wire.run(0.1)

    assert str(server.requests("INVITE")[0].uri) == "sip:+3585551234567;postd=pp22@home.test;user=phone"


def test_hang_up_before_any_answer_waits_for_a_provisional_response() -> None:
    """§9.1."""
    wire, alice, peer = with_peer()
    call(wire, alice)
    alice.agent.hang_up("c", wire.now)
    wire.run(0.1)
    assert not peer.requests("CANCEL")
    peer.reply(peer.requests("INVITE")[0], 180)
    wire.run(0.1)

    assert len(peer.requests("CANCEL")) == 1


def test_answer_that_crosses_our_cancel_is_acknowledged_and_released() -> None:
    """§15, §9.1: CANCEL has no effect on a request already answered."""
    wire, alice, peer = with_peer()
    call(wire, alice)
    invite = peer.requests("INVITE")[0]
    peer.reply(invite, 180)
    wire.run(0.1)
    alice.agent.hang_up("c", wire.now)
    peer.reply(invite, 200, body=ANSWER)
    wire.run(0.1)
    peer.reply(peer.requests("BYE")[0], 200)
    wire.run(0.1)

    assert [one.method for one in peer.inbox[1:]] == ["CANCEL", "ACK", "BYE"]  # type: ignore[union-attr]
    assert not alice.events(Answered)
    assert alice.only(Ended).code == 487
    assert alice.agent.idle


# --- forking ---


def test_first_answer_of_a_forked_call_wins_and_others_are_released() -> None:
    """§13.2.2.4, RFC 4504 Req-27."""
    wire, alice, peer = with_peer()
    call(wire, alice)
    invite = peer.requests("INVITE")[0]
    for tag in ("desk", "kitchen", "hall"):
        peer.reply(invite, 183, tag=tag, body=ANSWER + tag.encode())
    wire.run(0.1)
    peer.reply(invite, 200, tag="kitchen", body=ANSWER)
    peer.reply(invite, 200, tag="hall", body=ANSWER)
    wire.run(0.1)

    assert [progress.sdp for progress in alice.events(Progress)] == [
        ANSWER + b"desk",
        ANSWER + b"kitchen",
        ANSWER + b"hall",
    ]
    assert len(alice.events(Answered)) == 1
    assert [ack.to.tag for ack in peer.requests("ACK")] == ["kitchen", "hall"]
    assert [bye.to.tag for bye in peer.requests("BYE")] == ["hall"]
    assert not alice.events(Ended)


def test_every_2xx_is_acknowledged_again() -> None:
    """§13.2.2.4: the ACK is passed to the transport each time a retransmission of the 2xx arrives."""
    wire, alice, peer = with_peer()
    call(wire, alice)
    for _ in range(3):
        peer.reply(peer.requests("INVITE")[0], 200, body=ANSWER)
        wire.run(0.1)

    acks = peer.requests("ACK")
    assert len(acks) == 3
    assert {ack.cseq.number for ack in acks} == {peer.requests("INVITE")[0].cseq.number}
    assert len({ack.via.branch for ack in acks}) == 3
    assert len(alice.events(Answered)) == 1


# --- redirection and challenges ---


def test_redirection_is_followed_in_order_of_preference() -> None:
    """§8.1.3.4: From, Call-ID and To stay, CSeq grows."""
    wire, alice, peer = with_peer()
    carol = Peer(wire, CAROL, "carol")
    call(wire, alice)
    first = peer.requests("INVITE")[0]
    peer.reply(first, 302, Contact=f"<sip:second@{CAROL}>;q=0.3, <sip:first@{CAROL}>;q=0.9, <mailto:bob@home.test>")
    wire.run(0.1)
    carol.reply(carol.requests("INVITE")[0], 404)
    wire.run(0.1)
    carol.reply(carol.requests("INVITE")[1], 200, body=ANSWER)
    wire.run(0.1)

    tried = carol.requests("INVITE")
    assert [one.uri.user for one in tried] == ["first", "second"]  # type: ignore[union-attr]
    assert [one.cseq.number - first.cseq.number for one in tried] == [1, 2]
    assert {(one.call_id, one.from_.tag, str(one.to)) for one in tried} == {
        (first.call_id, first.from_.tag, str(first.to))
    }
    assert len(alice.events(Answered)) == 1


def test_circle_of_redirections_is_left() -> None:
    wire, alice, peer = with_peer()
    call(wire, alice)
    peer.reply(peer.requests("INVITE")[0], 302, Contact=f"<sip:bob@{BOB}>")
    wire.run(0.1)

    assert len(peer.requests("INVITE")) == 1
    assert alice.only(Ended).code == 302


def test_redirections_without_end_are_left_after_five() -> None:
    wire, alice, peer = with_peer()
    call(wire, alice)
    for number in range(10):
        peer.reply(peer.requests("INVITE")[-1], 302, Contact=f"<sip:bob{number}@{BOB}>")
        wire.run(0.1)

    assert len(peer.requests("INVITE")) == 6
    assert alice.only(Ended).code == 302


def test_stranger_gets_no_digest_of_our_password() -> None:
    """A 401 of somebody called directly is a failure, not a question we answer."""
    wire = Wire()
    peer = Peer(wire, BOB)
    alice = telephone(wire, ALICE, "alice", password="secret", registrar=SERVER)
    call(wire, alice)
    peer.reply(peer.requests("INVITE")[0], 401, WWW_Authenticate='Digest realm="home.test", nonce="1", qop="auth"')
    wire.run(0.1)

    assert len(peer.requests("INVITE")) == 1
    assert alice.only(Ended).code == 401


def test_own_proxy_is_given_credentials_twice_at_most() -> None:
    """§22.3; the ACK of the 2xx carries the INVITE's credentials (§13.2.2.4)."""
    wire = Wire()
    server = Peer(wire, CAROL)
    alice = telephone(wire, ALICE, "alice", password="secret", outbound_proxy=SERVER)
    call(wire, alice)
    challenge = 'Digest realm="home.test", nonce="{}", qop="auth", stale=true'
    for number in range(3):
        server.reply(server.requests("INVITE")[-1], 407, Proxy_Authenticate=challenge.format(number))
        wire.run(0.1)

    tried = server.requests("INVITE")
    assert [len(one.proxy_authorization) for one in tried] == [0, 1, 1]
    assert str(tried[0].routes[0].uri) == f"sip:{CAROL};lr"
    assert alice.only(Ended).code == 407


def test_challenged_call_goes_on_with_credentials() -> None:
    wire = Wire()
    server = Peer(wire, CAROL)
    alice = telephone(wire, ALICE, "alice", password="secret", outbound_proxy=SERVER)
    call(wire, alice)
    server.reply(
        server.requests("INVITE")[0], 407, Proxy_Authenticate='Digest realm="home.test", nonce="1", qop="auth"'
    )
    wire.run(0.1)
    server.reply(server.requests("INVITE")[1], 200, body=ANSWER)
    wire.run(0.1)

    credentials = server.requests("INVITE")[1].proxy_authorization[0]
    assert (credentials.username, credentials.realm) == ("alice", "home.test")
    assert server.requests("INVITE")[1].cseq.number == server.requests("INVITE")[0].cseq.number + 1
    ack = [one for one in server.requests("ACK") if one.cseq == server.requests("ACK")[-1].cseq][-1]
    assert ack.proxy_authorization == (credentials,)
    assert len(alice.events(Answered)) == 1


# --- the callee's 2xx ---


def test_unacknowledged_answer_is_repeated_and_then_released() -> None:
    """§13.3.1.4: T1, doubling up to T2, until 64*T1; then BYE."""
    wire, alice, peer, _ = called_by_peer()
    wire.run(32)

    times = [sent.at for sent in wire.log if sent.name == "200 INVITE"]
    gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
    assert gaps == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    assert len(peer.requests("BYE")) >= 1
    assert alice.only(Ended).by == "network"
    assert alice.only(Ended).code == 408


def test_callee_hanging_up_waits_for_the_ack_before_bye() -> None:
    """§15: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an ACK"."""
    wire, alice, peer, tag = called_by_peer()
    alice.agent.hang_up(alice.only(IncomingCall).call, wire.now)
    wire.run(0.3)
    assert not peer.requests("BYE")
    assert alice.only(Ended).by == "local"
    peer.send(ALICE, f"sip:alice@{ALICE}", "ACK", to_tag=tag)
    wire.run(0.1)

    assert len(peer.requests("BYE")) == 1


def test_bye_before_the_ack_ends_the_call() -> None:
    """RFC 5407 §3.1.6."""
    wire, alice, peer, tag = called_by_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}", "BYE", to_tag=tag, cseq=2)
    wire.run(5)

    assert [one.status for one in peer.responses("BYE")] == [200]
    assert alice.only(Ended).code == 200
    assert [sent.name for sent in wire.log].count("200 INVITE") == 1


def test_offerless_call_gets_our_offer_and_answers_in_its_ack() -> None:
    """RFC 3725 flow I: we are the controlled party (RFC 4504 Req-34)."""
    wire, alice, peer = with_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}")
    wire.run(0.1)
    incoming = alice.only(IncomingCall)
    alice.agent.answer(incoming.call, OFFER, wire.now)
    wire.run(0.1)
    tag = peer.responses()[-1].to.tag
    peer.send(ALICE, f"sip:alice@{ALICE}", "ACK", to_tag=tag, body=ANSWER)
    wire.run(0.1)

    assert incoming.sdp is None
    assert peer.responses()[-1].body == OFFER
    assert alice.only(Acknowledged).sdp == ANSWER


def test_our_call_without_offer_answers_in_the_ack() -> None:
    wire, alice, bob = two_telephones()
    call(wire, alice, sdp=None)
    bob.agent.answer(bob.only(IncomingCall).call, OFFER, wire.now)
    wire.run(0.1)
    assert not wire.requests("ACK")
    assert alice.only(Answered).sdp == OFFER
    alice.agent.answer("c", ANSWER, wire.now)
    wire.run(1)

    assert bob.only(Acknowledged).sdp == ANSWER


# --- ringing ---


def test_ringing_is_repeated_every_minute() -> None:
    """§13.3.1.1."""
    wire, alice, peer = with_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER)
    wire.run(0.1)
    alice.agent.ring(alice.only(IncomingCall).call, wire.now)
    wire.run(130)

    assert [one.status for one in peer.responses()] == [180, 180, 180]
    assert str(peer.responses()[0].contacts[0].uri) == f"sip:{alice.account.contact_user}@{ALICE}:5060"


def test_invitation_expires() -> None:
    """§13.3.1: 487 when the Expires header's time is up."""
    wire, alice, peer = with_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER, extra=(("Expires", "20"),))
    wire.run(19)
    assert not peer.responses()
    wire.run(2)

    assert peer.responses()[0].status == 487
    assert alice.only(Ended) == Ended(alice.only(IncomingCall).call, 487, "Expired", "remote")


def test_call_answered_elsewhere_is_not_missed() -> None:
    """RFC 3326 §3.1."""
    wire, alice, peer = with_peer()
    uri = f"sip:alice@{ALICE}"
    peer.send(ALICE, uri, body=OFFER, branch="z9hG4bKcancelled")
    wire.run(0.1)
    reason = ("Reason", 'SIP ;cause=200 ;text="Call completed elsewhere"')
    peer.send(ALICE, uri, "CANCEL", branch="z9hG4bKcancelled", extra=(reason,))
    wire.run(0.1)

    ended = alice.only(Ended)
    assert (ended.code, ended.answered_elsewhere, ended.reason) == (487, True, "Call completed elsewhere")


def test_silent_far_end_is_given_up_if_so_configured() -> None:
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice", no_answer_s=180.0), Peer(wire, BOB)
    call(wire, alice)
    peer.reply(peer.requests("INVITE")[0], 180)
    wire.run(179)
    assert not alice.events(Ended)
    wire.run(1.2)

    assert alice.only(Ended).by == "network"
    assert len(peer.requests("CANCEL")) == 1


# --- offers in a call ---


def test_reinvite_changes_the_session() -> None:
    """RFC 3665 §3.7."""
    wire, alice, bob, incoming = established()
    bob.agent.reinvite(incoming, b"v=0 hold", wire.now)
    wire.run(0.1)
    assert alice.only(OfferReceived).sdp == b"v=0 hold"
    alice.agent.accept_offer("c", b"v=0 held", wire.now)
    wire.run(0.1)

    assert wire.names_since() == ["INVITE", "200 INVITE", "ACK"]
    assert bob.only(AnswerReceived) == AnswerReceived(incoming, b"v=0 held")


def test_refused_reinvite_leaves_the_call_as_it_was() -> None:
    """§14.1."""
    wire, alice, bob, incoming = established()
    alice.agent.reinvite("c", b"v=0 new", wire.now)
    wire.run(0.1)
    bob.agent.refuse_offer(incoming, 488, wire.now)
    wire.run(40)

    assert alice.only(OfferRefused) == OfferRefused("c", 488, "Not Acceptable Here")
    assert not alice.events(Ended)


@pytest.mark.parametrize("status", [408, 481])
def test_reinvite_answered_with_408_or_481_ends_the_call(status: int) -> None:
    """§12.2.1.2."""
    wire, alice, peer = answered_by_peer()
    alice.agent.reinvite("c", b"v=0 new", wire.now)
    wire.run(0.1)
    peer.reply(peer.requests("INVITE")[-1], status)
    wire.run(0.1)

    assert alice.only(Ended).code == status
    assert len(peer.requests("BYE")) == 1


def test_crossing_reinvites_are_both_refused_and_tried_again() -> None:
    """§14.1, §14.2: 491, then the maker of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s."""
    wire, alice, bob, incoming = established()
    start = wire.now
    alice.agent.reinvite("c", b"v=0 from alice", wire.now)
    bob.agent.reinvite(incoming, b"v=0 from bob", wire.now)
    for _ in range(60):
        wire.run(0.1)
        alice.agent.accept_offer("c", ANSWER, wire.now)
        bob.agent.accept_offer(incoming, ANSWER, wire.now)

    assert wire.names_since().count("491 INVITE") == 2
    again = [sent for sent in wire.log if sent.name == "INVITE"][2:]
    waits = {sent.source: sent.at - start for sent in again}
    assert 0 <= waits[BOB] <= 2.05
    assert 2.1 <= waits[ALICE] <= 4.05
    assert alice.only(AnswerReceived).sdp == ANSWER
    assert bob.only(AnswerReceived).sdp == ANSWER


def test_offers_wait_their_turn_and_the_latest_counts() -> None:
    """§14.1: no new INVITE while another is in progress."""
    wire, alice, peer = answered_by_peer()
    for name in (b"v=0 one", b"v=0 two", b"v=0 three"):
        alice.agent.reinvite("c", name, wire.now)
    wire.run(0.1)
    assert [one.body for one in peer.requests("INVITE")[1:]] == [b"v=0 one"]
    peer.reply(peer.requests("INVITE")[-1], 200, body=ANSWER)
    wire.run(0.1)

    assert [one.body for one in peer.requests("INVITE")[1:]] == [b"v=0 one", b"v=0 three"]


def test_second_offer_before_we_answered_the_first_is_told_to_come_back() -> None:
    """§14.2: 500 with Retry-After of 0 to 10 seconds."""
    wire, alice, peer, tag = called_by_peer()
    uri = f"sip:alice@{ALICE}"
    peer.send(ALICE, uri, "ACK", to_tag=tag)
    peer.send(ALICE, uri, to_tag=tag, cseq=2, body=OFFER)
    peer.send(ALICE, uri, to_tag=tag, cseq=3, body=OFFER)
    wire.run(0.1)

    refused = peer.responses()[-1]
    assert refused.status == 500
    assert refused.retry_after is not None
    assert 0 <= refused.retry_after.seconds <= 10
    assert len(alice.events(OfferReceived)) == 1


def test_reinvite_that_overtakes_the_ack_is_taken() -> None:
    """RFC 5407 §3.1.4: offer and answer were complete."""
    wire, alice, peer, tag = called_by_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}", to_tag=tag, cseq=2, body=OFFER)
    wire.run(0.1)

    assert alice.only(OfferReceived).sdp == OFFER


def test_reinvite_while_our_own_offer_is_unanswered_is_refused() -> None:
    """RFC 5407 §3.1.5."""
    wire, alice, peer = with_peer()
    peer.send(ALICE, f"sip:alice@{ALICE}")
    wire.run(0.1)
    alice.agent.answer(alice.only(IncomingCall).call, OFFER, wire.now)
    wire.run(0.1)
    peer.send(ALICE, f"sip:alice@{ALICE}", to_tag=peer.responses()[-1].to.tag, cseq=2, body=OFFER)
    wire.run(0.1)

    assert peer.responses()[-1].status == 491


def test_update_with_an_offer_is_answered_without_ack() -> None:
    """RFC 3311 §5.2; the Contact becomes the remote target."""
    wire, alice, peer, tag = called_by_peer()
    moved = Peer(wire, CAROL, "moved")
    uri = f"sip:alice@{ALICE}"
    peer.send(ALICE, uri, "ACK", to_tag=tag)
    peer.send(ALICE, uri, "UPDATE", to_tag=tag, cseq=2, body=OFFER, extra=(("Contact", moved.contact),))
    wire.run(0.1)
    call_id = alice.only(IncomingCall).call
    alice.agent.accept_offer(call_id, ANSWER, wire.now)
    wire.run(0.1)
    alice.agent.hang_up(call_id, wire.now)
    wire.run(0.1)

    assert [(one.status, one.body) for one in peer.responses("UPDATE")] == [(200, ANSWER)]
    assert len(moved.requests("BYE")) == 1


def test_request_out_of_order_is_refused() -> None:
    """§12.2.2."""
    wire, _alice, peer, tag = called_by_peer()
    uri = f"sip:alice@{ALICE}"
    peer.send(ALICE, uri, "ACK", to_tag=tag)
    peer.send(ALICE, uri, "INFO", to_tag=tag, cseq=5)
    peer.send(ALICE, uri, "INFO", to_tag=tag, cseq=4)
    wire.run(0.1)

    assert [one.status for one in peer.responses("INFO")] == [200, 500]


def test_bye_with_a_reinvite_pending_answers_both() -> None:
    """§15.1.2: pending requests are answered 487."""
    wire, alice, peer, tag = called_by_peer()
    uri = f"sip:alice@{ALICE}"
    peer.send(ALICE, uri, "ACK", to_tag=tag)
    peer.send(ALICE, uri, to_tag=tag, cseq=2, body=OFFER)
    peer.send(ALICE, uri, "BYE", to_tag=tag, cseq=3)
    wire.run(0.1)

    assert peer.responses()[-1].status == 487
    assert alice.only(Ended).by == "remote"


def test_stopping_ends_every_call() -> None:
    wire, alice, bob, _ = established()
    alice.agent.stop(wire.now)
    assert not alice.agent.idle
    wire.run(0.1)

    assert wire.names_since() == ["BYE", "200 BYE"]
    assert alice.agent.idle
    assert bob.only(Ended).code == 200
