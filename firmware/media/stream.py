"""One call's voice: between its RTP session and frames at the sound card's rate.

    microphone -> resample -> cut into packetisation periods -> encode -> Session.send
    Session.playout -> decode or conceal -> resample -> earpiece

Both ways run in step with the sound card's periods, whether or not the person is connected to this call: the RTP
timestamp advances while nothing is said (RFC 3550 §5.1), and received packets are played out into nothing.
"""

from __future__ import annotations

import audioop
from collections import deque
from collections.abc import Sequence

from firmware.audio.codecs import Codec, open_codec
from firmware.audio.concealment import Concealer
from firmware.audio.resample import Resampler
from firmware.audio.synthesis import ToneGenerator
from firmware.audio.tones import Segment, Tone, dtmf
from firmware.media.ear import KeyVoice
from firmware.media.messages import ConfigureSession, PayloadFormat
from firmware.rtp.pieces import Kind, Piece
from firmware.rtp.session import Session

MOST_DIGITS = 64
"""Longest string of digits queued at once."""
_QUIET_RMS = 60
# Below about -52 dBm0: samples added or left out in it are not heard.
_LONGEST_QUEUE_S = 0.5
_DIGIT_MS = 100
_GAP_MS = 100


class _Receiver:
    """Decoding of one payload type, up to frames at the sound card's rate."""

    def __init__(self, form: PayloadFormat, codec: Codec, rate_hz: int) -> None:
        self.codec = codec
        self.concealer = Concealer(codec.rate_hz)
        self.resampler = Resampler(codec.rate_hz, rate_hz) if codec.rate_hz != rate_hz else None
        self._per_tick = codec.rate_hz / form.clock_rate_hz

    def speak(self, payload: bytes) -> bytes:
        """Speech that follows on what was played last."""
        frame = self.concealer.received(self.codec.decode(payload))
        return frame if self.resampler is None else self.resampler.process(frame)

    def play(self, piece: Piece) -> bytes:
        if piece.kind is Kind.SPEECH:
            frame = self.concealer.received(self.codec.decode(piece.payload), joined=piece.joined)
        elif piece.kind is Kind.LOST:
            frame = self.concealer.conceal(round(piece.samples * self._per_tick))
        else:
            frame = self.concealer.received(bytes(2 * round(piece.samples * self._per_tick)))
        return frame if self.resampler is None else self.resampler.process(frame)


