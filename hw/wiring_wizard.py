"""Finding out how a telephone is wired: what contacts do over time in; questions, findings, and a profile out.

    wizard = Wizard(name="Hall")
    print(wizard.question)                  # "Put the handset in its cradle ..."
    wizard.answer("", now)                  # Enter
    wizard.receive(survey, now)             # again and again
    print(wizard.question)                  # "Lift the handset ..."
    ...
    wizard.profile                          # TOML, once wizard.done

Pure: a `Survey` says which pins are connected to ground and which to each other; whoever takes it (`hw.pi.wire`) knows
how. A key of a matrix joins two pins, a hook switch, a dial or a single key takes one to ground.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hw import KEYS
from hw.dial_finding import DialWatch
from hw.wiring_profile import Found, Place, profile_text

Pair = frozenset[int]

DIGITS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
EXTRAS = ("hold", "transfer", "redial", "mute", "speaker", "volume-up", "volume-down", "ok", "back")
assert set(DIGITS) | set(EXTRAS) <= KEYS
SETTLED_S = 0.6
"""A contact that has not moved for so long has come to rest; no cradle bounces longer than 0.3 s."""
HELD_S = 0.06
"""A key must be seen down for so long."""
FULL_TURN = "Turn the dial from the hole farthest from the stop, and let it run back."
# Ten pulses in every country, whichever digit is printed there.
SHORTEST_BOUNCE_MS, LONGEST_BOUNCE_MS = 10, 300


@dataclass(frozen=True, slots=True)
class Survey:
    """What is connected to what at one instant."""

    grounded: frozenset[int] = frozenset()
    """Pins connected to ground."""
    joined: frozenset[Pair] = frozenset()
    """Pairs of pins connected to each other, and not to ground."""


@dataclass(slots=True)
class _Movement:
    """What moved since a question was asked."""

    before: frozenset[int]
    first: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)
    now: frozenset[int] = frozenset()

    def see(self, grounded: frozenset[int], at: float) -> None:
        for gpio in grounded ^ self.now:
            self.first.setdefault(gpio, at)
            self.last[gpio] = at
        self.now = grounded


class Wizard:
    """One telephone's wiring, asked for step by step. Enter skips what the telephone has not."""

    def __init__(self, *, name: str = "Mine", tail: str = "", pause: float = 0.0) -> None:
        """`tail`: the profile's other tables (panel, sound); `pause`: seconds between surveys, which bounce is
        measured in."""
        self.question = ""
        self._found = Found(name=name, tail=tail)
        self._pause = pause
        self._said: list[str] = []
        self._survey = Survey()
        self._rest: frozenset[int] = frozenset()
        self._movement = _Movement(frozenset())
        self._keys: list[str] = []
        self._held: tuple[Place, float] | None = None
        self._dial = DialWatch(self._rest)
        self._watch: Callable[[float], None] = self._nothing
        self._reply: Callable[[str, float], None] = self._nothing_said
        self._ask(
            "Put the handset in its cradle, touch nothing else, and press Enter.", self._nothing, self._rest_is_now
        )

    @property
    def done(self) -> bool:
        """True once there is a profile."""
        return not self.question

    @property
    def wants_pairs(self) -> bool:
        """Whether surveys should look for joined pins now; they take longer, and a dial needs quick ones."""
        return bool(self._keys)

    @property
    def profile(self) -> str:
        """The profile's TOML text, as far as it is known."""
        return profile_text(self._found)

    def findings(self) -> list[str]:
        """What was found since the last call, in sentences."""
        said, self._said = self._said, []
        return said

    def receive(self, survey: Survey, now: float) -> None:
        """Take one survey."""
        self._survey = survey
        self._watch(now)

    def answer(self, text: str, now: float) -> None:
        """Take a line that the person typed; empty for Enter alone."""
        self._reply(text.strip().lower(), now)

    def _ask(self, question: str, watch: Callable[[float], None], reply: Callable[[str, float], None]) -> None:
        self.question = question
        self._watch = watch
        self._reply = reply
        self._movement = _Movement(self._survey.grounded, now=self._survey.grounded)

    def _nothing(self, now: float) -> None:
        pass

    def _nothing_said(self, text: str, now: float) -> None:
        pass

    # --- the cradle ---

    def _rest_is_now(self, text: str, now: float) -> None:
        self._rest = self._survey.grounded
        if self._rest:
            self._said.append(f"At rest these are connected to ground: {_names(self._rest)}.")
        self._ask("Lift the handset and keep it up. (Enter: there is no cradle.)", self._see_lift, self._no_hook)

    def _see_lift(self, now: float) -> None:
        moved = self._settled(now)
        if not moved:
            return
        gpio = min(moved, key=lambda pin: self._movement.first[pin])
        closed = gpio in self._survey.grounded
        self._found.hook, self._found.hook_closed = gpio, closed
        self._note_bounce(gpio)
        self._said.append(f"The hook switch is GPIO{gpio}, {'closed' if closed else 'open'} while the handset is up.")
        if others := moved - {gpio}:
            self._said.append(f"{_names(others)} move with it; one contact is enough.")
        self._ask("Put the handset back.", self._see_return, self._ask_kind)

    def _see_return(self, now: float) -> None:
        if self._settled(now) and self._survey.grounded == self._rest:
            assert self._found.hook is not None
            self._note_bounce(self._found.hook)
            self._said.append(f"It chatters for up to {self._found.hook_bounce_ms} ms, some margin included.")
            self._ask_kind("", now)

    def _settled(self, now: float) -> frozenset[int]:
        """The pins that have moved and come to rest elsewhere than they were."""
        movement = self._movement
        movement.see(self._survey.grounded, now)
        if not movement.last or now - max(movement.last.values()) < SETTLED_S:
            return frozenset()
        return movement.before ^ movement.now

    def _note_bounce(self, gpio: int) -> None:
        """Half as much again as was seen, and what may have been missed between two surveys."""
        seen = self._movement.last[gpio] - self._movement.first[gpio] + 2 * self._pause
        bounce_ms = min(LONGEST_BOUNCE_MS, max(SHORTEST_BOUNCE_MS, round(1500 * seen)))
        self._found.hook_bounce_ms = max(self._found.hook_bounce_ms, bounce_ms)

    def _no_hook(self, text: str, now: float) -> None:
        self._said.append("No cradle, then.")
        self._ask_kind("", now)

    # --- what digits are dialled with ---

    def _ask_kind(self, text: str, now: float) -> None:
        question = "How are numbers dialled? Type k for keys, d for a rotary dial, n for not at all, and Enter."
        self._ask(question, self._nothing, self._kind)

    def _kind(self, text: str, now: float) -> None:
        if text.startswith("k"):
            self._keys = [*DIGITS, *EXTRAS]
            self._next_key()
        elif text.startswith("d"):
            self._ask_dial(f"{FULL_TURN} (Enter: leave the dial out.)", self._see_full_turn)
        elif text.startswith("n"):
            self._finish()

    # --- keys ---

    def _next_key(self) -> None:
        self._held = None
        if not self._keys:
            self._finish()
            return
        self._ask(f"Press {self._keys[0]} and hold it a moment. (Enter: no such key.)", self._see_key, self._skip_key)

    def _skip_key(self, text: str, now: float) -> None:
        self._keys.pop(0)
        self._next_key()

    def _see_key(self, now: float) -> None:
        places: list[Place] = [*self._survey.joined, *(frozenset([pin]) for pin in self._survey.grounded - self._rest)]
        if not places:
            self._held = None
            return
        if len(places) > 1:
            return  # more than one contact: wait until one is left
        if self._held is None or self._held[0] != places[0]:
            self._held = (places[0], now)
        elif now - self._held[1] >= HELD_S:
            self._take_key(places[0])

    def _take_key(self, place: Place) -> None:
        key = self._keys[0]
        other = next((name for name, where in self._found.keys.items() if where == place), None)
        if other is not None:
            self._said.append(f"That was {other} again ({_names(place)}).")
        else:
            self._found.keys[key] = place
            self._said.append(f"{key} is {_names(place)}.")
            self._keys.pop(0)
        self._ask("Let go.", self._see_release, self._nothing_said)

    def _see_release(self, now: float) -> None:
        if not self._survey.joined and self._survey.grounded <= self._rest:
            self._next_key()

    # --- the dial ---

    def _ask_dial(self, question: str, watch: Callable[[float], None]) -> None:
        self._dial = DialWatch(self._rest)
        self._ask(question, watch, lambda text, now: self._finish())

    def _see_full_turn(self, now: float) -> None:
        self._dial.see(self._survey.grounded, now)
        turn = self._dial.turn(now)
        if turn is None:
            return
        if not 9 <= turn.pulses <= 11:
            self._said.append(f"That were {turn.pulses} pulses, ten were expected.")
            self._ask_dial(f"Once more. {FULL_TURN}", self._see_full_turn)
            return
        self._found.pulse, self._found.off_normal = turn.pulse, turn.off_normal
        self._found.pulses_per_second = 10 if turn.pulses_per_second < 14 else 20
        self._said.append(f"The dial's pulses are on GPIO{turn.pulse}, {turn.pulses_per_second:.1f} a second.")
        if turn.off_normal is not None:
            self._said.append(f"Its off-normal contact is GPIO{turn.off_normal}.")
        self._ask_dial("Now dial 1.", self._see_one)

    def _see_one(self, now: float) -> None:
        self._dial.see(self._survey.grounded, now)
        turn = self._dial.turn(now)
        if turn is None:
            return
        orders = {1: "standard", 2: "swedish", 9: "new-zealand"}
        if turn.pulses not in orders:
            self._said.append(f"{turn.pulses} pulses for 1: no country's dial does that.")
            self._ask_dial("Once more: dial 1.", self._see_one)
            return
        self._found.order = orders[turn.pulses]
        self._finish()

    def _finish(self) -> None:
        self._keys = []
        self._ask("", self._nothing, self._nothing_said)


def _names(pins: frozenset[int]) -> str:
    return " and ".join(f"GPIO{gpio}" for gpio in sorted(pins))
