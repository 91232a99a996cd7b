"""A real browser with the telephones' page: handsets are clicked, and what the page plays is recorded and measured."""

from __future__ import annotations

import base64
import itertools
import os
import shutil
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright.sync_api as playwright
import pytest

from tests.support.listening import level_dbov
from tests.support.programs import wav_of

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
"""Where there is none the tests fail: a skipped one proves nothing."""
PATIENCE_MS = 30_000
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"),
)
DECIMATION = 4
"""The telephone's sound ends below 4 kHz: every fourth sample of 44.1 or 48 kHz holds all of it."""
WINDOW_S = 0.01

RECORDER = """
registerProcessor("recorder", class extends AudioWorkletProcessor {
  process([[heard]]) {
    this.port.postMessage({ at: currentFrame, heard: heard ? heard.slice() : new Float32Array(128) });
    return true;
  }
});
"""
START = """
async ({ user, what, code }) => {
  const node = what === "mouth" ? offhook.phones[user].source : offhook.phones[user].analyser;
  const { context } = node;
  if (!context.canRecord) {
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    context.canRecord = true;
  }
  const recorder = new AudioWorkletNode(context, "recorder", { channelCount: 1, channelCountMode: "explicit" });
  const taken = [];
  recorder.port.onmessage = ({ data }) => taken.push(data);
  node.connect(recorder).connect(context.destination); // it plays nothing: that only keeps it running
  window.recordings ??= {};
  window.recordings[user + what] = { node, recorder, taken, rate: context.sampleRate };
}
"""
STOP = """
({ name, every }) => {
  const { node, recorder, taken, rate } = window.recordings[name];
  node.disconnect(recorder);
  recorder.disconnect();
  const samples = new Int16Array(Math.floor((taken.length * 128) / every));
  for (let n = 0; n < samples.length; n++) {
    const x = taken[Math.floor((n * every) / 128)].heard[(n * every) % 128];
    samples[n] = Math.max(-32768, Math.min(32767, Math.round(x * 32768)));
  }
  const octets = new Uint8Array(samples.buffer);
  let text = "";
  for (let n = 0; n < octets.length; n += 8192) text += String.fromCharCode(...octets.subarray(n, n + 8192));
  return { rate: rate / every, began: taken[0].at / rate, octets: btoa(text) };
}
"""
LIT = """
(user) => {
  const canvas = document.querySelector(`[data-user="${user}"] canvas`);
  const side = canvas.width / 128;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const at = (n) => Math.floor((n + 0.5) * side);
  const lit = [];
  for (let y = 0; y < 64; y++) for (let x = 0; x < 128; x++) lit.push(data[4 * (at(y) * canvas.width + at(x))] > 99);
  return lit;
}
"""


@dataclass(frozen=True)
class Heard:
    """A recording."""

    samples: array[int]
    rate_hz: float
    began: float
    """By the clock of the page's sound, in seconds."""

    @property
    def level_dbov(self) -> float:
        return level_dbov(self.samples)

    def loud(self, threshold: float = 300) -> list[bool]:
        """Whether there is sound, in windows of 10 ms."""
        size = round(WINDOW_S * self.rate_hz)
        starts = range(0, len(self.samples) - size + 1, size)
        return [max(map(abs, self.samples[start : start + size])) > threshold for start in starts]

    @property
    def steps_ms(self) -> list[tuple[bool, int]]:
        """(sounding, milliseconds), in turn; those cut by the recording's ends are left out.

        A gap of up to 40 ms is the browser's: it ran out of sound for a moment.
        """
        loud = self.loud()
        for n in range(1, len(loud)):
            loud[n] = loud[n] or (loud[n - 1] and any(loud[n + 1 : n + 5]))
        runs = [(sounding, len(list(run)) * 10) for sounding, run in itertools.groupby(loud)]
        return runs[1:-1]

    def onsets(self, threshold: float = 300) -> list[float]:
        """When sound began after silence of at least a tenth of a second, by the same clock."""
        found, quiet = [], 0
        for n, sample in enumerate(self.samples):
            if abs(sample) > threshold:
                if quiet > self.rate_hz / 10:
                    found.append(self.began + n / self.rate_hz)
                quiet = 0
            else:
                quiet += 1
        return found


