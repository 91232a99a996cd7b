"""The four machines, every state with every event, against the figures of RFC 3261 and RFC 6026."""

from __future__ import annotations

import pytest

from firmware.sip.machines import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Action,
    Event,
    Machine,
    State,
)

# One arrow a line: state, event, next state, actions.
FIGURES = {
    "RFC 6026 figure 5: INVITE client transaction": (
        INVITE_CLIENT,
        State.CALLING,
        """
        CALLING     TIMER_A          CALLING     SEND_REQUEST RESET_A
        CALLING     TIMER_B          TERMINATED  REPORT_TIMEOUT
        CALLING     TRANSPORT_ERROR  TERMINATED  REPORT_TRANSPORT
        CALLING     PROVISIONAL      PROCEEDING  PASS_RESPONSE
        CALLING     SUCCESS          ACCEPTED    PASS_RESPONSE START_M
        CALLING     FAILURE          COMPLETED   SEND_ACK PASS_RESPONSE START_D
        PROCEEDING  PROVISIONAL      PROCEEDING  PASS_RESPONSE
        PROCEEDING  SUCCESS          ACCEPTED    PASS_RESPONSE START_M
        PROCEEDING  FAILURE          COMPLETED   SEND_ACK PASS_RESPONSE START_D
        COMPLETED   FAILURE          COMPLETED   SEND_ACK
        COMPLETED   TRANSPORT_ERROR  TERMINATED  REPORT_TRANSPORT
        COMPLETED   TIMER_D          TERMINATED
        ACCEPTED    SUCCESS          ACCEPTED    PASS_RESPONSE
        ACCEPTED    TIMER_M          TERMINATED
        """,
    ),
    "RFC 3261 figure 6: non-INVITE client transaction": (
        NON_INVITE_CLIENT,
        State.TRYING,
        """
        TRYING      TIMER_E          TRYING      SEND_REQUEST RESET_E
        TRYING      TIMER_F          TERMINATED  REPORT_TIMEOUT
        TRYING      TRANSPORT_ERROR  TERMINATED  REPORT_TRANSPORT
        TRYING      PROVISIONAL      PROCEEDING  PASS_RESPONSE
        TRYING      SUCCESS          COMPLETED   PASS_RESPONSE START_K
        TRYING      FAILURE          COMPLETED   PASS_RESPONSE START_K
        PROCEEDING  TIMER_E          PROCEEDING  SEND_REQUEST RESET_E_T2
        PROCEEDING  TIMER_F          TERMINATED  REPORT_TIMEOUT
        PROCEEDING  TRANSPORT_ERROR  TERMINATED  REPORT_TRANSPORT
        PROCEEDING  PROVISIONAL      PROCEEDING  PASS_RESPONSE
        PROCEEDING  SUCCESS          COMPLETED   PASS_RESPONSE START_K
        PROCEEDING  FAILURE          COMPLETED   PASS_RESPONSE START_K
        COMPLETED   TIMER_K          TERMINATED
        """,
    ),
    "RFC 6026 figure 7: INVITE server transaction": (
        INVITE_SERVER,
        State.PROCEEDING,
        """
        PROCEEDING  REQUEST          PROCEEDING  SEND_RESPONSE
        PROCEEDING  TIMER_TRYING     PROCEEDING  SEND_TRYING
        PROCEEDING  PROVISIONAL      PROCEEDING  SEND_RESPONSE
        PROCEEDING  SUCCESS          ACCEPTED    SEND_RESPONSE START_L
        PROCEEDING  FAILURE          COMPLETED   SEND_RESPONSE START_G START_H
        PROCEEDING  TRANSPORT_ERROR  PROCEEDING  REPORT_TRANSPORT
        COMPLETED   REQUEST          COMPLETED   SEND_RESPONSE
        COMPLETED   TIMER_G          COMPLETED   SEND_RESPONSE RESET_G
        COMPLETED   TIMER_H          TERMINATED  REPORT_TIMEOUT
        COMPLETED   ACK              CONFIRMED   START_I
        COMPLETED   TRANSPORT_ERROR  COMPLETED   REPORT_TRANSPORT
        CONFIRMED   TIMER_I          TERMINATED
        ACCEPTED    ACK              ACCEPTED    PASS_ACK
        ACCEPTED    SUCCESS          ACCEPTED    SEND_RESPONSE
        ACCEPTED    TRANSPORT_ERROR  ACCEPTED    REPORT_TRANSPORT
        ACCEPTED    TIMER_L          TERMINATED
        """,
    ),
    "RFC 3261 figure 8: non-INVITE server transaction": (
        NON_INVITE_SERVER,
        State.TRYING,
        """
        TRYING      TIMER_TRYING     PROCEEDING  SEND_TRYING
        TRYING      TIMER_EXPIRY     TERMINATED
        TRYING      PROVISIONAL      PROCEEDING  SEND_RESPONSE
        TRYING      SUCCESS          COMPLETED   SEND_RESPONSE START_J
        TRYING      FAILURE          COMPLETED   SEND_RESPONSE START_J
        PROCEEDING  REQUEST          PROCEEDING  SEND_RESPONSE
        PROCEEDING  TIMER_EXPIRY     TERMINATED
        PROCEEDING  PROVISIONAL      PROCEEDING  SEND_RESPONSE
        PROCEEDING  SUCCESS          COMPLETED   SEND_RESPONSE START_J
        PROCEEDING  FAILURE          COMPLETED   SEND_RESPONSE START_J
        PROCEEDING  TRANSPORT_ERROR  PROCEEDING  REPORT_TRANSPORT
        COMPLETED   REQUEST          COMPLETED   SEND_RESPONSE
        COMPLETED   TRANSPORT_ERROR  COMPLETED   REPORT_TRANSPORT
        COMPLETED   TIMER_J          TERMINATED
        """,
    ),
}

