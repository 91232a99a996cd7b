"""Lifting, typing a number, and what the ear hears until somebody answers."""

from __future__ import annotations

import pytest

from firmware.numbering.dial_plan import DialPlan, Rule
from firmware.phone.events import (
    AccountChanged,
    DialRequest,
    EndCall,
    KeyPressed,
    KeyReleased,
    PlaceCall,
    SendDigitDown,
    SoundKey,
    TransferCall,
)
from firmware.phone.phone import NotPossible
from firmware.phone.settings import AccountSettings
from tests.support.desk_phone import ACCOUNT, DeskPhone


def test_lifting_the_handset_gives_dial_tone() -> None:
    desk = DeskPhone()

    desk.lift()

    assert desk.tone == "dial"
    assert desk.view.mode == "dialling"
    assert desk.audio is not None
    assert desk.audio.handset


@pytest.mark.parametrize("lifted", [True, False])
def test_the_first_0_held_for_a_second_is_a_plus(*, lifted: bool) -> None:
    """RFC 4504 Req-90, Req-92: E.164 numbers are typed on a keypad that has no such key, as on other telephones."""
    desk = DeskPhone()
    if lifted:
        desk.lift()

    desk.give(KeyPressed("0"))
    desk.wait(0.9)
    assert desk.view.digits == "0"
    desk.wait(0.2)
    assert desk.view.digits == "+"
    assert desk.did(SoundKey) == [SoundKey(None)]
    desk.give(KeyReleased("0"))
    desk.press(*"44123", "ok")

    assert desk.placed().to == "sip:+44123@example.net"


def test_a_later_0_and_a_short_one_stay_what_they_are() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.press("0", "5")
    desk.give(KeyPressed("0"))
    desk.wait(3)

    assert desk.view.digits == "050"


def test_0_in_a_call_is_a_digit_however_long_it_is_held() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.give(KeyPressed("0"))
    desk.wait(3)

    assert desk.view.digits == "0"


@pytest.mark.parametrize(("seconds", "digits"), [(0.2, ""), (1.5, "+")])
def test_where_0_is_a_whole_number_it_is_called_when_its_key_comes_up(seconds: float, digits: str) -> None:
    desk = DeskPhone(dial_plan=DialPlan(["0", "1xxx"]))
    desk.lift()
    desk.give(KeyPressed("0"))
    desk.wait(seconds)
    assert desk.did(PlaceCall) == []
    desk.give(KeyReleased("0"))

    assert [call.to for call in desk.did(PlaceCall)] == ([] if digits else ["sip:0@example.net"])
    assert desk.view.digits == digits


def test_a_plus_alone_is_no_number() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.give(KeyPressed("0"))
    desk.wait(1.1)
    desk.give(KeyReleased("0"))

    desk.press("ok")

    assert desk.view.notice == "A number follows the +"
    assert desk.tone == "number_unobtainable"


def test_the_first_digit_stops_the_dial_tone_and_each_key_sounds_while_it_is_down() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.give(KeyPressed("1"))

    assert desk.did(SoundKey) == [SoundKey("1")]
    assert desk.tone is None
    desk.give(KeyReleased("1"))
    assert desk.fresh == [SoundKey(None)]


def test_digits_that_make_a_whole_number_are_dialled_at_once() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.press(*"1002")

    assert desk.placed() == PlaceCall("out1", ACCOUNT, "sip:1002@example.net")
    assert desk.view.mode == "calling"


def test_hash_ends_a_number_that_could_go_on() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.press(*"0441")
    assert desk.did(PlaceCall) == []
    desk.press("#")

    assert desk.placed().to == "sip:0441@example.net"


def test_ok_dials_what_was_typed() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.press(*"04", "ok")

    assert desk.placed().to == "sip:04@example.net"


def test_a_whole_number_that_could_go_on_waits_the_critical_time() -> None:
    """RFC 3435 §2.1.5: timer T critical."""
    desk = DeskPhone()
    desk.lift()
    desk.press(*"0441")

    desk.wait(3.7)
    assert desk.did(PlaceCall) == []
    desk.wait(0.2)

    assert desk.placed().to == "sip:0441@example.net"


def test_an_unfinished_number_is_dialled_after_the_longer_pause() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.press(*"10")

    desk.wait(7.7)
    assert desk.did(PlaceCall) == []
    desk.wait(0.4)

    assert desk.placed().to == "sip:10@example.net"


