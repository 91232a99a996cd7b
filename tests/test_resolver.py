"""The resolver against a DNS server on loopback that answers from a table."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from firmware.runtime.resolver import SILENCE, ExpiringMap, HostsFile, Resolver
from firmware.sip.transport import Hop, Locate

ZONE = """
example.test            NAPTR 60   10 10 "s" "SIP+D2U" "" _sip._udp.example.test.
_sip._udp.example.test  SRV   120  0 0 5070 one.example.test.
_sip._udp.example.test  SRV   120  1 0 5070 two.example.test.
one.example.test        A     300  192.0.2.1
two.example.test        A     300  192.0.2.2
two.example.test        AAAA  300  2001:db8::2
fleeting.test           A     0    192.0.2.7
alias.test              CNAME 300  one.example.test.
nowhere.test            SRV   300  0 0 0 .
"""
SOA = "test. 30 IN SOA ns.test. hostmaster.test. 1 3600 600 86400 20"


class Clock:
    """Time as the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Answers from a table, or not at all."""

    zone: str = ZONE
    silent: bool = False
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    address: tuple[str, int] = ("", 0)
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{kind} {question.name.to_text(omit_final_dot=True)}")
        assert self.transport is not None
        if not self.silent:
            self.transport.sendto(b"\0\0" if self.broken else self._answer(query).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        rows = [line.split(maxsplit=3) for line in self.zone.strip().splitlines()]
        for owner, of, ttl, rdata in rows:
            if owner == name and of in (kind, "CNAME"):
                response.answer.append(dns.rrset.from_text(f"{owner}.", int(ttl), "IN", of, rdata))
                if of == "CNAME":
                    name = rdata.rstrip(".")
        response.answer += [
            dns.rrset.from_text(f"{owner}.", int(ttl), "IN", of, rdata)
            for owner, of, ttl, rdata in rows
            if response.answer and response.answer[0].rdtype == dns.rdatatype.CNAME and owner == name and of == kind
        ]
        if not response.answer:
            owner, ttl, _, _, rdata = SOA.split(maxsplit=4)
            response.authority.append(dns.rrset.from_text(owner, int(ttl), "IN", "SOA", rdata))
            if not any(row[0] == name for row in rows):
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[NameServer]:
    server = NameServer(**options)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: server, local_addr=("127.0.0.1", 0), family=socket.AF_INET
    )
    try:
        yield server
    finally:
        transport.close()


def new_resolver(*servers: NameServer, clock: Callable[[], float] | None = None, **options: Any) -> Resolver:
    options = {"hosts_file": Path("/nonexistent"), "lifetime": 2.0, **options}
    addresses = [server.address for server in servers]
    return Resolver(Random(1), nameservers=addresses, clock=clock or Clock(), **options)


def asynchronous(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run the coroutine to its end."""

    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def locate(host: str, port: int | None = None, transport: str | None = None) -> Locate:
    return Locate(1, host, port, transport, False)


@asynchronous
async def test_from_naptr_to_addresses() -> None:
    """RFC 3263 §4."""
    async with serving() as server:
        hops = await new_resolver(server).locate(locate("example.test"))

    assert hops == (
        Hop("UDP", "192.0.2.1", 5070),
        Hop("UDP", "2001:db8::2", 5070),
        Hop("UDP", "192.0.2.2", 5070),
    )


@asynchronous
async def test_a_numeric_host_asks_nobody() -> None:
    async with serving() as server:
        assert await new_resolver(server).locate(locate("192.0.2.1")) == (Hop("UDP", "192.0.2.1", 5060),)
        assert server.asked == []


@asynchronous
async def test_answers_are_kept_for_their_ttl() -> None:
    """RFC 1034 §3.6: NAPTR 60 s, SRV 120 s, the addresses 300 s."""
    clock = Clock()
    async with serving() as server:
        resolver = new_resolver(server, clock=clock, families=("A",))
        first = await resolver.locate(locate("example.test"))
        asked = len(server.asked)
        clock.now += 59
        assert await resolver.locate(locate("example.test")) == first
        assert len(server.asked) == asked
        clock.now += 2
        await resolver.locate(locate("example.test"))

    assert server.asked[asked:] == ["NAPTR example.test"]


@asynchronous
async def test_that_there_is_none_is_kept_for_the_zones_negative_ttl() -> None:
    """RFC 2308 §5: the smaller of the SOA's TTL and its last field, here 20 s."""
    clock = Clock()
    async with serving() as server:
        resolver = new_resolver(server, clock=clock)
        assert await resolver.locate(locate("unknown.test", 5060)) == ()
        assert await resolver.locate(locate("two.example.test", transport="TCP")) != ()
        asked = len(server.asked)
        clock.now += 19
        await resolver.locate(locate("unknown.test", 5060))
        assert len(server.asked) == asked
        clock.now += 2
        await resolver.locate(locate("unknown.test", 5060))
        assert len(server.asked) == asked + 2


