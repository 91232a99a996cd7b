"""The jitter buffer: playout by time, after a delay that follows the network (RFC 3550 §6.4.4 names its input).

    packets --put--> {timestamp: packet} --get, each period of the sound card--> pieces that fill the period

The play position is a timestamp. Its delay is how long after the earliest possible moment it is played; the wanted
delay comes from the histogram. Playout begins when the delay is the wanted one; later a whole period is inserted (the
position waits) or left out (it jumps) when the two have drifted apart, at once where nobody speaks.
"""

from __future__ import annotations

from firmware.rtp.delay_histogram import DelayHistogram
from firmware.rtp.pieces import Held, Kind, Piece, tail

CAPACITY = 100
"""Packets: two seconds of 20 ms."""
MAXIMUM_DELAY_MS = 400.0
CONCEAL_MS = 100.0
"""With nothing at hand, loss is told for so long, then silence, and playout begins anew with the next packet."""
HYSTERESIS_MS = 10.0
"""A period is left out when the delay is a period and this above the wanted one."""
GROW_AFTER = 5
"""Periods the delay must be too short for, before a period is inserted into speech."""
SHRINK_AFTER = 25
"""Periods the delay must be too long for, before a period is left out of speech."""
FAR_TOO_LONG_MS = 200.0
"""This much above the wanted delay is cut off at once."""
JUMP_BACK = 3.0
"""Seconds of transit above the least: the far end's timestamps stood still or restarted."""
JUMP_AHEAD = 0.5
"""Seconds of transit below the least: its timestamps leapt ahead."""
LATE_RUN = 10
"""Late packets on end after which the timing is taken anew."""
SMOOTHING = 0.125
"""Share of a period's change of delay that is believed."""


