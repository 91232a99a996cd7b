"""Two calls of one person become one of two others (RFC 5589 §7, RFC 5359 §2.5): what each telephone shows of it."""

from __future__ import annotations

from firmware.phone.events import DialRequest
from firmware.phone.view import CallView
from tests.support.stations import StationNode, connect, household
from tests.support.world import World


def consulting() -> tuple[World, StationNode, StationNode, StationNode]:
    """The hall called the kitchen; the kitchen has the hall on hold and talks to the study about it."""
    world, (hall, kitchen, study) = household(3)
    connect(hall, kitchen)
    kitchen.press(["transfer"])
    world.wait(1.0)
    kitchen.press("1003#")
    world.wait(2.0)
    study.lift()
    world.wait(2.0)
    return world, hall, kitchen, study


def to(node: StationNode, number: str) -> CallView:
    """A telephone's call with a number."""
    (found,) = [call for call in node.calls if call.remote.uri.startswith(f"sip:{number}@")]
    return found


def test_after_a_transfer_that_failed_the_person_still_talks_to_whom_they_asked() -> None:
    world, hall, kitchen, study = consulting()
    hall.press(["hold"])  # who holds us does not let us be sent away: the hall declines
    world.wait(1.0)

    kitchen.press(["transfer"])
    world.wait(2.0)

    assert "Not transferred" in kitchen.panel
    assert kitchen.media.connected == to(kitchen, "1003").id
    assert study.media.connected == study.call.id
    assert {study.media.session.direction, study.call.hold} == {"sendrecv", "none"}
    assert to(kitchen, "1001").hold == "both"


def test_after_a_transfer_that_failed_the_line_keys_change_between_the_two() -> None:
    world, hall, kitchen, study = consulting()
    hall.press(["hold"])
    world.wait(1.0)
    kitchen.press(["transfer"])
    world.wait(2.0)

    kitchen.press(["line1"])
    world.wait(1.0)
    assert kitchen.media.connected == to(kitchen, "1001").id
    assert study.call.hold == "remote"
    kitchen.press(["line2"])
    world.wait(1.0)

    assert kitchen.media.connected == to(kitchen, "1003").id
    assert study.call.hold == "none"


def test_whom_one_asked_is_heard_until_they_are_taken_over() -> None:
    world, _, kitchen, study = consulting()
    kitchen.press(["transfer"])
    world.wait(0.02)

    assert kitchen.media.connected == to(kitchen, "1003").id
    assert study.call.hold == "none"


def test_hanging_up_holds_whom_one_asked_while_the_transfer_goes_on() -> None:
    world, hall, kitchen, study = consulting()

    kitchen.hang_up()
    world.wait(5.0)

    assert not kitchen.calls
    assert hall.call.state == study.call.state == "confirmed"
    assert (hall.call.hold, study.call.hold) == ("none", "none")


def test_transfer_twice_joins_a_held_call_and_the_one_in_the_ear() -> None:
    """The second call was not made by the Transfer key: it has to be asked which transfer is meant."""
    world, (hall, kitchen, study) = household(3)
    connect(hall, kitchen)
    kitchen.do(DialRequest("1003"))
    world.wait(2.0)
    study.lift()
    world.wait(2.0)

    kitchen.press(["transfer"])
    world.wait(1.0)
    assert "Transfer:join the two" in kitchen.panel
    kitchen.press(["transfer"])
    world.wait(5.0)

    assert not kitchen.calls
    assert hall.media.session.remote[0] == "10.0.0.3"
    assert (hall.call.hold, study.call.hold) == ("none", "none")
