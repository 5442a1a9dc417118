"""The one door behind the terminal: a desk's journal read, and a desk of its own where nobody else runs it.

Whether the desk runs here or in another program, what is shown is read from the journal and what a person
says is written there, so both look alike. Only the words of models as they come are heard here alone.
"""

import asyncio
import getpass
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agents.desk_record import DeskRecord
from contracts.errors import JournalUnavailable, LeaseHeld, SettingsError, ToolInputError
from contracts.market import from_ms
from contracts.records import ApprovalRequest, MarketSnapshot, SessionStarted
from desk.commands.story import story
from desk.folder import DeskFolder
from desk.kill_switch import FileKillSwitch
from desk.saying import say_here
from desk.settings import Settings, desk_home
from desk.terminal.assistant_thread import AssistantThread
from desk.terminal.chat_commands import COMMANDS, ChatCommands
from desk.terminal.cycle_story import story_of
from desk.terminal.event_words import event_words
from desk.terminal.health import Around
from desk.terminal.overview_words import CYCLES_SHOWN, OverviewWords, cycle_row
from desk.terminal.own_desk import OwnDesk, Seen
from desk.terminal.question_words import newest_question
from desk.terminal.watch_words import WatchWords
from graphs.replay import Replayer
from markets.bars import ChunkReader
from memory.blobs import FileBlobStore
from memory.journal import open_for_reading
from memory.lease import holder_of
from memory.search import ReasonIndex
from tui.door import (
    Candles,
    CycleRow,
    Overview,
    Question,
    Spoke,
    Status,
    Story,
    Told,
    Watch,
)

if TYPE_CHECKING:
    from graphs.session import SessionEvent

_BARS_SHOWN = 60
_BEGINNING_S = 10.0
_MAX_HEARD = 20_000
"""Characters that may wait to be shown; a screen that looks away long misses the oldest."""
_MAX_PIECES = 200
_DONE = ("order", "fill", "outcome", "recovered", "approval_needed", "not_run", "stopped")


