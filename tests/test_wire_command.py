"""`offhook wire` as a command: its terminal, its files, its machine; and what it writes, opened as a telephone."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from firmware.wire.command import Machine, main
from firmware.wire.door import page_token
from firmware.wire.files import name_to_keep, write_profile
from hw import AudioPort, BoardEvent, DeviceError, HookLifted, HookReplaced, KeyPressed, KeyReleased
from hw.boards import load_board, parse_board
from hw.boards.profile import AudioProfile, DisplayProfile, Profile
from hw.pi.board import PiBoard
from hw.pi.cards import Card
from hw.pi.header_use import cards_on_offer, hat_among, panels_on_bus, taken_pins
from hw.pi.surveyor import levels
from hw.pi.tones import PERIOD, RATE_HZ, Tones, tone_frames
from hw.wizard.prompts import Outputs, Tone
from tests.support.hands import WiredHands, wait_until
from tests.support.listening import dominant_hz
from tests.support.maker import Ears, Maker
from tests.support.panel_bus import PanelBus
from tests.support.wiring import Wiring

CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-1, full speed
"""
HOTLINE = "g\ns\nn\nn\nl\ng\nw\n"
"""Ready, no cradle, no keys, no lamps, a loudspeaker, no card, write."""


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    read, write = os.pipe()
    with os.fdopen(read) as keyboard:
        yield write, keyboard
    os.close(write)


@pytest.fixture
def machine(tmp_path: Path, terminal: tuple[int, TextIO]) -> Machine:
    """Mock pins, no bus, no card."""
    factory = Wiring().factory
    return Machine(
        root=tmp_path / "root",
        open_factory=lambda chip: factory,
        lines=lambda chip: {},
        answers=lambda port, address: False,
        open_bus=lambda display, factory: PanelBus(),
        open_port=lambda profile: no_port(profile),
        controls=lambda device: (),
        keyboard=terminal[1],
        clock=_hasty(),
    )


def no_port(profile: AudioProfile) -> AudioPort:
    raise DeviceError("no sound card")


def _hasty() -> Any:
    """A clock that goes faster than the wall's."""
    ticks = iter(range(10**9))
    return lambda: next(ticks) * 0.02


