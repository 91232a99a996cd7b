"""firmware.sip.credentials: RFC 3261 §20.7, §20.44; RFC 7616 §3.3, §3.4."""

import pytest

from firmware.sip.credentials import (
    Challenge,
    parse_authentication_info,
    parse_challenge,
    parse_credentials,
    parse_nonce_count,
)
from firmware.sip.grammar import MalformedMessage


def test_a_challenge_is_read():
    """§20.44's example, with the list that RFC 7616 §3.3 allows in qop."""
    challenge = parse_challenge(
        'Digest realm="atlanta.com", domain="sip:boxesbybob.com sip:b.example", qop="auth, auth-int", '
        'nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5'
    )

    assert challenge.is_digest
    assert (challenge.realm, challenge.nonce) == ("atlanta.com", "f84f1cec41e6cbe5aea9c8e88d359")
    assert (challenge.qop, challenge.algorithm) == (("auth", "auth-int"), "MD5")
    assert (challenge.opaque, challenge.stale) == ("", False)
    assert challenge.domain == ("sip:boxesbybob.com", "sip:b.example")


def test_credentials_are_read():
    """§20.7's example."""
    credentials = parse_credentials(
        'digest username="Alice", realm="atlanta.com", nonce="84a4cc6f3082121f32b42a2187831a9e", uri="sip:a,b@c",'
        'response="7587245234B3434cc3412213e5f113a5432" , nc=0000000a,cnonce="0a4f", qop=Auth'
    )

    assert credentials.is_digest
    assert (credentials.username, credentials.uri, credentials.qop) == ("Alice", "sip:a,b@c", "auth")
    assert (credentials.nonce_count, credentials.cnonce) == ("0000000a", "0a4f")
    assert credentials.response == "7587245234b3434cc3412213e5f113a5432"
    assert credentials.algorithm == "MD5"


def test_what_is_written_has_quotes_where_the_standard_wants_them():
    """RFC 7616 §3.3, §3.4: qop with in a challenge and without in credentials; algorithm, nc and stale without."""
    challenge = Challenge.of('a "b"', "n", "SHA-256", "auth", opaque="o", stale=True)

    assert str(challenge) == (
        r'Digest realm="a \"b\"", nonce="n", algorithm=SHA-256, qop="auth", opaque="o", stale=true'
    )
    assert parse_challenge(str(challenge)) == challenge
    text = 'Digest username="a", realm="r", nonce="n", uri="sip:x", response="0", qop=auth, nc=00000001, algorithm=MD5'
    assert str(parse_credentials(text)) == text


def test_other_schemes_are_no_fault():
    """RFC 8760 §2.4: ignore any challenge one does not understand."""
    assert not parse_challenge("Bearer realm=x").is_digest
    assert str(parse_credentials("Basic YTpi==")) == "Basic YTpi=="
    assert parse_challenge("NoOneKnowsThisScheme opaque-data=here").parameters.get("opaque-data") == "here"


def test_a_username_outside_quoted_string_comes_encoded():
    """RFC 7616 §3.9.2's example."""
    credentials = parse_credentials("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"api@example.org\"")
    assert credentials.username == "Jäsøn Doe"
    assert parse_credentials("Digest username*=x''a").username == ""


def test_authentication_info():
    """§20.6's example."""
    info = parse_authentication_info('nextnonce="47364c23432d2e131a5fb210812c", qop=auth')
    assert info.next_nonce == "47364c23432d2e131a5fb210812c"
    assert str(info) == 'nextnonce="47364c23432d2e131a5fb210812c", qop=auth'


def test_the_nonce_count_is_eight_hexadecimal_digits():
    """RFC 7616 §3.4."""
    assert parse_nonce_count("0000000A") == 10
    for text in ("", "1", "000000001", "0x000001", "+0000001"):
        with pytest.raises(MalformedMessage):
            parse_nonce_count(text)


@pytest.mark.parametrize(
    "text",
    ["", "Digest", "Digest realm", 'Digest realm="a', 'Digest realm="a" nonce="b"', "Digest a=b,", "Digest ,a=b"],
)
def test_malformed_digest_is_refused(text):
    with pytest.raises(MalformedMessage):
        parse_challenge(text)
    with pytest.raises(MalformedMessage):
        parse_authentication_info(text)
