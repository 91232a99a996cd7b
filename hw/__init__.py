"""The hardware contract: what a telephone's board offers, whoever made it.

`hw.sim` implements it in software, `hw.pi` on a Raspberry Pi. A driver is opened by its
constructor and closed by `close()`; it turns its own library's errors into `DeviceError`.
Nothing in `hw` imports `firmware`.

Inputs reach the phone as events (`HookLifted`, `KeyPressed`, ...), already debounced and decoded.
Outputs are verbs on small protocols. All times are monotonic seconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

KEYS: frozenset[str] = frozenset(
    [
        *"0123456789*#",
        *("hold", "transfer", "redial", "mute", "speaker", "volume-up", "volume-down"),
        *("line1", "line2", "ok", "back", "up", "down", "left", "right"),
    ]
)
"""Every key a board may have, by name. A board has the twelve digits and any subset of the others."""

LAMPS: frozenset[str] = frozenset(["message", "mute", "hold", "speaker", "line1", "line2"])
"""Every lamp a board may have, by name."""


class DeviceError(Exception):
    """A device could not be opened or stopped working. The text says which, and what to do."""


class LampState(Enum):
    """What a lamp tells; in which rhythm it does so, `hw.lamp_rhythm` says."""

    OFF = "off"
    ON = "on"
    """In use."""
    RING = "ring"
    """Somebody calls: a fast flutter."""
    HELD = "held"
    """Somebody is on hold here: lit, with a wink now and then."""
    MISSED = "missed"
    """Something to look at when there is time: a slow pulse, with a long dark between."""


@dataclass(frozen=True, slots=True)
class HookLifted:
    """The handset left its cradle."""


@dataclass(frozen=True, slots=True)
class HookReplaced:
    """The handset lies in its cradle again."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key went down and stayed down past its bounce."""

    key: str
    """One of `KEYS`."""


@dataclass(frozen=True, slots=True)
class KeyReleased:
    """A key came up."""

    key: str
    """One of `KEYS`."""


BoardEvent = HookLifted | HookReplaced | KeyPressed | KeyReleased


class HookSwitch(Protocol):
    """The cradle's contact."""

    @property
    def lifted(self) -> bool:
        """True while the handset is off its cradle."""
        ...


class Keypad(Protocol):
    """All keys of the telephone, dial or matrix."""

    @property
    def keys_down(self) -> frozenset[str]:
        """The keys held down now."""
        ...


class Display(Protocol):
    """A 1-bit panel."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    def show(self, pixels: bytes) -> None:
        """Show a picture: `width * height / 8` octets, rows from the top, most significant bit leftmost, 1 is lit.

        Returns at once; a slow panel sends in its own thread and may skip pictures, never the last one.
        """
        ...


class Lamps(Protocol):
    """The lamps beside the keys."""

    def set(self, lamp: str, state: LampState) -> None:
        """Set one lamp; a lamp the board lacks is ignored."""
        ...


class Ringer(Protocol):
    """What calls the household: a bell, a buzzer, or the loudspeaker (then the media engine plays the ring)."""

    @property
    def audible(self) -> bool:
        """True if it is heard by itself; False if it is only seen, so that the media engine plays the ring as well."""
        ...

    def ring(self, cadence_ms: tuple[int, ...], volume: int) -> None:
        """Ring in this cadence (on, off, on, off, ... milliseconds, repeated) until silenced.

        `volume`: 0 (mute) to 10.
        """
        ...

    def silence(self) -> None:
        """Stop ringing."""
        ...


class AudioPort(Protocol):
    """The sound card as the media engine sees it: one period in, one period out, in step.

    Frames are `bytes`: signed 16-bit little-endian mono, exactly `period_samples` samples.
    """

    @property
    def rate_hz(self) -> int:
        """Sample rate, the same in both directions."""
        ...

    @property
    def period_samples(self) -> int:
        """Samples in one period."""
        ...

    @property
    def paced(self) -> bool:
        """True if `exchange` blocks for the card's own clock; False if the caller paces it."""
        ...

    @property
    def fault(self) -> str:
        """What keeps it from sounding now, in plain words with the cure; empty while all is well."""
        ...

    def exchange(self, earpiece: bytes, speaker: bytes, ring: bytes | None = None) -> bytes:
        """Play one period on the earpiece and one on the loudspeaker; return one period from the microphone.

        `ring`: one period for what rings, None while nothing does; without an output of its own for it, it is heard
        from the loudspeaker. A card that is away is silence at its own pace, a `fault`, and looked for: only one that
        was closed raises DeviceError.
        """
        ...

    def rest(self) -> None:
        """Stop playing and hearing until the next `exchange`, which begins at once.

        Only where `paced`. Called every few seconds while there is nothing to hear: a card that went or came since is a
        `fault`, or none any more.
        """
        ...

    def close(self) -> None:
        """Release the card."""
        ...


class Board(Protocol):
    """A whole telephone. Devices it lacks are None."""

    @property
    def name(self) -> str:
        """The board's name."""
        ...

    @property
    def hook(self) -> HookSwitch | None:
        """The cradle's contact."""
        ...

    @property
    def keypad(self) -> Keypad | None:
        """The keys."""
        ...

    @property
    def display(self) -> Display | None:
        """The panel."""
        ...

    @property
    def lamps(self) -> Lamps:
        """The lamps; one the board lacks is ignored."""
        ...

    @property
    def ringer(self) -> Ringer | None:
        """The bell; None: ring on the loudspeaker."""
        ...

    @property
    def audio(self) -> AudioPort | None:
        """The sound card; None: the media engine opens it itself, in a process of its own."""
        ...

    def listen(self, notify: Callable[[BoardEvent], None]) -> None:
        """Call `notify` with each event from now on; it may be called from a driver's thread."""
        ...

    def close(self) -> None:
        """Let go of every device."""
        ...
