"""The rhythm in which a lamp shines, for each thing that a lamp can tell.

Desk telephones agree on this much: lit, the line is in use; fast, somebody calls; slower, somebody is on hold; slowest,
there is something to look at. The same steps are played on a Raspberry Pi's pins (`hw.pi.lamps`) and by the page's
style sheet (`hw.sim.browser.lamp_style`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from hw import LampState

FADE_STEPS = 12
FADE_STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a rhythm."""

    level: float
    """Light: 0 dark, 1 full."""
    seconds: float
    """For how long."""


def _fade() -> tuple[Step, ...]:
    """From dark to full, and back; squares, for the eye takes a quarter of the light for half of it."""
    up = [Step((n / FADE_STEPS) ** 2, FADE_STEP_S) for n in range(1, FADE_STEPS + 1)]
    return (*up, *reversed(up[:-1]))


RHYTHMS: dict[LampState, tuple[Step, ...]] = {
    LampState.OFF: (Step(0.0, inf),),
    LampState.ON: (Step(1.0, inf),),
    # Two and a half flashes a second: no rhythm has more than three, which can bring on a fit (WCAG 2.2, 2.3.1).
    LampState.RING: (Step(1.0, 0.2), Step(0.0, 0.2)),
    LampState.HELD: (Step(1.0, 1.2), Step(0.0, 0.3)),
    LampState.MISSED: (*_fade(), Step(0.0, 1.85)),
}
"""Each repeated for ever, from its first step on."""


def step_at(state: LampState, elapsed: float) -> Step:
    """The step that is shown `elapsed` seconds (not negative) after the state began, with the seconds left of it."""
    steps = RHYTHMS[state]
    left = elapsed % sum(step.seconds for step in steps)
    for step in steps:
        if left < step.seconds:
            return Step(step.level, step.seconds - left)
        left -= step.seconds
    return Step(steps[-1].level, 0.0)  # what rounding left over: the next round begins now
