"""What decisions came to, from the record: account, performance, each voter's calls, spending on models.

Pure reading, counted here and nowhere else; where there is nothing to average there is None.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import fsum

from agents.exchanges import LATE
from contracts.canonical import Amount, Real, Record, Utc
from contracts.exchange import Exchange
from contracts.records import (
    AccountMarks,
    Ballot,
    DeskState,
    Fill,
    Outcome,
    Portfolio,
    Position,
)
from memory.reader import JournalReader
from tools.kelly import trade_stats

_FILLS_SHOWN = 10
_FILLS_READ = 50
"""Newest rows among which fills after the account's moment are looked for."""


class AccountSeen(Record):
    """The account as last recorded, and what was filled after that moment."""

    at: Utc
    desk: str
    account_id: str
    is_paper: bool
    mode: str
    halted_by: str | None
    """When the newest cycle began."""
    marks: AccountMarks
    drawdown_pct: Real | None
    """Of equity, from its peak."""
    positions: tuple[Position, ...]
    filled_since: tuple[str, ...]


class VoterSkill(Record):
    """What one seat said over a span, and how the trades it was for ended.

    A trade counts once it has closed; a hit is a trade that gained, so the rate is of `n_trades`.
    """

    seat: str
    n_calls: int
    n_valid: int
    n_for: int
    n_against: int
    n_hold: int
    n_abstained: int
    n_trades: int
    mean_r: Real | None
    hit_rate: Real | None


class Performance(Record):
    """Closed trades of a span, by the moment they closed; money in the account's currency."""

    since: Utc | None
    until: Utc | None
    currency: str | None
    n_closed: int
    n_won: int
    win_rate: Real | None
    net_pnl: Amount
    gross_pnl: Amount
    costs: Amount
    """Commission and swap; spread and slippage are inside the prices."""
    profit_factor: Real | None
    n_with_r: int
    mean_r: Real | None
    mean_win_r: Real | None
    mean_loss_r: Real | None
    best_r: Real | None
    worst_r: Real | None


class ModelSpending(Record):
    """What one model was asked on a day; None for dollars where a price or a count is not known."""

    role: str
    provider: str
    model: str
    n_asked: int
    n_answered: int
    tokens_in: int
    tokens_out: int
    cost_usd: Amount | None


def account_seen(journal: JournalReader) -> AccountSeen | None:
    """The account in the newest record that tells it; None before the first cycle."""
    state, portfolio = journal.last(DeskState), journal.last(Portfolio)
    if state is None:
        return None
    marks, positions, at = state.marks, state.positions, state.now
    if portfolio is not None and portfolio.at >= at:
        marks, positions, at = portfolio.marks, portfolio.positions, portfolio.at
    later = [fill for _, fill in journal.find_newest(Fill, _FILLS_READ) if fill.at >= at][-_FILLS_SHOWN:]
    return AccountSeen(
        at=at,
        desk=state.desk,
        account_id=state.account_id,
        is_paper=state.is_paper,
        mode=state.mode,
        halted_by=state.halted_by,
        marks=marks,
        drawdown_pct=drawdown_of(marks),
        positions=tuple(position for position in positions if position.quantity),
        filled_since=tuple(_fill_words(fill) for fill in later),
    )


def drawdown_of(marks: AccountMarks) -> float | None:
    """Percent that equity stands under its peak; None where there was never any."""
    peak = marks.peak_equity
    return float((peak - marks.equity) / peak * 100) if peak > 0 else None


def voter_skills(
    journal: JournalReader, since: datetime | None = None, until: datetime | None = None
) -> tuple[VoterSkill, ...]:
    """Every seat that was asked in the span, by name."""
    ballots = defaultdict[str, list[Ballot]](list)
    for ballot in journal.find_between(Ballot, since, until):
        ballots[ballot.seat].append(ballot)
    outcomes = {outcome.cycle_id: outcome for outcome in journal.find_between(Outcome, since, until)}
    return tuple(_skill(seat, ballots[seat], outcomes.values()) for seat in sorted(ballots))


