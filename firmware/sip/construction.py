"""The messages the transaction layer makes itself: RFC 3261 §8.1.1, §8.2.6, §8.2.7, §9.1, §17.1.1.3, §18.1.1."""

from __future__ import annotations

from hashlib import blake2s
from random import Random

from firmware.sip.address import Contact
from firmware.sip.fields import Fields
from firmware.sip.identifiers import new_branch
from firmware.sip.message import Request, Response, response_to
from firmware.sip.next_hop import Path
from firmware.sip.parameters import Parameters
from firmware.sip.transport import Flow
from firmware.sip.uri import SipUri
from firmware.sip.via import Via

MAX_FORWARDS = 70
"""§8.1.1.6."""


def on_path(
    request: Request, path: Path, random: Random, user_agent: str, contact: Contact | None, suffix: str
) -> Request:
    """Return `request` ready for `path`: with our Via, Max-Forwards, User-Agent, and the Contact as seen from there."""
    branch = new_branch(random) + suffix
    # RFC 3581 §3: "the client MUST [...] insert an "rport" parameter into the topmost Via"; without a value.
    via = Via(path.hop.transport, *path.sent_by, Parameters([("rport", None), ("branch", branch)]))
    forwarded = "Via" in request.fields
    request = request.prepend("Via", via)
    if "Max-Forwards" not in request.fields:
        request = request.with_("Max-Forwards", MAX_FORWARDS)
    if user_agent and not forwarded and "User-Agent" not in request.fields:
        request = request.with_("User-Agent", user_agent)
    return request if contact is None else request.with_("Contact", contact_on(contact, path))


def contact_on(contact: Contact, path: Path) -> Contact:
    """Return `contact` with our host and port as seen from `path`'s other end, and its transport."""
    if not isinstance(contact.uri, SipUri):
        return contact
    host, port = path.sent_by
    parameters = contact.uri.parameters.without("transport")
    if path.hop.transport == "TCP":
        parameters = parameters.with_("transport", "tcp")
    elif path.hop.transport == "TLS" and not contact.uri.secure:
        parameters = parameters.with_("transport", "tls")
    uri = contact.uri.with_(host=host, port=port, parameters=parameters)
    return Contact(contact.display_name, uri, contact.parameters)


def _companion(method: str, request: Request, to: str) -> list[tuple[str, object]]:
    """What ACK and CANCEL share with the request they follow (§9.1, §17.1.1.3)."""
    fields = request.fields
    return [
        ("Via", request.via),
        *(("Route", route) for route in fields.all("Route")),
        ("Max-Forwards", MAX_FORWARDS),
        ("From", fields.get("From") or ""),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", f"{request.cseq.number} {method}"),
    ]


def ack_for(invite: Request, response: Response) -> Request:
    """Return the ACK for a 300-699 response (§17.1.1.3): To is the response's, the rest the INVITE's."""
    to = response.fields.get("To") or ""
    return Request("ACK", invite.uri, Fields(_companion("ACK", invite, to)))


def cancel_for(invite: Request, reason: str | None = None) -> Request:
    """Return the CANCEL for `invite` as it was sent (§9.1); `reason` is a Reason value (RFC 3326)."""
    fields = _companion("CANCEL", invite, invite.fields.get("To") or "")
    if reason is not None:
        fields.append(("Reason", reason))
    return Request("CANCEL", invite.uri, Fields(fields))


def refusal(fields: Fields, flow: Flow, status: int, reason: str, secret: bytes) -> Response:
    """Return the response to a request of which little more than the Via is readable.

    The To tag depends on the request alone, so that every retransmission gets the same (§8.2.7).
    """
    identity = f"{fields.get('Via')}{fields.get('Call-ID')}{fields.get('CSeq')}"
    tag = blake2s(identity.encode("utf-8", "surrogateescape"), key=secret, digest_size=8).hexdigest()
    response = response_to(fields, status, reason or None, to_tag=tag)
    return response.with_("Via", response.via.with_source(*flow.remote), *response.vias[1:])
