"""Which DNS questions find the next hop for a URI, and which hops their answers give: RFC 3263 §4, RFC 2782.

```
  numeric host ------------------------------------------------> hop
  port given ----------------------------> A, AAAA ------------> hops
  transport given ----------> SRV -------> A, AAAA of targets -> hops
  neither -------> NAPTR ---> SRV -------> A, AAAA of targets -> hops
                    | none: SRV of every transport we have; no SRV either: A, AAAA of the host itself
```

Nothing here asks anybody: `Search.drain()` gives the questions of the next step, `Search.receive()` takes the answers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Literal

from firmware.sip.transport import Hop, Locate

QuestionKind = Literal["A", "AAAA", "SRV", "NAPTR"]

DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}
"""RFC 3261 §19.1.2."""

LONGEST_TTL = 86_400.0
"""Seconds; also the TTL of what needed no question."""

MOST_POINTERS = 16
MOST_TARGETS = 8
MOST_HOPS = 16

_SERVICE_LABELS = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}
_NAPTR_SERVICES = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}


@dataclass(frozen=True, slots=True)
class Question:
    """One DNS question in class IN."""

    name: str
    """Domain name, lower case, without the final dot."""
    kind: QuestionKind


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """An SRV record (RFC 2782)."""

    priority: int
    """Lowest is tried first."""
    weight: int
    """Share among those of the same priority, 0 to 65535."""
    port: int
    target: str
    """Domain name without the final dot; "" is the root: not available here."""


@dataclass(frozen=True, slots=True)
class NamingPointer:
    """A NAPTR record (RFC 2915, RFC 3403), as far as RFC 3263 uses it."""

    order: int
    preference: int
    flags: str
    service: str
    """Such as "SIP+D2U"."""
    regexp: str
    replacement: str
    """Domain name of an SRV record, without the final dot."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question; without any record if there is none, or nobody answered."""

    question: Question
    ttl: float
    """Seconds for which it may be reused, negative answers too (RFC 2308)."""
    addresses: tuple[str, ...] = ()
    services: tuple[ServiceRecord, ...] = ()
    pointers: tuple[NamingPointer, ...] = ()


@dataclass(frozen=True, slots=True)
class _Target:
    transport: str
    host: str
    port: int


