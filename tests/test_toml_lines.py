"""Lines of keys in TOML texts."""

from hw.toml_lines import key_lines, line_of


def test_tables_keys_and_arrays_of_tables_are_found() -> None:
    text = """
[phone]
name = "Hall"

[[account]]
address = "sip:1@a"
[[account]]
address = "sip:2@a"
"""

    lines = key_lines(text)

    assert lines[("phone",)] == 2
    assert lines[("phone", "name")] == 3
    assert lines[("account", 0, "address")] == 6
    assert lines[("account", 1)] == 7
    assert lines[("account", 1, "address")] == 8


def test_what_stands_inside_a_value_is_no_key() -> None:
    text = 'a = [\n  "b = 1",\n  "[c]",\n]\nd = """\ne = 2\n"""\nf = { g = 1 } # h = 2\n'

    assert key_lines(text) == {("a",): 1, ("d",): 5, ("f",): 8}


def test_dotted_and_quoted_keys_give_each_part() -> None:
    assert key_lines("a.\"b c\".'d' = 1") == {("a",): 1, ("a", "b c"): 1, ("a", "b c", "d"): 1}


def test_a_key_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = key_lines("\n[sip]\n")

    assert line_of(("sip", "listen"), lines) == 2
    assert line_of(("web",), lines) is None
