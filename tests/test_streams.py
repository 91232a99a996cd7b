"""Messages over streams, and the limits of patience: RFC 3261 §18.3, RFC 5626 §3.5.1."""

from __future__ import annotations

import pytest

from firmware.sip.endpoint import Endpoint
from firmware.sip.transport import CloseConnection, Hop, SendStream
from tests.support.signalling import BILOXI, Limits, RecordingCore, flow, new_endpoint, request, run

FLOW = flow("TCP", (BILOXI, 41_000), 7)


def listening(**limits: float) -> tuple[Endpoint, RecordingCore]:
    endpoint, core = new_endpoint(limits=Limits(**limits)), RecordingCore()  # type: ignore[arg-type]
    endpoint.cores.append(core)
    return endpoint, core


def options(number: int = 1) -> bytes:
    return request("OPTIONS", transport="TCP", branch=f"z9hG4bK{number}")


def test_stream_cut_at_every_octet_gives_the_same_requests() -> None:
    """§18.3."""
    octets = options(1) + options(2)
    for cut in range(1, len(octets)):
        endpoint, core = listening()

        endpoint.receive(octets[:cut], FLOW, 0.0)
        endpoint.receive(octets[cut:], FLOW, 0.1)

        assert [transaction.request.via.branch for transaction in core.requests] == ["z9hG4bK1", "z9hG4bK2"]


def test_streams_do_not_mix() -> None:
    endpoint, core = listening()
    other = flow("TCP", (BILOXI, 41_001), 8)

    endpoint.receive(options(1)[:100], FLOW, 0.0)
    endpoint.receive(options(2), other, 0.0)
    endpoint.receive(options(1)[100:], FLOW, 0.0)

    assert [transaction.flow.connection for transaction in core.requests] == [8, 7]


def test_ping_is_answered_with_pong_on_its_connection_and_pong_with_nothing() -> None:
    """RFC 5626 §4.4.1."""
    endpoint, _ = listening()

    endpoint.receive(b"\r\n\r\n", FLOW, 0.0)
    assert endpoint.drain() == [SendStream(b"\r\n", Hop("TCP", BILOXI, 41_000), 7)]

    endpoint.receive(options(), FLOW, 0.1)
    endpoint.receive(b"\r\n", FLOW, 0.2)
    assert endpoint.drain() == []


def test_broken_framing_closes_the_stream() -> None:
    """§18.3: "The Content-Length header field MUST be used with stream oriented transports"."""
    endpoint, core = listening()

    endpoint.receive(options().replace(b"Content-Length: 0\r\n", b""), FLOW, 0.0)

    assert endpoint.drain() == [CloseConnection(7)]
    assert core.requests == []
    assert endpoint.malformed == 1


def test_message_must_be_complete_within_30_seconds_however_it_trickles() -> None:
    """Slowloris: more octets of the same message win no time."""
    endpoint, _ = listening()
    for second in range(29):
        endpoint.receive(options()[second : second + 1], FLOW, float(second))

    assert run(endpoint, 29.9) == []
    assert run(endpoint, 60.0) == [(30.0, CloseConnection(7))]


def test_next_message_has_30_seconds_of_its_own() -> None:
    endpoint, core = listening()
    endpoint.receive(options(1)[:50], FLOW, 0.0)
    endpoint.receive(options(1)[50:] + options(2)[:50], FLOW, 20.0)
    for transaction in core.requests:
        endpoint.reply(transaction, 200, 20.0)
    endpoint.drain()

    assert run(endpoint, 100.0) == [(50.0, CloseConnection(7))]


def test_accepted_stream_owes_a_message() -> None:
    endpoint, _ = listening()

    endpoint.connection_opened(FLOW, 0.0)
    endpoint.connection_opened(FLOW, 5.0)

    assert run(endpoint, 100.0) == [(30.0, CloseConnection(7))]


def test_silent_stream_is_closed_after_the_idle_time() -> None:
    """§18: kept open "for some implementation-defined duration after the last message"."""
    endpoint, core = listening(idle=600.0)
    endpoint.receive(options(), FLOW, 0.0)
    endpoint.reply(core.requests[0], 200, 0.0)
    endpoint.drain()
    endpoint.receive(b"\r\n\r\n", FLOW, 500.0)
    endpoint.drain()

    assert run(endpoint, 2000.0) == [(1100.0, CloseConnection(7))]


def test_closed_stream_leaves_nothing() -> None:
    endpoint, core = listening()
    endpoint.receive(options()[:50], FLOW, 0.0)

    endpoint.connection_closed(7, 1.0)
    endpoint.connection_closed(7, 1.0)

    assert endpoint.next_deadline() is None
    endpoint.receive(options()[50:], FLOW, 2.0)
    assert core.requests == []
    assert endpoint.malformed == 1


@pytest.mark.parametrize("limits", [{"connections": 2}, {"connections_per_host": 2}])
def test_streams_are_limited(limits: dict[str, float]) -> None:
    endpoint, core = listening(**limits)

    for number in range(3):
        endpoint.receive(options(number), flow("TCP", (BILOXI, 41_000 + number), number), 0.0)

    assert [output for output in endpoint.drain() if isinstance(output, CloseConnection)] == [CloseConnection(2)]
    assert len(core.requests) == 2
    endpoint.connection_closed(0, 1.0)
    endpoint.receive(options(3), flow("TCP", (BILOXI, 41_003), 3), 1.0)
    assert len(core.requests) == 3


def test_limit_of_one_host_leaves_room_for_others() -> None:
    endpoint, core = listening(connections_per_host=1)

    endpoint.receive(options(1), flow("TCP", (BILOXI, 41_000), 1), 0.0)
    endpoint.receive(options(2), flow("TCP", ("192.0.2.99", 41_000), 2), 0.0)

    assert len(core.requests) == 2
