"""What the two sides of the transaction layer share: the agenda, the addresses, the outputs, the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from firmware.sip.addresses import Addresses
from firmware.sip.next_hop import Path
from firmware.sip.timers import Agenda, Timers
from firmware.sip.transport import Output


@dataclass(frozen=True, slots=True)
class Limits:
    """What one endpoint holds at most, and for how long it waits for a peer."""

    transactions: int = 4096
    """Client transactions, and server transactions: each. A request beyond is answered 503."""
    transactions_per_host: int = 1024
    """Server transactions for requests from one address: no single source fills the table."""
    connections: int = 256
    """Streams that have sent something."""
    connections_per_host: int = 32
    message_deadline: float = 30.0
    """Seconds within which a message begun on a stream must be complete."""
    idle: float = 7200.0
    """Seconds after which a silent stream is closed."""


@dataclass(slots=True)
class Counters:
    """How often what happened, since the start."""

    requests: int = 0
    responses: int = 0
    malformed: int = 0
    """Messages that could not be read: answered with 400, or dropped."""
    stray: int = 0
    """Responses and ACKs that belong to nothing."""
    overload: int = 0
    """Requests refused with 503, and streams refused, because of `Limits`."""
    retransmissions: int = 0
    """Messages we sent again."""
    timeouts: int = 0
    transport_failures: int = 0


@dataclass(slots=True)
class Context:
    """One of these per endpoint."""

    addresses: Addresses
    random: Random
    timers: Timers
    limits: Limits
    user_agent: str
    """What User-Agent and Server say; "" for neither."""
    agenda: Agenda = field(default_factory=Agenda)
    """Keys are pairs: whose it is, and what is due."""
    counters: Counters = field(default_factory=Counters)
    outputs: list[Output] = field(default_factory=list)

    def send(self, data: bytes, path: Path) -> None:
        """Put `data` among the outputs."""
        self.outputs.append(path.carry(data))
