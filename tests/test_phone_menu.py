"""The telephone's own menu: by its keys alone, seen or heard. By the held key, as an exchange's codes begin with it."""

from __future__ import annotations

import pytest

from firmware.phone.events import HandsetLifted, KeyPressed, KeyReleased, PlaceCall, SoundKey
from firmware.phone.set_up_page import OpenSetUpPage, SetUpPageTold
from tests.support.desk_phone import DeskPhone


def opened(*, lifted: bool = True, **changes: object) -> DeskPhone:
    """A telephone whose menu is open."""
    desk = DeskPhone(**changes)
    if lifted:
        desk.lift()
    hold(desk, "*", 1.1)
    return desk


def hold(desk: DeskPhone, key: str, seconds: float) -> None:
    desk.give(KeyPressed(key))
    desk.wait(seconds)
    desk.give(KeyReleased(key))


def with_calls() -> DeskPhone:
    """One missed, one dialled."""
    desk = DeskPhone()
    desk.arrive("in1", "1002")
    desk.end("in1", 487)
    desk.talk("1003")
    desk.end("out1")
    desk.replace()
    desk.wait(60)
    return desk


def page(desk: DeskPhone) -> str:
    options = desk.view.options
    return "" if options is None else options.page


# --- opening it ---


@pytest.mark.parametrize("lifted", [True, False])
def test_the_first_star_held_for_a_second_opens_the_menu(*, lifted: bool) -> None:
    desk = opened(lifted=lifted)

    assert desk.view.mode == "options"
    assert page(desk) == "choices"
    assert desk.tone == ("choose" if lifted else None)


@pytest.mark.parametrize("code", ["*97", "**1002", "*"])
def test_codes_of_the_exchange_are_dialled_as_before(code: str) -> None:
    """RFC 4504 §3.6.2: the exchange knows its numbers, we don't."""
    desk = DeskPhone()
    desk.lift()

    desk.press(*code)
    desk.wait(8.1)

    assert desk.view.mode == "calling"
    assert desk.call("out1").remote.uri == f"sip:{code}@example.net"


def test_a_star_further_on_opens_nothing() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.press("*", "9")

    hold(desk, "*", 1.5)

    assert (desk.view.mode, desk.view.digits) == ("dialling", "*9*")


def test_the_star_that_asks_whom_to_transfer_to_opens_nothing() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.press("transfer")

    hold(desk, "*", 1.5)

    assert (desk.view.mode, desk.view.purpose) == ("dialling", "transfer")


def test_in_a_call_the_star_is_a_digit_for_the_far_end() -> None:
    desk = DeskPhone()
    desk.talk()

    hold(desk, "*", 3.0)

    assert desk.view.mode == "talking"


def test_a_plan_that_dials_a_star_at_once_waits_for_its_key() -> None:
    from firmware.numbering.dial_plan import DialPlan

    plan = DialPlan(["*"])
    short, long = DeskPhone(dial_plan=plan), DeskPhone(dial_plan=plan)
    short.lift()
    long.lift()

    hold(short, "*", 0.2)
    hold(long, "*", 1.1)

    assert (short.view.mode, long.view.mode) == ("calling", "options")


def test_the_keys_own_tone_ends_where_the_menus_begins() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.give(KeyPressed("*"))

    desk.wait(1.0)

    assert desk.did(SoundKey) == [SoundKey(None)]
    assert desk.tone == "choose"


# --- leaving it ---


def test_a_menu_that_nobody_touches_is_given_up() -> None:
    lying, lifted = opened(lifted=False), opened()

    lying.wait(31)
    lifted.wait(31)

    assert (lying.view.mode, lifted.view.mode) == ("idle", "dialling")
    assert lifted.tone == "dial"


@pytest.mark.parametrize("key", ["*", "back", "left"])
def test_back_leads_to_dial_tone_or_to_rest(key: str) -> None:
    lying, lifted = opened(lifted=False), opened()

    lying.press(key)
    lifted.press(key)

    assert (lying.view.mode, lifted.view.mode) == ("idle", "dialling")


def test_lifting_gives_dial_tone_and_replacing_ends_the_menu() -> None:
    lying, lifted = opened(lifted=False), opened()

    lying.give(HandsetLifted())
    lifted.replace()

    assert (lying.view.mode, lying.tone) == ("dialling", "dial")
    assert lifted.view.mode == "idle"


def test_who_calls_is_answered_out_of_the_menu() -> None:
    knocking, ringing = opened(), opened(lifted=False)
    knocking.arrive("in1")
    ringing.arrive("in1")
    assert (knocking.knock, ringing.view.mode) == ("call_waiting", "ringing")

    knocking.press("ok")
    ringing.lift()

    for desk in (knocking, ringing):
        desk.confirm("in1")
        assert desk.view.mode == "talking"


# --- what is in it ---


def test_arrows_and_ok_do_what_digits_do() -> None:
    desk = opened()

    desk.press("down", "down", "ok")
    assert page(desk) == "about"
    desk.press("back", "down", "right")
    assert page(desk) == "clear"
    desk.press("left", "up", "up", "up", "up", "ok")

    assert desk.view.mode == "menu"


