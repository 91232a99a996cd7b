"""Calls that come, two calls at once, hold, mute, digits in a call, and how calls end."""

from __future__ import annotations

import pytest

from firmware.phone.events import (
    AccountChanged,
    AlertCall,
    AnswerCall,
    CallMedia,
    CallQuality,
    CallRequest,
    DialRequest,
    DigitsRequest,
    EndCall,
    HoldCall,
    KeyPressed,
    KeyReleased,
    Party,
    PlaceCall,
    RemoteDigitHeard,
    Ring,
    SendDigitDown,
    SendDigits,
    SendDigitUp,
    SetDoNotDisturb,
    SoundCardChanged,
    SoundKey,
    StopRing,
)
from firmware.phone.phone import NoSuchCall, NotPossible
from firmware.screen.screen import render
from tests.support.desk_phone import ACCOUNT, TONES, DeskPhone
from tests.support.panel_scenes import WALL

# --- a call comes in ---


def test_an_incoming_call_rings_in_the_countrys_cadence_and_is_shown() -> None:
    desk = DeskPhone()

    desk.arrive("in1", "1002", "Anna")

    assert AlertCall("in1") in desk.fresh
    assert desk.ring == Ring(TONES.ring, (400, 200, 400, 2000), 7)
    assert desk.view.mode == "ringing"
    assert desk.view.focus == "in1"
    assert desk.call("in1").remote == Party("sip:1002@example.net", "Anna")
    assert desk.lamps["line1"] == desk.lamps["message"] == "ring"


def test_lifting_answers_and_stops_the_bell() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.lift()

    assert AnswerCall("in1") in desk.fresh
    assert StopRing() in desk.fresh
    assert desk.tone is None
    assert desk.connected == "in1"
    desk.confirm("in1")
    assert desk.call("in1").state == "confirmed"
    assert desk.lamps["line1"] == "on"


@pytest.mark.parametrize("key", ["ok", "speaker", "line1"])
def test_keys_answer_hands_free(key: str) -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.press(key)

    assert AnswerCall("in1") in desk.fresh
    assert desk.view.loudspeaker


def test_back_rejects_the_caller_as_busy_and_that_is_no_missed_call() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.press("back")

    assert EndCall("in1", 486) in desk.fresh
    assert desk.ring is None
    assert desk.view.missed == 0


def test_mute_silences_the_bell_and_the_call_can_still_be_answered() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.press("mute")
    assert desk.ring is None
    assert desk.view.mode == "ringing"
    assert (desk.lamps["message"], desk.lamps["line1"]) == ("off", "ring")
    desk.lift()

    assert AnswerCall("in1") in desk.fresh


def test_a_caller_who_gives_up_leaves_a_missed_call_and_a_blinking_lamp() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.end("in1", 487)

    assert desk.ring is None
    assert desk.view.mode == "idle"
    assert desk.view.missed == 1
    assert desk.lamps["message"] == "missed"
    desk.press("down")
    assert desk.view.history[0].kind == "missed"
    assert desk.lamps["message"] == "off"


def test_a_call_answered_elsewhere_is_not_missed() -> None:
    """RFC 3326 §2: Reason: SIP;cause=200."""
    desk = DeskPhone()
    desk.arrive()

    desk.end("in1", 487, elsewhere=True)

    assert desk.view.missed == 0
    assert desk.call("in1").cause == (487, "Answered elsewhere")


def test_a_call_that_nobody_takes_in_a_minute_gets_480_and_is_missed() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.wait(61)

    assert EndCall("in1", 480) in desk.fresh
    assert desk.call("in1").cause == (480, "No answer")
    assert desk.ring is None
    assert desk.view.missed == 1


def test_auto_answer_takes_the_call_hands_free_after_its_time() -> None:
    desk = DeskPhone()
    desk.arrive(auto_answer_s=2.0)
    assert desk.ring is not None

    desk.wait(2)

    assert AnswerCall("in1") in desk.fresh
    assert desk.view.loudspeaker


