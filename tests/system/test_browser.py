"""A household's telephones in real browsers, over real SIP and RTP: lifted, dialled, answered, and heard.

`offhook sim` runs as a user starts it; what a telephone says is measured in what the page plays.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import urllib.request
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, Self

import pytest
from PIL import Image

from firmware.sip.construction import response_to
from firmware.sip.message import Request, parse_message
from tests.support.browser import PATIENCE_MS, Heard, Telephone, chromium, driver
from tests.support.listening import dominant_hz, power_at, sine
from tests.support.programs import Program, free_port, wait_until

__all__ = ["driver"]

pytestmark = pytest.mark.timeout(300)
"""A browser that shares a slow machine with others needs its time; each step has a limit of its own."""

DIAL_TONE = (350, 440)
RINGBACK = (400, 450)
BUSY = (400,)
RAW = "?microphone=raw"
"""A steady tone is noise to the browser's noise suppression: it would be taken away."""


@contextmanager
def sim(*configs: Path) -> Iterator[str]:
    """`offhook sim`; yields the page's address once every phone that can has registered."""
    port = free_port(socket.SOCK_STREAM)
    arguments = [sys.executable, "-m", "firmware", "sim", "--listen", f"127.0.0.1:{port}", *map(str, configs)]
    with Program(arguments, name="offhook sim") as program:
        program.wait_for("ready")
        yield f"http://127.0.0.1:{port}/"


def phone(url: str, user: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}phones/{user}/api/v1/phone", timeout=20) as answer:
        return json.load(answer)


def registered(url: str, user: str) -> bool:
    return bool(phone(url, user)["accounts"][0]["registered"])


def digits_received(url: str, user: str) -> str:
    return str(phone(url, user)["calls"][0]["digits_received"])


@pytest.fixture
def household() -> Iterator[str]:
    with sim() as url:
        wait_until(lambda: all(registered(url, user) for user in ("1001", "1002")), why="two registrations")
        yield url


def heard_well(telephone: Telephone, seconds: float, well: Callable[[Heard], bool]) -> Heard:
    """A recording that is as it should be: the first of ten, since a busy machine now and then leaves gaps in one."""
    for _ in range(10):
        heard = telephone.record(seconds)
        if well(heard):
            return heard
    raise AssertionError(f"{telephone.user} heard {heard.level_dbov:.1f} dBov: {heard.steps_ms} ms")


def cadence(on_ms: tuple[int, ...], off_ms: tuple[int, ...]) -> Callable[[Heard], bool]:
    """Whether every whole step of a recording has one of these lengths, within 50 ms."""

    def fits(heard: Heard) -> bool:
        lengths = [(length, on_ms if loud else off_ms) for loud, length in heard.steps_ms]
        return len(lengths) >= 3 and all(any(abs(length - one) <= 50 for one in wanted) for length, wanted in lengths)

    return fits


def steady(heard: Heard) -> bool:
    """Whether it sounded all the time."""
    return sum(heard.loud()) > 0.97 * len(heard.loud())


def share(heard: Heard, at: float, seconds: float, *frequencies_hz: float) -> float:
    """How much of the power of a stretch that begins `at` (by the page's clock) lies at these frequencies."""
    first = round((at - heard.began) * heard.rate_hz)
    stretch = heard.samples[first : first + round(seconds * heard.rate_hz)]
    return sum(power_at(stretch, frequency, round(heard.rate_hz)) for frequency in frequencies_hz)


