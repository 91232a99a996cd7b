"""Where messages begin and end in a stream: RFC 3261 §18.3, §7.5; keep-alives of RFC 5626 §3.5.1."""

from __future__ import annotations

import re
from enum import Enum

from firmware.sip.message import MAX_HEADER_OCTETS, MAX_MESSAGE_OCTETS

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([0-9]{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)
_ANY_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:", re.IGNORECASE)
_BLANK = b"\r\n\r\n"


class FramingError(ValueError):
    """The stream has lost its place: there is nothing to do but to close it."""


class Keepalive(Enum):
    """What keeps a stream open between messages (RFC 5626 §4.4.1)."""

    PING = b"\r\n\r\n"
    """Double CRLF: the other side wants a PONG."""
    PONG = b"\r\n"
    """Single CRLF: the answer to our ping."""


class StreamFramer:
    """Cuts what one stream delivers into messages and keep-alives.

    Content-Length is mandatory here (§18.3). One framer serves one direction of one connection, and holds at most
    one unfinished message.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._needed: int | None = None
        self._half_ping = False

    @property
    def pending(self) -> int:
        """Octets of a message that has not ended yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes | Keepalive]:
        """Return what `data` completes, in order; raises FramingError, after which the framer is of no use."""
        self._buffer += data
        found: list[bytes | Keepalive] = []
        while (item := self._next()) is not None:
            found.append(item)
        return found

    def _next(self) -> bytes | Keepalive | None:
        if self._needed is None:
            if self._buffer.startswith((b"\r", b"\n")):
                return self._next_keepalive()
            self._half_ping = self._half_ping and not self._buffer
            self._needed = self._measure()
        if self._needed is None or len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        self._take(self._needed)
        self._needed = None
        return message

    def _next_keepalive(self) -> Keepalive | None:
        # A lone CRLF is reported at once, since a pong is awaited. Should a second follow, it was a ping cut in two:
        # then the pong was one too many, which harms nobody, while a ping not answered would end the connection.
        buffer = self._buffer
        if buffer.startswith(Keepalive.PING.value):
            return self._keepalive(Keepalive.PING, 4)
        if buffer.startswith(Keepalive.PONG.value):
            if len(buffer) == 3 and buffer.endswith(b"\r"):
                return None
            return self._keepalive(Keepalive.PING if self._half_ping else Keepalive.PONG, 2)
        if buffer == b"\r":
            return None
        raise FramingError("bare CR or LF between messages")

    def _keepalive(self, kind: Keepalive, octets: int) -> Keepalive:
        self._half_ping = kind is Keepalive.PONG
        self._take(octets)
        return kind

    def _measure(self) -> int | None:
        end = self._buffer.find(_BLANK, max(0, self._searched - 3))
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > MAX_HEADER_OCTETS:
                raise FramingError("header without end")
            return None
        if end > MAX_HEADER_OCTETS:
            raise FramingError("header too large")
        needed = end + len(_BLANK) + _content_length(bytes(self._buffer[: end + 2]))
        if needed > MAX_MESSAGE_OCTETS:
            raise FramingError("message too large")
        return needed

    def _take(self, octets: int) -> None:
        del self._buffer[:octets]
        self._searched = 0


def _content_length(header: bytes) -> int:
    lengths = {int(match[1]) for match in _LENGTH.finditer(header)}
    if len(lengths) != 1 or len(_ANY_LENGTH.findall(header)) != len(_LENGTH.findall(header)):
        raise FramingError("no single Content-Length")
    return lengths.pop()
