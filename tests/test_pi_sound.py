"""The sound driver on ALSA without a sound card: what goes where, cards by name, a card that comes and goes, mixers."""

from __future__ import annotations

import audioop
import logging
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import alsaaudio
import pytest

from hw import DeviceError
from hw.boards import open_audio
from hw.boards.profile import AudioProfile, CardProfile
from hw.pi.cards import Card, Sound, cards, find_sound
from hw.pi.mixer import set_mixer
from hw.pi.pcm import Player
from hw.pi.sound import AlsaSound
from tests.support.sound_cards import SoundServer, alsa_configured, plugins, pulse_plugins

SAMPLES = 480
SILENCE = bytes(2 * SAMPLES)
LOUD = b"\x00\x10" * SAMPLES
SOFT = b"\x00\x01" * SAMPLES


def profile(
    earpiece: CardProfile | None = None,
    microphone: CardProfile | None = None,
    speaker: CardProfile | None = None,
    ringer: CardProfile | None = None,
    at_once: int = 1,
) -> AudioProfile:
    return AudioProfile("alsa", 48_000, SAMPLES, 2 + 2 * at_once, "", earpiece, microphone, speaker, ringer, at_once)


def ramp(numbers: range) -> bytes:
    return b"".join(n.to_bytes(2, "little") for n in numbers)


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Path]:
    """Where the "tape" card keeps what is played; the "voice" card hears a ramp."""
    with alsa_configured(tmp_path, plugins(tmp_path, ramp(range(20_000)))):
        yield tmp_path / "tape.raw"


# --- what goes where ---


