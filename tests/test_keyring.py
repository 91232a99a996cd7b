"""An account's credentials: which challenges are answered, again and unasked (RFC 3261 §22)."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.cores.account import Account
from firmware.sip.cores.agent.keyring import MAX_ATTEMPTS, Keyring
from firmware.sip.digest import digest_response
from firmware.sip.fields import Fields
from firmware.sip.message import Request, Response, response_to
from firmware.sip.uri import SipUri, parse_sip_uri

HOME = "atlanta.example.com"
AWAY = "biloxi.example.com"


@pytest.fixture
def keyring() -> Keyring:
    account = Account(SipUri("alice", HOME), password="secret", outbound_proxy=SipUri(None, "ss1." + HOME))
    return Keyring(account, Random(3261))


def request(method: str = "INVITE", uri: str = f"sip:bob@{AWAY}") -> Request:
    fields = [
        ("Via", "SIP/2.0/UDP 192.0.2.101;branch=z9hG4bK1"),
        ("From", f"<sip:alice@{HOME}>;tag=1"),
        ("To", f"<{uri}>"),
        ("Call-ID", "1"),
        ("CSeq", f"1 {method}"),
    ]
    return Request(method, parse_sip_uri(uri), Fields(fields))


def challenge(*realms: str, status: int = 407, nonce: str = "n1", more: str = "") -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    lines = [(name, f'Digest realm="{realm}", nonce="{nonce}", qop="auth"{more}') for realm in realms]
    return response_to(request(), status, to_tag="2", fields=tuple(lines))


def shown(answered: Request | None) -> list[tuple[str, str, str]]:
    """Realm, nonce and count of what a request shows; each proof is checked."""
    assert answered is not None
    for each in answered.proxy_authorization:
        assert each.response == digest_response(each, "alice", "secret", answered.method, answered.body)
    return [(each.realm, each.nonce, each.nonce_count) for each in answered.proxy_authorization]


def test_a_challenge_is_answered(keyring: Keyring) -> None:
    assert shown(keyring.authorise(request(), challenge(HOME), 0)) == [(HOME, "n1", "00000001")]


def test_the_next_proxys_challenge_is_answered_beside_the_first_ones(keyring: Keyring) -> None:
    """§22.3, RFC 3665 §3.3 F11: credentials for both; the first nonce is used once more."""
    first = keyring.authorise(request(), challenge(HOME), 0)
    assert first is not None

    both = keyring.authorise(first, challenge(AWAY, nonce="n2"), 1)

    assert shown(both) == [(HOME, "n1", "00000002"), (AWAY, "n2", "00000001")]


def test_challenges_of_a_fork_are_answered_together(keyring: Keyring) -> None:
    """§22.3: a forking proxy aggregates the challenges of several realms."""
    assert [realm for realm, *_ in shown(keyring.authorise(request(), challenge(HOME, AWAY), 0))] == [HOME, AWAY]


def test_credentials_that_were_refused_are_not_shown_again(keyring: Keyring) -> None:
    """§22.1: "A UAC MUST NOT re-attempt requests with the credentials that have just been rejected"."""
    first = keyring.authorise(request(), challenge(HOME), 0)
    assert first is not None

    assert keyring.authorise(first, challenge(HOME, nonce="n2"), 1) is None
    assert keyring.anticipate(request()).proxy_authorization == ()


def test_a_stale_nonce_is_replaced(keyring: Keyring) -> None:
    """RFC 7616 §3.3: stale says that the password was right."""
    first = keyring.authorise(request(), challenge(HOME), 0)
    assert first is not None

    again = keyring.authorise(first, challenge(HOME, nonce="n2", more=", stale=true"), 1)

    assert shown(again) == [(HOME, "n2", "00000001")]


def test_there_is_an_end_to_it(keyring: Keyring) -> None:
    stale = challenge(HOME, nonce="n2", more=", stale=true")

    assert keyring.authorise(request(), stale, MAX_ATTEMPTS) is None


def test_our_own_servers_are_not_kept_asking(keyring: Keyring) -> None:
    """§22.2, §22.3: RFC 3665 §3.8 F1 has its credentials from the start."""
    keyring.authorise(request(), challenge(HOME), 0)

    assert shown(keyring.anticipate(request())) == [(HOME, "n1", "00000002")]


def test_what_was_shown_unasked_may_be_refused_once(keyring: Keyring) -> None:
    """A server that was restarted does not know its nonce, and may not call it stale."""
    keyring.authorise(request(), challenge(HOME), 0)
    guess = keyring.anticipate(request())

    assert shown(keyring.authorise(guess, challenge(HOME, nonce="n2"), 0)) == [(HOME, "n2", "00000001")]


def test_strangers_credentials_are_not_kept_for_the_next_call(keyring: Keyring) -> None:
    """§22.3: "These credentials MUST NOT be cached across dialogs"."""
    keyring.authorise(request(), challenge(AWAY), 0)

    assert keyring.anticipate(request()).proxy_authorization == ()


def test_the_registrars_realm_is_home_whatever_its_name(keyring: Keyring) -> None:
    register = request("REGISTER", f"sip:{HOME}")
    keyring.authorise(register, challenge("asterisk", status=401), 0)

    again = keyring.anticipate(register)

    assert [each.realm for each in again.authorization] == ["asterisk"]
    assert again.proxy_authorization == ()


def test_inside_a_dialog_only_realms_met_outside_one_are_answered(keyring: Keyring) -> None:
    """Whoever rings us could ask for a digest with any nonce."""
    assert keyring.authorise(request("BYE"), challenge(HOME), 0, in_dialog=True) is None
    keyring.authorise(request(), challenge(HOME), 0)

    assert shown(keyring.authorise(request("BYE"), challenge(HOME, nonce="n2"), 0, in_dialog=True))


def test_without_a_password_nothing_is_shown() -> None:
    keyring = Keyring(Account(SipUri("alice", HOME)), Random(1))

    assert keyring.authorise(request(), challenge(HOME), 0) is None
    assert keyring.anticipate(request()) == request()


@pytest.mark.parametrize("more", [", algorithm=FOO-512", ', algorithm=MD5, qop="none"'])
def test_what_we_cannot_compute_is_not_answered(keyring: Keyring, more: str) -> None:
    response = response_to(
        request(), 407, to_tag="2", fields=(("Proxy-Authenticate", f'Digest realm="{HOME}", nonce="1"{more}'),)
    )

    assert keyring.authorise(request(), response, 0) is None
