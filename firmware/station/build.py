"""A station from its configuration: the endpoint, its cores in their order, the phone."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from firmware.audio.tones import progress_tone, ring
from firmware.config import AVAILABLE_CODECS, AccountSection, Config
from firmware.numbering.dial_plan import DialPlan
from firmware.phone.memory import Memory
from firmware.phone.phone import Phone
from firmware.phone.settings import AccountSettings, PhoneSettings, Timeouts, Tones
from firmware.sdp.negotiation import PCMA, PCMU
from firmware.sip.cores.account import Account
from firmware.sip.cores.agent.door import is_local
from firmware.sip.cores.core import Core
from firmware.sip.cores.user_agent import UserAgent
from firmware.sip.endpoint import Endpoint
from firmware.sip.timers import Timers
from firmware.sip.transport import ListeningPoint
from firmware.sip.uri import SipUri, Uri
from firmware.station import memory_codec
from firmware.station.calls import codecs_named
from firmware.station.notebook import Notebook
from firmware.station.panel import Panel
from firmware.station.station import Station
from firmware.station.switchboard import FAR_AWAY, LOOPBACK, Switchboard
from firmware.version import VERSION

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from firmware.sip.cores.location import LocationService
    from firmware.station.registrations_codec import Bindings

FAR_AWAY_IPV6 = "2001:db8::1"
"""As FAR_AWAY (RFC 3849)."""
KNOWN_CODECS = (PCMA, PCMU)
assert {codec.encoding for codec in KNOWN_CODECS} == set(AVAILABLE_CODECS)


@dataclass(frozen=True, slots=True)
class World:
    """What a station can't make for itself: chance, its own address, the clock on the wall, protocol timers."""

    random: Random
    local_address: Callable[[str], str]
    """Our numeric address towards a numeric host."""
    wall: Callable[[float], datetime]
    """Local date and time at a monotonic time."""
    timers: Timers = Timers()


def build_station(
    config: Config,
    points: Sequence[ListeningPoint],
    world: World,
    now: float,
    *,
    panel_size: tuple[int, int] | None = (128, 64),
    memory: Memory | None = None,
    registrations: Bindings | None = None,
    forgetful: bool = False,
) -> Station:
    """The station of `config`, listening on `points` (as bound).

    `memory`, `registrations`: what the phone, and the exchange it is too, knew before this start. `forgetful`: there
    is no disk that keeps the settings.
    """
    endpoint = Endpoint(
        points=points,
        random=world.random,
        local_address=world.local_address,
        timers=world.timers,
        user_agent=f"Offhook/{VERSION}",
    )
    accounts = [_account(section) for section in config.account if _is_user_agent(config)]
    near = _may_ring(config)
    user_agent = UserAgent(endpoint, accounts, world.random, accept_from=lambda _, host: near(host))
    location = _location(config, endpoint, registrations or {}, world, now)
    endpoint.cores.extend([*_servers(config, endpoint, world, location), user_agent])
    phone = Phone(phone_settings(config, forgetful=forgetful), now, memory)
    switchboard = Switchboard(
        user_agent,
        phone,
        codecs=codecs_named(config.media.codecs, KNOWN_CODECS),
        random=world.random,
        local_address=world.local_address,
        next_hops={account.name: _server_host(account) for account in accounts},
        auto_answer={str(section.address): section.auto_answer for section in config.account},
        listening=[point.host for point in points],
    )
    def own_addresses() -> tuple[str, ...]:
        families = {":" in point.host for point in points}
        ours = [world.local_address(far) for far in (FAR_AWAY, FAR_AWAY_IPV6) if (":" in far) in families]
        return tuple(dict.fromkeys(each for each in ours if each not in LOOPBACK))

    notebooks = {"phone": _phone_notebook(phone, world, now)}
    if location is not None:
        notebooks["registrations"] = _registrations_notebook(location, world, now)
    return Station(endpoint, user_agent, phone, switchboard, Panel(panel_size, world.wall), notebooks, own_addresses)


def _phone_notebook(phone: Phone, world: World, now: float) -> Notebook:
    return Notebook(
        lambda: phone.memory_mark,
        lambda now: memory_codec.encode(phone.memory(now, world.wall(now).timestamp())),
        now,
        urgent_mark=lambda: phone.erasures,
    )


def _registrations_notebook(location: LocationService, world: World, now: float) -> Notebook:
    from firmware.station import registrations_codec

    def encode(now: float) -> bytes:
        later = world.wall(now).timestamp() - now
        return registrations_codec.encode(_shifted(location.addresses(now), later))

    return Notebook(lambda: location.changes, encode, now, slow_mark=lambda: location.refreshes)


