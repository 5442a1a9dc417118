"""Replay: run a past cycle again from its records, and say whether it comes out the same.

Pure stages are computed again by today's code from the recorded settings, bars and answers of the
world; edge stages are taken from the record. Three verdicts: *identical* (every content hash equal),
*equal* (numbers within 1e-9 relative, as another machine may give), *drifted* (with the first stage
that differs). With settings changed the same machinery answers "what would have differed": the panel of the
changed settings sits, and a model may be asked what is not on record, where `asking` says how. Where the new
course leaves the record otherwise it says *past the record*, for the world cannot be asked twice.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from contracts.canonical import Record, Utc
from contracts.errors import InvariantBroken, NotOnRecord, ToolInputError
from contracts.exchange import Exchange
from contracts.ports import BlobStore, Journal
from contracts.records import (
    PATH,
    Ballot,
    CompositeWeights,
    Decision,
    DeskState,
    Fill,
    FormulaView,
    Order,
    OrderIntent,
    Outcome,
    StageRecord,
)
from graphs.absent import Absent, Stopped
from graphs.cycle import compile_cycle
from graphs.desk import CycleSettings, Desk, refusals
from graphs.differences import Difference, by_stage, compare
from graphs.ledger import Ledger
from graphs.minds_again import Minds, Past, minds_as_they_were, minds_under
from graphs.settlement import outcome_of
from graphs.stages import CycleRun, by_kind, stage_records
from markets.bars import ChunkReader, decode_bars
from memory.chain import ends_cycle
from memory.recall import JournalRecall
from memory.scratch import MemoryJournal, OverlayBlobStore
from tools.composite import fit_composite

if TYPE_CHECKING:
    from agents.what_if import Asking

Verdict = Literal["identical", "equal", "drifted"]
Course = Literal["stood aside", "traded", "for the trade", "past the record"]
"""`for the trade`: so it was decided, and what guard and venue would have said of it is not on record."""
_Stages = list[tuple[StageRecord, int]]


class MindAgain(Record):
    """A seat, or the brain, that a counterfactual asked anew."""

    seat: str
    model_was: str | None
    model: str
    was: Ballot | FormulaView | None
    now: Ballot | FormulaView | None


class CycleReplay(Record):
    """How one cycle came out the second time."""

    cycle_id: str
    instrument_id: str
    as_of: Utc
    verdict: Verdict
    first_stage: str | None
    past_the_record: str | None
    differences: tuple[Difference, ...]
    course_was: Course
    course: Course
    asked: tuple[MindAgain, ...] = ()


class Replayer:
    """Replays cycles of one journal; `changes` are dotted settings to replace, for counterfactuals.

    With `asking` a counterfactual asks models what is not on record; without changes nobody is ever asked.
    """

    def __init__(
        self,
        journal: Journal,
        blobs: BlobStore,
        changes: Mapping[str, object] | None = None,
        asking: "Asking | None" = None,
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._changes = dict(changes or {})
        self._asking = asking
        self._reader = ChunkReader(blobs)
        self._recall = JournalRecall(journal)
        self._graph = compile_cycle()
        self._recorded: dict[str, CycleSettings] = {}
        self._settings: dict[str, CycleSettings] = {}
        self._weights: dict[str, CompositeWeights] = {}

    async def replay(self, cycle_id: str) -> CycleReplay:
        """Run one cycle again. Raises InvariantBroken when the journal holds no such cycle."""
        recorded = stage_records(self._journal.rows(cycle_id=cycle_id))
        states = [record for record, _ in recorded if isinstance(record, DeskState)]
        if not states:
            raise InvariantBroken(f"expected a cycle {cycle_id[:12]} in the journal, found none")
        scratch = MemoryJournal()
        past = self._past(states[0], recorded)
        minds = self._minds(states[0], past)
        beyond = await self._run(states[0], past, minds, scratch, recorded)
        self._settle_again(recorded, scratch)
        again = stage_records(scratch.rows())
        if self._changes:
            again = _seated_as_before(recorded, again)
        elif not any(ends_cycle(record) or isinstance(record, Order) for record, _ in recorded):
            again = _as_far_as(recorded, again)
        return _judge(states[0], recorded, again, beyond, past, minds)

    async def _run(
        self, desk_state: DeskState, past: Past, minds: Minds, scratch: MemoryJournal, recorded: _Stages
    ) -> str | None:
        scratch.append(desk_state, cycle_id=desk_state.cycle_id)
        settings = self._settings_of(desk_state.settings_hash)
        run = CycleRun(self._desk(desk_state, settings, minds, scratch), by_kind(recorded), is_replay=True)
        # The gate reads the mode from the state.
        state = desk_state.model_copy(update={"mode": settings.mode}) if self._changes else desk_state
        try:
            await self._graph.ainvoke({"desk_state": state}, {"recursion_limit": 60}, context=run)
        except NotOnRecord as error:
            return self._explain(error, past)
        return None

    def _desk(
        self, desk_state: DeskState, settings: CycleSettings, minds: Minds, scratch: MemoryJournal
    ) -> Desk:
        absent = Absent()
        return Desk(
            settings=settings,
            account_id=desk_state.account_id,
            is_paper=desk_state.is_paper,
            clock=Stopped(desk_state.now),
            feed=absent,
            broker=absent,
            journal=scratch,
            blobs=OverlayBlobStore(self._blobs),
            kill_switch=absent,
            ledger=Ledger(scratch),
            observe=absent.observe,
            reader=self._reader,
            weights_of=self._weights_of,
            brain=minds.brain,
            voters=minds.voters,
            recall=self._recall,
        )

    def _past(self, desk_state: DeskState, recorded: _Stages) -> Past:
        # The journal has them in the order in which the seats were done.
        ballots = sorted((r for r, _ in recorded if isinstance(r, Ballot)), key=lambda ballot: ballot.ordinal)
        return Past(
            self._recorded_settings(desk_state.settings_hash),
            next((record for record, _ in recorded if isinstance(record, FormulaView)), None),
            tuple(ballots),
            self._journal.find_all(Exchange, desk_state.cycle_id),
        )

    def _minds(self, desk_state: DeskState, past: Past) -> Minds:
        if not self._changes:
            return minds_as_they_were(past, self._blobs, self._reader)
        settings = self._settings_of(desk_state.settings_hash)
        return minds_under(settings, past, self._blobs, self._reader, self._asking)

    def _explain(self, error: NotOnRecord, past: Past) -> str:
        """Why the new course left the record, and what could be done about it."""
        if error.fields.get("stage") != "Exchange":
            return str(error)
        from agents.endpoints import why_unlisted

        said = [str(error)]
        asked = (past.settings.brain, *(past.settings.seats.get(ballot.seat) for ballot in past.ballots))
        minds = {(mind.provider, mind.model): mind for mind in asked if mind is not None and mind.model}
        said += [
            f"its quirks may be unknown: {why}" for mind in minds.values() if (why := why_unlisted(mind))
        ]
        if self._changes:
            said.append("--ask would ask")
        return "; ".join(said)

    def _recorded_settings(self, settings_hash: str) -> CycleSettings:
        if settings_hash not in self._recorded:
            self._recorded[settings_hash] = CycleSettings.from_canonical(self._blobs.get(settings_hash))
        return self._recorded[settings_hash]

    def _settings_of(self, settings_hash: str) -> CycleSettings:
        if settings_hash not in self._settings:
            recorded = self._recorded_settings(settings_hash)
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
    """`settings` with dotted names replaced, such as limits.risk_per_trade_pct; validated again.

    Raises ToolInputError for a name that is none, or a value that does not fit.
    """
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
    try:
        return CycleSettings.model_validate(tree)
    except ValidationError as error:
        raise ToolInputError(refusals(error)[0], problem=error.errors()[0]["type"]) from None


def _judge(
    desk_state: DeskState,
    recorded: _Stages,
    again: _Stages,
    beyond: str | None,
    past: Past,
    minds: Minds,
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
        course_was=_course(recorded, None),
        course=_course(again, beyond),
        asked=tuple(_asked_anew(recorded, again, past, minds)),
    )


def _course(records: _Stages, beyond: str | None) -> Course:
    found = {type(record): record for record, _ in records}
    if OrderIntent in found:
        return "traded"
    if beyond is None:
        return "stood aside"
    decision = found.get(Decision)
    is_for = isinstance(decision, Decision) and not decision.ends_cycle
    return "for the trade" if is_for else "past the record"


def _asked_anew(recorded: _Stages, again: _Stages, past: Past, minds: Minds) -> Iterator[MindAgain]:
    """Those that had an answer, or were refused one, that is none of the cycle's own."""
    was, now = _said(recorded), _said(again)
    for mind, line in sorted(minds.lines.items()):
        if any(exchange.role == "what_if" for exchange in line.exchanges):
            yield MindAgain(
                seat=mind[1],
                model_was=past.model_of(*mind),
                model=line.caller.model,
                was=was.get(mind),
                now=now.get(mind),
            )


def _said(records: _Stages) -> dict[tuple[str, str], Ballot | FormulaView]:
    said: dict[tuple[str, str], Ballot | FormulaView] = {}
    for record, _ in records:
        if isinstance(record, Ballot):
            said["seat", record.seat] = record
        elif isinstance(record, FormulaView):
            said["brain", "brain"] = record
    return said


def _as_far_as(recorded: _Stages, again: _Stages) -> _Stages:
    """A cycle that was cut is no other one: what would have come next is for the next runner to make."""
    known = by_kind(recorded)
    return [(record, n) for record, n in again if (type(record), n) in known]


def _seated_as_before(recorded: _Stages, again: _Stages) -> _Stages:
    """A seat is compared with itself, wherever on the panel it sits now."""
    places = {record.seat: n for record, n in recorded if isinstance(record, Ballot)}
    for seat in [r.seat for r, _ in sorted(again, key=lambda each: each[1]) if isinstance(r, Ballot)]:
        places.setdefault(seat, max(places.values(), default=-1) + 1)
    return [
        (record.model_copy(update={"ordinal": places[record.seat]}), places[record.seat])
        if isinstance(record, Ballot)
        else (record, n)
        for record, n in again
    ]
