"""The station: what happens between the phone, the user agent and the media engine of one telephone.

Its verbs are those of every pure part: `*_received(..., now)`, `handle_timers(now)`, `next_deadline()`, and four
drains, one for each neighbour in the world: the SIP sockets, the media engine, the board, and the panel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from random import Random

from firmware.media import messages as media
from firmware.phone import events as phone_events
from firmware.phone.phone import Phone
from firmware.phone.view import PhoneView
from firmware.screen.screen import Picture, render
from firmware.sdp.negotiation import Codec, Negotiation, NotAcceptable
from firmware.sdp.session import MalformedDescription
from firmware.sip.cores import user_agent_events as ua_events
from firmware.sip.cores.user_agent import UserAgent
from firmware.sip.endpoint import Endpoint
from firmware.sip.grammar import display_text
from firmware.sip.message import MalformedMessage
from firmware.sip.transport import Flow, Hop, Output
from firmware.sip.uri import SipUri, parse_uri
from firmware.station.calls import StationCall

log = logging.getLogger(__name__)

BoardAction = phone_events.SetLamp | phone_events.Ring | phone_events.StopRing

SCREEN_SETTLE_S = 0.02
"""Changes within this time share one picture: signalling goes first."""
FAR_AWAY = "198.51.100.1"
"""An address that only the default route leads to (RFC 5737): what our address is towards the world."""
EARPIECE_STEP_DB = 3.0
RINGER_STEP_DB = 4.0
UNITY_VOLUME = 7


class Station:
    """One telephone. Build it with `firmware.station.build.build_station`."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        user_agent: UserAgent,
        phone: Phone,
        codecs: tuple[Codec, ...],
        random: Random,
        local_address: Callable[[str], str],
        wall: Callable[[float], datetime],
        panel_size: tuple[int, int] | None,
        next_hops: dict[str, str],
        auto_answer: dict[str, float | None],
    ) -> None:
        """`wall(now)`: local date and time at a monotonic time. `panel_size`: None for a phone without a panel.

        `next_hops`: for each account's address the host of its server, "" for none.
        """
        self.endpoint = endpoint
        self.user_agent = user_agent
        self.phone = phone
        self._codecs = codecs
        self._random = random
        self._local_address = local_address
        self._wall = wall
        self._panel_size = panel_size
        self._next_hops = next_hops
        self._auto_answer = auto_answer
        self._calls: dict[str, StationCall] = {}
        self._commands: list[media.Command] = []
        self._board: list[BoardAction] = []
        self._picture: Picture | None = None
        self._shown: Picture | None = None
        self._screen_due: float | None = 0.0
        self._stopping = False

    # --- the world in ---

    def start(self, now: float) -> None:
        """Register, and show the first picture."""
        self.user_agent.start(now)
        self._settle(now)

    def stop(self, now: float) -> None:
        """Take leave of everybody; `idle` tells when that is done."""
        self._stopping = True
        self.user_agent.stop(now)
        self._settle(now)

    @property
    def idle(self) -> bool:
        """After `stop`: nothing is left to say."""
        return self.user_agent.idle

    def sip_received(self, data: bytes, flow: Flow, now: float) -> None:
        """Octets came from the network."""
        self.endpoint.receive(data, flow, now)
        self._settle(now)

    def sip_connection_closed(self, connection: int, now: float) -> None:
        """A stream ended."""
        self.endpoint.connection_closed(connection, now)
        self._settle(now)

    def sip_delivery_failed(self, hop: Hop, now: float) -> None:
        """A message could not be delivered."""
        self.endpoint.delivery_failed(hop, now)
        self._settle(now)

    def sip_located(self, query: int, hops: tuple[Hop, ...], now: float) -> None:
        """The names' answer."""
        self.endpoint.located(query, hops, now)
        self._settle(now)

    def media_received(self, event: media.Event, now: float) -> None:
        """The engine says something."""
        match event:
            case media.SessionOpened():
                self._session_opened(event, now)
            case media.SessionRefused():
                self._session_refused(event, now)
            case media.RemoteDigit():
                self.phone.receive(phone_events.RemoteDigitHeard(event.session, event.digit), now)
            case media.Quality():
                quality = (event.loss_percent, event.jitter_ms, event.delay_ms, event.mos)
                self.phone.receive(phone_events.CallQuality(event.session, *quality), now)
            case media.MediaStopped() | media.RemoteLeft():
                log.info("call %s: %s", event.session, event)
        self._settle(now)

    def phone_received(self, event: phone_events.PhoneEvent, now: float) -> str | None:
        """The person did something, or the web asks for it; returns the id of a call it placed.

        Raises NotPossible for a request that makes no sense now.
        """
        try:
            return self.phone.receive(event, now)
        finally:
            self._settle(now)

    def handle_timers(self, now: float) -> None:
        """Do what is due."""
        self.endpoint.handle_timers(now)
        self.phone.handle_timers(now)
        self._settle(now)
        if self._screen_due is not None and now >= self._screen_due:
            self._draw(now)

    def next_deadline(self) -> float | None:
        """When `handle_timers` is next wanted."""
        deadlines = (self.endpoint.next_deadline(), self.phone.next_deadline(), self._screen_due)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # --- the world out ---

    def drain_sip(self) -> list[Output]:
        """What the sockets must send or find out."""
        return self.endpoint.drain()

    def drain_media(self) -> list[media.Command]:
        """What the engine must do."""
        commands, self._commands = self._commands, []
        return commands

    def drain_board(self) -> list[BoardAction]:
        """Lamps and ringer."""
        actions, self._board = self._board, []
        return actions

    def drain_picture(self) -> Picture | None:
        """A new picture for the panel, None if it has not changed."""
        picture, self._picture = self._picture, None
        return picture

    def view(self, now: float) -> PhoneView:
        """The phone's state."""
        return self.phone.view(now)

    # --- the joints ---

    def _settle(self, now: float) -> None:
        """Carry what one part says to the others until all are quiet."""
        for _ in range(1000):
            heard = self.user_agent.events()
            actions = self.phone.drain()
            if not heard and not actions:
                break
            for event in heard:
                self._user_agent_said(event, now)
            for action in actions:
                self._phone_wants(action, now)
        else:
            raise AssertionError("the phone and its user agent answer each other for ever")
        if self._screen_due is None or self._screen_due > now + SCREEN_SETTLE_S:
            self._screen_due = now + SCREEN_SETTLE_S

    def _draw(self, now: float) -> None:
        """Draw the panel; next when a second of a call or a minute of the clock has passed."""
        if self._panel_size is None:
            self._screen_due = None
            return
        view, wall = self.phone.view(now), self._wall(now)
        picture = render(view, wall, now, self._panel_size)
        if picture != self._shown:
            self._shown = self._picture = picture
        if view.mode == "idle":
            self._screen_due = now + 60 - wall.second - wall.microsecond / 1e6
        else:
            self._screen_due = now + 1 - wall.microsecond / 1e6

    # --- what the phone wants ---

    def _phone_wants(self, action: phone_events.Action, now: float) -> None:
        match action:
            case phone_events.SetLamp() | phone_events.StopRing() | phone_events.Ring():
                self._ring_or_lamp(action)
            case phone_events.PlaceCall():
                self._place(action, now)
            case phone_events.AlertCall():
                self.user_agent.ring(action.call, now)
            case phone_events.AnswerCall():
                self._answer(action.call, now)
            case phone_events.EndCall():
                self._end(action, now)
            case phone_events.HoldCall():
                self._hold(action, now)
            case phone_events.TransferCall():
                self.user_agent.transfer(action.call, now, to=action.to, replaces_call=action.other)
            case _:
                self._commands.append(_media_command(action))

    def _ring_or_lamp(self, action: BoardAction) -> None:
        self._board.append(action)
        if isinstance(action, phone_events.Ring):
            self._commands.append(media.PlayRing(action.tone))
        elif isinstance(action, phone_events.StopRing):
            self._commands.append(media.PlayRing(None))

    def _open(self, call: StationCall) -> None:
        self._calls[call.id] = call
        self._commands.append(media.OpenSession(call.id, call.host))

    def _negotiation(self) -> Negotiation:
        return Negotiation(self._codecs, session_id=self._random.randrange(1 << 31))

    def _place(self, action: phone_events.PlaceCall, now: float) -> None:
        host = self._local_address(self._towards(action.account, action.to))
        self._open(StationCall(action.call, action.account, self._negotiation(), host, to=action.to))

    def _towards(self, account: str, to: str) -> str:
        """A numeric host that media will go towards, as well as can be told before the call."""
        try:
            uri = parse_uri(to)
        except MalformedMessage:
            return FAR_AWAY
        candidates = [self._next_hops.get(account, ""), uri.host if isinstance(uri, SipUri) else ""]
        return next((host for host in candidates if _is_numeric(host)), FAR_AWAY)

    def _answer(self, id: str, now: float) -> None:
        call = self._calls.get(id)
        if call is None:
            return
        offerless = call.answer is None
        self.user_agent.answer(id, call.offer() if offerless else call.answer, now)
        if not offerless:
            # Speech may come before the ACK (RFC 3261 §13.3.1.4): listen, and speak, from the 200 on.
            self._media_agreed(call, now)
            self.phone.receive(phone_events.CallConfirmed(id), now)

    def _end(self, action: phone_events.EndCall, now: float) -> None:
        call = self._calls.get(action.call)
        if call is not None and call.stage == "opening" and call.incoming is None:
            self._forget(action.call)  # no INVITE has been sent
            ended = phone_events.CallEnded(action.call, 487, "Request Terminated", "local")
            self.phone.receive(ended, now)
            return
        self.user_agent.hang_up(action.call, now, action.status)

    def _hold(self, action: phone_events.HoldCall, now: float) -> None:
        call = self._calls.get(action.call)
        if call is not None:
            call.wants_hold = action.hold
            self.user_agent.reinvite(call.id, call.offer(), now)

    # --- what the engine says ---

    def _session_opened(self, event: media.SessionOpened, now: float) -> None:
        call = self._calls.get(event.session)
        if call is None:
            self._commands.append(media.CloseSession(event.session))
            return
        reopened = bool(call.port)
        call.host, call.port = event.host, event.port
        if reopened:  # the engine was restarted: the far end may have to learn a new port
            return
        call.stage = "offered"
        if call.incoming is not None:
            self._arrive(call, call.incoming, now)
        elif call.transfer_of:
            self.user_agent.follow_transfer(call.transfer_of, call.id, call.offer(), now)
        else:
            self._invite(call, now)

    def _invite(self, call: StationCall, now: float) -> None:
        try:
            self.user_agent.invite(call.id, call.account, call.to, call.offer(), now)
        except MalformedMessage as fault:
            log.info("call %s: %s cannot be called: %s", call.id, call.to, fault)
            self._finish(call.id, phone_events.CallEnded(call.id, 484, "Address Incomplete", "local"), now)

    def _session_refused(self, event: media.SessionRefused, now: float) -> None:
        log.warning("call %s has no media: %s", event.session, event.reason)
        call = self._calls.get(event.session)
        if call is None:
            return
        if call.incoming is not None:
            self.user_agent.reject(call.id, 480, now)
        elif call.transfer_of:
            self.user_agent.refuse_transfer(call.transfer_of, now, 480)
        self._finish(call.id, phone_events.CallEnded(call.id, 500, event.reason, "local"), now)

    # --- what the user agent says ---

    def _user_agent_said(self, event: ua_events.UserAgentEvent, now: float) -> None:
        match event:
            case ua_events.IncomingCall():
                self._incoming(event)
            case ua_events.RegistrationChanged():
                changed = (event.account, event.registered, event.expires_at, event.reason)
                self.phone.receive(phone_events.AccountChanged(*changed), now)
            case ua_events.TransferRequested():
                self._transfer_requested(event, now)
            case ua_events.TransferProgress():
                self.phone.receive(phone_events.CallTransferred(event.call, event.status, event.reason), now)
            case ua_events.Ended():
                ended = (event.call, event.code, event.reason, event.by, event.answered_elsewhere)
                self._finish(event.call, phone_events.CallEnded(*ended), now)
            case ua_events.DigitReceived():
                self.phone.receive(phone_events.RemoteDigitHeard(event.call, event.digit), now)
            case _:
                call = self._calls.get(event.call)
                if call is not None:
                    self._session_said(call, event, now)

    def _session_said(self, call: StationCall, event: ua_events.UserAgentEvent, now: float) -> None:
        match event:
            case ua_events.Progress():
                self._progress(call, event, now)
            case ua_events.Answered():
                self._answered(call, event, now)
            case ua_events.Acknowledged():
                self._acknowledged(call, event, now)
            case ua_events.OfferReceived():
                self._offered(call, event, now)
            case ua_events.AnswerReceived():
                self._accept(call, event.sdp, now)
            case ua_events.OfferRefused():
                call.wants_hold = call.holding
                log.info("call %s: the far end refused our offer: %d %s", call.id, event.status, event.reason)
                self._tell_media(call, now)

    def _incoming(self, event: ua_events.IncomingCall) -> None:
        host = self._local_address(event.remote_host or FAR_AWAY)
        self._open(StationCall(event.call, event.account, self._negotiation(), host, incoming=event))

    def _arrive(self, call: StationCall, event: ua_events.IncomingCall, now: float) -> None:
        """An incoming call has its port: is there a codec in common? Then it may ring."""
        if event.sdp is not None:
            try:
                call.answer = call.answer_to(event.sdp)
            except (NotAcceptable, MalformedDescription) as fault:
                log.info("call %s refused: %s", call.id, fault)
                self.user_agent.reject(call.id, 488 if isinstance(fault, NotAcceptable) else 400, now)
                self._forget(call.id)
                return
        remote = phone_events.Party(str(event.remote_uri), display_text(event.remote_name))
        patience = self._auto_answer.get(event.account)
        self.phone.receive(phone_events.CallArrived(call.id, event.account, remote, patience), now)
        if event.replaces is not None:  # RFC 3891 §3: it takes over a call that was answered already
            self.phone.receive(phone_events.CallRequest(call.id, "answer"), now)

    def _progress(self, call: StationCall, event: ua_events.Progress, now: float) -> None:
        early = False
        if event.sdp is not None:
            early = self._accept(call, event.sdp, now, final=False)
        self.phone.receive(phone_events.CallProgressed(call.id, event.status, event.reason, early), now)

    def _answered(self, call: StationCall, event: ua_events.Answered, now: float) -> None:
        if event.sdp is not None:
            if not self._accept(call, event.sdp, now):
                return
        elif call.negotiation.agreed is None:
            log.info("call %s: the far end answered without a session description", call.id)
            self.user_agent.hang_up(call.id, now)
            return
        remote = phone_events.Party(str(event.remote_uri), display_text(event.remote_name))
        self.phone.receive(phone_events.CallConfirmed(call.id, remote), now)

    def _acknowledged(self, call: StationCall, event: ua_events.Acknowledged, now: float) -> None:
        if event.sdp is not None and not self._accept(call, event.sdp, now):
            return
        if call.answer is None:  # our 200 carried the offer
            self.phone.receive(phone_events.CallConfirmed(call.id), now)

    def _offered(self, call: StationCall, event: ua_events.OfferReceived, now: float) -> None:
        if event.sdp is None:
            self.user_agent.accept_offer(call.id, call.offer(), now)
            return
        try:
            answer = call.answer_to(event.sdp)
        except (NotAcceptable, MalformedDescription) as fault:
            log.info("call %s: offer refused: %s", call.id, fault)
            self.user_agent.refuse_offer(call.id, 488 if isinstance(fault, NotAcceptable) else 400, now)
            return
        self.user_agent.accept_offer(call.id, answer, now)
        self._media_agreed(call, now)

    def _accept(self, call: StationCall, answer: bytes | None, now: float, *, final: bool = True) -> bool:
        """Take the far end's answer; False, and the call ends if this was the `final` one, when it can't be used."""
        try:
            if answer is not None:
                call.negotiation.accept(answer)
        except (NotAcceptable, MalformedDescription) as fault:
            log.info("call %s: the far end's answer can't be used: %s", call.id, fault)
            if final:
                self.user_agent.hang_up(call.id, now)
            return False
        self._media_agreed(call, now)
        return True

    def _media_agreed(self, call: StationCall, now: float) -> None:
        call.stage = "agreed"
        call.holding = call.wants_hold
        configuration = call.configuration()
        if configuration is not None:
            self._commands.append(configuration)
        self._tell_media(call, now)

    def _tell_media(self, call: StationCall, now: float) -> None:
        agreed = call.negotiation.agreed
        if agreed is not None:
            held_by_them = call.negotiation.held_by_remote
            self.phone.receive(
                phone_events.CallMedia(call.id, agreed.send.encoding, False, call.holding, held_by_them), now
            )

    def _transfer_requested(self, event: ua_events.TransferRequested, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or self._stopping:
            self.user_agent.refuse_transfer(event.call, now)
            return
        new = self.phone.receive(phone_events.TransferAsked(event.call, phone_events.Party(str(event.to))), now)
        if new is None:
            self.user_agent.refuse_transfer(event.call, now)
            return
        self._open(StationCall(new, call.account, self._negotiation(), call.host, transfer_of=event.call))

    def _finish(self, id: str, ended: phone_events.CallEnded, now: float) -> None:
        self._forget(id)
        self.phone.receive(ended, now)

    def _forget(self, id: str) -> None:
        if self._calls.pop(id, None) is not None:
            self._commands.append(media.CloseSession(id))


def _media_command(action: phone_events.Action) -> media.Command:
    """The engine's word for what the phone wants heard."""
    match action:
        case phone_events.ConnectAudio(call):
            return media.ConnectAudio(call)
        case phone_events.SoundTone(tone):
            return media.PlayTone(tone)
        case phone_events.SoundKey(digit):
            return media.KeyTone(digit)
        case phone_events.SendDigitDown(call, digit):
            return media.StartDigit(call, digit)
        case phone_events.SendDigitUp(call):
            return media.StopDigit(call)
        case phone_events.SendDigits(call, digits):
            return media.SendDigits(call, digits)
        case phone_events.SetAudio():
            return media.SetLevels(
                earpiece_db=(action.earpiece_volume - UNITY_VOLUME) * EARPIECE_STEP_DB,
                ringer_db=(action.ringer_volume - UNITY_VOLUME) * RINGER_STEP_DB if action.ringer_volume else -100.0,
                muted=action.muted,
                handset=action.handset,
                loudspeaker=action.loudspeaker,
            )
    raise AssertionError(f"{action} has no way to the engine")


def _is_numeric(host: str) -> bool:
    return bool(host) and (":" in host or host.replace(".", "").isdigit())
