"""The real drivers of keypad, keys, hook and dial on mock pins wired as a telephone: virtual time, real noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw import HookLifted, HookReplaced, KeyPressed, KeyReleased
from hw.boards.profile import DialProfile, HookProfile, KeysProfile, MatrixProfile
from hw.pi.contacts import Contacts
from hw.pi.matrix import LOOK_AGAIN_S, MatrixScanner
from tests.support.wiring import GROUND, Bench

ROWS, COLUMNS = (5, 6, 13, 26), (12, 16, 20, 21)
LAYOUT = (("1", "2", "3", "hold"), ("4", "5", "6", "transfer"), ("7", "8", "9", "mute"), ("*", "0", "#", "redial"))
PLACES = {key: (ROWS[r], COLUMNS[c]) for r, row in enumerate(LAYOUT) for c, key in enumerate(row)}
PROMISED_S = 0.025
"""Every press is told within this after the contact settled."""
PINS_S = 0.001
"""What one run of a driver may take meanwhile, on a real board."""


def keypad_bench(bounce_ms: int = 10) -> tuple[Bench, MatrixScanner]:
    bench = Bench()
    profile = MatrixProfile(ROWS, COLUMNS, LAYOUT, bounce_ms)
    scanner = MatrixScanner(bench.wiring.factory, profile, bench.notify, bench.wake, pause=lambda seconds: None)
    bench.start(scanner)
    return bench, scanner


def contacts_bench() -> tuple[Bench, Contacts]:
    bench = Bench()
    contacts = Contacts(bench.wiring.factory, bench.notify, bench.wake)
    bench.start(contacts)
    return bench, contacts


def moves(at: float, closed: bool, chatter: Sequence[float]) -> list[tuple[float, bool]]:
    """A contact's movement: it changes at `at`, then again after each pause, and in the end it is where it was sent."""
    times = [at]
    for pause in chatter:
        times.append(times[-1] + pause)
    return [(time, closed if (len(times) - 1 - n) % 2 == 0 else not closed) for n, time in enumerate(times)]


def chatter_up_to(bounce: float) -> st.SearchStrategy[list[float]]:
    """Pauses between a contact's movements, which together last no longer than the bounce time."""
    instants = st.lists(st.floats(0.0, bounce * 0.99), max_size=6).map(sorted)
    return instants.map(lambda times: [one - before for before, one in pairwise([0.0, *times])])


def told(bench: Bench) -> list[object]:
    return [event for _, event in bench.events]


# --- the keypad ---


def test_an_untouched_keypad_sleeps_and_looks_at_its_columns_now_and_then() -> None:
    bench, scanner = keypad_bench()

    bench.run(until=60.0)

    assert scanner.asleep
    assert bench.runs <= 60.0 / LOOK_AGAIN_S + 1


def test_a_lost_edge_delays_a_key_but_does_not_lose_it() -> None:
    bench, scanner = keypad_bench()
    for gpio in COLUMNS:
        pin = bench.wiring.pins[gpio]
        bench.at(1.0, partial(setattr, pin, "edges", "none"))
        bench.at(1.2, partial(setattr, pin, "edges", "both"))
    bench.switch(*PLACES["1"], [(1.1, True), (3.0, False)])

    bench.run(until=4.0)

    assert told(bench) == [KeyPressed("1"), KeyReleased("1")]
    assert bench.events[0][0] < 1.1 + LOOK_AGAIN_S + PROMISED_S
    assert scanner.asleep


@pytest.mark.parametrize("key", sorted(PLACES))
def test_a_key_wakes_the_keypad_is_told_and_lets_it_sleep_again(key: str) -> None:
    bench, scanner = keypad_bench()
    bench.switch(*PLACES[key], [(1.0, True), (1.2, False)])

    bench.run(until=2.0)

    assert told(bench) == [KeyPressed(key), KeyReleased(key)]
    assert bench.events[0][0] == pytest.approx(1.01, abs=0.005)
    assert scanner.asleep


