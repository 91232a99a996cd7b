"""What is on the card's FAT partition moves to /data, or is refused with reasons; what the units are told of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.runtime.first_boot import IMPATIENT_STARTS, Card, count_start, main, take_over, tell_problems
from firmware.runtime.first_boot import say_what_boot as say
from firmware.runtime.kept import finish_answers, keep_answers, shred
from firmware.runtime.safe_file import write_safely

SOUND = '[[account]]\naddress = "sip:1001@example.net"\npassword = "x"\n'
WIFI = 'ssid = "Home"\npassword = "correct horse"\ncountry = "gb"\n'
BOARD = 'name = "mine"\ndriver = "sim"\n'


@pytest.fixture
def card(tmp_path: Path) -> Card:
    (tmp_path / "fat").mkdir()
    data = tmp_path / "data"
    return Card(tmp_path / "fat", data / "offhook", tmp_path / "run", "", data / "lib", data / "log")


def started(card: Card, *more: str) -> None:
    """The command, as at a start."""
    where = ["--firmware", str(card.firmware), "--settings", str(card.settings), "--boot", str(card.boot)]
    assert main([*where, "--memory", str(card.memory), "--log", str(card.log), "--group", "", *more]) == 0


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


def test_nobody_else_looks_into_the_folder(card: Card) -> None:
    card.settings.mkdir(mode=0o755, parents=True)

    started(card)

    assert card.settings.stat().st_mode & 0o777 == 0o750


def test_what_is_taken_is_wiped(card: Card, tmp_path: Path) -> None:
    """Another name of the same file sees what its removal alone would leave on the card."""
    (card.firmware / "wifi.toml").write_text(WIFI)
    os.link(card.firmware / "wifi.toml", tmp_path / "left")

    take_over(card)

    assert (tmp_path / "left").read_bytes() == bytes(len(WIFI))


def test_a_wipe_that_a_power_cut_broke_off_is_ended(card: Card) -> None:
    (card.firmware / "wifi.toml.taken").write_text(WIFI)

    started(card)

    assert list(card.firmware.iterdir()) == []
    assert not (card.settings / "wifi.toml").exists()


def test_unsound_settings_stay_and_the_old_ones_hold(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.firmware / "phone.toml").write_text("[phone]\nnmae = 1\n")

    problems = take_over(card)
    tell_problems(card, problems)

    assert (card.settings / "phone.toml").read_text() == SOUND
    assert (card.firmware / "phone.toml").exists()
    words = (card.firmware / "problems.txt").read_text()
    assert "phone.toml: line 2: phone.nmae: unknown key; known here: " in words


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("wifi.toml", 'ssid = "Home"\npassword = "short"\ncountry = "GB"\n', "line 2: password: a Wi-Fi password has"),
        ("board.toml", 'driver = "pi"\n[hook]\npin = 99\n', "board.toml: line 3: hook.pin"),
        ("phone.toml", SOUND + '[hardware]\nboard = "toaster"\n', "hardware.board: toaster: no such board"),
        ("phone.toml", SOUND + '[hardware]\nboard = "./board.toml"\n', "hardware.board"),
        ("phone.toml", "#" * 100_000, "too large"),
    ],
)
def test_what_is_wrong_is_said(card: Card, name: str, text: str, words: str) -> None:
    (card.firmware / name).write_text(text)

    problems = take_over(card)

    assert words in "\n".join(problems)
    assert not (card.settings / name).exists()


def test_a_list_of_problems_goes_when_they_are_gone(card: Card) -> None:
    (card.firmware / "problems.txt").write_text("old")

    started(card)

    assert not (card.firmware / "problems.txt").exists()


def test_a_board_of_ones_own_comes_along(card: Card) -> None:
    (card.firmware / "board.toml").write_text(BOARD)
    (card.firmware / "phone.toml").write_text(SOUND + '[hardware]\nboard = "./board.toml"\n')

    assert take_over(card) == []
    assert (card.settings / "board.toml").is_file()


def test_files_as_other_systems_write_them(card: Card) -> None:
    """With a byte order mark, with a hidden second ending."""
    (card.firmware / "wifi.toml.txt").write_text("\ufeff" + WIFI.replace("\n", "\r\n"), newline="")

    assert take_over(card) == []
    assert (card.settings / "wifi.toml").read_bytes() == WIFI.replace("\n", "\r\n").encode()
    (card.firmware / "phone.toml").write_bytes(SOUND.encode("utf-16"))
    assert "UTF-8" in take_over(card)[0]


# --- what the units are told ---


def test_a_phone_without_settings_is_set_up(card: Card) -> None:
    say(card)

    assert (card.boot / "wanted").read_text() == ""
    text = (card.boot / "wpa_supplicant.conf").read_text()
    assert "network=" not in text, "the set-up says later what the card is to be"


def test_a_phone_that_works_is_not_set_up(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.settings / "worked").touch()

    say(card)

    assert list(card.boot.iterdir()) == []


def test_a_phone_with_new_settings_is_watched_until_it_works(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.settings / "worked").touch()
    (card.firmware / "wifi.toml").write_text(WIFI)

    started(card)

    assert (card.boot / "wanted").read_text() == ""


def test_a_phone_with_wifi_joins_it(card: Card) -> None:
    write_safely(card.settings / "wifi.toml", WIFI.encode(), mode=0o600)

    say(card)

    text = (card.boot / "wpa_supplicant.conf").read_text()
    assert "country=GB" in text
    assert 'psk="correct horse"' in text
    assert f"ssid={b'Home'.hex()}" in text
    assert (card.boot / "wpa_supplicant.conf").stat().st_mode & 0o077 == 0


# --- asking for the page, and starting from nothing ---


@pytest.mark.parametrize("name", ["set-up", "set-up.txt"])
def test_a_file_on_the_card_asks_for_the_page(card: Card, name: str) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.settings / "worked").touch()
    (card.firmware / name).write_text("")

    started(card)

    assert (card.boot / "wanted").read_text() == "asked\n"
    assert list(card.firmware.iterdir()) == []
    assert (card.settings / "worked").exists()


def test_a_file_on_the_card_makes_it_new(card: Card) -> None:
    """Settings on the same card are for the new life, and stay."""
    kept = [card.settings / "wifi.toml", card.settings / "secrets" / "1001", card.memory / "memory.json"]
    for path in (*kept, card.log / "log.txt", card.log / "log-before.txt"):
        write_safely(path, b"old", mode=0o600)
    (card.firmware / "reset.txt").write_text("")
    (card.firmware / "phone.toml").write_text(SOUND)

    started(card)

    left = [path for path in card.settings.parent.rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["phone.toml", "starts"]
    assert not (card.firmware / "reset.txt").exists()


def test_being_switched_off_again_and_again_asks_for_the_page(tmp_path: Path) -> None:
    """For a telephone without keys and a card that nobody can reach."""
    assert [count_start(tmp_path) for _ in range(IMPATIENT_STARTS)] == [False] * (IMPATIENT_STARTS - 1) + [True]
    assert not count_start(tmp_path)

    (tmp_path / "starts").unlink()  # as offhook-steady.timer does, a minute after the start
    assert not count_start(tmp_path)


def test_a_count_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "starts").write_text("x")

    assert not count_start(tmp_path)
    assert (tmp_path / "starts").read_text() == "1\n"


def test_the_page_can_be_asked_for_without_a_start(card: Card) -> None:
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    (card.settings / "worked").touch()

    started(card, "--ask")

    assert (card.boot / "wanted").read_text() == "asked\n"
    assert not (card.settings / "starts").exists()


# --- a card whose data partition cannot be mounted ---


@pytest.fixture
def lost(card: Card) -> Card:
    """What offhook-data leaves then; the settings' folder is in memory, and empty."""
    card.boot.mkdir()
    (card.boot / "forgetful").touch()
    return card


