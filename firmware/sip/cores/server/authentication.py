"""Whether a request's credentials prove one of our users: RFC 3261 §22.2 and §22.3, RFC 7616, RFC 8760."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from firmware.sip.credentials import Challenge, Credentials
from firmware.sip.digest import DigestServer, Outcome
from firmware.sip.message import Request

ALGORITHMS = ("SHA-256", "MD5")
"""What is offered unless one says otherwise."""
NONCE_LIFETIME = 300.0
"""Seconds for which a nonce is good."""
MOST_GUESSES = 10
"""Wrong passwords for one user from one host within `GUESSING_TIME`; further tries are not looked at."""
GUESSING_TIME = 60.0
"""Seconds."""
MOST_GUESSERS = 1024


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request's credentials prove."""

    username: str | None
    """The user; None: nothing is proven."""
    stale: bool = False
    """True: the password was right, the nonce too old."""


class Authenticator:
    """Challenges and checks in one realm.

    Someone who tries passwords one after the other is not listened to for a while: a desk phone's users choose
    passwords that a thousand guesses a second would find.
    """

    def __init__(
        self, realm: str, users: Mapping[str, str], random: Random, algorithms: Sequence[str] = ALGORITHMS
    ) -> None:
        """`algorithms`: offered in this order (RFC 8760 §2.3)."""
        self.realm = realm
        self._users = users
        self._digest = DigestServer(realm, random, NONCE_LIFETIME, algorithms)
        self._guesses: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def challenges(self, now: float, *, stale: bool = False) -> tuple[Challenge, ...]:
        """Return fresh challenges, the preferred algorithm first (RFC 8760 §2.3)."""
        return tuple(self._digest.challenges(now, stale=stale))

    def check(self, offered: tuple[Credentials, ...], request: Request, host: str, now: float) -> Proof:
        """Return what the credentials of our realm among `offered` prove; `host` is the request's source."""
        credentials = next((each for each in offered if each.is_digest and each.realm == self.realm), None)
        if credentials is None:
            return Proof(None)
        guesser = (host, credentials.username)
        if self._is_put_off(guesser, now):
            return Proof(None)
        outcome = self._digest.verify(credentials, self._users.get, request.method, request.body, now)
        if outcome is Outcome.OK:
            self._guesses.pop(guesser, None)
            return Proof(credentials.username)
        if outcome is Outcome.WRONG:
            self._count_guess(guesser, now)
        return Proof(None, stale=outcome is Outcome.STALE)

    def _is_put_off(self, guesser: tuple[str, str], now: float) -> bool:
        guesses, until = self._guesses.get(guesser, (0, now))
        return guesses >= MOST_GUESSES and now < until

    def _count_guess(self, guesser: tuple[str, str], now: float) -> None:
        guesses, until = self._guesses.get(guesser, (0, now))
        self._guesses[guesser] = (guesses + 1, until) if now < until else (1, now + GUESSING_TIME)
        if len(self._guesses) > MOST_GUESSERS:
            self._guesses.popitem(last=False)
