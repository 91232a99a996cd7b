"""Wiring drawings: made from the profiles, complete, and those in the repository are up to date."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hw.boards import board_names, load_board, parse_board
from hw.boards.claims import claims_of
from hw.header import CONSOLE, GPIO_PLACES, GPIOS, HIGH_AT_RESET, SPI, SPI_SELECTS, place_name
from hw.wiring import DRAWINGS, draw, drawings, main, table

REAL = [name for name in board_names() if load_board(name).driver == "pi"]
SVG = "{http://www.w3.org/2000/svg}"
README = Path(__file__).parent.parent / "hw" / "README.md"


def words_of(drawing: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize(("path", "drawing"), list(drawings()), ids=REAL)
def test_the_committed_drawing_is_the_profiles(path: Path, drawing: str) -> None:
    """If this fails: python -m hw.wiring --update."""
    assert path.read_text() == drawing


@pytest.mark.parametrize("name", REAL)
def test_every_pin_is_drawn_at_its_place_and_at_its_part(name: str) -> None:
    words = words_of((DRAWINGS / f"{name}.svg").read_text())

    for claim in claims_of(load_board(name)):
        assert any(f"GPIO{claim.gpio}  " in word and claim.wire in word for word in words)
        assert any(f"GPIO{claim.gpio} ({GPIO_PLACES[claim.gpio]})" in word for word in words)


@pytest.mark.parametrize("name", REAL)
def test_what_is_driven_rests_while_the_pi_starts_and_no_bus_has_its_pin(name: str) -> None:
    """Raspberry Pi OS as we lay it has SPI on, our own card a console."""
    driven = {claim.gpio for claim in claims_of(load_board(name)) if claim.part in ("lamps", "bell", "piezo")}
    used = {claim.gpio for claim in claims_of(load_board(name))}

    assert not driven & HIGH_AT_RESET
    assert not used & {*CONSOLE, *SPI, *SPI_SELECTS}


def test_a_bell_on_pins_that_start_high_wants_resistors() -> None:
    bell = BARE + '[ringer]\nkind = "bell"\npins = [5, 22]\n'

    assert "GPIO5 is high at the start: 4.7 kohm from it to ground." in words_of(draw(parse_board(bell)))
    assert "GPIO22 is high" not in draw(parse_board(bell))


def test_a_bells_bridge_has_a_supply_of_its_own_and_a_disc_its_protection() -> None:
    assert {"VM", "own supply", "24 to 36 V", "100 uF, 63 V"} <= set(words_of(draw(load_board("rotary"))))
    assert {"1 kohm", "3.6 V"} <= set(words_of(draw(load_board("hotline"))))
    buzzer = BARE + '[ringer]\nkind = "piezo"\npins = [18]\n'
    assert "1 kohm" not in draw(parse_board(buzzer))


def test_an_amplifier_has_its_5_volts_but_one_on_the_header_needs_none() -> None:
    assert {"PAM8403", "5V (2 or 4)"} <= set(words_of(draw(load_board("handset"))))
    assert "PAM8403" not in draw(load_board("speakerphone"))


@pytest.mark.parametrize("name", REAL)
def test_no_words_leave_the_drawing(name: str) -> None:
    """Roughly: a letter is 0.62 of its size wide."""
    drawing = ElementTree.fromstring(draw(load_board(name)))
    width = float(drawing.attrib["width"])

    for text in drawing.iter(f"{SVG}text"):
        long = 0.62 * float(text.attrib["font-size"]) * len(text.text or "")
        x = float(text.attrib["x"])
        left = x - {"start": 0, "middle": long / 2, "end": long}[text.attrib["text-anchor"]]
        assert left >= 0, text.text
        assert left + long <= width - 20, text.text


def test_the_header_has_each_gpio_once() -> None:
    names = [place_name(place) for place in range(1, 41)]

    assert sorted(GPIO_PLACES) == sorted(GPIOS) == list(range(2, 28))
    assert [names[n - 1] for n in (1, 2, 6, 11, 39, 40)] == ["3V3", "5V", "GND", "GPIO17", "GND", "GPIO21"]
    assert sum(name.startswith("GPIO") for name in names) == 26
    assert names.count("GND") == 8


def test_names_with_special_letters_are_drawn() -> None:
    text = 'name = "<Hall> & co"\ndriver = "pi"\n[audio]\nearpiece = { card = "usb" }\n'

    assert "<Hall> & co: wiring" in words_of(draw(parse_board(text)))


def test_lamps_that_shine_when_low_hang_on_3v3() -> None:
    text = BARE + '[lamps]\npins = { mute = 24 }\nactive = "low"\n'

    assert "3V3" in table(parse_board(text))


BARE = 'name = "hall"\ndriver = "pi"\n[audio]\nearpiece = { card = "usb" }\n'


def test_each_sound_card_is_a_box_with_what_hangs_on_it() -> None:
    text = BARE + 'microphone = { card = "usb" }\nringer = { card = "usb:1-1.3", channel = "right" }\n'
    words = words_of(draw(parse_board(text)))

    assert {"USB sound", "USB, socket 1-1.3", "earpiece", "microphone"} <= set(words)
    assert "amplifier and loudspeaker: the ring (right channel)" in words


def test_the_table_goes_by_the_place_on_the_header() -> None:
    lines = table(load_board("rotary")).splitlines()

    assert re.fullmatch(r"11 +GPIO17 +hook switch: contact", lines[3])
    assert any(re.fullmatch(r"16 +GPIO23 +dial: pulse", line) for line in lines)


def test_the_command_draws_any_profile(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["hotline"]) == 0
    assert "piezo" in capsys.readouterr().out
    assert main(["hotline", "--svg"]) == 0
    assert capsys.readouterr().out.startswith("<svg")

    broken = tmp_path / "mine.toml"
    broken.write_text("driver = 'pi'\n")
    assert main([str(broken)]) == 1
    assert "name: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("name", REAL)
def test_the_readme_shows_each_telephone(name: str) -> None:
    assert f"boards/drawings/{name}.svg" in README.read_text()
