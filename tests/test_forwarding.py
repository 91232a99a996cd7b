"""The copy a proxy sends: RFC 3261 §16.6, RFC 3327, RFC 5658."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.address import parse_contact
from firmware.sip.cores.location import Binding
from firmware.sip.cores.server.forwarding import Forwarder, Target, redirect_targets, target_of
from firmware.sip.cores.server.routing import Seal
from firmware.sip.fields import Fields
from firmware.sip.message import Request, Response
from firmware.sip.transport import Flow, Hop
from firmware.sip.uri import parse_uri
from tests.support.exchange import make_request
from tests.support.signalling import new_endpoint

SEAL = Seal(Random(1))
MARK = SEAL.of("call-1")
UDP = Flow("UDP", ("192.0.2.10", 5060), ("192.0.2.1", 5060))
TCP = Flow("TCP", ("192.0.2.10", 5060), ("192.0.2.1", 40000), 3)
TLS = Flow("TLS", ("192.0.2.10", 5061), ("192.0.2.1", 40000), 4)


@pytest.fixture
def forwarder() -> Forwarder:
    return Forwarder(new_endpoint("192.0.2.10"), SEAL, "home.test", record_route=True)


def target(uri: str, **rest: object) -> Target:
    return Target(parse_uri(uri), **rest)  # type: ignore[arg-type]


def invite(**fields: object) -> Request:
    named = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return make_request("INVITE", "sip:1002@home.test", fields=named)


def recorded(request: Request) -> list[str]:
    return [str(route.uri) for route in request.record_routes]


def test_fields_keep_their_order_and_their_writing(forwarder: Forwarder) -> None:
    """Step 1: nothing is removed or reordered, and what is malformed but no business of ours stays so."""
    request = invite(Max_Forwards=70, Date="never", X_Odd="a,,b", Subject="hello")

    copy, _ = forwarder.copy(request, target("sip:bob@192.0.2.2"), UDP, 60)

    kept = [item for item in copy.fields if item[0] not in ("Record-Route", "Max-Breadth", "Max-Forwards")]
    assert kept == [item for item in request.fields if item[0] != "Max-Forwards"]
    assert copy.body == request.body


@pytest.mark.parametrize(("had", "has"), [({}, 70), ({"Max_Forwards": 70}, 69), ({"Max_Forwards": 1}, 0)])
def test_max_forwards(forwarder: Forwarder, had: dict[str, object], has: int) -> None:
    """Step 3."""
    copy, _ = forwarder.copy(invite(**had), target("sip:bob@192.0.2.2"), UDP, 60)

    assert copy.max_forwards == has


def test_what_no_request_uri_may_hold_is_removed(forwarder: Forwarder) -> None:
    """Step 2, §19.1.1 table 1."""
    copy, _ = forwarder.copy(invite(), target("sip:bob@192.0.2.2;method=BYE;x=1?subject=a"), UDP, 60)

    assert str(copy.uri) == "sip:bob@192.0.2.2;x=1"


@pytest.mark.parametrize("method", ["REGISTER", "OPTIONS", "MESSAGE", "BYE", "PUBLISH"])
def test_what_makes_no_dialog_is_not_recorded(forwarder: Forwarder, method: str) -> None:
    """Step 4."""
    copy, _ = forwarder.copy(make_request(method, "sip:b@home.test"), target("sip:bob@192.0.2.2"), UDP, 60)

    assert recorded(copy) == []


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "SOMETHINGNEW"])
def test_what_may_make_a_dialog_is_recorded(forwarder: Forwarder, method: str) -> None:
    """Step 4: also "every request with a method it does not understand"."""
    request = make_request(method, "sip:b@home.test", fields=[("Record-Route", "<sip:first;lr>")])
    copy, _ = forwarder.copy(request, target("sip:bob@192.0.2.2"), UDP, 60)

    assert recorded(copy) == [f"sip:{MARK}@192.0.2.10:5060;lr", "sip:first;lr"]


@pytest.mark.parametrize(
    ("flow", "uri", "expected"),
    [
        (UDP, "sip:bob@192.0.2.2", [";lr"]),
        (TCP, "sip:bob@192.0.2.2;transport=tcp", [";transport=tcp;lr"]),
        (TCP, "sip:bob@192.0.2.2", [";lr", ";transport=tcp;lr"]),
        (UDP, "sip:bob@192.0.2.2;transport=tcp", [";transport=tcp;lr", ";lr"]),
        (UDP, "sip:bob@elsewhere.example", [";lr"]),
        (UDP, "sip:bob@192.0.2.2;transport=sctp", [";lr"]),
        (UDP, "sip:bob@[2001:db8::2]", [";lr"]),
    ],
)
def test_each_side_sees_us_as_it_reaches_us(forwarder: Forwarder, flow: Flow, uri: str, expected: list[str]) -> None:
    """RFC 5658 §3: the callee's side on top."""
    copy, _ = forwarder.copy(invite(), target(uri), flow, 60)

    assert recorded(copy) == [f"sip:{MARK}@192.0.2.10:5060{parameters}" for parameters in expected]


