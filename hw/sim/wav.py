"""WAV files to and from a port's frames: signed 16-bit little-endian mono at the port's rate."""

from __future__ import annotations

import audioop
import math
import wave
from io import BytesIO

FILTER_REACH = 8
"""Half the low-pass filter's length, in samples of the slower rate."""


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

    Any rate from 1 to 384 kHz, 8, 16, 24 or 32 bits, any number of channels.
    Raises UnreadableSound for anything else, and for more than `longest` seconds.
    """
    try:
        with wave.open(BytesIO(octets)) as reader:
            channels, width, rate = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
            if reader.getnframes() > longest * rate:
                raise UnreadableSound(f"the sound is longer than {longest:g} seconds")
            samples = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise UnreadableSound(f"not a WAV file of linear samples: {error or 'it ends too early'}") from error
    if not 1 <= width <= 4 or not 1000 <= rate <= 384_000:
        raise UnreadableSound(f"cannot play {8 * width} bits at {rate} Hz")
    samples = samples[: len(samples) - len(samples) % (width * channels)]
    return audioop.lin2lin(_resampled(_mono(samples, width, channels), rate, rate_hz), 4, 2)


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

    A sum of shifted copies, one for each tap, so that the inner loop runs in C.
    """
    edge = 0.9 * ratio
    reach = math.ceil(FILTER_REACH / ratio)
    taps = [_sinc(edge * i) * (0.5 + 0.5 * math.cos(math.pi * i / (reach + 1))) for i in range(-reach, reach + 1)]
    total = sum(taps)
    padded = bytes(4 * reach) + samples + bytes(4 * reach)
    filtered = bytes(len(samples))
    for position, tap in enumerate(taps):
        copy = padded[4 * position : 4 * position + len(samples)]
        filtered = audioop.add(filtered, audioop.mul(copy, 4, tap / total), 4)
    return filtered


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0
