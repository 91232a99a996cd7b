"""Route preprocessing and loop detection: RFC 3261 §16.3 step 4, §16.4; RFC 5393 §4.2."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.cores.server.domain import Domain
from firmware.sip.cores.server.routing import (
    Routed,
    Seal,
    branch_suffix,
    has_looped,
    is_spiral,
    loop_mark,
    preprocess,
    sealed_branch,
    without_first,
)
from firmware.sip.grammar import is_token
from firmware.sip.message import Request
from firmware.sip.transport import Flow
from firmware.sip.uri import parse_uri
from tests.support.exchange import make_request

FLOW = Flow("UDP", ("192.0.2.10", 5060), ("192.0.2.1", 5060))


class Own:
    """We are 192.0.2.10, port 5060, on UDP and TCP."""

    def is_own_address(self, host: str, port: int | None, transport: str | None = None) -> bool:
        return (host, port or 5060) == ("192.0.2.10", 5060) and transport in (None, "UDP", "TCP")


DOMAIN = Domain(Own(), ["home.test", "alias.test"], {"1001": "x", "1002": "y"})
SEAL = Seal(Random(1))
OURS = f"sip:{SEAL.of('call-1')}@192.0.2.10:5060;lr"


def routed(request: Request) -> Routed:
    return preprocess(request, FLOW, DOMAIN, SEAL)


def bye(uri: str, *routes: str) -> Request:
    return make_request("BYE", uri, fields=[("Route", route) for route in routes])


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (["<sip:a;lr>"], []),
        (["<sip:a;lr>, <sip:b;x=1;lr>;p=2"], ["<sip:b;x=1;lr>;p=2"]),
        (['"a, <b>" <sip:a;lr> ,<sip:b;lr>,<sip:c>', "<sip:d>"], ["<sip:b;lr>, <sip:c>", "<sip:d>"]),
        (["<sip:a;lr>", "sip:b,  sip:c"], ["sip:b,  sip:c"]),
    ],
)
def test_the_first_value_goes_the_rest_stays_as_written(lines: list[str], left: list[str]) -> None:
    """§16.6 step 1: a proxy changes nothing it need not."""
    assert list(without_first(bye("sip:x@y", *lines), "Route").fields.all("Route")) == left


# §16.4


def test_routes_that_name_us_are_removed_up_to_the_first_that_does_not() -> None:
    result = routed(bye("sip:bob@h", f"<{OURS}>, <{OURS};transport=tcp>", "<sip:other;lr>", f"<{OURS}>"))

    assert result.request.fields.all("Route") == ("<sip:other;lr>", f"<{OURS}>")
    assert result.sealed


@pytest.mark.parametrize("route", ["<sip:192.0.2.10;lr>", "<sip:home.test;lr>", "<sip:alias.test:5060;lr>"])
def test_any_name_of_ours_is_removed_but_only_our_own_value_is_sealed(route: str) -> None:
    result = routed(bye("sip:bob@h", route))

    assert (result.request.routes, result.sealed) == ((), False)


def test_a_seal_is_good_for_one_call() -> None:
    other = f"sip:{SEAL.of('call-2')}@192.0.2.10:5060;lr"

    assert not routed(bye("sip:bob@h", f"<{other}>")).sealed
    assert not routed(bye("sip:bob@h", "<sip:%ed%a0%80@192.0.2.10:5060;lr>")).sealed


def test_a_strict_routers_exchange_is_undone() -> None:
    """§16.4: "the proxy MUST replace the Request-URI in the request with the last value from the Route"."""
    result = routed(bye(OURS, "<sip:other;lr>", "<sip:bob@h;x=1>"))

    assert str(result.request.uri) == "sip:bob@h;x=1"
    assert [str(route.uri) for route in result.request.routes] == ["sip:other;lr"]
    assert result.sealed


def test_our_value_without_a_route_is_left_alone() -> None:
    assert str(routed(bye(OURS)).request.uri) == OURS


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        ("sip:bob@h;maddr=192.0.2.10", "sip:bob@h"),
        ("sip:bob@h:5060;maddr=192.0.2.10;transport=udp;x=1", "sip:bob@h;x=1"),
        ("sip:bob@h;maddr=192.0.2.10;transport=tcp", "sip:bob@h;maddr=192.0.2.10;transport=tcp"),
        ("sip:bob@h;maddr=192.0.2.11", "sip:bob@h;maddr=192.0.2.11"),
    ],
)
def test_maddr(uri: str, left: str) -> None:
    """§16.4: stripped if it is ours and the request came by the port and transport indicated."""
    assert str(routed(bye(uri)).request.uri) == left


# Loops


def via(host: str, branch: str) -> str:
    return f"SIP/2.0/UDP {host}:5060;branch={branch}"


def test_the_same_request_again_is_a_loop() -> None:
    """RFC 5393 §4.2.2."""
    request = bye("sip:bob@home.test", "<sip:home.test;lr>")
    ours = via("192.0.2.10", "z9hG4bKabc" + branch_suffix(request, SEAL))
    looped = request.with_("Via", via("198.51.100.1", "z9hG4bK-x"), ours, via("192.0.2.1", "z9hG4bKuac"))

    assert has_looped(looped, Own())
    assert is_spiral(looped, Own(), SEAL)
    assert not has_looped(looped.with_uri(parse_uri("sip:carol@home.test")), Own())
    assert not has_looped(looped.with_("Route", "<sip:other;lr>"), Own())
    assert not has_looped(looped.with_("Via", ours.replace("192.0.2.10", "192.0.2.11")), Own())


@pytest.mark.parametrize("branch", ["z9hG4bK", "z9hG4bK-", "1", "z9hG4bK-" + "0" * 32, "z9hG4bK-" + "a" * 31])
def test_other_branches_of_ours_are_no_loop(branch: str) -> None:
    """RFC 5393 §4.2.4: nothing is assumed about what others put into a Via; and our user agent has branches too."""
    request = bye("sip:bob@home.test").with_("Via", via("192.0.2.10", branch))

    assert not has_looped(request, Own())
    assert not is_spiral(request, Own(), SEAL)


def test_the_mark_does_not_depend_on_the_method() -> None:
    """RFC 5393 §4.2.1: CANCEL and ACK have the branch of their INVITE."""
    invite = make_request("INVITE", "sip:bob@home.test")
    ack = make_request("ACK", "sip:bob@home.test")

    assert loop_mark(invite) == loop_mark(ack)
    assert loop_mark(invite) != loop_mark(invite.with_("CSeq", "2 INVITE"))


def test_the_suffix_is_fit_for_a_branch_and_shows_whose_call_it_is() -> None:
    suffix = branch_suffix(make_request("INVITE", "sip:bob@home.test"), SEAL)

    assert is_token(suffix)
    assert sealed_branch("z9hG4bKabc" + suffix, "call-1", SEAL)
    assert not sealed_branch("z9hG4bKabc" + suffix, "call-2", SEAL)
    assert not sealed_branch("z9hG4bKabc" + suffix, "call-1", Seal(Random(2)))
    assert not sealed_branch(None, "call-1", SEAL)
