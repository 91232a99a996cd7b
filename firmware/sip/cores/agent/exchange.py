"""One request of ours and its final response, digest challenges answered on the way (RFC 3261 §8.1.3.5, §22.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from firmware.sip.cores.agent.station import Station, Way

if TYPE_CHECKING:
    from firmware.sip.cores.account import Account
    from firmware.sip.cores.core import Failure
    from firmware.sip.dialog import Dialog
    from firmware.sip.message import Request, Response
    from firmware.sip.transaction import ClientTransaction


class ExchangeUser(Protocol):
    """Who gets the outcome of an exchange."""

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """A final response came; for INVITE also each further 2xx."""
        ...

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """No final response will come."""
        ...


class Exchange:
    """A request other than a dialog's first INVITE, sent once or, when challenged, again with credentials."""

    def __init__(
        self,
        station: Station,
        account: Account,
        owner: ExchangeUser,
        request: Request,
        *,
        dialog: Dialog | None = None,
        way: Way = Way(),  # noqa: B008  (frozen)
        with_contact: bool = False,
    ) -> None:
        self.request = request
        """As last sent, without Via."""
        self.ack: Request | None = None
        """For a re-INVITE: the ACK to its 2xx, kept by its user."""
        self.transaction: ClientTransaction | None = None
        self._station = station
        self._account = account
        self._owner = owner
        self._dialog = dialog
        self._way = way
        self._with_contact = with_contact
        self._attempt = 0

    def send(self, now: float) -> None:
        """Send the request; again to the server that challenged it, which knows the nonce."""
        self.transaction = self._station.send(
            self._account,
            self.request,
            self,
            now,
            way=self._way,
            with_contact=self._with_contact,
            hop=None if self.transaction is None else self.transaction.flow,
        )

    @property
    def served(self) -> bool:
        """True if the request went to a server of the account."""
        if self._way.served:
            return True
        hop = None if self.transaction is None else self.transaction.flow
        return hop is not None and self._station.door.is_server(self._account, hop.host)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Pass a final response on, unless it is a challenge we can answer. See TransactionUser."""
        if response.status < 200:
            return
        if self._way.served and transaction.flow is not None:
            self._station.door.learn_servers(self._account, [transaction.flow.host])
        if response.status in (401, 407) and self._try_again(response, now):
            return
        self._owner.exchange_answered(self, response, now)

    def _try_again(self, response: Response, now: float) -> bool:
        if not self.served:
            return False
        keyring = self._station.keyring(self._account)
        again = keyring.authorise(self.request, response, self._attempt, in_dialog=self._dialog is not None)
        if again is None:
            return False
        self._attempt += 1
        self.request = again.with_("CSeq", f"{self._next_sequence()} {again.method}")
        self.send(now)
        return True

    def _next_sequence(self) -> int:
        """§8.1.3.5: a request sent again is a new one, with the next number."""
        if self._dialog is None:
            return self.request.cseq.number + 1
        self._dialog.local_sequence = (self._dialog.local_sequence or 0) + 1
        return self._dialog.local_sequence

    def transaction_failed(self, transaction: ClientTransaction, failure: Failure, now: float) -> None:
        """Pass the failure on. See TransactionUser."""
        if self.served:
            self._station.unanswered(self._account, now)
        self._owner.exchange_failed(self, failure, now)
