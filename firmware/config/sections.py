"""The sections of the configuration file: what may stand in each, what it means, and what holds without it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from firmware.config import values as read
from firmware.numbering.dial_plan import Rule
from firmware.sip.transport import ListeningPoint
from firmware.sip.uri import SipUri

ROLES = ("user-agent", "registrar", "proxy", "redirect")
CODECS = ("opus", "G722", "PCMA", "PCMU")
"""Every codec name a file may list. Those this version lacks are passed over."""
AVAILABLE_CODECS = ("PCMA", "PCMU")
DIGESTS = ("SHA-512-256", "SHA-256", "MD5")


def _key(reader: read.Reader, default: Any = dataclasses.MISSING) -> Any:
    return field(default=default, metadata={"reader": reader})


@dataclass(frozen=True, slots=True)
class PhoneSection:
    """`[phone]`."""

    name: str = _key(read.filled, "Offhook")
    """Shown on the panel."""
    country: str = _key(read.country, "gb")
    """Whose call-progress tones and ring."""
    roles: tuple[str, ...] = _key(read.list_of(read.one_of(*ROLES), least=1), ("user-agent",))
    """What this process is in the network (RFC 3261 §6)."""
    timezone: str = _key(read.timezone, "")
    """IANA name, "Europe/London"; empty: the machine's."""
    call_waiting: bool = _key(read.boolean, True)
    """A second caller is announced in a call; false: hears busy."""
    do_not_disturb: bool = _key(read.boolean, False)
    """No call rings; the caller hears that nobody can be reached. Until the person says otherwise."""
    memory: str | None = _key(read.text, None)
    """File that keeps the call list, redial, volumes and do-not-disturb over a restart; relative to the configuration
    file. None: `offhook run` chooses one, `offhook sim` begins anew each time; empty: nothing is kept."""


@dataclass(frozen=True, slots=True)
class AccountSection:
    """`[[account]]`."""

    address: SipUri = _key(read.address_of_record)
    """Address-of-record."""
    name: str = _key(read.text, "")
    """Display name."""
    username: str = _key(read.filled, "")
    """Digest user; default: the address's user part."""
    password: str = _key(read.filled, "")
    """Digest password."""
    password_file: str = _key(read.filled, "")
    """File that holds the password; relative to the configuration file."""
    registrar: SipUri | None = _key(read.sip_uri, None)
    """Where to register; default: the address's domain, located by RFC 3263."""
    outbound_proxy: SipUri | None = _key(read.sip_uri, None)
    """Where every request goes first."""
    register: bool = _key(read.boolean, True)
    """False: a peer that is called directly, with no server at all."""
    expires: int = _key(read.integer(30, 604_800), 3600)
    """Seconds."""
    auto_answer: float | None = _key(read.auto_answer, None)
    """Seconds before an incoming call is answered; None: never by itself."""


@dataclass(frozen=True, slots=True)
class SipSection:
    """`[sip]`."""

    listen: tuple[ListeningPoint, ...] = _key(
        read.list_of(read.listening_point, least=1),
        (ListeningPoint("UDP", "0.0.0.0", 5060), ListeningPoint("TCP", "0.0.0.0", 5060)),
    )
    """Listening points."""
    accept_from: tuple[str, ...] = _key(read.list_of(read.network), ())
    """Networks, besides the account's own servers, whose calls may ring."""


@dataclass(frozen=True, slots=True)
class MediaSection:
    """`[media]`."""

    rtp_ports: tuple[int, int] = _key(read.port_range, (16384, 16483))
    """First and last UDP port of RTP and RTCP."""
    codecs: tuple[str, ...] = _key(read.list_of(read.one_of(*CODECS), least=1), CODECS)
    """In order of preference."""
    srtp: str = _key(read.one_of("off", "offer", "require"), "off")
    """Encryption of media."""


@dataclass(frozen=True, slots=True)
class HardwareSection:
    """`[hardware]`."""

    board: str = _key(read.filled, "sim")
    """A name in hw/boards, or a path to such a file; relative to the configuration file."""


@dataclass(frozen=True, slots=True)
class WebSection:
    """`[web]`."""

    listen: tuple[str, int] = _key(read.web_address)
    """Address and port."""
    token: str = _key(read.filled, "")
    """What `Authorization: Bearer` must carry; empty: none."""
    token_file: str = _key(read.filled, "")
    """File that holds the token; relative to the configuration file."""


@dataclass(frozen=True, slots=True)
class RegistrarSection:
    """`[registrar]`."""

    domain: str = _key(read.domain)
    """The domain whose users register here."""
    users: tuple[tuple[str, str], ...] = _key(read.passwords)
    """User and password of each."""
    digest: tuple[str, ...] = _key(read.list_of(read.one_of(*DIGESTS), least=1), ("MD5",))
    """Digest algorithms to offer, the preferred first (RFC 8760 §2.3). MD5 alone unless asked otherwise: phones that
    know nothing else, those built on libre before version 2 among them, give up when they see any other beside it,
    although RFC 8760 §2.4 has them pass over it."""


@dataclass(frozen=True, slots=True)
class DialSection:
    """`[dial]`."""

    patterns: tuple[str, ...] = _key(read.list_of(read.dial_pattern), ())
    """Numbers that are whole as soon as they match: digits, x any digit, [2-9] one of these, `x.` any number."""
    rules: tuple[Rule, ...] = _key(read.list_of(read.dial_rule), ())
    """Patterns with what becomes of the number: so many characters stripped, then a prefix; or it is refused. They go
    before `patterns`, and the first that matches counts."""
    timeout: float = _key(read.seconds(1, 60), 4.0)
    """Seconds without a key after which what was dialled is called."""
    hotline: str = _key(read.callee, "")
    """Called when the handset is lifted: a number or a SIP URI; empty: there is dial tone."""
    hotline_delay: float = _key(read.seconds(0, 60), 0.0)
    """Seconds of dial tone before that, in which another number may be begun; 0: it is called at once."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    phone: PhoneSection
    account: tuple[AccountSection, ...]
    sip: SipSection
    media: MediaSection
    hardware: HardwareSection
    web: WebSection | None
    registrar: RegistrarSection | None
    dial: DialSection