class JitterBuffer:
    """Packets in by arrival, pieces out by time.

    buffer = JitterBuffer(clock_rate_hz=8000)
    buffer.put(8, sequence, timestamp, payload, 160, False, now)
    pieces = buffer.get(now, 160)       # a sound card's period: the pieces add up to it
    """

    def __init__(self, *, clock_rate_hz: int = 8000, percentile: float = 0.97) -> None:
        self._rate = clock_rate_hz
        self._histogram = DelayHistogram(percentile)
        self._packets: dict[int, Held] = {}
        self._position = 0
        """Extended timestamp of the next sample to play."""
        self._begun = False
        """False: the position is to be taken from the next packet."""
        self._playing = False
        self._newest = 0
        self._newest_sequence = 0
        self._span = 0
        """Samples in the newest packet."""
        self._frame = clock_rate_hz // 50
        """Samples in a frame codec's packet, as the timestamps of two successive ones tell."""
        self._played_sequence = 0
        self._starving = 0
        """Samples played since the last packet, with nothing at hand."""
        self._late_run = 0
        self._jumped: float | None = None
        """Transit of a packet that did not fit; the next one says whether the clock jumped."""
        self._delay_ms = 0.0
        self._smoothing = SMOOTHING
        self._too_short = self._too_long = 0
        self._joined = True
        self.late = 0
        """Packets that came after their time."""
        self.duplicates = 0
        """Packets whose timestamp was here already."""
        self.overflows = 0
        """Packets pushed out because nobody fetched them."""
        self.inserted = 0
        """Periods inserted to lengthen the delay."""
        self.left_out = 0
        """Periods left out to shorten it."""
        self.resynchronised = 0
        """Times the far end's timestamps jumped."""

    @property
    def delay_ms(self) -> float:
        """What playout adds now, over the fastest packet's arrival."""
        return max(0.0, self._delay_ms) if self._playing else self.target_ms

    @property
    def target_ms(self) -> float:
        """The delay wanted."""
        return min(self._histogram.target_ms, MAXIMUM_DELAY_MS)

    def _wanted_ms(self, samples: int) -> float:
        """Return the delay wanted of the first of `samples` fetched at once: their last packet must be in time too."""
        target_ms, beyond = self._histogram.target_ms, samples - self._span
        if target_ms > MAXIMUM_DELAY_MS:
            target_ms = MAXIMUM_DELAY_MS
        return target_ms + 1000.0 * beyond / self._rate if beyond > 0 else target_ms

    def __len__(self) -> int:
        return len(self._packets)

    def reset(self, clock_rate_hz: int) -> None:
        """Begin anew with another source or clock; what is known of the network is kept."""
        self._rate = clock_rate_hz
        self._frame = clock_rate_hz // 50
        self._histogram.base = None
        self._newest = 0
        self._restart()

    def _restart(self) -> None:
        self._packets.clear()
        self._begun = False
        self._playing = False
        self._late_run = 0
        self._jumped = None

    # --- in ---

    def put(
        self, payload_type: int, sequence: int, timestamp: int, payload: bytes, samples: int, marker: bool, now: float
    ) -> None:
        """Take a packet. `sequence` unwrapped, `timestamp` as received; `samples` 0: a frame codec, never cut."""
        newest = self._newest
        position = newest + ((timestamp - newest + 0x80000000) & 0xFFFFFFFF) - 0x80000000  # serial.extend_timestamp
        transit = now - position / self._rate
        base = self._histogram.base
        if base is not None and not -JUMP_AHEAD < transit - base < JUMP_BACK:
            if not self._has_jumped(transit, marker):
                return
            self._resynchronise(position, transit, now)
        else:
            self._jumped = None
        self._histogram.add(transit, now)
        whole = samples == 0
        if whole:
            samples = self._learn_frame(position, sequence)
        if position > self._newest or base is None:
            self._newest, self._newest_sequence = position, sequence
        self._span = samples
        self._store(position, Held(samples, payload, payload_type, sequence, whole), transit, now)

    def _has_jumped(self, transit: float, marker: bool) -> bool:
        """Believe in a jump when a talkspurt begins with it, or when a second packet agrees with the first."""
        before, self._jumped = self._jumped, transit
        return marker or (before is not None and abs(transit - before) < 0.25)

    def _resynchronise(self, position: int, transit: float, now: float) -> None:
        self.resynchronised += 1
        self._restart()
        self._newest = position
        self._histogram.restart(transit, now)

    def _learn_frame(self, position: int, sequence: int) -> int:
        step = position - self._newest
        if sequence == self._newest_sequence + 1 and 0 < step <= self._rate * 3 // 25:
            self._frame = step
        return self._frame

    def _store(self, position: int, held: Held, transit: float, now: float) -> None:
        packets = self._packets
        if position in packets:
            self.duplicates += 1
            return
        play = self._position
        if position < play and self._begun:
            if position + held.samples <= play or held.whole or play in packets:
                self._missed(position, transit, now)
                return
            position, held = play, tail(held, play - position)
        self._late_run = 0
        if len(packets) >= CAPACITY:
            self.overflows += 1
            del packets[min(packets)]
        packets[position] = held

    def _missed(self, position: int, transit: float, now: float) -> None:
        self.late += 1
        self._late_run += 1
        if self._late_run >= LATE_RUN and not self._packets:
            # The path became slower for good: what is least now is the new least.
            self._resynchronise(position, transit, now)

    # --- out ---

    def get(self, now: float, samples: int, *, quiet: bool = False) -> list[Piece]:
        """Return what to play in the coming `samples`. `quiet`: what was played last was near silence."""
        if not self._playing and not self._begin(now, samples):
            return [Piece(Kind.NOTHING, samples)]
        if self._adapt(now, samples, quiet):
            return [Piece(Kind.LOST, samples)]
        position = self._position
        held = self._packets.get(position)
        if held is not None and held.samples == samples and self._joined:  # nearly every time
            del self._packets[position]
            self._position = position + samples
            self._played_sequence = held.sequence
            self._starving = 0
            return [Piece(Kind.SPEECH, samples, held.payload, held.payload_type)]
        return self._fill(samples)

    def _begin(self, now: float, samples: int) -> bool:
        """Start playing the first packet at hand once its delay is the wanted one."""
        base = self._histogram.base
        if base is None or not self._packets:
            return False
        first = min(self._packets)
        period_ms = 1000.0 * samples / self._rate
        delay_ms = (now - first / self._rate - base) * 1000.0
        over_ms = delay_ms - self._wanted_ms(samples)
        if over_ms < 0:
            return False
        excess = max(0, int((over_ms - HYSTERESIS_MS) // period_ms))
        if not self._begun or first > self._position:
            self._position = first
            self._begun = True
        if excess:  # a burst after a stall: begin where the delay is the wanted one
            self._move_to(first + excess * samples)
            delay_ms -= excess * period_ms
            if not self._packets:
                return False
        self._joined = True
        self._playing = True
        self._delay_ms = delay_ms
        self._too_short = self._too_long = self._starving = 0
        self._played_sequence = self._packets[min(self._packets)].sequence - 1
        return True

    def _adapt(self, now: float, samples: int, quiet: bool) -> bool:
        """Keep the delay near the wanted one; True: this period is inserted, the position waits."""
        base = self._histogram.base
        assert base is not None
        delay_ms = (now - self._position / self._rate - base) * 1000.0
        # Smoothed, so that the lateness of a single tick of ours changes nothing; but a long stall of ours does.
        change = delay_ms - self._delay_ms
        believed = change * self._smoothing if change < FAR_TOO_LONG_MS else change
        smooth = self._delay_ms = self._delay_ms + believed
        self._smoothing = SMOOTHING
        target_ms = self._histogram.target_ms  # as in _wanted_ms, which is asked where more than a packet is fetched
        if samples > self._span or target_ms > MAXIMUM_DELAY_MS:
            target_ms = self._wanted_ms(samples)
        if smooth < target_ms:
            self._too_long = 0
            self._too_short += 1
            return self._grow(samples, quiet)
        self._too_short = 0
        excess_ms = smooth - target_ms - 1000.0 * samples / self._rate - HYSTERESIS_MS
        if excess_ms <= 0.0:
            self._too_long = 0
            return False
        self._too_long += 1
        self._shrink(excess_ms, samples, quiet)
        return False

    def _grow(self, samples: int, quiet: bool) -> bool:
        if not quiet and self._too_short < GROW_AFTER and self._position in self._packets:
            return False
        if not self._packets and self._starving > CONCEAL_MS * self._rate / 1000:
            return False
        self._too_short = 0
        self.inserted += 1
        self._starving += samples
        self._delay_ms += 1000.0 * samples / self._rate
        return True

    def _shrink(self, excess_ms: float, samples: int, quiet: bool) -> None:
        silent = quiet or self._position not in self._packets
        if excess_ms > FAR_TOO_LONG_MS:
            periods = 1 + int(excess_ms * self._rate / 1000) // samples
        elif silent or self._too_long >= SHRINK_AFTER:
            periods = 1
        else:
            return
        self._too_long = 0
        self.left_out += periods
        self._delay_ms -= 1000.0 * periods * samples / self._rate
        self._move_to(self._position + periods * samples)

    def _move_to(self, position: int) -> None:
        """Leave out what lies before `position`."""
        for start in sorted(start for start in self._packets if start < position):
            held = self._packets.pop(start)
            if start + held.samples <= position:
                self._played_sequence = max(self._played_sequence, held.sequence)
            elif held.whole:
                position = start
                self._packets[start] = held
                break
            else:
                self._packets.setdefault(position, tail(held, position - start))
        self._position = position
        self._joined = False

    def waiting(self, samples: int, payload_type: int, highest: int) -> list[bytes] | None:
        """Return the payloads at hand if nothing is amiss and all are alike, `samples` each, up to sequence `highest`.

        They may then be played without being fetched here, until `played` says how many were.
        """
        if not self._playing or not self._joined or self._too_short or self._too_long:
            return None
        position, sequence, payloads = self._position, self._played_sequence, list[bytes]()
        for _ in self._packets:
            held = self._packets.get(position)
            if held is None or held[0] != samples or held[2:] != (payload_type, sequence + 1, False):
                return None
            payloads.append(held.payload)
            position, sequence = position + samples, sequence + 1
        return payloads if sequence == highest and position == self._newest + self._span else None

    @property
    def following_timestamp(self) -> int:
        """Of the packet after the newest, 32 bits."""
        return (self._newest + self._span) & 0xFFFFFFFF

    def played(self, count: int, samples: int) -> None:
        """Take out what was played of the payloads `waiting`, and of those put since."""
        if not self._playing:  # the far end's clock jumped meanwhile
            return
        for _ in range(count):
            held = self._packets.pop(self._position, None)
            self._position += samples
            if held is not None:
                self._played_sequence = held.sequence
        self._smoothing = 1.0 - (1.0 - SMOOTHING) ** (count + 1)

    def _fill(self, samples: int) -> list[Piece]:
        pieces: list[Piece] = []
        while samples > 0:
            piece = self._next(samples)
            pieces.append(piece)
            samples -= piece.samples
        return pieces

    def _next(self, samples: int) -> Piece:
        """Return the piece at the position, at most `samples` long unless it is a frame codec's packet."""
        position = self._position
        held = self._packets.pop(position, None)
        if held is None:
            return self._gap(position, samples)
        if held.samples > samples and not held.whole:
            rest = tail(held, samples)
            held = held._replace(samples=samples, payload=held.payload[: len(held.payload) - len(rest.payload)])
            self._packets.setdefault(position + samples, rest)
        self._position = position + held.samples
        self._played_sequence = held.sequence
        self._starving = 0
        joined, self._joined = self._joined, True
        return Piece(Kind.SPEECH, held.samples, held.payload, held.payload_type, joined)

    def _gap(self, position: int, samples: int) -> Piece:
        if not self._packets:
            return self._starve(position, samples)
        following = min(self._packets)
        samples = min(samples, following - position)
        self._position = position + samples
        # No sequence number is missing: the far end had nothing to say (silence suppression, a key instead of speech).
        missing = self._packets[following].sequence - self._played_sequence > 1
        self._starving += samples
        lost = missing and self._starving <= CONCEAL_MS * self._rate / 1000
        return Piece(Kind.LOST if lost else Kind.NOTHING, samples)

    def _starve(self, position: int, samples: int) -> Piece:
        self._position = position + samples
        self._starving += samples
        if self._starving <= CONCEAL_MS * self._rate / 1000:
            return Piece(Kind.LOST, samples)
        self._playing = False
        return Piece(Kind.NOTHING, samples)