class Stream:
    """The voice path of one session."""

    def __init__(self, session: Session, rate_hz: int, period_samples: int) -> None:
        """`rate_hz`, `period_samples`: of the sound card."""
        self.session = session
        self.configuration: ConfigureSession | None = None
        self._rate_hz = rate_hz
        self._period_samples = period_samples
        self._period_octets = 2 * period_samples
        self._period_ms = 1000 * period_samples / rate_hz
        self._receivers: dict[int, _Receiver] = {}
        self._current: _Receiver | None = None
        self._heard = b""
        self._played_last = b""
        self._sender: Codec | None = None
        self._sending = False
        self._send_format: PayloadFormat | None = None
        self._send_resampler: Resampler | None = None
        self._packet_octets = 0
        self._packet_ticks = 0
        self._spoken = b""
        self._inband: deque[ToneGenerator] = deque(maxlen=MOST_DIGITS)
        self._inband_key = KeyVoice(rate_hz)

    def configure(self, configuration: ConfigureSession, now: float) -> None:
        """Take what offer/answer agreed on.

        Raises:
            ValueError: a speech format that we have no codec for.
        """
        self._configure_receiving(configuration.receive)
        self._configure_sending(configuration.send, configuration.period_ms)
        self.session.configure(
            remote=configuration.remote,
            remote_rtcp=configuration.remote_rtcp,
            send=configuration.send,
            receive=configuration.receive,
            telephone_event_send=configuration.telephone_event_send,
            telephone_event_receive=configuration.telephone_event_receive,
            direction=configuration.direction,
            now=now,
        )
        self.configuration = configuration
        self._sending = configuration.direction in ("sendrecv", "sendonly")

    def _configure_receiving(self, formats: Sequence[PayloadFormat]) -> None:
        receivers: dict[int, _Receiver] = {}
        for form in formats:
            known = self._receivers.get(form.payload_type)
            if known is None or known.codec.encoding != form.encoding.upper():
                known = _Receiver(form, open_codec(form.encoding), self._rate_hz)
            receivers[form.payload_type] = known
        if self._current not in receivers.values():
            self._current = next(iter(receivers.values()), None)
        self._receivers = receivers

    def _configure_sending(self, form: PayloadFormat, period_ms: int) -> None:
        if self._send_format != form or self._sender is None:
            self._sender = open_codec(form.encoding)
            rate_hz = self._sender.rate_hz
            self._send_resampler = Resampler(self._rate_hz, rate_hz) if rate_hz != self._rate_hz else None
            self._send_format, self._spoken = form, b""
        self._packet_octets = 2 * (self._sender.rate_hz * period_ms // 1000)
        self._packet_ticks = form.clock_rate_hz * period_ms // 1000

    # --- towards the far end ---

    def capture(self, frame: bytes, now: float) -> None:
        """Speak one period into the call (zeros: silence); a packet leaves when its time is full."""
        if self._sender is None:
            return
        if self._inband or self._inband_key.sounds:
            frame = self._with_digits(frame)
        if self._send_resampler is not None:
            frame = self._send_resampler.process(frame)
        if len(frame) == self._packet_octets and not self._spoken:
            self._send(frame, now)
            return
        spoken = self._spoken + frame
        while len(spoken) >= self._packet_octets:
            packet, spoken = spoken[: self._packet_octets], spoken[self._packet_octets :]
            self._send(packet, now)
        self._spoken = spoken

    def _send(self, packet: bytes, now: float) -> None:
        assert self._sender is not None
        # RFC 3264 §5.1: recvonly and inactive send no media; the timestamp goes on all the same.
        payload = self._sender.encode(packet) if self._sending else b""
        self.session.send(payload, now, samples=self._packet_ticks)

    def _with_digits(self, frame: bytes) -> bytes:
        """DTMF in the speech itself, for a far end that did not agree to telephone-events."""
        if self._inband:
            frame = self._inband[0].read(self._period_samples)
            if self._inband[0].finished:
                self._inband.popleft()
        return self._inband_key.read(self._period_samples) or frame

    def start_digit(self, digit: str) -> None:
        """Send a digit until stop_digit: as a telephone-event (RFC 4733) where agreed, else as a tone."""
        if not self.session.start_digit(digit):
            self._inband_key.press(digit)

    def stop_digit(self) -> None:
        """End it."""
        self.session.stop_digit()
        self._inband_key.release()

    def send_digits(self, digits: str) -> None:
        """Queue whole digits, 100 ms each with 100 ms between."""
        digits = digits[:MOST_DIGITS]
        if not self.session.send_digits(digits):
            self._inband.append(ToneGenerator(_digit_tones(digits), self._rate_hz))

    # --- from the far end ---

    def play(self, now: float) -> bytes:
        """The next period of what the far end says."""
        rest = self._heard
        if not rest and (payload := self.session.steady_payload()) is not None and self._current is not None:
            frame = self._current.speak(payload)
        else:
            frame = rest or self._played(now)
        if rest or len(frame) != self._period_octets:  # a sample-based codec fills the period exactly
            frame = self._cut(frame, self._period_octets, now)
        self._played_last = frame
        return frame

    def _played(self, now: float) -> bytes:
        quiet = audioop.rms(self._played_last, 2) < _QUIET_RMS
        pieces = self.session.playout(now, self._period_ms, quiet=quiet)
        frame = self._decoded(pieces[0])
        for piece in pieces[1:]:
            frame += self._decoded(piece)
        return frame

    def _cut(self, heard: bytes, octets: int, now: float) -> bytes:
        """A frame codec's packets, to the period: more of them are wanted, or a rest stays for the next."""
        for _ in range(2):
            if len(heard) < octets:
                heard += self._played(now)
        heard = heard.ljust(octets, b"\0")
        self._heard = heard[octets:][: 2 * int(_LONGEST_QUEUE_S * self._rate_hz)]
        return heard[:octets]

    def _decoded(self, piece: Piece) -> bytes:
        if piece.kind is Kind.SPEECH:
            self._current = self._receivers.get(piece.payload_type, self._current)
        return self._current.play(piece) if self._current is not None else b""

    def discard(self, now: float) -> None:
        """Let a period of what the far end says go unheard."""
        if self.session.steady_payload() is None:
            self.session.playout(now, self._period_ms, quiet=True)
        self._heard = b""


def _digit_tones(digits: str) -> Tone:
    segments: list[Segment] = []
    for digit in digits:
        try:
            segments += [*dtmf(digit, _DIGIT_MS).segments, Segment((), _GAP_MS)]
        except ValueError:
            continue
    return Tone(tuple(segments), repeats=False)