class Telephone:
    """One telephone on a page."""

    def __init__(self, page: Any, user: str) -> None:
        self._page = page
        self.user = user
        self.element = page.locator(f'[data-user="{user}"]')

    def click_handset(self) -> None:
        self.element.locator(".handset").click()

    def press(self, keys: str, hold_ms: int = 120) -> None:
        """Press keys with the mouse, each for a while."""
        for key in keys:
            self.element.locator(f'[data-key="{key}"]').click(delay=hold_ms)

    def holding(self, key: str) -> Any:
        """A context in which the mouse holds a key down."""
        return _held(self._page, self.element.locator(f'[data-key="{key}"]'))

    def becomes(self, script: str) -> None:
        """Wait for `script`, an expression of the telephone `it`, to be true."""
        self._page.wait_for_function(
            f"(user) => {{ const it = offhook.phones[user]; return {script}; }}", arg=self.user, timeout=PATIENCE_MS
        )

    def hears(self, *frequencies_hz: float, within_hz: float = 4.0) -> None:
        """Wait until these are the strongest frequencies of what is played."""
        wanted = sorted(frequencies_hz)
        fits = f"f.every((x, n) => Math.abs(x - {wanted}[n]) < {within_hz})"
        listen = f"it.levels().frequencies_hz.slice(0, {len(wanted)}).sort((a, b) => a - b)"
        try:
            self.becomes(f"((f) => f.length === {len(wanted)} && {fits})({listen})")
        except playwright.TimeoutError as late:
            raise AssertionError(f"{self.user} hears {self.levels}, not {wanted} Hz; it shows {self.shown}") from late

    def shows(self, text: str) -> None:
        """Wait for a text on the panel."""
        try:
            self.becomes(f"it.state.display.lines.join(' ').includes({text!r})")
        except playwright.TimeoutError as late:
            raise AssertionError(f"{self.user} shows {self.shown}, not {text!r}") from late

    @property
    def shown(self) -> list[str]:
        """The lines on the panel."""
        return self._ask("it.state.display.lines")

    @property
    def lit(self) -> list[bool]:
        """The panel's pixels, as the canvas has them."""
        return self._page.evaluate(LIT, self.user)

    @property
    def levels(self) -> dict[str, Any]:
        """What the last half second played."""
        return self._ask("it.levels()")

    @property
    def doing(self) -> str:
        return self.element.locator(".doing").inner_text()

    def record(self, seconds: float) -> Heard:
        """What the page plays from now on."""
        self.start_recording()
        self._page.wait_for_timeout(1000 * seconds)
        return self.recorded()

    def start_recording(self, what: str = "ear") -> None:
        """Record what is heard ("ear") or said ("mouth") here, until `recorded`."""
        self._page.evaluate(START, {"user": self.user, "what": what, "code": RECORDER})

    def recorded(self, what: str = "ear") -> Heard:
        """Stop recording."""
        told = self._page.evaluate(STOP, {"name": self.user + what, "every": DECIMATION})
        return Heard(array("h", base64.b64decode(told["octets"])), told["rate"], told["began"])

    def _ask(self, script: str) -> Any:
        return self._page.evaluate(f"(user) => {{ const it = offhook.phones[user]; return {script}; }}", self.user)


@contextmanager
def _held(page: Any, key: Any) -> Iterator[None]:
    key.hover()
    page.mouse.down()
    yield
    page.mouse.up()


@pytest.fixture
def driver() -> Iterator[Any]:
    """What drives the browsers of one test; it occupies the thread's event loop as long as it lives."""
    with playwright.sync_playwright() as running:
        yield running


@contextmanager
def chromium(
    driver: Any,
    folder: Path,
    *,
    says: array[int] | None = None,
    rate_hz: int = 48000,
    microphone: bool = True,
    size: tuple[int, int] = (1280, 800),
) -> Iterator[Any]:
    """A browser; `says`: what its microphone hears, over and over; without `microphone` the page is refused it.

    Yields `open(url)`, which returns a page; any script error on a page fails the test.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flags = [*FLAGS, "--use-fake-ui-for-media-stream" if microphone else "--deny-permission-prompts"]
    if says is not None:
        (folder / "says.wav").write_bytes(wav_of(says, rate_hz))
        flags.append(f"--use-file-for-fake-audio-capture={folder / 'says.wav'}")
    faults: list[str] = []
    context = driver.chromium.launch_persistent_context(
        folder / "profile",
        executable_path=CHROMIUM,
        args=flags,
        viewport={"width": size[0], "height": size[1]},
        bypass_csp=True,  # recording needs a script that the page's policy forbids
    )

    def visit(url: str) -> Any:
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        return page

    try:
        yield visit
    finally:
        context.close()
    assert faults == []