def test_a_digit_that_is_no_choice_is_refused() -> None:
    desk = opened()

    desk.press("9")
    assert desk.tone == "refused"
    desk.wait(1.5)

    assert (page(desk), desk.tone) == ("choices", "choose")


def test_do_not_disturb_goes_on_and_off_and_is_heard() -> None:
    """RFC 4504 Req-41."""
    desk = opened()

    desk.press("2")
    assert (desk.view.do_not_disturb, desk.tone) == (True, "done")
    desk.press("2")

    assert (desk.view.do_not_disturb, desk.tone) == (False, "off")


def test_the_call_list_can_be_gone_through_by_digits() -> None:
    desk = with_calls()
    hold(desk, "*", 1.1)

    desk.press("1")
    assert (desk.view.mode, desk.view.by_digits, desk.view.selected) == ("menu", True, 0)
    assert desk.view.missed == 0
    desk.press("8", "6")
    assert (desk.view.selected, desk.view.detailed) == (1, True)
    desk.press("4", "2", "8", "3", "0")
    assert (desk.view.selected, desk.view.detailed) == (1, False)
    desk.press("*")
    assert page(desk) == "choices"
    desk.press("1", "8", "#")

    assert desk.did(PlaceCall)[-1].to == "sip:1002@example.net"


def test_a_call_list_opened_by_arrows_still_takes_a_number() -> None:
    desk = opened(lifted=False)
    desk.press("1", "back", "back", "down")

    desk.press("8")

    assert (desk.view.mode, desk.view.digits) == ("dialling", "8")


def test_about_is_turned_by_digits_or_arrows() -> None:
    desk = opened()
    desk.press("3", "8", "down", "2")

    assert desk.view.options is not None
    assert (page(desk), desk.view.options.turned) == ("about", 1)
    desk.press("#")
    assert page(desk) == "choices"


# --- the call list is cleared ---


def test_the_call_list_is_cleared_when_the_person_is_sure() -> None:
    desk = with_calls()
    desk.lift()
    hold(desk, "*", 1.1)

    desk.press("4")
    assert (page(desk), desk.tone) == ("clear", "sure")
    assert desk.phone.erasures == 0
    desk.press("#")

    assert (page(desk), desk.tone, desk.view.notice) == ("choices", "done", "Call list cleared")
    assert desk.phone.erasures == 1
    memory = desk.phone.memory(desk.now, 0.0)
    assert (memory.history, memory.missed, memory.redial, memory.redial_account) == ((), 0, "", None)
    assert desk.lamps["message"] == "off"


@pytest.mark.parametrize("key", ["*", "back", "left"])
def test_no_leaves_the_call_list_as_it_was(key: str) -> None:
    desk = with_calls()
    hold(desk, "*", 1.1)

    desk.press("4", "7", key)

    assert page(desk) == "choices"
    assert [entry.kind for entry in desk.phone.memory(desk.now, 0.0).history] == ["out", "missed"]


def test_what_was_cleared_is_not_redialled() -> None:
    desk = with_calls()
    hold(desk, "*", 1.1)
    desk.press("4", "#", "back")

    desk.press("redial")

    assert (desk.view.mode, desk.view.notice) == ("idle", "Nothing to redial yet")


# --- the set-up page ---


def test_the_set_up_page_is_asked_for_when_the_person_is_sure() -> None:
    desk = opened()
    desk.press("5")
    assert (page(desk), desk.tone) == ("set-up", "sure")
    assert desk.did(OpenSetUpPage) == []

    desk.press("#")

    assert desk.did(OpenSetUpPage) == [OpenSetUpPage()]
    assert desk.view.options is not None
    assert (desk.view.options.set_up, desk.tone) == ("asked", None)


@pytest.mark.parametrize(("outcome", "tone"), [("open", "done"), ("absent", "refused"), ("failed", "refused")])
def test_what_became_of_the_page_is_shown_and_heard(outcome: str, tone: str) -> None:
    desk = opened()
    desk.press("5", "#")

    desk.give(SetUpPageTold(outcome))  # type: ignore[arg-type]

    assert desk.view.options is not None
    assert (desk.view.options.set_up, desk.tone) == (outcome, tone)
    desk.wait(100)
    assert page(desk) == "set-up", "whoever is to open the page fetches another device first"
    desk.wait(21)
    assert desk.view.mode == "dialling"


def test_a_page_of_which_nobody_tells_did_not_open() -> None:
    desk = opened()
    desk.press("5", "#")

    desk.wait(185.1)

    assert desk.view.options is not None
    assert desk.view.options.set_up == "failed"


def test_who_left_the_menu_is_told_all_the_same() -> None:
    desk = opened()
    desk.press("5", "#")
    desk.replace()

    desk.give(SetUpPageTold("open"))

    assert desk.view.notice == "Set-up page is open"


def test_no_asks_for_no_page() -> None:
    desk = opened()

    desk.press("5", "*", "5", "back")
    desk.wait(20)

    assert desk.did(OpenSetUpPage) == []
    assert page(desk) == "choices"
