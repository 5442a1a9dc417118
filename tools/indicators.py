"""Momentum and trend of the closes: RSI, MACD, exponential average. See `talib_guard.py` first."""

import talib

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.registry import tool
from tools.shared_bars import shared
from tools.talib_guard import (
    NEVER_MOVED,
    Bool1D,
    Period,
    changes,
    floats,
    once_moved,
    remembered,
    until_gap,
    wilder_settled,
    window,
)


def _slow_average(*, fast: int, slow: int) -> int:
    if fast >= slow:
        raise ToolInputError(
            f"expected fast under slow, found {fast} and {slow}; TA-Lib would swap them in silence"
        )
    return slow


def _slow_then_signal(*, fast: int, slow: int, signal: int) -> int:
    return _slow_average(fast=fast, slow=slow) + signal - 1


def _macd_settled(*, fast: int, slow: int) -> int:
    return _slow_average(fast=fast, slow=slow) + remembered(1 - 2 / (slow + 1))


def _macd_signal_settled(*, fast: int, slow: int, signal: int) -> int:
    return _macd_settled(fast=fast, slow=slow) + signal - 1 + remembered(1 - 2 / (signal + 1))


def _ema_settled(*, period: int) -> int:
    return window(period=period) + remembered(1 - 2 / (period + 1))


@tool(
    group="momentum",
    unit="points 0-100",
    reads=("close",),
    min_bars=changes,
    settled_bars=wilder_settled,
    undefined=NEVER_MOVED,
)
def rsi(bars: Bars, *, period: Period = 14) -> Float1D:
    """Relative strength index: the share of recent closing moves that went up.

    Use it to see whether price has run far in one direction. Under 30 is commonly called oversold, over
    70 overbought; in a strong trend it can stay there for long.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Length of Wilder's average in bars, 2 to 1000; 14 is Wilder's.

    Returns
    -------
    array of shape (n,)
        From 0 (only falls) to 100 (only rises).

    Notes
    -----
    U and D are the averages of rises and of falls, each the plain mean of the first `period` changes, then
    (previous (period - 1) + newest) / period. RSI = 100 U / (U + D).

    NaN policy: unknown before bar `period` + 1, from the first missing close onward, and while no close
    has differed from the one before (0 / 0). Smallest sample: `period` + 1 bars. Look-ahead: none. Cost: n
    steps. The start weighs (1 - 1 / period)^k after k more bars.

    References
    ----------
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section VI.
    """
    close = floats(bars.close)
    values = until_gap(talib.RSI(close, period), bars, "close")
    return once_moved(values, bars, _has_close_change)


@tool(group="momentum", unit="price", reads=("close",), min_bars=_slow_average, settled_bars=_macd_settled)
def macd_line(bars: Bars, *, fast: Period = 12, slow: Period = 26) -> Float1D:
    """MACD line: a fast exponential average of the close less a slow one.

    Use it for the direction of momentum: over zero the recent average price is above the older one.
    Divide by ATR before comparing instruments.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    fast : int
        Period of the fast average in bars, 2 to 1000, under `slow`.
    slow : int
        Period of the slow average in bars, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Raises
    ------
    ToolInputError
        When `fast` is not under `slow`.

    Notes
    -----
    EMA_fast - EMA_slow with alpha = 2 / (period + 1). The slow average starts as the mean of its first
    `slow` closes, the fast one as the mean of the last `fast` of the same closes.

    NaN policy: unknown before bar `slow` and from the first missing close onward. Smallest sample: `slow`
    bars. Look-ahead: none. Cost: n steps. The start weighs (1 - 2 / (slow + 1))^k after k more bars.

    References
    ----------
    Appel, G. (2005). Technical Analysis: Power Tools for Active Investors.
    """
    _slow_average(fast=fast, slow=slow)
    close = floats(bars.close)
    # A signal period of 1 adds no warm-up, so the line is known as soon as it exists.
    return until_gap(talib.MACD(close, fast, slow, 1)[0], bars, "close")