def test_settings_are_borrowed_where_nothing_can_be_kept(lost: Card) -> None:
    for name, text in (("phone.toml", SOUND), ("wifi.toml.txt", WIFI), ("board.toml", BOARD)):
        (lost.firmware / name).write_text(text)

    for _ in range(2):  # as good at the next start
        started(lost)

        assert (lost.settings / "phone.toml").read_text() == SOUND
        assert (lost.settings / "wifi.toml").read_text() == WIFI
        assert "ssid=" in (lost.boot / "wpa_supplicant.conf").read_text()
        assert {path.name for path in lost.firmware.iterdir()} == {
            "phone.toml", "wifi.toml.txt", "board.toml", "problems.txt",
        }  # fmt: skip
        shutil.rmtree(lost.settings)
    said = (lost.firmware / "problems.txt").read_text()
    assert said.count("\n") == 1
    assert "cannot be used" in said
    assert "replace the card, or write it anew" in said


def test_without_any_settings_the_page_is_open(lost: Card) -> None:
    started(lost)

    assert (lost.boot / "wanted").read_text() == ""
    assert (lost.firmware / "problems.txt").exists()


def test_nothing_is_wiped_or_erased_that_may_be_all_there_is(lost: Card) -> None:
    (lost.firmware / "phone.toml.taken").write_text(SOUND)
    (lost.firmware / "reset.txt").write_text("")

    started(lost)

    assert (lost.firmware / "phone.toml.taken").read_text() == SOUND
    assert (lost.firmware / "reset.txt").exists()
    assert "reset.txt: nothing can be erased on this card" in (lost.firmware / "problems.txt").read_text()


