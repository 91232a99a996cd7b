"""Somebody who wires a telephone and follows the wizard's questions, in virtual time, at wired mock pins.

maker = Maker(load_board("handset"))
assert maker.follow()                    # the session ran to its end
parse_board(maker.session.state.profile)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hw.boards.claims import claims_of
from hw.boards.profile import Profile
from hw.pi.surveyor import Surveyor
from hw.pi.wiring_panel import PanelView
from hw.pi.wiring_session import PAUSE_S, Session, State
from hw.wizard.prompts import Card, Prompt, Situation, Tone
from hw.wizard.wizard import Wizard
from tests.support.wiring import GROUND, Wiring

PAIRS_S = 0.02
"""Looking for joined pins takes its time on a real board."""
USB = Card("usb", "USB Audio Device")


class HeardTones:
    """Stands in for the sound cards: remembers what plays."""

    def __init__(self) -> None:
        self.playing: Tone | None = None
        self.played: list[Tone] = []
        self.fault = ""

    def play(self, tone: Tone | None) -> None:
        self.playing = tone
        if tone is not None:
            self.played.append(tone)

    def trouble(self) -> str:
        fault, self.fault = self.fault, ""
        return fault


@dataclass
class Ears:
    """Where a telephone's tones are heard: (card, channel) of each end."""

    handset: tuple[str, str] | None = ("usb", "both")
    loudspeaker: tuple[str, str] | None = None
    microphone: str = "usb"

    def hear(self, tone: Tone) -> str:
        for name, end in (("handset", self.handset), ("loudspeaker", self.loudspeaker)):
            if end is not None and end[0] == tone.card and (end[1] == tone.channel or "both" in (end[1], tone.channel)):
                return name
        return "nowhere"


