"""The response context: RFC 3261 §16.7, §16.8, §16.10; RFC 5393 §5."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.cores.server.forwarding import Target
from firmware.sip.cores.server.response_context import (
    LINGER,
    MOST_TARGETS,
    TIMER_C,
    Action,
    Answer,
    Branch,
    Cancel,
    Forward,
    ResponseContext,
    Start,
    best_response,
    status_of,
)
from firmware.sip.fields import Fields
from firmware.sip.message import Request, Response
from firmware.sip.uri import parse_uri


def target(user: str, q: float = 1.0) -> Target:
    return Target(parse_uri(f"sip:{user}@192.0.2.1"), q=q)


def response(status: int, *fields: tuple[str, object]) -> Response:
    return Response(status, "", Fields([("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx"), *fields]))


def context(*targets: Target, method: str = "INVITE", **options: object) -> ResponseContext:
    request = Request(method, parse_uri("sip:bob@home.test"), Fields())
    return ResponseContext(request, targets, **options)  # type: ignore[arg-type]


def started(actions: list[Action]) -> list[Branch]:
    return [action.branch for action in actions if isinstance(action, Start)]


def users(actions: list[Action]) -> list[str]:
    return [str(branch.target.uri)[4:].partition("@")[0] for branch in started(actions)]


def said(actions: list[Action]) -> list[int]:
    """The statuses that go upstream."""
    return [
        action.response.status if isinstance(action, Forward) else action.status
        for action in actions
        if isinstance(action, Forward | Answer)
    ]


def cancelled(actions: list[Action]) -> list[Branch]:
    return [action.branch for action in actions if isinstance(action, Cancel)]


# Step 6: the best response


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ([], 408),
        ([503, 407, 501, 404], 407),
        ([486, 302], 302),
        ([302, 486, 600], 600),
        ([408, 480, 486], 486),
        ([404, 484], 484),
        ([487, 500], 487),
        ([503, 500], 500),
        ([603, 600], 603),
    ],
)
def test_the_best_response(statuses: list[int], best: int) -> None:
    """§16.7 step 6, with its own example first."""
    assert status_of(best_response([response(status) for status in statuses])) == best


def test_of_many_failures_one_is_forwarded() -> None:
    call = context(target("a"), target("b"))
    a, b = started(call.begin(0.0))

    assert call.receive(a, response(486), 1.0) == []
    assert said(call.receive(b, response(404), 2.0)) == [486]


def test_after_the_final_response_only_2xx_go_on() -> None:
    """Step 5."""
    call = context(target("a"), target("b"))
    a, b = started(call.begin(0.0))
    assert said(call.receive(a, response(200), 1.0)) == [200]

    assert call.receive(b, response(180), 2.0) == []
    assert said(call.receive(a, response(200), 3.0)) == [200]
    assert call.receive(b, response(487), 4.0) == []


def test_a_non_invite_gets_one_2xx_only() -> None:
    """Step 6: "exactly one final response to a non-INVITE request"; and no 1xx (RFC 4320)."""
    call = context(target("a"), target("b"), method="MESSAGE")
    a, b = started(call.begin(0.0))

    assert call.receive(a, response(183), 1.0) == []
    assert said(call.receive(a, response(200), 1.0)) == [200]
    assert call.receive(b, response(200), 2.0) == []
    assert call.is_over(2.0)


def test_a_6xx_waits_for_the_others_and_a_2xx_may_still_win() -> None:
    """Step 5: "the UAC could receive a 6xx response followed by a 2xx response, which should never be allowed"."""
    call = context(target("a"), target("b"), target("c", 0.5))
    a, b = started(call.begin(0.0))

    actions = call.receive(a, response(603), 1.0)

    assert (said(actions), cancelled(actions), users(actions)) == ([], [b], [])
    assert said(call.receive(b, response(200), 2.0)) == [200]


def test_failures_count_as_408_and_503() -> None:
    """§16.6 step 7, §16.9; step 6: a lone 503 is 500."""
    for failure, status in (("timeout", 408), ("transport", 500), ("unresolved", 500)):
        call = context(target("a"))
        (a,) = started(call.begin(0.0))
        assert said(call.fail(a, failure, 1.0)) == [status]  # type: ignore[arg-type]


def test_challenges_are_collected_unchanged() -> None:
    """Step 7."""
    call = context(target("a"), target("b"), target("c"))
    a, b, c = started(call.begin(0.0))
    call.receive(a, response(401, ("WWW-Authenticate", 'Digest realm="a"')), 1.0)
    call.receive(b, response(404, ("WWW-Authenticate", 'Digest realm="b"')), 1.0)

    (action,) = call.receive(c, response(407, ("Proxy-Authenticate", 'Digest realm="c"')), 1.0)

    assert isinstance(action, Forward)
    assert action.response.fields.all("WWW-Authenticate") == ('Digest realm="a"',)
    assert action.response.fields.all("Proxy-Authenticate") == ('Digest realm="c"',)


# Order, redirections


def test_groups_by_q() -> None:
    """§16.6."""
    call = context(target("c", 0.1), target("a", 1.0), target("b", 1.0))
    first = call.begin(0.0)
    assert users(first) == ["a", "b"]
    a, b = started(first)
    assert call.receive(a, response(486), 1.0) == []

    assert users(call.receive(b, response(480), 1.0)) == ["c"]


def test_no_target_twice() -> None:
    """§16.5."""
    assert len(started(context(target("a"), target("a"), target("A")).begin(0.0))) == 2


def test_a_redirection_is_followed_once() -> None:
    """Step 4: its contacts are tried, those that are not SIP stay in the response."""
    call = context(target("a"), recurse=True)
    (a,) = started(call.begin(0.0))
    moved = response(302, ("Contact", "<sip:a@192.0.2.1>, <sip:new@192.0.2.1>, <mailto:a@home.test>"))

    (new,) = started(call.receive(a, moved, 1.0))
    (action,) = call.receive(new, response(302, ("Contact", "<sip:a@192.0.2.1>")), 2.0)

    assert str(new.target.uri) == "sip:new@192.0.2.1"
    assert isinstance(action, Forward)
    assert action.response.fields.all("Contact") == ("<mailto:a@home.test>",)


def test_a_redirection_is_passed_on_if_it_is_not_ours_to_follow() -> None:
    """§16.5."""
    call = context(target("a"))
    (a,) = started(call.begin(0.0))

    assert said(call.receive(a, response(302, ("Contact", "<sip:new@192.0.2.1>")), 1.0)) == [302]


def test_a_malformed_redirection_is_passed_on() -> None:
    call = context(target("a"), recurse=True)
    (a,) = started(call.begin(0.0))

    assert said(call.receive(a, response(302, ("Contact", "<sip:")), 1.0)) == [302]


def test_redirections_do_not_go_on_for_ever() -> None:
    call = context(target("a"), recurse=True)
    (branch,) = started(call.begin(0.0))
    for number in itertools.count():
        actions = call.receive(branch, response(302, ("Contact", f"<sip:{number}@192.0.2.1>")), 1.0)
        if not started(actions):
            break
        (branch,) = started(actions)

    assert said(actions) == [302]
    assert number == MOST_TARGETS - 1


# Max-Breadth


def test_breadth_is_divided_and_used_again() -> None:
    """RFC 5393 §5.5: "a Max-Breadth of 4 and has 8 targets"."""
    call = context(*(target(str(number)) for number in range(8)), max_breadth=4)
    branches = started(call.begin(0.0))
    assert [branch.breadth for branch in branches] == [1, 1, 1, 1]

    (fifth,) = started(call.receive(branches[0], response(486), 1.0))

    assert fifth.breadth == 1


def test_breadth_is_shared_out_completely() -> None:
    """RFC 5393 §5.2: 60 for one, 30 for each of two."""
    assert [branch.breadth for branch in started(context(target("a")).begin(0.0))] == [60]
    assert [branch.breadth for branch in started(context(target("a"), target("b")).begin(0.0))] == [30, 30]
    assert [b.breadth for b in started(context(*map(target, "abc"), max_breadth=5).begin(0.0))] == [2, 2, 1]


# Time


def test_timer_c_cancels_what_rings() -> None:
    """§16.8: with a provisional response, CANCEL; its 487 or the transaction's failure ends it."""
    call = context(target("a"))
    (a,) = started(call.begin(0.0))
    call.receive(a, response(180), 10.0)
    assert call.next_deadline() == 10.0 + TIMER_C

    assert call.handle_timers(10.0 + TIMER_C) == [Cancel(a)]
    assert said(call.receive(a, response(487), 200.0)) == [487]


