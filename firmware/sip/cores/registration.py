"""One account's registration: RFC 3261 §10.2, back-off of RFC 5626 §4.5, Service-Route of RFC 3608."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from firmware.sip.address import Contact, NameAddress
from firmware.sip.cores.agent.door import same_host
from firmware.sip.cores.agent.exchange import Exchange
from firmware.sip.cores.agent.station import ALLOW, Station, Way, as_route
from firmware.sip.cores.user_agent_events import RegistrationChanged
from firmware.sip.fields import Fields
from firmware.sip.identifiers import new_call_id, new_cseq, new_tag
from firmware.sip.message import Request, Response
from firmware.sip.uri import SipUri

if TYPE_CHECKING:
    from firmware.sip.cores.account import Account
    from firmware.sip.cores.core import Failure
    from firmware.sip.transport import Hop

BASE_TIME = 30.0
"""Seconds: RFC 5626 §4.5's base-time when no flow is left; the first wait is half to all of twice this."""
MAX_TIME = 1800.0
"""Seconds: the longest wait between attempts (RFC 5626 §4.5)."""
SHORTEST = 10
"""Seconds: a registrar that grants less is asked again no sooner for it."""
LONGEST = 7 * 24 * 3600
"""Seconds: no Min-Expires above this is obeyed, nor a grant believed."""
KEEP_ALIVE = (24.0, 29.0)
"""Seconds between keep-alives over UDP, drawn anew each time: a NAT keeps its binding (RFC 5626 §4.4)."""
KEEP_ALIVE_STREAM = (95.0, 120.0)
"""The same over a stream."""
SPACING = 30.0
"""Seconds: a registration in doubt is renewed at once, but not more often than this."""
MAX_ROUTES = 8
"""Elements of a Service-Route we take."""

_REASONS: dict[Failure, str] = {
    "timeout": "No answer from the registrar",
    "transport": "Cannot reach the registrar",
    "unresolved": "The registrar's name was not found",
}


class _State(Enum):
    OFF = auto()
    REGISTERING = auto()
    REGISTERED = auto()
    WAITING = auto()
    """After a failure."""
    REMOVING = auto()


