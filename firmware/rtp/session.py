"""One RTP session with one far end (RFC 3550, 3551, 4733, 4961), without input or output of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from firmware.rtp.jitter_buffer import Piece

Address = tuple[str, int]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


class Format(Protocol):
    """A payload type and what it means; any object with these attributes will do (media's PayloadFormat does)."""

    @property
    def payload_type(self) -> int:
        """0 to 127."""

    @property
    def encoding(self) -> str:
        """Upper-case encoding name (RFC 3551 §6)."""

    @property
    def clock_rate_hz(self) -> int:
        """Of the RTP timestamp."""

    @property
    def channels(self) -> int:
        """Interleaved channels."""


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """The far end pressed a key (RFC 4733), told once, at its beginning."""

    digit: str


@dataclass(frozen=True, slots=True)
class SourceMoved:
    """The far end's packets come from another address than it said: we send there now (RFC 4961)."""

    address: Address


@dataclass(frozen=True, slots=True)
class RemoteLeft:
    """RTCP BYE."""

    reason: str


Event = DigitReceived | SourceMoved | RemoteLeft


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a session has seen so far."""

    packets_sent: int
    octets_sent: int
    """Payload octets."""
    packets_received: int
    octets_received: int
    """Payload octets."""
    lost: int
    """Cumulative, RFC 3550 A.3; never below 0."""
    expected: int
    late: int
    """Came after its playout time."""
    duplicates: int
    discarded: int
    """Malformed, from strangers, of a payload type not agreed, out of sequence."""
    jitter_ms: float
    """Interarrival jitter, RFC 3550 A.8."""
    round_trip_ms: float | None
    """From the last report block about us; None before one came."""
    playout_delay_ms: float
    """What the jitter buffer adds now."""
    remote_loss_percent: float
    """Of what we sent, by the far end's last report."""
    remote_jitter_ms: float


class Session:
    """The rules of one RTP session; packets go in and come out by value.

        session = Session(random, cname="hall@192.0.2.1", now=now)
        session.configure(remote=("192.0.2.9", 4000), remote_rtcp=("192.0.2.9", 4001), send=pcma, receive=[pcma], ...)
        session.receive(data, source, now)              # from the RTP socket
        pieces = session.playout(now, period_ms=20)     # each sound-card period
        session.send(payload, now, samples=160)         # each packetisation period, speech or not
        session.handle_timers(now)                      # when next_deadline() has come
        for data, destination, rtcp in session.drain(): ...
    """

    def __init__(self, random: Random, *, cname: str, now: float) -> None:
        raise NotImplementedError

    def configure(
        self,
        *,
        remote: Address,
        remote_rtcp: Address,
        send: Format,
        receive: Sequence[Format],
        telephone_event_send: Format | None,
        telephone_event_receive: Format | None,
        direction: Direction,
        now: float,
        rtcp_mux: bool = False,
    ) -> None:
        """Take what offer/answer agreed on; may come again (hold, new address, other codec). Timestamps run on."""
        raise NotImplementedError

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """A datagram of the RTP socket; RTCP is told apart by itself (RFC 5761 §4). Never raises."""
        raise NotImplementedError

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """A datagram of the RTCP socket. Never raises."""
        raise NotImplementedError

    def playout(self, now: float, period_ms: float = 20.0, *, quiet: bool = False) -> list[Piece]:
        """Return what to play in the next `period_ms`, in order.

        The pieces of sample-based codecs add up to exactly the period. A frame codec's piece is a whole packet
        and may be longer: decode it into a queue and ask again when the queue is short.
        `quiet`: what was played last was near silence, so that leaving out or adding samples is not heard.
        """
        raise NotImplementedError

    def send(self, payload: bytes, now: float, *, samples: int, marker: bool = False) -> None:
        """Send one packet of speech of `samples` RTP clock units; call it every packetisation period.

        While a telephone-event is under way the event's packet goes out in its place. b"": nothing to say
        (silence suppression): the timestamp goes on, and the next packet is marked as a talkspurt's first.
        """
        raise NotImplementedError

    def start_digit(self, digit: str) -> bool:
        """Begin a telephone-event ("0"-"9", "*", "#", "A"-"D"), lasting until stop_digit. False: not agreed."""
        raise NotImplementedError

    def stop_digit(self) -> None:
        """End it, after 80 ms at least."""
        raise NotImplementedError

    def send_digits(self, digits: str) -> bool:
        """Queue whole digits of 100 ms with 100 ms between. False: not agreed."""
        raise NotImplementedError

    def leave(self, now: float) -> None:
        """Say BYE by RTCP (§6.3.7); nothing is sent after it."""
        raise NotImplementedError

    def handle_timers(self, now: float) -> None:
        """Send the RTCP report that is due."""
        raise NotImplementedError

    def next_deadline(self) -> float | None:
        """When handle_timers wants to be called."""
        raise NotImplementedError

    def drain(self) -> list[tuple[bytes, Address, bool]]:
        """Return and forget packets to send: octets, destination, True for the RTCP socket."""
        raise NotImplementedError

    def events(self) -> list[Event]:
        """Return and forget what happened."""
        raise NotImplementedError

    def statistics(self, now: float) -> Statistics:
        """Return the counts so far."""
        raise NotImplementedError

    def silent_for(self, now: float) -> float:
        """Return seconds since the far end's last valid RTP packet, or since the session began."""
        raise NotImplementedError