def test_what_is_exchanged_is_played_and_recorded_in_order(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:voice")))

    heard = [sound.exchange(LOUD, SILENCE) for _ in range(3)]
    sound.close()

    assert tape.read_bytes() == 2 * SILENCE + 3 * LOUD
    assert b"".join(heard) == ramp(range(3 * SAMPLES))


def test_two_periods_of_silence_lead_so_that_being_a_little_late_is_not_heard(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:quiet")))
    sound.exchange(LOUD, SILENCE)
    sound.close()

    assert tape.read_bytes() == 2 * SILENCE + LOUD


def test_two_periods_at_once_are_led_by_no_more_silence_than_one(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:voice"), at_once=2))
    assert sound.period_samples == 2 * SAMPLES

    heard = [sound.exchange(2 * LOUD, 2 * SILENCE) for _ in range(2)]
    sound.close()

    assert tape.read_bytes() == 2 * SILENCE + 4 * LOUD
    assert b"".join(heard) == ramp(range(4 * SAMPLES))


def test_earpiece_and_speaker_may_be_the_two_channels_of_one_card(tape: Path) -> None:
    sound = AlsaSound(
        profile(CardProfile("pcm:tape", "left"), CardProfile("pcm:quiet"), CardProfile("pcm:tape", "right"))
    )
    sound.exchange(LOUD, SOFT)
    sound.close()

    stereo = tape.read_bytes()[4 * 2 * SAMPLES :]
    assert audioop.tomono(stereo, 2, 1, 0) == LOUD
    assert audioop.tomono(stereo, 2, 0, 1) == SOFT


def test_both_on_one_channel_are_mixed(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:quiet"), CardProfile("pcm:tape")))
    sound.exchange(LOUD, SOFT)
    sound.close()

    assert tape.read_bytes()[2 * 2 * SAMPLES :] == audioop.add(LOUD, SOFT, 2)


def test_ring_and_speech_may_be_on_different_cards(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:quiet"), CardProfile("pcm:quiet"), CardProfile("pcm:tape")))
    sound.exchange(LOUD, SOFT)
    sound.close()

    assert tape.read_bytes()[2 * 2 * SAMPLES :] == SOFT


@pytest.mark.parametrize(("channel", "first"), [("left", 0), ("right", 1)])
def test_a_microphone_may_be_one_channel_of_two(tape: Path, channel: str, first: int) -> None:
    sound = AlsaSound(profile(None, CardProfile("pcm:voice", channel)))  # type: ignore[arg-type]

    heard = sound.exchange(SILENCE, SILENCE)
    sound.close()

    assert heard == ramp(range(first, 2 * SAMPLES, 2))


def test_without_a_microphone_the_clock_keeps_the_pace(tape: Path) -> None:
    now, slept = [50.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    sound = AlsaSound(profile(CardProfile("pcm:quiet")), clock=lambda: now[0], sleep=sleep)

    heard = [sound.exchange(LOUD, SILENCE) for _ in range(5)]
    sound.close()

    assert set(heard) == {SILENCE}
    assert sum(slept) == pytest.approx(0.05)


def test_a_card_that_keeps_no_time_is_kept_to_the_clock(tape: Path, caplog: pytest.LogCaptureFixture) -> None:
    """ALSA's null device gives every period at once: with it for a clock the engine would spin."""
    now = [50.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    null = CardProfile("pcm:quiet")
    sound = AlsaSound(profile(null, null), clock=lambda: now[0], sleep=sleep)

    for _ in range(500):
        sound.exchange(LOUD, SILENCE)

    of_sound = 500 * SAMPLES / 48_000
    assert of_sound - 0.35 < now[0] - 50.0 <= of_sound
    assert caplog.text.count("keeps no time") == 1

    sound.rest()
    again = now[0]
    for _ in range(100):
        sound.exchange(LOUD, SILENCE)
    sound.close()

    assert now[0] - again == pytest.approx(1.0)


def test_a_wrong_frame_is_our_own_fault_and_a_closed_card_is_gone(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:quiet"), CardProfile("pcm:quiet")))

    with pytest.raises(ValueError, match="960 octets"):
        sound.exchange(LOUD[:-2], SILENCE)
    sound.close()
    sound.close()
    with pytest.raises(DeviceError, match="closed"):
        sound.exchange(LOUD, SILENCE)


def kernels_cards(folder: Path, listing: str, **sockets: str) -> tuple[Path, Path]:
    """/proc/asound/cards with this listing, and /sys/class/sound with cards in USB sockets: card1="1-1.3"."""
    proc, sys = folder / "cards", folder / "sound"
    proc.write_text(listing)
    for card, socket in sockets.items():
        device = folder / "devices" / f"usb1/{socket}/{socket}:1.0"
        device.mkdir(parents=True, exist_ok=True)
        (sys / card).mkdir(parents=True, exist_ok=True)
        (sys / card / "device").symlink_to(device)
    return proc, sys


def test_a_card_that_is_not_there_at_first_is_said_with_its_cure_and_is_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [50.0]
    proc, sys = kernels_cards(tmp_path, " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n")
    sound = AlsaSound(
        profile(CardProfile("usb"), CardProfile("usb")),
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
        proc=proc,
        sys=sys,
    )

    heard = [sound.exchange(LOUD, SILENCE) for _ in range(500)]

    assert set(heard) == {SILENCE}
    assert now[0] == pytest.approx(55.0)
    assert sound.fault == "no sound card 'usb'; there is vc4hdmi (vc4-hdmi); plug it in, or name one in [audio]"
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"{sound.fault}; going on without it, and looking for it once a second"
    ]


def test_a_card_that_comes_later_has_sound_a_second_after_at_most(
    tape: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel lists the card when it is plugged in; here "plughw:CARD=Late" is ALSA's file plugin."""
    caplog.set_level(logging.INFO)
    asoundrc = tmp_path / "asoundrc"
    asoundrc.write_text(asoundrc.read_text() + late_card(tmp_path))
    now = [50.0]
    proc, sys = kernels_cards(tmp_path, "")
    sound = AlsaSound(
        profile(CardProfile("Late")),
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
        proc=proc,
        sys=sys,
    )
    for _ in range(150):
        sound.exchange(LOUD, SILENCE)
    assert sound.fault

    proc.write_text(" 1 [Late           ]: USB-Audio - USB Audio Device\n")
    for _ in range(101):
        sound.exchange(LOUD, SILENCE)

    assert sound.fault == ""
    assert "the sound card is back (earpiece)" in caplog.text
    sound.close()
    assert LOUD in (tmp_path / "late.raw").read_bytes()


def test_a_card_pulled_out_while_it_rests_is_missed_and_found_again(tape: Path, tmp_path: Path) -> None:
    asoundrc = tmp_path / "asoundrc"
    asoundrc.write_text(asoundrc.read_text() + late_card(tmp_path))
    listing = " 1 [Late           ]: USB-Audio - USB Audio Device\n"
    proc, sys = kernels_cards(tmp_path, listing)
    sound = AlsaSound(profile(CardProfile("Late")), clock=lambda: 50.0, sleep=lambda seconds: None, proc=proc, sys=sys)
    sound.exchange(LOUD, SILENCE)
    sound.rest()
    assert sound.fault == ""

    proc.write_text("--- no soundcards ---\n")
    sound.rest()
    assert "no sound card 'Late'" in sound.fault
    proc.write_text(listing)
    sound.rest()

    assert sound.fault == ""
    sound.exchange(SOFT, SILENCE)
    sound.close()
    assert (tmp_path / "late.raw").read_bytes().endswith(SOFT)


def late_card(folder: Path) -> str:
    """What makes "plughw:CARD=Late,DEV=0" a file."""
    return f"""
pcm.!plughw {{
  @args [ CARD DEV ]
  @args.CARD {{ type string }}
  @args.DEV {{ type integer }}
  type file  slave.pcm quiet  file "{folder}/late.raw"  format raw
}}
"""


def test_a_card_that_cannot_be_opened_is_tried_ever_less_often(tape: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """ALSA's library complains aloud each time, and the card may be another program's for good."""
    now = [50.0]
    sound = AlsaSound(
        profile(CardProfile("pcm:nosuch")),
        clock=lambda: now[0],
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )
    for _ in range(10_000):
        sound.exchange(LOUD, SILENCE)

    assert "cannot be opened" in sound.fault
    assert capfd.readouterr().err.count("Unknown PCM nosuch") == 7  # after 0, 2, 6, 14, 30, 60 and 90 seconds


def test_without_the_rings_own_card_the_loudspeaker_rings(tape: Path) -> None:
    sound = AlsaSound(
        profile(None, CardProfile("pcm:quiet"), CardProfile("pcm:tape"), ringer=CardProfile("pcm:nosuch"))
    )
    sound.exchange(SILENCE, SOFT, LOUD)
    sound.close()

    assert tape.read_bytes()[2 * 2 * SAMPLES :] == audioop.add(LOUD, SOFT, 2)


def test_without_any_loudspeaker_the_earpiece_rings(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:quiet")))
    sound.exchange(SOFT, SILENCE, LOUD)
    sound.close()

    assert tape.read_bytes()[2 * 2 * SAMPLES :] == audioop.add(LOUD, SOFT, 2)


def test_the_ring_is_heard_from_its_own_card_alone(tape: Path) -> None:
    sound = AlsaSound(
        profile(CardProfile("pcm:quiet"), None, CardProfile("pcm:quiet"), ringer=CardProfile("pcm:tape")),
        sleep=lambda seconds: None,
    )
    sound.exchange(SOFT, SOFT, LOUD)
    sound.exchange(SOFT, SOFT)
    sound.close()

    assert tape.read_bytes()[2 * 2 * SAMPLES :] == LOUD + SILENCE


def test_a_lost_ring_card_leaves_the_speech_alone(server: SoundServer, tape: Path) -> None:
    """Speech is on the tape, the ring was on PulseAudio, which ends."""
    asoundrc = tape.with_name("asoundrc")
    asoundrc.write_text(asoundrc.read_text() + pulse_plugins(server.socket))
    sound = AlsaSound(
        profile(CardProfile("pcm:tape"), CardProfile("pcm:voice"), ringer=CardProfile("pcm:sink")),
    )
    sound.exchange(SOFT, SILENCE)
    server.stop()
    heard = [sound.exchange(SOFT, SILENCE) for _ in range(20)]
    sound.close()

    assert "pcm:sink" in sound.fault
    assert b"".join(heard) == ramp(range(SAMPLES, 21 * SAMPLES))
    assert tape.read_bytes() == 2 * SILENCE + 21 * SOFT


def test_a_profile_of_real_cards_is_opened_by_its_name(tape: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\ndriver = "pi"\n[audio]\nrate_hz = 16000\nperiod_ms = 20\nearpiece = { card = "pcm:quiet" }\n'
    )

    port = open_audio(str(file))

    assert (port.rate_hz, port.period_samples, port.paced) == (16_000, 320, True)
    port.close()


# --- cards by name or socket ---

LISTING = """\
 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi
                      vc4-hdmi
 1 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-3f980000.usb-1.3, full speed
 2 [Device_1       ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-3f980000.usb-1.2, full speed
 3 [wm8960soundcard]: simple-card - wm8960-soundcard
                      wm8960-soundcard
"""


@pytest.fixture
def kernel(tmp_path: Path) -> tuple[Path, Path]:
    """/proc/asound/cards and /sys/class/sound of a Pi with two equal USB cards."""
    proc, sys = tmp_path / "cards", tmp_path / "sound"
    proc.write_text(LISTING)
    for n, place in ((0, "soc/hdmi"), (1, "usb1/1-1/1-1.3/1-1.3:1.0"), (2, "usb1/1-1/1-1.2/1-1.2:1.0"), (3, "soc/snd")):
        device = tmp_path / "devices" / place
        device.mkdir(parents=True)
        (sys / f"card{n}").mkdir(parents=True)
        (sys / f"card{n}" / "device").symlink_to(device)
    return proc, sys


def test_the_kernels_cards_are_read_with_their_sockets(kernel: tuple[Path, Path]) -> None:
    there = cards(*kernel)

    assert [card.id for card in there] == ["vc4hdmi", "Device", "Device_1", "wm8960soundcard"]
    assert there[2] == Card(2, "Device_1", "USB-Audio", "USB Audio Device", "1-1.2")
    assert there[0].usb is None


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("usb", 1), ("usb:1-1.2", 2), ("usb:1-1.3", 1), ("wm8960soundcard", 3), ("Device_1", 2), ("HDMI", 0)],
)
def test_a_card_is_found_by_socket_id_or_name(kernel: tuple[Path, Path], wanted: str, index: int) -> None:
    card = cards(*kernel)[index]

    assert find_sound(wanted, *kernel) == Sound(f"plughw:CARD={card.id},DEV=0", f"hw:{index}")


def test_any_usb_card_is_one_that_nothing_else_in_the_profile_means(kernel: tuple[Path, Path]) -> None:
    assert find_sound("usb", *kernel, named=["usb", "usb:1-1.3"]).mixer == "hw:2"
    with pytest.raises(DeviceError, match="no sound card 'usb'"):
        find_sound("usb", *kernel, named=["usb", "usb:1-1.3", "usb:1-1.2"])


@pytest.mark.parametrize("wanted", ["usb:1-1.4", "Headset", "2"])
def test_a_card_that_is_not_there_is_said_with_those_that_are(kernel: tuple[Path, Path], wanted: str) -> None:
    with pytest.raises(DeviceError, match=r"there is vc4hdmi .*, Device_1 \(USB Audio Device, usb:1-1.2\)"):
        find_sound(wanted, *kernel)


def test_a_machine_without_cards_says_so(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="there is none"):
        find_sound("usb", tmp_path / "none", tmp_path)


# --- a card with a pace of its own, that comes and goes ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    running = SoundServer(tmp_path)
    running.start()
    with alsa_configured(tmp_path, pulse_plugins(running.socket)):
        yield running
    running.stop()


def test_a_paced_card_keeps_its_own_time_and_loops_back_what_it_plays(server: SoundServer) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:sink"), CardProfile("pcm:monitor")))
    for _ in range(30):
        sound.exchange(SILENCE, SILENCE)
    started, heard, ends = time.monotonic(), b"", []

    for _ in range(150):
        heard += sound.exchange(LOUD, SILENCE)
        ends.append(time.monotonic())
    sound.close()

    assert ends[-1] - started == pytest.approx(1.5, abs=0.2)
    assert audioop.max(heard, 2) == 0x1000
    assert sound.losses == 0
    assert max(one - before for before, one in pairwise(ends)) < 0.5


def test_a_card_that_is_pulled_out_is_silence_at_the_same_pace_until_it_is_back(
    server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sound = AlsaSound(profile(CardProfile("pcm:sink"), CardProfile("pcm:monitor")))
    sound.exchange(LOUD, SILENCE)

    server.stop()
    started = time.monotonic()
    heard = [sound.exchange(LOUD, SILENCE) for _ in range(60)]
    without = time.monotonic() - started
    assert "is gone" in sound.fault
    server.start()
    periods = 0
    while sound.fault and periods < 500:
        sound.exchange(LOUD, SILENCE)
        periods += 1
    sound.close()

    assert heard[-1] == SILENCE
    assert without == pytest.approx(0.6, abs=0.3)
    assert sound.losses == 2  # a device that plays, one that records
    assert periods < 300
    assert "is gone" in caplog.text
    assert "is back" in caplog.text


def test_after_a_rest_a_card_begins_anew_with_its_lead(tape: Path) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:tape"), CardProfile("pcm:quiet")))
    sound.exchange(LOUD, SILENCE)

    sound.rest()
    sound.rest()
    sound.exchange(SOFT, SILENCE)
    sound.close()

    assert tape.read_bytes() == 2 * SILENCE + LOUD + 2 * SILENCE + SOFT


def test_two_periods_at_once_come_at_the_cards_pace(server: SoundServer) -> None:
    """We sleep through the first, and wake for the second: none is missed, and none doubled."""
    sound = AlsaSound(profile(CardProfile("pcm:sink"), CardProfile("pcm:monitor"), at_once=2))
    for _ in range(15):
        sound.exchange(2 * SILENCE, 2 * SILENCE)
    started = time.monotonic()
    heard = b"".join(sound.exchange(2 * LOUD, 2 * SILENCE) for _ in range(100))
    took = time.monotonic() - started
    sound.close()

    assert took == pytest.approx(2.0, abs=0.3)
    assert heard.count(LOUD) > 100
    assert sound.losses == 0


def test_a_card_that_rests_is_heard_again(server: SoundServer) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:sink"), CardProfile("pcm:monitor")))
    for _ in range(30):
        sound.exchange(LOUD, SILENCE)

    sound.rest()
    heard = b"".join(sound.exchange(LOUD, SILENCE) for _ in range(100))
    sound.close()

    assert LOUD in heard
    assert (sound.losses, sound.fault) == (0, "")


def test_an_underrun_is_survived_and_counted_by_any_pyalsaaudio(server: SoundServer, tmp_path: Path) -> None:
    """ALSA's pulse plugin tells underruns if it is asked to."""
    asoundrc = tmp_path / "asoundrc"
    asoundrc.write_text(asoundrc.read_text().replace("device paced  server", "device paced handle_underrun 1  server"))
    sound = AlsaSound(profile(CardProfile("pcm:sink")), sleep=lambda seconds: None)
    sound.exchange(LOUD, SILENCE)

    threading.Event().wait(0.5)  # while the card plays all it has
    sound.exchange(LOUD, SILENCE)
    after = sound.xruns
    sound.exchange(LOUD, SILENCE)
    sound.close()

    assert (after, sound.xruns, sound.losses, sound.fault) == (1, 1, 0, "")


class ScriptedPcm:
    """A PCM that takes everything, but for what its script says of the first writes after the lead."""

    def __init__(self, *script: int | str | None) -> None:
        self.taken: list[bytes] = []
        self._script = [None, *script]

    def write(self, data: bytes) -> int:
        outcome = self._script.pop(0) if self._script else None
        if isinstance(outcome, str):
            raise alsaaudio.ALSAAudioError(outcome)
        if outcome is not None and outcome < 0:
            return outcome
        taken = len(data) // 2 if outcome is None else outcome
        self.taken.append(data[: 2 * taken])
        return taken

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize("told", [-32, "Broken pipe [plughw:CARD=Device,DEV=0]"], ids=["0.11 returns", "0.10 raises"])
def test_after_an_underrun_the_lead_and_the_same_period_are_played(told: int | str) -> None:
    """What each version does was seen with the sink above, which Debian 13's 0.10 and PyPI's 0.11 were run on."""
    pcm = ScriptedPcm(told)
    player = Player(pcm, [("earpiece", "both")], SAMPLES)

    outcome = player.play({"earpiece": LOUD})

    assert outcome == (1, 0)
    assert pcm.taken == [2 * SILENCE, 2 * SILENCE, LOUD]


def test_what_a_card_does_not_take_at_once_is_played_next_and_dropped_when_it_adds_up() -> None:
    pcm = ScriptedPcm(0, None, 100, 0)
    player = Player(pcm, [("earpiece", "both")], SAMPLES)

    assert player.play({"earpiece": LOUD}) == (0, 0)
    assert player.play({"earpiece": SOFT}) == (0, 0)
    assert pcm.taken[-1] == LOUD + SOFT
    assert player.play({"earpiece": LOUD}) == (0, 0)
    assert player.play({"earpiece": SOFT}) == (0, 1)


def test_a_card_that_is_gone_is_no_underrun() -> None:
    player = Player(ScriptedPcm("No such device [plughw:CARD=Device,DEV=0]"), [("earpiece", "both")], SAMPLES)

    with pytest.raises(alsaaudio.ALSAAudioError, match="No such device"):
        player.play({"earpiece": LOUD})


def test_mixer_levels_are_set_again_when_the_card_is_back(server: SoundServer) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:sink", mixer=(("Master", 40),)), CardProfile("pcm:monitor")))
    server.stop()
    while not sound.fault:
        sound.exchange(LOUD, SILENCE)
    server.start()
    assert alsaaudio.Mixer("Master", device="sink").getvolume() == [100, 100]
    for _ in range(1000):
        sound.exchange(LOUD, SILENCE)
        if not sound.fault:
            break
    sound.close()

    assert sound.fault == ""
    assert alsaaudio.Mixer("Master", device="sink").getvolume() == [40, 40]


def test_mixer_levels_are_set_when_the_card_is_opened(server: SoundServer) -> None:
    sound = AlsaSound(profile(CardProfile("pcm:sink", mixer=(("Master", 40),)), CardProfile("pcm:monitor")))
    sound.close()

    master = alsaaudio.Mixer("Master", device="sink")
    assert master.getvolume() == [40, 40]
    assert master.getmute() == [0, 0]


def test_a_control_the_card_lacks_is_said_with_those_it_has(
    server: SoundServer, caplog: pytest.LogCaptureFixture
) -> None:
    set_mixer("sink", [("Headphone", 40), ("Master", 0)])

    assert "no mixer control 'Headphone'; it has Capture, Master" in caplog.text
    assert alsaaudio.Mixer("Master", device="sink").getmute() == [1, 1]


class Control:
    """A mixer control with the capabilities that ALSA tells of it."""

    def __init__(self, *capabilities: str) -> None:
        self._capabilities = capabilities
        self.done: list[tuple[str, int]] = []

    def volumecap(self) -> list[str]:
        return [words for words in self._capabilities if "Volume" in words]

    def switchcap(self) -> list[str]:
        return [words for words in self._capabilities if "Mute" in words]

    def setvolume(self, level: int, pcmtype: int) -> None:
        self.done.append(("recorded" if pcmtype == alsaaudio.PCM_CAPTURE else "played", level))

    def setmute(self, mute: int) -> None:
        self.done.append(("muted", mute))

    def setrec(self, on: int) -> None:
        self.done.append(("recording", on))

    def close(self) -> None:
        """Nothing to release."""


CM108_MIC = (
    *("Playback Volume", "Joined Playback Volume", "Capture Volume", "Joined Capture Volume"),
    *("Playback Mute", "Joined Playback Mute", "Capture Mute", "Joined Capture Mute"),
)


@pytest.mark.parametrize(
    ("capabilities", "records", "done"),
    [
        (CM108_MIC, True, [("recorded", 80), ("recording", 1)]),
        (CM108_MIC, False, [("played", 80), ("muted", 0)]),
        (("Playback Mute", "Joined Playback Mute"), True, [("muted", 0)]),
        (("Capture Volume",), False, [("recorded", 80)]),
        (("Volume", "Mute"), True, [("recorded", 80), ("recording", 1)]),
        ((), False, []),
    ],
    ids=["a microphone's Mic", "an earpiece's", "Auto Gain Control", "only capture", "common", "an enumeration"],
)
def test_a_level_goes_the_way_its_end_of_the_telephone_goes(
    capabilities: tuple[str, ...], records: bool, done: list[tuple[str, int]]
) -> None:
    """A CM108's "Mic" heard in one's own ear is not what a microphone's level is about."""
    control = Control(*capabilities)

    set_mixer("hw:1", [("Mic", 80)], records=records, open_control=lambda **names: control)

    assert control.done == done


def test_sound_that_breaks_is_said_once_a_minute(
    server: SoundServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asoundrc = tmp_path / "asoundrc"
    asoundrc.write_text(asoundrc.read_text().replace("device paced  server", "device paced handle_underrun 1  server"))
    now = [50.0]
    sound = AlsaSound(profile(CardProfile("pcm:sink")), clock=lambda: now[0], sleep=lambda seconds: None)
    for minute in range(3):
        now[0] = 50.0 + 61 * minute
        sound.exchange(LOUD, SILENCE)
        threading.Event().wait(0.3)
    sound.exchange(LOUD, SILENCE)
    sound.close()

    told = [record.message for record in caplog.records if "the sound broke" in record.message]
    assert len(told) == 2
    assert "in all 2 under- and overruns" in told[1]
