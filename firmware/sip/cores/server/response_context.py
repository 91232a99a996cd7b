"""The response context of a forked request: RFC 3261 §16.7, §16.8, §16.10; RFC 5393 §5 (Max-Breadth).

```
  begin ──> Start, Start ...            one group of equal q at a time, highest first
  receive 1xx ──> Forward               2xx ──> Forward, Cancel the others
  receive 3xx-5xx, fail ──> kept; the next group; when nothing is left, the best of them
  receive 6xx ──> Cancel the others, start nothing more; when all have ended, Forward it
```

It decides and keeps the time; `Proxy` does what the actions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from firmware.sip.cores.server.forwarding import Target, redirect_targets
from firmware.sip.message import Request, Response

if TYPE_CHECKING:
    from firmware.sip.cores.core import Failure

MAX_BREADTH = 60
"""RFC 5393 §5.3.3's recommendation, for requests that state none and as the most we accept."""
TIMER_C = 181.0
"""§16.6 step 11: "The timer MUST be larger than 3 minutes"."""
ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""RFC 3326 §3.1: the Reason in a CANCEL for those who did not answer first."""
MOST_TARGETS = 20
"""Tried for one request, those learnt from redirections included."""
LINGER = 64.0
"""Seconds for which a context outlives its last final response, for 2xx from forks further down."""

_FAILED: dict[Failure, int] = {"timeout": 408, "transport": 503, "unresolved": 503}
_INFORMATIVE = (401, 407, 415, 420, 484)
"""§16.7 step 6: "preference to responses that provide information affecting resubmission"."""
_UNINFORMATIVE = (404, 408, 480, 487)


@dataclass(slots=True, eq=False)
class Branch:
    """One target being tried: a pending client transaction."""

    target: Target
    breadth: int
    """Its share of Max-Breadth."""
    timer_c: float | None
    """When it has taken too long, monotonic seconds; None for what is no INVITE."""
    provisional: bool = False
    ended: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Forward the request to the branch's target in a client transaction."""

    branch: Branch


@dataclass(frozen=True, slots=True)
class Forward:
    """Give this response, without our Via, to the server transaction."""

    response: Response


@dataclass(frozen=True, slots=True)
class Answer:
    """Give a final response of our own to the server transaction."""

    status: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the branch's client transaction."""

    branch: Branch
    reason: str | None = None
    """Value of the CANCEL's Reason header (RFC 3326): a phone that knows it was answered elsewhere missed no call."""


Action = Start | Forward | Answer | Cancel
Final = Response | int
"""A final response that came, or the status code of one that stands for a failure."""


def status_of(final: Final) -> int:
    """Return the status code of a final response, or of what stands for one."""
    return final if isinstance(final, int) else final.status


def best_response(finals: Sequence[Final]) -> Final:
    """Choose the final response to forward (§16.7 step 6); 408 if there is none."""
    if not finals:
        return 408
    return min(finals, key=lambda final: _rank(status_of(final)))


