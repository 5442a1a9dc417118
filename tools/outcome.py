"""What a closed trade came to: money, multiples of risk, and how far it went either way."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import isfinite

from contracts.errors import InvariantBroken
from contracts.market import Bars, Side, to_ms
from contracts.records import Fill, OrderIntent, Outcome
from markets.instruments import INSTRUMENTS


def settle_outcome(
    intent: OrderIntent,
    market: str,
    entry_fills: Sequence[Fill],
    exit_fills: Sequence[Fill],
    path: Bars,
    price_path: str,
    *,
    conversion: Decimal | float,
    bars_held: int,
) -> Outcome:
    """Settle a trade whose position is flat again.

    Use it once, when the last fill brought the position back to zero.

    Parameters
    ----------
    intent : OrderIntent
        The entry's intent; its stop is where the money at risk is measured from.
    market : str
        Market of the instrument.
    entry_fills, exit_fills : sequence of Fill
        Every execution that opened and closed the position, at least one each, any order.
    path : Bars
        Bars that cover the trade, of the side that closes it: bid for a long, ask for a short. Bars
        before entry or after exit are left out here.
    price_path : str
        Content hash under which `path` is stored.
    conversion : Decimal or float
        Account money for one unit of the quote currency when the trade was opened, above 0.
    bars_held : int
        Decision bars between entry and exit.

    Returns
    -------
    Outcome
        Prices are quantity-weighted; money is in the account's currency; `entry_slippage` and
        `exit_slippage` are price distances per unit, positive is worse than the reference price.

    Raises
    ------
    InvariantBroken
        No entry or no exit fill, a fill of another instrument, currency or side, quantities that do
        not close the position, or a conversion that is not above 0.

    Notes
    -----
    gross = sum of the fills' realized_pnl; costs = sum of commission and swap; net = gross - costs,
    which is exactly what the trade added to the balance. Spread and slippage are inside the fill
    prices, so inside gross already; taking their named costs off again would count them twice.

        R = net / (|mean entry - stop| * quantity * multiplier * conversion)

    None without a stop or where entry and stop coincide. Maximum favourable and adverse excursion
    are measured from the mean entry, at least 0, over the highs and lows of every bar that overlaps
    (opened_at, closed_at) and over the exit prices. A bar does not say what came first, so the exit
    bar counts whole, with one certainty used: before a stop filled nothing was worse than the exits,
    before a target filled nothing was better. None where no bar overlaps or a price is not finite.
    Smallest sample: one fill each. Look-ahead: nothing after closed_at is read.

    References
    ----------
    .. [1] Tharp, V. (1998). Trade Your Way to Financial Freedom. Chapter 6 (R multiples).
    .. [2] Sweeney, J. (1996). Maximum Adverse Excursion. Chapter 2.
    """
    rate = Decimal(str(conversion))
    _check_closed(intent, entry_fills, exit_fills, rate)
    fills, last = (*entry_fills, *exit_fills), max(exit_fills, key=lambda fill: fill.at)
    quantity, entry_price = _quantity(entry_fills), _mean_price(entry_fills)
    distance = None if intent.stop_price is None else abs(entry_price - intent.stop_price)
    gross = sum((fill.realized_pnl for fill in fills), Decimal(0))
    costs = sum((fill.commission + fill.swap for fill in fills), Decimal(0))
    at_risk = (distance or Decimal(0)) * quantity * INSTRUMENTS[intent.instrument_id].multiplier * rate
    favourable, adverse = _excursions(intent.side, entry_price, entry_fills, exit_fills, path, distance)
    return Outcome(
        cycle_id=intent.cycle_id,
        as_of=last.at,
        parents=(intent.record_id, *(fill.record_id for fill in fills)),
        client_order_id=intent.client_order_id,
        instrument_id=intent.instrument_id,
        market=market,
        side=intent.side,
        quantity=quantity,
        entry_price=entry_price,
        exit_price=_mean_price(exit_fills),
        exit_leg=last.leg,
        opened_at=min(fill.at for fill in entry_fills),
        closed_at=last.at,
        bars_held=bars_held,
        gross_pnl=gross,
        costs=costs,
        net_pnl=gross - costs,
        currency=last.currency,
        r_multiple=float((gross - costs) / at_risk) if at_risk else None,
        max_favourable_r=favourable,
        max_adverse_r=adverse,
        entry_slippage=_slippage(entry_fills),
        exit_slippage=_slippage(exit_fills),
        price_path=price_path,
    )


def _check_closed(
    intent: OrderIntent, entry_fills: Sequence[Fill], exit_fills: Sequence[Fill], rate: Decimal
) -> None:
    expected = {(intent.instrument_id, intent.side)}, {(intent.instrument_id, intent.side.opposite)}
    found = _kinds(entry_fills), _kinds(exit_fills)
    opened, closed = _quantity(entry_fills), _quantity(exit_fills)
    if intent.instrument_id not in INSTRUMENTS:
        problem = f"a listed instrument, found {intent.instrument_id}"
    elif found != expected:
        problem = f"entry and exit fills of the two sides of {intent.instrument_id}, found {found}"
    elif len({fill.currency for fill in (*entry_fills, *exit_fills)}) != 1:
        problem = "fills in one currency, found several"
    elif opened != closed or opened <= 0:
        problem = f"exits of {opened}, above 0, to close the position, found {closed}"
    elif not (rate.is_finite() and rate > 0):
        problem = f"a conversion above 0, found {rate}"
    else:
        return
    raise InvariantBroken(f"expected {problem}; verify the journal", client_order_id=intent.client_order_id)


def _kinds(fills: Iterable[Fill]) -> set[tuple[str, Side]]:
    return {(fill.instrument_id, fill.side) for fill in fills}


def _quantity(fills: Iterable[Fill]) -> Decimal:
    return sum((fill.quantity for fill in fills), Decimal(0))


def _mean_price(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity * fill.price for fill in fills), Decimal(0)) / _quantity(fills)


def _slippage(fills: Sequence[Fill]) -> Decimal:
    worse = (fill.quantity * fill.side.sign * (fill.price - fill.reference_price) for fill in fills)
    return sum(worse, Decimal(0)) / _quantity(fills)


def _excursions(
    side: Side,
    entry_price: Decimal,
    entry_fills: Sequence[Fill],
    exit_fills: Sequence[Fill],
    path: Bars,
    distance: Decimal | None,
) -> tuple[float | None, float | None]:
    opened, last = min(fill.at for fill in entry_fills), max(exit_fills, key=lambda fill: fill.at)
    is_inside = (path.close_time > to_ms(opened)) & (path.open_time < to_ms(last.at))
    if not distance or not is_inside.any():
        return None, None
    high, low, entry = float(path.high[is_inside].max()), float(path.low[is_inside].min()), float(entry_price)
    if not (isfinite(high) and isfinite(low)):
        return None, None
    exits = [side.sign * (float(fill.price) - entry) for fill in exit_fills]
    seen = [side.sign * (high - entry), side.sign * (low - entry)]
    best = max(exits if last.leg == "target" else exits + seen)
    worst = min(exits if last.leg == "stop" else exits + seen)
    return max(0.0, best) / float(distance), max(0.0, -worst) / float(distance)
