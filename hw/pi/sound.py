"""Real sound cards by pyalsaaudio, behind `hw.AudioPort`: one opener a card, at its own rate, that nothing ends.

The microphone's card is the clock: `exchange` plays and then waits for a period to have been recorded. Cards that only
play follow it without blocking; where their clocks differ, a period is dropped or missed now and then and counted.
Underruns and overruns are counted and survived. A card that is pulled out is replaced by silence at the
same pace, and looked for once a second.
"""

from __future__ import annotations

import audioop
import errno
import logging
import os
import select
import time
from collections.abc import Callable
from pathlib import Path

import alsaaudio

from hw import DeviceError
from hw.boards.profile import AudioProfile, CardProfile, Channel
from hw.pi.cards import PROC, SYS, find_sound
from hw.pi.mixer import set_mixer

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Between two looks for a card that went."""
STALLED_S = 0.5
"""A card that gives nothing for so long has gone without saying so."""
LEAD_PERIODS = 2
"""Silence put ahead of the first sound: what playing may be late without a gap."""
BEHIND_S = 1.0
"""Later than this, the pace without a card starts anew instead of catching up."""
XRUN = -32
"""What pyalsaaudio answers once after an underrun or overrun (-EPIPE); it has prepared the card again by then."""


class AlsaSound:
    """Implements `hw.AudioPort`."""

    paced = True

    def __init__(
        self,
        profile: AudioProfile,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        proc: Path = PROC,
        sys: Path = SYS,
    ) -> None:
        """`proc`, `sys`: where the kernel lists its cards. Raises DeviceError if a card is not there now."""
        self._profile = profile
        self._clock = clock
        self._sleep = sleep
        self._where = (proc, sys)
        self._silence = bytes(2 * profile.period_samples)
        self._recorder: _Recorder | None = None
        self._players: list[_Player] = []
        self._retry_at = 0.0
        self._pace_at = 0.0
        self._closed = False
        self.xruns = 0
        """Underruns and overruns so far."""
        self.slips = 0
        """Periods dropped because a card that only plays is slower than the microphone's."""
        self.losses = 0
        """How often a card went away."""
        self._open()

    @property
    def rate_hz(self) -> int:
        """Sample rate."""
        return self._profile.rate_hz

    @property
    def period_samples(self) -> int:
        """Samples in one period."""
        return self._profile.period_samples

    @property
    def present(self) -> bool:
        """False while a card is away."""
        return bool(self._recorder or self._players)

    def exchange(self, earpiece: bytes, speaker: bytes) -> bytes:
        """Play and record one period (see `hw.AudioPort.exchange`). Raises DeviceError only once it is closed."""
        if self._closed:
            raise DeviceError("the sound card is closed")
        if len(earpiece) != len(self._silence) or len(speaker) != len(self._silence):
            raise ValueError(f"a period has {len(self._silence)} octets")
        if not self.present and not self._came_back():
            return self._wait()
        try:
            for player in self._players:
                self._count(*player.play(earpiece, speaker))
            return self._record()
        except (alsaaudio.ALSAAudioError, OSError) as error:
            self._lose(str(error))
            return self._wait()

    def close(self) -> None:
        """Release the cards."""
        self._closed = True
        self._release()

    def _record(self) -> bytes:
        if self._recorder is None:
            return self._wait()
        recorded, xruns = self._recorder.record()
        self._count(xruns, 0)
        return recorded

    def _count(self, xruns: int, slips: int) -> None:
        self.xruns += xruns
        self.slips += slips

    def _open(self) -> None:
        profile = self._profile
        try:
            self._open_players()
            if profile.microphone is not None:
                device = find_sound(profile.microphone.card, *self._where).device
                self._recorder = _Recorder(device, profile.microphone.channel, profile)
            for card in profile.cards:
                set_mixer(find_sound(card.card, *self._where).mixer, card.mixer)
        except (alsaaudio.ALSAAudioError, DeviceError) as error:
            self._release()
            words = str(error) if isinstance(error, DeviceError) else f"the sound card cannot be opened: {error}"
            raise DeviceError(words) from error
        self._pace_at = self._clock()

    def _open_players(self) -> None:
        """One for each device, however many ends it has: two openers would shut each other out."""
        ends: dict[str, list[tuple[bool, CardProfile]]] = {}
        for is_speaker, card in ((False, self._profile.earpiece), (True, self._profile.speaker)):
            if card is not None:
                ends.setdefault(find_sound(card.card, *self._where).device, []).append((is_speaker, card))
        for device, here in ends.items():
            self._players.append(_Player(device, [(loud, card.channel) for loud, card in here], self._profile))

    def _release(self) -> None:
        recorder, self._recorder = self._recorder, None
        players, self._players = self._players, []
        for card in (recorder, *players):
            if card is not None:
                card.close()

    def _lose(self, why: str) -> None:
        log.warning("the sound card is gone (%s); going on in silence until it is back", why)
        self.losses += 1
        self._release()
        self._pace_at = self._clock()
        self._retry_at = self._pace_at + RETRY_S

    def _came_back(self) -> bool:
        now = self._clock()
        if now < self._retry_at:
            return False
        self._retry_at = now + RETRY_S
        try:
            self._open()
        except DeviceError:
            return False
        log.info("the sound card is back")
        return True

    def _wait(self) -> bytes:
        """One period of silence, at the pace the card had."""
        self._pace_at += self._profile.period_samples / self._profile.rate_hz
        left = self._pace_at - self._clock()
        if left > 0:
            self._sleep(left)
        elif left < -BEHIND_S:
            self._pace_at = self._clock()
        return self._silence


