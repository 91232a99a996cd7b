"""The set-up network as the captive portal that phones and laptops look for: every name and every page leads here.

A device that joins asks some page of its maker's whether it is in the internet. It gets a redirection instead, and
shows our page by itself.
"""

from __future__ import annotations

import ipaddress
import re

import dns.exception
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

OUR_NAMES = re.compile(r"localhost|offhook\d*(\.local)?")
"""With a number where a second telephone in the house is called that already (RFC 6762 §9)."""
ACCESS_POINT = "192.168.77.1"
"""Our address in the set-up network, as 10-access-point.network has it."""


def is_our_name(host: str) -> bool:
    """Whether a Host field may name us: our own names, or an address."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    return OUR_NAMES.fullmatch(name) is not None or _address(name) is not None


def is_near(peer: str, own: str) -> bool:
    """Whether a visitor is in our network: in a private one, or with IPv6 behind the same prefix as `own`.

    Few routers for homes keep IPv6 visitors out, and the page asks for no password.
    """
    visitor, ours = _address(peer.partition("%")[0]), _address(own.partition("%")[0])
    if visitor is None or ours is None:
        return False
    visitor, ours = _plain(visitor), _plain(ours)
    if visitor.is_private or visitor.is_link_local or visitor.is_loopback:
        return True
    return visitor.version == ours.version == 6 and int(visitor) >> 64 == int(ours) >> 64


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _plain(address: _Address) -> _Address:
    """An IPv4 visitor of a socket for both families is himself again."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def dns_answer(query: bytes, address: str = ACCESS_POINT) -> bytes | None:
    """Every name has our address, and nothing else (RFC 1035 §4.1). None: that was no query."""
    try:
        asked = dns.message.from_wire(query)
        if asked.flags & dns.flags.QR or len(asked.question) != 1:
            return None
        reply = dns.message.make_response(asked, recursion_available=True)
        question = asked.question[0]
        if (question.rdclass, question.rdtype) == (dns.rdataclass.IN, dns.rdatatype.A):
            reply.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", address))
        return reply.to_wire()
    except (dns.exception.DNSException, ValueError, NotImplementedError):
        return None
