"""The telephone's state, and the verbs that change it: dial, answer, hold, resume, hang up.

The stage is what the person is busy with; calls live on beside it:

    idle --lift--> entry --number--> call --far end hangs up--> ended --replace--> idle
      `--up/down/ok--> menu --ok-----^ ^---answer (from any stage)
           * held --> options
"""

from __future__ import annotations

from typing import Literal

from firmware.numbering.dial_plan import NotDiallable, bare_number, domain_of, to_uri
from firmware.phone.alarms import Alarms
from firmware.phone.calls import Call, Calls
from firmware.phone.dialling import Entry
from firmware.phone.events import Action, AnswerCall, EndCall, HoldCall, Party, PlaceCall
from firmware.phone.history import History
from firmware.phone.levels import Levels
from firmware.phone.options import Options
from firmware.phone.reasons import ADDRESS_INCOMPLETE, ToneName, reason_for
from firmware.phone.settings import AccountSettings, PhoneSettings
from firmware.phone.view import AccountView, HistoryView

Stage = Literal["idle", "entry", "call", "ended", "menu", "options"]


class NotPossible(ValueError):
    """A request makes no sense now. Its text says why, in plain words."""


class NoSuchCall(NotPossible):
    """The request names a call that does not exist."""


class Desk:
    """Everything the phone remembers. The room's other modules read and change it through its verbs."""

    def __init__(self, settings: PhoneSettings) -> None:
        self.settings = settings
        self.calls = Calls()
        self.alarms = Alarms()
        self.history = History()
        self.levels = Levels(settings.earpiece_volume, settings.ringer_volume)
        self.actions: list[Action] = []
        self.do_not_disturb = settings.do_not_disturb
        self.off_hook = False
        self.handsfree = False
        self.stage: Stage = "idle"
        self.entry: Entry | None = None
        """The number being typed; set in stage "entry" only."""
        self.focus: str | None = None
        """The call of stages "call" and "ended"."""
        self.ended_tone: ToneName | Literal["howler"] | None = None
        self.selected = 0
        """The chosen line of the call list."""
        self.detailed = False
        """All that is known of it is on the panel."""
        self.by_digits = False
        """The call list was opened from the menu: digits move in it, as there may be no arrows."""
        self.options: Options | None = None
        """The menu; set in stage "options" only."""
        self.notice = ""
        self.sound_fault = ""
        self.accounts = {each.address: _unregistered(each) for each in settings.accounts}
        self._placed = 0

    @property
    def present(self) -> bool:
        """Somebody listens: the handset is up, or the phone is hands-free."""
        return self.off_hook or self.handsfree

    @property
    def focused(self) -> Call | None:
        """The call of stage "call", if it is not over."""
        call = self.calls.get(self.focus)
        return call if self.stage == "call" and call is not None and call.live else None

    def emit(self, action: Action) -> None:
        """Want something done."""
        self.actions.append(action)

    def say(self, notice: str, now: float) -> None:
        """Show a short line on the panel for a while."""
        self.notice = notice
        self.alarms.set("notice", now + self.settings.timeouts.notice)

    # --- stages ---

    def rest(self) -> None:
        """Nobody is at the phone any more."""
        self.handsfree = False
        self._enter("idle", None)

    def begin_entry(self, now: float, *, transfers: str | None = None, line: int | None = None) -> None:
        """Take digits: with dial tone if somebody listens, as a number prepared on the panel if not."""
        self._enter("entry", None)
        entry = Entry(self.settings.dial_plan, self.settings.timeouts, transfers=transfers)
        entry.line = line
        self.entry = entry
        self.wait_for_digit(now)

    def wait_for_digit(self, now: float) -> None:
        """Start the pause after which the digits are dialled, or given up."""
        assert self.entry is not None
        patience = self.entry.patience() if self.present else self.settings.timeouts.menu
        self.alarms.set("entry", now + patience)

    def refuse_entry(self, why: str, now: float) -> None:
        """The digits lead nowhere: say so, with a tone."""
        assert self.entry is not None
        self.entry.refused = True
        self.alarms.set("entry", now + self.settings.timeouts.failure_tone)
        self.say(why, now)

    def dial_on(self, call: Call, now: float) -> None:
        """The exchange wants more digits (RFC 3261 §21.4.22): those that were typed stand, and go on."""
        self.begin_entry(now, transfers=call.consults, line=call.line)
        assert self.entry is not None
        self.entry.digits = self.entry.incomplete = call.dialled
        self.wait_for_digit(now)
        self.say(reason_for(ADDRESS_INCOMPLETE).words, now)

    def open_menu(self, now: float, *, by_digits: bool = False) -> None:
        """Show the call list."""
        self._enter("menu", None)
        self.selected, self.detailed, self.by_digits = 0, False, by_digits
        self.history.look()
        self.alarms.set("menu", now + self.settings.timeouts.menu)

    def open_options(self, now: float) -> None:
        """Show, or sound, the telephone's menu."""
        self._enter("options", None)
        self.options = Options()
        self.alarms.set("menu", now + self.settings.timeouts.menu)

    def leave_menu(self, now: float) -> None:
        """Back to dial tone, or to nothing."""
        if self.present:
            self.begin_entry(now)
        else:
            self.rest()

    def attend(self, call: Call) -> None:
        """Ear, microphone and panel belong to this call now; somebody must listen: hands-free if nobody lifted."""
        self.handsfree = self.handsfree or not self.off_hook
        self._enter("call", call.id)

    def _enter(self, stage: Stage, focus: str | None) -> None:
        self.stage, self.focus, self.entry, self.ended_tone, self.options = stage, focus, None, None, None
        for kind in ("entry", "menu", "tone", "screen", "options", "told"):
            self.alarms.cancel(kind)

    # --- verbs ---

    def place(
        self, text: str, now: float, *, account: str | None = None, line: int | None = None, consults: str | None = None
    ) -> Call:
        """Call a number or URI. Raises NotPossible."""
        chosen = self.choose_account(account)
        uri = self.resolve(text, chosen)
        if (line := line or self.calls.free_line()) is None:
            raise NotPossible("Both lines are in use")
        self.set_aside(now)
        self.history.dialled(text, chosen.address)
        return self.start(chosen.address, Party(uri), line, now, consults=consults)

    def start(
        self, account: str, remote: Party, line: int, now: float, *, consults: str | None = None,
        replaces: str | None = None,
    ) -> Call:  # fmt: skip
        """Send the invitation of a new call, and attend to it."""
        self._placed += 1
        while self.calls.get(f"out{self._placed}") is not None:
            self._placed += 1
        call = Call(
            id=f"out{self._placed}", direction="out", account=account, remote=remote, line=line, began_at=now,
            state="calling", consults=consults, replaces=replaces,
        )  # fmt: skip
        self.enlist(call)
        self.attend(call)
        self.alarms.set("outgoing", now + self.settings.timeouts.outgoing, call.id)
        self.alarms.set("no-server", now + self.settings.timeouts.no_server, call.id)
        self.alarms.set("no-news", now + self.settings.timeouts.no_news, call.id)
        self.emit(PlaceCall(call.id, account, remote.uri))
        return call

    def enlist(self, call: Call) -> None:
        """List a new call; a storm of calls neither grows the list nor the waiting times."""
        for old in self.calls.add(call):
            self.alarms.cancel_call(old)

    def choose_account(self, address: str | None) -> AccountSettings:
        """Return the account to call from: the named one, else the first. Raises NotPossible."""
        for account in self.settings.accounts:
            if address in (None, account.address):
                return account
        raise NotPossible("This phone has no such account" if address else "This phone has no account")

    def resolve(self, text: str, account: AccountSettings) -> str:
        """Return the URI of what a person typed, after the dial plan. Raises NotPossible."""
        try:
            return to_uri(self.settings.dial_plan.number(bare_number(text)), domain_of(account.address))
        except NotDiallable as error:
            raise NotPossible(str(error)) from error

    def set_aside(self, now: float) -> None:
        """Make room for another call: hold the one in focus, give up one that nobody has answered."""
        call = self.focused
        if call is None or call.held_by_us:
            return
        if call.trying:
            self.hang_up(call, now)
        else:
            self.hold(call, now)

    def answer(self, call: Call, now: float) -> None:
        """Take an incoming call."""
        self.set_aside(now)
        call.answering = True
        self.alarms.cancel_call(call.id)
        self.attend(call)
        self.emit(AnswerCall(call.id))

    def hold(self, call: Call, now: float) -> None:
        """Hold a call; one that we have just answered, as soon as it is confirmed."""
        call.held_by_us = True
        self.watch_hold(call, now)
        if call.talking:
            self.emit(HoldCall(call.id, hold=True))

    def watch_hold(self, call: Call, now: float) -> None:
        """Ring back some time later (RFC 4504 Req-31)."""
        if self.settings.timeouts.hold_recall > 0:
            self.alarms.set("recall", now + self.settings.timeouts.hold_recall, call.id)

    def ring_back(self, call: Call, now: float) -> None:
        """Remind the person of a held call."""
        call.recalling = True
        self.alarms.cancel("recall", call.id)
        self.alarms.set("recall-ring", now + self.settings.timeouts.recall_ring, call.id)

    def resume(self, call: Call, now: float) -> None:
        """Take a held call back."""
        if self.focused is not call:
            self.set_aside(now)
        call.held_by_us = call.recalling = False
        self.alarms.cancel("recall", call.id)
        self.alarms.cancel("recall-ring", call.id)
        self.attend(call)
        self.emit(HoldCall(call.id, hold=False))

    def hang_up(self, call: Call, now: float, status: int = 486) -> None:
        """End a call from our side. `status`: the answer to one that we never took."""
        code = 200 if call.answered_at is not None or call.answering else 487
        self.emit(EndCall(call.id, status))
        self.close(call, now, code, "local")

    def close(
        self, call: Call, now: float, code: int, by: Literal["local", "remote", "network"], phrase: str = "",
        *, missed: bool = False, listed: bool = True,
    ) -> None:  # fmt: skip
        """Write a call off, whoever ended it. `listed`: in the call list."""
        reason = reason_for(code, by, phrase)
        call.cause = call.cause or (code, "Transferred" if call.transferring and code == 200 else reason.words)
        call.advice = call.advice or reason.advice
        call.state, call.ended_at, call.recalling = "ended", now, False
        self.alarms.cancel_call(call.id)
        self.alarms.set("listed", now + self.settings.timeouts.ended_call, call.id)
        if listed:
            kind = "missed" if missed else call.direction
            self.history.add(HistoryView(kind, call.remote, call.began_at, call.seconds(now)))
        if not any(other.talking or other.answering for other in self.calls.live()):
            self.levels.muted = False

    def show_end(self, call: Call, now: float, tone: ToneName | None) -> None:
        """The call in focus is over: say so, and sound the tone that means it."""
        timeouts = self.settings.timeouts
        self._enter("ended", call.id)
        if self.off_hook:
            self.ended_tone = tone
            self.alarms.set("tone", now + timeouts.failure_tone)
        else:
            self.ended_tone = tone if self.handsfree else None
            self.alarms.set("screen", now + timeouts.ended_screen)


def _unregistered(account: AccountSettings) -> AccountView:
    return AccountView(
        address=account.address, name=account.name, registers=account.registers, registered=False, expires_at=None,
        reason="",
    )  # fmt: skip
