"""What the calls and registrations of one user agent share, and where their requests go (RFC 3261 §8.1.2, RFC 3608)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Protocol, cast

from firmware.sip.address import Contact, Route
from firmware.sip.cores.account import Account
from firmware.sip.cores.agent.bodies import ACCEPT
from firmware.sip.cores.agent.door import Door, same_host
from firmware.sip.cores.agent.keyring import Keyring
from firmware.sip.cores.user_agent_events import UserAgentEvent
from firmware.sip.timers import Agenda, Timers
from firmware.sip.uri import SipUri, TelUri, Uri

if TYPE_CHECKING:
    from firmware.sip.cores.agent.transfer import Referral
    from firmware.sip.cores.agent.usage import Usage
    from firmware.sip.cores.core import TransactionUser
    from firmware.sip.dialog import DialogId
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.message import Request
    from firmware.sip.transaction import ClientTransaction
    from firmware.sip.transport import Hop

ALLOW = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "INFO", "REFER", "NOTIFY")
"""The methods we take (§20.5)."""

TIMER = "timer"
SUPPORTED = ("replaces", TIMER)
"""The extensions we understand (§20.37)."""

SDP = "application/sdp"
DTMF_RELAY = "application/dtmf-relay"
SIPFRAG = "message/sipfrag"


class Alarmed(Protocol):
    """Somebody who set alarms."""

    def alarm(self, name: str, now: float) -> None:
        """The alarm set under `name` is due."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a request outside a dialog leaves."""

    routes: tuple[Route, ...] = ()
    """Preloaded route set (§8.1.2)."""
    target: SipUri | None = None
    """Where to send it instead of the Request-URI's host, when there are no routes."""
    served: bool = False
    """True if it goes to a server of the account: only such a server's digest challenges are answered."""


