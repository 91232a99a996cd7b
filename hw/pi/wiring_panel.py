"""The wizard on the telephone's own panel, for whoever has no monitor beside the telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hw.boards.profile import DisplayProfile
from hw.pi.wiring_session import State
from hw.pi.worker import Task, Worker


class PanelTask(Task, Protocol):
    """What is needed of `hw.pi.panel.Panel`."""

    def show(self, pixels: bytes) -> None:
        """Show a picture."""
        ...

    def use(self) -> None:
        """Shine."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class PanelView:
    """The view on the telephone's own panel."""

    def __init__(
        self,
        draw: Callable[[State, tuple[int, int]], bytes],
        open_panel: Callable[[DisplayProfile, Worker], PanelTask],
    ) -> None:
        """`draw`: a state's picture of a size; `open_panel`: the panel's driver, for the worker that will run it."""
        self._draw = draw
        self._open_panel = open_panel
        self._display: DisplayProfile | None = None
        self._panel: PanelTask | None = None
        self._worker: Worker | None = None

    def show(self, state: State) -> None:
        """Show a state; another panel is opened if it is another one now."""
        if state.draft.display != self._display:
            self.close()
            self._display = state.draft.display
            if self._display is not None:
                self._worker = Worker("panel")
                self._panel = self._open_panel(self._display, self._worker)
                self._worker.start(self._panel)
        if self._panel is not None and self._display is not None:
            self._panel.show(self._draw(state, self._display.size))
            self._panel.use()

    def close(self) -> None:
        """Let go of the panel."""
        if self._worker is not None and self._panel is not None:
            self._worker.close()
            self._panel.close()
        self._worker = self._panel = self._display = None
