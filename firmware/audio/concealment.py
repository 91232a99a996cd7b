"""Concealment of lost speech by repeating the last pitch period, after ITU-T G.711 Appendix I.

    heard:    ... p p p|                     the last pitch period, found by correlation
    lost:               p p|p'p'|p"p"p"|     repeated; after 10 and 20 ms two and three periods at a time,
    level:              1.0  1.0 ... 0.8 ... so that it buzzes less; fading out from 10 to 60 ms
    heard again:                        \\/  cross-faded with what the repetition would have gone on with

Appendix I delays speech by 3.75 ms to cross-fade into the loss as well; here the step between the last sample heard
and the first repeated is spread over a quarter period instead, which needs no delay.
"""

from __future__ import annotations

import audioop
from array import array

_SHORTEST_PITCH_S = 0.005
_LONGEST_PITCH_S = 0.015
_COMPARED_S = 0.020
_BLOCK_S = 0.010
_FADE_PER_BLOCK = 0.2
_MOST_PERIODS = 3
_LONGEST_JOIN_BLOCKS = 1.0
_JOIN_PER_BLOCK_S = 0.004
_UNJOINED_PARTS = 8
# How many times as much as is needed may wait to be joined: most calls never lose a packet.


def _crossfade(old: array[int], new: array[int], samples: int) -> array[int]:
    """`new`, its first samples faded over from `old`."""
    samples = min(samples, len(old), len(new))
    head = [o + (n - o) * (i + 1) // (samples + 1) for i, (o, n) in enumerate(zip(old[:samples], new, strict=False))]
    return array("h", head) + new[samples:]


class Concealer:
    """Hears one session's decoded speech and goes on speaking where a packet is missing."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz`: sample rate of the frames."""
        self._rate_hz = rate_hz
        self._shortest = round(_SHORTEST_PITCH_S * rate_hz)
        self._longest = round(_LONGEST_PITCH_S * rate_hz)
        self._compared = round(_COMPARED_S * rate_hz)
        self._block = round(_BLOCK_S * rate_hz)
        self._kept = 2 * (_MOST_PERIODS * self._longest + self._longest // 4)
        self._heard = [bytes(self._kept)]
        self._unjoined = 0
        """Octets in it since it was joined last."""
        self._cycle = array("h")
        self._position = 0
        self._pitch = 0
        self._lost = 0
        self._before = array("h")
        self._lead = array("h")

    def received(self, frame: bytes, *, joined: bool = True) -> bytes:
        """Take the next frame that came; return it, cross-faded with what was made up before.

        `joined`: it is what the far end said next; False where samples were left out on purpose.
        """
        if frame and (self._lost or not joined):
            frame = self._join(frame)
            self._lost = 0
        self._remember(frame)
        return frame

    def conceal(self, samples: int) -> bytes:
        """Make up `samples` samples in place of lost ones; silence after 60 ms."""
        made = self._make(samples)
        self._remember(made)
        return made

    def _remember(self, frame: bytes) -> None:
        """Keep what was played; it is joined when a loss asks for it, or when it becomes long."""
        self._heard.append(frame)
        self._unjoined += len(frame)
        if self._unjoined > _UNJOINED_PARTS * self._kept:
            self._history()

    def _history(self) -> bytes:
        """The last `_kept` octets."""
        joined = b"".join(self._heard)[-self._kept :]
        self._heard, self._unjoined = [joined], 0
        return joined

    def _make(self, samples: int) -> bytes:
        if not self._lost:
            self._begin()
        pieces = array("h")
        while len(pieces) < samples:
            room = self._block - self._lost % self._block
            pieces.extend(self._faded(self._next(min(room, samples - len(pieces)))))
        return pieces.tobytes()

    def _begin(self) -> None:
        self._before = array("h", self._history())
        self._pitch = self._find_pitch()
        self._cycle = self._periods(1)
        self._position = 0
        # The repetition starts one period back; what it lacks to go on smoothly is spread over a quarter period.
        step = self._before[-1] - self._before[-1 - self._pitch]
        quarter = max(1, self._pitch // 4)
        ramp = array("h", bytes(2 * quarter))
        for i in range(quarter):
            ramp[i] = max(-32768, min(32767, self._cycle[i] + step * (quarter - i) // (quarter + 1)))
        self._lead = ramp

    def _find_pitch(self) -> int:
        """The lag, in samples, at which the last 20 ms resemble what came before them most."""
        history = self._history()
        reference = history[-2 * self._compared :]
        fragment = history[-2 * (self._compared + self._longest) : -2 * self._shortest]
        offset, _ = audioop.findfit(fragment, reference)
        return self._longest - int(offset)

    def _periods(self, count: int) -> array[int]:
        """The last `count` pitch periods as a loop whose end leads over to its beginning."""
        length, quarter = count * self._pitch, self._pitch // 4
        cycle = self._before[-length:]
        before = self._before[-length - quarter : -length]
        return cycle[: length - quarter] + _crossfade(cycle[length - quarter :], before, quarter)

    def _next(self, samples: int) -> array[int]:
        """The repetition's next samples, before fading; they do not reach over a block's end."""
        block, at_start = divmod(self._lost, self._block)
        piece = self._repeat(samples)
        if self._lost == 0:
            piece = self._lead[:samples] + piece[len(self._lead) :]
        elif at_start == 0 and block < _MOST_PERIODS:
            position = self._position
            self._position = (position - samples) % self._pitch
            self._cycle = self._periods(block + 1)
            piece = _crossfade(piece, self._repeat(samples), self._pitch // 4)
        return piece

    def _repeat(self, samples: int) -> array[int]:
        length = len(self._cycle)
        start = self._position % length
        self._position = start + samples
        turns = (start + samples) // length + 1
        return (self._cycle * turns)[start : start + samples]

    def _faded(self, piece: array[int]) -> array[int]:
        """Fade from 10 ms on: a fifth less every 10 ms. Counts the samples as lost."""
        first = self._lost
        self._lost += len(piece)
        if self._lost <= self._block:
            return piece
        fall = _FADE_PER_BLOCK / self._block
        start = 1.0 + _FADE_PER_BLOCK - first * fall
        if start <= 0.0:
            return array("h", bytes(2 * len(piece)))
        return array("h", [int(sample * max(0.0, start - i * fall)) for i, sample in enumerate(piece)])

    def _join(self, frame: bytes) -> bytes:
        """Cross-fade from the repetition's continuation: longer, the longer the loss was (Appendix I §I.2.7)."""
        blocks = min(self._lost / self._block - 1, _LONGEST_JOIN_BLOCKS)
        if not self._lost:
            self._begin()
        samples = self._pitch // 4 + round(max(0.0, blocks) * _JOIN_PER_BLOCK_S * self._rate_hz)
        heard = array("h", frame)
        made = array("h", self._make(min(samples, len(heard))))
        return _crossfade(made, heard, len(made)).tobytes()
