"""What a board profile says, as values: one dataclass a table of the file. `hw/README.md` has them with examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hw import KEYS, LAMPS

Driver = Literal["sim", "pi"]
Level = Literal["open", "closed"]
Controller = Literal["ssd1306", "sh1106", "ssd1309", "ssd1322", "ssd1327"]
Channel = Literal["both", "left", "right"]

DIGIT_KEYS = frozenset("0123456789*#")
DIAL_KEYS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class GpioProfile:
    """`[gpio]`: where the pins are."""

    chip: str = ""
    """The GPIO chip's label or device; empty: the one that leads to the 40-pin header is found."""


@dataclass(frozen=True, slots=True)
class HookProfile:
    """`[hook]`: the cradle's contact, between its pin and ground."""

    pin: int
    """GPIO."""
    normally: Level = "closed"
    """The contact with nothing resting on the cradle, that is with the handset lifted."""
    bounce_ms: int = 30
    """How long it chatters when it moves."""
    flash_ms: int = 0
    """The cradle tapped for less than this is `flash_key`, not a hang-up; 0: every tap hangs up."""
    flash_key: str = "hold"
    """The key that a tap stands for."""


@dataclass(frozen=True, slots=True)
class MatrixProfile:
    """`[matrix]`: a keypad wired as rows and columns, with no other part than its switches."""

    rows: tuple[int, ...]
    """GPIOs, in the layout's order."""
    columns: tuple[int, ...]
    """GPIOs, in the layout's order."""
    keys: tuple[tuple[str | None, ...], ...]
    """The keys' names row by row; None where there is no key."""
    bounce_ms: int = 10
    """How long a key chatters when it moves."""
    diodes: bool = False
    """Every key has its own diode (cathode towards the row): any number of keys may be down together."""


@dataclass(frozen=True, slots=True)
class KeysProfile:
    """`[keys]`: keys with a pin each, between it and ground."""

    pins: tuple[tuple[str, int], ...]
    """Key and GPIO."""
    bounce_ms: int = 10
    """How long a key chatters when it moves."""


@dataclass(frozen=True, slots=True)
class DialProfile:
    """`[dial]`: a rotary dial, its contacts between their pins and ground."""

    pulse: int
    """GPIO of the contact that opens once for each pulse."""
    off_normal: int | None = None
    """GPIO of the contact that is closed while the dial is out of rest; None: there is none."""
    pulses_per_second: int = 10
    """10, or 20 for the fast dials of some networks."""
    order: str = "standard"
    """Which digit how many pulses are: "standard", "swedish" or "new-zealand" (`hw.rotary.DialOrder`)."""
    bounce_ms: int = 6
    """How long it chatters when it moves; less than the shortest make or break."""


@dataclass(frozen=True, slots=True)
class UsbKeypadProfile:
    """`[usb_keypad]`: a number pad on USB, or any keyboard the kernel knows."""

    device: str = ""
    """A part of its name in /proc/bus/input/devices; empty: the first that has the digits."""
    keys: tuple[tuple[str, str], ...] = ()
    """The kernel's key name, as "KEY_KPENTER", and the key it stands for: in addition to the usual ones."""


@dataclass(frozen=True, slots=True)
class DisplayProfile:
    """`[display]`: the panel."""

    size: tuple[int, int] = (128, 64)
    """Width and height in pixels as mounted."""
    controller: Controller = "ssd1306"
    """The panel's chip."""
    bus: Literal["i2c", "spi"] = "i2c"
    """How it is connected."""
    port: int = 1
    """The bus's number: /dev/i2c-1, /dev/spidev0.x."""
    address: int = 0x3C
    """On I2C."""
    device: int = 0
    """On SPI: which chip select."""
    dc: int = 25
    """On SPI: GPIO of data/command."""
    reset: int | None = None
    """GPIO of the panel's reset; None: not connected."""
    rotate: int = 0
    """0, or 180 for a panel mounted upside down; degrees."""
    contrast: int = 255
    """0 to 255, while the telephone is in use."""
    dim_after_s: int = 60
    """Seconds without use after which it is dimmed; 0: never."""
    off_after_s: int = 0
    """Seconds without use after which it goes dark; 0: never."""


