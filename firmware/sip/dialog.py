"""Dialogs: RFC 3261 §12, and the ACK to a 2xx (§13.2.2.4)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from random import Random

from firmware.sip.address import NameAddress
from firmware.sip.construction import MAX_FORWARDS
from firmware.sip.fields import Fields
from firmware.sip.grammar import MalformedMessage
from firmware.sip.identifiers import new_cseq
from firmware.sip.message import Request, Response
from firmware.sip.uri import SipUri, Uri

DialogId = tuple[str, str, str]
"""Call-ID, local tag, remote tag; "" where an RFC 2543 peer sent no tag (§12.1.1, §12.1.2)."""

_OUT_OF_SEQUENCE = ("ACK", "CANCEL")
"""Their CSeq numbers repeat those of the requests they follow (§12.2.1.1)."""
_CREDENTIALS = ("Authorization", "Proxy-Authorization")


class DialogState(Enum):
    """§12: early after a provisional response, confirmed after a 2xx."""

    EARLY = auto()
    CONFIRMED = auto()


class Dialog:
    """One side's view of a dialog. Compared by identity; `id` says which dialog it is."""

    __slots__ = (
        "call_id",
        "initiator",
        "local",
        "local_sequence",
        "remote",
        "remote_sequence",
        "remote_target",
        "route_set",
        "secure",
        "state",
    )

    def __init__(
        self,
        call_id: str,
        local: NameAddress,
        remote: NameAddress,
        remote_target: SipUri,
        route_set: tuple[NameAddress, ...],
        state: DialogState,
        *,
        initiator: bool,
        secure: bool,
    ) -> None:
        self.call_id = call_id
        self.local = local
        """Our From or To of the first request, with our tag."""
        self.remote = remote
        """The other side's, with its tag."""
        self.remote_target = remote_target
        """The other side's Contact: where requests end."""
        self.route_set = route_set
        """The proxies on the way there, nearest first."""
        self.state = state
        self.initiator = initiator
        """True for the side that sent the first request."""
        self.secure = secure
        """§12.1: begun over TLS with a SIPS URI."""
        self.local_sequence: int | None = None
        """CSeq number of our last request; None: none yet."""
        self.remote_sequence: int | None = None
        """The highest CSeq number of the other side's requests; None: none yet."""

    @classmethod
    def from_response(cls, request: Request, response: Response) -> Dialog:
        """Make the UAC's dialog, from `request` as sent and a 101-299 response to it (§12.1.2).

        Raises `MalformedMessage` when the response cannot be read, or a 2xx has no SIP URI as its Contact.
        """
        dialog = cls(
            request.call_id,
            request.from_,
            response.to,
            _answerer(request, response),
            tuple(reversed(response.record_routes)),
            _state_after(response),
            initiator=True,
            secure=_is_secure(request),
        )
        dialog.local_sequence = request.cseq.number
        return dialog

    @classmethod
    def from_request(cls, request: Request, response: Response) -> Dialog:
        """Make the UAS's dialog, from `request` as it came and our 101-299 response with a To tag (§12.1.1).

        Raises `MalformedMessage` (400) when the request cannot be read, or has no SIP URI as its Contact.
        """
        dialog = cls(
            request.call_id,
            response.to,
            request.from_,
            _contact(request),
            request.record_routes,
            _state_after(response),
            initiator=False,
            secure=_is_secure(request),
        )
        dialog.remote_sequence = request.cseq.number
        return dialog

    @property
    def local_tag(self) -> str:
        """Our tag."""
        return self.local.tag or ""

    @property
    def remote_tag(self) -> str:
        """The other side's tag, "" if it sent none."""
        return self.remote.tag or ""

    @property
    def id(self) -> DialogId:
        """Call-ID, local tag, remote tag: what `request_dialog_id` gives for the other side's requests."""
        return (self.call_id, self.local_tag, self.remote_tag)

    def confirm(self, response: Response) -> None:
        """Take note of a 2xx, that came to an early dialog or that we sent in it.

        For the UAC "the route set of that dialog MUST be recomputed based on the 2xx response" (§13.2.2.4), and the
        remote target with it. Raises `MalformedMessage`, and then nothing has changed.
        """
        if self.initiator and self.state is DialogState.EARLY:
            target, route_set = _contact(response), tuple(reversed(response.record_routes))
            self.remote_target, self.route_set = target, route_set
        self.state = DialogState.CONFIRMED

    def request(
        self, method: str, random: Random, fields: Iterable[tuple[str, object]] = (), body: bytes = b""
    ) -> Request:
        """Return a request within this dialog, with the next CSeq number (§12.2.1.1); the endpoint adds the Via.

        For a target refresh put a Contact into `fields`; with a body, a Content-Type.
        """
        if self.local_sequence is None:
            self.local_sequence = new_cseq(random)
        else:
            self.local_sequence += 1
        return self._make(method, self.local_sequence, fields, body)

    def ack(self, invite: Request, fields: Iterable[tuple[str, object]] = (), body: bytes = b"") -> Request:
        """Return the ACK for a 2xx to `invite`, with its CSeq number and its credentials (§13.2.2.4).

        Pass it to `Endpoint.send_stateless`, again for each further 2xx.
        """
        credentials = [(name, value) for name in _CREDENTIALS for value in invite.fields.all(name)]
        return self._make("ACK", invite.cseq.number, [*credentials, *fields], body)

    def accepts(self, request: Request) -> bool:
        """Return whether `request` is in order, and if so count its number as seen; False: answer 500 (§12.2.2).

        ACK and CANCEL, whose numbers repeat, are always in order. Raises `MalformedMessage`.
        """
        if request.method in _OUT_OF_SEQUENCE:
            return True
        number = request.cseq.number
        if self.remote_sequence is not None and number <= self.remote_sequence:
            return False
        self.remote_sequence = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """Take the remote target from a target refresh request, or from a 2xx to ours (§12.2.1.2, §12.2.2).

        A message without Contact leaves it. Raises `MalformedMessage`.
        """
        if message.contacts:
            self.remote_target = _contact(message)

    def _make(self, method: str, number: int, fields: Iterable[tuple[str, object]], body: bytes) -> Request:
        uri, routes = self._way()
        lines: list[tuple[str, object]] = [
            *(("Route", route) for route in routes),
            ("Max-Forwards", MAX_FORWARDS),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            *fields,
        ]
        return Request(method, uri, Fields(lines), body)

    def _way(self) -> tuple[Uri, tuple[NameAddress, ...]]:
        """The Request-URI and the Route (§12.2.1.1)."""
        target = self.remote_target.without_headers()
        if not self.route_set:
            return target, ()
        first = self.route_set[0].uri
        if isinstance(first, SipUri) and not first.lr:
            # A strict router: "the UAC MUST place the first URI from the route set into the Request-URI, [...] the
            # remainder of the route set values in order [...] then place the remote target URI [...] as the last".
            return first.without_headers(), (*self.route_set[1:], NameAddress("", target))
        return target, self.route_set


def request_dialog_id(request: Request) -> DialogId:
    """Return the id of the dialog that a request which came belongs to, if any (§12.2.2). Raises `MalformedMessage`."""
    return (request.call_id, request.to.tag or "", request.from_.tag or "")


def _state_after(response: Response) -> DialogState:
    return DialogState.EARLY if response.status < 200 else DialogState.CONFIRMED


def _is_secure(request: Request) -> bool:
    return request.via.transport == "TLS" and isinstance(request.uri, SipUri) and request.uri.secure


def _contact(message: Request | Response) -> SipUri:
    """The one Contact, which "MUST be a SIP or SIPS URI" (§12.1.1)."""
    contacts = message.contacts
    if len(contacts) != 1 or not isinstance(contacts[0].uri, SipUri):
        raise MalformedMessage("No single SIP Contact")
    return contacts[0].uri


def _answerer(request: Request, response: Response) -> SipUri:
    # Many a phone's 180 has a To tag and no Contact. The dialog it makes is of use nevertheless (the 2xx will bring
    # the Contact: `confirm`), so until then the request's own target stands in.
    if response.status < 200 and not response.contacts and isinstance(request.uri, SipUri):
        return request.uri
    return _contact(response)
