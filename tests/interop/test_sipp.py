"""SIPp, the field's test tool, as caller and as called: its built-in scenarios as it ships them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.peers import Sipp
from tests.interop.phones import Desk
from tests.support.programs import wait_until

MANY_PACKETS = 20 * 172
"""Octets of twenty packets of G.711, of 20 ms each."""

OPTIONS = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="Capabilities">
  <send retrans="500"><![CDATA[

    OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 OPTIONS
    Contact: <sip:sipp@[local_ip]:[local_port]>
    Accept: application/sdp
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200">
    <action>
      <ereg regexp="INVITE.*" search_in="hdr" header="Allow:" check_it="true" assign_to="allow"/>
      <ereg regexp="application/sdp" search_in="hdr" header="Accept:" check_it="true" assign_to="accept"/>
      <ereg regexp="replaces" search_in="hdr" header="Supported:" check_it="true" assign_to="supported"/>
    </action>
  </recv>
  <Reference variables="allow,accept,supported"/>
</scenario>
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Answers by itself, at once."""
    with Desk(tmp_path, "sip:service@127.0.0.1", "register = false\nauto_answer = 0") as phone:
        yield phone


def test_sipps_uac_calls_us_several_times_and_no_call_fails(desk: Desk, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uac", "-d", "400", "-r", "5", remote=desk.port, calls=5) as caller:
        caller.succeeded(5)

    wait_until(lambda: len(desk.phone["calls"]) == 5 and not desk.calls, why="five calls that are over")
    assert {(call["codec"], call["cause"]["code"]) for call in desk.phone["calls"]} == {("PCMU", 200)}


def test_sipps_uac_calls_us_over_tcp(desk: Desk, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uac", "-d", "300", "-t", "t1", remote=desk.port, calls=2) as caller:
        caller.succeeded(2)


def test_speech_goes_to_the_address_that_sipps_uac_gave(tmp_path: Path) -> None:
    with (
        Desk(tmp_path, "sip:service@127.0.0.1") as desk,
        Sipp(tmp_path, "uac", "-d", "1500", remote=desk.port) as caller,
    ):
        wait_until(lambda: desk.ask("GET", "/sim/board")["ringing"], why="the bell")
        wait_until(lambda: "sipp" in desk.panel, why="the caller's name on the panel")
        assert caller.octets_of_speech() == 0
        desk.lift()
        wait_until(lambda: caller.octets_of_speech() > MANY_PACKETS, why="speech at SIPp's address")
        caller.succeeded(1)


def test_we_call_sipps_uas_through_the_api(desk: Desk, tmp_path: Path) -> None:
    with Sipp(tmp_path, "uas") as called:
        desk.lift()
        call = desk.dial(f"sip:anybody@127.0.0.1:{called.port}")
        desk.until(call, state="confirmed", codec="PCMU")
        wait_until(lambda: called.octets_of_speech() > MANY_PACKETS, why="speech at SIPp's address")
        desk.hang_up()
        called.succeeded(1)

    assert desk.listed(call)["state"] == "ended"


def test_sipps_echo_is_heard(desk: Desk, tmp_path: Path) -> None:
    """It returns our very packets, our SSRC and all."""
    with Sipp(tmp_path, "uas", "-rtp_echo") as called:
        desk.lift()
        call = desk.dial(f"sip:anybody@127.0.0.1:{called.port}")
        desk.until(call, state="confirmed")
        desk.say(1100)
        desk.hears(1100)
        desk.hang_up()
        called.succeeded(1)


def test_we_call_sipps_uas_by_keys(tmp_path: Path) -> None:
    with (
        Sipp(tmp_path, "uas", calls=2) as called,
        Desk(tmp_path, f"sip:1001@127.0.0.1:{called.port}") as desk,
    ):
        for keys in ("1234#", "99#"):
            desk.lift()
            desk.press(keys)
            assert desk.call("confirmed")["remote"]["uri"].startswith(f"sip:{keys[:-1]}@127.0.0.1")
            desk.hang_up()
            desk.idle()
        called.succeeded(2)


def test_options_says_what_we_can_do(desk: Desk, tmp_path: Path) -> None:
    """RFC 3261 §11.2."""
    with Sipp(tmp_path, OPTIONS, remote=desk.port, calls=3) as asker:
        asker.succeeded(3)

    assert desk.phone["calls"] == []
