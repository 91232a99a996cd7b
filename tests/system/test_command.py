"""The command `offhook` as a child process: what it prints, what it returns, how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.household import Household
from tests.support.programs import Phone, Program, free_port, wait_until

IN_TIME_S = 10.0
"""systemd kills what has not ended by then (TimeoutStopSec= in offhook.service); a request nobody answers takes 32."""
OFFHOOK = [sys.executable, "-m", "firmware"]

PEER = """
[phone]
name = "Hall"

[[account]]
address = "sip:1001@127.0.0.1:{port}"
register = false

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]
"""
WEB = '[web]\nlisten = "{web}"\n'


def offhook(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*OFFHOOK, *arguments], capture_output=True, text=True, timeout=seconds)
    assert "Traceback" not in done.stderr + done.stdout
    return done


def file_with(folder: Path, text: str) -> str:
    path = folder / "phone.toml"
    path.write_text(text)
    return str(path)


# --- usage ---


def test_the_version_is_told() -> None:
    done = offhook("--version")

    assert done.returncode == 0
    assert re.fullmatch(r"offhook \d+\.\d+\.\d+\n", done.stdout)


def test_help_names_every_command() -> None:
    done = offhook("--help")

    assert done.returncode == 0
    for command in ("run", "sim", "check", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("run", "one", "two"),
        ("check",),
        ("sim", "--listen", "8080"),
        ("sim", "--listen", "0.0.0.0:8080"),
        ("sim", "/nowhere/phone.toml"),
        ("run", "/nowhere/phone.toml"),
        ("run", "/"),
    ],
)
def test_misuse_exits_2_and_says_why(arguments: tuple[str, ...]) -> None:
    done = offhook(*arguments)

    assert done.returncode == 2
    assert done.stderr.strip()
    assert done.stdout == ""


def test_the_default_configuration_is_in_etc() -> None:
    if Path("/etc/offhook/phone.toml").exists():  # a machine that is a phone: its file is not ours to run
        return

    done = offhook("run")

    assert done.returncode == 2
    assert "/etc/offhook/phone.toml" in done.stderr


# --- check ---


def test_check_lists_every_problem_with_line_path_and_remedy(tmp_path: Path) -> None:
    text = '[phone]\ncolour = "red"\n\n[[account]]\naddress = "1001"\n\n[hardware]\nboard = "nonesuch"\n'

    done = offhook("check", file_with(tmp_path, text))

    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("line 2: phone.colour: unknown key; ")
    assert lines[1].startswith("line 5: account[0].address: ")
    assert all("; " in line for line in lines)


def test_check_reads_the_boards_file_too(tmp_path: Path) -> None:
    (tmp_path / "desk.toml").write_text('name = "Desk"\n[lamps]\nnames = ["sun"]\n')
    text = PEER.format(port=5060) + '[hardware]\nboard = "desk.toml"\n'

    done = offhook("check", file_with(tmp_path, text))

    assert done.returncode == 1
    assert done.stdout.startswith("line 12: hardware.board: ")
    assert "desk.toml: " in done.stdout
    assert "lamps.names[0]: " in done.stdout


def test_check_is_content_with_a_good_file(tmp_path: Path) -> None:
    done = offhook("check", file_with(tmp_path, PEER.format(port=5060)))

    assert done.returncode == 0
    assert "no problems" in done.stdout


def test_check_of_a_file_that_is_not_there_is_a_problem() -> None:
    done = offhook("check", "/nowhere/phone.toml")

    assert done.returncode == 1
    assert "cannot read /nowhere/phone.toml" in done.stdout


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "phone.toml"
    path.symlink_to(path)  # unreadable even for root

    done = offhook("run", str(path))

    assert done.returncode == 2
    assert str(path) in done.stderr


def test_of_several_files_the_bad_one_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(PEER.format(port=free_port()))
    bad.write_text("[phone]\nname = 3\n")

    done = offhook("sim", str(good), str(bad))

    assert done.returncode == 2
    assert "bad.toml" in done.stderr
    assert "phone.name" in done.stderr


def test_phones_with_different_tokens_do_not_share_a_page(tmp_path: Path) -> None:
    files = []
    for n in (1, 2):
        path = tmp_path / f"{n}.toml"
        path.write_text(PEER.format(port=free_port()) + f'[web]\nlisten = "127.0.0.1:1"\ntoken = "t{n}"\n')
        files.append(str(path))

    done = offhook("sim", *files)

    assert done.returncode == 2
    assert "token" in done.stderr


def test_the_page_of_a_sim_is_where_its_file_says(tmp_path: Path) -> None:
    web = free_port(socket.SOCK_STREAM)
    text = PEER.format(port=free_port()) + f'[web]\nlisten = "127.0.0.1:{web}"\n'

    with Program([*OFFHOOK, "sim", file_with(tmp_path, text)]) as program:
        program.wait_for("ready")
        assert f"open http://127.0.0.1:{web}/ in a browser" in program.output


# --- doctor ---


def test_doctor_finds_a_phone_fit(tmp_path: Path) -> None:
    done = offhook("doctor", file_with(tmp_path, PEER.format(port=free_port())))

    assert done.returncode == 0, done.stdout
    assert "fit to be a phone" in done.stdout
    assert "BAD" not in done.stdout


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    """The port is taken, and the registrar is silent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = PEER.format(port=port).replace("register = false", f'registrar = "sip:127.0.0.1:{free_port()}"')

        done = offhook("doctor", file_with(tmp_path, text))

    assert done.returncode == 1
    assert "another program uses that port" in done.stdout
    assert "does not answer" in done.stdout


