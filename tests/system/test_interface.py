"""The outside interface, used as a script outside would: `offhook sim`, two telephones, HTTP only."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.household import Events, Household, SimHandset
from tests.support.listening import dominant_hz, level_dbov, sine
from tests.support.programs import free_port, refused, wait_until

CALL_KEYS = {"id", "direction", "state", "hold", "remote", "account", "codec", "encrypted", "seconds", "quality"}


@pytest.fixture(scope="module")
def household() -> Iterator[Household]:
    """No CONFIG at all."""
    with Household() as running:
        running.settled()
        yield running
    assert running.process.returncode == 0
    assert "Traceback" not in running.output


@pytest.fixture
def phones(household: Household) -> Iterator[tuple[SimHandset, SimHandset]]:
    hall, kitchen = household.phones
    yield hall, kitchen
    for phone in (hall, kitchen):
        for call in phone.calls:
            verb = "reject" if call["direction"] == "in" and call["state"] == "ringing" else "hangup"
            phone.ask("POST", f"/api/v1/calls/{call['id']}/{verb}")
        phone.hang_up()
        phone.idle()


def verb(phone: SimHandset, call: dict[str, Any], what: str, body: Any = None) -> dict[str, Any]:
    """One of the things that can be done with a call; the CALL it answers."""
    answer: dict[str, Any] = phone.ask("POST", f"/api/v1/calls/{call['id']}/{what}", body)
    assert set(answer) >= CALL_KEYS
    return answer


def connect(hall: SimHandset, kitchen: SimHandset) -> tuple[dict[str, Any], dict[str, Any]]:
    """A call from hall to kitchen; both ends' CALL."""
    hall.ask("POST", "/api/v1/calls", {"to": kitchen.user})
    verb(kitchen, kitchen.call("ringing"), "answer")
    return hall.call("confirmed"), kitchen.call("confirmed")


# --- the phone as it stands ---


def test_the_phone_is_described(phones: tuple[SimHandset, SimHandset]) -> None:
    for phone, name in zip(phones, ("Hall", "Kitchen"), strict=True):
        shown = phone.phone

        assert set(shown) == {"name", "hook", "do_not_disturb", "sound_fault", "accounts", "calls"}
        assert (shown["name"], shown["hook"], shown["sound_fault"]) == (name, "on", "")
        (account,) = shown["accounts"]
        assert set(account) == {"address", "registered", "expires_in", "reason"}
        assert account["address"] == f"sip:{phone.user}@home.test"
        assert account["registered"] is True
        assert 0 < account["expires_in"] <= 3600


def test_the_page_of_all_handsets_is_at_the_root(household: Household) -> None:
    text = household.whole.ask("GET", "/").decode()

    for phone in household.phones:
        assert phone.user in text
        assert phone.ask("GET", "/").decode().startswith("<!doctype html")


def test_what_is_not_there_is_refused_in_plain_words(household: Household) -> None:
    hall, stranger = household.phones[0], household.phone_of("1003")

    for phone, method, path, status in (
        (hall, "GET", "/api/v1/nothing", 404),
        (hall, "POST", "/api/v1/calls/nobody/answer", 404),
        (hall, "GET", "/api/v1/calls/nobody", 404),
        (hall, "POST", "/api/v1/calls/nobody/dance", 404),
        (hall, "DELETE", "/api/v1/phone", 405),
        (hall, "GET", "/sim/hook", 405),
        (stranger, "GET", "/api/v1/phone", 404),
    ):
        with refused(status) as words:
            phone.ask(method, path)
        assert words[0], (method, path)


