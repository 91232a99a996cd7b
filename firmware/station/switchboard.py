"""The switchboard: what happens to a call between the phone, the user agent and the media engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random

from firmware.media import messages as media
from firmware.phone import events as phone_events
from firmware.phone.phone import Phone
from firmware.sdp.media_address import offered_host
from firmware.sdp.negotiation import Codec, Negotiation, NotAcceptable
from firmware.sdp.session import MalformedDescription
from firmware.sip.cores import user_agent_events as ua_events
from firmware.sip.cores.user_agent import UserAgent
from firmware.sip.grammar import display_text
from firmware.sip.message import MalformedMessage
from firmware.sip.uri import SipUri, parse_uri
from firmware.station.calls import StationCall
from firmware.station.logbook import Logbook
from firmware.station.sound import command_for

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1")
FAR_AWAY = "198.51.100.1"
"""An address that only the default route leads to (RFC 5737): what our address is towards the world."""


class Switchboard:
    """Joins each call's signalling and media, and tells the phone."""

    def __init__(
        self,
        user_agent: UserAgent,
        phone: Phone,
        *,
        codecs: tuple[Codec, ...],
        random: Random,
        local_address: Callable[[str], str],
        next_hops: Mapping[str, str],
        auto_answer: Mapping[str, float | None],
        listening: Sequence[str] = (),
    ) -> None:
        """`next_hops`: for each account's address the host of its server, "" for none.

        `listening`: the hosts that SIP listens on.
        """
        self._families = frozenset(":" in host for host in listening)
        self._user_agent = user_agent
        self._phone = phone
        self._codecs = codecs
        self._random = random
        self._local_address = local_address
        self._next_hops = next_hops
        self._auto_answer = auto_answer
        self._calls: dict[str, StationCall] = {}
        self._commands: list[media.Command] = []
        self._logbook = Logbook()
        self.stopping = False
        """No new calls."""

    def drain(self) -> list[media.Command]:
        """What the engine must do."""
        commands, self._commands = self._commands, []
        return commands

    # --- what the phone wants ---

    def carry_out(self, action: phone_events.Action, now: float) -> None:
        """Do what the phone wants; what is not about a call is about sound."""
        match action:
            case phone_events.PlaceCall():
                self._place(action)
            case phone_events.AlertCall():
                self._user_agent.ring(action.call, now)
            case phone_events.AnswerCall():
                self._answer(action.call, now)
            case phone_events.EndCall():
                self._end(action, now)
            case phone_events.HoldCall():
                self._hold(action, now)
            case phone_events.TransferCall():
                self._user_agent.transfer(action.call, now, to=action.to, replaces_call=action.other)
            case _:
                self._commands.append(command_for(action))

    def _open(self, call: StationCall) -> None:
        self._calls[call.id] = call
        self._commands.append(media.OpenSession(call.id, call.host))

    def _negotiation(self) -> Negotiation:
        return Negotiation(self._codecs, session_id=self._random.randrange(1 << 31))

    def _place(self, action: phone_events.PlaceCall) -> None:
        if action.call in self._calls:
            return  # a transfer sent us there, and it is on its way
        self._logbook.placed(action.call, action.account, action.to)
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
        self._user_agent.answer(id, call.offer() if offerless else call.answer, now)
        if not offerless:
            # Speech may come before the ACK (RFC 3261 §13.3.1.4): listen, and speak, from the 200 on.
            self._media_agreed(call, now)
            self._phone.receive(phone_events.CallConfirmed(id), now)

    def _end(self, action: phone_events.EndCall, now: float) -> None:
        call = self._calls.get(action.call)
        if call is not None and call.stage == "opening" and call.incoming is None:
            self._forget(action.call)  # no INVITE has been sent
            if call.transfer_of:
                self._user_agent.refuse_transfer(call.transfer_of, now)
            ended = phone_events.CallEnded(action.call, 487, "Request Terminated", "local")
            self._phone.receive(ended, now)
            return
        self._user_agent.hang_up(action.call, now, action.status)

    def _hold(self, action: phone_events.HoldCall, now: float) -> None:
        call = self._calls.get(action.call)
        if call is not None:
            call.wants_hold = action.hold
            self._user_agent.reinvite(call.id, call.offer(), now)

    # --- what the engine says ---

    def engine_said(self, event: media.Event, now: float) -> None:
        """An event of the media engine."""
        match event:
            case media.SessionOpened():
                self._session_opened(event, now)
            case media.SessionRefused():
                self._session_refused(event, now)
            case media.RemoteDigit():
                self._phone.receive(phone_events.RemoteDigitHeard(event.session, event.digit), now)
            case media.Quality():
                quality = (event.loss_percent, event.jitter_ms, event.delay_ms, event.mos)
                self._phone.receive(phone_events.CallQuality(event.session, *quality), now)
            case media.SoundCard(fault):
                self._phone.receive(phone_events.SoundCardChanged(fault), now)
            case media.MediaStopped():
                log.info("call %s: nothing was heard of the far end for %.0f seconds", event.session, event.seconds)
            case media.RemoteLeft():
                log.info("call %s: the far end has left the media session", event.session)

    def _session_opened(self, event: media.SessionOpened, now: float) -> None:
        call = self._calls.get(event.session)
        if call is None:
            self._commands.append(media.CloseSession(event.session))
            return
        known = (call.host, call.port) if call.port else None
        call.host, call.port = event.host, event.port
        if known is not None:  # the engine was restarted
            self._session_reopened(call, known, now)
            return
        call.stage = "offered"
        if call.incoming is not None:
            self._arrive(call, call.incoming, now)
        elif call.transfer_of:
            self._user_agent.follow_transfer(call.transfer_of, call.id, call.offer(), now)
        else:
            self._invite(call, now)

    def _session_reopened(self, call: StationCall, known: tuple[str, int], now: float) -> None:
        """RFC 3264 §8.3.1: the far end has to learn a port that is another than before."""
        if call.stage == "agreed" and (call.host, call.port) != known:
            self._user_agent.reinvite(call.id, call.offer(), now)

    def _invite(self, call: StationCall, now: float) -> None:
        try:
            self._user_agent.invite(call.id, call.account, call.to, call.offer(), now)
        except MalformedMessage as fault:
            log.info("call %s: %s cannot be called: %s", call.id, call.to, fault)
            self._finish(call.id, phone_events.CallEnded(call.id, 484, "Address Incomplete", "local"), now)

    def _session_refused(self, event: media.SessionRefused, now: float) -> None:
        log.warning("call %s has no media: %s", event.session, event.reason)
        call = self._calls.get(event.session)
        if call is None:
            return
        if call.stage != "opening":  # the engine was restarted, and somebody else has the port now
            self._user_agent.hang_up(call.id, now, 480)
        elif call.incoming is not None:
            self._user_agent.reject(call.id, 480, now)
        elif call.transfer_of:
            self._user_agent.refuse_transfer(call.transfer_of, now, 480)
        self._finish(call.id, phone_events.CallEnded(call.id, 500, event.reason, "local"), now)

    # --- what the user agent says ---

    def user_agent_said(self, event: ua_events.UserAgentEvent, now: float) -> None:
        """An event of the user agent."""
        self._logbook.note(event)
        match event:
            case ua_events.IncomingCall():
                self._incoming(event)
            case ua_events.RegistrationChanged():
                changed = (event.account, event.registered, event.expires_at, event.reason)
                self._phone.receive(phone_events.AccountChanged(*changed), now)
            case ua_events.TransferRequested():
                self._transfer_requested(event, now)
            case ua_events.TransferProgress():
                self._phone.receive(phone_events.CallTransferred(event.call, event.status, event.reason), now)
            case ua_events.Ended():
                ended = (event.call, event.code, event.reason, event.by, event.answered_elsewhere)
                self._finish(event.call, phone_events.CallEnded(*ended), now)
            case ua_events.DigitReceived():
                self._phone.receive(phone_events.RemoteDigitHeard(event.call, event.digit), now)
            case _:
                call = self._calls.get(event.call)
                if call is not None:
                    self._session_said(call, event, now)

    def _session_said(self, call: StationCall, event: ua_events.UserAgentEvent, now: float) -> None:
        match event:
            case ua_events.Responded():
                self._phone.receive(phone_events.CallProgressed(call.id, 100, ""), now)
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
            case ua_events.RefreshDue():
                if call.stage == "agreed":
                    self._user_agent.reinvite(call.id, call.offer(), now)
            case ua_events.OfferRefused():
                call.wants_hold = call.holding
                log.info("call %s: the far end refused our offer: %d %s", call.id, event.status, event.reason)
                self._tell_media(call, now)

    def _incoming(self, event: ua_events.IncomingCall) -> None:
        host = self._media_host(event.remote_host or FAR_AWAY, event.sdp)
        self._open(StationCall(event.call, event.account, self._negotiation(), host, incoming=event))

    def _media_host(self, caller: str, offer: bytes | None) -> str:
        """Our address towards where the media is to go, which may be in the other family than the signalling."""
        offered = offered_host(offer) if offer is not None else ""
        if offered and (":" in offered) != (":" in caller) and (":" in offered) in self._families:
            ours = self._local_address(offered)
            if ours not in LOOPBACK or offered in LOOPBACK:  # else there is no way there
                return ours
        return self._local_address(caller)

    def _arrive(self, call: StationCall, event: ua_events.IncomingCall, now: float) -> None:
        """An incoming call has its port: is there a codec in common? Then it may ring."""
        if event.sdp is not None:
            try:
                call.answer = call.answer_to(event.sdp)
            except (NotAcceptable, MalformedDescription) as fault:
                log.info("call %s refused: %s", call.id, fault)
                self._user_agent.reject(call.id, 488 if isinstance(fault, NotAcceptable) else 400, now)
                self._forget(call.id)
                return
        remote = phone_events.Party(str(event.remote_uri), display_text(event.remote_name))
        patience = self._auto_answer.get(event.account)
        self._phone.receive(phone_events.CallArrived(call.id, event.account, remote, patience, event.replaces), now)

    def _progress(self, call: StationCall, event: ua_events.Progress, now: float) -> None:
        early = False
        if event.sdp is not None:
            early = self._accept(call, event.sdp, now, final=False)
        self._phone.receive(phone_events.CallProgressed(call.id, event.status, event.reason, early), now)

    def _answered(self, call: StationCall, event: ua_events.Answered, now: float) -> None:
        if event.sdp is not None:
            if not self._accept(call, event.sdp, now):
                return
        elif call.negotiation.agreed is None:
            log.info("call %s: the far end answered without a session description", call.id)
            self._user_agent.hang_up(call.id, now)
            return
        remote = phone_events.Party(str(event.remote_uri), display_text(event.remote_name))
        self._phone.receive(phone_events.CallConfirmed(call.id, remote), now)

    def _acknowledged(self, call: StationCall, event: ua_events.Acknowledged, now: float) -> None:
        if event.sdp is not None and not self._accept(call, event.sdp, now):
            return
        if call.negotiation.agreed is None:
            # RFC 3261 §13.2.2.4: an offer in the 2xx "MUST" be answered in the ACK. Without a session, no call.
            log.info("call %s: the far end left our offer unanswered", call.id)
            self._user_agent.hang_up(call.id, now)
        elif call.answer is None:  # our 200 carried the offer
            self._phone.receive(phone_events.CallConfirmed(call.id), now)

    def _offered(self, call: StationCall, event: ua_events.OfferReceived, now: float) -> None:
        if event.sdp is None:
            self._user_agent.accept_offer(call.id, call.offer(), now)
            return
        try:
            answer = call.answer_to(event.sdp)
        except (NotAcceptable, MalformedDescription) as fault:
            log.info("call %s: offer refused: %s", call.id, fault)
            self._user_agent.refuse_offer(call.id, 488 if isinstance(fault, NotAcceptable) else 400, now)
            return
        self._user_agent.accept_offer(call.id, answer, now)
        self._media_agreed(call, now)

    def _accept(self, call: StationCall, answer: bytes | None, now: float, *, final: bool = True) -> bool:
        """Take the far end's answer; False, and the call ends if this was the `final` one, when it can't be used."""
        try:
            if answer is not None:
                call.negotiation.accept(answer)
        except (NotAcceptable, MalformedDescription) as fault:
            log.info("call %s: the far end's answer can't be used: %s", call.id, fault)
            if final:
                self._user_agent.hang_up(call.id, now)
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
            self._phone.receive(
                phone_events.CallMedia(call.id, agreed.send.encoding, False, call.holding, held_by_them), now
            )

    def _transfer_requested(self, event: ua_events.TransferRequested, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or self.stopping:
            self._user_agent.refuse_transfer(event.call, now)
            return
        to = phone_events.Party(str(event.to), display_text(event.to_name))
        new = self._phone.receive(phone_events.TransferAsked(event.call, to), now)
        if new is None:
            self._user_agent.refuse_transfer(event.call, now)
            return
        self._open(StationCall(new, call.account, self._negotiation(), call.host, transfer_of=event.call))

    def _finish(self, id: str, ended: phone_events.CallEnded, now: float) -> None:
        self._forget(id)
        self._phone.receive(ended, now)

    def _forget(self, id: str) -> None:
        if self._calls.pop(id, None) is not None:
            self._commands.append(media.CloseSession(id))


def _is_numeric(host: str) -> bool:
    return bool(host) and (":" in host or host.replace(".", "").isdigit())
