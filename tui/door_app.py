"""An application on a desk's door: opens it after the first paint, follows the desk, leaves in good order.

    connect -> Door -> status, overview, unread (followed by widgets) and words (sent to those that listen)

Looking and answering happen in threads, so that neither a long replay nor a model that hangs stops a key.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress

from textual import work
from textual.app import App
from textual.reactive import reactive
from textual.widget import Widget
from textual.worker import WorkerFailed

from contracts.errors import DualbrainError, InvariantBroken
from tui.door import Door, Overview, Status
from tui.messages import WordsHeard
from tui.speech import SaidSoFar

_LOOK_S = 0.5
_HEAR_S = 0.1
"""Words are shown so often at most; a redraw a token would starve the loop."""


class DoorApp(App[DualbrainError]):
    """Ends with the error that kept it from opening, if one did; subclasses know their screens."""

    status: reactive[Status | None] = reactive(None)
    overview: reactive[Overview | None] = reactive(None)
    unread: reactive[str] = reactive("")
    """Since when the desk could not be read, and why; what every screen shows is as old."""

    def __init__(self, connect: Callable[[], Door]) -> None:
        super().__init__()
        self.door: Door | None = None
        self.said = SaidSoFar()
        self._connect = connect

    def on_ready(self) -> None:
        self._leave_when_told()
        self._open()

    async def opened(self, door: Door) -> None:
        """Show the desk; it is looked at from then on."""
        raise NotImplementedError

    def listeners(self) -> Sequence[Widget]:
        """The screens that show words."""
        raise NotImplementedError

    async def look_again(self) -> None:
        """Look now, for what must not be half a second old; what cannot be read is told."""
        if self.door is None:
            return
        try:
            self.overview = await asyncio.to_thread(self.door.overview)
        except DualbrainError as error:
            self.notify(str(error), severity="error", markup=False)

    def hear(self) -> None:
        """Send on what was said since, once."""
        if self.door is None or not (spoken := self.door.heard()):
            return
        self.said.add(spoken)
        # Sent to every screen, a key took twice as long while a model spoke (measured by bench/tui.py).
        for screen in self.listeners():
            screen.post_message(WordsHeard(spoken))

    def _leave_when_told(self) -> None:
        """A terminal that is closed, or told to end, is left as by Ctrl+Q: the desk ends in good order."""
        for name in ("SIGTERM", "SIGHUP"):
            # Windows knows neither the second one nor handlers in a loop.
            with suppress(AttributeError, NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self.exit)

    def _fatal_error(self) -> None:
        """End with one sentence: Textual's own report prints what every variable held, keys among them."""
        raised = self._exception
        error = raised.error if isinstance(raised, WorkerFailed) else raised
        self._return_value = InvariantBroken(
            f"expected the terminal to go on, found {type(error).__name__}: {error}; what is on "
            "record is safe: start it again, and report this"
        )
        self._close_messages_no_wait()

    @work(group="door")
    async def _open(self) -> None:
        try:
            self.door = await asyncio.to_thread(self._connect)
        except DualbrainError as error:
            self.exit(error)
            return
        await self.opened(self.door)
        self.set_interval(_HEAR_S, self.hear)
        await self._watch_desk(self.door)

    async def _watch_desk(self, door: Door) -> None:
        """Look at the desk until the terminal ends; what cannot be read is told and looked at again."""
        seen_at = door.now()
        while True:
            try:
                await self._look(door)
                seen_at, self.unread = door.now(), ""
            except DualbrainError as error:
                self.unread = f"not read since {seen_at:%H:%M:%S} UTC: {error}"
            await asyncio.sleep(_LOOK_S)

    async def _look(self, door: Door) -> None:
        self.status = await asyncio.to_thread(door.status)
        # Cheap where nothing was written; who follows it is told only where something differs.
        self.overview = await asyncio.to_thread(door.overview)
