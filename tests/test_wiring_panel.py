"""The wizard on the telephone's own panel: every question drawn, and panels told apart by how a frame sits."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from PIL import Image, ImageChops

from firmware.screen.instruction import frame, instruction
from firmware.wire.views import picture
from hw.boards import load_board, parse_board
from hw.boards.profile import DisplayProfile
from hw.pi.panel import Panel
from hw.pi.wiring_panel import PanelView
from hw.pi.worker import Worker
from hw.wizard.prompts import SECTIONS
from tests.support.glass import Glass
from tests.support.maker import Maker

SIZES = [(128, 64), (128, 32), (128, 128), (256, 64)]


class PromptPanel:
    """The real driver, which sends at once."""

    def __init__(self, display: DisplayProfile, glass: Glass) -> None:
        self._panel = Panel(display, lambda: glass, lambda: None, clock=lambda: 0.0)

    def run(self, now: float) -> float | None:
        return None

    def show(self, pixels: bytes) -> None:
        self._panel.show(pixels)
        self._panel.run(0.0)

    def use(self) -> None:
        self._panel.use()

    def close(self) -> None:
        self._panel.close()


class Looking(Maker):
    """Looks at the glass, and says how the frame sits."""

    def __init__(self, glass: Glass, **situation: Any) -> None:
        self.glass = glass
        self.shown: list[DisplayProfile] = []
        view = PanelView(picture, self._open)
        self.pictures: list[tuple[str, bytes]] = []
        super().__init__(load_board("handset"), panel=view, **situation)

    def _open(self, display: DisplayProfile, worker: Worker) -> PromptPanel:
        self.shown.append(display)
        return PromptPanel(display, self.glass)

    def obey(self, prompt: Any) -> None:
        seen = self.glass.seen
        self.pictures.append((prompt.short, seen.tobytes()))
        if prompt.section == "Panel":
            self.type(self._judge(seen))
        else:
            super().obey(prompt)

    def _judge(self, seen: Image.Image) -> str:
        display = self.state.draft.display
        assert display is not None
        whole = Image.frombytes("1", display.size, frame(display.controller.upper(), display.size).pixels)
        for words, meant in (
            ("right", whole),
            ("turned", whole.rotate(180)),
            ("shifted", ImageChops.offset(whole, 2, 0)),
        ):
            # All but the columns that fell off, which come in on the other side, a page lower.
            if (
                seen.size == meant.size
                and seen.crop((4, 0, 128, 64)).tobytes() == meant.crop((4, 0, 128, 64)).tobytes()
            ):
                return words
        return "nothing"


@pytest.mark.parametrize("controller", ["ssd1306", "sh1106"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_panel_is_told_by_how_the_frame_sits(controller: Literal["ssd1306", "sh1106"], turned: bool) -> None:
    maker = Looking(Glass(controller, turned=turned), panels=(0x3D,))
    maker.instead["Lift"] = lambda: (maker.type("q"), maker.type("y"))  # type: ignore[func-returns-value]

    maker.follow()

    display = maker.state.draft.display
    assert display is not None
    assert (display.controller, display.address, display.rotate) == (controller, 0x3D, 180 if turned else 0)
    assert f"The panel is an {controller.upper()} at 0x3D." in maker.said


def test_a_panel_that_shows_nothing_is_tried_otherwise_and_then_left_out() -> None:
    maker = Looking(Glass("ssd1306"), panels=(0x3C, 0x3D))
    maker._judge = lambda seen: "nothing"  # type: ignore[method-assign]

    maker.follow()

    tried = [(display.controller, display.address) for display in maker.shown]
    assert tried == [(one, at) for at in (0x3C, 0x3D) for one in ("sh1106", "ssd1306", "ssd1327")]
    assert parse_board(maker.state.profile).display is None
    assert "None of the panels that Offhook knows, then." in maker.said


def test_a_panel_of_half_the_height_is_found() -> None:
    maker = Looking(Glass("ssd1306"), panels=(0x3C,))
    answers = iter(["shifted", "half", "right"])
    maker._judge = lambda seen: next(answers)  # type: ignore[method-assign]

    maker.follow()

    display = parse_board(maker.state.profile).display
    assert display is not None
    assert (display.controller, display.size) == ("ssd1306", (128, 32))


def test_the_panel_shows_what_is_asked_as_it_is_asked() -> None:
    display = DisplayProfile()
    maker = Looking(Glass("ssd1306"), display=display)

    assert maker.follow()

    shown = dict(maker.pictures)
    assert parse_board(maker.state.profile).display == display
    assert shown["Press 1"] == instruction("Keys", "Press 1", maker_note(maker, "Press 1"), 0, 12).pixels
    assert len({seen for _, seen in maker.pictures}) > 25
    assert maker.shown == [display]


def maker_note(maker: Looking, short: str) -> str:
    """The last sentence before a question."""
    assert short == "Press 1"
    return next(words for words in maker.session.state.said if words.startswith("It chatters"))


# --- the pictures ---


@pytest.mark.parametrize("size", SIZES)
def test_every_instruction_has_room_on_every_panel(size: tuple[int, int]) -> None:
    maker = Maker(load_board("handset"), panels=())
    maker.follow()
    dial = Maker(load_board("rotary"))
    dial.follow()

    for prompt in (*maker.prompts, *dial.prompts):
        drawn = instruction(prompt.section, prompt.short, "", prompt.done, prompt.of, size)
        words = " ".join(" ".join(drawn.lines).split())
        assert prompt.short in words, (size, drawn.lines)
        assert len(drawn.pixels) == size[0] * size[1] // 8


def test_a_step_s_place_is_counted_and_its_finding_told() -> None:
    drawn = instruction("Keys", "Press 5", "4 is GPIO6.", 4, 12)

    assert drawn.lines == ("Keys  5/12", "Press 5", "4 is GPIO6.")


@pytest.mark.parametrize("size", SIZES)
def test_the_frame_touches_every_edge(size: tuple[int, int]) -> None:
    image = Image.frombytes("1", size, frame("SH1106", size).pixels)
    width, height = size

    for edge in ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height)):
        assert image.crop(edge).getextrema() == (255, 255)
    assert ImageChops.difference(image, image.rotate(180)).getbbox() is not None


def test_a_section_s_name_is_a_short_one() -> None:
    assert all(len(name) < 10 for name in SECTIONS)
