"""A board profile from its TOML tables, every mistake found at once."""

from __future__ import annotations

import re
from typing import Any

from hw import KEYS, LAMPS, header
from hw.boards.claims import conflicts, spare_gpios
from hw.boards.profile import (
    DIAL_KEYS,
    DIGIT_KEYS,
    AudioProfile,
    CardProfile,
    Controller,
    DialProfile,
    DisplayProfile,
    GpioProfile,
    HookProfile,
    KeysProfile,
    LampsProfile,
    MatrixProfile,
    Profile,
    RingerProfile,
    UsbKeypadProfile,
)
from hw.boards.sections import Problems, Section
from hw.boards.usb_keys import KEY_CODES, USUAL_KEYS

SIMULATED_PORTS = ("sim", "null", "tone")
SIZES: dict[Controller, tuple[tuple[int, int], ...]] = {
    "ssd1306": ((128, 64), (128, 32)),
    "ssd1309": ((128, 64),),
    "sh1106": ((128, 64), (128, 128)),
    "ssd1322": ((256, 64), (256, 48), (256, 32)),
    "ssd1327": ((128, 128),),
}
"""The panels each controller drives that have room for a telephone's screen."""
REAL_TABLES = frozenset({"gpio", "hook", "matrix", "keys", "dial", "usb_keypad", "ringer"})
"""What no simulated telephone has."""
_CARD = re.compile(r"usb|usb:\d+-\d+(\.\d+)*|pcm:\S+|[A-Za-z0-9_-][A-Za-z0-9 _./-]*")


def read_profile(tables: dict[str, Any], problems: Problems) -> Profile:
    """The profile in a file's tables; what is wrong is added to `problems`."""
    root = Section(tables, (), problems)
    problems.spare = spare_gpios(tables)
    name = root.take("name", "")
    if not name and root.sound("name"):
        root.wrong("name", "is missing", 'call the board something: name = "Hall"')
    profile = _real(name, root) if _driver(root, tables) == "pi" else _simulated(name, root)
    root.finish()
    for claim, other in conflicts(profile):
        text = f"GPIO{claim.gpio} is the {other.part}'s {other.wire} already"
        problems.add(claim.path, text, "choose a free pin" + (f", as {root.spare()}" if problems.spare else ""))
    return profile


def _driver(root: Section, tables: dict[str, Any]) -> str:
    """The driver; where it is wrong or missing, the one that the other tables are for."""
    driver = root.one_of("driver", "sim", ("sim", "pi"))
    real = not REAL_TABLES.isdisjoint(tables)
    if real and not root.has("driver"):
        root.wrong("driver", "is missing", 'write driver = "pi": there are parts of a real telephone')
    return driver if root.sound("driver") else "pi" if real else "sim"


def _simulated(name: str, root: Section) -> Profile:
    display = root.section("display")
    size = display.number("width", 128, 8, 1024, 8), display.number("height", 64, 8, 1024)
    display.finish()
    keypad = root.section("keypad")
    keys = keypad.names("keys", KEYS, KEYS)
    if missing := DIGIT_KEYS - keys:
        keypad.wrong("keys", "a telephone has all twelve digits", f"add the missing: {' '.join(sorted(missing))}")
    keypad.finish()
    lamps = root.section("lamps")
    names = lamps.names("names", LAMPS, LAMPS)
    lamps.finish()
    return Profile(name, "sim", keys, names, DisplayProfile(size), _simulated_audio(root.section("audio")))


