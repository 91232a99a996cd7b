"""What the wizard should know of a machine before its first question: whose the header's pins are, panels, cards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hw import header
from hw.pi.cards import Card, cards
from hw.wizard import prompts

PANEL_ADDRESSES = (0x3C, 0x3D)
ON_HEADER = re.compile(r"wm8960|codec.?zero|iqaudio|hifiberry|rpi|i2s|max98357|voicehat|audioinjector|seeed", re.I)
"""How cards on the header call themselves."""
PLAYING = ("Speaker", "Headphone", "PCM", "Master", "Digital", "Playback")
RECORDING = ("Mic", "Capture", "Mic Capture", "ADC")
LEVEL = 80
"""Per cent."""
MIXERS = {
    "wm8960": (("Speaker", LEVEL), ("Left Output Mixer PCM", 100), ("Right Output Mixer PCM", 100)),
}
"""Cards that stay silent until some switch is set."""


def hat_among(there: Iterable[Card]) -> str:
    """Which of `hw.header.HATS` a card is; empty: none is on the header."""
    for card in there:
        words = f"{card.id} {card.driver} {card.name}"
        if card.usb is None and ON_HEADER.search(words):
            low = words.lower()
            return "wm8960" if "wm8960" in low else "codec-zero" if re.search("codec.?zero|iqaudio", low) else "i2s"
    return ""


def taken_pins(hat: str, root: Path = Path("/")) -> dict[int, str]:
    """The pins that a bus or a card has, and in what words."""
    devices = root / "dev"
    taken: dict[int, str] = {}
    if (devices / "i2c-1").exists():
        taken |= {gpio: f"the I2C bus has it ({wire})" for gpio, wire in header.I2C.items()}
    selects = [gpio for n, gpio in enumerate(header.SPI_SELECTS) if (devices / f"spidev0.{n}").exists()]
    if selects:
        taken |= {gpio: f"the SPI bus has it ({wire})" for gpio, wire in header.SPI.items()}
        taken |= dict.fromkeys(selects, "the SPI bus has it (CS)")
    if (devices / "serial0").exists() or console_on_header(root):
        taken |= {gpio: f"the serial port has it ({wire})" for gpio, wire in header.CONSOLE.items()}
    if any((root / "sys/bus/w1/devices").glob("w1_bus_master*")):
        taken[4] = "the one-wire bus has it"
    return taken | {gpio: f"the sound card has it ({wire})" for gpio, wire in header.HATS.get(hat, {}).items()}


def console_on_header(root: Path = Path("/")) -> bool:
    """Whether the kernel's console is on the header's serial port: it drives GPIO14, and its pins count as free."""
    try:
        line = (root / "proc/cmdline").read_text()
    except OSError:
        return False
    return re.search(r"\bconsole=(serial0|ttyS\d|ttyAMA0)\b", line) is not None


def panels_on_bus(answers: Callable[[int, int], bool], root: Path = Path("/")) -> tuple[int, ...]:
    """The I2C addresses where something answers that may be a panel. `answers`: (bus, address)."""
    if not (root / "dev/i2c-1").exists():
        return ()
    return tuple(address for address in PANEL_ADDRESSES if answers(1, address))


def cards_on_offer(
    root: Path = Path("/"), controls: Callable[[str], Sequence[str]] = lambda device: ()
) -> tuple[prompts.Card, ...]:
    """The cards that may be a telephone's, those on USB first. `controls`: the mixer's, of a device as "hw:1"."""
    there = cards(root / "proc/asound/cards", root / "sys/class/sound")
    on_usb = [card for card in there if card.usb is not None]
    offered = []
    for card in sorted(there, key=lambda card: (card.usb is None, "vc4" in card.driver.lower(), card.index)):
        folder = root / f"proc/asound/card{card.index}"
        plays, records = any(folder.glob("pcm*p")), any(folder.glob("pcm*c"))
        if not plays and not records:
            continue
        name = card.id if card.usb is None else "usb" if len(on_usb) == 1 else f"usb:{card.usb}"
        known = frozenset(controls(f"hw:{card.index}"))
        playing = next((levels for key, levels in MIXERS.items() if key in card.id.lower()), None)
        offered.append(
            prompts.Card(
                name,
                card.name,
                plays,
                records,
                playing if playing is not None else tuple((one, LEVEL) for one in PLAYING if one in known)[:1],
                tuple((one, LEVEL) for one in RECORDING if one in known)[:1],
            )
        )
    return tuple(offered)


def mixer_controls(device: str) -> Sequence[str]:
    """The names of a card's mixer controls; none where pyalsaaudio is not installed, or cannot open it."""
    try:
        import alsaaudio
    except ImportError:
        return ()
    try:
        return [str(name) for name in alsaaudio.mixers(device=device)]
    except alsaaudio.ALSAAudioError:
        return ()
