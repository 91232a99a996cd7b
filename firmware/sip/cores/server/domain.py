"""The domain a server is responsible for, and its users (RFC 3261 §10.3 steps 1 and 5, §16.5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Protocol

from firmware.sip.cores.location import canonical_address
from firmware.sip.uri import SipUri, TelUri, Uri


class OwnAddresses(Protocol):
    """What knows our own addresses: an `Endpoint`."""

    def is_own_address(self, host: str, port: int | None, transport: str | None = None) -> bool:
        """Whether host and port designate us."""
        ...


class Domain:
    """Tells our users' URIs from everybody else's.

    `names[0]` is the domain's name, further ones are aliases; our own numeric address stands for it too.
    `users`: user part of each address-of-record, and its password.
    """

    def __init__(self, own: OwnAddresses, names: Sequence[str], users: Mapping[str, str]) -> None:
        if not names:
            raise ValueError("a domain needs a name")
        self._own = own
        self._names = frozenset(name.lower() for name in names)
        self.name = names[0].lower()
        """Also the realm of its challenges."""
        self.users = users

    def is_named(self, uri: Uri) -> bool:
        """Whether `uri` names the domain, whatever its user."""
        if not isinstance(uri, SipUri) or uri.host not in self._names:
            return False
        # A numeric "domain" is a household without one: other ports of that host are other phones.
        return not _is_numeric(uri.host) or uri.port is None or self.is_own(uri)

    def is_own(self, uri: Uri) -> bool:
        """Whether `uri` holds our own numeric address."""
        return isinstance(uri, SipUri) and self._own.is_own_address(uri.host, uri.port, uri.transport)

    def covers(self, uri: Uri) -> bool:
        """Whether `uri` designates us or our domain."""
        return self.is_named(uri) or self.is_own(uri)

    def user(self, uri: Uri) -> str | None:
        """Return the user whose address-of-record `uri` is; None if it is nobody's here."""
        if isinstance(uri, TelUri):
            return uri.digits if uri.digits in self.users else None
        if not isinstance(uri, SipUri) or not uri.user or not self.covers(uri):
            return None
        return uri.user if uri.user in self.users else None

    def has_address(self, uri: Uri) -> bool:
        """Whether `uri` is an address-of-record of the domain, be it anybody's or not.

        Our own numeric address with a user part that is nobody's here is a Contact of this process's user agent.
        """
        if self.user(uri) is not None:
            return True
        return isinstance(uri, SipUri) and bool(uri.user) and self.is_named(uri) and not self.is_own(uri)

    def address(self, user: str) -> str:
        """Return the address-of-record of `user` as the location service's index."""
        return canonical_address(user, self.name)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
