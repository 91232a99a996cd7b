"""What an exchange keeps of its registrations over a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.address import parse_contact
from firmware.sip.cores.location import Binding
from firmware.sip.transport import Flow
from firmware.station.memory_codec import TooNew, Unreadable
from firmware.station.registrations_codec import LONGEST_TEXT, MOST, decode, encode
from tests.support.stations import StationNode, household
from tests.support.world import World

DATAGRAM = Flow("UDP", ("192.0.2.10", 5060), ("192.0.2.1", 40001))
STREAM = Flow("TCP", ("192.0.2.10", 5060), ("192.0.2.1", 40001), 7)
PLAIN = Binding(parse_contact('"Anna" <sip:a%20b@192.0.2.1:5060;ob>;q=0.5;expires=60'), 1.76e9, "c@h", 7)
BEHIND_NAT = Binding(parse_contact("<sip:a@10.0.0.7>"), 1.76e9 + 1, "d", 1, DATAGRAM, ("<sip:p@192.0.2.8;lr>",))
FULL = {"1001@home.test": (PLAIN, BEHIND_NAT), "1002@home.test": (PLAIN,)}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def test_what_is_written_is_read_again() -> None:
    again = decode(encode(FULL))

    assert {address: set(bound) for address, bound in again.items()} == {
        address: set(bound) for address, bound in FULL.items()
    }


def test_a_stream_is_not_kept_but_its_binding_is() -> None:
    [[binding]] = decode(encode({"1001@home.test": (Binding(PLAIN.contact, 9.0, "c", 1, STREAM),)})).values()

    assert (binding.flow, binding.uri) == (None, PLAIN.uri)


def test_it_is_bounded() -> None:
    """Those that last longest are kept; what is longer than any honest phone's is not."""
    many = {f"{number}@h": (Binding(PLAIN.contact, float(number), "c", 1),) for number in range(MOST + 50)}
    long = Binding(PLAIN.contact, 9e9, "c" * (LONGEST_TEXT + 1), 1)

    kept = decode(encode({**many, "long@h": (long,)}))

    assert len(kept) == MOST
    assert "49@h" not in kept
    assert "50@h" in kept
    assert "long@h" not in kept


def test_a_later_version_is_left_alone() -> None:
    with pytest.raises(TooNew):
        decode(json.dumps({"version": 2, "registrations": [], "more": 1}).encode())


@given(st.sampled_from(["address", "contact", "until", "call_id", "cseq", "path", "flow"]), json_values)
def test_a_registration_of_another_form_is_refused_or_read(key: str, value: object) -> None:
    """Never anything but Unreadable comes of it."""
    table = json.loads(encode(FULL))
    table["registrations"][0][key] = value
    try:
        bindings = decode(json.dumps(table).encode())
    except Unreadable:
        return
    assert decode(encode(bindings)).keys() == bindings.keys()


@given(st.binary(max_size=60) | st.integers(0, len(encode(FULL)) - 3).map(lambda length: encode(FULL)[:length]))
def test_octets_of_any_kind_are_unreadable(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(octets)


# In a household


def written(node: StationNode) -> bytes:
    """What an exchange that ends has written down last."""
    node.station.close(node.world.now)
    return dict(node.station.drain_memory())["registrations"]


def restarted(world: World, hall: StationNode, octets: bytes) -> StationNode:
    """The exchange is killed, and a minute later started again with what it had kept."""
    world.close(hall)
    world.wait(60.0)
    again = StationNode(world, hall.config, hall.host, 77, registrations=decode(octets))
    world.add(again)
    again.start()
    return again


def test_an_exchange_that_is_started_again_knows_its_telephones() -> None:
    world, (hall, kitchen) = household()
    again = restarted(world, hall, written(hall))
    world.wait(2.0)

    again.lift()
    again.press("1002")

    assert world.run(world.now + 10.0, lambda: kitchen.ringing)


def test_its_own_telephone_is_not_called_where_it_was_before() -> None:
    world, (hall, kitchen) = household()
    again = restarted(world, hall, written(hall))
    world.wait(2.0)
    before = len(world.trace)

    kitchen.lift()
    kitchen.press("1001")
    assert world.run(world.now + 10.0, lambda: again.ringing)

    invites = [sent for sent in world.trace[before:] if sent.summary == "INVITE" and sent.source[0] == again.host]
    assert len(invites) == 1


def test_a_user_who_was_struck_off_is_forgotten() -> None:
    world, (hall, _) = household()
    kept = decode(written(hall))
    stranger = {"9999@home.test": next(iter(kept.values()))}

    again = restarted(world, hall, encode({**kept, **stranger}))
    world.wait(3.0)

    assert set(decode(written(again))) == {"1001@home.test", "1002@home.test"}
