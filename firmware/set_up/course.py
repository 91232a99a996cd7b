"""The course of a set-up: ask, try what was answered, ask again with what was wrong, until the telephone is in service.

asking --answered--> joining --address--> starting --in service--> done
  ^                     |                    |
  '---- what is wrong --+--------------------'

The radio is the set-up network while it asks, and in the home's own network otherwise: few can be both at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firmware.set_up.air import Link
from firmware.set_up.form import Mistake

Stage = Literal["asking", "joining", "starting", "done"]
Radio = Literal["access point", "home", "off"]

JOIN_S = 90.0
"""To find a network, be let in and have an address."""
REFUSED_S = 12.0
"""Turned away for so long, twice tried: a network that is only busy lets in at the second try."""
START_S = 180.0
"""For the telephone to start: the slowest board there is, with all it has."""
REGISTER_S = 75.0
"""For it to register then; its server has 32 s to answer each try (RFC 3261 timer F)."""
AGAIN_S = 600.0
"""Nobody came to the page for so long: what was answered is tried again, as it may have been the server's fault."""
WINDOW_S = 900.0
"""A telephone that worked is open to be set up anew for so long."""


@dataclass(frozen=True, slots=True)
class Facts:
    """How things are."""

    link: Link = "searching"
    address: bool = False
    """We have an address that others can reach, in the network that was chosen."""
    in_air: bool = False
    """The network that was chosen is among those seen."""
    service: str = ""
    """What the telephone says of itself: IN_SERVICE, or why not; empty: it does not run."""
    failed: bool = False
    """It ran, and ended with a fault."""


IN_SERVICE = "in service"


class Course:
    """One set-up. Events and time in; `stage`, `radio` and `starts` say what is wanted."""

    def __init__(self, *, phone: bool, wifi: bool, worked: bool, asked: bool, has_radio: bool, now: float) -> None:
        """`phone`, `wifi`: there are such settings; `worked`: they have done so; `asked`: the user wants the page."""
        self.stage: Stage = "asking"
        self.mistakes: tuple[Mistake, ...] = ()
        self.starts = 0
        """How often the telephone was to be started anew."""
        self._phone, self._wifi, self._worked, self._has_radio = phone, wifi, worked, has_radio
        self._unjoinable = self._renewed = False
        self._since = self._visited = now
        self._refused_since: float | None = None
        self._up_since: float | None = None
        if phone and not worked and not asked:
            self._enter("joining", now)

    @property
    def radio(self) -> Radio:
        """What the Wi-Fi card is to be."""
        if not self._has_radio:
            return "off"
        if self.stage != "asking":
            return "home" if self._wifi else "off"
        # Its Wi-Fi came on the card without an account: then the page is in that network, like one on a cable.
        joins = self._wifi and not self._phone and not self._unjoinable
        return "home" if joins else "access point"

    @property
    def words(self) -> str:
        """What goes on, for the page."""
        if self.stage == "joining":
            return "Joining the Wi-Fi ..." if self._wifi else "Looking for the network ..."
        return {
            "asking": "Waiting for answers.",
            "starting": "The telephone starts, and registers with the server ...",
            "done": "The telephone is in service.",
        }[self.stage]

    def radio_found(self) -> None:
        """There is a Wi-Fi card after all."""
        self._has_radio = True

    def visited(self, now: float) -> None:
        """Somebody is at the page."""
        self._visited = now

    def answered(self, *, wifi: bool, now: float) -> None:
        """New settings are written."""
        self._phone, self._wifi, self._worked, self._unjoinable, self._renewed = True, wifi, False, False, True
        self.mistakes = ()
        self._enter("joining", now)

    def observe(self, facts: Facts, now: float) -> None:
        """Go on if it is time to."""
        match self.stage:
            case "asking":
                self._wait(facts, now)
            case "joining":
                self._join(facts, now)
            case "starting":
                self._start(facts, now)

    def _enter(self, stage: Stage, now: float) -> None:
        self.stage, self._since, self._refused_since, self._up_since = stage, now, None, None

    def _ask(self, field: str, words: str, now: float) -> None:
        self.mistakes = (Mistake(field, words),)
        self._visited = now
        self._enter("asking", now)

    def _wait(self, facts: Facts, now: float) -> None:
        idle = now - max(self._visited, self._since)
        if self.radio == "home" and not self._phone:
            if wrong := self._not_joined(facts, now):
                self._unjoinable = True
                self._ask(*wrong, now)
        elif self._phone and self._worked and idle > WINDOW_S:
            self._enter("done", now)
        elif self._phone and not self._worked and idle > AGAIN_S:
            self._enter("joining", now)

    def _join(self, facts: Facts, now: float) -> None:
        if facts.address and (facts.link == "joined" or not self._wifi):
            # One that started with these settings, and is in service, need not start anew.
            self.starts += self._renewed or facts.service != IN_SERVICE
            self._enter("starting", now)
        elif wrong := self._not_joined(facts, now):
            self._ask(*wrong, now)

    def _not_joined(self, facts: Facts, now: float) -> tuple[str, str] | None:
        """The field and what is wrong with it, once that is certain."""
        if not self._wifi:
            words = "There is no network: plug in a cable, or choose a Wi-Fi."
            return ("ssid", words) if not facts.address and now - self._since > JOIN_S else None
        if facts.link == "refused":
            self._refused_since = self._refused_since or now
            if now - self._refused_since > REFUSED_S:
                return "wifi_password", "The Wi-Fi did not let the telephone in: the password is probably wrong."
        if now - self._since <= JOIN_S or (facts.link == "joined" and facts.address):
            return None
        if facts.link == "joined":
            return "ssid", "The Wi-Fi let the telephone in, but its router gave it no address."
        if facts.in_air:
            return "wifi_password", "The Wi-Fi is there, but joining it failed: check its password."
        return "ssid", "No Wi-Fi of this name is in reach: check how it is written, and the distance to the router."

    def _start(self, facts: Facts, now: float) -> None:
        if facts.service == IN_SERVICE:
            self._worked, self._renewed = True, False
            self.mistakes = ()
            self._enter("done", now)
            return
        if facts.failed:
            self._ask("board", f"The telephone does not start: {facts.service or 'is it of this kind?'}", now)
        elif wrong := _refusal(facts.service):
            self._ask(*wrong, now)
        elif facts.service:
            self._up_since = now if self._up_since is None else self._up_since
            if now - self._up_since > REGISTER_S:
                self._ask("address", facts.service, now)
        elif now - self._since > START_S:
            self._ask("board", "The telephone did not start in time.", now)


def _refusal(service: str) -> tuple[str, str] | None:
    """What no waiting would mend."""
    for sign, field, words in (
        ("refuses our user name or password", "password", "The server does not accept this user name and password."),
        ("does not know our address", "address", "The server knows nobody with this address."),
    ):
        if sign in service:
            return field, words
    return None
