"""Panels: what each controller is sent, octet by octet, from a recording; care, faults, no panel at all."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hw import DeviceError
from hw.boards.profile import Controller, DisplayProfile
from hw.boards.reading import SIZES
from hw.panel_care import SHIFT_S, Look, PanelCare
from hw.pi.panel import FRESHEN_S, Panel, open_bus, pages_of
from tests.support.panel_bus import PanelBus
from tests.support.panel_memory import PanelMemory
from tests.support.wiring import Wiring

GOLDEN = Path(__file__).parent / "vectors" / "panels"
CONTROLLERS = get_args(Controller)


class Clock:
    """A clock to set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def panel_on(bus: PanelBus, clock: Clock | None = None, **profile: object) -> Panel:
    display = DisplayProfile(**profile)  # type: ignore[arg-type]
    return Panel(display, lambda: bus, lambda: None, clock=clock or Clock())


def picture(size: tuple[int, int], *dots: tuple[int, int]) -> bytes:
    image = Image.new("1", size)
    for dot in dots:
        image.putpixel(dot, 1)
    return image.tobytes()


def scene(size: tuple[int, int]) -> bytes:
    """A frame and a diagonal: tells every orientation from every other."""
    image = Image.new("1", size)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=1)
    draw.line((0, 0, size[1] - 1, size[1] - 1), fill=1)
    draw.rectangle((size[0] - 12, 4, size[0] - 8, 6), fill=1)
    return image.tobytes()


def session(controller: Controller) -> list[tuple[str, list[str]]]:
    """A panel's life: what was sent in each step of it."""
    size = SIZES[controller][0]
    bus, clock = PanelBus(), Clock()
    wiring = {"controller": controller, "size": size, "bus": "spi" if controller == "ssd1322" else "i2c"}
    panel = Panel(
        DisplayProfile(**wiring, dim_after_s=60, off_after_s=120),  # type: ignore[arg-type]
        lambda: bus,
        lambda: None,
        clock=clock,
    )
    changed = Image.frombytes("1", size, scene(size))
    changed.putpixel((40, 20), 1)
    steps: list[tuple[str, list[str]]] = []
    for name, seconds, pixels in (
        ("start", 0, None),
        ("a picture", 0, scene(size)),
        ("one dot more", 0, changed.tobytes()),
        ("nothing new", 0, changed.tobytes()),
        ("dimmed", 61, None),
        ("dark", 61, None),
    ):
        clock.now += seconds
        if pixels is not None:
            panel.show(pixels)
        panel.run(clock.now)
        steps.append((name, bus.take()))
    panel.use()
    panel.run(clock.now)
    steps.append(("in use again", bus.take()))
    panel.close()
    return [*steps, ("closed", bus.take())]


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_controller_is_sent_its_recording(controller: Controller) -> None:
    sent = [line for name, lines in session(controller) for line in (f"# {name}", *lines)]

    assert sent == (GOLDEN / f"{controller}.txt").read_text().splitlines()


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_by_its_data_sheet_a_controller_shows_the_picture(controller: Controller) -> None:
    size = SIZES[controller][0]
    memory = PanelMemory(controller, size)
    shown = []
    for _, lines in session(controller):
        memory.feed(lines)
        shown.append(memory.image.tobytes())

    whole, more = Image.frombytes("1", size, scene(size)), Image.frombytes("1", size, scene(size))
    more.putpixel((40, 20), 1)
    assert shown[0] == bytes(len(shown[0]))
    assert shown[1] == whole.tobytes()
    assert set(shown[2:]) == {more.tobytes()}


@pytest.mark.parametrize("controller", ["ssd1306", "sh1106"])
def test_a_small_change_costs_a_few_octets(controller: Controller) -> None:
    bus = PanelBus()
    panel = panel_on(bus, controller=controller)
    panel.run(100.0)
    bus.take()

    panel.show(picture((128, 64), (3, 0), (5, 0)))
    panel.run(101.0)

    assert bus.take()[-1] == "d 01 00 01"


def test_a_panel_mounted_upside_down_is_sent_the_picture_turned() -> None:
    bus = PanelBus()
    panel = panel_on(bus, rotate=180)
    panel.run(100.0)
    bus.take()

    panel.show(picture((128, 64), (0, 0)))
    panel.run(101.0)

    assert bus.take() == ["c 21 7f 7f 22 07 07", "d 80"]


def test_an_sh1106_shows_columns_from_2_to_129_of_its_memory() -> None:
    bus = PanelBus()
    panel = panel_on(bus, controller="sh1106")
    panel.run(100.0)
    bus.take()

    panel.show(picture((128, 64), (127, 63)))
    panel.run(101.0)

    assert bus.take() == ["c b7 01 18", "d 80"]


def test_of_pictures_shown_faster_than_sent_the_last_one_stays() -> None:
    bus = PanelBus()
    panel = panel_on(bus)
    panel.run(100.0)
    bus.take()

    for column in range(10):
        panel.show(picture((128, 64), (column, 0)))
    panel.run(101.0)

    assert bus.take() == ["c 21 09 09 22 00 00", "d 01"]


