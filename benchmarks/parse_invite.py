"""INVITEs of 919 octets parsed, read with typed fields and written, per CPU second: ours beside sipmessage and sippy.

"Typed" asks each library, by its own names, for the fields a user agent needs as its own types: Request-URI, every Via
and the top branch, From and To with URI and tag, Call-ID, CSeq, Max-Forwards, Contact with its host, Route,
Record-Route, Content-Type, Content-Length, Allow, Supported, User-Agent. Each message has its own Call-ID, branches,
tag, CSeq and caller, so that no cache answers for the parser. The three take turns, round by round, so that a busy
machine slows all alike.

    python -m benchmarks.parse_invite [--quick]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from random import Random
from statistics import median

from benchmarks.figures import Aim, Figure, table
from firmware.sip.message import Request, parse_message

OCTETS = 919
MESSAGES = 400
ROUNDS, QUICK_ROUNDS = 15, 3

_SDP = (
    "v=0\r\no=- {session} 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
)
_INVITE = (
    "INVITE sip:{callee}@192.0.2.20:5060;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{proxy_branch}\r\n"
    "Via: SIP/2.0/UDP 192.0.2.10:5060;rport=5060;branch=z9hG4bK{branch}\r\n"
    "Record-Route: <sip:192.0.2.1;lr>\r\n"
    "Max-Forwards: 69\r\n"
    'From: "{name}" <sip:{caller}@example.com>;tag={tag}\r\n'
    "To: <sip:{callee}@example.com>\r\n"
    "Call-ID: {call_id}@192.0.2.10\r\n"
    "CSeq: {cseq} INVITE\r\n"
    "Contact: <sip:{caller}@192.0.2.10:5060;transport=udp>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
    "Supported: replaces\r\n"
    "User-Agent: {agent}\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: {length}\r\n\r\n{sdp}"
)


def make_invite(random: Random) -> bytes:
    """Return an INVITE of exactly OCTETS octets, unlike any other."""
    word = lambda length: f"{random.getrandbits(4 * length):0{length}x}"  # noqa: E731
    sdp = _SDP.format(session=random.randrange(10**8, 10**9))
    values = {
        "callee": f"2{random.randrange(1000, 10000)}",
        "caller": f"1{random.randrange(10**5, 10**6)}",
        "name": f"Caller {word(6)}",
        "proxy_branch": word(12),
        "branch": word(12),
        "tag": word(8),
        "call_id": word(16),
        "cseq": random.randrange(1000, 10000),
        "length": len(sdp),
        "sdp": sdp,
    }
    bare = _INVITE.format(agent="", **values)
    invite = _INVITE.format(agent="x" * (OCTETS - len(bare)), **values).encode()
    assert len(invite) == OCTETS
    return invite


def typed_ours(data: bytes) -> object:
    message = parse_message(data)
    assert isinstance(message, Request)
    return (
        message.uri, message.vias, message.via.branch, message.from_, message.from_.tag, message.to, message.to.tag,
        message.call_id, message.cseq, message.max_forwards, message.contacts, message.contacts[0].uri.host,
        message.routes, message.record_routes, message.content_type, message.content_length,
        message.allow, message.supported, message.user_agent,
    )  # fmt: skip


Subject = tuple[str, Callable[[bytes], object], Callable[[bytes], object], Callable[[object], object]]
"""A name, then what parses, what parses and reads the fields, and what writes a parsed message."""


def ours() -> Subject:
    return "offhook", parse_message, typed_ours, bytes  # type: ignore[return-value]


def peer_sipmessage() -> Subject:
    from sipmessage import Message

    def typed(data: bytes) -> object:
        message = Message.parse(data)
        return (
            message.uri, (vias := message.via), vias[0].parameters["branch"],
            (caller := message.from_address), caller.parameters["tag"],
            (callee := message.to_address), callee.parameters.get("tag"), message.call_id, message.cseq,
            message.max_forwards, (contacts := message.contact), contacts[0].uri.host, message.route,
            message.record_route, message.content_type,
            message.content_length, message.headers.getlist("Allow"), message.supported, message.user_agent,
        )  # fmt: skip

    return "sipmessage", Message.parse, typed, bytes  # type: ignore[return-value]


def peer_sippy() -> Subject:
    from sippy.SipRequest import SipRequest

    def bare(data: bytes) -> object:
        return SipRequest(data.decode())

    def typed(data: bytes) -> object:
        message = SipRequest(data.decode())
        return (
            message.getRURI(), (vias := message.getHFBodys("via")), vias[0].getBranch(),
            (caller := message.getHFBody("from")), caller.getUrl(), caller.getTag(),
            (callee := message.getHFBody("to")), callee.getUrl(), callee.getTag(),
            str(message.getHFBody("call-id")), message.getHFBody("cseq").getCSeq(), message.getHFBody("max-forwards"),
            (contacts := message.getHFBodys("contact")), contacts[0].getUrl().host, message.getHFBodys("route"),
            message.getHFBodys("record-route"), message.body, message.getHFBody("allow"),
            message.getHFBody("supported"), message.getHFBody("user-agent"),
        )  # fmt: skip

    def write(message: object) -> bytes:
        return str(message).encode()

    return "sippy", bare, typed, write


def _rate(work: Callable[[object], object], inputs: Sequence[object]) -> float:
    start = time.process_time()
    for each in inputs:
        work(each)
    return len(inputs) / (time.process_time() - start)


def measure(subjects: Sequence[Subject], rounds: int, random: Random) -> dict[str, list[list[float]]]:
    """Return for each name the rates of the rounds: parsed bare, with typed fields, written."""
    rates: dict[str, list[list[float]]] = {name: [[], [], []] for name, *_ in subjects}
    for _ in range(rounds):
        for name, bare, typed, write in subjects:
            invites = [make_invite(random) for _ in range(MESSAGES)]
            rates[name][0].append(_rate(bare, invites))  # type: ignore[arg-type]
            invites = [make_invite(random) for _ in range(MESSAGES)]
            rates[name][1].append(_rate(typed, invites))  # type: ignore[arg-type]
            rates[name][2].append(_rate(write, [bare(invite) for invite in invites]))
    return rates


def _ratio(own: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the rounds' ratios: each round sees the same load on the machine."""
    return median(a / b for a, b in zip(own, other, strict=True))


def available() -> list[Subject]:
    """Ours, and the peers that are installed."""
    subjects = [ours()]
    for peer in (peer_sipmessage, peer_sippy):
        try:
            subjects.append(peer())
        except ImportError as error:
            print(f"without {error.name}: not installed")
    return subjects


def run(*, quick: bool = False) -> list[Figure]:
    """Parse, read and write, and return the figures: thousands per CPU second, beside the better peer of each."""
    rates = measure(available(), QUICK_ROUNDS if quick else ROUNDS, Random(OCTETS))
    middle = {name: [median(column) / 1000 for column in columns] for name, columns in rates.items()}
    own = middle.pop("offhook")
    rows = (("parsed", None), ("with typed fields", Aim(ratio_at_least=2.0)), ("written", Aim(ratio_at_least=1.0)))
    figures = []
    for column, (what, aim) in enumerate(rows):
        best = max(middle, key=lambda name: middle[name][column], default="")
        peer = middle[best][column] if best else None
        figures.append(Figure(f"INVITE {what}, 1000 a CPU-s", own[column], peer, best, aim))
    return figures


if __name__ == "__main__":
    print(table(run(quick="--quick" in sys.argv)))