@dataclass(frozen=True, slots=True)
class LampsProfile:
    """`[lamps]`: light-emitting diodes, each with its own resistor."""

    pins: tuple[tuple[str, int], ...]
    """Lamp and GPIO."""
    active: Literal["high", "low"] = "high"
    """The level that lights them."""
    brightness: int = 100
    """Per cent."""


@dataclass(frozen=True, slots=True)
class RingerProfile:
    """`[ringer]`: what calls the household."""

    kind: Literal["loudspeaker", "piezo", "bell"] = "loudspeaker"
    """"loudspeaker": the ring is a sound, on `audio.ringer` or `audio.speaker`."""
    pins: tuple[int, ...] = ()
    """GPIOs: one of a piezo, the two inputs of a bell's H-bridge."""
    frequency_hz: int = 0
    """Of a bell 16 to 25; of a piezo its tone, 0 for one that makes its own."""
    volume: int = 100
    """Per cent of the loudest, at volume 10."""


@dataclass(frozen=True, slots=True)
class CardProfile:
    """One end of the sound: `audio.earpiece`, `audio.microphone` or `audio.speaker`."""

    card: str
    """"usb" (the first on USB), "usb:1-1.2" (the one in that socket), a card's name, or "pcm:" and an ALSA device."""
    channel: Channel = "both"
    """Of a stereo card."""
    mixer: tuple[tuple[str, int], ...] = ()
    """Mixer controls and their levels in per cent; switches are 0 or 100."""


@dataclass(frozen=True, slots=True)
class AudioProfile:
    """`[audio]`: the sound cards."""

    port: str = "sim"
    """"alsa" for real cards; "sim", "null" or "tone" for simulated ones."""
    rate_hz: int = 8000
    """Samples a second."""
    period_samples: int = 160
    """Samples a period."""
    periods: int = 4
    """Periods in a card's buffer."""
    hat: str = ""
    """A card on the header (`hw.header.HATS`), whose pins nobody else may use; empty: none."""
    earpiece: CardProfile | None = None
    """In the handset."""
    microphone: CardProfile | None = None
    """In the handset, or beside the loudspeaker."""
    speaker: CardProfile | None = None
    """The loudspeaker: speaks when the handset lies, and rings unless there is a `ringer`."""
    ringer: CardProfile | None = None
    """What rings; None: the loudspeaker does, or where there is none either the earpiece."""
    at_once: int = 1
    """Periods of a real card played and heard at once: the telephone wakes up once for them."""

    @property
    def exchanged_samples(self) -> int:
        """Samples played and heard at once."""
        return self.at_once * self.period_samples

    @property
    def ends(self) -> tuple[tuple[str, CardProfile], ...]:
        """Every end there is, with its name."""
        named = (
            ("earpiece", self.earpiece),
            ("microphone", self.microphone),
            ("speaker", self.speaker),
            ("ringer", self.ringer),
        )
        return tuple((name, card) for name, card in named if card is not None)

    @property
    def cards(self) -> tuple[CardProfile, ...]:
        """What the ends are on."""
        return tuple(card for _, card in self.ends)


@dataclass(frozen=True, slots=True)
class Profile:
    """One telephone's hardware."""

    name: str
    """What the board is called."""
    driver: Driver = "sim"
    """"sim" or "pi"."""
    keys: frozenset[str] = KEYS
    """The keys the board has, in whatever way."""
    lamps: frozenset[str] = LAMPS
    """The lamps the board has."""
    display: DisplayProfile | None = field(default_factory=DisplayProfile)
    """Its panel; None: there is none."""
    audio: AudioProfile = field(default_factory=AudioProfile)
    """Its sound."""
    gpio: GpioProfile = field(default_factory=GpioProfile)
    """Its pins."""
    hook: HookProfile | None = None
    """Its hook switch."""
    matrix: MatrixProfile | None = None
    """Its keypad."""
    single_keys: KeysProfile | None = None
    """Its keys with a pin each."""
    dial: DialProfile | None = None
    """Its rotary dial."""
    usb_keypad: UsbKeypadProfile | None = None
    """Its number pad."""
    lamp_pins: LampsProfile | None = None
    """How its lamps are wired."""
    ringer: RingerProfile = field(default_factory=RingerProfile)
    """Its bell."""
