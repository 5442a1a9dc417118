"""The checks of the risk guard: each measures one limit and says the quantity it lets through.

A `Finding` holds the `RiskCheck` for the record and the largest quantity allowed: infinite where the
limit does not speak about size, 0 where it refuses. A check that cannot be computed refuses.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import inf
from typing import Literal

from contracts.market import Instrument, Quote
from contracts.records import DeskState, MarketSnapshot, Portfolio, Reason, RiskCheck, TradeProposal
from tools.exposure import account_rate, closable_quantity, entry_exposures, gross_notional
from tools.limits import RiskLimits
from tools.quantity import quantity_within, risk_per_unit, whole_steps

Effect = Literal["passes", "shrinks", "refuses"]
Share = Literal["% of equity", "x equity"]

_MAX_RATE_AGE = timedelta(days=5)  # Longer than forex ever closes.


@dataclass(frozen=True)
class GuardCase:
    """What the checks read, with the prices and rates they share."""

    state: DeskState
    snapshot: MarketSnapshot
    proposal: TradeProposal
    portfolio: Portfolio
    limits: RiskLimits
    requested: float

    @property
    def instrument(self) -> Instrument:
        return self.snapshot.instrument

    @property
    def equity(self) -> float:
        return float(self.portfolio.marks.equity)

    @property
    def entry(self) -> float | None:
        quote = self.portfolio.quote
        return quote.taking(self.proposal.side) if quote is not None else None

    @cached_property
    def rate(self) -> float | None:
        """Account money for one unit of the quote currency."""
        return account_rate(self.instrument, self.portfolio)

    @property
    def unit_risk(self) -> float | None:
        stop = self.proposal.stop
        if self.entry is None or stop is None or self.rate is None:
            return None
        return risk_per_unit(self.entry, stop, self.instrument, self.rate)

    @property
    def unit_notional(self) -> float | None:
        if self.entry is None or self.rate is None:
            return None
        return self.entry * float(self.instrument.multiplier) * self.rate


@dataclass(frozen=True, slots=True)
class Finding:
    """A check and the largest quantity it lets through; `code` names what a breach is called."""

    check: RiskCheck
    allowed: float
    code: str

    @property
    def reason(self) -> Reason | None:
        """Why this check stopped or shrank the trade; None where it passed."""
        if self.check.effect == "passes":
            return None
        found = "nothing" if self.check.value is None else f"{self.check.value:g}"
        check, left = self.check, f", {self.allowed:g} left" if self.allowed > 0 else ""
        text = f"{check.name} {check.effect}: {found} {check.unit}, limit {check.limit:g}{left}; {check.note}"
        return Reason(code=self.code, text=text)


def entry_findings(case: GuardCase) -> tuple[Finding, ...]:
    """Every limit an entry must pass, in the order it is shown.

    Use it from the risk guard; a caller takes the smallest `allowed`.

    Parameters
    ----------
    case : GuardCase
        Records of the cycle, a fresh portfolio, the limits and the quantity asked for.

    Returns
    -------
    tuple of Finding
        Always the same twelve checks, passed or not.

    Notes
    -----
    Loss limits refuse at the limit itself, exposure limits pass at it. No check reads another, so
    tightening one can never widen what the others allow. No look-ahead: a quote from the future
    refuses.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems.
    """
    return (
        _kill_switch(case),
        _account(case),
        _quote_age(case),
        _conversion(case),
        _stop_distance(case),
        _one_net_position(case),
        _daily_loss(case),
        _drawdown(case),
        _risk_per_trade(case),
        *_notional_limits(case),
    )


def exit_findings(case: GuardCase) -> tuple[Finding, ...]:
    """What an exit needs: the right account and something left to close; the kill switch is shown.

    Use it from the risk guard; no loss, exposure or quote limit is among them.

    Parameters
    ----------
    case : GuardCase
        Records of the cycle, a fresh portfolio and the quantity asked for.

    Returns
    -------
    tuple of Finding
        Three checks.

    Notes
    -----
    See `tools.exposure.closable_quantity` for what is left to close. No look-ahead: one moment.

    References
    ----------
    .. [1] FIA (2015). Guide to the Development and Operation of Automated Trading Systems.
    """
    return (_kill_switch(case), _account(case), _something_to_close(case))


def _kill_switch(case: GuardCase) -> Finding:
    is_halted, is_exit = case.state.halted_by is not None, case.proposal.purpose == "exit"
    note = "a halted desk opens nothing; an exit is computed here, and the session sends nothing while halted"
    return _hard(
        "kill_switch",
        "whether the desk is halted",
        "the cycle's start",
        f"{note}; halted by {case.state.halted_by}" if is_halted else note,
        value=float(is_halted),
        unit="halts",
        code="kill_switch" if is_halted and not is_exit else None,
    )


def _account(case: GuardCase) -> Finding:
    state, portfolio = case.state, case.portfolio
    asked = (state.account_id, state.is_paper, case.proposal.currency)
    found = (portfolio.account_id, portfolio.is_paper, portfolio.marks.currency)
    return _hard(
        "account",
        "account, paper flag and currency",
        "the broker's answer",
        f"expected {_named(asked)}, found {_named(found)}; any difference refuses",
        value=float(sum(a != f for a, f in zip(asked, found, strict=True))),
        unit="differences",
        code="wrong_account" if asked != found else None,
    )


def _named(account: tuple[str, bool, str]) -> str:
    name, is_paper, currency = account
    return f"{name} ({'PAPER' if is_paper else 'LIVE'}, {currency})"


def _quote_age(case: GuardCase) -> Finding:
    quote = case.portfolio.quote
    limit = case.limits.max_quote_age_bars * case.snapshot.timeframe.seconds
    age = None if quote is None else (case.portfolio.at - quote.at).total_seconds()
    return _hard(
        "quote_age",
        "age of the quote an entry is judged at",
        "the portfolio's time",
        "a quote that is missing, crossed, not above 0, older than this or from the future refuses",
        value=age,
        limit=limit,
        unit="s",
        code="no_quote" if quote is None or age is None else _quote_fault(quote, age, limit),
    )


def _quote_fault(quote: Quote, age: float, limit: float) -> str | None:
    if quote.ask < quote.bid or quote.bid <= 0:
        return "crossed_quote"
    return None if 0 <= age <= limit else "stale_quote"


def _conversion(case: GuardCase) -> Finding:
    is_fresh = account_rate(case.instrument, case.portfolio, max_age=_MAX_RATE_AGE) is not None
    fault = "no_conversion" if case.rate is None else "stale_conversion"
    return _hard(
        "conversion",
        f"rate from {case.instrument.quote_currency} to {case.portfolio.marks.currency}",
        "the portfolio's mid rates",
        f"no path of rates above 0, at most {_MAX_RATE_AGE.days} days old, refuses",
        value=case.rate,
        unit="rate",
        code=None if is_fresh else fault,
    )


def _stop_distance(case: GuardCase) -> Finding:
    room = _room_to_stop(case)
    return _hard(
        "stop_distance",
        "distance from the price that would close the trade to its stop",
        "the fresh quote",
        "no stop, a stop already reached or a target already reached refuses",
        value=room,
        unit="price",
        code="no_stop" if room is None else _fault_of_bracket(case, room),
    )


def _room_to_stop(case: GuardCase) -> float | None:
    quote, stop, side = case.portfolio.quote, case.proposal.stop, case.proposal.side
    if quote is None or stop is None or stop <= 0:
        return None
    return (quote.taking(side.opposite) - stop) * side.sign


def _fault_of_bracket(case: GuardCase, room: float) -> str | None:
    entry, target, side = case.entry, case.proposal.target, case.proposal.side
    if room <= 0:
        return "stop_crossed"
    if entry is not None and target is not None and (target - entry) * side.sign <= 0:
        return "target_passed"
    return None


def _one_net_position(case: GuardCase) -> Finding:
    mine = [e for e in entry_exposures(case.portfolio) if e.instrument_id == case.proposal.instrument_id]
    code = "already_working" if mine else None
    if any(e.kind == "position" for e in mine):
        code = "already_positioned"
    return _hard(
        "one_net_position",
        f"positions, entry orders and intents in {case.proposal.instrument_id}",
        "the broker's answer and the journal",
        "one net position an instrument: anything open or on its way refuses another entry",
        value=float(len(mine)),
        unit="found",
        code=code,
    )


def _daily_loss(case: GuardCase) -> Finding:
    marks, limit = case.portfolio.marks, case.limits.max_daily_loss_pct
    since = f"equity when the trading day opened, {marks.day_opened_at.isoformat()}"
    return _loss(case, "daily_loss", since, float(marks.day_open_equity), limit)


def _drawdown(case: GuardCase) -> Finding:
    peak, limit = float(case.portfolio.marks.peak_equity), case.limits.max_drawdown_pct
    return _loss(case, "drawdown", "the highest equity so far", peak, limit)


def _loss(case: GuardCase, name: str, measured_from: str, start: float, limit: float) -> Finding:
    lost = 100 * (start - case.equity) / start if start > 0 else None
    return _hard(
        name,
        "fall of equity, open profit and loss included",
        measured_from,
        "at the limit no entry is opened; protection and exits stay",
        value=lost,
        limit=limit,
        unit="%",
        code=name if lost is None or lost >= limit else None,
    )


def _risk_per_trade(case: GuardCase) -> Finding:
    limit, kelly = case.limits.risk_pct(case.instrument.market), case.proposal.kelly.fraction
    if kelly is not None:
        limit = min(limit, 100 * kelly)
    return _cap(
        case,
        "risk_per_trade",
        of_what="money lost if the stop fills at its price",
        unit_cost=case.unit_risk,
        used=0.0,
        share=limit / 100,
        unit="% of equity",
    )


def _notional_limits(case: GuardCase) -> tuple[Finding, Finding, Finding]:
    instrument, book, limits = case.instrument, case.portfolio, case.limits
    name, market = instrument.instrument_id, instrument.market
    of_instrument = gross_notional(book, instrument_id=name)
    of_market, of_all = gross_notional(book, market=market), gross_notional(book)
    position_share = limits.max_position_notional_pct / 100
    return (
        _notional(case, "position_notional", name, of_instrument, position_share, "% of equity"),
        _notional(case, "market_leverage", market, of_market, limits.max_leverage(market), "x equity"),
        _notional(case, "gross_leverage", "the account", of_all, limits.max_gross_leverage, "x equity"),
    )


def _notional(
    case: GuardCase, name: str, of_whom: str, used: float | None, share: float, unit: Share
) -> Finding:
    of_what = f"gross notional of {of_whom}, this entry included"
    return _cap(case, name, of_what=of_what, unit_cost=case.unit_notional, used=used, share=share, unit=unit)


def _cap(
    case: GuardCase,
    name: str,
    *,
    of_what: str,
    unit_cost: float | None,
    used: float | None,
    share: float,
    unit: Share,
) -> Finding:
    scale = 100 if unit == "% of equity" else 1
    value, allowed = None, 0.0
    if unit_cost is not None and used is not None and case.equity > 0:
        value = scale * (used + case.requested * unit_cost) / case.equity
        allowed = quantity_within(case.equity * share - used, unit_cost, case.instrument)
    check = RiskCheck(
        name=name,
        of_what=of_what,
        measured_from="equity now",
        value=value,
        limit=scale * share,
        unit=unit,
        effect=_effect(case, allowed),
        note="shrinks the quantity to fit, refuses where under the minimum is left or it cannot be computed",
    )
    return Finding(check, allowed, name)


def _effect(case: GuardCase, allowed: float) -> Effect:
    if allowed >= case.requested and allowed > 0:
        return "passes"
    return "shrinks" if allowed >= float(case.instrument.min_quantity) and allowed > 0 else "refuses"


def _something_to_close(case: GuardCase) -> Finding:
    proposal = case.proposal
    closable = closable_quantity(case.portfolio, proposal.instrument_id, proposal.side)
    allowed = whole_steps(closable, case.instrument)
    effect: Effect = "passes" if allowed >= case.requested else "shrinks"
    check = RiskCheck(
        name="something_to_close",
        of_what=f"{proposal.side} quantity that only reduces {proposal.instrument_id}",
        measured_from="the broker's position less exits on their way",
        value=case.requested,
        limit=allowed,
        unit="quantity",
        effect=effect if allowed > 0 else "refuses",
        note="an exit never closes more than is open; with nothing left it refuses",
    )
    return Finding(check, allowed, "nothing_to_close" if allowed <= 0 else "only_part_is_open")


def _hard(
    name: str,
    of_what: str,
    measured_from: str,
    note: str,
    *,
    value: float | None,
    unit: str,
    code: str | None,
    limit: float = 0.0,
) -> Finding:
    check = RiskCheck(
        name=name,
        of_what=of_what,
        measured_from=measured_from,
        value=value,
        limit=limit,
        unit=unit,
        effect="refuses" if code else "passes",
        note=note,
    )
    return Finding(check, 0.0 if code else inf, code or name)