def test_one_page_two_telephones_a_call_from_dial_tone_to_busy_tone(
    household: str, tmp_path: Path, driver: Any
) -> None:
    # Bursts, a second apart, tell how long a sound takes from mouth to ear.
    burst = sine(1000, 0.04, rate_hz=48000, peak=16000) + array("h", bytes(2 * 46080))
    with chromium(driver, tmp_path, says=burst) as visit:
        page = visit(household + RAW)
        hall, kitchen = Telephone(page, "1001"), Telephone(page, "1002")
        assert page.locator("#guide").inner_text() == "Click a handset to lift it, then dial 1002."
        for name in ("lift the handset", "2 ABC", "star", "hash", "OK", "Hold", "Transfer", "Mute", "louder", "Line 1"):
            assert hall.element.get_by_role("button", name=name, exact=True).count() == 1, name

        hall.click_handset()
        hall.hears(*DIAL_TONE)
        heard_well(hall, 0.5, lambda heard: -30 < heard.level_dbov < -10)
        for key, low, high in (("1", 697, 1209), ("0", 941, 1336)):
            with hall.holding(key):
                hall.hears(low, high)
            hall.click_handset()  # down and up: on a slow machine the pause for the next digit may be over by now
            hall.becomes("it.state.hook === 'on'")
            hall.click_handset()
            hall.hears(*DIAL_TONE)
        hall.press("1002")
        hall.shows("Ringing")
        hall.hears(*RINGBACK)

        kitchen.becomes("it.state.ringing")
        kitchen.shows("Hall")
        kitchen.shows("1001")
        assert kitchen.doing == "ringing: lift the handset"
        assert page.locator("#guide").inner_text() == "1002 is ringing: click its handset to answer."
        kitchen.becomes("it.levels().rms > 0.01")  # its bell
        assert sum(kitchen.lit) > 300
        wait_until(lambda: kitchen.lit == pixels(household, "1002"), why="the same pixels as the firmware drew")

        kitchen.click_handset()
        for each in (hall, kitchen):
            each.shows("In call")
        page.focus('[data-user="1001"]')
        hall.becomes("it.microphone")
        assert min(mouth_to_ear(hall, kitchen) for _ in range(3)) < 0.4

        page.focus('[data-user="1002"]')
        kitchen.becomes("it.microphone")
        hall.becomes("it.levels().peak > 0.2")

        page.reload()
        hall.becomes("it.state.hook === 'off'")
        hall.shows("In call")
        assert "Click anywhere" in page.locator("#hints .hint").inner_text()
        page.click("h1")
        kitchen.becomes("it.microphone")
        hall.becomes("it.levels().peak > 0.2")

        hall.click_handset()
        kitchen.shows("ended")
        kitchen.hears(*BUSY)
        heard_well(kitchen, 2.5, cadence((375,), (375,)))
        kitchen.click_handset()
        kitchen.becomes("!it.connected")


def mouth_to_ear(speaker: Telephone, listener: Telephone) -> float:
    """How many seconds bursts of 1 kHz take from one's mouth to the other's ear, half of them less."""
    speaker.start_recording("mouth")
    heard, said = listener.record(4.5), speaker.recorded("mouth")
    bursts = [at for at in heard.onsets() if share(heard, at, 0.03, 1000) > 0.7]
    assert len(bursts) >= 3
    delays = [min(at - then for at in bursts if at > then) for then in said.onsets() if then < bursts[-1]]
    print(f"mouth to ear: {1000 * median(delays):.0f} ms")
    return median(delays)


def pixels(url: str, user: str) -> list[bool]:
    """What `GET /sim/display.png` shows."""
    with urllib.request.urlopen(f"{url}phones/{user}/sim/display.png", timeout=20) as answer:
        picture = Image.open(BytesIO(answer.read())).convert("L")
    return [value > 127 for value in picture.tobytes()]


