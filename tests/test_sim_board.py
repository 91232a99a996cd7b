"""The simulated telephone: hook, keys, panel, lamps, bell, and its sound."""

from __future__ import annotations

import array
import io
import math
import struct
import wave
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hw import BoardEvent, DeviceError, HookLifted, HookReplaced, KeyPressed, KeyReleased, LampState
from hw.sim import NullSound, SimBoard, SimSound, ToneSound
from hw.sim.display import SimDisplay
from hw.sim.sound import ElasticQueue, Recording
from hw.sim.wav import UnreadableSound, read_wav, write_wav

FRAME = 320
SILENCE = bytes(FRAME)


def level(value: int, samples: int = 160) -> bytes:
    return array.array("h", [value] * samples).tobytes()


def sine(frequency_hz: float, rate_hz: int, seconds: float, amplitude: int = 10_000) -> list[int]:
    turn = 2 * math.pi * frequency_hz / rate_hz
    return [round(amplitude * math.sin(turn * n)) for n in range(round(rate_hz * seconds))]


def amplitude_at(samples: bytes, frequency_hz: float, rate_hz: int) -> float:
    """The amplitude of one frequency in s16le samples."""
    values = array.array("h", samples)
    turn = 2 * math.pi * frequency_hz / rate_hz
    real = sum(value * math.cos(turn * n) for n, value in enumerate(values))
    imaginary = sum(value * math.sin(turn * n) for n, value in enumerate(values))
    return 2 * math.hypot(real, imaginary) / len(values)


# --- hook and keys ---


def test_the_person_is_heard_as_events() -> None:
    board = SimBoard()
    heard: list[BoardEvent] = []
    board.listen(heard.append)

    board.lift()
    board.press("5")
    board.release("5")
    board.replace()

    assert heard == [HookLifted(), KeyPressed("5"), KeyReleased("5"), HookReplaced()]


def test_what_is_so_already_is_no_event() -> None:
    board = SimBoard()
    heard: list[BoardEvent] = []
    board.listen(heard.append)

    board.replace()
    board.release("5")
    board.lift()
    board.lift()
    board.press("hold")
    board.press("hold")

    assert heard == [HookLifted(), KeyPressed("hold")]
    assert board.hook.lifted
    assert board.keypad.keys_down == {"hold"}


def test_a_key_there_is_not_is_refused() -> None:
    board = SimBoard(keys="0123456789*#")

    with pytest.raises(ValueError, match="no key 'hold'"):
        board.press("hold")


def test_watchers_are_told_of_every_visible_change_and_of_nothing_else() -> None:
    board = SimBoard()
    changes: list[None] = []
    unwatch = board.watch(lambda: changes.append(None))

    for change in (
        board.lift,
        lambda: board.press("1"),
        lambda: board.lamps.set("mute", LampState.ON),
        lambda: board.ringer.ring((1000, 4000), 7),
        board.ringer.silence,
        lambda: board.display.show(b"\x01" * 1024),
        lambda: board.display.show_text(["Ready"]),
    ):
        before = len(changes)
        change()
        change()
        assert len(changes) == before + 1

    unwatch()
    unwatch()
    board.replace()
    assert len(changes) == 7


def test_a_closed_board_tells_its_watchers_and_falls_silent() -> None:
    board = SimBoard()
    seen: list[bool] = []
    heard: list[BoardEvent] = []
    board.watch(lambda: seen.append(board.closed))
    board.listen(heard.append)

    board.close()
    board.lift()

    assert seen == [True]
    assert heard == []


# --- panel, lamps, bell ---


def test_the_panel_keeps_the_pixels_and_the_text() -> None:
    display = SimDisplay()
    display.show(bytes([0x80, *bytes(1022), 0x01]))
    display.show_text(["Hall", "17:42"])

    image = Image.open(io.BytesIO(display.png()))

    assert image.size == (128, 64)
    assert image.mode == "1"
    assert [image.getpixel(at) for at in ((0, 0), (1, 0), (127, 63))] == [255, 0, 255]
    assert display.lines == ("Hall", "17:42")


def test_an_enlarged_picture_has_square_pixels() -> None:
    display = SimDisplay((8, 8))
    display.show(bytes([0x40, *bytes(7)]))

    image = Image.open(io.BytesIO(display.png(3)))

    assert image.size == (24, 24)
    lit = [(x, y) for x in range(24) for y in range(24) if image.getpixel((x, y))]
    assert lit == [(x, y) for x in (3, 4, 5) for y in (0, 1, 2)]


