"""Whole telephones in the virtual world, and people who use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from firmware.audio.tones import Tone
from firmware.config import Config, parse
from firmware.media import messages as media
from firmware.phone import events as phone_events
from firmware.phone.view import CallView, PhoneView
from firmware.screen.screen import Picture
from firmware.sip.timers import Timers
from firmware.sip.transport import Flow, Hop, ListeningPoint, Output
from firmware.station.build import World as StationWorld
from firmware.station.build import build_station
from firmware.station.registrations_codec import Bindings
from tests.support.world import World, wall

KEY_DOWN = 0.08
KEY_GAP = 0.12


class MediaEdge(Protocol):
    """A media engine as a station sees it."""

    def send(self, command: media.Command) -> list[media.Event]:
        """Take a command; returns what the engine answers at once."""
        ...


class PortsOnly:
    """A media engine that opens ports and keeps what it was told, but carries no sound."""

    def __init__(self, first_port: int = 16384, *, ports: int = 1000) -> None:
        """`ports`: how many sessions there is room for at a time."""
        self.sessions: dict[str, media.ConfigureSession | None] = {}
        self.tone: Tone | None = None
        self.knock: Tone | None = None
        self.ring: Tone | None = None
        self.connected: str | None = None
        self.levels = media.SetLevels()
        self.digits: list[tuple[str, str]] = []
        """Sent into sessions: (session, digit)."""
        self.ports = ports
        self._port = first_port

    @property
    def session(self) -> media.ConfigureSession:
        """What the one session there is was told."""
        (only,) = self.sessions.values()
        assert only is not None
        return only

    def send(self, command: media.Command) -> list[media.Event]:
        """See MediaEdge."""
        match command:
            case media.OpenSession(session, host):
                if len(self.sessions) >= self.ports:
                    return [media.SessionRefused(session, "no RTP port is free")]
                self.sessions[session] = None
                self._port += 2
                return [media.SessionOpened(session, host, self._port - 2)]
            case media.ConfigureSession():
                self.sessions[command.session] = command
            case media.CloseSession(session):
                self.sessions.pop(session, None)
            case media.PlayTone(tone):
                self.tone = tone
            case media.PlayKnock(tone):
                self.knock = tone
            case media.PlayRing(tone):
                self.ring = tone
            case media.ConnectAudio(session):
                self.connected = session
            case media.SetLevels():
                self.levels = command
            case media.StartDigit(session, digit):
                self.digits.append((session, digit))
            case media.SendDigits(session, digits):
                self.digits.extend((session, digit) for digit in digits)
        return []


class StationNode:
    """A telephone on a virtual network, with its person."""

    def __init__(
        self,
        world: World,
        config: Config | str,
        host: str,
        seed: int,
        *,
        timers: Timers | None = None,
        engine: Callable[[StationNode], MediaEdge] | None = None,
        panel_size: tuple[int, int] | None = (128, 64),
        registrations: Bindings | None = None,
    ) -> None:
        """`config`: its listening points give the ports; the host is replaced by `host`.

        `engine` makes the media engine; without it there are ports, but no sound: `self.media`.
        """
        self.config = parse(config) if isinstance(config, str) else config
        self.points = tuple(ListeningPoint(point.transport, host, point.port) for point in self.config.sip.listen)
        self.host = host
        self.world = world
        self.media = PortsOnly()
        self.engine: MediaEdge = self.media if engine is None else engine(self)
        self.picture: Picture | None = None
        self.lamps: dict[str, str] = {}
        self.ringing = False
        edges = StationWorld(Random(seed), lambda _: host, wall, timers or Timers())
        self.station = build_station(
            self.config, self.points, edges, world.now, panel_size=panel_size, registrations=registrations
        )

    # --- the network's side ---

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.station.sip_received(data, flow, now)

    def connection_closed(self, connection: int, now: float, hop: Hop | None = None) -> None:
        self.station.sip_connection_closed(connection, now, hop)

    def delivery_failed(self, hop: Hop, now: float) -> None:
        self.station.sip_delivery_failed(hop, now)

    def located(self, query: int, hops: Sequence[Hop], now: float) -> None:
        self.station.sip_located(query, tuple(hops), now)

    def handle_timers(self, now: float) -> None:
        self.station.handle_timers(now)

    def next_deadline(self) -> float | None:
        return self.station.next_deadline()

    def drain(self) -> list[Output]:
        outputs: list[Output] = []
        while True:
            commands, actions = self.station.drain_media(), self.station.drain_board()
            outputs += self.station.drain_sip()
            for action in actions:
                if isinstance(action, phone_events.SetLamp):
                    self.lamps[action.lamp] = action.state
                else:
                    self.ringing = isinstance(action, phone_events.Ring)
            for command in commands:
                for event in self.engine.send(command):
                    self.station.media_received(event, self.world.now)
            self.picture = self.station.drain_picture() or self.picture
            if not commands and not actions:
                return outputs

    def media_said(self, event: media.Event) -> None:
        """The engine has news."""
        self.station.media_received(event, self.world.now)
        self.world.touch(self)

    # --- the person's side ---

    def start(self) -> None:
        """Switch the telephone on."""
        self.station.start(self.world.now)
        self.world.touch(self)

    def do(self, event: phone_events.PhoneEvent) -> str | None:
        """One thing happens at the telephone."""
        try:
            return self.station.phone_received(event, self.world.now)
        finally:
            self.world.touch(self)

    def lift(self) -> None:
        """Take the handset."""
        self.do(phone_events.HandsetLifted())

    def hang_up(self) -> None:
        """Lay it back."""
        self.do(phone_events.HandsetReplaced())

    def press(self, keys: str | Sequence[str]) -> None:
        """Type keys, one after the other from now on, as a finger does."""
        when = self.world.now
        for key in keys:
            self.world.at(when, lambda key=key: self.do(phone_events.KeyPressed(key)))
            self.world.at(when + KEY_DOWN, lambda key=key: self.do(phone_events.KeyReleased(key)))
            when += KEY_DOWN + KEY_GAP

    @property
    def number(self) -> str:
        """The user part of its first account's address."""
        return self.config.account[0].address.user or ""

    @property
    def last_call(self) -> CallView:
        """The latest call there is or was."""
        return self.view.calls[-1]

    @property
    def view(self) -> PhoneView:
        """The telephone's state."""
        return self.station.view(self.world.now)

    @property
    def calls(self) -> list[CallView]:
        """The calls that are not over."""
        return [call for call in self.view.calls if call.state != "ended"]

    @property
    def call(self) -> CallView:
        """The one call there is."""
        (only,) = self.calls
        return only

    @property
    def panel(self) -> str:
        """The text on the panel."""
        return "\n".join(self.picture.lines) if self.picture else ""


