"""A whole telephone in software: the same contract as a real board, worked by method calls instead of fingers.

    board = SimBoard("Hall")
    board.listen(phone_receives)
    board.lift()
    board.press("5")
    board.release("5")
    board.display.pixels, board.lamps.states, board.ringer.ringing, board.audio.earpiece.last(1.0)

Not thread-safe: work it from one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hw import KEYS, LAMPS, BoardEvent, HookLifted, HookReplaced, KeyPressed, KeyReleased, LampState
from hw.sim.display import SimDisplay
from hw.sim.sound import SimSound


class SimHook:
    """The cradle's contact; `SimBoard.lift` and `replace` work it."""

    def __init__(self) -> None:
        self.lifted = False


class SimKeypad:
    """The keys; `SimBoard.press` and `release` work them."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._down: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """Every key this board has."""
        return self._keys

    @property
    def keys_down(self) -> frozenset[str]:
        """The keys held down now."""
        return self._down

    def move(self, key: str, down: bool) -> bool:
        """Put a key down or let it up; False if it was so already. Raises ValueError for a key there is not."""
        if key not in self._keys:
            raise ValueError(f"this telephone has no key {key!r}")
        if (key in self._down) == down:
            return False
        self._down = self._down ^ {key}
        return True


class SimLamps:
    """The lamps. Implements `hw.Lamps`."""

    def __init__(self, lamps: Iterable[str], changed: Callable[[], None]) -> None:
        self._states = dict.fromkeys(sorted(lamps), LampState.OFF)
        self._changed = changed

    @property
    def states(self) -> dict[str, LampState]:
        """What each lamp shows."""
        return dict(self._states)

    def set(self, lamp: str, state: LampState) -> None:
        """Set one lamp; a lamp the board lacks is ignored."""
        if self._states.get(lamp, state) != state:
            self._states[lamp] = state
            self._changed()


class SimRinger:
    """A bell that is seen, not heard: its sound comes from the loudspeaker, which the media engine plays."""

    audible = False

    def __init__(self, changed: Callable[[], None]) -> None:
        self._cadence_ms: tuple[int, ...] = ()
        self._volume = 0
        self._changed = changed

    @property
    def ringing(self) -> bool:
        """True between `ring` and `silence`."""
        return bool(self._cadence_ms)

    @property
    def cadence_ms(self) -> tuple[int, ...]:
        """On, off, on, off ... milliseconds; empty while silent."""
        return self._cadence_ms

    @property
    def volume(self) -> int:
        """0 (mute) to 10, as last asked for."""
        return self._volume

    def ring(self, cadence_ms: tuple[int, ...], volume: int) -> None:
        """Ring until silenced. Raises ValueError for an empty cadence or a volume beyond 0 to 10."""
        if not cadence_ms or min(cadence_ms) < 0 or not 0 <= volume <= 10:
            raise ValueError("a ring needs a cadence, and a volume from 0 to 10")
        if (self._cadence_ms, self._volume) != (cadence_ms, volume):
            self._cadence_ms, self._volume = cadence_ms, volume
            self._changed()

    def silence(self) -> None:
        """Stop ringing."""
        if self._cadence_ms:
            self._cadence_ms = ()
            self._changed()


class SimBoard:
    """Implements `hw.Board` with every device there is, and lets a script or a page be the person.

    `sound=False`: a telephone whose sound card is not simulated here; the media engine opens it by itself.
    `watch` is for whoever mirrors the telephone: it is told that something visible changed, not what.
    """

    def __init__(
        self,
        name: str = "sim",
        *,
        keys: Iterable[str] = KEYS,
        lamps: Iterable[str] = LAMPS,
        size: tuple[int, int] = (128, 64),
        audio: SimSound | None = None,
        sound: bool = True,
    ) -> None:
        self._name = name
        self._hook = SimHook()
        self._keypad = SimKeypad(keys)
        self._display = SimDisplay(size, self._changed)
        self._lamps = SimLamps(lamps, self._changed)
        self._ringer = SimRinger(self._changed)
        self._audio = (audio or SimSound()) if sound else None
        self._notify: Callable[[BoardEvent], None] = lambda event: None
        self._watchers: dict[int, Callable[[], None]] = {}
        self._watched = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once `close` was called."""
        return self._closed

    @property
    def name(self) -> str:
        """The board's name."""
        return self._name

    @property
    def hook(self) -> SimHook:
        """The cradle's contact."""
        return self._hook

    @property
    def keypad(self) -> SimKeypad:
        """The keys."""
        return self._keypad

    @property
    def display(self) -> SimDisplay:
        """The panel."""
        return self._display

    @property
    def lamps(self) -> SimLamps:
        """The lamps."""
        return self._lamps

    @property
    def ringer(self) -> SimRinger:
        """The bell."""
        return self._ringer

    @property
    def audio(self) -> SimSound | None:
        """The sound card; None on a board without `sound`."""
        return self._audio

    def listen(self, notify: Callable[[BoardEvent], None]) -> None:
        """Call `notify` with each event from now on."""
        self._notify = notify

    def lift(self) -> None:
        """Take the handset up; nothing if it is up already."""
        self._move_handset(True)

    def replace(self) -> None:
        """Put the handset down; nothing if it lies already."""
        self._move_handset(False)

    def press(self, key: str) -> None:
        """Put a key down; nothing if it is down. Raises ValueError for a key this board lacks."""
        if self._keypad.move(key, True):
            self._tell(KeyPressed(key))

    def release(self, key: str) -> None:
        """Let a key up; nothing if it is up. Raises ValueError for a key this board lacks."""
        if self._keypad.move(key, False):
            self._tell(KeyReleased(key))

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after each visible change; returns what ends it."""
        self._watched += 1
        token = self._watched
        self._watchers[token] = changed
        return lambda: self._watchers.pop(token, None) and None

    def close(self) -> None:
        """Let go of everything; watchers are told this one last change."""
        self._closed = True
        self._notify = lambda event: None
        self._changed()
        self._watchers.clear()
        if self._audio is not None:
            self._audio.close()

    def _move_handset(self, lifted: bool) -> None:
        if self._hook.lifted == lifted:
            return
        self._hook.lifted = lifted
        if self._audio is not None:
            self._audio.handset_up = lifted
        self._tell(HookLifted() if lifted else HookReplaced())

    def _tell(self, event: BoardEvent) -> None:
        self._changed()
        self._notify(event)

    def _changed(self) -> None:
        for watcher in tuple(self._watchers.values()):
            watcher()
