"""The joint of phone, signalling and media: whole telephones in virtual time, used as people use them."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Sequence
from random import Random

import pytest

from firmware.audio.tones import Tone, progress_tone
from firmware.config import parse
from firmware.media import messages as media
from firmware.media.engine import Engine
from firmware.phone.events import CallRequest, DialRequest, TransferRequest
from firmware.phone.settings import CONNECTING
from firmware.sip.message import Request, Response
from firmware.sip.transaction import ServerTransaction
from firmware.sip.transport import Flow, Hop, ListeningPoint
from firmware.station.build import World as StationWorld
from firmware.station.build import build_station
from tests.support.exchange import Phone as Peer
from tests.support.exchange import make_request
from tests.support.stations import StationNode, connect, household, phone_text
from tests.support.world import CONNECT_TIMEOUT, World, wall

PEER = "10.0.0.9"


def tone(name: str) -> Tone:
    """A British call-progress tone."""
    return progress_tone("gb", name)


def sdp(*formats: str, host: str = PEER, port: int = 40000, more: Sequence[str] = ()) -> bytes:
    """A session description of one audio stream."""
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(formats)}",
        *more,
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


SDP = [("Content-Type", "application/sdp")]


def direct(*, name: str = "") -> tuple[World, StationNode, Peer]:
    """A telephone without servers, and a peer whose messages the test writes."""
    world = World()
    node = StationNode(world, phone_text("1001", exchange=None, host="10.0.0.1", name=name), "10.0.0.1", 1)
    world.add(node)
    node.start()
    return world, node, Peer(world, PEER)


def invite(body: bytes = b"") -> Request:
    """The peer calls the telephone."""
    return make_request(
        "INVITE",
        "sip:1001@10.0.0.1",
        sender=f"sip:peer@{PEER}",
        fields=[("Contact", f"<sip:phone@{PEER}:5060>"), *(SDP if body else [])],
        body=body,
    )


def ack(response: Response, body: bytes = b"") -> Request:
    """The peer's ACK to a 2xx."""
    return make_request(
        "ACK",
        str(response.contacts[0].uri),
        sender=f"sip:peer@{PEER}",
        to=str(response.to),
        fields=SDP if body else [],
        body=body,
    )


TO_PHONE = Hop("UDP", "10.0.0.1", 5060)


# --- placing a call ---


def test_lifting_sounds_dial_tone_and_the_first_digit_ends_it() -> None:
    world, (hall, _) = household()

    hall.lift()
    assert hall.media.tone == tone("dial")
    hall.press("1")
    world.wait(0.1)

    assert hall.media.tone is None
    assert hall.view.mode == "dialling"


def test_a_call_from_the_first_digit_to_the_last_tone() -> None:
    """The whole of it: tones, bell, panel, media and line at each step."""
    world, (hall, kitchen) = household()

    hall.lift()
    hall.press("1002")
    world.wait(3.0)
    assert (hall.call.state, kitchen.call.state) == ("ringing", "ringing")
    assert hall.media.tone == tone("ringback")
    assert kitchen.ringing
    assert "1001" in kitchen.panel

    kitchen.lift()
    world.wait(1.0)
    assert (hall.call.state, kitchen.call.state) == ("confirmed", "confirmed")
    assert not kitchen.ringing
    assert hall.media.tone is None
    assert hall.media.connected == hall.call.id
    assert kitchen.media.connected == kitchen.call.id
    assert hall.media.session.remote[0] == "10.0.0.2"
    assert kitchen.media.session.remote[0] == "10.0.0.1"
    assert {hall.media.session.direction, kitchen.media.session.direction} == {"sendrecv"}
    assert hall.media.session.send == kitchen.media.session.send

    kitchen.hang_up()
    world.wait(1.0)
    assert hall.media.tone == tone("busy")
    assert hall.last_call.cause == (200, "Call ended")
    assert not hall.media.sessions
    assert not kitchen.media.sessions
    assert kitchen.view.mode == "ended"

    hall.hang_up()
    world.wait(1.0)
    assert hall.media.tone is None
    assert hall.view.mode in ("idle", "ended")