def test_the_pause_begins_when_the_key_comes_up() -> None:
    """Who still holds a key has not finished dialling."""
    desk = DeskPhone()
    desk.lift()
    desk.press("1")
    desk.give(KeyPressed("0"))

    desk.wait(15)
    assert desk.did(PlaceCall) == []
    desk.give(KeyReleased("0"))
    desk.wait(7.9)
    assert desk.did(PlaceCall) == []
    desk.wait(0.2)

    assert desk.placed().to == "sip:10@example.net"


def test_a_key_that_sticks_does_not_keep_the_number() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.give(KeyPressed("1"))

    desk.wait(20)

    assert desk.placed().to == "sip:1@example.net"


@pytest.mark.parametrize("send", ["#", "ok"])
@pytest.mark.parametrize("lifted", [True, False])
def test_a_number_that_fits_no_pattern_is_called_whole(*, send: str, lifted: bool) -> None:
    """RFC 4504 §3.6.2: the key that sends overrides the plan; whether there is such a number the exchange knows."""
    desk = DeskPhone(dial_plan=DialPlan(["10xx"]))
    if lifted:
        desk.lift()

    desk.press(*"1999")
    assert desk.view.digits == "1999"
    assert desk.view.notice == ""
    assert desk.tone is None
    desk.press(send)

    call = desk.placed()
    assert call.to == "sip:1999@example.net"
    desk.end(call.call, 404)
    assert desk.call(call.call).cause == (404, "Number not in use")
    assert desk.tone == "number_unobtainable"


def test_a_number_that_fits_no_pattern_is_called_after_the_longer_pause() -> None:
    desk = DeskPhone(dial_plan=DialPlan(["10xx"]))
    desk.lift()
    desk.press(*"1999")

    desk.wait(7.7)
    assert desk.did(PlaceCall) == []
    desk.wait(0.4)

    assert desk.placed().to == "sip:1999@example.net"


@pytest.mark.parametrize("lifted", [True, False])
def test_only_a_rule_that_refuses_refuses_and_only_the_whole_number(*, lifted: bool) -> None:
    desk = DeskPhone(dial_plan=DialPlan([Rule("0900x.", refuse=True), "0x."]))
    if lifted:
        desk.lift()

    desk.press(*"09001")
    assert desk.view.notice == ""
    desk.press("ok")

    assert desk.did(PlaceCall) == []
    assert desk.tone == ("number_unobtainable" if lifted else None)
    assert desk.view.notice == "Number not allowed"


def test_a_star_code_is_dialled_as_it_is() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.press(*"*97#")

    assert desk.placed().to == "sip:*97@example.net"


def test_no_digit_for_twenty_seconds_sounds_the_howler() -> None:
    desk = DeskPhone()
    desk.lift()

    desk.wait(19.9)
    assert desk.tone == "dial"
    desk.wait(0.2)

    assert desk.tone == "howler"
    desk.press("1")
    assert desk.did(PlaceCall) == []
    desk.replace()
    assert desk.tone is None
    assert desk.view.mode == "idle"


def test_a_number_typed_with_the_handset_down_stands_on_the_panel_without_a_sound() -> None:
    desk = DeskPhone()

    desk.press(*"1002")

    assert desk.view.mode == "dialling"
    assert desk.view.digits == "1002"
    assert desk.did(SoundKey) == []
    assert desk.did(PlaceCall) == []


@pytest.mark.parametrize("send", ["#", "ok", "speaker"])
def test_the_prepared_number_is_called_hands_free_by_hash_ok_or_speaker(send: str) -> None:
    desk = DeskPhone()
    desk.press(*"1002")

    desk.press(send)

    assert desk.placed().to == "sip:1002@example.net"
    assert desk.view.loudspeaker
    assert desk.lamps["speaker"] == "on"


def test_lifting_calls_the_prepared_number() -> None:
    desk = DeskPhone()
    desk.press(*"1002")

    desk.lift()

    assert desk.placed().to == "sip:1002@example.net"
    assert not desk.view.loudspeaker


def test_a_prepared_number_is_forgotten_after_half_a_minute() -> None:
    desk = DeskPhone()
    desk.press(*"100")

    desk.wait(31)

    assert desk.view.mode == "idle"
    assert desk.view.digits == ""


