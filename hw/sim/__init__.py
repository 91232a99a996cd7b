"""The hardware contract in software: a telephone without a telephone.

`SimBoard` is the board, `hw.sim.browser` draws it on a page and lets a person use it.
"""

from hw.sim.board import SimBoard
from hw.sim.sound import NullSound, SimSound, ToneSound

__all__ = ["NullSound", "SimBoard", "SimSound", "ToneSound"]
