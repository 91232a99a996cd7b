"""Via: the path a request took (RFC 3261 §20.42, §25.1; rport of RFC 3581)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from firmware.sip.grammar import (
    HOST,
    TOKEN_CHARACTERS,
    MalformedMessage,
    format_host,
    parse_host,
    parse_number,
    parse_port,
)
from firmware.sip.making import maker
from firmware.sip.parameters import NO_PARAMETERS, SIMPLE_PARAMETERS, Parameters, join_parameters

MAGIC_COOKIE = "z9hG4bK"
"""Begins every branch made by RFC 3261 (§8.1.1.7)."""

_VIA = re.compile(
    rf"[{TOKEN_CHARACTERS}]++[ \t]*/[ \t]*[{TOKEN_CHARACTERS}]++[ \t]*/[ \t]*([{TOKEN_CHARACTERS}]++)[ \t]++"
    rf"({HOST})(?:[ \t]*+:[ \t]*+([0-9]{{1,5}}))?[ \t]*+({SIMPLE_PARAMETERS})(.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of the path."""

    transport: str
    """Upper case: "UDP", "TCP", "TLS"..."""
    host: str
    """sent-by's host, lower case, IPv6 without brackets."""
    port: int | None = None
    """sent-by's port; None if absent."""
    parameters: Parameters = NO_PARAMETERS

    @property
    def branch(self) -> str | None:
        """The branch parameter, None if absent."""
        return self.parameters.get("branch")

    @property
    def has_cookie(self) -> bool:
        """Whether the branch is RFC 3261's, unique to the transaction (§8.1.1.7)."""
        return (self.branch or "").startswith(MAGIC_COOKIE)

    @property
    def sent_by(self) -> tuple[str, int | None]:
        """Host and port as written (§18.1.1)."""
        return self.host, self.port

    @property
    def received(self) -> str | None:
        """The source address a server saw (§18.2.1), IPv6 without brackets."""
        value = self.parameters.get("received")
        return value.strip("[]") if value else None

    @property
    def has_rport(self) -> bool:
        """Whether rport is there, asking (flag) or filled in (RFC 3581 §3)."""
        return self.parameters.has("rport")

    @property
    def rport(self) -> int | None:
        """The source port a server filled in; None for absent and for the bare flag."""
        value = self.parameters.get("rport")
        return parse_number(value, 65535) if value else None

    @property
    def maddr(self) -> str | None:
        """The multicast address to answer to, IPv6 without brackets."""
        value = self.parameters.get("maddr")
        return value.strip("[]") if value else None

    @property
    def ttl(self) -> int | None:
        """Time to live of a multicast, 0 to 255."""
        value = self.parameters.get("ttl")
        return parse_number(value, 255) if value else None

    def with_parameter(self, name: str, value: str | None = None) -> Via:
        """Return a copy in which the parameter `name` has `value`; None makes it a flag."""
        return replace(self, parameters=self.parameters.with_(name, value))

    def with_source(self, host: str, port: int) -> Via:
        """Return what a server records: received if the source differs (§18.2.1), and rport if asked (RFC 3581 §4)."""
        if self.has_rport:
            return self.with_parameter("received", host).with_parameter("rport", str(port))
        return self if host.lower() == self.host else self.with_parameter("received", host)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {format_host(self.host)}{port}{self.parameters}"


_make_via = maker(Via)


def parse_via(text: str) -> Via:
    """Read one Via value (§25.1 via-parm); raises MalformedMessage.

    Protocol and version are passed over: a request of another version must be answered too (§21.5.6).
    """
    match = _VIA.fullmatch(text)
    if match is None:
        raise MalformedMessage("Bad Via")
    transport, host, port, simple, others = match.groups()
    return _make_via(
        transport.upper(),
        parse_host(host) if host[0] == "[" else host.lower(),
        None if port is None else parse_port(port),
        join_parameters(simple, others),
    )