class Registration:
    """The life of one binding: asked for, refreshed, lost and regained, removed."""

    def __init__(self, station: Station, account: Account) -> None:
        self._station = station
        self.account = account
        self._state = _State.OFF
        self._call_id = new_call_id(station.random)  # §10.2: the same for all registrations of a boot
        self._sequence = new_cseq(station.random)
        self._exchange: Exchange | None = None
        self._again = False
        """Asked to refresh while a REGISTER was under way."""
        self._expires = account.expires
        self._failures = 0
        self._stale: Contact | None = None
        """The Contact of a binding under an address that turned out not to be ours."""
        self._learning = False
        """True while a REGISTER is under way only because we learnt our address."""
        self._hop: Hop | None = None
        """Where the registrar answered from."""
        self._granted_at = self._due = 0.0
        """Of the latest binding: when it was granted, and when it is to be renewed, monotonic seconds."""

    @property
    def idle(self) -> bool:
        """True when there is no binding and nothing under way."""
        return self._state in (_State.OFF, _State.WAITING)

    # --- verbs ---

    def start(self, now: float) -> None:
        """Register."""
        if self._state is _State.OFF:
            self._register(now)

    def refresh(self, now: float) -> None:
        """Register now rather than when due: the network changed, or came back."""
        self._failures = 0
        self._station.public_addresses.pop(self.account.name, None)
        if self._state is _State.REGISTERING:
            self._again = True
        elif self._state in (_State.REGISTERED, _State.WAITING):
            self._register(now)

    def doubt(self, now: float) -> None:
        """The registrar may have forgotten us, or be gone: find out soon.

        Every phone of a household notices at once that a server went away: they do not come back all at once.
        """
        if self._state is _State.REGISTERED:
            soon = now + self._station.random.uniform(0.0, 2.0)
            self._due = min(self._due, max(soon, self._granted_at + SPACING))
            self._station.set_alarm(self, "due", self._due)

    def hop_lost(self, hop: Hop, now: float) -> None:
        """What is sent to this hop does not arrive, or the stream to it ended (RFC 5626 §4.4: the flow failed)."""
        ours = self._hop
        if ours is not None and (hop.transport, hop.host, hop.port) == (ours.transport, ours.host, ours.port):
            self.doubt(now)

    def stop(self, now: float) -> None:
        """Remove the binding (§10.2.2)."""
        self._station.cancel_alarms(self, "due", "alive")
        if self._state in (_State.REGISTERED, _State.REGISTERING):
            self._send(_State.REMOVING, 0, now)
        elif self._state is _State.WAITING:
            self._state = _State.OFF

    def alarm(self, name: str, now: float) -> None:
        """It is time to refresh, or to try again; or for a keep-alive."""
        if name == "due":
            self._register(now)
        elif self._hop is not None:
            self._station.endpoint.keep_alive(self._hop)
            self._plan_keep_alive(now)

    def _plan_keep_alive(self, now: float) -> None:
        if self._hop is not None:
            pause = KEEP_ALIVE if self._hop.transport == "UDP" else KEEP_ALIVE_STREAM
            self._station.set_alarm(self, "alive", now + self._station.random.uniform(*pause))

    # --- sending ---

    def _register(self, now: float) -> None:
        self._send(_State.REGISTERING, self._expires, now)

    def _send(self, state: _State, expires: int, now: float) -> None:
        self._state = state
        self._again = False
        self._station.cancel_alarms(self, "due", "alive")
        self._sequence += 1
        public = self.account.name in self._station.public_addresses
        request = self._station.keyring(self.account).anticipate(self._request(expires))
        self._exchange = Exchange(self._station, self.account, self, request, way=self._way(), with_contact=not public)
        self._exchange.send(now)

    def _way(self) -> Way:
        """§10.2.6: REGISTER goes through the configured proxy, never along the service route it yields."""
        account = self.account
        if account.outbound_proxy is not None:
            return Way((as_route(account.outbound_proxy),), served=True)
        return Way(target=account.registrar, served=True)

    def _request(self, expires: int) -> Request:
        account = self.account
        home = account.address
        # §10.2: the Request-URI names the domain; "The "userinfo" and "@" components [...] MUST NOT be present".
        domain = SipUri(None, home.host, home.port, secure=home.secure)
        address = NameAddress.of(home, account.display_name)
        fields: list[tuple[str, object]] = [
            *(("Route", route) for route in self._way().routes),
            ("From", address.with_tag(new_tag(self._station.random))),
            ("To", address),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._sequence} REGISTER"),
            ("Expires", expires),
            ("Allow", ", ".join(ALLOW)),
            ("Supported", "path"),  # RFC 3327 §5.1
            *(("Contact", contact) for contact in self._public_contacts()),
        ]
        return Request("REGISTER", domain, Fields(fields))

    def _public_contacts(self) -> tuple[Contact, ...]:
        """Our Contact as the registrar sees it, and the removal of the one under the address we had thought ours."""
        public = self._station.public_addresses.get(self.account.name)
        if public is None:
            return ()
        new = Contact.of(SipUri(self.account.contact_user, *public, secure=self.account.address.secure))
        if self._stale is None or self._stale.uri.equivalent(new.uri):
            return (new,)
        return (new, Contact.of(self._stale.uri).with_parameter("expires", "0"))

    # --- answers ---

    def exchange_answered(self, exchange: Exchange, response: Response, now: float) -> None:
        """REGISTER has a final response, see ExchangeUser."""
        self._sequence = max(self._sequence, exchange.request.cseq.number)
        if exchange is not self._exchange:
            return
        if self._state is _State.REMOVING:
            self._removed()
        elif response.is_success:
            self._succeed(exchange, response, now)
        elif response.status == 423:
            self._lengthen(response, now)
        else:
            self._fail(_explain(response), now, 0 if response.retry_after is None else response.retry_after.seconds)

    def exchange_failed(self, exchange: Exchange, failure: Failure, now: float) -> None:
        """REGISTER got no answer, see ExchangeUser."""
        if exchange is not self._exchange:
            return
        if self._state is _State.REMOVING:
            self._removed()
        else:
            self._fail(_REASONS[failure], now)

    def _removed(self) -> None:
        self._state = _State.OFF
        self._show(False, None, "")

    def _succeed(self, exchange: Exchange, response: Response, now: float) -> None:
        self._station.service_routes[self.account.name] = response.service_routes[:MAX_ROUTES]
        granted = self._granted(exchange, response)
        if granted <= 0:
            self._fail("The registrar keeps no binding for us", now)
            return
        self._state = _State.REGISTERED
        self._failures = 0
        self._granted_at = now
        self._hop = None if exchange.transaction is None else exchange.transaction.flow
        self._plan_keep_alive(now)
        self._show(True, now + granted, "")
        learnt = self._learn_address(exchange, response) and not self._learning
        self._learning = learnt  # at most once in a row: some NATs give every REGISTER another port
        if learnt or self._again:
            self._register(now)
            return
        # Every phone of a building restarts at once after a power cut: refreshes are spread (ETSI EN 303 645 5.9-3).
        wait = granted * self._station.random.uniform(0.5, 0.9)
        self._due = now + max(wait, min(SHORTEST, granted * 0.9))
        self._station.set_alarm(self, "due", self._due)

    def _granted(self, exchange: Exchange, response: Response) -> int:
        """How long our binding lasts, by the Contact that is ours, or by Expires (§10.2.4); 0 if there is none.

        A response that lists no Contact at all is believed too: some registrars are that terse.
        """
        ours = [contact for contact in response.contacts if self._is_ours(contact)]
        if response.contacts and not ours:
            return 0
        said = next((contact.expires for contact in ours if contact.expires is not None), response.expires)
        return min(self._expires if said is None else said, LONGEST)

    def _is_ours(self, contact: Contact) -> bool:
        return isinstance(contact.uri, SipUri) and contact.uri.user == self.account.contact_user

    def _lengthen(self, response: Response, now: float) -> None:
        """423: ask for as long as the registrar wants (§10.2.8)."""
        wanted = response.min_expires or 0
        if not self._expires < wanted <= LONGEST:
            self._fail(_explain(response), now)
            return
        self._expires = wanted
        self._register(now)

    def _fail(self, reason: str, now: float, retry_after: int = 0) -> None:
        """Try again later: RFC 5626 §4.5's wait, or what Retry-After says if that is longer."""
        self._state = _State.WAITING
        self._failures += 1
        longest = min(MAX_TIME, BASE_TIME * 2 ** min(self._failures, 16))
        wait = max(longest * self._station.random.uniform(0.5, 1.0), min(retry_after, LONGEST))
        self._show(False, None, reason)
        self._station.set_alarm(self, "due", now if self._again else now + wait)

    def _learn_address(self, exchange: Exchange, response: Response) -> bool:
        """Take the address the registrar saw us at (RFC 3581 §4); True if it is news, and the binding must change."""
        via = response.via
        sent = None if exchange.transaction is None else exchange.transaction.request.contact
        if via.transport != "UDP" or via.received is None or sent is None or not isinstance(sent.uri, SipUri):
            return False
        seen = (via.received, via.rport or via.port or 5060)
        if same_host(seen[0], sent.uri.host) and seen[1] == (sent.uri.port or 5060):
            return False
        self._stale = sent
        self._station.public_addresses[self.account.name] = seen
        return True

    def _show(self, registered: bool, expires_at: float | None, reason: str) -> None:
        self._station.report(RegistrationChanged(self.account.name, registered, expires_at, reason))


def _explain(response: Response) -> str:
    if response.status in (401, 403, 407):
        return "The registrar refuses our user name or password"
    if response.status == 404:
        return "The registrar does not know our address"
    return f"The registrar answers {response.status} {response.reason}".rstrip()
