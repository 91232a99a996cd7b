"""Call transfer, asked and obeyed: RFC 3515, RFC 3891, RFC 5589 §6 and §7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.cores.agent.transfer import status_in
from firmware.sip.cores.user_agent_events import (
    Acknowledged,
    Answered,
    Ended,
    IncomingCall,
    TransferProgress,
    TransferRequested,
)
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB, CAROL = "192.168.0.1", "192.168.0.2", "192.168.0.3"


def connect(wire: Wire, caller: Telephone, call: str, callee: Telephone) -> str:
    """Set up a call; the callee's id of it."""
    user = callee.account.address.user
    before = len(callee.events(IncomingCall))
    caller.agent.invite(call, caller.account.name, f"sip:{user}@{callee.host}", OFFER, wire.now)
    wire.run(0.1)
    incoming = callee.events(IncomingCall)[before].call
    callee.agent.answer(incoming, ANSWER, wire.now)
    wire.run(0.1)
    return incoming


def three() -> tuple[Wire, Telephone, Telephone, Telephone]:
    wire = Wire()
    hosts = {"alice": ALICE, "bob": BOB, "carol": CAROL}
    telephones = [telephone(wire, host, user, seed=seed) for seed, (user, host) in enumerate(hosts.items())]
    return wire, *telephones  # type: ignore[return-value]


def with_peer() -> tuple[Wire, Telephone, Peer, str]:
    """Alice in a call with a peer whose messages the test writes; her tag."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER)
    wire.run(0.1)
    alice.agent.answer(alice.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(0.1)
    tag = peer.responses()[-1].to.tag or ""
    peer.send(ALICE, f"sip:alice@{ALICE}", "ACK", to_tag=tag)
    wire.run(0.1)
    return wire, alice, peer, tag


def refer(peer: Peer, tag: str, refer_to: str = f"<sip:carol@{CAROL}>", **fields: str) -> None:
    extra = (("Refer-To", refer_to), *((name.replace("_", "-"), value) for name, value in fields.items()))
    peer.send(ALICE, f"sip:alice@{ALICE}", "REFER", to_tag=tag, cseq=2, extra=extra)
    peer.wire.run(0.1)


def notify(
    peer: Peer, tag: str, cseq: int, body: bytes, state: str = "active;expires=60", event: str = "refer"
) -> None:
    extra = (("Event", event), ("Subscription-State", state))
    peer.send(
        ALICE, f"sip:alice@{ALICE}", "NOTIFY", to_tag=tag, cseq=cseq, extra=extra, body=body, kind="message/sipfrag"
    )
    peer.wire.run(0.1)


# --- whole transfers ---


def test_blind_transfer() -> None:
    """RFC 5589 §6.1: alice sends bob on to carol, and hangs up when that has succeeded."""
    wire, alice, bob, carol = three()
    bobs = connect(wire, alice, "a", bob)
    wire.log.clear()
    alice.agent.transfer("a", wire.now, to=f"sip:carol@{CAROL}")
    wire.run(0.1)
    asked = bob.only(TransferRequested)
    bob.agent.follow_transfer(bobs, "b2", OFFER, wire.now)
    wire.run(0.1)
    incoming = carol.only(IncomingCall)
    carol.agent.ring(incoming.call, wire.now)
    wire.run(0.1)
    carol.agent.answer(incoming.call, ANSWER, wire.now)
    wire.run(0.1)
    alice.agent.hang_up("a", wire.now)
    wire.run(0.1)

    assert (asked.call, str(asked.to), asked.referred_by) == (bobs, f"sip:carol@{CAROL}", "sip:alice@home.test")
    assert [progress.status for progress in alice.events(TransferProgress)] == [202, 100, 180, 200]
    assert ("Referred-By", "<sip:alice@home.test>") in incoming.headers
    assert bob.only(Answered).call == "b2"
    assert len(carol.events(Acknowledged)) == 1
    assert bob.only(Ended).call == bobs
    assert not carol.events(Ended)


def test_attended_transfer() -> None:
    """RFC 5589 §7.1: bob takes alice's place in her call with carol, whose old call ends."""
    wire, alice, bob, carol = three()
    bobs = connect(wire, alice, "a", bob)
    carols = connect(wire, alice, "b", carol)
    alice.agent.transfer("a", wire.now, replaces_call="b")
    wire.run(0.1)
    bob.agent.follow_transfer(bobs, "b2", OFFER, wire.now)
    wire.run(0.1)
    replacing = carol.events(IncomingCall)[1]
    carol.agent.answer(replacing.call, ANSWER, wire.now)
    wire.run(0.1)

    assert replacing.replaces == carols
    assert carol.only(Ended) == Ended(carols, 200, "Replaced", "remote")
    assert alice.only(Ended) == Ended("b", 200, "", "remote")
    assert alice.events(TransferProgress)[-1].status == 200
    assert not bob.events(Ended)


