"""What trades paid beside the mid: effective spread, and its parts, realized spread and price impact.

    effective = realized + impact

A trade is compared with the mid of the newest quote of an earlier millisecond. The mid after it is that of
the quote standing once the horizon has passed; a trade younger than that is not counted. Every trade counts
the same, whatever its size, and every figure is for both sides: twice the distance from the mid.

Trades and quotes must be stamped by one clock. Where they arrive in streams of their own and are stamped at
arrival, a quote that a trade left behind can come first: then the mid "before" is the one after, the
effective spread comes out near or under zero, and signs by quotes are no better than a coin.
"""

from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Float1D, Int1D
from contracts.ticks import Quotes, Trades
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.tick_rows import (
    NOT_POSITIVE,
    lacking,
    lacking_a_mid,
    mid_of,
    newest_seconds,
    quote_before,
    standing_at,
)
from tools.tool_docs import too_few
from tools.trade_signs import all_signed, trade_signs

Count: TypeAlias = Annotated[int, Bounds(20, 100_000)]
Seconds: TypeAlias = Annotated[float, Bounds(0.1, 3600.0)]
ByQuotes: TypeAlias = Annotated[int, Bounds(0, 1)]

_STALE_S = 60
_EARLY = "under zero: quotes seem to be stamped earlier than the trades they come from"


@dataclass(frozen=True, slots=True)
class TradingCosts:
    """One entry a trade, in basis points of the mid before it."""

    effective: Float1D
    realized: Float1D
    impact: Float1D


def trading_costs(trades: Trades, quotes: Quotes, signs: Int1D, seconds: float) -> TradingCosts:
    """Effective spread of each trade, and how it divides into realized spread and impact.

    Use it for a distribution over trades; the tools give its means.

    Parameters
    ----------
    trades : Trades
        Oldest first; times and prices are read.
    quotes : Quotes
        Oldest first, the first before every trade and the newest as new as the last horizon; times, bids
        and asks are read.
    signs : array of shape (n,)
        +1 where bought, -1 where sold.
    seconds : float
        Horizon of the realized spread.

    Returns
    -------
    TradingCosts
        Three arrays of shape (n,), basis points.

    Notes
    -----
    With m the mid before the trade, M that after the horizon, s the sign: effective 2 s (p - m) / m,
    realized 2 s (p - M) / m, impact 2 s (M - m) / m, each times 1e4. Look-ahead: it reads quotes up to the
    horizon after each trade. Cost: n log m steps.

    References
    ----------
    Huang, R. D., Stoll, H. R. (1996). Dealer versus auction markets: a paired comparison of execution costs
    on NASDAQ and the NYSE. Journal of Financial Economics 41(3), 313-357.
    """
    mid = mid_of(quotes)
    before = mid[quote_before(trades.time, quotes)]
    after = mid[standing_at(trades.time + round(seconds * 1000), quotes)]
    twice = 2e4 * signs / before
    return TradingCosts(
        twice * (trades.price - before), twice * (trades.price - after), twice * (after - before)
    )


def _count(*, count: int, **_: float) -> int:
    return count


@estimate(group="microstructure", unit="bps", min_bars=_count)
def effective_spread(
    trades: Trades, quotes: Quotes, *, count: Count = 500, by_quotes: ByQuotes = 0
) -> ToolValue:
    """Effective spread: what the newest trades paid, in and out, over the mid that stood before them.

    Use it as the cost of a small market order. Under the quoted spread, trades were done inside it; over
    it, they were larger than the best size.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and aggressors are read.
    quotes : Quotes
        Oldest first; times, bids and asks are read.
    count : int
        Newest trades that are averaged, 20 to 100000.
    by_quotes : int
        0: signs are the source's aggressors. 1: signs by Lee and Ready from quotes.

    Returns
    -------
    float
        Basis points of the mid, for a buy and a sale together. One value, for the newest trade.

    Notes
    -----
    Mean of 2 s (p - m) / m as in `trading_costs`.

    NaN policy: none while a trade lacks price, sign or a quote before it, or a quote that is read lacks a
    side or crosses. A warning where such a quote is older than 60 s, and where the value is under zero.
    Smallest sample: `count` trades. Look-ahead: none. Cost: `count` log m steps.

    References
    ----------
    Huang, R. D., Stoll, H. R. (1996). Dealer versus auction markets: a paired comparison of execution costs
    on NASDAQ and the NYSE. Journal of Financial Economics 41(3), 313-357.
    """
    costs = _newest_costs(trades, quotes, count, 0.0, by_quotes)
    if isinstance(costs, ToolValue):
        return costs
    found = _mean(costs[0].effective, costs[1])
    is_early = found.value is not None and found.value < 0
    return replace(found, warnings=(*found.warnings, _EARLY)) if is_early else found


