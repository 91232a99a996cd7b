"""baresip at our exchange: it registers at our registrar and calls, and is called, through our proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.peers import PEER_SAYS_HZ, Baresip
from tests.interop.phones import Desk, assert_speech_both_ways
from tests.support.programs import free_port, wait_until

DOMAIN = "home.test"
USERS = {"1001": "first", "1002": "second", "1003": "third", "1004": "fourth"}
REGISTRAR = f"""
[registrar]
domain = "{DOMAIN}"
users = {{ {", ".join(f'{user} = "{word}"' for user, word in USERS.items())} }}
"""


def household(folder: Path, exchange: int, user: str, transport: str = "") -> Desk:
    """One of our phones; 1001 is the exchange too."""
    server = f"sip:127.0.0.1:{exchange}{transport}"
    account = f'password = "{USERS[user]}"\nregistrar = "{server}"\noutbound_proxy = "{server}"'
    address = f"sip:{user}@{DOMAIN}"
    if user != "1001":
        return Desk(folder, address, account)
    roles = ("user-agent", "registrar", "proxy")
    return Desk(folder, address, account, roles=roles, port=exchange, more=REGISTRAR)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Desk]:
    """1001, the exchange."""
    with household(tmp_path, free_port(), "1001") as phone:
        phone.registered()
        yield phone


@pytest.fixture
def kitchen(hall: Desk, tmp_path: Path) -> Iterator[Desk]:
    """1002."""
    with household(tmp_path, hall.port, "1002") as phone:
        phone.registered()
        yield phone


def baresip(folder: Path, hall: Desk, user: str = "1003", password: str = "", transport: str = "") -> Baresip:
    """baresip with an account of our exchange."""
    parameters = (
        f"auth_user={user};auth_pass={password or USERS[user]};"
        f'outbound="sip:127.0.0.1:{hall.port}{transport}";regint=60'
    )
    return Baresip(folder, user, domain=DOMAIN, parameters=parameters)


@pytest.fixture
def peer(hall: Desk, tmp_path: Path) -> Iterator[Baresip]:
    """1003, registered."""
    with baresip(tmp_path, hall) as program:
        program.wait_for("200 OK")
        yield program


def test_baresip_calls_our_second_phone_through_our_proxy(kitchen: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:1002@{DOMAIN}")
    call = str(kitchen.call("ringing")["id"])
    assert kitchen.listed(call)["remote"]["uri"] == f"sip:1003@{DOMAIN}"  # type: ignore[index]
    kitchen.lift()
    peer.control.event("CALL_ESTABLISHED")

    assert_speech_both_ways(kitchen, peer)
    peer.control.command("sndcode", "4")
    kitchen.until(call, digits_received="4")
    kitchen.press("2")
    peer.control.event("CALL_DTMF_START", param="2")
    peer.control.command("hangup")

    kitchen.until(call, state="ended")


def test_our_second_phone_calls_baresip_through_our_proxy(kitchen: Desk, peer: Baresip) -> None:
    kitchen.lift()
    kitchen.press("1003#")
    call = str(kitchen.call("confirmed")["id"])
    peer.control.event("CALL_ESTABLISHED")

    assert_speech_both_ways(kitchen, peer)
    kitchen.hang_up()

    peer.control.event("CALL_CLOSED")
    kitchen.until(call, state="ended")


def test_the_exchanges_own_phone_and_baresip_call_each_other(hall: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:1001@{DOMAIN}")
    hall.call("ringing")
    hall.lift()
    peer.control.event("CALL_ESTABLISHED")
    assert_speech_both_ways(hall, peer)
    hall.hang_up()
    peer.control.event("CALL_CLOSED")
    hall.idle()

    hall.lift()
    call = hall.dial("1003")
    hall.until(call, state="confirmed")
    hall.hears(PEER_SAYS_HZ)


def test_holding_and_taking_back_passes_our_proxy_both_ways(kitchen: Desk, peer: Baresip) -> None:
    """RFC 3261 §16.6 item 4: we stay in the dialog's route, so its re-INVITEs come by."""
    kitchen.lift()
    call = kitchen.dial("1003")
    kitchen.until(call, state="confirmed")
    kitchen.hears(PEER_SAYS_HZ)

    peer.control.command("hold")
    kitchen.until(call, hold="remote")
    peer.control.resume()
    kitchen.until(call, hold="none")
    kitchen.tell(call, "hold")
    kitchen.until(call, hold="local")
    kitchen.hears_nothing()
    kitchen.tell(call, "resume")

    kitchen.until(call, hold="none")
    kitchen.hears(PEER_SAYS_HZ)


def test_baresip_registers_and_calls_over_tcp(kitchen: Desk, hall: Desk, tmp_path: Path) -> None:
    """The caller's TCP, the called phone's UDP: RFC 3261 §16.6 item 7."""
    with baresip(tmp_path, hall, "1004", transport=";transport=tcp") as peer:
        peer.wait_for("200 OK")
        peer.control.command("dial", f"sip:1002@{DOMAIN}")
        kitchen.call("ringing")
        kitchen.lift()
        peer.control.event("CALL_ESTABLISHED")

        assert_speech_both_ways(kitchen, peer)


def test_baresip_with_a_wrong_password_is_not_let_in(hall: Desk, kitchen: Desk, tmp_path: Path) -> None:
    with baresip(tmp_path, hall, password="wrong") as peer:
        peer.wait_for("reg: ")
        assert "200 OK" not in peer.output

        peer.control.command("dial", f"sip:1002@{DOMAIN}")

        peer.control.event("CALL_CLOSED")
        assert kitchen.phone["calls"] == []


def test_baresip_calls_a_number_that_is_nobodys(peer: Baresip) -> None:
    peer.control.command("dial", f"sip:4711@{DOMAIN}")

    assert "404" in peer.control.event("CALL_CLOSED")["param"]


def test_baresip_calls_a_phone_that_is_switched_off(peer: Baresip) -> None:
    """RFC 3261 §16.5: known to the domain, but without a binding."""
    peer.control.command("dial", f"sip:1002@{DOMAIN}")

    assert "480" in peer.control.event("CALL_CLOSED")["param"]


def test_baresip_gives_up_and_our_proxy_cancels(kitchen: Desk, peer: Baresip) -> None:
    """RFC 3261 §16.10."""
    peer.control.command("dial", f"sip:1002@{DOMAIN}")
    call = str(kitchen.call("ringing")["id"])
    peer.control.event("CALL_RINGING")

    peer.control.command("hangup")

    kitchen.until(call, state="ended")
    wait_until(lambda: "missed" in kitchen.panel, why="a missed call on the panel")


def test_our_refusal_reaches_baresip_through_our_proxy(kitchen: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:1002@{DOMAIN}")

    kitchen.tell(str(kitchen.call("ringing")["id"]), "reject")

    assert "486" in peer.control.event("CALL_CLOSED")["param"]


def test_baresip_that_leaves_is_not_called_any_more(kitchen: Desk, hall: Desk, tmp_path: Path) -> None:
    """RFC 3261 §10.2.2: it takes its binding away."""
    with baresip(tmp_path, hall, "1004") as peer:
        peer.wait_for("200 OK")
    kitchen.lift()

    call = kitchen.dial("1004")

    assert kitchen.until(call, state="ended")["cause"]["code"] == 480  # type: ignore[index]