def test_the_command_writes_a_profile_and_shows_the_wires(
    tmp_path: Path, terminal: tuple[int, TextIO], machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    os.write(terminal[0], HOTLINE.encode())

    code = main([str(file), "--name", "Gate", "--panel", "sh1106"], machine)

    out = capsys.readouterr().out
    assert code == 0
    profile = load_board(str(file))
    assert profile.display is not None
    assert (profile.name, profile.display.controller) == ("Gate", "sh1106")
    assert re.search(r"These pins are watched:\n  GPIO4 GPIO5", out)
    assert "left out: GPIO2, the panel has it (SDA)" in out
    assert "and touch nothing else.\n  (Enter or g: Ready; r: Ask again; q: Quit)" in out
    assert f'board = "{file}"' in out
    assert list(tmp_path.glob("*")) == [file]


def test_a_card_and_the_buses_keep_their_pins(
    tmp_path: Path, terminal: tuple[int, TextIO], machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    os.write(terminal[0], b"q\ny\n")
    for device in ("i2c-1", "spidev0.0", "serial0"):
        (tmp_path / "root/dev").mkdir(parents=True, exist_ok=True)
        (tmp_path / "root/dev" / device).touch()

    main([str(tmp_path / "a.toml"), "--hat", "i2s"], replace(machine, lines=lambda chip: {25: "offhook"}))

    out = capsys.readouterr().out
    watched = {int(gpio) for gpio in re.findall(r"GPIO(\d+)", out.splitlines()[1])}
    assert watched == set(range(2, 28)) - {2, 3, 8, 9, 10, 11, 14, 15, 18, 19, 20, 21, 25}
    assert "left out: GPIO25, offhook holds it" in out
    assert "left out: GPIO18, the sound card has it (BCLK)" in out


def test_what_was_in_the_file_is_kept(tmp_path: Path, terminal: tuple[int, TextIO], machine: Machine) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("precious")
    (tmp_path / "mine.toml.old").write_text("more precious")
    os.write(terminal[0], HOTLINE.encode())

    assert main([str(file)], machine) == 0

    assert (tmp_path / "mine.toml.old").read_text() == "more precious"
    assert (tmp_path / "mine.toml.old1").read_text() == "precious"
    assert load_board(str(file)).name == "Mine"


@pytest.mark.parametrize("typed", ["q\ny\n", "g\ns\nk\nq\ny\n"])
def test_who_quits_leaves_the_file_alone(
    tmp_path: Path, terminal: tuple[int, TextIO], machine: Machine, typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("precious")
    os.write(terminal[0], typed.encode())

    assert main([str(file)], machine) == 1

    assert "Nothing was written." in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("mine*")] == ["mine.toml"]
    assert file.read_text() == "precious"


def test_a_keyboard_that_ends_writes_nothing(tmp_path: Path, machine: Machine) -> None:
    read, write = os.pipe()
    os.write(write, b"g\n")
    os.close(write)
    with os.fdopen(read) as keyboard:
        assert main([str(tmp_path / "a.toml")], replace(machine, keyboard=keyboard)) == 1

    assert not (tmp_path / "a.toml").exists()


@pytest.mark.parametrize("listen", [[], ["--listen", "127.0.0.1:0"]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_stop_write_nothing_and_let_go(
    tmp_path: Path,
    terminal: tuple[int, TextIO],
    machine: Machine,
    number: int,
    listen: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    wiring = Wiring()
    # A lamp blinks as it comes.
    os.write(terminal[0], b"g\ns\nn\n23\n")

    def interrupt() -> None:
        wait_until(lambda: 23 in wiring.pins and wiring.pins[23].driven is not None, 20)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()

    code = main([str(tmp_path / "a.toml"), *listen], replace(machine, open_factory=lambda chip: wiring.factory))

    thread.join()
    assert code == 1
    assert "Nothing was written." in capsys.readouterr().err
    assert list(tmp_path.glob("*.toml*")) == []
    assert all(pin.driven is None for pin in wiring.pins.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/at/all.toml"], "cannot be written"),
        (["--panel", "teletext"], "no such board"),
        (["--panel", "rotary"], "has none"),
        (["--listen", "127.0.0.1:0", "--token-file", "/nowhere"], "No such file"),
        (["--listen", "127.0.0.1:0", "--token-file", "/dev/null"], "is empty"),
    ],
)
def test_options_that_do_not_fit_are_told_before_any_question(
    machine: Machine, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    assert main(arguments, machine) == 2
    assert words in capsys.readouterr().err


def test_a_panel_is_taken_from_another_profile(tmp_path: Path, terminal: tuple[int, TextIO], machine: Machine) -> None:
    spi = 'name = "x"\ndriver = "pi"\n[display]\nbus = "spi"\ncontroller = "ssd1322"\ndc = 25\nreset = 24\n'
    (tmp_path / "other.toml").write_text(spi + '[audio]\nearpiece = { card = "usb" }\n')
    os.write(terminal[0], HOTLINE.encode())

    assert main([str(tmp_path / "a.toml"), "--panel", str(tmp_path / "other.toml")], machine) == 0

    assert load_board(str(tmp_path / "a.toml")).display == load_board(str(tmp_path / "other.toml")).display


def test_a_machine_without_pins_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "mine.toml"), "--chip", "no such chip"]) == 1
    assert "offhook wire: " in capsys.readouterr().err


def test_only_this_machine_may_ask_without_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" sesame \n")

    assert page_token("127.0.0.2", None) == page_token("::1", None) == ""
    assert len(page_token("0.0.0.0", None)) >= 12
    assert page_token("192.0.2.1", None) != page_token("192.0.2.1", None)
    assert page_token("127.0.0.1", tmp_path / "token") == "sesame"


# --- files ---


def test_a_profile_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("old")
    file.with_name(".a.toml.part").mkdir()

    with pytest.raises(OSError):
        write_profile(file, "new", None)

    assert file.read_text() == "old"


def test_a_name_to_keep_is_one_that_nothing_has(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"

    assert name_to_keep(file).name == "a.toml.old"


# --- the machine ---


def test_pins_of_buses_are_taken_where_the_buses_are_on(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    assert taken_pins("", tmp_path) == {}
    (tmp_path / "dev/i2c-1").touch()
    (tmp_path / "sys/bus/w1/devices/w1_bus_master1").mkdir(parents=True)

    assert set(taken_pins("", tmp_path)) == {2, 3, 4}
    assert set(taken_pins("wm8960", tmp_path)) == {2, 3, 4, 17, 18, 19, 20, 21}


def test_a_panel_is_looked_for_where_panels_answer(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    def answers(port: int, address: int) -> bool:
        asked.append((port, address))
        return address == 0x3D

    assert panels_on_bus(answers, tmp_path) == ()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/i2c-1").touch()
    assert panels_on_bus(answers, tmp_path) == (0x3D,)
    assert asked == [(1, 0x3C), (1, 0x3D)]


def test_cards_are_offered_those_on_usb_first(tmp_path: Path) -> None:
    (tmp_path / "proc/asound").mkdir(parents=True)
    (tmp_path / "proc/asound/cards").write_text(CARDS)
    for part in ("card0/pcm0p", "card1/pcm0p", "card1/pcm0c"):
        (tmp_path / "proc/asound" / part).mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1").mkdir(parents=True)
    (tmp_path / "sys/devices/usb1/1-1/1-1.2/1-1.2:1.0").mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1/device").symlink_to(tmp_path / "sys/devices/usb1/1-1/1-1.2/1-1.2:1.0")
    controls = {"hw:1": ["Speaker", "Mic", "Auto Gain Control"], "hw:0": ["PCM"]}

    usb, headphones = cards_on_offer(tmp_path, controls.__getitem__)

    assert (usb.name, usb.words, usb.plays, usb.records) == ("usb", "USB Audio Device", True, True)
    assert (usb.playing, usb.recording) == ((("Speaker", 80),), (("Mic", 80),))
    assert (headphones.name, headphones.records, headphones.playing) == ("Headphones", False, (("PCM", 80),))


@pytest.mark.parametrize(
    ("card", "hat"),
    [
        (Card(0, "wm8960soundcard", "wm8960-soundcar", "wm8960-soundcard", None), "wm8960"),
        (Card(0, "Zero", "RPi-simple", "IQaudIO CODEC", None), "codec-zero"),
        (Card(0, "sndrpihifiberry", "RPi-simple", "snd_rpi_hifiberry_dac", None), "i2s"),
        (Card(0, "Headphones", "bcm2835_headpho", "bcm2835 Headphones", None), ""),
        (Card(0, "vc4hdmi0", "vc4-hdmi", "vc4-hdmi-0", None), ""),
        (Card(0, "Device", "USB-Audio", "USB Audio Device", "1-1.2"), ""),
        (Card(0, "PCH", "HDA-Intel", "HDA Intel PCH", None), ""),
    ],
)
def test_a_card_on_the_header_is_told_by_its_name(card: Card, hat: str) -> None:
    assert hat_among([card]) == hat


# --- what is driven ---


def test_a_lamp_blinks_and_a_bell_alternates_and_rests() -> None:
    blinking = [levels(Outputs(blinking=23), n / 10) for n in range(20)]
    ringing = [levels(Outputs(bell=(5, 6), bell_hz=25), n / 1000) for n in range(2000)]

    assert [level[23] for level in blinking] == ([1.0] * 5 + [0.0] * 5) * 2
    assert {tuple(level.values()) for level in ringing} == {(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)}
    assert all(not any(level.values()) for level in ringing[1000:])
    assert levels(Outputs(), 1.0) == {}


class Port:
    """A sound card that keeps what it plays."""

    rate_hz, period_samples, paced = RATE_HZ, PERIOD, True

    def __init__(self, profile: AudioProfile, fails_after: int = 10**9) -> None:
        self.profile = profile
        self.played = bytearray()
        self.closed = False
        self.fault = ""
        self._left = fails_after
        self._pace = threading.Event()

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        self._pace.wait(0.001)
        self._left -= 1
        self.fault = "it is gone" if self._left < 0 else ""
        self.played += earpiece
        return bytes(2 * PERIOD)

    def rest(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def test_a_tone_sounds_on_its_card_and_channel_until_it_is_stopped() -> None:
    ports: list[Port] = []

    def open_port(profile: AudioProfile) -> Port:
        ports.append(Port(profile))
        return ports[-1]

    tones = Tones(open_port)

    tones.play(Tone("usb", "left", (("Speaker", 80),)))
    assert wait_until(lambda: ports and len(ports[0].played) > 40000, 20)  # type: ignore[arg-type,return-value]
    tones.play(None)

    (port,) = ports
    assert port.closed
    assert port.profile.earpiece is not None
    assert (port.profile.earpiece.channel, port.profile.earpiece.mixer) == ("left", (("Speaker", 80),))
    assert abs(dominant_hz(array("h", bytes(port.played[:40000])), RATE_HZ) - 440) < 5
    assert sum(len(frame) for frame in tone_frames()) == round(1.5 * RATE_HZ) * 2


def test_a_tone_that_cannot_be_played_says_why_once() -> None:
    tones = Tones(lambda profile: Port(profile, fails_after=3))
    tones.play(Tone("usb", "both"))
    said: list[str] = []
    assert wait_until(lambda: bool(said.append(tones.trouble()) or said[-1]), 20)
    assert said[-1] == "The tone cannot be played: it is gone."
    assert tones.trouble() == ""

    tones = Tones(no_port)
    tones.play(Tone("usb", "both"))
    assert wait_until(lambda: tones.trouble() == "The tone cannot be played: no sound card.", 20)


# --- from the wires to a telephone that works ---


def opened(profile: Profile, wiring: Wiring, heard: list[BoardEvent]) -> PiBoard:
    def open_bus(display: DisplayProfile, factory: Any) -> PanelBus:
        return PanelBus()

    board = PiBoard(profile, factory=wiring.factory, open_bus=open_bus)
    board.listen(heard.append)
    return board


@pytest.mark.parametrize("name", ["handset", "speakerphone", "rotary"])
def test_what_was_found_opens_and_hears_every_key_where_it_is(name: str, tmp_path: Path) -> None:
    """The maker's telephone, the profile the wizard wrote of it, and hands at the same wires."""
    telephone = load_board(name)
    maker = Maker(telephone, bounce=0.02, ears=Ears(("usb", "left"), ("usb", "right")), display=telephone.display)
    assert maker.follow()
    write_profile(tmp_path / "found.toml", maker.state.profile, None)
    found = load_board(str(tmp_path / "found.toml"))
    wiring, heard = Wiring(time.monotonic), list[BoardEvent]()
    hands = WiredHands(telephone, wiring)
    board = opened(found, wiring, heard)
    keys = sorted(telephone.keys) if name != "rotary" else ["1", "5"]

    try:
        if telephone.hook is not None:
            hands.lift()
            assert wait_until(lambda: HookLifted() in heard, 20)
        for key in keys:
            hands.press(key)
            assert wait_until(lambda key=key: KeyPressed(key) in heard, 20), key  # type: ignore[misc]
            hands.release(key) if name != "rotary" else None
            assert wait_until(lambda key=key: KeyReleased(key) in heard, 20), key  # type: ignore[misc]
        if telephone.hook is not None:
            hands.replace()
            assert wait_until(lambda: HookReplaced() in heard, 20)
    finally:
        board.close()

    assert [event.key for event in heard if isinstance(event, KeyPressed)] == keys


def test_a_profile_of_the_wizard_is_the_same_read_again() -> None:
    maker = Maker(load_board("handset"))
    maker.follow()

    assert parse_board(maker.state.profile) == maker.state.draft
