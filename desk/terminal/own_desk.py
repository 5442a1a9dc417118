"""A desk that a terminal runs itself: in a thread with a loop of its own, so that it holds up no screen.

Answers reach it as they reach any runner, over the journal. Replayed time stands still while a question
is open, for as long as the question stands, but by the clock on the wall.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from contracts.errors import DataUnavailable, DualbrainError, ToolInputError
from contracts.market import Quote
from contracts.ports import AccountState
from contracts.records import Budget, DeskState, Rate
from desk.saying import put_wanted, why_not_again
from desk.settings import Settings
from desk.wiring import Runner, open_desk
from graphs.questions import runs_out
from graphs.session import Session, SessionEvent
from memory.reader import JournalReader

_LISTEN_S = 0.1
_LOOK_S = 0.2
"""Broker and feed are asked no more often for what is only shown: a replay at full speed is not slowed."""
_BREATH_S = 0.002
"""Given to the screen between two steps of a replay, which would otherwise take the whole processor."""
_PATIENCE_S = 3.0
"""How long a step may go on after the terminal was closed; one that is cut is finished by the next runner."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker and the feed of a desk said last, at `at` by its own clock."""

    at: datetime
    asked_at: datetime
    """On the wall."""
    took_ms: float
    account: AccountState | None
    """None where the broker did not answer; `failure` says why."""
    failure: str
    quotes: Mapping[str, Quote | None]
    rates: tuple[Rate, ...]
    budgets: tuple[Budget, ...]


