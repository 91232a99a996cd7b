"""A running telephone under fire: whatever is sent to its ports, it neither stops nor logs a traceback nor grows."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.malformed import Target, barrage, media_junk, whole
from tests.support.programs import Phone, free_port, wait_until

STRANGER = "127.0.0.66"
"""Another host, as far as limits per host are concerned."""
FEW, MANY = 400, 2500
GROWTH_MB = 24.0
"""What a phone whose tables are full may still grow by: the allocator's holes."""
MOST_MB = 110.0
"""What it may come to, with both its tables full of one host's requests."""

PEER = """
[phone]
name = "Hall"
{roles}

[[account]]
address = "sip:1001@127.0.0.1:{port}"
register = false

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}", "udp:[::1]:{port}", "tcp:[::1]:{port}"]

[web]
listen = "{{web}}"
"""
EXCHANGE = '[registrar]\ndomain = "home.test"\nusers = { 1001 = "a", 1002 = "b" }\n'
ROLES = {"peer": ("", ""), "exchange": ('roles = ["user-agent", "registrar", "proxy"]', EXCHANGE)}


@pytest.fixture(scope="module", params=sorted(ROLES))
def phone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    roles, table = ROLES[request.param]
    port = free_port()
    text = PEER.format(roles=roles, port=port) + table
    if table:  # its own exchange's user
        mine = f'password = "a"\nregistrar = "sip:127.0.0.1:{port}"\noutbound_proxy = "sip:127.0.0.1:{port};lr"'
        text = text.replace("register = false", mine).replace(f"sip:1001@127.0.0.1:{port}", "sip:1001@home.test")
    with Phone(tmp_path_factory.mktemp(request.param), text) as running:
        running.sip = port  # type: ignore[attr-defined]
        yield running
        assert running.stop() == 0
    assert "Traceback" not in running.output
    assert "Exception" not in running.output


def sip_port(phone: Phone) -> int:
    return int(phone.sip)  # type: ignore[attr-defined]


@contextlib.contextmanager
def wire(host: str = STRANGER, port: int = 0) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as opened:
        opened.bind((host, port))
        opened.settimeout(20)
        yield opened


def answers(phone: Phone, host: str = "127.0.0.1") -> bool:
    """Does it answer OPTIONS from a host that has done nothing?"""
    with wire(host) as line:
        shown = f"[{host}]" if ":" in host else host
        here = f"{shown}:{line.getsockname()[1]}"
        request = (
            f"OPTIONS sip:{shown}:{sip_port(phone)} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKq\r\n"
            f"From: <sip:q@{here}>;tag=q\r\nTo: <sip:{shown}>\r\nCall-ID: {here}\r\nCSeq: 1 OPTIONS\r\n\r\n"
        )
        line.settimeout(0.3)
        for _ in range(20):  # a datagram may find the phone's socket full
            line.sendto(request.encode(), (host, sip_port(phone)))
            with contextlib.suppress(TimeoutError):
                return line.recv(65_535).startswith(b"SIP/2.0 200 ")
    return False


def fire(phone: Phone, seed: int, count: int, host: str = STRANGER) -> None:
    """So many datagrams, no faster than they are taken."""
    target = Target("1001", "127.0.0.1", sip_port(phone), sender=host)
    goal = "127.0.0.1" if ":" not in host else "::1"
    with wire(host) as line:
        for n, octets in enumerate(barrage(Random(seed), target, count)):
            line.sendto(octets[:60_000], (goal, sip_port(phone)))
            if n % 50 == 49:
                assert answers(phone), f"after {n} datagrams"


def quiet(phone: Phone) -> None:
    """Some of it was right after all, and rang."""
    for call in phone.calls:
        phone.ask("POST", f"/api/v1/calls/{call['id']}/reject")
    phone.idle()


def malformed(phone: Phone) -> float:
    """How many messages it could not read so far."""
    (value,) = re.findall(r"^offhook_sip_malformed_total (\S+)$", phone.ask("GET", "/metrics").decode(), re.MULTILINE)
    return float(value)


def test_datagrams(phone: Phone) -> None:
    fire(phone, 1, MANY)  # tables and caches fill
    before, counted = phone.memory_mb(), malformed(phone)

    fire(phone, 2, MANY)

    assert phone.memory_mb() - before < GROWTH_MB
    assert phone.memory_mb() < MOST_MB
    assert 0 < counted < malformed(phone)
    quiet(phone)


def test_datagrams_over_ipv6(phone: Phone) -> None:
    fire(phone, 3, FEW, host="::1")

    assert answers(phone, "::1")


def test_streams(phone: Phone) -> None:
    random = Random(4)
    target = Target("1001", "127.0.0.1", sip_port(phone), sender=STRANGER, transport="TCP")
    before = phone.memory_mb()
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", sip_port(phone)), source_address=(STRANGER, 0)) as stream:
            octets = b"".join(barrage(random, target, random.randrange(1, 12)))
            step = random.choice((1, 7, 1000, 100_000))
            with contextlib.suppress(ConnectionError):  # the phone hangs up on who breaks the framing
                for at in range(0, min(len(octets), 200 * step), step):
                    stream.sendall(octets[at : at + step])

    assert answers(phone)
    assert phone.memory_mb() - before < GROWTH_MB


