"""Sound cards without a sound card: ALSA's null and file plugins, and PulseAudio's null sink with a card's pace.

ALSA reads its configuration afresh whenever ALSA_CONFIG_PATH or a file on it changes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ALSA_CONF = "/usr/share/alsa/alsa.conf"


def plugins(folder: Path, said: bytes = b"") -> str:
    """An asoundrc: "quiet" plays and records nothing, "tape" plays into tape.raw, "voice" records what is `said`."""
    (folder / "said.raw").write_bytes(said)
    return f"""
pcm.quiet {{ type null }}
pcm.tape {{ type file  slave.pcm quiet  file "{folder}/tape.raw"  format raw }}
pcm.voice {{ type file  slave.pcm quiet  file "/dev/null"  infile "{folder}/said.raw"  format raw }}
"""


def pulse_plugins(socket: Path) -> str:
    """An asoundrc: "sink" plays into PulseAudio's null sink, "monitor" records what it plays."""
    return f"""
pcm.sink {{ type pulse  device paced  server "unix:{socket}" }}
pcm.monitor {{ type pulse  device paced.monitor  server "unix:{socket}" }}
ctl.sink {{ type pulse  server "unix:{socket}" }}
"""


@contextlib.contextmanager
def alsa_configured(folder: Path, text: str) -> Iterator[None]:
    """With this configuration for ALSA, in this process."""
    file = folder / "asoundrc"
    file.write_text(text)
    before = os.environ.get("ALSA_CONFIG_PATH")
    os.environ["ALSA_CONFIG_PATH"] = f"{ALSA_CONF}:{file}"
    try:
        yield
    finally:
        if before is None:
            del os.environ["ALSA_CONFIG_PATH"]
        else:
            os.environ["ALSA_CONFIG_PATH"] = before


class SoundServer:
    """A PulseAudio of our own with one null sink, on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "pulse.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its sink is at work.

        An idle null sink works in blocks of two seconds; somebody who listens with a short delay keeps it brisk.
        """
        environment = {**os.environ, "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", "module-null-sink sink_name=paced rate=48000"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}"),
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while not self.socket.exists():
            assert self._process.poll() is None, "pulseaudio ended"
            assert time.monotonic() < until, "pulseaudio does not come up"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        self._listener = subprocess.Popen(
            ["parec", f"--server=unix:{self.socket}", "--device=paced.monitor", "--raw", "--latency-msec=10"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._listener.stdout is not None
        self._listener.stdout.read(100_000)
        threading.Thread(target=self._listener.stdout.read, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        for process in (self._listener, self._process):
            if process is not None:
                process.terminate()
                process.wait(10)
        self._listener = self._process = None
