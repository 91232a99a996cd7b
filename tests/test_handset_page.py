"""The page in a real browser: a telephone is lifted, its keys are held, and sound goes both ways.

Debian's chromium, headless, with its own fake microphone.
"""

from __future__ import annotations

import array
import asyncio
import math
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import playwright.async_api as playwright
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hw import LampState
from hw.lamp_rhythm import step_at
from hw.sim import SimBoard
from hw.sim.browser.routes import page_routes, sim_routes

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
"""Where there is none the tests fail: a skipped one proves nothing."""

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"),
]
Household = dict[str, SimBoard]
Visit = Callable[["playwright.Page", Household], Awaitable[None]]


async def sing(boards: Household) -> None:
    """The port's clock: 440 Hz in 1001's ear, and in every other's what 1001's microphone hears."""
    loop = asyncio.get_running_loop()
    tone = array.array("h", (round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000))).tobytes()
    silence, spoken = bytes(320), bytes(320)
    started, periods = loop.time(), 0
    while True:
        at = periods % 50 * 320
        for user, board in boards.items():
            heard = board.audio.exchange(tone[at : at + 320] if user == "1001" else spoken, silence)
            spoken = heard if user == "1001" else spoken
        periods += 1
        await asyncio.sleep(started + periods * 0.02 - loop.time())


@asynccontextmanager
async def household(size: int) -> AsyncIterator[tuple[str, Household]]:
    users = [("1001", "Hall"), ("1002", "Kitchen"), *((str(1000 + n), f"Room {n}") for n in range(3, 9))][:size]
    boards = {user: SimBoard(name) for user, name in users}
    app = web.Application()
    app.add_routes(page_routes(users))
    for user, board in boards.items():
        phone = web.Application()
        phone.add_routes(sim_routes(board))
        app.add_subapp(f"/phones/{user}/", phone)
    async with TestServer(app) as server:
        singing = asyncio.create_task(sing(boards))
        yield str(server.make_url("/")), boards
        singing.cancel()
        for board in boards.values():
            board.close()


def visit(
    test: Visit,
    folder: Path,
    *,
    microphone: bool = True,
    strict: bool = False,
    size: int = 2,
    path: str = "?microphone=raw",
) -> None:
    """Open the page in a new browser and let `test` use it; any script error fails the test."""
    flags = [*FLAGS, "--use-fake-ui-for-media-stream"] if microphone else [*FLAGS, "--deny-permission-prompts"]

    async def run() -> None:
        faults: list[str] = []
        async with household(size) as (url, boards), playwright.async_playwright() as driver:
            browser = await driver.chromium.launch_persistent_context(
                folder,
                executable_path=CHROMIUM,
                args=flags,
                viewport={"width": 1280, "height": 800},
                bypass_csp=not strict,  # waiting for a script to come true needs eval, which the page's policy forbids
            )
            page = await browser.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            await page.goto(url + path)
            await test(page, boards)
            await browser.close()
        assert faults == []

    asyncio.run(run())


async def comes_true(page: playwright.Page, script: str) -> None:
    await page.wait_for_function(script, timeout=20_000)


HANDSET = '[data-user="{}"] .handset'


