"""firmware.sip.address: RFC 3261 §20.10, §20.20, §20.39, §25.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.address import Contact, NameAddress, parse_contact, parse_name_address
from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import Parameters
from firmware.sip.uri import SipUri, parse_uri

BOB = SipUri("bob", "example.com")
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))


@given(NAMES, st.none() | st.from_regex("[a-zA-Z0-9.]{1,9}", fullmatch=True))
def test_an_address_survives_writing_and_reading(name, tag):
    address = NameAddress(name, BOB).with_tag(tag)
    assert parse_name_address(str(address)) == address
    assert parse_name_address(str(address)).tag == tag


@pytest.mark.parametrize(
    ("text", "name", "uri", "parameters"),
    [
        ('"A. G. Bell" <sip:agb@bell-tel.com> ;tag=a4', "A. G. Bell", "sip:agb@bell-tel.com", {"tag": "a4"}),
        ("sip:+12125551212@server.phone2net.com;tag=8", "", "sip:+12125551212@server.phone2net.com", {"tag": "8"}),
        ("Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=h", "Anonymous", "sip:c8oqz84zk7z@privacy.org", {"tag": "h"}),
        ("The Operator <sip:operator@cs.columbia.edu>", "The Operator", "sip:operator@cs.columbia.edu", {}),
        ("<sip:a@b;lr;x=y>;z", "", "sip:a@b;lr;x=y", {"z": None}),
        (r'"say \"<hi>\", \\o/"<sip:a@b>', r'say "<hi>", \o/', "sip:a@b", {}),
        ("Zoë 東京 <sip:z@b>", "Zoë 東京", "sip:z@b", {}),
        ('""<sip:a@b>', "", "sip:a@b", {}),
        ('"a" < sip:a@b >; tag = "x;y"', "a", "sip:a@b", {"tag": "x;y"}),
        ("caller<sip:a@b>;a=b", "caller", "sip:a@b", {"a": "b"}),
        ("<tel:+1-201;ext=5>", "", "tel:+1-201;ext=5", {}),
    ],
)
def test_the_forms_of_an_address(text, name, uri, parameters):
    """§20.10, §20.20, §20.39; RFC 4475 §3.1.1.6 no space between display name and bracket."""
    address = parse_name_address(text)
    assert address == NameAddress(name, parse_uri(uri), Parameters(parameters))


def test_parameters_without_brackets_are_the_fields():
    """§20.10: "all URI parameters" need brackets."""
    address = parse_name_address("sip:a@b;transport=tcp")
    assert address.uri == SipUri("a", "b")
    assert address.parameters.get("transport") == "tcp"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "Bob",
        '"Bob <sip:a@b>',
        "Bob <sip:a@b",
        "Bob sip:a@b>",
        "<sip:a@b> x",
        "<<sip:a@b>>",
        "<sip:a@b>;;",
        "sip:a@b?Route=x",
        "sip:a@b, sip:c@d",
        "a, b <sip:a@b>",
        "<sip:a@b> <sip:c@d>",
        "<sip:a@b>;tag=",
    ],
)
def test_malformed_addresses_are_refused(text):
    """RFC 4475 §3.1.2.6, §3.1.2.13, §3.1.2.15 among them."""
    with pytest.raises(MalformedMessage):
        parse_name_address(text)


def test_the_tag_can_be_given_changed_and_taken():
    address = NameAddress.of(BOB, "Bob", Parameters({"x": None}))
    assert address.tag is None
    assert str(address.with_tag("1").with_tag("2")) == '"Bob" <sip:bob@example.com>;x;tag=2'
    assert address.with_tag("1").with_tag(None) == address
    assert str(NameAddress.of(BOB).with_parameter("lr")) == "<sip:bob@example.com>;lr"


def test_a_contact_knows_its_preference_expiry_and_instance():
    """§20.10; RFC 5626 §4.1."""
    contact = parse_contact('<sip:a@b>;q=0.7;expires=60;+sip.instance="<urn:uuid:0>"')
    assert isinstance(contact, Contact)
    assert (contact.q, contact.expires, contact.instance) == (0.7, 60, "urn:uuid:0")
    assert str(contact) == '<sip:a@b>;q=0.7;expires=60;+sip.instance="<urn:uuid:0>"'


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("4294967295", 2**32 - 1),
        ("99999999999", 2**32 - 1),
        ("soon", 3600),
        ("-1", 3600),
        ('""', 3600),
        ("9" * 40, 3600),
    ],
)
def test_a_malformed_expiry_counts_as_an_hour(value, seconds):
    """§10.2.1.1, §20.10."""
    assert parse_contact(f"<sip:a@b>;expires={value}").expires == seconds


@pytest.mark.parametrize(
    ("value", "q"),
    [("1", 1.0), ("1.000", 1.0), ("0", 0.0), ("0.", 0.0), ("0.25", 0.25), ("1.1", None), ("2", None), ("0.1234", None)],
)
def test_a_malformed_preference_is_none(value, q):
    """§25.1 qvalue."""
    assert parse_contact(f"<sip:a@b>;q={value}").q == q
    assert parse_contact("<sip:a@b>").q is None
