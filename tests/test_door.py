"""Who may ring: RFC 4504 Req-64 and Req-65, and what is refused on the doorstep (RFC 3261 §8.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.cores.agent.door import is_local, same_host
from firmware.sip.cores.user_agent_events import DigitReceived, Ended, IncomingCall
from firmware.sip.uri import parse_sip_uri
from tests.support.telephones import ANSWER, OFFER, Peer, Telephone, Wire, telephone

PHONE, SERVER, STRANGER, NEIGHBOUR = "192.168.0.1", "192.168.0.9", "203.0.113.66", "192.168.0.30"
DIRECT = f"sip:alice@{PHONE}"


def telephone_at_server(**options: object) -> tuple[Wire, Telephone, Peer]:
    """A telephone that registers, so that its server may ring it."""
    wire = Wire()
    server = Peer(wire, SERVER)
    alice = telephone(wire, PHONE, "alice", register=True, registrar=parse_sip_uri(f"sip:{SERVER}"), **options)
    return wire, alice, server


def direct_telephone(**options: object) -> tuple[Wire, Telephone, Peer]:
    """A telephone without a server, and a neighbour."""
    wire = Wire()
    return wire, telephone(wire, PHONE, "alice", **options), Peer(wire, NEIGHBOUR)


def contact_of(alice: Telephone) -> str:
    return f"sip:{alice.account.contact_user}@{PHONE}:5060"


def last_status(peer: Peer, method: str = "INVITE") -> int:
    peer.wire.run(0.1)
    return peer.responses(method)[-1].status


# --- who ---


def test_server_rings_the_random_contact() -> None:
    wire, alice, server = telephone_at_server()
    server.send(PHONE, contact_of(alice), body=OFFER)
    wire.run(0.1)

    assert alice.only(IncomingCall).remote_host == SERVER


def test_scanner_that_guesses_the_extension_rings_nobody() -> None:
    """Req-64: the address's own user part is no way in for an account that registers."""
    wire, alice, server = telephone_at_server()
    stranger = Peer(wire, STRANGER)
    for peer in (server, stranger):
        peer.send(PHONE, DIRECT, body=OFFER)
        assert last_status(peer) == 404

    assert not alice.events(IncomingCall)


def test_stranger_who_knows_the_contact_is_refused() -> None:
    """Req-65: only the servers registered with may call."""
    wire, alice, _ = telephone_at_server()
    stranger = Peer(wire, STRANGER)
    stranger.send(PHONE, contact_of(alice), body=OFFER)

    assert last_status(stranger) == 403
    assert not alice.events(IncomingCall)


def test_neighbour_rings_a_telephone_without_server() -> None:
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER)
    neighbour.wire.run(0.1)

    assert alice.only(IncomingCall).account == "sip:alice@home.test"


def test_telephone_without_server_is_not_rung_from_the_internet() -> None:
    wire, alice, _ = direct_telephone()
    stranger = Peer(wire, STRANGER)
    stranger.send(PHONE, DIRECT, body=OFFER)

    assert last_status(stranger) == 403
    assert not alice.events(IncomingCall)


def test_configured_network_is_let_in() -> None:
    wire, alice, _ = direct_telephone(accept_from=lambda account, host: host.startswith("203.0.113."))
    Peer(wire, STRANGER).send(PHONE, DIRECT, body=OFFER)
    wire.run(0.1)

    assert len(alice.events(IncomingCall)) == 1


def test_address_of_another_is_not_ours() -> None:
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, "sip:alice@other.test", body=OFFER)

    assert last_status(neighbour) == 404


def test_request_without_user_is_nobodys() -> None:
    """Req-64: "the user part is blank"."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, f"sip:{PHONE}", body=OFFER)

    assert last_status(neighbour) == 404


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.9.8.7", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.255.255", True),
        ("169.254.1.1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:192.168.0.1", True),
        ("::ffff:203.0.113.1", False),
        ("203.0.113.1", False),
        ("2001:db8::1", False),
        ("home.test", False),
        ("", False),
    ],
)
def test_local_networks(host: str, local: bool) -> None:
    """RFC 1918, 3927, 4193."""
    assert is_local(host) is local


@given(st.ip_addresses(v=6))
def test_spelling_of_an_ipv6_address_does_not_matter(address: object) -> None:
    """RFC 5954 §4.2."""
    exploded = address.exploded  # type: ignore[attr-defined]
    assert same_host(str(address), exploded.upper())


# --- what is refused ---


def test_calls_beyond_the_limit_are_busy() -> None:
    _, alice, neighbour = direct_telephone(max_calls=2)
    for number in range(3):
        neighbour.send(PHONE, DIRECT, body=OFFER, call_id=f"call-{number}")

    assert last_status(neighbour) == 486
    assert len(alice.events(IncomingCall)) == 2


def test_unknown_extension_is_refused_by_name() -> None:
    """§8.2.2.3."""
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER, extra=(("Require", "replaces, 100rel, timer, early-session"),))

    assert last_status(neighbour) == 420
    assert neighbour.responses()[-1].unsupported == ("100rel", "early-session")
    assert not alice.events(IncomingCall)


@pytest.mark.parametrize(("method", "status"), [("MESSAGE", 405), ("SUBSCRIBE", 405), ("PUBLISH", 405), ("DANCE", 501)])
def test_methods_we_do_not_take(method: str, status: int) -> None:
    """§8.2.1, §21.5.2."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, method)

    assert last_status(neighbour, method) == status
    assert "INVITE" in neighbour.responses(method)[-1].allow


