"""Sound cards in software: one with a microphone fed by files and browsers, one that is silent, one that sings.

All frames are signed 16-bit little-endian mono. Nothing here blocks but `NullSound.exchange`.
"""

from __future__ import annotations

import array
import audioop
import math
import sys
import time
from collections import deque
from collections.abc import Callable

from hw import DeviceError

RATE_HZ = 8000
PERIOD_SAMPLES = 160
REMEMBERED = 60.0
"""Seconds of sound kept for listening to later."""
MOST_SPEECH = 120.0
"""Seconds of sound that may wait to be spoken."""
MOST_SOCKETS = 8


class Recording:
    """The last `seconds` of a sound, in constant memory."""

    def __init__(self, rate_hz: int, seconds: float = REMEMBERED) -> None:
        self._rate_hz = rate_hz
        self._ring = bytearray(2 * round(rate_hz * seconds))
        self._end = 0
        self._total = 0

    @property
    def seconds(self) -> float:
        """How much there is to hear."""
        return min(self._total, len(self._ring)) / (2 * self._rate_hz)

    def add(self, samples: bytes) -> None:
        """Append samples, over the oldest if need be."""
        samples = samples[-len(self._ring) :]
        first = min(len(samples), len(self._ring) - self._end)
        self._ring[self._end : self._end + first] = samples[:first]
        self._ring[: len(samples) - first] = samples[first:]
        self._end = (self._end + len(samples)) % len(self._ring)
        self._total += len(samples)

    def last(self, seconds: float) -> bytes:
        """The last `seconds` of samples, or all there are if fewer."""
        octets = min(2 * round(seconds * self._rate_hz), self._total, len(self._ring))
        start = self._end - octets
        if start >= 0:
            return bytes(self._ring[start : self._end])
        return bytes(self._ring[start:] + self._ring[: self._end])


