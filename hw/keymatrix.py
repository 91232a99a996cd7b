"""A keypad wired as rows and columns: scanned levels in, keys out.

Each key joins one row wire to one column wire. Without a diode at every key, three keys at the corners of
a rectangle join its fourth corner as well, and the scan cannot tell which three are real:

        c0   c1
    r0  [1]--[2]        1, 2 and 4 are held: current reaches r1/c1 through
         |    |         4, 1 and 2, and "5" reads as closed though nobody
    r1  [4]--(5)        touches it.

So a key that would complete three corners is refused until the rectangle is broken up again; keys that were
down before stay down. Bounce is removed key by key, and a key that has been down absurdly long is reported
stuck, released, and ignored until it really comes up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from hw import KeyPressed, KeyReleased
from hw.debounce import Debounce

Position = tuple[int, int]
"""Row and column of a key."""


@dataclass(frozen=True, slots=True)
class KeyStuck:
    """A key has been down for longer than a person holds one: dirt, a jammed cap, a short circuit."""

    key: str
    """One of `hw.KEYS`."""
    since: float
    """Monotonic seconds at which it went down."""


MatrixEvent = KeyPressed | KeyReleased | KeyStuck

TELEPHONE: tuple[tuple[str, ...], ...] = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), ("*", "0", "#"))
"""The twelve keys of ITU-T E.161, as most keypads are wired."""


def ambiguous_keys(closed: frozenset[Position]) -> frozenset[Position]:
    """All closed positions that are corners of a rectangle of which three corners or more are closed."""
    by_row: dict[int, set[int]] = {}
    for row, column in closed:
        by_row.setdefault(row, set()).add(column)
    found: set[Position] = set()
    for (row, columns), (other_row, other_columns) in combinations(sorted(by_row.items()), 2):
        # A shared column and one more in either row: three corners.
        if columns & other_columns and len(columns | other_columns) > 1:
            found.update((row, column) for column in columns)
            found.update((other_row, column) for column in other_columns)
    return frozenset(found)


class KeyMatrix:
    """The keys of one matrix.

    `layout`: the keys' names row by row, None where there is no key.
    `bounce`: seconds for which a level must be steady.
    `stuck_after`: seconds after which a key counts as stuck.
    `diodes`: every key has its own diode, so that any number of keys may be down together.
    """

    def __init__(
        self,
        layout: Sequence[Sequence[str | None]] = TELEPHONE,
        *,
        bounce: float = 0.02,
        stuck_after: float = 30.0,
        diodes: bool = False,
    ) -> None:
        self._keys = {(r, c): key for r, row in enumerate(layout) for c, key in enumerate(row) if key is not None}
        if len(set(self._keys.values())) != len(self._keys):
            raise ValueError("a key occurs twice in the layout")
        self._contacts = {position: Debounce(bounce) for position in self._keys}
        self._stuck_after = stuck_after
        self._diodes = diodes
        self._down_since: dict[Position, float] = {}
        self._stuck: set[Position] = set()
        self._events: list[MatrixEvent] = []

    @property
    def keys_down(self) -> frozenset[str]:
        """The keys that are down, stuck ones left out."""
        return frozenset(self._keys[position] for position in self._down_since if position not in self._stuck)

    @property
    def keys_stuck(self) -> frozenset[str]:
        """The keys that are being ignored."""
        return frozenset(self._keys[position] for position in self._stuck)

    def receive(self, levels: Sequence[Sequence[bool]], now: float) -> None:
        """Note one whole scan: `levels[row][column]` is True where row and column are joined.

        Two keys side by side are never in doubt; a third that shares a row with one and a column with the
        other keeps its former state until the doubt is gone. Scan at least every 20 ms.
        """
        closed = frozenset((r, c) for r, row in enumerate(levels) for c, level in enumerate(row) if level)
        doubtful = frozenset() if self._diodes else ambiguous_keys(closed)
        for position, contact in self._contacts.items():
            level = contact.closed if position in doubtful else position in closed
            contact.sample(level, now)
        self._settle(now)

    def handle_timers(self, now: float) -> None:
        """Settle contacts and find stuck keys, when no scan is due."""
        for contact in self._contacts.values():
            contact.handle_timers(now)
        self._settle(now)

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which `handle_timers` has something to do; None if it has not."""
        bounces = (contact.next_deadline() for contact in self._contacts.values())
        deadlines = [deadline for deadline in bounces if deadline is not None]
        deadlines += [since + self._stuck_after for p, since in self._down_since.items() if p not in self._stuck]
        return min(deadlines, default=None)

    def events(self) -> list[MatrixEvent]:
        """What happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def _settle(self, now: float) -> None:
        for position, contact in self._contacts.items():
            for change in contact.events():
                if change.closed:
                    self._press(position, change.since)
                else:
                    self._release(position)
        for position, since in self._down_since.items():
            if position not in self._stuck and now >= since + self._stuck_after:
                self._give_up(position, since)

    def _press(self, position: Position, since: float) -> None:
        self._down_since[position] = since
        self._events.append(KeyPressed(self._keys[position]))

    def _release(self, position: Position) -> None:
        del self._down_since[position]
        if position in self._stuck:
            self._stuck.discard(position)
        else:
            self._events.append(KeyReleased(self._keys[position]))

    def _give_up(self, position: Position, since: float) -> None:
        # The release comes first, so that nothing goes on sounding or repeating for a jammed key.
        self._stuck.add(position)
        self._events += [KeyReleased(self._keys[position]), KeyStuck(self._keys[position], since)]
