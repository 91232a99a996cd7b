"""A matrix keypad on pins: asleep until an edge, then scanned until all keys are up.

Asleep, all rows are low and the columns, pulled up, wait: any key takes its column low, which wakes us. Scanning, the
rows rest as inputs and one at a time is driven low, so that two keys on one column never join a high output to a low
one. Nothing is scanned while nobody touches the keypad; but an edge can be lost, so the columns are read now and then
besides: a lost edge delays a key, it loses none that is held.

    asleep              row 1 scanned       row 2 scanned
    r1 = low            r1 = low            r1 = input
    r2 = low            r2 = input          r2 = low
    c1, c2: wait        c1, c2: read        c1, c2: read
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hw import BoardEvent
from hw.boards.profile import MatrixProfile
from hw.keymatrix import KeyMatrix, KeyStuck
from hw.pi.pins import Contact, Factory, faults_of

log = logging.getLogger(__name__)

SCAN_S = 0.004
"""Between two scans while a contact moves."""
STEADY_S = 0.008
"""Between two scans while keys are down and at rest."""
STUCK_S = 0.02
"""Between two scans while only stuck keys are down."""
LOOK_AGAIN_S = 0.25
"""Asleep, between two looks at the columns: one read of each, whatever edges were told."""
SETTLE_S = 0.00002
"""From driving a row to reading the columns: a pull-up needs some microseconds for a ribbon cable."""


class MatrixScanner:
    """A task (`hw.pi.worker`): scans the keypad, tells its keys."""

    def __init__(
        self,
        factory: Factory,
        profile: MatrixProfile,
        notify: Callable[[BoardEvent], None],
        wake: Callable[[], None],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pause` waits for wires to settle. Raises DeviceError."""
        self.matrix = KeyMatrix(profile.keys, bounce=profile.bounce_ms / 1000, diodes=profile.diodes)
        self._notify = notify
        self._pause = pause
        self._asleep = False
        self._wake = wake
        self._columns = [Contact(factory, gpio, self._edge) for gpio in profile.columns]
        with faults_of("the keypad's rows"):
            self._rows = [factory.pin(gpio) for gpio in profile.rows]
            for row in self._rows:
                row.input_with_pull("up")
        self._sleep()

    @property
    def asleep(self) -> bool:
        """True while nothing is scanned: until an edge comes, or a look finds a key down."""
        return self._asleep

    def run(self, now: float) -> float:
        """Scan once, if a key is down; returns when to scan or look next, unless an edge wakes us."""
        with faults_of("the keypad"):
            if self._asleep:
                if not self._touched():
                    return now + LOOK_AGAIN_S
                self._get_up()
            levels = self._scan()
            self.matrix.receive(levels, now)
            self._tell()
            deadline = self.matrix.next_deadline()
            if any(any(row) for row in levels) or deadline is not None:
                return self._next(now, deadline)
            self._sleep()
            # A key that went down while we lay down gave no edge.
            return now if self._touched() else now + LOOK_AGAIN_S

    def close(self) -> None:
        """Let go of the pins. Raises DeviceError."""
        for column in self._columns:
            column.close()
        with faults_of("the keypad's rows"):
            for row in self._rows:
                row.close()

    def _edge(self) -> None:
        # Scanning makes edges of its own.
        if self._asleep:
            self._wake()

    def _next(self, now: float, deadline: float | None) -> float:
        if deadline is not None and deadline < now + SCAN_S:
            return max(deadline, now + SCAN_S / 4)
        if deadline is not None and deadline < now + 1.0:
            return now + SCAN_S
        return now + (STEADY_S if self.matrix.keys_down else STUCK_S)

    def _touched(self) -> bool:
        for column in self._columns:
            column.edges()
        return any(column.closed for column in self._columns)

    def _scan(self) -> list[tuple[bool, ...]]:
        levels = []
        for row in self._rows:
            row.function = "output"
            row.state = 0
            self._pause(SETTLE_S)
            levels.append(tuple(column.closed for column in self._columns))
            row.function = "input"
            self._pause(SETTLE_S)
        return levels

    def _sleep(self) -> None:
        with faults_of("the keypad's rows"):
            for row in self._rows:
                row.function = "output"
                row.state = 0
        self._asleep = True

    def _get_up(self) -> None:
        for row in self._rows:
            row.function = "input"
        self._asleep = False

    def _tell(self) -> None:
        for event in self.matrix.events():
            if isinstance(event, KeyStuck):
                log.warning("the key %s has been down for too long: ignored until it comes up", event.key)
            else:
                self._notify(event)
