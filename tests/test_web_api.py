"""The HTTP API and the events, on a phone without a network (the outside interface's HTTP part)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.phone.events import CallMedia, DialRequest, EndCall, HoldCall, PlaceCall, SendDigits, TransferCall
from firmware.web.api import LARGEST_BODY, LONGEST_TEXT, MOST_BEHIND
from tests.support.desk_phone import ACCOUNT, DeskPhone
from tests.support.site import Client, Door, visit


async def asked(client: Client, method: str, path: str, status: int, body: Any = None) -> Any:
    """The JSON of an answer with this status."""
    async with client.request(method, path, json=body) as answer:
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/json"
        return await answer.json()


async def refused(client: Client, path: str, status: int, octets: bytes | str) -> str:
    """The plain words of a POST's refusal."""
    async with client.post(path, data=octets) as answer:
        assert answer.status == status, await answer.text()
        words = (await answer.json())["error"]
        assert isinstance(words, str)
        return words


def test_the_phone_as_it_stands() -> None:
    desk = DeskPhone()

    async def test(client: Client) -> None:
        assert await asked(client, "GET", "/api/v1/phone", 200) == {
            "name": "Hall",
            "hook": "on",
            "do_not_disturb": False,
            "sound_fault": "",
            "accounts": [{"address": ACCOUNT, "registered": False, "expires_in": None, "reason": ""}],
            "calls": [],
        }
        assert await asked(client, "GET", "/api/v1/calls", 200) == []

    visit(Door(desk), test)


def test_do_not_disturb_is_switched() -> None:
    desk = DeskPhone()

    async def test(client: Client) -> None:
        shown = await asked(client, "PUT", "/api/v1/phone", 200, {"do_not_disturb": True})
        assert shown["do_not_disturb"] is True
        desk.arrive("in1")
        assert desk.ring is None
        assert (await asked(client, "GET", "/api/v1/phone", 200)) == shown
        await asked(client, "PUT", "/api/v1/phone", 200, {"do_not_disturb": False})
        desk.arrive("in2")
        assert desk.ring is not None

    visit(Door(desk), test)


@pytest.mark.parametrize(
    "body", [{}, {"do_not_disturb": 1}, {"do_not_disturb": "yes"}, {"do_not_disturb": True, "name": "Den"}, []]
)
def test_nothing_else_of_the_phone_is_set(body: object) -> None:
    desk = DeskPhone()

    async def test(client: Client) -> None:
        assert (await asked(client, "PUT", "/api/v1/phone", 400, body))["error"]

    visit(Door(desk), test)
    assert not desk.view.do_not_disturb


def test_a_call_has_every_field() -> None:
    desk = DeskPhone()
    id = desk.talk()
    desk.give(CallMedia(id, "PCMA", False, False, True))

    async def test(client: Client) -> None:
        call = await asked(client, "GET", f"/api/v1/calls/{id}", 200)

        assert call == {
            "id": id,
            "direction": "out",
            "state": "confirmed",
            "hold": "remote",
            "remote": {"uri": "sip:1002@example.net", "name": ""},
            "account": ACCOUNT,
            "codec": "PCMA",
            "encrypted": False,
            "seconds": 0.0,
            "digits_received": "",
            "quality": None,
        }

    visit(Door(desk), test)


def test_a_call_is_placed_by_number_or_uri() -> None:
    for to, uri in (("1002", "sip:1002@example.net"), ("sip:anna@192.0.2.4", "sip:anna@192.0.2.4")):
        desk = DeskPhone()

        async def test(client: Client, to: str = to, uri: str = uri) -> None:
            call = await asked(client, "POST", "/api/v1/calls", 201, {"to": to})
            assert (call["state"], call["remote"]["uri"]) == ("calling", uri)

        visit(Door(desk), test)
        assert desk.did(PlaceCall)[0].to == uri


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"to=1002",
        b"[]",
        b'"1002"',
        b"{}",
        b'{"to": 1002}',
        b'{"to": ""}',
        b'{"to": "  "}',
        b'{"to": null}',
        b'{"to": "1002", "account": 5}',
        b'{"to": "1002", "account": ""}',
        b'{"to": "1002\\r\\nX-Evil: 1"}',
        b'{"to": "\\ud800"}',
        b'{"to": "\\u0000"}',
        b'{"to": "\xff"}',
        b"[" * 10_000,
        b'{"to": ' + b"[" * 10_000,
        json.dumps({"to": "1" * (LONGEST_TEXT + 1)}).encode(),
    ],
)
def test_a_body_that_is_no_use_is_a_bad_request(octets: bytes) -> None:
    desk = DeskPhone()

    async def test(client: Client) -> None:
        assert await refused(client, "/api/v1/calls", 400, octets)

    visit(Door(desk), test)
    assert desk.view.calls == ()


