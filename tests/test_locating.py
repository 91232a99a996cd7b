"""RFC 3263 §4 and RFC 2782: which questions are asked, and which hops come of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.sip.locating import (
    LONGEST_TTL,
    MOST_HOPS,
    Answer,
    NamingPointer,
    Question,
    Search,
    ServiceRecord,
    is_numeric,
    order_services,
)
from firmware.sip.transport import Hop, Locate

Records = dict[tuple[str, str], tuple[object, ...]]

EXAMPLE: Records = {
    # RFC 3263 §4.1's own example.
    ("example.com", "NAPTR"): (
        NamingPointer(50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com"),
        NamingPointer(90, 50, "s", "SIP+D2T", "", "_sip._tcp.example.com"),
        NamingPointer(100, 50, "s", "SIP+D2U", "", "_sip._udp.example.com"),
    ),
    ("_sip._tcp.example.com", "SRV"): (
        ServiceRecord(0, 1, 5060, "server1.example.com"),
        ServiceRecord(0, 2, 5060, "server2.example.com"),
    ),
    ("_sips._tcp.example.com", "SRV"): (ServiceRecord(0, 1, 5061, "server1.example.com"),),
    ("_sip._udp.example.com", "SRV"): (ServiceRecord(0, 1, 5060, "server3.example.com"),),
    ("server1.example.com", "A"): ("192.0.2.1",),
    ("server2.example.com", "A"): ("192.0.2.2",),
    ("server3.example.com", "A"): ("192.0.2.3",),
    ("example.com", "A"): ("192.0.2.9",),
    ("example.com", "AAAA"): ("2001:db8::9",),
}


def answer_to(question: Question, records: Records, ttl: float) -> Answer:
    found = records.get((question.name, question.kind), ())
    if question.kind == "NAPTR":
        return Answer(question, ttl, pointers=found)  # type: ignore[arg-type]
    if question.kind == "SRV":
        return Answer(question, ttl, services=found)  # type: ignore[arg-type]
    return Answer(question, ttl, addresses=found)  # type: ignore[arg-type]


class Asked:
    """A finished search."""

    def __init__(
        self,
        host: str,
        port: int | None = None,
        transport: str | None = None,
        *,
        secure: bool = False,
        transports: Sequence[str] = ("UDP", "TCP"),
        families: Sequence[Literal["A", "AAAA"]] = ("A", "AAAA"),
        records: Records = EXAMPLE,
    ) -> None:
        self.search = Search(
            Locate(1, host, port, transport, secure), Random(3263), transports=transports, families=families
        )
        self.questions: list[str] = []
        while self.search.hops is None:
            for question in self.search.drain():
                self.questions.append(f"{question.kind} {question.name}")
                self.search.receive(answer_to(question, records, 300.0 - len(self.questions)))
        self.hops = self.search.hops

    @property
    def where(self) -> list[str]:
        return [f"{hop.transport} {hop.host} {hop.port}" for hop in self.hops]


# §4.1 and §4.2


@pytest.mark.parametrize(
    ("locate", "hop"),
    [
        (("192.0.2.1", None, None, False), Hop("UDP", "192.0.2.1", 5060)),
        (("192.0.2.1", 5080, None, False), Hop("UDP", "192.0.2.1", 5080)),
        (("192.0.2.1", None, "TCP", False), Hop("TCP", "192.0.2.1", 5060)),
        (("2001:db8::1", None, "TLS", False), Hop("TLS", "2001:db8::1", 5061, "2001:db8::1")),
        (("192.0.2.1", None, None, True), Hop("TLS", "192.0.2.1", 5061, "192.0.2.1")),
        (("192.0.2.1", None, "TCP", True), Hop("TLS", "192.0.2.1", 5061, "192.0.2.1")),
    ],
)
def test_a_numeric_host_needs_no_question(locate: tuple[str, int | None, str | None, bool], hop: Hop) -> None:
    host, port, transport, secure = locate
    asked = Asked(host, port, transport, secure=secure, transports=("UDP", "TCP", "TLS"))

    assert asked.questions == []
    assert asked.hops == (hop,)
    assert asked.search.ttl == LONGEST_TTL


def test_the_rfcs_own_example() -> None:
    """§4.1: "Since the client supports TCP and UDP, TCP will be used"."""
    asked = Asked("example.com", families=("A",))

    assert asked.questions[:2] == ["NAPTR example.com", "SRV _sip._tcp.example.com"]
    assert sorted(asked.where) == ["TCP 192.0.2.1 5060", "TCP 192.0.2.2 5060"]


def test_a_client_with_tls_prefers_what_the_domain_prefers() -> None:
    asked = Asked("example.com", transports=("UDP", "TCP", "TLS"), families=("A",))

    assert asked.hops == (Hop("TLS", "192.0.2.1", 5061, "example.com"),)


def test_sips_discards_all_that_is_not_sips() -> None:
    """§4.1: "a client resolving a SIPS URI MUST discard any services that do not contain "SIPS""."""
    asked = Asked("example.com", secure=True, transports=("UDP", "TCP", "TLS"), families=("A",))

    assert asked.where == ["TLS 192.0.2.1 5061"]


def test_a_port_needs_addresses_only() -> None:
    """§4.2; UDP by §4.1."""
    asked = Asked("example.com", 5080)

    assert asked.questions == ["A example.com", "AAAA example.com"]
    assert asked.where == ["UDP 192.0.2.9 5080", "UDP 2001:db8::9 5080"]


def test_a_transport_needs_no_naptr() -> None:
    """§4.2."""
    asked = Asked("example.com", transport="UDP", families=("A",))

    assert asked.questions == ["SRV _sip._udp.example.com", "A server3.example.com"]
    assert asked.where == ["UDP 192.0.2.3 5060"]


def test_without_naptr_every_transport_is_tried() -> None:
    """§4.1: "the client constructs SRV queries for those transport protocols it supports"."""
    records = {key: value for key, value in EXAMPLE.items() if key[1] != "NAPTR"}
    asked = Asked("example.com", families=("A",), records=records)

    assert asked.questions[1:3] == ["SRV _sip._udp.example.com", "SRV _sip._tcp.example.com"]
    assert asked.where[0] == "UDP 192.0.2.3 5060"
    assert len(asked.where) == 3


def test_without_srv_the_host_itself_is_taken() -> None:
    """§4.1, §4.2."""
    records: Records = {("example.com", "A"): ("192.0.2.9",)}

    assert Asked("example.com", records=records).where == ["UDP 192.0.2.9 5060"]
    assert Asked("example.com", transport="TCP", records=records).where == ["TCP 192.0.2.9 5060"]
    assert Asked("example.com", secure=True, transports=("TLS",), records=records).where == ["TLS 192.0.2.9 5061"]
    assert Asked("example.com", transports=("TCP",), records=records).where == ["TCP 192.0.2.9 5060"]


def test_pointers_that_lead_nowhere_do_not_end_the_search() -> None:
    records = {**EXAMPLE, ("_sip._tcp.example.com", "SRV"): ()}

    assert Asked("example.com", families=("A",), records=records).where == ["UDP 192.0.2.3 5060"]


@pytest.mark.parametrize(
    "pointer",
    [
        NamingPointer(1, 1, "a", "SIP+D2T", "", "server2.example.com"),
        NamingPointer(1, 1, "s", "SIP+D2S", "", "_sip._sctp.example.com"),
        NamingPointer(1, 1, "s", "E2U+sip", "", "_sip._tcp.example.com"),
        NamingPointer(1, 1, "s", "SIP+D2T", "!^.*$!sip:x@y!", "_sip._tcp.example.com"),
        NamingPointer(1, 1, "s", "SIP+D2T", "", ""),
    ],
)
def test_pointers_that_do_not_apply_are_discarded(pointer: NamingPointer) -> None:
    """§4.1."""
    records: Records = {("example.com", "NAPTR"): (pointer,), ("example.com", "A"): ("192.0.2.9",)}
    asked = Asked("example.com", families=("A",), records=records)

    assert asked.questions[1:3] == ["SRV _sip._udp.example.com", "SRV _sip._tcp.example.com"]


def test_names_have_no_case_and_no_final_dot() -> None:
    records: Records = {("example.com", "NAPTR"): (NamingPointer(1, 1, "S", "sip+d2u", "", "_sip._udp.EXAMPLE.com"),)}

    assert Asked("Example.COM.", records=records).questions[:2] == [
        "NAPTR example.com",
        "SRV _sip._udp.example.com",
    ]


def test_a_service_that_is_decidedly_not_there() -> None:
    """RFC 2782: a Target of "." ends the search, even if the host has an address."""
    records: Records = {
        ("_sip._udp.example.com", "SRV"): (ServiceRecord(0, 0, 0, ""),),
        ("example.com", "A"): ("192.0.2.9",),
    }

    assert Asked("example.com", transport="UDP", records=records).hops == ()


@pytest.mark.parametrize(
    ("transport", "secure"), [("SCTP", False), ("TLS", False), ("UDP", True), ("TLS", True), (None, True)]
)
def test_what_we_cannot_speak_is_not_looked_for(transport: str | None, secure: bool) -> None:
    asked = Asked("example.com", transport=transport, secure=secure)

    assert (asked.questions, asked.hops) == ([], ())


def test_families_in_the_order_of_preference() -> None:
    assert Asked("example.com", 5060, families=("AAAA", "A")).where[0] == "UDP 2001:db8::9 5060"
    assert Asked("example.com", 5060, families=("A",)).where == ["UDP 192.0.2.9 5060"]


def test_the_ttl_is_the_smallest_of_all_answers() -> None:
    asked = Asked("example.com")

    assert asked.search.ttl == 300.0 - len(asked.questions)


def test_answers_nobody_asked_for_change_nothing() -> None:
    search = Search(Locate(1, "example.com", 5060, None, False), Random(1), families=("A",))
    search.receive(Answer(Question("evil.example", "A"), 1.0, addresses=("203.0.113.1",)))
    (question,) = search.drain()
    search.receive(Answer(question, 60.0, addresses=("192.0.2.9",)))
    search.receive(Answer(question, 60.0, addresses=("203.0.113.1",)))

    assert search.hops == (Hop("UDP", "192.0.2.9", 5060),)
    assert search.ttl == 60.0


def test_a_domain_with_a_thousand_servers_gives_some() -> None:
    many = tuple(ServiceRecord(number, 0, 5060, f"s{number}.example.com") for number in range(1000))
    addresses: Records = {
        (f"s{number}.example.com", "A"): tuple(f"192.0.2.{last}" for last in range(200)) for number in range(1000)
    }
    asked = Asked("example.com", transport="UDP", records={("_sip._udp.example.com", "SRV"): many, **addresses})

    assert len(asked.hops) == MOST_HOPS
    assert len(asked.questions) < 20


# RFC 2782


def test_priorities_come_before_weights() -> None:
    records = [ServiceRecord(20, 100, 1, "b"), ServiceRecord(10, 0, 1, "a"), ServiceRecord(30, 100, 1, "c")]

    assert [record.target for record in order_services(records, Random(1))] == ["a", "b", "c"]


def test_weights_decide_how_often_who_is_first() -> None:
    """RFC 2782: "Larger weights SHOULD be given a proportionately higher probability"; 0 "a very small chance"."""
    records = [ServiceRecord(1, weight, 1, str(weight)) for weight in (0, 1, 3, 6)]
    random = Random(2782)

    firsts = Counter(order_services(records, random)[0].weight for _ in range(11_000))

    assert {weight: round(count / 1000) for weight, count in firsts.items()} == {0: 1, 1: 1, 3: 3, 6: 6}


@given(st.lists(st.builds(ServiceRecord, st.integers(0, 3), st.integers(0, 65535), st.just(5060), st.text(max_size=3))))
def test_ordering_loses_nobody(records: list[ServiceRecord]) -> None:
    ordered = order_services(records, Random(1))

    assert Counter(ordered) == Counter(records)
    assert [record.priority for record in ordered] == sorted(record.priority for record in records)


@pytest.mark.parametrize(
    ("host", "numeric"),
    [("192.0.2.1", True), ("2001:db8::1", True), ("fe80::1%eth0", True), ("192.0.2", False), ("example.com", False)],
)
def test_what_is_numeric(host: str, numeric: bool) -> None:
    assert is_numeric(host) is numeric
