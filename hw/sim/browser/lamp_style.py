"""The style sheet that lets the page's lamps shine in the rhythms of a telephone's."""

from __future__ import annotations

from math import isfinite, sqrt

from hw import LampState
from hw.lamp_rhythm import RHYTHMS, Step


def lamp_style() -> str:
    """CSS: for each state with a rhythm, the animation of `.lamp[data-tells="..."]::after`, the light over a lamp."""
    return "\n".join(_rules(state, steps) for state, steps in RHYTHMS.items() if isfinite(steps[0].seconds))


def _rules(state: LampState, steps: tuple[Step, ...]) -> str:
    period = sum(step.seconds for step in steps)
    begins = [sum(step.seconds for step in steps[:n]) for n in range(len(steps))]
    # Screens are driven along the eye's curve already, diodes are not: opacity is the root of light.
    frames = [
        f"  {100 * begin / period:.3f}% {{ opacity: {sqrt(step.level):.3f}; }}"
        for begin, step in zip(begins, steps, strict=True)
    ]
    name = f"lamp-{state.value}"
    return "\n".join(
        [
            f"@keyframes {name} {{",
            *frames,
            "}",
            f'.lamp[data-tells="{state.value}"]::after {{ animation: {name} {period:.3f}s step-end infinite; }}',
            "",
        ]
    )
