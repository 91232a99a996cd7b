"""The peers of the interop tests as Debian packages them: SIPp, baresip, Kamailio. Loopback only."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import socket
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.listening import sine
from tests.support.programs import Program, free_port, wait_until, wav_of

SBIN = "/usr/sbin"
LONGEST_MESSAGE = 1 << 20


def need(program: str, package: str) -> str:
    """The program's path; a peer that is missing fails the test, for a skipped interop test proves nothing."""
    path = shutil.which(program) or shutil.which(program, path=SBIN)
    assert path, f"{program} is not installed. Type: sudo apt-get install {package}   (make peers does it)"
    return path


# --- SIPp ---


class Sipp(Program):
    """One run of SIPp: a built-in scenario by its name, or one of our own as XML."""

    def __init__(self, folder: Path, scenario: str, *arguments: str, remote: int | None = None, calls: int = 1) -> None:
        """`remote`: the port it calls; None: it waits to be called."""
        self.port = free_port()
        self.media_port = free_port(pair=True)
        self._tap: socket.socket | None = None
        self._tapped = 0
        self._statistics = folder / f"sipp-{self.port}.csv"
        self._errors = folder / f"sipp-{self.port}.errors"
        if scenario.startswith("<"):
            path = folder / f"sipp-{self.port}.xml"
            path.write_text(scenario)
            chosen = ["-sf", str(path)]
        else:
            chosen = ["-sn", scenario]
        super().__init__(
            [
                need("sipp", "sip-tester"),
                *([f"127.0.0.1:{remote}"] if remote is not None else []),
                *chosen,
                *("-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1", "-mp", str(self.media_port)),
                *("-m", str(calls), "-l", "1", "-nostdin", "-timeout", "80", "-timeout_error"),
                *("-trace_stat", "-stf", str(self._statistics), "-fd", "1"),
                *("-watchdog_interval", "0"),  # that this machine is busy is no error of the call's
                *("-trace_err", "-error_file", str(self._errors)),
                *arguments,
            ],
            folder=folder,
        )
        if remote is None:
            wait_until(lambda: _is_bound(self.port), why="SIPp to listen")

    def succeeded(self, calls: int, seconds: float = 90.0) -> None:
        """Wait for its end: exit code 0, so many calls done, none failed, none strange."""
        code = self.wait(seconds)
        errors = self._errors.read_text() if self._errors.exists() else ""
        assert code == 0, f"SIPp ended with {code}: {errors}"
        last = self._last_row()
        figures = {name: int(last[name]) for name in ("SuccessfulCall(C)", "FailedCall(C)")}
        assert figures == {"SuccessfulCall(C)": calls, "FailedCall(C)": 0}, errors
        assert not errors, errors

    def octets_of_speech(self) -> int:
        """What has come to its media port so far, at least; call it from when SIPp has named that port.

        Without -rtp_echo SIPp leaves the port alone: version 3.6 holds it and never reads, so the kernel's count of
        what waits there tells; version 3.7 does not even open it, so we do.
        """
        if self._tap is None and not _is_bound(self.media_port):
            self._tap = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._tap.bind(("127.0.0.1", self.media_port))
            self._tap.setblocking(False)
        if self._tap is None:
            rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
            place = f"0100007F:{self.media_port:04X}"
            return sum(int(row[4].partition(":")[2], 16) for row in rows if row[1] == place)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._tapped += len(self._tap.recv(2048))
        return self._tapped

    def stop(self) -> int:
        """End it."""
        if self._tap is not None:
            self._tap.close()
        return super().stop()

    def _last_row(self) -> dict[str, str]:
        with self._statistics.open(newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))[-1]


def _is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


# --- baresip ---

