"""What `offhook doctor` looks at on a Raspberry Pi: each examination ends in (verdict, subject, words, cure).

`verdict` is "ok", "note" (good to know) or "bad" (the telephone will not work). Files are read below `root`, programs
are asked through `run`, so that every finding can be tried on any machine. What cannot be known is left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw import DeviceError, header
from hw.boards.claims import claims_of
from hw.boards.profile import DisplayProfile, Profile
from hw.pi.cards import Card, cards, find_sound
from hw.pi.header_use import console_on_header

Verdict = Literal["ok", "note", "bad"]
Finding = tuple[Verdict, str, str, str]

SUPPLY_CURE = "Use a supply of 5.1 V that gives 2.5 A or more, with a short, thick cable."
UNDER_VOLTAGE_NOW, THROTTLED_NOW, UNDER_VOLTAGE_BEFORE = 1 << 0, 1 << 2, 1 << 16
"""Bits of the firmware's get_throttled."""
WORN_OUT = 9
"""Of a card's own life time estimate, in tenths and one more: 80 % are used up."""
LEAST_FREE = 50 * 2**20
"""Octets."""
STEPS = range(8000, 48_001, 8000)
"""The rates a profile may name."""
ASK_S = 5.0
OURS = "offhook"


def run_program(*words: str) -> str | None:
    """What a program prints; None if it is not there or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look."""

    root: Path = Path("/")
    run: Callable[..., str | None] = run_program

    def read(self, path: str) -> str | None:
        """A file's text; None if it cannot be read."""
        try:
            return (self.root / path).read_text(errors="replace").strip("\0\n ")
        except OSError:
            return None

    def free(self, path: str) -> int | None:
        """Octets that are free on a mounted file system; None if it cannot be asked."""
        try:
            return shutil.disk_usage(self.root / path.lstrip("/")).free
        except OSError:
            return None


def examine(
    profile: Profile | None,
    machine: Machine | None = None,
    *,
    lines: Callable[[Profile], Mapping[int, str] | None] | None = None,
    answers: Callable[[int, int], bool] | None = None,
    rates: Callable[[Card], Collection[int]] | None = None,
    running: bool = False,
) -> Iterator[Finding]:
    """Examine this machine for the board of `profile`; nothing is found on one that is neither a Pi nor meant to be.

    `lines`: the kernel's lines in use, GPIO to consumer, None: it cannot be asked; `answers`: whether a device answers
    on an I2C bus; `rates`: a card's rates, if the kernel does not list them; `running`: the telephone is, and holds
    its pins.
    """
    machine = machine or Machine()
    model = machine.read("proc/device-tree/model")
    real = profile is not None and profile.driver == "pi"
    if model is None and not real:
        return
    if model is not None:
        yield "ok", "machine", model, ""
    yield from _power(machine)
    yield from _wireless(machine)
    yield from _clock(machine)
    yield from _storage(machine)
    if profile is not None and real:
        if not running:
            console = dict.fromkeys(header.CONSOLE if console_on_header(machine.root) else (), "the serial console")
            yield from _pins(profile, (lines or lines_in_use)(profile), console)
        if profile.display is not None and profile.display.bus == "i2c":
            yield _panel(profile.display, machine, answers or i2c_answers)
        if profile.display is not None and profile.display.bus == "spi":
            yield _panel_on_spi(profile.display, machine)
        yield from _cards(profile, machine, rates or asked_rates)