def test_auto_answer_never_breaks_into_a_call() -> None:
    desk = DeskPhone()
    desk.talk()

    desk.arrive("in1", auto_answer_s=2.0)
    desk.wait(3)

    assert desk.did(AnswerCall) == []


def test_do_not_disturb_answers_486() -> None:
    """RFC 4504 Req-41."""
    desk = DeskPhone(do_not_disturb=True)

    desk.arrive()

    assert desk.did(EndCall) == [EndCall("in1", 486)]
    assert desk.did(AlertCall) == []
    assert desk.view.missed == 1


def test_do_not_disturb_is_switched_while_the_phone_runs_and_stands_on_the_panel() -> None:
    """RFC 4504 Req-41; a call that rings already is still there to be taken."""
    desk = DeskPhone()
    desk.arrive("in1")

    desk.give(SetDoNotDisturb(True))
    desk.arrive("in2")

    assert desk.call("in1").state == "ringing"
    assert EndCall("in2", 486) in desk.fresh
    assert desk.view.do_not_disturb
    desk.end("in1", code=487)
    assert render(desk.view, WALL, desk.now).lines[-1] == "Do not disturb  2"
    desk.give(SetDoNotDisturb(False))
    desk.arrive("in3")
    assert AlertCall("in3") in desk.fresh
    assert not desk.view.do_not_disturb


def test_a_call_that_ends_between_lifting_and_its_acknowledgement_is_over() -> None:
    desk = DeskPhone()
    desk.arrive()
    desk.lift()

    desk.end("in1", 487)

    assert desk.view.mode == "ended"
    assert desk.connected is None


def test_a_storm_of_calls_leaves_only_the_latest_behind() -> None:
    desk = DeskPhone()

    for number in range(300):
        desk.arrive(f"in{number}", "1" * 2000, "A" * 2000)
        desk.end(f"in{number}", 487)

    assert len(desk.view.calls) <= 9
    assert desk.view.missed == 300
    desk.press("down")
    assert [entry.times for entry in desk.view.history] == [100]
    assert len(desk.view.history[0].remote.uri) == 512
    desk.press("back")
    desk.wait(20)
    assert desk.phone.next_deadline() is None


# --- how calls end ---


def test_the_far_end_hanging_up_gives_the_release_tone_and_the_duration() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.wait(83)

    desk.end(call)

    assert desk.tone == "busy"
    assert desk.view.mode == "ended"
    assert desk.call(call).cause == (200, "Call ended")
    desk.wait(5)
    assert desk.call(call).seconds == pytest.approx(83)
    desk.replace()
    assert desk.view.mode == "idle"


def test_digits_meant_for_a_call_that_just_ended_dial_nobody() -> None:
    desk = DeskPhone()
    desk.end(desk.talk())

    desk.press(*"1005")

    assert desk.did(PlaceCall) == []


def test_a_hands_free_call_switches_the_loudspeaker_off_when_it_ends() -> None:
    desk = DeskPhone()
    call = str(desk.give(DialRequest("1002")))
    desk.confirm(call)

    desk.end(call)
    assert desk.view.mode == "ended"
    assert desk.tone == "busy"
    desk.wait(6)

    assert desk.view.mode == "idle"
    assert desk.tone is None
    assert desk.lamps["speaker"] == "off"


def test_hanging_up_ends_the_call_and_shows_that_for_a_moment() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.replace()
    assert desk.did(EndCall) == [EndCall(call, 486)]
    assert desk.view.mode == "ended"
    assert desk.connected is None
    desk.wait(5)

    assert desk.view.mode == "idle"


def test_an_ended_call_stays_listed_for_some_seconds() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.replace()

    desk.wait(14)
    assert len(desk.view.calls) == 1
    desk.wait(2)

    assert desk.view.calls == ()