@tool(
    group="momentum",
    unit="price",
    reads=("close",),
    min_bars=_slow_then_signal,
    settled_bars=_macd_signal_settled,
)
def macd_signal(bars: Bars, *, fast: Period = 12, slow: Period = 26, signal: Period = 9) -> Float1D:
    """MACD signal line: an exponential average of the MACD line.

    Use it beside the MACD line: a line over its signal has momentum that grows upward.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    fast : int
        Period of the fast average in bars, 2 to 1000, under `slow`.
    slow : int
        Period of the slow average in bars, 2 to 1000.
    signal : int
        Period of the average of the line in bars, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Raises
    ------
    ToolInputError
        When `fast` is not under `slow`.

    Notes
    -----
    EMA_signal of `macd_line`, alpha = 2 / (signal + 1), started as the mean of the line's first `signal`
    values.

    NaN policy: unknown before bar `slow` + `signal` - 1 and from the first missing close onward. Smallest
    sample: as many bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Appel, G. (2005). Technical Analysis: Power Tools for Active Investors.
    """
    _slow_average(fast=fast, slow=slow)
    return shared(_macd, bars, fast, slow, signal)[0]


@tool(
    group="momentum",
    unit="price",
    reads=("close",),
    min_bars=_slow_then_signal,
    settled_bars=_macd_signal_settled,
)
def macd_histogram(bars: Bars, *, fast: Period = 12, slow: Period = 26, signal: Period = 9) -> Float1D:
    """MACD histogram: the MACD line less its signal line.

    Use it to see momentum turn before the line crosses zero: a shrinking histogram is momentum that fades.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    fast : int
        Period of the fast average in bars, 2 to 1000, under `slow`.
    slow : int
        Period of the slow average in bars, 2 to 1000.
    signal : int
        Period of the average of the line in bars, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Raises
    ------
    ToolInputError
        When `fast` is not under `slow`.

    Notes
    -----
    `macd_line` - `macd_signal`.

    NaN policy: unknown before bar `slow` + `signal` - 1 and from the first missing close onward. Smallest
    sample: as many bars. Look-ahead: none. Cost: n steps.

    References
    ----------
    Aspray, T. (1986), who added the histogram; after Appel, G. (2005).
    """
    _slow_average(fast=fast, slow=slow)
    return shared(_macd, bars, fast, slow, signal)[1]


@tool(group="trend", unit="price", reads=("close",), min_bars=window, settled_bars=_ema_settled)
def ema(bars: Bars, *, period: Period = 20) -> Float1D:
    """Exponential moving average of the close.

    Use two of them, a fast and a slow one, for the direction of the trend; one alone for the usual price.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Length in bars, 2 to 1000; the newest close weighs 2 / (period + 1).

    Returns
    -------
    array of shape (n,)
        In price units of the instrument.

    Notes
    -----
    E_i = E_{i-1} + alpha (close_i - E_{i-1}), alpha = 2 / (period + 1), E at bar `period` the plain mean.

    NaN policy: unknown before bar `period` and from the first missing close onward. Smallest sample:
    `period` bars. Look-ahead: none. Cost: n steps. The start weighs (1 - alpha)^k after k more bars.

    References
    ----------
    Hunter, J. S. (1986). The exponentially weighted moving average. Journal of Quality Technology 18(4).
    Appel, G. (2005). Technical Analysis: Power Tools for Active Investors: alpha from a period.
    """
    return until_gap(talib.EMA(floats(bars.close), period), bars, "close")


def _macd(bars: Bars, fast: int, slow: int, signal: int) -> tuple[Float1D, Float1D]:
    _, signal_line, histogram = talib.MACD(floats(bars.close), fast, slow, signal)
    return until_gap(signal_line, bars, "close"), until_gap(histogram, bars, "close")


def _has_close_change(bars: Bars) -> Bool1D:
    moved: Bool1D = bars.close[1:] != bars.close[:-1]
    return moved
