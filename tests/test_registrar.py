"""The registrar: RFC 3261 §10.3, RFC 3327."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from firmware.sip.cores.location import LocationService
from firmware.sip.cores.registrar import Registrar
from firmware.sip.message import Request, Response
from firmware.sip.transport import Hop
from firmware.sip.uri import parse_uri
from tests.support.exchange import DOMAIN, EXCHANGE, USERS, Exchange, Phone, make_request, with_credentials
from tests.support.world import World

ADDRESS = f"1001@{DOMAIN}"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def exchange(world: World) -> Exchange:
    return Exchange(world)


@pytest.fixture
def phone(world: World, exchange: Exchange) -> Phone:
    return Phone(world, "192.0.2.1")


def register(*contacts: str, user: str = "1001", cseq: int = 1, call_id: str = "reg-1", **fields: object) -> Request:
    return make_request(
        "REGISTER",
        f"sip:{DOMAIN}",
        sender=f"sip:{user}@{DOMAIN}",
        to=f"<sip:{user}@{DOMAIN}>",
        call_id=call_id,
        cseq=cseq,
        fields=[*(("Contact", contact) for contact in contacts), *fields.items()],
    )


def send(phone: Phone, request: Request, user: str = "1001") -> Response:
    return phone.ask_with_digest(request, user, USERS[user])


def listed(response: Response) -> dict[str, int | None]:
    return {str(contact.uri): contact.expires for contact in response.contacts}


# Who may: steps 1 to 5.


def test_everybody_is_challenged_with_the_best_algorithm_first(phone: Phone) -> None:
    """Step 3, RFC 8760 §2.3."""
    refusal = phone.ask(register("<sip:a@192.0.2.1>"))

    assert refusal.status == 401
    assert [challenge.algorithm for challenge in refusal.www_authenticate] == ["SHA-256", "MD5"]
    assert {challenge.realm for challenge in refusal.www_authenticate} == {DOMAIN}


def test_a_wrong_password_is_challenged_again(phone: Phone, exchange: Exchange) -> None:
    assert phone.ask_with_digest(register("<sip:a@192.0.2.1>"), "1001", "guess").status == 401
    assert len(exchange.location) == 0


def test_an_unknown_user_looks_like_a_wrong_password(phone: Phone) -> None:
    """Nobody can find out who exists here."""
    assert phone.ask_with_digest(register("<sip:a@192.0.2.1>", user="1999"), "1999", "guess").status == 401


def test_guessing_is_cut_short_even_when_it_would_succeed(phone: Phone, world: World) -> None:
    """ETSI EN 303 645 5.1-5: brute force is made impracticable; after a minute the user may try again."""
    for number in range(10):
        phone.ask_with_digest(register("<sip:a@192.0.2.1>", call_id=f"guess-{number}"), "1001", f"guess{number}")

    assert send(phone, register("<sip:a@192.0.2.1>", call_id="right-1")).status == 401
    world.run(world.now + 61)
    assert send(phone, register("<sip:a@192.0.2.1>", call_id="right-2")).status == 200


def test_somebody_elses_address_is_forbidden(phone: Phone, exchange: Exchange) -> None:
    """Step 4."""
    refusal = phone.ask_with_digest(register("<sip:a@192.0.2.1>", user="1002"), "1001", "secret1")

    assert refusal.status == 403
    assert len(exchange.location) == 0


@pytest.mark.parametrize("address", ["sip:1999@home.test", "sip:1001@elsewhere.example", "tel:+441632960083"])
def test_an_address_that_is_not_of_this_domain_is_not_found(phone: Phone, address: str) -> None:
    """Step 5."""
    assert send(phone, register("<sip:a@192.0.2.1>").with_("To", f"<{address}>")).status == 404


def test_the_address_is_made_canonical(phone: Phone, exchange: Exchange, world: World) -> None:
    """Step 5: "all URI parameters MUST be removed [...], and any escaped characters MUST be converted"."""
    request = register("<sip:a@192.0.2.1>").with_("To", "<sip:%31001@HOME.TEST;user=phone>")

    assert send(phone, request).status == 200
    assert [str(binding.uri) for binding in exchange.location.lookup(ADDRESS, world.now)] == ["sip:a@192.0.2.1"]


def test_the_servers_own_address_stands_for_its_domain(phone: Phone, exchange: Exchange, world: World) -> None:
    """A phone may be given the registrar's address and nothing else."""
    request = register("<sip:a@192.0.2.1>").with_("To", f"<sip:1001@{EXCHANGE}>")

    assert send(phone, request.with_uri(parse_uri(f"sip:{EXCHANGE}"))).status == 200
    assert len(exchange.location.lookup(ADDRESS, world.now)) == 1