def test_media_ports_are_those_in_the_session_descriptions() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    bodies = [sent.message.body.decode() for sent in world.trace if sent.message.body]

    assert any(f"m=audio {kitchen.media.session.remote[1]} RTP/AVP" in body for body in bodies)
    assert any(f"m=audio {hall.media.session.remote[1]} RTP/AVP" in body for body in bodies)


def test_keys_in_the_call_are_sent_into_it() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    hall.press("5#")
    world.wait(1.0)

    assert hall.media.digits == [(hall.call.id, "5"), (hall.call.id, "#")]


def test_the_caller_who_gives_up_leaves_a_missed_call() -> None:
    world, (hall, kitchen) = household()
    hall.lift()
    hall.press("1002")
    world.wait(4.0)

    hall.hang_up()
    world.wait(1.0)

    assert not kitchen.ringing
    assert kitchen.view.missed == 1
    assert kitchen.last_call.state == "ended"
    assert not kitchen.media.sessions
    assert hall.last_call.cause == (487, "Call cancelled")


def test_hanging_up_before_the_network_said_anything_cancels_as_soon_as_it_does() -> None:
    """RFC 3261 §9.1: no CANCEL before a provisional response."""
    world, (hall, kitchen) = household()
    kitchen.lift()
    kitchen.press("1001#")
    world.run(world.now + 10.0, lambda: bool(kitchen.view.calls))
    before = len(world.trace)

    kitchen.hang_up()
    world.wait(40.0)

    assert "487 INVITE" in {sent.summary for sent in world.trace[before:]}
    assert not hall.ringing
    assert not hall.media.sessions


# --- calls that fail, each with its words and its tone ---


def test_busy() -> None:
    world, (hall, kitchen, study) = household(3, phone="call_waiting = false")
    connect(study, kitchen)

    hall.lift()
    hall.press("1002")
    world.wait(3.0)

    assert hall.last_call.cause == (486, "Busy")
    assert hall.media.tone == tone("busy")
    assert "Busy" in hall.panel
    assert kitchen.call.state == "confirmed"
    assert not hall.media.sessions


def test_unknown_number() -> None:
    world, (hall, _) = household()

    hall.lift()
    hall.press("1999")
    world.wait(3.0)

    assert hall.last_call.cause == (404, "Number not in use")
    assert hall.media.tone == tone("number-unobtainable")
    assert "not in use" in hall.panel


def test_no_answer() -> None:
    world, (hall, kitchen) = household()
    hall.lift()
    hall.press("1002")
    world.wait(50.0)
    assert kitchen.ringing

    world.wait(20.0)

    assert not kitchen.ringing
    assert kitchen.view.missed == 1
    assert hall.last_call.cause == (480, "No answer")
    assert hall.media.tone == tone("busy")


def test_a_phone_without_power_is_not_available_after_the_proxy_has_waited() -> None:
    world, (hall, kitchen) = household()
    world.cut(kitchen)

    hall.lift()
    hall.press("1002")
    world.wait(31.0)
    assert hall.call.state == "calling"
    world.wait(4.0)

    assert hall.last_call.cause == (408, "No answer")
    assert hall.media.tone == tone("busy")


def test_a_phone_whose_program_ended_is_known_to_be_gone_at_once() -> None:
    world, (hall, kitchen) = household()
    world.close(kitchen)

    hall.lift()
    hall.press("1002")
    world.wait(2.0)

    assert hall.last_call.state == "ended"
    assert hall.last_call.cause is not None
    assert hall.last_call.cause[0] in (480, 500)


def test_a_server_without_power_is_given_up_after_timer_b() -> None:
    """RFC 3261 §17.1.1.2: 64*T1."""
    world, (hall, kitchen) = household()
    world.cut(hall)
    kitchen.lift()
    kitchen.press("1003")
    world.run(60.0, lambda: bool(kitchen.view.calls))
    begun = world.now

    assert world.run(60.0, lambda: kitchen.last_call.state == "ended")

    assert world.now - begun == pytest.approx(32.0, abs=0.1)
    assert kitchen.last_call.cause == (408, "Server not answering")
    assert kitchen.media.tone == tone("congestion")
    assert not kitchen.media.sessions


