"""Session timers, RFC 4028: who refreshes when and how, and what becomes of a call that nobody refreshes."""

from __future__ import annotations

import pytest

from firmware.sip.cores.user_agent_events import Ended, IncomingCall, OfferReceived, RefreshDue
from firmware.sip.message import Message, Request
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

ALICE, BOB = "192.168.0.1", "192.168.0.2"
ALLOW = "INVITE, ACK, BYE, CANCEL, UPDATE"


def placed(**answer: str) -> tuple[Wire, Telephone, Peer]:
    """Alice called the peer, whose 200 has these header fields."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    alice.agent.invite("c", "sip:alice@home.test", f"sip:bob@{BOB}", OFFER, wire.now)
    wire.run(0.1)
    peer.reply(peer.requests("INVITE")[0], 200, body=ANSWER, **answer)
    wire.run(0.1)
    return wire, alice, peer


def taken(*invite: tuple[str, str]) -> tuple[Wire, Telephone, Peer]:
    """The peer called Alice with these header fields, and she answered."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER, extra=invite)
    wire.run(0.1)
    alice.agent.answer(alice.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(0.1)
    tag = peer.responses()[-1].to.tag
    peer.send(ALICE, f"sip:alice@{ALICE}", "ACK", to_tag=tag)
    wire.run(0.1)
    return wire, alice, peer


def answering(peer: Peer, status: int = 200, **fields: str) -> None:
    """From now on the peer answers every request within the call so."""

    def answer(message: Message) -> None:
        if isinstance(message, Request) and message.method in ("UPDATE", "BYE"):
            peer.reply(message, status if message.method == "UPDATE" else 200, **fields)

    peer.on_message = answer


def field(message: Message, name: str) -> str | None:
    return next(iter(message.fields.all(name)), None)


# --- what we say ---


def test_every_request_says_that_we_know_timers_and_asks_for_none() -> None:
    """§7.1."""
    _, _, peer = placed()
    invite = peer.requests("INVITE")[0]

    assert "timer" in invite.supported
    assert field(invite, "Session-Expires") is None


def test_without_a_timer_nothing_is_refreshed() -> None:
    wire, alice, peer = placed(Allow=ALLOW)

    wire.run(4 * 3600)

    assert peer.requests("UPDATE") == peer.requests("BYE") == []
    assert alice.events(Ended) == alice.events(RefreshDue) == []


@pytest.mark.parametrize(
    ("supported", "asked", "answer", "required"),
    [
        (False, "1800", "1800;refresher=uas", False),
        (True, "1800", "1800;refresher=uas", True),
        (True, "1800;refresher=uac", "1800;refresher=uac", True),
        (True, "1800;refresher=uas", "1800;refresher=uas", True),
        (True, "90", "90;refresher=uas", True),
    ],
)
def test_our_200_says_who_refreshes(supported: bool, asked: str, answer: str, required: bool) -> None:
    """§9, table 2."""
    _, _, peer = taken(*([("Supported", "timer")] if supported else []), ("Session-Expires", asked))
    response = peer.responses()[-1]

    assert response.status == 200
    assert field(response, "Session-Expires") == answer
    assert ("timer" in response.require) == required


def test_an_interval_that_is_too_short_is_answered_422() -> None:
    """§9."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")

    peer.send(ALICE, f"sip:alice@{ALICE}", body=OFFER, extra=(("Supported", "timer"), ("Session-Expires", "89")))
    wire.run(0.1)

    assert (peer.responses()[-1].status, field(peer.responses()[-1], "Min-SE")) == (422, "90")
    assert alice.events(IncomingCall) == []


def test_too_short_an_interval_of_who_knows_no_timers_is_passed_over() -> None:
    """§8.1: "the proxy cannot usefully reject the request, as this would result in a call failure"; nor can we."""
    wire, _, peer = taken(("Session-Expires", "10"), ("Allow", ALLOW))
    wire.run(3600)

    assert field(peer.responses()[-1], "Session-Expires") is None
    assert peer.requests("UPDATE") == []


# --- refreshing ---


def test_we_refresh_with_update_at_half_of_the_interval_again_and_again() -> None:
    """§7.2, §7.4."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Require="timer", Allow=ALLOW)
    answering(peer, Session_Expires="600;refresher=uac", Require="timer")

    wire.run(3000)

    updates = peer.requests("UPDATE")
    times = [sent.at - 1000 for sent in wire.log if sent.name == "UPDATE"]
    assert [round(time / 300) for time in times] == list(range(1, 10))
    assert {field(update, "Session-Expires") for update in updates} == {"600;refresher=uac"}
    assert all("timer" in update.supported and update.contacts and not update.body for update in updates)
    assert alice.events(Ended) == []


def test_who_knows_no_update_is_offered_once_more_what_stands() -> None:
    """§7.4."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Allow="INVITE, ACK, BYE")
    wire.run(301)
    assert alice.only(RefreshDue).call == "c"

    alice.agent.reinvite("c", OFFER, wire.now)
    wire.run(0.1)
    again = peer.requests("INVITE")[-1]
    peer.reply(again, 200, body=ANSWER, Session_Expires="600;refresher=uac")
    wire.run(299)

    assert field(again, "Session-Expires") == "600;refresher=uac"
    assert len(alice.events(RefreshDue)) == 1
    wire.run(2)
    assert len(alice.events(RefreshDue)) == 2


@pytest.mark.parametrize("status", [405, 501, 488])
def test_where_update_is_refused_a_reinvite_is_tried_before_the_session_expires(status: int) -> None:
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Allow=ALLOW)
    answering(peer, status)

    wire.run(500)

    assert len(peer.requests("UPDATE")) == 1
    assert len(alice.events(RefreshDue)) == 1


def test_what_goes_on_being_refused_is_not_asked_without_end_and_the_call_goes_on() -> None:
    """§10: "the UAC SHOULD NOT continuously retry"."""
    wire, alice, peer = placed(Session_Expires="1800;refresher=uac", Allow=ALLOW)
    answering(peer, 500)

    wire.run(3600)

    assert 2 <= len(peer.requests("UPDATE")) <= 9
    assert alice.events(Ended) == []


def test_a_longer_interval_that_a_server_wants_is_asked_for() -> None:
    """§7.3, §7.4: 422 with Min-SE, in the refresh and in all that follow."""
    wire, _, peer = placed(Session_Expires="600;refresher=uac", Allow=ALLOW)
    answering(peer, 422, Min_SE="1200")
    wire.run(302)

    first, second = peer.requests("UPDATE")

    assert (field(first, "Session-Expires"), field(first, "Min-SE")) == ("600;refresher=uac", None)
    assert (field(second, "Session-Expires"), field(second, "Min-SE")) == ("1200;refresher=uac", "1200")


def test_an_invite_that_is_too_short_for_a_server_is_sent_again() -> None:
    """§7.3: a proxy before it put in the interval."""
    wire = Wire()
    alice, peer = telephone(wire, ALICE, "alice"), Peer(wire, BOB, "bob")
    alice.agent.invite("c", "sip:alice@home.test", f"sip:bob@{BOB}", OFFER, wire.now)
    wire.run(0.1)
    peer.reply(peer.requests("INVITE")[0], 422, Min_SE="900")
    wire.run(0.1)
    again = peer.requests("INVITE")[-1]
    peer.reply(again, 422, Min_SE="900")
    wire.run(0.1)

    assert (field(again, "Session-Expires"), field(again, "Min-SE")) == ("900", "900")
    assert again.cseq.number == peer.requests("INVITE")[0].cseq.number + 1
    assert len(peer.requests("INVITE")) == 2
    assert alice.only(Ended).code == 422


@pytest.mark.parametrize("status", [408, 481])
def test_a_refresh_that_finds_no_dialog_ends_the_call(status: int) -> None:
    """§10, RFC 3261 §12.2.1.2."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Allow=ALLOW)
    answering(peer, status)
    wire.run(302)

    assert (alice.only(Ended).code, len(peer.requests("BYE"))) == (status, 1)


def test_a_refresh_that_nobody_answers_ends_the_call() -> None:
    """§10: the far end has lost its power."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Allow=ALLOW)
    wire.run(340)

    assert (alice.only(Ended).code, alice.only(Ended).by) == (408, "network")
    assert peer.requests("BYE")


def test_after_the_call_nothing_is_refreshed() -> None:
    wire, alice, peer = placed(Session_Expires="600;refresher=uac", Allow=ALLOW)
    alice.agent.hang_up("c", wire.now)
    wire.run(0.1)
    peer.reply(peer.requests("BYE")[0], 200)
    wire.run(3600)

    assert peer.requests("UPDATE") == []
    assert alice.agent.next_deadline() is None


# --- being refreshed ---


def test_a_call_that_the_far_end_should_have_refreshed_is_released_before_it_expires() -> None:
    """§10: the minimum of 32 seconds and one third of the interval before that."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uas", Allow=ALLOW)
    wire.run(567)
    assert alice.events(Ended) == []
    wire.run(2)

    assert (alice.only(Ended).code, alice.only(Ended).reason) == (408, "Session expired")
    assert len(peer.requests("BYE")) >= 1


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_each_refresh_of_the_far_end_begins_the_interval_anew(method: str) -> None:
    wire, alice, peer = taken(("Supported", "timer"), ("Session-Expires", "600;refresher=uac"))
    timer = (("Supported", "timer"), ("Session-Expires", "600;refresher=uac"))
    tag = peer.responses()[-1].to.tag
    for number in range(2, 6):
        wire.run(500)
        body = OFFER if method == "INVITE" else b""
        peer.send(ALICE, f"sip:alice@{ALICE}", method, cseq=number, to_tag=tag, extra=timer, body=body)
        wire.run(0.1)
        if method == "INVITE":
            alice.agent.accept_offer(alice.events(OfferReceived)[-1].call, ANSWER, wire.now)
            wire.run(0.1)
            peer.send(ALICE, f"sip:alice@{ALICE}", "ACK", cseq=number, to_tag=tag)
            wire.run(0.1)

    assert alice.events(Ended) == []
    assert field(peer.responses(method)[-1], "Session-Expires") == "600;refresher=uac"
    wire.run(570)
    assert alice.only(Ended).reason == "Session expired"