def test_doctor_of_a_bad_file_is_not_content(tmp_path: Path) -> None:
    done = offhook("doctor", file_with(tmp_path, "[phone]\nname = 3\n"))

    assert done.returncode == 1
    assert "phone.name" in done.stdout


# --- run ---


def test_a_running_phone_says_ready_and_stops_when_told(tmp_path: Path) -> None:
    with Phone(tmp_path, PEER.format(port=free_port())) as phone:
        began = time.monotonic()
        assert phone.stop() == 0
        assert time.monotonic() - began < IN_TIME_S

    assert re.search(r" offhook: ready$", phone.output, re.MULTILINE)
    assert "Traceback" not in phone.output


def test_an_interrupt_stops_it_as_well(tmp_path: Path) -> None:
    with Phone(tmp_path, PEER.format(port=free_port())) as phone:
        phone.process.send_signal(signal.SIGINT)

        assert phone.wait(IN_TIME_S) == 0


def test_who_is_told_to_stop_again_and_again_still_ends_in_order(tmp_path: Path) -> None:
    with Phone(tmp_path, PEER.format(port=free_port())) as phone:
        while phone.process.poll() is None:
            phone.process.terminate()

        assert phone.process.returncode == 0


def test_who_is_told_to_stop_while_it_starts_ends_in_order(tmp_path: Path) -> None:
    """From the moment on in which it takes the signal itself."""
    with Phone(tmp_path, PEER.format(port=free_port()), wait=False) as phone:
        wait_until(lambda: catches(phone.process.pid, signal.SIGTERM))
        phone.process.terminate()

        assert phone.wait(IN_TIME_S) == 0
    assert "Traceback" not in phone.output


def catches(pid: int, number: int) -> bool:
    """Has the process a handler for this signal (proc(5))?"""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(int(row.split()[1], 16) for row in rows if row.startswith("SigCgt:"))
    return bool(mask >> (number - 1) & 1)


def test_a_second_phone_on_the_same_port_says_so(tmp_path: Path) -> None:
    port = free_port()
    with Phone(tmp_path, PEER.format(port=port)):
        done = offhook("run", file_with(tmp_path, PEER.format(port=port)))

    assert done.returncode == 1
    assert f"udp:127.0.0.1:{port}" in done.stderr
    assert "another program uses that port" in done.stderr


