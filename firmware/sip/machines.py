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
    TIMER_TRYING = auto()
    """The core stayed silent: 200 ms for INVITE (§17.2.1), until Timer E is T2 for others (RFC 4320 §4.1)."""
    TIMER_EXPIRY = auto()
    """The client of a non-INVITE transaction has given up: no response may be sent any more (RFC 4320 §4.2)."""
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
    SEND_TRYING = auto()
    """A 100 made here."""
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
    """To twice its last value."""
    RESET_E = auto()
    """To MIN(twice its last value, T2)."""
    RESET_E_T2 = auto()
    """To T2."""
    RESET_G = auto()
    """To MIN(twice its last value, T2)."""


Step = tuple[State, tuple[Action, ...]]
Table = Mapping[tuple[State, Event], Step]

TIMER_EVENTS = frozenset(event for event in Event if event.name.startswith("TIMER_"))


@dataclass(frozen=True, slots=True)
class Machine:
    """One figure."""

    initial: State
    states: tuple[State, ...]
    table: Table
    """Complete over `states` and `Event`."""
    timers: Mapping[State, frozenset[Event]]
    """The timers that matter in each state; the others are stopped on entering it."""

    def step(self, state: State, event: Event) -> Step:
        """Return the next state and the actions."""
        return self.table[state, event]


def _machine(initial: State, arrows: Table) -> Machine:
    """Complete a figure: a pair without an arrow is ignored, TERMINATED ignores everything."""
    states = tuple(dict.fromkeys([initial, *(state for state, _ in arrows), State.TERMINATED]))
    table = {(state, event): arrows.get((state, event), (state, ())) for state in states for event in Event}
    timers = {state: frozenset(event for event in TIMER_EVENTS if (state, event) in arrows) for state in states}
    return Machine(initial, states, table, timers)


_S, _E, _A = State, Event, Action

INVITE_CLIENT = _machine(
    # RFC 6026 figure 5.
    _S.CALLING,
    {
        (_S.CALLING, _E.TIMER_A): (_S.CALLING, (_A.SEND_REQUEST, _A.RESET_A)),
        (_S.CALLING, _E.TIMER_B): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.CALLING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT,)),
        (_S.CALLING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.CALLING, _E.SUCCESS): (_S.ACCEPTED, (_A.START_M, _A.PASS_RESPONSE)),
        (_S.CALLING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.START_D, _A.PASS_RESPONSE)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.START_M, _A.PASS_RESPONSE)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK, _A.START_D, _A.PASS_RESPONSE)),
        (_S.COMPLETED, _E.FAILURE): (_S.COMPLETED, (_A.SEND_ACK,)),
        (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT,)),
        (_S.COMPLETED, _E.TIMER_D): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _E.SUCCESS): (_S.ACCEPTED, (_A.PASS_RESPONSE,)),
        (_S.ACCEPTED, _E.TIMER_M): (_S.TERMINATED, ()),
    },
)

NON_INVITE_CLIENT = _machine(
    # RFC 3261 figure 6.
    _S.TRYING,
    {
        (_S.TRYING, _E.TIMER_E): (_S.TRYING, (_A.SEND_REQUEST, _A.RESET_E)),
        (_S.TRYING, _E.TIMER_F): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.TRYING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT,)),
        (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.TRYING, _E.SUCCESS): (_S.COMPLETED, (_A.START_K, _A.PASS_RESPONSE)),
        (_S.TRYING, _E.FAILURE): (_S.COMPLETED, (_A.START_K, _A.PASS_RESPONSE)),
        (_S.PROCEEDING, _E.TIMER_E): (_S.PROCEEDING, (_A.SEND_REQUEST, _A.RESET_E_T2)),
        (_S.PROCEEDING, _E.TIMER_F): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.TERMINATED, (_A.REPORT_TRANSPORT,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.PASS_RESPONSE,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.COMPLETED, (_A.START_K, _A.PASS_RESPONSE)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.START_K, _A.PASS_RESPONSE)),
        (_S.COMPLETED, _E.TIMER_K): (_S.TERMINATED, ()),
    },
)

INVITE_SERVER = _machine(
    # RFC 6026 figure 7. A transport error never ends it (§7.1). Timer H tells the core (RFC 3261 §17.2.1's text).
    _S.PROCEEDING,
    {
        (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.PROCEEDING, _E.TIMER_TRYING): (_S.PROCEEDING, (_A.SEND_TRYING,)),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.ACCEPTED, (_A.SEND_RESPONSE, _A.START_L)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.START_G, _A.START_H)),
        (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.PROCEEDING, (_A.REPORT_TRANSPORT,)),
        (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND_RESPONSE,)),
        (_S.COMPLETED, _E.TIMER_G): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.RESET_G)),
        (_S.COMPLETED, _E.TIMER_H): (_S.TERMINATED, (_A.REPORT_TIMEOUT,)),
        (_S.COMPLETED, _E.ACK): (_S.CONFIRMED, (_A.START_I,)),
        (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.COMPLETED, (_A.REPORT_TRANSPORT,)),
        (_S.CONFIRMED, _E.TIMER_I): (_S.TERMINATED, ()),
        (_S.ACCEPTED, _E.ACK): (_S.ACCEPTED, (_A.PASS_ACK,)),
        (_S.ACCEPTED, _E.SUCCESS): (_S.ACCEPTED, (_A.SEND_RESPONSE,)),
        (_S.ACCEPTED, _E.TRANSPORT_ERROR): (_S.ACCEPTED, (_A.REPORT_TRANSPORT,)),
        (_S.ACCEPTED, _E.TIMER_L): (_S.TERMINATED, ()),
    },
)

NON_INVITE_SERVER = _machine(
    # RFC 3261 figure 8, but a transport error does not end it: RFC 6026 §8.8 replaces §17.2.4's second paragraph.
    _S.TRYING,
    {
        (_S.TRYING, _E.TIMER_TRYING): (_S.PROCEEDING, (_A.SEND_TRYING,)),
        (_S.TRYING, _E.TIMER_EXPIRY): (_S.TERMINATED, ()),
        (_S.TRYING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.TRYING, _E.SUCCESS): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J)),
        (_S.TRYING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J)),
        (_S.PROCEEDING, _E.REQUEST): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.PROCEEDING, _E.TIMER_EXPIRY): (_S.TERMINATED, ()),
        (_S.PROCEEDING, _E.PROVISIONAL): (_S.PROCEEDING, (_A.SEND_RESPONSE,)),
        (_S.PROCEEDING, _E.SUCCESS): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J)),
        (_S.PROCEEDING, _E.FAILURE): (_S.COMPLETED, (_A.SEND_RESPONSE, _A.START_J)),
        (_S.PROCEEDING, _E.TRANSPORT_ERROR): (_S.PROCEEDING, (_A.REPORT_TRANSPORT,)),
        (_S.COMPLETED, _E.REQUEST): (_S.COMPLETED, (_A.SEND_RESPONSE,)),
        (_S.COMPLETED, _E.TRANSPORT_ERROR): (_S.COMPLETED, (_A.REPORT_TRANSPORT,)),
        (_S.COMPLETED, _E.TIMER_J): (_S.TERMINATED, ()),
    },
)
