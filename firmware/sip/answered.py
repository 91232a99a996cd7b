"""Transactions that only wait for retransmissions of what they have answered: Completed, RFC 3261 figure 8.

Timer J keeps each for 64*T1, so that a busy source, a hundred phones behind one translator, would fill its share of the
table with requests that are long done. Where there is no room they go before their time: retransmissions are at most T2
apart (§17.1.2.2), and who has not asked again for so long has the answer.
"""

from __future__ import annotations

from firmware.sip.transaction import ServerTransaction

ANY_HOST = ""


class Answered:
    """Them, in the order of their latest answers."""

    def __init__(self) -> None:
        self._of_host: dict[str, dict[ServerTransaction, float]] = {ANY_HOST: {}}

    def put(self, transaction: ServerTransaction, now: float) -> None:
        """It has answered, for the first time or once more."""
        self.remove(transaction)
        for host in (ANY_HOST, transaction.flow.remote[0]):
            self._of_host.setdefault(host, {})[transaction] = now

    def remove(self, transaction: ServerTransaction) -> None:
        """It is over."""
        host = transaction.flow.remote[0]
        self._of_host[ANY_HOST].pop(transaction, None)
        if (ours := self._of_host.get(host)) is not None:
            ours.pop(transaction, None)
            if not ours:
                del self._of_host[host]

    def oldest(self, host: str, before: float) -> ServerTransaction | None:
        """Return the one that has been silent longest, None if all have answered since `before`."""
        for transaction, at in self._of_host.get(host, {}).items():
            return transaction if at <= before else None
        return None
