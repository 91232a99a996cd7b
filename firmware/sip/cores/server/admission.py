"""Whose requests a proxy forwards: RFC 3261 §16.3 step 6, §22.3, §26.3.2.3. It is no open relay.

| from                                | to one of our users | to anybody else   |
|-------------------------------------|---------------------|-------------------|
| a trusted network                   | yes                 | yes               |
| where its From registered from      | yes                 | yes               |
| a From of our domain, other source  | proves it by digest | proves it         |
| another domain's From               | yes, where open     | proves to be ours |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network

from firmware.sip.cores.location import LocationService
from firmware.sip.cores.server.authentication import Authenticator
from firmware.sip.cores.server.domain import Domain
from firmware.sip.cores.server.server_core import Refused
from firmware.sip.message import Request
from firmware.sip.transport import Flow


class Admission:
    """The rules above. `trusted`: networks such as "192.0.2.0/24".

    `open_to_strangers`: other domains may call us, from anywhere or from the numeric hosts for which it is true.
    """

    def __init__(
        self,
        domain: Domain,
        location: LocationService,
        authenticator: Authenticator,
        trusted: Sequence[str] = (),
        *,
        open_to_strangers: bool | Callable[[str], bool] = True,
    ) -> None:
        self._domain = domain
        self._location = location
        self._authenticator = authenticator
        self._open = open_to_strangers
        self._trusted = tuple(ip_network(network) for network in trusted)

    def check(self, request: Request, flow: Flow, *, to_our_user: bool, now: float) -> None:
        """Return if the request may pass; raises `Refused` with 407, or 403 for one who claims to be another."""
        if self.is_known(request, flow, now):
            return
        claims_ours = self._domain.covers(request.from_.uri)
        if to_our_user and not claims_ours and self._is_open_to(flow.remote[0]):
            return
        username = self._prove(request, flow, now)
        if claims_ours and self._domain.user(request.from_.uri) != username:
            raise Refused(403)

    def _is_open_to(self, host: str) -> bool:
        return self._open(host) if callable(self._open) else self._open

    def is_known(self, request: Request, flow: Flow, now: float) -> bool:
        """Whether the source alone says enough: trusted, or where the user in From registered from.

        A From that is not of our domain (an anonymous one) may be that of whoever registered from there.
        """
        if self._is_trusted(flow.remote[0]):
            return True
        if not self._domain.covers(request.from_.uri):
            return self._location.reached_from(flow, now)
        user = self._domain.user(request.from_.uri)
        return user is not None and self._location.reached_from(flow, now, self._domain.address(user))

    def _is_trusted(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        # A socket bound to "::" gives IPv4 addresses in their mapped form.
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._trusted)

    def _prove(self, request: Request, flow: Flow, now: float) -> str:
        proof = self._authenticator.check(request.proxy_authorization, request, flow.remote[0], now)
        if proof.username is None:
            challenges = self._authenticator.challenges(now, stale=proof.stale)
            raise Refused(407, fields=[("Proxy-Authenticate", challenge) for challenge in challenges])
        return proof.username
