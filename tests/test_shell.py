"""The asyncio shell around one station: real sockets on loopback, a simulated board, an engine without sound."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import pytest

from firmware.config import parse
from firmware.media import messages as media
from firmware.phone.events import CallRequest, DialRequest
from firmware.phone.phone import NoSuchCall
from firmware.phone.set_up_page import Outcome
from firmware.runtime.shell import FAREWELL_S, Shell
from firmware.runtime.sip_sockets import ListenError, local_address
from firmware.sip.transport import Hop, ListeningPoint, Locate
from firmware.station.build import World, build_station
from hw.sim.board import SimBoard
from tests.support.stations import PortsOnly
from tests.support.world import wall


class Engine:
    """`MediaEngine` without sound."""

    def __init__(self, heard: Callable[[media.Event], None]) -> None:
        self.heard = heard
        self.ports = PortsOnly()
        self.running = False

    def send(self, command: media.Command) -> None:
        for event in self.ports.send(command):
            self.heard(event)

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False


async def nobody(query: Locate) -> Sequence[Hop]:
    """No name is known."""
    return ()


CONFIG = """
[[account]]
address = "sip:{user}@127.0.0.1"
register = false

[sip]
listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"]
"""


class Desk:
    """A shell with everything around it."""

    def __init__(self, user: str) -> None:
        self.config = parse(CONFIG.format(user=user))
        self.board = SimBoard(user)
        self.asked: list[Locate] = []
        self.found: Sequence[Hop] = ()
        """What a name leads to."""
        self.heard_of: list[tuple[Hop, bool]] = []
        self.engine: Engine | None = None
        self.set_ups = 0
        """How often the set-up page was asked for."""
        world = World(Random(1), local_address, wall)
        self.shell = Shell(
            [ListeningPoint(point.transport, point.host, 0) for point in self.config.sip.listen],
            lambda points, now: build_station(self.config, points, world, now),
            self._engine,
            self.board,
            self._resolve,
            lambda hop, answered: self.heard_of.append((hop, answered)),
            open_set_up=self._open_set_up,
        )

    async def _open_set_up(self) -> Outcome:
        self.set_ups += 1
        return "open"

    def _engine(self, heard: Callable[[media.Event], None]) -> Engine:
        self.engine = Engine(heard)
        return self.engine

    async def _resolve(self, query: Locate) -> Sequence[Hop]:
        self.asked.append(query)
        return self.found

    @property
    def port(self) -> int:
        return self.shell.points[0].port

    def states(self) -> list[str]:
        return [call.state for call in self.shell.view().calls]

    async def until(self, done: Callable[[], object]) -> None:
        """Wait for something that the shell's watchers are told of."""
        changed = asyncio.Event()
        unwatch = self.shell.watch(changed.set)
        try:
            async with asyncio.timeout(30):
                while not done():
                    changed.clear()
                    await changed.wait()
        finally:
            unwatch()


def run(test: Callable[[Desk, Desk], Awaitable[None]]) -> None:
    """Two telephones on one loop."""

    async def whole() -> None:
        desks = Desk("anna"), Desk("otto")
        try:
            for desk in desks:
                await desk.shell.start()
            await asyncio.wait_for(test(*desks), 60)
        finally:
            for desk in desks:
                await desk.shell.close()

    asyncio.run(whole())


def test_two_shells_call_each_other() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        id = anna.shell.request(DialRequest(f"sip:otto@127.0.0.1:{otto.port}"))
        assert id is not None
        await otto.until(lambda: otto.states() == ["ringing"])
        assert otto.board.ringer.ringing
        otto.board.lift()
        await anna.until(lambda: anna.states() == ["confirmed"])
        assert not otto.board.ringer.ringing
        anna.shell.request(CallRequest(id, "hangup"))
        await otto.until(lambda: otto.states() == ["ended"])

    run(test)


def test_a_call_over_tcp() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        anna.shell.request(DialRequest(f"sip:otto@127.0.0.1:{otto.shell.points[1].port};transport=tcp"))
        await otto.until(lambda: otto.states() == ["ringing"])

    run(test)


def test_the_panel_is_drawn_and_told() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        changed = asyncio.Event()
        otto.board.watch(changed.set)
        anna.shell.request(DialRequest(f"sip:otto@127.0.0.1:{otto.port}"))
        async with asyncio.timeout(30):
            while "anna" not in " ".join(otto.board.display.lines):
                changed.clear()
                await changed.wait()
        assert any(otto.board.display.pixels)

    run(test)


def test_keys_may_come_from_another_thread() -> None:
    """A board's driver has threads of its own."""

    async def test(anna: Desk, otto: Desk) -> None:
        thread = threading.Thread(target=lambda: (anna.board.lift(), anna.board.press("5")))
        thread.start()
        await anna.until(lambda: anna.shell.view().digits == "5")
        thread.join()

    run(test)


