"""RTCP packets: RFC 3550 §6 and A.2."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.rtp.packet import MalformedPacket
from firmware.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    Report,
    ReportBlock,
    SenderReport,
    SourceDescription,
    compound,
    parse,
    round_trip,
)

BLOCK = ReportBlock(
    ssrc=0x11223344,
    fraction_lost=64,
    lost=-3,
    highest=0x10005,
    jitter=17,
    last_sender_report=0xB7052000,
    delay_since_sender_report=0x00054000,
)
SENDER = SenderReport(1, 0xB44DB705_20000000, 4000, 200, 32000, (BLOCK,))
EMPTY = bytes.fromhex("80c9000100000001")
"""An RR without blocks."""


def test_a_sender_report_is_laid_out_as_in_the_standard() -> None:
    """§6.4.1: one block, type 200, 12 words after the first."""
    assert bytes(SENDER).hex(" ", 4) == (
        "81c8000c 00000001 b44db705 20000000 00000fa0 000000c8 00007d00 "
        "11223344 40fffffd 00010005 00000011 b7052000 00054000"
    )


def test_a_source_description_ends_with_nulls_to_the_word() -> None:
    """§6.5: at least one null octet, also when the items end on the boundary."""
    assert bytes(SourceDescription(1, "ab")).hex(" ", 4) == "81ca0003 00000001 01026162 00000000"
    assert bytes(SourceDescription(1, "abc")).hex(" ", 4) == "81ca0003 00000001 01036162 63000000"


def test_a_goodbye_may_give_its_reason() -> None:
    """§6.6."""
    assert bytes(Goodbye((1,))).hex(" ", 4) == "81cb0001 00000001"
    assert bytes(Goodbye((1, 2), "bye")).hex(" ", 4) == "82cb0003 00000001 00000002 03627965"


BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        ssrc=st.integers(0, 2**32 - 1),
        fraction_lost=st.integers(0, 255),
        lost=st.integers(-(2**23), 2**23 - 1),
        highest=st.integers(0, 2**32 - 1),
        jitter=st.integers(0, 2**32 - 1),
        last_sender_report=st.integers(0, 2**32 - 1),
        delay_since_sender_report=st.integers(0, 2**32 - 1),
    ),
    max_size=3,
).map(tuple)
SSRCS = st.integers(0, 2**32 - 1)
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
REPORTS = st.builds(SenderReport, SSRCS, st.integers(0, 2**64 - 1), SSRCS, SSRCS, SSRCS, BLOCKS) | st.builds(
    ReceiverReport, SSRCS, BLOCKS
)
OTHERS = st.builds(SourceDescription, SSRCS, TEXT) | st.builds(Goodbye, st.lists(SSRCS, max_size=5).map(tuple), TEXT)


@given(REPORTS, st.lists(OTHERS, max_size=4))
def test_any_compound_survives_a_round_trip(first: Report, others: list[Report]) -> None:
    assert parse(compound(first, *others)) == [first, *others]


def test_unknown_packet_types_and_items_are_skipped() -> None:
    """§6.1: APP, XR and what is yet to come."""
    application = bytes.fromhex("80cc0002 00000001 54455354")
    note = bytes.fromhex("81ca0004 00000001 07026869 0102 6162 00 000000")

    assert parse(EMPTY + application + note) == [ReceiverReport(1), SourceDescription(1, "ab")]


def test_profile_specific_extensions_of_a_report_are_ignored() -> None:
    """§6.4.3."""
    assert parse(bytes.fromhex("80c90002 00000001 12345678")) == [ReceiverReport(1)]


def test_padding_of_the_last_packet_is_taken_off() -> None:
    """§6.4.1."""
    assert parse(EMPTY + bytes.fromhex("a1cb0002 00000007 00000004")) == [ReceiverReport(1), Goodbye((7,))]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80c9",
        "40c9000100000001",
        "80c9000200000001",
        "81ca000300000001010261620000000",
        "81cb000100000001",
        "81c9000100000001",
        "80c800020000000100000002",
        "a0c90001000000ff",
        "a0c9000200000001 00000004 80c9000100000001",
        "80c9000100000001 81ca0002 00000001 01ff6162",
        "80c9000100000001 82cb0001 00000001",
        "80c9000100000001 80",
    ],
    ids=["empty", "short", "version", "length", "SDES first", "BYE first", "block missing", "SR short", "padding",
         "padding before the last", "SDES item", "BYE count", "rest"],
)  # fmt: skip
def test_an_invalid_compound_is_refused(data: str) -> None:
    """A.2."""
    digits = data.replace(" ", "")
    with pytest.raises(MalformedPacket):
        parse(bytes.fromhex(digits[: len(digits) & ~1]))


def test_an_overlong_datagram_is_refused() -> None:
    with pytest.raises(MalformedPacket):
        parse(EMPTY * 300)


@given(st.binary(max_size=120))
def test_arbitrary_octets_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        parse(data)


@given(st.integers(200, 204), st.integers(0, 31), st.binary(max_size=64))
def test_arbitrary_bodies_behind_valid_headers_are_read_or_refused(kind: int, count: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    with contextlib.suppress(MalformedPacket):
        parse(EMPTY + bytes([0x80 | count, kind, 0, len(body) // 4]) + body)


def test_the_round_trip_is_that_of_the_standards_figure_2() -> None:
    """§6.4.1: A = b710:8000, DLSR = 5.25 s, LSR = b705:2000; the round trip is 6.125 s."""
    block = ReportBlock(1, 0, 0, 0, 0, last_sender_report=0xB7052000, delay_since_sender_report=0x00054000)

    assert round_trip(block, 0xB44DB710_80000000) == 6.125


def test_without_a_sender_report_there_is_no_round_trip() -> None:
    assert round_trip(ReportBlock(1, 0, 0, 0, 0, 0, 0), 0xB44DB710_80000000) is None


def test_a_round_trip_that_rounding_made_negative_is_zero() -> None:
    block = ReportBlock(1, 0, 0, 0, 0, last_sender_report=0xB7108000, delay_since_sender_report=1)

    assert round_trip(block, 0xB44DB710_80000000) == 0.0
