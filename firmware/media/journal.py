"""What a media engine was told and is still to know, so that a new one can take over where the old one died."""

from __future__ import annotations

from dataclasses import dataclass, replace

from firmware.media.messages import (
    CloseSession,
    Command,
    ConfigureSession,
    ConnectAudio,
    Event,
    OpenSession,
    PlayKnock,
    PlayRing,
    PlayTone,
    SessionOpened,
    SessionRefused,
    SetLevels,
)


@dataclass(slots=True)
class _Kept:
    opened: OpenSession
    configured: ConfigureSession | None = None
    reported: bool = False


class Journal:
    """Follows the commands to an engine and its events; `replay` gives the commands that rebuild its state.

    What is over in a moment (key tones, digits) is not kept.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, _Kept] = {}
        self._last: dict[type[Command], Command] = {}

    def record(self, command: Command) -> None:
        """A command goes to the engine."""
        if isinstance(command, OpenSession):
            self._sessions.setdefault(command.session, _Kept(command))
        elif isinstance(command, CloseSession):
            self._forget(command.session)
        elif isinstance(command, ConfigureSession):
            if kept := self._sessions.get(command.session):
                kept.configured = command
        elif isinstance(command, ConnectAudio | PlayTone | PlayKnock | PlayRing | SetLevels):
            self._last[type(command)] = command

    def report(self, event: Event) -> bool:
        """An event came from the engine. Returns whether the phone is to hear of it: not of a session opened again."""
        if isinstance(event, SessionRefused):
            self._forget(event.session)
        elif isinstance(event, SessionOpened):
            return self._opened(event)
        return True

    def _opened(self, event: SessionOpened) -> bool:
        kept = self._sessions.get(event.session)
        if kept is None:
            return True
        known, kept.reported = kept.reported, True
        # The far end knows this port from our SDP: only there would it find us again.
        kept.opened = replace(kept.opened, host=event.host, port=event.port)
        return not known

    def _forget(self, session: str) -> None:
        self._sessions.pop(session, None)
        connected = self._last.get(ConnectAudio)
        if isinstance(connected, ConnectAudio) and connected.session == session:
            del self._last[ConnectAudio]

    def replay(self) -> list[Command]:
        """The commands that bring a new engine to the state of the old one: every session on its old port."""
        commands: list[Command] = []
        for kept in self._sessions.values():
            commands.append(kept.opened)
            if kept.configured is not None:
                commands.append(kept.configured)
        return [*commands, *self._last.values()]
