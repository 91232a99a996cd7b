"""Digest authentication, both sides: RFC 3261 §22.4 as changed by RFC 8760; RFC 7616."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import OrderedDict
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from firmware.sip.credentials import Challenge, Credentials, parse_nonce_count
from firmware.sip.grammar import MalformedMessage
from firmware.sip.parameters import Parameters

__all__ = ["Challenge", "Credentials", "DigestServer", "Outcome", "answer", "choose", "digest_response"]

_HASHES = {"sha-512-256": "sha512_256", "sha-256": "sha256", "md5": "md5"}
"""Strongest first, to hashlib's names."""
_STRENGTH = {name: rank for rank, name in enumerate(_HASHES)}
_SESSION = "-sess"

MAX_NONCES = 4096
"""Nonces whose counts are remembered; beyond, the oldest counts as stale."""
_COUNT_WINDOW = 64
"""How far a nonce count may lag behind the highest seen: requests overtake one another on UDP."""


class Outcome(Enum):
    """What a check of credentials found."""

    OK = "ok"
    STALE = "stale"
    """The password is right, the nonce is old, unknown or used before: challenge again with stale=true."""
    WRONG = "wrong"
    """The proof does not fit the password, or the credentials are not what we asked for."""
    UNKNOWN = "unknown"
    """No such user."""


def _hash(algorithm: str, octets: bytes) -> str:
    name = algorithm.lower().removesuffix(_SESSION)
    return hashlib.new(_HASHES[name], octets, usedforsecurity=False).hexdigest()


def _text_hash(algorithm: str, *parts: str) -> str:
    return _hash(algorithm, ":".join(parts).encode("utf-8", "surrogateescape"))


def _is_known(algorithm: str) -> bool:
    return algorithm.lower().removesuffix(_SESSION) in _HASHES


def digest_response(credentials: Credentials, username: str, password: str, method: str, body: bytes) -> str:
    """Return the proof that `credentials` should carry as their response (RFC 7616 §3.4.1 to §3.4.3).

    All but the secret and the message is read from `credentials`. An unknown algorithm is a ValueError.
    """
    algorithm, nonce, cnonce = credentials.algorithm, credentials.nonce, credentials.cnonce
    if not _is_known(algorithm):
        raise ValueError(f"unknown digest algorithm {algorithm}")
    secret = _text_hash(algorithm, username, credentials.realm, password)
    if algorithm.lower().endswith(_SESSION):
        secret = _text_hash(algorithm, secret, nonce, cnonce)
    target = [method, credentials.uri]
    if credentials.qop == "auth-int":
        target.append(_hash(algorithm, body))
    request = _text_hash(algorithm, *target)
    if credentials.qop is None:
        return _text_hash(algorithm, secret, nonce, request)
    return _text_hash(algorithm, secret, nonce, credentials.nonce_count, cnonce, credentials.qop, request)


def choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """Return the challenge with the strongest algorithm we know, the first among equals; None if there is none.

    RFC 8760 §2.4 lets policy decide; ours is that no order of header fields may talk us into MD5.
    """
    usable = [
        challenge
        for challenge in challenges
        if challenge.is_digest and challenge.nonce and _is_known(challenge.algorithm) and _pick_qop(challenge) != ""
    ]
    return min(usable, key=_rank, default=None)


def _rank(challenge: Challenge) -> int:
    return _STRENGTH[challenge.algorithm.lower().removesuffix(_SESSION)]


def _pick_qop(challenge: Challenge) -> str | None:
    """Return the quality to use: auth before auth-int; None if the challenge has no qop, "" if we know none of its."""
    offered = challenge.qop
    if not offered:
        return None
    return next((quality for quality in ("auth", "auth-int") if quality in offered), "")


def answer(
    challenges: Sequence[Challenge],
    username: str,
    password: str,
    method: str,
    uri: str,
    body: bytes,
    random: Random,
    counts: MutableMapping[str, int],
) -> Credentials | None:
    """Return the credentials that answer the best of `challenges` (§22.2, RFC 7616 §3.4); None if none is usable.

    `uri` is the Request-URI as text. `counts` maps nonces to how often each was used; it is updated here, and the
    caller forgets it along with the nonces.
    """
    challenge = choose(challenges)
    if challenge is None:
        return None
    draft = _draft(challenge, username, uri, random, counts)
    proof = digest_response(draft, username, password, method, body)
    return Credentials(draft.scheme, draft.parameters.with_("response", proof))


def _draft(
    challenge: Challenge, username: str, uri: str, random: Random, counts: MutableMapping[str, int]
) -> Credentials:
    hashed = (challenge.parameters.get("userhash") or "").lower() == "true"
    shown = _text_hash(challenge.algorithm, username, challenge.realm) if hashed else username
    items: list[tuple[str, str | None]] = [
        ("username", shown),
        ("realm", challenge.realm),
        ("nonce", challenge.nonce),
        ("uri", uri),
        ("response", ""),
    ]
    if challenge.parameters.has("algorithm"):
        items.append(("algorithm", challenge.algorithm))
    quality = _pick_qop(challenge)
    if quality is not None or challenge.algorithm.lower().endswith(_SESSION):
        items.append(("cnonce", f"{random.getrandbits(128):032x}"))
    if quality is not None:
        counts[challenge.nonce] = counts.get(challenge.nonce, 0) + 1
        items += [("qop", quality), ("nc", f"{counts[challenge.nonce]:08x}")]
    if challenge.opaque is not None:
        items.append(("opaque", challenge.opaque))
    if hashed:
        items.append(("userhash", "true"))
    return Credentials("Digest", Parameters(items))


