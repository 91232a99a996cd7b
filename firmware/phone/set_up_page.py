"""The set-up page of a telephone that runs from Offhook's own card: the wish to open it, and what became of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["open", "absent", "failed"]
""""absent": this telephone has no such page."""


@dataclass(frozen=True, slots=True)
class OpenSetUpPage:
    """An action: open it. `SetUpPageTold` says how that went."""


@dataclass(frozen=True, slots=True)
class SetUpPageTold:
    """An event: what became of it."""

    outcome: Outcome
