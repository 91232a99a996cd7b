"""The location service: which contacts each address-of-record is bound to (RFC 3261 §10.3, RFC 3327, RFC 5626 §6).

The registrar writes it; the proxy and the redirect server read it.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from firmware.sip.address import Contact
from firmware.sip.timers import Agenda
from firmware.sip.transport import Flow
from firmware.sip.uri import SipUri, Uri

DEFAULT_Q = 1.0
"""The preference of a contact that states none (§20.10 leaves it open)."""

_Key = tuple[object, ...]


class OutOfOrder(ValueError):
    """An update with a CSeq that is not higher than the binding's own (§10.3 steps 6 and 7)."""


class NoRoom(ValueError):
    """The location service holds as many addresses as it may."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of an address-of-record (§10.3)."""

    contact: Contact
    """As the UA gave it."""
    expires_at: float
    """Monotonic seconds; in the past: this update removes the binding."""
    call_id: str
    cseq: int
    """CSeq number of the REGISTER that made or refreshed it."""
    flow: Flow | None = None
    """Where the REGISTER came from, if it came straight from the UA; None when it passed other proxies."""
    path: tuple[str, ...] = ()
    """Path values (RFC 3327): the Route towards the UA."""

    @property
    def uri(self) -> Uri:
        """The contact's URI."""
        return self.contact.uri

    @property
    def q(self) -> float:
        """Relative preference, 0 to 1."""
        return DEFAULT_Q if self.contact.q is None else self.contact.q

    @property
    def hop(self) -> Flow | None:
        """The flow to reach the UA by; None: locate the contact's URI by RFC 3263.

        A phone behind a NAT registers an address that nobody outside can reach, so what counts is where its REGISTER
        came from (RFC 5626 §3.4). A stream is used again in any case. A contact that names a host is believed, except
        for the "invalid" names of those that know they have none.
        """
        if self.flow is None or self.path:
            return None
        if self.flow.connection is not None or not isinstance(self.uri, SipUri):
            return self.flow
        host = self.uri.host
        if host == "invalid" or host.endswith(".invalid"):
            return self.flow
        return self.flow if _differ(host, self.flow.remote[0]) else None


def canonical_address(user: str, domain: str) -> str:
    """Return the index of an address-of-record: no parameters, nothing escaped, host in lower case (§10.3 step 5)."""
    return f"{user}@{domain.lower()}"