def _simulated_audio(audio: Section) -> AudioProfile:
    rate_hz = audio.number("rate_hz", 8000, 8000, 48_000, 8000)
    profile = AudioProfile(
        port=audio.one_of("port", "sim", SIMULATED_PORTS),
        rate_hz=rate_hz,
        period_samples=audio.number("period_samples", rate_hz // 50, rate_hz // 200, rate_hz // 10),
    )
    audio.finish()
    return profile


def _real(name: str, root: Section) -> Profile:
    matrix = _matrix(root.section("matrix")) if root.has("matrix") else None
    single = _single_keys(root.section("keys")) if root.has("keys") else None
    dial = _dial(root.section("dial")) if root.has("dial") else None
    usb = _usb_keypad(root.section("usb_keypad")) if root.has("usb_keypad") else None
    lamps = _lamps(root.section("lamps")) if root.has("lamps") else None
    audio, ringer = _audio(root.section("audio")), _ringer(root.section("ringer"))
    if audio.ringer is not None and ringer.kind != "loudspeaker":
        words = f"the {ringer.kind} rings, so nothing would be heard there"
        root.wrong(("audio", "ringer"), words, 'take it out, or write kind = "loudspeaker" in [ringer]')
    return Profile(
        name,
        "pi",
        keys=_keys_of(root, matrix, single, dial, usb),
        lamps=frozenset(lamp for lamp, _ in lamps.pins) if lamps is not None else frozenset(),
        display=_display(root.section("display")) if root.has("display") else None,
        audio=audio,
        gpio=_gpio(root.section("gpio")),
        hook=_hook(root.section("hook")) if root.has("hook") else None,
        matrix=matrix,
        single_keys=single,
        dial=dial,
        usb_keypad=usb,
        lamp_pins=lamps,
        ringer=ringer,
    )


def _keys_of(
    root: Section,
    matrix: MatrixProfile | None,
    single: KeysProfile | None,
    dial: DialProfile | None,
    usb: UsbKeypadProfile | None,
) -> frozenset[str]:
    """All keys together; a matrix and a single key of the same name cannot both be meant."""
    in_matrix = [key for row in matrix.keys for key in row if key is not None] if matrix is not None else []
    alone = [key for key, _ in single.pins] if single is not None else []
    for key in sorted(set(in_matrix) & set(alone)):
        root.wrong(("keys", "pins", key), f"{key!r} is in the matrix already", "give it one place")
    by_dial = DIAL_KEYS if dial is not None else ()
    by_usb = (*USUAL_KEYS.values(), *(key for _, key in usb.keys)) if usb is not None else ()
    return frozenset([*in_matrix, *alone, *by_dial, *by_usb])


def _gpio(gpio: Section) -> GpioProfile:
    profile = GpioProfile(chip=gpio.take("chip", ""))
    gpio.finish()
    return profile


def _pin(section: Section, key: str) -> int:
    """A GPIO; 0 where there is none, so that no conflict follows from the mistake."""
    return _checked_pin(section, (key,), section.given(key)) if _there(section, key, 1) else 0


def _there(section: Section, key: str, pins: int, form: str = "{}") -> bool:
    """Whether a key of pins is there; if not, the remedy names some that no other remedy does."""
    return section.has(key) or section.required(key, form.replace("{}", section.spare(pins)))


def _optional_pin(section: Section, key: str) -> int | None:
    return _pin(section, key) if section.has(key) else None


def _checked_pin(section: Section, path: tuple[str | int, ...], value: Any) -> int:
    if type(value) is int and value in header.GPIOS:
        return value
    remedy = "write a GPIO, 2 to 27: the chip's number, not the place"
    if type(value) is int:
        section.wrong(path, f"{value!r} is no pin of the header", remedy)
    else:
        section.wrong(path, f"{value!r} does not fit", f"{remedy}, without quotes")
    return 0


def _pins(section: Section, key: str, most: int) -> tuple[int, ...]:
    if not _there(section, key, min(most, 3), "[{}]"):
        return ()
    values = section.take(key, [])
    if section.sound(key) and not 1 <= len(values) <= most:
        section.wrong(key, f"{len(values)} pins do not fit", f"write 1 to {most}")
    return tuple(_checked_pin(section, (key, n), value) for n, value in enumerate(values[:most]))


def _named_pins(section: Section, names: frozenset[str]) -> tuple[tuple[str, int], ...]:
    """`pins = { mute = 5 }`."""
    if not _there(section, "pins", 1, "{ mute = {} }"):
        return ()
    pins = []
    for name, value in section.section("pins").entries():
        if name in names:
            pins.append((name, _checked_pin(section, ("pins", name), value)))
        else:
            section.wrong(("pins", name), "unknown name", f"write one of {', '.join(sorted(names))}")
    return tuple(pins)


def _hook(hook: Section) -> HookProfile:
    bounce_ms = hook.number("bounce_ms", 30, 1, 300)
    flash_ms = hook.number("flash_ms", 0, 0, 1000)
    if 0 < flash_ms <= bounce_ms and hook.sound("bounce_ms"):
        hook.wrong("flash_ms", "a tap this short is bounce", f"write 0, or more than bounce_ms = {bounce_ms}")
    profile = HookProfile(
        pin=_pin(hook, "pin"),
        normally="open" if hook.one_of("normally", "closed", ("open", "closed")) == "open" else "closed",
        bounce_ms=bounce_ms,
        flash_ms=flash_ms,
        flash_key=hook.one_of("flash_key", "hold", sorted(KEYS)),
    )
    hook.finish()
    return profile


def _matrix(matrix: Section) -> MatrixProfile:
    rows, columns = _pins(matrix, "rows", 8), _pins(matrix, "columns", 8)
    layout = matrix.take("keys", []) if matrix.required("keys", '[["1", "2", "3"], ...]') else []
    if layout and len(layout) != len(rows) and matrix.sound("rows"):
        matrix.wrong("keys", f"{len(layout)} rows of keys, {len(rows)} row pins", "write one list of keys a row pin")
    width = len(columns) if matrix.sound("columns") else None
    keys = tuple(_row(matrix, n, row, width) for n, row in enumerate(layout))
    seen: set[str | None] = set()
    for n, row in enumerate(keys):
        for key in row:
            if key is not None and key in seen:
                matrix.wrong(("keys", n), f"{key!r} occurs twice", "write each key once")
            seen.add(key)
    profile = MatrixProfile(
        rows=rows,
        columns=columns,
        keys=keys,
        bounce_ms=matrix.number("bounce_ms", 10, 5, 15),
        diodes=matrix.take("diodes", False),
    )
    matrix.finish()
    return profile


def _row(matrix: Section, n: int, row: Any, columns: int | None) -> tuple[str | None, ...]:
    """One row of the layout. `columns`: how many there are to be, None: that is not known."""
    if not isinstance(row, list) or columns not in (len(row), None):
        count = "the" if columns is None else columns
        matrix.wrong(("keys", n), f"{row!r} does not fit", f'write {count} keys in [ ], "" where there is none')
        return (None,) * (columns or 0)
    for m, key in enumerate(row):
        if key != "" and key not in KEYS:
            matrix.wrong(("keys", n, m), f"{key!r} is no key", f"write one of {', '.join(sorted(KEYS))}")
    return tuple(key if key in KEYS else None for key in row)


def _single_keys(keys: Section) -> KeysProfile:
    profile = KeysProfile(pins=_named_pins(keys, KEYS), bounce_ms=keys.number("bounce_ms", 10, 1, 20))
    keys.finish()
    return profile


def _dial(dial: Section) -> DialProfile:
    speed = dial.number("pulses_per_second", 10, 10, 20, 10)
    profile = DialProfile(
        pulse=_pin(dial, "pulse"),
        off_normal=_optional_pin(dial, "off_normal"),
        pulses_per_second=speed,
        order=dial.one_of("order", "standard", ("standard", "swedish", "new-zealand")),
        # A quarter of a pulse may be all there is of a worn dial's make.
        bounce_ms=dial.number("bounce_ms", 6, 1, 250 // speed - 5),
    )
    dial.finish()
    return profile


def _usb_keypad(usb: Section) -> UsbKeypadProfile:
    keys = []
    for name, key in usb.section("keys").entries():
        if name not in KEY_CODES:
            usb.wrong(("keys", name), "no such key", "write the kernel's name, as evtest shows it: KEY_KPENTER")
        elif key not in KEYS:
            usb.wrong(("keys", name), f"{key!r} is no key", f"write one of {', '.join(sorted(KEYS))}")
        else:
            keys.append((name, key))
    profile = UsbKeypadProfile(device=usb.take("device", ""), keys=tuple(keys))
    usb.finish()
    return profile


def _display(display: Section) -> DisplayProfile | None:
    said = display.one_of("controller", "ssd1306", (*SIZES, "none"))
    controller: Controller | None = next((one for one in SIZES if one == said), None)
    if controller is None:
        display.finish()
        return None
    spi = display.one_of("bus", "i2c", ("i2c", "spi")) == "spi"
    if not display.sound("bus"):
        spi = display.has("dc")
    profile = DisplayProfile(
        size=_size(display, controller),
        controller=controller,
        bus="spi" if spi else "i2c",
        port=display.number("port", 0, 0, 1) if spi else display.number("port", 1, 0, 31),
        address=0x3C if spi else display.number("address", 0x3C, 0x08, 0x77),
        device=display.number("device", 0, 0, 1) if spi else 0,
        dc=_pin(display, "dc") if spi else 25,
        reset=_optional_pin(display, "reset"),
        rotate=display.number("rotate", 0, 0, 180, 180),
        contrast=display.number("contrast", 255, 1, 255),
        dim_after_s=display.number("dim_after_s", 60, 0, 86_400),
        off_after_s=display.number("off_after_s", 0, 0, 86_400),
    )
    if 0 < profile.off_after_s <= profile.dim_after_s and display.sound("dim_after_s"):
        display.wrong("off_after_s", "it would go dark before it is dimmed", f"write more than {profile.dim_after_s}")
    display.finish()
    return profile


def _size(display: Section, controller: Controller) -> tuple[int, int]:
    sizes = SIZES[controller]
    value = display.take("size", list(sizes[0]))
    for size in sizes:
        if list(size) == value or not display.sound("controller"):
            return size
    words = " or ".join(f"[{width}, {height}]" for width, height in sizes)
    display.wrong("size", f"no {controller} has {value!r} pixels", f"write {words}")
    return sizes[0]


def _lamps(lamps: Section) -> LampsProfile:
    profile = LampsProfile(
        pins=_named_pins(lamps, LAMPS),
        active="low" if lamps.one_of("active", "high", ("high", "low")) == "low" else "high",
        brightness=lamps.number("brightness", 100, 1, 100),
    )
    lamps.finish()
    return profile


def _ringer(ringer: Section) -> RingerProfile:
    kind = ringer.one_of("kind", "loudspeaker", ("loudspeaker", "piezo", "bell"))
    if kind == "loudspeaker":
        if ringer.sound("kind"):  # else nobody knows what belongs to it
            ringer.finish()
        return RingerProfile()
    bell = kind == "bell"
    pins, wanted = _pins(ringer, "pins", 2), 2 if bell else 1
    if pins and len(pins) != wanted and ringer.sound("pins"):
        ringer.wrong("pins", f"{len(pins)} pins do not fit", f"a {kind} has {wanted}")
    profile = RingerProfile(
        kind="bell" if bell else "piezo",
        pins=pins,
        frequency_hz=ringer.number("frequency_hz", 20, 16, 25) if bell else ringer.number("frequency_hz", 0, 0, 5000),
        volume=ringer.number("volume", 100, 1, 100),
    )
    ringer.finish()
    return profile


_PACKET_MS = 20
# Speech comes and goes in packets of 20 ms, nearly always: as much is played and heard at once, where the card's buffer
# has room for three times that.


def _audio(audio: Section) -> AudioProfile:
    if audio.one_of("port", "alsa", ("alsa", *SIMULATED_PORTS)) != "alsa":
        return _simulated_audio(audio)
    rate_hz = audio.number("rate_hz", 48_000, 8000, 48_000, 8000)
    period_ms = audio.number("period_ms", 10, 5, 20, 5)
    at_once = _PACKET_MS // period_ms
    periods = audio.number("periods", max(4, 3 * at_once), 3, 16)
    profile = AudioProfile(
        port="alsa",
        rate_hz=rate_hz,
        period_samples=rate_hz * period_ms // 1000,
        periods=periods,
        at_once=max(1, min(at_once, periods // 3)),
        hat=audio.one_of("hat", "", ("", *header.HATS)),
        earpiece=_card(audio, "earpiece"),
        microphone=_card(audio, "microphone"),
        speaker=_card(audio, "speaker"),
        ringer=_card(audio, "ringer"),
    )
    if not profile.cards:
        audio.wrong("earpiece", "this telephone can neither speak nor hear", 'write earpiece = { card = "usb" }')
    audio.finish()
    return profile


def _card(audio: Section, key: str) -> CardProfile | None:
    if not audio.has(key):
        return None
    card = audio.section(key)
    name = card.take("card", "") if card.required("card", '"usb"') else "usb"
    if card.sound("card") and not _CARD.fullmatch(name):
        card.wrong("card", f"{name!r} names no card", 'write "usb", "usb:1-1.2", "pcm:DEVICE", or a name from aplay -l')
    channel = card.one_of("channel", "both", ("both", "left", "right"))
    profile = CardProfile(
        card=name,
        channel="left" if channel == "left" else "right" if channel == "right" else "both",
        mixer=_mixer(card.section("mixer")),
    )
    card.finish()
    return profile


def _mixer(mixer: Section) -> tuple[tuple[str, int], ...]:
    return tuple((name, mixer.number(name, 0, 0, 100)) for name, _ in mixer.entries())