def test_what_is_wrong_with_borrowed_settings_is_said(lost: Card) -> None:
    (lost.firmware / "phone.toml").write_text("[phone]\nnmae = 1\n")

    started(lost)

    assert not (lost.settings / "phone.toml").exists()
    assert "phone.nmae" in (lost.firmware / "problems.txt").read_text()


def test_the_page_can_be_asked_for_there_too(lost: Card) -> None:
    (lost.firmware / "phone.toml").write_text(SOUND)
    (lost.firmware / "set-up.txt").write_text("")

    started(lost)

    assert (lost.boot / "wanted").read_text() == "asked\n"
    assert not (lost.firmware / "set-up.txt").exists()


def test_settings_are_borrowed_from_a_card_that_can_only_be_read(lost: Card) -> None:
    (lost.firmware / "phone.toml").write_text(SOUND)

    said = start_with(lost, lost.firmware, "frozen")

    assert (lost.settings / "phone.toml").read_text() == SOUND
    assert "cannot be used" in said


def test_a_card_that_works_again_is_said_so_by_the_list_that_goes(lost: Card) -> None:
    (lost.firmware / "phone.toml").write_text(SOUND)
    started(lost)

    (lost.boot / "forgetful").unlink()
    started(lost)

    assert list(lost.firmware.iterdir()) == []


# --- the files ---


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "phone.toml"
    write_safely(path, b"old", mode=0o640)

    with pytest.raises(LookupError):
        write_safely(path, b"new", mode=0o640, group="no-such-group")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["phone.toml"]


def test_answers_are_two_files_or_none(card: Card) -> None:
    keep_answers(card.settings, SOUND, WIFI, "")
    (card.settings / "worked").touch()

    keep_answers(card.settings, SOUND + "#", "", "")

    assert os.listdir(card.settings) == ["phone.toml"]


@pytest.mark.parametrize("written", [[], ["wifi.toml"], ["wifi.toml", "phone.toml"]])
def test_answers_that_a_power_cut_broke_off_are_written_at_the_next_start(card: Card, written: list[str]) -> None:
    write_safely(card.settings / "phone.toml", b"old", mode=0o640)
    texts = {"phone.toml": SOUND, "wifi.toml": WIFI}
    both = json.dumps({"phone": SOUND, "wifi": WIFI})
    write_safely(card.settings / "answers.json", both.encode(), mode=0o600)
    for name in written:
        write_safely(card.settings / name, texts[name].encode(), mode=0o600)

    started(card)

    assert {name: (card.settings / name).read_text() for name in texts} == texts
    assert not (card.settings / "answers.json").exists()


def test_nothing_is_written_before_all_of_it_is_safe(card: Card) -> None:
    with pytest.raises(LookupError):
        keep_answers(card.settings, SOUND, WIFI, "no-such-group")

    finish_answers(card.settings, "")

    assert (card.settings / "phone.toml").read_text() == SOUND


def test_a_file_is_wiped_whole(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * 10_000)
    os.link(tmp_path / "secret", tmp_path / "left")

    shred(tmp_path / "secret")

    assert not (tmp_path / "secret").exists()
    assert (tmp_path / "left").read_bytes() == bytes(10_000)


# --- each step fails alone ---


ON_A_DISK = """
set -e
cp -a "$1" "$1.was"
mount -t tmpfs -o size=1m tmpfs "$1"
cp -a "$1.was/." "$1"
case $2 in
full) ! head -c 2M /dev/zero 2>&- >"$1/large" ;;
frozen) mount -o remount,ro "$1" ;;
esac
shift 2
exec "$@"
"""


