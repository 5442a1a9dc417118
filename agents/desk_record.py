"""A desk's record, read for questions: cycles, votes, evidence, the market, what a trade would size.

Every function reads and returns a small record or a short text, for people and models alike. A journal open
for reading is all it needs, so nothing here could write; `desk_results.py` reads what decisions came to.
How a stage is told to people is a face's matter and comes in as `story`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agents.dossier import evidence_line
from contracts.canonical import Real, Record, Sha256, Utc
from contracts.errors import ToolInputError
from contracts.market import Instrument, Side, Timeframe
from contracts.ports import BlobStore
from contracts.records import (
    RECORDS,
    Ballot,
    Decision,
    DeskState,
    Evidence,
    FormulaReport,
    FormulaView,
    Gate,
    MarketSnapshot,
    Reason,
    StageRecord,
    TradeProposal,
)
from memory.reader import JournalReader
from tools.limits import RiskLimits
from tools.sizing import propose_trade

MAX_CYCLES = 50
_PAGE = 200
_LOOKED_AT = 50
"""Newest cycles of an instrument among which one with a report is looked for."""
_SIZED_PCT = 5.0
"""No limit of the desk may be set over it (`RiskLimits`)."""

Story = Callable[[Iterable[StageRecord]], list[tuple[str, str]]]


class CycleLine(Record):
    """One cycle in a list; `ended` is "unfinished", an order's state, or why it stood aside."""

    cycle_id: Sha256
    instrument_id: str
    as_of: Utc
    came_to: str
    ended: str


class Vote(Record):
    """One ballot, in its seat's words."""

    seat: str
    answer: str
    confidence: Real | None
    size_bound: Real | None
    reasoning: str
    abstained: str | None
    numbers_no_tool_returned: tuple[str, ...]


class Votes(Record):
    """Who voted how in a cycle, and what it came to; no seats where none was asked."""

    cycle_id: Sha256
    votes: tuple[Vote, ...]
    rule: str | None
    size_fraction: Real | None
    n_seats: int
    n_valid: int
    n_for: int
    reasons: tuple[Reason, ...]


class MarketSeen(Record):
    """The market as the newest cycle with a report saw it."""

    cycle_id: Sha256
    instrument_id: str
    timeframe: Timeframe
    as_of: Utc
    bid: Real | None
    ask: Real | None
    spread_pips: Real | None
    is_in_session: bool
    score_buy: Real
    score_sell: Real
    score_needs: Real
    strength: Real | None
    strength_missing: str | None
    evidence: tuple[str, ...]
    """Rows as models read them: id, value, unit, observations, timeframe."""


