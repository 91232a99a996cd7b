"""G.711 against the Recommendation's own sequences and tables."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.codecs import Codec, open_codec
from firmware.audio.level import level_dbm0

LAWS = ["PCMU", "PCMA"]

# G.711 tables 5 and 6: these eight octets, repeated, are a sine of 1 kHz at 0 dBm0.
REFERENCE = {"PCMU": bytes.fromhex("1e0b0b1e9e8b8b9e"), "PCMA": bytes.fromhex("34212134b4a1a1b4")}


@pytest.mark.parametrize("law", LAWS)
def test_the_reference_sequence_is_0_dbm0(law: str) -> None:
    """ITU-T G.711, tables 5 and 6: digital milliwatt."""
    frame = open_codec(law).decode(REFERENCE[law] * 100)

    assert level_dbm0(frame) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("law", LAWS)
def test_the_reference_sequence_survives_both_ways(law: str) -> None:
    codec = open_codec(law)

    assert codec.encode(codec.decode(REFERENCE[law])) == REFERENCE[law]


@pytest.mark.parametrize(
    ("law", "octet", "sample"),
    [
        ("PCMU", 0xFF, 0),
        ("PCMU", 0x7F, 0),
        ("PCMU", 0x80, 32124),
        ("PCMU", 0x00, -32124),
        ("PCMA", 0xD5, 8),
        ("PCMA", 0x55, -8),
        ("PCMA", 0xAA, 32256),
        ("PCMA", 0x2A, -32256),
    ],
)
def test_ends_and_middle_of_the_scale(law: str, octet: int, sample: int) -> None:
    """G.711 tables 1 and 2: decision values 8031 of 14 bits and 4032 of 13 bits, here of 16."""
    assert array("h", open_codec(law).decode(bytes([octet]))) == array("h", [sample])


@pytest.mark.parametrize("law", LAWS)
def test_every_octet_comes_back(law: str) -> None:
    codec = open_codec(law)
    octets = bytes(range(256))

    again = codec.encode(codec.decode(octets))

    # mu-law has a zero of either sign; both decode to 0, which encodes to the positive one.
    assert again == (octets.replace(b"\x7f", b"\xff") if law == "PCMU" else octets)


@given(st.lists(st.integers(-32124, 32124)), st.sampled_from(LAWS))
def test_error_is_within_a_step_of_the_segment(samples: list[int], law: str) -> None:
    """Steps grow with the level: never more than a sixteenth of it, and half of that is the error."""
    codec = open_codec(law)

    decoded = array("h", codec.decode(codec.encode(array("h", samples).tobytes())))

    assert all(abs(a - b) <= max(16, abs(a) / 16) for a, b in zip(samples, decoded, strict=True))


@pytest.mark.parametrize("law", LAWS)
def test_one_octet_a_sample(law: str) -> None:
    codec = open_codec(law)

    assert (codec.rate_hz, codec.samples_per_octet, codec.encoding) == (8000, 1, law)
    assert len(codec.encode(bytes(320))) == 160
    assert len(codec.decode(bytes(37))) == 74


def test_silence_is_the_octet_that_networks_send() -> None:
    assert open_codec("PCMU").encode(bytes(2)) == b"\xff"
    assert open_codec("PCMA").encode(bytes(2)) == b"\xd5"


def test_codecs_by_name() -> None:
    codec: Codec = open_codec("pcma")

    assert codec.encoding == "PCMA"
    with pytest.raises(ValueError, match="G729"):
        open_codec("G729")
