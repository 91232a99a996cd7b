"""Where media may be sent: RFC 3264 §5, §8.4; RFC 8866 §5.7."""

from __future__ import annotations

import pytest

from firmware.sdp.media_address import can_send_to, is_hold_of_old, offered_host
from firmware.sdp.session import Connection


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.parametrize("ours", ["192.0.2.1", "2001:db8::1"])
def test_no_address_is_a_hold_in_either_family(host: str, ours: str) -> None:
    assert is_hold_of_old(Connection.to(host))
    assert can_send_to(Connection.to(host), ours)


@pytest.mark.parametrize(
    ("connection", "ours", "can"),
    [
        (Connection("192.0.2.9"), "192.0.2.1", True),
        (Connection("192.0.2.9"), "2001:db8::1", False),
        (Connection("2001:db8::9", "IP6"), "2001:db8::1", True),
        (Connection("2001:db8::9", "IP6"), "192.0.2.1", False),
        (Connection("127.0.0.1"), "127.0.0.1", True),
        (Connection("host.example.com"), "192.0.2.1", True),
        (Connection("host.example.com", "IP6"), "192.0.2.1", False),
        (Connection("224.2.1.1", suffix="127/3"), "192.0.2.1", False),
        (Connection("192.0.2.9", suffix="127"), "192.0.2.1", False),
        (Connection("255.255.255.255"), "192.0.2.1", False),
        (Connection("ff02::1", "IP6"), "2001:db8::1", False),
        (Connection("192.0.2.9", network_type="ATM"), "192.0.2.1", False),
    ],
)
def test_media_go_to_one_host_of_our_own_family(connection: Connection, ours: str, can: bool) -> None:
    assert can_send_to(connection, ours) == can


HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n"


@pytest.mark.parametrize(
    ("rest", "host"),
    [
        (b"c=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", "192.0.2.9"),
        (b"t=0 0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::9\r\n", "2001:db8::9"),
        (b"c=IN IP4 192.0.2.9\r\nt=0 0\r\nm=video 4000 RTP/AVP 31\r\n", ""),
        (b"c=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n", ""),
        (b"c=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", ""),
        (b"c=IN IP4 host.example.com\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", ""),
        (b"m=audio", ""),
    ],
)
def test_the_host_of_the_first_audio_stream_is_told(rest: bytes, host: str) -> None:
    assert offered_host(HEAD + rest) == host
