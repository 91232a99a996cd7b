"""What a phone is told when it is built: its name, its accounts, its country's tones, its waiting times."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.audio.tones import Segment, Tone
from firmware.numbering.dial_plan import DialPlan

CONNECTING = Tone((Segment((425.0,), 40, -24.0), Segment((), 1960)))
"""A soft tick, so that a silent server is not taken for a dead telephone. No country has such a tone: its exchange is
never silent."""
_BEEP, _GAP = Segment((850.0,), 80, -18.0), Segment((), 120)
CHOOSE = Tone((_BEEP, Segment((), 2420)))
SURE = Tone((_BEEP, _GAP, _BEEP, Segment((), 2220)))
DONE = Tone((_BEEP, _GAP, _BEEP, _GAP, _BEEP), repeats=False)
OFF = Tone((Segment((850.0,), 160, -18.0), Segment((570.0,), 320, -18.0)), repeats=False)
REFUSED = Tone((Segment((285.0,), 800, -16.0),), repeats=False)
"""The menu by ear, of no country either: one beep asks what is wanted, two ask whether one is sure; three say done, a
falling pair says switched off, a low one no."""


@dataclass(frozen=True, slots=True)
class Tones:
    """The call-progress tones of a country (ITU-T E.180), as the phone asks for them."""

    dial: Tone
    """Ready to take digits."""
    ringback: Tone
    """The far end rings."""
    busy: Tone
    """The called person is busy; also sounds after the far end hung up."""
    congestion: Tone
    """Reorder: the network, not the person, is the cause."""
    number_unobtainable: Tone
    """No such number."""
    call_waiting: Tone
    """Another call comes in during this one."""
    howler: Tone
    """The handset was left off its cradle."""
    ring: Tone
    """The bell: its cadence, and how it sounds on a loudspeaker."""
    connecting: Tone = CONNECTING
    """Nothing has come back yet."""
    choose: Tone = CHOOSE
    """The menu: which of them?"""
    sure: Tone = SURE
    """Really?"""
    done: Tone = DONE
    """It is done, or on."""
    off: Tone = OFF
    """It is off."""
    refused: Tone = REFUSED
    """There is no such thing, or it cannot be done."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account, as the person at the desk sees it."""

    address: str
    """Address-of-record, "sip:1001@example.net"; its host is where dialled numbers go."""
    name: str = ""
    """Shown on the panel; empty: the address's user part."""
    registers: bool = True
    """False: a peer that is called directly, with no server."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the phone waits, in seconds."""

    first_digit: float = 20.0
    """Dial tone without a digit, then the howler."""
    next_digit: float = 8.0
    """Between digits of a number that matches no whole pattern yet; then it is dialled as it stands."""
    long_press: float = 1.0
    """The first digit 0 is held so long, then it is a + (RFC 4504 Req-90)."""
    critical: float = 4.0
    """After digits that are a whole number but could go on (RFC 3435 §2.1.5, timer T critical)."""
    incoming: float = 60.0
    """An incoming call rings so long, some fifteen times, then 480 goes out and both ends read that nobody answered."""
    no_server: float = 6.0
    """A call from an account that is not registered gets no response at all for so long, then it has failed."""
    no_news: float = 4.0
    """A call gets no response at all for so long, then it says so; a server that is well answers in 0.2 s (RFC 3261
    §17.2.1), and our fourth copy of the request has gone out."""
    outgoing: float = 180.0
    """An outgoing call is left unanswered so long, then it is cancelled."""
    hold_recall: float = 180.0
    """A held call rings back after this (RFC 4504 Req-31); 0: never."""
    recall_ring: float = 30.0
    """How long it rings back each time."""
    transfer: float = 60.0
    """Waiting for the outcome of a transfer."""
    replaced: float = 10.0
    """After a transfer brought us to somebody new, the old call is left so long to end by itself."""
    failure_tone: float = 30.0
    """Busy, congestion and the other tones at the end of a call; then the howler."""
    ended_screen: float = 5.0
    """The last call's end stays on the panel when nobody holds the handset."""
    ended_call: float = 15.0
    """An ended call stays listed."""
    volume_shown: float = 2.0
    """The volume bar stays on the panel."""
    notice: float = 5.0
    """A short notice stays on the panel."""
    menu: float = 30.0
    """The call list, the menu, and digits typed with the handset down, are given up after this."""
    told: float = 1.5
    """The tone that says how a wish of the menu ended is heard, then the menu asks again."""
    set_up: float = 185.0
    """For the set-up page to open, after which nobody says any more how that went."""
    directions: float = 120.0
    """Where the set-up page is stays on the panel: whoever is to open it has to fetch another device."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Everything a `Phone` is built from."""

    name: str
    """Shown on the panel."""
    tones: Tones
    accounts: tuple[AccountSettings, ...]
    """The first is dialled from unless a request names another."""
    dial_plan: DialPlan = field(default_factory=DialPlan)
    timeouts: Timeouts = field(default_factory=Timeouts)
    call_waiting: bool = True
    """Offer a second call during the first; False: it is refused with 486."""
    do_not_disturb: bool = False
    """Refuse every call with 486 (RFC 4504 Req-41), until `SetDoNotDisturb` says otherwise."""
    earpiece_volume: int = 7
    """1 to 10; 7 is 0 dB."""
    ringer_volume: int = 7
    """0 to 10; 0 is off."""
    hotline: str = ""
    """Called when the handset is lifted (RFC 4504 Req-84): a number or URI; empty: there is dial tone."""
    version: str = ""
    """Of this program, as the menu shows it."""
    forgetful: bool = False
    """There is no disk that keeps anything: what is set is forgotten when the telephone is switched off."""
    hotline_delay: float = 0.0
    """Seconds of dial tone before that, in which another number may be begun; 0: it is called at once."""
