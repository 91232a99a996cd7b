"""`offhook run` on a machine without its sound card and its panel: it is a telephone all the same, and says so."""

from __future__ import annotations

from pathlib import Path

from tests.support.programs import Phone, free_port, wait_until

BOARD = """
name = "den"
driver = "pi"
[usb_keypad]
device = "no such keypad"
[display]
port = 31
[audio]
earpiece = { card = "usb:9-9.9" }
microphone = { card = "usb:9-9.9" }
"""
CONFIG = """
[[account]]
address = "sip:1001@127.0.0.1:{port}"
register = false

[sip]
listen = ["udp:127.0.0.1:{port}"]

[web]
listen = "{{web}}"

[hardware]
board = "{board}"
"""


def config(folder: Path, port: int) -> str:
    board = folder / "den.toml"
    board.write_text(BOARD)
    return CONFIG.format(port=port, board=board)


def test_telephones_without_sound_cards_call_each_other(tmp_path: Path) -> None:
    port = free_port()
    with Phone(tmp_path, config(tmp_path, free_port())) as den, Phone(tmp_path, config(tmp_path, port)) as hall:
        for phone in (den, hall):
            fault = wait_until(lambda phone=phone: phone.phone["sound_fault"])  # type: ignore[misc]
            assert fault.startswith("no sound card 'usb:9-9.9'; there ")
            assert "plug it in" in fault

        den.ask("POST", "/api/v1/calls", {"to": f"sip:1001@127.0.0.1:{port}"})
        call = hall.call("ringing")
        hall.ask("POST", f"/api/v1/calls/{call['id']}/answer")
        den.call("confirmed")
        wait_until(lambda: den.calls[0]["quality"], why="packets, though silent")

        assert den.stop() == 0
    assert den.output.count("looking for it once a second") == 1
    assert den.output.count("panel: ") == 1
