"""firmware.sip.header and header_names: RFC 3261 §7.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.grammar import MalformedMessage
from firmware.sip.header import MAX_FIELD_LINES, Fields, parse_fields
from firmware.sip.header_names import COMPACT_FORMS
from firmware.sip.via import Via

FIELDS = Fields([("v", "one"), ("X-Own", "a"), ("VIA", "two"), ("call-id", "c"), ("x-oWN", "b")])


def test_names_have_no_case_and_compact_forms_are_spelled_out():
    """§7.3.1, §7.3.3."""
    assert [name for name, _ in FIELDS] == ["Via", "X-Own", "Via", "Call-ID", "x-oWN"]
    assert FIELDS.all("via") == FIELDS.all("V") == ("one", "two")
    assert FIELDS.get("X-OWN") == "a"
    assert FIELDS.all("x-own") == ("a", "b")
    assert "i" in FIELDS
    assert "From" not in FIELDS
    assert FIELDS.get("From") is None


@pytest.mark.parametrize(("short", "long"), sorted(COMPACT_FORMS.items()))
def test_each_compact_form(short, long):
    """§7.3.3 and the IANA registry."""
    for spelled in (short, short.upper(), long.lower(), long.upper()):
        assert list(Fields([(spelled, "x")])) == [(long, "x")]


def test_setting_keeps_the_place():
    assert list(FIELDS.set("via", "new")) == [("Via", "new"), ("X-Own", "a"), ("Call-ID", "c"), ("x-oWN", "b")]
    assert list(Fields([("To", "1")]).set("X-A", "2", "3")) == [("To", "1"), ("X-A", "2"), ("X-A", "3")]
    assert list(FIELDS.remove("via").remove("x-own")) == [("Call-ID", "c")]
    assert FIELDS.remove("From") is FIELDS


def test_prepending_and_appending():
    """§16.6: a proxy's Via goes above all others."""
    fields = Fields([("To", "t"), ("Via", "1"), ("From", "f"), ("Via", "2")])

    assert [value for _, value in fields.prepend("Via", Via("UDP", "h"))] == ["t", "SIP/2.0/UDP h", "1", "f", "2"]
    assert [value for _, value in fields.append("Via", "3")] == ["t", "1", "f", "2", "3"]
    assert next(iter(fields.prepend("Route", "r"))) == ("Route", "r")
    assert list(fields.append("Route", "r"))[-1] == ("Route", "r")
    assert len(fields) == 4


def test_fields_are_values():
    assert Fields([("v", "1")]) == Fields([("Via", "1")])
    assert hash(Fields([("v", "1")])) == hash(Fields([("Via", "1")]))
    assert str(Fields([("v", "1"), ("To", 2)])) == "Via: 1\r\nTo: 2\r\n"
    assert repr(Fields([("v", "1")])) == "Fields([('Via', '1')])"


@pytest.mark.parametrize("value", ["a\r\nVia: x", "a\nb", "a\rb"])
def test_a_value_of_ours_cannot_begin_another_line(value):
    with pytest.raises(ValueError):
        Fields([("Subject", value)])
    with pytest.raises(ValueError):
        FIELDS.set("Subject", value)


def test_continued_lines_are_joined_with_one_space():
    """§7.3.1."""
    fields = parse_fields(["Subject : I know you're there,", "     pick up the phone  ", "\tand answer!", "To:x", " "])
    assert list(fields) == [("Subject", "I know you're there, pick up the phone and answer!"), ("To", "x")]


@pytest.mark.parametrize("line", ["no colon", ": empty name", " leading: space", "a b: c", "a\u00e4: c", "", "a(b): c"])
def test_bad_lines_are_refused_or_skipped(line):
    with pytest.raises(MalformedMessage):
        parse_fields([line, "To: x"])
    assert list(parse_fields([line, "To: x"], skip_bad=True)) == [("To", "x")]


def test_there_are_only_so_many_lines():
    lines = ["X: y"] * (MAX_FIELD_LINES + 1)
    with pytest.raises(MalformedMessage) as caught:
        parse_fields(lines)
    assert caught.value.status == 513
    assert len(parse_fields(lines, skip_bad=True)) == MAX_FIELD_LINES


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Via", "To", "X-A", "x-b", "Subject"]),
            st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(lambda text: text.strip(" \t")),
        )
    )
)
def test_fields_survive_writing_and_reading(items):
    fields = Fields(items)
    assert parse_fields(str(fields).split("\r\n")[:-1]) == fields
