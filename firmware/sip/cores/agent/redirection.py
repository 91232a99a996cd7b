"""Following 3xx responses: RFC 3261 §8.1.3.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from firmware.sip.uri import SipUri, Uri

if TYPE_CHECKING:
    from firmware.sip.message import Response

MAX_REDIRECTIONS = 5
"""INVITEs sent to targets that somebody redirected us to, in one call."""

_FOLLOWED = frozenset([300, 301, 302])
"""§21.3: 305 names a proxy and 380 a service, neither an address to call."""


class Redirection:
    """The target set of one call: where it may still go, and where it has been."""

    def __init__(self) -> None:
        self._waiting: list[SipUri] = []
        self._tried: list[SipUri] = []

    def tried(self, uri: SipUri) -> None:
        """An INVITE goes there."""
        self._tried.append(uri)

    def next(self, uri: Uri, response: Response, callable_uri: Callable[[Uri], SipUri | None]) -> SipUri | None:
        """Where to call next after the failure `response` from `uri`; None: nowhere, the call has failed."""
        if response.status in _FOLLOWED:
            self._extend(isinstance(uri, SipUri) and uri.secure, response, callable_uri)
        if not self._waiting or len(self._tried) > MAX_REDIRECTIONS:
            return None
        target = self._waiting.pop(0)
        self.tried(target)
        return target

    def _extend(self, secure: bool, response: Response, callable_uri: Callable[[Uri], SipUri | None]) -> None:
        """Put the Contacts before what waits already, the most preferred first (§8.1.3.4: by the q parameter)."""
        by_preference = sorted(response.contacts, key=lambda contact: -(1.0 if contact.q is None else contact.q))
        found: list[SipUri] = []
        for contact in by_preference[:MAX_REDIRECTIONS]:
            target = callable_uri(contact.uri)
            # §8.1.3.4: from sips only to sips; and no URI twice, or two servers send us in circles.
            if target is None or (secure and not target.secure):
                continue
            if not any(target.equivalent(other) for other in (*self._tried, *self._waiting, *found)):
                found.append(target)
        self._waiting[:0] = found