def test_a_lifted_handset_is_heard_and_spoken_into(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        await page.click(HANDSET.format("1001"))
        await comes_true(page, "offhook.phones['1001'].state.hook === 'off'")
        assert boards["1001"].hook.lifted
        await comes_true(page, "Math.abs(offhook.phones['1001'].levels().frequency_hz - 440) < 4")
        await comes_true(page, "offhook.phones['1001'].levels().rms > 0.1")
        await comes_true(page, "offhook.phones['1001'].microphone")

        boards["1002"].ringer.ring((400, 200, 400, 2000), 5)
        await comes_true(page, "document.querySelector('[data-user=\"1002\"]').matches('.rings')")
        boards["1002"].ringer.silence()
        # The household's other telephone is lifted, and the microphone goes back to the first by choosing that one.
        await page.click(HANDSET.format("1002"))
        await comes_true(page, "offhook.phones['1002'].microphone && !offhook.phones['1001'].microphone")
        await page.focus('[data-user="1001"]')
        await comes_true(page, "offhook.phones['1001'].microphone && !offhook.phones['1002'].microphone")
        await comes_true(page, "offhook.phones['1002'].levels().peak > 0.1")

        await page.click(HANDSET.format("1001"))
        await comes_true(page, "!offhook.phones['1001'].connected")
        assert not boards["1001"].hook.lifted

    visit(test, tmp_path)


def test_keys_are_down_while_they_are_held(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        down = "offhook.phones['1001'].state.keys_down.join()"
        key = page.locator('[data-user="1001"] [data-key="5"]')
        await key.hover()
        await page.mouse.down()
        await comes_true(page, f"{down} === '5'")
        await page.mouse.move(5, 5)
        assert boards["1001"].keypad.keys_down == {"5"}
        await page.mouse.up()
        await comes_true(page, f"{down} === ''")

        for pressed, name in (("#", "#"), ("Enter", "ok"), ("Escape", "back"), ("m", "mute")):
            await page.keyboard.down(pressed)
            await comes_true(page, f"{down} === '{name}'")
            await page.keyboard.up(pressed)
            await comes_true(page, f"{down} === ''")

        await page.keyboard.press(" ")
        await comes_true(page, "offhook.phones['1001'].state.hook === 'off'")
        assert not boards["1002"].hook.lifted

    visit(test, tmp_path)


def test_the_panel_shows_exactly_the_pixels_that_were_drawn(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        pixels = bytes((n * 37 + n // 16 * 11) % 256 for n in range(1024))
        boards["1002"].display.show(pixels)
        boards["1002"].display.show_text(["Kitchen", "17:42"])
        await page.wait_for_selector('[data-user="1002"] canvas[aria-label="Kitchen, 17:42"]')

        seen = await page.evaluate(
            """() => {
              const canvas = document.querySelector('[data-user="1002"] canvas');
              const side = canvas.width / 128;
              const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              const lit = [];
              for (let y = 0; y < 64; y++) for (let x = 0; x < 128; x++)
                lit.push(data[4 * (Math.floor((y + .5) * side) * canvas.width + Math.floor((x + .5) * side))] > 99);
              return lit;
            }"""
        )
        assert seen == [bool(pixels[n // 8] & 0x80 >> n % 8) for n in range(128 * 64)]

    visit(test, tmp_path, strict=True)


def test_lamps_follow_the_board(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        boards["1001"].lamps.set("mute", LampState.ON)
        boards["1001"].lamps.set("hold", LampState.HELD)
        await page.wait_for_selector('[data-user="1001"] [data-lamp="mute"].on')
        await page.wait_for_selector('[data-user="1001"] [data-lamp="hold"].blink')
        hold = page.locator('[data-user="1001"] [data-key="hold"]')
        assert await hold.get_attribute("aria-description") == "lamp winking"
        boards["1001"].lamps.set("mute", LampState.OFF)
        await page.wait_for_selector('[data-user="1001"] [data-lamp="mute"]:not(.on)')

    visit(test, tmp_path, strict=True)


LIGHT_AT = """([lamp, at]) => {
    const element = document.querySelector(`[data-user="1001"] [data-lamp="${lamp}"]`);
    for (const animation of element.getAnimations({ subtree: true })) {
        animation.pause();
        animation.currentTime = at;
    }
    return Number(getComputedStyle(element, "::after").opacity) ** 2;
}"""
"""How bright a lamp is so many milliseconds into its rhythm."""


def test_lamps_shine_in_the_rhythms_of_a_real_telephones(tmp_path: Path) -> None:
    rhythmic = {"message": LampState.MISSED, "hold": LampState.HELD, "line1": LampState.RING}
    tells = rhythmic | {"mute": LampState.ON, "line2": LampState.OFF}

    async def test(page: playwright.Page, boards: Household) -> None:
        for lamp, state in tells.items():
            boards["1001"].lamps.set(lamp, state)
        await page.wait_for_selector('[data-user="1001"] [data-lamp="mute"].on')
        for lamp, state in tells.items():
            for seconds in (0.01, 0.13, 0.21, 0.31, 0.57, 1.03, 1.19, 1.27, 1.71, 3.21):
                light = await page.evaluate(LIGHT_AT, [lamp, seconds * 1000])
                assert light == pytest.approx(step_at(state, seconds).level, abs=0.01), (lamp, seconds)

    visit(test, tmp_path, strict=True)


def test_without_a_microphone_one_still_hears_and_is_told(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        await page.click(HANDSET.format("1001"))
        await comes_true(page, "Math.abs(offhook.phones['1001'].levels().frequency_hz - 440) < 4")
        hint = page.locator("#hints .hint")
        await hint.wait_for()
        assert "it does not hear you" in await hint.inner_text()
        assert not await page.evaluate("offhook.phones['1001'].microphone")

    visit(test, tmp_path, microphone=False)


def test_one_telephone_has_a_page_of_its_own(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        assert await page.evaluate("Object.keys(offhook.phones)") == ["1002"]
        await page.keyboard.press(" ")
        await comes_true(page, "offhook.phones['1002'].state.hook === 'off'")

    visit(test, tmp_path, path="phones/1002/")


def test_six_telephones_work_on_one_page(tmp_path: Path) -> None:
    async def test(page: playwright.Page, boards: Household) -> None:
        for user, board in boards.items():
            await page.click(HANDSET.format(user))
            await comes_true(page, f"offhook.phones['{user}'].connected")
            assert board.hook.lifted

    visit(test, tmp_path, size=6)
