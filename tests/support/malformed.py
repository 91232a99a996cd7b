"""Messages that no peer should send, from one seed: truncated, mutated, binary, huge, contradictory.

    for octets in barrage(Random(3261), target, 1000): ...

Each kind begins with a message that is right in every other respect, so that it gets as far in as it can.
"""

# ruff: noqa: E501 (tables of junk)

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

METHODS = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "REFER",
    "UPDATE",
    "INFO",
    "PRACK",
    "PUBLISH",
    "DANCE",
]
STATUSES = (100, 180, 183, 200, 202, 301, 302, 401, 404, 407, 420, 481, 486, 487, 491, 500, 503, 600, 699)
HEADERS = [
    "Via",
    "v",
    "From",
    "f",
    "To",
    "t",
    "Call-ID",
    "i",
    "CSeq",
    "Contact",
    "m",
    "Max-Forwards",
    "Content-Length",
    "l",
    "Content-Type",
    "c",
    "Route",
    "Record-Route",
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Expires",
    "Min-Expires",
    "Allow",
    "Supported",
    "k",
    "Require",
    "Proxy-Require",
    "Unsupported",
    "Content-Encoding",
    "e",
    "Content-Disposition",
    "Accept",
    "Accept-Encoding",
    "Date",
    "Timestamp",
    "Subject",
    "s",
    "Refer-To",
    "r",
    "Referred-By",
    "b",
    "Replaces",
    "Event",
    "o",
    "Subscription-State",
    "Reason",
    "RAck",
    "RSeq",
    "Session-Expires",
    "x",
    "Min-SE",
    "Retry-After",
    "Warning",
    "Alert-Info",
    "Call-Info",
    "Error-Info",
    "MIME-Version",
    "Organization",
    "Priority",
    "In-Reply-To",
    "Reply-To",
    "Path",
    "Service-Route",
    "P-Asserted-Identity",
    "User-Agent",
    "Server",
    "Target-Dialog",
    "Identity",
    "History-Info",
    "Privacy",
]
JUNK = (
    b"", b" ", b",", b";", b"<", b">", b"<>", b'"', b'"\\', b"*", b"@", b":", b"sip:", b"sip:@", b"sip:a@", b"<sip:",
    b"-1", b"0", b"99999999999999999999", b"4294967296", b"1e9", b"\x00", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80",
    "ü€\U0001f4de".encode(), b"(((", b"(" * 500, b'"' * 499, b"<" * 500, b"\\" * 500, b"a=b;" * 300, b"a," * 1000,
    b"[", b"[::", b"sip:[::1", b"sip:a@[::1]:99999999", b"tel:", b"tel:+", b"tel:1;phone-context=", b"\t\t\t", b"%",
    b"sip:%@x", b"sip:%zz@x", b"sip:a%00b@x", b"sips:a@b;transport=udp", b"sip:a@b?" + b"h=v&" * 300, b"mailto:a@b",
    b"SIP/2.0/UDP", b"SIP/2.0/UDP ;branch=z9hG4bK", b"SIP / 2.0 / TCP [::1]:0;received=x;rport=-1", b"1 INVITE INVITE",
    b"Digest", b'Digest realm="', b"Digest nonce=,,,", b'Digest username="a", realm="b", nonce="c", uri="d", response="e"',
    b"x" * 5000, b"multipart/mixed", b'multipart/mixed;boundary=""', b"application/sdp;charset=\xff", b"text/",
)  # fmt: skip
SDP_JUNK = (
    "v=0", "v=1", "o=", "o=- x y IN IP4 z", "s=", "c=IN IP4 ", "c=IN IP6 ::", "c=IN IP4 999.1.1.1", "c=IN IP4 224.2.1.1/127/999",
    "c=IN IP4 0.0.0.0", "t=", "t=0 99999999999999999999999", "m=audio", "m=audio 0 RTP/AVP 0", "m=audio 70000 RTP/AVP 0",
    "m=audio -1 RTP/AVP 0", "m=audio 4000/99999 RTP/AVP 0", "m=audio 4000 RTP/AVP 999", "m=audio 4000 RTP/AVP x",
    "m=audio 4000 RTP/SAVPF 0", "m=video 4000 RTP/AVP 0", "a=", "a=rtpmap:", "a=rtpmap:0", "a=rtpmap:96 x/0", "a=rtpmap:8 PCMA/-8000",
    "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-999999999", "a=fmtp:", "a=ptime:0", "a=ptime:-20", "a=ptime:99999999",
    "a=maxptime:x", "a=sendrecv", "a=inactive", "a=candidate:" + "1 " * 200, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
    "a=rtcp:", "a=rtcp:0 IN IP4 x", "a=rtcp-mux", "b=AS:-1", "k=clear:", "z=0 0 0", "r=", "e=", "\x00", "=", "==", "m=audio 1 " + "x" * 3000,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """Whom it is aimed at, and who seems to send it."""

    user: str
    host: str
    port: int
    sender: str = "127.0.0.66"
    transport: str = "UDP"


def _sdp(random: Random, target: Target) -> bytes:
    lines = [
        "v=0", f"o=- {random.randrange(1 << 40)} 1 IN IP4 {target.sender}", "s=-", f"c=IN IP4 {target.sender}", "t=0 0",
        f"m=audio {random.randrange(2, 65000)} RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000",
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


def sound(random: Random, target: Target, method: str | None = None) -> tuple[list[bytes], bytes]:
    """A message that is as it should be: its lines, its body."""
    method = method or random.choice(METHODS)
    body = _sdp(random, target) if method in ("INVITE", "UPDATE") or random.random() < 0.2 else b""
    start = f"{method} sip:{target.user}@{target.host}:{target.port} SIP/2.0"
    if random.random() < 0.25:
        start = f"SIP/2.0 {random.choice(STATUSES)} Whatever"
    via = f"SIP/2.0/{target.transport} {target.sender}:5060;branch=z9hG4bK{random.randrange(1 << 40):x};rport"
    lines = [
        start,
        f"Via: {via}",
        f"From: <sip:m@{target.sender}>;tag={random.randrange(1 << 30):x}",
        f"To: <sip:{target.user}@{target.host}>" + (f";tag={random.randrange(99)}" if random.random() < 0.3 else ""),
        f"Call-ID: {random.randrange(1 << 40):x}",
        f"CSeq: {random.randrange(1, 1000)} {method}",
        "Max-Forwards: 70",
        f"Contact: <sip:m@{target.sender}:5060>",
    ]
    if body:
        lines.append("Content-Type: application/sdp")
    return [line.encode() for line in lines], body


def whole(lines: list[bytes], body: bytes, length: bytes | None = None) -> bytes:
    """The message on the wire; `length`: what Content-Length says."""
    counted = str(len(body)).encode() if length is None else length
    return b"\r\n".join([*lines, b"Content-Length: " + counted, b"", body])


Kind = Callable[[Random, Target], bytes]


def truncated(random: Random, target: Target) -> bytes:
    octets = whole(*sound(random, target))
    return octets[: random.randrange(len(octets))]


def flipped(random: Random, target: Target) -> bytes:
    octets = bytearray(whole(*sound(random, target)))
    for _ in range(random.choice((1, 1, 2, 8, 40))):
        octets[random.randrange(len(octets))] = random.randrange(256)
    return bytes(octets)


def binary(random: Random, target: Target) -> bytes:
    return random.randbytes(random.choice((1, 2, 3, 4, 12, 13, 28, 100, 1400, 30_000)))


def junk_field(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    for _ in range(random.choice((1, 1, 2, 4))):
        lines.insert(random.randrange(1, len(lines) + 1), random.choice(HEADERS).encode() + b": " + random.choice(JUNK))
    return whole(lines, body)


def replaced_field(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    at = random.randrange(1, len(lines))
    lines[at] = lines[at].partition(b":")[0] + b": " + random.choice(JUNK)
    return whole(lines, body)


def missing_field(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    for _ in range(random.choice((1, 1, 2, 5))):
        del lines[random.randrange(1, len(lines))]
        if len(lines) == 1:
            break
    return whole(lines, body)


def doubled_field(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    lines.insert(random.randrange(1, len(lines)), random.choice(lines[1:]))
    return whole(lines, body)


def wrong_length(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target, "INVITE")
    wrong = (
        b"-1",
        b"0",
        b"1",
        b"4294967296",
        b"4000000000",
        b"99999999999999999999",
        b"0x10",
        b"",
        b"1 1",
        b"+5",
        b"\xd9\xa1",
    )
    return whole(lines, body, random.choice(wrong))  # fmt: skip


def start_line(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    lines[0] = random.choice(
        (
            b"", b"INVITE", b"INVITE sip:a", b"INVITE sip:a@b SIP/3.0", b"INVITE  sip:a@b  SIP/2.0", b"SIP/2.0", b"SIP/2.0 ",
            b"SIP/2.0 20 OK", b"SIP/2.0 2000 OK", b"SIP/2.0 -00 OK", b"SIP/2.0 999 \xff", b"SIP/7.0 200 OK", b"GET / HTTP/1.1",
            b"INVITE " + random.choice(JUNK) + b" SIP/2.0", b"\x00" * 20, b"i" * 3000 + b" sip:a@b SIP/2.0",
            b"INVITE sip:" + b"a" * 20_000 + b"@b SIP/2.0", b"\x16\x03\x01\x02\x00\x01\x00", b"INV\tITE sip:a@b SIP/2.0",
        )
    )  # fmt: skip
    return whole(lines, body)


def huge_field(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    lines.append(
        random.choice(HEADERS).encode() + b": " + random.choice(b'a,;<"( ').to_bytes() * random.choice((9_000, 60_000))
    )
    return whole(lines, body)[:65_000]


def flood_of_fields(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    name = random.choice(
        ("Via", "Route", "Record-Route", "Contact", "Accept", "X", "Require", "Authorization", "Supported")
    )
    value = {"Via": "SIP/2.0/UDP a;branch=z9hG4bKa", "Authorization": "Digest a=b"}.get(name, "<sip:a@b;lr>")
    lines += [f"{name}: {value}".encode()] * random.choice((60, 300, 1500))
    return whole(lines, body)[:65_000]


def folded(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target)
    at = random.randrange(1, len(lines))
    lines[at] = lines[at].replace(b" ", random.choice((b"\r\n ", b"\n ", b"\r ", b"\r\n\t\r\n ")))
    return random.choice(
        (whole(lines, body), whole(lines, body).replace(b"\r\n", b"\n"), whole(lines, body).replace(b"\r\n", b"\r"))
    )


def junk_sdp(random: Random, target: Target) -> bytes:
    lines, body = sound(random, target, "INVITE")
    rows = body.decode().splitlines()
    for _ in range(random.choice((1, 1, 2, 4, 200))):
        rows.insert(random.randrange(len(rows) + 1), random.choice(SDP_JUNK))
    if random.random() < 0.3:
        del rows[random.randrange(len(rows))]
    broken = random.choice(("\r\n", "\n", "\r")).join(rows).encode()
    return whole(lines, broken)


def multipart(random: Random, target: Target) -> bytes:
    """Parts in parts in parts; boundaries that are missing, empty, or each other's beginning."""
    lines, body = sound(random, target, "INVITE")
    lines = [line for line in lines if not line.startswith(b"Content-Type")]
    for depth in range(random.choice((1, 2, 20, 300))):
        boundary = random.choice((b"b", b"b%d" % depth, b"-", b"--", b"x" * 70))
        body = b"--" + boundary + b"\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n" + body + b"\r\n--" + boundary
        body += random.choice((b"--\r\n", b"", b"--", b"\r\n\r\n"))
    lines.append(b"Content-Type: multipart/mixed;boundary=" + random.choice((b"b", b'"b', b"", b"-")))
    return whole(lines, body[:50_000])


def torture(random: Random, target: Target) -> bytes:
    """Right on the face of it, and meant to mislead: foreign Via, our own address everywhere, loops."""
    lines, body = sound(random, target)
    own = f"sip:{target.user}@{target.host}:{target.port}".encode()
    extra = [
        b"Route: <" + own + b";lr>",
        b"Route: <" + own + b";lr>, <" + own + b">",
        b"Record-Route: <" + own + b";lr>",
        b"Max-Forwards: 0",
        b"Require: everything",
        b"Contact: *",
        b"Replaces: a;to-tag=b;from-tag=c",
        b"Refer-To: <" + own + b"?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
        f"Via: SIP/2.0/UDP {target.host}:{target.port};branch=z9hG4bKloop".encode(),
        f"Via: SIP/2.0/UDP {target.sender};maddr=239.1.1.1;ttl=999;branch=z9hG4bK".encode(),
        b"Proxy-Authorization: Digest username=\"1001\", realm=\"home.test\", nonce=\"0\", uri=\"x\", response=\"0\", qop=auth, nc=zz",
    ]  # fmt: skip
    for _ in range(random.choice((1, 2, 3))):
        lines.insert(random.randrange(1, len(lines)), random.choice(extra))
    return whole(lines, body)


KINDS: tuple[Kind, ...] = (
    truncated, flipped, flipped, binary, junk_field, junk_field, replaced_field, replaced_field, missing_field, doubled_field,
    wrong_length, start_line, huge_field, flood_of_fields, folded, junk_sdp, junk_sdp, multipart, torture, torture,
)  # fmt: skip


def barrage(random: Random, target: Target, count: int) -> Iterator[bytes]:
    """So many messages, of every kind in turn."""
    for n in range(count):
        yield KINDS[n % len(KINDS)](random, target)


def media_junk(random: Random) -> bytes:
    """Something for an RTP or RTCP port."""
    kind = random.randrange(6)
    if kind == 0:
        return random.randbytes(random.randrange(1, 1500))
    header = bytes(
        [random.choice((0x80, 0x90, 0xA0, 0xBF, 0x8F, 0x00, 0x40)), random.choice((0, 8, 0x80, 101, 0xE5, 127))]
    )
    if kind < 4:  # RTP
        return header + random.randbytes(10) + random.randbytes(random.choice((0, 1, 3, 4, 160, 161, 1400)))
    length = random.choice((0, 1, 6, 100, 0xFFFF))
    control = bytes([random.choice((0x80, 0x81, 0x9F, 0xA0)), random.choice((200, 201, 202, 203, 204, 205, 207, 223))])
    return control + length.to_bytes(2) + random.randbytes(random.choice((0, 4, 24, 28, 100)))
