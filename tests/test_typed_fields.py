"""firmware.sip.typed_fields: RFC 3261 §20 and its extensions, read from whole messages."""

from datetime import UTC, datetime

import pytest

from firmware.sip.address import Contact
from firmware.sip.field_values import CSeq, MediaType, RAck, Replaces
from firmware.sip.grammar import MalformedMessage
from firmware.sip.header import Fields, parse_fields
from firmware.sip.message import Request
from firmware.sip.typed_fields import TypedField, TypedFields
from firmware.sip.uri import SipUri, TelUri, parse_uri

EVERY = sorted(name for name, field in vars(TypedFields).items() if isinstance(field, TypedField))
MANDATORY = {"vias", "from_", "to", "call_id", "cseq"}


def with_fields(*items: tuple[str, str]) -> Request:
    return Request("OPTIONS", SipUri("a", "b"), Fields(items))


@pytest.mark.parametrize("name", EVERY)
def test_what_is_absent_is_none_or_empty_unless_it_is_mandatory(name):
    """§8.1.1."""
    if name in MANDATORY:
        with pytest.raises(MalformedMessage, match="Missing"):
            getattr(with_fields(), name)
    else:
        assert getattr(with_fields(), name) in (None, ())


@pytest.mark.parametrize(
    ("name", "lines", "value"),
    [
        ("call_id", ["i: a@b"], "a@b"),
        ("cseq", ["CSeq: 7 OPTIONS"], CSeq(7, "OPTIONS")),
        ("max_forwards", ["Max-Forwards: 0070"], 70),
        ("expires", ["Expires: 99999999999999"], 2**32 - 1),
        ("min_expires", ["Min-Expires: 60"], 60),
        ("max_breadth", ["Max-Breadth: 60"], 60),
        ("allow", ["Allow: INVITE, ACK", "Allow: BYE"], ("INVITE", "ACK", "BYE")),
        ("supported", ["k: replaces,100rel"], ("replaces", "100rel")),
        ("require", ["Require: a", "Require: b"], ("a", "b")),
        ("proxy_require", ["Proxy-Require: a"], ("a",)),
        ("unsupported", ["Unsupported: a"], ("a",)),
        ("allow_events", ["u: presence, dialog"], ("presence", "dialog")),
        ("accept", ["Accept:"], ()),
        ("accept", ["Accept: a/b, c/d"], (MediaType("a", "b"), MediaType("c", "d"))),
        ("content_type", ["c: Application/SDP"], MediaType("application", "sdp")),
        ("content_length", ["l: 0349"], 349),
        ("content_encoding", ["e: gzip"], ("gzip",)),
        ("content_language", ["Content-Language: fr, en"], ("fr", "en")),
        ("mime_version", ["MIME-Version: 1.0"], "1.0"),
        ("subject", ['s: Tech, "Support"'], 'Tech, "Support"'),
        ("organization", ["Organization: Boxes by Bob"], "Boxes by Bob"),
        ("priority", ["Priority: emergency"], "emergency"),
        ("user_agent", ["User-Agent: Softphone Beta1.5 (x)"], "Softphone Beta1.5 (x)"),
        ("server", ["Server: HomeServer v2"], "HomeServer v2"),
        ("date", ["Date: Sat, 13 Nov 2010 23:29:00 GMT"], datetime(2010, 11, 13, 23, 29, tzinfo=UTC)),
        ("in_reply_to", ["In-Reply-To: a@b, c@d"], ("a@b", "c@d")),
        ("privacy", ["Privacy: id;header", "Privacy: critical"], ("id", "header", "critical")),
        ("replaces", ["Replaces: a@b;to-tag=1;from-tag=2"], Replaces("a@b", "1", "2")),
        ("join", ["Join: a@b;to-tag=1;from-tag=2"], Replaces("a@b", "1", "2")),
        ("target_dialog", ["Target-Dialog: a@b;local-tag=1;remote-tag=2"], Replaces("a@b", "1", "2")),
        ("rseq", ["RSeq: 988789"], 988789),
        ("rack", ["RAck: 776656 1 INVITE"], RAck(776656, 1, "INVITE")),
        ("sip_etag", ["SIP-ETag: 7"], "7"),
        ("sip_if_match", ["SIP-If-Match: 8"], "8"),
    ],
)
def test_a_field_is_read_as_its_type(name, lines, value):
    message = Request("OPTIONS", SipUri("a", "b"), parse_fields(lines))
    assert getattr(message, name) == value


@pytest.mark.parametrize(
    "name",
    [
        "Route",
        "Record-Route",
        "Path",
        "Service-Route",
        "Alert-Info",
        "Call-Info",
        "Error-Info",
        "P-Asserted-Identity",
        "P-Preferred-Identity",
        "Diversion",
    ],
)
def test_lists_of_addresses_come_in_one_line_or_many(name):
    """§7.3.1: the order is kept."""
    message = with_fields((name, '<sip:a@x;lr>, "b, c" <tel:+1>;p=1'), ("To", "x"), (name, "<http://x/y>"))
    read = getattr(
        message,
        {"Route": "routes", "Record-Route": "record_routes", "Service-Route": "service_routes"}.get(
            name, name.lower().replace("-", "_")
        ),
    )

    assert [address.uri for address in read] == [parse_uri("sip:a@x;lr"), TelUri("+1"), parse_uri("http://x/y")]
    assert read[1].display_name == "b, c"
    assert read[1].parameters.get("p") == "1"


