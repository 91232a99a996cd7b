"""Two calls of one person become one of two others (RFC 5589 §7, RFC 5359 §2.5): what each telephone shows of it."""

from __future__ import annotations

import pytest

from firmware.phone.events import DialRequest, Party
from firmware.phone.view import CallView
from tests.support.stations import StationNode, connect, household, phone_text
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


def peers_consulting() -> tuple[World, StationNode, StationNode, StationNode]:
    """The same between telephones without any server."""
    world = World()
    hosts = {user: f"10.0.0.{place}" for place, user in enumerate(("1001", "1002", "1003"), 1)}
    hall, kitchen, study = (
        StationNode(world, phone_text(user, exchange=None, host=host), host, seed)
        for seed, (user, host) in enumerate(hosts.items(), 1)
    )
    for node in (hall, kitchen, study):
        world.add(node)
        node.start()
    hall.do(DialRequest("sip:1002@10.0.0.2"))
    world.wait(1.0)
    kitchen.lift()
    world.wait(1.0)
    kitchen.press(["hold"])
    world.wait(1.0)
    kitchen.do(DialRequest("sip:1003@10.0.0.3"))
    world.wait(1.0)
    study.lift()
    world.wait(1.0)
    kitchen.press(["transfer"])
    world.wait(1.0)
    return world, hall, kitchen, study


def to(node: StationNode, number: str) -> CallView:
    """A telephone's call with a number."""
    (found,) = [call for call in node.calls if call.remote.uri.startswith(f"sip:{number}@")]
    return found


@pytest.mark.parametrize("exchange", ["10.0.0.1", None])
def test_everybody_reads_a_name_or_number_that_people_know(exchange: str | None) -> None:
    """The transfer goes to a Contact, whose user part is random: it must not be what the panel shows."""
    world, hall, kitchen, study = consulting() if exchange else peers_consulting()
    kitchen.press(["transfer"])
    world.wait(5.0)

    assert hall.call.remote == Party(f"sip:1003@{study.config.account[0].address.host}", "1003")
    assert study.call.remote == Party(f"sip:1001@{hall.config.account[0].address.host}", "1001")
    assert hall.panel.splitlines()[1] == "1003"
    study.hang_up()
    world.wait(1.0)
    hall.hang_up()
    hall.press(["back", "down"])
    world.wait(1.0)

    assert hall.view.history[0].remote == Party(f"sip:1003@{study.config.account[0].address.host}", "1003")
    assert hall.panel.splitlines()[1].startswith("1003")


def test_whom_it_goes_to_is_named_while_the_transfer_is_on_its_way() -> None:
    world, hall, kitchen, _ = consulting()

    kitchen.press(["transfer"])
    world.run(world.now + 1.0, lambda: len(hall.view.calls) == 2)

    assert hall.last_call.remote.name == "1003"


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
