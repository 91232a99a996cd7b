"""One figure of a benchmark: ours, the peer's of the same run, what is aimed at, and the table of them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should reach. The first that is given counts."""

    at_most: float | None = None
    """In the figure's unit."""
    ratio_at_most: float | None = None
    """Ours to the peer's."""
    ratio_at_least: float | None = None
    """Ours to the peer's."""

    def met(self, ours: float, peer: float | None) -> bool | None:
        """None: there is nothing to compare with."""
        if self.at_most is not None:
            return ours < self.at_most
        if peer is None or not peer:
            return None
        if self.ratio_at_most is not None:
            return ours / peer <= self.ratio_at_most
        return ours / peer >= (self.ratio_at_least or 0.0)

    def __str__(self) -> str:
        if self.at_most is not None:
            return f"< {self.at_most:g}"
        if self.ratio_at_most is not None:
            return f"<= {self.ratio_at_most:g} x"
        return f">= {self.ratio_at_least:g} x"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    what: str
    """With its unit."""
    ours: float
    peer: float | None = None
    """The peer's in the same run; None: there is none."""
    peer_name: str = "baresip"
    aim: Aim | None = None
    """None: shown to be known."""

    def columns(self) -> tuple[str, ...]:
        """What, ours, the peer's, the ratio, the aim, and whether it is met."""
        met = self.aim.met(self.ours, self.peer) if self.aim is not None else None
        return (
            self.what,
            f"{self.ours:.2f}",
            f"{self.peer:.2f} {self.peer_name}" if self.peer is not None else "-",
            f"{self.ours / self.peer:.2f}" if self.peer else "-",
            str(self.aim) if self.aim is not None else "",
            "" if met is None else "met" if met else "NOT MET",
        )


HEAD = ("", "ours", "peer", "ratio", "aim", "")


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns."""
    rows = [HEAD, *(figure.columns() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
