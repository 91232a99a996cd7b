"""The real media engine at a telephone of the virtual world: its RTP goes over the same links as the signalling."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from random import Random

from firmware.audio.mixer import mix
from firmware.audio.synthesis import ToneGenerator
from firmware.audio.tones import Segment, Tone
from firmware.media import messages as media
from firmware.media.engine import CloseSockets, Engine, OpenSockets, SendPacket
from tests.support.stations import StationNode
from tests.support.world import World

PERIOD = 0.02
"""Seconds between two periods of the sound card."""
SAMPLES = 160
RATE_HZ = 8000
FIRST_PORT = 16384
SPOKEN_DBM0 = -10.0


def spoken(frequency_hz: float) -> Tone:
    """What a person says who says one tone for ever."""
    return Tone((Segment((frequency_hz,), None, SPOKEN_DBM0),))


class Voice:
    """An engine with a sound card that ticks by the world's clock, and what it played."""

    def __init__(self, node: StationNode, seed: int, *, phase: float = 0.0) -> None:
        """`phase`: seconds after the full period at which this card ticks: no two cards of a network tick together."""
        self.engine = Engine(Random(seed), rate_hz=RATE_HZ, period_samples=SAMPLES)
        self.told: list[media.Event] = []
        """Everything the engine said."""
        self.earpiece = bytearray()
        self.loudspeaker = bytearray()
        self._node = node
        self._world: World = node.world
        self._mouth: ToneGenerator | None = None
        self._ports: dict[str, int] = {}
        self._next_port = FIRST_PORT
        self._started = self._world.now + phase
        self._ticks = 0
        self._world.at(self._started, self._tick)

    def say(self, tone: Tone | None) -> None:
        """Speak into the microphone from now on; None: be silent."""
        self._mouth = None if tone is None else ToneGenerator(tone, RATE_HZ)

    def heard(self, seconds: float, *, until: float | None = None) -> array[int]:
        """The samples the earpiece played in the last `seconds` before `until` (now)."""
        end = self._ticks if until is None else round((until - self._started) / PERIOD)
        octets = 2 * SAMPLES
        return array("h", bytes(self.earpiece[max(0, end - round(seconds / PERIOD)) * octets : end * octets]))

    def all_told(self, kind: type[media.Event]) -> list[media.Event]:
        """Every event of a kind."""
        return [event for event in self.told if isinstance(event, kind)]

    # --- MediaEdge ---

    def send(self, command: media.Command) -> list[media.Event]:
        """See MediaEdge."""
        self.engine.receive_command(command, self._world.now)
        return self._flush()

    # --- the sound card and the sockets ---

    def _tick(self) -> None:
        now = self._world.now
        microphone = bytes(2 * SAMPLES) if self._mouth is None else self._mouth.read(SAMPLES)
        earpiece, loudspeaker, ring = self.engine.period(microphone, now)
        self.earpiece += earpiece
        self.loudspeaker += mix((loudspeaker, ring), SAMPLES)
        deadline = self.engine.next_deadline()
        if deadline is not None and deadline <= now:
            self.engine.handle_timers(now)
        self._tell(self._flush())
        self._ticks += 1
        self._world.at(self._started + self._ticks * PERIOD, self._tick)

    def _tell(self, events: list[media.Event]) -> None:
        for event in events:
            self._node.media_said(event)

    def _flush(self) -> list[media.Event]:
        while outputs := self.engine.drain():
            for output in outputs:
                match output:
                    case OpenSockets():
                        self._open(output)
                    case CloseSockets(session):
                        self._close(session)
                    case SendPacket():
                        source = (self._node.host, self._ports[output.session] + output.rtcp)
                        self._world.speak(source, output.destination, output.data)
        events = self.engine.events()
        self.told += events
        return events

    def _open(self, wanted: OpenSockets) -> None:
        port, self._next_port = self._next_port, self._next_port + 2
        self._ports[wanted.session] = port
        for rtcp in (False, True):
            self._world.listen((wanted.host, port + rtcp), self._ear(wanted.session, rtcp))
        self.engine.sockets_opened(wanted.session, wanted.host, port)

    def _ear(self, session: str, rtcp: bool) -> Callable[[bytes, tuple[str, int]], None]:
        def heard(data: bytes, source: tuple[str, int]) -> None:
            self.engine.receive_packet(session, data, source, rtcp, self._world.now)
            self._tell(self._flush())

        return heard

    def _close(self, session: str) -> None:
        port = self._ports.pop(session)
        for rtcp in (False, True):
            self._world.stop_listening((self._node.host, port + rtcp))


def voiced(world: World, config: str, host: str, seed: int) -> tuple[StationNode, Voice]:
    """A telephone with a real engine, on the network."""
    voices: list[Voice] = []

    def engine(node: StationNode) -> Voice:
        voices.append(Voice(node, seed, phase=(seed * 0.0037) % PERIOD))
        return voices[0]

    node = StationNode(world, config, host, seed, engine=engine)
    world.add(node)
    node.start()
    return node, voices[0]
