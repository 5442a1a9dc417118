"""From a side to a trade: entry, stop, target and quantity, all by arithmetic.

The stop stands a multiple of the average true range away, the quantity is what loses the allowed
share of equity if that stop fills at its price, and the quantity is rounded down, never up. An
opposite open position is closed instead, by exactly its quantity and with no sizing at all.

A proposal that refuses has quantity 0 and a reason; prices and rates that could not be had are 0.0
there, because the record has no place for a missing one.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from contracts.errors import InvariantBroken
from contracts.market import Instrument, Quote, Side
from contracts.records import (
    DeskState,
    FormulaReport,
    Gate,
    KellyBound,
    MarketSnapshot,
    Purpose,
    Reason,
    TradeProposal,
)
from markets.instruments import conversion_path
from markets.orders import to_decimal, to_price
from tools.kelly import kelly_bound
from tools.limits import RiskLimits
from tools.quantity import quantity_within, risk_per_unit

NO_KELLY = KellyBound(fraction=None, note="does not apply: an exit is not sized")


@dataclass(frozen=True, slots=True)
class _Case:
    state: DeskState
    snapshot: MarketSnapshot
    report: FormulaReport
    gate: Gate
    limits: RiskLimits
    side: Side
    position: Decimal
    rate: float | None

    @property
    def instrument(self) -> Instrument:
        return self.snapshot.instrument


@dataclass(frozen=True, slots=True)
class _Plan:
    entry: float
    stop: float | None
    target: float | None
    quantity: float
    risk_amount: float
    notional: float


def propose_trade(
    state: DeskState, snapshot: MarketSnapshot, report: FormulaReport, gate: Gate, limits: RiskLimits
) -> TradeProposal:
    """Propose a sized entry on the gate's side, or the exit of an opposite position.

    Use it once the gate is open; the panel votes on what it returns and the risk guard judges it.

    Parameters
    ----------
    state : DeskState
        Equity in the account's currency, open positions and trade statistics.
    snapshot : MarketSnapshot
        Instrument, quote and conversion rates at `as_of`.
    report : FormulaReport
        Evidence; the first row of tool "atr" on the decision timeframe is the stop's measure.
    gate : Gate
        An open gate; its side is the side of the trade.
    limits : RiskLimits
        Risk a trade in percent of equity, stop and target multiples, Kelly settings.

    Returns
    -------
    TradeProposal
        Quantity in the instrument's units, prices in its quote currency, risk and notional in the
        account's currency. Quantity 0 comes with a reason: `already_positioned`, `no_quote`,
        `no_atr`, `no_conversion`, `no_equity`, `kelly_stands_aside`, `price_not_positive`,
        `stop_inside_spread`, `stop_under_a_tick` or `below_minimum_size`.

    Raises
    ------
    InvariantBroken
        The gate has no side, or the records speak of different instruments.

    Notes
    -----
    Entry is what a market order would meet: ask to buy, bid to sell. Stop = entry -/+
    stop_atr_multiple * ATR and target = entry +/- target_r_multiple * |entry - stop|, each rounded to
    the tick away from the entry. With fraction f = min(risk limit, Kelly bound if it binds),

        quantity = equity * f / (|entry - stop| * multiplier * conversion), down to quantity_step,

    then the risk is computed again from the rounded quantity. Commission and slippage are not in it.
    A missing input is a reason, never a default. Smallest sample: the evidence's own. Look-ahead:
    reads only records made at `as_of`.

    References
    ----------
    .. [1] Wilder, J. W. (1978). New Concepts in Technical Trading Systems. Section III (true range).
    .. [2] Vince, R. (1992). The Mathematics of Money Management. Chapter 1 (fixed fraction).
    """
    if gate.side is None:
        raise InvariantBroken("expected an open gate with a side, found none; a trade needs a direction")
    if state.instrument_id != snapshot.instrument.instrument_id:
        raise InvariantBroken(
            f"expected one instrument a cycle, found {state.instrument_id} in the desk state "
            f"and {snapshot.instrument.instrument_id} in the snapshot"
        )
    quantities = (p.quantity for p in state.positions if p.instrument_id == state.instrument_id)
    rate = conversion_path(snapshot.instrument.quote_currency, state.marks.currency, snapshot.rates)
    case = _Case(state, snapshot, report, gate, limits, gate.side, sum(quantities, Decimal(0)), rate)
    if case.position * gate.side.sign < 0:
        return _propose_exit(case)
    return _propose_entry(case)


def _propose_exit(case: _Case) -> TradeProposal:
    quote = case.snapshot.quote
    if quote is None:
        return _refused(case, _no_quote(case), NO_KELLY, "exit")
    entry, quantity = quote.taking(case.side), abs(float(case.position))
    plan = _Plan(entry, None, None, quantity, 0.0, _notional(case, quantity, entry))
    return _proposal(case, plan, NO_KELLY, "exit")


def _propose_entry(case: _Case) -> TradeProposal:
    kelly = kelly_bound(case.state.stats, case.limits.kelly)
    if reason := _obstacle(case, kelly):
        return _refused(case, reason, kelly)
    quote, atr = case.snapshot.quote, _true_range(case)
    if quote is None:
        return _refused(case, _no_quote(case), kelly)
    if atr is None:
        text = "expected an average true range above 0 on the decision timeframe, found none"
        return _refused(case, Reason(code="no_atr", text=text), kelly)
    entry = quote.taking(case.side)
    stop, target = _bracket(case, entry, atr)
    if reason := _bracket_problem(case, quote, stop, target):
        return _refused(case, reason, kelly)
    plan = _size(case, kelly, entry, stop, target)
    if plan.quantity < float(case.instrument.min_quantity):
        return _refused(case, _below_minimum(case, kelly, plan), kelly)
    return _proposal(case, plan, kelly)


def _obstacle(case: _Case, kelly: KellyBound) -> Reason | None:
    if case.position != 0:
        text = (
            f"expected no open position on this side, found {case.position}; one net position an instrument"
        )
        return Reason(code="already_positioned", text=text)
    if case.rate is None or case.rate <= 0:
        pair = f"{case.instrument.quote_currency} to {case.state.marks.currency}"
        return Reason(
            code="no_conversion", text=f"expected a rate from {pair}, found none; no path, no trade"
        )
    if case.state.marks.equity <= 0:
        text = f"expected equity above 0 to size from, found {case.state.marks.equity}"
        return Reason(code="no_equity", text=text)
    if kelly.fraction is not None and kelly.fraction <= 0:
        return Reason(code="kelly_stands_aside", text=kelly.note)
    return None


def _true_range(case: _Case) -> float | None:
    for row in case.report.evidence:
        is_decision = row.timeframe == case.snapshot.timeframe
        if row.tool == "atr" and is_decision and row.instrument_id == case.instrument.instrument_id:
            return row.value if row.value is not None and row.value > 0 else None
    return None


def _bracket(case: _Case, entry: float, atr: float) -> tuple[float, float]:
    sign, tick = case.side.sign, case.instrument.tick_size
    up, down = (ROUND_CEILING, ROUND_FLOOR) if sign > 0 else (ROUND_FLOOR, ROUND_CEILING)
    stop = float(to_price(entry - sign * case.limits.stop_atr_multiple * atr, tick, down))
    distance = case.limits.target_r_multiple * abs(entry - stop)
    return stop, float(to_price(entry + sign * distance, tick, up))


def _bracket_problem(case: _Case, quote: Quote, stop: float, target: float) -> Reason | None:
    if min(stop, target) <= 0:
        text = f"expected stop and target above 0, found {stop:g} and {target:g}; the range is too wide"
        return Reason(code="price_not_positive", text=text)
    closing = quote.taking(case.side.opposite)
    if (closing - stop) * case.side.sign <= 0:
        text = f"expected the stop beyond the closing price {closing:g}, found {stop:g}; the spread eats it"
        return Reason(code="stop_inside_spread", text=text)
    entry, tick = quote.taking(case.side), case.instrument.tick_size
    if abs(to_decimal(entry) - to_decimal(stop)) < tick:
        text = f"expected the stop at least a tick of {tick} from the entry {entry:g}, found {stop:g}"
        return Reason(code="stop_under_a_tick", text=text)
    return None


def _size(case: _Case, kelly: KellyBound, entry: float, stop: float, target: float) -> _Plan:
    unit = risk_per_unit(entry, stop, case.instrument, case.rate or 0.0)
    budget = float(case.state.marks.equity) * _fraction(case, kelly)
    quantity = quantity_within(budget, unit, case.instrument)
    return _Plan(entry, stop, target, quantity, quantity * unit, _notional(case, quantity, entry))


def _fraction(case: _Case, kelly: KellyBound) -> float:
    allowed = case.limits.risk_pct(case.instrument.market) / 100
    return allowed if kelly.fraction is None else min(allowed, kelly.fraction)


def _below_minimum(case: _Case, kelly: KellyBound, plan: _Plan) -> Reason:
    instrument, percent = case.instrument, 100 * _fraction(case, kelly)
    text = (
        f"expected at least {instrument.min_quantity} {instrument.instrument_id}, "
        f"found {plan.quantity:g}, all that {percent:g} % of equity allows"
    )
    return Reason(code="below_minimum_size", text=text)


def _no_quote(case: _Case) -> Reason:
    text = f"expected a quote of {case.instrument.instrument_id}, found none; an entry price cannot be had"
    return Reason(code="no_quote", text=text)


def _notional(case: _Case, quantity: float, price: float) -> float:
    return quantity * price * float(case.instrument.multiplier) * (case.rate or 0.0)


def _refused(case: _Case, reason: Reason, kelly: KellyBound, purpose: Purpose = "entry") -> TradeProposal:
    quote = case.snapshot.quote
    plan = _Plan(quote.taking(case.side) if quote else 0.0, None, None, 0.0, 0.0, 0.0)
    return _proposal(case, plan, kelly, purpose, (reason,))


def _proposal(
    case: _Case,
    plan: _Plan,
    kelly: KellyBound,
    purpose: Purpose = "entry",
    reasons: tuple[Reason, ...] = (),
) -> TradeProposal:
    state, equity = case.state, float(case.state.marks.equity)
    inputs = (state, case.snapshot, case.report, case.gate)
    return TradeProposal(
        cycle_id=state.cycle_id,
        as_of=case.snapshot.as_of,
        parents=tuple(record.record_id for record in inputs),
        instrument_id=case.instrument.instrument_id,
        purpose=purpose,
        side=case.side,
        entry=plan.entry,
        stop=plan.stop,
        target=plan.target,
        quantity=plan.quantity,
        risk_amount=plan.risk_amount,
        risk_pct=100 * plan.risk_amount / equity if equity > 0 else 0.0,
        notional=plan.notional,
        conversion_rate=case.rate or 0.0,
        currency=state.marks.currency,
        kelly=kelly,
        reasons=reasons,
    )
