"""The set-up page: its form, its answers, its visitors."""

from __future__ import annotations

import asyncio
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import dns.message
import pytest

from firmware.audio.tones import COUNTRIES as TONES
from firmware.config import load, parse
from firmware.config.wifi import read_wifi
from firmware.runtime.set_up import Places, serve
from firmware.set_up.air import Seen, link, networks
from firmware.set_up.form import FIELDS, Known, Mistake, Mistakes, answers, kept_secrets, known_settings, shown
from firmware.set_up.page import COUNTRIES, POLICY, STYLE, Form, form_page, progress_page
from firmware.set_up.portal import dns_answer, is_near, is_our_name
from hw.boards import board_faults, board_titles
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
BLANK = Known()


def mistakes(form: dict[str, str], known: Known = BLANK) -> dict[str, str]:
    """What is wrong with a form, by field."""
    with pytest.raises(Mistakes) as caught:
        answers(form, known, "token", board_check=board_faults)
    return {one.field: one.words for one in caught.value.mistakes}


def page(values: dict[str, str], *wrong: Mistake, kept: frozenset[str] = frozenset()) -> str:
    return form_page(Form("t", values, board_titles(), [Seen("Home & Co", -40, True)], wrong, kept))


# --- the form ---


def test_a_page_whose_answers_will_be_forgotten_says_so() -> None:
    kept = form_page(Form("t", FORM, board_titles()))
    lost = form_page(Form("t", FORM, board_titles(), forgetful=True))

    assert "forgotten when the telephone is switched off" in lost
    assert "forgotten" not in kept


def test_the_answers_are_a_sound_configuration() -> None:
    found = answers(FORM, BLANK, "token")

    config = parse(found.phone)
    assert str(config.account[0].address) == "sip:1001@example.net"
    assert config.account[0].password == 'quo"ted \\ é'
    assert config.web is not None
    assert config.web.token == "token"
    assert read_wifi(found.wifi).ssid == "Home"
    assert read_wifi(found.wifi).country == "GB"


def test_without_wifi_there_is_no_file_for_it() -> None:
    assert answers({**FORM, "ssid": "", "wifi_password": ""}, BLANK, "token").wifi == ""