def _power(machine: Machine) -> Iterator[Finding]:
    text = machine.read("sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None:
        answer = machine.run("vcgencmd", "get_throttled")
        text = answer.strip().partition("=")[2] if answer else None
    if not text:
        yield from _power_monitor(machine)
        return
    bits, cure = int(text, 16), SUPPLY_CURE
    if bits & UNDER_VOLTAGE_NOW:
        yield "bad", "power", "the supply's voltage is too low now", cure
    elif bits & UNDER_VOLTAGE_BEFORE:
        yield "note", "power", "the supply's voltage was too low since the start", cure
    elif bits & THROTTLED_NOW:
        yield "note", "power", "the processor is slowed down, it is too hot", "Give it air, or a heat sink."
    else:
        yield "ok", "power", "the supply is good enough", ""


def _power_monitor(machine: Machine) -> Iterator[Finding]:
    """Debian's own kernel has no get_throttled, but the raspberrypi_hwmon driver: the voltage as it is, and was."""
    for folder in sorted((machine.root / "sys/class/hwmon").glob("hwmon*")):
        if machine.read(f"sys/class/hwmon/{folder.name}/name") != "rpi_volt":
            continue
        if machine.read(f"sys/class/hwmon/{folder.name}/in0_lcrit_alarm") == "1":
            yield "bad", "power", "the supply's voltage is too low, or was a moment ago", SUPPLY_CURE
        else:
            yield "ok", "power", "the supply is good enough", ""


def _wireless(machine: Machine) -> Iterator[Finding]:
    folder = machine.root / "sys/class/net"
    for interface in sorted(path.name for path in folder.glob("*") if (path / "wireless").exists()):
        answer = machine.run("iw", "dev", interface, "get", "power_save")
        if answer is None:
            continue
        if "on" in answer.partition(":")[2]:
            words = f"{interface} saves power: calls come late or not at all"
            cure = f"iw dev {interface} set power_save off; for good: 802-11-wireless.powersave 2 in NetworkManager"
            yield "note", "wireless", words, cure
        else:
            yield "ok", "wireless", f"{interface} is awake all the time", ""


def _clock(machine: Machine) -> Iterator[Finding]:
    """Nobody asks a Pi's clock the time that it does not have: it starts where it was left."""
    answer = machine.run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if answer is None:
        daemon = (machine.root / "run/systemd/timesync").is_dir()
        answer = "no" if daemon and not (machine.root / "run/systemd/timesync/synchronized").exists() else ""
    if answer.strip() == "yes":
        yield "ok", "clock", "it is set by the network", ""
    elif answer.strip() == "no":
        words = "the clock is not set by the network yet: the time on the panel and in the call list may be wrong"
        yield "note", "clock", words, "Is the network up? timedatectl timesync-status says whom it asks."


def _storage(machine: Machine) -> Iterator[Finding]:
    mounts = [line.split() for line in (machine.read("proc/mounts") or "").splitlines()]
    options = {fields[1]: fields[3].split(",") for fields in mounts if len(fields) > 3}
    kept = "/data" if "/data" in options else "/"
    if any(fields[1:3] == ["/data", "tmpfs"] for fields in mounts):
        words = "its memory cannot be used: call list and settings are lost when the telephone is switched off"
        cure = "Replace it, or write it anew; fsck.ext4 on a computer may save what was kept."
        yield "bad", "card", words, cure
    elif "ro" in options.get(kept, []):
        words = f"{kept} can only be read: call list and settings are lost at the next start"
        cure = f"If that is not meant to be, the card may be at its end: look at dmesg, then mount -o remount,rw {kept}"
        yield "bad", "card", words, cure
    elif kept in options:
        yield "ok", "card", f"{kept} can be written", ""
        yield from _room(machine, kept)
    yield from _wear(machine)


def _room(machine: Machine, kept: str) -> Iterator[Finding]:
    free = machine.free(kept)
    if free is not None and free < LEAST_FREE:
        words = f"only {free // 2**20} MB are free on {kept}"
        yield "note", "card", words, f"Delete what is not needed: du -xm {kept} | sort -n | tail says what is large."


def _wear(machine: Machine) -> Iterator[Finding]:
    """What the card says of itself (few do but eMMC), and what the file system noticed."""
    for device in sorted((machine.root / "sys/block").glob("mmcblk*")):
        used = machine.read(f"sys/block/{device.name}/device/life_time")
        if used and max(int(word, 16) for word in used.split()) >= WORN_OUT:
            yield "note", "card", "it has used up 80 % of its life or more", "Copy it to a new one soon."
    for folder in sorted((machine.root / "sys/fs/ext4").glob("*")):
        count = machine.read(f"sys/fs/ext4/{folder.name}/errors_count")
        if count and count != "0":
            words = f"the file system on {folder.name} has met {count} errors"
            yield (
                "bad",
                "card",
                words,
                "Copy what you need, and take a new card: this one is worn out or was pulled out.",
            )


def _pins(profile: Profile, held: Mapping[int, str] | None, console: Mapping[int, str]) -> Iterator[Finding]:
    """Nothing is free that nobody could ask for: that there are no pins is said where the board is opened."""
    users = {**(held or {}), **console}
    wanted = {claim.gpio: claim for claim in claims_of(profile) if not claim.shared and claim.part != "sound card"}
    taken = {gpio: users[gpio] for gpio in sorted(wanted) if users.get(gpio, OURS) != OURS}
    for gpio, user in taken.items():
        claim = wanted[gpio]
        words = f"GPIO{gpio} ({claim.part}: {claim.wire}) is held by {user}"
        cure = "Turn off its overlay in config.txt"
        if gpio in header.CONSOLE:
            cure = "Turn off the serial console: take console=serial0,115200 or ttyS1,115200 out of cmdline.txt"
        yield "bad", "pins", words, f"{cure}, or take another pin: offhook wire."
    if wanted and not taken and held is not None:
        yield "ok", "pins", f"{len(wanted)} pins are free for this board", ""


def lines_in_use(profile: Profile) -> dict[int, str] | None:
    """The chip's lines that somebody holds, and who; None if the chip cannot be asked."""
    try:
        import gpiod

        from hw.pi.chips import find_chip

        with gpiod.Chip(find_chip(profile.gpio.chip).path) as chip:
            infos = [chip.get_line_info(line) for line in sorted(header.GPIOS)]
    except (ImportError, DeviceError, OSError):
        return None
    return {info.offset: info.consumer or "the kernel" for info in infos if info.used}


def _panel(display: DisplayProfile, machine: Machine, answers: Callable[[int, int], bool]) -> Finding:
    where = f"I2C bus {display.port}"
    if not (machine.root / f"dev/i2c-{display.port}").exists():
        cure = "Write dtparam=i2c_arm=on in config.txt (raspi-config, Interface Options, I2C does it); start again."
        return "note", "panel", f"{where} is off, so there is no panel", f"{cure} The telephone works without."
    if answers(display.port, display.address):
        return "ok", "panel", f"it answers on {where} at 0x{display.address:02x}", ""
    for other in (0x3C, 0x3D):
        if other != display.address and answers(display.port, other):
            words = f"it answers at 0x{other:02x}, not at 0x{display.address:02x}"
            return "bad", "panel", words, f"Write address = 0x{other:02x} in the board's [display]."
    cure = "Check its four wires; on some panels VCC and GND are the other way round. The telephone works without."
    return "note", "panel", f"nothing answers on {where} at 0x{display.address:02x}", cure


def _panel_on_spi(display: DisplayProfile, machine: Machine) -> Finding:
    device = f"spidev{display.port}.{display.device}"
    if (machine.root / "dev" / device).exists():
        return "ok", "panel", f"the SPI bus is on ({device}); a panel on it says nothing, look whether it is lit", ""
    if machine.read("boot/firmware/board.txt") is not None and display.port == 0:
        cure = "Put board.toml on the card's first partition once more, and start: the telephone turns it on itself."
    elif display.port == 0:
        cure = "Write dtparam=spi=on in config.txt (raspi-config, Interface Options, SPI does it); start again."
    else:
        cure = "Use SPI bus 0, or on Raspberry Pi OS write dtoverlay=spi1-2cs in config.txt; start again."
    words = f"SPI is off: there is no {device}, so there is no panel"
    return "note", "panel", words, f"{cure} The telephone works without."


def i2c_answers(port: int, address: int) -> bool:
    """Whether a device acknowledges its address."""
    from smbus2 import SMBus

    try:
        with SMBus(port) as bus:
            bus.read_byte(address)
    except OSError:
        return False
    return True


def _cards(profile: Profile, machine: Machine, rates_of: Callable[[Card], Collection[int]]) -> Iterator[Finding]:
    where = (machine.root / "proc/asound/cards", machine.root / "sys/class/sound")
    named = {card.card for card in profile.audio.cards}
    ours: set[str] = set()
    for end in dict.fromkeys(card.card for card in profile.audio.cards):
        try:
            ours.add(find_sound(end, *where, named=named).mixer)
        except DeviceError as fault:
            cure = "Plug it in, or write its name in the board's [audio]. Till then the telephone works without sound."
            yield "bad", "sound card", str(fault), cure
    for card in cards(*where):
        if f"hw:{card.index}" not in ours:
            continue
        rates = _listed_rates(machine, card) or set(rates_of(card))
        if rates and profile.audio.rate_hz not in rates:
            words = f"{card.id} has {', '.join(map(str, sorted(rates)))} Hz, not {profile.audio.rate_hz}"
            yield "note", "sound card", words, _rate_cure(rates, profile.audio.rate_hz)
        elif rates:
            yield "ok", "sound card", f"{card.id} has {profile.audio.rate_hz} Hz", ""


def _listed_rates(machine: Machine, card: Card) -> set[int]:
    """The kernel lists those of USB cards, in use or not: "Rates: 44100, 48000", or "8000 - 48000 (continuous)"."""
    stream = machine.read(f"proc/asound/card{card.index}/stream0") or ""
    rates: set[int] = set()
    for line in re.findall(r"Rates: ([\d, -]+)", stream):
        numbers = [int(rate) for rate in re.findall(r"\d+", line)]
        rates |= {rate for rate in STEPS if numbers[0] <= rate <= numbers[-1]} if "-" in line else set(numbers)
    return rates


def _rate_cure(rates: Collection[int], now_hz: int) -> str:
    """What to write: the highest rate that a profile may name. Cards are opened as ALSA's "plughw", which converts."""
    best = max((rate for rate in rates if rate in STEPS), default=None)
    if best is None:
        return f"Leave rate_hz = {now_hz}: the card has no rate in steps of 8000, so ALSA's plughw converts, at a cost."
    return f"Write rate_hz = {best} in the board's [audio]: it costs less than to have ALSA convert."


def asked_rates(card: Card) -> Collection[int]:
    """Ask ALSA; nothing is known of a card that is in use."""
    try:
        import alsaaudio
    except ImportError:
        return ()
    try:
        pcm = alsaaudio.PCM(alsaaudio.PCM_PLAYBACK, alsaaudio.PCM_NONBLOCK, device=f"hw:{card.index}")
    except alsaaudio.ALSAAudioError:
        return ()
    try:
        rates = pcm.getrates()
    finally:
        pcm.close()
    if isinstance(rates, tuple):
        return [rate for rate in STEPS if rates[0] <= rate <= rates[1]]
    return rates if isinstance(rates, list) else [rates]
