"""An account's digest credentials, and when they may be shown (RFC 3261 §22, RFC 7616, RFC 8760).

Whoever may ask for a digest may try to guess the password from it, so a challenge is answered only for requests that
go to a server of the account. A caller who rings us and challenges the BYE we send him gets nothing.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from firmware.sip.cores.account import Account
from firmware.sip.digest import answer

if TYPE_CHECKING:
    from firmware.sip.credentials import Challenge
    from firmware.sip.message import Request, Response

MAX_ATTEMPTS = 2
"""Requests with credentials sent for one request of ours: AST-2020-002 had no end."""

_MAX_NONCES = 64


class Keyring:
    """One account's user name and password, and the realms that proved to be its servers'."""

    def __init__(self, account: Account, random: Random) -> None:
        self._account = account
        self._random = random
        self._realms: set[str] = set()
        self._counts: dict[str, int] = {}

    def authorise(
        self, request: Request, response: Response, attempt: int, *, in_dialog: bool = False
    ) -> Request | None:
        """The request again, with credentials for the 401 or 407; None: it cannot or must not be answered.

        `attempt` is how many requests with credentials were sent before. The CSeq is left to the caller (§22.2).
        """
        challenges = self._answerable(response, in_dialog)
        if attempt >= MAX_ATTEMPTS or not challenges or not self._account.password:
            return None
        name = "Authorization" if response.status == 401 else "Proxy-Authorization"
        if name in request.fields and not any(challenge.stale for challenge in challenges):
            return None  # §22.2: the same credentials were refused
        if len(self._counts) > _MAX_NONCES:
            self._counts.clear()  # a count that begins anew costs one more challenge, with stale=true
        credentials = answer(
            challenges,
            self._account.username or self._account.address.user or "",
            self._account.password,
            request.method,
            str(request.uri),
            request.body,
            self._random,
            self._counts,
        )
        return None if credentials is None else request.with_(name, credentials)

    def _answerable(self, response: Response, in_dialog: bool) -> tuple[Challenge, ...]:
        """The digest challenges of a response; inside a dialog only those of realms met outside one."""
        asked = response.www_authenticate if response.status == 401 else response.proxy_authenticate
        challenges = tuple(challenge for challenge in asked if challenge.is_digest)
        if in_dialog:
            return tuple(challenge for challenge in challenges if challenge.realm in self._realms)
        self._realms.update([challenge.realm for challenge in challenges][: 16 - len(self._realms)])
        return challenges