class OwnDesk:
    """One desk between `start` and `stop`."""

    def __init__(
        self,
        settings: Settings,
        listener: Callable[[SessionEvent], None],
        *,
        user: str,
        home: Path | None = None,
        hold_s: float | None = None,
    ) -> None:
        self.doing = "opening"
        self.seen: Seen | None = None
        self._settings, self._listener, self._home = settings, listener, home
        self._hold_s = settings.approval.time_to_live_s if hold_s is None else hold_s
        self._held: dict[str, float] = {}
        self._user, self._instruments = user, tuple[str, ...]()
        self._wanted: deque[str] = deque()
        self._looked_s = float("-inf")
        self._is_open, self._is_leaving = threading.Event(), threading.Event()
        self.failure: Exception | None = None
        """What it ended with, where it was an error; `doing` tells it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[str] | None = None
        self._thread = threading.Thread(target=self._live, name="own desk", daemon=True)

    def start(self) -> None:
        """Take the desk and set it going; LeaseHeld where another runner has it."""
        self._thread.start()
        self._is_open.wait()
        if self.failure is not None:
            raise self.failure

    def decide(self, instrument_id: str, journal: JournalReader) -> None:
        """Have the newest closed bar decided on once more, as soon as no step is under way."""
        if not self._thread.is_alive():
            raise ToolInputError(f"expected a desk that runs, found it {self.doing}")
        if instrument_id not in self._instruments:
            known = ", ".join(self._instruments)
            raise ToolInputError(f"expected an instrument of the feed ({known}), found {instrument_id}")
        if (why_not := self._why_not_again(journal, instrument_id)) is not None:
            raise ToolInputError(why_not)
        self._wanted.append(instrument_id)

    def stop(self) -> None:
        """End it between two steps, or in the middle of one that takes too long."""
        self._is_leaving.set()
        if self._thread.ident is None:
            return
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive() and self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(_PATIENCE_S)

    def _live(self) -> None:
        try:
            with open_desk(
                self._settings, command="dualbrain chat", listener=self._listener, home=self._home
            ) as runner:
                self._instruments = runner.desk.feed.instruments()
                self._is_open.set()
                runner.finish(asyncio.run(self._run(runner)))
            self.doing = "closed"
        except Exception as error:  # noqa: BLE001 - the session's door in this thread: it is told on the screen
            self.failure = error
            kind = "" if isinstance(error, DualbrainError) else f"{type(error).__name__}: "
            self.doing = f"stopped: {kind}{error}"
            if self._is_open.is_set():
                words = f"{kind}{error}; nothing more is decided here: leave with Ctrl+Q and start again"
                self._listener(SessionEvent("stopped", None, words))
        finally:
            self._is_open.set()

    async def _run(self, runner: Runner) -> str:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            self.doing = "running"
            await runner.start()
            return await self._steps(runner)
        except asyncio.CancelledError:
            return "the terminal was closed in the middle of a step"
        finally:
            await runner.close()

    async def _steps(self, runner: Runner) -> str:
        async for bars in runner.desk.feed.events(runner.settings.timeframe):
            await runner.session.step(bars)
            await self._attend(runner)
            while self._must_hold(runner.session) and not self._is_leaving.is_set():
                self.doing = "waiting for an answer"
                await asyncio.sleep(_LISTEN_S)
                await self._attend(runner)
            if self._is_leaving.is_set():
                return "the terminal was closed"
            self.doing = "running"
            await asyncio.sleep(_BREATH_S)
        self.doing = "the feed ended"
        while not self._is_leaving.is_set():
            await self._attend(runner)
            await asyncio.sleep(_LISTEN_S)
        return "the feed ended"

    async def _attend(self, runner: Runner) -> None:
        """What people said and what they want decided; then what the account and the market are now."""
        # An append finds it out too; where nothing happens there is none.
        runner.journal.check_in_place()
        await runner.session.hear_answers()
        while self._wanted:
            instrument_id, last = self._wanted.popleft(), runner.journal.last(DeskState)
            if last is not None:
                await self._run_once_more(runner, instrument_id, last.as_of)
        if time.monotonic() - self._looked_s >= _LOOK_S:
            self.seen = await _look(runner)
            self._looked_s = time.monotonic()

    async def _run_once_more(self, runner: Runner, instrument_id: str, as_of: datetime) -> None:
        # A question may have been put since it was wanted, by a bar or by the same wish typed twice.
        if (why_not := self._why_not_again(runner.journal, instrument_id)) is not None:
            self._listener(SessionEvent("not_run", None, why_not))
            return
        nonce = uuid4().hex
        put_wanted(runner.journal, runner.session.cycle_id(instrument_id, as_of, nonce), nonce, self._user)
        try:
            await runner.session.run_cycle(instrument_id, as_of, nonce)
        except DataUnavailable as error:
            # Asked for by hand: that it cannot be done is no reason to stop the desk.
            self._listener(SessionEvent("not_run", None, str(error)))

    def _why_not_again(self, journal: JournalReader, instrument_id: str) -> str | None:
        is_asking = self._settings.approval.policy == "ask"
        return why_not_again(journal, instrument_id) if is_asking else None

    def _must_hold(self, session: Session) -> bool:
        now, journal = time.monotonic(), session.desk.journal
        for request in (pending.request for pending in session.pending.values()):
            if request.record_id not in self._held:
                # One that an earlier runner left has had some of its time already.
                left_s = (runs_out(journal, request) - datetime.now(UTC)).total_seconds()
                self._held[request.record_id] = now + min(self._hold_s, left_s)
        ends = [self._held[pending.request.record_id] for pending in session.pending.values()]
        return max(ends, default=now) > now


async def _look(runner: Runner) -> Seen:
    desk, began = runner.desk, time.perf_counter()
    account, failure = None, ""
    try:
        account = await desk.broker.account()
    except DataUnavailable as error:
        failure = str(error)
    took_ms = (time.perf_counter() - began) * 1000
    now = desk.clock.now()
    return Seen(
        at=now,
        asked_at=datetime.now(UTC),
        took_ms=took_ms,
        account=account,
        failure=failure,
        quotes={each: await desk.feed.quote(each, now) for each in desk.feed.instruments()},
        rates=await desk.feed.rates(now),
        budgets=desk.budgets(),
    )
