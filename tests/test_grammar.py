"""firmware.sip.grammar: RFC 3261 §25.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.grammar import (
    MalformedMessage,
    display_text,
    escape,
    format_host,
    is_token,
    parse_host,
    parse_number,
    quote,
    remember,
    split_list,
    unescape,
    unquote,
)


def test_a_token_holds_letters_digits_and_ten_marks():
    """§25.1 token."""
    assert is_token("az09-.!%*_+`'~")
    assert not any(is_token(text) for text in ("", "a b", "a/b", "ä", "a\n"))


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1 2", "٣", "²", "4294967296", "1" * 5000])
def test_what_is_no_number_is_refused(text):
    """§25.1: 1*DIGIT, and ASCII ones."""
    with pytest.raises(MalformedMessage):
        parse_number(text)


def test_a_number_may_have_leading_zeros_and_space_around():
    """§25.1."""
    assert parse_number(" 0068\t") == 68
    assert parse_number("255", 255) == 255


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")))
def test_quoting_and_unquoting_gives_the_text_back(text):
    """§25.1 quoted-string."""
    assert unquote(quote(text)) == text


def test_a_quoted_string_cannot_hold_a_line_end():
    """§25.1: quoted-pair excludes CR and LF, so that no text can begin a new header field."""
    assert quote("a\r\nVia: b") == '"a Via: b"'


@pytest.mark.parametrize("text", ["", '"', 'a"', '"a', "a"])
def test_what_lacks_a_mark_is_no_quoted_string(text):
    with pytest.raises(MalformedMessage):
        unquote(text)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a, b ,c", ["a", "b", "c"]),
        ('"a,b" <sip:c,d>;x, e', ['"a,b" <sip:c,d>;x', "e"]),
        (r'"a\",b", c', [r'"a\",b"', "c"]),
        ("<a>,", ["<a>", ""]),
        (",<a>", ["", "<a>"]),
        ("", [""]),
    ],
)
def test_only_commas_outside_quotes_and_brackets_separate(text, elements):
    """§7.3.1."""
    assert split_list(text) == elements


@pytest.mark.parametrize("text", ['"a, b', "<a, b", r'"a\", <b>', '<a>, "' * 3])
def test_a_list_with_an_open_quote_or_bracket_is_refused(text):
    with pytest.raises(MalformedMessage):
        split_list(text)


@given(st.lists(st.sampled_from(["a", '"x,y"', "<p,q>", 'b "," c', ""]), min_size=1))
def test_splitting_undoes_joining(elements):
    assert split_list(",".join(elements)) == elements


@given(st.binary())
def test_any_octets_survive_escaping(octets):
    """§25.1 escaped; octets that are no UTF-8 too."""
    text = octets.decode("utf-8", "surrogateescape")
    assert unescape(escape(text, "")) == text


def test_hosts_lose_case_and_brackets_and_get_the_brackets_back():
    """RFC 5954."""
    assert parse_host("Example.COM") == "example.com"
    assert parse_host("[2001:DB8::1]") == "2001:db8::1"
    assert format_host("2001:db8::1") == "[2001:db8::1]"
    with pytest.raises(MalformedMessage):
        parse_host("[1::2::3]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bob\x07\x00\x7f", "Bob"),
        ("\x1b[31mred", "[31mred"),
        ("two\r\nlines\tand", "two lines and"),
        ("abc\u202etxt\u2066.exe\u200f", "abctxt.exe"),
        ("c1\x9b\x85c", "c1 c"),
        ("bad\udcff\udcfeoctets", "bad\ufffdoctets"),
        (" Zoë 東京 👩 ", "Zoë 東京 👩"),
    ],
)
def test_shown_text_has_no_controls(text, shown):
    assert display_text(text) == shown


@given(st.text())
def test_shown_text_is_printable_utf8_in_one_line(text):
    shown = display_text(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8", "strict").decode() == shown
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) <= 0x9F for letter in shown)


def test_a_memory_gives_the_same_and_stays_small():
    asked = []
    parse = remember(lambda text: asked.append(text) or (text,))

    assert parse("a") is parse("a")
    for number in range(2000):
        parse(str(number))
    assert parse("a" * 1000) is not parse("a" * 1000)
    assert parse("a") == ("a",)
    assert asked.count("a") == 2