Arrows = dict[tuple[State, Event], tuple[State, set[Action]]]


def arrows_of(figure: str) -> Arrows:
    arrows: Arrows = {}
    for line in figure.strip().splitlines():
        state, event, following, *actions = line.split()
        arrows[State[state], Event[event]] = (State[following], {Action[action] for action in actions})
    return arrows


@pytest.mark.parametrize("name", FIGURES)
def test_every_pair_of_state_and_event_is_as_in_the_figure(name: str) -> None:
    """A pair the figure does not show changes nothing and does nothing."""
    machine, initial, figure = FIGURES[name]
    arrows = arrows_of(figure)
    states = {state for state, _ in arrows} | {following for following, _ in arrows.values()}

    assert machine.initial is initial
    assert set(machine.states) == states
    for state in states:
        for event in Event:
            following, actions = arrows.get((state, event), (state, set()))
            assert machine.step(state, event)[0] is following, (state, event)
            assert set(machine.step(state, event)[1]) == actions, (state, event)


@pytest.mark.parametrize("name", FIGURES)
def test_terminated_ignores_everything(name: str) -> None:
    machine = FIGURES[name][0]

    assert all(machine.step(State.TERMINATED, event) == (State.TERMINATED, ()) for event in Event)
    assert machine.timers[State.TERMINATED] == frozenset()


@pytest.mark.parametrize("name", FIGURES)
def test_every_state_is_reached_and_every_state_can_end(name: str) -> None:
    machine, initial, _ = FIGURES[name]

    assert reachable(machine, initial) == set(machine.states)
    assert all(State.TERMINATED in reachable(machine, state) for state in machine.states)


@pytest.mark.parametrize("name", FIGURES)
def test_a_timer_that_matters_in_a_state_is_one_with_an_arrow(name: str) -> None:
    machine, _, figure = FIGURES[name]
    arrows = arrows_of(figure)

    for state in machine.states:
        expected = {event for event in Event if event.name.startswith("TIMER_") and (state, event) in arrows}
        assert machine.timers[state] == expected


def test_a_malformed_response_cannot_keep_timers_from_starting() -> None:
    """The user may find a response malformed, so it is told last."""
    for machine in (INVITE_CLIENT, NON_INVITE_CLIENT):
        told = [actions for _, actions in machine.table.values() if Action.PASS_RESPONSE in actions]
        assert all(actions[-1] is Action.PASS_RESPONSE for actions in told)


def reachable(machine: Machine, start: State) -> set[State]:
    found, todo = {start}, [start]
    while todo:
        state = todo.pop()
        for event in Event:
            following = machine.step(state, event)[0]
            if following not in found:
                found.add(following)
                todo.append(following)
    return found