@estimate(group="microstructure", unit="bps", min_bars=_count)
def realized_spread(
    trades: Trades,
    quotes: Quotes,
    *,
    seconds: Seconds = 60.0,
    count: Count = 500,
    by_quotes: ByQuotes = 0,
) -> ToolValue:
    """Realized spread: what those who gave the liquidity kept of the spread after the price had moved.

    Use it to see whether resting orders earn: at or under 0 the takers knew more, and a limit order is
    filled when it should not be.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and aggressors are read.
    quotes : Quotes
        Oldest first; times, bids and asks are read.
    seconds : float
        Horizon after each trade, 0.1 to 3600.
    count : int
        Newest trades as old as the horizon that are averaged, 20 to 100000.
    by_quotes : int
        0: signs are the source's aggressors. 1: signs by Lee and Ready from quotes.

    Returns
    -------
    float
        Basis points of the mid before each trade, for a buy and a sale together. One value, for the newest
        moment.

    Notes
    -----
    Mean of 2 s (p - M) / m as in `trading_costs`; now is the newest trade or quote, the later of them.

    NaN policy: none while a trade lacks price, sign or a quote before it, or a quote that is read lacks a
    side or crosses. A warning where such a quote is older than 60 s. Smallest sample: `count` trades as old
    as the horizon. Look-ahead: none; younger trades are not counted. Cost: `count` log m steps.

    References
    ----------
    Huang, R. D., Stoll, H. R. (1996). Dealer versus auction markets: a paired comparison of execution costs
    on NASDAQ and the NYSE. Journal of Financial Economics 41(3), 313-357.
    """
    costs = _newest_costs(trades, quotes, count, seconds, by_quotes)
    return costs if isinstance(costs, ToolValue) else _mean(costs[0].realized, costs[1])


@estimate(group="microstructure", unit="bps", min_bars=_count)
def trade_impact(
    trades: Trades,
    quotes: Quotes,
    *,
    seconds: Seconds = 60.0,
    count: Count = 500,
    by_quotes: ByQuotes = 0,
) -> ToolValue:
    """Price impact of trades: how far the mid went with them until the horizon had passed.

    Use it to see how much trades tell: the part of the effective spread that is not the liquidity
    provider's to keep.

    Parameters
    ----------
    trades : Trades
        Oldest first; times, prices and aggressors are read.
    quotes : Quotes
        Oldest first; times, bids and asks are read.
    seconds : float
        Horizon after each trade, 0.1 to 3600.
    count : int
        Newest trades as old as the horizon that are averaged, 20 to 100000.
    by_quotes : int
        0: signs are the source's aggressors. 1: signs by Lee and Ready from quotes.

    Returns
    -------
    float
        Basis points of the mid before each trade, twice the move so that it adds up with the realized
        spread to the effective one. One value, for the newest moment.

    Notes
    -----
    Mean of 2 s (M - m) / m as in `trading_costs`; now is the newest trade or quote, the later of them.

    NaN policy: none while a trade lacks price, sign or a quote before it, or a quote that is read lacks a
    side or crosses. A warning where such a quote is older than 60 s. Smallest sample: `count` trades as old
    as the horizon. Look-ahead: none; younger trades are not counted. Cost: `count` log m steps.

    References
    ----------
    Huang, R. D., Stoll, H. R. (1996). Dealer versus auction markets: a paired comparison of execution costs
    on NASDAQ and the NYSE. Journal of Financial Economics 41(3), 313-357.
    """
    costs = _newest_costs(trades, quotes, count, seconds, by_quotes)
    return costs if isinstance(costs, ToolValue) else _mean(costs[0].impact, costs[1])