def _shifted(bindings: Bindings, later: float) -> Bindings:
    """The same by a clock that shows so many seconds more."""
    return {
        address: tuple(dataclasses.replace(binding, expires_at=binding.expires_at + later) for binding in bound)
        for address, bound in bindings.items()
    }


def _location(
    config: Config, endpoint: Endpoint, registrations: Bindings, world: World, now: float
) -> LocationService | None:
    """Where the users of our domain are; None if we serve nobody.

    Of what was known before, users that are no more are forgotten, and our own phone, which registers anew.
    """
    if config.registrar is None or not {"registrar", "proxy", "redirect"} & set(config.phone.roles):
        return None
    # A mere telephone starts without them.
    from firmware.sip.cores.location import LocationService, canonical_address

    location = LocationService()
    addresses = {canonical_address(user, config.registrar.domain) for user, _ in config.registrar.users}
    ours = {
        address: tuple(binding for binding in bound if not _is_own(endpoint, binding.uri))
        for address, bound in registrations.items()
        if address in addresses
    }
    location.recall(_shifted(ours, now - world.wall(now).timestamp()), now)
    return location


def _is_user_agent(config: Config) -> bool:
    return "user-agent" in config.phone.roles


def _account(section: AccountSection) -> Account:
    registrar = section.registrar
    if registrar is None and section.register:
        address = section.address
        registrar = SipUri(user=None, host=address.host, port=address.port, secure=address.secure)
    return Account(
        address=section.address,
        display_name=section.name,
        username=section.username,
        password=section.password,
        registrar=registrar,
        outbound_proxy=_loose(section.outbound_proxy),
        register=section.register,
        expires=section.expires,
    )


def _loose(proxy: SipUri | None) -> SipUri | None:
    """A strict router is never meant: the lr parameter is easily forgotten."""
    if proxy is None or proxy.lr:
        return proxy
    return dataclasses.replace(proxy, parameters=proxy.parameters.with_("lr", None))


def _server_host(account: Account) -> str:
    server = account.outbound_proxy or account.registrar
    return server.host if server is not None else ""


def _may_ring(config: Config) -> Callable[[str], bool]:
    """Whether a numeric host is in one of the networks that `accept_from` lists."""
    networks = [ipaddress.ip_network(text) for text in config.sip.accept_from]

    def is_near(host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return is_near


def _is_own(endpoint: Endpoint, uri: Uri) -> bool:
    return isinstance(uri, SipUri) and endpoint.is_own_address(uri.host, uri.port, uri.transport)


def _servers(config: Config, endpoint: Endpoint, world: World, location: LocationService | None) -> list[Core]:
    """The server roles, before the user agent: it takes only what is addressed to its own contacts."""
    if config.registrar is None or location is None:
        return []
    from firmware.sip.cores.proxy import Proxy
    from firmware.sip.cores.redirect import Redirect
    from firmware.sip.cores.registrar import Registrar

    domain, users = config.registrar.domain, dict(config.registrar.users)
    algorithms = config.registrar.digest
    servers: list[Core] = []
    if "registrar" in config.phone.roles:
        servers.append(
            Registrar(
                endpoint,
                domain,
                users,
                location,
                world.random,
                algorithms=algorithms,
                today=world.wall,
                tell=lambda line: log.info("exchange: %s", line),
            )
        )
    if "proxy" in config.phone.roles:
        # A scanner that finds the exchange rings nobody; whom `accept_from` lets ring may call nobody else through it.
        near = _may_ring(config)
        servers.append(
            Proxy(
                endpoint,
                [domain],
                location,
                world.random,
                users=users,
                open_to_strangers=lambda host: is_local(host) or near(host),
                algorithms=algorithms,
            )
        )
    if "redirect" in config.phone.roles:
        servers.append(Redirect(endpoint, [domain], location, users=users))
    return servers


def phone_settings(config: Config, *, forgetful: bool = False) -> PhoneSettings:
    """What the phone is told."""
    country = config.phone.country
    names = ("dial", "ringback", "busy", "congestion", "number_unobtainable", "call_waiting", "howler")
    tones = {name: progress_tone(country, name.replace("_", "-")) for name in names}
    accounts = tuple(
        AccountSettings(str(section.address), section.name, section.register) for section in config.account
    )
    return PhoneSettings(
        name=config.phone.name,
        tones=Tones(**tones, ring=ring(country)[0]),
        accounts=accounts if _is_user_agent(config) else (),
        dial_plan=DialPlan([*config.dial.rules, *config.dial.patterns]),
        timeouts=Timeouts(next_digit=config.dial.timeout, critical=min(config.dial.timeout, 4.0)),
        call_waiting=config.phone.call_waiting,
        do_not_disturb=config.phone.do_not_disturb,
        hotline=config.dial.hotline,
        hotline_delay=config.dial.hotline_delay,
        version=VERSION,
        forgetful=forgetful,
    )
