"""The layer's own messages: RFC 3261 §8.1.1, §8.2.7, §9.1, §17.1.1.3."""

from __future__ import annotations

from random import Random

import pytest

from firmware.sip.address import Contact, parse_contact
from firmware.sip.construction import ack_for, cancel_for, contact_on, on_path, refusal
from firmware.sip.message import Request, Response, parse_message, response_to
from firmware.sip.next_hop import Path
from firmware.sip.transport import Flow, Hop
from tests.support.signalling import message, outgoing

OURS = ("192.0.2.1", 5062)
SECRET = b"0123456789abcdef"


def path(transport: str = "UDP") -> Path:
    return Path(Hop(transport, "192.0.2.4", 5060), OURS, OURS)


def rfc_invite() -> Request:
    """§17.1.1.3's example."""
    parsed = parse_message(
        message(
            """INVITE sip:bob@biloxi.com SIP/2.0
            Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff
            To: Bob <sip:bob@biloxi.com>
            From: Alice <sip:alice@atlanta.com>;tag=88sja8x
            Max-Forwards: 70
            Call-ID: 987asjd97y7atg
            CSeq: 986759 INVITE"""
        )
    )
    assert isinstance(parsed, Request)
    return parsed


def test_ack_is_the_one_of_17_1_1_3() -> None:
    invite = rfc_invite()

    ack = ack_for(invite, response_to(invite, 486, to_tag="99sa0xk"))

    assert bytes(ack) == message(
        """ACK sip:bob@biloxi.com SIP/2.0
        Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff
        Max-Forwards: 70
        From: Alice <sip:alice@atlanta.com>;tag=88sja8x
        To: Bob <sip:bob@biloxi.com>;tag=99sa0xk
        Call-ID: 987asjd97y7atg
        CSeq: 986759 ACK"""
    ).replace(b"To: Bob <", b"To: " + (b'"Bob" <' if b'"Bob"' in bytes(ack) else b"Bob <"))


def test_cancel_is_like_its_invite_but_for_the_method() -> None:
    """§9.1."""
    assert bytes(cancel_for(rfc_invite(), "SIP;cause=200")) == message(
        """CANCEL sip:bob@biloxi.com SIP/2.0
        Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff
        Max-Forwards: 70
        From: Alice <sip:alice@atlanta.com>;tag=88sja8x
        To: Bob <sip:bob@biloxi.com>
        Call-ID: 987asjd97y7atg
        CSeq: 986759 CANCEL
        Reason: SIP;cause=200"""
    )


def test_path_decides_via_and_chance_the_branch() -> None:
    """§8.1.1.7, §18.1.1."""
    one, same, other = (
        on_path(outgoing(), path(transport), Random(seed), "", None, "")
        for transport, seed in (("UDP", 1), ("UDP", 1), ("TCP", 2))
    )

    assert one.via.sent_by == OURS
    assert one.via == same.via
    assert other.via.branch != one.via.branch
    assert [one.via.transport, other.via.transport] == ["UDP", "TCP"]
    assert "User-Agent" not in one.fields


def test_own_user_agent_and_max_forwards_are_kept() -> None:
    request = outgoing(User_Agent="Mine", Max_Forwards="5")

    ready = on_path(request, path(), Random(1), "Offhook", None, "")

    assert ready.fields.get("User-Agent") == "Mine"
    assert ready.max_forwards == 5


@pytest.mark.parametrize(
    ("contact", "transport", "expected"),
    [
        ("<sip:u@h.example:9;transport=tcp>;q=0.5", "UDP", "<sip:u@192.0.2.1:5062>;q=0.5"),
        ("<sip:u@h.example>", "TCP", "<sip:u@192.0.2.1:5062;transport=tcp>"),
        ("<sip:u@h.example;ob>", "TLS", "<sip:u@192.0.2.1:5062;ob;transport=tls>"),
        ("<sips:u@h.example>", "TLS", "<sips:u@192.0.2.1:5062>"),
        ("<tel:+358-555-1234567>", "UDP", "<tel:+358-555-1234567>"),
    ],
)
def test_contact_says_how_to_reach_us_from_there(contact: str, transport: str, expected: str) -> None:
    """§8.1.1.8, §19.1.1."""
    ours: Contact = contact_on(parse_contact(contact), path(transport))

    assert str(ours) == expected


def test_refusal_tag_depends_on_the_request_and_on_a_secret() -> None:
    """§8.2.7."""
    flow = Flow("UDP", OURS, ("192.0.2.4", 9988))
    fields = rfc_invite().fields

    once, again = (refusal(fields, flow, 400, "Bad", SECRET) for _ in range(2))
    elsewhere = refusal(fields, flow, 400, "Bad", bytes(16))
    different = refusal(fields.set("Call-ID", "other"), flow, 400, "Bad", SECRET)

    assert isinstance(once, Response)
    assert once.to.tag == again.to.tag
    assert len({once.to.tag, elsewhere.to.tag, different.to.tag}) == 3
    assert (once.status, once.reason) == (400, "Bad")
    assert once.via.received == "192.0.2.4"


def test_refusal_keeps_the_tag_of_a_dialog() -> None:
    fields = rfc_invite().fields.set("To", "<sip:bob@biloxi.com>;tag=7")

    assert refusal(fields, Flow("UDP", OURS, ("192.0.2.4", 9988)), 503, "", SECRET).to.tag == "7"
