"""A matrix keypad: bounce, ghosts, stuck keys."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw import KeyPressed, KeyReleased
from hw.keymatrix import TELEPHONE, KeyMatrix, KeyStuck, MatrixEvent, ambiguous_keys

SCAN = 0.01
PLACES = {key: (r, c) for r, row in enumerate(TELEPHONE) for c, key in enumerate(row)}


def wired(keys: Iterable[str]) -> list[list[bool]]:
    """What a scan of a matrix without diodes reads while `keys` are held: all that current can reach."""
    closed = {PLACES[key] for key in keys}
    while True:
        reached = {
            (row, column)
            for row, column in product(range(4), range(3))
            if any({(row, c), (r, c), (r, column)} <= closed for r, c in product(range(4), range(3)))
        }
        if reached <= closed:
            return [[(row, column) in closed for column in range(3)] for row in range(4)]
        closed |= reached


def hold(matrix: KeyMatrix, keys: Iterable[str], start: float, seconds: float = 0.1) -> list[MatrixEvent]:
    """Scan for some time while these keys are held."""
    levels = wired(keys)
    for n in range(round(seconds / SCAN)):
        matrix.receive(levels, start + n * SCAN)
    return matrix.events()


@pytest.mark.parametrize("key", "0123456789*#")
def test_each_key_is_pressed_and_released(key: str) -> None:
    matrix = KeyMatrix()

    assert hold(matrix, key, 0.0) == [KeyPressed(key)]
    assert matrix.keys_down == {key}
    assert hold(matrix, "", 1.0) == [KeyReleased(key)]
    assert matrix.keys_down == frozenset()


def test_one_scan_of_noise_is_no_key() -> None:
    matrix = KeyMatrix(bounce=0.02)

    assert hold(matrix, "5", 0.0, SCAN) == []
    assert hold(matrix, "", SCAN) == []


def test_two_keys_may_be_down_together_wherever_they_are() -> None:
    for first, second in product("0123456789*#", repeat=2):
        if first != second:
            matrix = KeyMatrix()
            hold(matrix, first, 0.0)
            assert hold(matrix, first + second, 1.0) == [KeyPressed(second)]


def test_three_keys_on_one_row_are_not_in_doubt() -> None:
    matrix = KeyMatrix()

    assert set(hold(matrix, "123", 0.0)) == {KeyPressed("1"), KeyPressed("2"), KeyPressed("3")}


def test_a_ghost_is_refused_and_so_is_the_key_that_casts_it() -> None:
    """1, 2 and 4 held: 5 reads as closed. Which of 4 and 5 is real cannot be told."""
    matrix = KeyMatrix()
    hold(matrix, "12", 0.0)

    assert hold(matrix, "124", 1.0) == []
    assert matrix.keys_down == {"1", "2"}


def test_the_refused_key_counts_once_the_doubt_is_gone() -> None:
    matrix = KeyMatrix()
    hold(matrix, "12", 0.0)
    hold(matrix, "124", 1.0)

    events = hold(matrix, "14", 2.0)

    assert set(events) == {KeyReleased("2"), KeyPressed("4")}


def test_with_a_diode_at_every_key_nothing_is_refused() -> None:
    matrix = KeyMatrix(diodes=True)
    levels = [[key in "1245" for key in row] for row in TELEPHONE]
    for n in range(10):
        matrix.receive(levels, n * SCAN)

    assert {event.key for event in matrix.events()} == set("1245")


def test_three_corners_are_ambiguous_whether_or_not_the_fourth_reads_closed() -> None:
    three = frozenset({(0, 0), (0, 1), (1, 0)})

    assert ambiguous_keys(three) == three
    assert ambiguous_keys(three | {(1, 1)}) == three | {(1, 1)}
    assert ambiguous_keys(frozenset({(0, 0), (1, 1)})) == frozenset()
    assert ambiguous_keys(frozenset({(0, 0), (0, 1), (0, 2)})) == frozenset()
    assert ambiguous_keys(three | {(3, 2)}) == three


def test_a_stuck_key_is_released_reported_and_then_ignored() -> None:
    matrix = KeyMatrix(stuck_after=30.0)
    hold(matrix, "7", 0.0)
    assert matrix.next_deadline() == pytest.approx(30.0)

    matrix.handle_timers(30.0)

    assert matrix.events() == [KeyReleased("7"), KeyStuck("7", 0.0)]
    assert matrix.keys_down == frozenset()
    assert matrix.keys_stuck == {"7"}
    assert matrix.next_deadline() is None


def test_other_keys_work_beside_a_stuck_one() -> None:
    matrix = KeyMatrix(stuck_after=5.0)
    hold(matrix, "7", 0.0, 6.0)

    assert hold(matrix, "73", 6.0) == [KeyPressed("3")]
    assert hold(matrix, "7", 7.0) == [KeyReleased("3")]


def test_a_stuck_key_that_comes_loose_is_a_key_again() -> None:
    matrix = KeyMatrix(stuck_after=5.0)
    hold(matrix, "7", 0.0, 6.0)

    assert hold(matrix, "", 6.0) == []
    assert hold(matrix, "7", 7.0) == [KeyPressed("7")]


def test_a_layout_may_have_gaps() -> None:
    matrix = KeyMatrix([["hold", None], [None, "mute"]])
    for n in range(5):
        matrix.receive([[True, True], [False, False]], n * SCAN)

    assert matrix.events() == [KeyPressed("hold")]


def test_a_layout_with_a_key_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        KeyMatrix([["1", "1"]])


# --- any typing, with any noise within the stated bounce ---


@st.composite
def typing(draw: st.DrawFn) -> list[tuple[str, float, float, list[float], list[float]]]:
    """Keys one after the other: key, pressed at, released at, chatter of the press and of the release."""
    now, keys = 0.5, []
    noise = st.lists(st.floats(0.0, 0.02), max_size=6).map(sorted)
    for key in draw(st.text("0123456789*#", min_size=1, max_size=8)):
        released = now + draw(st.floats(0.06, 0.3))
        keys.append((key, now, released, draw(noise), draw(noise)))
        now = released + draw(st.floats(0.06, 0.3))
    return keys


def reads_closed(at: float, moved: float, chatter: list[float], closing: bool) -> bool:
    """The contact's level after a movement: each chatter instant inverts it, and in the end it is what was meant."""
    passed = sum(moved + part <= at for part in chatter)
    return closing if (len(chatter) - passed) % 2 == 0 else not closing