def test_an_extension_that_is_required_and_unknown(phone: Phone) -> None:
    """Step 2, §8.2.2.3."""
    refusal = phone.ask(register("<sip:a@192.0.2.1>", Require="path, gruu"))

    assert refusal.status == 420
    assert refusal.unsupported == ("gruu",)


def test_a_register_for_another_domain_is_the_proxys_work(world: World, phone: Phone) -> None:
    """Step 1."""
    other = Phone(world, "203.0.113.5")
    world.names["elsewhere.example"] = (Hop("UDP", other.host, 5060),)
    other.answers(200)
    request = make_request("REGISTER", "sip:elsewhere.example", to="<sip:1001@elsewhere.example>")

    assert send(phone, request).status == 200
    assert other.requests[0].method == "REGISTER"
    assert "Record-Route" not in other.requests[0].request.fields


# Bindings: steps 6 to 8.


def test_a_binding_is_made_listed_and_expires(phone: Phone, exchange: Exchange, world: World) -> None:
    """Steps 7 and 8."""
    first = send(phone, register("<sip:a@192.0.2.1>;q=0.7;expires=600"))
    world.run(world.now + 100)
    later = send(phone, register(cseq=10))

    assert listed(first) == {"sip:a@192.0.2.1": 600}
    assert listed(later) == {"sip:a@192.0.2.1": 500}
    assert later.contacts[0].q == 0.7
    world.run(world.now + 501)
    assert exchange.location.lookup(ADDRESS, world.now) == ()
    assert len(exchange.location) == 0


@pytest.mark.parametrize(
    ("contact", "fields", "granted"),
    [
        ("<sip:a@192.0.2.1>", {}, 3600),
        ("<sip:a@192.0.2.1>", {"Expires": 120}, 120),
        ("<sip:a@192.0.2.1>;expires=90", {"Expires": 120}, 90),
        ("<sip:a@192.0.2.1>;expires=999999", {}, 7200),
        ("<sip:a@192.0.2.1>;expires=soon", {}, 3600),
    ],
)
def test_the_interval_granted(phone: Phone, contact: str, fields: dict[str, int], granted: int) -> None:
    """Step 7: the parameter before the header field before our default; no more than our maximum."""
    assert listed(send(phone, register(contact, **fields))) == {"sip:a@192.0.2.1": granted}


def test_too_brief_an_interval(phone: Phone, exchange: Exchange) -> None:
    """Step 7: 423 with Min-Expires, and nothing of the request is done."""
    refusal = send(phone, register("<sip:a@192.0.2.1>;expires=600", "<sip:b@192.0.2.1>;expires=59"))

    assert refusal.status == 423
    assert refusal.min_expires == 60
    assert len(exchange.location) == 0


def test_several_contacts(phone: Phone) -> None:
    response = send(phone, register("<sip:a@192.0.2.1>;q=0.2, <sip:b@192.0.2.1>;q=0.9", "<mailto:1001@home.test>"))

    assert [str(contact.uri) for contact in response.contacts] == [
        "mailto:1001@home.test",
        "sip:b@192.0.2.1",
        "sip:a@192.0.2.1",
    ]


def test_a_contact_with_0_is_removed(phone: Phone) -> None:
    """Step 7; RFC 3665 §2.4 does it for all at once."""
    send(phone, register("<sip:a@192.0.2.1>, <sip:b@192.0.2.1>"))

    response = send(phone, register("<sip:a@192.0.2.1>;expires=0", cseq=10))

    assert list(listed(response)) == ["sip:b@192.0.2.1"]


def test_star_removes_all(phone: Phone) -> None:
    """Step 6."""
    send(phone, register("<sip:a@192.0.2.1>, <sip:b@192.0.2.1>"))

    assert listed(send(phone, register("*", cseq=10, Expires=0))) == {}


@pytest.mark.parametrize(
    "request_", [register("*"), register("*", Expires=60), register("*", "<sip:a@192.0.2.1>", Expires=0)]
)
def test_star_with_anything_else_is_invalid(phone: Phone, request_: Request) -> None:
    """Step 6: "the request is invalid, and the server MUST return a 400"."""
    send(phone, register("<sip:b@192.0.2.1>", call_id="reg-0"))

    assert send(phone, request_).status == 400
    assert len(send(phone, register(call_id="reg-3")).contacts) == 1


def test_requests_out_of_order_change_nothing(phone: Phone) -> None:
    """Step 7: same Call-ID, CSeq not higher: "the update MUST be aborted and the request fails"."""
    send(phone, register("<sip:a@192.0.2.1>", cseq=50))

    refused = send(phone, register("<sip:new@192.0.2.1>", "<sip:a@192.0.2.1>;expires=0", cseq=20))
    removal = send(phone, register("*", cseq=30, Expires=0))

    assert (refused.status, removal.status) == (500, 500)
    assert list(listed(send(phone, register(cseq=60)))) == ["sip:a@192.0.2.1"]


