"""A panel by luma.oled, in a thread of its own: only what changed is sent, and it is started anew after a fault.

A panel that lost its power between two writes says nothing (on SPI it never can), and would stay dark. So once a minute
its settings and the whole picture are sent again, without darkening it in between: nobody sees it.

A whole picture takes an SSD1306 0.1 s of a 100 kHz bus, which is what a Pi has if nobody says otherwise, a changed
digit 3 ms; at 400 kHz a fourth of it. Controllers with pages of eight rows are sent the changed columns of each page;
luma itself finds what changed for those with a nibble a pixel.

luma and PIL are imported where they are first needed, in the panel's thread: loading them takes a fifth of the
telephone's start, and the dial tone does not wait for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from hw import DeviceError
from hw.boards.profile import DisplayProfile
from hw.panel_care import Look, PanelCare
from hw.pi.pins import Factory, faults_of

if TYPE_CHECKING:
    from PIL import Image

NOTHING = 0xE3
"""The command that does nothing, on all controllers with I2C: does anybody answer?"""
CONTRAST = (0x81, 0xC1)
"""The command that sets it; the second is the SSD1322's."""
DISPLAY_OFF = b"\xae"
ALL_PIXELS_OFF = b"\xa4"
"""The SSD1322's, a command of its own; to the others, which get it among others, it means the opposite."""
LARGE_CHANGE = 4
"""A change of a fourth of the picture is something to look at, a call or a new screen; the clock's minute is not."""
FRESHEN_S = 60.0
"""Between two times that all is sent again."""
SPI_HZ = 8_000_000
RESET_S = 0.01


class Bus(Protocol):
    """luma's serial interface."""

    def command(self, *octets: int) -> None:
        """Send commands."""
        ...

    def data(self, octets: list[int]) -> None:
        """Send pixels."""
        ...

    def cleanup(self) -> None:
        """Close it."""
        ...


