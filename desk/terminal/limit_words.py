"""Limits and budgets with what is used of them."""

from collections.abc import Sequence
from datetime import date

from agents.desk_results import AccountSeen
from contracts.market import Market
from contracts.ports import Limit
from contracts.records import Budget, DeskState, Portfolio, Rate
from desk.present import number, percent, quantity
from markets.instruments import resolve
from tools.exposure import gross_notional
from tools.limits import RiskLimits, limits_in_force
from tui.door import Meter

_SINCE = {"daily_loss_limit_pct": "daily loss", "drawdown_limit_pct": "drawdown"}


def limit_meters(
    state: DeskState, account: AccountSeen, rates: Sequence[Rate], limits: RiskLimits
) -> tuple[Meter, ...]:
    """The limits a trade in the market of `state` meets, and what open positions and losses use of them.

    Positions count as the risk guard counts them, at their average price; orders on their way are not in it.
    """
    market = resolve(state.instrument_id).market
    book = _open_positions(state, account, rates)
    return tuple(
        _meter(limit, market, book, limits) for limit in limits_in_force(limits, market, account.marks)
    )


def budget_meters(budgets: Sequence[Budget], of_day: date, today: date) -> tuple[Meter, ...]:
    """What models may cost a day; what was spent on another day than `today` uses nothing of it."""
    return tuple(_budget(each, None if of_day == today else of_day) for each in budgets)


def _meter(limit: Limit, market: Market, book: Portfolio, limits: RiskLimits) -> Meter:
    if limit.name == "risk_limit_pct":
        words = f"{percent(limit.allowed)} of equity, {market}"
        return Meter(name="risk of a trade", words=words, used=None)
    if limit.name == "position_limit_pct":
        return _position(limit, book)
    if limit.name == "leverage_limit":
        return _leverage(limit, market, book, limits)
    name = _SINCE.get(limit.name, limit.name.replace("_", " "))
    if limit.used is None:
        return Meter(name=name, words=f"{number(limit.allowed)} {limit.unit}", used=None)
    words = f"{percent(limit.used)} of {percent(limit.allowed)}"
    return Meter(name=name, words=words, used=_share(limit.used, limit.allowed))


def _position(limit: Limit, book: Portfolio) -> Meter:
    """The instrument with the largest notional is nearest to its limit."""
    held = {p.instrument_id: gross_notional(book, instrument_id=p.instrument_id) for p in book.positions}
    known = {name: value for name, value in held.items() if value is not None}
    equity = float(book.marks.equity)
    if len(known) < len(held) or equity <= 0:
        return Meter(name="position", words=_not_known(f"{percent(limit.allowed)} of equity"), used=None)
    largest = max(known, key=lambda name: known[name], default="")
    used = 100 * known.get(largest, 0.0) / equity
    words = f"{percent(used)} of {percent(limit.allowed)} of equity, {largest or 'nothing open'}"
    return Meter(name="position", words=words, used=_share(used, limit.allowed))


def _leverage(limit: Limit, market: Market, book: Portfolio, limits: RiskLimits) -> Meter:
    """Of the market where its limit is the tighter one, else of the whole account."""
    is_of_market = limits.max_leverage(market) <= limits.max_gross_leverage
    notional = gross_notional(book, market=market if is_of_market else None)
    equity, whole = float(book.marks.equity), f"{number(limit.allowed)} x equity"
    of_what = market if is_of_market else "all markets"
    if notional is None or equity <= 0:
        return Meter(name="leverage", words=_not_known(whole), used=None)
    used = notional / equity
    words = f"{used:,.2f} of {whole}, {of_what}"
    return Meter(name="leverage", words=words, used=_share(used, limit.allowed))


def _not_known(limit: str) -> str:
    return f"{limit}; what is used is not known: a position cannot be valued"


def _share(used: float, allowed: float) -> float:
    """A limit of nothing is used up by anything, and even by nothing: no trade passes it."""
    return used / allowed if allowed > 0 else 1.0


def _open_positions(state: DeskState, account: AccountSeen, rates: Sequence[Rate]) -> Portfolio:
    """Open positions alone, in the record that exposures are added up from."""
    return Portfolio(
        cycle_id=state.cycle_id,
        as_of=state.as_of,
        parents=(),
        round=0,
        account_id=account.account_id,
        is_paper=account.is_paper,
        marks=account.marks,
        positions=account.positions,
        exposures=(),
        quote=None,
        rates=tuple(rates),
        at=account.at,
    )


def _budget(budget: Budget, of_day: date | None) -> Meter:
    name, unit = budget.name.replace("_", " "), "tokens" if budget.name.startswith("tokens") else "USD"
    if of_day is not None:
        words = f"{quantity(budget.cap)} {unit}; last told on {of_day}: {quantity(budget.spent)} used"
        return Meter(name=name, words=words, used=None)
    words = f"{quantity(budget.spent)} of {quantity(budget.cap)} {unit}"
    return Meter(name=name, words=words, used=_share(float(budget.spent), float(budget.cap)))
