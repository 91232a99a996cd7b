"""Giving calls away, blind and announced, and being given away (RFC 5589, RFC 5359 §2.4 and §2.5)."""

from __future__ import annotations

import pytest

from firmware.phone.events import (
    AnswerCall,
    CallArrived,
    CallConfirmed,
    CallEnded,
    CallTransferred,
    EndCall,
    HoldCall,
    Party,
    PlaceCall,
    Ring,
    TransferAsked,
    TransferCall,
    TransferRequest,
)
from firmware.phone.phone import NotPossible
from tests.support.desk_phone import ACCOUNT, DeskPhone


def test_transfer_holds_the_call_and_gives_dial_tone_for_the_number() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("transfer")

    assert HoldCall(call, True) in desk.fresh
    assert desk.tone == "dial"
    assert desk.view.mode == "dialling"
    assert desk.view.purpose == "transfer"


@pytest.mark.parametrize("send", ["transfer", "ok"])
def test_a_blind_transfer_is_sent_by_transfer_or_ok(send: str) -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("transfer", *"1005", send)

    assert TransferCall(call, to="sip:1005@example.net") in desk.fresh
    assert desk.did(PlaceCall) == []
    assert desk.view.notice == "Transferring"


def test_a_transfer_that_succeeded_ends_the_call() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer", *"1005", "transfer")

    desk.give(CallTransferred(call, 202, "Accepted"))
    desk.give(CallTransferred(call, 180, "Ringing"))
    assert desk.did(EndCall) == []
    desk.give(CallTransferred(call, 200, "OK"))

    assert desk.did(EndCall) == [EndCall(call, 486)]
    assert desk.call(call).cause == (200, "Transferred")
    assert desk.view.mode == "ended"


def test_a_transfer_that_failed_leaves_the_call_to_us() -> None:
    """RFC 5589 §6.1."""
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer", *"1005", "transfer")

    desk.give(CallTransferred(call, 486, "Busy Here"))
    assert desk.view.notice == "Not transferred: Busy"
    desk.press("hold")

    assert HoldCall(call, False) in desk.fresh
    assert desk.connected == call


def test_a_failed_transfer_rings_back_a_person_who_has_hung_up() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer", *"1005", "transfer")
    desk.replace()
    assert desk.did(EndCall) == []

    desk.give(CallTransferred(call, 480, ""))

    assert desk.ring is not None
    assert desk.view.focus == call


def test_a_transfer_nobody_reports_on_is_given_back_after_a_minute() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.press("transfer", *"1005", "transfer")
    desk.replace()

    desk.wait(61)

    assert desk.ring is not None
    assert desk.view.notice == "Not transferred: no news"


@pytest.mark.parametrize("finish", ["transfer", "hang up"])
def test_an_announced_transfer_joins_the_two_by_transfer_or_by_hanging_up(finish: str) -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer")
    second = desk.dial("1005#")
    desk.progress(second)
    desk.confirm(second)
    assert desk.connected == second

    if finish == "transfer":
        desk.press("transfer")
    else:
        desk.replace()

    assert desk.did(TransferCall) == [TransferCall(call, other=second)]
    desk.give(CallTransferred(call, 200, "OK"))
    assert {end.call for end in desk.did(EndCall)} == {call, second}


def announced(desk: DeskPhone) -> tuple[str, str]:
    """A held call, and the talk with the one who is to get it."""
    call = desk.talk()
    desk.press("transfer")
    second = desk.dial("1005#")
    desk.progress(second)
    desk.confirm(second)
    return call, second


def test_who_was_asked_stays_in_the_ear_until_the_outcome() -> None:
    desk = DeskPhone()
    call, second = announced(desk)

    desk.press("transfer", "transfer")
    assert desk.view.notice == "Transferring"
    assert desk.connected == second
    desk.give(CallTransferred(call, 420, "Bad Extension"))

    assert desk.connected == second
    assert desk.view.notice.startswith("Not transferred")
    assert (desk.call(call).hold, desk.call(second).hold) == ("local", "none")


