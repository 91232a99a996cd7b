"""What is on the card's FAT partition moves to /data, or is refused with reasons."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware.runtime.first_boot import Card, Wifi, main, read_wifi, take_over, tell_problems
from firmware.runtime.first_boot import say_what_boot as say
from firmware.runtime.safe_file import write_safely

SOUND = '[[account]]\naddress = "sip:1001@example.net"\npassword = "x"\n'
WIFI = 'ssid = "Home"\npassword = "correct horse"\ncountry = "gb"\n'


@pytest.fixture
def card(tmp_path: Path) -> Card:
    (tmp_path / "fat").mkdir()
    return Card(tmp_path / "fat", tmp_path / "data" / "offhook", tmp_path / "run", group="")


def test_sound_settings_move(card: Card) -> None:
    (card.firmware / "phone.toml").write_text(SOUND)
    (card.firmware / "wifi.toml").write_text(WIFI)

    problems = take_over(card)

    assert problems == []
    assert (card.settings / "phone.toml").read_text() == SOUND
    assert (card.settings / "wifi.toml").read_text() == WIFI
    assert list(card.firmware.iterdir()) == []


def test_only_root_reads_the_wifi_password_and_only_the_phone_the_others(card: Card) -> None:
    (card.firmware / "phone.toml").write_text(SOUND)
    (card.firmware / "wifi.toml").write_text(WIFI)

    take_over(card)

    assert (card.settings / "wifi.toml").stat().st_mode & 0o777 == 0o600
    assert (card.settings / "phone.toml").stat().st_mode & 0o777 == 0o640


def test_unsound_settings_stay_and_the_old_ones_hold(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.firmware / "phone.toml").write_text("[phone]\nnmae = 1\n")

    problems = take_over(card)
    tell_problems(card, problems)

    assert "phone.nmae" in " ".join(problems)
    assert (card.settings / "phone.toml").read_text() == SOUND
    assert (card.firmware / "phone.toml").exists()
    assert "phone.nmae" in (card.firmware / "problems.txt").read_text()


def test_a_list_of_problems_goes_when_they_are_gone(card: Card) -> None:
    (card.firmware / "problems.txt").write_text("old")

    tell_problems(card, [])

    assert not (card.firmware / "problems.txt").exists()


def test_a_board_of_ones_own_comes_along(card: Card) -> None:
    (card.firmware / "board.toml").write_text('name = "mine"\n')
    (card.firmware / "phone.toml").write_text(SOUND + '[hardware]\nboard = "./board.toml"\n')

    assert take_over(card) == []
    assert (card.settings / "board.toml").is_file()


def test_too_much_is_refused(card: Card) -> None:
    (card.firmware / "phone.toml").write_text("#" * 100_000)

    assert take_over(card) == ["phone.toml: too large"]


def test_a_phone_without_settings_is_set_up_over_an_access_point(card: Card) -> None:
    say(card)

    assert (card.boot / "wanted").exists()
    assert "mode=2" in (card.boot / "wpa_supplicant.conf").read_text()
    assert "DHCPServer=yes" in (card.boot / "access-point.network").read_text()


def test_a_phone_with_settings_is_no_access_point(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)

    say(card)

    assert list(card.boot.iterdir()) == []


def test_a_phone_with_wifi_joins_it(card: Card) -> None:
    write_safely(card.settings / "wifi.toml", WIFI.encode(), mode=0o600)

    say(card)

    text = (card.boot / "wpa_supplicant.conf").read_text()
    assert "country=GB" in text
    assert 'psk="correct horse"' in text
    assert f"ssid={b'Home'.hex()}" in text
    assert (card.boot / "wpa_supplicant.conf").stat().st_mode & 0o077 == 0
    assert not (card.boot / "access-point.network").exists()


def test_an_open_network_has_no_key() -> None:
    assert "key_mgmt=NONE" in Wifi("Cafe", "", "FR").supplicant


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ssid", "not TOML"),
        ('ssid = "x"\ncuontry = "GB"', "unknown key cuontry"),
        ('country = "GB"', "1 to 32 octets"),
        (f'ssid = "{"é" * 17}"\ncountry = "GB"', "1 to 32 octets"),
        ('ssid = "x"\npassword = "short"\ncountry = "GB"', "8 to 63"),
        ('ssid = "x"\npassword = "with\\nnewline"\ncountry = "GB"', "8 to 63"),
        ('ssid = "x"', "two letters"),
        ("ssid = 1", "texts in quotes"),
    ],
)
def test_what_no_network_has_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_wifi(text)


def test_a_name_cannot_break_out_of_its_line() -> None:
    """A name may hold any octet, a quotation mark or a line's end too."""
    text = Wifi('x"\n}\nnetwork={', "12345678", "GB").supplicant

    assert text.count("network={") == 1


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "phone.toml"
    write_safely(path, b"old", mode=0o640)

    with pytest.raises(LookupError):
        write_safely(path, b"new", mode=0o640, group="no-such-group")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["phone.toml"]


def test_the_command_does_all_of_it(card: Card) -> None:
    (card.firmware / "phone.toml").write_text(SOUND)
    where = ["--firmware", str(card.firmware), "--settings", str(card.settings), "--boot", str(card.boot)]

    assert main([*where, "--group", ""]) == 0
    assert (card.settings / "phone.toml").read_text() == SOUND
    assert card.boot.is_dir()
