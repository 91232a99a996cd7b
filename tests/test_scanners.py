"""What scanners try on whole telephones: ring them, make them call, draw a digest out of them (RFC 4504 Req-64, 65).

The messages are in the shape of those that the well-known tools send: a user agent's name, a From that is made up, the
target's extension guessed, a Contact that leads back.
"""

from __future__ import annotations

import pytest

from firmware.phone.events import CallRequest
from firmware.sip.transport import Flow
from tests.support.stations import StationNode, exchange_text, phone_text
from tests.support.world import World

PHONE, EXCHANGE, SCANNER = "10.0.0.2", "10.0.0.1", "203.0.113.66"

SDP = (
    "v=0\r\no=- 1 1 IN IP4 203.0.113.66\r\ns=-\r\nc=IN IP4 203.0.113.66\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
)
TOOLS = {
    "friendly-scanner": ("sip:100@1.1.1.1", '"sipvicious"<sip:100@1.1.1.1>', '"sipvicious"<sip:100@1.1.1.1>'),
    "sipcli": ("sip:{user}@{host}", '"101" <sip:101@{host}>', "<sip:{user}@{host}>"),
    "pplsip": ("sip:{user}@{host}", '"{user}" <sip:{user}@{host}>', "<sip:{user}@{host}>"),
    "foreign": ("sip:{user}@{host}", "<sip:anna@evil.example>", "<sip:{user}@home.test>"),
    "own domain": ("sip:{user}@home.test", "<sip:1009@home.test>", "<sip:{user}@home.test>"),
    "as itself": ("sip:{user}@{host}", "<sip:{user}@home.test>", "<sip:{user}@home.test>"),
    "as the other": ("sip:{user}@home.test", "<sip:1002@home.test>", "<sip:{user}@home.test>"),
    "dial out": ("sip:900442031234567@{host}", "<sip:{user}@{host}>", "<sip:900442031234567@{host}>"),
    "relay": ("sip:victim@198.51.100.9", "<sip:{user}@{host}>", "<sip:victim@198.51.100.9>"),
    "no user": ("sip:{host}", "<sip:nobody@{host}>", "<sip:{host}>"),
}


def send(world: World, node: StationNode, tool: str, user: str, method: str, n: int) -> bytes:
    """One probe; the first answer to it."""
    uri, from_, to = (text.format(user=user, host=node.points[0].host) for text in TOOLS[tool])
    rows = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {SCANNER}:5060;branch=z9hG4bK-scan{n};rport",
        "Max-Forwards: 70",
        f"From: {from_};tag=6434396633623535313363340131363131333837383137",
        f"To: {to}",
        f"Call-ID: {n}@{SCANNER}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:100@{SCANNER}:5060>",
        f"User-Agent: {tool}",
        "Content-Type: application/sdp",
        f"Content-Length: {len(SDP)}",
    ]
    octets = ("\r\n".join(rows) + "\r\n\r\n" + SDP).encode()
    mark = len(world.trace)
    node.receive(octets, Flow("UDP", (node.points[0].host, 5060), (SCANNER, 5060)), world.now)
    world.touch(node)
    world.run(world.now + 3.0)
    sent = [one.data for one in world.trace[mark:] if one.destination[0] == SCANNER]
    assert all(one.startswith(b"SIP/2.0 ") for one in sent), "nothing but answers goes to a scanner"
    finals = [one for one in sent if not one.startswith(b"SIP/2.0 1")]
    return finals[0] if finals else b""


def household() -> tuple[World, StationNode, StationNode]:
    world = World(seed=7)
    hall = StationNode(world, exchange_text("1001", ["1001", "1002"]), EXCHANGE, 1)
    kitchen = StationNode(world, phone_text("1002", exchange=EXCHANGE), PHONE, 2)
    for node in (hall, kitchen):
        world.add(node)
        node.start()
    world.run(2.0)
    assert all(node.view.accounts[0].registered for node in (hall, kitchen))
    return world, hall, kitchen


@pytest.mark.parametrize("tool", TOOLS)
def test_no_probe_rings_a_telephone_that_registers(tool: str) -> None:
    world, hall, kitchen = household()

    for n, method in enumerate(("INVITE", "OPTIONS", "REGISTER", "MESSAGE", "REFER", "BYE", "CANCEL", "NOTIFY")):
        answer = send(world, kitchen, tool, "1002", method, n)
        if method in ("INVITE", "REFER"):
            assert answer[8:9] == b"4", answer

    assert not kitchen.ringing
    assert not hall.ringing
    assert kitchen.view.calls == hall.view.calls == ()
    assert kitchen.view.missed == 0


@pytest.mark.parametrize("tool", TOOLS)
def test_no_probe_rings_through_the_exchange(tool: str) -> None:
    """Nor makes it call anybody: what it forwards, it forwards for those who prove to be its users."""
    world, hall, kitchen = household()
    mark = len(world.trace)

    for n, method in enumerate(("INVITE", "OPTIONS", "REGISTER", "MESSAGE", "REFER", "SUBSCRIBE")):
        for user in ("1001", "1002", "1003"):
            answer = send(world, hall, tool, user, method, 10 * n + int(user[-1]))
            if method == "INVITE":
                assert answer[8:9] == b"4", answer

    assert not hall.ringing
    assert not kitchen.ringing
    assert hall.view.calls == kitchen.view.calls == ()
    forwarded = [
        one.data
        for one in world.trace[mark:]
        if one.destination[0] not in (SCANNER, EXCHANGE, PHONE) or (b"scan" in one.data and one.destination[0] == PHONE)
    ]
    assert forwarded == []