def test_hanging_up_after_a_failed_transfer_ends_the_consultation_and_rings_back_the_held_call() -> None:
    desk = DeskPhone()
    call, second = announced(desk)
    desk.press("transfer")
    desk.give(CallTransferred(call, 420, "Bad Extension"))

    desk.replace()

    assert desk.did(TransferCall) == []
    assert EndCall(second, 486) in desk.fresh
    assert desk.ring is not None
    assert desk.view.focus == call


def test_a_transfer_completed_by_hanging_up_holds_who_was_asked_and_rings_back_when_it_fails() -> None:
    """RFC 5589 §7: the target is on hold meanwhile."""
    desk = DeskPhone()
    call, second = announced(desk)

    desk.replace()
    assert desk.did(HoldCall) == [HoldCall(second, True)]
    assert desk.ring is None
    desk.give(CallTransferred(call, 603, "Declined"))
    assert desk.view.focus == call
    desk.lift()
    assert desk.connected == call
    desk.press("line2")

    assert desk.connected == second


def test_who_was_asked_may_leave_before_the_outcome_is_told() -> None:
    """RFC 3891 §3: with Replaces the target ends the consultation itself, often before the NOTIFY comes."""
    desk = DeskPhone()
    call, second = announced(desk)
    desk.press("transfer")

    desk.end(second)
    assert desk.view.focus == call
    assert desk.tone is None
    desk.give(CallTransferred(call, 200, "OK"))

    assert desk.call(call).cause == (200, "Transferred")
    assert (desk.view.mode, desk.view.notice) == ("ended", "")


@pytest.mark.parametrize("code", [200, 486])
def test_transfer_twice_joins_two_calls_that_nobody_announced(code: int) -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.arrive("in1")
    desk.press("ok")
    desk.confirm("in1")

    desk.press("transfer")
    assert desk.view.joinable
    desk.press("transfer")
    assert desk.did(TransferCall) == [TransferCall(first, other="in1")]
    desk.give(CallTransferred(first, code, ""))

    if code == 200:
        assert {end.call for end in desk.did(EndCall)} == {first, "in1"}
    else:
        assert desk.connected == "in1"
        assert desk.call(first).hold == "local"


def test_with_two_calls_a_third_number_may_still_be_typed() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.arrive("in1")
    desk.press("ok")
    desk.confirm("in1")

    desk.press("transfer", *"1007")
    assert not desk.view.joinable
    desk.press("transfer")

    assert desk.did(TransferCall) == [TransferCall("in1", to="sip:1007@example.net")]


def test_a_line_key_reaches_a_call_that_is_being_transferred() -> None:
    desk = DeskPhone()
    call, second = announced(desk)
    desk.press("transfer")

    desk.press("line1")
    assert desk.view.focus == call
    assert HoldCall(second, True) in desk.fresh
    desk.press("line2")

    assert desk.connected == second


def test_without_a_send_key_the_number_of_a_transfer_is_called_after_the_pause() -> None:
    desk = DeskPhone()
    desk.talk()
    desk.press("transfer", *"1005")
    assert desk.did(PlaceCall) == []

    desk.wait(4)

    assert desk.placed().to == "sip:1005@example.net"


def test_a_transfer_while_the_third_phone_still_rings_sends_the_call_there() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer")
    second = desk.dial("1005#")
    desk.progress(second)

    desk.replace()

    assert EndCall(second, 486) in desk.fresh
    assert TransferCall(call, to="sip:1005@example.net") in desk.fresh


def test_back_returns_from_the_announcement_to_the_first_call() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer")
    second = desk.dial("1005#")

    desk.press("back")

    assert EndCall(second, 486) in desk.fresh
    assert HoldCall(call, False) in desk.fresh
    assert desk.connected == call


def test_back_without_digits_returns_from_the_transfer() -> None:
    desk = DeskPhone()
    call = desk.talk()

    desk.press("transfer", "back")

    assert desk.did(HoldCall) == [HoldCall(call, True), HoldCall(call, False)]


def test_a_busy_third_phone_sounds_busy_and_transfer_takes_the_first_call_back() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer")
    desk.end(desk.dial("1005#"), 486)
    assert desk.tone == "busy"

    desk.press("transfer")

    assert desk.connected == call


def test_hanging_up_before_a_number_was_typed_rings_back() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("transfer")

    desk.replace()

    assert desk.ring is not None
    assert desk.view.focus == call


