"""Board profiles: read, checked, opened."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hw import KEYS, LAMPS
from hw.boards import (
    AudioProfile,
    Profile,
    ProfileError,
    board_names,
    board_notes,
    find_board,
    load_board,
    open_audio,
    open_board,
    parse_board,
    simulate,
)
from hw.boards.claims import claims_of, conflicts, spare_gpios
from hw.boards.profile import CardProfile, DisplayProfile, HookProfile
from hw.header import GPIOS
from hw.sim import NullSound, SimBoard, SimSound, ToneSound

LEAST = 'name = "kitchen"\n'


def problems(text: str) -> dict[str, str]:
    """What is wrong with a profile, by key path."""
    with pytest.raises(ProfileError) as caught:
        parse_board(text)
    return {problem.key: str(problem) for problem in caught.value.problems}


def test_the_simulated_board_comes_with_everything() -> None:
    profile = load_board("sim")

    assert "sim" in board_names()
    assert profile == Profile("sim", "sim", KEYS, LAMPS, DisplayProfile((128, 64)), AudioProfile("sim", 8000, 160))


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
    assert found["colour"].startswith("line 3: colour: unknown key; known here: name, driver,")
    assert "steps of 8" in found["display.width"]
    assert "whole number" in found["display.height"]
    assert "add the missing: # * 0" in found["keypad.keys"]
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


# --- telephones of wire and metal ---

REAL = 'name = "hall"\ndriver = "pi"\n[audio]\nearpiece = { card = "usb" }\n'


@pytest.mark.parametrize("name", ["handset", "rotary", "speakerphone", "hotline"])
def test_every_shipped_telephone_is_sound_and_uses_each_pin_once(name: str) -> None:
    profile = load_board(name)

    assert profile.driver == "pi"
    assert list(conflicts(profile)) == []
    assert {claim.gpio for claim in claims_of(profile)} <= GPIOS


def test_the_reference_telephone_is_what_its_file_says() -> None:
    profile = load_board("handset")

    assert profile.hook == HookProfile(pin=17, normally="closed", bounce_ms=30)
    assert profile.matrix is not None
    assert profile.matrix.keys[3] == ("*", "0", "#", "redial")
    assert profile.keys == frozenset([*"0123456789*#", "hold", "transfer", "mute", "redial"])
    assert profile.lamps == {"message", "mute"}
    assert profile.audio.speaker == CardProfile("usb", "right")
    assert (profile.audio.rate_hz, profile.audio.period_samples) == (48_000, 480)
    assert (profile.audio.at_once, profile.audio.periods) == (2, 6)


@pytest.mark.parametrize(
    ("said", "at_once"),
    [("", 2), ("period_ms = 20", 1), ("period_ms = 5", 4), ("periods = 4", 1), ("periods = 16", 2)],
)
def test_a_packets_worth_is_played_at_once_where_the_buffer_holds_three(said: str, at_once: int) -> None:
    audio = f'driver = "pi"\n[audio]\nearpiece = {{ card = "usb" }}\n{said}'

    assert parse_board(f'name = "x"\n{audio}').audio.at_once == at_once


def test_a_telephone_may_have_neither_keys_nor_panel() -> None:
    profile = load_board("hotline")

    assert profile.keys == frozenset()
    assert profile.display is None


def test_a_real_telephone_can_be_simulated_with_its_own_keys_and_panel() -> None:
    board = simulate(load_board("handset"))

    assert board.keypad.keys == load_board("handset").keys
    assert set(board.lamps.states) == {"message", "mute"}
    board.close()


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[hook]\npin = 2\n[display]", "hook.pin", "GPIO2 is the panel's SDA already"),
        ("[hook]\npin = 17\n[lamps]\npins = { mute = 17 }", "lamps.pins.mute", "the hook switch's contact already"),
        ("[matrix]\nrows = [5]\ncolumns = [5]\nkeys = [['1']]", "matrix.columns[0]", "the keypad's row 1 already"),
        ("[display]\nbus = 'spi'\ndc = 8", "display.dc", "the panel's CS already"),
        ("[hook]\npin = 7\n[display]\nbus = 'spi'\ndc = 25", "hook.pin", "the SPI bus's CS already"),
        ("[hook]\npin = 20\n[display]\nbus = 'spi'\nport = 1\ndc = 25", "hook.pin", "GPIO20 is the panel's MOSI"),
        ("[display]\nbus = 'spi'\nport = 1\ndc = 17", "display.dc", "CS already; choose a free pin, as 12"),
    ],
)
def test_a_pin_is_used_once_and_not_at_all_if_a_bus_has_it(text: str, key: str, words: str) -> None:
    assert words in problems(REAL + text)[key]


def test_a_card_on_the_header_holds_its_pins() -> None:
    text = REAL.replace("[audio]", '[audio]\nhat = "i2s"') + "[ringer]\nkind = 'piezo'\npins = [18]"

    assert "GPIO18 is the sound card's BCLK already" in problems(text)["ringer.pins[0]"]


def test_the_other_spi_bus_and_digital_sound_have_the_same_pins() -> None:
    text = REAL.replace("[audio]", '[audio]\nhat = "i2s"') + "[display]\nbus = 'spi'\nport = 1\ndc = 25"

    assert "GPIO21 is the panel's SCLK already" in problems(text)["audio.hat"]


def test_panel_and_codec_share_the_bus_of_two_wires() -> None:
    profile = parse_board(REAL.replace("[audio]", '[audio]\nhat = "wm8960"') + "[display]")

    assert list(conflicts(profile)) == []


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("[hook]", "hook.pin", "is missing"),
        ("[hook]\npin = 1", "hook.pin", "no pin of the header"),
        ("[hook]\npin = 17\nnormally = 'shut'", "hook.normally", "write one of open, closed"),
        ("[hook]\npin = 17\nbounce_ms = 301", "hook.bounce_ms", "write 1 to 300"),
        ("[hook]\npin = 17\nbounce_ms = 200\nflash_ms = 100", "hook.flash_ms", "bounce"),
        ("[matrix]\nrows = [5, 6]\ncolumns = [7]\nkeys = [['1']]", "matrix.keys", "2 row pins"),
        ("[matrix]\nrows = [5]\ncolumns = [7]\nkeys = [['1', '2']]", "matrix.keys[0]", "write 1 keys"),
        ("[matrix]\nrows = [5]\ncolumns = [7, 8]\nkeys = [['1', '1']]", "matrix.keys[0]", "occurs twice"),
        ("[matrix]\nrows = [5]\ncolumns = [7]\nkeys = [['fire']]", "matrix.keys[0][0]", "no key"),
        ("[matrix]\nrows = []\ncolumns = [7]\nkeys = []", "matrix.rows", "write 1 to 8"),
        ("[keys]\npins = { fire = 5 }", "keys.pins.fire", "unknown name"),
        (
            "[keys]\npins = { hold = 5 }\n[matrix]\nrows = [6]\ncolumns = [7]\nkeys = [['hold']]",
            "keys.pins.hold",
            "in the matrix already",
        ),
        ("[dial]\npulse = 23\npulses_per_second = 15", "dial.pulses_per_second", "steps of 10"),
        ("[dial]\npulse = 23\nbounce_ms = 25", "dial.bounce_ms", "write 1 to 20"),
        ("[usb_keypad]\nkeys = { KEY_WINK = 'ok' }", "usb_keypad.keys.KEY_WINK", "no such key"),
        ("[display]\ncontroller = 'hd44780'", "display.controller", "sh1106"),
        ("[display]\nsize = [132, 64]", "display.size", "[128, 64] or [128, 32]"),
        ("[display]\nbus = 'spi'", "display.dc", "is missing"),
        ("[display]\nbus = 'spi'\ndc = 25\naddress = 60", "display.address", "unknown key"),
        ("[display]\nrotate = 90", "display.rotate", "steps of 180"),
        ("[display]\noff_after_s = 30", "display.off_after_s", "more than 60"),
        ("[ringer]\nkind = 'bell'\npins = [5]", "ringer.pins", "a bell has 2"),
        ("[ringer]\nkind = 'bell'\npins = [5, 6]\nfrequency_hz = 50", "ringer.frequency_hz", "write 16 to 25"),
        ("[ringer]\nkind = 'loudspeaker'\npins = [5]", "ringer.pins", "unknown key"),
        ("[ringer]\nkind = 'bell'\npins = [5, 6]\n[audio.ringer]\ncard = 'usb'", "audio.ringer", "take it out"),
    ],
)
def test_what_cannot_be_wired_is_refused_in_words(text: str, key: str, words: str) -> None:
    assert words in problems(REAL + text)[key]


@pytest.mark.parametrize("card", ["", "usb:", "/dev/snd", "pcm:", "hw:0;reboot"])
def test_a_card_is_named_never_counted(card: str) -> None:
    text = f'name = "hall"\ndriver = "pi"\n[audio]\nearpiece = {{ card = "{card}" }}\n'

    assert "names no card" in problems(text)["audio.earpiece.card"]


def test_a_telephone_without_any_sound_is_none() -> None:
    assert "neither speak nor hear" in problems('name = "hall"\ndriver = "pi"\n')["audio.earpiece"]


# --- one mistake, one problem ---


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[hook]\npin = "17"', "hook.pin"),
        ("[hook]\npin = true", "hook.pin"),
        ("hook = 5", "hook"),
        ("[matrix]\nrows = 5\ncolumns = [6]\nkeys = [['1']]", "matrix.rows"),
        ("[matrix]\nrows = [5]\ncolumns = 6\nkeys = [['1']]", "matrix.columns"),
        ("[matrix]\nrows = [5]\ncolumns = [6]\nkeys = 'all'", "matrix.keys"),
        ("[display]\ncontroller = 5", "display.controller"),
        ("[display]\ncontroller = 'ssd1328'\nsize = [256, 64]", "display.controller"),
        ("[display]\nbus = 'SPI'\ndc = 25\nreset = 24", "display.bus"),
        ("[display]\ndim_after_s = '90'\noff_after_s = 50", "display.dim_after_s"),
        ("[hook]\npin = 17\nbounce_ms = '5'\nflash_ms = 20", "hook.bounce_ms"),
        ("[ringer]\nkind = 'Bell'\npins = [5, 6]\nvolume = 50", "ringer.kind"),
        ("[ringer]\nkind = 'piezo'\npins = 5", "ringer.pins"),
        ("[lamps]\npins = 5", "lamps.pins"),
        ("[audio.speaker]\ncard = 5", "audio.speaker.card"),
        ("speaker = 'usb'", "audio.speaker"),
    ],
)
def test_a_mistake_is_told_once(text: str, key: str) -> None:
    text = REAL.replace("[audio]", f"{text}\n[audio]") if text.startswith("hook =") else REAL + text
    with pytest.raises(ProfileError) as caught:
        parse_board(text)

    assert [problem.key for problem in caught.value.problems] == [key]


@pytest.mark.parametrize("said", ['driver = "rpi"\n', "driver = 5\n", ""])
def test_a_wrong_driver_does_not_make_a_real_telephones_tables_unknown(said: str) -> None:
    text = find_board("handset").read_text().replace('driver = "pi"\n', said)

    assert problems(text).keys() == {"driver"}


def test_a_name_that_is_no_text_is_told_once() -> None:
    with pytest.raises(ProfileError) as caught:
        parse_board("name = 5")

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[dial]\noff_normal = 4", "dial.pulse"),
        ("[display]\nbus = 'spi'", "display.dc"),
        ("[ringer]\nkind = 'bell'", "ringer.pins"),
        ("[lamps]\n[keys]\npins = { mute = 5 }", "lamps.pins"),
        ("[keys]\npins = { mute = 17 }", "keys.pins.mute"),
        ("[matrix]\ncolumns = [4, 5, 6]\nkeys = []", "matrix.rows"),
    ],
)
def test_a_remedy_names_pins_that_are_free(text: str, key: str) -> None:
    text = REAL + "[hook]\npin = 17\n" + text

    suggested = {int(number) for number in re.findall(r"\d+", problems(text)[key].partition("; ")[2])}
    assert suggested
    assert suggested <= set(spare_gpios(tomllib.loads(text)))
    assert not suggested & {7, 8, 9, 10, 11, 14, 15, 17}


def test_no_two_remedies_name_the_same_pin() -> None:
    found = problems(REAL + "[hook]\n[dial]\n[keys]\n[lamps]\npins = { hold = 5, mute = 5 }\n[ringer]\nkind = 'bell'\n")

    suggested = [number for words in found.values() for number in re.findall(r"\d+", words.partition("; ")[2])]
    assert len(suggested) == len(set(suggested)) == 6


def test_what_may_be_written_is_listed_whole() -> None:
    assert "ssd1327, none" in problems(REAL + "[display]\ncontroller = 'hd44780'")["display.controller"]
    hat = problems(REAL.replace("[audio]", "[audio]\nhat = 'dac'"))["audio.hat"]
    assert "write one of i2s, wm8960, codec-zero, or leave it out" in hat


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(REAL + "[hook]\npin = 17\n", "utf-8-sig")

    assert load_board(str(path)) == parse_board(REAL + "[hook]\npin = 17\n")
    path.write_text("colour = 5\n" + REAL, "utf-8-sig")
    with pytest.raises(ProfileError, match="line 1: colour: unknown key"):
        load_board(str(path))


def test_what_nests_too_deeply_is_a_problem_not_a_traceback() -> None:
    assert "too deeply" in problems("a = " + "[" * 5000)[""]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[lamps]\npins = { mute = 7 }",
            "lamps.pins.mute: GPIO7 is the SPI bus's CE1 where config.txt says dtparam=spi=on; "
            "the kernel holds it then, as on the ready-made card with Raspberry Pi OS: ",
        ),
        ("[hook]\npin = 3", "hook.pin: GPIO3 is the I2C bus's SCL where config.txt says dtparam=i2c_arm=on"),
        ("[hook]\npin = 14", "hook.pin: GPIO14 is the serial console's TXD where config.txt says enable_uart=1"),
    ],
)
def test_pins_that_a_bus_of_the_ready_made_cards_holds_are_worth_a_note(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(REAL + text)

    (note,) = board_notes(str(path))

    assert note.startswith(f"{path}: line ")
    assert words in note
    assert "choose another pin, as 12, or take that line out" in note


@pytest.mark.parametrize("text", ["[display]", "[display]\nbus = 'spi'\ndc = 25", "[hook]\npin = 17"])
def test_a_bus_that_the_telephone_itself_uses_is_not(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(REAL + text)

    assert board_notes(str(path)) == []


@pytest.mark.parametrize("name", board_names())
def test_no_shipped_telephone_has_a_pin_that_a_bus_may_hold(name: str) -> None:
    assert board_notes(name) == []
