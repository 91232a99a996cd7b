"""The panel: what stands on each screen, pixel by pixel, and what never goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.config.wifi import SET_UP_SSID
from firmware.phone.events import HandsetLifted, KeyPressed, Party
from firmware.phone.reasons import reason_for
from firmware.screen import wording
from firmware.screen.icons import ICONS
from firmware.screen.lettering import fitted, printable, two_lines
from firmware.screen.screen import Picture, render
from firmware.set_up.portal import is_our_name
from tests.support.desk_phone import DeskPhone
from tests.support.panel_scenes import IDLE, LOST, NOW, SCENES, WALL, about, call

GOLDEN = Path(__file__).parent / "vectors" / "screens"
SIZES = [(128, 64), (256, 64), (128, 32)]


def dots(picture: Picture, width: int = 128, height: int = 64) -> str:
    """The picture in Braille letters, each two by four pixels: to be looked at in any editor."""

    def lit(x: int, y: int) -> int:
        return picture.pixels[(y * width + x) // 8] >> (7 - x % 8) & 1

    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]  # the order of Unicode's dots
    rows = []
    for top in range(0, height, 4):
        cells = (
            sum(lit(left + dx, top + dy) << bit for bit, (dx, dy) in enumerate(places)) for left in range(0, width, 2)
        )
        rows.append("".join(chr(0x2800 + cell) for cell in cells))
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("scene", SCENES)
def test_each_screen_is_drawn_as_agreed_pixel_by_pixel(scene: str) -> None:
    """The pictures in vectors/screens were looked at by a person; a change shows in them."""
    picture = render(SCENES[scene], WALL, NOW)

    assert dots(picture) == (GOLDEN / f"{scene}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_every_screen_fits_every_panel(scene: str, size: tuple[int, int]) -> None:
    picture = render(SCENES[scene], WALL, NOW, size)

    assert len(picture.pixels) == size[0] * size[1] // 8
    assert any(picture.pixels)
    assert picture.lines
    assert all(len(line) <= size[0] // 6 + 2 for line in picture.lines)


@pytest.mark.parametrize("scene", SCENES)
def test_a_panel_too_low_for_head_name_and_foot_has_two_lines(scene: str) -> None:
    low, lowest = (render(SCENES[scene], WALL, NOW, (256, height)) for height in (48, 32))

    assert sorted("  ".join(low.lines).split()) == sorted("  ".join(lowest.lines).split())


def test_rows_run_from_the_top_and_the_most_significant_bit_is_leftmost() -> None:
    """hw.Display's promise: the line under the head is row 12, lit from edge to edge."""
    picture = render(IDLE, WALL, NOW)

    assert picture.pixels[12 * 16 : 13 * 16] == b"\xff" * 16
    assert picture.pixels[13 * 16 : 14 * 16] == b"\x00" * 16


