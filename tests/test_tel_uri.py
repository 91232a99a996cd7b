"""firmware.sip.tel_uri: RFC 3966."""

import pytest

from firmware.sip.grammar import MalformedMessage
from firmware.sip.uri import TelUri, parse_uri


def tel(text: str) -> TelUri:
    uri = parse_uri(text)
    assert isinstance(uri, TelUri)
    return uri


@pytest.mark.parametrize(
    ("text", "digits", "context"),
    [
        ("tel:+1-201-555-0123", "+12015550123", None),
        ("tel:7042;phone-context=example.com", "7042", "example.com"),
        ("tel:863-1234;phone-context=+1-914-555", "8631234", "+1-914-555"),
        ("tel:+1(201)555.0123;ext=7;isub=12%2034", "+12015550123", None),
        ("tel:*21#;phone-context=pbx.example", "*21#", "pbx.example"),
    ],
)
def test_the_parts_of_a_number(text, digits, context):
    """RFC 3966 §3, §6's examples among them."""
    uri = tel(text)
    assert (uri.digits, uri.context, uri.is_global) == (digits, context, digits.startswith("+"))
    assert str(uri) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+1-201-555-0123", "TEL:+1.201.555.0123"),
        ("tel:+12;ext=1-2;isub=a", "tel:+1(2);isub=A;ext=12"),
        ("tel:7042;phone-context=Example.COM", "tel:70-42;phone-context=example.com"),
        ("tel:7;phone-context=+1-914", "tel:7;phone-context=+1.914"),
        ("tel:a;phone-context=x", "tel:A;phone-context=x"),
    ],
)
def test_equivalent_numbers(one, other):
    """RFC 3966 §4."""
    assert tel(one).equivalent(tel(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+12", "tel:12;phone-context=x"),
        ("tel:+12", "tel:+12;ext=1"),
        ("tel:7;phone-context=+1", "tel:7;phone-context=+2"),
        ("tel:7;phone-context=a-b.com", "tel:7;phone-context=ab.com"),
        ("tel:+12;x", "tel:+12;x=y"),
    ],
)
def test_numbers_that_are_not_equivalent(one, other):
    """RFC 3966 §4."""
    assert not tel(one).equivalent(tel(other))


@pytest.mark.parametrize("text", ["tel:", "tel:+", "tel:-", "tel:+1a", "tel:1 2", "tel:hello", "tel:+1;", "tel:+1;;a"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(MalformedMessage):
        parse_uri(text)
