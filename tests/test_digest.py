"""firmware.sip.digest: RFC 3261 §22, RFC 7616, RFC 8760."""

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.credentials import Challenge, Credentials, parse_challenge, parse_credentials
from firmware.sip.digest import MAX_NONCES, DigestServer, Outcome, answer, choose, digest_response
from firmware.sip.parameters import Parameters

EXAMPLE = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_proof_of_the_standards_first_example(algorithm, response):
    """RFC 7616 §3.9.1."""
    credentials = parse_credentials(EXAMPLE.format(algorithm))
    assert digest_response(credentials, "Mufasa", "Circle of Life", "GET", b"") == response


def test_a_hashed_username():
    """RFC 7616 §3.4.4 with §3.9.2's names. The hash printed there is SHA-512 cut short; this is SHA-512/256's own."""
    challenge = parse_challenge(
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", charset=UTF-8, userhash=true, '
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"'
    )

    credentials = answer([challenge], "Jäsøn Doe", "Secret, or not?", "GET", "/doe.json", b"", Random(1), {})

    assert credentials is not None
    assert credentials.username == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert credentials.parameters.get("userhash") == "true"


def test_without_qop_the_proof_is_that_of_rfc_2069():
    """RFC 2617 §3.2.2.1 as RFC 3261 §22.4 item 8 keeps it: H(A1):nonce:H(A2)."""
    credentials = parse_credentials(
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    proof = digest_response(credentials, "Mufasa", "CircleOfLife", "GET", b"")
    assert proof == "1949323746fe6a43ef61f9606e7febea"


def test_an_empty_body_counts_as_nothing_in_auth_int():
    """RFC 8760 §2.6 item 7."""
    credentials = parse_credentials('Digest realm="r", nonce="n", uri="sip:a", cnonce="c", nc=00000001, qop=auth-int')
    target = hashlib.md5(b"INVITE:sip:a:" + hashlib.md5(b"").hexdigest().encode()).hexdigest()
    secret = hashlib.md5(b"u:r:p").hexdigest()
    expected = hashlib.md5(f"{secret}:n:00000001:c:auth-int:{target}".encode()).hexdigest()

    assert digest_response(credentials, "u", "p", "INVITE", b"") == expected
    assert digest_response(credentials, "u", "p", "INVITE", b"v=0") != expected


def test_the_strongest_algorithm_wins_whatever_the_order():
    """RFC 8760 §2.4 with our policy; one that we do not understand is ignored."""
    md5, sha256 = Challenge.of("r", "n"), Challenge.of("r", "n", "SHA-256")
    longest, unknown = Challenge.of("r", "n", "SHA-512-256"), Challenge.of("r", "n", "SHA3-512")

    assert choose([md5, unknown, sha256, longest]) is longest
    assert choose([md5, sha256]) is sha256
    assert choose([unknown]) is None
    assert choose([Challenge.of("r", "n", "MD5", "rot13")]) is None
    assert choose([parse_challenge("Basic realm=x")]) is None
    assert choose([]) is None
    assert answer([unknown], "u", "p", "INVITE", "sip:a", b"", Random(1), {}) is None


def test_the_answer_copies_what_it_must_and_counts():
    """RFC 7616 §3.4."""
    counts: dict[str, int] = {}
    challenge = Challenge.of("example.com", "abc", "MD5", "auth", opaque="o")

    first = answer([challenge], "u", "p", "INVITE", "sip:a@b", b"", Random(1), counts)
    second = answer([challenge], "u", "p", "INVITE", "sip:a@b", b"", Random(2), counts)

    assert first is not None
    assert second is not None
    assert (first.realm, first.nonce, first.opaque, first.uri) == ("example.com", "abc", "o", "sip:a@b")
    assert (first.nonce_count, second.nonce_count) == ("00000001", "00000002")
    assert counts == {"abc": 2}
    assert first.cnonce != second.cnonce
    assert "qop=auth," in str(first)


def test_an_old_challenge_is_answered_in_the_old_way():
    """RFC 3261 §22.4 item 8: no qop, so neither cnonce nor nc."""
    credentials = answer([parse_challenge('Digest realm="r", nonce="n"')], "u", "p", "BYE", "sip:a", b"", Random(1), {})
    assert credentials is not None
    assert credentials.parameters.names() == ("username", "realm", "nonce", "uri", "response")


def users(name: str) -> str | None:
    return {"alice": "wonderland"}.get(name)


def login(server, now, *, counts=None, challenges=None, password="wonderland", name="alice", body=b""):
    challenges = challenges or server.challenges(now)
    counts = {} if counts is None else counts
    credentials = answer(challenges, name, password, "REGISTER", "sip:example.com", body, Random(7), counts)
    assert credentials is not None
    return parse_credentials(str(credentials))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_who_knows_the_password_gets_in(algorithm, qop):
    """RFC 7616 §3.4.2: plain and session variants."""
    server = DigestServer("example.com", Random(1), algorithms=[algorithm], qop=qop)
    credentials = login(server, 0.0, body=b"x")
    assert credentials.qop == qop
    assert server.verify(credentials, users, "REGISTER", b"x", 1.0) is Outcome.OK


def test_both_algorithms_are_offered_the_stronger_first():
    """RFC 8760 §2.3."""
    challenges = DigestServer("example.com", Random(1)).challenges(0.0, stale=True)
    assert [challenge.algorithm for challenge in challenges] == ["SHA-256", "MD5"]
    assert all(challenge.stale and challenge.qop == ("auth",) for challenge in challenges)


def test_the_wrong_password_method_user_or_realm_do_not_get_in():
    server, other = DigestServer("example.com", Random(1)), DigestServer("example.net", Random(2))

    assert server.verify(login(server, 0.0, password="x"), users, "REGISTER", b"", 0.0) is Outcome.WRONG
    assert server.verify(login(server, 0.0), users, "INVITE", b"", 0.0) is Outcome.WRONG
    assert server.verify(login(server, 0.0, name="bob"), users, "REGISTER", b"", 0.0) is Outcome.UNKNOWN
    assert server.verify(login(other, 0.0), users, "REGISTER", b"", 0.0) is Outcome.WRONG
    assert server.verify(parse_credentials("Basic YTpi"), users, "REGISTER", b"", 0.0) is Outcome.WRONG


def test_a_weaker_algorithm_than_offered_is_refused():
    """RFC 8760 §3: no downgrade."""
    server = DigestServer("example.com", Random(1), algorithms=["SHA-256"])
    nonce = server.challenges(0.0)[0].nonce
    credentials = login(server, 0.0, challenges=[Challenge.of("example.com", nonce, "MD5")])
    assert server.verify(credentials, users, "REGISTER", b"", 0.0) is Outcome.WRONG


def test_a_request_replayed_is_stale():
    """RFC 7616 §5.12: a nonce count is good once; but requests may overtake one another."""
    server, counts = DigestServer("example.com", Random(1)), {}
    challenges = server.challenges(0.0)
    first, second, third = [login(server, 0.0, counts=counts, challenges=challenges) for _ in range(3)]

    arrivals = (first, third, third, second, second, first)
    outcomes = [server.verify(each, users, "REGISTER", b"", 1.0) for each in arrivals]

    ok, stale = Outcome.OK, Outcome.STALE
    assert outcomes == [ok, ok, stale, ok, stale, stale]


def test_a_nonce_grows_old():
    server = DigestServer("example.com", Random(1), lifetime=30.0)
    assert server.verify(login(server, 100.0), users, "REGISTER", b"", 130.0) is Outcome.OK
    assert server.verify(login(server, 100.0), users, "REGISTER", b"", 130.1) is Outcome.STALE


@pytest.mark.parametrize("nonce", ["", "x", "0" * 60, "é" * 60, "z" * 28 + "0" * 32])
def test_a_nonce_that_is_not_ours_is_stale(nonce):
    """RFC 7616 §3.3: the password was right, so the user need not be asked again."""
    server = DigestServer("example.com", Random(1))
    challenge = Challenge("Digest", Parameters({"realm": "example.com", "nonce": nonce or "-", "qop": "auth"}))
    credentials = login(server, 0.0, challenges=[challenge])
    assert server.verify(credentials, users, "REGISTER", b"", 0.0) is Outcome.STALE


def test_a_nonce_without_count_serves_once():
    """RFC 3261 §22.4 item 8: clients without qop are served, but cannot be replayed."""
    server = DigestServer("example.com", Random(1))
    nonce = server.challenges(0.0)[1].nonce
    credentials = login(server, 0.0, challenges=[parse_challenge(f'Digest realm="example.com", nonce="{nonce}"')])
    assert credentials.qop is None
    assert server.verify(credentials, users, "REGISTER", b"", 0.0) is Outcome.OK
    assert server.verify(credentials, users, "REGISTER", b"", 0.0) is Outcome.STALE


def test_a_forgotten_nonce_cannot_be_replayed():
    """Memory is bounded; what falls out of it is refused."""
    server = DigestServer("example.com", Random(1), lifetime=1e9, algorithms=["MD5"])
    first = login(server, 0.0)
    assert server.verify(first, users, "REGISTER", b"", 0.0) is Outcome.OK

    for second in range(1, MAX_NONCES + 1):
        assert server.verify(login(server, second), users, "REGISTER", b"", second) is Outcome.OK

    assert server.verify(first, users, "REGISTER", b"", 1e4) is Outcome.STALE


@given(
    st.dictionaries(
        st.sampled_from(["username", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque"]),
        st.text(),
    )
)
def test_no_credentials_break_the_server(parameters):
    server = DigestServer("r", Random(1))
    outcome = server.verify(Credentials("Digest", Parameters({"realm": "r", **parameters})), users, "INVITE", b"", 0.0)
    assert outcome in (Outcome.WRONG, Outcome.UNKNOWN)
