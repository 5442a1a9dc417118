"""What a model is shown of a case: one text, the same for every seat, and the numbers it may cite.

Everything from outside the prompts stands between two lines that say it is data. A name or a text that
carries such a line, or a line break of its own, loses it: outside text cannot end the data. What a blind
case hides is hidden before a line is written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from agents.blind import Mask, mask_of, masked
from agents.evidence_names import Citable
from contracts.market import Instrument
from contracts.ports import Case, Limit
from contracts.records import Evidence, FormulaView, TradeProposal
from tools.regime import regime_in_words

BEGIN, END = "BEGIN DATA", "END DATA"


class Dossier(NamedTuple):
    """The text of a case, and what is in it."""

    text: str
    evidence_ids: tuple[str, ...]
    numbers: tuple[Citable, ...]
    """Measured: each may be cited."""
    own: tuple[Citable, ...]
    """The proposal's own: each may be repeated."""
    mask: Mask
    """What stands between these numbers and the true ones."""


def make_dossier(case: Case, proposal: TradeProposal | None = None) -> Dossier:
    """The case as models read it, with the proposal where there is one. Pure; equal records, equal text."""
    mask = mask_of(case)
    case, proposal = masked(case, proposal, mask)
    known = [row for row in case.report.evidence if row.value is not None]
    numbers = tuple(_measured(case, known, proposal is not None))
    own = () if proposal is None else tuple(_own(case, proposal))
    # Ids, units and names come from outside too: a file of the user's, a venue, a model.
    lines = [BEGIN, *(_one_line(line) for line in _lines(case, proposal, known)), END]
    return Dossier("\n".join(lines), tuple(row.evidence_id for row in known), numbers, own, mask)


def plain(value: float, digits: int = 6) -> str:
    """So many significant digits without an exponent."""
    return format(Decimal(f"{value:.{digits}g}"), "f")


def told(number: Citable) -> str:
    """A number as it is shown: a price at six digits, what is no price at four."""
    return plain(number.value, 6 if number.unit == "price" else 4)


def evidence_line(row: Evidence) -> str:
    """One row of evidence by itself."""
    return f"{_row(row, None)}, on {row.timeframe} bars"


def _rows(known: Sequence[Evidence]) -> Iterator[str]:
    """Rows of one timeframe together, and the usual number of observations once: every token is paid for."""
    for timeframe in dict.fromkeys(row.timeframe for row in known):
        rows = [row for row in known if row.timeframe == timeframe]
        (n_obs, _), *_ = Counter(row.n_obs for row in rows).most_common(1)
        yield f"Evidence on {timeframe} bars, from {n_obs} of them where none are told:"
        yield from (_row(row, n_obs) for row in rows)


def _row(row: Evidence, usual: int | None) -> str:
    if row.value is None:
        return f"{row.evidence_id}: none, {as_data(row.reason or 'no reason')}"
    value = f"{row.evidence_id}: {told(Citable(row.evidence_id, row.value, row.unit))} {as_data(row.unit)}"
    n_obs = "" if row.n_obs == usual else f", from {row.n_obs}"
    held = f", with {as_data(row.instrument_id)}, which is held" if row.tool == "return_correlation" else ""
    warned = f"; warning: {as_data('; '.join(row.warnings))}" if row.warnings else ""
    return f"{value}{n_obs}{held}{warned}"


def as_data(text: str) -> str:
    """Text from outside on one line, unable to end the data or to look like a heading of it."""
    flat = " ".join(text.split())
    return flat.replace(BEGIN, "[begin]").replace(END, "[end]")


def _one_line(line: str) -> str:
    indent = "  " if line.startswith("  ") else ""
    return indent + as_data(line)