@given(typing(), st.floats(0, SCAN))
def test_no_key_is_lost_and_none_invented(
    keys: list[tuple[str, float, float, list[float], list[float]]], phase: float
) -> None:
    matrix = KeyMatrix(bounce=0.02)
    pressed: list[tuple[float, str]] = []
    released: list[str] = []
    for n in range(round((keys[-1][2] + 0.1) / SCAN)):
        now = phase + n * SCAN
        held = [key for key, down, up, press, _ in keys if down <= now < up and reads_closed(now, down, press, True)]
        held += [key for key, _, up, _, release in keys if up <= now and reads_closed(now, up, release, False)]
        matrix.receive(wired(held), now)
        for event in matrix.events():
            if isinstance(event, KeyPressed):
                pressed.append((now, event.key))
            else:
                released.append(event.key)

    assert [key for _, key in pressed] == [key for key, *_ in keys] == released
    for (reported, _), (_, down, _, chatter, _) in zip(pressed, keys, strict=True):
        assert reported <= down + max(chatter, default=0.0) + 0.02 + 0.025


@given(st.lists(st.sets(st.sampled_from("0123456789*#"), max_size=12), max_size=12))
def test_a_ghost_is_never_reported_and_every_press_has_its_release(held: list[set[str]]) -> None:
    matrix = KeyMatrix()
    events: list[MatrixEvent] = []
    ever: set[str] = set()
    for n, keys in enumerate([*held, set()]):
        ever |= keys
        found = hold(matrix, keys, float(n))
        events += found
        pressed = {event.key for event in found if isinstance(event, KeyPressed)}
        assert pressed <= keys

    assert sum(isinstance(event, KeyPressed) for event in events) == sum(
        isinstance(event, KeyReleased) for event in events
    )
    assert matrix.keys_down == frozenset()