def test_a_handset_that_is_up_at_the_start_is_known() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        late = Desk("late")
        late.board.lift()
        await late.shell.start()
        assert late.shell.view().hook == "off"
        await late.shell.close()

    run(test)


def test_names_are_looked_up_outside() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        anna.shell.request(DialRequest("sip:otto@nowhere.invalid"))
        await anna.until(lambda: anna.states() == ["ended"])
        assert anna.asked[0].host == "nowhere.invalid"
        assert anna.shell.view().calls[0].cause is not None

    run(test)


def test_who_looks_up_names_is_told_which_hops_are_silent() -> None:
    """And which of them answer again (RFC 3263 §4.3)."""

    async def test(anna: Desk, otto: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as away:
            away.bind(("127.0.0.1", 0))
            dead = Hop("UDP", "127.0.0.1", away.getsockname()[1])
        anna.found = [dead, Hop("UDP", "127.0.0.1", otto.port)]
        anna.shell.request(DialRequest("sip:otto@exchange.test"))
        await anna.until(lambda: anna.states() == ["ended"])  # otto answers: at exchange.test he is unknown
        cause = anna.shell.view().calls[0].cause
        assert cause is not None
        assert cause[0] == 404
        assert anna.heard_of == [(dead, False)]

    run(test)


def test_a_flood_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            here = f"127.0.0.1:{stranger.getsockname()[1]}"
            for n in range(3000):
                request = (
                    f"OPTIONS sip:127.0.0.1:{otto.port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{n}\r\n"
                    f"From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\n\r\n"
                )
                stranger.sendto(request.encode(), ("127.0.0.1", otto.port))
                if n % 50 == 49:
                    await asyncio.sleep(0)
                if otto.shell.counters()["overload"] > 100:
                    break
            await otto.until(lambda: otto.shell.counters()["overload"] > 0)

    run(test)
    assert sum("rate limited" in record.getMessage() for record in caplog.records) == 1


def test_a_request_that_makes_no_sense_is_raised_to_who_asked() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        with pytest.raises(NoSuchCall):
            anna.shell.request(CallRequest("none", "answer"))

    run(test)


def test_counters_count() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"this is no SIP", ("127.0.0.1", anna.port))
        await anna.until(lambda: anna.shell.counters()["malformed"] == 1)

    run(test)


def test_leave_is_taken_before_the_sockets_close() -> None:
    """A call ends with BYE, and the answer is waited for."""

    async def test(anna: Desk, otto: Desk) -> None:
        anna.shell.request(DialRequest(f"sip:otto@127.0.0.1:{otto.port}"))
        await otto.until(lambda: otto.states() == ["ringing"])
        otto.board.lift()
        await anna.until(lambda: anna.states() == ["confirmed"])
        loop = asyncio.get_running_loop()
        began = loop.time()
        await anna.shell.take_leave()
        assert loop.time() - began < FAREWELL_S
        await otto.until(lambda: otto.states() == ["ended"])
        await anna.shell.close()
        assert anna.engine is not None
        assert not anna.engine.running

    run(test)


def test_leave_of_a_silent_far_end_takes_so_long_and_no_longer() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            anna.shell.request(DialRequest(f"sip:x@127.0.0.1:{silent.getsockname()[1]}"))
            loop = asyncio.get_running_loop()
            began = loop.time()
            await anna.shell.take_leave()
            assert loop.time() - began < FAREWELL_S + 0.5

    run(test)


def test_closing_twice_and_leaving_after_it_do_no_harm() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        await anna.shell.close()
        await anna.shell.take_leave()
        await anna.shell.close()
        anna.board.lift()  # and nobody is there to be told

    run(test)


def test_a_port_in_use_is_raised_before_anything_else_starts() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        late = Desk("late")
        shell = Shell(
            [ListeningPoint("UDP", "127.0.0.1", anna.port)],
            lambda points, now: pytest.fail("the station was built"),
            Engine,
            late.board,
            nobody,
        )
        with pytest.raises(ListenError):
            await shell.start()
        await shell.close()

    run(test)


def test_the_set_up_page_is_asked_for_and_the_telephone_told() -> None:
    async def test(anna: Desk, otto: Desk) -> None:
        anna.board.press("*")
        await anna.until(lambda: anna.shell.view().options is not None)
        anna.board.release("*")
        for key in "5#":
            anna.board.press(key)
            anna.board.release(key)

        def told() -> bool:
            options = anna.shell.view().options
            return options is not None and options.set_up == "open"

        await anna.until(told)
        assert (anna.set_ups, otto.set_ups) == (1, 0)

    run(test)
