"""Two more readings of the returns' variance: one that jumps do not reach, one that weighs the newest most.

Per bar and not annualised, as in `volatility.py`.
"""

import math
from itertools import accumulate
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_returns, root
from tools.parameters import Bounds
from tools.registry import tool
from tools.talib_guard import Period, changes, remembered, until_gap
from tools.windows import rolling_mean

Decay: TypeAlias = Annotated[float, Bounds(0.5, 0.999)]


def _half_the_weight(*, decay: float) -> int:
    return 1 + math.ceil(math.log(0.5) / math.log(decay))


def _decayed(*, decay: float) -> int:
    return 1 + remembered(decay)


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=changes,
    undefined=NOT_POSITIVE,
)
def bipower_volatility(bars: Bars, *, period: Period = 20) -> Float1D:
    """Bipower volatility: the usual size of one bar's move, with little weight on jumps.

    Use it beside `realized_volatility`: where that one is much larger, a few jumps made most of the
    movement, and the market between them is calmer than it looks.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns in the window, 2 to 1000; under 20 or so it is mostly noise.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(pi / 2 times the mean of |r_i| |r_{i-1}|) over the `period` - 1 pairs of neighbours among the newest
    `period` log returns: E|z| = sqrt(2 / pi) for a standard normal z, so that without jumps it estimates
    what realized volatility does. A jump counts with its size, beside a usual neighbour, and not with its
    square; two jumps in a row count whole. Many still bars (returns of zero) make it low.

    NaN policy: unknown before bar `period` + 1 and while the window holds a close that is missing or not
    over zero. Smallest sample: `period` + 1 bars. Look-ahead: none. Cost: n x `period`.

    References
    ----------
    Barndorff-Nielsen, O. E., Shephard, N. (2004). Power and bipower variation with stochastic volatility and
    jumps. Journal of Financial Econometrics 2(1), 1-37.
    """
    sizes = np.abs(log_returns(bars.close))
    neighbours = np.full(len(sizes), np.nan)
    neighbours[1:] = sizes[1:] * sizes[:-1]
    return root(math.pi / 2 * rolling_mean(neighbours, period - 1))


@tool(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=_half_the_weight,
    settled_bars=_decayed,
    undefined=NOT_POSITIVE,
)
def ewma_volatility(bars: Bars, *, decay: Decay = 0.94) -> Float1D:
    """Exponentially weighted volatility (RiskMetrics): the size of move to expect of the next bar.

    Use it for a figure that follows a change in the market at once. It expects the next bar to be like
    the newest ones; `garch_volatility` also knows how fast a burst usually fades.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    decay : float
        Weight of a bar's variance against that of the bar after it, 0.5 to 0.999; RiskMetrics takes 0.94
        for daily and 0.97 for monthly returns.

    Returns
    -------
    array of shape (n,)
        Standard deviation of a log return per bar: 0.001 is a tenth of a percent.

    Notes
    -----
    sqrt(sum of decay^k r_{i-k}^2 / sum of decay^k), r log returns, the mean taken as zero. The weights are
    divided by their sum, so that no start value has to be invented; RiskMetrics' recursion
    decay V + (1 - decay) r^2 comes to the same once the weight of the start is gone.

    NaN policy: unknown until half of all weight has been seen (13 bars at 0.94) and from the first close
    that is missing or not over zero onward. Smallest sample: as many bars. Look-ahead: none. Cost: n steps.
    The start weighs decay^k after k returns.

    References
    ----------
    J.P. Morgan, Reuters (1996). RiskMetrics: Technical Document, fourth edition, section 5.2.
    """
    squares = np.square(log_returns(bars.close))
    values = np.full(len(squares), np.nan)
    known = _half_the_weight(decay=decay) - 1
    if len(squares) > known:
        sums = accumulate(squares[1:].tolist(), lambda total, square: decay * total + square)
        ages = np.arange(1, len(squares))
        values[1:] = root(np.array(list(sums)) * (1 - decay) / -np.expm1(ages * math.log(decay)))
        values[:known] = np.nan
    return until_gap(values, bars, "close")