@asynchronous
async def test_a_ttl_of_0_is_for_once() -> None:
    async with serving() as server:
        resolver = new_resolver(server, families=("A",))
        await resolver.locate(locate("fleeting.test", 5060))
        await resolver.locate(locate("fleeting.test", 5060))

    assert server.asked == ["A fleeting.test"] * 2


@asynchronous
async def test_an_alias_is_followed() -> None:
    async with serving() as server:
        assert await new_resolver(server).locate(locate("alias.test", 5060)) == (Hop("UDP", "192.0.2.1", 5060),)


@asynchronous
async def test_calls_at_the_same_time_share_a_question() -> None:
    async with serving() as server:
        resolver = new_resolver(server, families=("A",))
        await asyncio.gather(*(resolver.locate(locate("one.example.test", 5060)) for _ in range(10)))

    assert server.asked == ["A one.example.test"]


@asynchronous
async def test_a_silent_name_server_costs_little_if_there_is_another() -> None:
    async with serving(silent=True) as dead, serving() as server:
        resolver = new_resolver(dead, server, families=("A",))

        assert await resolver.locate(locate("one.example.test", 5060)) == (Hop("UDP", "192.0.2.1", 5060),)
    assert dead.asked


@pytest.mark.parametrize("fault", ["silent", "broken"])
def test_without_an_answer_there_is_no_hop(fault: str) -> None:
    """And the same question is not put again at once."""

    async def run() -> None:
        async with serving(**{fault: True}) as server:
            resolver = new_resolver(server, lifetime=0.2)
            assert await resolver.locate(locate("one.example.test", 5060)) == ()
            asked = len(server.asked)
            assert await resolver.locate(locate("one.example.test", 5060)) == ()
            assert len(server.asked) == asked

    asyncio.run(run())


@asynchronous
async def test_a_server_that_was_silent_is_tried_last_for_a_while() -> None:
    """RFC 3263 §4.3: the next is tried; and the next call does not begin with the dead one again."""
    clock = Clock()
    async with serving() as server:
        resolver = new_resolver(server, clock=clock, families=("A",))
        one, two = await resolver.locate(locate("example.test"))
        resolver.silent(one)
        assert await resolver.locate(locate("example.test")) == (two, one)
        clock.now += SILENCE + 1
        assert await resolver.locate(locate("example.test")) == (one, two)
        resolver.silent(one)
        resolver.alive(one)
        assert await resolver.locate(locate("example.test")) == (one, two)


@asynchronous
async def test_localhost_is_never_asked_of_dns() -> None:
    """RFC 6761 §6.3; no server is needed for a phone that calls its neighbour on the same PC."""
    async with serving() as server:
        resolver = new_resolver(server, families=("A",))

        assert await resolver.locate(locate("localhost")) == (Hop("UDP", "127.0.0.1", 5060),)
        assert server.asked == []


def test_this_machines_own_names_are_not_asked_of_dns(tmp_path: Path) -> None:
    """Those in its hosts file, those without a domain, and RFC 6762's."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n192.0.2.8\tPBX.example.test # the exchange\n")
    asked: list[str] = []

    async def own_names(name: str, kind: str) -> tuple[str, ...]:
        asked.append(name)
        return ("192.0.2.8",)

    async def run() -> None:
        async with serving() as server:
            resolver = new_resolver(server, hosts_file=hosts, own_names=own_names, families=("A",))
            for name in ("pbx.example.test", "pbx", "pbx.local", "pbx"):
                assert await resolver.locate(locate(name)) == (Hop("UDP", "192.0.2.8", 5060),)
            assert server.asked == []

    asyncio.run(run())
    assert asked == ["pbx.example.test", "pbx", "pbx.local"]


def test_a_name_this_machine_does_not_know() -> None:
    async def own_names(name: str, kind: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async def run() -> None:
        async with serving() as server:
            assert await new_resolver(server, own_names=own_names).locate(locate("pbx")) == ()

    asyncio.run(run())


def test_a_hosts_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    names = HostsFile(path)
    assert "pbx" not in names

    path.write_text("192.0.2.8 Pbx. # exchange\n")

    assert "pbx" in names
    assert "exchange" not in names
    assert "192.0.2.8" not in names


def test_what_is_kept_is_bounded() -> None:
    clock = Clock()
    kept: ExpiringMap[int, str] = ExpiringMap(3, clock)
    for number in range(5):
        kept.put(number, str(number), 10.0)
        kept.get(2)

    assert len(kept) == 3
    assert kept.get(2) == (10.0, "2")
    assert kept.get(1) is None
    clock.now += 10.0
    assert kept.get(4) is None
    kept.put(5, "5", 0.0)
    assert kept.get(5) is None
