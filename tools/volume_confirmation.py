"""Whether volume stands behind a move: price against what was paid, and moves weighed by what traded.

All of it needs volume that was traded. A count of ticks, which many forex sources give as volume, measures
how busy the quotes are and confirms nothing.
"""

from typing import Annotated

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import log_returns
from tools.parameters import Bounds
from tools.ranges import atr
from tools.registry import ToolValue, estimate, tool
from tools.shared_bars import shared
from tools.talib_guard import Period, changes, until_gap, wilder_settled
from tools.windows import rolling_mean

_DAY_MS = 86_400_000
_NEVER_TRADED = "undefined: no volume at this time of day"
_NO_VOLUME = "undefined: no volume in the window, or a close at or under zero"


def _vwap_and_atr(*, period: int, atr_period: int) -> int:
    return max(period, changes(period=atr_period))


def _atr_settled(*, period: int, atr_period: int) -> int:
    return max(period, wilder_settled(period=atr_period))


@tool(
    group="volume",
    unit="ATRs",
    reads=("high", "low", "close", "traded_volume"),
    min_bars=_vwap_and_atr,
    settled_bars=_atr_settled,
    undefined="undefined: no volume in the window, or no price has moved",
)
def vwap_distance(bars: Bars, *, period: Period = 20, atr_period: Period = 14) -> Float1D:
    """Distance of the close from the window's volume weighted average price, in average true ranges.

    Use it to see who is ahead: over 0 the window's buyers are in profit, and a move that stays on its side
    of 0 is accepted. Past 2 or 3 it has run far from where most was traded. It needs real volume.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; high, low, close and volume are read.
    period : int
        Number of bars in the average price, 2 to 1000.
    atr_period : int
        Length of Wilder's average of the true range, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        In units of `atr`, under 0 below the average price.

    Notes
    -----
    (close - VWAP) / ATR, VWAP = sum of volume (high + low + close) / 3 over sum of volume, newest `period`
    bars; ATR as in `atr`.

    NaN policy: unknown until both are known, from the first missing price or volume onward, and where no
    price has moved or nothing was traded. Smallest sample: the larger of `period` and `atr_period` + 1.
    Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Berkowitz, S. A., Logue, D. E., Noser, E. A. (1988). The total cost of transactions on the NYSE. Journal
    of Finance 43(1), 97-112: VWAP.
    Wilder, J. W. (1978). New Concepts in Technical Trading Systems, section III: the true range.
    """
    typical = (bars.high + bars.low + bars.close) / 3
    distance = bars.close - _weighted(typical, bars.volume, period)
    values = _over(distance, shared(atr, bars, period=atr_period))
    return until_gap(values, bars, "high", "low", "close", "volume")


@tool(
    group="volume",
    unit="share of volume",
    reads=("close", "traded_volume"),
    min_bars=changes,
    undefined="undefined: no volume on bars whose close moved",
)
def up_volume_share(bars: Bars, *, period: Period = 20) -> Float1D:
    """Share of volume on rising bars, of all on bars whose close moved.

    Use it to confirm a move: a rise wants most of its volume on up bars. A new high with it under a half is
    carried by few. It needs real volume.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; close and volume are read.
    period : int
        Number of changes in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        From 0 (all on falling bars) to 1.

    Notes
    -----
    Sum of volume of the bars that closed higher than the bar before, over that of those that closed higher
    or lower, newest `period` bars. Bars that closed where they were are left out of both.

    NaN policy: unknown before bar `period` + 1, while the window, or the close before it, holds a missing
    value, and where nothing was traded on a bar that moved. Smallest sample: `period` + 1 bars. Look-ahead:
    none. Cost: n x `period`.

    References
    ----------
    Arms, R. W. (1989). The Arms Index (TRIN): volume of rising against falling issues, here of bars.
    """
    change = np.full(len(bars), np.nan)
    change[1:] = np.diff(np.where(np.isfinite(bars.close), bars.close, np.nan))
    volume = np.where(np.isnan(change), np.nan, _known(bars.volume))
    up, moved = volume * (change > 0), volume * (change != 0)
    return _over(rolling_mean(up, period), rolling_mean(moved, period))