def phone_text(
    user: str,
    *,
    exchange: str | None = "10.0.0.1",
    name: str = "",
    transport: str = "",
    listen: Sequence[str] = ("udp", "tcp"),
    phone: str = "",
    extra: str = "",
    **sip: str,
) -> str:
    """A phone's configuration; `exchange`: the host of its registrar and proxy, None for a peer without servers.

    `transport`: what its servers are reached by, if not by choice. `phone`, `extra`: more lines.
    """
    if exchange is None:
        servers = "register = false"
        address = f"sip:{user}@{sip.get('host', 'home.test')}"
    else:
        server = f"sip:{exchange}:5060" + (f";transport={transport}" if transport else "")
        servers = f'password = "secret-{user}"\nregistrar = "{server}"\noutbound_proxy = "{server};lr"'
        address = f"sip:{user}@home.test"
    points = ", ".join(f'"{one}:127.0.0.1:5060"' for one in listen)
    return f"""
[phone]
name = "{name or user}"
{sip.get("roles", "")}
{phone}

[[account]]
address = "{address}"
name = "{name or user}"
{servers}

[sip]
listen = [{points}]

[dial]
patterns = ["1xxx"]
{extra}
"""


def exchange_text(user: str, users: Sequence[str], **more: str) -> str:
    """A phone that is also the household's registrar and proxy."""
    table = ", ".join(f'{one} = "secret-{one}"' for one in users)
    extra = f'[registrar]\ndomain = "home.test"\nusers = {{ {table} }}\n'
    return phone_text(user, extra=extra, roles='roles = ["user-agent", "registrar", "proxy"]', **more)


def household(
    count: int = 2, *, world: World | None = None, config: Mapping[int, Mapping[str, str]] | None = None, **more: str
) -> tuple[World, list[StationNode]]:
    """Telephones 1001, 1002, ... at 10.0.0.1, 10.0.0.2, ...; the first is the exchange of all. Registered.

    `more`: options of every phone's configuration; `config`: of single ones, by their place.
    """
    world = world or World()
    users = [str(1001 + n) for n in range(count)]
    nodes = []
    for n, user in enumerate(users):
        options: dict[str, str] = {**more, **(config or {}).get(n, {})}
        text = exchange_text(user, users, **options) if n == 0 else phone_text(user, **options)
        nodes.append(StationNode(world, text, f"10.0.0.{n + 1}", n + 1))
    for node in nodes:
        world.add(node)
        node.start()
    world.wait(3.0)
    return world, nodes


def connect(caller: StationNode, callee: StationNode) -> None:
    """Lift, dial, answer: two people talk."""
    world = caller.world
    caller.lift()
    caller.press(callee.number)
    world.wait(3.0)
    callee.lift()
    world.wait(1.0)
