"""An account's digest credentials, and when they may be shown (RFC 3261 §22, RFC 7616, RFC 8760).

Whoever may ask for a digest may try to guess the password from it, so a challenge is answered only for requests that
go to a server of the account. A caller who rings us and challenges the BYE we send him gets nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from firmware.sip.cores.account import Account
from firmware.sip.digest import answer

if TYPE_CHECKING:
    from firmware.sip.credentials import Challenge, Credentials
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
        self._met: dict[tuple[str, str], tuple[Challenge, ...]] = {}
        """The latest challenges, by the field that answers them and their realm."""
        servers = (account.address, account.registrar, account.outbound_proxy)
        self._home = {uri.host for uri in servers if uri is not None}
        """Realms of our own servers: their names, and whatever a REGISTER was challenged with."""

    def authorise(
        self, request: Request, response: Response, attempt: int, *, in_dialog: bool = False
    ) -> Request | None:
        """The request again, with credentials for the 401 or 407; None: it cannot or must not be answered.

        `attempt` is how many requests with credentials were sent before. The CSeq is left to the caller (§22.2).
        Credentials for other realms stay: each proxy on the way looks for its own (§22.3).
        """
        challenges = self._answerable(response, in_dialog)
        name = "Authorization" if response.status == 401 else "Proxy-Authorization"
        # What was sent unasked was a guess, and proves nothing when it is refused.
        shown = _realms_of(request, name) if attempt else ()
        new = [challenge for challenge in challenges if challenge.stale or challenge.realm not in shown]
        if attempt >= MAX_ATTEMPTS or not new:
            for challenge in challenges:  # §22.2: the same credentials were refused
                self._met.pop((name, challenge.realm), None)
            return None
        if request.method == "REGISTER":
            self._home.update(challenge.realm for challenge in challenges)
        for challenge in new:
            same = tuple(each for each in new if each.realm == challenge.realm)
            self._met[(name, challenge.realm)] = same
        asked = dict.fromkeys(challenge.realm for challenge in new)
        return self._with_credentials(request, name, (*_realms_of(request, name), *asked), asked)

    def anticipate(self, request: Request) -> Request:
        """The request, with credentials for those of our own servers that have challenged us before.

        §22.2: "UAs SHOULD cache the credentials for a given value of the To header field and "realm" and attempt to
        re-use these values on the next request for that destination". §22.3: of proxies, only for our own.
        """
        for name in ("Authorization", "Proxy-Authorization"):
            realms = tuple(realm for field, realm in self._met if field == name and realm in self._home)
            request = self._with_credentials(request, name, realms, ()) or request
        return request

    def _with_credentials(
        self, request: Request, name: str, realms: Iterable[str], needed: Collection[str]
    ) -> Request | None:
        """The request with an answer for each realm; None if one of the `needed` ones is lacking."""
        if not self._account.password:
            return None
        if len(self._counts) > _MAX_NONCES:
            self._counts.clear()  # a count that begins anew costs one more challenge, with stale=true
        answers = {realm: self._answer(request, self._met.get((name, realm), ())) for realm in dict.fromkeys(realms)}
        if not any(answers.values()) or any(answers[realm] is None for realm in needed):
            return None
        return request.with_(name, *(each for each in answers.values() if each is not None))

    def _answer(self, request: Request, challenges: Sequence[Challenge]) -> Credentials | None:
        return answer(
            challenges,
            self._account.username or self._account.address.user or "",
            self._account.password,
            request.method,
            str(request.uri),
            request.body,
            self._random,
            self._counts,
        )

    def _answerable(self, response: Response, in_dialog: bool) -> tuple[Challenge, ...]:
        """The digest challenges of a response; inside a dialog only those of realms met outside one."""
        asked = response.www_authenticate if response.status == 401 else response.proxy_authenticate
        challenges = tuple(challenge for challenge in asked if challenge.is_digest)
        if not in_dialog:
            self._realms.update([challenge.realm for challenge in challenges][: 16 - len(self._realms)])
        return tuple(challenge for challenge in challenges if challenge.realm in self._realms)


def _realms_of(request: Request, name: str) -> tuple[str, ...]:
    shown = request.authorization if name == "Authorization" else request.proxy_authorization
    return tuple(credentials.realm for credentials in shown)
