"""What a telephone still knows after it was switched off, as a process: in order, by a power cut, without a disk."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.support.programs import Phone, free_port, wait_until

CONFIG = """
[phone]
name = "Hall"
{memory}

[[account]]
address = "sip:1001@127.0.0.1:{port}"
register = false

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]

[web]
listen = "{{web}}"
"""


def config(memory: str = 'memory = "hall.json"') -> str:
    return CONFIG.format(port=free_port(), memory=memory)


def call_somebody(phone: Phone) -> None:
    """4711 does not answer: an attempt is enough to be in the call list."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", free_port()))
        call = phone.ask("POST", "/api/v1/calls", {"to": f"sip:4711@127.0.0.1:{silent.getsockname()[1]}"})
        phone.ask("POST", f"/api/v1/calls/{call['id']}/hangup")
        phone.idle()


def shows(phone: Phone, number: str) -> None:
    """The call list, opened with a key, has this number."""
    phone.ask("POST", "/sim/key", {"key": "up", "down": True})
    phone.ask("POST", "/sim/key", {"key": "up", "down": False})
    wait_until(lambda: number in phone.panel, why=f"{number} in the call list: {phone.panel}")


def test_a_phone_that_was_stopped_keeps_its_call_list_and_do_not_disturb(tmp_path: Path) -> None:
    with Phone(tmp_path, config()) as phone:
        phone.ask("PUT", "/api/v1/phone", {"do_not_disturb": True})
        call_somebody(phone)

    with Phone(tmp_path, config()) as phone:
        assert phone.phone["do_not_disturb"] is True
        shows(phone, "4711")
    assert (tmp_path / "hall.json").stat().st_mode & 0o777 == 0o600


def test_a_phone_that_lost_its_power_keeps_what_was_written(tmp_path: Path) -> None:
    with Phone(tmp_path, config()) as phone:
        call_somebody(phone)
        wait_until((tmp_path / "hall.json").exists, why="the first writing")
        phone.process.send_signal(signal.SIGKILL)
        phone.wait()

    with Phone(tmp_path, config()) as phone:
        shows(phone, "4711")


def test_a_phone_that_is_told_nothing_keeps_its_memory_in_the_state_folder(tmp_path: Path) -> None:
    with Phone(tmp_path, config(memory="")) as phone:
        call_somebody(phone)

    kept = Path(os.environ["XDG_STATE_HOME"]) / "offhook" / f"phone-{phone.web_port}.json"
    assert "sip:4711@" in kept.read_text()


def test_a_phone_without_a_place_for_its_memory_works_and_says_so_once(tmp_path: Path) -> None:
    with Phone(tmp_path, config(memory='memory = "/proc/nowhere/hall.json"')) as phone:
        call_somebody(phone)
        shows(phone, "4711")
        assert phone.stop() == 0

    assert phone.output.count("/proc/nowhere/hall.json") == 1
    assert "Traceback" not in phone.output
