"""Spreads without quotes: Roll's from the bounce of prices, Corwin and Schultz' from highs and lows."""

import math
from typing import Annotated

import numpy as np

from contracts.market import Bars, Float1D
from contracts.ticks import Trades
from tools.log_prices import NOT_POSITIVE, log_price
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate, tool
from tools.talib_guard import Period, window
from tools.tick_rows import lacking
from tools.windows import rolling_mean

_NO_BOUNCE = (
    "undefined: changes of price do not go against the ones before them, their autocovariance is {:.3g}"
)
_DIVISOR = 3 - 2 * math.sqrt(2)
_ROUNDING = 1e-12
"""Of the mean squared change: an autocovariance under it comes from last digits."""


def roll(price: Float1D) -> float:
    """Roll's autocovariance of the changes of price; under 0 it is -(spread / 2)^2.

    Use it through `roll_spread` and `roll_spread_bars`.

    Parameters
    ----------
    price : array of shape (n,)
        Prices, oldest first, all finite; 4 or more.

    Returns
    -------
    float
        Price squared.

    Notes
    -----
    Sample covariance (divisor one under their number) of the n - 2 pairs of neighbouring changes.
    Look-ahead: none. Cost: n steps.

    References
    ----------
    Roll, R. (1984). A simple implicit measure of the effective bid-ask spread in an efficient market.
    Journal of Finance 39(4), 1127-1139.
    """
    change = np.diff(price)
    before, after = change[:-1] - change[:-1].mean(), change[1:] - change[1:].mean()
    return float(before @ after) / (len(before) - 1)


def _count(*, count: int) -> int:
    return count


@estimate(group="microstructure", unit="price", min_bars=_count)
def roll_spread(trades: Trades, *, count: Annotated[int, Bounds(20, 100_000)] = 500) -> ToolValue:
    """Roll's spread from trades: what their bounce between bid and ask says of its width.

    Use it where there are trades and no quotes. Where there are quotes, `effective_spread` is far better.

    Parameters
    ----------
    trades : Trades
        Oldest first; prices are read.
    count : int
        Newest trades that are read, 20 to 100000.

    Returns
    -------
    float
        Whole spread in price units. One value, for the newest trade.

    Notes
    -----
    2 sqrt(-c), c the autocovariance of `roll`. It holds where sides alternate by chance; in a real market
    buys follow buys, which makes it too small, and often c is not under zero: no value then, with c in the
    reason.

    NaN policy: none while one of the trades has no price. Smallest sample: `count` trades; on a few hundred
    the error is large. Look-ahead: none. Cost: `count` steps.

    References
    ----------
    Roll, R. (1984). A simple implicit measure of the effective bid-ask spread in an efficient market.
    Journal of Finance 39(4), 1127-1139.
    """
    newest = trades[len(trades) - count :]
    reason = lacking(newest, "price")
    return ToolValue(None, count, reason) if reason else _spread_of(newest.price)


@estimate(group="microstructure", unit="price", reads=("close",), min_bars=_count)
def roll_spread_bars(bars: Bars, *, count: Annotated[int, Bounds(20, 5000)] = 100) -> ToolValue:
    """Roll's spread from closes: what their bounce between bid and ask says of its width.

    Use it on bars of traded prices where there is nothing better. Bars of mids do not bounce, and on bars
    of an hour or more a spread of a few basis points drowns in the moves.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    count : int
        Newest bars that are read, 20 to 5000.

    Returns
    -------
    float
        Whole spread in price units. One value, for the newest bar.

    Notes
    -----
    2 sqrt(-c), c the autocovariance of `roll`; no value where c is not under zero, as on about half of all
    samples whose spread is small beside their moves.

    NaN policy: none while one of the closes is missing. Smallest sample: `count` bars. Look-ahead: none.
    Cost: `count` steps.

    References
    ----------
    Roll, R. (1984). A simple implicit measure of the effective bid-ask spread in an efficient market.
    Journal of Finance 39(4), 1127-1139.
    """
    close = bars.close[len(bars) - count :]
    return _spread_of(close) if np.isfinite(close).all() else ToolValue(None, count)


@tool(
    group="microstructure",
    unit="fraction of price",
    reads=("high", "low", "close"),
    min_bars=window,
    undefined=NOT_POSITIVE,
)
def corwin_schultz_spread(bars: Bars, *, period: Period = 20) -> Float1D:
    """Corwin and Schultz' spread: its width from highs and lows, since highs are bought and lows sold.

    Use it on bars of traded prices, daily ones at best, where there are no quotes. Bars of mids have no
    spread in their highs and lows: what it says there is chance.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low and close are read.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Whole spread as a fraction of price, 0 or more: 0.0001 is one basis point.

    Notes
    -----
    For each pair of neighbouring bars, ranges in logarithms: beta = range_1^2 + range_2^2, gamma = (range of
    both)^2, alpha = (sqrt(2 beta) - sqrt(beta)) / (3 - 2 sqrt 2) - sqrt(gamma / (3 - 2 sqrt 2)), spread =
    2 (e^alpha - 1) / (e^alpha + 1). Where the second bar lies over or under the first one's close, it is
    moved by that gap for the pair, as the paper does with nights. A pair whose spread is negative counts as
    0, as in the paper, which makes small spreads too large. The value is the mean over the pairs.

    NaN policy: unknown before bar `period` and while the window holds a price that is missing or not over
    zero. Smallest sample: `period` bars; single pairs are very noisy. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Corwin, S. A., Schultz, P. (2012). A simple way to estimate bid-ask spreads from daily high and low
    prices. Journal of Finance 67(2), 719-760, equations 14 and 18 and section II.
    """
    pairs = np.full(len(bars), np.nan)
    pairs[1:] = _pair_spreads(bars)
    return rolling_mean(np.maximum(pairs, 0), period - 1)


def _pair_spreads(bars: Bars) -> Float1D:
    columns = (bars.high, bars.low, bars.close)
    high, low, close = (np.where(np.isfinite(column), column, np.nan) for column in columns)
    up, down = np.maximum(low[1:] - close[:-1], 0), np.maximum(close[:-1] - high[1:], 0)
    high_2, low_2 = log_price(high[1:] + down - up), log_price(low[1:] + down - up)
    high, low = log_price(high), log_price(low)
    # The newest close is not read by any pair yet; a bar that lacks it is not whole all the same.
    is_whole = close[1:] > 0
    beta = np.square(high[:-1] - low[:-1]) + np.square(high_2 - low_2)
    both = np.maximum(high[:-1], high_2) - np.minimum(low[:-1], low_2)
    alpha = (math.sqrt(2) - 1) * np.sqrt(beta) / _DIVISOR - both / math.sqrt(_DIVISOR)
    return np.where(is_whole, 2 * np.tanh(alpha / 2), np.nan)


def _spread_of(price: Float1D) -> ToolValue:
    covariance = roll(price)
    if covariance >= -_ROUNDING * float(np.square(np.diff(price)).mean()):
        return ToolValue(None, len(price), _NO_BOUNCE.format(covariance))
    return ToolValue(2 * math.sqrt(-covariance), len(price))
