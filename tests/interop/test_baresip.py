"""baresip and our phone call each other directly, no server between: speech, digits, hold, and every way to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.peers import PEER_SAYS_HZ, Baresip
from tests.interop.phones import Desk, assert_speech_both_ways
from tests.support.programs import wait_until

CODECS = {"PCMA": "PCMA/8000/1", "PCMU": "PCMU/8000/1"}
BUSY_HZ = NUMBER_UNOBTAINABLE_HZ = 400.0
"""British tones."""
ALL_DIGITS = "0123456789*#ABCD"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Desk(tmp_path, "sip:1001@127.0.0.1") as phone:
        yield phone


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Baresip]:
    """Answers at once."""
    with Baresip(tmp_path, "bob") as program:
        yield program


@pytest.fixture
def shy_peer(tmp_path: Path) -> Iterator[Baresip]:
    """Rings until told what to do."""
    with Baresip(tmp_path, "bob", answer="manual") as program:
        yield program


def ring_and_lift(desk: Desk, peer: Baresip) -> str:
    """baresip calls us, we lift; the call's id."""
    peer.control.command("dial", f"sip:1001@127.0.0.1:{desk.port}")
    call = str(desk.call("ringing")["id"])
    wait_until(lambda: desk.ask("GET", "/sim/board")["ringing"], why="the bell")
    desk.lift()
    peer.control.event("CALL_ESTABLISHED")
    desk.until(call, state="confirmed")
    return call


def lift_and_call(desk: Desk, peer: Baresip) -> str:
    """We call baresip, which answers; the call's id."""
    desk.lift()
    call = desk.dial(peer.uri)
    desk.until(call, state="confirmed")
    peer.control.event("CALL_ESTABLISHED")
    return call


# --- speech and digits ---


@pytest.mark.parametrize("codec", CODECS)
def test_baresip_calls_us_and_each_hears_the_other(codec: str, desk: Desk, tmp_path: Path) -> None:
    with Baresip(tmp_path, "bob", codecs=CODECS[codec]) as peer:
        call = ring_and_lift(desk, peer)

        assert_speech_both_ways(desk, peer)
        assert desk.listed(call)["codec"] == codec
        peer.control.command("hangup")

        desk.until(call, state="ended")
        desk.hears(BUSY_HZ)


@pytest.mark.parametrize("codec", CODECS)
def test_we_call_baresip_and_each_hears_the_other(codec: str, desk: Desk, tmp_path: Path) -> None:
    with Baresip(tmp_path, "bob", codecs=CODECS[codec]) as peer:
        call = lift_and_call(desk, peer)

        assert_speech_both_ways(desk, peer)
        assert desk.listed(call)["codec"] == codec
        desk.hang_up()

        peer.control.event("CALL_CLOSED")
        desk.until(call, state="ended")


def test_our_preferred_codec_is_taken_when_both_have_both(peer: Baresip, tmp_path: Path) -> None:
    with Desk(tmp_path, "sip:1001@127.0.0.1", codecs=("PCMU", "PCMA")) as desk:
        call = lift_and_call(desk, peer)

        assert desk.listed(call)["codec"] == "PCMU"
        assert_speech_both_ways(desk, peer)


def test_digits_from_baresip_reach_us_in_order(desk: Desk, peer: Baresip) -> None:
    """RFC 4733 §2.3: telephone-events, whatever their durations."""
    call = ring_and_lift(desk, peer)

    for count, digit in enumerate(ALL_DIGITS, 1):
        peer.control.command("sndcode", digit)
        desk.until(call, digits_received=ALL_DIGITS[:count])


def test_the_keys_we_press_reach_baresip_in_order(desk: Desk, peer: Baresip) -> None:
    lift_and_call(desk, peer)

    desk.press("0123456789*#")

    for digit in "0123456789*#":
        peer.control.event("CALL_DTMF_START", param=digit)
    assert_speech_both_ways(desk, peer)


def test_the_digits_of_the_api_reach_baresip_in_order(desk: Desk, peer: Baresip) -> None:
    call = ring_and_lift(desk, peer)

    desk.tell(call, "digits", digits=ALL_DIGITS)

    for digit in ALL_DIGITS:
        peer.control.event("CALL_DTMF_START", param=digit)


# --- hold ---


def assert_connected_again(desk: Desk, peer: Baresip, call: str) -> None:
    """Both ways; baresip 1 stops recording when a session changes, but it goes on hearing digits."""
    desk.until(call, hold="none")
    desk.hears(PEER_SAYS_HZ)
    desk.press("5")
    peer.control.event("CALL_DTMF_START", param="5")


def test_baresip_holds_us_and_takes_us_back(desk: Desk, peer: Baresip) -> None:
    """RFC 3264 §8.4."""
    call = lift_and_call(desk, peer)
    assert_speech_both_ways(desk, peer)

    peer.control.command("hold")

    desk.until(call, hold="remote")
    desk.hears_nothing()
    peer.control.resume()
    assert_connected_again(desk, peer, call)


