"""Builds a desk from settings: what is real, what is simulated, and where it is written.

One desk is one folder under the home: its journal, anchor, blobs, kill switch, lease and session
summaries. Only paper accounts on replayed prices can be built today; a live venue will be chosen here
and nowhere else.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from contracts.errors import SettingsError
from contracts.records import (
    DeskState,
    Fill,
    MarketSnapshot,
    Order,
    OrderIntent,
    SessionEnded,
    SessionStarted,
)
from desk.carried_on import check_same_account, check_watched
from desk.clocks import SimulatedClock, SystemClock
from desk.environment import describe_environment, forbid_tracing
from desk.folder import DeskFolder
from desk.keys import key_of, ollama_host
from desk.kill_switch import FileKillSwitch
from desk.settings import Settings, desk_home
from graphs.desk import CycleSettings, Desk
from graphs.ledger import Ledger
from graphs.session import Session, SessionEvent
from graphs.tally import SessionSummary
from graphs.weights import WeightsKeeper
from markets.bars import ChunkReader, ChunkWriter
from markets.instruments import INSTRUMENTS, resolve
from markets.paper import PaperBroker
from markets.price_file import PriceFile
from markets.replay_feed import ReplayFeed
from markets.samples import sample_sources, sample_ticks
from markets.snapshot import SnapshotSettings, build_snapshot
from markets.tick_table import TickFile
from memory.blobs import FileBlobStore
from memory.journal import SqliteJournal
from memory.lease import DeskLease, claim_account
from memory.recall import JournalRecall
from tools.report import load_profile, reads_universe

if TYPE_CHECKING:
    from agents.exchanges import Caller
    from agents.panel import Panel
    from agents.spoken import Words


@dataclass(frozen=True)
class Runner:
    """A desk that is open: it holds the lease and may decide."""

    settings: Settings
    folder: DeskFolder
    journal: SqliteJournal
    desk: Desk
    session: Session
    session_id: str
    panel: "Panel | None" = None

    async def start(self) -> None:
        """Finish what an earlier runner left unfinished."""
        await self.session.start(self.journal.unfinished_cycles())

    async def close(self) -> None:
        """End what models are still asked; call it in the loop that ran the session."""
        if self.panel is not None:
            await self.panel.traffic.aclose()

    def finish(self, why: str) -> SessionSummary:
        """Write the session's end to the journal and its summary to a file."""
        session = self.session
        summary = session.tally.summary(
            session_id=self.session_id,
            desk=self.settings.desk,
            account_id=self.settings.account_id,
            is_paper=self.desk.is_paper,
            why_ended=why,
            n_pending=len(session.pending),
        )
        sha = self.desk.blobs.put(summary.canonical)
        ended = SessionEnded(session_id=self.session_id, ended_at=datetime.now(UTC), why=why, summary_sha=sha)
        self.journal.append(ended)
        self.folder.sessions.mkdir(parents=True, exist_ok=True)
        path = self.folder.sessions / f"{self.session_id}.json"
        path.write_text(summary.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return summary


@contextmanager
def open_desk(
    settings: Settings,
    *,
    command: str,
    listener: Callable[[SessionEvent], None] = lambda _event: None,
    home: Path | None = None,
    holds_s: float | None = None,
) -> Iterator[Runner]:
    """Take the lease and build everything; LeaseHeld where another runner decides on this journal.

    `holds_s` goes on record: see SessionStarted.
    """
    forbid_tracing()
    home = home or desk_home()
    folder = DeskFolder(home / settings.desk)
    with DeskLease(folder.path, command):
        claim_account(home, settings.account_id, settings.desk)
        session_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
        environment = describe_environment()
        journal = SqliteJournal(
            folder.journal, environment=environment, session_id=session_id, clock=SystemClock().now
        )
        try:
            yield _build(settings, folder, journal, session_id, environment.code_hash, listener, holds_s)
        finally:
            journal.close()


def _build(
    settings: Settings,
    folder: DeskFolder,
    journal: SqliteJournal,
    session_id: str,
    code_hash: str,
    listener: Callable[[SessionEvent], None],
    holds_s: float | None,
) -> Runner:
    blobs = FileBlobStore(folder.blobs)
    feed = ReplayFeed(price_files(settings), settings.feed.replay)
    clock = SimulatedClock()
    writer = ChunkWriter(blobs)
    ledger = Ledger(journal)
    if (last := journal.last(DeskState)) is not None:
        check_same_account(settings, last)
        check_watched(settings, last, ledger.instruments_at_stake(), feed)
    broker = _paper_broker(settings, journal, feed, clock)
    cycle = settings.cycle
    compares = reads_universe(load_profile(cycle.profile), cycle.composite.signals)
    others = feed.instruments() if compares else ()
    weights = WeightsKeeper(feed, journal, writer, cycle.timeframe, cycle.composite, others)

    async def observe(state: DeskState, rules: SnapshotSettings) -> MarketSnapshot:
        return await build_snapshot(
            cycle_id=state.cycle_id,
            state_id=state.record_id,
            as_of=state.as_of,
            instrument=resolve(state.instrument_id),
            timeframe=state.timeframe,
            feed=feed,
            writer=writer,
            settings=rules,
            others=others,
            held=[held.instrument_id for held in state.positions],
        )

    kill_switch = FileKillSwitch(folder.path)
    reader = ChunkReader(blobs)
    panel = _panel(cycle, journal, blobs, kill_switch, reader, listener)
    desk = Desk(
        settings=cycle,
        account_id=settings.account_id,
        is_paper=True,
        clock=clock,
        feed=feed,
        broker=broker,
        journal=journal,
        blobs=blobs,
        kill_switch=kill_switch,
        ledger=ledger,
        observe=observe,
        reader=reader,
        weights_of=lambda state: weights.by_id(state.composite_weights),
        brain=None if panel is None else panel.brain,
        voters=() if panel is None else panel.voters,
        recall=JournalRecall(journal),
        budgets=tuple if panel is None else panel.budgets,
    )
    session = Session(desk, weights, code_hash=code_hash, listener=listener)
    started = SessionStarted(
        session_id=session_id,
        desk=settings.desk,
        account_id=settings.account_id,
        is_paper=True,
        mode=settings.mode,
        feed=feed.name,
        settings_hash=blobs.put(settings.canonical),
        started_at=datetime.now(UTC),
        holds_s=holds_s,
    )
    journal.append(started)
    return Runner(settings, folder, journal, desk, session, session_id, panel)


def _panel(
    cycle: CycleSettings,
    journal: SqliteJournal,
    blobs: FileBlobStore,
    kill_switch: FileKillSwitch,
    reader: ChunkReader,
    listener: Callable[[SessionEvent], None],
) -> "Panel | None":
    """The brain and the seats, where the mode asks them; their clients take two seconds to import."""
    if cycle.mode not in ("technical+panel", "dual"):
        return None
    from agents.formula_brain import BarsOf
    from agents.panel import open_panel

    def heard(caller: "Caller", words: "Words") -> None:
        if words.is_first:
            listener(SessionEvent("model_begins", caller.cycle_id, "", seat=caller.seat))
        kind = "model_thinks" if words.is_thinking else "model_says"
        listener(SessionEvent(kind, caller.cycle_id, words.text, seat=caller.seat))

    return open_panel(
        cycle.seats,
        cycle.panel,
        cycle.brain,
        cycle.budget,
        bars=BarsOf(reader.bars_of, reader.others_of),
        key_of=key_of,
        journal=journal,
        blobs=blobs,
        halted_by=kill_switch.halted_by,
        heard=heard,
        ollama_host=ollama_host(),
    )


def _paper_broker(
    settings: Settings, journal: SqliteJournal, feed: ReplayFeed, clock: SimulatedClock
) -> PaperBroker:
    """The account as the journal left it."""
    last = journal.last(DeskState)
    broker = PaperBroker(
        account_id=settings.account_id,
        currency=settings.account.currency,
        starting_balance=settings.account.starting_balance,
        instruments=INSTRUMENTS,
        settings=settings.paper,
        clock=clock,
    )
    if last is not None:
        broker.restore(
            journal.find_all(OrderIntent),
            journal.find_all(Order),
            journal.find_all(Fill),
            feed.last_closed(settings.timeframe, last.now),
            feed.last_rates(last.now),
        )
    return broker


def price_files(settings: Settings) -> tuple[PriceFile, ...]:
    """What the feed section names: bundled samples first, then files."""
    known = sample_sources()
    unknown = [name for name in settings.feed.samples if name not in known]
    if unknown:
        raise SettingsError(f"expected samples among {', '.join(sorted(known))}, found {', '.join(unknown)}")
    return (*(known[name] for name in settings.feed.samples), *settings.feed.files)


def tick_files(settings: Settings) -> tuple[TickFile, ...]:
    """The files of trades and quotes that the feed section names.

    A bundled sample stands aside for files of one's own of its instrument: two sources are no one tape.
    """
    known = sample_ticks()
    unknown = [name for name in settings.feed.tick_samples if name not in known]
    if unknown:
        raise SettingsError(
            f"expected tick_samples among {', '.join(sorted(known))}, found {', '.join(unknown)}"
        )
    own = {source.instrument for source in settings.feed.ticks}
    own |= {source.instrument for source in settings.feed.books}
    bundled = (known[name] for name in settings.feed.tick_samples)
    return (*(source for source in bundled if source.instrument not in own), *settings.feed.ticks)