def _rank(status: int) -> tuple[int, int]:
    # "It MUST choose from the 6xx class responses if any exist"; otherwise "from the lowest response class".
    if status >= 600:
        return (0, 0)
    if status in _INFORMATIVE:
        return (status // 100, 0)
    # A 503 says nothing of the callee; nor do these of somebody who is reached elsewhere.
    return (status // 100, 2 if status in (*_UNINFORMATIVE, 503) else 1)


def with_all_challenges(chosen: Response, finals: Sequence[Final]) -> Response:
    """Add the challenges of the other 401 and 407 responses to a chosen one (§16.7 step 7)."""
    others = [final for final in finals if isinstance(final, Response) and final is not chosen]
    for other in others:
        if other.status in (401, 407):
            for name in ("WWW-Authenticate", "Proxy-Authenticate"):
                for challenge in other.fields.all(name):
                    chosen = chosen.append(name, challenge)
    return chosen


@dataclass(slots=True, eq=False)
class ResponseContext:
    """What a stateful proxy remembers of one request it forwards. Responses come without our Via."""

    request: Request
    """As routed (§16.4), before any forwarding step."""
    targets: Sequence[Target]
    """Where to try, each once."""
    recurse: bool = False
    """Whether to follow redirections (§16.7 step 4): only if the Request-URI was ours to interpret."""
    max_breadth: int = MAX_BREADTH
    """The request's own, or ours."""
    search_time: float = 20.0
    """Seconds for one group to be answered while there is another to try."""
    branches: list[Branch] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    answered: bool = False
    """True once a final response was forwarded."""
    _waiting: list[Target] = field(default_factory=list)
    _stopped: bool = False
    _cancelled: bool = False
    _group_until: float | None = None
    _over_at: float | None = None

    def begin(self, now: float) -> list[Action]:
        """Start with the preferred targets."""
        for target in self.targets:
            self._add(target)
        return self._proceed(now)

    def receive(self, branch: Branch, response: Response, now: float) -> list[Action]:
        """Take a response to a branch (§16.7 steps 2 to 6 and 10)."""
        if response.status < 200:
            return self._provisional(branch, response, now)
        branch.ended = True
        if response.status < 300:
            return self._success(response, now)
        return self._failure(branch, response, now)

    def fail(self, branch: Branch, failure: Failure, now: float) -> list[Action]:
        """Take that a branch will not be answered: 408, or 503 for what could not be sent (§16.6 step 7, §16.9)."""
        return self._failure(branch, _FAILED[failure], now)

    def cancel(self, now: float, reason: str | None = None) -> list[Action]:
        """The caller cancelled (§16.10), with this Reason header."""
        self._stopped = self._cancelled = True
        return [*self._cancel_pending(reason), *self._proceed(now)]

    def abandon(self, now: float, status: int) -> list[Action]:
        """The proxy ends: no phone goes on ringing for it, and the caller learns it by this status."""
        unanswered = self.request.method == "INVITE" and not self.answered
        self._stopped = True
        self.answered = self.answered or unanswered
        actions = self._cancel_pending()
        return [*([Answer(status)] if unanswered else []), *actions, *self._proceed(now)]

    @property
    def settled(self) -> bool:
        """Whether the caller has a final response and no branch awaits one; always so for anything but INVITE."""
        return self.request.method != "INVITE" or (self.answered and not self._pending())

    def handle_timers(self, now: float) -> list[Action]:
        """Do what Timer C (§16.8) and the search demand."""
        actions: list[Action] = []
        for branch in self._pending():
            if branch.timer_c is not None and branch.timer_c <= now:
                actions += self._timer_c(branch, now)
        if self._group_until is not None and self._group_until <= now:
            self._group_until = None
            actions += self._cancel_pending()
        return actions

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted, or when the context is over."""
        times = [branch.timer_c for branch in self._pending()]
        return min((at for at in (*times, self._group_until, self._over_at) if at is not None), default=None)

    def is_over(self, now: float) -> bool:
        """Whether nothing can come any more that this context is needed for."""
        return self._over_at is not None and self._over_at <= now

    def _pending(self) -> list[Branch]:
        return [branch for branch in self.branches if not branch.ended]

    def _provisional(self, branch: Branch, response: Response, now: float) -> list[Action]:
        branch.provisional = True
        if response.status == 100 or branch.ended:
            return []
        if branch.timer_c is not None:
            branch.timer_c = now + TIMER_C
        # RFC 4320 §4.1: to anything but INVITE no provisional response other than 100 is sent.
        return [] if self.answered or self.request.method != "INVITE" else [Forward(response)]

    def _success(self, response: Response, now: float) -> list[Action]:
        if self.answered and self.request.method != "INVITE":
            return self._proceed(now)
        self.answered = self._stopped = True
        return [Forward(response), *self._cancel_pending(ELSEWHERE), *self._proceed(now)]

    def _failure(self, branch: Branch, final: Final, now: float) -> list[Action]:
        branch.ended = True
        if self.answered:
            return self._proceed(now)
        kept = self._follow(final) if isinstance(final, Response) and final.status < 400 else final
        if kept is not None:
            self.finals.append(kept)
        actions: list[Action] = []
        if status_of(final) >= 600:
            self._stopped = True
            actions = self._cancel_pending(f"SIP;cause={status_of(final)}")
        return [*actions, *self._proceed(now)]

    def _follow(self, redirection: Response) -> Response | None:
        """§16.7 step 4: what is left of a 3xx once the contacts that we try ourselves are removed; None: nothing."""
        if not self.recurse or self._stopped:
            return redirection
        found, others = redirect_targets(redirection, self.request)
        added = [target for target in found if self._add(target)]
        if not added:
            return redirection
        return redirection.with_("Contact", *others) if others else None

    def _add(self, target: Target) -> bool:
        """§16.5: "any given URI MUST NOT be added to the set more than once"."""
        known = [*(branch.target for branch in self.branches), *self._waiting]
        if len(known) >= MOST_TARGETS or any(target.is_same_as(other) for other in known):
            return False
        self._waiting.append(target)
        return True

    def _proceed(self, now: float) -> list[Action]:
        if self._stopped:
            self._waiting.clear()
        started = self._start_next(now)
        if started or self._pending():
            return started
        if self._over_at is None:
            self._over_at = now + LINGER if self.request.method == "INVITE" else now
        return [] if self.answered else [self._conclude()]

    def _start_next(self, now: float) -> list[Action]:
        """Start what the best q among the waiting and Max-Breadth allow."""
        pending = self._pending()
        if not self._waiting:
            return []
        best = max(target.q for target in self._waiting)
        if pending and best < min(branch.target.q for branch in pending):
            return []
        group = [target for target in self._waiting if target.q == best]
        room = self.max_breadth - sum(branch.breadth for branch in pending)
        chosen = group[: max(room, 0)]
        for target in chosen:
            self._waiting.remove(target)
        self._group_until = now + self.search_time if self._waiting else None
        timer_c = now + TIMER_C if self.request.method == "INVITE" else None
        started = [Branch(target, share, timer_c) for target, share in zip(chosen, _shares(room, chosen), strict=True)]
        self.branches += started
        return [Start(branch) for branch in started]

    def _conclude(self) -> Action:
        """§16.7 step 6: nothing is pending, nobody said 2xx."""
        self.answered = True
        best = best_response(self.finals)
        if self._cancelled and status_of(best) < 600:
            # RFC 3665 §3.8 F17: a phone's own 487 goes back, before what others said of the call meanwhile.
            return next((Forward(final) for final in self.finals if _is_terminated(final)), Answer(487))
        if isinstance(best, Response) and best.status in (401, 407):
            best = with_all_challenges(best, self.finals)
        # §16.7 step 6: "If the only response that was received is a 503, the proxy SHOULD generate a 500".
        if status_of(best) == 503:
            return Answer(500)
        return Forward(best) if isinstance(best, Response) else Answer(best)

    def _cancel_pending(self, reason: str | None = None) -> list[Action]:
        """§16.7 step 10. The transaction layer sends the CANCEL once a provisional response came."""
        if self.request.method != "INVITE":
            return []
        actions: list[Action] = []
        for branch in self._pending():
            if not branch.cancelled:
                branch.cancelled = True
                actions.append(Cancel(branch, reason))
        return actions

    def _timer_c(self, branch: Branch, now: float) -> list[Action]:
        branch.timer_c = None
        actions: list[Action] = [] if branch.cancelled else [Cancel(branch)]
        branch.cancelled = True
        # §16.8: without a provisional response "the proxy MUST behave as if the transaction received a 408".
        return actions if branch.provisional else [*actions, *self._failure(branch, 408, now)]


def _is_terminated(final: Final) -> TypeGuard[Response]:
    return isinstance(final, Response) and final.status == 487


def _shares(room: int, targets: Sequence[Target]) -> list[int]:
    """Divide Max-Breadth among branches started together (RFC 5393 §5.3.3)."""
    return [room // len(targets) + (index < room % len(targets)) for index in range(len(targets))]