def options(phone: Phone, name: str) -> bytes:
    """A request that is answered over the stream it came by."""
    lines = [
        f"OPTIONS sip:127.0.0.1:{sip_port(phone)} SIP/2.0",
        f"Via: SIP/2.0/TCP {STRANGER}:5060;branch=z9hG4bK{name}",
        "From: <sip:a@b>;tag=1",
        "To: <sip:127.0.0.1>",
        f"Call-ID: {name}",
        "CSeq: 1 OPTIONS",
    ]
    return whole([line.encode() for line in lines], b"abc")


def test_a_stream_cut_at_every_octet(phone: Phone) -> None:
    request = options(phone, "cut")
    for cut in range(1, len(request)):
        with socket.create_connection(("127.0.0.1", sip_port(phone)), source_address=(STRANGER, 0)) as stream:
            stream.sendall(request[:cut])
            if cut % 3 == 0:  # reset instead of end
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert answers(phone)


def test_senders_who_take_their_time_keep_nobody_out(phone: Phone) -> None:
    """Sixty connections that dribble: others are served meanwhile (the 60 idle connections of a known advisory)."""
    with contextlib.ExitStack() as stack:
        streams = []
        for n in range(60):
            address = ("127.0.0.1", sip_port(phone))
            streams.append(stack.enter_context(socket.create_connection(address, source_address=(STRANGER, 0))))
            with contextlib.suppress(ConnectionError):
                streams[n].sendall(b"INVITE sip:1001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nX: ")
        for _ in range(5):
            for stream in streams:
                with contextlib.suppress(ConnectionError):
                    stream.sendall(b"a" * 1000)
        with socket.create_connection(("127.0.0.1", sip_port(phone))) as fresh:
            fresh.settimeout(20)
            fresh.sendall(options(phone, "fresh"))
            assert fresh.recv(65_535).startswith(b"SIP/2.0 200 ")


def test_media_ports_in_a_call(phone: Phone) -> None:
    """Junk to RTP and RTCP of a call that goes on, from the far end itself and from a stranger."""
    quiet(phone)
    far = free_port()
    with wire("127.0.0.1", far) as line, wire("127.0.0.1") as speech:
        phone.ask("POST", "/api/v1/calls", {"to": f"sip:far@127.0.0.1:{far}"})
        while not (octets := line.recvfrom(65_535))[0].startswith(b"INVITE"):
            pass
        invite, source = octets[0].decode(), octets[1]
        found = re.search(r"m=audio (\d+) ", invite)
        assert found
        rtp = int(found[1])
        kept = [row for row in invite.split("\r\n") if row.startswith(("Via: ", "From: ", "Call-ID: ", "CSeq: "))]
        to = next(row for row in invite.split("\r\n") if row.startswith("To: "))
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {speech.getsockname()[1]} RTP/AVP 8\r\n"
        )
        lines = ["SIP/2.0 200 OK", *kept, f"{to};tag=far", f"Contact: <sip:far@127.0.0.1:{far}>"]
        line.sendto(whole([*map(str.encode, lines), b"Content-Type: application/sdp"], sdp.encode()), source)
        phone.call("confirmed")
        before, random = phone.memory_mb(), Random(6)

        with wire() as stranger:
            for n in range(6000):
                stranger.sendto(media_junk(random), ("127.0.0.1", rtp + n % 2))
                speech.sendto(media_junk(random), ("127.0.0.1", rtp + n % 2))
                if n % 200 == 199:
                    assert phone.phone["calls"][-1]["state"] == "confirmed"

        assert phone.memory_mb() - before < GROWTH_MB
        call = phone.call("confirmed")
        phone.ask("POST", f"/api/v1/calls/{call['id']}/hangup")
        while not (bye := line.recvfrom(65_535)[0]).startswith(b"BYE"):
            pass
        assert bye
    phone.idle()


def test_afterwards_it_calls_and_is_called(phone: Phone, tmp_path: Path) -> None:
    quiet(phone)
    other_port = free_port()
    text = PEER.format(roles="", port=other_port).replace("1001", "1009").replace("Hall", "Other")
    with Phone(tmp_path, text) as other:
        other.ask("POST", "/api/v1/calls", {"to": f"sip:1001@127.0.0.1:{sip_port(phone)}"})
        incoming = phone.call("ringing")
        phone.ask("POST", f"/api/v1/calls/{incoming['id']}/answer")
        other.call("confirmed")
        phone.ask("POST", f"/api/v1/calls/{incoming['id']}/hangup")
        other.idle()
        phone.ask("POST", "/api/v1/calls", {"to": f"sip:1009@127.0.0.1:{other_port}"})
        wait_until(lambda: other.calls, why="the call back")


def test_the_page_under_fire(phone: Phone) -> None:
    """Requests that are not HTTP, or half of it."""
    random = Random(7)
    begun = b"POST /api/v1/calls HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n"
    for n in range(150):
        octets = random.choice(
            (random.randbytes(200), begun[: random.randrange(len(begun))], begun + b"{", b"GET / HTTP/9.9\r\n\r\n")
        )
        with socket.create_connection(("127.0.0.1", phone.web_port)) as stream, contextlib.suppress(ConnectionError):
            stream.sendall(octets)
            if n % 5 == 0:
                stream.shutdown(socket.SHUT_WR)
                stream.settimeout(20)
                stream.recv(1000)

    assert phone.phone["name"] == "Hall"