@pytest.mark.parametrize("name", ["From", "To", "Reply-To", "Refer-To", "Referred-By"])
def test_single_addresses(name):
    message = with_fields((name, '"A" <sip:a@x?Replaces=1%40b>;tag=5'))
    read = getattr(message, {"From": "from_"}.get(name, name.lower().replace("-", "_")))
    assert (read.display_name, read.tag, read.uri.headers) == ("A", "5", (("Replaces", "1@b"),))


def test_vias_come_in_one_line_or_many():
    """§7.3.1."""
    message = with_fields(("v", "SIP/2.0/UDP a;branch=1 , SIP/2.0/TCP b;branch=2"), ("Via", "SIP/2.0/TLS c;branch=3"))
    assert [via.branch for via in message.vias] == ["1", "2", "3"]
    assert message.via is message.vias[0]


def test_contact_may_be_a_wildcard_but_not_beside_others():
    """§10.2.2, §20.10."""
    everything = with_fields(("m", "*"))
    assert everything.contact_is_wildcard
    assert everything.contacts == ()
    assert everything.contact is None
    with pytest.raises(MalformedMessage):
        _ = with_fields(("Contact", "<sip:a@b>, *")).contacts


def test_contacts():
    """§20.10."""
    message = with_fields(("Contact", '"Mr. Watson" <sip:w@a>;q=0.7; expires=3600,\t"W" <mailto:w@b>;q=.1'))
    first, second = message.contacts
    assert isinstance(first, Contact)
    assert (first.q, first.expires, second.q, second.expires) == (0.7, 3600, 0.1, None)
    assert message.contact is first
    assert not message.contact_is_wildcard


def test_authentication_fields_are_one_to_a_line():
    """§7.3.1's exception."""
    message = with_fields(
        ("WWW-Authenticate", 'Digest realm="a", nonce="1"'),
        ("WWW-Authenticate", 'Digest realm="b", nonce="2", algorithm=SHA-256'),
        ("Proxy-Authenticate", 'Digest realm="c", nonce="3"'),
        ("Authorization", 'Digest username="u", realm="a"'),
        ("Proxy-Authorization", 'Digest username="v", realm="c"'),
        ("Authentication-Info", 'nextnonce="4"'),
    )
    assert [challenge.realm for challenge in message.www_authenticate] == ["a", "b"]
    assert message.proxy_authenticate[0].nonce == "3"
    assert message.authorization[0].username == "u"
    assert message.proxy_authorization[0].username == "v"
    assert message.authentication_info.next_nonce == "4"


def test_values_with_parameters():
    message = with_fields(
        ("Event", "refer;id=1"),
        ("Subscription-State", "active;expires=5"),
        ("Reason", "SIP;cause=200, Q.850;cause=16"),
        ("Warning", '399 a "b, c", 300 d "e"'),
        ("Retry-After", "5"),
        ("Session-Expires", "90;refresher=uac"),
        ("Min-SE", "90"),
        ("Content-Disposition", "session;handling=required"),
        ("Accept-Language", "fr;q=0.5, en"),
        ("Accept-Encoding", "gzip"),
        ("Refer-Sub", "false"),
        ("Timestamp", "1.5"),
    )
    assert (message.event.value, message.event.id) == ("refer", "1")
    assert message.subscription_state.expires == 5
    assert [reason.cause for reason in message.reasons] == [200, 16]
    assert [warning.text for warning in message.warning] == ["b, c", "e"]
    assert (message.retry_after.seconds, message.session_expires.refresher, message.min_se.seconds) == (5, "uac", 90)
    assert message.content_disposition.value == "session"
    assert [language.value for language in message.accept_language] == ["fr", "en"]
    assert (message.accept_encoding[0].value, message.refer_sub.value, message.timestamp.time) == (
        "gzip",
        "false",
        "1.5",
    )


@pytest.mark.parametrize(
    "name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Expires", "Content-Type", "Refer-To"]
)
def test_what_may_stand_once_may_not_stand_twice(name):
    """§7.3.1; RFC 4475 §3.3.8."""
    value = {"CSeq": "1 A", "Max-Forwards": "1", "Expires": "1", "Content-Type": "a/b"}.get(name, "<sip:a@b>")
    message = with_fields((name, value), (name, value))
    with pytest.raises(MalformedMessage, match="Several"):
        getattr(message, {"From": "from_"}.get(name, name.lower().replace("-", "_")))


def test_a_value_is_read_once_and_survives_changes_of_others():
    message = with_fields(("Via", "SIP/2.0/UDP a;branch=1"), ("To", "<sip:a@b>"))
    vias, to = message.vias, message.to

    changed = message.with_("To", "<sip:c@d>")

    assert message.vias is vias
    assert changed.vias is vias
    assert changed.to.uri != to.uri
    assert message.to is to
