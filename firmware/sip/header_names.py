"""Header field names: their usual spelling and compact forms (RFC 3261 §7.3.3, §20; later ones: IANA's registry)."""

from __future__ import annotations

from firmware.sip.grammar import MalformedMessage, is_token

# fmt: off
_NAMES = (
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Answer-Mode", "Authentication-Info", "Authorization", "CSeq", "Call-ID", "Call-Info", "Contact",
    "Content-Disposition", "Content-Encoding", "Content-ID", "Content-Language", "Content-Length",
    "Content-Type", "Date", "Diversion", "Encryption", "Error-Info", "Event", "Expires", "Flow-Timer", "From",
    "Hide", "History-Info", "Identity", "In-Reply-To", "Info-Package", "Join", "MIME-Version", "Max-Breadth",
    "Max-Forwards", "Min-Expires", "Min-SE", "Organization", "P-Access-Network-Info", "P-Asserted-Identity",
    "P-Called-Party-ID", "P-Early-Media", "P-Preferred-Identity", "Path", "Priority", "Privacy",
    "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "RSeq", "Reason", "Record-Route",
    "Recv-Info", "Refer-Sub", "Refer-To", "Referred-By", "Reject-Contact", "Replaces", "Reply-To",
    "Request-Disposition", "Require", "Response-Key", "Retry-After", "Route", "SIP-ETag", "SIP-If-Match",
    "Server", "Service-Route", "Session-Expires", "Session-ID", "Subject", "Subscription-State", "Supported",
    "Target-Dialog", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "WWW-Authenticate", "Warning",
)
# fmt: on

COMPACT_FORMS = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""One letter to the name it stands for."""

_BY_LOWER = {name.lower(): name for name in _NAMES} | COMPACT_FORMS
_SPELLINGS = (
    {name: name for name in _NAMES}
    | _BY_LOWER
    | {lower.upper(): name for lower, name in _BY_LOWER.items()}
    | {lower.title(): name for lower, name in _BY_LOWER.items()}
)

known_name = _SPELLINGS.get
"""The usual spelling of a name in a common spelling, else None: one dictionary access for nearly every line."""


def spelling(name: str) -> str:
    """Return the usual spelling of a header field's name, or `name` itself if it is unknown to us."""
    return _SPELLINGS.get(name) or _BY_LOWER.get(name.lower(), name)


def key(name: str) -> str:
    """Return what equal names have in common: the usual spelling, or lower case for an unknown name (§7.3.1)."""
    return _SPELLINGS.get(name) or _BY_LOWER.get(lower := name.lower(), lower)


def parse_name(text: str) -> str:
    """Return the usual spelling of a name as received, possibly with LWS before the colon; raises MalformedMessage."""
    name = text.rstrip(" \t")
    if not is_token(name):
        raise MalformedMessage(f"Bad header field name {name[:40]!r}")
    return spelling(name)
