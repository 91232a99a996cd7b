"""The redirect server: RFC 3261 §8.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from firmware.sip.cores.location import LocationService, listed
from firmware.sip.cores.server.domain import Domain
from firmware.sip.cores.server.server_core import Refused, ServerCore, refuse_unsupported
from firmware.sip.message import Contact, Request

if TYPE_CHECKING:
    from firmware.sip.endpoint import Endpoint
    from firmware.sip.transaction import ServerTransaction


class Redirect(ServerCore):
    """Tells callers of our users where those are, instead of forwarding the call."""

    def __init__(
        self, endpoint: Endpoint, domains: Sequence[str], location: LocationService, *, users: Mapping[str, str]
    ) -> None:
        self._endpoint = endpoint
        self._domain = Domain(endpoint, domains, users)
        self._location = location

    def request_received(self, transaction: ServerTransaction, request: Request, now: float) -> bool:
        """Answer a request for a user of the domain with 302; leave the rest to the next core."""
        if request.method == "REGISTER" or not self._domain.has_address(request.uri):
            return False
        try:
            contacts = self._contacts(request, now)
        except Refused as refused:
            self._endpoint.reply(transaction, refused.status, now, refused.reason, fields=refused.fields)
        else:
            self._endpoint.reply(transaction, 302, now, fields=[("Contact", contact) for contact in contacts])
        return True

    def _contacts(self, request: Request, now: float) -> list[Contact]:
        """Return where the user is, with the seconds for which that holds. Raises `Refused`."""
        refuse_unsupported(request.require)
        user = self._domain.user(request.uri)
        if user is None:
            raise Refused(404)
        bindings = self._location.lookup(self._domain.address(user), now)
        # "redirect servers MUST NOT redirect a request to a URI equal to the one in the Request-URI"
        contacts = [listed(binding, now) for binding in bindings if binding.uri != request.uri]
        if not contacts:
            raise Refused(480)
        return contacts