@dataclass(slots=True)
class Station:
    """What all parts of one user agent have in common."""

    endpoint: Endpoint
    random: Random
    door: Door
    timers: Timers
    max_calls: int
    no_answer_s: float | None
    keyrings: dict[str, Keyring]
    """By the account's name."""
    agenda: Agenda = field(default_factory=Agenda)
    calls: dict[str, Usage] = field(default_factory=dict)
    """Calls that are not over."""
    dialogs: dict[DialogId, Usage] = field(default_factory=dict)
    """Every dialog, also those whose BYE is under way."""
    referrals: dict[str, Referral] = field(default_factory=dict)
    """By the call they came in: REFERs the application has not decided on."""
    reports: list[UserAgentEvent] = field(default_factory=list)
    service_routes: dict[str, tuple[Route, ...]] = field(default_factory=dict)
    """By the account's name: what its registrar wants requests to visit (RFC 3608)."""
    doubts: dict[str, Callable[[float], None]] = field(default_factory=dict)
    """By the account's name: whom to tell when its server did not answer a request."""
    public_addresses: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By the account's name: our address as its registrar sees it, when that is another (RFC 3581)."""

    def report(self, event: UserAgentEvent) -> None:
        """Tell the application."""
        self.reports.append(event)

    def keyring(self, account: Account) -> Keyring:
        """The credentials of an account."""
        return self.keyrings[account.name]

    def unanswered(self, account: Account, now: float) -> None:
        """A server of the account answered nothing: it may have lost our registration too."""
        doubt = self.doubts.get(account.name)
        if doubt is not None:
            doubt(now)

    # --- alarms ---

    def set_alarm(self, owner: Alarmed, name: str, at: float) -> None:
        """Call `owner.alarm(name)` at that time."""
        self.agenda.set((owner, name), at)

    def cancel_alarms(self, owner: Alarmed, *names: str) -> None:
        """Forget alarms, set or not."""
        for name in names:
            self.agenda.cancel((owner, name))

    def handle_timers(self, now: float) -> None:
        """Sound every alarm that is due."""
        for key in self.agenda.pop_due(now):
            owner, name = cast("tuple[Alarmed, str]", key)
            owner.alarm(name, now)

    # --- addresses ---

    def way_to(self, account: Account, uri: Uri) -> Way:
        """How requests outside a dialog go to `uri` from an account."""
        routes = self._preloaded_routes(account)
        if routes:
            return Way(routes, served=True)
        has_server = account.register or account.registrar is not None
        if has_server and isinstance(uri, SipUri) and same_host(uri.host, account.address.host):
            return Way(target=account.registrar, served=True)
        host = uri.host if isinstance(uri, SipUri) else ""
        return Way(served=self.door.is_server(account, host))

    def _preloaded_routes(self, account: Account) -> tuple[Route, ...]:
        """RFC 3608 §6.1: the service route, behind the configured proxy if it does not begin with that."""
        service = self.service_routes.get(account.name, ())
        if account.outbound_proxy is None:
            return service
        proxy = as_route(account.outbound_proxy)
        if service and _same_server(service[0].uri, account.outbound_proxy):
            return service
        return (proxy, *service)

    def send(
        self,
        account: Account,
        request: Request,
        user: TransactionUser,
        now: float,
        *,
        way: Way,
        with_contact: bool,
        hop: Hop | None = None,
    ) -> ClientTransaction:
        """Send a request on its way, with our Contact if the method has one.

        `hop`: the one of the way's servers to go to, where it matters which.
        """
        secure = isinstance(request.uri, SipUri) and request.uri.secure  # §8.1.1.8
        contact = None
        if with_contact:
            public = self.public_addresses.get(account.name)
            if public is None:
                contact = Contact.of(SipUri(account.contact_user, account.address.host, secure=secure))
            else:
                request = request.with_("Contact", Contact.of(SipUri(account.contact_user, *public, secure=secure)))
        return self.endpoint.send_request(request, user, now, hop=hop or way.target, contact=contact)

    def contact_towards(self, account: Account, host: str, transport: str, *, secure: bool = False) -> Contact:
        """Our Contact as the numeric `host` sees us."""
        public = self.public_addresses.get(account.name) if transport == "UDP" else None
        address, port = public or self.endpoint.contact_address(host, transport)
        uri = SipUri(account.contact_user, address, port, secure=secure)
        if transport != "UDP":
            uri = uri.with_(parameters=uri.parameters.with_("transport", transport.lower()))
        return Contact.of(uri)

    def callable_uri(self, account: Account, uri: Uri) -> SipUri | None:
        """What to put into a Request-URI to call `uri`; None if we cannot call such a thing.

        §19.1.6: a telephone number becomes the user part of a URI of the account's own domain.
        """
        if isinstance(uri, SipUri):
            return uri.without_headers()
        if not isinstance(uri, TelUri):
            return None
        user = f"{uri.digits}{uri.parameters.uri_text()}"
        home = account.address
        return SipUri(user, home.host, home.port, secure=home.secure).with_(
            parameters=home.parameters.with_("user", "phone")
        )


def as_route(uri: SipUri) -> Route:
    """A URI as an element of a route set, a loose router (§16.12)."""
    return Route.of(uri.with_(parameters=uri.parameters.with_("lr")))


def _same_server(one: Uri, other: SipUri) -> bool:
    return isinstance(one, SipUri) and same_host(one.host, other.host) and one.port == other.port


def capabilities() -> tuple[tuple[str, object], ...]:
    """The header fields that say what we can do (§20.5, §20.37)."""
    return (("Allow", ", ".join(ALLOW)), ("Supported", ", ".join(SUPPORTED)))


def abilities() -> tuple[tuple[str, object], ...]:
    """What an OPTIONS is answered with (§11.2): the capabilities, and the bodies we read."""
    return (*capabilities(), ("Accept", ACCEPT), ("Accept-Encoding", "identity"), ("Accept-Language", "en"))


def with_body(body: bytes | None, content_type: str = SDP) -> tuple[tuple[str, object], ...]:
    """The header fields a body needs."""
    return (("Content-Type", content_type),) if body else ()
