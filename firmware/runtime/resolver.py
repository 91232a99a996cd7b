"""Asks DNS for the hops of a URI: the asyncio shell around `sip.locating` (RFC 3263), with caches (RFC 1034, 2308)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from firmware.sip.locating import Answer, NamingPointer, Question, Search, ServiceRecord
from firmware.sip.transport import Hop, Locate, SocketAddress

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.message

LONGEST_NEGATIVE_TTL = 300.0
"""Seconds for which "there is none" is believed (RFC 2308 §5 advises one to three hours; a phone moves about)."""
FAILURE_TTL = 5.0
"""Seconds for which a name server that did not answer is not asked the same again."""
LOCAL_TTL = 30.0
"""Seconds for an answer that came from this machine's own name service, which states no TTL."""
SILENCE = 60.0
"""Seconds for which a server that did not answer a request is tried last."""
MOST_QUESTIONS = 32
"""Asked at the same time."""

_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}
_UNASKED = ("local", "localhost")
"""Top-level names that never go to a DNS server: RFC 6762 §3, RFC 6761 §6.3."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringMap(Generic[K, V]):
    """A mapping whose entries vanish at their time, and the one used longest ago when it is full."""

    def __init__(self, capacity: int, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> tuple[float, V] | None:
        """Return the seconds left and the value; None if there is none or its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        left = entry[0] - self._clock()
        if left <= 0:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return left, entry[1]

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keep `value` for so many seconds; none at all if that is not positive."""
        self._entries.pop(key, None)
        if seconds <= 0:
            return
        self._entries[key] = (self._clock() + seconds, value)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def pop(self, key: K) -> None:
        """Forget `key`."""
        self._entries.pop(key, None)


class HostsFile:
    """The names of a hosts file, read again when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed: float | None = None
        self._names: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        try:
            changed = self._path.stat().st_mtime
            if changed != self._changed:
                self._names, self._changed = _host_names(self._path.read_text("utf-8", "replace")), changed
        except OSError:
            return False
        return name in self._names


def _host_names(text: str) -> frozenset[str]:
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return frozenset(name.lower().rstrip(".") for fields in lines for name in fields[1:])


async def ask_this_machine(name: str, kind: Literal["A", "AAAA"]) -> tuple[str, ...]:
    """Return the addresses that this machine's own name service has: hosts file, search domains, mDNS.

    Raises `OSError` or `UnicodeError` if there is none.
    """
    look_up = asyncio.get_running_loop().getaddrinfo(name, None, family=_FAMILIES[kind], type=socket.SOCK_DGRAM)
    return tuple(str(address[0]) for *_, address in await look_up)