def test_a_server_that_swallows_the_registration_and_the_call_is_given_up_after_six_seconds() -> None:
    """Not after the 32 of timer B: registering has told already that nobody is there."""
    world, (hall, kitchen) = household()
    world.cut(hall)
    world.run(3600.0, lambda: not kitchen.view.accounts[0].registered)
    kitchen.lift()
    kitchen.press("1003")
    world.run(world.now + 10.0, lambda: bool(kitchen.view.calls))
    begun = world.now

    assert world.run(world.now + 60.0, lambda: kitchen.last_call.state == "ended")

    assert world.now - begun == pytest.approx(6.0, abs=0.1)
    assert kitchen.last_call.cause == (408, "Server not answering")
    assert kitchen.media.tone == tone("congestion")
    world.wait(0.1)
    assert "Check the network" in kitchen.panel
    assert not kitchen.media.sessions
    world.restore(hall)
    world.wait(60.0)
    assert not hall.view.calls


def test_an_exchange_that_only_says_trying_is_waited_for() -> None:
    """A 100 is a response; the telephone need not be registered to get one."""
    world = World()
    node = StationNode(world, phone_text("1001", exchange=PEER, host="10.0.0.1"), "10.0.0.1", 1)
    world.add(node)
    exchange = Peer(world, PEER)  # its transactions say 100 after 200 ms (RFC 3261 §17.2.1), and nothing more
    node.start()

    call = node.do(DialRequest("1002"))
    world.wait(25.0)

    assert any(transaction.request.method == "INVITE" for transaction in exchange.requests)
    assert not node.view.accounts[0].registered
    assert node.call.id == call
    assert node.call.state == "calling"


def test_a_server_whose_program_ended_is_given_up_at_once() -> None:
    """RFC 3261 §18.4: ICMP errors end the transaction."""
    world, (hall, kitchen) = household()
    world.close(hall)

    kitchen.lift()
    kitchen.press("1003")
    world.wait(1.5)

    assert kitchen.last_call.cause == (503, "Server not answering")
    assert kitchen.media.tone == tone("congestion")


def test_the_phone_shows_that_it_lost_its_server_and_registers_again() -> None:
    world, (hall, kitchen) = household()
    world.cut(hall)
    world.run(3600.0, lambda: not kitchen.view.accounts[0].registered)
    assert kitchen.view.accounts[0].reason == "No answer from the registrar"

    world.restore(hall)

    assert world.run(world.now + 120.0, lambda: kitchen.view.accounts[0].registered)


def test_a_server_that_drops_everything_is_heard_ticking_and_then_given_up() -> None:
    world, (hall, kitchen) = household()
    world.cut(hall)
    kitchen.lift()
    kitchen.press("1001")
    world.wait(6.0)
    assert "Server: no answer yet" in kitchen.panel
    assert kitchen.media.tone == CONNECTING

    world.wait(30.0)

    assert "Server not" in kitchen.panel
    assert kitchen.media.tone == tone("congestion")


# --- volume ---


@pytest.mark.parametrize("loudspeaker", [False, True])
def test_the_lowest_volume_in_the_ear_is_soft_and_never_off(*, loudspeaker: bool) -> None:
    """Who turned the handset down still hears every tone."""
    world, (hall, _) = household()
    if loudspeaker:
        hall.press(["speaker"])
        world.wait(0.5)
    else:
        hall.lift()
    engine = Engine(Random(1))

    def heard() -> int:
        for command in (media.PlayTone(hall.media.tone), hall.media.levels):
            engine.receive_command(command, world.now)
        return max(max(array("h", side)) for side in engine.period(bytes(320), world.now) if side)

    assert heard() > 1000
    loud = heard()
    hall.press(["volume-down"] * 12)
    world.wait(2.5)

    assert hall.view.earpiece_volume == 1
    assert hall.panel.splitlines()[-1] == "Handset  1"
    assert loud / 10 < heard() < loud / 6


