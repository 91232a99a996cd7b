"""The parts of a telephone as a wiring diagram shows them: each with its wires, its supplies, and what to mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hw import header
from hw.boards.claims import Claim, claims_of
from hw.boards.profile import AudioProfile, CardProfile, LampsProfile, MatrixProfile, Profile
from hw.wiring_svg import INK, Svg

COLOURS = {
    "hook switch": "#b5431f",
    "dial": "#7a3fb0",
    "keypad": "#1f6fb5",
    "keys": "#0f8a9d",
    "panel": "#0b7a4b",
    "SPI bus": "#777777",
    "lamps": "#a87900",
    "bell": "#b01f5f",
    "piezo": "#b01f5f",
    "sound card": "#5a4632",
}
WIDTH = 580
ROW = 34
AMPLIFIER = 84
"""An amplifier's height, with its supply."""


@dataclass(frozen=True, slots=True)
class Part:
    """One box of the drawing."""

    title: str
    supplies: tuple[str, ...]
    """Of "GND", "3V3", "5V": what it takes besides its own wires."""
    notes: tuple[str, ...]
    height: int
    """Of its inside, in pixels."""
    inside: Callable[[Svg, int, int], None]
    """Draws it at a place."""
    colour: str = INK

    def draw(self, svg: Svg, x: int, y: int) -> int:
        """Draw the box with its top left corner here; returns where it ends."""
        height = 34 + self.height + 18 * len(self.notes) + 10
        svg.box(x, y, WIDTH, height, stroke=self.colour, radius=8)
        svg.text(x + 14, y + 23, self.title, size=15, weight="bold", fill=self.colour)
        self.inside(svg, x + 14, y + 34)
        for n, note in enumerate(self.notes):
            svg.text(x + 14, y + 34 + self.height + 14 + 18 * n, note, size=12)
        return y + height


def parts_of(profile: Profile) -> list[Part]:
    """Every part that has wires, in the order a person puts them in."""
    by_part: dict[str, list[Claim]] = {}
    for claim in claims_of(profile):
        by_part.setdefault(claim.part, []).append(claim)
    parts = [
        maker(profile, by_part[name]) for name, maker in _MAKERS.items() if name in by_part and name != "sound card"
    ]
    if profile.audio.cards:
        parts.append(_sound(profile, by_part.get("sound card", [])))
    return parts


def wire(claim: Claim) -> str:
    """Where a wire comes from, as "GPIO17 (11)": the number in brackets is the place on the header."""
    return f"GPIO{claim.gpio} ({header.GPIO_PLACES[claim.gpio]})"


def _hook(profile: Profile, claims: list[Claim]) -> Part:
    colour = COLOURS["hook switch"]
    assert profile.hook is not None
    closed_when = "lifted" if profile.hook.normally == "closed" else "in its cradle"

    def inside(svg: Svg, x: int, y: int) -> None:
        _contact(svg, x, y + 24, claims[0], "cradle", colour, closed=False)

    note = f"Closed with the handset {closed_when}. No resistor: the pin pulls up by itself."
    return Part("Hook switch", ("GND",), (note,), 44, inside, colour)


def _contact(svg: Svg, x: int, y: int, claim: Claim, words: str, colour: str, *, closed: bool) -> None:
    """A pin, a switch, ground."""
    svg.text(x, y + 4, wire(claim), fill=colour, weight="bold")
    svg.line(x + 110, y, x + 160, y, colour)
    svg.switch(x + 160, y, colour, closed=closed)
    svg.line(x + 220, y, x + 270, y)
    svg.ground(x + 270, y)
    svg.text(x + 290, y + 4, words)