def _two(**_: float) -> int:
    return 2


@estimate(group="microstructure", unit="bps", min_bars=_two)
def quoted_spread(quotes: Quotes, *, seconds: Seconds = 60.0) -> ToolValue:
    """Quoted spread: the distance of bid and ask, averaged over the time that each of them stood.

    Use it as what it costs to go in and out at once, and beside its value of another hour to see a market
    that thins out.

    Parameters
    ----------
    quotes : Quotes
        Oldest first; times, bids and asks are read.
    seconds : float
        Time up to the newest quote, 0.1 to 3600.

    Returns
    -------
    float
        Basis points of the mid. One value, for the newest quote.

    Notes
    -----
    Mean of 1e4 (ask - bid) / mid, each quote weighed by how long it stood; the newest one has not stood yet
    and says only when the window ends.

    NaN policy: none while one of these quotes lacks a side or crosses. Smallest sample: quotes over
    `seconds`. Look-ahead: none. Cost: one step a quote.

    References
    ----------
    McInish, T. H., Wood, R. A. (1992). An analysis of intraday patterns in bid/ask spreads for NYSE stocks.
    Journal of Finance 47(2), 753-764: spreads weighed by time.
    """
    newest = newest_seconds(quotes, seconds)
    if isinstance(newest, str):
        return ToolValue(None, len(quotes), newest)
    mid = mid_of(newest)
    reason = lacking_a_mid(newest) or (None if (mid > 0).all() else NOT_POSITIVE)
    if reason:
        return ToolValue(None, len(newest), reason)
    begins = int(newest.time[-1]) - round(seconds * 1000)
    stood = np.diff(np.maximum(newest.time, begins))
    spread = 1e4 * (newest.ask - newest.bid) / mid
    return ToolValue(float(np.average(spread[:-1], weights=stood)), len(newest))


def _newest_costs(
    trades: Trades, quotes: Quotes, count: int, seconds: float, by_quotes: int
) -> tuple[TradingCosts, tuple[str, ...]] | ToolValue:
    """Costs of the newest trades whose horizon has passed, with warnings; or why there are none."""
    if not len(quotes):
        return ToolValue(None, len(trades), too_few(1, "quotes", 0))
    now = max(int(trades.time[-1]), int(quotes.time[-1]))
    old = trades.known_by(now - round(seconds * 1000))
    if len(old) < count:
        few = f"needs {count} trades at least {seconds:g} s old, has {len(old)}"
        return ToolValue(None, len(trades), few)
    newest = old[len(old) - count :]
    reason = _lacking_quotes(newest, quotes, seconds) or lacking(newest, "price")
    if reason:
        return ToolValue(None, count, reason)
    if by_quotes:
        signs = all_signed(trade_signs(old, quotes)[len(old) - count :], "a change of price before it")
    else:
        signs = all_signed(newest.aggressor)
    if isinstance(signs, str):
        return ToolValue(None, count, signs)
    age = int((newest.time - quotes.time[quote_before(newest.time, quotes)]).max()) / 1000
    warnings = (f"a quote before a trade is {age:g} s old",) if age > _STALE_S else ()
    return trading_costs(newest, quotes, signs, seconds), warnings


def _lacking_quotes(trades: Trades, quotes: Quotes, seconds: float) -> str | None:
    before = quote_before(trades.time, quotes)
    n_missing = int(np.count_nonzero(before < 0))
    if n_missing:
        return f"needs a quote before every trade, missing on {n_missing} of {len(trades)}"
    after = standing_at(trades.time + round(seconds * 1000), quotes)
    place = np.unique(np.concatenate((before, after)))
    bid, ask = quotes.bid[place], quotes.ask[place]
    read = Quotes(quotes.time[place], bid, ask, quotes.bid_size[place], quotes.ask_size[place])
    reason = lacking_a_mid(read)
    return reason or (None if (mid_of(read) > 0).all() else NOT_POSITIVE)


def _mean(costs: Float1D, warnings: tuple[str, ...]) -> ToolValue:
    return ToolValue(float(costs.mean()), len(costs), None, warnings)