def test_a_body_in_pieces_is_read_whole() -> None:
    desk = DeskPhone()

    async def test(client: Client) -> None:
        async def pieces() -> Any:
            for piece in (b'{"to"', b": ", b'"1002"}'):
                yield piece
                await asyncio.sleep(0)

        async with client.post("/api/v1/calls", data=pieces()) as answer:
            assert answer.status == 201

    visit(Door(desk), test)


def test_a_body_beyond_the_limit_is_too_large() -> None:
    async def test(client: Client) -> None:
        assert await refused(client, "/api/v1/calls", 413, b" " * (LARGEST_BODY + 1))

    visit(Door(DeskPhone()), test)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/calls/none", 404),
        ("POST", "/api/v1/calls/none/answer", 404),
        ("POST", "/api/v1/calls/none/hangup", 404),
        ("POST", "/api/v1/calls/none/dance", 404),
        ("GET", "/api/v2/phone", 404),
        ("GET", "/", 404),
        ("POST", "/api/v1/phone", 405),
        ("GET", "/api/v1/calls/none/answer", 405),
    ],
)
def test_what_is_not_there_is_said_in_plain_words(method: str, path: str, status: int) -> None:
    async def test(client: Client) -> None:
        assert set(await asked(client, method, path, status)) == {"error"}

    visit(Door(DeskPhone()), test)


def test_every_verb_answers_with_the_call() -> None:
    desk = DeskPhone()
    desk.arrive("in1")
    door = Door(desk)

    async def test(client: Client) -> None:
        base = "/api/v1/calls/in1"
        assert (await asked(client, "POST", f"{base}/answer", 200))["id"] == "in1"
        desk.confirm("in1")
        await asked(client, "POST", f"{base}/hold", 200)
        assert desk.did(HoldCall) == [HoldCall("in1", True)]
        await asked(client, "POST", f"{base}/resume", 200)
        assert desk.did(HoldCall) == [HoldCall("in1", False)]
        await asked(client, "POST", f"{base}/digits", 200, {"digits": "12#a"})
        assert desk.did(SendDigits) == [SendDigits("in1", "12#A")]
        await asked(client, "POST", f"{base}/transfer", 200, {"to": "1005"})
        assert desk.did(TransferCall) == [TransferCall("in1", to="sip:1005@example.net")]

    visit(door, test)


def test_a_call_that_was_hung_up_stays_listed_with_its_cause() -> None:
    desk = DeskPhone()
    id = desk.talk()

    async def test(client: Client) -> None:
        over = await asked(client, "POST", f"/api/v1/calls/{id}/hangup", 200)
        assert over["state"] == "ended"
        assert over["cause"] == {"code": 200, "reason": "Call ended"}
        assert (await asked(client, "GET", "/api/v1/phone", 200))["calls"] == [over]

    visit(Door(desk), test)
    assert desk.did(EndCall)[0].call == id


def test_a_call_is_rejected() -> None:
    desk = DeskPhone()
    desk.arrive("in1")

    async def test(client: Client) -> None:
        assert (await asked(client, "POST", "/api/v1/calls/in1/reject", 200))["state"] == "ended"

    visit(Door(desk), test)
    assert desk.did(EndCall)[0].call == "in1"


def test_an_attended_transfer_names_the_other_call() -> None:
    desk = DeskPhone()
    first = desk.talk()
    desk.press("hold")
    second = desk.give(DialRequest("1003"))
    assert second is not None
    desk.confirm(second)

    async def test(client: Client) -> None:
        await asked(client, "POST", f"/api/v1/calls/{first}/transfer", 404, {"with": "none"})
        await asked(client, "POST", f"/api/v1/calls/{first}/transfer", 409, {"with": first})
        await asked(client, "POST", f"/api/v1/calls/{first}/transfer", 200, {"with": second})

    visit(Door(desk), test)
    assert desk.did(TransferCall) == [TransferCall(first, other=second)]