@pytest.mark.parametrize(
    ("scene", "lines"),
    [
        ("idle", ("Hall", "17:42", "Sat 22 Nov  1001")),
        ("idle-missed", ("Hall", "17:42", "2 missed calls")),
        ("idle-no-service", ("Hall", "17:42", "Server silent")),
        ("idle-no-sound", ("Hall", "17:42", "No sound card")),
        ("idle-no-sound-missed", ("Hall", "17:42", "No sound card  2")),
        ("dialling", ("Dial", "1002", "OK:call   Back:erase")),
        ("dialling-longer", ("Dial", "…3401234567890", "OK:call   Back:erase")),
        ("ringing-in", ("Call from  Line 1", "Anna Bergström", "1002", "OK:take  Back:refuse")),
        ("ringing-cyrillic", ("Call from  Line 1", "Анна Петрова", "1005", "OK:take  Back:refuse")),
        ("ringing-chinese", ("Call from  Line 1", "▮▮▮ Lee", "1006", "OK:take  Back:refuse")),
        ("talking", ("In call", "Anna Bergström", "1002", "1:23  PCMA")),
        ("talking-they-hold", ("You are on hold", "+493039833401", "1:23  PCMA")),
        ("talking-knock", ("In call", "Anna Bergström", "Otto", "OK:take  Line 2")),
        ("dial-tone-knock", ("Dial", "Otto", "OK:take  Line 2")),
        ("dialling-knock", ("Dial", "1002", "Otto", "OK:take  Line 2")),
        ("menu-knock", ("Calls  3/6", "Kitchen  21 Nov", "1004  12 Nov", "Otto", "OK:take  Line 2")),
        (
            "menu-repeated",
            ("Calls  2/6", "Anna Ber…  (3) 17:32", "+493039833401  16:42", "Kitchen  21 Nov", "1004  12 Nov"),
        ),
        ("menu-detail", ("Received", "Kitchen", "1003", "21 Nov 16:42  1:05")),
        ("menu-detail-repeated", ("Missed (3)", "Anna Bergström", "1002", "22 Nov 17:32")),
        ("menu-detail-knock", ("Received", "Kitchen", "Otto", "OK:take  Line 2")),
        ("menu-empty-knock", ("Calls", "No calls yet", "Otto", "OK:take  Line 2")),
        ("ended-knock", ("Anna Bergström", "Server not answering", "Otto", "OK:take  Line 2")),
        ("talking-held-recall", ("In call", "Anna Bergström", "Otto", "OK:take  Line 2")),
        ("ended-notice", ("Anna Bergström", "Busy", "Not transferred:", "Server not answering")),
        ("talking-notice-long", ("On hold", "Anna Bergström", "Not transferred:", "Server not answering")),
        ("idle-do-not-disturb-missed", ("Hall", "17:42", "Do not disturb  12")),
        ("talking-two", ("In call", "Anna Bergström", "Held: Otto", "1:23  PCMA")),
        ("ended", ("Anna Bergström  1:23", "Call ended")),
        ("ended-server", ("Anna Bergström", "Server not", "answering", "Check the network")),
        ("volume-ear", ("In call", "Anna Bergström", "Handset  7")),
        ("idle-forgetful", ("Hall", "17:42", "Replace the card  3")),
        ("dial-tone", ("Dial", "Hold * for the menu")),
        (
            "options",
            ("Menu  #:take *:back", "1 Call list", "2 Do not disturb: off", "3 About", "4 Clear call list"),
        ),
        ("options-knock", ("Menu  #:take *:back", "2 Do not disturb: off", "3 About", "Otto", "OK:take  Line 2")),
        ("options-about", ("About", "1001@example.net", "In service", "192.0.2.17", "Offhook 0.1.0")),
        (
            "options-about-rest",
            ("About  2,8:more 3/3", "is set is forgotten", "when switched off.", "Replace it, or write", "it anew."),
        ),
        ("options-clear", ("Clear call list", "Forget all calls, and", "what Redial calls?", "#:yes  *:no")),
        ("menu-by-digits", (
            "2,8:move #:call  2/6", "Anna Bergstr…  17:32", "+493039833401  16:42", "Kitchen  21 Nov", "1004  12 Nov",
        )),
    ],
)
def test_the_text_on_the_panel_is_told_line_by_line(scene: str, lines: tuple[str, ...]) -> None:
    assert render(SCENES[scene], WALL, NOW).lines == lines


@pytest.mark.parametrize("words", ["", "Busy"])
@pytest.mark.parametrize(
    "screen",
    ["dial-tone", "dialling", "transfer", "menu", "ended", "talking", "ringing-out", "options", "options-set-up"],
)
def test_who_knocks_is_announced_on_every_screen_of_every_panel(screen: str, words: str) -> None:
    knock = call(id="b", direction="in", state="ringing", remote=Party("sip:1003@x", "Otto"), line=2)
    view = replace(SCENES[screen], calls=(*SCENES[screen].calls, knock), notice=words)

    assert render(view, WALL, NOW, (128, 64)).lines[-2:] == ("Otto", "OK:take  Line 2")
    assert render(view, WALL, NOW, (256, 64)).lines[-2:] == ("Otto", "OK:take  Line 2")
    assert render(view, WALL, NOW, (128, 32)).lines[0] == "Call: Otto  OK"