class WouldSize(Record):
    """What the risk rule would propose on a side; the risk guard may still shrink it. Nothing is traded."""

    cycle_id: Sha256
    instrument_id: str
    as_of: Utc
    purpose: str
    side: Side
    entry: Real
    stop: Real | None
    target: Real | None
    stop_pips: Real | None
    target_pips: Real | None
    quantity: Real
    lots: Real
    risk_amount: Real
    risk_pct: Real
    asked_pct: Real
    desk_pct: Real
    """What the limits on record allow this market; `asked_pct` is a supposition beside it."""
    notional: Real
    currency: str
    kelly: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class DeskRecord:
    """One desk's journal and blobs."""

    journal: JournalReader
    blobs: BlobStore
    story: Story

    def newest(self) -> datetime | None:
        """The newest `as_of` on record; None before the first cycle."""
        state = self.journal.last(DeskState)
        return None if state is None else state.as_of

    def cycles(
        self,
        *,
        instrument_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        ended: str | None = None,
        limit: int = 20,
    ) -> tuple[CycleLine, ...]:
        """The newest first; `ended` keeps those that came to, or ended with, something of that name."""
        found: list[CycleLine] = []
        before, wanted = None, _plain(ended or "")
        page_size = _PAGE if wanted else limit
        while len(found) < limit:
            page = self.journal.cycles(
                page_size, before=before, instrument_id=instrument_id, since=since, until=until
            )
            lines = [
                CycleLine(
                    cycle_id=each.cycle_id,
                    instrument_id=each.instrument_id,
                    as_of=each.as_of,
                    came_to=each.last_kind,
                    ended=each.end,
                )
                for each in page
            ]
            found += [line for line in lines if wanted in _plain(f"{line.came_to} {line.ended}")]
            if len(page) < page_size:
                break
            before = page[-1].first_seq
        return tuple(found[:limit])

    def find_cycle(self, prefix: str) -> str:
        """The one cycle whose id begins so. Raises ToolInputError."""
        wanted = prefix.strip().lower()
        is_hex = 4 <= len(wanted) <= 64 and all(digit in "0123456789abcdef" for digit in wanted)
        found = self.journal.cycles_beginning(wanted) if is_hex else ()
        if len(found) != 1:
            raise ToolInputError(
                f"expected the id of one cycle or at least its first 4 hex digits, found {prefix[:70]!r}, "
                f"fitting {len(found)}; list cycles to see ids"
            )
        return found[0]

    def tell(self, cycle_id: str) -> str:
        """One cycle as a story: a heading and a few lines a stage, in the order they were made."""
        rows = self.journal.stored_rows(cycle_id=cycle_id)
        read = [row.read_as(RECORDS[row.kind]) for row in rows]
        records = [record for record in read if isinstance(record, StageRecord)]
        head = [f"cycle {cycle_id}"]
        head += [
            f"{state.instrument_id} {state.timeframe}, bar closed {state.as_of:%Y-%m-%d %H:%M} UTC"
            for state in records
            if isinstance(state, DeskState)
        ]
        told = [
            f"{heading}: {text.replace(chr(10), chr(10) + '  ')}" for heading, text in self.story(records)
        ]
        return "\n".join([*head, *told])

    def votes(self, cycle_id: str) -> Votes:
        """The ballots of a cycle with their reasons, and the decision they led to."""
        ballots = sorted(self.journal.find_all(Ballot, cycle_id), key=lambda ballot: ballot.ordinal)
        decision = self.journal.find(Decision, cycle_id)
        return Votes(
            cycle_id=cycle_id,
            votes=tuple(_vote(ballot) for ballot in ballots),
            rule=None if decision is None else decision.rule,
            size_fraction=None if decision is None else decision.size_fraction,
            n_seats=0 if decision is None else decision.n_seats,
            n_valid=0 if decision is None else decision.n_valid,
            n_for=0 if decision is None else decision.n_for,
            reasons=() if decision is None else decision.reasons,
        )

    def evidence(self, cycle_id: str, ids: Sequence[str] = ()) -> tuple[Evidence, ...]:
        """Evidence of a cycle by id, in the order asked, or all of it. ToolInputError for an unknown id."""
        report, view = self.journal.find(FormulaReport, cycle_id), self.journal.find(FormulaView, cycle_id)
        rows = [*(report.evidence if report else ()), *(view.called if view else ())]
        known = {row.evidence_id: row for row in rows}
        if unknown := [name for name in ids if name not in known]:
            raise ToolInputError(
                f"expected ids among {', '.join(known) or 'none, for this cycle has no evidence'}; "
                f"found {', '.join(unknown)[:200]}"
            )
        return tuple(known[name] for name in ids) if ids else tuple(rows)

    def market(self, instrument_id: str) -> MarketSeen:
        """The market as last seen. Raises ToolInputError where no cycle of the instrument has a report."""
        state, snapshot, report = self._last_seen(instrument_id)
        quote = snapshot.quote
        score, strength = report.score, report.strength
        pip = float(snapshot.instrument.pip_size)
        return MarketSeen(
            cycle_id=state.cycle_id,
            instrument_id=instrument_id,
            timeframe=snapshot.timeframe,
            as_of=snapshot.as_of,
            bid=None if quote is None else quote.bid,
            ask=None if quote is None else quote.ask,
            spread_pips=None if quote is None else (quote.ask - quote.bid) / pip,
            is_in_session=snapshot.in_session,
            score_buy=score.buy,
            score_sell=score.sell,
            score_needs=score.minimum,
            strength=strength.value,
            strength_missing=strength.reason,
            evidence=tuple(evidence_line(row) for row in report.evidence),
        )

    def would_size(self, instrument_id: str, side: Side, percent: float | None = None) -> WouldSize:
        """What the sizing rule makes of a side at the newest snapshot, risking `percent` of equity.

        Without `percent` it is what the limits on record allow. Raises ToolInputError where the market was
        never seen, or the percentage is none that a limit could be.
        """
        if percent is not None and not 0 < percent <= _SIZED_PCT:
            raise ToolInputError(f"expected a percent over 0 and up to {_SIZED_PCT:g}, found {percent:g}")
        state, snapshot, report = self._last_seen(instrument_id)
        limits = RiskLimits.from_canonical(self.blobs.get(state.limits_hash))
        market = snapshot.instrument.market
        allowed = limits.risk_pct(market)
        asked = allowed if percent is None else percent
        supposed = limits.model_copy(update={"risk_per_trade_pct": asked, f"{market}_risk_pct": None})
        gate = Gate(
            cycle_id=state.cycle_id,
            as_of=snapshot.as_of,
            parents=(report.record_id,),
            level="vote",
            basis="technical_score",
            side=side,
            value=None,
            threshold=0,
            reasons=(),
        )
        proposal = propose_trade(state, snapshot, report, gate, supposed)
        return _would_size(proposal, snapshot.instrument, asked, allowed)

    def _last_seen(self, instrument_id: str) -> tuple[DeskState, MarketSnapshot, FormulaReport]:
        for line in self.journal.cycles(_LOOKED_AT, instrument_id=instrument_id):
            state = self.journal.find(DeskState, line.cycle_id)
            snapshot = self.journal.find(MarketSnapshot, line.cycle_id)
            report = self.journal.find(FormulaReport, line.cycle_id)
            if state and snapshot and report:
                return state, snapshot, report
        raise ToolInputError(
            f"expected a cycle of {instrument_id} with a report among its newest {_LOOKED_AT}, found none; "
            "list cycles to see which instruments are on record"
        )


