"""How alike two sounds are at each delay, by the fast Fourier transform, in plain Python: a base install has no numpy.

Eight thousand points take a twentieth of a second on a PC, and half of one on the smallest Pi.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from functools import cache

NEIGHBOURS = 16
"""Samples on each side that a value between two samples is made of."""
FINEST = 1 / 16
"""Of a sample: how closely a peak is looked for before a parabola through three values gives the rest."""


@cache
def _turns(size: int) -> list[complex]:
    return [cmath.exp(-2j * math.pi * n / size) for n in range(size // 2)]


def transform(samples: Sequence[complex]) -> list[complex]:
    """The discrete Fourier transform (Cooley and Tukey, radix 2) of a power of two of samples."""
    if len(samples) == 1:
        return list(samples)
    even, odd = transform(samples[::2]), transform(samples[1::2])
    turned = [turn * value for turn, value in zip(_turns(len(samples)), odd, strict=True)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [a - b for a, b in zip(even, turned, strict=True)]


def power_of_two(least: int) -> int:
    """The smallest power of two that is not less."""
    return 1 << (least - 1).bit_length()


class Pattern:
    """A sound to be looked for in others."""

    def __init__(self, samples: Sequence[float], longest: int) -> None:
        """`longest`: of what it will be looked for in, samples; what is longer is cut off."""
        self.energy = sum(sample * sample for sample in samples)
        self._longest = longest
        self._size = power_of_two(longest + len(samples))
        padded = [*samples, *[0.0] * (self._size - len(samples))]
        self._spectrum = [value.conjugate() for value in transform(padded)]

    def within(self, samples: Sequence[float]) -> list[float]:
        """For each place of `samples` how much of the pattern begins there: 1.0 is the pattern itself."""
        padded = [*samples[: self._longest], *[0.0] * (self._size - len(samples[: self._longest]))]
        product = [a * b for a, b in zip(transform(padded), self._spectrum, strict=True)]
        # The inverse transform is the transform of the conjugate, conjugated; what we want is real.
        back = transform([value.conjugate() for value in product])
        scale = self._size * self.energy
        return [value.real / scale for value in back[: min(len(samples), self._longest)]]


def shift_between(one: Sequence[float], other: Sequence[float], most: int) -> float:
    """By how many samples, and parts of one, `other` is later than `one`: at most `most` either way."""
    alike = [
        sum(a * b for a, b in zip(one[most : len(one) - most], other[most + lag :], strict=False))
        for lag in range(-most, most + 1)
    ]
    return peak_of(alike) - most


def peak_of(values: Sequence[float]) -> float:
    """The place of the highest value, between two samples too; band-limited interpolation, then a parabola."""
    top = max(range(len(values)), key=values.__getitem__)
    steps = round(1 / FINEST)
    finer = [_between(values, top + n * FINEST) for n in range(-steps, steps + 1)]
    best = max(range(1, len(finer) - 1), key=finer.__getitem__)
    left, middle, right = finer[best - 1 : best + 2]
    bend = left - 2 * middle + right
    rest = 0.5 * (left - right) / bend if bend else 0.0
    return top + (best - steps + rest) * FINEST


def _between(values: Sequence[float], place: float) -> float:
    nearest = round(place)
    total = 0.0
    for n in range(max(0, nearest - NEIGHBOURS), min(len(values), nearest + NEIGHBOURS + 1)):
        distance = place - n
        window = 0.5 + 0.5 * math.cos(math.pi * distance / (NEIGHBOURS + 1))
        turn = math.pi * distance
        total += values[n] * (window * math.sin(turn) / turn if abs(distance) > 1e-9 else 1.0)
    return total