def _dial(profile: Profile, claims: list[Claim]) -> Part:
    colour = COLOURS["dial"]
    words = {"pulse": "pulses: opens for each", "off-normal": "off-normal: closed while it turns"}

    def inside(svg: Svg, x: int, y: int) -> None:
        for n, claim in enumerate(claims):
            _contact(svg, x, y + 24 + 40 * n, claim, words[claim.wire], colour, closed=claim.wire == "pulse")

    notes = ("Drawn at rest. The two may share their wire to ground.",)
    return Part("Rotary dial", ("GND",), notes, 4 + 40 * len(claims), inside, colour)


def _keypad(profile: Profile, claims: list[Claim]) -> Part:
    matrix = profile.matrix
    assert matrix is not None
    rows, columns = claims[: len(matrix.rows)], claims[len(matrix.rows) :]
    note = "Every key with a diode, its ring towards the row." if matrix.diodes else "Keys only, no diodes."
    height = 40 + 38 * len(rows)
    inside = _grid(matrix, rows, columns)
    return Part("Keypad", (), (note,), height, inside, COLOURS["keypad"])


def _grid(matrix: MatrixProfile, rows: list[Claim], columns: list[Claim]) -> Callable[[Svg, int, int], None]:
    colour = COLOURS["keypad"]
    step = min(104, 460 // len(columns))

    def inside(svg: Svg, x: int, y: int) -> None:
        right, bottom = x + 152 + step * (len(columns) - 1), y + 44 + 38 * (len(rows) - 1)
        for m, claim in enumerate(columns):
            at = x + 96 + step * m
            svg.line(at, y + 20, at, bottom, colour, 1.5)
            svg.text(at + 8, y + 12, wire(claim), size=11, anchor="middle", fill=colour, weight="bold")
        for n, claim in enumerate(rows):
            at = y + 44 + 38 * n
            svg.line(x + 84, at + 14, right, at + 14, colour, 1.5)
            svg.text(x, at + 18, wire(claim), size=11, fill=colour, weight="bold")
            for m, key in enumerate(matrix.keys[n]):
                if key is not None:
                    _key(svg, x + 96 + step * m, at, key, colour)

    return inside


def _key(svg: Svg, x: float, y: float, key: str, colour: str) -> None:
    """A switch that joins the column's wire, at x, with the row's, 14 below."""
    width = max(24, 7 * len(key) + 8)
    middle = x + 12 + width / 2
    svg.line(x, y, x + 12, y, colour, 1.5)
    svg.line(middle, y, middle, y + 14, colour, 1.5)
    svg.circle(x, y, 2.5, fill=colour, stroke=colour)
    svg.circle(middle, y + 14, 2.5, fill=colour, stroke=colour)
    svg.box(x + 12, y - 11, width, 20, stroke=colour)
    svg.text(middle, y + 3, key, size=13 if len(key) == 1 else 11, anchor="middle")


def _keys(profile: Profile, claims: list[Claim]) -> Part:
    colour = COLOURS["keys"]

    def inside(svg: Svg, x: int, y: int) -> None:
        for n, claim in enumerate(claims):
            _contact(svg, x, y + 24 + ROW * n, claim, claim.wire, colour, closed=False)

    return Part("Single keys", ("GND",), (), 10 + ROW * len(claims), inside, colour)


def _panel(profile: Profile, claims: list[Claim]) -> Part:
    colour = COLOURS["panel"]
    display = profile.display
    assert display is not None
    wires = [(wire(claim), claim.wire) for claim in claims]
    wires += [("3V3 (1 or 17)", "VCC"), ("any GND", "GND")]
    width, height = display.size

    def inside(svg: Svg, x: int, y: int) -> None:
        tall = 26 * len(wires)
        svg.box(x + 170, y + 6, 300, tall, fill="#10241b", stroke=colour)
        svg.text(x + 345, y + 6 + tall / 2, f"{width} x {height}", size=18, anchor="middle", fill="#9fe8c2")
        for n, (pin, name) in enumerate(wires):
            at = y + 20 + 26 * n
            svg.text(x, at + 4, pin, fill=colour if pin.startswith("GPIO") else INK, weight="bold")
            svg.line(x + 116, at, x + 170, at, colour if pin.startswith("GPIO") else INK)
            svg.text(x + 180, at + 4, name, size=12, fill="#ffffff")

    where = f"I2C, address 0x{display.address:02x}" if display.bus == "i2c" else f"SPI, device {display.device}"
    mounted = " Mounted upside down." if display.rotate else ""
    note = f"{display.controller.upper()} on {where}.{mounted} Mind: on some, VCC and GND are swapped."
    return Part("Panel", ("3V3", "GND"), (note,), 26 * len(wires) + 12, inside, colour)


def _lamps(profile: Profile, claims: list[Claim]) -> Part:
    colour = COLOURS["lamps"]
    lamps = profile.lamp_pins
    assert lamps is not None

    def inside(svg: Svg, x: int, y: int) -> None:
        for n, claim in enumerate(claims):
            _lamp(svg, x, y + 28 + ROW * n, claim, lamps)

    supply = "GND" if lamps.active == "high" else "3V3"
    return Part("Lamps", (supply,), ("Each with its own resistor.",), 14 + ROW * len(claims), inside, colour)


def _lamp(svg: Svg, x: int, y: int, claim: Claim, lamps: LampsProfile) -> None:
    colour = COLOURS["lamps"]
    high = lamps.active == "high"
    svg.text(x, y + 4, wire(claim), fill=colour, weight="bold")
    svg.line(x + 110, y, x + 130, y, colour)
    svg.resistor(x + 130, y, "330 ohm", colour)
    svg.diode(x + 190, y, colour, backwards=not high)
    svg.line(x + 230, y, x + 270, y)
    if high:
        svg.ground(x + 270, y)
    else:
        svg.text(x + 274, y - 4, "3V3", size=11, fill="#d06a00")
    svg.text(x + 310, y + 4, claim.wire)


def _bell(profile: Profile, claims: list[Claim]) -> Part:
    """A bridge with DRV8871: 6.5 to 45 V, no supply for its logic, inputs that rest low, diodes for the coils."""
    colour = COLOURS["bell"]

    def inside(svg: Svg, x: int, y: int) -> None:
        svg.box(x + 170, y + 4, 130, 158, fill="#fbeef3", stroke=colour)
        svg.text(x + 235, y + 94, "DRV8871 board", size=12, anchor="middle", weight="bold")
        left = [(wire(claim), claim.wire) for claim in claims]
        for at, (pin, name) in zip((y + 22, y + 50, y + 146), [*left, ("any GND", "GND")], strict=True):
            ink = colour if pin.startswith("GPIO") else INK
            svg.text(x, at + 4, pin, fill=ink, weight="bold")
            svg.line(x + 116, at, x + 170, at, ink)
            svg.text(x + 176, at + 4, name, size=11)
        _coils(svg, x + 300, y, colour)
        _bell_supply(svg, x + 300, y + 112)

    notes = (
        f"{profile.ringer.frequency_hz} Hz. VM never comes from the Pi; all three grounds are joined.",
        "Set the supply's voltage before you connect it; switch it on last.",
        "An L298N board is wired otherwise, and burns as it comes: hw/README.md.",
        "Coils' wires away from the header. Never connect a telephone line!",
        *(f"GPIO{claim.gpio} is high at the start: 4.7 kohm from it to ground." for claim in claims if _high(claim)),
    )
    return Part("Bell", ("GND",), notes, 172, inside, colour)


def _high(claim: Claim) -> bool:
    return claim.gpio in header.HIGH_AT_RESET


def _coils(svg: Svg, x: int, y: int, colour: str) -> None:
    """The bridge's outputs, at x, with the coils and the gongs."""
    for name, at, coil in (("OUT1", y + 22, y + 28), ("OUT2", y + 66, y + 60)):
        svg.text(x - 4, at + 4, name, size=11, anchor="end")
        svg.line(x, at, x + 80, at, colour)
        svg.line(x + 80, at, x + 80, coil, colour)
    svg.box(x + 66, y + 28, 28, 32, stroke=colour, radius=0)
    svg.circle(x + 116, y + 44, 14, fill="#f2d98b")
    svg.circle(x + 150, y + 44, 14, fill="#f2d98b")
    svg.text(x + 172, y + 48, "coils and gongs", size=11)


def _bell_supply(svg: Svg, x: int, y: int) -> None:
    """The bridge's own supply, from x, with the capacitor that takes what the coils give back."""
    svg.box(x + 130, y - 14, 126, 62)
    for name, sign, at in (("VM", "+", y), ("GND", "-", y + 34)):
        svg.text(x - 4, at + 4, name, size=11, anchor="end")
        svg.line(x, at, x + 130, at, "#c01818" if sign == "+" else INK)
        svg.text(x + 136, at + 5, sign, size=14, weight="bold")
    svg.line(x + 40, y, x + 40, y + 14)
    svg.line(x + 28, y + 14, x + 52, y + 14, width=3)
    svg.line(x + 28, y + 20, x + 52, y + 20, width=3)
    svg.line(x + 40, y + 20, x + 40, y + 34)
    svg.text(x + 20, y + 15, "+", size=11)
    svg.text(x + 58, y + 21, "100 uF, 63 V", size=10)
    svg.text(x + 154, y + 5, "own supply", size=12, weight="bold")
    svg.text(x + 154, y + 21, "24 to 36 V", size=12)


def _piezo(profile: Profile, claims: list[Claim]) -> Part:
    return _disc(profile.ringer.frequency_hz, claims[0]) if profile.ringer.frequency_hz else _buzzer(claims[0])


def _disc(tone: int, claim: Claim) -> Part:
    """A disc that is knocked gives tens of volts: a Zener diode takes them, a resistor keeps the rest from the pin."""
    colour = COLOURS["piezo"]

    def inside(svg: Svg, x: int, y: int) -> None:
        svg.text(x, y + 28, wire(claim), fill=colour, weight="bold")
        svg.line(x + 110, y + 24, x + 130, y + 24, colour)
        svg.resistor(x + 130, y + 24, "1 kohm", colour)
        svg.line(x + 190, y + 24, x + 320, y + 24, colour)
        svg.circle(x + 230, y + 24, 2.5, fill=colour, stroke=colour)
        svg.zener(x + 230, y + 24, colour)
        svg.ground(x + 230, y + 64)
        svg.text(x + 246, y + 52, "3.6 V", size=11)
        svg.circle(x + 336, y + 24, 16, fill="#f2d98b", stroke=colour)
        svg.line(x + 352, y + 24, x + 390, y + 24)
        svg.ground(x + 390, y + 24)
        svg.text(x + 410, y + 28, "disc")

    notes = (
        f"A disc without electronics, driven at {tone} Hz. The ring of the Zener diode is",
        "at the resistor. Both are needed: a knocked disc gives tens of volts.",
    )
    return Part("Piezo ringer", ("GND",), notes, 86, inside, colour)


def _buzzer(claim: Claim) -> Part:
    colour = COLOURS["piezo"]

    def inside(svg: Svg, x: int, y: int) -> None:
        svg.text(x, y + 28, wire(claim), fill=colour, weight="bold")
        svg.line(x + 110, y + 24, x + 180, y + 24, colour)
        svg.circle(x + 196, y + 24, 16, fill="#f2d98b", stroke=colour)
        svg.line(x + 212, y + 24, x + 270, y + 24)
        svg.ground(x + 270, y + 24)

    note = "A piezo buzzer with its own tone, 3.3 V, 16 mA at most; no magnetic one. Its + to the pin."
    return Part("Piezo ringer", ("GND",), (note,), 50, inside, colour)


def _sound(profile: Profile, claims: list[Claim]) -> Part:
    """A box for each card, with the ends that are on it."""
    colour = COLOURS["sound card"]
    audio = profile.audio
    cards: dict[str, list[tuple[str, CardProfile]]] = {}
    for name, card in audio.ends:
        cards.setdefault(card.card, []).append((_end_words(name, audio), card))

    powered = sum("amplifier" in words for ends in cards.values() for words, _ in ends)

    def inside(svg: Svg, x: int, y: int) -> None:
        for name, ends in cards.items():
            tall = 30 * len(ends)
            svg.box(x + 30, y + 4, 150, tall, fill="#f3ece4", stroke=colour)
            svg.text(x + 105, y + 8 + tall / 2, _card_words(name, audio.hat), anchor="middle", weight="bold")
            for n, (words, card) in enumerate(ends):
                at = y + 18 + 30 * n
                svg.line(x + 180, at, x + 236, at, colour)
                svg.text(x + 244, at + 4, f"{words}{_channel(card)}")
            y += tall + 8
        if powered:
            _amplifier_supply(svg, x, y)

    notes = tuple(f"Takes {', '.join(wire(claim) for claim in claims[n : n + 4])}." for n in range(0, len(claims), 4))
    height = 30 * len(audio.ends) + 8 * len(cards) + 2 + (AMPLIFIER if powered else 0)
    if not notes and set(cards) == {"usb"}:
        notes = ("In any USB socket of the Pi.",)
    if audio.microphone is not None and not audio.hat:
        notes += ("Microphone: an electret capsule, + to the plug's tip, can to its sleeve.",)
    if audio.earpiece is not None and not audio.hat:
        notes += ("Earpiece: between its channel (tip: left, ring: right) and the plug's sleeve.",)
    if powered:
        notes += ("Amplifier: its input from the plug's tip or ring alone, not its sleeve.",)
    return Part("Sound", ("5V", "GND") if powered else (), notes, height, inside, colour)


def _amplifier_supply(svg: Svg, x: int, y: int) -> None:
    """The amplifier's wires but for its sound."""
    colour = COLOURS["sound card"]
    svg.box(x + 170, y + 10, 130, 68, fill="#f3ece4", stroke=colour)
    svg.text(x + 292, y + 48, "PAM8403", size=12, anchor="end", weight="bold")
    wires = (("5V (2 or 4)", "5V", "#c01818"), ("any GND", "GND", INK))
    for at, (pin, name, ink) in zip((y + 28, y + 60), wires, strict=True):
        svg.text(x, at + 4, pin, fill=ink, weight="bold")
        svg.line(x + 116, at, x + 170, at, ink)
        svg.text(x + 176, at + 4, name, size=11)
    for at, words in ((y + 28, "loudspeaker +"), (y + 60, "loudspeaker -, never to ground")):
        svg.line(x + 300, at, x + 336, at, colour)
        svg.text(x + 344, at + 4, words, size=12)


def _end_words(name: str, audio: AudioProfile) -> str:
    """What hangs on an end; a loudspeaker wants an amplifier, but for boards on the header, which have their own."""
    if name in ("earpiece", "microphone"):
        return name
    words = "loudspeaker" if audio.hat else "amplifier and loudspeaker"
    return f"{words}: the ring" if name == "ringer" else words


def _card_words(card: str, hat: str) -> str:
    if card == "usb":
        return "USB sound"
    if card.startswith("usb:"):
        return f"USB, socket {card[4:]}"
    return card[4:] if card.startswith("pcm:") else hat.upper() or card


def _channel(card: CardProfile) -> str:
    return "" if card.channel == "both" else f" ({card.channel} channel)"


_MAKERS: dict[str, Callable[[Profile, list[Claim]], Part]] = {
    "hook switch": _hook,
    "dial": _dial,
    "keypad": _keypad,
    "keys": _keys,
    "panel": _panel,
    "lamps": _lamps,
    "bell": _bell,
    "piezo": _piezo,
    "sound card": _sound,
}
