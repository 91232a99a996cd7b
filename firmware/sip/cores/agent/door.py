"""Who may ring us: which account an incoming request is for, and whether its source may call it.

RFC 4504 Req-64 and Req-65: scanners send INVITEs to every port 5060 they find, so a phone that rings for anybody
rings all night. An account that registers is reached under a random Contact user only, and only through its own
servers; one that does not is reached under its address, and only from the local network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from firmware.sip.cores.account import Account
from firmware.sip.message import Request
from firmware.sip.uri import SipUri

_LOCAL: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # RFC 3927
        "fe80::/10",
        "fc00::/7",  # RFC 4193
    )
)

MAX_LEARNED = 64
"""Server addresses remembered for each account."""


def is_local(host: str) -> bool:
    """True for a numeric host of this machine or a private or link-local network (RFC 1918, 3927, 4193)."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _LOCAL)


def same_host(one: str, other: str) -> bool:
    """True if two hosts are the same name or numeric address (RFC 5954 §4.2: IPv6 is compared by value)."""
    if one.lower() == other.lower():
        return True
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False


class Door:
    """The rules of who is let in, for the accounts of one user agent."""

    def __init__(
        self,
        accounts: Sequence[Account],
        is_own_address: Callable[[str, int | None], bool],
        accept_from: Callable[[Account, str], bool] | None = None,
    ) -> None:
        self._accounts = tuple(accounts)
        self._is_own_address = is_own_address
        self._accept_from = accept_from
        self._servers: dict[Account, set[str]] = {account: set() for account in accounts}

    def account_for(self, request: Request) -> Account | None:
        """The account whose Contact, or (if it does not register) whose address, the Request-URI is; None if none's."""
        uri = request.uri
        if not isinstance(uri, SipUri) or not uri.user:
            return None  # Req-64: a blank user part is nobody's
        for account in self._accounts:
            if uri.user == account.contact_user or (not account.register and self._is_address(account, uri)):
                return account
        return None

    def _is_address(self, account: Account, uri: SipUri) -> bool:
        """True if `uri` is the account's address, also with our own numeric host instead of its domain."""
        if uri.user != account.address.user:
            return False
        return same_host(uri.host, account.address.host) or self._is_own_address(uri.host, uri.port)

    def learn_servers(self, account: Account, hosts: Iterable[str]) -> None:
        """Remember numeric hosts that the names of the account's servers led to (RFC 3263)."""
        known = self._servers[account]
        known.update(host for host in hosts if len(known) < MAX_LEARNED)

    def is_server(self, account: Account, host: str) -> bool:
        """True if `host`, a name or numeric, is the account's registrar or outbound proxy."""
        configured = [uri.host for uri in (account.registrar, account.outbound_proxy) if uri is not None]
        return any(same_host(host, server) for server in (*configured, *self._servers[account]))

    def lets_in(self, account: Account, host: str) -> bool:
        """True if calls for the account are taken from the numeric source `host` (Req-65)."""
        if self.is_server(account, host) or (not account.register and is_local(host)):
            return True
        return self._accept_from is not None and self._accept_from(account, host)