def test_a_200_without_a_timer_switches_it_off() -> None:
    """§7.2."""
    wire, alice, peer = taken(("Supported", "timer"), ("Session-Expires", "600;refresher=uac"))
    tag = peer.responses()[-1].to.tag
    peer.send(ALICE, f"sip:alice@{ALICE}", "UPDATE", cseq=2, to_tag=tag)

    wire.run(3600)

    assert field(peer.responses("UPDATE")[-1], "Session-Expires") is None
    assert alice.events(Ended) == []


def test_hold_refreshes_too_and_leaves_the_roles_as_they_are() -> None:
    """§7.2, §7.4."""
    wire, alice, peer = placed(Session_Expires="600;refresher=uas", Allow=ALLOW)
    wire.run(400)
    alice.agent.reinvite("c", OFFER, wire.now)
    wire.run(0.1)
    again = peer.requests("INVITE")[-1]
    peer.reply(again, 200, body=ANSWER, Session_Expires="600;refresher=uas")
    wire.run(500)

    assert field(again, "Session-Expires") == "600;refresher=uas"
    assert alice.events(Ended) == []


def test_two_of_us_refresh_each_other_when_a_server_asks_for_it() -> None:
    """A proxy on the way puts Session-Expires into the INVITE (§8.1); both ends are ours."""
    wire = Wire()
    alice, bob = telephone(wire, ALICE, "alice", seed=1), telephone(wire, BOB, "bob", seed=2)
    alice.agent.invite("c", "sip:alice@home.test", f"sip:bob@{BOB}", OFFER, wire.now)
    wire.change = with_timer
    wire.run(0.1)
    bob.agent.answer(bob.only(IncomingCall).call, ANSWER, wire.now)
    wire.run(2000)

    assert len(wire.requests("UPDATE")) == 6
    assert {str(sent.source) for sent in wire.log if sent.name == "UPDATE"} == {BOB}
    assert alice.events(Ended) == bob.events(Ended) == []


def with_timer(data: bytes) -> bytes:
    """An INVITE that asks for a timer; anything else as it is."""
    return data.replace(b"\r\nContact:", b"\r\nSession-Expires: 600\r\nContact:", 1) if data[:7] == b"INVITE " else data


@pytest.mark.parametrize("value", ["soon", "-1", "600;refresher=nobody", "99999999999999999999"])
def test_a_timer_that_nobody_can_read_does_not_cost_the_call(value: str) -> None:
    wire, alice, _ = placed(Session_Expires=value)
    wire.run(10)

    assert alice.events(Ended) == []