def is_numeric(host: str) -> bool:
    """Tell an IPv4 or IPv6 address (without brackets) from a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def order_services(records: Sequence[ServiceRecord], random: Random) -> list[ServiceRecord]:
    """Put SRV records into the order in which to try them: by priority, by weight within it (RFC 2782)."""
    by_priority = sorted(records, key=lambda record: record.priority)
    ordered: list[ServiceRecord] = []
    for _, group in groupby(by_priority, key=lambda record: record.priority):
        ordered += _shuffled_by_weight(list(group), random)
    return ordered


def _shuffled_by_weight(records: list[ServiceRecord], random: Random) -> list[ServiceRecord]:
    # "all those with weight 0 are placed at the beginning of the list", so that they have a very small chance.
    waiting = sorted(records, key=lambda record: record.weight > 0)
    ordered = []
    while waiting:
        drawn = random.randint(0, sum(record.weight for record in waiting))
        ordered.append(waiting.pop(_first_reaching(waiting, drawn)))
    return ordered


def _first_reaching(records: Sequence[ServiceRecord], drawn: int) -> int:
    running = 0
    for index, record in enumerate(records):
        running += record.weight
        if running >= drawn:
            return index
    raise ValueError("drawn beyond the sum of the weights")


class Search:
    """Finds the hops for one `Locate`.

    `transports`: those we can send by, most preferred first. `families`: "A" and "AAAA", most preferred first, as far
    as we have a listening point for them. When `hops` is no longer None the search is over.
    """

    def __init__(
        self,
        locate: Locate,
        random: Random,
        *,
        transports: Sequence[str] = ("UDP", "TCP"),
        families: Sequence[Literal["A", "AAAA"]] = ("AAAA", "A"),
    ) -> None:
        self.hops: tuple[Hop, ...] | None = None
        self.ttl = LONGEST_TTL
        """Seconds for which `hops` may be reused: the smallest TTL of all answers used."""
        self._host = locate.host.rstrip(".").lower()
        self._port = locate.port
        self._secure = locate.secure
        self._random = random
        self._transports = [name for name in transports if not locate.secure or name == "TLS"]
        self._families = families
        self._questions: list[Question] = []
        self._answers: dict[Question, Answer | None] = {}
        self._next: Callable[[], None] = self._finish
        self._services: list[list[tuple[str, str]]] = []
        self._targets: list[_Target] = []
        self._begin(_effective_transport(locate))

    def drain(self) -> list[Question]:
        """Return the questions not asked yet; the step goes on when each has its answer."""
        questions, self._questions = self._questions, []
        return questions

    def receive(self, answer: Answer) -> None:
        """Take the answer to a question; others are ignored."""
        if self._answers.get(answer.question, answer) is not None:
            return
        self._answers[answer.question] = answer
        self.ttl = max(0.0, min(self.ttl, answer.ttl))
        if all(self._answers.values()):
            self._next()

    def _begin(self, transport: str | None) -> None:
        """RFC 3263 §4.1: choose by what the URI says."""
        if not self._transports or (transport is not None and transport not in self._transports):
            self._end(())
        elif is_numeric(self._host) or self._port is not None:
            self._look_up([self._own_target(transport)])
        elif transport is not None:
            self._services = [[(transport, self._service_name(transport))]]
            self._ask_services()
        else:
            self._ask([Question(self._host, "NAPTR")], self._pointers_known)

    def _default_transport(self) -> str:
        # §4.1: "the client SHOULD use UDP for a SIP URI, and TCP for a SIPS URI".
        if self._secure:
            return "TLS"
        return "UDP" if "UDP" in self._transports else self._transports[0]

    def _own_target(self, transport: str | None) -> _Target:
        chosen = transport or self._default_transport()
        return _Target(chosen, self._host, self._port or DEFAULT_PORTS[chosen])

    def _service_name(self, transport: str) -> str:
        return f"{_SERVICE_LABELS[transport]}.{self._host}"

    def _ask(self, questions: Sequence[Question], then: Callable[[], None]) -> None:
        self._next = then
        self._answers = dict.fromkeys(questions)
        self._questions = list(self._answers)

    def _answered(self, question: Question) -> Answer:
        return self._answers[question] or Answer(question, 0.0)

    def _pointers_known(self) -> None:
        pointers = self._answered(Question(self._host, "NAPTR")).pointers
        usable = sorted(filter(self._applies, pointers), key=lambda each: (each.order, each.preference))[:MOST_POINTERS]
        self._services = [
            [(_NAPTR_SERVICES[each.service.upper()], each.replacement.lower()) for each in group]
            for _, group in groupby(usable, key=lambda each: each.order)
        ]
        # §4.1: "If no NAPTR records are found, the client constructs SRV queries for those transport protocols it
        # supports". The same serves when the pointers lead to no SRV record.
        self._services.append([(each, self._service_name(each)) for each in self._transports])
        self._ask_services()

    def _applies(self, pointer: NamingPointer) -> bool:
        return (
            pointer.flags.lower() == "s"
            and not pointer.regexp
            and bool(pointer.replacement)
            and _NAPTR_SERVICES.get(pointer.service.upper()) in self._transports
        )

    def _ask_services(self) -> None:
        self._ask([Question(name, "SRV") for _, name in self._services[0]], self._services_known)

    def _services_known(self) -> None:
        group = self._services.pop(0)
        found = [(transport, self._answered(Question(name, "SRV")).services) for transport, name in group]
        targets = [
            _Target(transport, record.target.lower(), record.port)
            for transport, records in found
            for record in order_services(records, self._random)
            if record.target
        ]
        if targets:
            self._look_up(list(dict.fromkeys(targets))[:MOST_TARGETS])
        elif any(records for _, records in found):
            # RFC 2782: "a Target of '.' means that the service is decidedly not available at this domain".
            self._end(())
        elif self._services:
            self._ask_services()
        else:
            self._look_up([self._own_target(_only_transport(group))])

    def _look_up(self, targets: list[_Target]) -> None:
        self._targets = targets
        names = [target.host for target in targets if not is_numeric(target.host)]
        questions = [Question(name, family) for name in names for family in self._families]
        if questions:
            self._ask(questions, self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        self._end([hop for target in self._targets for hop in self._hops_to(target)])

    def _hops_to(self, target: _Target) -> list[Hop]:
        if is_numeric(target.host):
            addresses = [target.host]
        else:
            addresses = [
                address
                for family in self._families
                for address in self._answered(Question(target.host, family)).addresses
            ]
        # RFC 5922 §7.1: the certificate names the domain that was asked for, not what DNS made of it.
        name = self._host if target.transport == "TLS" else ""
        return [Hop(target.transport, address, target.port, name) for address in addresses]

    def _end(self, hops: Sequence[Hop]) -> None:
        self._answers = {}
        self.hops = tuple(dict.fromkeys(hops))[:MOST_HOPS]


def _effective_transport(locate: Locate) -> str | None:
    """Give the transport that the URI demands, None if it leaves it to us; "" for one that cannot be."""
    if locate.transport is None:
        return None
    transport = locate.transport.upper()
    if not locate.secure:
        return transport
    # RFC 3261 §26.2.2: sips with transport=tcp is TLS over TCP; over a datagram it cannot be.
    return "TLS" if transport in ("TCP", "TLS") else ""


def _only_transport(group: Sequence[tuple[str, str]]) -> str | None:
    return group[0][0] if len(group) == 1 else None