def test_news_of_a_call_that_is_over_changes_nothing() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.replace()
    before = desk.view

    desk.end(call, 503)
    desk.confirm(call)
    desk.progress("nobody")
    desk.end("nobody")

    assert desk.view == before


# --- volumes, mute, hands-free ---


def test_mute_closes_the_microphone_until_the_call_is_over() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("mute")
    assert desk.audio is not None
    assert desk.audio.muted
    assert desk.lamps["mute"] == "on"
    desk.end(call)

    assert not desk.audio.muted
    assert desk.lamps["mute"] == "off"


def test_volume_keys_turn_the_ear_in_a_call_and_the_bell_otherwise() -> None:
    desk = DeskPhone()

    desk.press("volume-up")
    assert desk.view.ringer_volume == 8
    assert desk.view.volume_shown == "ringer"
    desk.talk()
    desk.press("volume-down", "volume-down")

    assert desk.view.earpiece_volume == 5
    assert desk.view.ringer_volume == 8
    desk.wait(3)
    assert desk.view.volume_shown == ""
    desk.replace()
    desk.lift()
    assert desk.view.earpiece_volume == 5


def test_volumes_stop_at_their_ends() -> None:
    desk = DeskPhone()

    desk.press(*["volume-up"] * 12)
    assert desk.view.ringer_volume == 10
    desk.press(*["volume-down"] * 12)

    assert desk.view.ringer_volume == 0


def test_the_bell_follows_its_volume_while_it_rings() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.press("volume-down")

    assert desk.ring is not None
    assert desk.ring.volume == 6


def test_speaker_moves_a_call_to_the_loudspeaker_and_lets_the_handset_lie() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("speaker")
    desk.replace()
    assert desk.did(EndCall) == []
    assert desk.connected == call
    desk.lift()
    assert not desk.view.loudspeaker
    desk.press("speaker", "speaker")

    assert desk.audio is not None
    assert desk.audio.handset
    assert desk.connected == call


def test_speaker_off_with_the_handset_down_hangs_up() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("speaker")
    desk.replace()

    desk.press("speaker")

    assert EndCall(call, 486) in desk.fresh


# --- digits in a call ---


def test_a_key_in_a_call_sends_dtmf_as_long_as_it_is_down_and_sounds_in_the_ear() -> None:
    """RFC 4733 §2.5.1."""
    desk = DeskPhone()
    call = desk.talk()

    desk.give(KeyPressed("5"))
    assert desk.fresh == [SendDigitDown(call, "5"), SoundKey("5")]
    desk.wait(0.4)
    desk.give(KeyReleased("5"))

    assert desk.fresh == [SendDigitUp(call), SoundKey(None)]
    assert desk.view.digits == "5"


def test_a_digit_still_down_when_the_call_ends_falls_silent() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.give(KeyPressed("5"))
    desk.end(call)

    desk.give(KeyReleased("5"))

    assert desk.fresh == [SoundKey(None)]


def test_the_digits_that_the_far_end_types_are_kept_for_who_looks_on_the_latest_of_them() -> None:
    desk = DeskPhone()
    call = desk.talk()

    for digit in "0123456789*#ABCD" * 3:
        desk.give(RemoteDigitHeard(call, digit))
    desk.give(RemoteDigitHeard("nobody", "1"))

    assert desk.call(call).digits_received == "0123456789*#ABCD" * 2
    assert desk.view.digits == ""


def test_the_web_sends_digits_into_a_confirmed_call_only() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.give(DigitsRequest(call, "12#a"))
    assert desk.did(SendDigits) == [SendDigits(call, "12#A")]
    with pytest.raises(NotPossible, match="Digits are"):
        desk.give(DigitsRequest(call, "12x"))
    desk.end(call)

    with pytest.raises(NotPossible, match="not connected"):
        desk.give(DigitsRequest(call, "1"))


# --- hold, and two calls ---