def test_a_key_that_is_down_for_too_long_is_let_go_and_said(caplog: pytest.LogCaptureFixture) -> None:
    bench, scanner = keypad_bench()
    bench.switch(*PLACES["5"], [(1.0, True)])
    bench.switch(*PLACES["9"], [(40.0, True), (40.2, False)])

    bench.run(until=60.0)

    assert told(bench) == [KeyPressed("5"), KeyReleased("5"), KeyPressed("9"), KeyReleased("9")]
    assert "the key 5 has been down for too long" in caplog.text
    assert scanner.matrix.keys_down == frozenset()


def test_a_held_key_is_scanned_no_more_often_than_it_must() -> None:
    bench, _ = keypad_bench()
    bench.switch(*PLACES["5"], [(1.0, True)])

    bench.run(until=11.0)

    assert bench.runs < 10 / 0.008 + 30


def test_two_keys_on_one_column_never_join_two_outputs() -> None:
    """The wiring asserts that no high output meets a low one."""
    bench, _ = keypad_bench()
    bench.switch(*PLACES["1"], [(1.0, True), (2.0, False)])
    bench.switch(*PLACES["7"], [(1.1, True), (1.9, False)])

    bench.run(until=3.0)

    assert told(bench) == [KeyPressed("1"), KeyPressed("7"), KeyReleased("7"), KeyReleased("1")]


def test_a_ghost_is_refused() -> None:
    bench, _ = keypad_bench()
    for n, key in enumerate("124"):
        bench.switch(*PLACES[key], [(1.0 + n / 10, True)])

    bench.run(until=2.0)

    assert told(bench) == [KeyPressed("1"), KeyPressed("2")]


def test_a_second_key_is_told_in_time_while_another_is_held() -> None:
    bench, _ = keypad_bench(bounce_ms=15)
    bench.switch(*PLACES["1"], [(1.0, True)])
    bench.switch(*PLACES["2"], [(5.001, True)])

    bench.run(until=6.0)

    assert bench.events[1][1] == KeyPressed("2")
    assert bench.events[1][0] - 5.001 + PINS_S < PROMISED_S


@settings(max_examples=40)
@given(data=st.data(), bounce_ms=st.integers(5, 15))
def test_no_key_is_lost_none_invented_and_each_is_told_in_time(data: st.DataObject, bounce_ms: int) -> None:
    """Through the whole driver: pins, scan, sleep, bounce."""
    bench, scanner = keypad_bench(bounce_ms)
    bounce = bounce_ms / 1000
    now, expected, settled = 1.0, [], []
    for key in data.draw(st.lists(st.sampled_from(sorted(PLACES)), min_size=1, max_size=5)):
        down = moves(now, True, data.draw(chatter_up_to(bounce)))
        up = moves(down[-1][0] + data.draw(st.floats(0.05, 0.3)), False, data.draw(chatter_up_to(bounce)))
        bench.switch(*PLACES[key], [*down, *up])
        now = up[-1][0] + data.draw(st.floats(0.05, 0.3))
        expected += [KeyPressed(key), KeyReleased(key)]
        settled += [down[-1][0], up[-1][0]]

    bench.run(until=now + 1.0)

    assert told(bench) == expected
    assert all(at - when + PINS_S < PROMISED_S for (at, _), when in zip(bench.events, settled, strict=True))
    assert scanner.asleep


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(sorted(PLACES)), st.floats(0.0, 1.0), st.floats(0.0001, 0.4)), max_size=8))
def test_whatever_fingers_do_every_press_has_its_release(touches: list[tuple[str, float, float]]) -> None:
    bench, scanner = keypad_bench()
    for key, at, held in touches:
        bench.switch(*PLACES[key], [(at, True), (at + held, False)])

    bench.run(until=10.0)

    assert {event.key for event in told(bench)} <= {key for key, _, _ in touches}  # type: ignore[attr-defined]
    for key in PLACES:
        of_key = [event for event in told(bench) if event.key == key]  # type: ignore[attr-defined]
        assert all(type(one) is not type(other) for one, other in pairwise(of_key))
        assert not of_key or of_key[-1] == KeyReleased(key)
    assert scanner.asleep