def test_people_leave_the_scheme_away() -> None:
    form = {**FORM, "address": " 1001@example.net ", "registrar": "192.0.2.1", "outbound_proxy": "sip:192.0.2.1;lr"}

    account = parse(answers(form, BLANK, "token").phone).account[0]

    assert str(account.address) == "sip:1001@example.net"
    assert str(account.registrar) == "sip:192.0.2.1"
    assert str(account.outbound_proxy) == "sip:192.0.2.1;lr"


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"address": "1001"}, "address", "names no user"),
        ({"address": ""}, "address", ""),
        ({"country": "gbr"}, "country", "country code"),
        ({"wifi_password": "short"}, "wifi_password", "8 to 63"),
        ({"ssid": ""}, "ssid", "choose the network"),
        ({"wifi_country": "GBR"}, "wifi_country", "country's code"),
        ({"board": "toaster"}, "board", "no such board"),
        ({"registrar": "exa mple"}, "registrar", ""),
        ({"name": "x" * 300}, "name", "at most 256"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(changes: dict[str, str], field: str, reason: str) -> None:
    found = mistakes({**FORM, **changes})

    assert field in found
    assert reason in found[field]


def test_an_answer_is_a_text_and_nothing_more() -> None:
    name = 'x" [registrar] domain = "evil.example'

    config = parse(answers({**FORM, "name": name}, BLANK, "token").phone)

    assert config.phone.name == name
    assert config.registrar is None


# --- settings that are there already ---

OLD = """[phone]
name = "Hall"
country = "de"
roles = ["user-agent", "registrar"]
[[account]]
address = "sip:1001@example.net"
password = "old"
expires = 600
[[account]]
address = "sip:2@example.org"
[registrar]
domain = "example.net"
users = { 1001 = "a", "10 2" = "b" }
[dial]
rules = [{ pattern = "0x.", strip = 1, prefix = "+44" }]
timeout = 4.5
[web]
listen = "0.0.0.0:8080"
token = "old-token"
"""
OLD_WIFI = 'ssid = "Home"\npassword = "old horse"\ncountry = "DE"\n'


def test_what_is_not_asked_stays() -> None:
    known = known_settings(OLD, OLD_WIFI)

    found = answers({**shown(known, "sim"), "name": "Kitchen"}, known, "new-token")

    old, new = parse(OLD), parse(found.phone)
    assert new.phone.name == "Kitchen"
    assert (new.registrar, new.dial, new.web, new.account[1]) == (old.registrar, old.dial, old.web, old.account[1])
    assert (new.account[0].password, new.account[0].expires) == ("old", 600)
    assert found.token == "old-token"
    assert read_wifi(found.wifi) == read_wifi(OLD_WIFI)


def test_what_is_known_is_shown_but_no_password() -> None:
    known = known_settings(OLD, OLD_WIFI)

    text = page(shown(known, "sim"), kept=kept_secrets(known))

    assert 'value="1001@example.net"' in text
    assert text.count("Leave empty to keep") == 2
    assert "old horse" not in text
    assert "old-token" not in text


@pytest.mark.parametrize("changes", [{"registrar": "sip:evil.example"}, {"address": "sip:1001@evil.example"}])
def test_another_server_is_not_given_the_old_password(changes: dict[str, str]) -> None:
    known = known_settings(OLD, OLD_WIFI)

    found = answers({**shown(known, "sim"), **changes}, known, "t")

    assert parse(found.phone).account[0].password == ""


def test_another_wifi_is_not_given_the_old_password() -> None:
    known = known_settings(OLD, OLD_WIFI)

    assert read_wifi(answers({**shown(known, "sim"), "ssid": "Other"}, known, "t").wifi).password == ""


def test_files_that_cannot_be_read_count_as_absent() -> None:
    assert known_settings("[", "ssid = 1") == Known()


# --- the page ---


class Controls(HTMLParser):
    """The names of a page's controls, and what labels them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.named: dict[str, str] = {}
        self.labelled: set[str] = set()
        self.described: set[str] = set()
        self.ids: set[str] = set()
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        if tag in ("input", "select") and found.get("type") != "hidden":
            self.named[found["name"]] = found.get("id", "")
            self.described |= set(found.get("aria-describedby", "").split())
        if tag == "label":
            self.labelled.add(found["for"])
        self.outside += [value for name, value in found.items() if name in ("src", "href") and value[:1] != "#"]


def test_every_field_has_a_label_and_nothing_comes_from_elsewhere() -> None:
    controls = Controls(page({}, Mistake("ssid", "no"), Mistake("", "nor that")))

    assert set(controls.named) == set(FIELDS)
    assert controls.labelled == set(controls.named.values())
    assert controls.described <= controls.ids
    assert controls.outside == []


def test_what_was_answered_is_shown_again_but_no_password() -> None:
    text = page({"name": '"><script>x', "password": "hunter2"}, Mistake("name", "a < b"))

    assert "<script>x" not in text
    assert "hunter2" not in text
    assert "A &lt; b." in text
    assert 'id="name-wrong"' in text
    assert "Home &amp; Co" in text


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    short = colour.removeprefix("#")
    octets = bytes.fromhex(short if len(short) == 6 else "".join(2 * digit for digit in short))
    parts = [one / 255 / 12.92 if one / 255 <= 0.04045 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in octets]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_everything_can_be_read(theme: int) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text."""
    colours = dict(re.findall(r"--(\w+):(#\w+)", re.findall(r":root\{([^}]*)\}", STYLE)[theme]))
    on = {"ink": ("paper", "ground"), "soft": ("paper", "ground"), "bad": ("paper",), "good": ("paper",)}
    pairs = [(colours[ink], colours[ground]) for ink, grounds in on.items() for ground in grounds]
    pairs += [("#fff", colours["deed"]), (colours["ink"], colours["badground"])]

    for one, other in pairs:
        dark, light = sorted((luminance(one), luminance(other)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (one, other)


def test_a_board_of_ones_own_stays_chosen() -> None:
    assert '<option value="./board.toml" selected>' in page({"board": "./board.toml"})


def test_the_countries_are_those_with_tones() -> None:
    assert set(COUNTRIES) == TONES


def test_only_who_answered_is_told_the_token() -> None:
    assert "<code>abc</code>" in progress_page("...", "abc", wifi=True)
    assert "<code>" not in progress_page("...", "", wifi=True)


def test_the_page_looks_again_until_all_is_well() -> None:
    assert 'http-equiv="refresh"' in progress_page("...", "", wifi=False)
    assert 'http-equiv="refresh"' not in progress_page("...", "", wifi=False, done=True)


def test_the_policy_allows_nothing_but_the_pages_own() -> None:
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


# --- the network ---


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("offhook.local", True),
        ("OFFHOOK.local:80", True),
        ("offhook.local.", True),
        ("offhook2.local", True),
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


@pytest.mark.parametrize(
    ("peer", "own", "near"),
    [
        ("192.168.77.20", "192.168.77.1", True),
        ("fe80::2%eth0", "fe80::1%eth0", True),
        ("2001:db8:1:2::9", "2001:db8:1:2::1", True),
        ("2001:db8:1:3::9", "2001:db8:1:2::1", True),  # documentation addresses are nobody's
        ("2600:1:2:3::9", "2600:1:2:3::1", True),
        ("2600:1:2:4::9", "2600:1:2:3::1", False),
        ("::ffff:8.8.8.8", "::ffff:192.168.1.2", False),
        ("8.8.8.8", "192.168.1.2", False),
        ("", "192.168.1.2", False),
    ],
)
def test_visitors_are_of_our_own_network(peer: str, own: str, near: bool) -> None:
    assert is_near(peer, own) is near


def test_every_name_leads_to_us_and_has_no_other_address() -> None:
    for kind, answered in (("A", "192.168.77.1"), ("AAAA", ""), ("HTTPS", "")):
        reply = dns.message.from_wire(dns_answer(dns.message.make_query("captive.example", kind).to_wire()) or b"")

        assert reply.rcode() == 0
        assert [str(one) for rrset in reply.answer for one in rrset] == [answered] * bool(answered)


@pytest.mark.parametrize("octets", [b"", b"\0" * 11, b"\xff" * 40, b"\0\7\x81\x80" + bytes(8)])
def test_what_is_no_query_gets_no_answer(octets: bytes) -> None:
    assert dns_answer(octets) is None


def test_the_networks_in_the_air() -> None:
    said = (
        "bssid / frequency / signal level / flags / ssid\n"
        "02:00:00:00:02:00\t2412\t-60\t[WPA2-PSK-CCMP][ESS]\tHome\n"
        "02:00:00:00:03:00\t5180\t-40\t[WPA2-PSK-CCMP][ESS]\tHome\n"
        '02:00:00:00:04:00\t2412\t-30\t[ESS]\tCaf\\xc3\\xa9 \\"x\\"\n'
        "02:00:00:00:05:00\t2412\t-20\t[ESS]\t\n"
    )
    assert networks(said) == (Seen('Café "x"', -30, False), Seen("Home", -40, True))
    assert networks("FAIL\n") == ()


def test_how_joining_goes() -> None:
    assert link("wpa_state=COMPLETED\nssid=Home\n", "") == "joined"
    assert link("wpa_state=SCANNING\n", "id / ssid\n0\tHome\tany\t[CURRENT]\n") == "searching"
    assert link("wpa_state=SCANNING\n", "id / ssid\n0\tHome\tany\t[TEMP-DISABLED]\n") == "refused"


# --- a visit ---


def test_a_visit(tmp_path: Path) -> None:
    """A stranger's form is refused, a wrong answer asked again, a right one written; then the page says how it goes."""
    port = free_port(socket.SOCK_STREAM)
    url = f"http://127.0.0.1:{port}/"
    places = Places(tmp_path / "data", tmp_path, tmp_path / "none", "", "127.0.0.1", port, name_port=0)

    async def scenario() -> None:
        server = asyncio.create_task(serve(places, tick_s=0.05))
        jar = aiohttp.CookieJar(unsafe=True)
        async with asyncio.timeout(60), aiohttp.ClientSession(cookie_jar=jar) as browser:
            text = await _when_open(browser, url)
            ticket = re.search(r'name="ticket" value="([^"]+)"', text)
            assert ticket is not None
            ours = {**FORM, "ticket": ticket[1]}

            for form, headers, status in [
                (FORM, {}, 403),
                (ours, {"Host": "rebound.example"}, 421),
                (ours, {"Origin": "http://evil.example"}, 403),
                ({**ours, "name": "x" * 20_000}, {}, 413),
                ({**ours, "address": "x"}, {}, 400),
                (ours, {}, 200),
            ]:
                assert not (tmp_path / "data" / "phone.toml").exists()
                async with browser.post(url, data=form, headers=headers) as response:
                    assert response.status == status
                    assert "correct horse" not in await response.text()
            async with browser.get(url) as response:
                assert "Joining the Wi-Fi" in await response.text()
            async with browser.post(url, data={**ours, "name": "Too late"}) as response:
                assert "Joining the Wi-Fi" in await response.text()
            async with browser.get(url + "generate_204") as response:
                assert str(response.url) == url
        server.cancel()

    asyncio.run(scenario())
    assert load(tmp_path / "data" / "phone.toml").phone.name == "Hall"
    assert (tmp_path / "data" / "wifi.toml").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "data" / "answers.json").exists()


def test_a_visit_to_a_telephone_that_cannot_write(tmp_path: Path) -> None:
    """Where the settings' folder would be is a file: nothing can be written there, whoever asks."""
    (tmp_path / "data").write_text("")
    port = free_port(socket.SOCK_STREAM)
    url = f"http://127.0.0.1:{port}/"
    places = Places(tmp_path / "data", tmp_path, tmp_path / "none", "", "127.0.0.1", port, name_port=0)

    async def scenario() -> None:
        server = asyncio.create_task(serve(places, tick_s=0.05))
        async with asyncio.timeout(60), aiohttp.ClientSession() as browser:
            ticket = re.search(r'name="ticket" value="([^"]+)"', await _when_open(browser, url))
            assert ticket is not None
            async with browser.post(url, data={**FORM, "ticket": ticket[1]}) as response:
                assert response.status == 507
                assert "The answers cannot be written: " in await response.text()
        server.cancel()

    asyncio.run(scenario())


async def _when_open(browser: aiohttp.ClientSession, url: str) -> str:
    while True:
        try:
            async with browser.get(url) as response:
                return await response.text()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)
