"""The hook switch: its contact's levels and timestamps in, lifted and replaced out.

    handset   ______up______|down|____________up_____________|_down____
    contact   ‾‾‾‾‾‾‾‾‾‾‾‾‾‾|_|‾|_|‾|‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾|_|‾|_______
                            |<- tap ->| < flash              |<- flash ->|
    events                            key "hold"                         HookReplaced

Cradles bounce for 10 to 300 ms. With `flash` set, a short tap on the cradle is a key (the "recall" of telephones
without keys), so a hang-up is believed only once the handset lay for longer; lifting is never delayed.
"""

from __future__ import annotations

from hw import HookLifted, HookReplaced, KeyPressed, KeyReleased
from hw.debounce import Debounce, Settled

HookEvent = HookLifted | HookReplaced | KeyPressed | KeyReleased


class Hook:
    """One hook switch.

    `normally_closed`: the contact is closed with nothing on the cradle, that is with the handset lifted.
    `bounce`, `flash`: seconds; `flash` 0: every tap hangs up.
    `flash_key`: the key that a tap stands for.
    `closed`: the contact's level to begin with.
    """

    def __init__(
        self,
        *,
        normally_closed: bool = True,
        bounce: float = 0.03,
        flash: float = 0.0,
        flash_key: str = "hold",
        closed: bool = False,
    ) -> None:
        self._normally_closed = normally_closed
        self._contact = Debounce(bounce, closed=closed)
        self._flash = flash
        self._flash_key = flash_key
        self._lifted = closed == normally_closed
        self._tapped_at: float | None = None
        self._events: list[HookEvent] = []

    @property
    def lifted(self) -> bool:
        """True while the handset is up; a tap does not count until it was too long for one."""
        return self._lifted

    def receive(self, closed: bool, now: float) -> None:
        """Note the contact's level."""
        self._contact.receive(closed, now)
        self._advance(now)

    def handle_timers(self, now: float) -> None:
        """Believe what was steady long enough."""
        self._contact.handle_timers(now)
        self._advance(now)

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which `handle_timers` has something to do; None if it has not."""
        settles_at = self._contact.next_deadline()
        # An unsettled contact keeps the tap open: until it settles, the tap's own end has nothing to do.
        if settles_at is not None or self._tapped_at is None:
            return settles_at
        return self._tapped_at + self._flash

    def events(self) -> list[HookEvent]:
        """What happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def _advance(self, now: float) -> None:
        for change in self._contact.events():
            if change.closed == self._normally_closed:
                self._lift(change)
            elif self._flash:
                self._tapped_at = change.since
            else:
                self._hang_up()
        # A contact that moves again before the tap is over has yet to show which way it settles.
        unsettled = self._contact.next_deadline() is not None
        if self._tapped_at is not None and now >= self._tapped_at + self._flash and not unsettled:
            self._hang_up()

    def _lift(self, change: Settled) -> None:
        if self._tapped_at is not None:
            if change.since - self._tapped_at < self._flash:
                self._tapped_at = None
                self._events += [KeyPressed(self._flash_key), KeyReleased(self._flash_key)]
                return
            self._hang_up()
        self._lifted = True
        self._events.append(HookLifted())

    def _hang_up(self) -> None:
        self._tapped_at = None
        self._lifted = False
        self._events.append(HookReplaced())