def start_with(card: Card, disk: Path, state: str) -> str:
    """The command as the unit runs it, `disk` being a file system of its own that is "full" or "frozen": its log."""
    where = ["--firmware", card.firmware, "--settings", card.settings, "--boot", card.boot, "--memory", card.memory]
    where += ["--log", card.log]
    command = [sys.executable, "-m", "firmware.runtime.first_boot", *map(str, where), "--group", ""]
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    own_mounts = ["unshare", "--mount", *as_root, "sh", "-c", ON_A_DISK, "sh", str(disk), state]
    done = subprocess.run([*own_mounts, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def settled(card: Card) -> None:
    """A telephone with settings."""
    write_safely(card.settings / "phone.toml", SOUND.encode(), mode=0o640)
    write_safely(card.settings / "wifi.toml", WIFI.encode(), mode=0o600)


def joins_and_asks(card: Card) -> bool:
    return "ssid=" in (card.boot / "wpa_supplicant.conf").read_text() and (card.boot / "wanted").is_file()


@pytest.mark.parametrize(("state", "words"), [("frozen", "Read-only file system"), ("full", "No space left on device")])
def test_with_settings_that_nobody_can_write_it_has_its_wifi_and_its_page(card: Card, state: str, words: str) -> None:
    settled(card)

    said = start_with(card, card.settings.parent, state)

    assert joins_and_asks(card)
    assert f"how often it was started cannot be counted: {words}; " in said
    assert words in (card.firmware / "problems.txt").read_text()


def test_a_card_that_can_only_be_read_is_told_of_in_plain_words(card: Card) -> None:
    settled(card)
    folder = card.firmware / "fat"  # no mount point, so it is not made writable
    folder.mkdir()
    (folder / "set-up").touch()

    said = start_with(replace(card, firmware=folder), card.firmware, "frozen")

    assert "the files on the card cannot be taken from it: Read-only file system; " in said
    assert "problems.txt cannot be written: Read-only file system; " in said
    assert "Command '" not in said


def test_new_settings_that_cannot_be_kept_stay_on_the_card(card: Card) -> None:
    settled(card)
    (card.firmware / "phone.toml").write_text(SOUND + "# new\n")

    start_with(card, card.settings.parent, "frozen")

    assert joins_and_asks(card)
    assert (card.firmware / "phone.toml").read_text() == SOUND + "# new\n"
    assert "phone.toml cannot be taken from the card: Read-only" in (card.firmware / "problems.txt").read_text()


def test_what_cannot_be_erased_is_said_and_tried_again(card: Card) -> None:
    settled(card)
    (card.firmware / "reset").write_text("")
    (card.firmware / "phone.toml").write_text(SOUND)

    start_with(card, card.settings.parent, "frozen")

    assert joins_and_asks(card)
    assert {path.name for path in card.firmware.iterdir()} == {"reset", "phone.toml", "problems.txt"}
    assert "wifi.toml cannot be erased: Read-only" in (card.firmware / "problems.txt").read_text()


def test_a_full_fat_costs_only_its_list_of_problems(card: Card) -> None:
    settled(card)
    (card.firmware / "phone.toml").write_text("[phone]\nnmae = 1\n")

    said = start_with(card, card.firmware, "full")

    assert joins_and_asks(card)
    assert "phone.toml: line 2: phone.nmae: unknown key" in said
    assert "problems.txt cannot be written: No space left on device" in said


@pytest.mark.parametrize("damaged", [b"\0" * 90, b"\xff\xfe", b'ssid = "Home"\npassword = "short"\n'])
def test_a_damaged_wifi_is_asked_for_and_said(card: Card, damaged: bytes) -> None:
    settled(card)
    (card.settings / "worked").touch()
    write_safely(card.settings / "wifi.toml", damaged, mode=0o600)

    started(card)

    assert (card.boot / "wanted").read_text() == ""
    assert "network=" not in (card.boot / "wpa_supplicant.conf").read_text()
    assert "wifi.toml cannot be used: " in (card.firmware / "problems.txt").read_text()


@pytest.mark.parametrize("damaged", [b"\0\0", b"[1]", b'{"phone": 1, "wifi": ""}'])
def test_damaged_answers_are_in_the_way_once(card: Card, damaged: bytes) -> None:
    settled(card)
    write_safely(card.settings / "answers.json", damaged, mode=0o600)

    started(card)
    assert joins_and_asks(card)
    assert "give the answers again" in (card.firmware / "problems.txt").read_text()

    started(card)
    assert not (card.firmware / "problems.txt").exists()


def test_a_card_that_is_not_there_costs_nothing(card: Card) -> None:
    settled(card)
    card.firmware.rmdir()

    started(card)

    assert joins_and_asks(card)


def test_a_list_that_is_still_true_is_not_written_again(card: Card) -> None:
    (card.firmware / "phone.toml").write_text("[phone]\nnmae = 1\n")
    started(card)
    before = (card.firmware / "problems.txt").stat().st_mtime_ns

    started(card)

    assert (card.firmware / "problems.txt").stat().st_mtime_ns == before