BARESIP_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
call_local_timeout 120
call_max_calls {calls}
audio_path /usr/share/baresip
audio_player aubridge,handset
audio_source aufile,{speech}
audio_alert aubridge,alert
audio_level no
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
rtp_ports {rtp}-{rtp_last}
rtcp_mux no
jitter_buffer_delay 1-2
rtp_stats no
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {sound}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
statmode_default off
"""
PEER_SAYS_HZ = 700.0
MODULES = ("/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules")


class Baresip(Program):
    """baresip with one account. It says a tone; what it hears is written to a file; `command` is its control port."""

    def __init__(
        self,
        folder: Path,
        user: str,
        *,
        domain: str = "",
        parameters: str = "regint=0",
        answer: str = "auto",
        codecs: str = "PCMA/8000/1,PCMU/8000/1",
        tone_hz: float = PEER_SAYS_HZ,
        calls: int = 4,
    ) -> None:
        """`domain`: of its address; its own host and port if it has no server. `answer`: "auto" or "manual"."""
        path = need("baresip", "baresip-core")
        self.port = free_port(pair=True)  # it opens the next one for TLS
        self._control_port = free_port(socket.SOCK_STREAM)
        self._home = folder / f"baresip-{self.port}"
        self._sound = self._home / "sound"
        self._sound.mkdir(parents=True)
        self.uri = f"sip:{user}@{domain or f'127.0.0.1:{self.port}'}"
        rtp = free_port(pair=True)
        speech = self._home / "speech.wav"
        speech.write_bytes(wav_of(sine(tone_hz, 60.0)))
        (self._home / "accounts").write_text(f"<{self.uri}>;answermode={answer};audio_codecs={codecs};{parameters}\n")
        (self._home / "config").write_text(
            BARESIP_CONFIG.format(
                sip=self.port, calls=calls, speech=speech, rtp=rtp, rtp_last=min(rtp + 200, 65535),
                modules=_modules(), sound=self._sound, control=self._control_port,
            )
        )  # fmt: skip
        super().__init__([path, "-4", "-f", str(self._home)], name="baresip", folder=self._home)
        self.wait_for("baresip is ready")
        self.control = Control(self._control_port)

    def stop(self) -> int:
        """End it."""
        if hasattr(self, "control"):
            self.control.close()
        return super().stop()

    def latest(self, seconds: float) -> array[int]:
        """The last `seconds` it heard in its latest call, 8 kHz; fewer, or none, if there is no more yet."""
        files = sorted(self._sound.glob("dump*-dec.wav"), key=lambda file: file.stat().st_mtime)
        return _samples_so_far(files[-1])[-round(seconds * 8000) :] if files else array("h")


def _samples_so_far(path: Path) -> array[int]:
    """The samples of a WAV file that is still being written: the length in its header comes last."""
    octets = path.read_bytes()
    start = octets.find(b"data") + 8
    return array("h", octets[start : start + (len(octets) - start) // 2 * 2]) if start >= 8 else array("h")


def _modules() -> Path:
    """Where Debian keeps baresip's modules."""
    for pattern in MODULES:
        for folder in Path("/").glob(pattern.lstrip("/")):
            return folder
    raise AssertionError("baresip's modules are missing. Type: sudo apt-get install baresip-core")


