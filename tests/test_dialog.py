"""Dialogs: RFC 3261 §12, with the examples of §12.2.1.1 and RFC 3665 §3.2."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.dialog import Dialog, DialogState, request_dialog_id
from firmware.sip.grammar import MalformedMessage
from firmware.sip.message import Request, Response, parse_message, response_to
from firmware.sip.uri import parse_uri

RANDOM = Random(3261)


CONTACT = "Contact: <sip:alice@client.atlanta.example.com>"


def invite(extra: str = CONTACT, uri: str = "sip:bob@biloxi.example.com") -> Request:
    """RFC 3665 §3.2 F4, as Bob's proxy saw it."""
    text = f"""INVITE {uri} SIP/2.0
Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74b43
Max-Forwards: 70
From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl
To: Bob <sip:bob@biloxi.example.com>
Call-ID: 3848276298220188511@atlanta.example.com
CSeq: 2 INVITE
{extra}
Content-Length: 0

"""
    parsed = parse_message(text.replace("\n\n", "\n").replace("\n", "\r\n").encode() + b"\r\n")
    assert isinstance(parsed, Request)
    return parsed


def accepted(
    request: Request,
    status: int = 200,
    tag: str | None = "314159",
    contact: str | None = "<sip:bob@client.biloxi.example.com>",
    record_route: str | None = None,
) -> Response:
    response = response_to(request, status, to_tag=tag)
    if contact is not None:
        response = response.with_("Contact", contact)
    return response if record_route is None else response.with_("Record-Route", record_route)


def callers(**options: str | None) -> Dialog:
    return Dialog.from_response(invite(), accepted(invite(), **options))  # type: ignore[arg-type]


def callees(request: Request | None = None) -> Dialog:
    request = request or invite()
    return Dialog.from_request(request, accepted(request))


def from_other_side(method: str, number: int) -> Request:
    """A request in the dialog as its callee receives it."""
    return callers().request(method, RANDOM).with_("CSeq", f"{number} {method}")


# Creation.


def test_uac_takes_its_state_from_request_and_response() -> None:
    """§12.1.2."""
    dialog = callers(record_route="<sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>")

    assert dialog.id == ("3848276298220188511@atlanta.example.com", "9fxced76sl", "314159")
    assert [str(route) for route in dialog.route_set] == [
        "<sip:ss1.atlanta.example.com;lr>",
        "<sip:ss2.biloxi.example.com;lr>",
    ]
    assert str(dialog.remote_target) == "sip:bob@client.biloxi.example.com"
    assert (dialog.local_sequence, dialog.remote_sequence) == (2, None)
    assert dialog.state is DialogState.CONFIRMED
    assert not dialog.secure


def test_uas_takes_its_state_from_request_and_its_own_tag() -> None:
    """§12.1.1: the route set in order."""
    routes = "Record-Route: <sip:ss2.biloxi.example.com;lr>, <sip:ss1.atlanta.example.com;lr>"
    dialog = callees(invite(f"{routes}\nContact: <sip:alice@a.example>"))

    assert dialog.id == ("3848276298220188511@atlanta.example.com", "314159", "9fxced76sl")
    assert [str(route.uri) for route in dialog.route_set] == [
        "sip:ss2.biloxi.example.com;lr",
        "sip:ss1.atlanta.example.com;lr",
    ]
    assert str(dialog.remote_target) == "sip:alice@a.example"
    assert (dialog.local_sequence, dialog.remote_sequence) == (None, 2)


def test_both_sides_recognise_each_others_messages() -> None:
    """§12: each side's local tag is the other's remote tag."""
    ours, theirs = callers(), callees()

    assert request_dialog_id(ours.request("BYE", RANDOM)) == theirs.id
    assert request_dialog_id(theirs.request("BYE", RANDOM)) == ours.id


