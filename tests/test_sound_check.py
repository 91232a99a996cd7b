"""Echo, delay, drift and noise of simulated rooms, as the doctor measures them; and of ALSA's real path.

A room is made of the sweep's own formula, so that its delays are exact between samples too.
"""

from __future__ import annotations

import math
import subprocess
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from hw.boards.profile import AudioProfile, CardProfile
from hw.pi.sound import AlsaSound
from hw.sound_check import (
    APART_S,
    HIGH_HZ,
    LOW_HZ,
    PEAK,
    QUIET_S,
    REST_S,
    SWEEP_S,
    SWEEPS,
    SoundCheck,
    findings,
    listen,
    measure,
    signal,
)
from tests.support.sound_cards import SoundServer, alsa_configured, pulse_plugins

PERIOD_S = 0.01


def swept(time: float) -> float:
    """The sweep at a time since its beginning."""
    if not 0 <= time < SWEEP_S:
        return 0.0
    edge = min(1.0, time / 0.02, (SWEEP_S - time) / 0.02)
    return edge * math.sin(2 * math.pi * (LOW_HZ * time + (HIGH_HZ - LOW_HZ) / SWEEP_S * time * time / 2))


def room(
    *,
    rate_hz: int = 8000,
    delay_ms: float = 38.4,
    echo_db: float = -30.0,
    tail: Sequence[tuple[float, float]] = (),
    drift_ppm: float = 0.0,
    noise_db: float = -70.0,
    gain: float = 1.0,
    lost_ms: dict[int, float] | None = None,
) -> bytes:
    """What the microphone hears of the signal.

    `tail`: later echoes, (milliseconds after the first, how strong); `lost_ms`: before which sweep how much was lost.
    """
    random = Random(3261)
    count = len(signal(rate_hz)) // 2
    heard = [random.gauss(0.0, 32768 * 10 ** (noise_db / 20)) for _ in range(count)]
    factor = PEAK * 10 ** (echo_db / 20)
    lost = 0.0
    for n in range(SWEEPS):
        lost += (lost_ms or {}).get(n, 0.0) / 1000
        for after_ms, strength in ((0.0, 1.0), *tail):
            begin = QUIET_S + n * APART_S + (delay_ms + after_ms) / 1000 - lost
            first = int(begin * rate_hz) - 2
            for k in range(first, first + round((SWEEP_S + 0.01) * rate_hz)):
                heard[k] += factor * strength * swept(k / rate_hz / (1 + drift_ppm * 1e-6) - begin)
    return array("h", (max(-32768, min(32767, round(gain * value))) for value in heard)).tobytes()


def words(check: SoundCheck) -> list[tuple[str, str]]:
    found = list(findings(check, "earpiece", PERIOD_S))
    assert all(cure for verdict, _, cure in found if verdict != "ok")
    return [(verdict, text) for verdict, text, _ in found]


@pytest.mark.parametrize(("rate_hz", "echo_db"), [(8000, -6.0), (8000, -45.0), (16_000, -20.0), (48_000, -30.0)])
def test_level_and_delay_of_an_echo_are_measured(rate_hz: int, echo_db: float) -> None:
    check = measure(room(rate_hz=rate_hz, echo_db=echo_db), rate_hz)

    assert check.echo_db == pytest.approx(echo_db, abs=0.5)
    assert check.delay_ms == pytest.approx(38.4, abs=0.1)
    assert check.drift_ppm == pytest.approx(0.0, abs=3.0)
    assert check.noise_db == pytest.approx(-70.0, abs=1.0)
    assert (check.gaps, check.clipped_percent, check.mute) == (0, 0.0, False)


@pytest.mark.parametrize(
    ("drift_ppm", "delay_ms"),
    [(-200.0, 240.0), (-80.0, 12.3), (-10.0, 60.0), (10.0, 5.0), (80.0, 240.0), (200.0, 12.3)],
)
def test_the_drift_between_two_cards_is_measured(drift_ppm: float, delay_ms: float) -> None:
    check = measure(room(drift_ppm=drift_ppm, delay_ms=delay_ms), 8000)

    assert check.drift_ppm == pytest.approx(drift_ppm, abs=3.0)
    # The last sweep is heard (QUIET_S + 6.25 s) times the drift later than the first would say.
    assert check.delay_ms == pytest.approx(delay_ms, abs=abs(drift_ppm) * 1e-3 * 9 + 0.1)
    assert check.gaps == 0


def test_a_room_that_rings_on_is_louder_but_neither_later_nor_drifting() -> None:
    tail = [(3.1, 0.9), (7.7, -0.8), (20.0, 0.6), (61.0, 0.3)]
    check = measure(room(tail=tail, echo_db=-20.0, drift_ppm=30.0), 8000)

    energy = 10 * math.log10(1 + sum(strength**2 for _, strength in tail))
    assert check.echo_db == pytest.approx(-20.0 + energy, abs=1.5)
    assert check.delay_ms == pytest.approx(38.4, abs=0.3)
    assert check.drift_ppm == pytest.approx(30.0, abs=3.0)


