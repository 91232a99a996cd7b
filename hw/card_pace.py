"""Whether a sound card keeps time: some give whatever they are asked for at once, and are no clock.

ALSA's null device, its file plugin over it and some virtual cards do. A telephone that took such a one for its clock
would speak as fast as its processor could, and its engine, which nothing interrupts, would leave no time to others.
"""

from __future__ import annotations

FAST = 0.002
"""A card's clock may be so much faster than ours: crystals are a tenth of it off at most."""
SLACK_S = 0.25
"""Besides what its buffer holds, a card may be so far ahead: what was recorded while nobody read comes at once."""


class CardPace:
    """One card's pace, measured from the periods it gives.

    `period_s`: seconds of sound in a period; `buffer_s`: seconds that the card's buffer holds.
    """

    def __init__(self, period_s: float, buffer_s: float) -> None:
        self._step = period_s * (1 - FAST)
        self._most = buffer_s + SLACK_S
        self._ahead = 0.0
        self._before: float | None = None
        self._keeps_time = True

    @property
    def keeps_time(self) -> bool:
        """False once it gave more than real time and a buffer allow; it stays so."""
        return self._keeps_time

    def recorded(self, now: float) -> None:
        """A period came at `now`, monotonic seconds."""
        passed = 0.0 if self._before is None else now - self._before
        self._before = now
        self._ahead = max(0.0, self._ahead - passed) + self._step
        if self._ahead > self._most:
            self._keeps_time = False
