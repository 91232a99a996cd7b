"""Digit maps (RFC 3435 §2.1.5) and what people type or paste (RFC 4504)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.numbering.dial_plan import DialPlan, NotDiallable, Rule, bare_number, domain_of, to_uri


@pytest.mark.parametrize(
    ("rules", "digits", "verdict"),
    [
        (["1xxx"], "", "partial"),
        (["1xxx"], "100", "partial"),
        (["1xxx"], "1002", "complete"),
        (["1xxx"], "10022", "none"),
        (["1xxx"], "2", "none"),
        (["0x."], "0", "extendable"),
        (["0x."], "0441223", "extendable"),
        (["[2-4]x"], "25", "complete"),
        (["[2-4]x"], "5", "none"),
        (["[1-37]"], "7", "complete"),
        (["*xx#"], "*97#", "complete"),
        (["+x."], "+4930", "extendable"),
        (["1.2"], "1112", "complete"),
        (["1.2"], "2", "complete"),
        (["x."], "1", "extendable"),
    ],
)
def test_patterns_say_how_far_the_digits_got(rules: list[str], digits: str, verdict: str) -> None:
    assert DialPlan(rules).verdict(digits) == verdict


def test_a_longer_number_of_an_earlier_rule_is_waited_for() -> None:
    plan = DialPlan(["99999", "999"])

    assert plan.verdict("999") == "extendable"
    assert plan.verdict("99999") == "complete"


def test_a_later_rule_never_delays_an_earlier_one() -> None:
    plan = DialPlan(["1xxx", "x."])

    assert plan.verdict("1002") == "complete"
    assert plan.verdict("200") == "extendable"


def test_without_rules_every_number_waits_for_its_end() -> None:
    plan = DialPlan()

    assert plan.verdict("") == "partial"
    assert plan.verdict("1") == "extendable"
    assert plan.number("1002") == "1002"


def test_a_rule_may_strip_prefix_and_refuse() -> None:
    plan = DialPlan([Rule("0900x.", refuse=True), Rule("00x.", strip=2, prefix="+"), Rule("0x.", 1, "+44"), "1xxx"])

    assert plan.number("0049301234") == "+49301234"
    assert plan.number("02079460000") == "+442079460000"
    assert plan.number("1002") == "1002"
    assert plan.number("7") == "7"
    with pytest.raises(NotDiallable, match="not allowed"):
        plan.number("0900123")


@pytest.mark.parametrize("pattern", ["", "1y", "[", "[]", "[5-2]", ".", "1..", "x T"])
def test_a_pattern_that_cannot_be_read_is_named(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        DialPlan([pattern])


_pattern = st.text("0123456789*#x[]-.+", min_size=1, max_size=8)


@given(st.lists(_pattern, max_size=3), st.text("0123456789*#", max_size=12))
def test_more_digits_never_revive_a_number_that_cannot_be(rules: list[str], digits: str) -> None:
    try:
        plan = DialPlan(rules)
    except ValueError:
        return
    if plan.verdict(digits) == "none":
        assert all(plan.verdict(digits + more) == "none" for more in "0123456789*#")


def test_long_digits_and_many_repeats_take_no_time() -> None:
    plan = DialPlan(["x." * 30 + "1"])

    assert plan.verdict("2" * 200) == "partial"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("1002", "sip:1002@example.net"),
        ("+49(30)398.33-401", "sip:+493039833401@example.net"),
        ("+44 (0)20 7946 0000", "sip:+442079460000@example.net"),
        ("(020) 7946-0000", "sip:02079460000@example.net"),
        ("*97", "sip:*97@example.net"),
        ("*21*1002#", "sip:*21*1002%23@example.net"),
        ("anna", "sip:anna@example.net"),
        ("anna@other.test", "sip:anna@other.test"),
        ("anna@[2001:db8::1]:5070", "sip:anna@[2001:db8::1]:5070"),
        ("192.0.2.10", "sip:192.0.2.10"),
        ("sip:1002@other.test;transport=tcp", "sip:1002@other.test;transport=tcp"),
        ("SIPS:a@b", "SIPS:a@b"),
        ("tel:+1-201-555-0123", "tel:+1-201-555-0123"),
        ("  1002 ", "sip:1002@example.net"),
        ("jürgen", "sip:j%C3%BCrgen@example.net"),
    ],
)
def test_what_a_person_types_becomes_a_uri(text: str, uri: str) -> None:
    """RFC 4504 Req-90 and Req-93; escapes by RFC 3261 §19.1.2."""
    assert to_uri(text, "example.net") == uri


@pytest.mark.parametrize(
    "text",
    ["", "   ", "http://example.net", "sip:", "tel:", "a b", "sip:a@b\r\nVia: x", "<sip:a@b>", "@b", "a@", "++49",
     "4+9", "1" * 257],
)  # fmt: skip
def test_what_can_be_no_address_is_refused_in_plain_words(text: str) -> None:
    with pytest.raises(NotDiallable) as refusal:
        to_uri(text, "example.net")

    assert str(refusal.value)[0].isupper()


def test_a_number_needs_an_account_to_be_called_from() -> None:
    with pytest.raises(NotDiallable, match="no account"):
        to_uri("1002", "")


@given(st.text(max_size=40))
def test_no_text_makes_a_uri_with_blanks_or_line_ends(text: str) -> None:
    try:
        uri = to_uri(text, "example.net")
    except NotDiallable:
        return
    assert not any(character.isspace() or character in '<>"' for character in uri if ord(character) < 128)
    assert uri.lower().startswith(("sip:", "sips:", "tel:"))


def test_only_numbers_lose_their_punctuation() -> None:
    assert bare_number(" 1-0.0/2 ") == "1002"
    assert bare_number("anna.b-c") == "anna.b-c"
    assert bare_number("192.0.2.10") == "192.0.2.10"


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("sip:1001@example.net", "example.net"),
        ("sip:1001@example.net:5070;transport=tcp", "example.net:5070"),
        ("sip:me@[2001:db8::1]:5070", "[2001:db8::1]:5070"),
        ("sip:192.0.2.1?subject=x", "192.0.2.1"),
    ],
)
def test_the_domain_of_an_address(address: str, domain: str) -> None:
    assert domain_of(address) == domain
