"""One cycle told from its records: a heading and a few lines a stage, in the order they were made.

Pure: records in, text out. A stage this program does not know how to tell is named and no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import singledispatch

from contracts.market import Instrument
from contracts.records import (
    Approval,
    ApprovalRequest,
    Ballot,
    Decision,
    DeskState,
    Fill,
    FormulaReport,
    FormulaView,
    Gate,
    MarketSnapshot,
    Order,
    OrderIntent,
    Outcome,
    Portfolio,
    Reason,
    Requote,
    RiskCheck,
    RiskVerdict,
    StageRecord,
    TradeProposal,
)
from desk.present import gain, moment, money, number, percent, price, quantity, short, size
from markets.instruments import INSTRUMENTS

_HEADINGS: Mapping[type[StageRecord], str] = {
    DeskState: "desk",
    MarketSnapshot: "market",
    FormulaReport: "numbers",
    Gate: "gate",
    FormulaView: "formula brain",
    TradeProposal: "proposal",
    Ballot: "vote",
    Decision: "decision",
    Portfolio: "portfolio",
    RiskVerdict: "risk guard",
    ApprovalRequest: "question",
    Approval: "answer",
    Requote: "second look",
    OrderIntent: "intent",
    Order: "order",
    Fill: "fill",
    Outcome: "outcome",
}
_UNTOLD_TICK = Decimal("0.00000001")


def title(records: Sequence[StageRecord]) -> str:
    """Instrument, bar and cycle in one line."""
    state = next((record for record in records if isinstance(record, DeskState)), None)
    if state is None:
        return f"cycle {short(records[0].cycle_id)}" if records else "no records"
    return (
        f"{state.instrument_id} {state.timeframe}, decided on the bar that closed {moment(state.as_of)}\n"
        f"cycle {state.cycle_id}"
    )


def story(records: Iterable[StageRecord]) -> list[tuple[str, str]]:
    """Every record as heading and text."""
    return [(_HEADINGS.get(type(record), type(record).__name__), tell(record)) for record in records]


@singledispatch
def tell(_record: StageRecord) -> str:
    """One record in words and numbers."""
    return "on record; see --json"


@tell.register
def _state(state: DeskState) -> str:
    marks = state.marks
    lines = [
        f"desk {state.desk}, mode {state.mode}",
        f"balance {money(marks.balance, marks.currency)}, equity {money(marks.equity, marks.currency)}, "
        f"{_position_words(state)}",
    ]
    if state.composite_reason:
        lines.append(f"no composite weights: {state.composite_reason}")
    if state.halted_by:
        lines.append(state.halted_by)
    return "\n".join(lines)


def _position_words(state: DeskState) -> str:
    held = [f"{quantity(p.quantity)} {p.instrument_id}" for p in state.positions if p.quantity != 0]
    return f"holding {', '.join(held)}" if held else "flat"


@tell.register
def _snapshot(snapshot: MarketSnapshot) -> str:
    lines = [
        f"{s.n_bars:,} bars of {s.timeframe}" + (f" to {moment(s.last_close)}" if s.last_close else "")
        for s in snapshot.series
    ]
    quote = snapshot.quote
    if quote is not None:
        tick = snapshot.instrument.tick_size
        assumed = ", spread assumed" if quote.is_spread_assumed else ""
        lines.append(f"bid {price(quote.bid, tick)}, ask {price(quote.ask, tick)}{assumed}")
    if snapshot.filtered_hour:
        lines.append(f"filtered hour: {snapshot.filtered_hour}")
    lines.append("market open" if snapshot.in_session else "market closed")
    return "\n".join([*lines, *_reasons(snapshot.reasons)])


@tell.register
def _report(report: FormulaReport) -> str:
    score, strength = report.score, report.strength
    missing = sum(1 for row in report.evidence if row.value is None)
    head = f"profile {report.profile}: {len(report.evidence)} numbers, {missing} missing"
    total = (
        f"score {score.side or 'tie'}: buy {score.buy:g}, sell {score.sell:g}, needs {score.minimum:g}; "
        f"higher trend {score.higher_trend or 'none'}{', opposes' if score.is_opposed else ''}"
    )
    name_width = max((len(part.name) for part in score.parts), default=0)
    parts = [f"  {_points(p.buy, p.sell):>9}  {p.name:<{name_width}}  {p.why}" for p in score.parts]
    measured = number(strength.value) if strength.value is not None else f"none: {strength.reason}"
    return "\n".join([head, total, *parts, f"composite strength {measured}"])


def _points(buy: float, sell: float) -> str:
    if buy == sell == 0:
        return "-"
    return f"buy {buy:g}" if buy > sell else f"sell {sell:g}"


@tell.register
def _gate(gate: Gate) -> str:
    basis = gate.basis.replace("_", " ")
    text = (
        f"{gate.level}: {basis} {number(gate.value)} against {gate.threshold:g}, side {gate.side or 'none'}"
    )
    return "\n".join([text, *_reasons(gate.reasons)])


@tell.register
def _view(view: FormulaView) -> str:
    if view.abstained:
        return f"abstained: {view.abstained}"
    text = f"{view.side or 'no side'}; for: {_cited(view.supporting)}; against: {_cited(view.opposing)}"
    return f"{text}\n{view.reasoning}"


def _cited(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


@tell.register
def _proposal(proposal: TradeProposal) -> str:
    if proposal.quantity <= 0:
        return "\n".join([f"nothing to trade on the side {proposal.side}", *_reasons(proposal.reasons)])
    lines = [_trade_words(proposal, proposal.instrument_id)]
    if proposal.purpose == "entry":
        lines.append(_risk_words(proposal, proposal.currency))
        lines.append(f"notional {money(proposal.notional, proposal.currency)}{_converted(proposal)}")
        lines.append(f"Kelly: {proposal.kelly.note}")
    return "\n".join([*lines, *_reasons(proposal.reasons)])


def _converted(proposal: TradeProposal) -> str:
    instrument = INSTRUMENTS.get(proposal.instrument_id)
    if instrument is None or instrument.quote_currency == proposal.currency:
        return ""
    return f", {number(proposal.conversion_rate)} {proposal.currency} for one {instrument.quote_currency}"


def _trade_words(record: TradeProposal | ApprovalRequest, instrument_id: str) -> str:
    instrument = INSTRUMENTS.get(instrument_id)
    tick = instrument.tick_size if instrument else _UNTOLD_TICK
    amount = size(record.quantity, instrument) if instrument else quantity(record.quantity)
    text = f"{record.purpose}: {record.side} {amount} {instrument_id} at {price(record.entry, tick)}"
    text += f", stop {price(record.stop, tick)}" if record.stop is not None else ""
    return text + (f", target {price(record.target, tick)}" if record.target is not None else "")


def _risk_words(record: TradeProposal | ApprovalRequest, currency: str) -> str:
    return f"at risk {money(record.risk_amount, currency)}, {percent(record.risk_pct)} of equity"


@tell.register
def _ballot(ballot: Ballot) -> str:
    if ballot.abstained:
        return f"{ballot.seat} abstains: {ballot.abstained}"
    text = f"{ballot.seat}: {ballot.answer}, confidence {number(ballot.confidence)}"
    text += f", size at most {percent(ballot.size_bound * 100)}" if ballot.size_bound is not None else ""
    flagged = f"\nnumbers no tool returned: {', '.join(ballot.ungrounded)}" if ballot.ungrounded else ""
    return f"{text}\n{ballot.reasoning}{flagged}"


@tell.register
def _decision(decision: Decision) -> str:
    votes = (
        f", {decision.n_for} of {decision.n_seats} seats for it" if decision.n_seats else ", no seat asked"
    )
    text = f"rule {decision.rule}: {percent(decision.size_fraction * 100)} of the proposal{votes}"
    return "\n".join([text, *_reasons(decision.reasons)])


@tell.register
def _portfolio(portfolio: Portfolio) -> str:
    marks = portfolio.marks
    text = f"equity {money(marks.equity, marks.currency)}, peak {money(marks.peak_equity, marks.currency)}, "
    text += f"day opened at {money(marks.day_open_equity, marks.currency)}"
    held = [
        f"{e.kind.replace('_', ' ')} {quantity(e.quantity)} {e.instrument_id}"
        + (" (only reduces)" if e.is_reduce_only else "")
        for e in portfolio.exposures
    ]
    return "\n".join([text, *(held or ["no exposure"])])


@tell.register
def _verdict(verdict: RiskVerdict) -> str:
    text = f"{quantity(verdict.quantity)} may be done" if verdict.quantity > 0 else "nothing may be done"
    width = max((len(check.name) for check in verdict.checks), default=0)
    return "\n".join([text, *(_check(check, width) for check in verdict.checks), *_reasons(verdict.reasons)])


def _check(check: RiskCheck, width: int) -> str:
    measured = "not computed" if check.value is None else number(check.value)
    figures = f"{measured}, limit {number(check.limit)} {check.unit}"
    return f"  {check.effect:<7}  {check.name:<{width}}  {figures}"


@tell.register
def _request(request: ApprovalRequest) -> str:
    lines = [_trade_words(request, request.instrument_id)]
    if request.purpose == "entry":
        lines.append(_risk_words(request, request.currency))
    return "\n".join([*lines, f"stands until {moment(request.expires_at)}"])


@tell.register
def _approval(approval: Approval) -> str:
    said = f"yes, {quantity(approval.quantity)}" if approval.is_granted else "no"
    return f"{said}, by {approval.by} ({approval.kind}) at {moment(approval.answered_at)}\n{approval.reason}"


@tell.register
def _requote(requote: Requote) -> str:
    text = requote.outcome.replace("_", " ")
    if requote.moved_ticks is not None:
        allowed = "" if requote.tolerance_ticks is None else f", {number(requote.tolerance_ticks)} allowed"
        text += f": {number(requote.moved_ticks)} ticks from what was approved{allowed}"
    return "\n".join([text, *_reasons(requote.reasons)])


@tell.register
def _intent(intent: OrderIntent) -> str:
    tick = _tick(intent.instrument_id)
    text = f"{intent.client_order_id}: {intent.side} {quantity(intent.quantity)} {intent.instrument_id}"
    text += f" near {price(intent.reference_price, tick)}"
    text += f", no worse than {price(intent.worst_price, tick)}" if intent.worst_price is not None else ""
    stop = f", stop {price(intent.stop_price, tick)}" if intent.stop_price is not None else ""
    target = f", target {price(intent.target_price, tick)}" if intent.target_price is not None else ""
    only = ", only reduces" if intent.is_reduce_only else ""
    return f"{text}{stop}{target}{only}\nnever sent after {moment(intent.valid_until)}"


@tell.register
def _order(order: Order) -> str:
    return f"{order.state} at {moment(order.at)}" + (f": {order.reason}" if order.reason else "")


@tell.register
def _fill(fill: Fill) -> str:
    tick = _tick(fill.instrument_id)
    text = (
        f"{fill.leg}: {fill.side} {quantity(fill.quantity)} at {price(fill.price, tick)}, {moment(fill.at)}"
    )
    costs = (
        ("spread", fill.spread_cost),
        ("slippage", fill.slippage_cost),
        ("commission", fill.commission),
        ("swap", fill.swap),
    )
    named = ", ".join(f"{name} {money(cost, fill.currency)}" for name, cost in costs if cost)
    realized = f"\nrealized {gain(fill.realized_pnl, fill.currency)}" if fill.leg != "entry" else ""
    note = f"\n{fill.note}" if fill.note else ""
    return f"{text}\ncosts: {named or 'none'}{realized}{note}"


@tell.register
def _outcome(outcome: Outcome) -> str:
    tick = _tick(outcome.instrument_id)
    multiple = "no multiple of risk" if outcome.r_multiple is None else f"{outcome.r_multiple:+.2f} R"
    lines = [
        f"closed by {outcome.exit_leg} after {outcome.bars_held:,} bars, {moment(outcome.closed_at)}",
        f"{outcome.side} {quantity(outcome.quantity)} from {price(outcome.entry_price, tick)} "
        f"to {price(outcome.exit_price, tick)}",
        f"net {gain(outcome.net_pnl, outcome.currency)} ({multiple}), "
        f"gross {gain(outcome.gross_pnl, outcome.currency)}, "
        f"commission and swap {money(outcome.costs, outcome.currency)}",
    ]
    if outcome.max_favourable_r is not None and outcome.max_adverse_r is not None:
        lines.append(
            f"best {outcome.max_favourable_r:+.2f} R, worst {-outcome.max_adverse_r:+.2f} R on the way"
        )
    return "\n".join(lines)


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    return [f"{reason.code.replace('_', ' ')}: {reason.text}" for reason in reasons]


def _tick(instrument_id: str) -> Decimal:
    instrument: Instrument | None = INSTRUMENTS.get(instrument_id)
    return _UNTOLD_TICK if instrument is None else instrument.tick_size
