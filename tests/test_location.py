"""The location service: RFC 3261 §10.3, RFC 5626 §6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.address import parse_contact
from firmware.sip.cores.location import Binding, LocationService, NoRoom, OutOfOrder, canonical_address, listed
from firmware.sip.transport import Flow
from firmware.sip.uri import parse_uri

ALICE = "alice@home.test"
FLOW = Flow("UDP", ("192.0.2.10", 5060), ("192.0.2.1", 5060))
STREAM = Flow("TCP", ("192.0.2.10", 5060), ("192.0.2.1", 40001), 7)


def binding(contact: str, expires_at: float = 60.0, *, call_id: str = "c", cseq: int = 1, **rest: object) -> Binding:
    return Binding(parse_contact(contact), expires_at, call_id, cseq, **rest)  # type: ignore[arg-type]


def uris(service: LocationService, address: str = ALICE, now: float = 0.0) -> list[str]:
    return [str(each.uri) for each in service.lookup(address, now)]


@pytest.fixture
def service() -> LocationService:
    return LocationService(most_addresses=3, most_bindings=3)


def test_the_index_has_no_case_in_its_domain() -> None:
    assert canonical_address("Alice", "HOME.test") == "Alice@home.test"


def test_preferred_first_then_newest(service: LocationService) -> None:
    """§16.6: highest q first."""
    service.update(ALICE, [binding("<sip:a@h>;q=0.5"), binding("<sip:b@h>;q=0.5"), binding("<sip:c@h>")], 0.0)

    assert uris(service) == ["sip:c@h", "sip:b@h", "sip:a@h"]


def test_bindings_end_at_their_time(service: LocationService) -> None:
    service.update(ALICE, [binding("<sip:a@h>", 60.0), binding("<sip:b@h>", 90.0)], 0.0)
    assert service.next_deadline() == 60.0

    assert uris(service, now=60.0) == ["sip:b@h"]
    service.handle_timers(60.0)
    assert service.next_deadline() == 90.0
    service.handle_timers(90.0)
    assert (len(service), service.next_deadline()) == (0, None)


def test_a_contact_listed_twice_is_bound_once_as_listed_last(service: LocationService) -> None:
    """§10.3 step 7 searches the bindings there were before; §19.1.4: a parameter that only one has counts not."""
    service.update(
        ALICE, [binding("<sip:a@h:9>;q=0.1"), binding("<sip:a@h:9>;q=0.2"), binding("<sip:a@h:9;x=1>;q=0.3")], 0.0
    )

    (only,) = service.lookup(ALICE, 0.0)
    assert only.q == 0.3
    service.update(ALICE, [binding("<sip:a@h:9>", cseq=2), binding("<sip:a@h:9>", 0.0, cseq=2)], 0.0)
    assert uris(service) == []


def test_an_update_is_done_whole_or_not_at_all(service: LocationService) -> None:
    """§10.3 step 7: "committed [...] if and only if all binding updates and additions succeed"."""
    service.update(ALICE, [binding("<sip:a@h>", cseq=5)], 0.0)

    with pytest.raises(OutOfOrder):
        service.update(ALICE, [binding("<sip:b@h>", cseq=5), binding("<sip:a@h>", cseq=5)], 0.0)

    assert uris(service) == ["sip:a@h"]


def test_order_counts_within_one_call_id_only(service: LocationService) -> None:
    """§10.3 step 7."""
    service.update(ALICE, [binding("<sip:a@h>", cseq=5)], 0.0)

    service.update(ALICE, [binding("<sip:a@h>", 0.0, call_id="other", cseq=1)], 0.0)

    assert uris(service) == []


def test_clearing_keeps_order_too(service: LocationService) -> None:
    """§10.3 step 6."""
    service.update(ALICE, [binding("<sip:a@h>", cseq=5)], 0.0)

    with pytest.raises(OutOfOrder):
        service.clear(ALICE, "c", 5, 0.0)
    assert len(service) == 1
    service.clear(ALICE, "c", 6, 0.0)
    assert len(service) == 0


def test_the_binding_refreshed_longest_ago_gives_way(service: LocationService) -> None:
    """A phone that restarts again and again with a new Contact does not shut itself out."""
    for number in range(5):
        service.update(ALICE, [binding(f"<sip:{number}@h>", call_id=str(number))], 0.0)
    service.update(ALICE, [binding("<sip:2@h>", call_id="2", cseq=2)], 0.0)
    service.update(ALICE, [binding("<sip:5@h>", call_id="5")], 0.0)

    assert uris(service) == ["sip:5@h", "sip:2@h", "sip:4@h"]


def test_there_is_room_for_so_many_addresses(service: LocationService) -> None:
    for number in range(3):
        service.update(f"{number}@home.test", [binding("<sip:a@h>")], 0.0)

    with pytest.raises(NoRoom):
        service.update("3@home.test", [binding("<sip:a@h>")], 0.0)
    service.update("2@home.test", [binding("<sip:b@h>")], 0.0)
    service.update("3@home.test", [binding("<sip:a@h>", 0.0)], 0.0)


def test_an_instances_flow_is_one_binding_whatever_its_uri(service: LocationService) -> None:
    """RFC 5626 §6."""
    instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
    service.update(ALICE, [binding(f"<sip:a@h>;reg-id=1;{instance}")], 0.0)
    service.update(ALICE, [binding(f"<sip:b@h>;reg-id=1;{instance}", call_id="d")], 0.0)
    service.update(ALICE, [binding(f"<sip:c@h>;reg-id=2;{instance}", call_id="e")], 0.0)

    assert uris(service) == ["sip:c@h", "sip:b@h"]


@pytest.mark.parametrize(
    ("contact", "flow", "hop"),
    [
        ("<sip:a@192.0.2.1:5070>", FLOW, None),
        ("<sip:a@10.0.0.5>", FLOW, FLOW),
        ("<sip:a@phone.home.test>", FLOW, None),
        ("<sip:a@df7jal23ls0d.invalid;transport=ws>", FLOW, FLOW),
        ("<sip:a@192.0.2.1:40001;transport=tcp>", STREAM, STREAM),
        ("<sip:a@10.0.0.5>", None, None),
        ("<sip:a@[2001:DB8::1]>", Flow("UDP", ("2001:db8::a", 5060), ("2001:db8:0::1", 5060)), None),
    ],
)
def test_how_a_phone_is_reached(contact: str, flow: Flow | None, hop: Flow | None) -> None:
    """RFC 5626 §3.4: behind a NAT, where it registered from; else where it says."""
    assert binding(contact, flow=flow).hop == hop


def test_with_a_path_the_flow_is_the_last_proxys(service: LocationService) -> None:
    """RFC 3327."""
    assert binding("<sip:a@10.0.0.5>", flow=FLOW, path=("<sip:p1;lr>",)).hop is None


def test_a_contact_is_found_by_user_host_and_port(service: LocationService) -> None:
    service.update(ALICE, [binding("<sip:a@10.0.0.5:5062;transport=udp>")], 0.0)

    found = service.find(parse_uri("sip:a@10.0.0.5:5062;ob"), 0.0)

    assert found is not None
    assert service.find(parse_uri("sip:a@10.0.0.5"), 0.0) is None
    assert service.find(parse_uri("sip:a@10.0.0.5:5062"), 60.0) is None


def test_a_contact_of_two_addresses_survives_the_end_of_one(service: LocationService) -> None:
    service.update(ALICE, [binding("<sip:a@10.0.0.5>")], 0.0)
    service.update("bob@home.test", [binding("<sip:a@10.0.0.5>")], 0.0)

    service.clear("bob@home.test", "d", 1, 0.0)

    assert service.find(parse_uri("sip:a@10.0.0.5"), 0.0) is not None


def test_where_somebody_registered_from(service: LocationService) -> None:
    service.update(ALICE, [binding("<sip:a@h>", flow=FLOW)], 0.0)

    assert service.reached_from(FLOW, 0.0, ALICE)
    assert service.reached_from(FLOW, 0.0)
    assert not service.reached_from(FLOW, 0.0, "bob@home.test")
    assert not service.reached_from(FLOW, 60.0)
    assert not service.reached_from(STREAM, 0.0)


def test_a_flow_that_broke_takes_along_what_needs_it(service: LocationService) -> None:
    """RFC 5626 §5.3."""
    service.update(ALICE, [binding("<sip:a@10.0.0.5>", flow=STREAM), binding("<sip:b@192.0.2.1>", flow=FLOW)], 0.0)

    service.forget_flow(STREAM)

    assert uris(service) == ["sip:b@192.0.2.1"]


def test_what_is_bound_now(service: LocationService) -> None:
    service.update(ALICE, [binding("<sip:a@h>", 10.0)], 0.0)
    service.update("bob@home.test", [binding("<sip:b@h>", 20.0)], 0.0)

    assert list(service.addresses(15.0)) == ["bob@home.test"]


def test_a_listed_contact_tells_what_is_left() -> None:
    """§10.3 step 8."""
    contact = listed(binding('"Alice" <sip:a@h>;expires=3600;q=0.3', 60.0), 20.4)

    assert str(contact) == '"Alice" <sip:a@h>;expires=40;q=0.3'


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3), st.integers(0, 100), st.integers(1, 20)),
        max_size=60,
    )
)
def test_it_never_holds_more_than_it_may(steps: list[tuple[int, int, int, int, int]]) -> None:
    """Whatever comes: caps hold, nothing dead is found, and when all has expired nothing is left."""
    service = LocationService(most_addresses=3, most_bindings=2)
    now = 0.0
    for user, contact, call_id, lifetime, cseq in steps:
        now += 1.0
        update = binding(f"<sip:{contact}@h>", now + lifetime, call_id=str(call_id), cseq=cseq, flow=FLOW)
        try:
            service.update(f"{user}@home.test", [update], now)
        except (OutOfOrder, NoRoom):
            continue
        finally:
            service.handle_timers(now)
        found = service.lookup(f"{user}@home.test", now)
        assert len(found) <= 2
        assert len(service) <= 3
        assert all(each.expires_at > now for each in found)
    service.handle_timers(now + 101.0)
    assert len(service) == 0
    assert not service.reached_from(FLOW, now)
