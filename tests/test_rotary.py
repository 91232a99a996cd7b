"""A rotary dial: worn, fast, slow, bouncing, with and without its off-normal contact."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw import KeyPressed, KeyReleased
from hw.rotary import DialOrder, Rotary

Contact = Literal["pulse", "off-normal"]
Edge = tuple[float, Contact, bool]


def turn(pulses: int, start: float, pps: float = 10.0, open_part: float = 0.6, chatter: float = 0.0) -> list[Edge]:
    """Both contacts' edges for one turn of the dial; each movement chatters once for `chatter` seconds."""
    clean: list[Edge] = [(start, "off-normal", True)]
    now = start + 0.15 + pulses * 0.03
    for _ in range(pulses):
        clean += [(now, "pulse", False), (now + open_part / pps, "pulse", True)]
        now += 1 / pps
    clean.append((now + 0.1, "off-normal", False))
    if not chatter:
        return clean
    return [
        edge
        for at, contact, level in clean
        for edge in ((at, contact, level), (at + chatter / 2, contact, not level), (at + chatter, contact, level))
    ]


def digits(rotary: Rotary, edges: list[Edge]) -> str:
    """What the dial gave, with timers served when they are due."""
    for at, contact, level in edges:
        while (deadline := rotary.next_deadline()) is not None and deadline < at:
            rotary.handle_timers(deadline)
        if contact == "pulse":
            rotary.receive_pulse(level, at)
        else:
            rotary.receive_off_normal(level, at)
    while (deadline := rotary.next_deadline()) is not None:
        rotary.handle_timers(deadline)
    events = rotary.events()
    assert events[1::2] == [KeyReleased(event.key) for event in events[::2]]
    return "".join(event.key for event in events if isinstance(event, KeyPressed))


def without_off_normal(edges: list[Edge]) -> list[Edge]:
    return [edge for edge in edges if edge[1] == "pulse"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (DialOrder.STANDARD, "1234567890"),
        (DialOrder.SWEDISH, "0123456789"),
        (DialOrder.NEW_ZEALAND, "9876543210"),
    ],
)
@pytest.mark.parametrize("pps", [10.0, 20.0])
def test_one_to_ten_pulses_are_the_digits_of_the_countrys_dial(order: DialOrder, expected: str, pps: float) -> None:
    rotary = Rotary(order=order)

    assert "".join(digits(rotary, turn(n, 3.0 * n, pps)) for n in range(1, 11)) == expected


def test_without_an_off_normal_contact_the_gap_ends_the_digit() -> None:
    rotary = Rotary(off_normal=False)
    edges = [edge for n, pulses in enumerate([1, 10, 10, 2]) for edge in without_off_normal(turn(pulses, 3.0 * n))]

    assert digits(rotary, edges) == "1002"


def test_the_digit_comes_when_the_dial_is_back_and_not_before() -> None:
    rotary = Rotary()
    *turning, (at, _, _) = turn(3, 1.0)
    assert digits(rotary, turning) == ""
    assert rotary.turning

    rotary.receive_off_normal(False, at)
    rotary.handle_timers(at + 0.006)

    assert rotary.events() == [KeyPressed("3"), KeyReleased("3")]
    assert not rotary.turning


def test_a_dial_moved_a_little_and_let_go_gives_nothing() -> None:
    rotary = Rotary()

    assert digits(rotary, turn(0, 1.0)) == ""
    assert rotary.refused == 0


def test_more_than_ten_pulses_are_no_digit() -> None:
    rotary = Rotary()

    assert digits(rotary, turn(11, 1.0)) == ""
    assert rotary.refused == 1
    assert digits(rotary, turn(4, 9.0)) == "4"


def test_a_contact_that_stays_open_voids_the_digit() -> None:
    """A finger that holds the dial back, or a broken wire."""
    rotary = Rotary(off_normal=False)
    edges: list[Edge] = [(1.0, "pulse", False), (1.06, "pulse", True), (1.1, "pulse", False), (2.0, "pulse", True)]

    assert digits(rotary, edges) == ""
    assert rotary.refused == 1
    assert digits(rotary, without_off_normal(turn(2, 5.0))) == "2"


def test_a_contact_still_open_at_rest_voids_the_digit() -> None:
    rotary = Rotary()
    edges: list[Edge] = [(1.0, "off-normal", True), (1.2, "pulse", False), (1.5, "off-normal", False)]

    assert digits(rotary, edges) == ""
    assert rotary.refused == 1


def test_noise_at_rest_is_no_pulse_of_the_next_digit() -> None:
    rotary = Rotary()
    noise: list[Edge] = [(0.5, "pulse", False), (0.55, "pulse", True)]

    assert digits(rotary, noise + turn(5, 1.0)) == "5"


def test_a_dial_said_to_lack_the_off_normal_contact_refuses_its_levels() -> None:
    with pytest.raises(ValueError, match="off-normal"):
        Rotary(off_normal=False).receive_off_normal(True, 0.0)


@given(
    number=st.lists(st.integers(1, 10), min_size=1, max_size=5),
    pps=st.floats(7.0, 22.0),
    open_part=st.floats(0.25, 0.75),
    bounce_part=st.floats(0.0, 0.99),
    off_normal=st.booleans(),
)
def test_a_worn_dial_is_read_right(
    number: list[int], pps: float, open_part: float, bounce_part: float, off_normal: bool
) -> None:
    """7 to 22 pulses a second, a quarter to three quarters open, chatter up to the stated bounce."""
    bounce = 0.005
    rotary = Rotary(off_normal=off_normal, bounce=bounce)
    shortest = min(open_part, 1 - open_part) / pps
    chatter = min(bounce_part * bounce, shortest - bounce - 0.0005)
    edges = [edge for n, pulses in enumerate(number) for edge in turn(pulses, 4.0 * n, pps, open_part, chatter)]

    dialled = digits(rotary, edges if off_normal else without_off_normal(edges))

    assert dialled == "".join("1234567890"[pulses - 1] for pulses in number)
    assert rotary.refused == 0
