"""Board profiles: read, checked, opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from hw import KEYS, LAMPS
from hw.boards import AudioProfile, Profile, ProfileError, board_names, load_board, open_audio, open_board, parse_board
from hw.sim import NullSound, SimBoard, SimSound, ToneSound

LEAST = 'name = "kitchen"\n'


def problems(text: str) -> dict[str, str]:
    """What is wrong with a profile, by key path."""
    with pytest.raises(ProfileError) as caught:
        parse_board(text)
    return {problem.key: problem.text for problem in caught.value.problems}


def test_the_simulated_board_comes_with_everything() -> None:
    profile = load_board("sim")

    assert "sim" in board_names()
    assert profile == Profile("sim", "sim", (128, 64), KEYS, LAMPS, AudioProfile("sim", 8000, 160))


def test_a_name_is_enough() -> None:
    assert parse_board(LEAST) == Profile("kitchen")


def test_a_profile_may_be_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(LEAST + '[keypad]\nkeys = ["0","1","2","3","4","5","6","7","8","9","*","#","hold"]\n')

    assert load_board(str(path)).keys == frozenset([*"0123456789*#", "hold"])


@pytest.mark.parametrize("name", ["no such board", "", "sim2"])
def test_an_unknown_name_says_which_are_known(name: str) -> None:
    with pytest.raises(ProfileError, match=r"known are .*sim"):
        load_board(name)


def test_a_file_that_cannot_be_read_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    large = tmp_path / "large.toml"
    large.write_text("#" * 70_000)

    for path, text in ((tmp_path / "none.toml", "No such file"), (binary, "UTF-8"), (large, "too large")):
        with pytest.raises(ProfileError, match=text):
            load_board(str(path))
    with pytest.raises(ProfileError, match="cannot be read"):
        load_board(f"{tmp_path}/")


def test_what_is_not_toml_says_where() -> None:
    assert "line 2" in problems('name = "hall"\nsize = = 3\n')[""]


def test_every_problem_is_named_by_its_key_path_at_once() -> None:
    found = problems(
        """
        driver = "arduino"
        colour = "red"
        [display]
        width = 100
        height = "tall"
        [keypad]
        keys = ["1", "1", "fire", 7]
        [lamps]
        names = "all"
        [audio]
        rate_hz = 44100
        port = "hdmi"
        volume = 11
        """
    )

    assert found.keys() == {
        "name",
        "driver",
        "colour",
        "display.width",
        "display.height",
        "keypad.keys[1]",
        "keypad.keys[2]",
        "keypad.keys[3]",
        "keypad.keys",
        "lamps.names",
        "audio.rate_hz",
        "audio.port",
        "audio.volume",
    }
    assert found["colour"] == "unknown key"
    assert "steps of 8" in found["display.width"]
    assert "whole number" in found["display.height"]
    assert "missing: # * 0" in found["keypad.keys"]
    assert "sim, null, tone" in found["audio.port"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name = true", "name"),
        ('name = ""', "name"),
        (LEAST + "display = 5", "display"),
        (LEAST + "[display]\nwidth = true", "display.width"),
        (LEAST + "[display]\nheight = 0", "display.height"),
        (LEAST + "[audio]\nperiod_samples = 10", "audio.period_samples"),
        (LEAST + "[audio]\nrate_hz = 0", "audio.rate_hz"),
        (LEAST + "[lamps]\nnames = [[]]", "lamps.names[0]"),
    ],
)
def test_a_wrong_value_is_named(text: str, key: str) -> None:
    assert key in problems(text)


def test_a_wideband_card_has_periods_of_20_ms_unless_told_otherwise() -> None:
    assert parse_board(LEAST + "[audio]\nrate_hz = 16000").audio.period_samples == 320


def test_the_message_names_the_file() -> None:
    with pytest.raises(ProfileError, match=r"^hall\.toml: name: is missing"):
        parse_board("", "hall.toml")


def test_a_profile_is_opened_with_its_own_devices() -> None:
    profile = parse_board(LEAST + '[display]\nwidth = 64\nheight = 32\n[lamps]\nnames = ["mute"]\n')

    board = open_board(profile)

    assert isinstance(board, SimBoard)
    assert (board.name, board.display.size, set(board.lamps.states)) == ("kitchen", (64, 32), {"mute"})
    board.close()


def test_a_card_that_paces_itself_is_left_to_the_media_engine() -> None:
    board = open_board(parse_board(LEAST + '[audio]\nport = "null"\n'))

    assert board.audio is None
    board.close()


def test_a_card_is_opened_by_its_kind_or_by_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "quiet.toml"
    path.write_text(LEAST + '[audio]\nport = "null"\nrate_hz = 16000\n')

    assert isinstance(open_audio("null"), NullSound)
    assert isinstance(open_audio("tone"), ToneSound)
    assert type(open_audio("sim")) is SimSound
    quiet = open_audio(str(path))
    assert isinstance(quiet, NullSound)
    assert (quiet.rate_hz, quiet.period_samples) == (16_000, 320)
    with pytest.raises(ProfileError):
        open_audio("hdmi")
