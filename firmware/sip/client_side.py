"""The client half of the transaction layer: RFC 3261 §9.1, §17.1, §18.1; RFC 6026; failover of RFC 3263 §4.3."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from firmware.sip.address import Contact
from firmware.sip.construction import ack_for, cancel_for, on_path
from firmware.sip.context import Context
from firmware.sip.cores.core import Failure, TransactionUser
from firmware.sip.locating import is_numeric
from firmware.sip.machines import Action, Event, State
from firmware.sip.matching import ClientKey, response_key
from firmware.sip.message import Request, Response
from firmware.sip.next_hop import DATAGRAM_LIMIT, Path, numeric_hop, target_of
from firmware.sip.transaction import Attempt, ClientTransaction
from firmware.sip.transport import Flow, Hop, HopAnswered, HopSilent, Locate
from firmware.sip.uri import SipUri

_TIMERS = {Action.START_D: Event.TIMER_D, Action.START_K: Event.TIMER_K, Action.START_M: Event.TIMER_M}
_UNANSWERED = (State.CALLING, State.TRYING)
_MOST_SILENT = 64
"""Hops whose return to life is noticed."""


class ClientSide:
    """Client transactions, the hops they go to, and requests sent without one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._attempts: dict[ClientKey, Attempt] = {}
        self._by_hop: dict[tuple[str, str, int], dict[Attempt, None]] = {}
        self._waiting: dict[int, ClientTransaction | Request] = {}
        """What each query of `Locate` is for."""
        self._silent: dict[Hop, None] = {}
        """Those told to be, the latest last."""
        self._numbers = count(1)

    def __len__(self) -> int:
        """Return how many attempts and queries are under way."""
        return len(self._attempts) + len(self._waiting)

    # Sending.

    def send(
        self,
        request: Request,
        user: TransactionUser,
        now: float,
        hop: Hop | Flow | SipUri | None,
        contact: Contact | None,
        branch_suffix: str,
    ) -> ClientTransaction:
        """Begin a client transaction; what fails at once is put on the agenda."""
        transaction = ClientTransaction(next(self._numbers), request, user, contact, branch_suffix)
        if len(self) >= self._context.limits.transactions:
            self._context.counters.overload += 1
            self._fail_soon(transaction, "transport", now)
            return transaction
        paths = self._paths(request, hop)
        if paths is None:
            self._locate(transaction, request, now, hop if isinstance(hop, SipUri) else None)
        elif paths:
            transaction.hops = paths
            self._try_next(transaction, now)
        else:
            self._fail_soon(transaction, "transport" if isinstance(hop, (Hop, Flow)) else "unresolved", now)
        return transaction

    def send_stateless(self, request: Request, now: float, hop: Hop | Flow | SipUri | None) -> None:
        """Send once with a branch of its own (ACK to a 2xx: §13.2.2.4, §17.1.1.3); what cannot be sent is dropped."""
        paths = self._paths(request, hop)
        if paths is None and len(self) < self._context.limits.transactions:
            self._locate(request, request, now, hop if isinstance(hop, SipUri) else None)
        elif paths:
            self._send_once(request, paths[0])

    def _paths(self, request: Request, hop: Hop | Flow | SipUri | None) -> list[Path] | None:
        """Return the paths without a look-up: none if there is no way, None if a name must be located first."""
        addresses = self._context.addresses
        if hop is None or isinstance(hop, SipUri):
            target = target_of(request, hop)
            if target is None:
                return []
            if not is_numeric(target.host):
                return None
            hop = numeric_hop(target, addresses.transports_to(target.host))
        path = None if hop is None else addresses.path(hop)
        return [] if path is None else [path]

    def _locate(
        self, waiting: ClientTransaction | Request, request: Request, now: float, towards: SipUri | None = None
    ) -> None:
        target = target_of(request, towards)
        if target is None:
            return
        query = next(self._numbers)
        self._waiting[query] = waiting
        self._context.agenda.set(("locate", query), now + self._context.timers.timeout)
        self._context.outputs.append(Locate(query, target.host, target.port, target.transport, target.secure))

    def located(self, query: int, hops: Sequence[Hop], now: float) -> None:
        """Go on with what waited for `query`."""
        waiting = self._waiting.pop(query, None)
        if waiting is None:
            return
        self._context.agenda.cancel(("locate", query))
        paths = [path for path in map(self._context.addresses.path, hops) if path is not None]
        if isinstance(waiting, Request):
            if paths:
                self._send_once(waiting, paths[0])
        elif not waiting.finished and not waiting.cancelled:
            waiting.hops, waiting.located = paths, True
            self._try_next(waiting, now, "unresolved")

    def _send_once(self, request: Request, path: Path) -> None:
        prepared = self._prepare(request, path)
        self._context.send(prepared[1], prepared[2])

    def _prepare(
        self, request: Request, path: Path, contact: Contact | None = None, suffix: str = ""
    ) -> tuple[Request, bytes, Path]:
        """Return the request with its Via, its bytes, and the path, which is a stream's if its size demands."""
        context = self._context
        prepared = on_path(request, path, context.random, context.user_agent, contact, suffix)
        data = bytes(prepared)
        if path.hop.transport == "UDP" and len(data) > DATAGRAM_LIMIT and not path.spare:
            stream = context.addresses.path(Hop("TCP", path.hop.host, path.hop.port))
            if stream is not None:
                # §18.1.1: "If this causes a change in the transport protocol [...], the value in the top Via MUST be
                # changed."
                prepared = on_path(request, stream, context.random, context.user_agent, contact, suffix)
                return prepared, bytes(prepared), stream
        return prepared, data, path

    def _try_next(self, transaction: ClientTransaction, now: float, failure: Failure = "transport") -> None:
        if not transaction.hops:
            self._fail(transaction, failure, now)
            return
        path = transaction.hops.pop(0)
        request, data, chosen = self._prepare(
            transaction.original, path, transaction.contact, transaction.branch_suffix
        )
        if chosen is not path:
            transaction.hops.insert(0, Path(path.hop, path.local, path.sent_by, spare=True))
        self._begin(Attempt(request, data, chosen, transaction), now)

    def _begin(self, attempt: Attempt, now: float) -> None:
        timers = self._context.timers
        attempt.owner.attempt = attempt
        self._attempts[attempt.key] = attempt
        self._by_hop.setdefault(attempt.path.key, {})[attempt] = None
        self._context.send(attempt.data, attempt.path)
        invite = attempt.request.method == "INVITE"
        if not attempt.path.reliable:
            self._repeat(attempt, Event.TIMER_A if invite else Event.TIMER_E, timers.t1, now)
        elsewhere = invite and any(not path.spare for path in attempt.owner.hops)
        patience = timers.failover if elsewhere else timers.timeout
        self._context.agenda.set((attempt, Event.TIMER_B if invite else Event.TIMER_F), now + patience)

    def _repeat(self, attempt: Attempt, timer: Event, interval: float, now: float) -> None:
        attempt.interval = interval
        self._context.agenda.set((attempt, timer), now + interval)

    # Cancelling.

    def cancel(self, transaction: ClientTransaction, now: float, reason: str | None) -> None:
        """§9.1: send CANCEL, now or with the first provisional response."""
        if transaction.method != "INVITE" or transaction.cancelled or transaction.finished:
            return
        transaction.cancelled = True
        transaction.cancel_reason = reason
        transaction.hops = []
        if transaction.state is State.LOCATING:
            self._fail_soon(transaction, "unresolved", now)
        elif transaction.state is State.PROCEEDING:
            self._send_cancel(transaction, now)

    def _send_cancel(self, transaction: ClientTransaction, now: float) -> None:
        invite = transaction.attempt
        assert invite is not None
        request = cancel_for(invite.request, transaction.cancel_reason)
        # "The destination address, port, and transport for the CANCEL MUST be identical".
        nobody = ClientTransaction(next(self._numbers), request, None)
        self._begin(Attempt(request, bytes(request), invite.path, nobody), now)
        # "If there is no final response for the original request in 64*T1 seconds, the client SHOULD then consider
        # the original transaction cancelled and SHOULD destroy the client transaction".
        self._context.agenda.set((transaction, "timeout"), now + self._context.timers.timeout)

    # What happens.

    def receive(self, response: Response, now: float) -> bool:
        """Take a response; False if it belongs to no transaction (§17.1.3). Raises `MalformedMessage`."""
        attempt = self._attempts.get(response_key(response))
        # §18.1.2: a sent-by that is not what we put there means that the response is not ours.
        if attempt is None or response.via.sent_by != attempt.request.via.sent_by:
            return False
        _ = (response.from_, response.to, response.call_id)  # unreadable ones are as good as lost
        if attempt.path.hop in self._silent:
            del self._silent[attempt.path.hop]
            self._context.outputs.append(HopAnswered(attempt.path.hop))
        self._step(attempt, _event(response.status), now, response)
        return True

    def delivery_failed(self, hop: Hop, now: float) -> None:
        """§17.1.4, §18.4."""
        for attempt in list(self._by_hop.get((hop.transport, hop.host, hop.port), ())):
            self._step(attempt, Event.TRANSPORT_ERROR, now)

    def attempt_due(self, attempt: Attempt, timer: Event, now: float) -> None:
        """A timer of §17.1 fired."""
        self._step(attempt, timer, now)

    def transaction_due(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """A failure that was found while the user could not be told, or a final response that never came."""
        attempt = transaction.attempt
        if attempt is not None and not transaction.finished and attempt.state in (*_UNANSWERED, State.PROCEEDING):
            before, attempt.state = attempt.state, State.TERMINATED
            self._leave(attempt, before)
        self._fail(transaction, failure, now)

    def query_due(self, query: int, now: float) -> None:
        """Nobody answered a `Locate`."""
        self.located(query, (), now)

    def _step(self, attempt: Attempt, event: Event, now: float, response: Response | None = None) -> None:
        before = attempt.state
        actions = attempt.step(event)
        if attempt.state is not before:
            self._leave(attempt, before)
        for action in actions:
            if action is Action.PASS_RESPONSE:
                assert response is not None
                self._pass(attempt, response, now)
            elif action is Action.SEND_ACK:
                assert response is not None
                self._acknowledge(attempt, response)
            elif action in _TIMERS:
                self._start(attempt, _TIMERS[action], now)
            elif action in (Action.REPORT_TIMEOUT, Action.REPORT_TRANSPORT):
                self._report(attempt, action, before in _UNANSWERED, now)
            else:
                self._resend(attempt, action, now)

    def _leave(self, attempt: Attempt, before: State) -> None:
        """Stop the timers that the new state does not have; forget the attempt when it is over."""
        timers = attempt.machine.timers
        for timer in timers[before] - timers[attempt.state]:
            self._context.agenda.cancel((attempt, timer))
        if attempt.state is not State.TERMINATED:
            return
        del self._attempts[attempt.key]
        neighbours = self._by_hop[attempt.path.key]
        del neighbours[attempt]
        if not neighbours:
            del self._by_hop[attempt.path.key]

    def _resend(self, attempt: Attempt, action: Action, now: float) -> None:
        timers = self._context.timers
        if action is Action.SEND_REQUEST:
            self._context.counters.retransmissions += 1
            self._context.send(attempt.data, attempt.path)
        elif action is Action.RESET_A:
            self._repeat(attempt, Event.TIMER_A, 2 * attempt.interval, now)
        elif action is Action.RESET_E:
            self._repeat(attempt, Event.TIMER_E, timers.backed_off(attempt.interval), now)
        elif action is Action.RESET_E_T2:
            self._repeat(attempt, Event.TIMER_E, timers.t2, now)

    def _start(self, attempt: Attempt, timer: Event, now: float) -> None:
        timers = self._context.timers
        if timer is Event.TIMER_M:
            delay = timers.timeout
        elif attempt.path.reliable:
            self._step(attempt, timer, now)  # "a value of zero seconds for reliable transports"
            return
        else:
            delay = timers.timer_d if timer is Event.TIMER_D else timers.t4
        self._context.agenda.set((attempt, timer), now + delay)

    def _acknowledge(self, attempt: Attempt, response: Response) -> None:
        if attempt.ack is None:
            attempt.ack = bytes(ack_for(attempt.request, response))
        else:
            self._context.counters.retransmissions += 1
        self._context.send(attempt.ack, attempt.path)

    def _pass(self, attempt: Attempt, response: Response, now: float) -> None:
        transaction = attempt.owner
        if transaction.attempt is not attempt or transaction.user is None:
            return
        if response.status < 200:
            self._pass_provisional(transaction, response, now)
        elif response.status == 503 and self._go_elsewhere(transaction, now):
            pass  # RFC 3263 §4.3: 503 counts as a failure of that hop
        else:
            self._pass_final(transaction, transaction.user, response, now)

    def _pass_provisional(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        waiting = transaction.cancelled and (transaction, "timeout") not in self._context.agenda
        if waiting:
            self._send_cancel(transaction, now)
        assert transaction.user is not None
        transaction.user.response_received(transaction, response, now)

    def _pass_final(
        self, transaction: ClientTransaction, user: TransactionUser, response: Response, now: float
    ) -> None:
        # Should the user find the response malformed, it counts as lost: the failure stays on the agenda.
        if not transaction.finished:
            self._context.agenda.set((transaction, "timeout"), now + self._context.timers.timeout)
        user.response_received(transaction, response, now)
        transaction.finished = True
        self._context.agenda.cancel((transaction, "timeout"))

    def _report(self, attempt: Attempt, action: Action, unanswered: bool, now: float) -> None:
        transaction = attempt.owner
        timed_out = action is Action.REPORT_TIMEOUT
        if timed_out:
            self._context.counters.timeouts += 1
        else:
            self._context.counters.transport_failures += 1
        if unanswered and transaction.located:
            self._tell_silent(attempt, timed_out)
        if transaction.attempt is not attempt or transaction.finished:
            return
        if timed_out and not (unanswered and self._go_elsewhere(transaction, now)):
            self._fail(transaction, "timeout", now)
        elif not timed_out:
            self._try_next(transaction, now)

    def _tell_silent(self, attempt: Attempt, timed_out: bool) -> None:
        """The next request need not wait for this hop too. A size that made it a stream says nothing of datagrams."""
        spares = [path.hop for path in attempt.owner.hops if path.spare] if timed_out else []
        for hop in (attempt.path.hop, *spares):
            self._silent.pop(hop, None)
            self._silent[hop] = None
            self._context.outputs.append(HopSilent(hop))
        while len(self._silent) > _MOST_SILENT:
            del self._silent[next(iter(self._silent))]

    def _go_elsewhere(self, transaction: ClientTransaction, now: float) -> bool:
        """Try the next host, if there is one. The same host by UDP is none: it answered, or does not listen."""
        transaction.hops = [path for path in transaction.hops if not path.spare]
        if not transaction.hops or transaction.finished:
            return False
        self._try_next(transaction, now)
        return True

    def _fail_soon(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        self._context.agenda.set((transaction, failure), now)

    def _fail(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        self._context.agenda.cancel((transaction, "timeout"))
        if transaction.finished:
            return
        transaction.finished = True
        if transaction.user is not None:
            transaction.user.transaction_failed(transaction, failure, now)


def _event(status: int) -> Event:
    if status < 200:
        return Event.PROVISIONAL
    return Event.SUCCESS if status < 300 else Event.FAILURE
