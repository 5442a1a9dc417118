"""Replay: run a past cycle again from its records, and say whether it comes out the same.

Pure stages are computed again by today's code from the recorded settings, bars and answers of the
world; edge stages are taken from the record. Three verdicts: *identical* (every content hash equal),
*equal* (numbers within 1e-9 relative, as another machine may give), *drifted* (with the first stage
that differs). With settings changed the same machinery answers "what would have differed"; where the
new course leaves the record it says *past the record*, for the world cannot be asked twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NoReturn

from contracts.canonical import Record, Utc
from contracts.errors import InvariantBroken, NotOnRecord, ToolInputError
from contracts.exchange import Exchange
from contracts.market import BarClosed, Bars, Quote, Timeframe
from contracts.ports import AccountState, BlobStore, Brain, Case, Journal, OrderUpdate, Voter
from contracts.records import (
    PATH,
    Ballot,
    CompositeWeights,
    DeskState,
    Fill,
    FormulaView,
    MarketSnapshot,
    OrderIntent,
    Outcome,
    Rate,
    StageRecord,
    TradeProposal,
)
from graphs.cycle import compile_cycle
from graphs.desk import CycleSettings, Desk
from graphs.differences import Difference, by_stage, compare
from graphs.ledger import Ledger
from graphs.settlement import outcome_of
from graphs.stages import CycleRun, by_kind, stage_records
from markets.bars import ChunkReader, decode_bars
from markets.snapshot import SnapshotSettings
from memory.recall import JournalRecall
from memory.scratch import MemoryJournal, OverlayBlobStore
from tools.composite import fit_composite

Verdict = Literal["identical", "equal", "drifted"]


class CycleReplay(Record):
    """How one cycle came out the second time."""

    cycle_id: str
    instrument_id: str
    as_of: Utc
    verdict: Verdict
    first_stage: str | None
    past_the_record: str | None
    differences: tuple[Difference, ...]


class Replayer:
    """Replays cycles of one journal; `changes` are dotted settings to replace, for counterfactuals."""

    def __init__(
        self, journal: Journal, blobs: BlobStore, changes: Mapping[str, object] | None = None
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._changes = dict(changes or {})
        self._reader = ChunkReader(blobs)
        self._recall = JournalRecall(journal)
        self._graph = compile_cycle()
        self._settings: dict[str, CycleSettings] = {}
        self._weights: dict[str, CompositeWeights] = {}

    async def replay(self, cycle_id: str) -> CycleReplay:
        """Run one cycle again. Raises InvariantBroken when the journal holds no such cycle."""
        recorded = stage_records(self._journal.rows(cycle_id=cycle_id))
        states = [record for record, _ in recorded if isinstance(record, DeskState)]
        if not states:
            raise InvariantBroken(f"expected a cycle {cycle_id[:12]} in the journal, found none")
        scratch = MemoryJournal()
        beyond = await self._run(states[0], recorded, scratch)
        self._settle_again(recorded, scratch)
        return _judge(states[0], recorded, stage_records(scratch.rows()), beyond)

    async def _run(
        self, desk_state: DeskState, recorded: list[tuple[StageRecord, int]], scratch: MemoryJournal
    ) -> str | None:
        scratch.append(desk_state, cycle_id=desk_state.cycle_id)
        desk = self._desk(desk_state, recorded, scratch)
        run = CycleRun(desk, by_kind(recorded), is_replay=True)
        try:
            await self._graph.ainvoke({"desk_state": desk_state}, {"recursion_limit": 60}, context=run)
        except NotOnRecord as error:
            return str(error)
        return None

    def _desk(
        self, desk_state: DeskState, recorded: list[tuple[StageRecord, int]], scratch: MemoryJournal
    ) -> Desk:
        settings = self._settings_of(desk_state.settings_hash)
        # The journal has them in the order in which the seats were done.
        ballots = sorted((r for r, _ in recorded if isinstance(r, Ballot)), key=lambda ballot: ballot.ordinal)
        exchanges = self._journal.find_all(Exchange, desk_state.cycle_id)
        seats = _seats_again(ballots, exchanges, settings, self._blobs)
        view = next((record for record, _ in recorded if isinstance(record, FormulaView)), None)
        absent = _Absent()
        return Desk(
            settings=settings,
            account_id=desk_state.account_id,
            is_paper=desk_state.is_paper,
            clock=_Stopped(desk_state.now),
            feed=absent,
            broker=absent,
            journal=scratch,
            blobs=OverlayBlobStore(self._blobs),
            kill_switch=absent,
            ledger=Ledger(scratch),
            observe=absent.observe,
            reader=self._reader,
            weights_of=self._weights_of,
            brain=None if view is None else self._brain_again(view, exchanges, settings),
            voters=seats,
            recall=self._recall,
        )

    def _brain_again(
        self, view: FormulaView, exchanges: Sequence[Exchange], settings: CycleSettings
    ) -> Brain:
        """The brain that read, over the bytes it was answered with; where it asked nobody, its view."""
        if not any(exchange.role == "brain" for exchange in exchanges):
            return _RecordedBrain(view)
        from agents.formula_brain import BarsOf
        from agents.panel import brain_on_record
        from agents.traffic import RecordedTraffic

        bars = BarsOf(self._reader.bars_of, self._reader.others_of)
        return brain_on_record(settings.brain, RecordedTraffic(self._blobs, exchanges), bars)

    def _settings_of(self, settings_hash: str) -> CycleSettings:
        if settings_hash not in self._settings:
            recorded = CycleSettings.from_canonical(self._blobs.get(settings_hash))
            self._settings[settings_hash] = change_settings(recorded, self._changes)
        return self._settings[settings_hash]

    def _weights_of(self, desk_state: DeskState) -> CompositeWeights | None:
        weights_id = desk_state.composite_weights
        if weights_id is None:
            return None
        if weights_id not in self._weights:
            self._weights[weights_id] = self._fit_again(weights_id, desk_state)
        return self._weights[weights_id]

    def _fit_again(self, weights_id: str, desk_state: DeskState) -> CompositeWeights:
        recorded = self._journal.by_id(CompositeWeights, weights_id)
        if recorded is None:
            raise NotOnRecord(f"expected composite weights {weights_id[:12]} on record, found none")
        again = fit_composite(
            self._reader.load(recorded.bars),
            series=recorded.bars,
            settings=self._settings_of(desk_state.settings_hash).composite,
            others={other: self._reader.load(other) for other in recorded.others},
        )
        if isinstance(again, str):
            raise InvariantBroken(f"expected the recorded bars to give weights again, found: {again}")
        return again

    def _settle_again(self, recorded: list[tuple[StageRecord, int]], scratch: MemoryJournal) -> None:
        """Outcomes are pure too: from the intent, the fills and the stored price path."""
        outcome = next((r for r, _ in recorded if isinstance(r, Outcome)), None)
        intent = next((r for r, _ in recorded if isinstance(r, OrderIntent)), None)
        if outcome is None or intent is None:
            return
        path = decode_bars(self._blobs.get(outcome.price_path))
        again = outcome_of(intent, outcome.market, self._fills_of(outcome), path, outcome.price_path)
        scratch.append(again, cycle_id=again.cycle_id)

    def _fills_of(self, outcome: Outcome) -> tuple[Fill, ...]:
        """An exit by signal was filled under its own cycle, so fills are found by the outcome's parents."""
        found = (self._journal.by_id(Fill, parent) for parent in outcome.parents)
        return tuple(fill for fill in found if fill is not None)


