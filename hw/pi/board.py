"""A whole telephone on a Raspberry Pi, as its profile describes it.

    board = PiBoard(load_board("handset"))
    board.listen(print)
    board.display.show(picture)
    board.close()

The sound is not here: the media engine opens it in a process of its own (`hw.boards.open_audio`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from hw import BoardEvent, DeviceError
from hw.boards.claims import claims_of
from hw.boards.profile import DisplayProfile, LampsProfile, Profile
from hw.pi.contacts import Contacts
from hw.pi.lamps import PiLamps
from hw.pi.matrix import MatrixScanner
from hw.pi.panel import Bus, Panel, open_bus
from hw.pi.pins import Factory, open_factory
from hw.pi.ringers import PiRinger
from hw.pi.usb_keypad import UsbKeypad
from hw.pi.worker import Task, Worker

log = logging.getLogger(__name__)

BusOpener = Callable[[DisplayProfile, Factory], Bus]


def _has_pins(profile: Profile) -> bool:
    """Whether any wire goes to a pin of the header that is ours to open: a telephone may be all on USB."""
    return any(not claim.shared and claim.part != "sound card" for claim in claims_of(profile))


class PiHook:
    """Implements `hw.HookSwitch`."""

    def __init__(self, contacts: Contacts) -> None:
        self._contacts = contacts

    @property
    def lifted(self) -> bool:
        """True while the handset is off its cradle."""
        return self._contacts.hook is not None and self._contacts.hook.lifted


class PiKeypad:
    """Implements `hw.Keypad` over all the ways a board may have keys."""

    def __init__(self, contacts: Contacts, scanner: MatrixScanner | None, usb: UsbKeypad | None) -> None:
        self._contacts = contacts
        self._scanner = scanner
        self._usb = usb

    @property
    def keys_down(self) -> frozenset[str]:
        """The keys held down now."""
        down: frozenset[str] = frozenset()
        if self._contacts.keys is not None:
            down |= self._contacts.keys.keys_down
        if self._scanner is not None:
            down |= self._scanner.matrix.keys_down
        if self._usb is not None:
            down |= self._usb.keys_down
        return down


class PiBoard:
    """Implements `hw.Board`."""

    def __init__(
        self,
        profile: Profile,
        *,
        factory: Factory | None = None,
        open_bus: BusOpener = open_bus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`factory`: gpiozero's pins, None: this machine's; `open_bus`: where the panel is. Raises DeviceError."""
        self._profile = profile
        self._clock = clock
        self._lock = threading.Lock()
        self._notify: Callable[[BoardEvent], None] = lambda event: None
        self._panel: Panel | None = None
        self._ringer: PiRinger | None = None
        self._closing = ExitStack()
        with ExitStack() as undo:
            undo.callback(self.close)
            self._open(factory if factory is not None or not _has_pins(profile) else self._own_factory(), open_bus)
            undo.pop_all()

    @property
    def name(self) -> str:
        """The board's name."""
        return self._profile.name

    @property
    def hook(self) -> PiHook | None:
        """The cradle's contact."""
        return PiHook(self._contacts) if self._profile.hook is not None else None

    @property
    def keypad(self) -> PiKeypad | None:
        """The keys; None on a telephone without any."""
        return PiKeypad(self._contacts, self._scanner, self._usb) if self._profile.keys else None

    @property
    def display(self) -> Panel | None:
        """The panel."""
        return self._panel

    @property
    def lamps(self) -> PiLamps:
        """The lamps."""
        return self._lamps

    @property
    def ringer(self) -> PiRinger | None:
        """The bell; None: ring on the loudspeaker."""
        return self._ringer

    @property
    def audio(self) -> None:
        """The media engine opens the card itself."""
        return

    def listen(self, notify: Callable[[BoardEvent], None]) -> None:
        """Call `notify` with each event from now on, one at a time, in a driver's thread."""
        with self._lock:
            self._notify = notify

    def close(self) -> None:
        """Let go of every device."""
        self._closing.close()

    def _own_factory(self) -> Factory:
        factory = open_factory(self._profile.gpio.chip)
        self._closing.callback(factory.close)
        return factory

    def _open(self, factory: Factory, bus: BusOpener) -> None:
        profile = self._profile
        worker = self._worker("lamps")
        self._lamps = PiLamps(factory, profile.lamp_pins or LampsProfile(()), worker.wake, clock=self._clock)
        if profile.lamp_pins is not None:
            self._start(worker, self._lamps, self._lamps.close)
        if profile.display is not None:
            self._open_panel(profile.display, factory, bus)
        if profile.ringer.kind != "loudspeaker":
            self._open_ringer(factory)
        self._open_contacts(factory)
        self._scanner: MatrixScanner | None = None
        if profile.matrix is not None:
            worker = self._worker("keypad")
            self._scanner = MatrixScanner(factory, profile.matrix, self._tell, worker.wake)
            self._start(worker, self._scanner, self._scanner.close)
        self._usb: UsbKeypad | None = None
        if profile.usb_keypad is not None:
            self._usb = UsbKeypad(profile.usb_keypad, self._tell)
            self._closing.callback(self._usb.close)

    def _open_panel(self, display: DisplayProfile, factory: Factory, bus: BusOpener) -> None:
        worker = self._worker("panel")
        self._panel = Panel(display, lambda: bus(display, factory), worker.wake, clock=self._clock)
        # Asleep: the panel has nothing to show before its first picture, and the dial tone is to come before it.
        self._start(worker, self._panel, self._panel.close, asleep=True)

    def _open_ringer(self, factory: Factory) -> None:
        """Without it the loudspeaker rings, if there is one, and the lamps blink: no reason not to be a telephone."""
        worker = self._worker("ringer")
        try:
            self._ringer = PiRinger(factory, self._profile.ringer, worker.wake, clock=self._clock)
        except DeviceError as fault:
            log.warning("%s; going on without it", fault)
            return
        self._start(worker, self._ringer, self._ringer.close)

    def _open_contacts(self, factory: Factory) -> None:
        profile = self._profile
        worker = self._worker("contacts")
        self._contacts = Contacts(factory, self._tell, worker.wake)
        if profile.hook is not None:
            self._contacts.add_hook(profile.hook)
        if profile.single_keys is not None:
            self._contacts.add_keys(profile.single_keys)
        if profile.dial is not None:
            self._contacts.add_dial(profile.dial)
        if profile.hook is not None or profile.single_keys is not None or profile.dial is not None:
            self._start(worker, self._contacts, self._contacts.close)

    def _worker(self, name: str) -> Worker:
        return Worker(name, clock=self._clock)

    def _start(self, worker: Worker, task: Task, close: Callable[[], None], *, asleep: bool = False) -> None:
        """The thread ends before what it works on is closed."""
        self._on_close(close)
        self._closing.callback(worker.close)
        worker.start(task, asleep=asleep)

    def _on_close(self, close: Callable[[], None]) -> None:
        def leave() -> None:
            try:
                close()
            except DeviceError as fault:
                log.warning("closing the board: %s", fault)

        self._closing.callback(leave)

    def _tell(self, event: BoardEvent) -> None:
        if self._panel is not None:
            self._panel.use()
        with self._lock:
            self._notify(event)