def test_after_a_fault_of_the_bus_the_panel_is_started_anew_and_sent_everything() -> None:
    bus = PanelBus()
    panel = panel_on(bus)
    panel.show(scene((128, 64)))
    panel.run(100.0)
    first = bus.take()
    bus.answers = False
    panel.show(picture((128, 64)))
    with pytest.raises(DeviceError, match=r"ssd1306 panel on I2C bus 1, address 0x3c: .*Remote I/O error"):
        panel.run(101.0)
    bus.take()

    bus.answers = True
    panel.show(scene((128, 64)))
    panel.run(102.0)

    assert bus.take() == first
    assert bus.closed == 1


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_panel_that_lost_its_power_unnoticed_shows_the_picture_a_minute_later(controller: Controller) -> None:
    """On SPI nobody ever answers; on I2C the power may be back before the next write."""
    size = SIZES[controller][0]
    bus = PanelBus()
    panel = panel_on(bus, controller=controller, size=size, dim_after_s=0)
    panel.show(scene(size))
    panel.run(100.0)
    start = bus.take()

    assert panel.run(101.0) == 100.0 + FRESHEN_S
    lost = PanelMemory(controller, size)
    assert bus.take() == []
    panel.run(100.0 + FRESHEN_S)

    sent = bus.take()
    lost.feed(sent)
    assert lost.image.tobytes() == scene(size)
    # As at the start it is set and, last of all, switched on; but it is neither darkened nor cleared meanwhile.
    assert sent[-1] == "c af"
    assert not any(line == "c a4" or line.startswith("c ae") for line in sent)
    contrast = next(n for n, line in enumerate(start) if line.startswith(("c 81", "c c1")))
    settings = [line.replace("c ae ", "c ") for line in start[:contrast] if line not in ("c e3", "c a4")]
    assert sent[: len(settings)] == settings
    assert sent[len(settings)].startswith(("c 81 ff", "c c1"))


def test_a_dark_panel_is_left_alone_and_sent_everything_when_it_shines_again() -> None:
    bus, clock = PanelBus(), Clock()
    panel = panel_on(bus, clock, dim_after_s=0, off_after_s=30)
    panel.show(scene((128, 64)))
    panel.run(clock.now)
    clock.now += 30
    assert panel.run(clock.now) is None
    bus.take()

    clock.now += 3600
    assert panel.run(clock.now) is None
    assert bus.take() == []
    panel.use()
    panel.run(clock.now)

    memory, sent = PanelMemory("ssd1306", (128, 64)), bus.take()
    memory.feed(sent)
    assert memory.image.tobytes() == scene((128, 64))
    assert sent[-1] == "c af"


def test_a_panel_that_is_not_there_is_a_fault_of_every_attempt_and_leaves_nothing_open() -> None:
    bus = PanelBus()
    bus.answers = False
    panel = panel_on(bus)

    for attempt in range(3):
        with pytest.raises(DeviceError):
            panel.run(100.0 + attempt)

    assert bus.closed == 3
    panel.close()


def test_a_bus_that_is_not_there_is_named() -> None:
    profile = DisplayProfile(port=27)
    panel = Panel(profile, lambda: open_bus(profile, Wiring().factory), lambda: None)

    with pytest.raises(DeviceError, match="I2C bus 27"):
        panel.run(0.0)


def test_the_reset_line_is_pulsed_before_the_panel_is_opened() -> None:
    wiring = Wiring()
    profile = DisplayProfile(port=27, reset=22)
    levels = []

    with pytest.raises(Exception, match="not found"):
        open_bus(profile, wiring.factory, lambda seconds: levels.append(wiring.pins[22].state))

    assert levels == [0, 1]


@given(st.binary(min_size=1024, max_size=1024))
def test_pages_hold_each_pixel_where_the_controllers_have_it(pixels: bytes) -> None:
    image = Image.frombytes("1", (128, 64), pixels)
    pages = pages_of(image)

    for x, y in ((0, 0), (127, 0), (0, 63), (127, 63), (5, 7), (5, 8), (64, 33)):
        assert bool(image.getpixel((x, y))) == bool(pages[y // 8][x] >> y % 8 & 1)


def test_the_wrong_size_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="1024 octets"):
        panel_on(PanelBus()).show(bytes(1000))


# --- care ---


def test_a_panel_is_bright_in_use_then_dim_then_dark() -> None:
    care = PanelCare(contrast=200, dim_after=60, off_after=600)
    care.use(10.0)

    assert care.look(69.9) == Look(200, True, (0, 0))
    assert care.next_change(10.0) == 70.0
    assert care.look(70.0) == Look(1, True, (0, 0))
    assert care.look(610.0).visible is False
    assert care.next_change(610.0) == float("inf")


def test_a_dimmed_picture_moves_round_a_square() -> None:
    care = PanelCare(contrast=200, dim_after=60, off_after=0)
    places, now = [], 60.0
    for _ in range(5):
        places.append(care.look(now).shift)
        now = care.next_change(now)

    assert places == [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    assert now == 60.0 + 5 * SHIFT_S


def test_a_panel_that_is_never_dimmed_never_changes() -> None:
    care = PanelCare(contrast=200, dim_after=0, off_after=0)

    assert care.look(1e9) == Look(200, True, (0, 0))
    assert care.next_change(1e9) == float("inf")


def test_a_new_screen_lights_the_panel_and_the_clocks_minute_does_not() -> None:
    bus, clock = PanelBus(), Clock()
    panel = panel_on(bus, clock)
    panel.run(clock.now)
    clock.now += 100
    panel.run(clock.now)
    assert "c 81 01" in bus.take()

    panel.show(picture((128, 64), (60, 30)))
    panel.run(clock.now)
    assert "c 81 ff" not in bus.take()

    panel.show(b"\x55" * 1024)
    panel.run(clock.now)
    assert "c 81 ff" in bus.take()
