"""The picture of the panels in README.md: `python -m tests.support.gallery` (or `make pictures`) draws it anew.

Each screen is sent through its own driver and drawn where the data sheet puts those octets (`PanelMemory`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from firmware.screen.lettering import font
from firmware.screen.screen import render
from hw.boards.profile import Controller, DisplayProfile
from hw.pi.panel import Panel
from tests.support.panel_bus import PanelBus
from tests.support.panel_memory import PanelMemory
from tests.support.panel_scenes import NOW, SCENES, WALL

FILE = Path(__file__).parents[2] / "hw" / "panels.png"
SCALE = 2
EDGE = 14
"""Of the bezel around the picture, in pixels of the file; as much lies between two panels."""
CAPTION = 20
COLUMN = SCALE * 128 + 2 * EDGE

Colour = tuple[int, int, int, int]
CLEAR: Colour = (0, 0, 0, 0)
BEZEL: Colour = (30, 33, 38, 255)
RIM: Colour = (78, 84, 94, 255)
GLASS: Colour = (4, 6, 9, 255)
NAME: Colour = (176, 184, 196, 255)

WHITE: Colour = (214, 234, 255, 255)
BLUE: Colour = (84, 190, 255, 255)
YELLOW: Colour = (255, 214, 64, 255)
GREEN: Colour = (120, 255, 150, 255)
GREY: Colour = (190, 208, 190, 255)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One panel on the wall."""

    place: tuple[int, int]
    """Column, and pixels from the top."""
    controller: Controller
    size: tuple[int, int]
    scene: str
    colour: Colour
    top: Colour | None = None
    """Of the uppermost 16 rows, where they are made in another colour."""
    columns: int = 1


WALL_SIZE = (3 * COLUMN + 2 * EDGE, 494)
EXHIBITS = (
    Exhibit((0, 0), "ssd1306", (128, 64), "ringing-in", BLUE, top=YELLOW),
    Exhibit((1, 0), "sh1106", (128, 64), "idle", WHITE),
    Exhibit((2, 0), "ssd1309", (128, 64), "talking-knock", GREEN),
    Exhibit((0, 190), "ssd1322", (256, 64), "talking-two", YELLOW, columns=2),
    Exhibit((0, 382), "ssd1306", (128, 32), "dialling", WHITE),
    Exhibit((1, 382), "ssd1306", (128, 32), "ended", BLUE),
    Exhibit((2, 190), "ssd1327", (128, 128), "menu", GREY),
)


def held_by(controller: Controller, size: tuple[int, int], scene: str) -> Image.Image:
    """What a panel shows of a scene: one bit a pixel."""
    bus, memory = PanelBus(), PanelMemory(controller, size)
    profile = DisplayProfile(size=size, controller=controller, bus="spi" if controller == "ssd1322" else "i2c")
    panel = Panel(profile, lambda: bus, lambda: None, clock=lambda: NOW)
    panel.show(render(SCENES[scene], WALL, NOW, size).pixels)
    panel.run(NOW)
    memory.feed(bus.take())
    return memory.image


def coloured(exhibit: Exhibit) -> Image.Image:
    """A panel's picture in its colours, scaled."""
    shown = held_by(exhibit.controller, exhibit.size, exhibit.scene)
    width, height = shown.size
    lit = Image.new("RGBA", shown.size, exhibit.colour)
    if exhibit.top is not None:
        lit.paste(exhibit.top, (0, 0, width, 16))
    glass = Image.composite(lit, Image.new("RGBA", shown.size, GLASS), shown.convert("L"))
    return glass.resize((SCALE * width, SCALE * height), Image.Resampling.NEAREST)


def framed(exhibit: Exhibit) -> Image.Image:
    """A panel in its bezel, with its controller's name below."""
    glass = coloured(exhibit)
    width = exhibit.columns * COLUMN + (exhibit.columns - 1) * EDGE
    whole = Image.new("RGBA", (width, glass.height + 2 * EDGE + CAPTION), CLEAR)
    left = (width - glass.width) // 2
    draw = ImageDraw.Draw(whole)
    draw.fontmode = "1"
    draw.rounded_rectangle((0, 0, width - 1, whole.height - 1), radius=8, fill=BEZEL, outline=RIM)
    draw.rectangle((left - 5, EDGE - 5, left + glass.width + 4, EDGE + glass.height + 4), fill=GLASS)
    whole.paste(glass, (left, EDGE))
    label = f"{exhibit.controller.upper()}  {exhibit.size[0]} x {exhibit.size[1]}"
    draw.text((left, EDGE + glass.height + 10), label, fill=NAME, font=font("name"))
    return whole


def gallery() -> Image.Image:
    """All of them, in at most 256 colours."""
    wall = Image.new("RGBA", WALL_SIZE, CLEAR)
    for exhibit in EXHIBITS:
        column, top = exhibit.place
        wall.paste(framed(exhibit), (column * (COLUMN + EDGE), top))
    return wall.quantize(dither=Image.Dither.NONE)


def main() -> None:
    gallery().save(FILE, optimize=True)


if __name__ == "__main__":
    main()