def _measured(case: Case, known: Sequence[Evidence], is_voted_on: bool) -> Iterator[Citable]:
    for row in known:
        if row.value is not None:
            yield Citable(row.evidence_id, row.value, row.unit)
    score, strength, quote = case.report.score, case.report.strength, case.snapshot.quote
    yield Citable("technical_score", score.value, "score")
    yield Citable("score_buy", score.buy, "score")
    yield Citable("score_sell", score.sell, "score")
    yield Citable("score_minimum", score.minimum, "score")
    for part in score.parts:
        yield Citable(f"score_{part.name}", max(part.buy, part.sell), "score")
    if strength.value is not None:
        yield Citable("composite_strength", strength.value, "sigma")
    for signal in strength.inputs:
        if signal.z is not None:
            yield Citable(f"signal_{signal.name}", signal.z, "sigma")
            yield Citable(f"weight_{signal.name}", signal.weight, "ratio")
    if quote is not None:
        yield Citable("bid", quote.bid, "price")
        yield Citable("ask", quote.ask, "price")
        yield Citable("spread", quote.ask - quote.bid, "price")
        yield Citable("spread_pips", (quote.ask - quote.bid) / _pip(case), "pips")
    if is_voted_on:
        yield from _account(case)
        yield from _limits(case)
        yield from _past(case)


def _account(case: Case) -> Iterator[Citable]:
    marks, stats = case.state.marks, case.state.stats
    for name in ("balance", "equity", "start_equity", "peak_equity", "day_open_equity"):
        yield Citable(name, float(getattr(marks, name)), "money")
    yield Citable("closed_trades", float(stats.n_closed), "count")
    for name in ("win_rate", "mean_win_r", "mean_loss_r"):
        if (value := getattr(stats, name)) is not None:
            yield Citable(name, value, "ratio" if name == "win_rate" else "R")
    for held in case.state.positions:
        yield Citable(f"position_{held.instrument_id}", float(held.quantity), "units")
        yield Citable(f"average_price_{held.instrument_id}", float(held.average_price), "price")
        yield Citable(f"open_profit_{held.instrument_id}", float(held.unrealized_pnl), "money")


def _limits(case: Case) -> Iterator[Citable]:
    for limit in case.limits:
        yield Citable(limit.name, limit.allowed, limit.unit)
        if limit.used is not None:
            yield Citable(f"{limit.name}_used", limit.used, limit.unit)


def _past(case: Case) -> Iterator[Citable]:
    past = case.past_calls
    yield Citable("past_trades", float(past.n_closed), "count")
    if past.n_closed and past.mean_r is not None:
        yield Citable("past_win_rate", past.n_won / past.n_closed, "ratio")
        yield Citable("past_mean_r", past.mean_r, "R")
    for n, call in enumerate(past.newest, start=1):
        if call.r_multiple is not None:
            yield Citable(f"past_call_{n}", call.r_multiple, "R")


def _own(case: Case, proposal: TradeProposal) -> Iterator[Citable]:
    pip = _pip(case)
    yield Citable("entry", proposal.entry, "price")
    for name, price in (("stop", proposal.stop), ("target", proposal.target)):
        if price is not None:
            yield Citable(name, price, "price")
            yield Citable(f"{name}_distance", abs(price - proposal.entry), "price")
            yield Citable(f"{name}_pips", abs(price - proposal.entry) / pip, "pips")
    yield Citable("quantity", proposal.quantity, "units")
    yield Citable("lots", proposal.quantity / float(case.snapshot.instrument.lot_size), "lots")
    yield Citable("risk", proposal.risk_amount, "money")
    yield Citable("risk_pct", proposal.risk_pct, "%")
    yield Citable("notional", proposal.notional, "money")


def _lines(case: Case, proposal: TradeProposal | None, known: Sequence[Evidence]) -> Iterator[str]:
    instrument, snapshot = case.snapshot.instrument, case.snapshot
    closed = "" if case.is_blind else f" that closed {snapshot.as_of:%Y-%m-%d %H:%M} UTC"
    yield (
        f"Instrument: {as_data(instrument.instrument_id)}, {instrument.market}, decided on the "
        f"{snapshot.timeframe} bar{closed}"
    )
    if proposal is not None:
        yield from _proposal_lines(instrument, proposal)
    yield from _rows(known)
    yield from _unknown(case.report.evidence)
    yield from _score_lines(case)
    yield f"Regime: {regime_in_words(case.report)}"
    yield from _quote_lines(case)
    if case.view is not None:
        yield from _view_lines(case.view)
    if proposal is not None:
        yield from _account_lines(case)
        yield from _limit_lines(case.limits)
        yield from _past_lines(case)