def test_provisional_response_makes_an_early_dialog_and_2xx_confirms_it() -> None:
    """§12, §13.2.2.4: the route set is recomputed, the target is the 2xx's Contact."""
    early = callers(status=180, contact=None, record_route="<sip:early.example;lr>")
    assert early.state is DialogState.EARLY
    assert early.remote_target == invite().uri

    early.confirm(accepted(invite(), record_route="<sip:late.example;lr>"))

    assert early.state is DialogState.CONFIRMED
    assert [str(route) for route in early.route_set] == ["<sip:late.example;lr>"]
    assert str(early.remote_target) == "sip:bob@client.biloxi.example.com"


def test_uas_that_confirms_keeps_its_route_set() -> None:
    request = invite()
    dialog = Dialog.from_request(request, accepted(request, 180))

    dialog.confirm(accepted(request, record_route="<sip:elsewhere.example;lr>"))

    assert dialog.state is DialogState.CONFIRMED
    assert dialog.route_set == ()
    assert str(dialog.remote_target) == "sip:alice@client.atlanta.example.com"


def test_peer_without_tags_has_an_empty_one() -> None:
    """§12.1.1, §12.1.2: RFC 2543 did not mandate them."""
    dialog = callers(tag=None)

    assert dialog.id[2] == ""
    assert "tag" not in str(dialog.request("BYE", RANDOM).to)


@pytest.mark.parametrize("contact", [None, "<tel:+358-555-1234567>", "<sip:a@x.example>, <sip:b@x.example>"])
def test_2xx_needs_one_sip_contact(contact: str | None) -> None:
    """§12.1.1: "The URI provided in the Contact header field MUST be a SIP or SIPS URI"."""
    with pytest.raises(MalformedMessage):
        callers(contact=contact)


def test_invite_needs_a_contact() -> None:
    """§8.1.1.8: "The Contact header field MUST be present and contain exactly one SIP or SIPS URI"."""
    with pytest.raises(MalformedMessage) as caught:
        callees(invite("Subject: none"))

    assert caught.value.status == 400


def test_dialog_is_secure_when_begun_over_tls_with_sips() -> None:
    """§12.1."""
    request = invite(uri="sips:bob@biloxi.example.com")
    over_tls = request.with_("Via", "SIP/2.0/TLS client.atlanta.example.com;branch=z9hG4bK1")

    assert Dialog.from_response(over_tls, accepted(over_tls)).secure
    assert not Dialog.from_response(request, accepted(request)).secure


# Requests.


def test_requests_count_up_by_one_with_the_dialogs_addresses() -> None:
    """§12.2.1.1."""
    dialog = callers()

    first, second = dialog.request("INFO", RANDOM), dialog.request("BYE", RANDOM)

    assert [str(request.cseq) for request in (first, second)] == ["3 INFO", "4 BYE"]
    assert (second.from_.tag, second.to.tag) == ("9fxced76sl", "314159")
    assert str(second.from_.uri) == "sip:alice@atlanta.example.com"
    assert second.call_id == dialog.call_id
    assert str(second.uri) == "sip:bob@client.biloxi.example.com"
    assert second.max_forwards == 70
    assert "Route" not in second.fields
    assert "Via" not in second.fields


def test_uas_chooses_its_first_number_and_counts_from_there() -> None:
    """§12.2.1.1, §8.1.1.5: less than 2**31."""
    dialog = callees()

    first = dialog.request("INVITE", RANDOM).cseq.number

    assert 0 < first < 2**31
    assert dialog.request("BYE", RANDOM).cseq.number == first + 1


def test_fields_and_body_are_added() -> None:
    request = callers().request("INFO", RANDOM, [("Content-Type", "text/plain")], b"hello")

    assert request.fields.get("Content-Type") == "text/plain"
    assert bytes(request).endswith(b"Content-Length: 5\r\n\r\nhello")


