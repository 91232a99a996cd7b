"""What the configuration says reaches the part that does it: whole telephones in virtual time."""

from __future__ import annotations

from firmware.phone.events import DialRequest
from firmware.sip.dates import format_date
from firmware.sip.message import Response, parse_message
from firmware.sip.transport import Hop
from tests.support.stations import StationNode, household, phone_text
from tests.support.world import World, wall


def answers(world: World, method: str) -> list[tuple[float, Response]]:
    """When each 200 to such a request was sent, and the 200."""
    parsed = [(sent.at, parse_message(sent.data)) for sent in world.trace]
    return [
        (at, message)
        for at, message in parsed
        if isinstance(message, Response) and message.status == 200 and message.cseq.method == method
    ]


def test_the_registrar_tells_the_date() -> None:
    """RFC 3261 §10.3 step 8, from the clock on the exchange's wall."""
    world, _ = household()

    told = answers(world, "REGISTER")

    assert told
    for at, response in told:
        assert response.fields.get("Date") == format_date(wall(at))


def test_a_rule_changes_the_number_that_is_called() -> None:
    """RFC 4504 Req-17: 8 goes to the one who is called 1001."""
    rules = 'rules = [{ pattern = "8x", strip = 2, prefix = "1001" }, { pattern = "1xxx", refuse = true }]'
    world, (hall, kitchen) = household(config={1: {"extra": rules}})

    kitchen.lift()
    kitchen.press("80")
    world.wait(1.0)

    assert hall.ringing
    assert kitchen.view.calls[0].remote.uri.startswith("sip:1001@")


def test_a_rule_refuses_a_number() -> None:
    rules = 'rules = [{ pattern = "1xxx", refuse = true }]'
    world, (hall, kitchen) = household(config={1: {"extra": rules}})

    kitchen.lift()
    kitchen.press("1001")
    world.wait(1.0)

    assert not hall.ringing
    assert kitchen.view.calls == ()


def test_a_phone_may_start_undisturbed() -> None:
    world, (hall, kitchen) = household(config={1: {"phone": "do_not_disturb = true"}})

    assert kitchen.view.do_not_disturb
    hall.station.phone_received(DialRequest("1002"), world.now)
    world.touch(hall)
    world.wait(1.0)

    assert not kitchen.ringing
    assert hall.view.calls[0].cause is not None
    assert hall.view.calls[0].cause[0] == 486


def test_a_dead_server_is_waited_for_once() -> None:
    """RFC 3263 §4.3: after 64*T1 the next server is tried; the next call begins with that one."""
    world, (hall, _) = household()
    world.names["home.test"] = (Hop("UDP", "10.0.0.99", 5060), Hop("UDP", "10.0.0.1", 5060))
    kitchen = StationNode(world, phone_text("1002", exchange="home.test"), "10.0.0.7", 7)
    world.add(kitchen)
    kitchen.start()
    world.wait(31.0)
    assert not kitchen.view.accounts[0].registered
    world.wait(5.0)
    assert kitchen.view.accounts[0].registered

    kitchen.lift()
    kitchen.press("1001")
    world.wait(1.0)

    assert hall.ringing