def test_an_echo_softer_than_the_noise_is_found_all_the_same() -> None:
    check = measure(room(echo_db=-50.0, noise_db=-62.0), 8000)

    assert check.echo_db == pytest.approx(-50.0, abs=1.5)
    assert check.delay_ms == pytest.approx(38.4, abs=0.2)
    assert check.drift_ppm == pytest.approx(0.0, abs=10.0)


def test_noise_alone_is_no_echo_and_its_limit_is_told() -> None:
    check = measure(room(echo_db=-150.0, noise_db=-60.0), 8000)

    assert not check.heard
    assert -65 < check.echo_db < -45
    ((noise, _), (silent, text)) = words(check)
    assert (noise, silent) == ("ok", "note")
    assert "hears nothing of the earpiece" in text


def test_digital_silence_is_a_microphone_that_is_off() -> None:
    check = measure(bytes(len(signal(8000))), 8000)

    assert check.mute
    assert [verdict for verdict, _ in words(check)] == ["bad"]


def test_an_overdriven_microphone_is_told() -> None:
    check = measure(room(echo_db=0.0, gain=20.0), 8000)

    assert check.clipped_percent > 5
    assert any("overdriven" in text for _, text in words(check))


def test_lost_sound_is_a_gap_and_no_drift() -> None:
    check = measure(room(lost_ms={2: 10.0, 4: -10.0}, drift_ppm=40.0), 8000)

    assert check.gaps == 2
    assert check.drift_ppm == pytest.approx(40.0, abs=6.0)
    assert any("broke 2 times" in text for _, text in words(check))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"echo_db": -45.0}, ("ok", "echo of the earpiece: -45 dB, after 38 ms")),
        ({"echo_db": -32.0}, ("note", "echo of the earpiece: -32 dB, after 38 ms: on long connections")),
        ({"echo_db": -20.0}, ("note", "echo of the earpiece: -20 dB, after 38 ms: whoever calls hears himself")),
        ({"delay_ms": 180.0}, ("note", "sound takes 180 ms")),
        ({"drift_ppm": 100.0}, ("note", "differ by +100 ppm: a click every 100 s")),
        ({"noise_db": -38.0}, ("note", "noise is loud, -38 dB")),
    ],
)
def test_what_was_measured_is_told_in_plain_words(given: dict[str, float], told: tuple[str, str]) -> None:
    said = words(measure(room(**given), 8000))  # type: ignore[arg-type]

    assert any(verdict == told[0] and told[1] in text for verdict, text in said), said


def test_the_signal_is_soft_and_as_long_as_it_says() -> None:
    played = array("h", signal(16_000))

    assert len(played) == 16_000 * (QUIET_S + SWEEPS * APART_S + REST_S)
    assert 0.9 * PEAK < max(played) <= PEAK


# --- through ALSA ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    running = SoundServer(tmp_path)
    running.start()
    with alsa_configured(tmp_path, pulse_plugins(running.socket)):
        yield running
    running.stop()


class Late:
    """A port whose microphone is heard some periods later; what it heard in time is kept in `plain`."""

    def __init__(self, port: AlsaSound, periods: int) -> None:
        self.port = port
        self.rate_hz, self.period_samples, self.paced = port.rate_hz, port.period_samples, True
        self.fault = ""
        self.plain: list[bytes] = []
        self._waiting = [bytes(2 * port.period_samples)] * periods

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        self.plain.append(self.port.exchange(earpiece, speaker, ring))
        self._waiting.append(self.plain[-1])
        return self._waiting.pop(0)

    def close(self) -> None:
        self.port.close()


def test_the_real_driver_is_measured_through_a_sound_server(server: SoundServer) -> None:
    """PulseAudio's null sink, whose monitor is the microphone: 20 dB softer, and once 120 ms later."""
    volume = ["pactl", f"--server=unix:{server.socket}", "set-source-volume", "paced.monitor", "-20dB"]
    subprocess.run(volume, check=True, timeout=20)
    profile = AudioProfile("alsa", 48_000, 480, 4, "", CardProfile("pcm:sink"), CardProfile("pcm:monitor"))
    port = Late(AlsaSound(profile), 12)

    heard = listen(port, "earpiece")
    late, plain = measure(heard, 48_000), measure(b"".join(port.plain)[-len(heard) :], 48_000)
    port.close()

    assert plain.heard
    assert plain.echo_db == pytest.approx(-20.0, abs=1.0)
    assert late.echo_db == pytest.approx(-20.0, abs=1.0)
    assert plain.noise_db < -90
    assert plain.delay_ms is not None
    assert late.delay_ms == pytest.approx(plain.delay_ms + 120.0, abs=0.5)