def change_settings(settings: CycleSettings, changes: Mapping[str, object]) -> CycleSettings:
    """`settings` with dotted names replaced, such as limits.risk_per_trade_pct; validated again."""
    if not changes:
        return settings
    tree = settings.model_dump(mode="json")
    for name, value in changes.items():
        *path, leaf = name.split(".")
        branch: object = tree
        for part in path:
            branch = branch.get(part) if isinstance(branch, dict) else None
        if not isinstance(branch, dict) or leaf not in branch:
            raise ToolInputError(f"expected the name of a recorded setting, found {name}")
        branch[leaf] = value
    return CycleSettings.model_validate(tree)


def _judge(
    desk_state: DeskState,
    recorded: Sequence[tuple[StageRecord, int]],
    again: Sequence[tuple[StageRecord, int]],
    beyond: str | None,
) -> CycleReplay:
    differences = compare(by_stage(recorded), by_stage(again), [kind.__name__ for kind in PATH])
    drifted = [d for d in differences if not d.is_within_tolerance]
    verdict: Verdict = "drifted" if drifted else "equal" if differences else "identical"
    return CycleReplay(
        cycle_id=desk_state.cycle_id,
        instrument_id=desk_state.instrument_id,
        as_of=desk_state.as_of,
        verdict=verdict,
        first_stage=drifted[0].stage if drifted else None,
        past_the_record=beyond,
        differences=tuple(differences),
    )