def test_timer_c_gives_up_what_is_silent() -> None:
    """§16.8: "MUST behave as if the transaction received a 408"."""
    call = context(target("a"))
    (a,) = started(call.begin(0.0))
    call.receive(a, response(100), 10.0)
    call.receive(a, response(100), 11.0)

    assert TIMER_C > 180
    assert call.handle_timers(TIMER_C) == [Cancel(a)]


def test_nothing_but_invite_has_timer_c() -> None:
    call = context(target("a"), method="OPTIONS")
    call.begin(0.0)

    assert call.next_deadline() is None


def test_the_next_group_begins_when_the_first_rang_long_enough() -> None:
    call = context(target("a"), target("b", 0.5), search_time=15.0)
    (a,) = started(call.begin(0.0))
    call.receive(a, response(180), 1.0)
    assert call.next_deadline() == 15.0

    assert call.handle_timers(15.0) == [Cancel(a)]
    assert users(call.receive(a, response(487), 15.1)) == ["b"]


def test_a_context_outlives_its_answer_for_late_2xx() -> None:
    call = context(target("a"))
    (a,) = started(call.begin(0.0))
    call.receive(a, response(486), 1.0)

    assert not call.is_over(1.0 + LINGER - 0.1)
    assert call.next_deadline() == 1.0 + LINGER
    assert call.is_over(1.0 + LINGER)


