"""Every header field we know as a typed property of a message: RFC 3261 §20 and the RFCs named beside each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, Self, TypeVar, overload

from firmware.sip.address import Contact, parse_contact, parse_name_address
from firmware.sip.credentials import (
    parse_authentication_info,
    parse_challenge,
    parse_credentials,
)
from firmware.sip.dates import parse_date
from firmware.sip.field_values import (
    parse_call_id,
    parse_cseq,
    parse_disposition,
    parse_event,
    parse_media_type,
    parse_qualified,
    parse_rack,
    parse_reason,
    parse_replaces,
    parse_retry_after,
    parse_session_expires,
    parse_subscription_state,
    parse_target_dialog,
    parse_timestamp,
    parse_tokens,
    parse_warning,
)
from firmware.sip.grammar import MalformedMessage, parse_number, remember, split_list
from firmware.sip.header import Fields
from firmware.sip.via import Via, parse_via

T = TypeVar("T")
Lines = tuple[str, ...]


class TypedField(Generic[T]):
    """A property that reads a header field when first asked and then remembers it; raises MalformedMessage."""

    __slots__ = ("_name", "_parse", "_parse_one")

    def __init__(
        self, name: str, parse: Callable[[str, Lines], T], parse_one: Callable[[str], T] | None = None
    ) -> None:
        """`parse` is given the name and all lines; `parse_one`, if given, the line where there is one only."""
        self._name = name
        self._parse = parse
        self._parse_one = parse_one

    @overload
    def __get__(self, message: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, message: TypedFields, owner: type[object]) -> T: ...
    def __get__(self, message: TypedFields | None, owner: type[object]) -> Self | T:
        if message is None:
            return self
        fields = message.fields
        name = self._name
        value: T | None = fields.typed.get(name)
        if value is None:
            lines = (fields.index or fields.lines()).get(name, ())
            one = self._parse_one
            value = self._parse(name, lines) if one is None or len(lines) != 1 else one(lines[0])
            fields.typed[name] = value
        return value


def _required(name: str, parse: Callable[[str], T]) -> TypedField[T]:
    def parse_others(name: str, lines: Lines) -> T:
        # §7.3.1: several lines are allowed only where the value is a comma-separated list.
        raise MalformedMessage(f"Several {name}" if lines else f"Missing {name}")

    return TypedField(name, parse_others, parse)


def _optional(name: str, parse: Callable[[str], T]) -> TypedField[T | None]:
    def parse_others(name: str, lines: Lines) -> T | None:
        if lines:
            raise MalformedMessage(f"Several {name}")
        return None

    return TypedField(name, parse_others, parse)


def _listed(parse: Callable[[str], T]) -> Callable[[str, Lines], tuple[T, ...]]:
    def parse_all(name: str, lines: Lines) -> tuple[T, ...]:
        if len(lines) == 1 and "," not in lines[0]:
            return (parse(lines[0]),)
        if not lines:
            return ()
        return tuple([parse(one) for line in lines for one in (split_list(line) if "," in line else (line,))])

    return parse_all


def _each_line(parse: Callable[[str], T]) -> Callable[[str, Lines], tuple[T, ...]]:
    # §7.3.1: the four authentication fields are never combined in one line.
    return lambda name, lines: tuple([parse(line) for line in lines])


def _listed_or_absent(parse: Callable[[str], T]) -> Callable[[str, Lines], tuple[T, ...] | None]:
    def parse_all(name: str, lines: Lines) -> tuple[T, ...] | None:
        if not lines:
            return None
        return tuple([parse(element) for line in lines for element in split_list(line) if element])

    return parse_all


def _tokens(name: str, lines: Lines) -> tuple[str, ...]:
    return parse_tokens(",".join(lines))


def _words(name: str, lines: Lines) -> tuple[str, ...]:
    return tuple([word for line in lines for word in split_list(line) if word])


def _text(name: str, lines: Lines) -> str | None:
    return lines[0] if lines else None


def _privacy(name: str, lines: Lines) -> tuple[str, ...]:
    # RFC 3323 §4.2: priv-values are separated by semicolons.
    return parse_tokens(",".join(lines).replace(";", ","))


def _vias(name: str, lines: Lines) -> tuple[Via, ...]:
    if not lines:
        raise MalformedMessage("Missing Via")
    vias: list[Via] = []
    for line in lines:
        if "," in line:
            vias.extend(map(parse_via, split_list(line)))
        else:
            vias.append(parse_via(line))
    return tuple(vias)


def _contacts(name: str, lines: Lines) -> tuple[Contact, ...]:
    if lines == ("*",):
        return ()
    return _listed_contacts(name, lines)


_parse_route = remember(parse_name_address)  # a network has few proxies
_parse_max_forwards = remember(partial(parse_number, limit=255))
parse_length = remember(parse_number)


def _clamped(text: str) -> int:
    # §10.2: values above 2**32-1 may be treated as 2**32-1.
    return min(parse_number(text, 10**20), 2**32 - 1)


_listed_contacts = _listed(parse_contact)


class TypedFields:
    """The typed header fields of a message. Absent ones are None or (); a bad or missing mandatory one raises.

    Texts that a peer chose freely (subject, user_agent...) are shown through `grammar.display_text`.
    """

    __slots__ = ()

    fields: Fields

    # Mandatory in every message (§8.1.1).
    vias = TypedField("Via", _vias)
    from_ = _required("From", parse_name_address)
    to = _required("To", parse_name_address)
    call_id = _required("Call-ID", parse_call_id)
    cseq = _required("CSeq", parse_cseq)

    # Routing.
    max_forwards = _optional("Max-Forwards", _parse_max_forwards)
    contacts = TypedField("Contact", _contacts)
    routes = TypedField("Route", _listed(_parse_route))
    record_routes = TypedField("Record-Route", _listed(_parse_route))
    path = TypedField("Path", _listed(_parse_route))  # RFC 3327
    service_routes = TypedField("Service-Route", _listed(_parse_route))  # RFC 3608
    max_breadth = _optional("Max-Breadth", parse_number)  # RFC 5393

    # Time.
    expires = _optional("Expires", _clamped)
    min_expires = _optional("Min-Expires", _clamped)
    retry_after = _optional("Retry-After", parse_retry_after)
    date = _optional("Date", parse_date)
    timestamp = _optional("Timestamp", parse_timestamp)
    session_expires = _optional("Session-Expires", parse_session_expires)  # RFC 4028
    min_se = _optional("Min-SE", parse_session_expires)  # RFC 4028

    # What each side can do.
    allow = TypedField("Allow", _tokens, parse_tokens)
    supported = TypedField("Supported", _tokens, parse_tokens)
    require = TypedField("Require", _tokens, parse_tokens)
    proxy_require = TypedField("Proxy-Require", _tokens, parse_tokens)
    unsupported = TypedField("Unsupported", _tokens, parse_tokens)
    allow_events = TypedField("Allow-Events", _tokens, parse_tokens)  # RFC 6665
    accept = TypedField("Accept", _listed_or_absent(parse_media_type))
    accept_encoding = TypedField("Accept-Encoding", _listed_or_absent(parse_qualified))
    accept_language = TypedField("Accept-Language", _listed_or_absent(parse_qualified))

    # The body.
    content_type = _optional("Content-Type", parse_media_type)
    content_length = _optional("Content-Length", parse_length)
    content_disposition = _optional("Content-Disposition", parse_disposition)
    content_encoding = TypedField("Content-Encoding", _tokens, parse_tokens)
    content_language = TypedField("Content-Language", _tokens, parse_tokens)
    mime_version = TypedField("MIME-Version", _text)

    # Authentication (§22).
    www_authenticate = TypedField("WWW-Authenticate", _each_line(parse_challenge))
    proxy_authenticate = TypedField("Proxy-Authenticate", _each_line(parse_challenge))
    authorization = TypedField("Authorization", _each_line(parse_credentials))
    proxy_authorization = TypedField("Proxy-Authorization", _each_line(parse_credentials))
    authentication_info = _optional("Authentication-Info", parse_authentication_info)

    # Said to the person.
    subject = TypedField("Subject", _text)
    organization = TypedField("Organization", _text)
    priority = TypedField("Priority", _text)
    user_agent = TypedField("User-Agent", _text)
    server = TypedField("Server", _text)
    alert_info = TypedField("Alert-Info", _listed(parse_name_address))
    call_info = TypedField("Call-Info", _listed(parse_name_address))
    error_info = TypedField("Error-Info", _listed(parse_name_address))
    warning = TypedField("Warning", _listed(parse_warning))
    reasons = TypedField("Reason", _listed(parse_reason))  # RFC 3326
    in_reply_to = TypedField("In-Reply-To", _words)

    # Who it is.
    reply_to = _optional("Reply-To", parse_name_address)
    p_asserted_identity = TypedField("P-Asserted-Identity", _listed(parse_name_address))  # RFC 3325
    p_preferred_identity = TypedField("P-Preferred-Identity", _listed(parse_name_address))  # RFC 3325
    diversion = TypedField("Diversion", _listed(parse_name_address))  # RFC 5806
    privacy = TypedField("Privacy", _privacy)  # RFC 3323

    # Transfers and takeovers.
    refer_to = _optional("Refer-To", parse_name_address)  # RFC 3515
    referred_by = _optional("Referred-By", parse_name_address)  # RFC 3892
    refer_sub = _optional("Refer-Sub", parse_qualified)  # RFC 4488
    replaces = _optional("Replaces", parse_replaces)  # RFC 3891
    join = _optional("Join", parse_replaces)  # RFC 3911
    target_dialog = _optional("Target-Dialog", parse_target_dialog)  # RFC 4538

    # Events and reliable provisional responses.
    event = _optional("Event", parse_event)  # RFC 6665
    subscription_state = _optional("Subscription-State", parse_subscription_state)  # RFC 6665
    sip_etag = TypedField("SIP-ETag", _text)  # RFC 3903
    sip_if_match = TypedField("SIP-If-Match", _text)  # RFC 3903
    rseq = _optional("RSeq", parse_number)  # RFC 3262
    rack = _optional("RAck", parse_rack)  # RFC 3262

    @property
    def via(self) -> Via:
        """The topmost Via."""
        return self.vias[0]

    @property
    def contact(self) -> Contact | None:
        """The first Contact, None if there is none or it is `*`."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    def contact_is_wildcard(self) -> bool:
        """Whether Contact is `*`: all bindings (§10.2.2)."""
        return self.fields.all("Contact") == ("*",)