def test_a_panel_whose_rows_are_not_whole_octets_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        SimDisplay((100, 64))


def test_the_text_is_bounded() -> None:
    display = SimDisplay()
    display.show_text(["x" * 10_000] * 1000)

    assert len(display.lines) == 16
    assert max(map(len, display.lines)) == 256


def test_lamps_show_what_they_were_set_to() -> None:
    board = SimBoard(lamps=["mute", "hold"])
    board.lamps.set("mute", LampState.RING)
    board.lamps.set("line1", LampState.ON)

    assert board.lamps.states == {"hold": LampState.OFF, "mute": LampState.RING}


def test_the_bell_keeps_its_cadence() -> None:
    ringer = SimBoard().ringer
    ringer.ring((400, 200, 400, 2000), 6)
    assert (ringer.ringing, ringer.cadence_ms, ringer.volume) == (True, (400, 200, 400, 2000), 6)

    ringer.silence()
    assert (ringer.ringing, ringer.cadence_ms) == (False, ())


@pytest.mark.parametrize(("cadence", "volume"), [((), 5), ((-1, 5), 5), ((1000, 4000), 11)])
def test_a_ring_without_cadence_or_beyond_full_volume_is_refused(cadence: tuple[int, ...], volume: int) -> None:
    with pytest.raises(ValueError, match="cadence"):
        SimBoard().ringer.ring(cadence, volume)


# --- what was played ---


@given(st.lists(st.binary(max_size=40).map(lambda octets: octets[: len(octets) & ~1]), max_size=30))
def test_a_recording_holds_the_last_samples(chunks: list[bytes]) -> None:
    recording = Recording(rate_hz=10, seconds=2.0)
    for chunk in chunks:
        recording.add(chunk)
    everything = b"".join(chunks)

    assert recording.last(2.0) == everything[-40:]
    assert recording.last(0.5) == everything[-10:]
    assert recording.seconds == min(len(everything) / 20, 2.0)


def test_earpiece_and_loudspeaker_are_recorded_apart() -> None:
    sound = SimSound()
    sound.exchange(level(100), level(200))
    sound.exchange(level(101), level(201))

    assert sound.earpiece.last(0.02) == level(101)
    assert sound.speaker.last(60) == level(200) + level(201)


# --- the microphone ---


def test_without_a_speaker_there_is_digital_silence() -> None:
    assert SimSound().exchange(SILENCE, SILENCE) == SILENCE


def test_a_sound_is_spoken_once_and_filled_up_with_silence() -> None:
    sound = SimSound()
    sound.speak(level(7, 200))
    assert sound.speaking == pytest.approx(0.04)

    assert sound.exchange(SILENCE, SILENCE) == level(7)
    assert sound.exchange(SILENCE, SILENCE) == level(7, 40) + level(0, 120)
    assert sound.exchange(SILENCE, SILENCE) == SILENCE


def test_no_more_than_two_minutes_wait_to_be_spoken() -> None:
    sound = SimSound()
    sound.speak(bytes(2 * 8000 * 119))

    with pytest.raises(ValueError, match="120 seconds"):
        sound.speak(bytes(2 * 8000 * 2))


def test_the_singing_card_sings_without_a_click() -> None:
    sound = ToneSound(frequency_hz=440, amplitude=9000)

    heard = b"".join(sound.exchange(SILENCE, SILENCE) for _ in range(100))

    assert amplitude_at(heard, 440, 8000) == pytest.approx(9000, rel=0.01)
    values = array.array("h", heard)
    assert max(abs(b - a) for a, b in pairwise(values)) < 9000 * 2 * math.pi * 440 / 8000 + 2


# --- live listeners ---


def test_a_listener_hears_the_loudspeaker_and_the_earpiece_only_off_hook() -> None:
    board = SimBoard()
    live = board.audio.connect()
    board.audio.exchange(level(10), level(1))
    board.lift()
    board.audio.exchange(level(10), level(1))

    assert live.heard() == [level(1), level(11)]
    assert live.heard() == []


