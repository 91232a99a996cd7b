"""firmware.sip.parameters: RFC 3261 §7.3.1, §19.1.1, §25.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import NO_PARAMETERS, Parameters, parse_parameters, parse_uri_parameters

NAMES = st.from_regex(r"[a-z0-9\-.!*_+`'~]{1,8}", fullmatch=True)
VALUES = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))
ITEMS = st.lists(st.tuples(NAMES, VALUES), unique_by=lambda item: item[0])


@given(ITEMS)
def test_header_parameters_survive_writing_and_reading(items):
    """§25.1 generic-param."""
    parameters = Parameters(items)
    assert parse_parameters(str(parameters)) == parameters


@given(ITEMS)
def test_uri_parameters_survive_writing_and_reading(items):
    """§25.1 uri-parameter."""
    parameters = Parameters(items)
    assert parse_uri_parameters(parameters.uri_text()) == parameters


def test_names_have_no_case_and_values_keep_theirs():
    """§7.3.1."""
    parameters = parse_parameters(";Tag=AbC;LR")
    assert parameters.get("TAG") == "AbC"
    assert "lr" in parameters
    assert parameters.get("lr") is None
    assert parameters.names() == ("tag", "lr")
    assert parameters.get("absent", "else") == "else"
    assert parameters.get("1") is None
    assert parameters.get("ABSENT") is None


def test_white_space_around_marks_is_passed_over():
    """§25.1 SEMI, EQUAL."""
    assert list(parse_parameters('; a =\t1 ;b; c = "d;e" ;f=g')) == [("a", "1"), ("b", None), ("c", "d;e"), ("f", "g")]


def test_quoted_values_lose_their_marks_and_pairs_and_get_them_back():
    parameters = parse_parameters(r';text="say \"hi\" \\ bye";cause=1')
    assert parameters.get("text") == r'say "hi" \ bye'
    assert str(Parameters(parameters)) == r';text="say \"hi\" \\ bye";cause=1'


def test_feature_tags_are_always_quoted():
    """RFC 3840 §9: even where a token would do."""
    assert str(Parameters({"+sip.instance": "a", "methods": "INVITE", "q": "1"})) == (
        ';+sip.instance="a";methods="INVITE";q=1'
    )


def test_an_empty_value_is_not_a_flag():
    assert str(Parameters([("a", ""), ("b", None)])) == ';a="";b'
    assert parse_parameters(';a="";b') == Parameters([("a", ""), ("b", None)])


@pytest.mark.parametrize("text", ["a", ";", ";;a", ";a;", ";=b", ";a=", ';a="b', ";a=b c", ";a b", ";a=<b>", ";ä=1"])
def test_bad_header_parameters_are_refused(text):
    with pytest.raises(MalformedMessage):
        parse_parameters(text)


@pytest.mark.parametrize("text", ["a", ";", ";;a", ";a;", ";=b", ";a=b c", ";a?b"])
def test_bad_uri_parameters_are_refused(text):
    with pytest.raises(MalformedMessage):
        parse_uri_parameters(text)


def test_uri_parameters_are_unescaped_and_written_as_received():
    parameters = parse_uri_parameters(";%6cr;Method=I%4eVITE")
    assert list(parameters) == [("lr", None), ("method", "INVITE")]
    assert parameters.uri_text() == ";%6cr;Method=I%4eVITE"
    assert str(parameters) == ";lr;method=INVITE"


def test_changing_makes_a_copy_that_keeps_the_order():
    original = parse_parameters(";a=1;b;c=3")

    assert list(original.with_("B", "2")) == [("a", "1"), ("b", "2"), ("c", "3")]
    assert list(original.with_("d")) == [("a", "1"), ("b", None), ("c", "3"), ("d", None)]
    assert list(original.without("A", "c")) == [("b", None)]
    assert str(original) == ";a=1;b;c=3"


def test_equal_parameters_have_equal_hashes():
    assert parse_parameters(";A=1") == Parameters({"a": "1"})
    assert hash(parse_parameters(";A=1")) == hash(Parameters({"a": "1"}))
    assert parse_parameters("") == NO_PARAMETERS
    assert not NO_PARAMETERS
    assert eval(repr(Parameters([("a", None)]))) == Parameters({"a": None})