def test_a_page_whose_port_is_taken_says_so_before_ready(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = taken.getsockname()[1]
        text = PEER.format(port=free_port()) + f'[web]\nlisten = "127.0.0.1:{web}"\n'

        done = offhook("run", file_with(tmp_path, text))

    assert done.returncode == 1
    assert "another program uses that port" in done.stderr
    assert "ready" not in done.stderr


def test_an_address_this_machine_has_not_says_so(tmp_path: Path) -> None:
    text = PEER.format(port=5060).replace("udp:127.0.0.1", "udp:192.0.2.77")

    done = offhook("run", file_with(tmp_path, text))

    assert done.returncode == 1
    assert "no such address" in done.stderr


def test_who_asks_at_ready_is_answered(tmp_path: Path) -> None:
    """The page's address is taken before the phone says that it is ready."""
    with Phone(tmp_path, PEER.format(port=free_port()) + WEB, wait=False) as phone:
        phone.wait_for("ready")

        assert phone.phone["name"] == "Hall"


def told(manager: socket.socket) -> bytes:
    """What the manager hears next, but for the status in words, which changes when it will."""
    while (state := manager.recv(1000)).startswith(b"STATUS="):
        pass
    return state


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, abstract: bool) -> None:
    """sd_notify(3)."""
    name = f"@offhook-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(20)
        config = file_with(tmp_path, PEER.format(port=free_port()))
        environment = dict(os.environ, NOTIFY_SOCKET=name)
        process = subprocess.Popen([*OFFHOOK, "run", config], env=environment, stderr=subprocess.DEVNULL)
        try:
            assert told(manager) == b"READY=1"
            process.terminate()
            assert told(manager) == b"STOPPING=1"
        finally:
            process.terminate()
            assert process.wait(IN_TIME_S) == 0


