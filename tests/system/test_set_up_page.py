"""The set-up page in a real browser, as wide as a telephone: filled in, corrected, saved."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from firmware.config import load
from tests.support.browser import CHROMIUM, PATIENCE_MS, driver
from tests.support.programs import Program, free_port

__all__ = ["driver"]


def test_a_set_up_on_a_small_screen(driver: Any, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    arguments = [sys.executable, "-m", "firmware.runtime.set_up", "--settings", str(tmp_path / "data"), "--boot"]
    arguments += [str(tmp_path), "--host", "127.0.0.1", "--port", str(port), "--name-port", "0", "--group", ""]
    with Program(arguments, name="offhook-set-up") as program:
        program.wait_for("the set-up page is on port")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            _fill_in(browser.new_page(viewport={"width": 360, "height": 740}), f"http://127.0.0.1:{port}/", tmp_path)
        finally:
            browser.close()


def _fill_in(page: Any, url: str, tmp_path: Path) -> None:
    said: list[str] = []
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda fault: said.append(str(fault)))
    page.goto(url)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is beyond the edge"
    assert page.evaluate("getComputedStyle(document.querySelector('fieldset')).borderRadius") == "12px", "it is styled"

    page.get_by_label("SIP address").fill("1001")
    page.get_by_label("Network", exact=True).fill("Home")
    page.get_by_label("Wi-Fi password", exact=True).fill("correct horse")
    page.get_by_label("Kind of telephone").select_option("rotary")
    page.get_by_role("button", name="Show Wi-Fi password").click()
    assert page.locator("#wifi_password").get_attribute("type") == "text"
    page.get_by_role("button", name="Save and try").click()

    page.get_by_role("alert").wait_for()
    assert "names no user" in page.locator("#address-wrong").inner_text()
    assert page.evaluate("document.activeElement.id") == "address"
    assert page.locator("#board").input_value() == "rotary"

    page.get_by_label("SIP address").fill("1001@example.net")
    page.get_by_label("Wi-Fi password", exact=True).fill("correct horse")
    page.get_by_role("button", name="Save and try").click()

    page.get_by_role("heading", name="Saved").wait_for()
    token = page.locator("code").inner_text()
    config = load(tmp_path / "data" / "phone.toml")
    assert config.web is not None
    assert (config.web.token, config.hardware.board) == (token, "rotary")
    assert not [line for line in said if "Content Security Policy" in line or "Error" in line], said