class Maker:
    """Obeys each question once, after a moment."""

    def __init__(
        self,
        telephone: Profile,
        *,
        bounce: float = 0.0,
        order: str = "1234567890",
        noise: Callable[[Maker], None] | None = None,
        cards: tuple[Card, ...] = (USB,),
        ears: Ears | None = None,
        bell_hz: int = 20,
        buzzer: bool = False,
        gpios: frozenset[int] = frozenset(),
        key_s: float = 0.2,
        panel: PanelView | None = None,
        **situation: Any,
    ) -> None:
        """`noise`: called at each survey; `gpios`: those watched, else the telephone's and some more; `buzzer`: a piezo
        with a tone of its own."""
        self.wiring = Wiring()
        self.telephone = telephone
        self.prompts: list[Prompt] = []
        self.random = Random(19)
        self.instead: dict[str, Callable[[], None]] = {}
        """What is done, once, when a question begins so, in place of what it asks."""
        self.levels: dict[int, set[float]] = {}
        """The levels each pin was driven to since the question."""
        self.tones = HeardTones()
        self._bounce = bounce
        self._order = order
        self._noise = noise
        self._ears = ears or Ears()
        self._bell_hz = bell_hz
        self._buzzer = buzzer
        self._key_s = key_s
        self._plan: list[tuple[float, Callable[[], None]]] = []
        self._typed: list[str] = []
        self._asked = 0
        self._at_rest()
        wired = frozenset(claim.gpio for claim in claims_of(telephone)) | {7, 8, 9, 10, 25}
        self.surveyor = Surveyor(self.wiring.factory, gpios or wired - {2, 3}, pause=lambda seconds: None)
        watched = frozenset(self.surveyor.watched)
        self.wizard = Wizard(Situation(watched=watched, cards=cards, **situation), name="Found")
        self.session = Session(
            self.wizard, self.surveyor, tones=self.tones, clock=lambda: self.wiring.now  # type: ignore[arg-type]
        )  # fmt: skip
        if panel is not None:
            self.session.watch(panel.show)

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def said(self) -> str:
        """Everything the wizard said."""
        return "\n".join(self.session.state.said)

    def follow(self, seconds: float = 300.0) -> bool:
        """Until it is over: True if there is a profile."""
        self.until = seconds
        return self.session.run(self._pause)

    def type(self, text: str) -> None:
        """A line at the keyboard."""
        self._typed.append(text)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something then."""
        self._plan.append((self.wiring.now + seconds, action))

    def press(self, key: str, seconds: float | None = None) -> None:
        """Hold a key for a while."""
        place = self.place(key)
        assert place is not None, key
        self.hold(*place, self._key_s if seconds is None else seconds)

    def hold(self, one: int, other: int, seconds: float) -> None:
        """Close a switch for a while."""
        self.wiring.join(one, other)
        self.after(seconds, lambda: self.wiring.part(one, other))

    def place(self, key: str) -> tuple[int, int] | None:
        """The two ends that a key joins."""
        matrix, single = self.telephone.matrix, self.telephone.single_keys
        for r, row in enumerate(matrix.keys if matrix is not None else ()):
            if key in row:
                assert matrix is not None
                return matrix.rows[r], matrix.columns[row.index(key)]
        pins = dict(single.pins) if single is not None else {}
        return (pins[key], GROUND) if key in pins else None

    def hook(self, lifted: bool) -> None:
        """Lift or replace the handset; the contact bounces."""
        hook = self.telephone.hook
        if hook is None:
            return
        closed = lifted == (hook.normally == "closed")
        for n in range(round(self._bounce / 0.004)):
            chatter = self.random.random() < 0.5
            self.after(0.004 * n, lambda level=chatter: self.wiring.set(hook.pin, GROUND, level))  # type: ignore[misc]
        self.after(self._bounce, lambda: self.wiring.set(hook.pin, GROUND, closed))

    def turn(self, pulses: int) -> None:
        """Turn the dial."""
        dial = self.telephone.dial
        assert dial is not None
        period, at = 1 / dial.pulses_per_second, 0.3
        if dial.off_normal is not None:
            self.wiring.join(dial.off_normal, GROUND)
        for _ in range(pulses):
            self.after(at, lambda: self.wiring.part(dial.pulse, GROUND))
            self.after(at + 0.6 * period, lambda: self.wiring.join(dial.pulse, GROUND))
            at += period
        if dial.off_normal is not None:
            self.after(at + 0.1, lambda: self.wiring.part(dial.off_normal, GROUND))

    def _at_rest(self) -> None:
        telephone = self.telephone
        if telephone.dial is not None:
            self.wiring.join(telephone.dial.pulse, GROUND)
        if telephone.hook is not None and telephone.hook.normally == "open":
            self.wiring.join(telephone.hook.pin, GROUND)

    def _pause(self, seconds: float) -> str | None:
        assert self.wiring.now < self.until, (self.state.prompt, self.state.said[-3:])
        self.wiring.time += PAIRS_S if self.wizard.wants_pairs else PAUSE_S
        if self._noise is not None:
            self._noise(self)
        for gpio, pin in self.wiring.pins.items():
            if pin.driven is not None:
                self.levels.setdefault(gpio, set()).add(pin.driven)
        due = [(at, action) for at, action in self._plan if at <= self.wiring.now]
        self._plan = [entry for entry in self._plan if entry not in due]
        for _, action in sorted(due, key=lambda entry: entry[0]):
            action()
        if self.state.asked != self._asked and self.state.prompt is not None:
            self._asked = self.state.asked
            self.levels = {}
            self._take(self.state.prompt)
        return self._typed.pop(0) if self._typed else None

    def _take(self, prompt: Prompt) -> None:
        self.prompts.append(prompt)
        for beginning in self.instead:
            if prompt.text.startswith(beginning):
                self.instead.pop(beginning)()
                return
        asked = self.state.asked
        self.after(0.2, lambda: self.obey(prompt) if self.state.asked == asked else None)

    def obey(self, prompt: Prompt) -> None:
        """Do what a question asks."""
        text = prompt.text
        if text.startswith("Lift"):
            self.hook(True) if self.telephone.hook is not None else self.type("skip")
        elif text.startswith("Put the handset back"):
            self.hook(False)
        elif text.startswith("Press"):
            key = prompt.text.split()[1] if prompt.text.split()[1] != "the" else text.split(",")[0].split()[-1]
            self.press(key) if self.place(key) is not None else self.type("skip")
        elif text.startswith("Turn the dial"):
            self.turn(10)
        elif text.startswith("Now dial 1"):
            self.turn(self._order.index("1") + 1)
        elif text.startswith("How are numbers"):
            self.type(self._kind())
        elif prompt.section == "Lamps":
            self._lamps(text)
        elif prompt.section == "Ringer":
            self._ringer(text)
        elif prompt.section == "Sound":
            self._sound(prompt)
        elif prompt.section == "Panel":
            self.type("right")
        elif prompt.default:
            self.type("")

    def _kind(self) -> str:
        telephone = self.telephone
        if telephone.dial is not None:
            return "d"
        if telephone.usb_keypad is not None:
            return "u"
        return "k" if telephone.matrix is not None or telephone.single_keys is not None else "n"

    def _lamps(self, text: str) -> None:
        lamps = self.telephone.lamp_pins
        pins = dict(lamps.pins) if lamps is not None else {}
        if text.startswith("On which GPIO"):
            lamp = text.split("lamp ")[1].split(",")[0]
            self.type(f"GPIO{pins[lamp]}" if lamp in pins else "skip")
            return
        gpio = int(text.removeprefix("GPIO").split()[0])
        lit = 1.0 if lamps is None or lamps.active == "high" else 0.0
        if "blink" in text:
            # To see it blink takes a while.
            self.after(
                1.2, lambda: self.type("y" if self.levels.get(gpio) == {0.0, 1.0} and gpio in pins.values() else "n")
            )
        else:
            self.type("y" if self.levels.get(gpio) == {lit} else "n")

    def _ringer(self, text: str) -> None:
        ringer = self.telephone.ringer
        if text.startswith("What rings"):
            self.type(ringer.kind)
        elif text.startswith("On which"):
            self.type(" ".join(map(str, ringer.pins)))
        elif "ring at" in text:
            rung = all(self.levels.get(gpio) == {0.0, 1.0} for gpio in ringer.pins)
            right = f"ring at {self._bell_hz} Hz" in text
            self.type("y" if rung and right else "n")
        else:
            toned = any(0.0 < level < 1.0 for level in self.levels.get(ringer.pins[0], ()))
            high = 1.0 in self.levels.get(ringer.pins[0], ())
            self.type("y" if toned != self._buzzer and (toned or high) else "n")

    def _sound(self, prompt: Prompt) -> None:
        if prompt.text.startswith("A tone plays"):
            assert self.tones.playing is not None
            self.type(self._ears.hear(self.tones.playing))
        elif prompt.text.startswith("No sound card"):
            self.type("")
        else:
            words = {"Which sound card is the handset": self._ears.handset, "Is there a loudsp": self._ears.loudspeaker}
            end = next((end for start, end in words.items() if prompt.text.startswith(start)), (self._ears.microphone,))
            wanted = f"({end[0]})" if end is not None else ""
            self.type(next((choice.name for choice in prompt.choices if wanted and wanted in choice.words), "skip"))
