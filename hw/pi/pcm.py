"""One ALSA device at work, by pyalsaaudio: playing, for one end of the telephone or several, or recording."""

from __future__ import annotations

import audioop
import errno
import os
import select
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import alsaaudio

from hw.boards.profile import AudioProfile, Channel

STALLED_S = 0.5
"""A card that gives nothing for so long has gone without saying so."""
LEAD_PERIODS = 2
"""Silence put ahead of the first sound, in the card's own periods: what playing may be late without a gap."""
EARLIER_S, LATER_S = 50e-6, 1e-3
"""Where several periods are heard at once, we sleep until the last of them should be there: each time a little less
long, until that was too early."""
XRUN = -32
"""What pyalsaaudio answers once after an underrun or overrun (-EPIPE); it has prepared the card again by then."""
Ends = Sequence[tuple[str, Channel]]
"""Names of the telephone's ends, and the channel of a stereo card each is on."""


class Pcm(Protocol):
    """What we use of an `alsaaudio.PCM` opened for playing."""

    def write(self, data: bytes) -> int:
        """Samples written, or XRUN; from pyalsaaudio 0.10 an ALSAAudioError instead."""
        ...

    def drop(self) -> None:
        """Stop at once, and be ready for the next `write`. Raises ALSAAudioError when the card is gone."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


class Player:
    """One device that plays: the earpiece, the loudspeaker, the ring, or several, each on a channel of its own."""

    def __init__(self, pcm: Pcm, ends: Ends, period_samples: int, at_once: int = 1) -> None:
        """`pcm`: of two channels if any of `ends` is on one of them, else of one. `at_once`: so many of the card's
        periods are played at a time."""
        self.ends = tuple(ends)
        self._stereo = is_stereo(ends)
        self._octets = 4 if self._stereo else 2
        self._leading = bytes(LEAD_PERIODS * self._octets * period_samples)
        self._most = at_once * self._octets * period_samples
        self._pcm = pcm
        self._rest = b""
        self._resting = False
        self._lead()

    @classmethod
    def open(cls, device: str, ends: Ends, profile: AudioProfile) -> Player:
        """Raises ALSAAudioError."""
        pcm = open_pcm(device, alsaaudio.PCM_PLAYBACK, 2 if is_stereo(ends) else 1, profile)
        return cls(pcm, ends, profile.period_samples, profile.at_once)

    def play(self, sounds: Mapping[str, bytes]) -> tuple[int, int]:
        """Queue one period, an end's sound by its name; returns how many underruns there were, and how many periods
        were dropped. Raises ALSAAudioError when the card is gone."""
        if self._resting:
            self._resting = False
            self._lead()
        self._rest += self._mix(sounds)
        written, xruns = self._write(self._rest), 0
        if written == XRUN:
            xruns = 1
            self._lead()
            written = self._write(self._rest)
        self._rest = self._rest[max(0, written) * self._octets :]
        if len(self._rest) <= self._most:
            return xruns, 0
        self._rest = b""
        return xruns, 1

    def rest(self) -> None:
        """Stop until the next period. Raises ALSAAudioError when the card is gone."""
        self._pcm.drop()
        self._rest, self._resting = b"", True

    def close(self) -> None:
        """Release the card."""
        self._pcm.close()

    def _lead(self) -> None:
        self._write(self._leading)

    def _write(self, octets: bytes) -> int:
        """Samples written, or XRUN: pyalsaaudio 0.10, which Debian 13 has, raises what 0.11 returns."""
        try:
            return int(self._pcm.write(octets))
        except alsaaudio.ALSAAudioError as error:
            if str(error).startswith(os.strerror(errno.EPIPE)):
                return XRUN
            raise

    def _mix(self, sounds: Mapping[str, bytes]) -> bytes:
        mixed = b""
        for name, channel in self.ends:
            frame = sounds[name]
            if self._stereo:
                frame = audioop.tostereo(frame, 2, float(channel != "right"), float(channel != "left"))
            mixed = audioop.add(mixed, frame, 2) if mixed else frame
        return mixed


class Recorder:
    """The device that records, and whose clock is everybody's."""

    def __init__(self, device: str, channel: Channel, profile: AudioProfile) -> None:
        """Raises ALSAAudioError."""
        self.device = device
        self._left, self._right = float(channel == "left"), float(channel == "right")
        self._stereo = channel != "both"
        self._period = (4 if self._stereo else 2) * profile.exchanged_samples
        self._period_s = profile.exchanged_samples / profile.rate_hz
        self._sleeps = profile.at_once > 1
        self._due = 0.0
        self._pcm = open_pcm(device, alsaaudio.PCM_CAPTURE, 2 if self._stereo else 1, profile)
        self._recorded = b""
        self._poll = select.poll()
        for descriptor, mask in self._pcm.polldescriptors():
            self._poll.register(descriptor, mask)

    def record(self) -> tuple[bytes, int]:
        """Wait for one period; returns it, and how many overruns there were.

        Raises ALSAAudioError when the card is gone, OSError when it gives nothing any more.
        """
        if self._sleeps and (left := self._due - time.monotonic()) > 0:
            time.sleep(left)
        xruns, until, early = 0, time.monotonic() + STALLED_S, False
        while len(self._recorded) < self._period:
            length, recorded = self._pcm.read()  # the first read is what starts the card
            if length == XRUN:
                xruns += 1
            elif length > 0:
                self._recorded += recorded
                continue
            left = until - time.monotonic()
            if left <= 0:
                raise OSError("it gives no sound any more")
            early = True
            self._poll.poll(1000 * left)
        # Early: it has come this moment.
        self._due = self._period_s + (time.monotonic() + LATER_S if early else self._due - EARLIER_S)
        period, self._recorded = self._recorded[: self._period], self._recorded[self._period :]
        return audioop.tomono(period, 2, self._left, self._right) if self._stereo else period, xruns

    def rest(self) -> None:
        """Stop until the next period. Raises ALSAAudioError when the card is gone."""
        self._pcm.drop()
        self._recorded, self._due = b"", 0.0

    def close(self) -> None:
        """Release the card."""
        self._pcm.close()


def is_stereo(ends: Ends) -> bool:
    """Whether a device must be opened with two channels."""
    return any(channel != "both" for _, channel in ends)


def open_pcm(device: str, direction: int, channels: int, profile: AudioProfile) -> alsaaudio.PCM:
    """Raises ALSAAudioError."""
    return alsaaudio.PCM(
        type=direction,
        mode=alsaaudio.PCM_NONBLOCK,
        device=device,
        rate=profile.rate_hz,
        channels=channels,
        format=alsaaudio.PCM_FORMAT_S16_LE,
        periodsize=profile.period_samples,
        periods=profile.periods,
    )
