"""WAV files to and from a port's frames: signed 16-bit little-endian mono at the port's rate.

The reader is our own: the standard library's raises RuntimeError on some damaged files, refuses the extensible
format before Python 3.12, and files whose length was not known when they were begun.
"""

from __future__ import annotations

import audioop
import math
import struct
import wave
from collections.abc import Iterator
from io import BytesIO

FILTER_REACH = 8
"""Half the low-pass filter's length, in samples of the slower rate."""
BLOCK = 32_768
"""Octets filtered in one go."""
LINEAR = 0x0001
EXTENSIBLE = 0xFFFE
MOST_CHANNELS = 64


class UnreadableSound(ValueError):
    """A file is not a WAV of linear samples. The text says what is wrong."""


def write_wav(samples: bytes, rate_hz: int) -> bytes:
    """A WAV file of `samples` (s16le mono)."""
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples)
    return file.getvalue()


def read_wav(octets: bytes, rate_hz: int, longest: float = 120.0) -> bytes:
    """The sound of a WAV file as s16le mono at `rate_hz`; channels are averaged.

    Any rate from 1 to 384 kHz, 8, 16, 24 or 32 bits, up to 64 channels. A file cut short is read as far as it goes.
    Raises UnreadableSound for anything else, and for more than `longest` seconds.
    """
    chunks = dict(_chunks(octets))
    form, samples = chunks.get(b"fmt ", b""), chunks.get(b"data")
    if len(form) < 16 or samples is None:
        raise UnreadableSound("not a WAV file, or it ends too early")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if kind == EXTENSIBLE and len(form) >= 26:
        (kind,) = struct.unpack_from("<H", form, 24)  # the sub-format's GUID begins with the kind
    if kind != LINEAR or bits not in {8, 16, 24, 32} or not 1 <= channels <= MOST_CHANNELS:
        raise UnreadableSound(f"not a WAV file of linear samples: format {kind}, {bits} bits, {channels} channels")
    if not 1000 <= rate <= 384_000:
        raise UnreadableSound(f"cannot play {rate} samples a second")
    width = bits // 8
    if len(samples) > longest * rate * width * channels:
        raise UnreadableSound(f"the sound is longer than {longest:g} seconds")
    samples = samples[: len(samples) - len(samples) % (width * channels)]
    return audioop.lin2lin(_resampled(_mono(samples, width, channels), rate, rate_hz), 4, 2)


def _chunks(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name and content, the last one as far as it goes, up to the samples."""
    if octets[:4] != b"RIFF" or octets[8:12] != b"WAVE":
        return
    at = 12
    while at + 8 <= len(octets):
        name, length = struct.unpack_from("<4sI", octets, at)
        yield name, octets[at + 8 : at + 8 + length]
        if name == b"data":
            return
        at += 8 + length + length % 2


def _mono(samples: bytes, width: int, channels: int) -> bytes:
    """The average of all channels, 32-bit."""
    if width == 1:
        samples = audioop.bias(samples, 1, 128)  # 8-bit WAV is unsigned
    wide = audioop.lin2lin(samples, width, 4)
    if channels == 1:
        return wide
    total = bytes(len(wide) // channels)
    words = memoryview(wide).cast("i")
    for channel in range(channels):
        total = audioop.add(total, audioop.mul(words[channel::channels].tobytes(), 4, 1 / channels), 4)
    return total


def _resampled(samples: bytes, rate: int, wanted: int) -> bytes:
    if rate == wanted:
        return samples
    if rate > wanted:
        samples = _low_passed(samples, wanted / rate)
    return audioop.ratecv(samples, 4, 1, rate, wanted, None)[0]


def _low_passed(samples: bytes, ratio: float) -> bytes:
    """Remove what the slower rate cannot hold: a windowed sinc with its edge at 0.9 of half that rate.

    A sum of shifted copies, one for each tap, so that the inner loop runs in C; block by block, so that no call
    keeps other threads waiting.
    """
    edge = 0.9 * ratio
    reach = math.ceil(FILTER_REACH / ratio)
    taps = [_sinc(edge * i) * (0.5 + 0.5 * math.cos(math.pi * i / (reach + 1))) for i in range(-reach, reach + 1)]
    total = sum(taps)
    padded = bytes(4 * reach) + samples + bytes(4 * reach)
    blocks = []
    for start in range(0, len(samples), BLOCK):
        octets = min(BLOCK, len(samples) - start)
        filtered = bytes(octets)
        for position, tap in enumerate(taps):
            copy = padded[start + 4 * position : start + 4 * position + octets]
            filtered = audioop.add(filtered, audioop.mul(copy, 4, tap / total), 4)
        blocks.append(filtered)
    return b"".join(blocks)


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0
