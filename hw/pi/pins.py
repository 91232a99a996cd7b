"""The pins of a Raspberry Pi, by gpiozero: which library, which chip; contacts; faults in plain words.

lgpio is taken where it can be imported; where it cannot (it has no wheels for Python 3.13), gpiod 2 under
`hw.pi.gpiod_factory`. The chip is the one whose label says that the 40-pin header hangs on it, since its number
changed from model to model and from kernel to kernel.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from gpiozero import GPIOZeroError

from hw import DeviceError
from hw.pi.chips import PI_4B, Chip, find_chip

Factory = Any
"""A gpiozero pin factory; the library has no types."""


def open_factory(chip: str = "") -> Factory:
    """The pin factory of this machine. `chip`: label or device of the GPIO chip; empty: found. Raises DeviceError."""
    found = find_chip(chip)
    with faults_of("the GPIO pins"):
        try:
            return _lgpio_factory(found)
        except ImportError:
            pass
        try:
            from hw.pi.gpiod_factory import GpiodFactory
        except ImportError as error:
            raise DeviceError("neither lgpio nor gpiod is here; pip install gpiod") from error
        return GpiodFactory.open(found.path)


def _lgpio_factory(chip: Chip) -> Factory:
    # lgpio makes a pipe in this folder as soon as it is imported; the working folder may be read-only.
    os.environ.setdefault("LG_WD", os.environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
    from gpiozero.pins.lgpio import LGPIOFactory

    class HeaderFactory(LGPIOFactory):  # type: ignore[misc]
        """gpiozero's, for boards too that are no Raspberry Pi."""

        def _get_revision(self) -> int:
            try:
                return int(super()._get_revision())
            except GPIOZeroError:
                return PI_4B

    return HeaderFactory(chip=chip.number)


@contextlib.contextmanager
def faults_of(what: str) -> Iterator[None]:
    """Turn the libraries' errors into DeviceError."""
    try:
        yield
    except _fault_types() as error:
        raise DeviceError(f"{what}: {error}; another program or overlay may hold it (gpioinfo shows who)") from error


def _fault_types() -> tuple[type[Exception], ...]:
    lgpio = sys.modules.get("lgpio")  # imported by whoever opened its factory, if anyone
    return (GPIOZeroError, OSError, *((lgpio.error,) if lgpio is not None else ()))


class Contact:
    """A switch between a pin and ground, with the pin's own pull-up: closed reads low."""

    def __init__(self, factory: Factory, gpio: int, changed: Callable[[], None]) -> None:
        """`changed` is called, in a thread of the library's, after each edge."""
        self._edges: deque[tuple[float, bool]] = deque(maxlen=1000)
        self._changed = changed
        with faults_of(f"GPIO{gpio}"):
            self._pin = factory.pin(gpio)
            self._pin.input_with_pull("up")
            self._pin.edges = "both"
            self._pin.when_changed = self._edge

    @property
    def closed(self) -> bool:
        """The level now."""
        return not self._pin.state

    def edges(self) -> list[tuple[float, bool]]:
        """The edges since the last call: when (monotonic seconds), and whether the contact closed."""
        edges = []
        while self._edges:
            edges.append(self._edges.popleft())
        return edges

    def close(self) -> None:
        """Let go of the pin."""
        with faults_of("a contact"):
            self._pin.when_changed = None
            self._pin.close()

    def _edge(self, ticks: float, state: int) -> None:
        self._edges.append((ticks, not state))
        self._changed()
