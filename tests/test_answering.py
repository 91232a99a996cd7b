"""A call that rings here: what comes in its early dialog (RFC 3261 §9.2, §15; RFC 3311)."""

from __future__ import annotations

from firmware.sip.cores.user_agent_events import Ended, IncomingCall, OfferReceived
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB = "192.168.0.1", "192.168.0.2"
URI = f"sip:alice@{ALICE}"


def ringing() -> tuple[Wire, Telephone, Peer, str]:
    """The peer calls Alice, whose telephone rings; her tag."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    peer.send(ALICE, URI, body=OFFER, branch="z9hG4bKinvite")
    wire.run(0.1)
    alice.agent.ring(alice.only(IncomingCall).call, wire.now)
    wire.run(0.1)
    return wire, alice, peer, peer.responses()[0].to.tag or ""


def answered() -> tuple[Wire, Telephone, Peer, str]:
    wire, alice, peer, tag = ringing()
    alice.agent.answer(alice.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(0.1)
    peer.send(ALICE, URI, "ACK", to_tag=tag)
    wire.run(0.1)
    return wire, alice, peer, tag


def test_caller_may_end_an_early_dialog_with_bye() -> None:
    """§15: "The caller's UA MAY send a BYE for either confirmed or early dialogs"."""
    wire, alice, peer, tag = ringing()
    peer.send(ALICE, URI, "BYE", to_tag=tag, cseq=2)
    wire.run(0.1)

    assert [one.status for one in peer.responses("BYE")] == [200]
    assert [one.status for one in peer.responses()] == [180, 487]
    assert alice.only(Ended).by == "remote"


def test_offers_before_ours_is_answered_are_told_to_come_back() -> None:
    """RFC 3311 §5.2."""
    wire, alice, peer, tag = ringing()
    peer.send(ALICE, URI, "UPDATE", to_tag=tag, cseq=2, body=OFFER)
    peer.send(ALICE, URI, "UPDATE", to_tag=tag, cseq=3)
    peer.send(ALICE, URI, "INFO", to_tag=tag, cseq=3)
    wire.run(0.1)

    assert [one.status for one in peer.responses("UPDATE")] == [500, 200]
    assert peer.responses("UPDATE")[0].retry_after is not None
    assert [one.status for one in peer.responses("INFO")] == [500]
    assert not alice.events(OfferReceived)


def test_cancel_after_the_answer_changes_nothing() -> None:
    """§9.2."""
    wire, alice, peer, _ = answered()
    peer.send(ALICE, URI, "CANCEL", branch="z9hG4bKinvite")
    wire.run(0.1)

    assert [one.status for one in peer.responses("CANCEL")] == [200]
    assert not alice.events(Ended)


def test_cancelled_reinvite_leaves_the_call() -> None:
    """§9.2, §14.2."""
    wire, alice, peer, tag = answered()
    peer.send(ALICE, URI, to_tag=tag, cseq=2, body=OFFER, branch="z9hG4bKreinvite")
    peer.send(ALICE, URI, "CANCEL", to_tag=tag, cseq=2, branch="z9hG4bKreinvite")
    wire.run(0.1)

    assert peer.responses()[-1].status == 487
    assert not alice.events(Ended)


def test_second_answer_is_no_answer() -> None:
    wire, alice, peer, _ = answered()
    call = alice.only(IncomingCall).call
    alice.agent.answer(call, b"v=0 other", wire.now)
    alice.agent.reject(call, 486, wire.now)
    alice.agent.ring(call, wire.now)
    wire.run(0.1)

    assert [one.status for one in peer.responses()] == [180, 200]


def test_request_after_our_bye_finds_no_call() -> None:
    """RFC 5407 §3.2.2."""
    wire, alice, peer, tag = answered()
    alice.agent.hang_up(alice.only(IncomingCall).call, wire.now)
    peer.send(ALICE, URI, to_tag=tag, cseq=2, body=OFFER)
    wire.run(0.1)

    assert peer.responses()[-1].status == 481


def test_crossing_byes_are_both_answered() -> None:
    """RFC 5407 §3.2.1."""
    wire, alice, peer, tag = answered()
    alice.agent.hang_up(alice.only(IncomingCall).call, wire.now)
    peer.send(ALICE, URI, "BYE", to_tag=tag, cseq=2)
    wire.run(0.1)
    peer.reply(peer.requests("BYE")[0], 481)
    wire.run(0.1)

    assert [one.status for one in peer.responses("BYE")] == [200]
    assert len(alice.events(Ended)) == 1
    assert alice.agent.idle
