"""Real sound cards by pyalsaaudio, behind `hw.AudioPort`: one opener a card, at its own rate, that nothing ends.

The microphone's card is the clock: `exchange` plays and then waits for a period to have been recorded. Cards that only
play follow it without blocking; where their clocks differ, a period is dropped or missed now and then and counted.
A card that gives its periods faster than time passes is no clock: then ours is. Underruns and overruns are counted and
survived. A card that is not there, at the start or later, is replaced by
silence at the same pace and looked for once a second; the others go on meanwhile.
"""

from __future__ import annotations

import audioop
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import alsaaudio

from hw import DeviceError
from hw.boards.profile import AudioProfile
from hw.card_pace import CardPace
from hw.pi.cards import PROC, SYS, Sound, cards, find_sound
from hw.pi.mixer import set_mixer
from hw.pi.pcm import Player, Recorder

log = logging.getLogger(__name__)

RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
"""Between two looks for a card that is not there; where it is but cannot be opened, twice as long each time: ALSA
complains aloud."""
TELL_S = 60.0
"""Between two lines of the log about sound that broke."""
BEHIND_S = 1.0
"""Later than this, the pace without a card starts anew instead of catching up."""
EARPIECE, MICROPHONE, SPEAKER, RINGER = "earpiece", "microphone", "speaker", "ringer"


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
        """Opens what is there. `proc`, `sys`: where the kernel lists its cards."""
        self._profile = profile
        self._clock = clock
        self._sleep = sleep
        self._where = (proc, sys)
        self._ends = dict(profile.ends)
        self._silence = bytes(2 * profile.exchanged_samples)
        self._recorder: Recorder | None = None
        self._card_pace = self._new_pace()
        self._players: dict[str, Player] = {}
        self._faults: dict[str, str] = {}
        self._listing = cards(*self._where)
        self._pause_s = RETRY_S
        self._retry_at = self._pace_at = clock()
        self._closed = False
        self._breaks_told, self._tell_at = 0, clock() + TELL_S
        self.xruns = 0
        """Underruns and overruns so far."""
        self.slips = 0
        """Periods dropped because a card that only plays is slower than the microphone's."""
        self.losses = 0
        """How often a card went away."""
        self._look()

    @property
    def rate_hz(self) -> int:
        """Sample rate."""
        return self._profile.rate_hz

    @property
    def period_samples(self) -> int:
        """Samples in one period."""
        return self._profile.exchanged_samples

    @property
    def fault(self) -> str:
        """Which cards are away, and the cure; empty if none is."""
        return "; ".join(dict.fromkeys(self._faults.values()))

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        """Play and record one period (see `hw.AudioPort.exchange`). Raises DeviceError only once it is closed."""
        if self._closed:
            raise DeviceError("the sound card is closed")
        if any(len(sound) != len(self._silence) for sound in (earpiece, speaker, ring or self._silence)):
            raise ValueError(f"a period has {len(self._silence)} octets")
        if self._faults and self._clock() >= self._retry_at:
            self._look()
        sounds = {EARPIECE: earpiece, SPEAKER: speaker, RINGER: self._silence}
        if ring is not None:
            end = self._ringing_end()
            sounds[end] = audioop.add(sounds[end], ring, 2)
        for device, player in tuple(self._players.items()):
            try:
                self._count(*player.play(sounds))
            except (alsaaudio.ALSAAudioError, OSError) as error:
                self._lose(device, str(error))
        return self._record()

    def rest(self) -> None:
        """Stop the cards, which stay ours, and look for those that are away.

        For all, if the kernel lists others than before: a card that does nothing cannot say that it was pulled out.
        """
        if self._relisted() or (self._faults and self._clock() >= self._retry_at):
            self._look()
        for device, player in tuple(self._players.items()):
            self._rest(device, player)
        if self._recorder is not None:
            self._rest(self._recorder.device, self._recorder)
        self._pace_at = self._clock()

    def _relisted(self) -> bool:
        before, self._listing = self._listing, cards(*self._where)
        return before != self._listing

    def _rest(self, device: str, card: Player | Recorder) -> None:
        try:
            card.rest()
        except (alsaaudio.ALSAAudioError, OSError) as error:
            self._lose(device, str(error))

    def _ringing_end(self) -> str:
        """What rings: its own card, else the loudspeaker, else, better than nothing, the earpiece."""
        there = (end for end in (RINGER, SPEAKER) if end in self._ends and end not in self._faults)
        return next(there, EARPIECE)

    def close(self) -> None:
        """Release the cards."""
        self._closed = True
        for device in (*self._players, *([self._recorder.device] if self._recorder is not None else [])):
            self._release(device)

    def _record(self) -> bytes:
        if self._recorder is None:
            self._wait()
            return self._silence
        try:
            recorded, xruns = self._recorder.record()
        except (alsaaudio.ALSAAudioError, OSError) as error:
            self._lose(self._recorder.device, str(error))
            self._wait()
            return self._silence
        self._count(xruns, 0)
        self._watch_pace(self._recorder.device)
        return recorded

    def _watch_pace(self, device: str) -> None:
        if not self._card_pace.keeps_time:
            self._wait()
            return
        now = self._clock()
        self._card_pace.recorded(now)
        if not self._card_pace.keeps_time:
            log.warning("the sound card %s keeps no time: the telephone's clock keeps it instead", device)
            self._pace_at = now

    def _new_pace(self) -> CardPace:
        profile = self._profile
        buffer = profile.periods * profile.period_samples
        return CardPace(profile.exchanged_samples / profile.rate_hz, buffer / profile.rate_hz)

    def _count(self, xruns: int, slips: int) -> None:
        """Count breaks of the sound; the log hears of them once a minute."""
        self.xruns += xruns
        self.slips += slips
        breaks = self.xruns + self.slips
        if breaks > self._breaks_told and self._clock() >= self._tell_at:
            words = "the sound broke %d times since last said (in all %d under- and overruns, %d periods dropped)"
            log.warning(words, breaks - self._breaks_told, self.xruns, self.slips)
            self._breaks_told, self._tell_at = breaks, self._clock() + TELL_S

    # --- cards that come and go ---

    def _look(self) -> None:
        """Open what is there and not open; where two ends turn out to be on one card, once for both."""
        before, self._faults = self._faults, {}
        there = self._find()
        absent = len(self._faults)
        devices = {sound.device for sound in there.values()}
        for device in {*self._players, *([self._recorder.device] if self._recorder is not None else [])} - devices:
            self._release(device)
        for device in dict.fromkeys(sound.device for sound in there.values()):
            self._open(device, [name for name, sound in there.items() if sound.device == device], there)
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S) if len(self._faults) > absent else RETRY_S
        self._retry_at = self._clock() + self._pause_s
        _say(before, self._faults)

    def _find(self) -> dict[str, Sound]:
        """Where each end's card is; of those that are nowhere it is noted."""
        there: dict[str, Sound] = {}
        named = {card.card for card in self._ends.values()}
        for name, card in self._ends.items():
            try:
                there[name] = find_sound(card.card, *self._where, named=named)
            except DeviceError as fault:
                self._faults[name] = str(fault)
        return there

    def _open(self, device: str, names: list[str], there: dict[str, Sound]) -> None:
        playing = tuple((name, self._ends[name].channel) for name in names if name != MICROPHONE)
        player = self._players.get(device)
        if playing and (player is None or player.ends != playing):
            if player is not None:
                player.close()
                del self._players[device]
            with self._noting(name for name, _ in playing):
                self._players[device] = Player.open(device, playing, self._profile)
                self._set_mixers((name for name, _ in playing), there)
        if MICROPHONE in names and self._recorder is None:
            with self._noting([MICROPHONE]):
                self._recorder = Recorder(device, self._ends[MICROPHONE].channel, self._profile)
                self._card_pace = self._new_pace()
                self._set_mixers([MICROPHONE], there)

    def _set_mixers(self, names: Iterable[str], there: dict[str, Sound]) -> None:
        for name in names:
            set_mixer(there[name].mixer, self._ends[name].mixer, records=name == MICROPHONE)

    @contextmanager
    def _noting(self, names: Iterable[str]) -> Iterator[None]:
        """What goes wrong is these ends' fault."""
        try:
            yield
        except alsaaudio.ALSAAudioError as error:
            for name in names:
                card = self._ends[name].card
                words = f"the sound card {card!r} cannot be opened: {error}; another program may hold it"
                self._faults[name] = words

    def _lose(self, device: str, why: str) -> None:
        names = [name for name, _ in self._players[device].ends] if device in self._players else []
        if self._recorder is not None and self._recorder.device == device:
            names.append(MICROPHONE)
            self._pace_at = self._clock()
        card = self._ends[names[0]].card
        log.warning("the sound card %r (%s) is gone (%s); going on without it", card, ", ".join(names), why)
        self.losses += 1
        self._faults.update(dict.fromkeys(names, f"the sound card {card!r} is gone: {why}; plug it in again"))
        self._release(device)
        self._pause_s = RETRY_S
        self._retry_at = self._clock() + RETRY_S

    def _release(self, device: str) -> None:
        player = self._players.pop(device, None)
        if player is not None:
            player.close()
        if self._recorder is not None and self._recorder.device == device:
            self._recorder.close()
            self._recorder = None
            self._pace_at = self._clock()

    def _wait(self) -> None:
        """Let one period pass, where no card does that."""
        self._pace_at += self._profile.exchanged_samples / self._profile.rate_hz
        left = self._pace_at - self._clock()
        if left > 0:
            self._sleep(left)
        elif left < -BEHIND_S:
            self._pace_at = self._clock()


def _say(before: dict[str, str], now: dict[str, str]) -> None:
    """A line for each thing that changed, not one a second."""
    for words in dict.fromkeys(words for name, words in now.items() if name not in before):
        log.warning("%s; going on without it, and looking for it once a second", words)
    if back := [name for name in before if name not in now]:
        log.info("the sound card is back (%s)", ", ".join(back))
