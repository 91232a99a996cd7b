"""The media engine: every call's voice, the telephone's own tones and the sound card, without input or output.

    phone ── Command ──> receive_command ┐                         ┌ events() ── Event ──> phone
    sockets ── octets ─> receive_packet  ├── one Stream for each ──┤
    microphone ────────> period          ┘   session, tones, mix   └ drain() ── OpenSockets, SendPacket, ... ──> sockets
                            └──> earpiece, loudspeaker

The sound card is the clock: `period` is called once for each of its periods (10 or 20 ms), and everything that
goes out goes out in step with it. RTCP and the reports once a second go by `next_deadline` and `handle_timers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from firmware.audio.level import Limiter, amplify, factor
from firmware.audio.mixer import mix
from firmware.media.ear import KeyVoice, Voice
from firmware.media.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    ConnectAudio,
    Event,
    KeyTone,
    MediaStopped,
    OpenSession,
    PlayKnock,
    PlayRing,
    PlayTone,
    Quality,
    RemoteDigit,
    RemoteLeft,
    SendDigits,
    SessionOpened,
    SessionRefused,
    SetLevels,
    StartDigit,
    StopDigit,
)
from firmware.media.quality import LossCount, LossWindow, mos
from firmware.media.stream import Stream
from firmware.rtp import session as rtp

Address = tuple[str, int]

REPORT_S = 1.0
"""How often Quality is told."""
STOPPED_S = 5.0
"""After how long without a packet MediaStopped is told."""
_DUCKED = factor(-12.0)
# Speech while a key tone sounds, and a tone while somebody knocks: low enough for the other, not gone.
_REMOTE_KEY_DBM0 = -20.0
_REMOTE_KEY_SHORTEST_S = 0.16
_REMOTE_KEY_LONGEST_MS = 10_000
# A key of the far end comes as a name without a sound (RFC 4733): it sounds here, softer than our own, as long as it is
# held; long enough to be noticed, and not for ever where somebody sends it for ever.


@dataclass(frozen=True, slots=True)
class OpenSockets:
    """Bind an RTP socket and an RTCP socket on the next port; answer with sockets_opened or sockets_refused."""

    session: str
    host: str
    port: int | None
    """Only this RTP port; None: any."""


@dataclass(frozen=True, slots=True)
class CloseSockets:
    """Close them."""

    session: str


class SendPacket(NamedTuple):
    """Send octets from the session's RTP or RTCP socket. A tuple: one is made each 20 ms, and dataclasses are slow."""

    session: str
    data: bytes
    destination: Address
    rtcp: bool


Output = OpenSockets | CloseSockets | SendPacket


class _Call:
    """A session and what the engine keeps of it besides its voice."""

    def __init__(self, stream: Stream, now: float) -> None:
        self.stream = stream
        self.loss = LossWindow()
        self.report_at = now + REPORT_S
        self.listening_since = now
        self.stopped = False