class Resolver:
    """Answers `Locate`.

    `transports` and `families` are those we have a listening point for, the preferred first. `nameservers`: None takes
    those of /etc/resolv.conf. `own_names`: what knows the names that are not DNS's. `lifetime`: seconds for one
    question; a whole `locate` takes at most three times that.
    """

    def __init__(
        self,
        random: Random,
        *,
        transports: Sequence[str] = ("UDP", "TCP"),
        families: Sequence[Literal["A", "AAAA"]] = ("AAAA", "A"),
        nameservers: Sequence[SocketAddress] | None = None,
        hosts_file: Path = Path("/etc/hosts"),
        own_names: Callable[[str, Literal["A", "AAAA"]], Awaitable[tuple[str, ...]]] = ask_this_machine,
        clock: Callable[[], float] = time.monotonic,
        lifetime: float = 4.0,
        capacity: int = 512,
    ) -> None:
        self._random = random
        self._transports = transports
        self._families = families
        self._nameservers = nameservers
        self._lifetime = lifetime
        self._hosts = HostsFile(hosts_file)
        self._own_names = own_names
        self._answers: ExpiringMap[Question, Answer] = ExpiringMap(capacity, clock)
        self._silent: ExpiringMap[Hop, bool] = ExpiringMap(capacity, clock)
        self._asking: dict[Question, asyncio.Future[Answer]] = {}
        self._slots = asyncio.Semaphore(MOST_QUESTIONS)
        self._dns: dns.asyncresolver.Resolver | None = None

    async def locate(self, locate: Locate) -> tuple[Hop, ...]:
        """Return the hops in the order to try them, those lately silent last; empty if there is none."""
        search = Search(locate, self._random, transports=self._transports, families=self._families)
        try:
            async with asyncio.timeout(3 * self._lifetime):
                while search.hops is None:
                    for answer in await asyncio.gather(*map(self._answer, search.drain())):
                        search.receive(answer)
        except TimeoutError:
            return ()
        return tuple(sorted(search.hops, key=lambda hop: self._silent.get(hop) is not None))

    def silent(self, hop: Hop) -> None:
        """Note that a server did not answer, or refused: it is tried last for a while (RFC 3263 §4.3)."""
        self._silent.put(hop, True, SILENCE)

    def alive(self, hop: Hop) -> None:
        """Note that a server answered."""
        self._silent.pop(hop)

    async def _answer(self, question: Question) -> Answer:
        known = self._answers.get(question)
        if known is not None:
            left, answer = known
            return Answer(question, left, answer.addresses, answer.services, answer.pointers)
        if question not in self._asking:
            self._asking[question] = asyncio.ensure_future(self._ask(question))
        # Several calls to one domain share the question, so the end of one must not end it for the others.
        return await asyncio.shield(self._asking[question])

    async def _ask(self, question: Question) -> Answer:
        try:
            async with self._slots:
                answer = await (self._ask_locally(question) if self._is_local(question.name) else self._query(question))
            self._answers.put(question, answer, answer.ttl)
            return answer
        finally:
            del self._asking[question]

    def _is_local(self, name: str) -> bool:
        """Whether this machine's own name service is asked, not DNS: for services too, which it has none of."""
        while name.startswith("_"):
            name = name.partition(".")[2]
        return "." not in name or name.rpartition(".")[2] in _UNASKED or name in self._hosts

    async def _ask_locally(self, question: Question) -> Answer:
        if question.kind != "A" and question.kind != "AAAA":
            return Answer(question, LOCAL_TTL)
        try:
            async with asyncio.timeout(self._lifetime):
                addresses = await self._own_names(question.name, question.kind)
        except (OSError, UnicodeError, TimeoutError):
            return Answer(question, FAILURE_TTL)
        return Answer(question, LOCAL_TTL, addresses=addresses)

    async def _query(self, question: Question) -> Answer:
        # Imported here: it costs a tenth of a second, and a phone with numeric servers never needs it.
        import dns.exception
        import dns.resolver

        try:
            resolver = self._dns = self._dns or self._make_dns()
            found = await resolver.resolve(question.name, question.kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as none:
            return Answer(question, _negative_ttl(none))
        except dns.resolver.NoResolverConfiguration:
            return await self._ask_locally(question)
        except (dns.exception.DNSException, OSError):
            return Answer(question, FAILURE_TTL)
        return _read_answer(question, found)

    def _make_dns(self) -> dns.asyncresolver.Resolver:
        import dns.asyncresolver
        import dns.nameserver

        resolver = dns.asyncresolver.Resolver(configure=self._nameservers is None)
        if self._nameservers is not None:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._nameservers]
        resolver.lifetime = self._lifetime
        resolver.timeout = self._lifetime / 4  # so that a dead first server leaves time for the others
        return resolver


def _read_answer(question: Question, found: dns.resolver.Answer) -> Answer:
    """Turn dnspython's answer into ours; a name without such records is a negative answer."""
    ttl = float(found.chaining_result.minimum_ttl)
    records: list[Any] = list(found.rrset or ())
    if not records:
        return Answer(question, min(ttl, LONGEST_NEGATIVE_TTL))
    if question.kind == "SRV":
        return Answer(question, ttl, services=tuple(map(_read_service, records)))
    if question.kind == "NAPTR":
        return Answer(question, ttl, pointers=tuple(map(_read_pointer, records)))
    return Answer(question, ttl, addresses=tuple(record.address for record in records))


def _read_service(record: Any) -> ServiceRecord:
    return ServiceRecord(record.priority, record.weight, record.port, _text(record.target))


def _read_pointer(record: Any) -> NamingPointer:
    flags, service, regexp = (value.decode("latin-1") for value in (record.flags, record.service, record.regexp))
    return NamingPointer(record.order, record.preference, flags, service, regexp, _text(record.replacement))


def _text(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower() if len(name) > 1 else ""


def _negative_ttl(none: dns.resolver.NXDOMAIN) -> float:
    # RFC 2308 §5: the TTL of a negative answer is in the SOA that comes with it.
    ttls = [
        min(rrset.ttl, record.minimum)
        for response in cast(Any, none).responses().values()  # untyped there
        for rrset in response.authority
        for record in rrset
        if hasattr(record, "minimum")
    ]
    return float(min([*ttls, LONGEST_NEGATIVE_TTL]))