# CANCEL


def test_a_cancelled_call_ends_with_487() -> None:
    """§16.10; RFC 3665 §3.8 F17: with the phone's own 487, and its tag."""
    call = context(target("a"), target("b"), target("c", 0.5))
    a, b = started(call.begin(0.0))
    call.receive(a, response(486), 1.0)
    terminated = response(487)

    assert call.cancel(2.0) == [Cancel(b)]
    assert call.cancel(2.5) == []
    assert call.receive(b, terminated, 3.0) == [Forward(terminated)]


def test_a_cancelled_call_ends_with_487_whatever_its_phones_say() -> None:
    """§16.10: the caller is told what he did, not that somebody was busy meanwhile."""
    call = context(target("a"))
    (a,) = started(call.begin(0.0))
    call.cancel(1.0)

    assert call.receive(a, response(486), 1.1) == [Answer(487)]


def test_a_2xx_that_crossed_the_cancel_is_forwarded() -> None:
    call = context(target("a"))
    (a,) = started(call.begin(0.0))
    call.cancel(1.0)

    assert said(call.receive(a, response(200), 1.1)) == [200]


STEPS = st.one_of(
    st.tuples(st.integers(0, 30), st.sampled_from([100, 180, 200, 302, 401, 404, 486, 503, 600])),
    st.tuples(st.integers(0, 30), st.sampled_from(["timeout", "transport", "cancel", "timers"])),
)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([0.1, 0.5, 1.0])), min_size=1),
    st.lists(STEPS, max_size=40),
    st.sampled_from(["INVITE", "MESSAGE"]),
    st.integers(1, 4),
)
def test_whatever_comes_the_caller_gets_one_final_response(
    targets: list[tuple[str, float]], steps: list[tuple[int, int | str]], method: str, breadth: int
) -> None:
    """Steps 5 and 6: one response above 299 at most, none after a 2xx; for anything but INVITE only one in all.

    And never are there more branches than Max-Breadth allows.
    """
    call = context(*(target(*each) for each in targets), method=method, max_breadth=breadth, recurse=True)
    actions = call.begin(0.0)
    finals: list[int] = []

    def note(new: list[Action]) -> None:
        finals.extend(status for status in said(new) if status >= 200)
        assert sum(branch.breadth for branch in call.branches if not branch.ended) <= breadth

    note(actions)
    for now, (number, what) in enumerate(steps, start=1):
        branch = call.branches[number % len(call.branches)]
        if isinstance(what, int):
            note(call.receive(branch, response(what, ("Contact", f"<sip:{number}@192.0.2.2>")), float(now)))
        elif what == "cancel":
            note(call.cancel(float(now)))
        elif what == "timers":
            note(call.handle_timers(float(now)))
        elif not branch.ended:
            note(call.fail(branch, what, float(now)))  # type: ignore[arg-type]
    while pending := [branch for branch in call.branches if not branch.ended]:
        note(call.fail(pending[0], "timeout", 100.0))

    assert finals
    assert not any(status >= 300 for status in finals[1:])
    assert len(finals) == 1 or method == "INVITE"
