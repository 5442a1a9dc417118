"""Volatility from the range of each bar: Parkinson, Garman and Klass, Rogers and Satchell.

A bar's high and low say more about how much price moved inside it than its close does. What they cannot
see is the way from one bar's close to the next one's open: where there are gaps (a night, a weekend) all
three are low, and `yang_zhang_volatility` is the one to use. Few trades a bar make them low as well: the
highest of a few trades is under the highest price that could have traded.

Per bar and not annualised, as in `volatility.py`; a window forgets, as there.
"""

import math

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_price, root
from tools.registry import tool
from tools.talib_guard import Period, window
from tools.windows import rolling_mean

_LN_4 = 2 * math.log(2)


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("high", "low"),
    min_bars=window,
    undefined=NOT_POSITIVE,
)
def parkinson_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Parkinson's volatility: the usual size of one bar's move, from highs and lows alone.

    Use it where only the range is to be trusted. It is about five times as precise as that of closes on
    as many bars. A drift inside the bars makes it high, gaps between them are not seen.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high and low are read.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar, gaps left out: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(mean of ln(high / low)^2 / (4 ln 2)) over the newest `period` bars.

    NaN policy: unknown before bar `period` and while the window holds a price that is missing or not over
    zero. Smallest sample: `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Parkinson, M. (1980). The extreme value method for estimating the variance of the rate of return.
    Journal of Business 53(1), 61-65.
    """
    span = log_price(bars.high) - log_price(bars.low)
    return root(rolling_mean(np.square(span), period) / (2 * _LN_4))


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("open", "high", "low", "close"),
    min_bars=window,
    undefined=NOT_POSITIVE,
)
def garman_klass_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Garman and Klass' volatility: the usual size of one bar's move, from its range and its body.

    Use it in a market without gaps and without a strong trend, where it is the most precise of the range
    measures: some seven times as precise as that of closes. In a trend `rogers_satchell_volatility` is safer.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; open, high, low and close are read.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar, gaps left out: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2) over the newest `period` bars: the
    practical form of the paper, which leaves out the cross terms of the best one and loses almost nothing.

    NaN policy: unknown before bar `period` and while the window holds a price that is missing or not over
    zero. Smallest sample: `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Garman, M. B., Klass, M. J. (1980). On the estimation of security price volatilities from historical
    data. Journal of Business 53(1), 67-78.
    """
    span = log_price(bars.high) - log_price(bars.low)
    body = log_price(bars.close) - log_price(bars.open)
    return root(rolling_mean(np.square(span) / 2 - (_LN_4 - 1) * np.square(body), period))


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("open", "high", "low", "close"),
    min_bars=window,
    undefined=NOT_POSITIVE,
)
def rogers_satchell_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Rogers and Satchell's volatility: the usual size of one bar's move, whatever the trend.

    Use it in a trending market without gaps: a bar that runs from its low to its high counts as no
    volatility at all, only what it strayed from its path does.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; open, high, low and close are read.
    period : int
        Number of bars in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar, drift and gaps left out: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(mean of u (u - c) + d (d - c)) over the newest `period` bars, with u = ln(high / open),
    d = ln(low / open) and c = ln(close / open). About six times as precise as closes.

    NaN policy: unknown before bar `period` and while the window holds a price that is missing or not over
    zero. Smallest sample: `period` bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Rogers, L. C. G., Satchell, S. E. (1991). Estimating variance from high, low and closing prices. Annals
    of Applied Probability 1(4), 504-512.
    """
    opened = log_price(bars.open)
    up, down, move = (log_price(price) - opened for price in (bars.high, bars.low, bars.close))
    return root(rolling_mean(up * (up - move) + down * (down - move), period))