# --- keys with a pin each ---


def test_single_keys_may_be_down_all_together() -> None:
    bench, contacts = contacts_bench()
    contacts.add_keys(KeysProfile((("mute", 24), ("hold", 25), ("redial", 27))))
    for n, gpio in enumerate((24, 25, 27)):
        bench.switch(gpio, GROUND, [(1.0 + n / 10, True), (2.0 + n / 10, False)])

    bench.run(until=3.0)

    assert told(bench)[:3] == [KeyPressed("mute"), KeyPressed("hold"), KeyPressed("redial")]
    assert told(bench)[3:] == [KeyReleased("mute"), KeyReleased("hold"), KeyReleased("redial")]


@settings(max_examples=60)
@given(data=st.data(), bounce_ms=st.integers(1, 20))
def test_single_keys_lose_nothing_and_invent_nothing(data: st.DataObject, bounce_ms: int) -> None:
    bench, contacts = contacts_bench()
    contacts.add_keys(KeysProfile((("mute", 24),), bounce_ms))
    presses = data.draw(st.integers(1, 5))
    now, settled = 1.0, []
    for _ in range(presses):
        down = moves(now, True, data.draw(chatter_up_to(bounce_ms / 1000)))
        up = moves(down[-1][0] + data.draw(st.floats(0.05, 0.3)), False, data.draw(chatter_up_to(bounce_ms / 1000)))
        bench.switch(24, GROUND, [*down, *up])
        now = up[-1][0] + data.draw(st.floats(0.05, 0.3))
        settled.append(down[-1][0])

    bench.run(until=now + 1.0)

    assert told(bench) == [KeyPressed("mute"), KeyReleased("mute")] * presses
    told_at = [at for at, event in bench.events if isinstance(event, KeyPressed)]
    assert all(at - when + PINS_S < PROMISED_S for at, when in zip(told_at, settled, strict=True))


# --- the hook switch ---


@pytest.mark.parametrize("normally", ["open", "closed"])
def test_the_hook_tells_lifted_and_replaced_whichever_way_it_is_wired(normally: str) -> None:
    bench, contacts = contacts_bench()
    lifted_closes = normally == "closed"
    bench.wiring.set(17, GROUND, not lifted_closes)
    contacts.add_hook(HookProfile(17, normally))  # type: ignore[arg-type]
    assert contacts.hook is not None
    assert not contacts.hook.lifted
    bench.switch(17, GROUND, [(1.0, lifted_closes), (5.0, not lifted_closes)])

    bench.run(until=6.0)

    assert told(bench) == [HookLifted(), HookReplaced()]


def test_a_handset_that_is_up_when_the_telephone_starts_is_up() -> None:
    bench, contacts = contacts_bench()
    bench.wiring.join(17, GROUND)

    contacts.add_hook(HookProfile(17, "closed"))
    bench.run(until=1.0)

    assert contacts.hook is not None
    assert contacts.hook.lifted
    assert bench.events == []


@settings(max_examples=60)
@given(data=st.data(), bounce_ms=st.integers(10, 300))
def test_a_cradle_may_bounce_for_as_long_as_its_profile_says(data: st.DataObject, bounce_ms: int) -> None:
    bench, contacts = contacts_bench()
    contacts.add_hook(HookProfile(17, "closed", bounce_ms))
    bounce, now = bounce_ms / 1000, 1.0
    lifts = data.draw(st.integers(1, 4))
    for n in range(2 * lifts):
        movement = moves(now, n % 2 == 0, data.draw(chatter_up_to(bounce)))
        bench.switch(17, GROUND, movement)
        now = movement[-1][0] + bounce + data.draw(st.floats(0.01, 1.0))

    bench.run(until=now + 1.0)

    assert told(bench) == [HookLifted(), HookReplaced()] * lifts