@tool(
    group="volume",
    unit="log return per bar",
    reads=("close", "traded_volume"),
    min_bars=changes,
    undefined=_NO_VOLUME,
)
def volume_weighted_momentum(bars: Bars, *, period: Period = 20) -> Float1D:
    """Volume weighted momentum: the mean return of the window's bars, busy bars counting more.

    Use it in place of plain momentum where volume is real: a drift on thin bars weighs little.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; close and volume are read.
    period : int
        Number of returns in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Log return per bar: 0.001 is a tenth of a percent a bar.

    Notes
    -----
    sum(v_i r_i) / sum(v_i), r_i = ln(close_i / close_{i-1}), newest `period` bars.

    NaN policy: unknown before bar `period` + 1, while the window holds a volume that is missing or, with the
    close before it, a close that is missing or not over zero, and where nothing was traded. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Lee, C. M. C., Swaminathan, B. (2000). Price momentum and trading volume. Journal of Finance 55(5),
    2017-2069: that volume qualifies momentum; the weighing is this project's.
    """
    return _weighted(log_returns(bars.close), bars.volume, period)


@tool(
    group="volume",
    unit="log return per bar",
    reads=("close", "traded_volume"),
    min_bars=changes,
    undefined=_NO_VOLUME,
)
def volume_momentum_gap(bars: Bars, *, period: Period = 20) -> Float1D:
    """Volume weighted momentum less plain momentum: whether the busy bars went further than the rest.

    Use it beside the move: of the same sign, volume came with it and confirms it; of the other sign, the
    busy bars went against it. It needs real volume.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; close and volume are read.
    period : int
        Number of returns in the window, 2 to 1000.

    Returns
    -------
    array of shape (n,)
        Log return per bar; 0 where volume is the same on every bar.

    Notes
    -----
    sum(v_i r_i) / sum(v_i) - mean of r_i, newest `period` bars: their covariance over the mean volume.

    NaN policy: unknown before bar `period` + 1, while the window holds a volume that is missing or, with the
    close before it, a close that is missing or not over zero, and where nothing was traded. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Lee, C. M. C., Swaminathan, B. (2000). Price momentum and trading volume. Journal of Finance 55(5),
    2017-2069: that volume qualifies momentum; the difference is this project's.
    """
    returns = log_returns(bars.close)
    return _weighted(returns, bars.volume, period) - rolling_mean(returns, period)


def _and_newest(*, days: int) -> int:
    return days + 1


@estimate(
    group="volume",
    unit="ratio",
    reads=("traded_volume",),
    min_bars=_and_newest,
    undefined=_NEVER_TRADED,
)
def relative_volume_of_hour(bars: Bars, *, days: Annotated[int, Bounds(5, 250)] = 20) -> ToolValue:
    """Relative volume of the hour: the newest bar's volume over the mean of the same time on earlier days.

    Use it on intraday bars, where `relative_volume` mostly shows the clock: 2 is twice what this hour
    usually has. It needs real volume.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; times and volume are read.
    days : int
        Earlier bars of the same time of day that are averaged, 5 to 250.

    Returns
    -------
    float
        0 or more; 1 is the usual. One value, for the newest bar.

    Notes
    -----
    volume / mean volume of the newest `days` earlier bars that closed at the same time of day in UTC. After
    a change of clocks a market's habits are an hour off for `days` days.

    NaN policy: none while one of these volumes is missing or under zero. Smallest sample: `days` + 1 bars
    of that time. Look-ahead: none. Cost: n steps.

    References
    ----------
    Admati, A. R., Pfleiderer, P. (1988). A theory of intraday patterns: volume and price variability.
    Review of Financial Studies 1(1), 3-40: that volume follows the time of day.
    """
    is_hour = bars.close_time % _DAY_MS == bars.close_time[-1] % _DAY_MS
    volume = bars.volume[is_hour]
    if len(volume) <= days:
        few = f"needs {days} earlier bars of this time of day, has {len(volume) - 1}"
        return ToolValue(None, len(volume), few)
    read = volume[len(volume) - days - 1 :]
    n_missing = int(np.count_nonzero(~(np.isfinite(read) & (read >= 0))))
    if n_missing:
        gap = f"needs volume on every bar of this time of day, missing on {n_missing} of {len(read)}"
        return ToolValue(None, len(read), gap)
    usual = float(read[:-1].mean())
    if not usual > 0:
        return ToolValue(None, len(read), _NEVER_TRADED)
    return ToolValue(float(read[-1]) / usual, len(read))


def _weighted(values: Float1D, volume: Float1D, period: int) -> Float1D:
    """Mean of each window, weighed by volume."""
    weights = _known(volume)
    moved = np.where(np.isfinite(values), values, np.nan) * weights
    return _over(rolling_mean(moved, period), rolling_mean(weights, period))


def _known(volume: Float1D) -> Float1D:
    return np.where(np.isfinite(volume) & (volume >= 0), volume, np.nan)


def _over(values: Float1D, size: Float1D) -> Float1D:
    ratio = np.full(len(size), np.nan)
    np.divide(values, size, out=ratio, where=size > 0)
    return ratio
