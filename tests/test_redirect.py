"""The redirect server: RFC 3261 §8.3."""

from __future__ import annotations

import pytest

from tests.support.exchange import EXCHANGE, Exchange, Phone, make_request
from tests.support.world import World


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(World(), redirects=True)


@pytest.fixture
def caller(exchange: Exchange) -> Phone:
    return Phone(exchange.world, "203.0.113.9")


def test_the_caller_learns_where_the_user_is(exchange: Exchange, caller: Phone) -> None:
    """302 with every contact, the preferred first."""
    exchange.bind("1002", "sip:phone@192.0.2.2", q=0.5)
    exchange.bind("1002", "sip:phone@192.0.2.3")
    exchange.world.run(600.0)

    answer = caller.ask(make_request("INVITE", "sip:1002@home.test"))

    assert answer.status == 302
    assert [str(contact.uri) for contact in answer.contacts] == ["sip:phone@192.0.2.3", "sip:phone@192.0.2.2"]
    assert [contact.expires for contact in answer.contacts] == [3000, 3000]
    assert [contact.q for contact in answer.contacts] == [None, 0.5]


def test_a_registered_phone_is_found(exchange: Exchange, caller: Phone) -> None:
    """Registrar and redirect server share the location service."""
    phone = Phone(exchange.world, "192.0.2.2")
    phone.register("1002")

    answer = caller.ask(make_request("MESSAGE", f"sip:1002@{EXCHANGE}"))

    assert [str(contact.uri) for contact in answer.contacts] == [phone.contact]


def test_nobody_of_that_name(caller: Phone) -> None:
    assert caller.ask(make_request("INVITE", "sip:1999@home.test")).status == 404


def test_somebody_who_is_not_registered(caller: Phone) -> None:
    assert caller.ask(make_request("INVITE", "sip:1002@home.test")).status == 480


def test_nobody_is_sent_where_he_comes_from(exchange: Exchange, caller: Phone) -> None:
    """ "redirect servers MUST NOT redirect a request to a URI equal to the one in the Request-URI"."""
    exchange.bind("1002", "sip:1002@home.test")

    assert caller.ask(make_request("INVITE", "sip:1002@home.test")).status == 480


def test_an_unknown_extension_is_refused(exchange: Exchange, caller: Phone) -> None:
    """§8.3 by way of §8.2.2.3."""
    refusal = caller.ask(make_request("INVITE", "sip:1002@home.test", fields=[("Require", "100rel")]))

    assert refusal.status == 420
    assert refusal.unsupported == ("100rel",)


def test_other_domains_and_our_own_phone_are_left_to_the_next_core(exchange: Exchange, caller: Phone) -> None:
    phone = Phone(exchange.world, "192.0.2.60")
    exchange.endpoint.cores.append(phone)

    for number, uri in enumerate(["sip:x@elsewhere.example", f"sip:x7Gq@{EXCHANGE}:5060", "sip:home.test"]):
        caller.send(make_request("OPTIONS", uri, call_id=f"call-{number}"))
    exchange.world.run(1.0)

    assert len(phone.requests) == 3
