"""Which transaction a message belongs to: RFC 3261 §17.1.3, §17.2.3, §9.2."""

from __future__ import annotations

import pytest

from firmware.sip.matching import ANY_METHOD, acknowledges, client_key, has_unique_branch, response_key, server_key
from firmware.sip.message import Request, Response, parse_message, response_to
from tests.support.signalling import BILOXI, request


def parsed(octets: bytes) -> Request:
    message = parse_message(octets)
    assert isinstance(message, Request)
    return message


def test_response_matches_by_branch_and_cseq_method() -> None:
    """§17.1.3."""
    invite = parsed(request())

    key = response_key(response_to(invite, 200))

    assert key == client_key(invite.via, "INVITE") == ("z9hG4bKnashds8", "INVITE")
    assert key != client_key(invite.via, "CANCEL")


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (request(), True),
        (request(cseq=9, to_tag="7", uri="sip:x@y.example"), True),
        (request(via=f"SIP/2.0/UDP {BILOXI}:5060;rport=99;branch=z9hG4bKnashds8"), True),
        (request(branch="z9hG4bKnashds9"), False),
        (request(via=f"SIP/2.0/UDP {BILOXI};branch=z9hG4bKnashds8"), False),
        (request(via="SIP/2.0/UDP other.example:5060;branch=z9hG4bKnashds8"), False),
        (request("OPTIONS"), False),
    ],
)
def test_request_matches_by_branch_sent_by_and_method(other: bytes, same: bool) -> None:
    """§17.2.3."""
    assert (server_key(parsed(other)) == server_key(parsed(request()))) is same


def test_host_of_sent_by_is_compared_without_case() -> None:
    """§7.3.1, §20.42."""
    hosts = ("PC33.atlanta.com", "pc33.ATLANTA.com")
    one, other = (request(via=f"SIP/2.0/UDP {host};branch=z9hG4bK1") for host in hosts)

    assert server_key(parsed(one)) == server_key(parsed(other))


def test_ack_and_cancel_find_their_invite() -> None:
    """§17.2.3: "except for ACK, where the method of the request that created the transaction is INVITE"; §9.2."""
    invite, ack, cancel = (parsed(request(method)) for method in ("INVITE", "ACK", "CANCEL"))

    assert server_key(ack, "INVITE") == server_key(invite)
    assert server_key(cancel, ANY_METHOD) == server_key(invite, ANY_METHOD)
    assert server_key(cancel) != server_key(invite)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (request(branch="1"), True),
        (request(branch="2"), False),
        (request(branch="1", cseq=2), False),
        (request(branch="1", uri="sip:x@y.example"), False),
        (request(branch="1").replace(b"a84b4c76e66710", b"a84b4c76e66711"), False),
        (request(branch="1").replace(b"tag=1928301774", b"tag=1"), False),
        (request("OPTIONS", branch="1"), False),
    ],
)
def test_without_the_magic_cookie_everything_must_agree(other: bytes, same: bool) -> None:
    """§17.2.3: Request-URI, From tag, Call-ID, CSeq, top Via."""
    assert (server_key(parsed(other)) == server_key(parsed(request(branch="1")))) is same


def test_magic_cookie_alone_tells_no_transactions_apart() -> None:
    """RFC 4475 §3.2.1."""
    one, other = (parsed(request(branch="z9hG4bK", cseq=number)) for number in (1, 2))

    assert server_key(one) != server_key(other)
    assert not has_unique_branch(one.via)
    assert has_unique_branch(parsed(request()).via)


def test_missing_branch_is_no_magic_cookie() -> None:
    via = f"SIP/2.0/UDP {BILOXI}"

    assert server_key(parsed(request(via=via))) == server_key(parsed(request(via=via)))
    assert server_key(parsed(request(via=via))) != server_key(parsed(request(via=via, cseq=2)))


def test_ack_is_for_the_response_whose_tag_it_has() -> None:
    """§17.2.3: "the To tag of the ACK matches the To tag of the response"."""
    response: Response = response_to(parsed(request()), 486, to_tag="ours")

    assert acknowledges(parsed(request("ACK", to_tag="ours")), response)
    assert not acknowledges(parsed(request("ACK", to_tag="theirs")), response)
    assert not acknowledges(parsed(request("ACK")), None)