class Control:
    """baresip's ctrl_tcp: JSON in netstrings, commands one way, responses and events the other."""

    def __init__(self, port: int) -> None:
        self._socket = wait_until(lambda: _connected(port), why="baresip's control port")
        self._unread = b""
        self._serial = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def command(self, name: str, parameters: str = "", *, sure: bool = True) -> str:
        """Do something; what baresip says to that. Fails the test when baresip refuses, unless `sure` is False."""
        self._serial += 1
        token = str(self._serial)
        octets = json.dumps({"command": name, "params": parameters, "token": token}).encode()
        self._socket.sendall(b"%d:%s," % (len(octets), octets))
        answer = self._read_until(lambda one: one.get("token") == token, 30.0, f"answer to {name}")
        assert answer["ok"] or not sure, f"baresip refused {name} {parameters}: {answer}"
        return str(answer.get("data", ""))

    def resume(self) -> None:
        """Take a held call back: baresip 1.1 does it, and then says "Invalid argument"."""
        self.command("resume", sure=False)

    def event(self, kind: str, seconds: float = 30.0, **fields: str) -> dict[str, Any]:
        """Wait for an event that is not read yet and matches; it and all before it count as read."""

        def fits(one: dict[str, Any]) -> bool:
            return one.get("type") == kind and all(one.get(name) == value for name, value in fields.items())

        for place, event in enumerate(self.events):
            if fits(event):
                del self.events[: place + 1]
                return event
        wanted = f"{kind} {fields or ''}"
        event = self._read_until(fits, seconds, wanted)
        self.events.clear()
        return event

    def _read_until(self, enough: Callable[[dict[str, Any]], bool], seconds: float, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            while (one := self._next()) is not None:
                if one.get("event"):
                    self.events.append(one)
                if enough(one):
                    return one
            left = deadline - time.monotonic()
            assert left > 0, f"no {what} from baresip in {seconds:g} s; it told {self.events}"
            self._socket.settimeout(left)
            try:
                octets = self._socket.recv(65536)
            except TimeoutError:
                continue
            assert octets, f"baresip closed its control port before {what}"
            self._unread += octets

    def _next(self) -> dict[str, Any] | None:
        """The next whole message, None if it is not there yet."""
        length, found, rest = self._unread.partition(b":")
        if not found or len(rest) <= int(length):
            return None
        self._unread = rest[int(length) + 1 :]
        message: dict[str, Any] = json.loads(rest[: int(length)])
        return message


def _connected(port: int) -> socket.socket | None:
    try:
        return socket.create_connection(("127.0.0.1", port), timeout=20)
    except ConnectionRefusedError:
        return None


# --- Kamailio ---

PROBE = b"""\
OPTIONS sip:127.0.0.1 SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:%(port)d;branch=z9hG4bKprobe%(port)d\r
From: <sip:probe@127.0.0.1>;tag=%(port)d\r
To: <sip:probe@127.0.0.1>\r
Call-ID: probe%(port)d\r
CSeq: 1 OPTIONS\r
Max-Forwards: 70\r
Content-Length: 0\r
\r
"""


class Kamailio(Program):
    """Kamailio as registrar and proxy of a domain, with digest; see kamailio.cfg."""

    def __init__(self, folder: Path, domain: str, users: dict[str, str], *, algorithm: str = "MD5") -> None:
        """`users`: names and passwords. `algorithm`: of its digest, "MD5" or "SHA-256"."""
        path = need("kamailio", "kamailio")
        self.port = free_port()
        self._home = folder / f"kamailio-{self.port}"
        self._home.mkdir()
        filled = {
            "PORT": str(self.port),
            "DOMAIN": domain,
            "ALGORITHM": algorithm,
            "PASSWORDS": "\n".join(f'    $sht(password=>{user}) = "{word}";' for user, word in users.items()),
        }
        text = Path(__file__).with_name("kamailio.cfg").read_text()
        for name, value in filled.items():
            text = text.replace(f"@{name}@", value)
        (self._home / "kamailio.cfg").write_text(text)
        home = str(self._home)
        arguments = ["-f", f"{home}/kamailio.cfg", "-DD", "-E", "-m", "16", "-M", "4", "-Y", home, "-w", home]
        super().__init__([path, *arguments], name="kamailio", folder=self._home)
        wait_until(self._is_open, why="Kamailio to listen")

    def _is_open(self) -> bool:
        assert self.process.poll() is None, f"Kamailio ended: {self.output}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            asker.connect(("127.0.0.1", self.port))
            try:
                asker.send(PROBE % {b"port": asker.getsockname()[1]})
                return asker.recv(4096).startswith(b"SIP/2.0 ")
            except (TimeoutError, ConnectionRefusedError):
                return False