def test_we_hold_baresip_and_take_it_back(desk: Desk, peer: Baresip) -> None:
    call = ring_and_lift(desk, peer)
    assert_speech_both_ways(desk, peer)

    desk.press_key("hold")

    desk.until(call, hold="local")
    desk.hears_nothing()
    desk.press_key("hold")
    assert_connected_again(desk, peer, call)


def test_both_hold_and_each_takes_the_call_back_in_its_time(desk: Desk, peer: Baresip) -> None:
    call = lift_and_call(desk, peer)
    desk.hears(PEER_SAYS_HZ)

    peer.control.command("hold")
    desk.until(call, hold="remote")
    desk.tell(call, "hold")
    desk.until(call, hold="both")
    peer.control.resume()
    desk.until(call, hold="local")
    desk.hears_nothing()
    desk.tell(call, "resume")

    assert_connected_again(desk, peer, call)


# --- calls that come to nothing ---


def test_baresip_declines_our_call_and_we_hear_that_it_is_busy(desk: Desk, shy_peer: Baresip) -> None:
    desk.lift()
    call = desk.dial(shy_peer.uri)
    desk.until(call, state="ringing")
    shy_peer.control.event("CALL_INCOMING")

    shy_peer.control.command("hangup")

    ended = desk.until(call, state="ended")
    assert ended["cause"]["code"] == 486  # type: ignore[index]
    wait_until(lambda: "busy" in desk.panel.lower(), why="the reason on the panel")
    desk.hears(BUSY_HZ)


def test_a_busy_baresip_refuses_a_second_call(desk: Desk, tmp_path: Path) -> None:
    with Baresip(tmp_path, "bob", calls=1) as peer:
        lift_and_call(desk, peer)

        second = desk.dial(peer.uri)

        assert desk.until(second, state="ended")["cause"]["code"] == 486  # type: ignore[index]


def test_we_are_busy_and_baresip_is_told_so(peer: Baresip, tmp_path: Path) -> None:
    with Desk(tmp_path, "sip:1001@127.0.0.1", waiting=False) as desk:
        desk.lift()

        peer.control.command("dial", f"sip:1001@127.0.0.1:{desk.port}")

        assert "486" in peer.control.event("CALL_CLOSED")["param"]
        assert desk.phone["calls"] == []


def test_a_number_that_baresip_does_not_know_is_said_to_be_unknown(desk: Desk, tmp_path: Path) -> None:
    # From version 1.1 an account without a registrar takes calls for anybody; this one's registrar knows nobody.
    with Baresip(tmp_path, "bob", domain=f"127.0.0.1:{desk.port}", parameters="regint=3600") as peer:
        desk.lift()

        call = desk.dial(f"sip:nobody@127.0.0.1:{peer.port}")

        assert desk.until(call, state="ended")["cause"]["code"] == 404  # type: ignore[index]
        desk.hears(NUMBER_UNOBTAINABLE_HZ)


def test_a_number_that_we_do_not_have_is_not_found(desk: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:4711@127.0.0.1:{desk.port}")

    assert "404" in peer.control.event("CALL_CLOSED")["param"]
    assert desk.phone["calls"] == []


def test_nobody_at_that_address_ends_the_call(desk: Desk, tmp_path: Path) -> None:
    with Baresip(tmp_path, "bob") as peer:
        address = peer.uri
    desk.lift()

    call = desk.dial(address)

    assert desk.until(call, 40.0, state="ended")["cause"]["code"] in (408, 503)  # type: ignore[index]


def test_we_give_up_while_baresip_rings(desk: Desk, shy_peer: Baresip) -> None:
    """RFC 3261 §9.1."""
    desk.lift()
    call = desk.dial(shy_peer.uri)
    desk.until(call, state="ringing")

    desk.hang_up()

    shy_peer.control.event("CALL_CLOSED")
    desk.until(call, state="ended")


def test_baresip_gives_up_while_we_ring(desk: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:1001@127.0.0.1:{desk.port}")
    call = str(desk.call("ringing")["id"])
    peer.control.event("CALL_RINGING")

    peer.control.command("hangup")

    desk.until(call, state="ended")
    wait_until(lambda: "missed" in desk.panel, why="a missed call on the panel")
    assert not desk.ask("GET", "/sim/board")["ringing"]


def test_we_decline_baresips_call(desk: Desk, peer: Baresip) -> None:
    peer.control.command("dial", f"sip:1001@127.0.0.1:{desk.port}")
    call = str(desk.call("ringing")["id"])

    desk.tell(call, "reject")

    assert "486" in peer.control.event("CALL_CLOSED")["param"]
