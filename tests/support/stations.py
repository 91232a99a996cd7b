"""Whole telephones in the virtual world, and people who use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        self.station = build_station(self.config, self.points, edges, world.now, panel_size=panel_size)

    # --- the network's side ---

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.station.sip_received(data, flow, now)

    def connection_closed(self, connection: int, now: float) -> None:
        self.station.sip_connection_closed(connection, now)

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


def phone_text(user: str, *, exchange: str | None = "10.0.0.1", name: str = "", extra: str = "", **sip: str) -> str:
    """A phone's configuration; `exchange`: the host of its registrar and proxy, None for a peer without servers."""
    if exchange is None:
        servers = "register = false"
        address = f"sip:{user}@{sip.get('host', 'home.test')}"
    else:
        servers = (
            f'password = "secret-{user}"\nregistrar = "sip:{exchange}:5060"\noutbound_proxy = "sip:{exchange}:5060;lr"'
        )
        address = f"sip:{user}@home.test"
    return f"""
[phone]
name = "{name or user}"
{sip.get("roles", "")}

[[account]]
address = "{address}"
name = "{name or user}"
{servers}

[sip]
listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]

[dial]
patterns = ["1xxx"]
{extra}
"""


def exchange_text(user: str, users: Sequence[str], **more: str) -> str:
    """A phone that is also the household's registrar and proxy."""
    table = ", ".join(f'{one} = "secret-{one}"' for one in users)
    extra = f'[registrar]\ndomain = "home.test"\nusers = {{ {table} }}\n'
    return phone_text(user, extra=extra, roles='roles = ["user-agent", "registrar", "proxy"]', **more)
