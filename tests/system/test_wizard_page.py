"""The wiring wizard in a real browser: buttons clicked on the page, keys pressed at wired mock pins."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.wire.command import Machine, main
from hw.boards import load_board
from tests.support.browser import chromium, driver
from tests.support.hands import WiredHands
from tests.support.panel_bus import PanelBus
from tests.support.programs import free_port, wait_until
from tests.support.wiring import GROUND, Wiring

__all__ = ["driver"]

TELEPHONE = """
name = "Found"
driver = "pi"
[hook]
pin = 17
[matrix]
rows = [5, 6]
columns = [12, 16]
keys = [["1", "2"], ["3", "hold"]]
[lamps]
pins = { message = 23 }
[audio.earpiece]
card = "usb"
"""
PLACES = {"1": (5, 12), "2": (5, 16), "3": (6, 12), "hold": (6, 16)}


class Running:
    """`offhook wire --listen`, in a thread: its pins are wired in this very process."""

    def __init__(self, folder: Path) -> None:
        folder.joinpath("telephone.toml").write_text(TELEPHONE)
        self.telephone = load_board(str(folder / "telephone.toml"))
        self.wiring = Wiring(time.monotonic)
        self.hands = WiredHands(self.telephone, self.wiring)
        self.file = folder / "mine.toml"
        self.port = free_port()
        self.code: int | None = None
        read, write = os.pipe()
        os.close(write)  # no keyboard: the page is all there is
        self.stdin = os.fdopen(read)
        self.machine = Machine(
            root=folder / "root",
            open_factory=lambda chip: self.wiring.factory,
            lines=lambda chip: {25: "the kernel"},
            answers=lambda port, address: False,
            open_bus=lambda display, factory: PanelBus(),
            controls=lambda device: (),
            keyboard=self.stdin,
        )
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        arguments = [str(self.file), "--name", "Found", "--listen", f"127.0.0.1:{self.port}", "--panel", "ssd1306"]
        self.code = main(arguments, self.machine)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    it = Running(tmp_path)
    yield it
    it.thread.join(10)
    it.stdin.close()


class Page:
    """What somebody does and sees there."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def asks(self, words: str) -> None:
        self.page.wait_for_function(
            "words => document.getElementById('question').textContent.includes(words)", arg=words, timeout=20_000
        )

    def click(self, choice: str) -> None:
        self.page.locator(f'[data-choice="{choice}"]').click()

    def said(self) -> str:
        return self.page.locator("#said").inner_text()

    def drawn(self) -> str:
        """The drawing's text, as it was loaded last."""
        src = self.page.locator("#drawing").get_attribute("src")
        return str(self.page.evaluate("src => fetch(src).then(it => it.text())", src))


def press(running: Running, page: Page, key: str) -> None:
    running.wiring.join(*PLACES[key])
    page.asks("Let go.")
    running.wiring.part(*PLACES[key])


def test_a_telephone_is_wired_on_the_page(running: Running, tmp_path: Path, driver: Any) -> None:
    shots = os.environ.get("WIZARD_SHOTS")
    with chromium(driver, tmp_path / "browser", microphone=False) as visit:
        wait_until(lambda: running.wiring.pins, why="the pins are watched")
        page = Page(visit_when_up(visit, f"http://127.0.0.1:{running.port}/"))
        page.asks("Put the handset in its cradle")
        page.click("ready")
        page.asks("Lift the handset")
        running.hands.lift()
        page.asks("Put the handset back")
        running.hands.replace()
        page.asks("How are numbers dialled?")
        assert "The hook switch is GPIO17, closed while the handset is up." in page.said()
        assert "hook switch: contact" in page.drawn()
        shoot(page, shots, "kind")
        page.click("keys")
        for key in ("1", "2", "3"):
            page.asks(f"Press {key}")
            press(running, page, key)
        page.asks("Press 4")
        assert page.page.locator("#count").inner_text() == "Keys 4 of 12"
        assert "keypad: row 2" in page.drawn()
        page.click("back")
        page.asks("Press 3")
        assert "keypad: row 2" not in page.drawn()
        page.click("again")
        press(running, page, "3")
        page.asks("Press 4")
        shoot(page, shots, "keys")
        page.click("skip")
        page.asks("Press 5")
        page.click("done")
        page.asks("that shall be hold")
        press(running, page, "hold")
        page.asks("that shall be transfer")
        page.click("done")

        page.asks("On which GPIO is the lamp message")
        for typed, refused in (("5", "GPIO5 is the keypad already."), ("2", "GPIO2 is not free"), ("25", "the kernel")):
            page.page.locator("#entered").fill(typed)
            page.page.locator("#typed button").click()
            page.page.wait_for_function(
                "words => document.getElementById('said').textContent.includes(words)", arg=refused, timeout=20_000
            )
        # To look for joined pins each is low for some microseconds; none is ever high.
        assert not any(pin.driven for pin in running.wiring.pins.values())
        page.page.locator("#entered").fill("23")
        page.page.keyboard.press("Enter")
        page.asks("Does the lamp blink?")
        wait_until(lambda: running.wiring.pins[23].driven == 1.0, why="it is lit")
        wait_until(lambda: running.wiring.pins[23].driven == 0.0, why="it is dark")
        shoot(page, shots, "lamp")
        page.click("yes")
        page.asks("Is the lamp lit?")
        page.click("yes")
        page.asks("the lamp mute")
        page.click("done")
        page.asks("What rings?")
        page.click("loudspeaker")
        page.asks("No sound card is here now")
        page.click("on")
        page.asks("Write the profile to")
        with page.page.expect_download() as download:
            page.page.locator("#download").click()
        downloaded = Path(download.value.path()).read_text()
        shoot(page, shots, "save")
        page.click("write")
        page.asks("Written to")
        shoot(page, shots, "written")

    running.thread.join(10)
    assert running.code == 0
    assert running.file.read_text() == downloaded
    found = load_board(str(running.file))
    assert found.matrix == running.telephone.matrix
    assert found.lamp_pins == running.telephone.lamp_pins
    assert found.hook is not None
    assert (found.hook.pin, found.hook.normally) == (17, "closed")


def test_two_windows_and_a_quitter(running: Running, tmp_path: Path, driver: Any) -> None:
    with chromium(driver, tmp_path / "browser", microphone=False, size=(390, 844)) as visit:
        wait_until(lambda: running.wiring.pins, why="the pins are watched")
        url = f"http://127.0.0.1:{running.port}/"
        one, other = Page(visit_when_up(visit, url)), Page(visit(url))
        one.asks("Put the handset in its cradle")
        running.wiring.join(9, GROUND)
        one.click("ready")
        other.asks("Lift the handset")
        assert "At rest GPIO9 is connected to ground." in other.said()
        assert other.page.evaluate("document.documentElement.scrollWidth") <= 390
        shoot(other, os.environ.get("WIZARD_SHOTS"), "phone")
        other.click("quit")
        one.asks("Really quit?")
        one.click("yes")
        other.asks("Nothing was written.")
        one.asks("Nothing was written.")

    running.thread.join(10)
    assert running.code == 1
    assert not running.file.exists()


def visit_when_up(visit: Any, url: str) -> Any:
    """The page, as soon as it is served."""
    import urllib.error
    import urllib.request

    def is_up() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    wait_until(is_up, why="the page is served")
    return visit(url)


def shoot(page: Page, folder: str | None, name: str) -> None:
    """A picture for somebody who wants to look, where WIZARD_SHOTS names a folder."""
    if folder:
        page.page.wait_for_timeout(300)
        page.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