def test_back_takes_the_last_digit_away_and_leaves_when_none_is_left() -> None:
    desk = DeskPhone()
    desk.press(*"12", "back")
    assert desk.view.digits == "1"

    desk.press("back", "back")

    assert desk.view.mode == "idle"


def test_the_speaker_key_gives_dial_tone_on_the_loudspeaker_and_pressed_again_hangs_up() -> None:
    desk = DeskPhone()

    desk.press("speaker")
    assert desk.tone == "dial"
    assert desk.audio is not None
    assert desk.audio.loudspeaker
    assert not desk.audio.handset
    desk.press("speaker")

    assert desk.tone is None
    assert desk.view.mode == "idle"


def test_hands_free_dial_tone_goes_off_by_itself() -> None:
    desk = DeskPhone()
    desk.press("speaker")

    desk.wait(21)

    assert desk.view.mode == "idle"
    assert desk.lamps["speaker"] == "off"


def test_ringback_sounds_only_once_the_far_end_rings() -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")

    desk.progress(call, 100)
    assert desk.tone is None
    desk.progress(call, 180)

    assert desk.tone == "ringback"
    assert desk.connected is None
    assert desk.call(call).state == "ringing"


def test_early_media_is_heard_instead_of_our_ringback() -> None:
    """RFC 3960 §3.2."""
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")

    desk.progress(call, 183, early_media=True)
    desk.progress(call, 180)

    assert desk.tone is None
    assert desk.connected == call
    assert desk.call(call).state == "early"


def test_an_answered_call_ends_the_ringback_and_connects_ear_and_microphone() -> None:
    desk = DeskPhone()

    call = desk.talk()

    assert desk.tone is None
    assert desk.connected == call
    assert desk.view.mode == "talking"
    desk.wait(65)
    assert desk.call(call).seconds == pytest.approx(65)


def test_an_unregistered_phone_that_gets_no_response_gives_up_after_six_seconds() -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")

    desk.wait(5.5)
    assert desk.call(call).state == "calling"
    desk.wait(0.6)

    assert desk.did(EndCall) == [EndCall(call, 486)]
    assert desk.call(call).cause == (408, "Server not answering")
    assert desk.call(call).advice == "Check the network"
    assert desk.tone == "congestion"


@pytest.mark.parametrize("reason", ["registered", "answered", "needs no server"])
def test_otherwise_the_call_is_waited_for(reason: str) -> None:
    """A response of any kind came, or the server is known to be there, or there is none."""
    desk = DeskPhone(accounts=(AccountSettings(ACCOUNT, registers=reason != "needs no server"),))
    if reason == "registered":
        desk.give(AccountChanged(ACCOUNT, True, None, ""))
    desk.lift()
    call = desk.dial("1002")
    if reason == "answered":
        desk.progress(call, 100)

    desk.wait(30)

    assert desk.call(call).state == "calling"


def test_a_silent_server_is_heard_and_seen_as_such_until_anything_comes() -> None:
    """SIP's 32 seconds (timer B) of silence would make a telephone seem dead."""
    desk = DeskPhone()
    desk.give(AccountChanged(ACCOUNT, True, None, ""))
    desk.lift()
    call = desk.dial("1002")
    desk.wait(3.5)
    assert (desk.tone, desk.call(call).unheard) == (None, False)

    desk.wait(1)
    assert (desk.tone, desk.call(call).unheard) == ("connecting", True)
    desk.progress(call, 100)
    assert (desk.tone, desk.call(call).unheard) == (None, False)
    desk.progress(call, 180)

    assert desk.tone == "ringback"


def test_nobody_answers_for_three_minutes_and_the_call_is_cancelled() -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")
    desk.progress(call)

    desk.wait(181)

    assert desk.did(EndCall) == [EndCall(call, 487)]
    assert desk.call(call).cause == (408, "No answer")
    assert desk.tone == "busy"


@pytest.mark.parametrize(
    ("code", "by", "tone", "words"),
    [
        (486, "remote", "busy", "Busy"),
        (600, "remote", "busy", "Busy"),
        (404, "remote", "number_unobtainable", "Number not in use"),
        (604, "remote", "number_unobtainable", "Number not in use"),
        (408, "remote", "busy", "No answer"),
        (480, "remote", "busy", "Not available"),
        (503, "remote", "congestion", "Server not answering"),
        (408, "network", "congestion", "Server not answering"),
        (503, "network", "congestion", "Server not answering"),
        (403, "remote", "congestion", "Not allowed"),
        (488, "remote", "congestion", "Phones do not match"),
    ],
)  # fmt: skip
def test_a_failed_call_sounds_and_reads_as_on_a_real_phone(code: int, by: str, tone: str, words: str) -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")

    desk.end(call, code, by)

    assert desk.tone == tone
    assert desk.view.mode == "ended"
    assert desk.call(call).cause == (code, words)


