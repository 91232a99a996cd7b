"""`wifi.toml`, and what wpa_supplicant is told."""

from __future__ import annotations

import socket
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.config import ConfigurationError
from firmware.config.wifi import Wifi, access_point, read_wifi
from firmware.config.writing import toml_text
from firmware.phone.view import AccountView
from firmware.runtime.standing import Service, service_of, standing
from firmware.runtime.supplicant import Supplicant


def test_a_network() -> None:
    assert read_wifi('ssid = "Home"\npassword = "correct horse"\ncountry = "gb"\n') == Wifi(
        "Home", "correct horse", "GB"
    )


def test_an_open_network_has_no_key() -> None:
    assert "key_mgmt=NONE" in Wifi("Cafe", "", "FR").supplicant


def test_a_key_is_not_a_passphrase() -> None:
    """64 hexadecimal digits are the key itself: wpa_supplicant wants them without quotation marks."""
    text = read_wifi(f'ssid = "x"\npassword = "{"0aF9" * 16}"\ncountry = "GB"').supplicant

    assert f"psk={'0aF9' * 16}\n" in text
    assert "SAE" not in text


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("ssid", "", "not TOML"),
        ('ssid = "x"\ncuontry = "GB"', "cuontry", "unknown key"),
        ('country = "GB"', "ssid", "no name"),
        (f'ssid = "{"é" * 17}"\ncountry = "GB"', "ssid", "this long"),
        ('ssid = "x"\npassword = "short"\ncountry = "GB"', "password", "8 to 63"),
        ('ssid = "x"\npassword = "with\\nnewline"\ncountry = "GB"', "password", "8 to 63"),
        ('ssid = "x"', "country", "missing"),
        ('ssid = "x"\ncountry = "GBR"', "country", "not a country's code"),
        ("ssid = 1", "ssid", "not a text"),
    ],
)
def test_what_no_network_has_is_refused(text: str, path: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_wifi(text)

    assert any(one.path == path and reason in one.message for one in caught.value.problems)
    assert all(one.remedy for one in caught.value.problems)


def test_every_problem_has_its_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_wifi('ssid = ""\npassword = "x"\ncountry = "1"\n')

    assert [one.line for one in caught.value.problems] == [1, 2, 3]


def test_a_name_cannot_break_out_of_its_line() -> None:
    """A name may hold any octet, a quotation mark or a line's end too."""
    text = Wifi('x"\n}\nnetwork={', "12345678", "GB").supplicant

    assert text.count("network={") == 1


def test_the_set_up_network_is_open_and_obeys_the_country() -> None:
    assert "mode=2" in access_point()
    assert "country" not in access_point()
    assert access_point("GB").startswith("country=GB\n")


# --- TOML as we write it ---

SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8")))
KEYS = st.text(st.characters(codec="utf-8"), min_size=1)
VALUES = st.one_of(SCALARS, st.lists(SCALARS), st.dictionaries(KEYS, SCALARS))
TABLE = st.dictionaries(KEYS, VALUES)


@given(st.dictionaries(KEYS, st.one_of(SCALARS, TABLE, st.lists(TABLE, min_size=1))))
def test_what_is_written_is_read_again(tables: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(tables)) == tables


# --- wpa_supplicant and systemd ---


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control:
        control.bind(str(tmp_path / "wlan0"))

        def answer() -> None:
            asked, whom = control.recvfrom(100)
            control.sendto(asked[::-1], whom)

        thread = threading.Thread(target=answer)
        thread.start()
        said = Supplicant(tmp_path / "wlan0", tmp_path / "own").ask("STATUS")
        thread.join()

    assert said == "SUTATS"
    assert not (tmp_path / "own").exists()


def test_who_does_not_run_says_nothing(tmp_path: Path) -> None:
    assert Supplicant(tmp_path / "wlan0", tmp_path / "own").ask("STATUS") == ""


def account(address: str, *, registered: bool, registers: bool = True, reason: str = "") -> AccountView:
    return AccountView(address, "", registers, registered, None, reason)


def test_a_phone_is_in_service_when_all_that_register_are_registered() -> None:
    assert standing([account("sip:1@a", registered=True), account("sip:2@b", registered=False, registers=False)]) == (
        "in service"
    )
    lacking = [account("sip:1@a", registered=False, reason="No\nanswer"), account("sip:2@b", registered=False)]
    assert standing(lacking) == "sip:1@a: No answer; sip:2@b: Registering"


SHOWN = "ActiveState={}\nSubState={}\nStatusText=in service\nExecMainStartTimestampMonotonic=5000000\n"


@pytest.mark.parametrize(
    ("state", "since", "service"),
    [
        (("active", "running"), 4.0, Service("in service", failed=False)),
        (("active", "running"), 6.0, Service("", failed=False)),
        (("activating", "start"), 4.0, Service("", failed=False)),
        (("activating", "auto-restart"), 4.0, Service("in service", failed=True)),
        (("failed", "failed"), 4.0, Service("in service", failed=True)),
    ],
)
def test_what_systemd_says_of_the_phone(state: tuple[str, str], since: float, service: Service) -> None:
    assert service_of(SHOWN.format(*state), since) == service
    assert service_of("", since) == Service("", failed=False)