def test_the_metrics_count(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, _ = phones

    text = hall.ask("GET", "/metrics").decode()

    assert 'offhook_registered{address="sip:1001@home.test"} 1.0' in text.splitlines()
    assert "offhook_calls 0.0" in text.splitlines()


# --- the hardware ---


def test_the_panel_is_a_picture_and_text(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones

    png = hall.ask("GET", "/sim/display.png")

    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (128, 64)
    assert zlib.decompress(png[png.index(b"IDAT") + 4 : -16])
    assert "Hall" in hall.panel
    assert "Kitchen" in kitchen.panel


def test_the_handset_is_lifted_and_replaced(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, _ = phones

    hall.lift()

    assert hall.ask("GET", "/sim/board")["hook"] == "off"
    assert hall.phone["hook"] == "off"
    wait_until(lambda: level_dbov(hall.heard(0.2)) > -40, why="dial tone")
    hall.hang_up()
    assert hall.phone["hook"] == "on"
    wait_until(lambda: level_dbov(hall.heard(0.2)) < -60, why="silence")


def test_a_key_is_down_until_it_is_up(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, _ = phones
    hall.lift()

    hall.ask("POST", "/sim/key", {"key": "5", "down": True})

    assert hall.ask("GET", "/sim/board")["keys_down"] == ["5"]
    hall.ask("POST", "/sim/key", {"key": "5", "down": False})
    assert hall.ask("GET", "/sim/board")["keys_down"] == []
    wait_until(lambda: "5" in hall.panel, why="the digit on the panel")


def test_the_board_tells_lamps_and_bell(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones

    hall.ask("POST", "/api/v1/calls", {"to": "1002"})
    kitchen.call("ringing")

    board = kitchen.ask("GET", "/sim/board")
    assert board["ringing"] is True
    assert set(board["lamps"].values()) <= {"on", "off", "blink"}
    assert "blink" in board["lamps"].values()
    assert hall.ask("GET", "/sim/board")["ringing"] is False
    wait_until(lambda: level_dbov(kitchen.heard(0.5, where="speaker")) > -50, why="the bell in the speaker")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sim/hook", {}),
        ("POST", "/sim/hook", {"off": "yes"}),
        ("POST", "/sim/key", {"key": "Z", "down": True}),
        ("POST", "/sim/key", {"press": 5}),
        ("GET", "/sim/earpiece.wav?seconds=-1", None),
        ("GET", "/sim/speaker.wav?seconds=x", None),
    ],
)
def test_nonsense_to_the_hardware_is_refused(
    phones: tuple[SimHandset, SimHandset], method: str, path: str, body: Any
) -> None:
    with refused(400):
        phones[0].ask(method, path, body)


def test_a_microphone_takes_wav_files_only(phones: tuple[SimHandset, SimHandset]) -> None:
    with refused(415):
        phones[0].ask("PUT", "/sim/microphone", raw=b"not a sound")


# --- a call, by keys only ---


def test_a_call_by_keys_and_ears_only(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones

    hall.lift()
    hall.press("1002")
    wait_until(lambda: kitchen.ask("GET", "/sim/board")["ringing"], why="the bell")
    wait_until(lambda: "Hall" in kitchen.panel, why="the caller's name")
    wait_until(lambda: level_dbov(hall.heard(0.2)) > -40, why="ringback")
    kitchen.lift()
    hall.call("confirmed")
    hall.speak(sine(1000, 20.0))
    kitchen.speak(sine(600, 20.0))

    wait_until(lambda: abs(dominant_hz(kitchen.heard(0.3)) - 1000) < 20, why="Hall's voice in the kitchen")
    wait_until(lambda: abs(dominant_hz(hall.heard(0.3)) - 600) < 20, why="the kitchen's voice in the hall")
    hall.press("7")
    wait_until(lambda: kitchen.call("confirmed")["digits_received"] == "7", why="the digit")
    kitchen.hang_up()
    wait_until(lambda: not hall.calls, why="the end at the other side")
    wait_until(lambda: level_dbov(hall.heard(0.2)) > -40, why="a tone that says so")
    hall.hang_up()


# --- a call, by API only ---


def test_a_call_by_the_interface_only(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones

    placed = hall.ask("POST", "/api/v1/calls", {"to": "1002", "account": "sip:1001@home.test"})
    incoming = kitchen.call("ringing")
    answered = verb(kitchen, incoming, "answer")
    outgoing = hall.call("confirmed")

    assert set(placed) >= CALL_KEYS
    assert (placed["direction"], placed["state"], placed["remote"]["uri"]) == ("out", "calling", "sip:1002@home.test")
    assert incoming["direction"] == "in"
    assert incoming["remote"] == {"uri": "sip:1001@home.test", "name": "Hall"}
    assert answered["id"] == incoming["id"]
    assert outgoing["id"] == placed["id"]
    assert outgoing["codec"] == "PCMA"
    assert outgoing["encrypted"] is False
    assert hall.ask("GET", f"/api/v1/calls/{placed['id']}")["state"] == "confirmed"
    over = verb(hall, outgoing, "hangup")
    assert over["state"] == "ended"
    assert over["cause"]["code"] == 200
    assert kitchen.over(incoming)["cause"]["reason"]


def test_a_call_may_go_to_a_uri(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones

    kitchen.ask("POST", "/api/v1/calls", {"to": "sip:1001@home.test"})

    assert hall.call("ringing")["remote"]["name"] == "Kitchen"


def well(quality: dict[str, float]) -> bool:
    return quality["loss_percent"] == 0 and quality["mos"] > 4


def test_quality_is_told_while_talking(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    connect(hall, kitchen)

    quality = wait_until(lambda: hall.call("confirmed")["quality"], why="figures of quality")

    assert set(quality) == {"loss_percent", "jitter_ms", "delay_ms", "mos"}
    # A busy machine's stumbles are told as well: some second there is without any.
    wait_until(lambda: well(hall.call("confirmed")["quality"]), why="good figures")
    metrics = hall.ask("GET", "/metrics").decode()
    assert "offhook_calls 1.0" in metrics.splitlines()
    assert "offhook_call_mos{" in metrics


def test_digits_reach_the_other_side(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    outgoing, _ = connect(hall, kitchen)

    verb(hall, outgoing, "digits", {"digits": "12#"})

    wait_until(lambda: kitchen.call("confirmed")["digits_received"] == "12#", why="the digits")


def test_hold_and_resume_from_either_side(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    outgoing, incoming = connect(hall, kitchen)

    verb(hall, outgoing, "hold")
    wait_until(lambda: kitchen.call("confirmed")["hold"] == "remote", why="held at the other side")
    wait_until(lambda: hall.call("confirmed")["hold"] == "local", why="held here")
    verb(kitchen, incoming, "hold")
    wait_until(lambda: hall.call("confirmed")["hold"] == "both", why="held by both")
    verb(hall, outgoing, "resume")
    wait_until(lambda: hall.call("confirmed")["hold"] == "remote", why="held by the other only")
    verb(kitchen, incoming, "resume")

    for phone in phones:
        wait_until(lambda phone=phone: phone.call("confirmed")["hold"] == "none", why="both talk again")


def test_a_rejected_call_says_so(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    call = hall.ask("POST", "/api/v1/calls", {"to": "1002"})

    verb(kitchen, kitchen.call("ringing"), "reject")

    cause = hall.over(call)["cause"]
    assert cause["code"] in (486, 603)
    assert cause["reason"]


def test_an_unknown_number_is_told_in_plain_words(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, _ = phones

    call = hall.ask("POST", "/api/v1/calls", {"to": "1099"})

    cause = hall.over(call)["cause"]
    assert cause["code"] == 404
    assert "1099" not in cause["reason"]


def test_a_caller_who_gives_up_is_a_missed_call(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    hall.ask("POST", "/api/v1/calls", {"to": "1002"})
    kitchen.call("ringing")

    verb(hall, hall.call("ringing"), "hangup")

    wait_until(lambda: not kitchen.calls, why="the bell to stop")
    assert kitchen.ask("GET", "/sim/board")["ringing"] is False
    wait_until(lambda: "issed" in kitchen.panel, why="the missed call on the panel")


def test_what_makes_no_sense_now_is_a_conflict(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    hall.ask("POST", "/api/v1/calls", {"to": "1002"})
    ringing, calling = kitchen.call("ringing"), hall.call("ringing")

    for phone, call, what, body in (
        (hall, calling, "answer", None),
        (hall, calling, "hold", None),
        (hall, calling, "digits", {"digits": "1"}),
        (hall, calling, "transfer", {"to": "1003"}),
        (kitchen, ringing, "resume", None),
    ):
        with refused(409) as words:
            verb(phone, call, what, body)
        assert words[0]
    verb(hall, calling, "hangup")
    with refused(409):
        verb(hall, calling, "hangup")
    with refused(409):
        hall.ask("POST", "/api/v1/calls", {"to": "1002", "account": "sip:9@nowhere"})


# --- events ---


def test_every_state_of_a_call_is_an_event(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    heard, far = Events(hall.base), Events(kitchen.base)
    assert heard.next("phone")["name"] == "Hall"
    assert far.next("phone")["name"] == "Kitchen"

    connect(hall, kitchen)
    verb(kitchen, kitchen.call("confirmed"), "hangup")

    assert list(dict.fromkeys(heard.call_becomes("ended"))) == ["calling", "ringing", "confirmed", "ended"]
    assert list(dict.fromkeys(far.call_becomes("ended"))) == ["ringing", "confirmed", "ended"]
    heard.close()
    far.close()


def test_a_lifted_handset_is_an_event(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, _ = phones
    heard = Events(hall.base)
    assert heard.next("phone")["hook"] == "on"

    hall.lift()

    assert heard.next("phone")["hook"] == "off"
    heard.close()


# --- live sound ---


def test_the_sound_socket_carries_both_ways(phones: tuple[SimHandset, SimHandset]) -> None:
    hall, kitchen = phones
    connect(hall, kitchen)
    hall.lift()
    kitchen.lift()
    spoken = sine(1000, 2.0)

    async def talk() -> tuple[dict[str, Any], int]:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{hall.base}/sim/audio") as socket:
            form = json.loads((await socket.receive(timeout=20)).data)
            frame = form["frame_samples"]
            for at in range(0, len(spoken), frame):
                await socket.send_bytes(spoken[at : at + frame].tobytes())
                await socket.receive(timeout=20)
            return form, len((await socket.receive(timeout=20)).data)

    form, octets = asyncio.run(talk())

    assert (form["encoding"], form["channels"], form["rate_hz"]) == ("s16le", 1, 8000)
    assert octets == 2 * form["frame_samples"]
    assert abs(dominant_hz(kitchen.heard(0.5)) - 1000) < 20


# --- CONFIG files ---

PEER = """
[phone]
name = "{name}"

[[account]]
address = "sip:{user}@127.0.0.1:{port}"
register = false

[sip]
listen = ["udp:{host}:{port}"]

[web]
listen = "127.0.0.1:{web}"
"""


def peer(folder: Path, user: str, name: str, port: int, host: str = "127.0.0.1") -> Path:
    path = folder / f"{name}.toml"
    address = "127.0.0.1" if ":" not in host else "[::1]"
    text = PEER.format(user=user, name=name, port=port, host=host, web=free_port())
    path.write_text(text.replace(f"{user}@127.0.0.1", f"{user}@{address}"))
    return path


def test_two_files_are_two_telephones(tmp_path: Path) -> None:
    """Peers that call each other directly, with no server at all; each has its place by its user."""
    ports = free_port(), free_port()
    files = [peer(tmp_path, user, user, port) for user, port in zip(("anna", "otto"), ports, strict=True)]

    with Household(*files, users=("anna", "otto")) as household:
        anna, otto = household.phones
        assert (anna.phone["name"], otto.phone["name"]) == ("anna", "otto")
        assert anna.phone["accounts"][0]["registered"] is False
        anna.ask("POST", "/api/v1/calls", {"to": f"sip:otto@127.0.0.1:{ports[1]}"})
        verb(otto, otto.call("ringing"), "answer")
        anna.call("confirmed")

    assert household.process.returncode == 0
    assert "Traceback" not in household.output


def test_two_telephones_of_one_user_have_two_places(tmp_path: Path) -> None:
    files = [peer(tmp_path, "1001", name, free_port()) for name in ("Hall", "Attic")]

    with Household(*files, users=("1001", "1001-2")) as household:
        assert [phone.phone["name"] for phone in household.phones] == ["Hall", "Attic"]


def test_everything_works_over_ipv6(tmp_path: Path) -> None:
    """The page, signalling and media on ::1."""
    ports = free_port(), free_port()
    files = [peer(tmp_path, user, user, port, "[::1]") for user, port in zip(("anna", "otto"), ports, strict=True)]

    with Household(*files, users=("anna", "otto"), host="::1") as household:
        anna, otto = household.phones
        anna.ask("POST", "/api/v1/calls", {"to": f"sip:otto@[::1]:{ports[1]}"})
        verb(otto, otto.call("ringing"), "answer")
        anna.call("confirmed")
        otto.lift()
        anna.lift()
        anna.speak(sine(1000, 20.0))
        wait_until(lambda: abs(dominant_hz(otto.heard(0.3)) - 1000) < 20, why="Anna's voice")


# --- three telephones, the first of them the exchange ---

THREE = """
[phone]
name = "{name}"
roles = [{roles}]
call_waiting = false

[[account]]
address = "sip:{user}@home.test"
name = "{name}"
password = "secret-{user}"
registrar = "sip:127.0.0.1:{exchange};transport=tcp"
outbound_proxy = "sip:127.0.0.1:{exchange};lr"

[sip]
listen = ["udp:127.0.0.1:{port}", "tcp:127.0.0.1:{port}"]
"""
USERS = (
    '[registrar]\ndomain = "home.test"\nusers = { 1001 = "secret-1001", 1002 = "secret-1002", 1003 = "secret-1003" }'
)


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SimHandset]]:
    folder, exchange = tmp_path_factory.mktemp("trio"), free_port()
    files = []
    for user, name in (("1001", "Hall"), ("1002", "Kitchen"), ("1003", "Attic")):
        first = user == "1001"
        roles = '"user-agent", "registrar", "proxy"' if first else '"user-agent"'
        port = exchange if first else free_port()
        text = THREE.format(name=name, roles=roles, user=user, exchange=exchange, port=port)
        path = folder / f"{user}.toml"
        path.write_text(text + (USERS if first else ""))
        files.append(path)
    with Household(*files, users=("1001", "1002", "1003")) as running:
        running.settled()
        yield running.phones
    assert "Traceback" not in running.output


def connected(phone: SimHandset, uri: str) -> bool:
    """Is the phone talking to this party, and to nobody else?"""
    return [(call["state"], call["remote"]["uri"]) for call in phone.calls] == [("confirmed", uri)]


def end_all(phones: list[SimHandset]) -> None:
    for phone in phones:
        for call in phone.calls:
            verb(phone, call, "hangup")
    for phone in phones:
        phone.idle()


def test_a_blind_transfer_leaves_the_other_two_talking(trio: list[SimHandset]) -> None:
    hall, kitchen, attic = trio
    outgoing, _ = connect(hall, kitchen)

    verb(hall, outgoing, "transfer", {"to": "1003"})
    verb(attic, attic.call("ringing"), "answer")

    wait_until(lambda: not hall.calls, why="the hall to be free")
    wait_until(lambda: connected(kitchen, "sip:1003@home.test"), why="the kitchen to talk to the attic")
    wait_until(lambda: connected(attic, "sip:1002@home.test"), why="the attic to talk to the kitchen")
    end_all(trio)


def test_an_attended_transfer_joins_the_two_far_ends(trio: list[SimHandset]) -> None:
    hall, kitchen, attic = trio
    first, _ = connect(hall, kitchen)
    verb(hall, first, "hold")
    wait_until(lambda: hall.call("confirmed")["hold"] == "local", why="the kitchen on hold")
    second = hall.ask("POST", "/api/v1/calls", {"to": "1003"})
    verb(attic, attic.call("ringing"), "answer")
    wait_until(lambda: hall.ask("GET", f"/api/v1/calls/{second['id']}")["state"] == "confirmed")

    verb(hall, first, "transfer", {"with": second["id"]})

    wait_until(lambda: not hall.calls, why="the hall to be free")
    wait_until(lambda: [call["state"] for call in kitchen.calls] == ["confirmed"], why="one call in the kitchen")
    wait_until(lambda: connected(attic, "sip:1002@home.test"), why="the attic to talk to the kitchen")
    end_all(trio)


@pytest.mark.parametrize("body", [{}, {"to": "1003", "with": "x"}, {"to": 7}, {"with": "nobody"}])
def test_a_transfer_needs_somebody_to_go_to(trio: list[SimHandset], body: dict[str, Any]) -> None:
    hall, kitchen, _ = trio
    outgoing, _ = connect(hall, kitchen)

    with refused(404 if "nobody" in body.values() else 400):
        verb(hall, outgoing, "transfer", body)

    end_all(trio)


def test_who_talks_is_busy(trio: list[SimHandset]) -> None:
    """Without call waiting."""
    hall, kitchen, attic = trio
    connect(hall, kitchen)

    call = attic.ask("POST", "/api/v1/calls", {"to": "1002"})

    assert attic.over(call)["cause"]["code"] == 486
    end_all(trio)