def test_body_we_cannot_read_is_refused() -> None:
    """§8.2.3."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=b"<x/>", kind="text/xml")

    assert last_status(neighbour) == 415
    accepted = neighbour.responses()[-1].accept
    assert accepted is not None
    assert "application/sdp" in [kind.name for kind in accepted]


def test_optional_body_is_ignored() -> None:
    """§8.2.3: handling=optional."""
    _, alice, neighbour = direct_telephone()
    extra = (("Content-Disposition", "session;handling=optional"),)
    neighbour.send(PHONE, DIRECT, body=b"<x/>", kind="text/xml", extra=extra)
    neighbour.wire.run(0.1)

    assert alice.only(IncomingCall).sdp is None


def test_description_inside_multipart_is_found() -> None:
    """RFC 5621 §3.1."""
    body = (
        b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--x--\r\n"
    )
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=body, kind="multipart/mixed;boundary=x")
    neighbour.wire.run(0.1)

    assert alice.only(IncomingCall).sdp == b"v=0\r\n"


def test_caller_who_cannot_read_our_answer_is_refused() -> None:
    """§21.4.7."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER, extra=(("Accept", "text/plain"),))

    assert last_status(neighbour) == 406


def test_copy_of_a_request_by_another_path_is_refused() -> None:
    """§8.2.2.2."""
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER, branch="z9hG4bKone")
    neighbour.send(PHONE, DIRECT, body=OFFER, branch="z9hG4bKtwo")

    assert last_status(neighbour) == 482
    assert len(alice.events(IncomingCall)) == 1


def test_invite_without_contact_can_make_no_dialog() -> None:
    """§8.1.1.8."""
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER, extra=(("Contact", "<mailto:a@b.test>"),))

    assert last_status(neighbour) == 400
    assert not alice.events(IncomingCall)


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "NOTIFY"])
@pytest.mark.parametrize("to_tag", [None, "gone"])
def test_requests_of_no_dialog(method: str, to_tag: str | None) -> None:
    """§12.2.2."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, method, to_tag=to_tag)

    assert last_status(neighbour, method) == 481


def test_nobody_makes_us_call_from_outside_a_call() -> None:
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, "REFER", extra=(("Refer-To", "<sip:premium@rates.test>"),))

    assert last_status(neighbour, "REFER") == 403


@pytest.mark.parametrize("uri", [DIRECT, f"sip:{PHONE}:5060"])
def test_options_says_what_we_can_do(uri: str) -> None:
    """§11.2."""
    _, _, neighbour = direct_telephone()
    neighbour.send(PHONE, uri, "OPTIONS")

    assert last_status(neighbour, "OPTIONS") == 200
    answer = neighbour.responses("OPTIONS")[-1]
    assert {"INVITE", "ACK", "CANCEL", "BYE"} <= set(answer.allow)
    assert answer.supported == ("replaces", "timer")
    assert answer.accept
    assert [coding.value for coding in answer.accept_encoding] == ["identity"]
    assert [language.value for language in answer.accept_language] == ["en"]


def test_caller_is_named_by_our_server_only() -> None:
    """RFC 3325 §9.1: P-Asserted-Identity of a stranger is worth nothing."""
    extra = (("P-Asserted-Identity", '"Boss" <sip:boss@home.test>'),)
    wire, alice, server = telephone_at_server()
    server.send(PHONE, contact_of(alice), body=OFFER, extra=extra)
    wire.run(0.1)
    _, other, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER, extra=extra)
    neighbour.wire.run(0.1)

    assert alice.only(IncomingCall).remote_name == "Boss"
    assert other.only(IncomingCall).remote_name == "Peer"


def test_digit_in_info_is_heard() -> None:
    _, alice, neighbour = direct_telephone()
    neighbour.send(PHONE, DIRECT, body=OFFER)
    neighbour.wire.run(0.1)
    alice.agent.answer(alice.only(IncomingCall).call, ANSWER, neighbour.wire.now)
    neighbour.wire.run(0.1)
    tag = neighbour.responses()[-1].to.tag
    neighbour.send(PHONE, DIRECT, "ACK", to_tag=tag)
    for number, body in enumerate((b"Signal=5\r\nDuration=160\r\n", b"Signal= 11\r\n", b"Signal=xyz\r\n")):
        neighbour.send(PHONE, DIRECT, "INFO", to_tag=tag, cseq=2 + number, body=body, kind="application/dtmf-relay")
    neighbour.send(PHONE, DIRECT, "INFO", to_tag=tag, cseq=9, body=b"<x/>", kind="text/xml")
    neighbour.wire.run(0.1)

    assert [(event.digit, event.duration_ms) for event in alice.events(DigitReceived)] == [("5", 160), ("#", 100)]
    assert [one.status for one in neighbour.responses("INFO")] == [200, 200, 200, 415]


def test_bye_of_a_peer_is_not_answered_with_our_credentials() -> None:
    """The digest leak: a caller challenges our BYE to learn a hash of the password."""
    wire, alice, _ = direct_telephone(password="secret")
    mallory = Peer(wire, "192.168.0.66")
    mallory.send(PHONE, DIRECT, body=OFFER)
    wire.run(0.1)
    call = alice.only(IncomingCall).call
    alice.agent.answer(call, ANSWER, wire.now)
    wire.run(0.1)
    mallory.send(PHONE, DIRECT, "ACK", to_tag=mallory.responses()[-1].to.tag)
    wire.run(0.1)
    alice.agent.hang_up(call, wire.now)
    wire.run(0.1)
    mallory.reply(
        mallory.requests("BYE")[0], 407, Proxy_Authenticate='Digest realm="home.test", nonce="1", algorithm=MD5'
    )
    wire.run(0.1)

    assert not any(one.proxy_authorization for one in mallory.requests("BYE"))
    assert alice.agent.idle
    assert alice.only(Ended).by == "local"
