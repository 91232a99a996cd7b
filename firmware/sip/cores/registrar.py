"""The registrar: RFC 3261 §10.3, with Path (RFC 3327) and digest (§22.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from firmware.sip.cores.location import Binding, LocationService, NoRoom, OutOfOrder, listed
from firmware.sip.cores.server.authentication import ALGORITHMS, Authenticator
from firmware.sip.cores.server.domain import Domain
from firmware.sip.cores.server.server_core import Refused, ServerCore, refuse_unsupported
from firmware.sip.dates import format_date
from firmware.sip.grammar import display_text
from firmware.sip.message import Request
from firmware.sip.status import reason_phrase
from firmware.sip.uri import SipUri

if TYPE_CHECKING:
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.fields import Contact
    from firmware.sip.transaction import ServerTransaction

HOUR = 3600
MOST_CONTACTS = 10
"""In one REGISTER."""
METHODS = ("REGISTER", "OPTIONS")
"""Those that make sense for a domain itself."""

_SUPPORTED = frozenset(["path"])


class Registrar(ServerCore):
    """Keeps the location service of one domain.

    `minimum`, `default` and `maximum` bound a binding's life, in seconds. `algorithms`: of the digest,
    the preferred first. `today`: date and time at a monotonic time, for the Date field.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        domain: str,
        users: Mapping[str, str],
        location: LocationService,
        random: Random,
        *,
        aliases: Sequence[str] = (),
        algorithms: Sequence[str] = ALGORITHMS,
        minimum: int = 60,
        default: int = HOUR,
        maximum: int = 2 * HOUR,
        today: Callable[[float], datetime] | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """`tell`: who wants to know in a line who came, went or was refused."""
        self._endpoint = endpoint
        self._domain = Domain(endpoint, [domain, *aliases], users)
        self._location = location
        self._authenticator = Authenticator(self._domain.name, users, random, algorithms)
        # §10.3 step 7: only an interval of less than an hour may be refused as too brief.
        self._minimum = min(minimum, HOUR)
        self._default = default
        self._maximum = maximum
        self._today = today
        self._tell = tell

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Take what is for our domain itself, but an OPTIONS; leave the rest to the next core."""
        if not self._is_for_us(request):
            return False
        if request.method != "REGISTER":
            return self._refuses_method(transaction, request, now)
        host, before = transaction.flow.remote[0], self._location.changes
        try:
            address = self._register(transaction, request, now)
        except Refused as refused:
            if refused.status not in (401, 423):  # a challenge refuses nobody yet, nor does a wish for more time
                why = refused.reason or reason_phrase(refused.status)
                self._tell(f"{_named(request)} refused to {host}: {refused.status} {why}")
            self._endpoint.reply(transaction, refused.status, now, refused.reason, fields=refused.fields)
        else:
            if self._location.changes != before:
                bound = self._location.lookup(address, now)
                self._tell(f"{address} registered from {host}" if bound else f"{address} left")
            self._endpoint.reply(transaction, 200, now, fields=self._listing(request, address, now))
        return True

    def _refuses_method(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """§8.2.1: the domain itself, without a user, is there to register with; OPTIONS is for others to answer."""
        asks_domain = isinstance(request.uri, SipUri) and not request.uri.user and self._domain.is_named(request.uri)
        if not asks_domain or request.method in METHODS or request.to.tag is not None:
            return False
        self._endpoint.reply(transaction, 405, now, fields=[("Allow", ", ".join(METHODS))])
        return True

    def handle_timers(self, now: float) -> None:
        """Forget the bindings that expired."""
        self._location.handle_timers(now)

    def next_deadline(self) -> float | None:
        """When the next binding expires."""
        return self._location.next_deadline()

    def _is_for_us(self, request: Request) -> bool:
        """§10.3 step 1; a Route that leads on to somebody else is the proxy's work."""
        return self._domain.covers(request.uri) and all(self._domain.covers(route.uri) for route in request.routes)

    def _register(self, transaction: ServerTransaction, request: Request, now: float) -> str:
        """§10.3 steps 2 to 7. Returns the address-of-record."""
        refuse_unsupported(request.require, _SUPPORTED)
        user = self._authenticate(request, transaction.flow.remote[0], now)
        address = self._address(request, user)
        try:
            if request.contact_is_wildcard:
                self._clear(request, address, now)
            elif request.contacts:
                updates = self._updates(transaction, request, now)
                self._location.update(address, updates, now)
        except OutOfOrder as problem:
            raise Refused(500, "Registration Out Of Order") from problem
        except NoRoom as problem:
            raise Refused(503, "Too Many Registrations") from problem
        return address

    def _authenticate(self, request: Request, host: str, now: float) -> str:
        """Step 3: return who it is. An unknown user is challenged like any other, so that names cannot be tried out."""
        proof = self._authenticator.check(request.authorization, request, host, now)
        if proof.username is None:
            if request.authorization and not proof.stale:
                self._tell(f"{_named(request)} refused to {host}: wrong user name or password")
            challenges = self._authenticator.challenges(now, stale=proof.stale)
            raise Refused(401, fields=[("WWW-Authenticate", challenge) for challenge in challenges])
        return proof.username

    def _address(self, request: Request, username: str) -> str:
        """Steps 4 and 5: the To is an address of ours, and the user's own."""
        user = self._domain.user(request.to.uri)
        if user is None:
            raise Refused(404)
        if user != username:
            raise Refused(403)
        return self._domain.address(user)

    def _clear(self, request: Request, address: str, now: float) -> None:
        """Step 6: "*" stands alone, and with Expires 0."""
        if request.expires != 0:
            raise Refused(400, "Contact * Needs Expires 0")
        self._location.clear(address, request.call_id, request.cseq.number, now)

    def _updates(self, transaction: ServerTransaction, request: Request, now: float) -> list[Binding]:
        """Step 7: one tentative binding for each Contact."""
        if len(request.contacts) > MOST_CONTACTS:
            raise Refused(403, "Too Many Contacts")
        direct = len(request.vias) == 1
        if any(contact.parameters.has("q") and contact.q is None for contact in request.contacts):
            raise Refused(400, "Bad q of a Contact")  # §25.1: qvalue is 0 to 1, with three decimals at most
        _ = request.path  # it will be a Route, so a malformed one is refused now
        return [
            Binding(
                contact=contact,
                expires_at=now + self._interval(contact, request),
                call_id=request.call_id,
                cseq=request.cseq.number,
                flow=transaction.flow if direct else None,
                path=request.fields.all("Path"),
            )
            for contact in request.contacts
        ]

    def _interval(self, contact: Contact, request: Request) -> int:
        """Step 7: the seconds granted to a contact."""
        requested = contact.expires
        if requested is None:
            requested = self._default if request.expires is None else request.expires
        if 0 < requested < self._minimum:
            raise Refused(423, fields=[("Min-Expires", self._minimum)])
        return min(requested, self._maximum)

    def _listing(self, request: Request, address: str, now: float) -> list[tuple[str, object]]:
        """Step 8: every current binding with its remaining seconds."""
        fields: list[tuple[str, object]] = [
            ("Contact", listed(binding, now)) for binding in self._location.lookup(address, now)
        ]
        # RFC 3327 §5.3: the Path as stored goes back to the UA.
        fields += [("Path", value) for value in request.fields.all("Path")]
        if self._today is not None:
            fields.append(("Date", format_date(self._today(now))))
        return fields


def _named(request: Request) -> str:
    """Who is to be registered, as a stranger may have written it, in one line."""
    return display_text(str(request.to.uri))[:100]
