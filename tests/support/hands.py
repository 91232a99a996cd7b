"""The person at a telephone, whatever it is made of: lifts, replaces, presses, dials."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hw import Board
from hw.boards import load_board
from hw.boards.profile import DisplayProfile, Profile
from hw.pi.board import PiBoard
from hw.pi.pins import Factory
from hw.sim import SimBoard
from tests.support.panel_bus import PanelBus
from tests.support.wiring import GROUND, Wiring

BOUNCES = 3
"""Each movement of a real contact makes and breaks so often first."""


class Hands(Protocol):
    """What a person does."""

    def lift(self) -> None:
        """Take the handset up."""
        ...

    def replace(self) -> None:
        """Put it down."""
        ...

    def press(self, key: str) -> None:
        """Put a key down."""
        ...

    def release(self, key: str) -> None:
        """Let it up."""
        ...


class WiredHands:
    """At a real board's pins, with contacts that bounce for some milliseconds."""

    def __init__(self, profile: Profile, wiring: Wiring) -> None:
        self._profile = profile
        self._wiring = wiring
        if profile.dial is not None:
            wiring.join(profile.dial.pulse, GROUND)
        if profile.hook is not None and profile.hook.normally == "open":
            wiring.join(profile.hook.pin, GROUND)

    def lift(self) -> None:
        """Take the handset up."""
        assert self._profile.hook is not None
        self._move(self._profile.hook.pin, GROUND, self._profile.hook.normally == "closed")

    def replace(self) -> None:
        """Put it down."""
        assert self._profile.hook is not None
        self._move(self._profile.hook.pin, GROUND, self._profile.hook.normally == "open")

    def press(self, key: str) -> None:
        """Put a key down; on a dial, turn it."""
        place = self._place(key)
        if place is not None:
            self._move(*place, True)
        else:
            self._turn("1234567890".index(key) + 1)

    def release(self, key: str) -> None:
        """Let it up."""
        place = self._place(key)
        if place is not None:
            self._move(*place, False)

    def _place(self, key: str) -> tuple[int, int] | None:
        matrix, single = self._profile.matrix, self._profile.single_keys
        for r, row in enumerate(matrix.keys if matrix is not None else ()):
            if key in row:
                assert matrix is not None
                return matrix.rows[r], matrix.columns[row.index(key)]
        pins = dict(single.pins) if single is not None else {}
        return (pins[key], GROUND) if key in pins else None

    def _move(self, one: int, other: int, closed: bool) -> None:
        for _ in range(BOUNCES):
            self._wiring.set(one, other, closed)
            self._wiring.set(one, other, not closed)
        self._wiring.set(one, other, closed)

    def _turn(self, pulses: int) -> None:
        dial = self._profile.dial
        assert dial is not None
        if dial.off_normal is not None:
            self._wiring.join(dial.off_normal, GROUND)
        for _ in range(pulses):
            self._pause(0.04)
            self._wiring.part(dial.pulse, GROUND)
            self._pause(0.06)
            self._wiring.join(dial.pulse, GROUND)
        self._pause(0.04)
        if dial.off_normal is not None:
            self._wiring.part(dial.off_normal, GROUND)

    def _pause(self, seconds: float) -> None:
        wait_until(lambda: False, seconds)


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something came true within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.002)
    return true()


def sim_telephone(board: SimBoard) -> tuple[Board, Hands]:
    """A simulated telephone works itself."""
    return board, board


def pi_telephone(name: str, folder: Path) -> tuple[Board, Hands]:
    """A real telephone's drivers, on wired mock pins and recorded buses."""
    profile = load_board(name)
    wiring = Wiring(time.monotonic)
    hands = WiredHands(profile, wiring)

    def open_bus(display: DisplayProfile, factory: Factory) -> PanelBus:
        return PanelBus()

    return PiBoard(profile, factory=wiring.factory, open_bus=open_bus), hands
