"""The server half of the transaction layer: RFC 3261 §9.2, §17.2, §18.2; RFC 6026, 4320, 3581."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

from firmware.sip.answered import ANY_HOST, Answered
from firmware.sip.construction import refusal
from firmware.sip.context import Context
from firmware.sip.cores.core import Core, Failure
from firmware.sip.fields import Fields
from firmware.sip.grammar import MalformedMessage
from firmware.sip.identifiers import new_tag
from firmware.sip.machines import Action, Event, State
from firmware.sip.matching import ANY_METHOD, ServerKey, acknowledges, has_unique_branch, server_key
from firmware.sip.message import MalformedRequest, Request, Response, response_to
from firmware.sip.next_hop import reply_path, with_source
from firmware.sip.transaction import ServerTransaction
from firmware.sip.transport import Flow, Hop

_TIMERS = {
    Action.START_G: Event.TIMER_G,
    Action.START_H: Event.TIMER_H,
    Action.START_I: Event.TIMER_I,
    Action.START_J: Event.TIMER_J,
    Action.START_L: Event.TIMER_L,
}


class ServerSide:
    """Server transactions, and the requests that have none."""

    def __init__(self, context: Context, cores: Sequence[Core]) -> None:
        self._context = context
        self._cores = cores
        self._transactions: dict[ServerKey, ServerTransaction] = {}
        self._cancellable: dict[ServerKey, ServerTransaction] = {}
        """The same, by what a CANCEL shares with the request it cancels."""
        self._by_hop: dict[tuple[str, str, int], dict[ServerTransaction, None]] = {}
        """Those that have sent something there since it was last known to fail."""
        self._of_host: Counter[str] = Counter()
        self._answered = Answered()
        self._numbers = count(1)
        self._secret = context.random.randbytes(16)
        self._in_hand: Fields | None = None
        """Of the request being taken."""
        self._handed_up: ServerTransaction | None = None
        """Its transaction, once it has one."""

    def __len__(self) -> int:
        """Return how many transactions there are."""
        return len(self._transactions)

    # Requests.

    def receive(self, request: Request, flow: Flow, now: float) -> None:
        """Take a request (§18.2.1, §17.2.3). Raises `MalformedMessage`: then call `refuse`."""
        request = with_source(request, flow)
        if request.method == "ACK":
            self._receive_ack(request, flow, now)
            return
        self._in_hand = request.fields
        known = self._transactions.get(server_key(request))
        if known is not None:
            self._step(known, Event.REQUEST, now)
        else:
            self._receive_new(request, flow, now)
        self._in_hand = self._handed_up = None

    def _receive_new(self, request: Request, flow: Flow, now: float) -> None:
        request.check()
        if not self._has_room(flow.remote[0], now):
            self._context.counters.overload += 1
            # §26.3.2.4: what floods us is refused without keeping state.
            self._refuse(request.fields, flow, 503, "Overloaded")
            return
        transaction = self._handed_up = self._begin(request, flow, now)
        if request.method == "CANCEL":
            self._receive_cancel(transaction, now)
        else:
            self._offer(transaction, now)

    def _has_room(self, host: str, now: float) -> bool:
        """Whether one more from this host may be kept; what is only kept in case it comes again makes room."""
        limits = self._context.limits
        return (self._of_host[host] < limits.transactions_per_host or self._forget_oldest(host, now)) and (
            len(self._transactions) < limits.transactions or self._forget_oldest(ANY_HOST, now)
        )

    def _forget_oldest(self, host: str, now: float) -> bool:
        oldest = self._answered.oldest(host, now - self._context.timers.t2)
        if oldest is not None:
            self._step(oldest, Event.TIMER_J, now)
        return oldest is not None

    def _begin(self, request: Request, flow: Flow, now: float) -> ServerTransaction:
        key = server_key(request)
        to_tag = request.to.tag or new_tag(self._context.random)
        path = reply_path(request.via, flow)
        transaction = ServerTransaction(next(self._numbers), request, flow, path, key, to_tag, now)
        self._transactions[key] = transaction
        self._of_host[flow.remote[0]] += 1
        if request.method != "CANCEL":
            self._cancellable[_cancel_key(key)] = transaction
        timers = self._context.timers
        if request.method == "INVITE":
            self._context.agenda.set((transaction, Event.TIMER_TRYING), now + timers.trying)
        else:
            self._context.agenda.set((transaction, Event.TIMER_TRYING), now + timers.late_trying)
            self._context.agenda.set((transaction, Event.TIMER_EXPIRY), now + timers.timeout)
        return transaction

    def _offer(self, transaction: ServerTransaction, now: float) -> None:
        """Pass a new request up: to the first core that takes it."""
        request = transaction.request
        for core in self._cores:
            transaction.core = core
            if core.request_received(transaction, request, now):
                break
        else:
            transaction.core = None
            # §12.2.2: a To tag of no dialog is 481; §8.2.2.1: a Request-URI nobody answers to is 404.
            self.reply(transaction, 404 if request.to.tag is None else 481, now)

    def _receive_cancel(self, transaction: ServerTransaction, now: float) -> None:
        """§9.2."""
        target = self._cancellable.get(_cancel_key(transaction.key))
        if target is None:
            self.reply(transaction, 481, now)
            return
        # "the To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be
        # the same."
        transaction.to_tag = target.to_tag
        self.reply(transaction, 200, now)
        if target.method == "INVITE" and not target.answered and target.core is not None:
            target.core.cancelled(target, transaction.request, now)

    def _receive_ack(self, request: Request, flow: Flow, now: float) -> None:
        transaction = self._transactions.get(server_key(request, "INVITE"))
        if transaction is not None and (has_unique_branch(request.via) or acknowledges(request, transaction.response)):
            ours = Action.PASS_ACK not in self._step(transaction, Event.ACK, now)
        else:
            ours = False
        if ours:
            return
        request.check()
        if not any(core.ack_received(request, flow, now) for core in self._cores):
            self._context.counters.stray += 1

    # Malformed requests.

    def refuse(self, error: MalformedMessage, flow: Flow, now: float) -> None:
        """Answer the request that raised `error`, in its transaction if it has one; an ACK or a response is dropped."""
        transaction, self._handed_up = self._handed_up, None
        fields, self._in_hand = self._in_hand or (error.fields if isinstance(error, MalformedRequest) else None), None
        if transaction is not None:
            if not transaction.answered:
                self.reply(transaction, error.status, now, error.reason)
        elif fields is not None:
            self._refuse(fields, flow, error.status, error.reason)

    def _refuse(self, fields: Fields, flow: Flow, status: int, reason: str) -> None:
        response = refusal(fields, flow, status, reason, self._secret)
        self._context.send(bytes(response), reply_path(response.via, flow))

    # Responses.

    def respond(self, transaction: ServerTransaction, response: Response, now: float, forwarded: bool) -> None:
        """§17.2: the core gives a response to send; what the state or RFC 4320 forbids is dropped."""
        if _forbidden(transaction, response.status, now, self._context.timers.late_trying):
            return
        event = _event(response.status)
        if Action.SEND_RESPONSE not in transaction.machine.step(transaction.state, event)[1]:
            return
        self._context.agenda.cancel((transaction, Event.TIMER_TRYING))
        if response is not transaction.response:
            transaction.response, transaction.data = response, self._written(response, forwarded)
        self._step(transaction, event, now)

    def reply(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str | None = None,
        fields: Sequence[tuple[str, object]] = (),
        body: bytes = b"",
    ) -> Response:
        """Respond with a response made by §8.2.6."""
        response = response_to(
            transaction.request, status, reason, to_tag=transaction.to_tag, fields=tuple(fields), body=body
        )
        self.respond(transaction, response, now, forwarded=False)
        return response

    def _written(self, response: Response, forwarded: bool) -> bytes:
        name = self._context.user_agent
        if not forwarded and name and "Server" not in response.fields:
            response = response.with_("Server", name)
        return bytes(response)

    # What happens.

    def delivery_failed(self, hop: Hop, now: float) -> None:
        """§17.2.4: told to whoever has sent something there since the last failure, not to all again and again."""
        for transaction in self._by_hop.pop((hop.transport, hop.host, hop.port), ()):
            self._step(transaction, Event.TRANSPORT_ERROR, now)

    def due(self, transaction: ServerTransaction, timer: Event, now: float) -> None:
        """A timer of §17.2 fired."""
        self._step(transaction, timer, now)

    def _step(self, transaction: ServerTransaction, event: Event, now: float) -> tuple[Action, ...]:
        before = transaction.state
        actions = transaction.step(event)
        if transaction.state is not before:
            self._leave(transaction, before)
        for action in actions:
            if action is Action.SEND_RESPONSE:
                self._send(transaction, now, again=event in _RETRANSMITTING)
            elif action is Action.SEND_TRYING:
                self._send_trying(transaction)
            elif action is Action.RESET_G:
                self._repeat(transaction, self._context.timers.backed_off(transaction.interval), now)
            elif action is Action.REPORT_TIMEOUT:
                self._report(transaction, "timeout", now)
            elif action is Action.REPORT_TRANSPORT:
                self._report(transaction, "transport", now)
            elif action is not Action.PASS_ACK:
                self._start(transaction, _TIMERS[action], now)
        return actions

    def _leave(self, transaction: ServerTransaction, before: State) -> None:
        """Stop the timers that the new state does not have; forget the transaction when it is over."""
        timers = transaction.machine.timers
        for timer in timers[before] - timers[transaction.state]:
            self._context.agenda.cancel((transaction, timer))
        if transaction.state is not State.TERMINATED:
            return
        del self._transactions[transaction.key]
        self._answered.remove(transaction)
        host = transaction.flow.remote[0]
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
        if transaction.method != "CANCEL" and self._cancellable.get(_cancel_key(transaction.key)) is transaction:
            del self._cancellable[_cancel_key(transaction.key)]
        neighbours = self._by_hop.get(transaction.path.key, {})
        neighbours.pop(transaction, None)
        if not neighbours:
            self._by_hop.pop(transaction.path.key, None)

    def _send(self, transaction: ServerTransaction, now: float, again: bool) -> None:
        if not transaction.data:
            return  # the INVITE came again before there was any provisional response
        if transaction.state is State.COMPLETED and transaction.method != "INVITE":
            self._answered.put(transaction, now)
        if again:
            self._context.counters.retransmissions += 1
        self._put(transaction)

    def _send_trying(self, transaction: ServerTransaction) -> None:
        transaction.response = response_to(transaction.request, 100)
        transaction.data = self._written(transaction.response, forwarded=True)
        self._put(transaction)

    def _put(self, transaction: ServerTransaction) -> None:
        self._by_hop.setdefault(transaction.path.key, {})[transaction] = None
        self._context.send(transaction.data, transaction.path)

    def _start(self, transaction: ServerTransaction, timer: Event, now: float) -> None:
        timers = self._context.timers
        reliable = transaction.path.reliable
        if timer is Event.TIMER_G:
            if not reliable:
                self._repeat(transaction, timers.t1, now)
            return
        if reliable and timer in (Event.TIMER_I, Event.TIMER_J):
            self._step(transaction, timer, now)  # "zero seconds for reliable transports"
            return
        delay = timers.t4 if timer is Event.TIMER_I else timers.timeout
        self._context.agenda.set((transaction, timer), now + delay)

    def _repeat(self, transaction: ServerTransaction, interval: float, now: float) -> None:
        transaction.interval = interval
        self._context.agenda.set((transaction, Event.TIMER_G), now + interval)

    def _report(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        if failure == "timeout":
            self._context.counters.timeouts += 1
        else:
            self._context.counters.transport_failures += 1
        if transaction.core is not None:
            transaction.core.server_transaction_failed(transaction, failure, now)


_RETRANSMITTING = (Event.REQUEST, Event.TIMER_G)


def _cancel_key(key: ServerKey) -> ServerKey:
    return (*key[:-1], ANY_METHOD)


def _event(status: int) -> Event:
    if status < 200:
        return Event.PROVISIONAL
    return Event.SUCCESS if status < 300 else Event.FAILURE


def _forbidden(transaction: ServerTransaction, status: int, now: float, late: float) -> bool:
    """RFC 4320 §4.1, §4.2: to anything but INVITE no 408, no 1xx but 100, and that late over a datagram."""
    if transaction.method == "INVITE":
        return False
    if status == 100:
        return not transaction.path.reliable and now < transaction.started + late
    return status < 200 or status == 408