def test_a_restarted_phone_begins_anew(phone: Phone) -> None:
    """Step 7: another Call-ID updates the binding whatever its CSeq."""
    send(phone, register("<sip:a@192.0.2.1>", cseq=50))

    response = send(phone, register("<sip:a@192.0.2.1>;expires=300", cseq=1, call_id="reg-2"))

    assert listed(response) == {"sip:a@192.0.2.1": 300}


def test_contacts_are_compared_as_uris(phone: Phone) -> None:
    """Step 7, §19.1.4."""
    send(phone, register("<sip:%61@192.0.2.1;Transport=UDP>"))

    response = send(phone, register("<sip:a@192.0.2.1;transport=udp>", cseq=10))

    assert len(response.contacts) == 1


def test_too_many_contacts(phone: Phone, exchange: Exchange) -> None:
    contacts = ", ".join(f"<sip:a{number}@192.0.2.1>" for number in range(11))

    assert send(phone, register(contacts)).status == 403
    assert len(exchange.location) == 0


def test_path_is_kept_and_returned(phone: Phone, exchange: Exchange, world: World) -> None:
    """RFC 3327 §5.3."""
    response = send(phone, register("<sip:a@192.0.2.1>", Path="<sip:p2;lr>, <sip:p1;lr>", Supported="path"))

    assert response.fields.all("Path") == ("<sip:p2;lr>, <sip:p1;lr>",)
    assert exchange.location.lookup(ADDRESS, world.now)[0].path == ("<sip:p2;lr>, <sip:p1;lr>",)
    assert send(phone, register("<sip:a@192.0.2.1>", cseq=10, Path="<")).status == 400


def test_a_direct_registration_remembers_its_flow(phone: Phone, exchange: Exchange, world: World) -> None:
    """RFC 3581, RFC 5626: what came through another proxy tells nothing of the phone's own address."""
    send(phone, register("<sip:a@10.0.0.5>"))
    send(phone, register("<sip:a@10.0.0.5>", user="1002").append("Via", "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKx"), "1002")

    (direct,) = exchange.location.lookup(ADDRESS, world.now)
    (relayed,) = exchange.location.lookup(f"1002@{DOMAIN}", world.now)
    assert direct.flow is not None
    assert direct.flow.remote == ("192.0.2.1", 5060)
    assert relayed.flow is None


def test_a_full_location_service_is_said(world: World, phone: Phone, exchange: Exchange) -> None:
    registrar = Registrar(exchange.endpoint, DOMAIN, USERS, LocationService(most_addresses=1), Random(1))
    exchange.endpoint.cores[:] = [registrar]
    send(phone, register("<sip:a@192.0.2.1>"))

    assert send(phone, register("<sip:a@192.0.2.1>", user="1002"), "1002").status == 503


def test_the_date_is_told(world: World, phone: Phone, exchange: Exchange) -> None:
    """Step 8: a phone without a clock can set it by this."""
    moment = datetime(2010, 11, 13, 23, 29, tzinfo=UTC)
    registrar = Registrar(exchange.endpoint, DOMAIN, USERS, exchange.location, Random(1), today=lambda now: moment)
    exchange.endpoint.cores[:] = [registrar]

    assert send(phone, register()).fields.get("Date") == "Sat, 13 Nov 2010 23:29:00 GMT"


def test_credentials_serve_once(phone: Phone) -> None:
    """RFC 7616 §3.4.5: what was overheard cannot be sent again."""
    request = register("<sip:a@192.0.2.1>")
    answered = with_credentials(request, phone.ask(request), "1001", "secret1")

    assert phone.ask(answered).status == 200
    replayed = phone.ask(answered.with_("CSeq", "99 REGISTER"))
    assert replayed.status == 401
    assert replayed.www_authenticate[0].stale


@pytest.mark.parametrize("q", ["1.5", "-1", "2", "0.1234", "high", ""])
def test_a_preference_that_is_none(phone: Phone, exchange: Exchange, q: str) -> None:
    """§20.10, §25.1: a qvalue is 0 to 1, with three decimals at most."""
    assert send(phone, register(f"<sip:a@192.0.2.1>;q={q}")).status == 400
    assert len(exchange.location) == 0


@pytest.mark.parametrize("method", ["PUBLISH", "SUBSCRIBE", "FOO"])
def test_a_method_the_domain_has_no_use_for(phone: Phone, method: str) -> None:
    """§8.2.1 comes before §8.2.2.1: 405 and Allow, not 404."""
    answer = phone.ask(make_request(method, f"sip:{DOMAIN}"))

    assert answer.status == 405
    assert answer.allow == ("REGISTER", "OPTIONS")