def test_a_tap_on_the_cradle_is_a_key_and_a_longer_one_hangs_up() -> None:
    bench, contacts = contacts_bench()
    contacts.add_hook(HookProfile(17, "closed", 30, flash_ms=600))
    tap = [(2.0, False), (2.01, True), (2.015, False), (2.4, True)]
    bench.switch(17, GROUND, [(1.0, True), *tap, (5.0, False), (5.7, True), (8.0, False)])

    bench.run(until=10.0)

    hold = [KeyPressed("hold"), KeyReleased("hold")]
    assert told(bench) == [HookLifted(), *hold, HookReplaced(), HookLifted(), HookReplaced()]


def test_a_contact_that_moves_as_a_tap_runs_out_does_not_keep_the_driver_busy() -> None:
    bench, contacts = contacts_bench()
    contacts.add_hook(HookProfile(17, "closed", 100, flash_ms=600))
    bench.switch(17, GROUND, [(1.0, True), (3.0, False), (3.59, True), (3.62, False), (3.65, True)])

    bench.run(until=6.0)

    assert told(bench) == [HookLifted(), HookReplaced(), HookLifted()]
    assert bench.runs < 30


def test_a_lost_edge_delays_an_event_but_does_not_lose_it() -> None:
    """Drivers drop edges that come too close: the level itself is looked at again."""
    bench, contacts = contacts_bench()
    contacts.add_hook(HookProfile(17, "closed"))
    bench.run(until=1.0)
    bench.wiring.pins[17].edges = "none"
    bench.switch(17, GROUND, [(1.5, True)])

    bench.run(until=4.0)

    assert told(bench) == [HookLifted()]
    assert bench.events[0][0] < 1.5 + 1.0 + 0.1


# --- the dial ---


def turn(bench: Bench, pulses: int, at: float, pps: float, open_part: float, chatter: Sequence[float] = ()) -> float:
    """One turn of a dial with off-normal contact; returns when it is at rest again."""
    bench.switch(24, GROUND, moves(at, True, chatter))
    now = at + 0.15 + pulses * 0.03
    for _ in range(pulses):
        bench.switch(23, GROUND, moves(now, False, chatter))
        bench.switch(23, GROUND, moves(now + open_part / pps, True, chatter))
        now += 1 / pps
    bench.switch(24, GROUND, moves(now + 0.1, False, chatter))
    return now + 0.3


@settings(max_examples=60)
@given(
    number=st.lists(st.integers(1, 10), min_size=1, max_size=4),
    pps=st.floats(7.0, 14.0),
    open_part=st.floats(0.3, 0.7),
    chatter=st.lists(st.floats(0.0002, 0.002), max_size=2).map(lambda pauses: [*pauses, *pauses]),
    off_normal=st.booleans(),
)
def test_a_worn_dial_is_read_through_its_pins(
    number: list[int], pps: float, open_part: float, chatter: list[float], off_normal: bool
) -> None:
    bench, contacts = contacts_bench()
    bench.wiring.join(23, GROUND)
    contacts.add_dial(DialProfile(pulse=23, off_normal=24 if off_normal else None))
    now = 1.0
    for pulses in number:
        now = turn(bench, pulses, now, pps, open_part, chatter) + 0.4

    bench.run(until=now + 1.0)

    digits = ["1234567890"[pulses - 1] for pulses in number]
    assert told(bench) == [event for digit in digits for event in (KeyPressed(digit), KeyReleased(digit))]


@pytest.mark.parametrize(("order", "first"), [("standard", "1"), ("swedish", "0"), ("new-zealand", "9")])
def test_a_fast_dial_of_another_country_is_read(order: str, first: str) -> None:
    bench, contacts = contacts_bench()
    bench.wiring.join(23, GROUND)
    contacts.add_dial(DialProfile(23, None, 20, order, 3))
    turn(bench, 1, 1.0, 20.0, 0.6)

    bench.run(until=3.0)

    assert told(bench) == [KeyPressed(first), KeyReleased(first)]


def test_closed_contacts_let_their_pins_go() -> None:
    bench, contacts = contacts_bench()
    contacts.add_hook(HookProfile(17))

    contacts.close()
    bench.wiring.join(17, GROUND)

    assert bench.events == []
    assert bench.wiring.pins[17].when_changed is None
