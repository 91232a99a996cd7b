"""A GPIO chip with the methods of `gpiod.Chip` that our pin factory uses, and lines that a test drives."""

from __future__ import annotations

import os
import time
from typing import Any

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Bias, Direction, Edge, Value


class LineRequest:
    """One line, requested."""

    def __init__(self, line: int, settings: LineSettings) -> None:
        self.line = line
        self.settings = settings
        self.level: bool | None = None
        """What drives it from outside; None: nothing does."""
        self.output = settings.output_value
        self.fd, self._edge = os.pipe()
        self._edges: list[EdgeEvent] = []
        self.released = False
        self.moves: list[tuple[float, bool]] = []
        """Each time it was set as an output: when, and how."""

    def reconfigure_lines(self, config: dict[int, LineSettings]) -> None:
        """As libgpiod."""
        self.settings = config[self.line]
        self.output = self.settings.output_value

    def get_value(self, line: int) -> Value:
        """As libgpiod."""
        assert line == self.line
        if self.settings.direction == Direction.OUTPUT:
            return self.output
        pulled = self.settings.bias == Bias.PULL_UP
        return Value.ACTIVE if (pulled if self.level is None else self.level) else Value.INACTIVE

    def set_value(self, line: int, value: Value) -> None:
        """As libgpiod."""
        assert self.settings.direction == Direction.OUTPUT
        assert not self.released
        self.output = value
        self.moves.append((time.monotonic(), value == Value.ACTIVE))

    def read_edge_events(self) -> list[EdgeEvent]:
        """As libgpiod."""
        os.read(self.fd, 4096)
        edges, self._edges = self._edges, []
        return edges

    def release(self) -> None:
        """As libgpiod."""
        self.released = True
        os.close(self.fd)
        os.close(self._edge)

    def drive(self, level: bool | None) -> None:
        """Drive the line from outside; the kernel notes the edge if it was asked to."""
        before = self.get_value(self.line)
        self.level = level
        after = self.get_value(self.line)
        wanted = Edge.RISING if after == Value.ACTIVE else Edge.FALLING
        if before != after and self.settings.edge_detection in (Edge.BOTH, wanted):
            kind = EdgeEvent.Type.RISING_EDGE if after == Value.ACTIVE else EdgeEvent.Type.FALLING_EDGE
            self._edges.append(EdgeEvent(kind.value, time.monotonic_ns(), self.line, 1, 1))
            os.write(self._edge, b"e")


class GpioChip:
    """The chip."""

    def __init__(self) -> None:
        self.lines: dict[int, LineRequest] = {}
        self.closed = False

    def request_lines(self, config: dict[int, LineSettings], consumer: str) -> Any:
        """As libgpiod; a line is given out once."""
        ((line, settings),) = config.items()
        held = self.lines.get(line)
        if held is not None and not held.released:
            raise OSError(16, "Device or resource busy")
        self.lines[line] = LineRequest(line, settings)
        return self.lines[line]

    def close(self) -> None:
        """As libgpiod."""
        self.closed = True
