"""How a call sounds, estimated: the E-model (ITU-T G.107) with all but delay, loss and codec at their defaults."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_BEST_R = 93.2
# G.107 table 3: the rating with every parameter at its default.
_LOSS_ROBUSTNESS = 25.1
# G.113 appendix I: Bpl of G.711 with Appendix I concealment under random loss; its Ie is 0.
_LATE_HEARD_MS = 177.3
_WINDOW = 5


def mos(delay_ms: float, loss_percent: float) -> float:
    """Mean opinion score, 1 to 4.5, of G.711 heard with so much one-way delay and random loss.

    Delay by the usual linear approximation of G.107's Id: 0.024 a millisecond, and 0.11 more above 177.3 ms.
    """
    delay_impairment = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - _LATE_HEARD_MS)
    loss_impairment = 95.0 * loss_percent / (loss_percent + _LOSS_ROBUSTNESS)
    return _mos_of_rating(_BEST_R - delay_impairment - loss_impairment)


def _mos_of_rating(rating: float) -> float:
    """G.107 annex B."""
    if rating <= 0:
        return 1.0
    if rating >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)


@dataclass(frozen=True, slots=True)
class LossCount:
    """Cumulative packet counts of a session at one moment."""

    expected: int
    lost: int
    late: int


class LossWindow:
    """Loss over the last five counts, so that a bad second is seen and then forgotten."""

    def __init__(self) -> None:
        self._counts: deque[LossCount] = deque([LossCount(0, 0, 0)], maxlen=_WINDOW + 1)

    def add(self, count: LossCount) -> None:
        """Take the counts of this second; smaller ones than before mean that another source began."""
        if count.expected < self._counts[-1].expected:
            self._counts.clear()
            self._counts.append(LossCount(0, 0, 0))
        self._counts.append(count)

    @property
    def lost_percent(self) -> float:
        """Packets that never came."""
        return self._percent(self._counts[-1].lost - self._counts[0].lost)

    @property
    def missed_percent(self) -> float:
        """Packets that never came or came too late to be played: what the listener misses."""
        first, last = self._counts[0], self._counts[-1]
        return self._percent(last.lost - first.lost + last.late - first.late)

    def _percent(self, missing: int) -> float:
        expected = self._counts[-1].expected - self._counts[0].expected
        return min(100.0, max(0.0, 100.0 * missing / expected)) if expected > 0 else 0.0
