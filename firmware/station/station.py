"""The station: what happens between the phone, the user agent and the media engine of one telephone.

Its verbs are those of every pure part: `*_received(..., now)`, `handle_timers(now)`, `next_deadline()`, and five
drains, one for each neighbour in the world: the SIP sockets, the media engine, the board, the panel, and the disk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from firmware.media import messages as media
from firmware.phone import events as phone_events
from firmware.phone.phone import Phone
from firmware.phone.set_up_page import OpenSetUpPage
from firmware.phone.view import PhoneView
from firmware.sip.cores.user_agent import UserAgent
from firmware.sip.endpoint import Endpoint
from firmware.sip.transport import Flow, Hop, Output
from firmware.station.notebook import Notebook
from firmware.station.panel import Panel
from firmware.station.switchboard import Switchboard

if TYPE_CHECKING:
    from firmware.screen.screen import Picture

BoardAction = phone_events.SetLamp | phone_events.Ring | phone_events.StopRing

ROUNDS = 1000
"""Exchanges between phone and user agent in one moment; more is a fault of ours."""


class Station:
    """One telephone. Build it with `firmware.station.build.build_station`."""

    def __init__(
        self,
        endpoint: Endpoint,
        user_agent: UserAgent,
        phone: Phone,
        switchboard: Switchboard,
        panel: Panel,
        notebooks: Mapping[str, Notebook],
        own_addresses: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """`notebooks`: what is kept over a restart, by the name `drain_memory` gives it.

        `own_addresses()`: this machine's numeric addresses now.
        """
        self.endpoint = endpoint
        self._user_agent = user_agent
        self._phone = phone
        self._switchboard = switchboard
        self._panel = panel
        self._notebooks = notebooks
        self._own_addresses = own_addresses
        self._set_up_wanted = False
        self._board: list[BoardAction] = []

    # --- the world in ---

    def start(self, now: float) -> None:
        """Register, and show the first picture."""
        self._user_agent.start(now)
        self._settle(now)

    def stop(self, now: float) -> None:
        """Take leave of everybody; `idle` tells when that is done."""
        self._switchboard.stopping = True
        for core in self.endpoint.cores:
            core.stop(now)
        self._settle(now)

    def close(self, now: float) -> None:
        """Nothing more will happen: what is worth remembering is in the last `drain_memory`."""
        for notebook in self._notebooks.values():
            notebook.close(now)

    @property
    def idle(self) -> bool:
        """After `stop`: nothing is left to say."""
        return all(core.idle for core in self.endpoint.cores)

    def sip_received(self, data: bytes, flow: Flow, now: float) -> None:
        """Octets came from the network."""
        self.endpoint.receive(data, flow, now)
        self._settle(now)

    def sip_connection_closed(self, connection: int, now: float, hop: Hop | None = None) -> None:
        """A stream ended; `hop`: where it led, if it was ours."""
        self.endpoint.connection_closed(connection, now, hop)
        self._settle(now)

    def sip_delivery_failed(self, hop: Hop, now: float) -> None:
        """A message could not be delivered."""
        self.endpoint.delivery_failed(hop, now)
        self._settle(now)

    def sip_located(self, query: int, hops: tuple[Hop, ...], now: float) -> None:
        """The names' answer."""
        self.endpoint.located(query, hops, now)
        self._settle(now)

    def network_changed(self, now: float) -> None:
        """There is a network, or another one: register from there."""
        self._user_agent.register_again(now)
        self._settle(now)

    def media_received(self, event: media.Event, now: float) -> None:
        """The engine says something."""
        self._switchboard.engine_said(event, now)
        # A call is drawn anew each second anyway, and shows its quality then.
        self._settle(now, seen=not isinstance(event, media.Quality))

    def phone_received(self, event: phone_events.PhoneEvent, now: float) -> str | None:
        """The person did something, or the web asks for it; returns the id of a call it placed.

        Raises NotPossible for a request that makes no sense now.
        """
        try:
            return self._phone.receive(event, now)
        finally:
            self._settle(now)

    def handle_timers(self, now: float) -> None:
        """Do what is due."""
        self.endpoint.handle_timers(now)
        self._phone.handle_timers(now)
        self._settle(now)
        self._panel.draw(self.view, now)
        for notebook in self._notebooks.values():
            notebook.write(now)

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted."""
        parts = (self.endpoint.next_deadline(), self._phone.next_deadline(), self._panel.next_deadline())
        deadlines = (*parts, *(notebook.next_deadline() for notebook in self._notebooks.values()))
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # --- the world out ---

    def drain_sip(self) -> list[Output]:
        """What the sockets must send or find out."""
        return self.endpoint.drain()

    def drain_media(self) -> list[media.Command]:
        """What the engine must do."""
        return self._switchboard.drain()

    def drain_board(self) -> list[BoardAction]:
        """Lamps and ringer."""
        actions, self._board = self._board, []
        return actions

    def drain_picture(self) -> Picture | None:
        """A new picture for the panel, None if it has not changed."""
        return self._panel.drain()

    def drain_memory(self) -> list[tuple[str, bytes]]:
        """What is to be kept until the next start instead of what was before under that name."""
        return [(name, octets) for name, book in self._notebooks.items() if (octets := book.drain()) is not None]

    def drain_set_up(self) -> bool:
        """Whether the person has just asked for the card's set-up page; `SetUpPageTold` is to say how that went."""
        wanted, self._set_up_wanted = self._set_up_wanted, False
        return wanted

    def view(self, now: float) -> PhoneView:
        """The phone's state; with this machine's addresses while they are on the panel."""
        view = self._phone.view(now)
        if view.options is None or view.options.page != "about":
            return view
        return dataclasses.replace(view, own_addresses=self._own_addresses())

    # --- the joints ---

    def _settle(self, now: float, *, seen: bool = True) -> None:
        """Carry what one part says to the others until all are quiet. `seen`: the panel may look different now."""
        for _ in range(ROUNDS):
            heard, wanted = self._user_agent.events(), self._phone.drain()
            if not heard and not wanted:
                break
            for event in heard:
                self._switchboard.user_agent_said(event, now)
            for action in wanted:
                self._carry_out(action, now)
        else:
            raise AssertionError("the phone and its user agent answer each other for ever")
        if seen:
            self._panel.touch(now)
        for notebook in self._notebooks.values():
            notebook.look(now)

    def _carry_out(self, action: phone_events.Action, now: float) -> None:
        if isinstance(action, phone_events.SetLamp | phone_events.Ring | phone_events.StopRing):
            self._board.append(action)
        if isinstance(action, OpenSetUpPage):
            self._set_up_wanted = True
        elif not isinstance(action, phone_events.SetLamp):
            self._switchboard.carry_out(action, now)
