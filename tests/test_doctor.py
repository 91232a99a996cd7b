"""The doctor's findings, one subject after the other: in plain words, each failure with its cure."""

from __future__ import annotations

import asyncio
import audioop
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware.runtime.doctor import Finding, doctor, examine
from hw.sound_check import SETTLE_S, signal
from tests.support.sound_cards import alsa_configured, plugins

PEER = """
[[account]]
address = "sip:1001@127.0.0.1"
register = false

[sip]
listen = ["udp:127.0.0.1:{port}"]
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def written(folder: Path, text: str) -> Path:
    path = folder / "phone.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def findings(path: Path | None) -> list[Finding]:
    async def whole() -> list[Finding]:
        return [finding async for finding in examine(path)]

    return asyncio.run(whole())


def bad(found: list[Finding]) -> list[Finding]:
    for finding in found:
        assert finding.words
        assert finding.cure or finding.verdict == "ok", f"no cure for: {finding}"
    return [finding for finding in found if finding.verdict == "bad"]


@contextmanager
def server(answer: str) -> Iterator[int]:
    """A server that gives every request this answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                octets, source = wire.recvfrom(65_535)
                if octets == b"stop":
                    return
                kept = [
                    row
                    for row in octets.decode().split("\r\n")
                    if row.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
                ]
                wire.sendto("\r\n".join([f"SIP/2.0 {answer}", *kept, "Content-Length: 0", "", ""]).encode(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield wire.getsockname()[1]
        finally:
            wire.sendto(b"stop", wire.getsockname())
            thread.join()


def test_a_machine_without_a_configuration_is_examined_as_a_simulator() -> None:
    found = findings(None)

    assert bad(found) == []
    assert [finding.subject for finding in found][:3] == ["Python", "sound", "board sim"]


def test_a_peer_needs_no_server(tmp_path: Path) -> None:
    found = findings(written(tmp_path, PEER.format(port=free_port())))

    assert bad(found) == []
    assert "called directly" in found[-1].words


def test_every_problem_of_the_file_is_told(tmp_path: Path) -> None:
    (finding,) = bad(findings(written(tmp_path, "[phone]\nname = 3\ncolour = 4\n")))

    assert finding.subject == "configuration"
    assert "phone.name" in finding.cure
    assert "phone.colour" in finding.cure


def test_a_file_with_passwords_that_all_can_read_is_worth_a_note(tmp_path: Path) -> None:
    path = written(
        tmp_path, PEER.format(port=free_port()).replace("register = false", 'password = "x"\nregister = false')
    )
    path.chmod(0o644)

    notes = [finding for finding in findings(path) if finding.verdict == "note" and finding.subject == "configuration"]

    assert len(notes) == 1
    assert "chmod" in notes[0].cure


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        (finding,) = bad(findings(written(tmp_path, PEER.format(port=taken.getsockname()[1]))))

    assert "another program uses that port" in finding.words


@pytest.mark.parametrize("answer", ["200 OK", "404 Not Found", "405 Method Not Allowed"])
def test_a_server_that_answers_anything_lives(tmp_path: Path, answer: str) -> None:
    with server(answer) as port:
        text = PEER.format(port=free_port()).replace("register = false", f'registrar = "sip:127.0.0.1:{port}"')
        found = findings(written(tmp_path, text))

    assert bad(found) == []
    assert answer in found[-1].words


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_server_that_is_not_there_is_bad(tmp_path: Path, transport: str) -> None:
    registrar = f'registrar = "sip:127.0.0.1:{free_port()};transport={transport}"'
    text = PEER.format(port=free_port()).replace("register = false", registrar)

    (finding,) = bad(findings(written(tmp_path, text)))

    assert "does not answer" in finding.words


def test_the_phones_own_exchange_does_not_answer_before_it_runs(tmp_path: Path) -> None:
    port = free_port()
    text = PEER.format(port=port).replace("register = false", f'registrar = "sip:127.0.0.1:{port}"')
    text = '[phone]\nroles = ["user-agent", "registrar"]\n' + text
    text += '[registrar]\ndomain = "home.test"\nusers = { 1001 = "x" }\n'

    found = findings(written(tmp_path, text))

    assert bad(found) == []
    assert "this phone itself" in found[-1].words


def test_a_board_that_there_is_not_is_bad(tmp_path: Path) -> None:
    text = PEER.format(port=free_port()) + '[hardware]\nboard = "nonesuch"\n'

    subjects = [finding.subject for finding in bad(findings(written(tmp_path, text)))]

    assert subjects == ["sound", "board nonesuch"]


REAL = """
name = "real"
driver = "pi"
[usb_keypad]
[audio]
earpiece = {{ card = "{earpiece}" }}
microphone = {{ card = "pcm:voice" }}
"""


def with_board(folder: Path, earpiece: str) -> Path:
    (folder / "real.toml").write_text(REAL.format(earpiece=earpiece))
    return written(folder, PEER.format(port=free_port()) + f'[hardware]\nboard = "{folder}/real.toml"\n')


def listened(path: Path) -> list[Finding]:
    async def whole() -> list[Finding]:
        return [finding async for finding in examine(path, listen_for_echo=True, warning_s=0.0)]

    return [finding for finding in asyncio.run(whole()) if finding.subject in ("sound", "echo")]


def test_a_sound_card_that_is_away_is_bad_and_said_with_its_cure(tmp_path: Path) -> None:
    (finding, *_) = bad(findings(with_board(tmp_path, "usb:9-9.9")))

    assert finding.subject == "sound"
    assert "no sound card 'usb:9-9.9'" in finding.words


def test_an_echo_is_measured_after_a_warning(tmp_path: Path) -> None:
    """The microphone is a file with the sweeps 20 dB softer and 100 ms late, as if the card had given them back."""
    before = bytes(2 * round((SETTLE_S + 0.1) * 48_000))
    echo = audioop.mul(signal(48_000), 2, 0.1)
    with alsa_configured(tmp_path, plugins(tmp_path, before + echo)):
        found = listened(with_board(tmp_path, "pcm:quiet"))

    assert "are played on the earpiece" in found[1].words
    assert "ear" in found[1].cure
    assert any("echo of the earpiece: -20 dB, after 100 ms: whoever calls hears himself" in f.words for f in found)
    assert bad(found) == []


def test_a_microphone_that_is_off_is_bad(tmp_path: Path) -> None:
    with alsa_configured(tmp_path, plugins(tmp_path, bytes(2 * 48_000 * 12))):
        (finding,) = bad(listened(with_board(tmp_path, "pcm:quiet")))

    assert "not even noise" in finding.words


@pytest.mark.parametrize("board", ["usb:9-9.9", "pcm:no-such-device"])
def test_that_nothing_was_measured_is_said(tmp_path: Path, board: str) -> None:
    found = listened(with_board(tmp_path, board))

    assert [finding.verdict for finding in found] == ["bad", "note"]
    assert found[-1].words.startswith("nothing was played or measured: ")


def test_that_nothing_is_measured_while_the_phone_runs_is_said(tmp_path: Path) -> None:
    async def whole() -> list[Finding]:
        path = written(tmp_path, PEER.format(port=free_port()))
        return [finding async for finding in examine(path, listen_for_echo=True, running=True)]

    (finding,) = (finding for finding in asyncio.run(whole()) if finding.subject == "echo")
    assert finding.words.startswith("nothing was played or measured: ")
    assert "systemctl stop offhook" in finding.cure


def test_a_machine_without_pins_is_not_told_that_its_pins_are_free(tmp_path: Path) -> None:
    """The chip is named by a label that no machine has."""
    (tmp_path / "real.toml").write_text(
        REAL.format(earpiece="pcm:null") + '[gpio]\nchip = "no-such-chip"\n[hook]\npin = 17\n'
    )
    text = PEER.format(port=free_port()) + f'[hardware]\nboard = "{tmp_path}/real.toml"\n'

    found = findings(written(tmp_path, text))

    assert any("no GPIO" in finding.words for finding in bad(found))
    assert [finding for finding in found if finding.subject == "pins"] == []


def test_a_simulated_telephone_has_no_echo_to_measure(tmp_path: Path) -> None:
    found = listened(written(tmp_path, PEER.format(port=free_port())))

    assert [finding.verdict for finding in found] == ["ok", "note"]


def test_what_a_running_phone_holds_is_not_tried(tmp_path: Path) -> None:
    async def whole(path: Path) -> list[Finding]:
        return [finding async for finding in examine(path, running=True)]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        found = asyncio.run(whole(written(tmp_path, PEER.format(port=taken.getsockname()[1]))))

    assert bad(found) == []
    assert "systemctl stop offhook" in next(finding.cure for finding in found if finding.subject == "phone")


def test_the_verdict_is_said_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(written(tmp_path, PEER.format(port=free_port())))
    assert not doctor(tmp_path / "none.toml")

    said = capsys.readouterr().out
    assert "is fit to be a phone" in said
    assert said.rstrip().endswith("not fit to be a phone yet.")


def test_a_missing_card_is_said_once(tmp_path: Path) -> None:
    found = findings(with_board(tmp_path, "usb:9-9.9"))

    assert len([finding for finding in found if "no sound card 'usb:9-9.9'" in finding.words]) == 1