def test_without_record_route_nothing_is_recorded() -> None:
    plain = Forwarder(new_endpoint("192.0.2.10"), SEAL, "home.test", record_route=False)

    assert recorded(plain.copy(invite(), target("sip:bob@192.0.2.2"), UDP, 60)[0]) == []


def test_the_hop_is_the_targets_unless_a_route_says_else(forwarder: Forwarder) -> None:
    """Step 7."""
    bound = target("sip:bob@10.0.0.5", hop=TCP)

    assert forwarder.copy(invite(), bound, UDP, 60)[1] == TCP
    assert forwarder.copy(invite(Route="<sip:other;lr>"), bound, UDP, 60)[1] is None
    assert forwarder.copy(invite(), target("sip:bob@192.0.2.2"), UDP, 60)[1] is None


def test_a_strict_router_is_addressed_itself(forwarder: Forwarder) -> None:
    """Steps 6 and 7."""
    request = invite(Route="<sip:192.0.2.50:5070;transport=tcp>, <sip:192.0.2.51;lr>")

    copy, hop = forwarder.copy(request, target("sip:bob@192.0.2.2"), UDP, 60)

    assert str(copy.uri) == "sip:192.0.2.50:5070;transport=tcp"
    assert [str(route.uri) for route in copy.routes] == ["sip:192.0.2.51;lr", "sip:bob@192.0.2.2"]
    assert hop == Hop("TCP", "192.0.2.50", 5070)


def test_a_path_goes_before_every_route(forwarder: Forwarder) -> None:
    """RFC 3327 §5.2."""
    bound = target("sip:bob@10.0.0.5", path=("<sip:p2;lr>, <sip:p1;lr>", "<sip:p0;lr>"))

    copy, _ = forwarder.copy(invite(Route="<sip:last;lr>"), bound, UDP, 60)

    assert [str(route.uri) for route in copy.routes] == ["sip:p2;lr", "sip:p1;lr", "sip:p0;lr", "sip:last;lr"]


def bound(contact: str, flow: Flow | None = None) -> Binding:
    return Binding(parse_contact(contact), 60.0, "c", 1, flow)


def test_sip_and_sips_do_not_mix() -> None:
    """RFC 5630 §5.3: a sips contact is reached as sip over TLS by who asked for sip, never the other way."""
    assert target_of(bound("<sip:bob@192.0.2.2>"), secure=True) is None
    assert target_of(bound("<sips:bob@192.0.2.2>"), secure=True) == target("sips:bob@192.0.2.2")
    assert target_of(bound("<sips:bob@192.0.2.2>", TLS), secure=False) == target("sip:bob@192.0.2.2", hop=TLS)
    assert target_of(bound("<sips:bob@192.0.2.2>"), secure=False) is None
    assert target_of(bound("<mailto:bob@home.test>"), secure=False) is None


def test_a_target_is_what_its_binding_says() -> None:
    assert target_of(bound("<sip:bob@10.0.0.5>;q=0.3", UDP), secure=False) == target("sip:bob@10.0.0.5", hop=UDP, q=0.3)


def test_targets_are_compared_as_uris() -> None:
    """§16.5: "based on the definition of equality for the URI type"."""
    assert target("sip:%62ob@H").is_same_as(target("sip:bob@h"))
    assert not target("sip:bob@h:5060").is_same_as(target("sip:bob@h"))
    assert target("mailto:a@b").is_same_as(target("mailto:a@b"))


def test_a_redirections_contacts() -> None:
    """§16.7 step 4."""
    contacts = "<sip:a@h>;q=0.5, <sips:b@h>, <tel:+441632960083>"
    found, others = redirect_targets(Response(302, "", Fields([("Contact", contacts)])), invite())

    assert [(str(each.uri), each.q) for each in found] == [("sip:a@h", 0.5)]
    assert [str(each.uri) for each in others] == ["sips:b@h", "tel:+441632960083"]