def test_signs_of_life_begin_before_the_page_is_loaded(tmp_path: Path) -> None:
    """systemd counts from READY=1 on, and a slow machine loads the page for longer than it waits."""
    name, port = str(tmp_path / "notify"), free_port(socket.SOCK_STREAM)
    config = file_with(tmp_path, PEER.format(port=free_port()) + f'\n[web]\nlisten = "127.0.0.1:{port}"\n')
    environment = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="20000")
    heard: list[bytes] = []

    def listen() -> None:
        while heard[-1:] != [b"STOPPING=1"]:
            heard.append(told(manager))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        manager.settimeout(20)
        listener = threading.Thread(target=listen)
        listener.start()
        process = subprocess.Popen([*OFFHOOK, "run", config], env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        early: list[bytes] = []
        for line in process.stderr:
            if "the page is at" in line:
                early = list(heard)
                process.terminate()
        assert process.wait(IN_TIME_S) == 0
        listener.join(20)

    assert early[:1] == [b"READY=1"]
    assert early.count(b"WATCHDOG=1") > 3


def test_the_journal_gets_priorities_and_no_dates(tmp_path: Path) -> None:
    config = file_with(tmp_path, PEER.format(port=free_port()))
    environment = dict(os.environ, JOURNAL_STREAM="1:1")
    process = subprocess.Popen([*OFFHOOK, "run", config], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "ready" in line:
            process.terminate()
    assert process.wait(IN_TIME_S) == 0

    assert all(re.match(r"<[0-7]>[\w.]+: ", line) for line in lines)


def test_logs_are_one_line_an_event(tmp_path: Path) -> None:
    with Phone(tmp_path, PEER.format(port=free_port())) as phone:
        phone.stop()

    form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR) [\w.]+: .+")
    assert all(form.fullmatch(line) for line in phone.output.splitlines())


# --- taking leave ---


def far_end(port: int) -> socket.socket:
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.bind(("127.0.0.1", port))
    wire.settimeout(20)
    return wire


def received(wire: socket.socket, start: str) -> tuple[str, tuple[str, int]]:
    """The next message that begins so."""
    while True:
        octets, source = wire.recvfrom(65_535)
        text = octets.decode()
        if text.startswith(start):
            return text, source


def field(text: str, name: str) -> str:
    return next(line.partition(": ")[2] for line in text.split("\r\n") if line.startswith(f"{name}: "))


def answer(request: str, status: str, extra: str = "", body: str = "") -> bytes:
    """A response to a request of the phone's, as a far end would send it."""
    kept = [line for line in request.split("\r\n") if line.startswith(("Via: ", "From: ", "Call-ID: ", "CSeq: "))]
    to = field(request, "To")
    to += "" if ";tag=" in to else ";tag=far"
    lines = [f"SIP/2.0 {status}", *kept, f"To: {to}", *filter(None, extra.split("\n")), f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def test_who_asks_at_one_of_many_addresses_is_answered_from_there(tmp_path: Path) -> None:
    """RFC 3581 §4: with `listen` on every address, as it is by default."""
    port = free_port()
    text = PEER.format(port=port).replace("udp:127.0.0.1", "udp:0.0.0.0")
    with far_end(free_port()) as wire, Phone(tmp_path, text):
        here = f"127.0.0.1:{wire.getsockname()[1]}"
        rows = [
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bKasked;rport",
            f"From: <sip:far@{here}>;tag=1",
            "To: <sip:127.0.0.1>",
            "Call-ID: asked",
            "CSeq: 1 OPTIONS",
        ]
        wire.sendto(("\r\n".join(rows) + "\r\n\r\n").encode(), ("127.0.0.2", port))

        assert received(wire, "SIP/2.0 200")[1] == ("127.0.0.2", port)


def test_a_phone_stopped_in_a_call_says_bye(tmp_path: Path) -> None:
    far = free_port()
    with far_end(far) as wire, Phone(tmp_path, PEER.format(port=free_port()) + WEB) as phone:
        phone.ask("POST", "/api/v1/calls", {"to": f"sip:far@127.0.0.1:{far}"})
        invite, source = received(wire, "INVITE")
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
        extra = f"Contact: <sip:far@127.0.0.1:{far}>\nContent-Type: application/sdp"
        wire.sendto(answer(invite, "200 OK", extra, sdp), source)
        received(wire, "ACK")
        phone.call("confirmed")

        began = time.monotonic()
        phone.process.terminate()
        bye, source = received(wire, "BYE")
        wire.sendto(answer(bye, "200 OK"), source)

        assert phone.wait(IN_TIME_S) == 0
        assert time.monotonic() - began < IN_TIME_S


def test_a_phone_stopped_while_it_calls_cancels(tmp_path: Path) -> None:
    far = free_port()
    with far_end(far) as wire, Phone(tmp_path, PEER.format(port=free_port()) + WEB) as phone:
        phone.ask("POST", "/api/v1/calls", {"to": f"sip:far@127.0.0.1:{far}"})
        invite, source = received(wire, "INVITE")
        wire.sendto(answer(invite, "180 Ringing"), source)
        phone.call("ringing")

        phone.process.terminate()
        cancel, source = received(wire, "CANCEL")
        wire.sendto(answer(cancel, "200 OK"), source)
        wire.sendto(answer(invite, "487 Request Terminated"), source)

        assert phone.wait(IN_TIME_S) == 0


def test_a_phone_stopped_unregisters(tmp_path: Path) -> None:
    server = free_port()
    text = PEER.format(port=free_port()).replace("register = false", f'registrar = "sip:127.0.0.1:{server}"')
    with far_end(server) as wire, Phone(tmp_path, text) as phone:
        register, source = received(wire, "REGISTER")
        contact = field(register, "Contact")
        wire.sendto(answer(register, "200 OK", f"Contact: {contact}"), source)
        phone.process.terminate()
        farewell, source = received(wire, "REGISTER")
        wire.sendto(answer(farewell, "200 OK"), source)

        assert phone.wait(IN_TIME_S) == 0
    assert field(farewell, "Expires") == "0" or "expires=0" in field(farewell, "Contact")


def test_a_phone_whose_server_is_dead_still_stops_in_time(tmp_path: Path) -> None:
    server = free_port()
    text = PEER.format(port=free_port()).replace("register = false", f'registrar = "sip:127.0.0.1:{server}"')
    with far_end(server) as wire, Phone(tmp_path, text) as phone:
        register, source = received(wire, "REGISTER")
        wire.sendto(answer(register, "200 OK", f"Contact: {field(register, 'Contact')}"), source)

        began = time.monotonic()
        assert phone.stop() == 0
        assert time.monotonic() - began < IN_TIME_S


def test_a_household_stops_in_time_with_its_page_open() -> None:
    """Listeners of the events do not keep it."""
    with Household() as household:
        household.settled()
        hall, kitchen = household.phones
        hall.ask("POST", "/api/v1/calls", {"to": "1002"})
        kitchen.call("ringing")
        with socket.create_connection(("127.0.0.1", household.port)) as page:
            page.sendall(b"GET /phones/1001/api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            page.recv(100)

            began = time.monotonic()
            assert household.stop() == 0
            assert time.monotonic() - began < IN_TIME_S
    assert "Traceback" not in household.output
