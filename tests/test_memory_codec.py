"""The memory as octets: what is written is read again, and nothing else passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.phone.events import Party
from firmware.phone.history import LONGEST
from firmware.phone.memory import Memory
from firmware.phone.network import LONGEST_NAME, LONGEST_URI
from firmware.phone.view import HistoryView
from firmware.station.memory_codec import LARGEST_OCTETS, TooNew, Unreadable, decode, encode

texts = st.text(st.characters(), max_size=40)  # halves of characters as well
milliseconds = st.integers(0, 4_000_000_000_000).map(lambda number: number / 1000)
entries = st.builds(
    HistoryView,
    kind=st.sampled_from(["in", "out", "missed"]),
    remote=st.builds(Party, uri=texts, name=texts),
    at=milliseconds,
    seconds=st.integers(0, 10**9).map(lambda number: number / 1000),
    dated=st.just(True),
)
memories = st.builds(
    Memory,
    history=st.lists(entries, max_size=12).map(tuple),
    missed=st.integers(0, 1000),
    redial=texts,
    redial_account=st.none() | texts,
    earpiece_volume=st.none() | st.integers(0, 10),
    ringer_volume=st.none() | st.integers(0, 10),
    do_not_disturb=st.none() | st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FULL = Memory(
    history=(HistoryView("missed", Party("sip:1002@example.net", "Anna"), 1_790_000_000.5, 0.0, dated=True),),
    missed=1,
    redial="1002",
    redial_account="sip:1001@example.net",
    earpiece_volume=8,
    ringer_volume=0,
    do_not_disturb=True,
)


@given(memories)
def test_what_is_written_is_read_again(memory: Memory) -> None:
    assert decode(encode(memory)) == memory


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(octets)


@given(st.sampled_from(sorted(json.loads(encode(FULL)))), json_values)
def test_any_value_in_the_place_of_another_is_read_or_refused(key: str, value: Any) -> None:
    table = json.loads(encode(FULL)) | {key: value}
    try:
        memory = decode(json.dumps(table).encode())
    except Unreadable:
        return

    assert decode(encode(memory)) == memory


@given(st.sampled_from(["kind", "uri", "name", "at", "seconds"]), json_values)
def test_any_value_in_a_call_is_read_or_refused(key: str, value: Any) -> None:
    table = json.loads(encode(FULL))
    table["calls"][0][key] = value
    try:
        memory = decode(json.dumps(table).encode())
    except Unreadable:
        return

    assert len(memory.history) == 1


@given(st.integers(0, len(encode(FULL)) - 2))
def test_the_beginning_of_a_memory_is_none(length: int) -> None:
    with pytest.raises(Unreadable):
        decode(encode(FULL)[:length])


def test_a_later_version_is_told_from_damage() -> None:
    table = json.loads(encode(FULL)) | {"version": 2, "speed_dials": ["1002"]}

    with pytest.raises(TooNew, match="later version"):
        decode(json.dumps(table).encode())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": true}',
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"version": 1, "missed": NaN}',
        encode(FULL).replace(b'"earpiece_volume": 8', b'"earpiece_volume": 11'),
        encode(FULL).replace(b'"missed": 1', b'"missed": -1'),
        encode(FULL).replace(b"1790000000.5", b"1e999"),
        encode(FULL) + b" " * LARGEST_OCTETS,
    ],
)
def test_what_is_wrong_is_refused(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(octets)


def test_the_longest_memory_can_be_read_again() -> None:
    party = Party("\U0001f4de" * LONGEST_URI, "\U0001f4de" * LONGEST_NAME)
    memory = Memory(history=(HistoryView("in", party, 1_790_000_000.123, 9999.123, dated=True),) * LONGEST)

    octets = encode(memory)

    assert len(octets) < LARGEST_OCTETS
    assert decode(octets) == memory


def test_what_is_longer_than_the_phone_keeps_is_not_written_half() -> None:
    """Half a URI would call somebody else."""
    long, short = Party("sip:" + "1" * LONGEST_URI), Party("sip:a@b", "n" * 1000)
    memory = Memory(
        history=tuple(HistoryView("out", party, 1.0, 0.0, dated=True) for party in (long, short)),
        redial="1" * (LONGEST_URI + 1),
    )

    again = decode(encode(memory))

    assert [(entry.remote.uri, len(entry.remote.name)) for entry in again.history] == [("sip:a@b", LONGEST_NAME)]
    assert again.redial == ""