class LocationService:
    """Bindings by address-of-record; an address is the text `canonical_address` makes."""

    def __init__(self, *, most_addresses: int = 1000, most_bindings: int = 10) -> None:
        """`most_bindings`: contacts of one address; beyond, the one refreshed longest ago gives way."""
        self._most_addresses = most_addresses
        self._most_bindings = most_bindings
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._owners: dict[_Key, dict[str, None]] = {}
        self._agenda = Agenda()
        self.changes = 0
        """Counts who came, went or moved."""
        self.refreshes = 0
        """Counts these too, and every binding that was made to last longer."""

    def __len__(self) -> int:
        return len(self._bindings)

    def lookup(self, address: str, now: float) -> tuple[Binding, ...]:
        """Return the live bindings of `address`, the preferred and then the newest first."""
        live = [binding for binding in reversed(self._bindings.get(address, ())) if binding.expires_at > now]
        return tuple(sorted(live, key=lambda binding: -binding.q))

    def find(self, uri: Uri, now: float) -> Binding | None:
        """Return the live binding whose contact has the user, host and port of `uri`, whoever's it is.

        Requests inside a dialog are addressed to the UA's contact, not to its address-of-record.
        """
        key = _contact_key(uri)
        live = [binding for address in self._owners.get(key, ()) for binding in self.lookup(address, now)]
        return next((binding for binding in live if _contact_key(binding.uri) == key), None)

    def reached_from(self, flow: Flow, now: float, address: str | None = None) -> bool:
        """Whether `address`, or any address if None, has a live binding registered from the far end of `flow`."""
        key = _flow_key(flow)
        owners = [owner for owner in self._owners.get(key, ()) if address is None or owner == address]
        return any(_flow_key(binding.flow) == key for owner in owners for binding in self.lookup(owner, now))

    def update(self, address: str, updates: Sequence[Binding], now: float) -> None:
        """Add, refresh or (where `expires_at` is not after `now`) remove bindings: all of them, or none.

        Raises `OutOfOrder` (§10.3 step 7), and `NoRoom`.
        """
        bindings = [binding for binding in self._bindings.get(address, ()) if binding.expires_at > now]
        for update in _latest_of_each(updates):
            existing = next((binding for binding in bindings if _same_contact(binding, update)), None)
            if existing is not None:
                _check_order(existing, update.call_id, update.cseq)
                bindings.remove(existing)
            if update.expires_at > now:
                bindings.append(update)
        if bindings and address not in self._bindings and len(self._bindings) >= self._most_addresses:
            raise NoRoom(f"{len(self._bindings)} addresses are registered")
        self._commit(address, tuple(bindings[-self._most_bindings :]))

    def clear(self, address: str, call_id: str, cseq: int, now: float) -> None:
        """Remove every binding of `address`: Contact "*" with Expires 0. Raises `OutOfOrder` (§10.3 step 6)."""
        for binding in self.lookup(address, now):
            _check_order(binding, call_id, cseq)
        self._commit(address, ())

    def forget_flow(self, flow: Flow) -> None:
        """Remove the bindings that are only reached by `flow`, which is broken (RFC 5626 §5.3: flow failed)."""
        for address, bindings in list(self._bindings.items()):
            kept = tuple(binding for binding in bindings if binding.hop != flow)
            if kept != bindings:
                self._commit(address, kept)

    def handle_timers(self, now: float) -> None:
        """Forget the bindings that expired."""
        for address in self._agenda.pop_due(now):
            assert isinstance(address, str)
            self._commit(address, tuple(each for each in self._bindings.get(address, ()) if each.expires_at > now))

    def next_deadline(self) -> float | None:
        """When the next binding expires, monotonic seconds."""
        return self._agenda.next_deadline()

    def recall(self, bindings: Mapping[str, Sequence[Binding]], now: float) -> None:
        """Take what another life of this exchange knew (`addresses`); what has expired or has no room is left out."""
        for address, bound in bindings.items():
            with contextlib.suppress(NoRoom):
                self.update(address, tuple(reversed(bound)), now)  # the newest came first

    def addresses(self, now: float) -> Mapping[str, tuple[Binding, ...]]:
        """Return everything that is bound now."""
        return {address: bindings for address in self._bindings if (bindings := self.lookup(address, now))}

    def _commit(self, address: str, bindings: tuple[Binding, ...]) -> None:
        before = self._bindings.pop(address, ())
        self.refreshes += 1
        self.changes += {str(binding.uri) for binding in before} != {str(binding.uri) for binding in bindings}
        for binding in before:
            for key in _keys(binding):
                self._disown(key, address)
        if not bindings:
            self._agenda.cancel(address)
            return
        self._bindings[address] = bindings
        for binding in bindings:
            for key in _keys(binding):
                self._owners.setdefault(key, {})[address] = None
        self._agenda.set(address, min(binding.expires_at for binding in bindings))

    def _disown(self, key: _Key, address: str) -> None:
        owners = self._owners.get(key, {})
        owners.pop(address, None)
        if not owners:
            self._owners.pop(key, None)


def listed(binding: Binding, now: float) -> Contact:
    """Return the contact with its remaining seconds, as §10.3 step 8 lists it."""
    remaining = max(0, round(binding.expires_at - now))
    return replace(binding.contact, parameters=binding.contact.parameters.with_("expires", str(remaining)))


def _latest_of_each(updates: Sequence[Binding]) -> list[Binding]:
    """Leave out what a later update for the same contact replaces: one REGISTER may list a contact twice."""
    latest: list[Binding] = []
    for update in updates:
        latest = [*(other for other in latest if not _same_contact(other, update)), update]
    return latest


def _check_order(binding: Binding, call_id: str, cseq: int) -> None:
    if binding.call_id == call_id and cseq <= binding.cseq:
        raise OutOfOrder(f"CSeq {cseq} comes after {binding.cseq}")


def _same_contact(one: Binding, other: Binding) -> bool:
    flow = _registered_flow(one)
    if flow is not None and flow == _registered_flow(other):
        return True
    if isinstance(one.uri, SipUri) and isinstance(other.uri, SipUri):
        return one.uri.equivalent(other.uri)
    return one.uri == other.uri


def _registered_flow(binding: Binding) -> tuple[str, str] | None:
    # RFC 5626 §6: with both parameters the binding is the instance's flow, whatever its URI has become.
    instance, number = (binding.contact.parameters.get(name) for name in ("+sip.instance", "reg-id"))
    return (instance, number) if instance and number else None


def _keys(binding: Binding) -> tuple[_Key, _Key]:
    return _contact_key(binding.uri), _flow_key(binding.flow)


def _contact_key(uri: Uri) -> _Key:
    return (uri.user, uri.host, uri.port) if isinstance(uri, SipUri) else (str(uri),)


def _flow_key(flow: Flow | None) -> _Key:
    return () if flow is None else (flow.transport, flow.remote, flow.connection, "flow")


def _differ(host: str, numeric: str) -> bool:
    """Whether `host` is an address other than `numeric`; a name never is."""
    try:
        return ipaddress.ip_address(host) != ipaddress.ip_address(numeric)
    except ValueError:
        return False
