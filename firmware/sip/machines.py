"""The four transaction machines as tables: RFC 3261 figures 6 and 8, RFC 6026 figures 5 and 7.

Every (state, event) pair is defined; what a figure does not show leaves the state and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

class State(Enum):
    """The figures' states, and LOCATING: the hops of the request are not known yet (RFC 3263)."""

    LOCATING = auto()
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Event(Enum):
    """What can happen to a transaction."""

    REQUEST = auto()
    """The request came again (server)."""
    ACK = auto()
    """An ACK came (server)."""
    PROVISIONAL = auto()
    """1xx: came (client), or is to be sent (server)."""
    SUCCESS = auto()
    """2xx: came (client), or is to be sent (server)."""
    FAILURE = auto()
    """300-699: came (client), or is to be sent (server)."""
    TRANSPORT_ERROR = auto()
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()


class Action(Enum):
    """What the figures say to do."""

    SEND_REQUEST = auto()
    SEND_RESPONSE = auto()
    SEND_ACK = auto()
    PASS_RESPONSE = auto()
    """Response to the transaction user."""
    PASS_ACK = auto()
    """ACK to the transaction user."""
    REPORT_TIMEOUT = auto()
    REPORT_TRANSPORT = auto()
    START_D = auto()
    START_G = auto()
    START_H = auto()
    START_I = auto()
    START_J = auto()
    START_K = auto()
    START_L = auto()
    START_M = auto()
    RESET_A = auto()
    RESET_E = auto()
    RESET_G = auto()


Step = tuple[State, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Machine:
    """One figure."""

    initial: State
    states: tuple[State, ...]
    table: Mapping[tuple[State, Event], Step]
    """Complete over `states` and `Event`."""

    def step(self, state: State, event: Event) -> Step:
        """Return the next state and the actions."""
        return self.table[state, event]