def test_loose_route_set_stands_in_route_and_the_target_in_the_request_uri() -> None:
    """§12.2.1.1; RFC 3665 §3.2 F13's way back."""
    dialog = callers(record_route="<sip:ss2.biloxi.example.com;lr>,<sip:ss1.atlanta.example.com;lr>")

    bye = dialog.request("BYE", RANDOM)

    assert str(bye.uri) == "sip:bob@client.biloxi.example.com"
    assert [str(route) for route in bye.routes] == [
        "<sip:ss1.atlanta.example.com;lr>",
        "<sip:ss2.biloxi.example.com;lr>",
    ]


def test_strict_route_set_puts_the_first_router_into_the_request_uri() -> None:
    """§12.2.1.1's own example."""
    dialog = callers(
        contact="<sip:user@remoteua>", record_route="<sip:proxy4>,<sip:proxy3;lr>,<sip:proxy2>,<sip:proxy1>"
    )

    request = dialog.request("METHOD", RANDOM)

    assert str(request.uri) == "sip:proxy1"
    assert [str(route) for route in request.routes] == [
        "<sip:proxy2>",
        "<sip:proxy3;lr>",
        "<sip:proxy4>",
        "<sip:user@remoteua>",
    ]


def test_headers_of_a_contact_are_no_part_of_a_request_uri() -> None:
    """§19.1.1 table 1."""
    dialog = callers(contact="<sip:bob@b.example;method=BYE?Subject=x>")

    assert str(dialog.request("BYE", RANDOM).uri) == "sip:bob@b.example"


def test_ack_repeats_the_invites_number_and_credentials() -> None:
    """§13.2.2.4."""
    dialog = callers(record_route="<sip:ss1.atlanta.example.com;lr>")
    request = invite().with_("Proxy-Authorization", 'Digest username="alice", realm="atlanta", nonce="1", response="2"')
    dialog.request("INFO", RANDOM)

    ack = dialog.ack(request)

    assert str(ack.cseq) == "2 ACK"
    assert ack.to.tag == "314159"
    assert ack.fields.get("Proxy-Authorization") == request.fields.get("Proxy-Authorization")
    assert len(ack.routes) == 1
    assert dialog.request("BYE", RANDOM).cseq.number == 4


# Requests that come.


def test_numbers_must_rise_and_may_leave_gaps() -> None:
    """§12.2.2."""
    dialog = callees()

    assert dialog.accepts(from_other_side("INFO", 3))
    assert dialog.accepts(from_other_side("INFO", 7))
    assert not dialog.accepts(from_other_side("BYE", 6))
    assert not dialog.accepts(from_other_side("BYE", 7))
    assert dialog.remote_sequence == 7
    assert dialog.accepts(from_other_side("BYE", 8))


def test_first_number_a_caller_hears_may_be_any() -> None:
    """§12.2.2: "If the remote sequence number is empty, it MUST be set"."""
    dialog = callers()

    assert dialog.accepts(callees().request("BYE", RANDOM).with_("CSeq", "1 BYE"))
    assert dialog.remote_sequence == 1


def test_ack_and_cancel_repeat_numbers() -> None:
    dialog = callees()

    assert dialog.accepts(from_other_side("ACK", 2))
    assert dialog.accepts(from_other_side("CANCEL", 2))
    assert dialog.remote_sequence == 2


def test_target_refresh_changes_the_target_but_never_the_route_set() -> None:
    """§12.2: "Target refresh requests only update the dialog's remote target URI"."""
    dialog = callers(record_route="<sip:ss1.atlanta.example.com;lr>")
    route_set = dialog.route_set
    reinvite = from_other_side("INVITE", 3).with_("Record-Route", "<sip:new.example;lr>")

    dialog.refresh_target(reinvite.with_("Contact", "<sip:bob@moved.example>"))
    assert dialog.remote_target == parse_uri("sip:bob@moved.example")
    dialog.refresh_target(reinvite)

    assert dialog.remote_target == parse_uri("sip:bob@moved.example")
    assert dialog.route_set == route_set
