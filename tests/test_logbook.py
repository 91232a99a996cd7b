"""What the log tells of a telephone's service, and of an exchange's."""

from __future__ import annotations

import logging

import pytest

from tests.support.stations import StationNode, connect, exchange_text, household, phone_text
from tests.support.world import World


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "firmware.station")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


def test_registrations_are_told_at_both_ends_once(caplog: pytest.LogCaptureFixture) -> None:
    world, _ = household()
    assert sorted(lines(caplog)) == [
        "exchange: 1001@home.test registered from 10.0.0.1",
        "exchange: 1002@home.test registered from 10.0.0.2",
        "sip:1001@home.test is registered",
        "sip:1002@home.test is registered",
    ]

    world.wait(10_000)

    assert lines(caplog) == []


def test_a_server_that_went_away_is_told_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    world, (hall, kitchen) = household()
    world.cut(hall)
    world.run(3600.0, lambda: not kitchen.view.accounts[0].registered)
    caplog.clear()
    world.restore(hall)
    world.run(world.now + 120.0, lambda: kitchen.view.accounts[0].registered)

    assert "sip:1002@home.test is registered" in lines(caplog)


def test_a_wrong_password_is_told_at_both_ends(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    exchange = exchange_text("1001", ["1001", "1002"]).replace('1002 = "secret-1002"', '1002 = "another"')
    for number, text in enumerate((exchange, phone_text("1002")), start=1):
        node = StationNode(world, text, f"10.0.0.{number}", number)
        world.add(node)
        node.start()
    world.wait(3.0)

    told = lines(caplog)

    assert "exchange: sip:1002@home.test refused to 10.0.0.2: wrong user name or password" in told
    assert "sip:1002@home.test is not registered: The registrar refuses our user name or password" in told


def test_a_call_from_begin_to_end(caplog: pytest.LogCaptureFixture) -> None:
    _, (hall, kitchen) = household()
    lines(caplog)
    connect(hall, kitchen)
    kitchen.hang_up()
    hall.world.wait(1.0)

    call = hall.last_call.id
    told = lines(caplog)
    assert f"call {call}: from sip:1001@home.test to sip:1002@home.test" in told
    assert "call in-1: from 1001 sip:1001@home.test to sip:1002@home.test" in told
    assert "call in-1: answered here" in told
    assert any(line.startswith(f"call {call}: answered by") for line in told)
    assert any(line.startswith(f"call {call}: ended by the far end: 200") for line in told)
    assert any(line.startswith("call in-1: ended by us: 200") for line in told)