def test_transfer_that_fails_leaves_the_call() -> None:
    """RFC 5589 §6.3."""
    wire, alice, bob, carol = three()
    bobs = connect(wire, alice, "a", bob)
    alice.agent.transfer("a", wire.now, to=f"sip:carol@{CAROL}")
    wire.run(0.1)
    bob.agent.follow_transfer(bobs, "b2", OFFER, wire.now)
    wire.run(0.1)
    carol.agent.reject(carol.only(IncomingCall).call, 486, wire.now)
    wire.run(0.1)

    assert alice.events(TransferProgress)[-1] == TransferProgress("a", 486, "Busy Here")
    assert not alice.events(Ended)
    assert bob.only(Ended).call == "b2"


def test_transferor_may_hang_up_before_the_outcome() -> None:
    """RFC 5359 §2.4: reports still come within the dialog, and are answered."""
    wire, alice, bob, carol = three()
    bobs = connect(wire, alice, "a", bob)
    alice.agent.transfer("a", wire.now, to=f"sip:carol@{CAROL}")
    wire.run(0.1)
    alice.agent.hang_up("a", wire.now)
    wire.run(0.1)
    wire.log.clear()
    bob.agent.follow_transfer(bobs, "b2", OFFER, wire.now)
    wire.run(0.1)
    carol.agent.answer(carol.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(0.1)

    assert "200 NOTIFY" in wire.names_since()
    assert "481 NOTIFY" not in wire.names_since()
    assert alice.agent.idle


# --- as transferor ---


def transferring() -> tuple[Wire, Telephone, Peer, str]:
    wire, alice, peer, tag = with_peer()
    alice.agent.transfer(alice.only(IncomingCall).call, wire.now, to=f"sip:carol@{CAROL}")
    wire.run(0.1)
    return wire, alice, peer, tag


def test_refer_names_target_and_referrer() -> None:
    _, alice, peer, _ = transferring()

    (request,) = peer.requests("REFER")
    assert request.fields.get("Refer-To") == f"<sip:carol@{CAROL}>"
    assert request.fields.get("Referred-By") == "<sip:alice@home.test>"
    assert str(request.contacts[0].uri) == f"sip:{alice.account.contact_user}@{ALICE}:5060"


def test_an_attended_refer_names_whom_it_is_about() -> None:
    """A Contact's user part is random: who shows it shows nothing. The display name is for people."""
    wire, alice, peer, _ = with_peer()
    connect(wire, alice, "b", telephone(wire, CAROL, "carol"))

    alice.agent.transfer(alice.only(IncomingCall).call, wire.now, replaces_call="b")
    wire.run(0.1)

    (request,) = peer.requests("REFER")
    assert request.refer_to is not None
    assert request.refer_to.display_name == "carol"


def test_the_target_asserts_who_it_is_to_whom_only_its_contact_is_known() -> None:
    """RFC 3325 §9.1; nobody else is told more than they asked for."""
    wire, alice, bob, carol = three()
    bobs = connect(wire, alice, "a", bob)
    connect(wire, alice, "b", carol)
    assert not any(sent.message.p_asserted_identity for sent in wire.log)
    alice.agent.transfer("a", wire.now, replaces_call="b")
    wire.run(0.1)
    bob.agent.follow_transfer(bobs, "b2", OFFER, wire.now)
    wire.run(0.1)
    carol.agent.answer(carol.events(IncomingCall)[1].call, ANSWER, wire.now)
    wire.run(0.1)

    assert str(bob.only(Answered).remote_uri) == str(carol.account.address)


def test_refused_refer_is_reported() -> None:
    wire, alice, peer, _ = transferring()
    peer.reply(peer.requests("REFER")[0], 603)
    wire.run(0.1)

    assert [progress.status for progress in alice.events(TransferProgress)] == [603]


def test_reports_that_end_without_outcome_count_as_failure() -> None:
    wire, alice, peer, tag = transferring()
    peer.reply(peer.requests("REFER")[0], 202)
    wire.run(0.1)
    notify(peer, tag, 2, b"SIP/2.0 100 Trying\r\n", "terminated;reason=giveup")

    assert [progress.status for progress in alice.events(TransferProgress)] == [202, 100, 500]


def test_reports_that_never_come_count_as_timeout() -> None:
    wire, alice, peer, _ = transferring()
    peer.reply(peer.requests("REFER")[0], 202)
    wire.run(181)

    assert [progress.status for progress in alice.events(TransferProgress)] == [202, 408]


def test_report_faster_than_the_202() -> None:
    """RFC 3515 §2.4.4: the NOTIFY may come first."""
    wire, alice, peer, tag = transferring()
    notify(peer, tag, 2, b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource")
    peer.reply(peer.requests("REFER")[0], 202)
    wire.run(0.1)

    assert [progress.status for progress in alice.events(TransferProgress)] == [200]


def test_reports_nobody_asked_for() -> None:
    """RFC 6665 §4.1.3: 481 without a subscription, 489 for another package."""
    _, _, peer, tag = with_peer()
    notify(peer, tag, 2, b"SIP/2.0 200 OK\r\n")
    notify(peer, tag, 3, b"", event="presence")

    assert [one.status for one in peer.responses("NOTIFY")] == [481, 489]


# --- as transferee ---


def test_request_is_accepted_and_reported_before_the_person_decides() -> None:
    """RFC 3515 §2.4.4."""
    _, alice, peer, tag = with_peer()
    refer(peer, tag)

    assert [one.status for one in peer.responses("REFER")] == [202]
    (first,) = peer.requests("NOTIFY")
    assert first.body == b"SIP/2.0 100 Trying\r\n"
    assert (first.fields.get("Event"), first.fields.get("Content-Type")) == (
        "refer;id=2",
        "message/sipfrag;version=2.0",
    )
    assert len(alice.events(TransferRequested)) == 1
    assert not peer.requests("INVITE")


def test_refused_transfer_is_reported() -> None:
    wire, alice, peer, tag = with_peer()
    refer(peer, tag)
    peer.reply(peer.requests("NOTIFY")[0], 200)
    wire.run(0.1)
    alice.agent.refuse_transfer(alice.only(IncomingCall).call, wire.now)
    wire.run(0.1)

    assert peer.requests("NOTIFY")[-1].body == b"SIP/2.0 603 Declined\r\n"
    assert peer.requests("NOTIFY")[-1].fields.get("Subscription-State") == "terminated;reason=noresource"


def test_undecided_transfer_is_declined_in_the_end() -> None:
    wire, _, peer, tag = with_peer()
    refer(peer, tag)
    peer.reply(peer.requests("NOTIFY")[0], 200)
    wire.run(181)

    assert peer.requests("NOTIFY")[-1].body == b"SIP/2.0 603 Declined\r\n"


def test_second_request_has_to_wait() -> None:
    wire, _, peer, tag = with_peer()
    refer(peer, tag)
    peer.send(ALICE, f"sip:alice@{ALICE}", "REFER", to_tag=tag, cseq=3, extra=(("Refer-To", "<sip:dan@home.test>"),))
    wire.run(0.1)

    assert [one.status for one in peer.responses("REFER")] == [202, 491]


def test_silence_can_be_asked_for() -> None:
    """RFC 4488 §4."""
    _, _, peer, tag = with_peer()
    refer(peer, tag, Refer_Sub="false")

    assert peer.responses("REFER")[0].fields.get("Refer-Sub") == "false"
    assert not peer.requests("NOTIFY")


@pytest.mark.parametrize(
    ("refer_to", "status"),
    [
        ("<mailto:carol@home.test>", 416),
        ("<sip:carol@home.test?Replaces=no-tags>", 400),
        ("<sip:carol@home.test?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db%0D%0AEvil%3A%201>", 400),
    ],
)
def test_targets_that_cannot_be_called(refer_to: str, status: int) -> None:
    _, alice, peer, tag = with_peer()
    refer(peer, tag, refer_to)

    assert [one.status for one in peer.responses("REFER")] == [status]
    assert not alice.events(TransferRequested)


# --- Replaces ---


def test_replaces_of_an_unknown_dialog() -> None:
    """RFC 3891 §3."""
    wire, alice, peer, _ = with_peer()
    extra = (("Replaces", "nobody;to-tag=a;from-tag=b"),)
    peer.send(ALICE, f"sip:alice@{ALICE}", call_id="new", body=OFFER, extra=extra)
    wire.run(0.1)

    assert peer.responses()[-1].status == 481
    assert len(alice.events(IncomingCall)) == 1


def test_early_only_does_not_replace_a_confirmed_call() -> None:
    """RFC 3891 §3: 486."""
    wire, _, peer, tag = with_peer()
    extra = (("Replaces", f"a84b4c76e66710;to-tag={tag};from-tag=peer-tag;early-only"),)
    peer.send(ALICE, f"sip:alice@{ALICE}", call_id="new", body=OFFER, extra=extra)
    wire.run(0.1)

    assert peer.responses()[-1].status == 486


@given(st.binary(max_size=200))
def test_any_report_body_can_be_read(body: bytes) -> None:
    told = status_in(body)
    assert told is None or 100 <= told[0] <= 699
