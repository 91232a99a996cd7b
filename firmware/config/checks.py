"""What one value of the configuration alone can't show: whether they go together, and what this version lacks."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from firmware.config.problems import Problems
from firmware.config.sections import AVAILABLE_CODECS
from firmware.sip.transport import ListeningPoint


def check_together(problems: Problems, sections: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    """Note what is wrong between the values of `sections`; a section that could not be read at all is None.

    `tables`: the file as it stands. Nothing is said of a value that is noted as unsound.
    """
    _check_accounts(problems, sections, tables)
    _check_media(problems, sections["media"])
    _check_page(problems, sections["web"])
    _check_ports(problems, sections)
    _check_roles(problems, sections["phone"], tables)


def _check_media(problems: Problems, media: Any) -> None:
    if media is None:
        return
    if media.srtp != "off":
        problems.complain(("media", "srtp"), "encrypted media is not supported by this version", 'write "off"')
    if problems.sound("media", "codecs") and not set(media.codecs) & set(AVAILABLE_CODECS):
        remedy = "add one of: " + ", ".join(AVAILABLE_CODECS)
        problems.complain(("media", "codecs"), "this version has none of these codecs", remedy)


def _check_page(problems: Problems, web: Any) -> None:
    if web is None or web.listen is None or ipaddress.ip_address(web.listen[0]).is_loopback:
        return
    # A token that could not be read is a problem by itself, not the lack of one.
    if not web.token and problems.sound("web", "token") and problems.sound("web", "token_file"):
        remedy = 'add token = "...", or listen on 127.0.0.1'
        problems.complain(("web", "listen"), "without a token only a loopback address may be listened on", remedy)


def _check_roles(problems: Problems, phone: Any, tables: Mapping[str, Any]) -> None:
    if phone is None or not problems.sound("phone", "roles"):
        return
    wants = {"registrar", "proxy", "redirect"} & set(phone.roles)
    if wants and "registrar" not in tables:
        remedy = 'add [registrar] with domain = "..." and users = { ... }'
        problems.complain(("phone", "roles"), f"the role {sorted(wants)[0]} needs to know its domain", remedy)
    if {"proxy", "redirect"} <= wants:
        problems.complain(("phone", "roles"), "one process can't both forward and redirect", "keep proxy or redirect")


def _check_ports(problems: Problems, sections: Mapping[str, Any]) -> None:
    """One port can't serve two purposes on the same address."""
    sip, media, web = sections["sip"], sections["media"], sections["web"]
    if sip is None:
        return
    rtp = media.rtp_ports if media is not None and problems.sound("media", "rtp_ports") else None
    for n, point in enumerate(sip.listen):
        where = f"{point.transport.lower()} port {point.port}"
        if rtp is not None and point.transport == "UDP" and rtp[0] <= point.port <= rtp[1]:
            remedy = "move one of the two"
            problems.complain(("media", "rtp_ports"), f"{where} in this range is a sip.listen port", remedy)
        if web is not None and web.listen and point.transport == "TCP" and point.port and _clash(web.listen, point):
            problems.complain(("web", "listen"), f"{where} is a sip.listen port too", "give the page a port of its own")
        others = [(other.host, other.port) for other in sip.listen[:n] if other.transport == point.transport]
        if point.port and any(_clash(other, point) for other in others):
            remedy = "listen on every address, or on single ones"
            problems.complain(("sip", "listen"), f"{where} is listened on twice", remedy)


def _clash(one: tuple[str, int], point: ListeningPoint) -> bool:
    """The same port on the same address, a wildcard being every address of its family."""
    first, second = ipaddress.ip_address(one[0]), ipaddress.ip_address(point.host)
    if one[1] != point.port or first.version != second.version:
        return False
    return first == second or first.is_unspecified or second.is_unspecified


def _check_accounts(problems: Problems, sections: Mapping[str, Any], tables: Mapping[str, Any]) -> None:
    accounts, phone = sections["account"], sections["phone"]
    is_user_agent = phone is None or not problems.sound("phone", "roles") or "user-agent" in phone.roles
    if not accounts and is_user_agent and not isinstance(tables.get("account"), dict):
        problems.complain(("account",), "there is no account", 'add [[account]] with address = "sip:you@example.net"')
    seen: dict[str, int] = {}
    for n, account in enumerate(accounts):
        if account is None:
            continue
        address = str(account.address)
        if account.address is not None and address in seen:
            remedy = "remove one of the two"
            problems.complain(("account", n, "address"), f"account {seen[address] + 1} has the same address", remedy)
        seen.setdefault(address, n)
        if account.registrar is not None and not account.register:
            remedy = "remove the registrar, or write register = true"
            problems.complain(("account", n, "registrar"), "this account does not register", remedy)