def test_the_web_transfers_blind_and_to_another_call() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.arrive("in1")
    desk.press("ok")
    desk.confirm("in1")

    desk.give(TransferRequest(first, other="in1"))
    assert desk.did(TransferCall) == [TransferCall(first, other="in1")]
    with pytest.raises(NotPossible, match="already being transferred"):
        desk.give(TransferRequest(first, to="1005"))
    with pytest.raises(NotPossible, match="needs somebody"):
        desk.give(TransferRequest("in1"))
    desk.give(TransferRequest("in1", to="1007"))

    assert TransferCall("in1", to="sip:1007@example.net") in desk.fresh


# --- being given away ---


def test_the_far_end_may_send_the_person_on_to_somebody_else() -> None:
    """RFC 3515 §2.4.2."""
    desk = DeskPhone()
    first = desk.talk()

    second = desk.give(TransferAsked(first, Party("sip:1009@example.net", "Otto")))

    assert desk.placed().to == "sip:1009@example.net"
    assert desk.view.focus == second
    assert desk.view.notice == "Being transferred"
    desk.confirm(str(second))
    assert desk.connected == second
    assert desk.view.notice == ""
    desk.end(first)
    assert desk.connected == second
    assert desk.view.mode == "talking"


def test_the_old_call_is_ended_if_its_far_end_does_not() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.confirm(str(desk.give(TransferAsked(first, Party("sip:1009@example.net")))))

    desk.wait(10)

    assert desk.did(EndCall) == [EndCall(first, 486)]


def test_when_the_new_phone_does_not_answer_the_person_is_back_with_the_old_one() -> None:
    desk = DeskPhone()
    first = desk.talk()
    second = str(desk.give(TransferAsked(first, Party("sip:1009@example.net"))))

    desk.end(second, 486)

    assert desk.connected == first
    assert desk.view.notice == "Not transferred: Busy"


def test_hanging_up_while_being_sent_on_ends_both() -> None:
    desk = DeskPhone()
    first = desk.talk()
    second = str(desk.give(TransferAsked(first, Party("sip:1009@example.net"))))

    desk.replace()

    assert {end.call for end in desk.did(EndCall)} == {first, second}


@pytest.mark.parametrize("to", ["http://example.net/", "", "sip:a b@c"])
def test_being_sent_to_what_cannot_be_called_is_refused(to: str) -> None:
    desk = DeskPhone()
    call = desk.talk()

    assert desk.give(TransferAsked(call, Party(to))) is None
    assert desk.connected == call


def test_a_call_that_nobody_is_in_cannot_send_the_phone_on() -> None:
    desk = DeskPhone()
    call = desk.talk()
    desk.press("hold")
    desk.replace()

    assert desk.give(TransferAsked(call, Party("sip:1009@example.net"))) is None
    assert desk.give(TransferAsked("nobody", Party("sip:1009@example.net"))) is None


def test_a_call_that_replaces_another_is_answered_at_once_on_its_line() -> None:
    """RFC 3891 §3; RFC 5589 §7: the transferee's call to the target names the consultation it takes the place of."""
    desk = DeskPhone(call_waiting=False)
    consultation = desk.talk()

    desk.give(CallArrived("new", ACCOUNT, Party("sip:1002@example.net", "Anna"), replaces=consultation))

    assert AnswerCall("new") in desk.fresh
    assert desk.did(Ring) == []
    assert desk.call("new").line == desk.call(consultation).line
    assert desk.view.focus == "new"
    desk.give(CallConfirmed("new"))
    desk.give(CallEnded(consultation, 200, "", "remote"))
    assert desk.connected == "new"
    assert desk.view.mode == "talking"


def test_a_call_that_replaces_a_held_one_is_held() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.press("hold")

    desk.give(CallArrived("new", ACCOUNT, Party("sip:1002@example.net"), replaces=first))
    desk.give(CallConfirmed("new"))

    assert HoldCall("new", True) in desk.fresh
    assert desk.call("new").hold == "local"


def test_a_call_that_replaces_one_long_gone_rings_as_any_other() -> None:
    desk = DeskPhone()

    desk.give(CallArrived("new", ACCOUNT, Party("sip:1002@example.net"), replaces="gone"))

    assert desk.did(AnswerCall) == []
    assert desk.call("new").state == "ringing"
