"""One RTP session with one far end (RFC 3550, 3551, 4733, 4961), without input or output of its own.

socket --receive--> latch -> reception -> jitter buffer --playout--> decoder
socket <--drain---  transmission (speech, keys), reports  <--send--- encoder
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from firmware.rtp import rtcp
from firmware.rtp.formats import Format, samples_per_octet
from firmware.rtp.jitter_buffer import JitterBuffer
from firmware.rtp.latch import Latch, reachable
from firmware.rtp.outbox import Outbox
from firmware.rtp.packet import MalformedPacket, Packet, is_rtcp, parse
from firmware.rtp.pieces import Kind, Piece
from firmware.rtp.probation import Probation
from firmware.rtp.reception import Reception
from firmware.rtp.reports import Reports
from firmware.rtp.session_events import Address, DigitReceived, Event, RemoteLeft, SourceMoved
from firmware.rtp.statistics import Counts, Statistics
from firmware.rtp.steady_flow import SteadyFlow
from firmware.rtp.telephone_event import EventReceiver
from firmware.rtp.transmission import Transmission

__all__ = ["Address", "DigitReceived", "Event", "Format", "RemoteLeft", "Session", "SourceMoved", "Statistics"]

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

MAXIMUM_EVENTS = 100


class Session:
    """The rules of one RTP session; packets go in and come out by value.

    session = Session(random, cname="hall@192.0.2.1", now=now)
    session.configure(remote=("192.0.2.9", 4000), send=pcma, receive=[pcma], ...)
    session.receive(data, source, now)              # from the RTP socket
    pieces = session.playout(now, period_ms=20)     # each sound-card period
    session.send(payload, now, samples=160)         # each packetisation period, speech or not
    session.handle_timers(now)                      # when next_deadline() has come
    for data, destination, rtcp in session.drain(): ...
    """

    def __init__(self, random: Random, *, cname: str, now: float) -> None:
        self._transmission = Transmission(random, 8000)
        self._reports = Reports(random, cname, now)
        self._buffer = JitterBuffer()
        self._buffer_rate_hz = 8000
        self._event_receiver = EventReceiver()
        self._latch: Latch | None = None
        self._destination: Address | None = None
        """Of what we say; None: nothing is to be sent."""
        self._remote_rtcp: Address | None = None
        self._rtcp_mux = False
        self._sending = self._receiving = False
        self._speech: dict[int, tuple[int, float]] = {}
        """Payload type: clock rate, samples an octet (0: a frame codec)."""
        self._event_payload_type = -1
        self._reception: Reception | None = None
        self._probation = Probation()
        self._echoing: Address | None = None
        """Where our own SSRC came from; if it does so again, the far end is an echo service."""
        self._former_ssrc: int | None = None
        """The one we gave up for it."""
        self._flow: SteadyFlow | None = None
        """While it goes on, reception, jitter buffer and counts lag behind until it is settled."""
        self._left = False
        self._heard_at = now
        self._counts = Counts()
        self._output = Outbox()
        self._events: list[Event] = []

    # --- what offer/answer agreed on ---

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
        self._settle()
        if self._latch is None or self._latch.signalled != remote:
            self._latch = Latch(remote)
        self._rtcp_mux = rtcp_mux or remote_rtcp == remote
        self._remote_rtcp = remote if rtcp_mux else remote_rtcp
        self._speech = {f.payload_type: (f.clock_rate_hz, samples_per_octet(f)) for f in receive}
        self._event_payload_type = telephone_event_receive.payload_type if telephone_event_receive else -1
        transmission = self._transmission
        if transmission.clock_rate_hz != send.clock_rate_hz:
            transmission.renew(send.clock_rate_hz)
        transmission.payload_type = send.payload_type
        transmission.event_payload_type = telephone_event_send.payload_type if telephone_event_send else None
        self._sending, self._receiving = (direction in ("sendrecv", one) for one in ("sendonly", "recvonly"))
        self._aim(self._latch.address)

    # --- in ---

    def receive(self, data: bytes, source: Address, now: float) -> bool:
        """A datagram of the RTP socket; RTCP is told apart by itself (RFC 5761 §4). Never raises.

        Return whether it was only speech that flows as it should; after any other there may be `events`.
        """
        flow = self._flow
        if flow is not None and flow.follow(data, source, now):
            return True
        self._settle()
        self._receive_other(data, source, now)
        return False

    def _receive_other(self, data: bytes, source: Address, now: float) -> None:
        if is_rtcp(data):
            self.receive_rtcp(data, source, now)
            return
        try:
            packet = parse(data)
        except MalformedPacket:
            self._counts.malformed += 1
            return
        payload_type = packet.payload_type
        if payload_type not in self._speech and payload_type != self._event_payload_type:
            self._counts.not_agreed += 1
            return
        latch = self._latch
        assert latch is not None  # a payload type was agreed
        known = latch.address
        if not latch.accepts(source, packet.ssrc, packet.sequence, now):
            self._counts.strangers += 1
            return
        if latch.address != known:
            self._aim(latch.address)
            self._events.append(SourceMoved(latch.address))
        self._receive_packet(packet, source, now)

    def _aim(self, address: Address) -> None:
        self._destination = address if self._sending and reachable(address) else None

    def _receive_packet(self, packet: Packet, source: Address, now: float) -> None:
        reception = self._reception
        if reception is not None and packet.ssrc == reception.ssrc:
            self._probation.end()
            sequence = reception.update(packet.sequence)
            if sequence is None:
                self._counts.out_of_sequence += 1
                return
            self._take(packet, sequence, reception, now)
        elif packet.ssrc == self._transmission.ssrc and source != self._echoing:
            self._collide(source, now)
        else:
            self._prove(packet, now)

    def _prove(self, packet: Packet, now: float) -> None:
        """A new SSRC, which takes the place of the one before as soon as it has proved itself."""
        believed = self._probation.hear(packet, now, self._counts)
        if believed is None:
            return
        self._change_source(believed.reception)
        for earlier, sequence in believed.packets[:-1]:
            self._deliver(earlier, sequence, now)
        self._take(*believed.packets[-1], believed.reception, now)

    def _change_source(self, reception: Reception) -> None:
        before = self._reception
        if before is not None:
            self._counts.leave(before)
        self._reception = reception
        self._probation.end()
        self._event_receiver = EventReceiver()
        self._buffer.reset(self._buffer_rate_hz)

    def _take(self, packet: Packet, sequence: int, reception: Reception, now: float) -> None:
        self._heard_at = now
        self._counts.received += 1
        self._counts.received_octets += len(packet.payload)
        speech = self._speech.get(packet.payload_type)
        if speech is None:
            reception.last_at = now
        else:
            reception.arrived(packet.timestamp, now, speech[0])
        self._deliver(packet, sequence, now)

    def _deliver(self, packet: Packet, sequence: int, now: float) -> None:
        """Hand a believed packet to the jitter buffer or to the keys."""
        payload_type, marker, _, timestamp, _, payload, _ = packet
        speech = self._speech.get(payload_type)
        if speech is None:
            digits = self._event_receiver.receive(timestamp, payload, now)
            if len(self._events) < MAXIMUM_EVENTS:
                self._events.extend(DigitReceived(digit) for digit in digits)
            return
        if not self._receiving or not payload:
            return
        rate, samples_per_octet = speech
        if rate != self._buffer_rate_hz:
            self._buffer_rate_hz = rate
            self._buffer.reset(rate)
        self._buffer.put(payload_type, sequence, timestamp, payload, int(len(payload) * samples_per_octet), marker, now)

    def _collide(self, source: Address, now: float) -> None:
        """The far end uses our SSRC, or our packets come back (§8.2): say BYE and choose another, once.

        What comes back under the other one as well is no collision. §8.2 ignores it as a loop, and speaks of sessions
        of many; here it comes from the one far end there is, as all it says: an echo service, which is to be heard.
        Copies from anywhere else do not get past the latch.
        """
        self._counts.out_of_sequence += 1
        self._echoing = source
        self._former_ssrc = self._transmission.ssrc
        self._send_rtcp(self._reports.goodbye(self._transmission, None, now))
        self._transmission.renew(self._transmission.clock_rate_hz)

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """A datagram of the RTCP socket. Never raises."""
        if not self._trusts_rtcp(source):
            self._counts.strangers += 1
            return
        try:
            reports = rtcp.parse(data)
        except MalformedPacket:
            self._counts.malformed += 1
            return
        self._remote_rtcp = source
        self._reports.schedule.heard(len(data))
        for report in reports:
            self._receive_report(report, now)

    def _trusts_rtcp(self, source: Address) -> bool:
        """The address agreed on, or any port of the host that speaks: a translator gives RTCP a port of its own."""
        if self._latch is None:
            return False
        return source in (self._remote_rtcp, self._latch.address) or source[0] == self._latch.address[0]

    def _receive_report(self, report: rtcp.Report, now: float) -> None:
        if isinstance(report, rtcp.Goodbye):
            self._receive_goodbye(report)
        else:
            self._reports.heard(report, self._transmission.ssrc, self._reception, now)

    def _receive_goodbye(self, report: rtcp.Goodbye) -> None:
        known = self._reception is None or self._reception.ssrc in report.ssrcs
        leaves = known and self._former_ssrc not in report.ssrcs
        if leaves and len(self._events) < MAXIMUM_EVENTS:
            self._events.append(RemoteLeft(report.reason))

    # --- out ---

    def playout(self, now: float, period_ms: float = 20.0, *, quiet: bool = False) -> list[Piece]:
        """Return what to play in the next `period_ms`, in order.

        The pieces of sample-based codecs add up to exactly the period. A frame codec's piece is a whole packet
        and may be longer: decode it into a queue and ask again when the queue is short.
        `quiet`: what was played last was near silence, so that leaving out or adding samples is not heard.
        """
        self._settle()
        pieces = self._buffer.get(now, int(period_ms * self._buffer_rate_hz / 1000), quiet=quiet)
        if self._event_receiver.sounds(now):
            return [p._replace(kind=Kind.NOTHING) if p.kind is Kind.LOST else p for p in pieces]
        if len(pieces) == 1 and pieces[0].kind is Kind.SPEECH:
            self._begin_flow(pieces[0])
        return pieces

    def steady_payload(self) -> bytes | None:
        """Return the payload of the next period, as long as `playout`'s last and of its type, joined to it.

        While speech flows as it should it takes the place of `playout`; None: ask `playout`.
        """
        flow = self._flow
        return None if flow is None else flow.take()

    def _begin_flow(self, piece: Piece) -> None:
        reception, latch, samples, octets = self._reception, self._latch, piece.samples, len(piece.payload)
        if reception is None or latch is None or self._probation.under_way or not self._receiving:
            return
        if int(octets * self._speech.get(piece.payload_type, (0, 0.0))[1]) != samples:
            return
        waiting = self._buffer.waiting(samples, piece.payload_type, reception.highest)
        if waiting is not None:
            following, sequence = self._buffer.following_timestamp, (reception.highest + 1) & 0xFFFF
            self._flow = SteadyFlow(
                latch.address, piece.payload_type, sequence, following, reception.ssrc,
                samples=samples, octets=octets, waiting=waiting,
            )  # fmt: skip

    def _settle(self) -> None:
        """End the steady flow: account for what came and was played in it."""
        flow, self._flow = self._flow, None
        if flow is None:
            return
        reception, latch, payload_type, samples = self._reception, self._latch, flow.payload_type, flow.samples
        assert reception is not None
        assert latch is not None
        for number, timestamp, payload, at in flow.arrivals():
            sequence = reception.update(number)
            assert sequence is not None
            reception.arrived(timestamp, at, self._buffer_rate_hz)
            self._buffer.put(payload_type, sequence, timestamp, payload, samples, False, at)
            self._heard_at = latch.heard_at = at
            self._counts.received += 1
            self._counts.received_octets += len(payload)
        self._buffer.played(flow.taken, samples)

    def key_down(self, now: float) -> bool:
        """Return whether the far end still holds the key that DigitReceived told last (RFC 4733 §2.5.2.2)."""
        return self._event_receiver.sounds(now) and self._event_receiver.down

    def send(self, payload: bytes, now: float, *, samples: int, marker: bool = False) -> None:
        """Send one packet of speech of `samples` RTP clock units; call it every packetisation period.

        While a telephone-event is under way the event's packet goes out in its place. b"": nothing to say
        (silence suppression): the timestamp goes on, and the next packet is marked as a talkspurt's first.
        """
        destination = self._destination
        if destination is None or self._left:
            return
        for data in self._transmission.speech(payload, samples, now, marker=marker):
            self._output.put(data, destination, rtcp=False)

    def start_digit(self, digit: str) -> bool:
        """Begin a telephone-event ("0"-"9", "*", "#", "A"-"D"), lasting until stop_digit. False: not agreed."""
        if self._transmission.event_payload_type is None:
            return False
        self._transmission.events.start(digit)
        return True

    def stop_digit(self) -> None:
        """End it, after 80 ms at least."""
        self._transmission.events.stop()

    def send_digits(self, digits: str) -> bool:
        """Queue whole digits of 100 ms with 100 ms between. False: not agreed."""
        if self._transmission.event_payload_type is None:
            return False
        self._transmission.events.enqueue(digits)
        return True

    def leave(self, now: float) -> None:
        """Say BYE by RTCP (§6.3.7); nothing is sent after it."""
        if not self._left:
            self._settle()
            self._send_rtcp(self._reports.goodbye(self._transmission, self._reception, now))
        self._left = True

    def _send_rtcp(self, data: bytes | None) -> None:
        destination = self._remote_rtcp
        if data is not None and destination is not None and not self._left and reachable(destination):
            self._output.put(data, destination, rtcp=not self._rtcp_mux)

    def handle_timers(self, now: float) -> None:
        """Send the RTCP report that is due. RFC 3264 §5.1: held streams report too."""
        if self._latch is not None and not self._left and now >= self._reports.schedule.deadline:
            self._settle()
            self._send_rtcp(self._reports.due(self._transmission, self._reception, now))

    def next_deadline(self) -> float | None:
        """When handle_timers wants to be called."""
        return None if self._latch is None or self._left else self._reports.schedule.deadline

    def drain(self) -> list[tuple[bytes, Address, bool]]:
        """Return and forget packets to send: octets, destination, True for the RTCP socket."""
        return self._output.drain()

    def events(self) -> list[Event]:
        """Return and forget what happened."""
        events, self._events = self._events, []
        return events

    # --- what is known ---

    def statistics(self, now: float) -> Statistics:
        """Return the counts so far."""
        self._settle()
        return self._counts.statistics(self._reception, self._transmission, self._reports, self._buffer)

    def silent_for(self, now: float) -> float:
        """Return seconds since the far end's last valid RTP packet, or since the session began."""
        self._settle()
        return now - self._heard_at