def test_a_phone_that_rang_and_then_was_unavailable_was_not_answered() -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")
    desk.progress(call)

    desk.end(call, 480)

    assert desk.tone == "busy"
    assert desk.call(call).cause == (480, "No answer")


def test_the_failure_tone_turns_into_the_howler_when_the_handset_stays_off() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.end(desk.dial("1002"), 486)

    desk.wait(31)

    assert desk.tone == "howler"


def test_after_hanging_up_the_phone_is_idle_again() -> None:
    desk = DeskPhone()
    desk.lift()
    desk.end(desk.dial("1002"), 486)

    desk.replace()

    assert desk.tone is None
    assert desk.view.mode == "idle"


def test_hanging_up_while_calling_cancels() -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")
    desk.progress(call)

    desk.replace()

    assert desk.did(EndCall) == [EndCall(call, 486)]
    assert desk.tone is None
    assert desk.call(call).cause == (487, "Call cancelled")


def test_redial_calls_the_last_number_again() -> None:
    desk = DeskPhone()
    desk.talk("1007")
    desk.replace()

    desk.press("redial")

    assert desk.placed().to == "sip:1007@example.net"
    assert desk.view.loudspeaker


def test_redial_with_nothing_to_redial_says_so() -> None:
    desk = DeskPhone()

    desk.press("redial")

    assert desk.view.notice == "Nothing to redial yet"


def test_the_call_list_opens_with_the_arrows_and_ok_calls_the_chosen_line() -> None:
    desk = DeskPhone()
    desk.talk("1007")
    desk.replace()
    desk.talk("1008")
    desk.replace()
    desk.wait(10)

    desk.press("down")
    assert desk.view.mode == "menu"
    assert [entry.remote.uri for entry in desk.view.history] == ["sip:1008@example.net", "sip:1007@example.net"]
    desk.press("down", "ok")

    assert desk.placed().to == "sip:1007@example.net"


def test_calls_alike_in_a_row_are_one_line_of_the_list() -> None:
    desk = DeskPhone()
    for place, number in enumerate(["1002", "1002", "1003", "1002"]):
        desk.arrive(f"in{place}", number)
        desk.wait(5)
        desk.end(f"in{place}", 487)

    desk.press("down")
    assert [(entry.remote.uri[4:8], entry.times) for entry in desk.view.history] == [
        ("1002", 1), ("1003", 1), ("1002", 2),
    ]  # fmt: skip
    desk.press("down", "down", "down")
    assert desk.view.selected == 2
    desk.press("ok")

    assert desk.placed().to == "sip:1002@example.net"


def test_right_shows_all_that_is_known_of_a_past_call_and_left_or_back_the_list_again() -> None:
    desk = DeskPhone()
    desk.talk("1007")
    desk.replace()
    desk.wait(10)
    desk.press("down", "right")
    assert desk.view.detailed

    desk.press("left")
    assert (desk.view.mode, desk.view.detailed) == ("menu", False)
    desk.press("right", "back")
    assert (desk.view.mode, desk.view.detailed) == ("menu", False)
    desk.press("right", "ok")

    assert desk.placed().to == "sip:1007@example.net"
    assert not desk.view.detailed


def test_there_is_nothing_to_look_into_in_an_empty_list() -> None:
    desk = DeskPhone()

    desk.press("down", "right")

    assert not desk.view.detailed


def test_the_call_list_closes_by_back_and_by_itself() -> None:
    desk = DeskPhone()
    desk.press("ok")
    assert desk.view.mode == "menu"

    desk.press("back")
    assert desk.view.mode == "idle"
    desk.press("up")
    desk.wait(31)

    assert desk.view.mode == "idle"


def test_an_unregistered_phone_gives_dial_tone_all_the_same() -> None:
    desk = DeskPhone()

    desk.lift()

    assert not desk.view.accounts[0].registered
    assert desk.tone == "dial"


