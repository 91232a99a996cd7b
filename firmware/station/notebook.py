"""When what is worth remembering is written down: soon after a change, but seldom, so that an SD card lives."""

from __future__ import annotations

from collections.abc import Callable

SETTLE_S = 2.0
"""Changes within this time are written together: a volume key is pressed several times."""
SELDOM_S = 60.0
"""Two writings are at least so far apart. A phone that rings without end writes 1440 times a day, some 10 kB each."""
SLOWLY_S = 900.0
"""Within this time what changes all day is written too, such as for how long a registration holds."""


def _nothing() -> object:
    return None


class Notebook:
    """Watches something by its mark, and says what is to be written."""

    def __init__(
        self,
        mark: Callable[[], object],
        encode: Callable[[float], bytes],
        now: float,
        *,
        slow_mark: Callable[[], object] = _nothing,
        urgent_mark: Callable[[], object] = _nothing,
    ) -> None:
        """`mark()` is another one whenever what is remembered is; `slow_mark()`: when that does not press;
        `urgent_mark()`: when a person had something erased, who does not find it there again after a power cut.

        `encode(now)`: the octets to write.
        """
        self._mark = mark
        self._slow_mark = slow_mark
        self._urgent_mark = urgent_mark
        self._encode = encode
        self._erased = urgent_mark()
        self._written = (mark(), slow_mark())
        self._written_at = now - SELDOM_S
        self._due: float | None = None
        self._octets: bytes | None = None

    def look(self, now: float) -> None:
        """What is remembered may have changed."""
        written, written_slowly = self._written
        if self._urgent_mark() != self._erased:
            self._put(now)
        elif self._mark() != written:
            soon = max(now + SETTLE_S, self._written_at + SELDOM_S)
            self._due = soon if self._due is None else min(self._due, soon)
        elif self._slow_mark() == written_slowly:
            self._due = None
        elif self._due is None:
            self._due = now + SLOWLY_S

    def next_deadline(self) -> float | None:
        """When `write` is next wanted."""
        return self._due

    def write(self, now: float) -> None:
        """Write it down if it is time."""
        if self._due is not None and now >= self._due:
            self._put(now)

    def close(self, now: float) -> None:
        """The end: write down what has changed, however short a time ago the last time was."""
        if (self._mark(), self._slow_mark()) != self._written:
            self._put(now)

    def drain(self) -> bytes | None:
        """What is to be kept from now on instead of what was before, None if nothing is new."""
        octets, self._octets = self._octets, None
        return octets

    def _put(self, now: float) -> None:
        self._octets, self._erased = self._encode(now), self._urgent_mark()
        self._written, self._written_at, self._due = (self._mark(), self._slow_mark()), now, None
