"""Keys as packets: the telephone-event payload (RFC 4733 §2), sent and received.

|     event     |E|R| volume    |          duration             |
"""

from __future__ import annotations

import math
import struct
from collections import deque
from typing import NamedTuple

from firmware.rtp.serial import timestamp_delta

DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15 (§3.2)."""
MINIMUM_MS = 80
DIGIT_MS = 100
PAUSE_MS = 100
VOLUME = 10
"""-10 dBm0 (§2.3.4)."""
FINAL_PACKETS = 3
"""§2.5.1.4: the final packet is sent a total of three times."""
MAXIMUM_DURATION = 0xFFFF
MAXIMUM_QUEUE = 256

_PAYLOAD = struct.Struct("!BBH")
_END = 0x80


def event_payload(digit: str, duration: int, *, end: bool) -> bytes:
    """Return the four octets of one event report; `duration` in timestamp units."""
    return _PAYLOAD.pack(DIGITS.index(digit), VOLUME | _END if end else VOLUME, duration)


class EventPacket(NamedTuple):
    """What to send in place of speech."""

    timestamp: int
    payload: bytes
    marker: bool


class _Event:
    """One key from its first packet to its last."""

    __slots__ = ("digit", "duration", "marker", "start", "stop_at", "total")

    def __init__(self, digit: str, stop_at: int | None) -> None:
        self.digit = digit
        self.stop_at = stop_at
        """Samples it lasts; None: until stopped."""
        self.total = 0
        self.duration = 0
        """Of the present segment."""
        self.start = 0
        """Timestamp of the present segment."""
        self.marker = True


class EventSender:
    """Turns keys into event packets, one packetisation period at a time.

    sender.start("5")
    packets = sender.packets(timestamp, 160)    # each period; [] : send speech
    sender.stop()
    """

    def __init__(self, clock_rate_hz: int = 8000) -> None:
        self._per_ms = clock_rate_hz // 1000
        self._queue: deque[_Event] = deque()
        self._current: _Event | None = None
        self._final: tuple[EventPacket, int] | None = None
        self._segment_end: tuple[EventPacket, int] | None = None
        self._pause = 0

    @property
    def busy(self) -> bool:
        """True while an event or its repeats are under way or queued."""
        return bool(self._queue) or self._current is not None or self._final is not None

    def start(self, digit: str) -> None:
        """Begin a key that lasts until `stop`. Raises ValueError for what is no key."""
        self.stop()
        self._append(digit.upper(), None)

    def stop(self) -> None:
        """End the key that was started, after MINIMUM_MS at least."""
        event = self._queue[-1] if self._queue else self._current
        if event is not None and event.stop_at is None:
            event.stop_at = max(event.total, MINIMUM_MS * self._per_ms)

    def enqueue(self, digits: str) -> None:
        """Queue whole keys, DIGIT_MS each with PAUSE_MS between. Raises ValueError for what is no key."""
        self.stop()
        for digit in digits.upper():
            self._append(digit, DIGIT_MS * self._per_ms)

    def _append(self, digit: str, stop_at: int | None) -> None:
        if len(digit) != 1 or digit not in DIGITS:
            raise ValueError(f"no telephone key: {digit!r}")
        if len(self._queue) < MAXIMUM_QUEUE:
            self._queue.append(_Event(digit, stop_at))

    def packets(self, timestamp: int, samples: int) -> list[EventPacket]:
        """Return the packets of the period of `samples` that begins at `timestamp`; none: the period is speech's."""
        if self._current is None:
            if self._final is not None:
                return self._repeat_final(samples)
            if self._pause > 0 or not self._queue:
                self._pause -= samples
                return []
            self._current = self._queue.popleft()
            self._current.start = timestamp
        return self._advance(self._current, samples)

    def _repeat_final(self, samples: int) -> list[EventPacket]:
        assert self._final is not None
        packet, left = self._final
        self._final = (packet, left - 1) if left > 1 else None
        self._pause -= samples
        return [packet]

    def _advance(self, event: _Event, samples: int) -> list[EventPacket]:
        event.total += samples
        event.duration += samples
        packets = self._repeat_segment_end()
        if event.duration > MAXIMUM_DURATION:
            packets.append(self._end_segment(event))
        end = event.stop_at is not None and event.total >= event.stop_at
        packets.append(EventPacket(event.start, event_payload(event.digit, event.duration, end=end), event.marker))
        event.marker = False
        if end:
            # §2.5.1.6: repeats are packets of their own, so the marker is not repeated.
            self._final = (packets[-1]._replace(marker=False), FINAL_PACKETS - 1)
            self._current = None
            self._segment_end = None
            self._pause = PAUSE_MS * self._per_ms
        return packets

    def _end_segment(self, event: _Event) -> EventPacket:
        # §2.5.1.3: report the greatest duration without the E bit; the next segment begins where this one ended.
        packet = EventPacket(event.start, event_payload(event.digit, MAXIMUM_DURATION, end=False), False)
        self._segment_end = (packet, FINAL_PACKETS - 1)
        event.start = (event.start + MAXIMUM_DURATION) & 0xFFFFFFFF
        event.duration -= MAXIMUM_DURATION
        return packet

    def _repeat_segment_end(self) -> list[EventPacket]:
        if self._segment_end is None:
            return []
        packet, left = self._segment_end
        self._segment_end = (packet, left - 1) if left > 1 else None
        return [packet]


HOLD = 0.15
"""Seconds that an event goes on after its latest packet.

§2.5.2.2: a tone is not extended by more than three packet intervals; 50 ms each are RECOMMENDED.
"""


class EventReceiver:
    """Tells each key once, at its beginning, whichever of its packets are lost."""

    __slots__ = ("_code", "_ended", "_start", "_until")

    def __init__(self) -> None:
        self._until = -math.inf
        self._start: int | None = None
        """Timestamp of the latest segment."""
        self._code = -1
        self._ended = False

    @property
    def down(self) -> bool:
        """Whether the latest key's end has not come yet."""
        return self._start is not None and not self._ended and self._code < len(DIGITS)

    def sounds(self, now: float) -> bool:
        """Whether an event's packet came so shortly ago that it is under way: missing speech is no loss."""
        return now < self._until

    def receive(self, timestamp: int, payload: bytes, now: float) -> str:
        """Return the keys that this payload is the first to tell of, "" if none."""
        self._until = now + HOLD
        digits = ""
        # §2.5.1.5: several events may follow each other in one packet, contiguous in time.
        for offset in range(0, min(len(payload), 64) - 3, 4):
            code, flags, duration = _PAYLOAD.unpack_from(payload, offset)
            if self._is_new(timestamp, code, bool(flags & _END)) and code < len(DIGITS):
                digits += DIGITS[code]
            timestamp = (timestamp + duration) & 0xFFFFFFFF
        return digits

    def _is_new(self, timestamp: int, code: int, end: bool) -> bool:
        if self._start is not None:
            ahead = timestamp_delta(timestamp, self._start)
            if ahead < 0:
                return False  # an older event's packet, overtaken
            if ahead == 0 and code == self._code:
                self._ended = self._ended or end
                return False
            continues = code == self._code and not self._ended and ahead % MAXIMUM_DURATION == 0
        else:
            continues = False
        self._start, self._code, self._ended = timestamp, code, end
        # §2.5.2.3: a segment that begins where the last one ended is the same key still.
        return not continues