@dataclass(slots=True)
class _NonceUse:
    """Which counts of a nonce have been used: the highest, and a bit for each of the 64 below it (as RFC 4303)."""

    highest: int = 0
    seen: int = 0

    def take(self, count: int) -> bool:
        """Whether `count` is new; it is then used up."""
        if count > self.highest:
            self.seen = ((self.seen << min(count - self.highest, _COUNT_WINDOW)) | 1) & ((1 << _COUNT_WINDOW) - 1)
            self.highest = count
            return True
        bit = 1 << (self.highest - count)
        if count < 1 or self.highest - count >= _COUNT_WINDOW or self.seen & bit:
            return False
        self.seen |= bit
        return True


class DigestServer:
    """Challenges, and checks what comes back (§22.3, §22.4; RFC 7616 §5.4, §5.12).

    A nonce is its time of issue and a keyed hash of it: none is stored before it has been used with a right
    password, so strangers cannot fill the memory.
    """

    def __init__(
        self,
        realm: str,
        random: Random,
        lifetime: float = 300.0,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        qop: str = "auth",
    ) -> None:
        """Serve `realm` with nonces good for `lifetime` seconds.

        `algorithms` are offered in that order (RFC 8760 §2.3), each with the list `qop`.
        """
        self.realm = realm
        self._lifetime = lifetime
        self._algorithms = tuple(algorithms)
        self._qop = qop
        self._random = random
        self._key = random.getrandbits(256).to_bytes(32, "big")
        self._opaque = f"{random.getrandbits(64):016x}"
        self._uses: OrderedDict[str, _NonceUse] = OrderedDict()
        self._forgotten_ms = -1

    def challenges(self, now: float, stale: bool = False) -> tuple[Challenge, ...]:
        """Return one challenge for each algorithm, the preferred first, with one fresh nonce."""
        nonce = self._new_nonce(now)
        return tuple(
            Challenge.of(self.realm, nonce, algorithm, self._qop, opaque=self._opaque, stale=stale)
            for algorithm in self._algorithms
        )

    def verify(
        self,
        credentials: Credentials,
        password_of: Callable[[str], str | None],
        method: str,
        body: bytes,
        now: float,
    ) -> Outcome:
        """Return what `credentials` prove. `password_of` gives a user's password, None for an unknown user."""
        if not self._is_asked_for(credentials):
            return Outcome.WRONG
        password = password_of(credentials.username)
        expected = digest_response(credentials, credentials.username, password or "", method, body)
        # The same work for an unknown user, and no early end of the comparison.
        matches = hmac.compare_digest(expected.encode(), credentials.response.encode("utf-8", "surrogateescape"))
        if password is None:
            return Outcome.UNKNOWN
        if not matches:
            return Outcome.WRONG
        return Outcome.OK if self._use(credentials, now) else Outcome.STALE

    def _is_asked_for(self, credentials: Credentials) -> bool:
        offered = [algorithm.lower() for algorithm in self._algorithms]
        return (
            credentials.is_digest
            and credentials.realm == self.realm
            and credentials.algorithm.lower() in offered
            # RFC 8760 §2.6 item 8: a client of RFC 2617's time may leave qop out.
            and (credentials.qop is None or credentials.qop in self._qop.split(","))
        )

    def _use(self, credentials: Credentials, now: float) -> bool:
        nonce = credentials.nonce
        if not self._is_fresh(nonce, now):
            return False
        use = self._uses.pop(nonce, None)
        if use is None:
            if _issued_ms(nonce) <= self._forgotten_ms:
                return False
            use = _NonceUse()
        self._uses[nonce] = use
        if len(self._uses) > MAX_NONCES:
            self._forget_oldest()
        try:
            # Without qop there is no count: such a nonce serves once.
            return use.take(1 if credentials.qop is None else parse_nonce_count(credentials.nonce_count))
        except MalformedMessage:
            return False

    def _forget_oldest(self) -> None:
        nonce, _ = self._uses.popitem(last=False)
        self._forgotten_ms = max(self._forgotten_ms, _issued_ms(nonce))

    def _new_nonce(self, now: float) -> str:
        stamp = f"{max(0, math.floor(now * 1000)):012x}{self._random.getrandbits(64):016x}"
        return stamp + self._seal(stamp)

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._key, f"{stamp}:{self.realm}".encode(), "sha256").hexdigest()[:32]

    def _is_fresh(self, nonce: str, now: float) -> bool:
        stamp, seal = nonce[:28], nonce[28:]
        if not nonce.isascii() or not hmac.compare_digest(seal, self._seal(stamp)):
            return False
        return now * 1000 - _issued_ms(nonce) <= self._lifetime * 1000


def _issued_ms(nonce: str) -> int:
    return int(nonce[:12], 16)