def test_hold_holds_and_pressed_again_takes_the_call_back() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("hold")
    assert HoldCall(call, True) in desk.fresh
    assert desk.call(call).hold == "local"
    assert desk.connected is None
    assert desk.lamps["hold"] == desk.lamps["line1"] == "held"
    desk.press("hold")

    assert HoldCall(call, False) in desk.fresh
    assert desk.call(call).hold == "none"
    assert desk.connected == call
    assert desk.lamps["hold"] == "off"
    assert desk.lamps["line1"] == "on"


def test_a_call_held_before_hanging_up_stays_and_rings_back_after_three_minutes() -> None:
    """RFC 4504 Req-31."""
    desk = DeskPhone()
    call = desk.talk()
    desk.press("hold")

    desk.replace()
    assert desk.did(EndCall) == []
    assert desk.view.mode == "idle"
    desk.wait(178)
    assert desk.ring is None
    desk.wait(3)

    assert desk.ring is not None
    assert desk.view.mode == "ringing"
    assert desk.lamps["line1"] == desk.lamps["message"] == "ring"
    desk.lift()
    assert HoldCall(call, False) in desk.fresh
    assert desk.connected == call


def test_an_unanswered_recall_rests_and_comes_again() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.press("hold")
    desk.replace()
    desk.wait(180)

    desk.wait(30)
    assert desk.ring is None
    desk.wait(180)

    assert desk.ring is not None


def test_a_held_call_makes_itself_heard_in_the_ear_while_somebody_listens() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.press("hold")

    desk.wait(181)

    assert desk.knock == "call_waiting"


def test_lifting_with_a_call_on_hold_gives_dial_tone_and_the_hold_key_takes_it_back() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("hold")
    desk.replace()

    desk.lift()
    assert desk.tone == "dial"
    desk.press("hold")

    assert HoldCall(call, False) in desk.fresh
    assert desk.view.mode == "talking"


def test_a_second_caller_knocks_in_the_ear_and_stands_on_the_panel() -> None:
    desk = DeskPhone()
    desk.talk()

    desk.arrive("in1")

    assert AlertCall("in1") in desk.fresh
    assert desk.knock == "call_waiting"
    assert desk.ring is None
    assert desk.view.mode == "talking"
    assert desk.call("in1").line == 2
    assert desk.lamps["line2"] == desk.lamps["message"] == "ring"


@pytest.mark.parametrize("key", ["ok", "line2"])
def test_answering_the_second_caller_holds_the_first(key: str) -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.arrive("in1")

    desk.press(key)

    assert HoldCall(first, True) in desk.fresh
    assert AnswerCall("in1") in desk.fresh
    assert desk.connected == "in1"
    assert desk.tone is None


def test_line_keys_go_to_and_fro_between_two_calls() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.arrive("in1")
    desk.press("ok")
    desk.confirm("in1")

    desk.press("line1")
    assert [HoldCall("in1", True), HoldCall(first, False)] == desk.did(HoldCall)
    assert desk.connected == first
    assert [desk.lamps[lamp] for lamp in ("hold", "line1", "line2")] == ["held", "on", "held"]
    desk.press("line2")

    assert [HoldCall(first, True), HoldCall("in1", False)] == desk.did(HoldCall)
    assert desk.connected == "in1"


def test_a_third_caller_is_told_busy() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.arrive("in1")

    desk.arrive("in2")

    assert desk.did(EndCall) == [EndCall("in2", 486)]
    assert desk.view.missed == 1


ENGAGED = {
    "dial tone": lambda desk: desk.lift(),
    "digits": lambda desk: (desk.lift(), desk.press(*"10")),
    "digits that fit nothing": lambda desk: (desk.lift(), desk.press(*"77")),
    "refused number": lambda desk: (desk.lift(), desk.press(*"77#"), desk.end("out1", 404)),
    "howler": lambda desk: (desk.lift(), desk.wait(21)),
    "call list": lambda desk: (desk.lift(), desk.press("up")),
    "call ended": lambda desk: (desk.talk(), desk.end("out1")),
    "failure tone": lambda desk: (desk.lift(), desk.dial("1002"), desk.end("out1", 486)),
    "hands-free": lambda desk: desk.press("speaker"),
    "not ringing yet": lambda desk: (desk.lift(), desk.dial("1002")),
    "ringing": lambda desk: (desk.lift(), desk.dial("1002"), desk.progress("out1")),
}  # fmt: skip


