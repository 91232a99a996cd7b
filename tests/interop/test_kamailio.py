"""Our phone at somebody else's exchange: Kamailio as registrar and record-routing proxy, digest for every request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.peers import PEER_SAYS_HZ, Baresip, Kamailio
from tests.interop.phones import Desk, assert_speech_both_ways
from tests.support.programs import wait_until

DOMAIN = "biloxi.test"
USERS = {"1001": "correct horse", "1002": "battery", "2000": "staple"}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Kamailio]:
    with Kamailio(tmp_path, DOMAIN, USERS) as program:
        yield program


def subscriber(
    folder: Path, exchange: Kamailio, user: str = "1001", *, password: str = "", transport: str = ""
) -> Desk:
    """One of our phones with an account there."""
    server = f"sip:127.0.0.1:{exchange.port}{transport}"
    account = f'password = "{password or USERS[user]}"\nregistrar = "{server}"\noutbound_proxy = "{server}"'
    return Desk(folder, f"sip:{user}@{DOMAIN}", account)


def baresip(folder: Path, exchange: Kamailio) -> Baresip:
    """baresip with an account there, registered."""
    parameters = f'auth_user=2000;auth_pass={USERS["2000"]};outbound="sip:127.0.0.1:{exchange.port}";regint=60'
    program = Baresip(folder, "2000", domain=DOMAIN, parameters=parameters)
    program.wait_for("200 OK")
    return program


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("transport", ["", ";transport=tcp"])
def test_we_register_with_digest(algorithm: str, transport: str, tmp_path: Path) -> None:
    """RFC 8760 and RFC 7616, over UDP and TCP."""
    with (
        Kamailio(tmp_path, DOMAIN, USERS, algorithm=algorithm) as exchange,
        subscriber(tmp_path, exchange, transport=transport) as desk,
    ):
        desk.registered()

        account = desk.phone["accounts"][0]
        assert 0 < account["expires_in"] <= 3600
        assert account["reason"] == ""


def test_a_wrong_password_is_said_to_be_wrong(exchange: Kamailio, tmp_path: Path) -> None:
    with subscriber(tmp_path, exchange, password="wrong") as desk:
        wait_until(lambda: desk.phone["accounts"][0]["reason"], why="a reason")

        account = desk.phone["accounts"][0]
        assert not account["registered"]
        assert "password" in account["reason"].lower()


def test_we_call_baresip_through_kamailio(exchange: Kamailio, tmp_path: Path) -> None:
    with subscriber(tmp_path, exchange) as desk, baresip(tmp_path, exchange) as peer:
        desk.registered()
        desk.lift()
        desk.press("2000#")
        call = str(desk.call("confirmed")["id"])

        assert_speech_both_ways(desk, peer)
        desk.press("7")
        peer.control.event("CALL_DTMF_START", param="7")
        peer.control.command("sndcode", "8")
        desk.until(call, digits_received="8")
        desk.hang_up()

        peer.control.event("CALL_CLOSED")
        desk.until(call, state="ended")


def test_baresip_calls_us_through_kamailio(exchange: Kamailio, tmp_path: Path) -> None:
    with subscriber(tmp_path, exchange) as desk, baresip(tmp_path, exchange) as peer:
        desk.registered()
        peer.control.command("dial", f"sip:1001@{DOMAIN}")
        call = str(desk.call("ringing")["id"])
        assert desk.listed(call)["remote"]["uri"] == f"sip:2000@{DOMAIN}"  # type: ignore[index]
        desk.lift()
        peer.control.event("CALL_ESTABLISHED")

        assert_speech_both_ways(desk, peer)
        peer.control.command("hangup")

        desk.until(call, state="ended")


def test_hold_travels_through_kamailio(exchange: Kamailio, tmp_path: Path) -> None:
    """RFC 3261 §12.2.1.1: our re-INVITE follows the route set, and is challenged no more."""
    with subscriber(tmp_path, exchange) as desk, baresip(tmp_path, exchange) as peer:
        desk.registered()
        desk.lift()
        call = desk.dial("2000")
        desk.until(call, state="confirmed")
        desk.hears(PEER_SAYS_HZ)

        desk.tell(call, "hold")
        desk.until(call, hold="local")
        desk.hears_nothing()
        desk.tell(call, "resume")
        desk.until(call, hold="none")
        desk.hears(PEER_SAYS_HZ)

        peer.control.command("hold")
        desk.until(call, hold="remote")


def test_two_of_our_phones_talk_through_kamailio_over_tcp(exchange: Kamailio, tmp_path: Path) -> None:
    with (
        subscriber(tmp_path, exchange, "1001", transport=";transport=tcp") as caller,
        subscriber(tmp_path, exchange, "1002", transport=";transport=tcp") as called,
    ):
        caller.registered()
        called.registered()
        caller.lift()
        caller.dial("1002")
        called.call("ringing")
        called.lift()
        called.call("confirmed")

        caller.say(500)
        called.say(1500)

        called.hears(500)
        caller.hears(1500)
        called.hang_up()
        caller.call("ended")


def test_a_number_that_kamailio_does_not_know(exchange: Kamailio, tmp_path: Path) -> None:
    with subscriber(tmp_path, exchange) as desk:
        desk.registered()
        desk.lift()

        call = desk.dial("4711")

        assert desk.until(call, state="ended")["cause"]["code"] == 404  # type: ignore[index]


def test_a_phone_that_is_switched_off_is_gone_from_the_registrar(exchange: Kamailio, tmp_path: Path) -> None:
    """RFC 3261 §10.2.2: it takes its binding away."""
    with subscriber(tmp_path, exchange, "1002") as leaving:
        leaving.registered()
    with subscriber(tmp_path, exchange) as desk:
        desk.registered()
        desk.lift()

        call = desk.dial("1002")

        assert desk.until(call, state="ended")["cause"]["code"] == 404  # type: ignore[index]
