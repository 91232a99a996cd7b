"""Programs that tests start on loopback: our own phone, and the peers. Each is stopped by whoever started it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import wave
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Any, Self

POLL_S = 0.02
_PORTS = range(20000, 32000)
"""Below those that the system lends to clients (from 32768), who would snatch a port before a program opens it."""
_CHANCE = SystemRandom()
_given: set[int] = set()


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM, *, pair: bool = False) -> int:
    """A port of 127.0.0.1 that nobody uses for UDP or TCP, whatever its `kind`; given out once.

    `pair`: an even one whose successor is free too.
    """
    while True:
        port = _CHANCE.choice(_PORTS[:: 2 if pair else 1])
        if port in _given or (pair and port + 1 in _given):
            continue
        if all(_is_free(one) for one in ([port, port + 1] if pair else [port])):
            _given.update((port, port + 1) if pair else (port,))
            return port


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def wait_until(what: Callable[[], Any], seconds: float = 30.0, why: str = "") -> Any:
    """Wait for `what()` to be true, and return it; fails the test with `why` when it does not become so."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {why or what}")
        pause.wait(POLL_S)


class Program:
    """A child process whose output is kept; a context manager."""

    def __init__(
        self, arguments: list[str], *, folder: Path | None = None, name: str = "", stdin: bool = False
    ) -> None:
        self.name = name or Path(arguments[0]).name
        self._lines: list[str] = []
        self._changed = threading.Condition()
        environment = dict(os.environ, PYTHONUNBUFFERED="1")
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").rstrip())
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """Everything it has said."""
        with self._changed:
            return "\n".join(self._lines)

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Wait until it says `text`."""
        with self._changed:
            said = self._changed.wait_for(
                lambda: any(text in line for line in self._lines) or self.process.poll() is not None, seconds
            )
            if said and any(text in line for line in self._lines):
                return
            tail = "\n".join(self._lines[-40:])
        raise AssertionError(f"{self.name} did not say {text!r} in {seconds:g} s. It said:\n{tail}")

    def type(self, text: str) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait(self, seconds: float = 30.0) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(seconds)

    def cpu_seconds(self) -> float:
        """User and system time of the process and of its children so far."""
        return sum(_cpu(pid) for pid in self._family())

    def memory_mb(self) -> float:
        """Resident memory of the process and of its children, proportional where shared (PSS)."""
        return sum(_pss_kb(pid) for pid in self._family()) / 1024

    def _family(self) -> list[int]:
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            children = []
        return [pid, *map(int, children)]

    def stop(self) -> int:
        """SIGTERM, and SIGKILL if it does not listen; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
        self._reader.join(5)
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if fault is not None:
            print(f"--- {self.name} said:\n{self.output[-6000:]}")


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss_kb(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


class Handset:
    """A telephone reached over HTTP: its API, and its simulated hardware."""

    base: str
    """Where it is, "http://127.0.0.1:8080/phones/1001"."""

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> Any:
        """One HTTP request; JSON in, JSON (or octets) out. Raises HTTPError."""
        octets = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=octets, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            answer = response.read()
            return json.loads(answer) if response.headers.get_content_type() == "application/json" else answer

    @property
    def phone(self) -> dict[str, Any]:
        """`GET /api/v1/phone`."""
        return self.ask("GET", "/api/v1/phone")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The calls that are not over."""
        return [call for call in self.phone["calls"] if call["state"] != "ended"]

    def call(self, state: str, seconds: float = 30.0) -> dict[str, Any]:
        """Wait for a call in this state."""

        def found() -> dict[str, Any] | None:
            return next((call for call in self.phone["calls"] if call["state"] == state), None)

        return wait_until(found, seconds, f"a call {state}; there are {self.phone['calls']}")

    def registered(self, seconds: float = 30.0) -> None:
        """Wait until the first account is registered."""
        wait_until(lambda: self.phone["accounts"][0]["registered"], seconds, f"registration: {self.phone['accounts']}")

    def idle(self, seconds: float = 30.0) -> None:
        """Wait until there is no call."""
        wait_until(lambda: not self.calls, seconds, f"no call: {self.phone['calls']}")

    def lift(self) -> None:
        """Take the handset."""
        self.ask("POST", "/sim/hook", {"off": True})

    def hang_up(self) -> None:
        """Lay it back."""
        self.ask("POST", "/sim/hook", {"off": False})

    def press(self, keys: str) -> None:
        """Type keys as a person would."""
        self.ask("POST", "/sim/key", {"press": keys})

    @property
    def panel(self) -> str:
        """The text on the panel."""
        return self.ask("GET", "/sim/display.txt").decode()

    def heard(self, seconds: float, *, where: str = "earpiece") -> array[int]:
        """The last samples heard, 8 kHz."""
        return samples_of(self.ask("GET", f"/sim/{where}.wav?seconds={seconds:g}"))

    def speak(self, samples: array[int], rate: int = 8000) -> None:
        """Say something into the handset."""
        self.ask("PUT", "/sim/microphone", raw=wav_of(samples, rate))


class Phone(Handset, Program):
    """`offhook run` (or `sim`), and its HTTP interface."""

    def __init__(self, folder: Path, text: str, *, arguments: tuple[str, ...] = (), wait: bool = True) -> None:
        """`text`: the configuration, "{web}" stands for the web server's address."""
        self.web_port = free_port(socket.SOCK_STREAM)
        path = folder / f"phone-{self.web_port}.toml"
        path.write_text(text.replace("{web}", f"127.0.0.1:{self.web_port}"))
        self.base = f"http://127.0.0.1:{self.web_port}"
        super().__init__([sys.executable, "-m", "firmware", "run", str(path), *arguments], name="offhook")
        if wait:
            self.wait_for("ready")
            if "[web]" in text:
                self.wait_for("the page is at")


def samples_of(octets: bytes) -> array[int]:
    """The samples of a 16-bit mono WAV file."""
    with wave.open(BytesIO(octets)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        return array("h", sound.readframes(sound.getnframes()))


def wav_of(samples: array[int], rate: int = 8000) -> bytes:
    """A 16-bit mono WAV file."""
    octets = BytesIO()
    with wave.open(octets, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.tobytes())
    return octets.getvalue()


@contextmanager
def refused(status: int) -> Iterator[list[str]]:
    """Expect an HTTP error with this status; collects its plain words."""
    words: list[str] = []
    try:
        yield words
    except urllib.error.HTTPError as fault:
        assert fault.code == status, f"{fault.code}, not {status}"
        words.append(json.loads(fault.read())["error"])
    else:
        raise AssertionError(f"there was no error {status}")