class DeskDoor:
    """One desk of this machine; made at once, opened later."""

    commands = COMMANDS

    def __init__(
        self,
        settings: Settings,
        *,
        must_attach: bool = False,
        home: Path | None = None,
        hold_s: float | None = None,
        user: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        loaded: Callable[[], object] = lambda: None,
    ) -> None:
        self._settings, self._must_attach, self._home = settings, must_attach, home or desk_home()
        self._folder = DeskFolder(self._home / settings.desk)
        self._user = user or getpass.getuser()
        self._switch = FileKillSwitch(self._folder.path)
        self._heard, self._lock = list[Spoke](), threading.Lock()
        self._own: OwnDesk | None = OwnDesk(
            settings, self._hear, user=self._user, home=self._home, hold_s=hold_s
        )
        self._started: SessionStarted | None = None
        self._is_open = False
        self.now = now
        self._loaded = loaded
        """Called whenever much was loaded that stays."""
        self._assistant = AssistantThread(settings, self._home, self._note, loaded)

    def open(self) -> None:
        """Take the desk where nobody has it; its journal must exist where somebody has."""
        if self._must_attach:
            self._own = None
        if self._own is not None:
            try:
                self._own.start()
            except LeaseHeld:
                self._own = None
                self._wait_for_a_beginning()
        if not self._folder.journal.is_file():
            raise SettingsError(
                f"expected a desk {self._settings.desk} under {self._home}, found none; leave --attach out "
                "to begin one, or name another with --desk"
            )
        self._journal = open_for_reading(self._folder.journal)
        self._reasons = ReasonIndex(self._folder.journal)
        self._is_open = True
        self._blobs = FileBlobStore(self._folder.blobs)
        self._record = DeskRecord(self._journal, self._blobs, story)
        self._overview = OverviewWords(self._journal, self._blobs)
        self._watch = WatchWords(self._journal, self._folder.journal, self._blobs)
        self._chat = ChatCommands(self._record, self._decide, self.halt, self.resume)
        self._loaded()

    @property
    def failure(self) -> Exception | None:
        """What a desk of this terminal's own ended with, where it was an error."""
        return None if self._own is None else self._own.failure

    def status(self) -> Status:
        # Whether the desk is halted is told, and F9 works, though the journal cannot be read.
        with suppress(JournalUnavailable):
            self._started = self._journal.last(SessionStarted)
        started = self._started
        return Status(
            desk=self._settings.desk,
            account_id=self._settings.account_id if started is None else started.account_id,
            is_paper=True if started is None else started.is_paper,
            user=self._user,
            is_own=self._own is not None,
            doing=self._doing(),
            is_stopped=self.failure is not None,
            halted_by=self._switch.halted_by(),
        )

    def overview(self) -> Overview:
        # Not in `status`, which tells that the desk is halted whatever has become of its journal.
        self._journal.check_in_place()
        return self._overview.look(self.now(), self._seen())

    def watch(self) -> Watch:
        self._journal.check_in_place()
        around = Around(
            runner=holder_of(self._folder.path) if self._own is None else self._own.doing,
            is_own=self._own is not None,
            has_failed=self.failure is not None,
            halted_by=self._switch.halted_by(),
        )
        return self._watch.watch(self.now(), self._seen(), around)

    def heard(self) -> tuple[Spoke, ...]:
        with self._lock:
            found, self._heard = tuple(self._heard), []
        return found

    def cycles(self, words: str, before: int | None = None) -> tuple[CycleRow, ...]:
        if not words.strip():
            return tuple(map(cycle_row, self._journal.cycles(CYCLES_SHOWN, before=before)))
        found = self._reasons.find(words, CYCLES_SHOWN, before)
        return tuple(map(cycle_row, self._journal.cycles_begun_at(found)))

    def story(self, cycle_id: str) -> Story:
        told = story_of(self._record, cycle_id)
        if told.is_over or self._own is not None or holder_of(self._folder.path) is not None:
            return told
        words = f"{told.under_way}; nobody runs the desk, the next runner goes on from here"
        return told.model_copy(update={"under_way": words})

    def candles(self, cycle_id: str) -> Candles | None:
        snapshot = self._journal.find(MarketSnapshot, cycle_id)
        bars = {} if snapshot is None else ChunkReader(self._blobs).bars_of(snapshot)
        if snapshot is None or snapshot.timeframe not in bars:
            return None
        shown = bars[snapshot.timeframe][-_BARS_SHOWN:]
        return Candles(
            label=f"{snapshot.instrument.instrument_id} {snapshot.timeframe}, {shown.side}",
            times=tuple(from_ms(int(at)) for at in shown.open_time),
            open=tuple(map(float, shown.open)),
            high=tuple(map(float, shown.high)),
            low=tuple(map(float, shown.low)),
            close=tuple(map(float, shown.close)),
        )

    def question(self, cycle_id: str) -> Question | None:
        return newest_question(self._journal, cycle_id, self.now())

    def say(self, question: Question, *, is_granted: bool, quantity: float | None, reason: str) -> str:
        # Else the answer would begin a journal that no runner reads.
        self._journal.check_in_place()
        now = self.now()
        newest = newest_question(self._journal, question.cycle_id, now)
        if newest is None or newest.request_id != question.request_id:
            raise ToolInputError("expected the question that was shown, found it asked anew; look again")
        if newest.state != "open":
            raise ToolInputError(f"expected a question that is open, found {newest.came_of_it}")
        request = self._journal.by_id(ApprovalRequest, question.request_id)
        assert request is not None
        say_here(
            self._folder,
            request,
            is_granted=is_granted,
            by=self._user,
            reason=reason or f"said in the terminal: {'yes' if is_granted else 'no'}",
            quantity=quantity,
        )
        said = newest_question(self._journal, question.cycle_id, now)
        return "" if said is None else said.came_of_it

    def command(self, line: str) -> Told:
        return self._chat.run(line)

    def replay(self, cycle_id: str) -> Told:
        found = asyncio.run(Replayer(self._journal, self._blobs).replay(cycle_id))
        rows = [
            (each.stage, f"{each.path or 'the record'}: {each.was or 'not made'} -> {each.now or 'not made'}")
            for each in found.differences[:20]
        ]
        where = f" from stage {found.first_stage} on" if found.first_stage else ""
        return Told(title=f"replayed: {found.verdict}{where}", rows=tuple(rows))

    async def ask(self, question: str) -> Told:
        return await self._assistant.ask(question)

    def halt(self, reason: str) -> str:
        self._switch.engage(self._user, reason or "no reason given, from the terminal", self.now())
        return str(self._switch.halted_by())

    def resume(self) -> str:
        was_halted = self._switch.release()
        return "the desk runs again" if was_halted else "the desk was not halted; nothing changed"

    def close(self) -> None:
        self._assistant.close()
        if self._own is not None:
            self._own.stop()
        if self._is_open:
            self._reasons.close()
            self._journal.close()

    def _wait_for_a_beginning(self) -> None:
        """A runner that has only just taken a new desk writes its journal within seconds."""
        ends_s = time.monotonic() + _BEGINNING_S
        while not self._folder.journal.is_file() and time.monotonic() < ends_s:
            time.sleep(0.1)

    def _decide(self, instrument_id: str) -> str:
        if self._own is None:
            raise ToolInputError(
                f"expected a desk that this terminal runs, found it attached: {self._doing()}"
            )
        if (halted := self._switch.halted_by()) is not None:
            raise ToolInputError(f"expected a desk that may decide, found it {halted}")
        self._own.decide(instrument_id, self._journal)
        return f"{instrument_id} is decided on once more; the cycle will stand on top of the list"

    def _seen(self) -> Seen | None:
        """What a desk of this terminal's own saw last, as long as it goes on."""
        return None if self._own is None or self.failure is not None else self._own.seen

    def _doing(self) -> str:
        if self._own is not None:
            return self._own.doing
        holder = holder_of(self._folder.path)
        return "nobody runs it: an answer waits for a runner" if holder is None else f"run by {holder}"

    def _hear(self, event: "SessionEvent") -> None:
        if event.kind in ("model_says", "model_thinks"):
            self._note(
                Spoke(
                    kind="says" if event.kind == "model_says" else "thinks",
                    who=event.seat or "model",
                    text=event.text,
                    cycle_id=event.cycle_id,
                )
            )
        elif event.kind in _DONE:
            who = event.kind.replace("_", " ")
            self._note(Spoke(kind="desk", who=who, text=event_words(event), cycle_id=event.cycle_id))

    def _note(self, spoke: Spoke) -> None:
        """Keep words for the screen, those of one speaker in one piece: a token at a time starves it."""
        with self._lock:
            last = self._heard[-1] if self._heard else None
            if last is not None and spoke.kind != "desk" and _speaker(last) == _speaker(spoke):
                text = (last.text + spoke.text)[-_MAX_HEARD:]
                self._heard[-1] = spoke.model_copy(update={"text": text})
            else:
                self._heard = [*self._heard[-_MAX_PIECES:], spoke]


def _speaker(spoke: Spoke) -> tuple[str, str, str | None]:
    return spoke.kind, spoke.who, spoke.cycle_id