EVERY_REASON = sorted(
    {(reason.words, reason.advice) for code in range(200, 700) for by in ("remote", "network", "local")
     for reason in [reason_for(code, by)]}
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("words", "advice"), EVERY_REASON)
def test_no_reason_is_cut(words: str, advice: str, size: tuple[int, int]) -> None:
    """RFC 4504 Req-29: the person is told why; half a word tells nothing."""
    over = call(state="ended", cause=(400, words), advice=advice)
    calm = render(about(over, "ended"), WALL, NOW, size)
    said = " ".join(" ".join(calm.lines).split())

    assert words in said
    assert "…" not in said
    if size[1] == 64:
        assert advice in said
        knock = call(id="b", direction="in", state="ringing", line=2)
        assert words in render(replace(about(over, "ended"), calls=(over, knock)), WALL, NOW, size).lines


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", ["idle", "talking", "ringing-out", "ended", "dialling"])
@pytest.mark.parametrize("why", sorted({words for words, _ in EVERY_REASON} | {"no news"}))
def test_no_notice_of_a_transfer_is_cut(why: str, screen: str, size: tuple[int, int]) -> None:
    if screen == "idle" and size[1] < 64:
        return  # two lines of the clock's; the call it is about rings there
    notice = f"Not transferred: {why}"
    picture = render(replace(SCENES[screen], notice=notice), WALL, NOW, size)

    assert notice in " ".join(" ".join(picture.lines).split())
    assert "…" not in " ".join(picture.lines)


@pytest.mark.parametrize("size", [size for size in SIZES if size[1] >= 64])
@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("options-set-up", f"{wording.SURE_OF_SET_UP} #:yes *:no"),
        ("options-set-up-open", f'{wording.SITE} Here, or in the Wi-Fi "{wording.SET_UP_WIFI}", for 15 minutes'),
        ("options-set-up-absent", wording.NO_PAGE),
        ("options-set-up-failed", "Switch the telephone off and on, and try again."),
    ],
)
def test_all_that_the_menu_says_of_the_set_up_page_is_there(scene: str, words: str, size: tuple[int, int]) -> None:
    """Lines that have no room are left out without a sign of it."""
    said = " ".join(" ".join(render(SCENES[scene], WALL, NOW, size).lines).split())

    assert said.endswith(words)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", [name for name in SCENES if name.startswith("options-set-up")])
def test_what_the_menu_says_of_the_set_up_page_is_not_cut(scene: str, size: tuple[int, int]) -> None:
    assert "…" not in " ".join(render(SCENES[scene], WALL, NOW, size).lines)


def test_the_panel_names_the_wi_fi_and_the_page_that_there_are() -> None:
    said = " ".join(render(SCENES["options-set-up-open"], WALL, NOW).lines)

    assert f'"{SET_UP_SSID}"' in said
    assert is_our_name(said.split("//")[1].split("/")[0])


@pytest.mark.parametrize("size", SIZES)
def test_all_there_is_to_know_is_on_some_sheet(size: tuple[int, int]) -> None:
    scene = SCENES["options-about-more"]
    assert scene.options is not None
    sheets = [
        render(replace(scene, options=replace(scene.options, turned=turned)), WALL, NOW, size).lines[1:]
        for turned in range(-12, 0)
    ]
    said = "".join("".join("".join(line.split()) for line in sheet) for sheet in dict.fromkeys(sheets))

    for words in ("1001@example.net", "Inservice", *scene.own_addresses, "Offhook0.1.0", "Replaceit,orwriteitanew."):
        assert words in said


def test_the_bell_swings_and_the_dots_walk_once_a_second() -> None:
    ringing, calling = SCENES["ringing-in"], SCENES["calling"]

    assert render(ringing, WALL, NOW).pixels != render(ringing, WALL, NOW + 1).pixels
    assert [render(calling, WALL, NOW + second).lines[-1] for second in range(3)] == [
        "Connecting...", "Connecting.", "Connecting..",
    ]  # fmt: skip


def test_the_panel_follows_a_phone_from_rest_to_the_end_of_a_call() -> None:
    desk = DeskPhone()

    def first_two() -> tuple[str, ...]:
        return render(desk.view, WALL, desk.now).lines[:2]

    assert first_two() == ("Hall", "17:42")
    desk.give(HandsetLifted())
    assert first_two()[0] == "Dial"
    desk.give(KeyPressed("1"))
    assert first_two() == ("Dial", "1")
    desk.press(*"002")
    assert first_two() == ("Calling", "1002")
    desk.progress("out1")
    desk.confirm("out1")
    assert first_two() == ("In call", "1002")
    desk.end("out1")
    assert first_two() == ("1002", "Call ended")


_text = st.text(max_size=60)


