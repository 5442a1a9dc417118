"""Volatility of log returns, per bar: from closes, and from all four prices.

Both say how large a usual move of one bar is, as a standard deviation of log returns, and are not
annualised: a year's number of bars differs by market, hours and timeframe, and a wrong one would be
hidden in the figure. Where a yearly figure is wanted, multiply by the square root of the bars in a
year (24-hour forex has about 6,200 hourly bars) where that number is known.

A window forgets: a bar with a missing or non-positive price makes the windows that hold it unknown, and
no others.
"""

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import log_price, root
from tools.registry import tool
from tools.talib_guard import Period, changes
from tools.windows import rolling_mean, rolling_variance

_NOT_POSITIVE = "undefined: a price at or under zero, or one outside its bar's range"


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=changes,
    undefined=_NOT_POSITIVE,
)
def realized_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Realized volatility of closes: the usual size of one bar's move, as a fraction of price.

    Use it to compare how much instruments move, or one instrument now and before. It counts a steady
    drift as movement and sees nothing between closes; `yang_zhang_volatility` does neither.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(RV / period), RV = sum of the newest `period` squared log returns r_i = ln(close_i / close_{i-1}).
    RV is the realized variance of the window; divided by its length, windows of any length compare. The
    mean is taken as zero: over short windows its estimate is mostly noise.

    NaN policy: unknown before bar `period` + 1 and while the window holds a close that is missing or not
    over zero. Smallest sample: `period` + 1 bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Andersen, T. G., Bollerslev, T., Diebold, F. X., Labys, P. (2003). Modeling and forecasting realized
    volatility. Econometrica 71(2).
    """
    close = log_price(bars.close)
    return root(rolling_mean(np.square(close - _previous(close)), period))


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("open", "high", "low", "close"),
    min_bars=changes,
    undefined=_NOT_POSITIVE,
)
def yang_zhang_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Yang and Zhang's volatility: the usual size of one bar's move from all four prices, gaps included.

    Use it where a steadier figure than that of closes is wanted: it needs several times fewer bars for
    the same precision, and neither a drift nor a gap between bars misleads it.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; open, high, low and close are read, and one close before the window.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar: 0.001 is a tenth of a percent.

    Notes
    -----
    With o = ln(open / previous close), c = ln(close / open), u = ln(high / open), d = ln(low / open) and
    n = `period`: V = V_o + k V_c + (1 - k) V_rs, where V_o and V_c are the sample variances (divisor
    n - 1) of o and c, V_rs = mean of u (u - c) + d (d - c), and k = 0.34 / (1.34 + (n + 1) / (n - 1)).
    V_o holds the gaps; k is the paper's choice for least variance. Between trades the range is not seen,
    so that few trades a bar make it low. A bar without range counts as it is.

    NaN policy: unknown before bar `period` + 1 and while the window, or the close before it, holds a price
    that is missing or not over zero. Smallest sample: `period` + 1 bars. Look-ahead: none.
    Cost: n x `period`.

    References
    ----------
    Yang, D., Zhang, Q. (2000). Drift-independent volatility estimation based on high, low, open, and close
    prices. Journal of Business 73(3), 477-491.
    Rogers, L. C. G., Satchell, S. E. (1991). Estimating variance from high, low and closing prices. Annals
    of Applied Probability 1(4): V_rs.
    """
    opened, close = log_price(bars.open), log_price(bars.close)
    up, down, move = log_price(bars.high) - opened, log_price(bars.low) - opened, close - opened
    gap = opened - _previous(close)
    k = 0.34 / (1.34 + (period + 1) / (period - 1))
    v_gap, v_move = (rolling_variance(x, period, ddof=1) for x in (gap, move))
    v_range = rolling_mean(up * (up - move) + down * (down - move), period)
    return root(v_gap + k * v_move + (1 - k) * v_range)


def _previous(values: Float1D) -> Float1D:
    return np.concatenate(([np.nan], values))[: len(values)]