def test_the_bell_may_be_silenced_and_the_panel_says_so() -> None:
    world, (hall, kitchen) = household()
    kitchen.press(["volume-down"] * 12)
    world.wait(2.5)
    assert "off" in kitchen.panel

    hall.lift()
    hall.press("1002")
    world.wait(3.0)

    assert kitchen.media.levels.ringer_db == -100.0


# --- the journal ---


def test_what_the_engine_notices_of_a_call_is_said_in_words(caplog: pytest.LogCaptureFixture) -> None:
    _, (hall, _) = household()
    caplog.set_level(logging.INFO)

    hall.media_said(media.MediaStopped("in-1", 5.02))
    hall.media_said(media.RemoteLeft("in-1"))

    assert caplog.messages[-2:] == [
        "call in-1: nothing was heard of the far end for 5 seconds",
        "call in-1: the far end has left the media session",
    ]


# --- session descriptions that don't fit ---


def test_a_caller_without_a_common_codec_gets_488_and_rings_nobody() -> None:
    """RFC 3261 §13.3.1.2, RFC 3264 §6."""
    _world, hall, peer = direct()

    response = peer.ask(invite(sdp("18", more=["a=rtpmap:18 G729/8000"])), TO_PHONE)

    assert response.status == 488
    assert not hall.ringing
    assert hall.view.missed == 0
    assert not hall.media.sessions


def test_a_description_that_is_none_gets_400() -> None:
    _world, hall, peer = direct()

    response = peer.ask(invite(b"m=\xff\r\nv=9"), TO_PHONE)

    assert response.status == 400
    assert not hall.media.sessions


def test_a_callee_who_answers_with_what_was_not_offered_is_acknowledged_and_released() -> None:
    """RFC 3261 §13.2.2.4: "If the offer in the 2xx response is not acceptable, the UAC core MUST [...] BYE"."""
    world, hall, peer = direct()

    def play(transaction: ServerTransaction) -> None:
        if transaction.method == "INVITE":
            answer = sdp("18", more=["a=rtpmap:18 G729/8000"])
            fields = [("Contact", f"<{peer.contact}>"), *SDP]
            peer.endpoint.reply(transaction, 200, world.now, fields=fields, body=answer)
            world.touch(peer.node)
        else:
            peer.reply(transaction, 200)

    peer.script = play
    hall.do(DialRequest(f"sip:bob@{PEER}"))
    world.wait(2.0)

    assert len(peer.acks) == 1
    assert [transaction.method for transaction in peer.requests] == ["INVITE", "BYE"]
    assert hall.last_call.state == "ended"
    assert not hall.media.sessions


@pytest.mark.parametrize("held", [False, True])
def test_a_call_through_a_server_that_wants_to_hear_of_it_goes_on(held: bool) -> None:
    """RFC 4028 §7.4: to who does not know UPDATE the same description is offered again, its origin unchanged."""
    world, hall, peer = direct()

    def play(transaction: ServerTransaction) -> None:
        fields = [("Contact", f"<{peer.contact}>"), ("Session-Expires", "1800;refresher=uac"), *SDP]
        direction = "recvonly" if b"a=sendonly" in transaction.request.body else "sendrecv"
        body = sdp("8", more=[f"a={direction}"])
        peer.endpoint.reply(transaction, 200, world.now, fields=fields, body=body)
        world.touch(peer.node)

    peer.script = play
    hall.do(DialRequest(f"sip:bob@{PEER}"))
    world.wait(2.0)
    if held:
        hall.do(CallRequest(hall.call.id, "hold"))
        world.wait(2.0)
    before = peer.requests[-1].request
    session = hall.media.session

    world.wait(2400.0)

    requests = [transaction.request for transaction in peer.requests]
    refreshes = [request for request in requests if request.cseq.number > before.cseq.number]
    assert [request.method for request in refreshes] == ["INVITE"] * 2
    assert {request.body for request in refreshes} == {before.body}
    assert hall.call.state == "confirmed"
    assert hall.call.hold == ("local" if held else "none")
    assert hall.media.session == session