def _proposal_lines(instrument: Instrument, proposal: TradeProposal) -> Iterator[str]:
    pip = float(instrument.pip_size)
    yield f"Proposal: {proposal.side} {instrument.instrument_id} at {plain(proposal.entry)}"
    for name, price in (("stop", proposal.stop), ("target", proposal.target)):
        if price is not None:
            yield f"  {name} {plain(price)}, {plain(abs(price - proposal.entry) / pip)} pips away"
    yield (
        f"  quantity {plain(proposal.quantity)}, risk {plain(proposal.risk_amount)} {proposal.currency} "
        f"({plain(proposal.risk_pct)} % of equity), notional {plain(proposal.notional)} {proposal.currency}"
    )


def _unknown(evidence: Iterable[Evidence]) -> Iterator[str]:
    missing = [
        f"{row.evidence_id} ({as_data(row.reason or 'no reason')})" for row in evidence if row.value is None
    ]
    if missing:
        yield f"Not known: {'; '.join(missing)}"


def _score_lines(case: Case) -> Iterator[str]:
    score, strength = case.report.score, case.report.strength
    yield (
        f"Technical score: buy {plain(score.buy)}, sell {plain(score.sell)}, needs {plain(score.minimum)}, "
        f"higher trend {score.higher_trend or 'none'}"
    )
    for part in score.parts:
        if part.buy or part.sell:
            yield f"  {part.name}: buy {plain(part.buy)}, sell {plain(part.sell)}"
    if strength.value is None:
        yield f"Composite strength: none, {as_data(strength.reason or 'no reason')}"
        return
    told_strength = plain(strength.value, 4)
    yield f"Composite strength: {told_strength} sigma (positive favours buying; 1 is the usual size)"
    for signal in strength.inputs:
        if signal.z is not None and signal.weight:
            yield f"  {signal.name}: {plain(signal.z, 4)} sigma, weight {plain(signal.weight, 4)}"


def _quote_lines(case: Case) -> Iterator[str]:
    if (quote := case.snapshot.quote) is not None:
        assumed = ", spread assumed" if quote.is_spread_assumed else ""
        yield f"Quote: bid {plain(quote.bid)}, ask {plain(quote.ask)}{assumed}"


def _account_lines(case: Case) -> Iterator[str]:
    marks, stats = case.state.marks, case.state.stats
    yield (
        f"Account in {marks.currency}: balance {plain(float(marks.balance))}, equity "
        f"{plain(float(marks.equity))}, peak {plain(float(marks.peak_equity))}, day opened at "
        f"{plain(float(marks.day_open_equity))}"
    )
    held = [f"{p.instrument_id} {plain(float(p.quantity))}" for p in case.state.positions]
    yield f"Positions: {', '.join(held) or 'none'}"
    won = "" if stats.win_rate is None else f", won {plain(stats.win_rate * 100, 4)} %"
    yield f"Closed trades in this market: {stats.n_closed}{won}"


def _limit_lines(limits: Sequence[Limit]) -> Iterator[str]:
    each = [
        f"{limit.name} {plain(limit.allowed, 4)}"
        + ("" if limit.used is None else f" ({plain(limit.used, 4)} used)")
        for limit in limits
    ]
    if each:
        yield f"Limits: {', '.join(each)}"


def _past_lines(case: Case) -> Iterator[str]:
    past = case.past_calls
    if past.mean_r is None:
        yield "Trades you were for: none closed yet"
    else:
        won = plain(100 * past.n_won / past.n_closed, 4)
        yield f"Trades you were for: {past.n_closed} closed, won {won} %, mean {plain(past.mean_r, 4)} R"
    if past.newest:
        yield "Your newest calls on this instrument:"
    for call in past.newest:
        when = "" if case.is_blind else f"{call.as_of:%Y-%m-%d %H:%M} "
        ended = "no closed trade" if call.r_multiple is None else f"closed at {plain(call.r_multiple, 4)} R"
        yield f"  {when}{call.side}: {call.answer}, {ended}"


def _view_lines(view: FormulaView) -> Iterator[str]:
    if view.abstained is not None:
        yield f"Formula brain: no view, {as_data(view.abstained)}"
        return
    yield f"Formula brain: {view.side or 'no side'}; for: {', '.join(view.supporting) or 'nothing'}"
    yield f"  against: {', '.join(view.opposing) or 'nothing'}; {as_data(view.reasoning)}"


def _pip(case: Case) -> float:
    return float(case.snapshot.instrument.pip_size)