@pytest.mark.parametrize("take", ["ok", "line key"])
@pytest.mark.parametrize("busy_with", ENGAGED)
def test_a_caller_knocks_whatever_the_person_is_busy_with(busy_with: str, take: str) -> None:
    """The caller hears it ring: so must the person, in the ear and on the panel, with the key that takes the call."""
    desk = DeskPhone()
    ENGAGED[busy_with](desk)
    before = desk.tone

    desk.arrive("in1", "1003", "Otto")

    assert AlertCall("in1") in desk.fresh
    assert (desk.tone, desk.knock) == (before, "call_waiting")
    line = desk.call("in1").line
    assert render(desk.view, WALL, desk.now).lines[-2:] == ("Otto", f"OK:take  Line {line}")
    desk.end("in1", 487)
    assert (desk.tone, desk.knock) == (before, None)
    desk.arrive("in2", "1003", "Otto")
    desk.press("ok" if take == "ok" else f"line{desk.call('in2').line}")
    assert AnswerCall("in2") in desk.fresh
    assert desk.tone is None
    assert desk.view.focus == "in2"


@pytest.mark.parametrize("busy_with", ENGAGED)
def test_without_call_waiting_nobody_knocks(busy_with: str) -> None:
    desk = DeskPhone(call_waiting=False)
    ENGAGED[busy_with](desk)
    before = desk.tone

    desk.arrive("in1")

    assert desk.did(EndCall) == [EndCall("in1", 486)]
    assert desk.did(AlertCall) == []
    assert desk.tone == before


def test_without_call_waiting_the_second_caller_is_told_busy() -> None:
    desk = DeskPhone(call_waiting=False)
    desk.lift()

    desk.arrive("in1")

    assert desk.did(EndCall) == [EndCall("in1", 486)]


def test_a_waiting_caller_rings_the_bell_once_the_first_call_is_hung_up() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.arrive("in1")

    desk.replace()

    assert desk.ring is not None
    assert desk.view.mode == "ringing"


def test_hanging_up_the_second_call_makes_the_first_ring_back_at_once() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.arrive("in1")
    desk.press("ok")
    desk.confirm("in1")

    desk.replace()

    assert EndCall("in1", 486) in desk.fresh
    assert desk.ring is not None
    assert desk.view.focus == first


def test_a_free_line_key_holds_the_call_and_gives_dial_tone_there() -> None:
    desk = DeskPhone()
    first = desk.talk()

    desk.press("line2")
    assert HoldCall(first, True) in desk.fresh
    assert desk.tone == "dial"
    second = desk.dial("1005")

    assert desk.call(second).line == 2


def test_the_far_end_holding_us_is_shown() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.give(CallMedia(call, "PCMA", False, False, True))
    assert desk.call(call).hold == "remote"
    assert desk.call(call).codec == "PCMA"
    desk.press("hold")

    assert desk.call(call).hold == "both"


def test_a_call_held_before_its_acknowledgement_is_held_once_it_comes() -> None:
    desk = DeskPhone()
    desk.arrive()
    desk.lift()

    desk.press("hold")
    assert desk.did(HoldCall) == []
    desk.confirm("in1")

    assert desk.did(HoldCall) == [HoldCall("in1", True)]


# --- requests of the web ---