class _Player:
    """One card that plays: the earpiece, the loudspeaker, or each on a channel of its own."""

    def __init__(self, device: str, ends: list[tuple[bool, Channel]], profile: AudioProfile) -> None:
        self._ends = ends
        self._stereo = any(channel != "both" for _, channel in ends)
        self._octets = 4 if self._stereo else 2
        self._period = self._octets * profile.period_samples
        self._pcm = _open_pcm(device, alsaaudio.PCM_PLAYBACK, 2 if self._stereo else 1, profile)
        self._rest = b""
        self._lead()

    def play(self, earpiece: bytes, speaker: bytes) -> tuple[int, int]:
        """Queue one period; returns how many underruns there were, and how many periods were dropped."""
        self._rest += self._mix(earpiece, speaker)
        written, xruns = self._write(self._rest), 0
        if written == XRUN:
            xruns = 1
            self._lead()
            written = self._write(self._rest)
        self._rest = self._rest[max(0, written) * self._octets :]
        if len(self._rest) <= self._period:
            return xruns, 0
        self._rest = b""
        return xruns, 1

    def close(self) -> None:
        """Release the card."""
        self._pcm.close()

    def _lead(self) -> None:
        self._write(bytes(LEAD_PERIODS * self._period))

    def _write(self, octets: bytes) -> int:
        """Samples written, or XRUN: pyalsaaudio 0.10, which Debian 13 has, raises what 0.11 returns."""
        try:
            return int(self._pcm.write(octets))
        except alsaaudio.ALSAAudioError as error:
            if str(error).startswith(os.strerror(errno.EPIPE)):
                return XRUN
            raise

    def _mix(self, earpiece: bytes, speaker: bytes) -> bytes:
        mixed = b""
        for is_speaker, channel in self._ends:
            frame = speaker if is_speaker else earpiece
            if self._stereo:
                frame = audioop.tostereo(frame, 2, float(channel != "right"), float(channel != "left"))
            mixed = audioop.add(mixed, frame, 2) if mixed else frame
        return mixed


class _Recorder:
    """The card that records, and whose clock is everybody's."""

    def __init__(self, device: str, channel: Channel, profile: AudioProfile) -> None:
        self._left, self._right = float(channel == "left"), float(channel == "right")
        self._stereo = channel != "both"
        self._period = (4 if self._stereo else 2) * profile.period_samples
        self._pcm = _open_pcm(device, alsaaudio.PCM_CAPTURE, 2 if self._stereo else 1, profile)
        self._recorded = b""
        self._poll = select.poll()
        for descriptor, mask in self._pcm.polldescriptors():
            self._poll.register(descriptor, mask)

    def record(self) -> tuple[bytes, int]:
        """Wait for one period; returns it, and how many overruns there were.

        Raises ALSAAudioError when the card is gone, OSError when it gives nothing any more.
        """
        xruns, until = 0, time.monotonic() + STALLED_S
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
            self._poll.poll(1000 * left)
        period, self._recorded = self._recorded[: self._period], self._recorded[self._period :]
        return audioop.tomono(period, 2, self._left, self._right) if self._stereo else period, xruns

    def close(self) -> None:
        """Release the card."""
        self._pcm.close()


def _open_pcm(device: str, direction: int, channels: int, profile: AudioProfile) -> alsaaudio.PCM:
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