def test_an_invite_without_an_offer_is_answered_with_one() -> None:
    """RFC 3261 §13.2.1: the 2xx carries the offer, the ACK the answer."""
    world, hall, peer = direct()
    peer.send(invite(), TO_PHONE)
    world.wait(1.0)
    assert hall.ringing

    hall.lift()
    world.wait(0.1)
    offered = peer.last
    assert b"m=audio" in offered.body
    assert hall.call.state == "ringing"
    peer.send_stateless(ack(offered, sdp("0", port=40002)), TO_PHONE)
    world.wait(1.0)

    assert hall.call.state == "confirmed"
    assert hall.call.codec == "PCMU"
    assert hall.media.session.remote == (PEER, 40002)
    assert hall.media.session.direction == "sendrecv"


def test_an_ack_without_the_answer_it_owes_ends_the_call() -> None:
    """RFC 3264 §4: without an answer there is no session; without a session no call."""
    world, hall, peer = direct()
    peer.script = lambda transaction: peer.reply(transaction, 200)
    peer.send(invite(), TO_PHONE)
    world.wait(1.0)
    hall.lift()
    world.wait(0.1)

    peer.send_stateless(ack(peer.last), TO_PHONE)
    world.wait(1.0)

    assert [transaction.method for transaction in peer.requests] == ["BYE"]
    assert hall.last_call.state == "ended"
    assert not hall.media.sessions


# --- early media ---


def test_the_far_ends_own_ringback_is_heard_instead_of_ours() -> None:
    """RFC 3960 §3.2."""
    world, hall, peer = direct()

    def play(transaction: ServerTransaction) -> None:
        fields = [("Contact", f"<{peer.contact}>"), *SDP]
        peer.endpoint.reply(transaction, 180, world.now, fields=fields[:1])
        peer.endpoint.reply(transaction, 183, world.now + 1, fields=fields, body=sdp("8", port=40004))
        world.touch(peer.node)

    peer.script = play
    hall.lift()
    hall.do(DialRequest(f"sip:bob@{PEER}"))
    world.wait(1.0)

    assert hall.call.state == "early"
    assert hall.media.tone is None
    assert hall.media.connected == hall.call.id
    assert hall.media.session.remote == (PEER, 40004)


# --- hold ---


def test_hold_and_resume() -> None:
    """RFC 3264 §8.4: sendonly offered, recvonly answered."""
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    hall.press(["hold"])
    world.wait(1.0)
    assert (hall.call.hold, kitchen.call.hold) == ("local", "remote")
    assert (hall.media.session.direction, kitchen.media.session.direction) == ("sendonly", "recvonly")
    assert hall.media.connected is None

    hall.press(["hold"])
    world.wait(1.0)
    assert (hall.call.hold, kitchen.call.hold) == ("none", "none")
    assert (hall.media.session.direction, kitchen.media.session.direction) == ("sendrecv", "sendrecv")
    assert hall.media.connected == hall.call.id


def test_both_hold_and_one_after_the_other_resumes() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    for phone in (hall, kitchen):
        phone.press(["hold"])
        world.wait(1.0)
    assert (hall.call.hold, kitchen.call.hold) == ("both", "both")
    assert hall.media.session.direction == "inactive"

    hall.press(["hold"])
    world.wait(1.0)
    assert (hall.call.hold, kitchen.call.hold) == ("remote", "local")
    kitchen.press(["hold"])
    world.wait(1.0)
    assert (hall.call.hold, kitchen.call.hold) == ("none", "none")
    assert {hall.media.session.direction, kitchen.media.session.direction} == {"sendrecv"}


def test_glare_is_settled() -> None:
    """RFC 3261 §14.1: both offers cross, both get 491, and both are made again after different times."""
    world, (hall, kitchen) = household()
    connect(hall, kitchen)
    before = len(world.trace)

    hall.press(["hold"])
    kitchen.press(["hold"])
    world.wait(0.2)
    assert "491 INVITE" in {sent.summary for sent in world.trace[before:]}
    world.wait(10.0)

    assert (hall.call.hold, kitchen.call.hold) == ("both", "both")
    assert {hall.media.session.direction, kitchen.media.session.direction} == {"inactive"}


