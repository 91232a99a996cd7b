"""What board.txt on a card names, and the one start more that a board may need."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from firmware.runtime.device_tree import OVERLAYS, RESTARTED, fit_board, overlays_of, text_of
from hw.boards import BUILT_IN, board_names, parse_board

CARD = Path(__file__).parent.parent / "image-build" / "card"
SETTINGS = '[[account]]\naddress = "sip:1001@example.net"\npassword = "x"\n[hardware]\nboard = "{}"\n'
HOOK = 'name = "mine"\ndriver = "pi"\n[hook]\npin = 8\n[audio]\nearpiece = { card = "usb" }\n'
RESTART = "--no-block --job-mode=replace-irreversibly start reboot.target"
ON_SPI = HOOK.replace("pin = 8", "pin = 27") + '[display]\ncontroller = "ssd1322"\nbus = "spi"\ndc = 25\n'


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card's folders "fat" and "settings", as flashed."""
    for name in ("fat", "settings"):
        (tmp_path / name).mkdir()
    (tmp_path / "fat" / OVERLAYS).write_bytes((CARD / OVERLAYS).read_bytes())
    return tmp_path


def use(card: Path, board: str, text: str = "") -> None:
    (card / "settings" / "phone.toml").write_text(SETTINGS.format(board))
    if text:
        (card / "settings" / board).write_text(text)


def fits_anew(card: Path) -> bool:
    return fit_board(card / "fat", card / "settings")


def named(card: Path) -> list[str]:
    lines = (card / "fat" / OVERLAYS).read_text().splitlines()
    return [line.removeprefix("dtoverlay=") for line in lines if line.startswith("dtoverlay=")]


def test_a_panel_on_spi_turns_spi_on_and_takes_one_start_more(card: Path) -> None:
    use(card, "./board.toml", ON_SPI)

    assert fits_anew(card)
    assert named(card) == ["offhook-spi"]
    assert not fits_anew(card)
    assert not (card / "settings" / RESTARTED).exists()


def test_a_board_without_it_has_the_five_pins_again(card: Path) -> None:
    use(card, "board.toml", ON_SPI)
    fits_anew(card)
    use(card, "board.toml", HOOK)

    assert fits_anew(card)
    assert (card / "fat" / OVERLAYS).read_bytes() == (CARD / OVERLAYS).read_bytes()


@pytest.mark.parametrize(
    ("board", "overlays"),
    [("handset", ()), ("hotline", ()), ("rotary", ()), ("sim", ()), ("speakerphone", ("offhook-wm8960",))],
)
def test_each_board_that_comes_along(card: Path, board: str, overlays: tuple[str, ...]) -> None:
    use(card, board)

    assert fits_anew(card) is bool(overlays)
    assert named(card) == list(overlays)


def test_none_of_the_boards_is_forgotten_here() -> None:
    assert set(board_names()) == {"handset", "hotline", "rotary", "sim", "speakerphone"}


@pytest.mark.parametrize(
    ("text", "overlays"),
    [
        (ON_SPI, ("offhook-spi",)),
        (ON_SPI.replace("[audio]", '[audio]\nhat = "wm8960"'), ("offhook-spi", "offhook-wm8960")),
        (ON_SPI + "port = 0\ndevice = 1\n", ("offhook-spi",)),
        (ON_SPI + "port = 1\n", ()),  # the other SPI bus: none of ours
        (HOOK.replace("[audio]", '[audio]\nhat = "i2s"'), ()),
        (HOOK, ()),
    ],
)
def test_what_a_sound_board_needs(text: str, overlays: tuple[str, ...]) -> None:
    parse_board(text)

    assert overlays_of(tomllib.loads(text)) == overlays


def test_an_old_pc_and_raspberry_pi_os_have_no_such_file_and_get_none(card: Path) -> None:
    (card / "fat" / OVERLAYS).unlink()
    use(card, "speakerphone")

    assert not fits_anew(card)
    assert list((card / "fat").iterdir()) == []


def test_a_telephone_without_settings_is_left_as_it_is(card: Path) -> None:
    assert not fits_anew(card)


def test_a_card_that_forgets_what_is_written_does_not_start_for_ever(card: Path) -> None:
    use(card, "speakerphone")
    assert fits_anew(card)
    (card / "fat" / OVERLAYS).write_text("")  # as it was before

    with pytest.raises(ValueError, match="try another"):
        fits_anew(card)


def test_damaged_settings_change_nothing(card: Path) -> None:
    use(card, "board.toml", "name = ")

    with pytest.raises(ValueError, match="Invalid value"):
        fits_anew(card)

    assert named(card) == []


# --- the command ---


def started(card: Path, *more: str) -> tuple[str, list[str]]:
    """The command as at a start: its log, and what it asked systemd for (a stand-in that writes it down)."""
    (card / "bin").mkdir(exist_ok=True)
    (card / "bin" / "systemctl").write_text(f'#!/bin/sh\necho "$*" >>{card}/asked\n')
    (card / "bin" / "systemctl").chmod(0o755)
    where = ["--firmware", "fat", "--settings", "settings", "--boot", "run", "--memory", "lib", "--log", "log"]
    where += ["--group", "", *more]
    done = subprocess.run(
        [sys.executable, "-m", "firmware.runtime.first_boot", *where],
        cwd=card,
        env=os.environ | {"PATH": f"{card}/bin:{os.environ['PATH']}", "PYTHONPATH": str(CARD.parent.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    asked = card / "asked"
    return done.stderr, asked.read_text().splitlines() if asked.exists() else []


def test_files_put_on_the_card_are_all_it_takes(card: Path) -> None:
    """Taken, board.txt written, started again; the second start finds all as it should be, and goes on."""
    (card / "fat" / "phone.toml").write_text(SETTINGS.format("./board.toml"))
    (card / "fat" / "board.toml").write_text(ON_SPI)

    assert started(card)[1] == [RESTART]
    assert sorted(path.name for path in (card / "fat").iterdir()) == [OVERLAYS]
    assert named(card) == ["offhook-spi"]
    assert not (card / "settings" / "starts").exists()  # not one that somebody cut short

    assert started(card)[1] == [RESTART]  # of the first start
    assert (card / "settings" / "starts").read_text() == "1\n"


def test_a_kind_chosen_on_the_set_up_page_is_fitted_without_counting_a_start(card: Path) -> None:
    use(card, "speakerphone")

    assert started(card, "--fit")[1] == [RESTART]
    assert not (card / "run").exists()
    assert started(card, "--fit")[1] == [RESTART]  # the first one's


def test_damaged_settings_are_said_on_the_card(card: Path) -> None:
    use(card, "board.toml", "name = ")

    log, asked = started(card)

    assert asked == []
    assert "board.txt, which turns on what the board needs, cannot be kept" in log
    assert "cannot be kept" in (card / "fat" / "problems.txt").read_text()


# --- the overlays ---


def test_every_overlay_that_is_named_is_on_the_card() -> None:
    sources = {path.stem for path in (CARD / "overlays").glob("*.dts")}
    boards = [tomllib.loads(ON_SPI), *(tomllib.loads(path.read_text()) for path in BUILT_IN.glob("*.toml"))]

    assert {name for board in boards for name in overlays_of(board)} == {"offhook-spi", "offhook-wm8960"}
    assert sources == {"offhook-spi", "offhook-wm8960", "offhook-i2c-fast"}


def test_the_card_is_flashed_with_nothing_turned_on_and_its_firmware_reads_that_file() -> None:
    assert (CARD / OVERLAYS).read_bytes() == text_of(())
    assert f"include {OVERLAYS}" in (CARD / "config.txt").read_text().splitlines()
