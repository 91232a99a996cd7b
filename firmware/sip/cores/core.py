"""What the transaction layer expects of its users: RFC 3261 §5's transaction user, §6's core.

An `Endpoint` owns an ordered list of cores. A new request is offered to each in turn until one takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ClientTransaction, ServerTransaction
    from firmware.sip.transport import Flow, Hop

Failure = Literal["timeout", "transport", "unresolved"]
"""Why a client transaction ended without a final response: Timer B/F (408), §18.4 (503), RFC 3263 found nothing."""


class TransactionUser(Protocol):
    """Receives what a client transaction yields."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """A response passed up: provisional, final, or (INVITE, RFC 6026 Accepted) each further 2xx."""
        ...

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """No final response will come."""
        ...


class Core(TransactionUser, Protocol):
    """A user agent, registrar, proxy or redirect server (RFC 3261 §6)."""

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """A new request other than ACK and CANCEL. True: taken, the core will respond. False: offer it to the next."""
        ...

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        """An ACK for a 2xx (it has no transaction). True: it was ours."""
        ...

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """A CANCEL for an INVITE this core took and has not answered; the layer has answered the CANCEL with 200."""
        ...

    def server_transaction_failed(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        """Our response could not be delivered, or Timer H fired without an ACK."""
        ...

    def hop_lost(self, hop: Hop, now: float) -> None:
        """Nothing arrives at this hop now, or the stream that we had opened to it has ended."""
        ...

    def stop(self, now: float) -> None:
        """Take leave: end what is under way, begin nothing new. `idle` tells when that is done."""
        ...

    @property
    def idle(self) -> bool:
        """True when there is nothing under way that leave must be taken of."""
        ...

    def handle_timers(self, now: float) -> None:
        """Do what is due."""
        ...

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted, monotonic seconds; None: never."""
        ...