def test_payload_types_stay_the_same_through_the_session() -> None:
    """RFC 4504 Req-25."""
    world, (hall, kitchen) = household()
    connect(hall, kitchen)
    before = hall.media.session

    for _ in range(2):
        kitchen.press(["hold"])
        world.wait(1.0)

    after = hall.media.session
    assert (after.send, after.receive, after.telephone_event_send) == (
        before.send,
        before.receive,
        before.telephone_event_send,
    )


# --- addresses of media ---


@pytest.mark.parametrize("address", ["IP4 224.2.1.1/127", "IP4 255.255.255.255", "IP6 2001:db8::9"])
def test_an_offer_that_nothing_can_be_sent_to_is_refused_with_488(address: str) -> None:
    """The telephone listens on IPv4 only."""
    _world, node, peer = direct()
    body = sdp("8").replace(f"c=IN IP4 {PEER}".encode(), f"c=IN {address}".encode())

    response = peer.ask(invite(body), TO_PHONE)

    assert response.status == 488
    assert not node.ringing


@pytest.mark.parametrize(("offered", "ours"), [("2001:db8::9", "2001:db8::1"), (PEER, "10.0.0.1")])
@pytest.mark.parametrize("route", [True, False])
def test_the_media_go_by_the_family_of_the_offer_where_the_telephone_has_it(
    offered: str, ours: str, *, route: bool
) -> None:
    points = (ListeningPoint("UDP", "10.0.0.1", 5060), ListeningPoint("UDP", "2001:db8::1", 5060))
    addresses = {True: "2001:db8::1" if route else "::1", False: "10.0.0.1"}
    edges = StationWorld(Random(1), lambda remote: addresses[":" in remote], wall)
    station = build_station(parse(phone_text("1001", exchange=None, host="10.0.0.1")), points, edges, 0.0)
    family = "IP6" if ":" in offered else "IP4"
    request = invite(sdp("8").replace(f"c=IN IP4 {PEER}".encode(), f"c=IN {family} {offered}".encode()))
    via = f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bKfamily"

    station.sip_received(bytes(request.with_("Via", via)), Flow("UDP", ("10.0.0.1", 5060), (PEER, 5060)), 0.0)

    (opened,) = [command for command in station.drain_media() if isinstance(command, media.OpenSession)]
    assert opened.host == (ours if route else "10.0.0.1")


# --- a second call ---


def test_a_second_caller_knocks_and_the_line_keys_change_between_the_two() -> None:
    world, (hall, kitchen, study) = household(3)
    connect(hall, kitchen)
    study.lift()
    study.press("1002")
    world.wait(3.0)
    assert kitchen.media.knock == tone("call-waiting")

    kitchen.press(["line2"])
    world.wait(1.0)
    first, second = kitchen.calls
    assert (first.hold, second.hold) == ("local", "none")
    assert (hall.call.hold, study.call.hold) == ("remote", "none")
    assert kitchen.media.connected == second.id

    kitchen.press(["line1"])
    world.wait(1.0)
    first, second = kitchen.calls
    assert (first.hold, second.hold) == ("none", "local")
    assert (hall.call.hold, study.call.hold) == ("none", "remote")
    assert kitchen.media.connected == first.id


# --- transfer ---


def test_blind_transfer() -> None:
    """RFC 5589 §6.1: the hall talks to the kitchen, which sends it to the study."""
    world, (hall, kitchen, study) = household(3)
    connect(hall, kitchen)

    kitchen.do(TransferRequest(kitchen.call.id, to="1003"))
    world.wait(2.0)
    assert study.ringing
    study.lift()
    world.wait(5.0)

    assert not kitchen.calls
    assert hall.call.state == study.call.state == "confirmed"
    assert hall.call.remote.uri.startswith("sip:1003@")
    assert hall.media.connected == hall.call.id
    assert hall.media.session.remote[0] == "10.0.0.3"
    assert study.media.session.remote[0] == "10.0.0.1"
    assert not kitchen.media.sessions


def test_blind_transfer_to_nobody_leaves_the_call_where_it_was() -> None:
    world, (hall, kitchen, _) = household(3)
    connect(hall, kitchen)

    kitchen.do(TransferRequest(kitchen.call.id, to="1999"))
    world.wait(5.0)
    assert hall.call.state == kitchen.call.state == "confirmed"
    assert "Not transferred" in kitchen.view.notice
    kitchen.press(["hold"])
    world.wait(1.0)

    assert (hall.call.hold, kitchen.call.hold) == ("none", "none")
    assert len(hall.media.sessions) == 1


