"""Two media engines that talk to each other in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from firmware.audio.mixer import mix
from firmware.media.engine import Engine, OpenSockets, SendPacket
from firmware.media.messages import (
    Command,
    ConfigureSession,
    ConnectAudio,
    Direction,
    Event,
    OpenSession,
    PayloadFormat,
)
from firmware.rtp.packet import Packet, parse

PCMU = PayloadFormat(0, "PCMU")
PCMA = PayloadFormat(8, "PCMA")
EVENTS = PayloadFormat(101, "TELEPHONE-EVENT")
PORTS = {"a": 4000, "b": 5000}
OTHER = {"a": "b", "b": "a"}


def host(name: str) -> str:
    return {"a": "192.0.2.1", "b": "192.0.2.2"}[name]


class EnginePair:
    """Engines "a" and "b", a call between them, and a cable."""

    def __init__(self, *, rate_hz: int = 8000, period_ms: int = 20, offset: float = 0.007) -> None:
        self.now = 1000.0
        self.period_s = period_ms / 1000
        samples = rate_hz * period_ms // 1000
        self.silence = bytes(2 * samples)
        self.engines = {
            name: Engine(Random(seed), rate_hz=rate_hz, period_samples=samples) for seed, name in enumerate("ab", 1)
        }
        self.microphones: dict[str, Callable[[], bytes]] = {name: lambda: self.silence for name in "ab"}
        self.heard: dict[str, bytes] = {"a": b"", "b": b""}
        self.rung: dict[str, bytes] = {"a": b"", "b": b""}
        self.sent: dict[str, list[tuple[float, SendPacket]]] = {"a": [], "b": []}
        self.told: dict[str, list[Event]] = {"a": [], "b": []}
        self.drop: Callable[[str, SendPacket], bool] = lambda name, packet: False
        self._offset = offset

    def connect(
        self,
        form: PayloadFormat = PCMA,
        *,
        events: PayloadFormat | None = EVENTS,
        direction: dict[str, Direction] | None = None,
        period_ms: int = 20,
    ) -> None:
        """Open, configure and connect the session "call" at both ends."""
        for name in "ab":
            self.command(name, OpenSession("call", host(name)))
            self.configure(name, form, events, (direction or {}).get(name, "sendrecv"), period_ms)
            self.command(name, ConnectAudio("call"))

    def configure(
        self,
        name: str,
        form: PayloadFormat = PCMA,
        events: PayloadFormat | None = EVENTS,
        direction: Direction = "sendrecv",
        period_ms: int = 20,
    ) -> None:
        other = OTHER[name]
        remote, remote_rtcp = (host(other), PORTS[other]), (host(other), PORTS[other] + 1)
        receive = (form, PCMU if form == PCMA else PCMA)
        self.command(
            name, ConfigureSession("call", remote, remote_rtcp, form, receive, events, events, direction, period_ms)
        )

    def command(self, name: str, command: Command) -> None:
        self.engines[name].receive_command(command, self.now)
        self._settle(name)

    def run(self, seconds: float) -> None:
        """Let so much time pass; b's sound card ticks a little after a's."""
        for _ in range(round(seconds / self.period_s)):
            self._tick("a")
            self.now += self._offset
            self._tick("b")
            self.now += self.period_s - self._offset

    def speech(self, name: str) -> list[Packet]:
        """The RTP packets that one sent."""
        return [parse(packet.data) for _, packet in self.sent[name] if not packet.rtcp]

    def forget(self) -> None:
        """Begin to listen and to log anew."""
        for name in "ab":
            self.heard[name] = self.rung[name] = b""
            self.sent[name].clear()
            self.told[name].clear()

    def _tick(self, name: str) -> None:
        engine = self.engines[name]
        earpiece, speaker, ring = engine.period(self.microphones[name](), self.now)
        self.heard[name] += earpiece
        self.rung[name] += mix((speaker, ring), len(speaker) // 2)
        if (deadline := engine.next_deadline()) is not None and deadline <= self.now:
            engine.handle_timers(self.now)
        self._settle(name)

    def _settle(self, name: str) -> None:
        engine = self.engines[name]
        for output in engine.drain():
            if isinstance(output, OpenSockets):
                engine.sockets_opened(output.session, output.host, PORTS[name])
            elif isinstance(output, SendPacket):
                self.sent[name].append((self.now, output))
                if not self.drop(name, output):
                    self._deliver(name, output)
        self.told[name] += engine.events()

    def _deliver(self, name: str, packet: SendPacket) -> None:
        source = (host(name), PORTS[name] + packet.rtcp)
        other = OTHER[name]
        self.engines[other].receive_packet("call", packet.data, source, packet.rtcp, self.now)
        self.told[other] += self.engines[other].events()