def performance(
    journal: JournalReader,
    since: datetime | None = None,
    until: datetime | None = None,
    instrument_id: str | None = None,
) -> Performance:
    """What the trades that closed in the span came to."""
    closed = [
        outcome
        for outcome in journal.find_all(Outcome)
        if instrument_id in (None, outcome.instrument_id)
        and (since is None or outcome.closed_at >= since)
        and (until is None or outcome.closed_at <= until)
    ]
    won = sum((o.net_pnl for o in closed if o.net_pnl > 0), Decimal(0))
    lost = -sum((o.net_pnl for o in closed if o.net_pnl <= 0), Decimal(0))
    n_won = sum(outcome.net_pnl > 0 for outcome in closed)
    multiples = [o.r_multiple for o in closed if o.r_multiple is not None]
    stats = trade_stats(closed)
    return Performance(
        since=since,
        until=until,
        currency=closed[-1].currency if closed else None,
        n_closed=len(closed),
        n_won=n_won,
        win_rate=n_won / len(closed) if closed else None,
        net_pnl=won - lost,
        gross_pnl=sum((o.gross_pnl for o in closed), Decimal(0)),
        costs=sum((o.costs for o in closed), Decimal(0)),
        profit_factor=float(won / lost) if lost else None,
        n_with_r=len(multiples),
        mean_r=_mean(multiples),
        mean_win_r=stats.mean_win_r,
        mean_loss_r=stats.mean_loss_r,
        best_r=max(multiples, default=None),
        worst_r=min(multiples, default=None),
    )


def spending_on(journal: JournalReader, day: date) -> tuple[ModelSpending, ...]:
    """What each model was asked since the beginning of a day in UTC."""
    return spending_of(asked_on(journal, day))


def asked_on(journal: JournalReader, day: date) -> tuple[Exchange, ...]:
    """Every request since the beginning of a day in UTC, in journal order."""
    return journal.find_written(Exchange, datetime.combine(day, time(), UTC))


def spending_of(exchanges: Iterable[Exchange]) -> tuple[ModelSpending, ...]:
    """What each model was asked in these requests."""
    asked = defaultdict[tuple[str, str, str], list[Exchange]](list)
    for exchange in exchanges:
        asked[exchange.role, exchange.provider, exchange.model].append(exchange)
    return tuple(_spent(*whom, of_one) for whom, of_one in sorted(asked.items()))


def was_asked(exchange: Exchange) -> bool:
    """Whether it is a request that went out; what comes late belongs to one that has counted already."""
    return exchange.outcome not in ("not_asked", "late")


def has_answered(exchange: Exchange) -> bool:
    """Whether an answer came in whole and in time; a server's refusal is none."""
    return exchange.outcome == "complete" and (exchange.status or 0) < 400


def total_cost(exchanges: Sequence[Exchange]) -> Decimal | None:
    """Dollars of these answers; None where one of them has no known cost."""
    # What missed its deadline and came late is one answer, and its cost is told with what came.
    came = {(e.cycle_id, e.role, e.seat, e.ordinal - LATE) for e in exchanges if e.outcome == "late"}
    costs = [
        e.cost_usd
        for e in exchanges
        if e.outcome not in ("not_asked", "unreachable")
        and not (e.outcome == "deadline" and (e.cycle_id, e.role, e.seat, e.ordinal) in came)
    ]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def _skill(seat: str, ballots: Sequence[Ballot], outcomes: Iterable[Outcome]) -> VoterSkill:
    said = [ballot.answer for ballot in ballots]
    was_for = {ballot.cycle_id for ballot in ballots if ballot.answer in ("APPROVE", "REDUCE")}
    trades = [outcome for outcome in outcomes if outcome.cycle_id in was_for]
    multiples = [trade.r_multiple for trade in trades if trade.r_multiple is not None]
    n_abstained = said.count("ABSTAIN")
    return VoterSkill(
        seat=seat,
        n_calls=len(said),
        n_valid=len(said) - n_abstained,
        n_for=len(was_for),
        n_against=said.count("REJECT"),
        n_hold=said.count("HOLD"),
        n_abstained=n_abstained,
        n_trades=len(trades),
        mean_r=_mean(multiples),
        hit_rate=sum(trade.net_pnl > 0 for trade in trades) / len(trades) if trades else None,
    )


def _spent(role: str, provider: str, model: str, exchanges: Sequence[Exchange]) -> ModelSpending:
    told = [each.tokens for each in exchanges if each.tokens is not None]
    return ModelSpending(
        role=role,
        provider=provider,
        model=model,
        n_asked=sum(map(was_asked, exchanges)),
        n_answered=sum(map(has_answered, exchanges)),
        tokens_in=sum(tokens.input for tokens in told),
        tokens_out=sum(tokens.output for tokens in told),
        cost_usd=total_cost(exchanges),
    )


def _fill_words(fill: Fill) -> str:
    return (
        f"{fill.leg} {fill.side} {fill.quantity:f} {fill.instrument_id} at {fill.price:f}, "
        f"{fill.at:%Y-%m-%d %H:%M} UTC; position then {fill.position_quantity:f}"
    )


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