def test_a_listener_that_does_not_listen_keeps_only_the_last_half_second() -> None:
    sound = SimSound()
    live = sound.connect()
    for n in range(1000):
        sound.exchange(SILENCE, level(n))

    assert live.heard() == [level(n) for n in range(975, 1000)]


def test_a_listener_is_woken_once_for_all_that_waits() -> None:
    sound = SimSound()
    woken: list[None] = []
    live = sound.connect(lambda: woken.append(None))
    for _ in range(3):
        sound.exchange(SILENCE, SILENCE)
    assert len(woken) == 1

    live.heard()
    sound.exchange(SILENCE, SILENCE)
    assert len(woken) == 2


def test_live_speech_passes_once_two_periods_are_there() -> None:
    sound = SimSound()
    live = sound.connect()
    live.speak(level(5))
    assert sound.exchange(SILENCE, SILENCE) == SILENCE

    live.speak(level(6))
    assert sound.exchange(SILENCE, SILENCE) == level(5)
    assert sound.exchange(SILENCE, SILENCE) == level(6)
    assert sound.exchange(SILENCE, SILENCE) == SILENCE


def test_two_listeners_are_heard_together() -> None:
    sound = SimSound()
    for value in (100, 23):
        sound.connect().speak(level(value, 320))

    assert sound.exchange(SILENCE, SILENCE) == level(123)


def test_a_file_goes_before_live_speech() -> None:
    sound = SimSound()
    sound.connect().speak(level(5, 480))
    sound.speak(level(9))

    assert sound.exchange(SILENCE, SILENCE) == level(9)
    assert sound.exchange(SILENCE, SILENCE) == level(5)


def test_a_closed_listener_is_neither_heard_nor_told() -> None:
    sound = SimSound()
    woken: list[None] = []
    live = sound.connect(lambda: woken.append(None))
    live.speak(level(5, 480))

    live.close()
    live.close()

    assert live.closed
    assert len(woken) == 1
    assert sound.exchange(SILENCE, SILENCE) == SILENCE
    assert len(woken) == 1


def test_closing_the_card_closes_its_listeners() -> None:
    sound = SimSound()
    live = sound.connect()
    sound.close()

    assert live.closed
    with pytest.raises(DeviceError):
        sound.connect()


def test_listeners_are_bounded() -> None:
    sound = SimSound()
    for _ in range(8):
        sound.connect()

    with pytest.raises(DeviceError, match="8 listeners"):
        sound.connect()


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=100))
def test_an_elastic_queue_never_holds_more_than_its_limit_nor_reorders(moves: list[tuple[int, int]]) -> None:
    queue = ElasticQueue(target=8, limit=24)
    came: list[int] = []
    went: list[int] = []
    for puts, gets in moves:
        samples = array.array("h", range(len(came), len(came) + puts))
        came += samples
        queue.put(samples.tobytes())
        assert len(queue) <= 24
        for _ in range(gets):
            if (period := queue.get(4)) is not None:
                went += array.array("h", period)

    assert went == sorted(set(went))


def test_an_elastic_queue_gives_back_delay_that_was_never_needed() -> None:
    queue = ElasticQueue(target=8, limit=24, patience=3)
    queue.put(bytes(20))  # a burst, then one period in, one out
    waiting = []
    for _ in range(8):
        queue.put(bytes(4))
        queue.get(4)
        waiting.append(len(queue))

    assert waiting == [20, 20, 4, 4, 4, 4, 4, 4]


# --- the paced card ---


def test_the_null_card_keeps_absolute_deadlines() -> None:
    clock = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds + 0.001  # each sleep is a little late; that must not add up

    sound = NullSound(clock=lambda: clock[0], sleep=sleep)
    for _ in range(1000):
        assert sound.exchange(SILENCE, SILENCE) == SILENCE

    assert sound.paced
    assert clock[0] == pytest.approx(120.001)
    assert slept[1:] == [pytest.approx(0.019)] * 999


def test_after_a_long_pause_the_null_card_does_not_hurry() -> None:
    clock = [0.0]
    slept: list[float] = []
    sound = NullSound(clock=lambda: clock[0], sleep=slept.append)
    sound.exchange(SILENCE, SILENCE)
    clock[0] = 60.0

    sound.exchange(SILENCE, SILENCE)
    sound.exchange(SILENCE, SILENCE)

    assert slept == [pytest.approx(0.02), pytest.approx(0.02)]


# --- WAV ---


