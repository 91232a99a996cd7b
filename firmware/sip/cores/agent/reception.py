"""What every request must pass before it is looked into: RFC 3261 §8.2.1 to §8.2.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firmware.sip.cores.agent.bodies import ACCEPT, readable
from firmware.sip.cores.agent.session_timer import SHORTEST, too_short
from firmware.sip.cores.agent.station import ALLOW, SUPPORTED
from firmware.sip.field_values import MediaType
from firmware.sip.machines import State

if TYPE_CHECKING:
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.message import Request
    from firmware.sip.transaction import ServerTransaction

_KNOWN = frozenset([*ALLOW, "REGISTER", "SUBSCRIBE", "PUBLISH", "MESSAGE", "PRACK"])
"""Methods there are; others are answered 501 (§21.5.2)."""

_SDP = MediaType("application", "sdp")
_MAX_REMEMBERED = 512

Refusal = tuple[int, tuple[tuple[str, object], ...]]
"""Status and header fields."""


def refusal(request: Request) -> Refusal | None:
    """How to refuse a request that we cannot understand; None if we can."""
    if request.method not in ALLOW:
        allow = (("Allow", ", ".join(ALLOW)),)
        return (405, allow) if request.method in _KNOWN else (501, allow)  # §8.2.1
    unknown = [tag for tag in request.require if tag.lower() not in SUPPORTED]
    if unknown:
        return 420, (("Unsupported", ", ".join(unknown)),)  # §8.2.2.3
    if request.method in ("INVITE", "UPDATE") and too_short(request):
        return 422, (("Min-SE", SHORTEST),)  # RFC 4028 §9
    if not readable(request):
        return 415, (("Accept", ACCEPT), ("Accept-Encoding", "identity"))  # §8.2.3
    if request.method in ("INVITE", "UPDATE") and not _may_be_answered(request):
        return 406, (("Accept", ACCEPT),)  # §21.4.7
    return None


def _may_be_answered(request: Request) -> bool:
    """True if the client reads session descriptions; without Accept it does (§20.1)."""
    return request.accept is None or any(kind.covers(_SDP) for kind in request.accept)


class Merged:
    """Requests that reached us twice on different paths: §8.2.2.2."""

    def __init__(self) -> None:
        self._ongoing: dict[tuple[str, str, int, str], ServerTransaction] = {}

    def refuses(self, endpoint: Endpoint, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Answer 482 and return True if this is another copy of a request that is being served."""
        key = (request.call_id, request.from_.tag or "", request.cseq.number, request.method)
        known = self._ongoing.get(key)
        if known is not None and known.state is not State.TERMINATED:
            endpoint.reply(transaction, 482, now)
            return True
        if len(self._ongoing) >= _MAX_REMEMBERED:
            self._sweep()
        self._ongoing[key] = transaction
        return False

    def _sweep(self) -> None:
        """Forget what is over; if nearly all goes on, the older half."""
        alive = [(key, item) for key, item in self._ongoing.items() if item.state is not State.TERMINATED]
        self._ongoing = dict(alive[-_MAX_REMEMBERED // 2 :])