def _would_size(
    proposal: TradeProposal, instrument: Instrument, asked_pct: float, desk_pct: float
) -> WouldSize:
    def pips(price: float | None) -> float | None:
        return None if price is None else abs(price - proposal.entry) / float(instrument.pip_size)

    return WouldSize(
        cycle_id=proposal.cycle_id,
        instrument_id=proposal.instrument_id,
        as_of=proposal.as_of,
        purpose=proposal.purpose,
        side=proposal.side,
        entry=proposal.entry,
        stop=proposal.stop,
        target=proposal.target,
        stop_pips=pips(proposal.stop),
        target_pips=pips(proposal.target),
        quantity=proposal.quantity,
        lots=proposal.quantity / float(instrument.lot_size),
        risk_amount=proposal.risk_amount,
        risk_pct=proposal.risk_pct,
        asked_pct=asked_pct,
        desk_pct=desk_pct,
        notional=proposal.notional,
        currency=proposal.currency,
        kelly=proposal.kelly.note,
        reasons=proposal.reasons,
    )


def _vote(ballot: Ballot) -> Vote:
    return Vote(
        seat=ballot.seat,
        answer=ballot.answer,
        confidence=ballot.confidence,
        size_bound=ballot.size_bound,
        reasoning=ballot.reasoning,
        abstained=ballot.abstained,
        numbers_no_tool_returned=ballot.ungrounded,
    )


def _plain(words: str) -> str:
    return words.lower().replace("_", " ")
