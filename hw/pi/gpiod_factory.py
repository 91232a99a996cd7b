"""A gpiozero pin factory over the kernel's own library, gpiod 2: for Pythons that lgpio has no wheels for.

One line request a pin, reconfigured as the pin's function, pull and edges change; one thread reads all their edges,
each with the kernel's own monotonic time stamp. The kernel's interface has no pulse width: a thread makes it
(`hw.pi.pulse_width`). No SPI: panels on it have a library of their own.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Any

import gpiod
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero import (
    GPIOZeroError,
    PinFixedPull,
    PinInvalidFunction,
    PinInvalidPull,
    PinInvalidState,
    PinPWMFixedValue,
    PinSetInput,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from hw.pi.chips import PI_4B
from hw.pi.pulse_width import PulseWidth

CONSUMER = "offhook"
_BIASES = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
_EDGES = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING, "none": Edge.NONE}


class GpiodPin(LocalPiPin):  # type: ignore[misc]
    """One line of the chip."""

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        self._direction = "input"
        self._pull = info.pull or "floating"
        self._edges = "both"
        self._watching = False
        self._value = Value.INACTIVE
        self._pulse_width: PulseWidth | None = None
        self._request = factory.chip.request_lines({self._number: self._settings()}, consumer=CONSUMER)

    def close(self) -> None:
        """Give the line back to the kernel."""
        if self._request is not None:
            self._set_frequency(None)
            self._factory.unwatch(self._request)
            self._request.release()
            self._request = None

    @property
    def line(self) -> int:
        """The line's number on the chip."""
        return int(self._number)

    def edge_came(self, timestamp_ns: int, rising: bool) -> None:
        """Called by the factory's thread."""
        with self._when_changed_lock:
            if self._watching:
                self._call_when_changed(timestamp_ns / 1e9, int(rising))

    def _settings(self) -> gpiod.LineSettings:
        if self._direction == "output":
            return gpiod.LineSettings(direction=Direction.OUTPUT, bias=Bias.AS_IS, output_value=self._value)
        edges = _EDGES[self._edges] if self._watching else Edge.NONE
        return gpiod.LineSettings(direction=Direction.INPUT, bias=_BIASES[self._pull], edge_detection=edges)

    def _configure(self) -> None:
        self._request.reconfigure_lines({self._number: self._settings()})

    def _get_function(self) -> str:
        return self._direction

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}')
        self._set_frequency(None)
        self._direction, self._value = value, Value.INACTIVE
        self._configure()

    def output_with_state(self, state: int) -> None:
        """Become an output at this level, with no blip at the other."""
        self._direction, self._value = "output", Value.ACTIVE if state else Value.INACTIVE
        self._configure()

    def _get_state(self) -> float:
        if self._pulse_width is not None:
            return self._pulse_width.duty
        return int(self._request.get_value(self._number) == Value.ACTIVE)

    def _set_state(self, value: float) -> None:
        if self._direction == "input":
            raise PinSetInput(f"cannot set state of pin {self!r}")
        if self._pulse_width is None:
            self._drive(bool(value))
            return
        if not 0 <= value <= 1:
            raise PinInvalidState(f'invalid state "{value}" for pin {self!r}')
        self._pulse_width.duty = value

    def _drive(self, high: bool) -> None:
        self._value = Value.ACTIVE if high else Value.INACTIVE
        self._request.set_value(self._number, self._value)

    def _get_frequency(self) -> float | None:
        return None if self._pulse_width is None else self._pulse_width.frequency_hz

    def _set_frequency(self, value: float | None) -> None:
        if value is None:
            if self._pulse_width is not None and 0 < self._pulse_width.duty < 1:
                self._pulse_width.duty = 0.0  # else it is steady, and a lamp that is off may be off by being high
            self._pulse_width = None
        elif self._direction == "input":
            raise PinPWMFixedValue(f"cannot start pulse width on input pin {self!r}")
        elif self._pulse_width is None:
            self._pulse_width = PulseWidth(self._drive, value)
        else:
            self._pulse_width.frequency_hz = value

    def _get_pull(self) -> str:
        return str(self._pull)

    def _set_pull(self, value: str) -> None:
        if self._direction != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        if self.info.pull not in (value, ""):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")
        if value not in _BIASES:
            raise PinInvalidPull(f'invalid pull "{value}" for pin {self!r}')
        self._pull = value
        self._configure()

    def _get_bounce(self) -> None:
        return None

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value
        if self._watching:
            self._configure()

    def _enable_event_detect(self) -> None:
        self._watching = True
        self._configure()
        self._factory.watch(self, self._request)

    def _disable_event_detect(self) -> None:
        self._factory.unwatch(self._request)
        self._watching = False
        self._configure()


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]
    """The pins of one chip."""

    def __init__(self, chip: Any) -> None:
        """`chip`: an open `gpiod.Chip`, closed with the factory."""
        super().__init__()
        self.pins: dict[Any, GpiodPin] = {}  # gpiozero shares them among factories; ours belong to their chip
        self.pin_class = GpiodPin
        self.chip = chip
        self._watched: dict[int, tuple[GpiodPin, Any]] = {}
        self._lock = threading.Lock()
        self._poll = select.poll()
        self._told, self._tell = os.pipe()
        self._poll.register(self._told, select.POLLIN)
        self._thread = threading.Thread(target=self._read_edges, name="gpiod-edges", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: str) -> GpiodFactory:
        """The factory of a chip's device. Raises OSError."""
        return cls(gpiod.Chip(path))

    def close(self) -> None:
        """Give every line back and end the thread."""
        super().close()
        if self.chip is not None:
            os.write(self._tell, b"q")
            self._thread.join(timeout=2.0)
            os.close(self._told)
            os.close(self._tell)
            self.chip.close()
            self.chip = None

    def watch(self, pin: GpiodPin, request: Any) -> None:
        """Tell a pin of its edges from now on."""
        with self._lock:
            self._watched[request.fd] = (pin, request)
            self._poll.register(request.fd, select.POLLIN)

    def unwatch(self, request: Any) -> None:
        """No longer."""
        with self._lock:
            if self._watched.pop(request.fd, None) is not None:
                self._poll.unregister(request.fd)

    def _get_revision(self) -> int:
        try:
            return int(super()._get_revision())
        except GPIOZeroError:
            return PI_4B

    def _read_edges(self) -> None:
        while True:
            # A line watched or given back meanwhile counts from the next round on: a short one.
            for descriptor, _ in self._poll.poll(100):
                if descriptor == self._told:
                    return
                self._read(descriptor)

    def _read(self, descriptor: int) -> None:
        with self._lock:
            watched = self._watched.get(descriptor)
            edges = watched[1].read_edge_events() if watched is not None else []
        for edge in edges:
            assert watched is not None
            watched[0].edge_came(edge.timestamp_ns, edge.event_type is edge.Type.RISING_EDGE)