def test_attended_transfer() -> None:
    """RFC 5589 §7: the kitchen asks the study first, then joins the two."""
    world, (hall, kitchen, study) = household(3)
    connect(hall, kitchen)
    kitchen.press(["transfer"])
    world.wait(1.0)
    kitchen.press("1003#")
    world.wait(2.0)
    study.lift()
    world.wait(2.0)
    assert len(kitchen.calls) == 2

    kitchen.press(["transfer"])
    world.wait(5.0)

    assert not kitchen.calls
    assert not kitchen.media.sessions
    assert hall.call.state == study.call.state == "confirmed"
    assert (hall.call.hold, study.call.hold) == ("none", "none")
    assert hall.media.session.remote[0] == "10.0.0.3"
    assert study.media.session.remote[0] == "10.0.0.1"
    assert {hall.media.session.direction, study.media.session.direction} == {"sendrecv"}
    assert not study.ringing


# --- several phones of one user ---


def test_answered_elsewhere_is_not_missed() -> None:
    """RFC 3326 §2, RFC 3261 §16.7 step 10: the proxy cancels the other phone, which says so."""
    world, (hall, kitchen) = household()
    second = StationNode(world, phone_text("1002"), "10.0.0.4", 4)
    world.add(second)
    second.start()
    world.wait(2.0)
    hall.lift()
    hall.press("1002")
    world.wait(3.0)
    assert kitchen.ringing
    assert second.ringing

    second.lift()
    world.wait(1.0)

    assert hall.call.state == "confirmed"
    assert hall.media.session.remote[0] == "10.0.0.4"
    assert not kitchen.ringing
    assert kitchen.view.missed == 0
    assert kitchen.last_call.cause is not None
    assert kitchen.last_call.cause[1] == "Answered elsewhere"


# --- the engine's troubles ---


def test_a_caller_without_a_media_port_is_told_so_and_no_invite_is_sent() -> None:
    world, (hall, _kitchen) = household()
    hall.media.ports = 0
    before = len(world.trace)

    hall.lift()
    hall.press("1002")
    world.wait(2.0)

    assert len(world.trace) == before
    assert hall.last_call.state == "ended"
    assert hall.last_call.cause is not None
    assert hall.last_call.cause[0] == 500
    assert hall.media.tone == tone("congestion")


def test_a_callee_without_a_media_port_is_not_available() -> None:
    world, (hall, kitchen) = household()
    kitchen.media.ports = 0

    hall.lift()
    hall.press("1002")
    world.wait(2.0)

    assert not kitchen.ringing
    assert hall.last_call.cause == (480, "Not available")


def test_a_call_whose_port_the_restarted_engine_does_not_get_again_ends_at_both_ends() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    hall.media_said(media.SessionRefused(hall.call.id, "the port is taken"))
    world.wait(1.0)

    assert not hall.calls
    assert not kitchen.calls
    assert not kitchen.media.sessions


def test_the_far_end_learns_a_port_that_changed() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    hall.media_said(media.SessionOpened(hall.call.id, "10.0.0.1", 20000))
    world.wait(1.0)

    assert kitchen.media.session.remote == ("10.0.0.1", 20000)
    assert hall.call.state == kitchen.call.state == "confirmed"
    assert hall.call.hold == "none"


def test_a_port_that_opens_after_the_call_is_over_is_closed_again() -> None:
    _world, (hall, _) = household()

    hall.media.sessions["gone"] = None
    hall.media_said(media.SessionOpened("gone", "10.0.0.1", 20000))

    assert not hall.media.sessions


# --- TCP, and requests too long for a datagram ---


