"""The gate: is this bar worth a thought, and whose. Closed, brief or vote, with every reason."""

from typing import Literal, NamedTuple

from contracts.market import Side
from contracts.records import DeskState, FormulaReport, Gate, MarketSnapshot, Reason
from tools.decision_settings import GateSettings

_TECHNICAL_MODES = ("technical", "technical+panel")

_Level = Literal["closed", "brief", "vote"]


class _Signal(NamedTuple):
    level: _Level
    side: Side | None
    value: float | None
    threshold: float
    reasons: tuple[Reason, ...]


def assess_gate(
    state: DeskState, snapshot: MarketSnapshot, report: FormulaReport, settings: GateSettings
) -> Gate:
    """How far this cycle goes: closed, `brief` (a model reads) or `vote` (a trade is proposed).

    Use it once a cycle, after the report and before anything that costs money.

    Parameters
    ----------
    state : DeskState
        Mode, budgets and open positions.
    snapshot : MarketSnapshot
        Whether the market is open and whether the hour is filtered.
    report : FormulaReport
        Technical score (points) and composite strength (units of its usual size).
    settings : GateSettings
        Thresholds on the absolute strength.

    Returns
    -------
    Gate
        `threshold` is the one the value was held against: the highest it reached, else the lowest.
        Reasons are empty unless closed, and then hold every reason that applies.

    Notes
    -----
    Modes `technical` and `technical+panel` read the technical score: vote when it reaches its minimum,
    has a side and the higher trend does not oppose it. The other modes read the composite strength:
    closed under `brief`, brief under `vote`, else vote; its side is its sign.

    A closed market closes the gate for everything. A filtered hour and (where models are asked) a
    spent budget close it for entries only: a signal against an open position can only close that
    position, and neither may keep the desk in it.
    """
    is_technical = state.mode in _TECHNICAL_MODES
    signal = _score_signal(report) if is_technical else _strength_signal(report, settings)
    reasons = (*signal.reasons, *_circumstances(state, snapshot, signal.side))
    return Gate(
        cycle_id=report.cycle_id,
        as_of=report.as_of,
        parents=(state.record_id, snapshot.record_id, report.record_id),
        level="closed" if reasons else signal.level,
        basis="technical_score" if is_technical else "composite_strength",
        side=signal.side,
        value=signal.value,
        threshold=signal.threshold,
        reasons=reasons,
    )


def _score_signal(report: FormulaReport) -> _Signal:
    score = report.score
    reasons = []
    if score.side is None:
        text = f"expected one side to lead, found {score.buy:g} points for each"
        reasons.append(Reason(code="no_side", text=text))
    if score.value < score.minimum:
        text = f"expected a score of at least {score.minimum:g}, found {score.value:.12g}"
        reasons.append(Reason(code="below_minimum", text=text))
    if score.is_opposed:
        text = f"expected a higher trend that does not oppose {score.side}, found {score.higher_trend}"
        reasons.append(Reason(code="higher_trend_opposes", text=text))
    level: _Level = "closed" if reasons else "vote"
    return _Signal(level, score.side, score.value, score.minimum, tuple(reasons))


def _strength_signal(report: FormulaReport, settings: GateSettings) -> _Signal:
    strength = report.strength
    if strength.value is None:
        text = f"expected a composite strength, found none: {strength.reason or 'no reason given'}"
        return _Signal("closed", None, None, settings.brief, (Reason(code="no_strength", text=text),))
    side = None if strength.value == 0 else Side.BUY if strength.value > 0 else Side.SELL
    size = abs(strength.value)
    if size >= settings.vote:
        return _Signal("vote", side, strength.value, settings.vote, ())
    if size >= settings.brief:
        return _Signal("brief", side, strength.value, settings.brief, ())
    text = f"expected a strength of at least {settings.brief:g} either way, found {strength.value:.12g}"
    return _Signal("closed", side, strength.value, settings.brief, (Reason(code="weak", text=text),))


def _circumstances(state: DeskState, snapshot: MarketSnapshot, side: Side | None) -> tuple[Reason, ...]:
    reasons = []
    if not snapshot.in_session:
        text = f"expected an open market for {snapshot.instrument.instrument_id}, found it closed"
        reasons.append(Reason(code="market_closed", text=text))
    if _only_closes(state, snapshot, side):
        return tuple(reasons)
    if snapshot.filtered_hour is not None:
        text = f"expected an hour open to entries, found the filtered one {snapshot.filtered_hour}"
        reasons.append(Reason(code="filtered_hour", text=text))
    if state.mode != "technical":
        reasons.extend(_spent(state))
    return tuple(reasons)


def _only_closes(state: DeskState, snapshot: MarketSnapshot, side: Side | None) -> bool:
    if side is None:
        return False
    held = (p for p in state.positions if p.instrument_id == snapshot.instrument.instrument_id)
    return any(position.quantity * side.sign < 0 for position in held)


def _spent(state: DeskState) -> list[Reason]:
    return [
        Reason(
            code="budget_spent",
            text=f"expected {budget.name} under its cap of {budget.cap:f}, found {budget.spent:f} spent",
        )
        for budget in state.budgets
        # A cap of nothing is not spent: what is free may still be asked, and the line refuses the rest.
        if budget.spent >= budget.cap and budget.spent > 0
    ]