@settings(max_examples=150)
@given(_text, _text, _text, st.sampled_from(SIZES), st.sampled_from(["ringing", "talking", "ended", "calling"]))
def test_no_name_number_or_notice_breaks_the_panel(
    name: str, number: str, notice: str, size: tuple[int, int], mode: str
) -> None:
    one = call(remote=Party("sip:" + number, name), cause=(500, notice), codec=name, advice=notice)

    picture = render(about(one, mode, notice=notice, digits=number, name=name), WALL, NOW, size)

    assert len(picture.pixels) == size[0] * size[1] // 8
    assert not any(control in line for line in picture.lines for control in "\r\n\x1b\x00")


def test_letters_that_no_font_has_lose_their_accents_or_become_boxes() -> None:
    assert printable("Łódź Çağrı Ünal") == "Łódź Çağrı Ünal"
    assert printable("e\u0301") == "é"
    assert printable("Ａ１") == "A1"
    assert printable("日本") == "▮▮"
    assert printable("a\u202eb\x1b[1m\u200d") == "ab[1m"
    assert printable("a\tb\u00a0c") == "a b c"


def test_text_that_does_not_fit_ends_in_an_ellipsis() -> None:
    assert fitted("Bergström", 9) == "Bergström"
    assert fitted("Bergström", 5) == "Berg…"
    assert fitted("Anna Bergström", 6) == "Anna…"
    assert fitted("123456", 4, "end") == "…456"
    assert fitted("123456", 1) == "1"


def test_two_lines_are_broken_between_words_and_balanced() -> None:
    assert two_lines("Busy", 16) == ["Busy"]
    assert two_lines("Server not answering", 16) == ["Server not", "answering"]
    assert two_lines("Supercalifragilistic", 16) == ["Supercalifragili", "stic"]
    assert two_lines("one two three four five six seven eight", 16)[1].endswith("…")


def test_people_times_and_numbers_are_put_in_words() -> None:
    assert wording.number_of(Party("sip:1002@example.net;user=phone")) == "1002"
    assert wording.number_of(Party("sip:j%C3%BCrgen@x")) == "jürgen"
    assert wording.number_of(Party("tel:+4930;phone-context=x")) == "+4930"
    assert wording.number_of(Party("sip:192.0.2.1")) == "192.0.2.1"
    assert wording.caller_of(Party("sip:1002@x", "1002")) == ("1002", "")
    assert wording.caller_of(Party("")) == ("Unknown", "")
    assert (wording.duration(5), wording.duration(3785)) == ("0:05", "1:03:05")
    assert wording.date(datetime(2025, 3, 1)) == "Sat 1 Mar"
    assert wording.moment(60, WALL) == "17:41"
    assert wording.moment(86400, WALL) == "21 Nov"


def test_service_means_a_registered_account_or_one_that_needs_none() -> None:
    direct = replace(LOST, registers=False, reason="")

    assert wording.in_service(IDLE)
    assert not wording.in_service(replace(IDLE, accounts=(LOST,)))
    assert wording.in_service(replace(IDLE, accounts=(LOST, direct)))
    assert wording.service_words(replace(IDLE, accounts=(replace(LOST, reason=""),))) == "No service"
    assert wording.service_words(replace(IDLE, accounts=())) == "No account"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("No answer from the registrar", "Server not answering"),
        ("Cannot reach the registrar", "Server not reachable"),
        ("The registrar's name was not found", "Server not found"),
        ("The registrar refuses our user name or password", "Password refused"),
        ("The registrar does not know our address", "Unknown to the server"),
        ("The registrar answers 500 Something Rather Long", "No service"),
    ],
)
def test_why_there_is_no_service_fits_the_panel(reason: str, words: str) -> None:
    picture = render(replace(IDLE, accounts=(replace(LOST, reason=reason),)), WALL, 0.0)

    assert picture.lines[-1] == words


@pytest.mark.parametrize(("mos", "icon"), [(4.3, "bars-4"), (3.7, "bars-3"), (3.2, "bars-2"), (2.0, "bars-1")])
def test_quality_is_one_glyph(mos: float, icon: str) -> None:
    quality = SCENES["talking"].calls[0].quality
    assert quality is not None

    assert wording.bars(call(quality=replace(quality, mos=mos))) == icon
    assert wording.bars(call(quality=None)) is None


@pytest.mark.parametrize("name", ICONS)
def test_icons_stay_within_their_place(name: str) -> None:
    assert all(0 <= x <= 9 and 0 <= y <= 8 for x, y in ICONS[name])
