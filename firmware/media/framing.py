"""Messages between phone and media engine on a stream: a length in four octets (big-endian), then the message."""

from __future__ import annotations

from firmware.media.messages import MalformedMessage, Message, decode, encode

LONGEST_OCTETS = 1 << 20
"""Longer than any message; a larger length means that the stream is not ours."""


def frame(message: Message) -> bytes:
    """The octets of one message on the stream."""
    body = encode(message)
    return len(body).to_bytes(4, "big") + body


class MessageFramer:
    """Cuts a stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take the stream's next octets; return the messages now complete.

        Raises:
            MalformedMessage: the stream is not ours; it cannot be read on.
        """
        self._buffer += data
        messages: list[Message] = []
        start = 0
        while (body := self._body(start)) is not None:
            messages.append(decode(body))
            start += 4 + len(body)
        del self._buffer[:start]
        return messages

    def _body(self, start: int) -> bytes | None:
        if len(self._buffer) < start + 4:
            return None
        length = int.from_bytes(self._buffer[start : start + 4], "big")
        if length > LONGEST_OCTETS:
            raise MalformedMessage(f"a message of {length} octets")
        end = start + 4 + length
        return bytes(self._buffer[start + 4 : end]) if len(self._buffer) >= end else None
