"""The page that asks for the settings of a card that has none."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from firmware.config import load, parse
from firmware.runtime.first_boot import read_wifi
from firmware.runtime.set_up import answers, form_page, is_our_name, saved_page, serve
from tests.support.programs import free_port

FORM = {
    "name": "Hall",
    "address": "sip:1001@example.net",
    "password": 'quo"ted \\ é',
    "country": "GB",
    "ssid": "Home",
    "wifi_password": "correct horse",
    "board": "sim",
}


def test_the_answers_are_a_sound_configuration() -> None:
    found = answers(FORM, "token")

    config = parse(found.phone)
    assert str(config.account[0].address) == "sip:1001@example.net"
    assert config.account[0].password == 'quo"ted \\ é'
    assert config.web is not None
    assert config.web.token == "token"
    assert read_wifi(found.wifi).ssid == "Home"


def test_without_wifi_there_is_no_file_for_it() -> None:
    assert answers({**FORM, "ssid": ""}, "token").wifi == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"address": "1001"}, "address"),
        ({"address": ""}, "address"),
        ({"country": "gbr"}, "country"),
        ({"wifi_password": "short"}, "8 to 63"),
        ({"name": "a\x7fb"}, "TOML"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        answers({**FORM, **changes}, "token")


def test_an_answer_is_a_text_and_nothing_more() -> None:
    name = 'x" [registrar] domain = "evil.example'

    config = parse(answers({**FORM, "name": name}, "token").phone)

    assert config.phone.name == name
    assert config.registrar is None


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("offhook.local", True),
        ("OFFHOOK.local:80", True),
        ("offhook.local.", True),
        ("192.168.77.1", True),
        ("192.168.77.1:80", True),
        ("[fe80::1]", True),
        ("[fe80::1]:80", True),
        ("rebound.example", False),
        ("offhook.local.example", False),
        ("", False),
    ],
)
def test_only_our_own_names_are_answered(host: str, ours: bool) -> None:
    assert is_our_name(host) is ours


def test_what_was_answered_is_shown_again_but_no_password() -> None:
    page = form_page("t", {"name": '"><script>', "password": "hunter2"}, ["a < b"])

    assert "<script>" not in page
    assert "hunter2" not in page
    assert "a &lt; b" in page


def test_the_last_page_says_the_token() -> None:
    assert "<code>abc</code>" in saved_page("abc")


def test_a_visit(tmp_path: Path) -> None:
    """A stranger's form is refused, a wrong answer asked again, a right one written, and the page ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"

    async def scenario() -> None:
        server = asyncio.create_task(serve(tmp_path, "127.0.0.1", port, ""))
        async with asyncio.timeout(20), aiohttp.ClientSession() as browser:
            page = await _when_open(browser, url)
            ticket = re.search(r'name="ticket" value="([^"]+)"', page)
            assert ticket is not None

            for form, headers, status in [
                (FORM, {}, 403),
                ({**FORM, "ticket": ticket[1]}, {"Host": "rebound.example"}, 421),
                ({**FORM, "ticket": ticket[1], "address": "x"}, {}, 400),
                ({**FORM, "ticket": ticket[1]}, {}, 200),
            ]:
                assert not server.done()
                async with browser.post(url, data=form, headers=headers) as response:
                    assert response.status == status
            await server

    asyncio.run(scenario())
    assert load(tmp_path / "phone.toml").phone.name == "Hall"
    assert (tmp_path / "wifi.toml").stat().st_mode & 0o777 == 0o600


async def _when_open(browser: aiohttp.ClientSession, url: str) -> str:
    while True:
        try:
            async with browser.get(url) as response:
                return await response.text()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)
