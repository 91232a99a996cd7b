"""What the cores that only answer have in common: they send no request, so nothing comes back to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from firmware.sip.message import Request, Response

if TYPE_CHECKING:
    from firmware.sip.cores.core import Failure
    from firmware.sip.transaction import ClientTransaction, ServerTransaction
    from firmware.sip.transport import Flow, Hop


class Refused(Exception):
    """A request goes no further: raised where that shows, caught where the core answers it with `status`."""

    def __init__(self, status: int, reason: str | None = None, fields: Iterable[tuple[str, object]] = ()) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.fields = tuple(fields)


def refuse_unsupported(required: Sequence[str], supported: frozenset[str] = frozenset()) -> None:
    """Raise `Refused` with 420 and the Unsupported header if an option tag is not among ours (§8.2.2.3, §16.3)."""
    unknown = [tag for tag in required if tag.lower() not in supported]
    if unknown:
        raise Refused(420, fields=[("Unsupported", ", ".join(unknown))])


class ServerCore:
    """A `Core` that sends no requests and keeps nothing of those it answered."""

    def ack_received(self, request: Request, flow: Flow, now: float) -> bool:
        """Never ours: we send no 2xx to an INVITE."""
        return False

    def cancelled(self, transaction: ServerTransaction, cancel: Request, now: float) -> None:
        """Everything is answered at once, so nothing is left to cancel."""

    def server_transaction_failed(self, transaction: ServerTransaction, failure: Failure, now: float) -> None:
        """The client will ask again, or not."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """We sent no request."""

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """We sent no request."""

    def hop_lost(self, hop: Hop, now: float) -> None:
        """We send no request."""

    def stop(self, now: float) -> None:
        """Nothing is under way."""

    @property
    def idle(self) -> bool:
        """Always."""
        return True

    def handle_timers(self, now: float) -> None:
        """Nothing is due."""

    def next_deadline(self) -> float | None:
        """Never."""
        return None