@pytest.mark.parametrize("tool", TOOLS)
def test_no_probe_from_outside_rings_a_telephone_without_a_server(tool: str) -> None:
    world = World(seed=8)
    peer = StationNode(world, phone_text("1001", exchange=None, host=PHONE), PHONE, 3)
    world.add(peer)
    peer.start()
    world.run(1.0)

    for n, method in enumerate(("INVITE", "REFER", "MESSAGE")):
        assert send(world, peer, tool, "1001", method, n)[8:9] == b"4"

    assert not peer.ringing
    assert peer.view.calls == ()


def hear(kitchen: StationNode, octets: bytes) -> None:
    """Something comes to the phone by the exchange, as everything does that may ring it."""
    kitchen.receive(octets, Flow("UDP", (PHONE, 5060), (EXCHANGE, 5060)), kitchen.world.now)
    kitchen.world.touch(kitchen)
    kitchen.world.run(kitchen.world.now + 0.3)


def said(kitchen: StationNode, mark: int, start: bytes) -> list[bytes]:
    """What the phone has sent since that begins so."""
    return [one.data for one in kitchen.world.trace[mark:] if one.source[0] == PHONE and one.data.startswith(start)]


@pytest.mark.parametrize("realm", ["home.test", EXCHANGE, "anything"])
@pytest.mark.parametrize(("status", "field"), [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
def test_a_bye_that_the_caller_challenges_shows_no_digest(status: int, field: str, realm: str) -> None:
    """The digest leak: call, wait to be hung up on, challenge the BYE, guess the password from the answer."""
    world, _, kitchen = household()
    mark = len(world.trace)
    hear(kitchen, _invite(kitchen))
    kitchen.do(CallRequest(kitchen.call.id, "answer"))
    hear(kitchen, _ack(said(kitchen, mark, b"SIP/2.0 200")[0]))
    kitchen.do(CallRequest(kitchen.call.id, "hangup"))
    (bye,) = said(kitchen, mark, b"BYE")

    challenge = f'{field}: Digest realm="{realm}", nonce="abc", qop="auth", algorithm=MD5'
    hear(kitchen, _answer(bye, status, challenge))
    world.run(world.now + 5)

    assert all(b"response=" not in octets for octets in said(kitchen, mark, b"BYE"))


def _invite(kitchen: StationNode) -> bytes:
    """A call that the exchange forwards to the phone's own Contact: evil's Record-Route is evil's host only."""
    registered = next(
        one.data for one in kitchen.world.trace if one.source[0] == PHONE and one.data.startswith(b"REGISTER")
    )
    contact = next(row for row in registered.split(b"\r\n") if row.startswith(b"Contact:"))
    uri = contact.partition(b"<")[2].partition(b">")[0]
    rows = [
        b"INVITE " + uri + b" SIP/2.0", b"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKproxy",
        b"Via: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKevil", b"Max-Forwards: 69",
        b"From: <sip:evil@evil.example>;tag=e",
        b"To: <sip:1002@home.test>", b"Call-ID: evil", b"CSeq: 1 INVITE", b"Contact: <sip:evil@203.0.113.66>",
        b"Content-Type: application/sdp", b"Content-Length: %d" % len(SDP),
    ]  # fmt: skip
    return b"\r\n".join(rows) + b"\r\n\r\n" + SDP.encode()


def _kept(octets: bytes, *names: bytes) -> list[bytes]:
    return [row for row in octets.split(b"\r\n") if row.startswith(names)]


def _ack(ok: bytes) -> bytes:
    via = b"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKack"
    rows = [b"ACK sip:1002@10.0.0.2 SIP/2.0", via, *_kept(ok, b"From", b"To", b"Call-ID")]
    return b"\r\n".join([*rows, b"CSeq: 1 ACK", b"Max-Forwards: 70", b"Content-Length: 0"]) + b"\r\n\r\n"


def _answer(bye: bytes, status: int, challenge: str) -> bytes:
    rows = [b"SIP/2.0 %d Prove it" % status, *_kept(bye, b"Via", b"From", b"To", b"Call-ID", b"CSeq")]
    return b"\r\n".join([*rows, challenge.encode(), b"Content-Length: 0"]) + b"\r\n\r\n"


def test_the_probes_would_ring_if_they_were_calls() -> None:
    """The tests above can fail: the same message from the local network rings."""
    world = World(seed=8)
    peer = StationNode(world, phone_text("1001", exchange=None, host=PHONE), PHONE, 3)
    world.add(peer)
    peer.start()

    peer.receive(_invite_direct(), Flow("UDP", (PHONE, 5060), ("10.0.0.77", 5060)), world.now)
    world.touch(peer)

    assert peer.ringing


def _invite_direct() -> bytes:
    rows = [
        b"INVITE sip:1001@10.0.0.2 SIP/2.0", b"Via: SIP/2.0/UDP 10.0.0.77:5060;branch=z9hG4bKx", b"Max-Forwards: 70",
        b"From: <sip:a@b>;tag=1", b"To: <sip:1001@10.0.0.2>", b"Call-ID: x", b"CSeq: 1 INVITE",
        b"Contact: <sip:a@10.0.0.77>", b"Content-Type: application/sdp", b"Content-Length: %d" % len(SDP),
    ]  # fmt: skip
    return b"\r\n".join(rows) + b"\r\n\r\n" + SDP.encode()
