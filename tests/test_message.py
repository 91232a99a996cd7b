"""firmware.sip.message: RFC 3261 §7, §8.2.6, §18.3; messages that torture a parser, after RFC 4475 and RFC 5118."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware.sip.grammar import display_text
from firmware.sip.message import (
    Fields,
    MalformedMessage,
    MalformedRequest,
    NameAddress,
    Request,
    Response,
    parse_message,
    reason_phrase,
    response_to,
)
from firmware.sip.typed_fields import TypedField, TypedFields
from firmware.sip.uri import OtherUri, SipUri, parse_uri
from firmware.sip.via import Via

VECTORS = Path(__file__).parent / "vectors" / "messages"
TYPED = [name for name, field in vars(TypedFields).items() if isinstance(field, TypedField)]
INVITE = (
    b"INVITE sip:bob@biloxi.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\r\n"
    b"Record-Route: <sip:p1.example.com;lr>\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: Bob <sip:bob@biloxi.com>\r\n"
    b"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Timestamp: 54\r\n"
    b"Contact: <sip:alice@pc33.atlanta.com>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 4\r\n\r\n"
    b"v=0\n"
)


def vector(name: str) -> bytes:
    return (VECTORS / f"{name}.sip").read_bytes()


def request(data: bytes = INVITE) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


def read_all(message: Request | Response) -> None:
    """Read every typed property; a malformed one may say so and nothing else."""
    for name in TYPED:
        try:
            getattr(message, name)
        except MalformedMessage:
            continue


def test_the_standards_own_invite_is_read_and_written_as_it_came():
    """§4, §24.2."""
    message = request()
    message.check()

    assert (message.method, message.uri, message.body) == ("INVITE", SipUri("bob", "biloxi.com"), b"v=0\n")
    assert message.from_ == NameAddress("Alice", SipUri("alice", "atlanta.com"), message.from_.parameters)
    assert message.via.branch == "z9hG4bKnashds8"
    assert bytes(message) == INVITE


def test_a_response_is_read_and_written_as_it_came():
    """§7.2: the reason phrase may be any UTF-8, and empty."""
    data = "SIP/2.0 200 Всё = 2**3\r\nCSeq: 1 A\r\nContent-Length: 0\r\n\r\n".encode()
    message = parse_message(data)
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.is_final, message.is_success) == (200, "Всё = 2**3", True, True)
    assert bytes(message) == data


class TestTorture:
    """Each vector holds what RFC 4475 §3.1.1 and RFC 5118 call valid, in one message or another."""

    def test_folded_and_spaced(self):
        """RFC 4475 §3.1.1.1."""
        message = request(vector("folded_and_spaced"))
        message.check()

        assert message.to.tag == "77aa"
        assert message.from_.display_name == r'A \ "B" C'
        assert message.max_forwards == 70
        assert message.cseq.number == 11
        assert [via.branch for via in message.vias] == ["z9hG4bKfirst", "z9hG4bKsecond", "z9hG4bKthird"]
        assert [via.transport for via in message.vias] == ["UDP", "TCP", "UDP"]
        assert message.subject == ""
        assert message.fields.get("x-unheard-of") == "one two"
        assert message.fields.get("X-Odd") == ";;,,;,"
        assert message.routes[0].uri.lr
        assert message.contact.display_name == 'In "marks", with comma'
        assert (message.contact.q, message.contact.parameters.get("fresh")) == (0.33, "yes")

    def test_every_reserved_character(self):
        """RFC 4475 §3.1.1.2, §3.1.1.4, §3.1.1.9, §3.1.1.10."""
        message = request(vector("every_reserved_character"))
        message.check()

        assert message.method == "!strange'Method_.*%*`+~"
        assert message.uri.user == "1_(odd)&user=it+$/is?,/;*"
        assert message.uri.password == "&p+=$,w"
        assert message.via.transport == "UNKNOWN-1.2"
        assert message.to.display_name == "bell \x07 del \x7f nul \x00"
        assert display_text(message.to.display_name) == "bell  del  nul"
        assert message.from_.uri.user == "東\0"
        assert message.fields.get("Extra-!.%*+`'~-Name") == "東京"

    def test_hosts_of_version_six(self):
        """RFC 5118 §4."""
        message = request(vector("hosts_of_version_six"))
        message.check()

        assert (message.uri.host, message.uri.port, message.uri.maddr) == ("2001:db8::9:1", 5061, "2001:db8::5")
        assert message.vias[0].received == "2001:db8::9:255"
        assert message.vias[1].host == "::ffff:192.0.2.10"
        assert str(message.contact) == '"Bob" <sip:bob@[2001:db8::7]>'

    def test_short_forms_and_lists(self):
        """§7.3.3; RFC 4475 §3.1.1.8 among others."""
        message = request(vector("short_forms_and_lists"))
        message.check()

        assert [via.host for via in message.vias] == ["a.example.com", "b.example.com", "c.example.com"]
        assert [contact.display_name for contact in message.contacts] == ["", "Smith, J"]
        assert len(message.record_routes) == 2
        assert message.referred_by.display_name == "Ann"
        assert message.refer_to.uri.headers == (("Replaces", "a@b;to-tag=1;from-tag=2"),)
        assert message.body == b"ok"
        assert b"\r\nSupported: replaces, 100rel\r\n" in bytes(message)

    def test_answer_with_words(self):
        """RFC 4475 §3.1.1.12: an unusual reason phrase."""
        message = parse_message(vector("answer_with_words"))
        message.check()

        assert message.reason == "= 2**3 * 5**2 но сто девяносто"
        assert [warning.text for warning in message.warning] == ['He said "no", twice', "x"]
        assert [reason.protocol for reason in message.reasons] == ["SIP", "Q.850"]
        assert (message.retry_after.seconds, message.retry_after.duration) == (18000, 3600)

    def test_no_reason_phrase(self):
        """RFC 4475 §3.1.1.13."""
        message = parse_message(vector("no_reason_phrase"))
        message.check()
        assert (message.status, message.reason, message.is_provisional) == (100, "", True)
        assert message.timestamp.delay == ".5"

    def test_unknown_schemes(self):
        """RFC 4475 §3.3.3 to §3.3.5: for the core to refuse, not for the parser."""
        message = request(vector("unknown_schemes"))
        message.check()
        assert message.uri == OtherUri("soap.beep", "//192.0.2.103:3002")
        assert isinstance(message.to.uri, OtherUri)

    def test_two_in_one_datagram(self):
        """§18.3; RFC 4475 §3.1.1.7."""
        assert request(vector("two_in_one_datagram")).body == b"hello"

    @pytest.mark.parametrize("path", sorted(VECTORS.glob("*.sip")), ids=lambda path: path.stem)
    def test_what_is_written_reads_the_same(self, path):
        message = parse_message(path.read_bytes())
        again = parse_message(bytes(message))

        for name in set(TYPED) - {"content_length"}:
            assert getattr(again, name) == getattr(message, name)
        assert parse_message(bytes(again)) == again


REFUSED = [
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE sip:bob@biloxi.com  SIP/2.0", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE  sip:bob@biloxi.com SIP/2.0", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE sip:bob@biloxi.com SIP/2.0 ", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE <sip:bob@biloxi.com> SIP/2.0", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE sip:bob@biloxi.com; lr SIP/2.0", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE sip:bob@biloxi.com?Route=%3Csip:x%3E SIP/2.0", 400),
    (b"INVITE sip:bob@biloxi.com SIP/2.0", b"INVITE sip:bob@biloxi.com SIP/7.0", 505),
    (b"Content-Length: 4", b"Content-Length: 5", 400),
    (b"Content-Length: 4", b"Content-Length: -4", 400),
    (b"Content-Length: 4", b"Content-Length: 4\r\nl: 3", 400),
    (b"Content-Length: 4", b"Content-Length: 99999999999999999999", 400),
    (b"Timestamp: 54", b"Timestamp 54", 400),
    (b"Timestamp: 54", b"Time stamp: 54", 400),
    (b"Timestamp: 54", b"Timestamp: 5\n4", 400),
    (b"Timestamp: 54", b"Timestamp: 5\r4", 400),
    (b"Timestamp: 54", b"X: y\r\n" * 300 + b"X: y", 513),
]


@pytest.mark.parametrize(("good", "bad", "status"), REFUSED)
def test_a_malformed_request_can_be_answered(good, bad, status):
    """RFC 4475 §3.1.2: 400 and 505, with what §8.2.6.2 wants copied."""
    assert good in INVITE
    with pytest.raises(MalformedRequest) as caught:
        parse_message(INVITE.replace(good, bad))

    error = caught.value
    assert error.status == status
    response = response_to(error.fields, error.status, error.reason, to_tag="t")
    assert response.to.tag == "t"
    assert response.via.branch == "z9hG4bKnashds8"
    assert parse_message(bytes(response)) == parse_message(bytes(parse_message(bytes(response))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0" * 20,
        b"hello",
        INVITE.replace(b"\r\n", b"\n"),
        INVITE[:100],
        INVITE.replace(b"\r\n\r\n", b"\r\n"),
        b"SIP/2.0 099 x\r\n\r\n",
        b"SIP/2.0 700 x\r\n\r\n",
        b"SIP/2.0 4294967301 x\r\n\r\n",
        b"SIP/3.0 200 OK\r\n\r\n",
        INVITE.replace(b"INVITE sip", b"ACK  sip"),
        INVITE.replace(b"2.0\r\n", b"7\r\n").replace(b"Via: SIP", b"Via: <"),
        INVITE.replace(b"\r\nTo: Bob", b"\r\nTo Bob"),
        INVITE + b"x" * 300_000,
        INVITE[:-8] + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_cannot_be_answered_says_so(data):
    """§7: LF alone ends no line; §17.1.1.3: an ACK is never answered; §8.2.6.2: nothing to copy."""
    with pytest.raises(MalformedMessage) as caught:
        parse_message(data)
    assert not isinstance(caught.value, MalformedRequest)


def test_line_ends_before_the_start_line_are_ignored():
    """§7.5."""
    assert parse_message(b"\r\n\r\n" + INVITE) == request()


def test_a_continued_start_line_is_refused():
    with pytest.raises(MalformedMessage):
        parse_message(INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n Via", 1))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"CSeq: 314159 INVITE", b"CSeq: 314159 BYE"),
        (b"CSeq: 314159 INVITE", b"CSeq: 36893488147419103232 INVITE"),
        (b"CSeq: 314159 INVITE\r\n", b""),
        (b"Max-Forwards: 70", b"Max-Forwards: 300"),
        (b"Call-ID: a84", b"Call-ID: a 84"),
        (b"To: Bob <", b'To: "Bob <'),
        (b"Via: SIP/2.0/UDP pc33.atlanta.com;", b"Via: SIP/2.0/UDP pc33.atlanta.com;;,;,,"),
        (b"From: ", b"From: <sip:a@b>;tag=1\r\nFrom: "),
    ],
)
def test_mandatory_fields_are_checked_when_asked(good, bad):
    """§8.1.1; RFC 4475 §3.1.2.1, §3.1.2.4, §3.1.2.6, §3.1.2.17, §3.3.1, §3.3.8."""
    assert good in INVITE
    with pytest.raises(MalformedMessage):
        request(INVITE.replace(good, bad)).check()


def test_a_request_of_rfc_2543_is_taken():
    """§16.3, §17.2.3; RFC 4475 §3.4.1: no Max-Forwards, no branch, no Content-Length, no tag."""
    data = INVITE.replace(b"Max-Forwards: 70\r\n", b"").replace(b";branch=z9hG4bKnashds8", b"")
    message = request(data.replace(b"Content-Length: 4\r\n", b"").replace(b";tag=1928301774", b""))
    message.check()
    assert (message.body, message.max_forwards, message.via.branch, message.from_.tag) == (b"v=0\n", None, None, None)


def test_octets_that_are_no_utf8_pass_through():
    """§7.3.1: a proxy passes on what it does not understand; a panel shows a mark in their place."""
    data = INVITE.replace(b"To: Bob", b'To: "B\xf6b \xe9"')
    message = request(data)
    assert bytes(message) == data
    assert display_text(message.to.display_name) == "B\ufffdb \ufffd"


class TestEditing:
    def test_each_change_is_a_copy(self):
        message = request()
        changed = message.prepend("Via", Via("TCP", "p1")).append("Route", "<sip:r;lr>").without("Timestamp", "Contact")

        assert [via.host for via in changed.vias] == ["p1", "pc33.atlanta.com"]
        assert [str(route) for route in changed.routes] == ["<sip:r;lr>"]
        assert (changed.timestamp, changed.contacts) == (None, ())
        assert bytes(message) == INVITE

    def test_the_length_is_always_that_of_the_body(self):
        """§20.14."""
        message = request().with_body(b"hello", "text/plain")
        assert bytes(message).endswith(b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
        assert bytes(message.without("Content-Length")).count(b"Content-Length: 5\r\n\r\nhello") == 1
        assert bytes(message.with_body(b"")).endswith(
            b"54\r\nContact: <sip:alice@pc33.atlanta.com>\r\nContent-Length: 0\r\n\r\n"
        )
        assert bytes(message.append("l", "9")).count(b"Content-Length") == 1

    def test_no_text_of_ours_begins_another_line(self):
        with pytest.raises(ValueError):
            bytes(Response(200, "OK\r\nVia: x", Fields()))
        with pytest.raises(ValueError):
            request().with_("Subject", "a\r\nVia: x")

    def test_another_target(self):
        uri = parse_uri("sip:bob@192.0.2.4")
        assert bytes(request().with_uri(uri)).startswith(b"INVITE sip:bob@192.0.2.4 SIP/2.0\r\n")


class TestResponses:
    def test_a_response_copies_what_it_must(self):
        """§8.2.6.2, §12.1.1."""
        message = request().prepend("Via", "SIP/2.0/UDP p1;branch=z9hG4bKp1")
        response = response_to(message, 180, to_tag="99", fields=(("Contact", "<sip:bob@192.0.2.4>"),))

        assert bytes(response) == (
            b"SIP/2.0 180 Ringing\r\n"
            b"Via: SIP/2.0/UDP p1;branch=z9hG4bKp1\r\n"
            b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8\r\n"
            b"Record-Route: <sip:p1.example.com;lr>\r\n"
            b"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
            b'To: "Bob" <sip:bob@biloxi.com>;tag=99\r\n'
            b"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
            b"CSeq: 314159 INVITE\r\n"
            b"Contact: <sip:bob@192.0.2.4>\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        response.check()

    def test_a_hundred_has_the_timestamp_and_no_tag(self):
        """§8.2.6.1, §8.2.6.2."""
        response = Response.of(request(), 100, to_tag="99")
        assert (response.to.tag, response.timestamp.time, response.record_routes) == (None, "54", ())

    def test_a_tag_that_is_there_stays(self):
        """§8.2.6.2: "if the request contained a To tag, the To header field in the response MUST equal that"."""
        message = request(INVITE.replace(b"bob@biloxi.com>", b"bob@biloxi.com>;tag=old"))
        assert response_to(message, 200, to_tag="new").to.tag == "old"

    def test_a_failure_makes_no_dialog(self):
        """§12.1.1: Record-Route in 101 to 299."""
        assert response_to(request(), 486).record_routes == ()
        assert len(response_to(request(), 200).record_routes) == 1

    def test_phrases(self):
        """§21; §8.1.3.2: an unknown code is as its class."""
        assert (reason_phrase(487), reason_phrase(299), reason_phrase(499)) == (
            "Request Terminated",
            "OK",
            "Request Failure",
        )
        assert response_to(request(), 486, "Not Now").reason == "Not Now"


TOKENS = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,10}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(lambda text: text.strip(" \t"))
FIELDS = st.lists(st.tuples(st.sampled_from(["Via", "m", "subject", "X-New", "To"]) | TOKENS, TEXTS), max_size=12)
USERS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
URIS = st.builds(SipUri, USERS, st.sampled_from(["example.com", "192.0.2.1", "::1"]), st.none() | st.integers(0, 65535))


def sized(fields: list[tuple[str, str]], body: bytes) -> Fields:
    return Fields([*fields, ("Content-Length", str(len(body)))]).set("Content-Length", len(body))


MESSAGES = st.builds(
    lambda method, uri, fields, body: Request(method, uri, sized(fields, body), body), TOKENS, URIS, FIELDS, st.binary()
) | st.builds(
    lambda status, reason, fields, body: Response(status, reason, sized(fields, body), body),
    st.integers(100, 699),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    FIELDS,
    st.binary(),
)


@given(MESSAGES)
def test_a_message_survives_writing_and_reading(message):
    assert parse_message(bytes(message)) == message


@given(MESSAGES)
def test_reading_typed_values_of_any_message_is_safe(message):
    read_all(message)


SEEDS = [INVITE, *[path.read_bytes() for path in sorted(VECTORS.glob("*.sip"))]]
PIECES = st.binary(max_size=6) | st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b",",
        b";",
        b'"',
        b"<",
        b">",
        b"\\",
        b"%",
        b"=",
        b"@",
        b":",
        b"[",
        b"]",
        b"\0",
        b"\xff",
        b" ",
        b"*",
        b"9" * 30,
    ]
)
MUTATIONS = st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 20), PIECES), max_size=6)


@given(st.sampled_from(SEEDS), MUTATIONS)
@example(INVITE, [(0, 5000, b"")])
def test_a_mutilated_message_is_malformed_at_worst(data, mutations):
    """Nothing but MalformedMessage comes out of any octets, while parsing, reading or writing."""
    for place, length, piece in mutations:
        data = data[:place] + piece + data[place + length :]
    try:
        message = parse_message(data)
    except MalformedMessage as error:
        if isinstance(error, MalformedRequest):
            bytes(response_to(error.fields, error.status, error.reason, to_tag="t"))
        return
    read_all(message)
    again = parse_message(bytes(message))
    assert bytes(again) == bytes(message)


@pytest.mark.parametrize("data", SEEDS, ids=range(len(SEEDS)))
def test_a_message_cut_anywhere_is_malformed_at_worst(data):
    for end in range(len(data)):
        try:
            read_all(parse_message(data[:end]))
        except MalformedMessage:
            continue


@given(st.binary(max_size=400))
def test_any_octets_are_a_message_or_malformed(data):
    for candidate in (data, b"SIP/2.0 200 OK\r\n" + data, b"INVITE sip:a@b SIP/2.0\r\n" + data + b"\r\n\r\n"):
        try:
            read_all(parse_message(candidate))
        except MalformedMessage:
            continue
