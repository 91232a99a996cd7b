"""The command line in this process: whatever file it is given, it says what is wrong and returns."""

from pathlib import Path

import pytest

from firmware.__main__ import main

BAD = {
    "not toml": b"[phone\n",
    "not text": bytes(range(256)),
    "nothing": b"",
    "a list": b"phone = [1, 2]\n",
    "deep": b"a = " + b"[" * 5000 + b"]" * 5000,
    "deep table": b"[" + b".".join([b"a"] * 3000) + b"]\n",
    "nul": b'[phone]\nname = "a\\u0000b"\n',
    "wrong everywhere": b"phone = 1\naccount = 2\nsip = 3\nmedia = 4\nhardware = 5\nweb = 6\nregistrar = 7\ndial = 8\n",
    "huge numbers": b"[media]\nrtp_ports = [99999999999999999999, 1]\n",
    "dates": b"[phone]\nname = 1979-05-27\ncountry = 07:32:00\n",
    "time zone": b'[phone]\ntimezone = "../../etc/passwd"\n',
    "time zone folder": b'[phone]\ntimezone = "Europe"\n',
    "board folder": b'[hardware]\nboard = "/tmp"\n[[account]]\naddress = "sip:1@a"\n',
    "board": b'[hardware]\nboard = "./none.toml"\n[[account]]\naddress = "sip:1@a"\n',
    "inf": b"[dial]\ntimeout = inf\n",
    "nan": b'[dial]\ntimeout = nan\n[[account]]\naddress = "sip:1@a"\nauto_answer = nan\n',
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["run", "check"])
def test_no_file_brings_more_than_its_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    path = tmp_path / "phone.toml"
    path.write_bytes(BAD[name])

    code = main([command, str(path)])

    said = capsys.readouterr()
    assert code == (2 if command == "run" else 1)
    assert (said.out if command == "check" else said.err).strip()


def test_check_tells_what_a_bus_may_hold_and_still_finds_no_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = 'name = "x"\ndriver = "pi"\n[lamps]\npins = { mute = 8 }\n[audio]\nearpiece = { card = "usb" }\n'
    (tmp_path / "mine.toml").write_text(board, "utf-8-sig")
    path = tmp_path / "phone.toml"
    path.write_text('[[account]]\naddress = "sip:a@b.test"\n[hardware]\nboard = "./mine.toml"\n', "utf-8-sig")

    assert main(["check", str(path)]) == 0

    note, last = capsys.readouterr().out.splitlines()
    assert note.startswith("note: ")
    assert "line 4: lamps.pins.mute: GPIO8 is the SPI bus's CE0" in note
    assert last == f"{path}: no problems"


def test_check_reads_the_board_whatever_else_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "phone.toml"
    path.write_text('[phone]\ncolour = "red"\n[[account]]\naddress = "sip:1@a"\n[hardware]\nboard = "nope"\n')

    assert main(["check", str(path)]) == 1

    colour, board = capsys.readouterr().out.splitlines()
    assert colour.startswith("line 2: phone.colour: ")
    assert board.startswith("line 6: hardware.board: nope: ")