def wav(values: list[int], rate_hz: int, width: int = 2, channels: int = 1) -> bytes:
    """A WAV of 16-bit values in any width, the same in every channel."""
    octets = bytearray()
    for value in values:
        sample = (value << 16 >> (32 - 8 * width)) if width > 1 else (value >> 8) + 128
        octets += sample.to_bytes(width, "little", signed=width > 1) * channels
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate_hz)
        writer.writeframes(bytes(octets))
    return file.getvalue()


def test_a_wav_of_the_ports_own_form_passes_unchanged() -> None:
    samples = array.array("h", range(-1000, 1000)).tobytes()

    assert read_wav(write_wav(samples, 8000), 8000) == samples


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_wav_of_any_form_keeps_pitch_level_and_length(rate_hz: int, width: int, channels: int) -> None:
    octets = wav(sine(700, rate_hz, 0.3), rate_hz, width, channels)

    samples = read_wav(octets, 8000)

    assert len(samples) / 2 == pytest.approx(2400, abs=2)
    assert amplitude_at(samples[800:-800], 700, 8000) == pytest.approx(10_000, rel=0.06)


def test_what_the_slower_rate_cannot_hold_does_not_come_back_as_another_pitch() -> None:
    """5 kHz in a file of 48 kHz would fold to 3 kHz at a port of 8 kHz."""
    samples = read_wav(wav(sine(5000, 48_000, 0.3), 48_000), 8000)

    assert amplitude_at(samples[800:-800], 3000, 8000) < 100


def test_channels_are_averaged() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(array.array("h", [1000, 3000] * 50).tobytes())

    values = array.array("h", read_wav(file.getvalue(), 8000))

    assert len(values) == 50
    assert all(abs(value - 2000) <= 1 for value in values)


@pytest.mark.parametrize("octets", [b"", b"RIFF", b"not a sound at all", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"])
def test_what_is_no_wav_is_refused_in_plain_words(octets: bytes) -> None:
    with pytest.raises(UnreadableSound, match="not a WAV"):
        read_wav(octets, 8000)


def test_the_extensible_format_is_read_and_a_file_begun_without_its_length() -> None:
    samples = level(1234)
    form = struct.pack("<HHIIHHHHIH14x", 0xFFFE, 1, 8000, 16_000, 2, 16, 22, 16, 4, 1)
    other = b"LIST\x03\0\0\0abc\0"
    octets = b"RIFF\xff\xff\xff\xffWAVEfmt (\0\0\0" + form + other + b"data\xff\xff\xff\xff" + samples

    assert read_wav(octets, 8000) == samples


@pytest.mark.parametrize(("kind", "bits", "channels"), [(3, 32, 1), (1, 12, 1), (1, 16, 0), (7, 8, 1)])
def test_samples_that_are_not_linear_are_refused(kind: int, bits: int, channels: int) -> None:
    form = struct.pack("<HHIIHH", kind, channels, 8000, 16_000, 2, bits)

    with pytest.raises(UnreadableSound, match=f"format {kind}, {bits} bits"):
        read_wav(b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + form + b"data\x04\0\0\0abcd", 8000)


def test_a_wav_that_is_too_long_or_of_an_absurd_rate_is_refused() -> None:
    with pytest.raises(UnreadableSound, match="longer than 1 seconds"):
        read_wav(write_wav(bytes(2 * 8001), 8000), 8000, longest=1.0)
    with pytest.raises(UnreadableSound, match="cannot play"):
        read_wav(write_wav(bytes(20), 10), 8000)


@given(st.binary(max_size=80), st.integers(0, 43))
def test_a_damaged_wav_is_read_or_refused_and_nothing_else(noise: bytes, at: int) -> None:
    octets = bytearray(write_wav(level(5), 8000))
    octets[at : at + len(noise)] = noise
    try:
        assert len(read_wav(bytes(octets), 8000)) % 2 == 0
    except UnreadableSound as refusal:
        assert str(refusal)


def test_the_ring_is_heard_from_the_simulated_loudspeaker_beside_speech() -> None:
    sound = SimSound()
    speech, ring = b"\x00\x01" * 160, b"\x00\x10" * 160

    sound.exchange(bytes(320), speech, ring)

    assert sound.speaker.last(0.02) == b"\x00\x11" * 160
    assert sound.earpiece.last(0.02) == bytes(320)