def test_a_call_is_answered_held_resumed_and_hung_up_by_request() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.give(CallRequest("in1", "answer"))
    desk.confirm("in1")
    assert desk.view.loudspeaker
    desk.give(CallRequest("in1", "hold"))
    assert desk.did(HoldCall) == [HoldCall("in1", True)]
    desk.give(CallRequest("in1", "resume"))
    assert desk.did(HoldCall) == [HoldCall("in1", False)]
    desk.give(CallRequest("in1", "hangup"))

    assert desk.did(EndCall) == [EndCall("in1", 486)]
    assert desk.call("in1").state == "ended"


@pytest.mark.parametrize("verb", ["answer", "reject", "hold", "resume"])
def test_a_request_that_does_not_fit_the_call_says_so_and_changes_nothing(verb: str) -> None:
    desk = DeskPhone()
    desk.lift()
    call = desk.dial("1002")
    before = desk.view

    with pytest.raises(NotPossible):
        desk.give(CallRequest(call, verb))  # type: ignore[arg-type]

    assert desk.view == before


def test_a_request_about_no_call_says_so() -> None:
    desk = DeskPhone()

    with pytest.raises(NoSuchCall):
        desk.give(CallRequest("nobody", "hangup"))


def test_dialling_by_request_during_a_call_holds_it() -> None:
    desk = DeskPhone()
    first = desk.talk()

    second = desk.give(DialRequest("1005"))

    assert desk.did(HoldCall) == [HoldCall(first, True)]
    assert desk.placed().call == second


def test_a_third_call_by_request_is_not_possible() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.arrive("in1")

    with pytest.raises(NotPossible, match="Both lines are in use"):
        desk.give(DialRequest("1005"))


# --- what else the view tells ---


def test_registration_and_quality_stand_in_the_view() -> None:
    desk = DeskPhone()
    call = desk.talk()
    quality = CallQuality(call, 0.5, 3.0, 40.0, 4.2)

    desk.give(AccountChanged(ACCOUNT, True, 4600.0, ""))
    desk.give(AccountChanged("sip:nobody@example.net", True, 1.0, ""))
    desk.give(quality)

    [account] = desk.view.accounts
    assert (account.registered, account.expires_at) == (True, 4600.0)
    assert desk.call(call).quality == quality


def test_nothing_is_waited_for_when_the_phone_is_idle() -> None:
    desk = DeskPhone()

    assert desk.phone.next_deadline() is None
    desk.talk()
    desk.replace()
    desk.wait(60)

    assert desk.phone.next_deadline() is None
    assert desk.lamps["line1"] == "off"


@pytest.mark.parametrize("call_waiting", [True, False])
def test_a_call_that_comes_while_the_end_of_a_handsfree_one_is_shown_rings(call_waiting: bool) -> None:
    """Nobody is at the phone: neither busy, nor a knock that nobody hears."""
    desk = DeskPhone(call_waiting=call_waiting)
    desk.arrive("in1")
    desk.give(CallRequest("in1", "answer"))
    desk.confirm("in1")
    desk.end("in1")
    assert desk.view.mode == "ended"

    desk.arrive("in2", "1003")

    assert desk.call("in2").state == "ringing"
    assert desk.ring is not None
    assert desk.view.mode == "ringing"


def test_without_a_sound_card_a_call_rings_and_is_answered_and_the_panel_says_why_it_is_silent() -> None:
    desk = DeskPhone()
    desk.give(SoundCardChanged("no sound card 'usb'; there is none"))
    assert desk.view.sound_fault.startswith("no sound card 'usb'")
    assert render(desk.view, WALL, desk.now).lines[-1] == "No sound card"
    assert render(desk.view, WALL, desk.now, (128, 32)).lines[-1].endswith("No sound")

    desk.arrive("in1")
    assert desk.ring is not None
    desk.lift()
    assert AnswerCall("in1") in desk.fresh
    desk.confirm("in1")
    assert render(desk.view, WALL, desk.now).lines[-1] == "No sound card"

    desk.give(SoundCardChanged(""))
    assert (desk.view.notice, desk.view.sound_fault) == ("", "")