@pytest.mark.parametrize("listen", [("tcp",), ("udp", "tcp")])
def test_everything_works_over_streams(listen: tuple[str, ...]) -> None:
    world, (hall, kitchen) = household(transport="tcp", config={1: {"listen": listen}})  # type: ignore[dict-item]
    connect(kitchen, hall)
    kitchen.press(["hold"])
    world.wait(1.0)
    assert hall.call.hold == "remote"

    hall.hang_up()
    world.wait(1.0)

    between = [sent for sent in world.trace if sent.source[0] != sent.destination[0]]
    assert {sent.transport for sent in between} == {"TCP"}
    assert not kitchen.calls
    assert not [sent for sent in between if sent.summary == "100 REGISTER"]


def test_a_call_outlives_the_connection_it_was_set_up_on() -> None:
    """RFC 3261 §18: a dialog is no connection."""
    world, (hall, kitchen) = household(transport="tcp")
    connect(kitchen, hall)
    world.break_streams("10.0.0.2")
    world.wait(1.0)
    assert kitchen.call.state == "confirmed"

    kitchen.hang_up()
    world.wait(2.0)

    assert hall.last_call.cause == (200, "Call ended")


def test_a_long_request_goes_by_tcp() -> None:
    """RFC 3261 §18.1.1: above 1300 octets; the response comes back the same way."""
    world, hall, peer = direct(name="Hall " + "a" * 1200)
    peer.answers(180)

    hall.do(DialRequest(f"sip:bob@{PEER}"))
    world.wait(1.0)

    assert {sent.transport for sent in world.trace} == {"TCP"}
    assert world.trace[0].message.via.transport == "TCP"
    assert len(world.trace[0].data) > 1300
    assert hall.call.state == "ringing"


def test_a_long_request_falls_back_to_udp_where_nobody_takes_streams() -> None:
    """RFC 3261 §18.1.1: over UDP when the connection is refused."""
    world, hall, _ = direct(name="Hall " + "a" * 1200)
    kitchen = StationNode(world, phone_text("1002", exchange=None, host="10.0.0.2", listen=("udp",)), "10.0.0.2", 2)
    world.add(kitchen)
    kitchen.start()

    hall.do(DialRequest("sip:1002@10.0.0.2"))
    world.wait(1.0)
    assert kitchen.ringing
    kitchen.lift()
    world.wait(1.0)

    assert {sent.transport for sent in world.trace} == {"UDP"}
    assert hall.call.state == kitchen.call.state == "confirmed"


def test_a_silent_tcp_port_costs_the_connect_timeout_and_no_more() -> None:
    world, (hall, kitchen) = household(transport="tcp")
    world.cut(hall)
    world.break_streams("10.0.0.1")
    world.wait(1.0)
    kitchen.lift()
    kitchen.press("1003")
    world.run(60.0, lambda: bool(kitchen.view.calls))
    begun = world.now

    assert world.run(120.0, lambda: kitchen.last_call.state == "ended")

    assert world.now - begun == pytest.approx(CONNECT_TIMEOUT, abs=0.1)
    assert kitchen.last_call.cause == (503, "Server not answering")


# --- leaving ---


def test_switching_off_ends_the_call_and_the_registration() -> None:
    world, (hall, kitchen) = household()
    connect(hall, kitchen)

    kitchen.station.stop(world.now)
    world.touch(kitchen)
    world.wait(1.0)
    assert kitchen.station.idle
    assert hall.last_call.cause == (200, "Call ended")
    hall.hang_up()
    world.wait(1.0)
    hall.lift()
    hall.press("1002")
    world.wait(2.0)

    assert hall.last_call.cause == (480, "Not available")


def test_requests_of_the_web_do_what_the_keys_do() -> None:
    world, (hall, kitchen) = household()
    call = hall.do(DialRequest("1002"))
    assert call is not None
    world.wait(1.0)
    kitchen.do(CallRequest(kitchen.call.id, "answer"))
    world.wait(1.0)
    assert hall.call.state == "confirmed"

    hall.do(CallRequest(call, "hold"))
    world.wait(1.0)
    assert kitchen.call.hold == "remote"
    hall.do(CallRequest(call, "resume"))
    world.wait(1.0)
    assert kitchen.call.hold == "none"
    hall.do(CallRequest(call, "hangup"))
    world.wait(1.0)

    assert not hall.calls
    assert not kitchen.calls
