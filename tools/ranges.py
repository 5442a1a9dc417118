"""Wilder's measures of a bar's range and its direction: ATR, +DI, -DI, ADX. See `talib_guard.py` first."""

import math

import numpy as np
import talib

from contracts.market import Bars, Float1D
from tools.registry import tool
from tools.talib_guard import (
    NEVER_MOVED,
    Bool1D,
    Period,
    changes,
    floats,
    once_moved,
    until_gap,
    wilder_settled,
)


def _twice_smoothed(*, period: int) -> int:
    return 2 * period


def _wilder_twice_settled(*, period: int) -> int:
    # Smoothed twice with decay q, n bars on, the start weighs q^n (1 + n (1 - q)): 6.64 time constants.
    return _twice_smoothed(period=period) + math.ceil(6.64 * period)


@tool(
    group="volatility",
    unit="price",
    reads=("high", "low", "close"),
    min_bars=changes,
    settled_bars=wilder_settled,
)
def atr(bars: Bars, *, period: Period = 14) -> Float1D:
    """Average true range: how far price usually travels in one bar, gaps included.

    Use it to measure a stop or a spread in the market's own steps.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low and close are read.
    period : int
        Length of Wilder's average in bars, 2 to 1000; 14 is Wilder's.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument; 0 when nothing has moved.

    Notes
    -----
    TR = max(high, previous close) - min(low, previous close). ATR starts as the mean of the first `period`
    true ranges that have a previous close, then (previous (period - 1) + TR) / period.

    NaN policy: unknown before bar `period` + 1 and from the first missing price onward. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section III.
    """
    high, low, close = floats(bars.high), floats(bars.low), floats(bars.close)
    return until_gap(talib.ATR(high, low, close, period), bars, "high", "low", "close")


@tool(
    group="trend",
    unit="points 0-100",
    reads=("high", "low", "close"),
    min_bars=changes,
    settled_bars=wilder_settled,
    undefined=NEVER_MOVED,
)
def plus_di(bars: Bars, *, period: Period = 14) -> Float1D:
    """Positive directional indicator (+DI): the share of the true range that reached to new highs.

    Use it against `minus_di`: the larger one names the direction, `adx` says how much to trust it.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low and close are read.
    period : int
        Length of Wilder's sums in bars, 2 to 1000; 14 is Wilder's.

    Returns
    -------
    array of shape (n,)
        From 0 to 100.

    Notes
    -----
    +DM = high - previous high where that is positive and exceeds previous low - low, else 0.
    +DI = 100 S(+DM) / S(TR), TR the true range, S(x) = previous - previous / period + x, started as the sum
    of the first `period` - 1 values.

    NaN policy: unknown before bar `period` + 1, from the first missing price onward, and while no price
    has moved (0 / 0). Smallest sample: `period` + 1 bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section IV.
    """
    high, low, close = floats(bars.high), floats(bars.low), floats(bars.close)
    values = until_gap(talib.PLUS_DI(high, low, close, period), bars, "high", "low", "close")
    return once_moved(values, bars, _has_true_range)


@tool(
    group="trend",
    unit="points 0-100",
    reads=("high", "low", "close"),
    min_bars=changes,
    settled_bars=wilder_settled,
    undefined=NEVER_MOVED,
)
def minus_di(bars: Bars, *, period: Period = 14) -> Float1D:
    """Negative directional indicator (-DI): the share of the true range that reached to new lows.

    Use it against `plus_di`: the larger one names the direction, `adx` says how much to trust it.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low and close are read.
    period : int
        Length of Wilder's sums in bars, 2 to 1000; 14 is Wilder's.

    Returns
    -------
    array of shape (n,)
        From 0 to 100.

    Notes
    -----
    -DM = previous low - low where that is positive and exceeds high - previous high, else 0.
    -DI = 100 S(-DM) / S(TR), S as in `plus_di`.

    NaN policy: unknown before bar `period` + 1, from the first missing price onward, and while no price
    has moved (0 / 0). Smallest sample: `period` + 1 bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section IV.
    """
    high, low, close = floats(bars.high), floats(bars.low), floats(bars.close)
    values = until_gap(talib.MINUS_DI(high, low, close, period), bars, "high", "low", "close")
    return once_moved(values, bars, _has_true_range)


@tool(
    group="trend",
    unit="points 0-100",
    reads=("high", "low", "close"),
    min_bars=_twice_smoothed,
    settled_bars=_wilder_twice_settled,
    undefined=NEVER_MOVED,
)
def adx(bars: Bars, *, period: Period = 14) -> Float1D:
    """Average directional index: how strongly price trends, whichever way.

    Use it to decide whether to trust a trend rule: over 25 is commonly called a trend, under 20 none.
    It does not say up or down; `plus_di` and `minus_di` do.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low and close are read.
    period : int
        Length of Wilder's averages in bars, 2 to 1000; 14 is Wilder's.

    Returns
    -------
    array of shape (n,)
        From 0 (no direction) to 100.

    Notes
    -----
    DX = 100 |+DI - -DI| / (+DI + -DI); ADX starts as the mean of `period` values of DX and goes on as
    (previous (period - 1) + DX) / period. Until something has moved in a direction DX is 0 / 0; TA-Lib
    counts it as 0.

    NaN policy: unknown before bar 2 `period`, from the first missing price onward, and while no price has
    moved. Smallest sample: 2 `period` bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section IV.
    """
    high, low, close = floats(bars.high), floats(bars.low), floats(bars.close)
    values = until_gap(talib.ADX(high, low, close, period), bars, "high", "low", "close")
    return once_moved(values, bars, _has_true_range)


def _has_true_range(bars: Bars) -> Bool1D:
    previous = bars.close[:-1]
    moved: Bool1D = np.maximum(bars.high[1:], previous) != np.minimum(bars.low[1:], previous)
    return moved
