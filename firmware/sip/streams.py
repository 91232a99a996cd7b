"""Messages out of byte streams, and the patience we have with their senders: RFC 3261 §18.3, RFC 5626 §3.5.1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from firmware.sip.context import Context
from firmware.sip.framing import FramingError, Keepalive, StreamFramer
from firmware.sip.transport import CloseConnection, Flow, Hop, SendStream

PONG = b"\r\n"
"""The answer to a double CRLF (RFC 5626 §4.4.1)."""


@dataclass(slots=True)
class _Stream:
    flow: Flow
    framer: StreamFramer
    in_message: bool = False
    """A message has begun and is not complete; its deadline stands in the agenda."""


class Streams:
    """The open streams that have sent something, by the shell's number."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._streams: dict[int, _Stream] = {}
        self._of_host: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, flow: Flow, now: float) -> None:
        """A stream begins: it owes a message. One too many is closed."""
        assert flow.connection is not None
        if flow.connection in self._streams:
            return
        limits = self._context.limits
        host = flow.remote[0]
        if len(self._streams) >= limits.connections or self._of_host[host] >= limits.connections_per_host:
            self._context.counters.overload += 1
            self._context.outputs.append(CloseConnection(flow.connection))
            return
        self._streams[flow.connection] = _Stream(flow, StreamFramer(), in_message=True)
        self._of_host[host] += 1
        self._context.agenda.set(("stream", flow.connection), now + limits.message_deadline)

    def receive(self, data: bytes, flow: Flow, now: float) -> list[bytes]:
        """Return the messages that are complete now; answer keep-alives; close a stream whose framing broke."""
        assert flow.connection is not None
        if flow.connection not in self._streams:
            self.open(flow, now)
        stream = self._streams.get(flow.connection)
        if stream is None:
            return []
        try:
            items = stream.framer.feed(data)
        except FramingError:
            self._context.counters.malformed += 1
            self.close(flow.connection)
            return []
        self._watch(stream, flow.connection, complete=bool(items), now=now)
        for item in items:
            if item is Keepalive.PING:
                self._context.outputs.append(SendStream(PONG, Hop(flow.transport, *flow.remote), flow.connection))
        return [item for item in items if isinstance(item, bytes)]

    def _watch(self, stream: _Stream, connection: int, complete: bool, now: float) -> None:
        """Set the deadline: of the message begun, which more octets of it do not extend, or of the silence."""
        limits = self._context.limits
        begun = stream.framer.pending > 0
        if begun and (complete or not stream.in_message):
            self._context.agenda.set(("stream", connection), now + limits.message_deadline)
        elif not begun:
            self._context.agenda.set(("stream", connection), now + limits.idle)
        stream.in_message = begun

    def close(self, connection: int) -> None:
        """Have the shell close a stream, and forget it."""
        self._context.outputs.append(CloseConnection(connection))
        self.forget(connection)

    def forget(self, connection: int) -> None:
        """A stream is closed."""
        stream = self._streams.pop(connection, None)
        if stream is None:
            return
        self._context.agenda.cancel(("stream", connection))
        host = stream.flow.remote[0]
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