class Panel:
    """Implements `hw.Display`; a task (`hw.pi.worker`)."""

    def __init__(
        self,
        profile: DisplayProfile,
        open_bus: Callable[[], Bus],
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened before the first `run`: a loose panel does not keep the telephone from working."""
        self._profile = profile
        self._open_bus = open_bus
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._care = PanelCare(contrast=profile.contrast, dim_after=profile.dim_after_s, off_after=profile.off_after_s)
        self._care.use(clock())
        self._pixels = bytes(profile.size[0] * profile.size[1] // 8)
        self._bus: Bus | None = None
        self._device: Any = None
        self._pages: _Pages | None = None
        self._look: Look | None = None
        self._settings: list[_Sent] = []
        self._freshen_at = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._profile.size

    def show(self, pixels: bytes) -> None:
        """Show a picture (see `hw.Display.show`). Raises ValueError if it is not of the panel's size."""
        if len(pixels) != len(self._pixels):
            raise ValueError(f"a {self.size[0]}x{self.size[1]} picture has {len(self._pixels)} octets")
        with self._lock:
            changed = sum(old != new for old, new in zip(self._pixels, pixels, strict=True))
            if changed > len(pixels) // LARGE_CHANGE:
                self._care.use(self._clock())
            self._pixels = bytes(pixels)
        if changed:
            self._wake()

    def use(self) -> None:
        """Somebody uses the telephone: shine."""
        with self._lock:
            self._care.use(self._clock())
        self._wake()

    def run(self, now: float) -> float | None:
        """Send what changed; returns when there is something to send if nobody shows anything.

        Raises DeviceError, after which all is sent anew.
        """
        with self._lock:
            look, pixels, due = self._care.look(now), self._pixels, self._care.next_change(now)
        try:
            with _faults(self._profile):
                self._bring(look, pixels, now)
        except DeviceError:
            self._forget()
            raise
        due = min(due, self._freshen_at) if look.visible else due
        return None if due == float("inf") else due

    def close(self) -> None:
        """Darken the panel and close its bus. A panel that does not answer any more is just left."""
        if self._device is not None:
            try:
                with _faults(self._profile):
                    self._device.hide()
            except DeviceError:
                pass
        self._forget()

    def _bring(self, look: Look, pixels: bytes, now: float) -> None:
        if self._device is None:
            self._start()
            self._freshen_at = now + FRESHEN_S
        before, self._look = self._look, look
        fresh = look.visible and now >= self._freshen_at
        if fresh:
            self._set_again()
            self._freshen_at = now + FRESHEN_S
        if fresh or before is None or before.contrast != look.contrast:
            self._device.contrast(look.contrast)
        if look.visible:
            from PIL import Image, ImageChops

            image = Image.frombytes("1", self.size, pixels)
            if look.shift != (0, 0):
                image = ImageChops.offset(image, *look.shift)
            self._send(image)
        if fresh or (before is not None and before.visible != look.visible):
            self._device.show() if look.visible else self._device.hide()

    def _set_again(self) -> None:
        """Its settings as at the start, and nothing is taken to be in its memory."""
        assert self._bus is not None
        for command, octets in self._settings:
            self._bus.command(*octets) if command else self._bus.data(list(octets))
        if self._pages is None:
            self._device.init_framebuffer(None)
        else:
            self._pages.forget()

    def _start(self) -> None:
        from luma.oled import device as luma_oled

        profile = self._profile
        self._bus = self._open_bus()
        if profile.bus == "i2c":
            self._bus.command(NOTHING)
        width, height = profile.size
        options = {"width": width, "height": height, "rotate": profile.rotate // 90, "mode": "1"}
        bus = _NotedBus(self._bus)
        self._device = getattr(luma_oled, profile.controller)(bus, **options)
        self._settings = settings_in(bus.end())
        if profile.controller in ("ssd1306", "ssd1309", "sh1106"):
            self._pages = _Pages(self._bus, profile)

    def _send(self, image: Image.Image) -> None:
        if self._pages is None:
            self._device.display(image)
        else:
            self._pages.send(self._device.preprocess(image))

    def _forget(self) -> None:
        bus, self._bus = self._bus, None
        self._device = self._pages = self._look = None
        if bus is not None:
            try:
                bus.cleanup()
            except OSError:
                return


_Sent = tuple[bool, bytes]
"""Octets sent as commands (True) or as data, which the arguments of an SSD1322's commands are too."""


class _NotedBus:
    """A bus that notes what luma sends when it starts a panel."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._sent: list[_Sent] | None = []

    def command(self, *octets: int) -> None:
        """Send commands."""
        self._note(True, octets)
        self._bus.command(*octets)

    def data(self, octets: list[int]) -> None:
        """Send pixels."""
        self._note(False, octets)
        self._bus.data(octets)

    def cleanup(self) -> None:
        """Close it."""
        self._bus.cleanup()

    def end(self) -> list[_Sent]:
        """What was sent; from now on nothing is noted."""
        sent, self._sent = self._sent or [], None
        return sent

    def _note(self, command: bool, octets: Sequence[int]) -> None:
        if self._sent is not None:
            self._sent.append((command, bytes(octets)))


def settings_in(start: list[_Sent]) -> list[_Sent]:
    """Of what starts a panel: all that sets it and does not darken it.

    luma sends the settings first, then the contrast, a cleared picture and "on".
    """
    settings: list[_Sent] = []
    for command, octets in start:
        if command and octets[0] in CONTRAST:
            break
        kept = octets.removeprefix(DISPLAY_OFF) if command else octets
        if kept and not (command and kept == ALL_PIXELS_OFF):
            settings.append((command, kept))
    return settings


class _Pages:
    """What a controller with pages of eight rows holds, sent where it changed."""

    def __init__(self, bus: Bus, profile: DisplayProfile) -> None:
        self._bus = bus
        self._sh1106 = profile.controller == "sh1106"
        width, height = profile.size
        # luma cleared the whole panel when it started it.
        self._held: list[bytes | None] = [bytes(width)] * (height // 8)

    def forget(self) -> None:
        """Its memory may hold anything: all is sent next."""
        self._held = [None] * len(self._held)

    def send(self, image: Image.Image) -> None:
        """Send the columns that changed, page by page."""
        for page, columns in enumerate(pages_of(image)):
            held = self._held[page]
            if columns == held:
                continue
            first, last = _changed(held, columns)
            if self._sh1106:
                column = first + 2  # its memory is 132 columns wide, the panel in the middle
                self._bus.command(0xB0 | page, column & 0x0F, 0x10 | column >> 4)
            else:
                self._bus.command(0x21, first, last, 0x22, page, page)
            self._bus.data(list(columns[first : last + 1]))
            self._held[page] = columns


def _changed(held: bytes | None, columns: bytes) -> tuple[int, int]:
    """The first and the last column that differ; all if it is not known what is held."""
    if held is None:
        return 0, len(columns) - 1
    changed = [n for n, (old, new) in enumerate(zip(held, columns, strict=True)) if old != new]
    return changed[0], changed[-1]


def pages_of(image: Image.Image) -> list[bytes]:
    """A 1-bit picture as pages of eight rows: an octet a column, its lowest bit on top."""
    from PIL.Image import Transpose

    height = image.size[1]
    # Upside down and with rows for columns, the octets of each row are a column's, the bottom page first.
    columns = image.transpose(Transpose.FLIP_TOP_BOTTOM).transpose(Transpose.TRANSPOSE).tobytes()
    count = height // 8
    return [columns[count - 1 - page :: count] for page in range(count)]


@contextmanager
def _faults(profile: DisplayProfile) -> Iterator[None]:
    where = f"on I2C bus {profile.port}, address 0x{profile.address:02x}" if profile.bus == "i2c" else "on SPI"
    try:
        from luma.core.error import Error
    except ImportError as error:
        raise DeviceError(f"the {profile.controller} panel needs {error.name}, which is not here") from error
    try:
        yield
    except (OSError, Error, ImportError) as error:
        raise DeviceError(f"the {profile.controller} panel {where}: {error}") from error


def open_bus(profile: DisplayProfile, factory: Factory, pause: Callable[[float], None] = time.sleep) -> Bus:
    """luma's interface for a panel, after a reset if its line is connected. Raises DeviceError, OSError."""
    from luma.core.interface import serial

    if profile.bus == "i2c":
        if profile.reset is not None:
            _reset(factory, profile.reset, pause)
        bus: Bus = serial.i2c(port=profile.port, address=profile.address)
        return bus
    spi: Bus = serial.spi(
        gpio=_LumaPins(factory),
        port=profile.port,
        device=profile.device,
        bus_speed_hz=SPI_HZ,
        gpio_DC=profile.dc,
        gpio_RST=profile.reset,
        reset_hold_time=RESET_S,
        reset_release_time=RESET_S,
    )
    return spi


def _reset(factory: Factory, gpio: int, pause: Callable[[float], None]) -> None:
    with faults_of(f"the panel's reset (GPIO{gpio})"):
        line = factory.pin(gpio)
        line.output_with_state(0)
        pause(RESET_S)
        line.state = 1
        pause(RESET_S)


class _LumaPins:
    """Our pins as luma wants them: it knows RPi.GPIO only, which a Pi 5 has not."""

    OUT, LOW, HIGH = "output", 0, 1

    def __init__(self, factory: Factory) -> None:
        self._factory = factory

    def setup(self, gpio: int, function: str) -> None:
        """Make a pin an output."""
        self._factory.pin(gpio).function = function

    def output(self, gpio: int, level: int) -> None:
        """Set an output."""
        self._factory.pin(gpio).state = level