def _seats_again(
    ballots: Sequence[Ballot], exchanges: Sequence[Exchange], settings: CycleSettings, blobs: BlobStore
) -> tuple[Voter, ...]:
    """The seats that voted, over the bytes they were answered with; one that asked nobody has its ballot."""
    if not exchanges:
        return tuple(_RecordedSeat(ballot) for ballot in ballots)
    # Two seconds of imports that a cycle without models need not wait for.
    from agents.panel import seat_on_record
    from agents.traffic import RecordedTraffic

    traffic = RecordedTraffic(blobs, exchanges)
    return tuple(
        seat_on_record(ballot.seat, settings.seats[ballot.seat], settings.panel, traffic)
        if traffic.has("seat", ballot.seat) and ballot.seat in settings.seats
        else _RecordedSeat(ballot)
        for ballot in ballots
    )


class _RecordedBrain:
    """Stands where a brain read that asked no model."""

    def __init__(self, view: FormulaView) -> None:
        self._view = view

    async def read(self, case: Case) -> FormulaView:
        return self._view


class _RecordedSeat:
    """Stands where a voter sat that asked no model; its ballot is on record."""

    def __init__(self, ballot: Ballot) -> None:
        self.seat = ballot.seat
        self._ballot = ballot

    async def vote(self, case: Case, proposal: TradeProposal, ordinal: int) -> Ballot:
        return self._ballot


class _Stopped:
    """The clock as it stood."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, to: datetime) -> None:
        raise InvariantBroken(f"expected no time to pass in a replay, found a move to {to}")


class _Absent:
    """The outside world, which a replay never asks."""

    name = "absent"

    def _refuse(self, what: str) -> NotOnRecord:
        return NotOnRecord(f"expected {what} on record, found none: the world cannot be asked again")

    def instruments(self) -> tuple[str, ...]:
        raise self._refuse("instruments")

    def events(self, timeframe: Timeframe) -> NoReturn:
        raise self._refuse(f"{timeframe} events")

    async def bars(self, instrument_id: str, timeframe: Timeframe, until: datetime, count: int) -> Bars:
        raise self._refuse(f"{count} {timeframe} bars of {instrument_id} until {until}")

    async def quote(self, instrument_id: str, at: datetime) -> Quote | None:
        raise self._refuse(f"a quote of {instrument_id} at {at}")

    async def rates(self, at: datetime) -> tuple[Rate, ...]:
        raise self._refuse(f"rates at {at}")

    async def observe(self, state: DeskState, rules: SnapshotSettings) -> MarketSnapshot:
        raise self._refuse(f"a snapshot of {state.instrument_id}")

    async def account(self) -> AccountState:
        raise self._refuse("the account")

    async def find_order(self, client_order_id: str) -> OrderUpdate | None:
        raise self._refuse(f"the venue's word on {client_order_id}")

    async def submit(self, intent: OrderIntent) -> OrderUpdate:
        raise self._refuse(f"an answer to {intent.client_order_id}")

    async def collect(self, bars: Sequence[BarClosed], rates: Sequence[Rate]) -> tuple[OrderUpdate, ...]:
        raise self._refuse(f"executions on {len(bars)} bars and {len(rates)} rates")

    def halted_by(self) -> str | None:
        raise self._refuse("the kill switch")
