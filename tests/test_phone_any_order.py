"""Whatever happens in whatever order, the phone keeps its promises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.phone.events import (
    CallArrived,
    CallConfirmed,
    CallEnded,
    CallProgressed,
    CallRequest,
    CallTransferred,
    DialRequest,
    DigitsRequest,
    HandsetLifted,
    HandsetReplaced,
    KeyPressed,
    KeyReleased,
    Party,
    PhoneEvent,
    SetDoNotDisturb,
    TransferAsked,
    TransferRequest,
)
from firmware.phone.phone import NotPossible
from firmware.phone.set_up_page import SetUpPageTold
from hw import KEYS
from tests.support.desk_phone import ACCOUNT, DeskPhone

_calls = st.sampled_from(["out1", "out2", "out3", "in1", "in2", "in3"])
_keys = st.sampled_from(sorted(KEYS))
_party = st.builds(Party, st.sampled_from(["sip:1005@example.net", "tel:+4930", "nonsense:"]))
_events: st.SearchStrategy[PhoneEvent | float] = st.one_of(
    st.builds(HandsetLifted),
    st.builds(HandsetReplaced),
    st.builds(KeyPressed, _keys),
    st.builds(KeyPressed, _keys),
    st.builds(KeyReleased, _keys),
    st.builds(DialRequest, st.sampled_from(["1002", "sip:a@b", ""])),
    st.builds(CallRequest, _calls, st.sampled_from(["answer", "reject", "hold", "resume", "hangup"])),
    st.builds(DigitsRequest, _calls, st.sampled_from(["1", "x"])),
    st.builds(TransferRequest, _calls, st.sampled_from([None, "1005"]), _calls),
    st.builds(CallArrived, _calls, st.just(ACCOUNT), _party, st.sampled_from([None, 0.0, 3.0])),
    st.builds(CallProgressed, _calls, st.sampled_from([100, 180, 183]), st.just(""), st.booleans()),
    st.builds(CallConfirmed, _calls),
    st.builds(CallConfirmed, _calls),
    st.builds(CallTransferred, _calls, st.sampled_from([100, 200, 202, 486]), st.just("")),
    st.builds(TransferAsked, _calls, _party),
    st.builds(CallEnded, _calls, st.sampled_from([200, 404, 486, 999]), st.just(""), st.sampled_from(["remote"])),
    st.builds(SetDoNotDisturb, st.booleans()),
    st.builds(SetUpPageTold, st.sampled_from(["open", "absent", "failed"])),
    st.floats(0.1, 200.0),
)


@settings(max_examples=400)
@given(st.lists(_events, max_size=40))
def test_the_phones_promises_hold_after_any_events(events: list[PhoneEvent | float]) -> None:
    desk = DeskPhone()

    for event in events:
        if isinstance(event, float):
            desk.wait(event)
        else:
            try:
                desk.give(event)
            except NotPossible:
                assert isinstance(event, DialRequest | CallRequest | DigitsRequest | TransferRequest)
        _check(desk)


def _check(desk: DeskPhone) -> None:
    view = desk.view
    live = [call for call in view.calls if call.state != "ended"]
    assert len(live) <= 3  # two lines; a transfer's new call shares the line of the one that it replaces
    assert len(view.calls) <= 3 + 9
    assert (view.mode == "options") == (view.options is not None)
    if view.hook == "on" and not view.loudspeaker:
        assert desk.tone is None
        assert desk.connected is None
        assert view.mode != "talking"
        assert view.mode != "calling"
    else:
        assert desk.ring is None
    if desk.connected is not None:
        [call] = [call for call in live if call.id == desk.connected]
        assert call.hold in ("none", "remote")
    if view.mode in ("calling", "ringing", "talking"):
        assert view.focus in [call.id for call in live]
    if not any(call.state == "confirmed" or call.answering for call in live):
        assert not view.muted


@settings(max_examples=100)
@given(st.lists(_events, max_size=30))
def test_hanging_up_and_time_always_lead_back_to_rest(events: list[PhoneEvent | float]) -> None:
    desk = DeskPhone()
    for event in events:
        if isinstance(event, float):
            desk.wait(event)
        else:
            try:
                desk.give(event)
            except NotPossible:
                continue

    desk.give(HandsetReplaced())
    desk.give(CallRequest("out1", "hangup")) if any(c.id == "out1" for c in _live(desk)) else None
    for call in _live(desk):
        desk.end(call.id)
    desk.wait(300)

    assert desk.view.mode == "idle"
    assert desk.view.calls == ()
    assert desk.phone.next_deadline() is None
    assert desk.tone is None
    assert desk.ring is None


def _live(desk: DeskPhone) -> list:  # type: ignore[type-arg]
    return [call for call in desk.view.calls if call.state != "ended"]