def test_a_phone_without_an_account_says_so() -> None:
    desk = DeskPhone(accounts=())
    desk.lift()

    desk.press(*"1002")

    assert desk.tone == "number_unobtainable"
    assert desk.view.notice == "This phone has no account"


def test_a_request_to_dial_places_the_call_hands_free_and_names_it() -> None:
    """RFC 4504 Req-93."""
    desk = DeskPhone()

    call = desk.give(DialRequest("+49(30)398.33-401"))

    assert desk.placed() == PlaceCall(str(call), ACCOUNT, "sip:+493039833401@example.net")
    assert desk.view.loudspeaker
    desk.lift()
    assert not desk.view.loudspeaker
    assert desk.view.mode == "calling"


def test_a_request_may_name_the_account() -> None:
    desk = DeskPhone(accounts=(AccountSettings(ACCOUNT), AccountSettings("sip:me@other.test:5070;transport=tcp")))

    desk.give(DialRequest("2000", "sip:me@other.test:5070;transport=tcp"))

    assert desk.placed().to == "sip:2000@other.test:5070"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (DialRequest(""), "No number given"),
        (DialRequest("http://example.net"), "Only sip, sips and tel addresses can be called"),
        (DialRequest("1002", "sip:nobody@example.net"), "This phone has no such account"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(request_: DialRequest, why: str) -> None:
    desk = DeskPhone()

    with pytest.raises(NotPossible, match=why):
        desk.give(request_)

    assert desk.view.mode == "idle"


def test_a_key_pressed_while_another_is_down_takes_over() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.give(KeyPressed("1"))

    desk.give(KeyPressed("2"))

    assert SendDigitDown(call, "2") in desk.fresh
    desk.give(KeyReleased("1"))
    assert desk.fresh == []


# --- overlap: the exchange says how long a number is (RFC 3261 §21.4.22) ---


def incomplete(desk: DeskPhone, digits: str = "0441") -> str:
    """Dial a number that the exchange wants more of; its call."""
    call = desk.dial(digits + "#")
    desk.end(call, 484)
    return call


def test_who_dialled_too_few_digits_goes_on_dialling() -> None:
    desk = DeskPhone()
    desk.lift()
    incomplete(desk)

    assert (desk.view.mode, desk.view.digits, desk.view.notice) == ("dialling", "0441", "Number incomplete")
    assert desk.tone is None
    desk.press("5", "#")

    assert desk.placed().to == "sip:04415@example.net"


def test_digits_that_are_added_are_sent_after_the_pause() -> None:
    desk = DeskPhone()
    desk.lift()
    incomplete(desk)
    desk.press("5")

    desk.wait(4.1)

    assert desk.placed().to == "sip:04415@example.net"


def test_nobody_asks_again_with_the_same_digits() -> None:
    desk = DeskPhone()
    desk.lift()
    incomplete(desk)

    desk.wait(4.1)

    assert desk.did(PlaceCall) == []
    assert (desk.tone, desk.view.notice) == ("number_unobtainable", "Number incomplete")


def test_only_the_whole_number_is_in_the_call_list() -> None:
    desk = DeskPhone()
    desk.lift()
    incomplete(desk)
    desk.press("5", "#")
    desk.end(desk.placed().call, 486)
    desk.replace()

    desk.press("up")

    assert [entry.remote.uri for entry in desk.view.history] == ["sip:04415@example.net"]


def test_an_announcement_of_a_transfer_goes_on_being_one() -> None:
    desk = DeskPhone()
    first = desk.talk("1002")
    desk.press("transfer", *"0441", "#")
    second = desk.placed().call
    desk.end(second, 484)

    desk.press("5", "#")
    third = desk.placed()
    desk.confirm(third.call)
    desk.press("transfer")

    assert third.to == "sip:04415@example.net"
    assert [(each.call, each.other) for each in desk.did(TransferCall)] == [(first, third.call)]


@pytest.mark.parametrize("redialled", [True, False])
def test_who_types_no_digits_hears_that_the_number_is_incomplete(redialled: bool) -> None:
    desk = DeskPhone()
    desk.lift()
    if redialled:
        desk.end(desk.dial("0441#"), 486)
        desk.replace()
        desk.lift()
        desk.press("redial")
        call = desk.placed().call
    else:
        call = str(desk.give(DialRequest("0441")))

    desk.end(call, 484)

    assert desk.view.mode == "ended"
    assert desk.tone == "number_unobtainable"
    assert desk.call(call).cause == (484, "Number incomplete")