def test_two_browsers_hear_each_other(household: str, tmp_path: Path, driver: Any) -> None:
    mine, theirs = sine(600, 1, rate_hz=48000, peak=12000), sine(1500, 1, rate_hz=48000, peak=4000)
    with (
        chromium(driver, tmp_path / "hall", says=mine) as visit_hall,
        chromium(driver, tmp_path / "kitchen", says=theirs) as visit_kitchen,
    ):
        hall = Telephone(visit_hall(household + "phones/1001/" + RAW), "1001")
        kitchen = Telephone(visit_kitchen(household + "phones/1002/" + RAW), "1002")
        hall.click_handset()
        hall.press("1002")
        kitchen.becomes("it.state.ringing")
        kitchen.click_handset()

        for listener, said, frequency in ((kitchen, mine, 600), (hall, theirs, 1500)):
            listener.hears(frequency, within_hz=10)
            heard = heard_well(listener, 0.7, steady)
            assert abs(dominant_hz(heard.samples[-4000:], round(heard.rate_hz)) - frequency) < 10
            assert heard.level_dbov == pytest.approx(Heard(said, 48000, 0).level_dbov, abs=1.5)

        kitchen.start_recording()
        hall.press("59#", hold_ms=250)
        hall.shows("59#")
        wait_until(lambda: digits_received(household, "1002") == "59#", why="three digits at 1002")
        kitchen.hears(600, within_hz=10)
        gaps = kitchen.recorded()
        for low, high in ((770, 1336), (852, 1477), (941, 1477)):
            assert any(share(gaps, gaps.began + n / 100, 0.04, low, high) > 0.7 for n in range(len(gaps.loud()) - 4))

        kitchen.click_handset()
        hall.shows("ended")
        hall.hears(*BUSY)
        kitchen.shows("ended")
        kitchen.becomes("!it.connected")
        hall.click_handset()
        hall.becomes("it.state.hook === 'on'")


PHONE = """
[phone]
name = "{name}"
roles = [{roles}]
call_waiting = false

[[account]]
address = "sip:{user}@home.test"
password = "secret"
{registrar}
outbound_proxy = "sip:127.0.0.1:{server};lr"

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]

[dial]
patterns = ["10xx"]
"""
REGISTRAR = """
[registrar]
domain = "home.test"
users = { 1001 = "secret", 1002 = "secret" }
"""


