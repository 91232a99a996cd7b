"""Credentials, and those who guess: RFC 3261 §22, ETSI EN 303 645 5.1-5."""

from __future__ import annotations

from random import Random

from firmware.sip.cores.server.authentication import GUESSING_TIME, MOST_GUESSERS, MOST_GUESSES, Authenticator, Proof
from firmware.sip.credentials import Credentials
from firmware.sip.digest import answer
from tests.support.exchange import make_request

REGISTER = make_request("REGISTER", "sip:home.test")
HOST = "192.0.2.1"


def new_authenticator(**users: str) -> Authenticator:
    return Authenticator("home.test", users or {"alice": "right"}, Random(1))


def credentials(gate: Authenticator, password: str, user: str = "alice", now: float = 0.0) -> tuple[Credentials, ...]:
    made = answer(gate.challenges(now), user, password, "REGISTER", "sip:home.test", b"", Random(2), {})
    assert made is not None
    return (made,)


def test_the_right_password_proves_the_user() -> None:
    gate = new_authenticator()

    assert gate.check(credentials(gate, "right"), REGISTER, HOST, 1.0) == Proof("alice")


def test_only_the_algorithms_asked_for_are_offered_and_accepted() -> None:
    """RFC 8760 §2.3."""
    strict = Authenticator("home.test", {"alice": "right"}, Random(1), ["SHA-256"])
    old = Authenticator("home.test", {"alice": "right"}, Random(1), ["MD5"])

    assert [challenge.algorithm for challenge in strict.challenges(0.0)] == ["SHA-256"]
    assert [challenge.algorithm for challenge in old.challenges(0.0)] == ["MD5"]
    assert old.check(credentials(old, "right"), REGISTER, HOST, 1.0) == Proof("alice")
    assert strict.check(credentials(old, "right"), REGISTER, HOST, 1.0) == Proof(None)


def test_a_nonce_grows_old() -> None:
    """RFC 7616 §3.3: then only the nonce was wrong."""
    gate = new_authenticator()

    assert gate.check(credentials(gate, "right"), REGISTER, HOST, 301.0) == Proof(None, stale=True)


def test_nothing_is_proven_by_others_credentials() -> None:
    gate = new_authenticator()
    elsewhere = Authenticator("other.test", {"alice": "right"}, Random(1))

    assert gate.check(credentials(elsewhere, "right"), REGISTER, HOST, 0.0) == Proof(None)
    assert gate.check((), REGISTER, HOST, 0.0) == Proof(None)
    assert gate.check(credentials(gate, "right", "nobody"), REGISTER, HOST, 0.0) == Proof(None)


def test_credentials_for_several_realms_are_searched() -> None:
    """§22.3: a request may carry credentials for every proxy on its way."""
    gate = new_authenticator()
    elsewhere = Authenticator("other.test", {"alice": "x"}, Random(1))
    offered = credentials(elsewhere, "x") + credentials(gate, "right")

    assert gate.check(offered, REGISTER, HOST, 0.0) == Proof("alice")


def guess(gate: Authenticator, times: int, host: str = HOST, user: str = "alice", now: float = 0.0) -> None:
    for _ in range(times):
        gate.check(credentials(gate, "wrong", user), REGISTER, host, now)


def test_who_guesses_is_not_listened_to_for_a_while() -> None:
    gate = new_authenticator()
    guess(gate, MOST_GUESSES)

    assert gate.check(credentials(gate, "right"), REGISTER, HOST, 1.0) == Proof(None)
    assert gate.check(credentials(gate, "right"), REGISTER, HOST, GUESSING_TIME) == Proof("alice")


def test_one_mistaken_phone_does_not_shut_out_its_neighbours() -> None:
    """Behind one NAT, or all on one PC, phones share an address."""
    gate = new_authenticator(alice="right", bob="right")
    guess(gate, MOST_GUESSES)

    assert gate.check(credentials(gate, "right", "bob"), REGISTER, HOST, 1.0) == Proof("bob")
    assert gate.check(credentials(gate, "right"), REGISTER, "192.0.2.2", 1.0) == Proof("alice")


def test_a_phone_that_tries_its_old_password_now_and_then_is_no_guesser() -> None:
    gate = new_authenticator()
    for minute in range(30):
        guess(gate, 2, now=minute * GUESSING_TIME)

    now = 30 * GUESSING_TIME
    assert gate.check(credentials(gate, "right", now=now), REGISTER, HOST, now) == Proof("alice")


def test_success_wipes_the_slate() -> None:
    gate = new_authenticator()
    guess(gate, MOST_GUESSES - 1)
    gate.check(credentials(gate, "right"), REGISTER, HOST, 0.0)
    guess(gate, MOST_GUESSES - 1)

    assert gate.check(credentials(gate, "right"), REGISTER, HOST, 1.0) == Proof("alice")


def test_guessers_do_not_fill_the_memory() -> None:
    """The one seen first is forgotten when there are too many."""
    gate = new_authenticator()
    guess(gate, MOST_GUESSES)
    for number in range(MOST_GUESSERS):
        guess(gate, 1, host=f"198.51.{number // 256}.{number % 256}")

    assert gate.check(credentials(gate, "right"), REGISTER, HOST, 1.0) == Proof("alice")
