"""An account: one identity of the phone and the servers behind it (RFC 3261 §8.1.1, §10; RFC 4504 Req-45)."""

from __future__ import annotations

from dataclasses import dataclass

from firmware.sip.uri import SipUri


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are towards one provider, or towards peers that are called directly."""

    address: SipUri
    """Address-of-record."""
    display_name: str = ""
    username: str = ""
    """Digest user name; empty: the address's user part."""
    password: str = ""
    registrar: SipUri | None = None
    """Where REGISTER, and requests to the address's own domain, are sent; None: there is no server at all."""
    outbound_proxy: SipUri | None = None
    """Preloaded as a loose route into every request outside a dialog."""
    register: bool = True
    """False: peers call us at the address itself, and only from the local network."""
    expires: int = 3600
    """Seconds asked for when registering."""
    contact_user: str = ""
    """User part of our Contact; empty: drawn at random when the user agent is made, so that nobody can guess it."""

    @property
    def name(self) -> str:
        """The address-of-record as text: what events and `UserAgent.invite` call the account."""
        return str(self.address)
