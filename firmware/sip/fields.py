"""The header field values of RFC 3261 §20, gathered from the modules that define them, and their container."""

from firmware.sip.address import Contact, From, NameAddress, Route, To, parse_contact, parse_name_address
from firmware.sip.credentials import AuthenticationInfo, Challenge, Credentials
from firmware.sip.dates import format_date
from firmware.sip.field_values import (
    CSeq,
    Disposition,
    Event,
    MediaType,
    Qualified,
    RAck,
    Reason,
    Replaces,
    RetryAfter,
    SessionExpires,
    SubscriptionState,
    Timestamp,
    Warning,
)
from firmware.sip.header import Fields
from firmware.sip.via import Via, parse_via

__all__ = [
    "AuthenticationInfo",
    "CSeq",
    "Challenge",
    "Contact",
    "Credentials",
    "Disposition",
    "Event",
    "Fields",
    "From",
    "MediaType",
    "NameAddress",
    "Qualified",
    "RAck",
    "Reason",
    "Replaces",
    "RetryAfter",
    "Route",
    "SessionExpires",
    "SubscriptionState",
    "Timestamp",
    "To",
    "Via",
    "Warning",
    "format_date",
    "parse_contact",
    "parse_name_address",
    "parse_via",
]