class Engine:
    """The engine of one telephone.

    engine = Engine(Random(1), rate_hz=8000, period_samples=160)
    engine.receive_command(OpenSession("call-1", "192.0.2.1"), now)
    engine.drain()  # [OpenSockets("call-1", "192.0.2.1", None)]
    engine.sockets_opened("call-1", "192.0.2.1", 4000)
    engine.receive_command(ConfigureSession("call-1", ...), now)
    earpiece, speaker, ring = engine.period(microphone, now)  # every 20 ms
    """

    def __init__(self, random: Random, *, rate_hz: int = 8000, period_samples: int = 160) -> None:
        """`random`: of SSRCs, sequence numbers and names; `rate_hz`, `period_samples`: of the sound card."""
        self._random = random
        self._rate_hz = rate_hz
        self._period_samples = period_samples
        self._silence = bytes(2 * period_samples)
        # RFC 7022 §4.2: a short-term persistent CNAME, 96 random bits.
        self._cname = f"{random.getrandbits(96):024x}"
        self._calls: dict[str, _Call] = {}
        self._connected: str | None = None
        self._levels = SetLevels()
        self._earpiece_gain = self._ringer_gain = 1.0
        self._tone = Voice(rate_hz)
        self._knock = Voice(rate_hz)
        self._ring = Voice(rate_hz)
        self._key = KeyVoice(rate_hz)
        self._remote_key = KeyVoice(
            rate_hz,
            shortest_s=_REMOTE_KEY_SHORTEST_S,
            longest_ms=_REMOTE_KEY_LONGEST_MS,
            level_dbm0=_REMOTE_KEY_DBM0,
        )
        self._limiter = Limiter()
        self._ring_limiter = Limiter()
        self._outputs: list[Output] = []
        self._events: list[Event] = []
        self._verbs: dict[type[Any], Callable[[Any, float], None]] = {
            OpenSession: self._open,
            ConfigureSession: self._configure,
            CloseSession: self._close,
            ConnectAudio: self._connect,
            PlayTone: lambda command, now: self._tone.play(command.tone),
            PlayKnock: lambda command, now: self._knock.play(command.tone),
            PlayRing: lambda command, now: self._ring.play(command.tone),
            KeyTone: self._press,
            StartDigit: self._start_digit,
            StopDigit: self._stop_digit,
            SendDigits: self._send_digits,
            SetLevels: self._set_levels,
        }

    # --- the phone's commands ---

    def receive_command(self, command: Command, now: float) -> None:
        """Do what the phone asks. What concerns a session that is not open (any more) does nothing."""
        self._verbs[type(command)](command, now)

    def _open(self, command: OpenSession, now: float) -> None:
        if command.session not in self._calls:
            session = rtp.Session(self._random, cname=self._cname, now=now)
            self._calls[command.session] = _Call(Stream(session, self._rate_hz, self._period_samples), now)
            self._outputs.append(OpenSockets(command.session, command.host, command.port))

    def _configure(self, command: ConfigureSession, now: float) -> None:
        if call := self._calls.get(command.session):
            call.stream.configure(command, now)
            call.listening_since = now

    def _close(self, command: CloseSession, now: float) -> None:
        if call := self._calls.get(command.session):
            call.stream.session.leave(now)
            self._collect_packets(command.session, call)
            self._collect_events(command.session, call)
            self._forget(command.session)
            self._outputs.append(CloseSockets(command.session))

    def _forget(self, session: str) -> None:
        del self._calls[session]
        if self._connected == session:
            self._connected = None

    def _connect(self, command: ConnectAudio, now: float) -> None:
        self._connected = command.session

    def _press(self, command: KeyTone, now: float) -> None:
        if command.digit is None:
            self._key.release()
        else:
            self._key.press(command.digit)

    def _start_digit(self, command: StartDigit, now: float) -> None:
        if call := self._calls.get(command.session):
            call.stream.start_digit(command.digit)

    def _stop_digit(self, command: StopDigit, now: float) -> None:
        if call := self._calls.get(command.session):
            call.stream.stop_digit()

    def _send_digits(self, command: SendDigits, now: float) -> None:
        if call := self._calls.get(command.session):
            call.stream.send_digits(command.digits)

    def _set_levels(self, command: SetLevels, now: float) -> None:
        self._levels = command
        self._earpiece_gain, self._ringer_gain = factor(command.earpiece_db), factor(command.ringer_db)

    # --- the sockets ---

    def sockets_opened(self, session: str, host: str, port: int) -> None:
        """The session's sockets are bound: RTP on `port`, RTCP on the next."""
        if session in self._calls:
            self._events.append(SessionOpened(session, host, port))

    def sockets_refused(self, session: str, reason: str) -> None:
        """No port could be bound; the session is gone."""
        if session in self._calls:
            self._forget(session)
            self._events.append(SessionRefused(session, reason))

    def receive_packet(self, session: str, data: bytes, source: Address, rtcp: bool, now: float) -> bool:
        """Octets that came on a session's RTP or RTCP socket. Never raises, whatever they are.

        Returns whether it was the packet that was expected: one for each period is all there is then, as a rule.
        """
        call = self._calls.get(session)
        if call is None:
            return False
        if not rtcp and call.stream.session.receive(data, source, now):
            return True
        if rtcp:
            call.stream.session.receive_rtcp(data, source, now)
        self._collect_events(session, call)
        return False

    # --- the sound card ---

    @property
    def silent(self) -> bool:
        """No session is open and nothing sounds: nobody needs the sound card."""
        voices = (self._tone, self._knock, self._ring, self._key, self._remote_key)
        return not self._calls and not any(voice.sounds for voice in voices)

    def period(self, microphone: bytes, now: float) -> tuple[bytes, bytes, bytes | None]:
        """One period of the sound card: returns what goes to the earpiece, to the loudspeaker, and to what rings (None
        while nothing does).

        `microphone` and the results are int16 little-endian mono, `period_samples` samples at `rate_hz`.
        """
        spoken = self._silence if self._levels.muted else microphone
        speech: bytes | None = None
        for name, call in self._calls.items():
            if name == self._connected:
                speech = call.stream.play(now)
                call.stream.capture(spoken, now)
            else:
                call.stream.discard(now)
                call.stream.capture(self._silence, now)
        if self._remote_key.sounds and not self._remote_key_down(now):
            self._remote_key.release()
        return self._mixed(speech)

    def _remote_key_down(self, now: float) -> bool:
        call = None if self._connected is None else self._calls.get(self._connected)
        return call is not None and call.stream.session.key_down(now)

    def _mixed(self, speech: bytes | None) -> tuple[bytes, bytes, bytes | None]:
        samples, levels = self._period_samples, self._levels
        heard = speech or self._silence
        if self._tone.sounds or self._knock.sounds or self._key.sounds or self._remote_key.sounds:
            heard = self._with_tones(speech)
        if self._earpiece_gain != 1.0:
            heard = self._limiter.process(heard, self._earpiece_gain)
        ring: bytes | None = None
        if self._ring.sounds:
            ring = self._ring_limiter.process(self._ring.read(samples) or self._silence, self._ringer_gain)
        speaker = heard if levels.loudspeaker else self._silence
        return (heard if levels.handset else self._silence), speaker, ring

    def _with_tones(self, speech: bytes | None) -> bytes:
        samples = self._period_samples
        tone, knock, key = self._tone.read(samples), self._knock.read(samples), self._key.read(samples)
        if key is not None and speech is not None:
            speech = amplify(speech, _DUCKED)
        if tone is not None and knock is not None and any(knock):
            tone = amplify(tone, _DUCKED)
        return mix((speech, tone, knock, key, self._remote_key.read(samples)), samples)

    # --- time ---

    def next_deadline(self) -> float | None:
        """When handle_timers wants to be called; None: not before something else happened."""
        deadlines = [call.report_at for call in self._calls.values()]
        for call in self._calls.values():
            if (deadline := call.stream.session.next_deadline()) is not None:
                deadlines.append(deadline)
        return min(deadlines, default=None)

    def handle_timers(self, now: float) -> None:
        """Send the RTCP reports and tell the qualities that are due."""
        for name, call in self._calls.items():
            call.stream.session.handle_timers(now)
            if call.report_at <= now:
                call.report_at = max(call.report_at + REPORT_S, now)
                self._report(name, call, now)

    def _report(self, name: str, call: _Call, now: float) -> None:
        configuration = call.stream.configuration
        if configuration is None:
            return
        seen = call.stream.session.statistics(now)
        unheard = seen.out_of_sequence  # it came, and nobody heard it: a call is not perfect for that
        call.loss.add(LossCount(seen.expected + unheard, seen.lost + unheard, seen.late))
        delay_ms = (seen.round_trip_ms or 0.0) / 2 + seen.playout_delay_ms
        quality = Quality(
            session=name,
            packets_received=seen.packets_received,
            packets_sent=seen.packets_sent,
            loss_percent=call.loss.lost_percent,
            jitter_ms=seen.jitter_ms,
            delay_ms=delay_ms,
            mos=mos(delay_ms + configuration.period_ms, call.loss.missed_percent),
        )
        self._events.append(quality)
        self._watch(name, call, now)

    def _watch(self, name: str, call: _Call, now: float) -> None:
        """Tell once when the far end fell silent though it should send, and again only after it was heard."""
        configuration = call.stream.configuration
        silent = min(call.stream.session.silent_for(now), now - call.listening_since)
        expected = configuration is not None and configuration.direction == "sendrecv"
        if not expected or silent < STOPPED_S:
            call.stopped = False
        elif not call.stopped:
            call.stopped = True
            self._events.append(MediaStopped(name, silent))

    # --- what comes out ---

    def _collect_packets(self, name: str, call: _Call) -> None:
        for data, destination, rtcp in call.stream.session.drain():
            # What SendPacket(...) does, without its call into Python: one is made every period.
            self._outputs.append(tuple.__new__(SendPacket, (name, data, destination, rtcp)))

    def _collect_events(self, name: str, call: _Call) -> None:
        for event in call.stream.session.events():
            if isinstance(event, rtp.DigitReceived):
                self._events.append(RemoteDigit(name, event.digit))
                if name == self._connected:
                    self._remote_key.press(event.digit)
            elif isinstance(event, rtp.RemoteLeft):
                self._events.append(RemoteLeft(name))

    def drain(self) -> list[Output]:
        """Return and forget what the sockets are to do, in order."""
        for name, call in self._calls.items():
            self._collect_packets(name, call)
        outputs, self._outputs = self._outputs, []
        return outputs

    def events(self) -> list[Event]:
        """Return and forget what the phone is to know, in order."""
        events, self._events = self._events, []
        return events
