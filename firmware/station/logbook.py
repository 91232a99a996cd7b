"""What the log tells of a telephone's service: registrations won and lost, calls and how they ended. One line each."""

from __future__ import annotations

import logging

from firmware.sip.cores import user_agent_events as ua_events
from firmware.sip.grammar import display_text
from firmware.sip.uri import Uri

log = logging.getLogger(__name__)


class Logbook:
    """Hears what the user agent says, and writes what matters to who looks after the telephone."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[bool, str]] = {}
        """Registered or not and why, as last written."""

    def note(self, event: ua_events.UserAgentEvent) -> None:
        """An event of the user agent; a registration that is only refreshed is none to write of."""
        match event:
            case ua_events.RegistrationChanged():
                self._note_registration(event)
            case ua_events.IncomingCall():
                caller = " ".join(filter(None, (display_text(event.remote_name), shown(event.remote_uri))))
                log.info("call %s: from %s to %s", event.call, caller, event.account)
            case ua_events.Answered():
                log.info("call %s: answered by %s", event.call, shown(event.remote_uri))
            case ua_events.Acknowledged():
                log.info("call %s: answered here", event.call)
            case ua_events.Ended():
                log.info(
                    "call %s: ended by %s: %d %s", event.call, _BY[event.by], event.code, display_text(event.reason)
                )

    def placed(self, call: str, account: str, to: str) -> None:
        """The telephone calls somebody."""
        log.info("call %s: from %s to %s", call, account, display_text(to))

    def _note_registration(self, event: ua_events.RegistrationChanged) -> None:
        state = (event.registered, event.reason)
        if self._accounts.get(event.account) == state:
            return
        self._accounts[event.account] = state
        if event.registered:
            log.info("%s is registered", event.account)
        elif event.reason:
            log.warning("%s is not registered: %s", event.account, display_text(event.reason))
        else:
            log.info("%s is registered no more", event.account)


_BY = {"local": "us", "remote": "the far end", "network": "the network"}


def shown(uri: Uri) -> str:
    """A URI that somebody sent us, in one line without controls."""
    return display_text(str(uri))
