"""A telephone that calls by itself when its handset is lifted (RFC 4504 Req-84)."""

from __future__ import annotations

import pytest

from firmware.config import ConfigurationError, parse
from firmware.phone.events import AnswerCall, PlaceCall
from firmware.station.build import phone_settings
from tests.support.desk_phone import DeskPhone

DOOR = "sip:porter@example.net"


def test_lifting_the_handset_calls_at_once() -> None:
    desk = DeskPhone(hotline=DOOR)

    desk.lift()

    assert desk.placed().to == DOOR
    assert desk.tone is None


def test_a_number_will_do() -> None:
    desk = DeskPhone(hotline="1002")

    desk.lift()

    assert desk.placed().to == "sip:1002@example.net"


def test_with_a_delay_there_is_dial_tone_first() -> None:
    desk = DeskPhone(hotline=DOOR, hotline_delay=5.0)
    desk.lift()
    assert desk.tone == "dial"

    desk.wait(4.9)
    assert desk.did(PlaceCall) == []
    desk.wait(0.2)

    assert desk.placed().to == DOOR


def test_within_the_delay_another_number_may_be_dialled() -> None:
    desk = DeskPhone(hotline=DOOR, hotline_delay=5.0)
    desk.lift()
    desk.wait(4.0)

    desk.press(*"1002")

    assert desk.placed().to == "sip:1002@example.net"


def test_a_caller_is_answered_not_the_hotline_called() -> None:
    desk = DeskPhone(hotline=DOOR)
    desk.arrive()

    desk.lift()

    assert desk.did(PlaceCall) == []
    assert desk.did(AnswerCall) == [AnswerCall("in1")]


def test_after_the_call_the_handset_must_be_lifted_anew() -> None:
    desk = DeskPhone(hotline=DOOR)
    desk.lift()
    call = desk.placed().call
    desk.confirm(call)

    desk.end(call)
    desk.wait(60.0)
    assert desk.did(PlaceCall) == []
    desk.replace()
    desk.lift()

    assert desk.placed().to == DOOR


def test_a_hotline_that_cannot_be_called_says_so() -> None:
    desk = DeskPhone(hotline=DOOR, accounts=())

    desk.lift()

    assert desk.tone == "number_unobtainable"
    assert desk.view.notice == "This phone has no account"


# --- the setting ---

ACCOUNT = '[[account]]\naddress = "sip:gate@example.net"\n'


@pytest.mark.parametrize("callee", [DOOR, "1002", "*21#", "+43123"])
def test_a_hotline_is_a_uri_or_a_number(callee: str) -> None:
    config = parse(ACCOUNT + f'[dial]\nhotline = "{callee}"\nhotline_delay = 2.5\n')

    settings = phone_settings(config)
    assert (settings.hotline, settings.hotline_delay) == (callee, 2.5)


@pytest.mark.parametrize("callee", ["", "porter", "mailto:porter@example.net", "sip:"])
def test_anything_else_is_refused(callee: str) -> None:
    with pytest.raises(ConfigurationError, match="hotline"):
        parse(ACCOUNT + f'[dial]\nhotline = "{callee}"\n')


def test_without_one_there_is_dial_tone() -> None:
    assert phone_settings(parse(ACCOUNT)).hotline == ""
