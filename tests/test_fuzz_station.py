"""Whatever comes from the network, in any order: nothing is raised, deadlines stay finite, tables stay bounded."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.phone.events import CallRequest, DialRequest
from firmware.phone.phone import NotPossible
from firmware.sip.transport import Flow, Hop, Locate, SendDatagram, SendStream
from tests.support.malformed import KINDS, Target, barrage, media_junk
from tests.support.stations import StationNode, exchange_text, phone_text
from tests.support.world import World

ROLES = {
    "peer": lambda: phone_text("1001", exchange=None, host="10.0.0.1"),
    "account": lambda: phone_text("1001", exchange="10.0.0.9"),
    "exchange": lambda: exchange_text("1001", ["1001", "1002"]),
}
STRANGER = ("127.0.0.66", 5060)


def station(role: str, seed: int = 1) -> tuple[World, StationNode]:
    world = World(seed=seed)
    node = StationNode(world, ROLES[role](), "10.0.0.1", seed)
    world.add(node)
    node.start()
    world.run(1.0)
    return world, node


def is_sound(node: StationNode, now: float) -> None:
    """The state is one that a station may be in."""
    deadline = node.next_deadline()
    assert deadline is None or (math.isfinite(deadline) and deadline < now + 100_000)
    client, server = node.station.endpoint.transactions
    assert client <= 4096
    assert server <= 4096
    assert len(node.view.calls) <= 16
    assert len(node.media.sessions) <= 16


@pytest.mark.parametrize("role", ROLES)
def test_a_barrage_of_datagrams_is_survived(role: str) -> None:
    """3,000 of every kind from one seed; then the station still answers OPTIONS."""
    world, node = station(role)
    target = Target("1001", "10.0.0.1", 5060)
    flow = Flow("UDP", ("10.0.0.1", 5060), STRANGER)

    for n, octets in enumerate(barrage(Random(3261), target, 3000)):
        node.receive(octets, flow, world.now)
        node.drain()
        if n % 20 == 0:
            world.run(world.now + 0.5)
            is_sound(node, world.now)

    world.run(world.now + 400)
    node.handle_timers(world.now)
    node.drain()
    if role == "peer":  # the others go on registering
        assert node.station.endpoint.transactions == (0, 0)
    assert node.calls == []
    assert answers_options(node, world.now)


def answers_options(node: StationNode, now: float) -> bool:
    """Does it answer OPTIONS, with whatever status?"""
    octets = (
        b"OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bKafter\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:10.0.0.1>\r\nCall-ID: after\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    node.receive(octets, Flow("UDP", ("10.0.0.1", 5060), ("10.0.0.7", 5060)), now)
    return any(isinstance(out, SendDatagram) and out.data.startswith(b"SIP/2.0 ") for out in node.drain())


@pytest.mark.parametrize("role", ROLES)
def test_a_stream_cut_at_every_octet_is_survived(role: str) -> None:
    """Every prefix of a good request, then the end of the stream; and every cut in two pieces."""
    world, node = station(role)
    whole = (
        b"OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.7:5060;branch=z9hG4bK%d\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:10.0.0.1>\r\nCall-ID: cut\r\nCSeq: 1 OPTIONS\r\n"
        b"Content-Length: 3\r\n\r\nabc"
    )
    for cut in range(len(whole % 1) + 1):
        flow = Flow("TCP", ("10.0.0.1", 5060), ("10.0.0.7", 40_000), 2 * cut + 1)
        node.receive((whole % cut)[:cut], flow, world.now)
        node.connection_closed(2 * cut + 1, world.now)
        node.drain()
        flow = Flow("TCP", ("10.0.0.1", 5060), ("10.0.0.8", 40_000), 2 * cut + 2)
        message = whole % (1000 + cut)
        node.receive(message[:cut], flow, world.now)
        early = [out for out in node.drain() if isinstance(out, SendStream)]
        node.receive(message[cut:], flow, world.now)
        late = [out for out in node.drain() if isinstance(out, SendStream)]
        assert sum(out.data.startswith(b"SIP/2.0 ") for out in early + late) == 1, cut
        node.connection_closed(2 * cut + 2, world.now)
    is_sound(node, world.now)


@settings(max_examples=40)
@given(st.data())
def test_streams_of_junk_in_pieces_are_survived(data: st.DataObject) -> None:
    world, node = station("exchange")
    random = Random(data.draw(st.integers(0, 1 << 32)))
    target = Target("1001", "10.0.0.1", 5060, transport="TCP")
    for connection in range(1, data.draw(st.integers(1, 8)) + 1):
        flow = Flow("TCP", ("10.0.0.1", 5060), STRANGER, connection)
        octets = b"".join(barrage(random, target, data.draw(st.integers(1, 8))))
        step = data.draw(st.integers(1, 5000))
        for at in range(0, min(len(octets), 60 * step), step):
            node.receive(octets[at : at + step], flow, world.now)
            node.drain()
        world.run(world.now + data.draw(st.floats(0, 40)))
        is_sound(node, world.now)


# --- dialogs that were right once ---


class FarEnd:
    """Records what the station sends to one host and mutates it into what it might be answered."""

    def __init__(self, world: World, node: StationNode, random: Random) -> None:
        self.world, self.node, self.random = world, node, random
        self.heard: list[bytes] = []
        self.flow = Flow("UDP", ("10.0.0.1", 5060), ("10.0.0.7", 5060))

    def listen(self) -> None:
        for out in self.node.drain():
            if isinstance(out, SendDatagram | SendStream):
                self.heard.append(out.data)
            elif isinstance(out, Locate):
                self.node.located(out.query, [], self.world.now)
        del self.heard[:-30]

    def give(self, octets: bytes) -> None:
        self.node.receive(octets, self.flow, self.world.now)
        self.listen()

    def answer(self) -> None:
        """A response to something the station sent, with any status."""
        requests = [octets for octets in self.heard if not octets.startswith(b"SIP/2.0")]
        if not requests:
            return
        lines = self.random.choice(requests).partition(b"\r\n\r\n")[0].split(b"\r\n")
        kept = [
            line for line in lines if line.startswith((b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Record-Route"))
        ]
        status = self.random.choice(
            (100, 180, 183, 200, 202, 302, 401, 407, 422, 481, 486, 487, 488, 491, 500, 503, 603)
        )
        extra = [b"Contact: <sip:far@10.0.0.7:5060>", b"Content-Type: application/sdp", b"RSeq: 1", b"Require: 100rel"]
        challenge = b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'
        extra += [challenge, challenge.replace(b"WWW", b"Proxy"), b"Retry-After: 1", b"Min-SE: 99"]
        body = self.body()
        start = b"SIP/2.0 %d Whatever" % status
        tagged = [line + b";tag=far" if line.startswith(b"To") and b"tag=" not in line else line for line in kept]
        chosen = self.random.sample(extra, self.random.randrange(len(extra)))
        self.give(self.damaged(b"\r\n".join([start, *tagged, *chosen, b"Content-Length: %d" % len(body), b"", body])))

    def body(self) -> bytes:
        offers = [octets.partition(b"\r\n\r\n")[2] for octets in self.heard if b"application/sdp" in octets]
        good = (
            b"v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n"
            b"a=rtpmap:101 telephone-event/8000\r\n"
        )
        return self.random.choice([b"", good, good, good.replace(b"4000", b"0"), *offers[-1:]])

    def ask(self) -> None:
        """A request inside (or nearly inside) a dialog that the station knows, or a new INVITE."""
        method = self.random.choice(
            (
                "INVITE",
                "INVITE",
                "ACK",
                "BYE",
                "CANCEL",
                "UPDATE",
                "INFO",
                "REFER",
                "NOTIFY",
                "OPTIONS",
                "PRACK",
                "MESSAGE",
            )
        ).encode()
        body = self.body()
        known = [octets for octets in self.heard if b"tag=" in octets]
        from_, to, call_id = b"<sip:far@10.0.0.7>;tag=far", b"<sip:1001@10.0.0.1>", b"c%d" % self.random.randrange(4)
        if known and self.random.random() < 0.7:
            fields = dict(
                line.split(b": ", 1)
                for line in self.random.choice(known).split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
                if b": " in line
            )
            ours, theirs = fields.get(b"From", from_), fields.get(b"To", to)
            call_id = fields.get(b"Call-ID", call_id)
            from_, to = (theirs, ours) if self.random.random() < 0.6 else (ours, theirs)
            if b"tag=" not in from_:
                from_ += b";tag=far"
        lines = [
            method + b" sip:1001@10.0.0.1 SIP/2.0",
            b"Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK%d" % self.random.randrange(40),
            b"From: " + from_, b"To: " + to, b"Call-ID: " + call_id,
            b"CSeq: %d %s" % (self.random.randrange(1, 6), method),
            b"Contact: <sip:far@10.0.0.7:5060>", b"Max-Forwards: 9",
        ]  # fmt: skip
        for extra in (
            b"Refer-To: <sip:1009@10.0.0.7>",
            b"Event: refer",
            b"Subscription-State: active",
            b"Content-Type: application/sdp",
        ):
            if self.random.random() < 0.6:
                lines.append(extra)
        self.give(self.damaged(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])))

    def damaged(self, octets: bytes) -> bytes:
        """Mostly as it is; else one line lost, doubled or scrambled."""
        if self.random.random() < 0.7:
            return octets
        lines = octets.split(b"\r\n")
        at = self.random.randrange(len(lines))
        what = self.random.randrange(4)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, lines[at])
        elif what == 2:
            lines[at] = lines[at].partition(b":")[0] + b":" + self.random.randbytes(8)
        else:
            lines[at] = lines[at][: self.random.randrange(len(lines[at]) + 1)]
        return b"\r\n".join(lines)


def person(node: StationNode, random: Random) -> None:
    """Somebody at the phone does something."""
    calls = [call.id for call in node.view.calls] or ["none"]
    verb = random.choice(("answer", "reject", "hold", "resume", "hangup", "dial"))
    try:
        if verb == "dial":
            node.do(DialRequest("sip:far@10.0.0.7"))
        else:
            node.do(CallRequest(random.choice(calls), verb))  # type: ignore[arg-type]
    except NotPossible:
        pass  # said to the person, in plain words


@settings(max_examples=80)
@given(st.integers(0, 1 << 32), st.sampled_from(sorted(ROLES)))
def test_dialogs_in_any_order_with_any_line_damaged(seed: int, role: str) -> None:
    world, node = station(role)
    random = Random(seed)
    far = FarEnd(world, node, random)
    for _ in range(60):
        act = random.randrange(8)
        if act < 3:
            far.ask()
        elif act < 5:
            far.answer()
        elif act == 5:
            person(node, random)
            far.listen()
        elif act == 6:
            node.delivery_failed(Hop("UDP", "10.0.0.7", 5060), world.now)
            far.listen()
        else:
            world.now += random.choice((0.01, 0.5, 4.0, 33.0))
            node.handle_timers(world.now)
            far.listen()
        is_sound(node, world.now)
    for _ in range(400):
        deadline = node.next_deadline()
        if deadline is None or deadline > world.now + 4000:
            break
        world.now = max(world.now, deadline)
        node.handle_timers(world.now)
        far.listen()
    is_sound(node, world.now)


def test_every_kind_of_junk_differs() -> None:
    """The barrage can fail: its kinds are what they say, and reproducible."""
    target = Target("1001", "10.0.0.1", 5060)
    first, second = list(barrage(Random(1), target, 200)), list(barrage(Random(1), target, 200))

    assert first == second
    assert len(set(first)) > 190
    assert len({kind.__name__ for kind in KINDS}) >= 15
    assert len({media_junk(Random(n)) for n in range(50)}) == 50
