"""How a ring becomes a bell's cadence, and in which order changes go out."""

from __future__ import annotations

import pytest

from firmware.audio.tones import COUNTRIES, Segment, Tone, ring
from firmware.phone.events import CallMedia, ConnectAudio, HandsetLifted, SetAudio, SetLamp, SoundTone, StopRing
from firmware.phone.outputs import cadence_ms
from tests.support.desk_phone import DeskPhone


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_a_bell_rings_in_the_rhythm_of_the_countrys_ring(country: str) -> None:
    tone, cadence = ring(country)

    assert cadence_ms(tone) == cadence


def test_neighbouring_steps_of_a_ring_are_one_stroke_of_the_bell() -> None:
    warble = Tone((Segment((), 100), Segment((400,), 50), Segment((500,), 50), Segment((), 300), Segment((), 100)))

    assert cadence_ms(warble) == (100, 400)


def test_a_ring_without_pauses_is_one_long_stroke() -> None:
    assert cadence_ms(Tone((Segment((400,), None),))) == (60_000, 0)
    assert cadence_ms(Tone(())) == ()


def test_a_new_phone_sets_its_audio_and_nothing_else() -> None:
    desk = DeskPhone(earpiece_volume=11, ringer_volume=-1)

    assert desk.fresh == [SetAudio(10, 0, muted=False, handset=False, loudspeaker=False)]


def test_what_falls_silent_comes_before_what_sounds() -> None:
    desk = DeskPhone()
    desk.arrive()

    desk.give(HandsetLifted())

    kinds = [type(action) for action in desk.fresh]
    assert kinds.index(StopRing) < kinds.index(SetAudio) < kinds.index(ConnectAudio)
    assert SetLamp("line1", "on") in desk.fresh
    assert SoundTone not in kinds


def test_a_line_that_the_far_end_holds_stays_lit() -> None:
    """Only what the person can end winks."""
    desk = DeskPhone()
    call = desk.talk()

    desk.give(CallMedia(call, "PCMA", encrypted=False, held_by_us=False, held_by_them=True))
    assert (desk.call(call).hold, desk.lamps["line1"]) == ("remote", "on")
    desk.press("hold")

    assert (desk.call(call).hold, desk.lamps["line1"]) == ("both", "held")


def test_a_caller_is_told_before_missed_calls_are() -> None:
    desk = DeskPhone()
    desk.arrive("in1")
    desk.end("in1", 487)
    assert desk.lamps["message"] == "missed"

    desk.arrive("in2")
    assert desk.lamps["message"] == "ring"
    desk.lift()

    assert desk.lamps["message"] == "missed"
