"""The two telephones that are compared, each as its user starts it: `offhook run` and Debian's baresip."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from pathlib import Path

from tests.interop.peers import MODULES
from tests.support.programs import Program, free_port, wait_until

HOST = "127.0.0.1"

_PHONE = """
[phone]
name = "Bench"
memory = ""

[[account]]
{account}

[sip]
listen = ["udp:127.0.0.1:{port}"]

[media]
rtp_ports = [{first}, {last}]
codecs = ["PCMU"]

[hardware]
board = "{board}"
"""
_WEB = """
[web]
listen = "127.0.0.1:{port}"
"""
_QUIET_BOARD = """
name = "bench"

[audio]
port = "null"
"""
_BARESIP = """
poll_method epoll
sip_listen {host}:{port}
net_interface {host}
call_max_calls 4
audio_player aubridge,call
audio_source aubridge,call
audio_alert aubridge,alert
audio_path {home}
ringback_disabled yes
statmode_default off
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
audio_buffer 20-160
jitter_buffer_delay 1-2
rtp_ports {first}-{last}
module_path {modules}
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
"""
_MODULES = next((path for pattern in MODULES for path in Path("/").glob(pattern[1:])), None)


def available() -> bool:
    """Whether there is a baresip to compare with."""
    return shutil.which("baresip") is not None and _MODULES is not None


class _RtpPorts:
    """Ranges of twenty ports that do not overlap."""

    first = 42000

    @classmethod
    def take(cls) -> tuple[int, int]:
        cls.first += 20
        return cls.first, cls.first + 19


class Phone(Program):
    """`offhook run`, without a page unless `web`. `port` is its SIP port."""

    def __init__(
        self, folder: Path, board: str, *, answers: bool = False, registrar: int | None = None, web: bool = False
    ) -> None:
        """`board`: "quiet" has a card that paces itself, worked by an engine process as on a real phone; "sim" is the
        browser's, in the one process. `answers`: at once, by itself. `registrar`: the UDP port of one, None: it is
        called directly."""
        self.port = free_port()
        path = folder / f"phone-{self.port}.toml"
        path.write_text(self._config(folder, board, answers, registrar, web))
        script = Path(sys.executable).parent / "offhook"
        command = [str(script)] if script.exists() else [sys.executable, "-m", "firmware"]
        super().__init__([*command, "run", str(path)], name=f"offhook, {board} board")

    def _config(self, folder: Path, board: str, answers: bool, registrar: int | None, web: bool) -> str:
        if board == "quiet":
            quiet = folder / "quiet.toml"
            quiet.write_text(_QUIET_BOARD)
            board = str(quiet)
        lines = [f'address = "sip:1001@{HOST}:{registrar or self.port}"']
        lines += ["register = false"] if registrar is None else []
        lines += ["auto_answer = 0"] if answers else []
        first, last = _RtpPorts.take()
        text = _PHONE.format(account="\n".join(lines), port=self.port, first=first, last=last, board=board)
        return text + (_WEB.format(port=free_port(socket.SOCK_STREAM)) if web else "")

    def up(self) -> Phone:
        """Wait until it can be called."""
        self.wait_for("ready")
        return self


class Baresip(Program):
    """Debian's baresip, with the modules a G.711 call needs. `port` is its SIP port."""

    def __init__(
        self, folder: Path, *, answers: bool = False, registrar: int | None = None, dials: int | None = None
    ) -> None:
        """`answers`: at once, by itself; `registrar`: the UDP port of one; `dials`: the SIP port of who it calls."""
        self.port = free_port()
        first, last = _RtpPorts.take()
        home = folder / f"baresip-{self.port}"
        home.mkdir()
        text = _BARESIP.format(home=home, host=HOST, port=self.port, first=first, last=last, modules=_MODULES)
        (home / "config").write_text(text)
        account = (
            f"<sip:1001@{HOST}:{registrar or self.port}>;audio_codecs=PCMU;regint={0 if registrar is None else 600}"
        )
        (home / "accounts").write_text(account + (";answermode=auto" if answers else "") + "\n")
        (home / "contacts").touch()
        dial = ["-e", f"/dial sip:1001@{HOST}:{dials}"] if dials is not None else []
        super().__init__(["baresip", "-f", str(home), *dial], name="baresip")

    def up(self) -> Baresip:
        """Wait until it can be called."""
        self.wait_for("baresip is ready")
        return self


def settled(program: Program, seconds: float = 10.0) -> None:
    """Wait until a program has nothing to do: no tick of CPU time in half a second."""

    def idle() -> bool:
        before = program.cpu_seconds()
        time.sleep(0.5)
        return program.cpu_seconds() - before <= 0.011

    wait_until(idle, seconds, f"{program.name} goes quiet")
