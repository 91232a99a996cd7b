"""Dialogs: RFC 3261 §12, and the ACK to a 2xx (§13.2.2.4)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.sip.fields import NameAddress
    from firmware.sip.message import Request, Response
    from firmware.sip.uri import Uri

DialogId = tuple[str, str, str]
"""Call-ID, local tag, remote tag; "" where an RFC 2543 peer sent no tag."""


class DialogState(Enum):
    """§12: early after a provisional response, confirmed after a 2xx."""

    EARLY = auto()
    CONFIRMED = auto()


class Dialog:
    """One side's view of a dialog. Compared by identity."""

    call_id: str
    local_tag: str
    remote_tag: str
    local: NameAddress
    """Our From (or To) of the first request, without its tag."""
    remote: NameAddress
    """The other side's, without its tag."""
    route_set: tuple[NameAddress, ...]
    remote_target: Uri
    local_sequence: int | None
    remote_sequence: int | None
    secure: bool
    state: DialogState

    @classmethod
    def from_response(cls, request: Request, response: Response) -> Dialog:
        """The UAC's dialog: `request` as sent, and a 101-299 response to it (§12.1.2).

        Raises `MalformedMessage` when a 2xx has no usable Contact.
        """
        raise NotImplementedError

    @classmethod
    def from_request(cls, request: Request, response: Response) -> Dialog:
        """The UAS's dialog: `request` as it came, and our 101-299 response with a To tag (§12.1.1).

        Raises `MalformedMessage` (400) when the request has no usable Contact.
        """
        raise NotImplementedError

    @property
    def id(self) -> DialogId:
        """(Call-ID, local tag, remote tag): compare with `request_dialog_id(request)`."""
        raise NotImplementedError

    def confirm(self, response: Response) -> None:
        """A 2xx came to (or was sent in) an early dialog: confirmed; a UAC's route set and target are read anew (§13.2.2.4)."""
        raise NotImplementedError

    def request(
        self, method: str, random: Random, fields: Iterable[tuple[str, object]] = (), body: bytes = b""
    ) -> Request:
        """A request within this dialog, with the next CSeq (§12.2.1.1); the endpoint adds Via and Max-Forwards.

        For a target refresh put a Contact into `fields`; with a body, a Content-Type.
        """
        raise NotImplementedError

    def ack(self, invite: Request, fields: Iterable[tuple[str, object]] = (), body: bytes = b"") -> Request:
        """The ACK for a 2xx to `invite`: its CSeq number, and its credentials (§13.2.2.4). Pass it to `send_stateless`."""
        raise NotImplementedError

    def accepts(self, request: Request) -> bool:
        """True if `request` is in order, and then its number is the last seen; False: answer 500 (§12.2.2).

        ACK and CANCEL, whose numbers repeat, are always in order.
        """
        raise NotImplementedError

    def refresh_target(self, message: Request | Response) -> None:
        """Take the remote target from the Contact of a target refresh request, or of a 2xx to ours (§12.2.1.2, §12.2.2)."""
        raise NotImplementedError


def request_dialog_id(request: Request) -> DialogId:
    """The id of the dialog a request that came belongs to, as its UAS names it (§12.2.2). Raises `MalformedMessage`."""
    raise NotImplementedError


def response_dialog_id(response: Response) -> DialogId:
    """The id of the dialog a response that came belongs to, as its UAC names it (§12.1.2). Raises `MalformedMessage`."""
    raise NotImplementedError
