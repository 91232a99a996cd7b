"""What the phone looks like from outside: one frozen picture of its state, for the panel and the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firmware.phone.events import CallQuality, Party
from firmware.phone.set_up_page import Outcome

CallState = Literal["calling", "ringing", "early", "confirmed", "ended"]
"""interfaces.md's CALL.state. Outgoing: calling -> ringing (180) | early (183 media) -> confirmed -> ended.
Incoming: ringing -> confirmed -> ended.
"""


@dataclass(frozen=True, slots=True)
class CallView:
    """One call."""

    id: str
    direction: Literal["in", "out"]
    state: CallState
    hold: Literal["none", "local", "remote", "both"]
    remote: Party
    account: str
    codec: str
    """Empty until agreed."""
    encrypted: bool
    seconds: float
    """Since it was answered; 0 before."""
    quality: CallQuality | None
    cause: tuple[int, str] | None
    """For an ended call: code and plain words."""
    line: int = 1
    """1 or 2: the line key it belongs to."""
    advice: str = ""
    """For an ended call: what to do next, in a few words; may be empty."""
    answering: bool = False
    """Incoming: we have answered, the far end has not acknowledged yet."""
    recalling: bool = False
    """Held by us for so long that it rings back."""
    unheard: bool = False
    """Outgoing: nothing has come back yet, not even that somebody has our INVITE, and it should have."""
    digits_received: str = ""
    """The last digits that the far end typed (DTMF), oldest first."""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One line of the call list."""

    kind: Literal["in", "out", "missed"]
    remote: Party
    at: float
    """When it began: monotonic seconds, or Unix seconds if `dated`."""
    seconds: float
    """How long they spoke; 0 if not at all."""
    dated: bool = False
    """It is older than this start: the monotonic clock knows nothing of it."""
    times: int = 1
    """How many calls in a row were like this one, the latest of them."""

    def age(self, now: float, unix: float) -> float:
        """Return how many seconds ago it began; `unix` is the clock on the wall at `now`."""
        return (unix if self.dated else now) - self.at


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account."""

    address: str
    name: str
    registers: bool
    """False for a peer that is called directly."""
    registered: bool
    expires_at: float | None
    """Monotonic seconds."""
    reason: str


OptionsPage = Literal["choices", "about", "clear", "set-up"]
"""Of the menu: its list, what this telephone is, two things that are asked twice."""
SetUpPage = Literal["", "asked"] | Outcome
"""Nobody asked for it; it is being opened; what became of that."""


@dataclass(frozen=True, slots=True)
class OptionsView:
    """The telephone's menu (mode "options")."""

    choices: tuple[str, ...]
    """Their names; the first has the digit 1."""
    page: OptionsPage = "choices"
    chosen: int = 0
    """Which of them is marked."""
    turned: int = 0
    """Of a page that has more than the panel holds: how often it was turned on; below 0, back."""
    set_up: SetUpPage = ""


@dataclass(frozen=True, slots=True)
class PhoneView:
    """The whole phone."""

    name: str
    hook: Literal["on", "off"]
    mode: Literal["idle", "dialling", "calling", "ringing", "talking", "ended", "menu", "options"]
    """Which screen is due."""
    digits: str
    """What has been dialled so far (mode "dialling"), or typed in the call."""
    focus: str | None
    """Id of the call the screen is about."""
    calls: tuple[CallView, ...]
    accounts: tuple[AccountView, ...]
    missed: int
    """Missed calls not yet looked at."""
    earpiece_volume: int
    ringer_volume: int
    muted: bool
    loudspeaker: bool
    volume_shown: Literal["", "earpiece", "ringer"]
    """While a volume was just changed: show its bar."""
    notice: str
    """A short line in plain words, e.g. why the last call failed; empty if none."""
    sound_fault: str = ""
    """Why there is no sound, with the cure; empty if there is."""
    purpose: Literal["dial", "transfer"] = "dial"
    """What the digits of mode "dialling" are for."""
    joinable: bool = False
    """Of purpose "transfer": the Transfer key once more joins the two calls there are."""
    history: tuple[HistoryView, ...] = ()
    """The call list, latest first (mode "menu")."""
    selected: int = 0
    """Which line of it is chosen."""
    detailed: bool = False
    """All that is known of that line is wanted, instead of the list."""
    by_digits: bool = False
    """The call list is gone through by digits, for want of arrows."""
    do_not_disturb: bool = False
    """Every call is refused."""
    options: OptionsView | None = None
    """Set in mode "options"."""
    version: str = ""
    """Of this program."""
    own_addresses: tuple[str, ...] = ()
    """This machine's numeric addresses, while they are on the panel."""
    forgetful: bool = False
    """The memory card cannot be used: what is set and what happens is forgotten when it is switched off."""