class ElasticQueue:
    """Samples that arrive in bursts and leave in even periods.

    Nothing leaves until `target` octets are there, and again after it ran dry; above `limit` octets the oldest
    go, down to the target. So a jittery source loses nothing within the target, and a source whose
    clock is fast or slow costs a drop or a gap now and then instead of growing delay. What was not once needed
    while `patience` periods left is only delay, and goes too, but for half the target.
    """

    def __init__(self, target: int, limit: int, patience: int = 50) -> None:
        self._target = target
        self._limit = limit
        self._patience = patience
        self._samples = bytearray()
        self._flowing = False
        self._spare = limit
        self._left = 0

    def __len__(self) -> int:
        """Octets waiting."""
        return len(self._samples)

    def put(self, samples: bytes) -> None:
        """Add samples (whole ones: an odd last octet is dropped)."""
        self._samples += samples[: len(samples) & ~1]
        if len(self._samples) > self._limit:
            del self._samples[: len(self._samples) - self._target]

    def get(self, octets: int) -> bytes | None:
        """Exactly `octets` of samples, or None while there are too few."""
        self._flowing = len(self._samples) >= (octets if self._flowing else max(octets, self._target))
        if not self._flowing:
            return None
        samples = bytes(self._samples[:octets])
        del self._samples[:octets]
        self._spare = min(self._spare, len(self._samples))
        self._left += 1
        if self._left == self._patience:
            self._shorten()
        return samples

    def _shorten(self) -> None:
        excess = self._spare - (self._target // 2 & ~1)
        if excess > 0:
            del self._samples[:excess]
        self._spare, self._left = self._limit, 0


class LiveSound:
    """One listener on a `SimSound`, such as a browser: hears what is played and speaks into the microphone.

    `ready` is called whenever a period was added to an empty queue, and when the port is closed.
    """

    def __init__(self, sound: SimSound, ready: Callable[[], None]) -> None:
        period = 2 * sound.period_samples
        self._sound = sound
        self._ready = ready
        self._heard: deque[bytes] = deque(maxlen=25)
        self._spoken = ElasticQueue(target=2 * period, limit=6 * period)
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once there is nothing more to hear."""
        return self._closed

    def speak(self, samples: bytes) -> None:
        """Add samples to what this listener says; the oldest go if it says more than the port takes."""
        self._spoken.put(samples)

    def heard(self) -> list[bytes]:
        """The periods played since the last call, at most the last 25, oldest first."""
        frames = list(self._heard)
        self._heard.clear()
        return frames

    def close(self) -> None:
        """Stop listening and speaking."""
        if not self._closed:
            self._closed = True
            self._sound.disconnect(self)
            self._ready()

    def hear(self, frame: bytes) -> None:
        """Take one played period (called by the port)."""
        self._heard.append(frame)
        if len(self._heard) == 1:
            self._ready()

    def said(self, octets: int) -> bytes | None:
        """One period of what was said, if there is one (called by the port)."""
        return self._spoken.get(octets)


class SimSound:
    """The simulated handset's and loudspeaker's card. Implements `hw.AudioPort`; the caller paces it.

    The microphone hears, in this order: a sound given to `speak`, all live listeners together, digital silence.
    `handset_up` decides whether live listeners hear the earpiece; the loudspeaker they always hear.
    """

    paced = False
    fault = ""

    def __init__(self, rate_hz: int = RATE_HZ, period_samples: int = PERIOD_SAMPLES) -> None:
        self.handset_up = False
        self._rate_hz = rate_hz
        self._period_samples = period_samples
        self._silence = bytes(2 * period_samples)
        self._earpiece = Recording(rate_hz)
        self._speaker = Recording(rate_hz)
        self._speech: deque[bytes] = deque()
        self._live: list[LiveSound] = []
        self._closed = False

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self._rate_hz

    @property
    def period_samples(self) -> int:
        """Samples a period."""
        return self._period_samples

    @property
    def earpiece(self) -> Recording:
        """What the earpiece played."""
        return self._earpiece

    @property
    def speaker(self) -> Recording:
        """What the loudspeaker played."""
        return self._speaker

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        """Play and hear one period (see `hw.AudioPort.exchange`). Raises ValueError for a frame of another size."""
        if self._closed:
            raise DeviceError("the simulated sound card is closed")
        if any(len(frame) != len(self._silence) for frame in (earpiece, speaker, ring or self._silence)):
            raise ValueError(f"a period has {len(self._silence)} octets")
        if ring is not None:
            speaker = audioop.add(speaker, ring, 2)
        self._earpiece.add(earpiece)
        self._speaker.add(speaker)
        if self._live:
            audible = audioop.add(earpiece, speaker, 2) if self.handset_up else speaker
            for listener in self._live:
                listener.hear(audible)
        return self._microphone()

    def speak(self, samples: bytes) -> None:
        """Say these samples once into the microphone, after whatever is still being said.

        Raises ValueError if more than two minutes would be waiting.
        """
        frame = len(self._silence)
        if len(self._speech) * frame + len(samples) > MOST_SPEECH * 2 * self._rate_hz:
            raise ValueError(f"more than {MOST_SPEECH:g} seconds are waiting to be spoken")
        for start in range(0, len(samples), frame):
            self._speech.append(samples[start : start + frame].ljust(frame, b"\0"))

    @property
    def speaking(self) -> float:
        """Seconds of speech still to be said."""
        return len(self._speech) * self._period_samples / self._rate_hz

    def connect(self, ready: Callable[[], None] = lambda: None) -> LiveSound:
        """A new live listener. Raises DeviceError if the card is closed or eight listen already."""
        if self._closed:
            raise DeviceError("the simulated sound card is closed")
        if len(self._live) >= MOST_SOCKETS:
            raise DeviceError(f"{MOST_SOCKETS} listeners are connected already")
        listener = LiveSound(self, ready)
        self._live.append(listener)
        return listener

    def disconnect(self, listener: LiveSound) -> None:
        """Forget a listener."""
        if listener in self._live:
            self._live.remove(listener)

    def rest(self) -> None:
        """Nothing to do: the caller paces it, and listeners hear the silence too."""

    def close(self) -> None:
        """Refuse further periods and let every listener go."""
        self._closed = True
        for listener in tuple(self._live):
            listener.close()

    def _microphone(self) -> bytes:
        # Live speech is taken even while a file is spoken, so that it is not late afterwards.
        spoken = [said for listener in self._live if (said := listener.said(len(self._silence))) is not None]
        if self._speech:
            return self._speech.popleft()
        mixed = self._silence
        for said in spoken:
            mixed = audioop.add(mixed, said, 2)
        return mixed


class NullSound:
    """A card that plays into nothing and hears nothing, at its own pace. Implements `hw.AudioPort`.

    Periods end at absolute deadlines, so lateness does not add up; after a pause of more than
    a second it starts afresh instead of hurrying after.
    """

    paced = True
    fault = ""

    def __init__(
        self,
        rate_hz: int = RATE_HZ,
        period_samples: int = PERIOD_SAMPLES,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate_hz = rate_hz
        self._period_samples = period_samples
        self._clock = clock
        self._sleep = sleep
        self._started: float | None = None
        self._periods = 0
        self._closed = False

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self._rate_hz

    @property
    def period_samples(self) -> int:
        """Samples a period."""
        return self._period_samples

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        """Wait for the end of the period; return digital silence. Raises ValueError for a frame of another size."""
        if self._closed:
            raise DeviceError("the null sound card is closed")
        octets = 2 * self._period_samples
        if len(earpiece) != octets or len(speaker) != octets or len(ring or earpiece) != octets:
            raise ValueError(f"a period has {octets} octets")
        self._wait()
        return bytes(2 * self._period_samples)

    def _wait(self) -> None:
        now = self._clock()
        if self._started is None:
            self._started, self._periods = now, 0
        self._periods += 1
        wait = self._started + self._periods * self._period_samples / self._rate_hz - now
        if wait > 0:
            self._sleep(wait)
        elif wait < -1.0:
            self._started, self._periods = now, 0

    def rest(self) -> None:
        """Begin a new pace with the next period."""
        self._started = None

    def close(self) -> None:
        """Refuse further periods."""
        self._closed = True


class ToneSound(SimSound):
    """A simulated card whose microphone hears a steady sine: for tests of a whole call, and of a line."""

    def __init__(
        self,
        frequency_hz: int = 1000,
        amplitude: int = 8000,
        rate_hz: int = RATE_HZ,
        period_samples: int = PERIOD_SAMPLES,
    ) -> None:
        super().__init__(rate_hz, period_samples)
        # One second holds a whole number of cycles, so it repeats without a click.
        turn = 2 * math.pi * frequency_hz / rate_hz
        wave = array.array("h", (round(amplitude * math.sin(turn * n)) for n in range(rate_hz)))
        if sys.byteorder == "big":
            wave.byteswap()
        self._wave = wave.tobytes()
        self._position = 0

    def _microphone(self) -> bytes:
        octets = 2 * self.period_samples
        start, self._position = self._position, (self._position + octets) % len(self._wave)
        samples = self._wave[start : start + octets]
        while len(samples) < octets:
            samples += self._wave[: octets - len(samples)]
        return audioop.add(samples, super()._microphone(), 2)