def test_what_makes_no_sense_now_is_a_conflict() -> None:
    desk = DeskPhone()
    id = desk.talk()

    async def test(client: Client) -> None:
        base = f"/api/v1/calls/{id}"
        for verb in ("answer", "reject", "resume"):
            assert (await asked(client, "POST", f"{base}/{verb}", 409))["error"]
        await asked(client, "POST", f"{base}/hold", 200)
        await asked(client, "POST", f"{base}/hold", 409)
        await asked(client, "POST", "/api/v1/calls", 409, {"to": "1003", "account": "sip:nobody@example.net"})
        await asked(client, "POST", f"{base}/hangup", 200)
        await asked(client, "POST", f"{base}/hangup", 409)
        await asked(client, "POST", f"{base}/digits", 409, {"digits": "1"})

    visit(Door(desk), test)


@pytest.mark.parametrize("digits", ["", "12 3", "E", 5, None, "1\n2"])
def test_digits_are_those_of_a_keypad(digits: Any) -> None:
    desk = DeskPhone()
    id = desk.talk()

    async def test(client: Client) -> None:
        await asked(client, "POST", f"/api/v1/calls/{id}/digits", 400, {"digits": digits})

    visit(Door(desk), test)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["to", "account", "with", "digits"]), json_values, max_size=3),
)


@settings(max_examples=60)
@given(st.lists(bodies, max_size=12), st.sampled_from(["", "/in1/digits", "/in1/transfer", "/in1/answer", "/in1/hold"]))
def test_no_body_brings_an_error_of_ours(given_bodies: list[Any], path: str) -> None:
    desk = DeskPhone()
    desk.arrive("in1")

    async def test(client: Client) -> None:
        for body in given_bodies:
            octets = body if isinstance(body, bytes) else json.dumps(body).encode()
            async with client.post(f"/api/v1/calls{path}", data=octets) as answer:
                assert answer.status in (200, 201, 400, 404, 409)

    visit(Door(desk), test)


# --- events ---


async def event(stream: Any) -> tuple[str, dict[str, Any]]:
    """The next server-sent event: its name and its data."""
    fields = {}
    while line := (await stream.content.readline()).decode().rstrip("\n"):
        name, _, value = line.partition(": ")
        fields[name] = value
    return fields["event"], json.loads(fields["data"])


def test_listeners_are_told_the_phone_first_and_then_every_change() -> None:
    desk = DeskPhone()
    door = Door(desk)

    async def test(client: Client) -> None:
        async with client.get("/api/v1/events") as stream:
            assert stream.content_type == "text/event-stream"
            assert (await event(stream))[0] == "phone"
            desk.arrive("in1")
            door.changed()
            kind, call = await event(stream)
            assert (kind, call["id"], call["state"]) == ("call", "in1", "ringing")
            kind, phone = await event(stream)
            assert kind == "phone"
            assert [one["id"] for one in phone["calls"]] == ["in1"]

    visit(door, test)
    assert door.watchers == []


def test_changes_that_follow_at_once_are_told_one_by_one() -> None:
    """A state that lasts no longer than the loop's turn is not swallowed."""
    desk = DeskPhone()
    door = Door(desk)

    async def test(client: Client) -> None:
        async with client.get("/api/v1/events") as stream:
            await event(stream)
            desk.arrive("in1")
            door.changed()
            desk.end("in1", 487)
            door.changed()
            told = [await event(stream) for _ in range(4)]

        assert [data["state"] for kind, data in told if kind == "call"] == ["ringing", "ended"]

    visit(door, test)


def test_time_that_goes_by_is_no_event() -> None:
    desk = DeskPhone()
    desk.talk()
    door = Door(desk)

    async def test(client: Client) -> None:
        async with client.get("/api/v1/events") as stream:
            assert [(await event(stream))[0] for _ in range(2)] == ["call", "phone"]
            desk.wait(1.0)
            door.changed()
            desk.press("mute")
            door.changed()
            desk.replace()
            door.changed()
            assert (await event(stream))[1]["state"] == "ended"

    visit(door, test)


def test_a_listener_who_does_not_read_is_told_the_latest() -> None:
    """What is kept for one is bounded."""
    desk = DeskPhone()
    door = Door(desk)

    async def test(client: Client) -> None:
        async with client.get("/api/v1/events") as stream:
            await event(stream)
            for _ in range(2 * MOST_BEHIND):
                desk.lift()
                door.changed()
                desk.replace()
                door.changed()
            desk.lift()
            door.changed()
            hooks = [(await event(stream))[1]["hook"] for _ in range(MOST_BEHIND)]

        assert hooks[-1] == "off"

    visit(door, test)
