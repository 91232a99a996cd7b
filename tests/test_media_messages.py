"""Messages between the phone and the media engine as octets."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.audio.tones import COUNTRIES, PROGRESS_TONES, progress_tone, ring
from firmware.media.framing import LONGEST_OCTETS, MessageFramer, frame
from firmware.media.messages import (
    ConfigureSession,
    MalformedMessage,
    Message,
    PayloadFormat,
    PlayRing,
    PlayTone,
    decode,
    encode,
)

# Text without lone surrogates: what UTF-8 can carry.
texts = st.text(st.characters(codec="utf-8"), max_size=20)
st.register_type_strategy(str, texts)
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
kinds = get_args(Message)
messages = st.one_of([st.from_type(kind) for kind in kinds])


@given(messages)
def test_every_message_comes_back_equal(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_tone_crosses(country: str) -> None:
    sounds = [PlayRing(ring(country)[0]), *(PlayTone(progress_tone(country, name)) for name in PROGRESS_TONES)]

    assert [decode(encode(sound)) for sound in sounds] == sounds


@given(st.lists(messages, max_size=5), st.integers(1, 50))
def test_a_stream_cut_anywhere(sent: list[Message], size: int) -> None:
    stream = b"".join(map(frame, sent))
    framer = MessageFramer()

    received = [message for i in range(0, len(stream), size) for message in framer.feed(stream[i : i + size])]

    assert received == sent


@given(st.binary(max_size=200))
def test_other_octets_raise_one_error(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        decode(data)


@given(st.binary(max_size=300))
def test_another_stream_raises_one_error_or_waits(data: bytes) -> None:
    try:
        MessageFramer().feed(data)
    except MalformedMessage:
        return


@given(messages, st.data())
def test_a_message_with_one_octet_changed_is_another_or_malformed(message: Message, draw: st.DataObject) -> None:
    octets = bytearray(encode(message))
    octets[draw.draw(st.integers(0, len(octets) - 1))] ^= draw.draw(st.integers(1, 255))

    try:
        changed = decode(bytes(octets))
    except MalformedMessage:
        return

    assert type(changed) in kinds


def test_a_value_outside_its_type_is_malformed() -> None:
    octets = encode(PlayTone(None)).replace(b"PlayTone", b"PlayGame")
    with pytest.raises(MalformedMessage):
        decode(octets)


def test_a_direction_that_is_none_is_malformed() -> None:
    octets = encode(a_configuration()).replace(b"sendrecv", b"sideways")

    with pytest.raises(MalformedMessage, match="sideways"):
        decode(octets)


def a_configuration() -> ConfigureSession:
    pcma = PayloadFormat(8, "PCMA")
    return ConfigureSession("1", ("192.0.2.1", 4000), ("192.0.2.1", 4001), pcma, (pcma,), None, None, "sendrecv")


def test_nesting_without_end_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        decode(b"\x92\xa8PlayTone" + b"\x91" * 100_000)


def test_a_length_beyond_reason_is_malformed_at_once() -> None:
    with pytest.raises(MalformedMessage, match="octets"):
        MessageFramer().feed((LONGEST_OCTETS + 1).to_bytes(4, "big"))
