"""RTP data packets: RFC 3550 §5.1, §5.3.1, A.1."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.packet import MAXIMUM_OCTETS, MalformedPacket, Packet, build, is_rtcp, parse

PLAIN = bytes.fromhex("8088123400000fa0deadbeef") + b"speech"
"""Version 2, marker, payload type 8, sequence 0x1234, timestamp 4000."""


def test_the_fields_of_the_header_are_read() -> None:
    """§5.1."""
    assert parse(PLAIN) == Packet(8, True, 0x1234, 4000, 0xDEADBEEF, b"speech")


def test_a_packet_is_built_as_it_is_read() -> None:
    assert build(8, True, 0x1234, 4000, 0xDEADBEEF, b"speech") == PLAIN


@given(
    st.integers(0, 127), st.booleans(), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
)  # fmt: skip
def test_any_packet_survives_a_round_trip(
    payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    data = build(payload_type, marker, sequence, timestamp, ssrc, payload)

    assert parse(data) == Packet(payload_type, marker, sequence, timestamp, ssrc, payload)


def test_padding_is_taken_off() -> None:
    """§5.1: the last octet counts the padding, itself included."""
    assert parse(b"\xa0" + PLAIN[1:] + b"\0\0\x03").payload == b"speech"


def test_contributing_sources_are_read() -> None:
    """§5.1: CC of them follow the header."""
    packet = parse(b"\x82" + PLAIN[1:12] + bytes.fromhex("0000000100000002") + b"speech")

    assert packet.contributors == (1, 2)
    assert packet.payload == b"speech"


def test_a_header_extension_is_skipped() -> None:
    """§5.3.1: 16 bits of the profile's, a count of words, the words."""
    data = b"\xb1" + PLAIN[1:12] + bytes(4) + bytes.fromhex("bede0002") + bytes(8) + b"speech" + b"\x01"

    assert parse(data).payload == b"speech"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],
        b"\xc0" + PLAIN[1:],
        b"\x8f" + PLAIN[1:],
        b"\xa0" + PLAIN[1:] + b"\0",
        b"\xa0" + PLAIN[1:] + b"\xff",
        b"\xa0" + PLAIN[1:12],
        b"\x90" + PLAIN[1:14],
        b"\x90" + PLAIN[1:12] + bytes.fromhex("bede0002") + bytes(7),
        PLAIN + bytes(MAXIMUM_OCTETS),
    ],
    ids=["empty", "short", "version 1", "version 3", "CSRC", "padding 0", "padding 255", "no room for padding",
         "extension header", "extension", "long"],
)  # fmt: skip
def test_an_invalid_header_is_refused(data: bytes) -> None:
    """A.1."""
    with pytest.raises(MalformedPacket):
        parse(data)


@given(st.binary(max_size=80))
def test_arbitrary_octets_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        assert len(parse(data).payload) <= len(data) - 12


@given(st.integers(0, 15), st.booleans(), st.booleans(), st.binary(max_size=60))
def test_arbitrary_tails_behind_a_valid_first_octet_are_read_or_refused(
    count: int, padding: bool, extension: bool, tail: bytes
) -> None:
    first = 0x80 | count | padding << 5 | extension << 4
    with contextlib.suppress(MalformedPacket):
        parse(bytes([first]) + PLAIN[1:12] + tail)


def test_rtcp_on_the_same_port_is_told_apart() -> None:
    """RFC 5761 §4: packet types 192 to 223 stand where marker and payload types 64 to 95 would."""
    assert is_rtcp(bytes.fromhex("80c80006"))
    assert is_rtcp(bytes.fromhex("80cb0001"))
    assert not is_rtcp(PLAIN)
    assert not is_rtcp(bytes.fromhex("80e0"))
    assert not is_rtcp(b"\x80")
