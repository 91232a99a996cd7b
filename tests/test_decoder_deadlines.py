"""Every decoder of contacts: called at its own deadline it has done what was due, so nobody who waits for it spins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.debounce import Debounce
from hw.hook import Hook
from hw.keymatrix import KeyMatrix
from hw.rotary import Rotary

Receive = Callable[[int, bool, float], None]
"""Contact (0 to 3), closed, monotonic seconds."""
Move = tuple[float, int, bool]
"""Seconds since the move before, contact, closed."""


class Decoder(Protocol):
    """What drivers wait for."""

    def handle_timers(self, now: float) -> None: ...

    def next_deadline(self) -> float | None: ...


def debounce() -> tuple[Decoder, Receive]:
    contact = Debounce(0.03, 0.05)
    return contact, lambda n, closed, now: contact.receive(closed, now)


def hook_with_flash() -> tuple[Decoder, Receive]:
    hook = Hook(bounce=0.1, flash=0.6)
    return hook, lambda n, closed, now: hook.receive(closed, now)


def plain_hook() -> tuple[Decoder, Receive]:
    hook = Hook(bounce=0.1, normally_closed=False)
    return hook, lambda n, closed, now: hook.receive(closed, now)


def matrix() -> tuple[Decoder, Receive]:
    keys, levels = KeyMatrix([["1", "2"], ["4", "5"]], bounce=0.02, stuck_after=0.3), [[False] * 2, [False] * 2]

    def receive(n: int, closed: bool, now: float) -> None:
        levels[n // 2][n % 2] = closed
        keys.receive(levels, now)

    return keys, receive


def dial() -> tuple[Decoder, Receive]:
    rotary = Rotary()
    return rotary, lambda n, closed, now: (rotary.receive_off_normal if n % 2 else rotary.receive_pulse)(closed, now)


def dial_without_off_normal() -> tuple[Decoder, Receive]:
    rotary = Rotary(off_normal=False)
    return rotary, lambda n, closed, now: rotary.receive_pulse(closed, now)


DECODERS = [debounce, hook_with_flash, plain_hook, matrix, dial, dial_without_off_normal]
NOISE = st.lists(st.tuples(st.sampled_from([0.0, 0.003, 0.02, 0.03, 0.1, 0.55, 1.0]) | st.floats(0.0, 0.7),
                           st.integers(0, 3), st.booleans()), max_size=40)  # fmt: skip


@pytest.mark.parametrize("make", DECODERS)
@given(noise=NOISE, late=st.floats(0.0, 0.5) | st.just(0.0))
def test_a_decoder_called_at_its_deadline_has_the_next_one_later_or_none(
    make: Callable[[], tuple[Decoder, Receive]], noise: list[Move], late: float
) -> None:
    """`late`: the driver is called so long after the deadline."""
    decoder, receive = make()

    now = 1.0
    for pause, contact, closed in [*noise, (10.0, 0, True)]:
        moves_at = now + pause
        while (due := decoder.next_deadline()) is not None and max(now, due + late) < moves_at:
            now = max(now, due + late)
            decoder.handle_timers(now)
            after = decoder.next_deadline()
            assert after is None or after > now
        now = moves_at
        receive(contact, closed, now)


def test_a_tap_that_runs_out_while_the_contact_moves_has_no_deadline_but_the_contacts() -> None:
    hook = Hook(bounce=0.1, flash=0.6, closed=True)
    hook.receive(False, 3.0)
    hook.handle_timers(3.1)
    assert hook.next_deadline() == pytest.approx(3.6)

    hook.receive(True, 3.59)

    assert hook.next_deadline() == pytest.approx(3.69)
