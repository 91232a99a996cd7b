"""What the doctor finds on a Raspberry Pi, on one made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw.boards import load_board, parse_board
from hw.pi.cards import Card
from hw.pi.examinations import Finding, Machine, examine

MODEL = "proc/device-tree/model"
HANDSET = load_board("handset")
STREAM = """\
C-Media USB Audio at usb-1.2, full speed : USB Audio

Playback:
  Interface 1
    Altset 1
    Format: S16_LE
    Rates: 44100, 48000
"""


class Pi:
    """A Raspberry Pi in a folder."""

    def __init__(self, root: Path, **programs: str) -> None:
        self.root = root
        self.programs = programs
        self.write(MODEL, "Raspberry Pi Zero 2 W Rev 1.0\0")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def run(self, *words: str) -> str | None:
        return self.programs.get(words[0])

    def findings(self, board: str | None = None, *, lines: dict[int, str] | None = None, at: int = 0) -> list[Finding]:
        profile = load_board(board) if board is not None else None
        machine = Machine(self.root, self.run)
        return list(
            examine(profile, machine, lines=lambda profile: lines or {}, answers=lambda port, address: address == at)
        )


def about(findings: list[Finding], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding[1] == subject]


def test_a_pc_with_a_simulated_board_is_not_examined(tmp_path: Path) -> None:
    assert list(examine(load_board("sim"), Machine(tmp_path))) == []


def test_the_model_is_named(tmp_path: Path) -> None:
    assert Pi(tmp_path).findings()[0] == ("ok", "machine", "Raspberry Pi Zero 2 W Rev 1.0", "")


@pytest.mark.parametrize(
    ("bits", "verdict", "words"),
    [("0", "ok", "good"), ("50005", "bad", "too low now"), ("50000", "note", "since the start"), ("4", "note", "hot")],
)
def test_a_weak_supply_is_found(tmp_path: Path, bits: str, verdict: str, words: str) -> None:
    pi = Pi(tmp_path)
    pi.write("sys/devices/platform/soc/soc:firmware/get_throttled", f"{bits}\n")

    [finding] = about(pi.findings(), "power")
    assert finding[0] == verdict
    assert words in finding[2]


def test_without_the_firmwares_file_its_program_is_asked(tmp_path: Path) -> None:
    [finding] = about(Pi(tmp_path, vcgencmd="throttled=0x50005\n").findings(), "power")

    assert finding[0] == "bad"


@pytest.mark.parametrize(("answer", "verdict"), [("Power save: on\n", "note"), ("Power save: off\n", "ok")])
def test_a_sleepy_wireless_card_is_found(tmp_path: Path, answer: str, verdict: str) -> None:
    pi = Pi(tmp_path, iw=answer)
    (tmp_path / "sys/class/net/wlan0/wireless").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)

    [finding] = about(pi.findings(), "wireless")
    assert finding[0] == verdict
    assert "wlan0" in finding[2]


def test_a_clock_that_nobody_set_is_a_note(tmp_path: Path) -> None:
    assert about(Pi(tmp_path, timedatectl="no\n").findings(), "clock")[0][0] == "note"
    assert about(Pi(tmp_path, timedatectl="yes\n").findings(), "clock")[0][0] == "ok"


def test_without_timedatectl_the_time_daemons_own_sign_is_looked_for(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    assert about(pi.findings(), "clock") == []

    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    assert about(pi.findings(), "clock")[0][0] == "note"
    pi.write("run/systemd/timesync/synchronized", "")
    assert about(pi.findings(), "clock") == []


@pytest.mark.parametrize(("alarm", "verdict"), [("1\n", "bad"), ("0\n", "ok")])
def test_debians_own_kernel_tells_the_supplys_voltage_in_another_way(tmp_path: Path, alarm: str, verdict: str) -> None:
    pi = Pi(tmp_path)
    pi.write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    pi.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    pi.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm)

    assert [finding[0] for finding in about(pi.findings(), "power")] == [verdict]


def test_a_pc_that_is_a_telephone_is_examined_too(tmp_path: Path) -> None:
    pi = Pi(tmp_path, timedatectl="no\n")
    (tmp_path / MODEL).unlink()
    pi.write("proc/mounts", "/dev/sda2 / ext4 ro 0 0\n")

    assert pi.findings() == []
    subjects = [finding[1] for finding in pi.findings("rotary")]
    assert "clock" in subjects
    assert "card" in subjects


def test_a_card_that_cannot_be_written_is_bad_unless_settings_are_elsewhere(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    pi.write("proc/mounts", "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n")
    assert about(pi.findings(), "card")[0][:2] == ("bad", "card")

    pi.write("proc/mounts", "/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n/dev/mmcblk0p4 /data ext4 rw 0 0\n")
    assert about(pi.findings(), "card") == [("ok", "card", "/data can be written", "")]


def test_a_card_whose_memory_is_replaced_by_the_machines_is_bad(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    pi.write("proc/mounts", "/dev/mmcblk0p2 / squashfs ro 0 0\nforgetful /data tmpfs rw,nosuid 0 0\n")

    [finding] = about(pi.findings(), "card")

    assert finding[0] == "bad"
    assert "cannot be used" in finding[2]


def test_a_worn_card_is_a_note(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    pi.write("sys/block/mmcblk0/device/life_time", "0x02 0x0a\n")

    assert "80 %" in about(pi.findings(), "card")[0][2]


def test_errors_that_the_file_system_met_are_bad(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    pi.write("sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    assert about(pi.findings(), "card") == []

    pi.write("sys/fs/ext4/mmcblk0p2/errors_count", "3\n")
    [finding] = about(pi.findings(), "card")
    assert finding[0] == "bad"
    assert "mmcblk0p2 has met 3 errors" in finding[2]


def test_a_card_that_is_nearly_full_is_a_note(tmp_path: Path) -> None:
    class Full(Machine):
        def free(self, path: str) -> int | None:
            return 10 * 2**20 if path == "/data" else None

    pi = Pi(tmp_path)
    pi.write("proc/mounts", "/dev/mmcblk0p4 /data ext4 rw 0 0\n")

    found = list(examine(None, Full(tmp_path, pi.run)))
    assert any(words == "only 10 MB are free on /data" for _, _, words, _ in found)


def test_pins_that_others_hold_are_named_with_who_holds_them(tmp_path: Path) -> None:
    pi = Pi(tmp_path)

    [finding] = about(pi.findings("handset", lines={17: "w1", 5: "offhook", 27: "spi0"}), "pins")
    assert finding[0] == "bad"
    assert finding[2] == "GPIO17 (hook switch: contact) is held by w1"
    assert about(pi.findings("handset"), "pins")[0][0] == "ok"


def test_pins_that_nobody_can_ask_for_are_not_called_free(tmp_path: Path) -> None:
    """A PC without a GPIO chip: that it has none is said elsewhere, where the board is opened."""
    found = examine(load_board("handset"), Machine(tmp_path), lines=lambda profile: None)

    assert about(list(found), "pins") == []


def test_the_serial_consoles_pins_have_their_own_cure(tmp_path: Path) -> None:
    profile = parse_board('name = "x"\ndriver = "pi"\n[hook]\npin = 14\n[audio.earpiece]\ncard = "usb"\n')

    found = examine(profile, Machine(tmp_path), lines=lambda profile: {14: "the kernel"})

    assert any("serial console" in cure for _, subject, _, cure in found if subject == "pins")


@pytest.mark.parametrize(("console", "verdict"), [("ttyS1,115200", "bad"), ("serial0,115200", "bad"), ("tty0", "ok")])
def test_a_console_holds_its_pins_though_the_kernel_calls_them_free(tmp_path: Path, console: str, verdict: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(f"root=/dev/mmcblk0p2 console={console} quiet\n")
    profile = parse_board('name = "x"\ndriver = "pi"\n[hook]\npin = 14\n[audio.earpiece]\ncard = "usb"\n')

    found = examine(profile, Machine(tmp_path), lines=lambda profile: {})

    assert [verdict for verdict, subject, _, _ in found if subject == "pins"] == [verdict]


PANEL_ON_SPI = """
name = "x"
driver = "pi"
[hook]
pin = 17
[display]
controller = "ssd1322"
bus = "spi"
dc = 25
[audio.earpiece]
card = "usb"
"""


@pytest.mark.parametrize(
    ("text", "files", "cure"),
    [
        (PANEL_ON_SPI, (), "Write dtparam=spi=on in config.txt"),
        (PANEL_ON_SPI, ("boot/firmware/board.txt",), "Put board.toml on the card's first partition once more"),
        (PANEL_ON_SPI, ("dev/spidev0.1",), "Write dtparam=spi=on"),  # the other chip select
        (PANEL_ON_SPI, ("dev/spidev0.0",), ""),
        (
            PANEL_ON_SPI.replace("[audio", "port = 1\n[audio").replace("pin = 17", "pin = 22"),
            ("boot/firmware/board.txt",),
            "dtoverlay=spi1-2cs",
        ),
    ],
)
def test_a_panel_on_spi_needs_the_bus(tmp_path: Path, text: str, files: tuple[str, ...], cure: str) -> None:
    pi = Pi(tmp_path)
    for name in files:
        pi.write(name, "")

    found = examine(parse_board(text), Machine(tmp_path, pi.run), lines=lambda profile: {})

    [finding] = about(list(found), "panel")
    assert finding[0] == ("note" if cure else "ok")
    assert ("SPI is off" in finding[2]) is bool(cure)
    assert cure in finding[3]


def test_a_panel_that_answers_elsewhere_or_not_at_all(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    assert "is off" in about(pi.findings("handset"), "panel")[0][2]
    pi.write("dev/i2c-1", "")

    assert about(pi.findings("handset", at=0x3C), "panel")[0][0] == "ok"
    assert "address = 0x3d" in about(pi.findings("handset", at=0x3D), "panel")[0][3]
    assert about(pi.findings("handset"), "panel")[0][0] == "note"


def test_a_sound_card_is_found_with_its_rates(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    assert about(pi.findings("handset"), "sound card")[0][0] == "bad"

    pi.write("proc/asound/cards", " 1 [Device         ]: USB-Audio - USB Audio Device\n")
    pi.write("devices/1-1.2/1-1.2:1.0/uevent", "")
    (tmp_path / "sys/class/sound/card1").mkdir(parents=True)
    (tmp_path / "sys/class/sound/card1/device").symlink_to(tmp_path / "devices/1-1.2/1-1.2:1.0")
    pi.write("proc/asound/card1/stream0", STREAM)
    assert about(pi.findings("handset"), "sound card") == [("ok", "sound card", "Device has 48000 Hz", "")]

    pi.write("proc/asound/card1/stream0", STREAM.replace("44100, 48000", "16000"))
    assert "rate_hz = 16000" in about(pi.findings("handset"), "sound card")[0][3]
    pi.write("proc/asound/card1/stream0", STREAM.replace("44100, 48000", "8000 - 44100 (continuous)"))
    assert "rate_hz = 40000" in about(pi.findings("handset"), "sound card")[0][3]


def test_the_cure_of_a_rate_is_one_that_a_profile_may_have(tmp_path: Path) -> None:
    """A card of 44100 Hz alone: nothing is to be written, since ALSA converts."""
    pi = Pi(tmp_path)
    pi.write("proc/asound/cards", " 1 [wm8960soundcard]: simple-card - wm8960-soundcard\n")
    board = load_board("speakerphone")

    def cure(*rates: int) -> str:
        found = examine(board, Machine(tmp_path, pi.run), lines=lambda profile: {}, rates=lambda card: rates)
        [(verdict, _, _, words)] = about(list(found), "sound card")
        assert verdict == "note"
        return words

    assert cure(44_100).startswith("Leave rate_hz = 48000: ")
    assert "rate_hz = 16000 " in cure(16_000, 44_100, 96_000)
    assert cure(22_050, 96_000).startswith("Leave rate_hz = 48000")


def test_only_the_telephones_own_cards_are_examined_and_asked_if_the_kernel_does_not_tell(tmp_path: Path) -> None:
    pi = Pi(tmp_path)
    pi.write(
        "proc/asound/cards",
        " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n 1 [wm8960soundcard]: simple-card - wm8960-soundcard\n",
    )
    asked: list[str] = []

    def rates(card: Card) -> list[int]:
        asked.append(card.id)
        return [16_000]

    found = list(examine(load_board("speakerphone"), Machine(tmp_path, pi.run), lines=lambda profile: {}, rates=rates))

    assert asked == ["wm8960soundcard"]
    assert "not 48000" in about(found, "sound card")[0][2]


def test_a_telephone_that_runs_holds_its_own_pins(tmp_path: Path) -> None:
    found = examine(load_board("handset"), Machine(tmp_path), lines=lambda profile: {17: "lg"}, running=True)

    assert about(list(found), "pins") == []


def test_every_fault_has_a_cure(tmp_path: Path) -> None:
    found = Pi(tmp_path, vcgencmd="throttled=0x1").findings("handset", lines={17: "w1"})

    assert all(cure for verdict, _, _, cure in found if verdict != "ok")