class NobodyThere:
    """A telephone that rings until it was heard, and is not taken."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._stopped = threading.Event()
        self.heard = threading.Event()
        """Its ringing was heard: enough."""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._stopped.set()
        self.heard.set()
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        self._socket.settimeout(0.2)
        while not self._stopped.is_set():
            try:
                octets, source = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            request = parse_message(octets)
            if isinstance(request, Request) and request.method == "INVITE":
                self._socket.sendto(bytes(response_to(request, 180, to_tag="nobody")), source)
                self.heard.wait()
                self._socket.sendto(bytes(response_to(request, 480, to_tag="nobody")), source)


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[tuple[str, NobodyThere]]:
    """1001 and 1002 on an exchange; 1003, whose server is down; 1004, where nobody answers."""
    exchange, other, third, fourth, nowhere = (free_port() for _ in range(5))
    with NobodyThere() as nobody:
        rows = [
            ("1001", "Hall", '"user-agent", "registrar", "proxy"', exchange, exchange, True),
            ("1002", "Kitchen", '"user-agent"', exchange, other, True),
            ("1003", "Shed", '"user-agent"', nowhere, third, True),
            ("1004", "Attic", '"user-agent"', nobody.port, fourth, False),
        ]
        paths = []
        for user, name, roles, server, port, register in rows:
            registrar = f'registrar = "sip:127.0.0.1:{server}"' if register else "register = false"
            text = PHONE.format(name=name, roles=roles, user=user, server=server, port=port, registrar=registrar)
            paths.append(tmp_path / f"{user}.toml")
            paths[-1].write_text(text + (REGISTRAR if "registrar" in roles else ""))
        with sim(*paths) as url:
            wait_until(lambda: all(registered(url, user) for user in ("1001", "1002")), why="two registrations")
            yield url, nobody


def test_what_goes_wrong_sounds_and_reads_as_it_should(
    troubled: tuple[str, NobodyThere], tmp_path: Path, driver: Any
) -> None:
    url, nobody = troubled
    with chromium(driver, tmp_path / "browser", size=(1920, 1080)) as visit:
        page = visit(url + RAW)
        hall, kitchen, shed, attic = (Telephone(page, user) for user in ("1001", "1002", "1003", "1004"))

        # Busy: the kitchen's handset is off.
        kitchen.click_handset()
        kitchen.hears(*DIAL_TONE)
        hall.click_handset()
        hall.hears(*DIAL_TONE)
        hall.press("1002")
        hall.shows("Busy")
        hall.hears(*BUSY)
        heard_well(hall, 2.5, cadence((375,), (375,)))
        hall.click_handset()
        kitchen.click_handset()

        # Nobody has the number: a steady tone.
        hall.click_handset()
        hall.hears(*DIAL_TONE)
        hall.press("1009")
        hall.shows("Number not in use")
        hall.hears(400)
        heard_well(hall, 1.5, steady)
        hall.click_handset()

        # The server is down: congestion, 400 ms and 225 ms by turns.
        shed.shows("Server not reachable")
        shed.click_handset()
        shed.becomes("it.connected")
        shed.press("1002")
        shed.shows("Server not")
        shed.hears(400)
        heard_well(shed, 3.0, cadence((400, 225), (350, 525)))
        shed.click_handset()

        # It rings, and nobody takes it.
        attic.click_handset()
        attic.hears(*DIAL_TONE)
        attic.press("1002")
        attic.hears(*RINGBACK)
        nobody.heard.set()
        attic.shows("No answer")
        attic.hears(*BUSY)
        attic.click_handset()


def test_without_a_microphone_one_hears_and_the_keyboard_does_it_all(
    household: str, tmp_path: Path, driver: Any
) -> None:
    with chromium(driver, tmp_path, microphone=False) as visit:
        page = visit(household)
        hall, kitchen = Telephone(page, "1001"), Telephone(page, "1002")
        page.keyboard.press(" ")
        hall.hears(*DIAL_TONE)
        hint = page.locator("#hints .hint")
        hint.wait_for()
        assert "refused the microphone: you hear the other side, but it does not hear you" in hint.inner_text()
        page.keyboard.type("1002", delay=60)
        hall.hears(*RINGBACK)
        page.focus('[data-user="1002"]')
        kitchen.becomes("it.state.ringing")
        page.keyboard.press(" ")
        kitchen.shows("In call")
        hall.becomes("it.levels().rms < 0.001")

        page.keyboard.down("7")
        kitchen.hears(852, 1209)
        page.keyboard.up("7")
        kitchen.shows("7")
        wait_until(lambda: digits_received(household, "1001") == "7", why="a digit at 1001")
        page.keyboard.press("m")
        page.wait_for_selector('[data-user="1002"] [data-lamp="mute"].on')
        page.keyboard.press("h")
        page.wait_for_selector('[data-user="1002"] [data-lamp="hold"]:is(.on, .blink)')
        page.keyboard.press("h")
        hall.shows("In call")
        page.keyboard.press(" ")
        hall.shows("ended")


def test_every_window_shows_both_telephones_whole(household: str, tmp_path: Path, driver: Any) -> None:
    with chromium(driver, tmp_path, microphone=False) as visit:
        page = visit(household)
        root = "document.documentElement"
        for width, height in ((1280, 800), (1366, 768), (1920, 1080), (1280, 640), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function(f"innerWidth === {width} && {root}.scrollHeight <= innerHeight", timeout=PATIENCE_MS)
            assert page.evaluate(f"{root}.scrollWidth") <= width
            for box in (page.locator(f'[data-user="{user}"]').bounding_box() for user in ("1001", "1002")):
                assert min(box["x"], box["y"]) >= 0
                assert box["x"] + box["width"] <= width
                assert box["y"] + box["height"] <= height
            square = page.locator('[data-user="1001"] canvas').evaluate("it => it.getBoundingClientRect().width / 128")
            if height > 700 and width > 820:  # all of one size: whole pixels of the screen
                assert square == pytest.approx(round(square), abs=0.001)
            if width > 820:
                words, legend = (page.locator(part).bounding_box() for part in ("#guide", "#keyboard"))
                assert words["y"] + words["height"] < legend["y"]
