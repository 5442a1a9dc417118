"""How one instrument moves with another: correlation in three readings, and beta.

    bars, other  ->  closes matched by time  ->  log returns of both  ->  one figure

The matrices of many instruments are in `correlation.py`; these are the tools that a voter asks of a pair.
"""

import math
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float2D
from tools.correlation import centred, correlation_shrinkage, ewma_matrix, standardised
from tools.log_prices import moves_differ
from tools.pairs import MIN_COMMON, MatchedPrices, matched_prices
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.talib_guard import changes, remembered

PairPeriod: TypeAlias = Annotated[int, Bounds(MIN_COMMON, 5000)]
PairDecay: TypeAlias = Annotated[float, Bounds(0.8, 0.999)]

_STILL = "undefined: one of the two did not move, or by the same in every bar"


def _weighty(*, decay: float) -> int:
    return changes(period=max(remembered(decay), MIN_COMMON))


@estimate(group="correlation", unit="correlation", reads=("close",), min_bars=changes)
def pair_correlation(bars: Bars, other: Bars, *, period: PairPeriod = 120) -> ToolValue:
    """Correlation of two instruments' returns over the newest bars: one bet or two.

    Use it before a position is taken beside one that is held, or before a move of one instrument is taken as
    confirmed by another.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Number of returns, 30 to 5000.

    Returns
    -------
    float
        Pearson's correlation, -1 to 1.

    Notes
    -----
    Of log returns between neighbours of the bars in common. Its standard error is about
    (1 - r^2) / sqrt(period): 0.09 for 120 returns that have nothing to do with each other.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` + 1
    bars in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: under 0.2 ms.

    References
    ----------
    Pearson, K. (1895). Note on regression and inheritance in the case of two parents. Proceedings of the
    Royal Society of London 58.
    """
    found = matched_prices(bars, other, changes(period=period))
    if isinstance(found, ToolValue):
        return found
    z = _standardised(found.returns)
    return _answer(None if z is None else float(z[:, 0] @ z[:, 1]) / len(z), found)


@estimate(group="correlation", unit="correlation", reads=("close",), min_bars=changes)
def shrunk_correlation(bars: Bars, other: Bars, *, period: PairPeriod = 60) -> ToolValue:
    """Correlation of two instruments, drawn towards zero as far as the sample is too short to show it.

    Use it in place of `pair_correlation` where the window is short and the figure goes into a hedge or a
    size: a high correlation that rests on much evidence stays as it is, a low one fades to nothing.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Number of returns, 30 to 5000.

    Returns
    -------
    float
        Correlation, -1 to 1, never further from zero than `pair_correlation` of the same period.

    Notes
    -----
    (1 - d) r with d of `correlation_shrinkage`, about 1 / (n r^2) where tails are not fat and more where
    they are: of a correlation of 0.5 over 60 bars a tenth is taken, of one of 0.13 all.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` + 1
    bars in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: under 0.2 ms.

    References
    ----------
    Ledoit, O., Wolf, M. (2004). A well-conditioned estimator for large-dimensional covariance matrices.
    Journal of Multivariate Analysis 88(2).
    Schaefer, J., Strimmer, K. (2005). A shrinkage approach to large-scale covariance matrix estimation.
    Statistical Applications in Genetics and Molecular Biology 4(1).
    """
    found = matched_prices(bars, other, changes(period=period))
    if isinstance(found, ToolValue):
        return found
    z = _standardised(found.returns)
    value = None if z is None else (1 - correlation_shrinkage(z)) * float(z[:, 0] @ z[:, 1]) / len(z)
    return _answer(value, found)


@estimate(group="correlation", unit="correlation", reads=("close",), min_bars=_weighty)
def ewma_correlation(bars: Bars, other: Bars, *, decay: PairDecay = 0.97) -> ToolValue:
    """Correlation of two instruments in which the newest bars weigh most.

    Use it beside `pair_correlation`: where the two differ, the tie between the instruments is changing.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    decay : float
        Weight of a return against that of the one after it, 0.8 to 0.999.

    Returns
    -------
    float
        Correlation, -1 to 1.

    Notes
    -----
    `ewma_correlations` of as many returns as carry 99 % of all weight, 30 at least: 152 at 0.97. It is worth
    (1 + decay) / (1 - decay) equal returns, 66 at 0.97: at 0.94, RiskMetrics' choice for days, 32.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: those returns
    and one bar in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: under
    0.2 ms.

    References
    ----------
    J.P. Morgan, Reuters (1996). RiskMetrics: Technical Document, fourth edition, section 5.2.
    """
    found = matched_prices(bars, other, _weighty(decay=decay))
    if isinstance(found, ToolValue):
        return found
    returns = found.returns
    moved = bool((np.abs(returns).max(axis=0) > 0).all())
    return _answer(float(ewma_matrix(returns, decay)[0, 1]) if moved else None, found)


@estimate(group="correlation", unit="ratio", reads=("close",), min_bars=changes)
def beta(bars: Bars, other: Bars, *, period: PairPeriod = 120) -> ToolValue:
    """Beta: how far this instrument moves, on average, when the other one moves by one percent.

    Use it to turn a position into its worth in another instrument, or to hedge bar by bar. For a hedge that
    is to hold over a long time see `hedge_ratio`, which reads prices and not returns.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe: the market, or the hedge.
    period : int
        Number of returns, 30 to 5000.

    Returns
    -------
    float
        Percent of move per percent of the other's; a warning where it cannot be told from zero.

    Notes
    -----
    Slope of ordinary least squares of the log returns on the other's and a constant: cov(x, y) / var(y). Its
    standard error is beta sqrt((1 / r^2 - 1) / (period - 2)); the warning is under two of them.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` + 1
    bars in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: under 0.2 ms.

    References
    ----------
    Sharpe, W. F. (1963). A simplified model for portfolio analysis. Management Science 9(2).
    """
    found = matched_prices(bars, other, changes(period=period))
    if isinstance(found, ToolValue):
        return found
    if not moves_differ(found.returns):
        return _answer(None, found)
    ours, theirs = centred(found.returns).T
    slope = float(ours @ theirs) / float(theirs @ theirs)
    rest = ours - slope * theirs
    error = math.sqrt(float(rest @ rest) / (period - 2) / float(theirs @ theirs))
    weak = (f"not told from zero: standard error {error:.3g}",) if abs(slope) < 2 * error else ()
    return _answer(slope, found, weak)


def _standardised(returns: Float2D) -> Float2D | None:
    return standardised(centred(returns)) if moves_differ(returns) else None


def _answer(value: float | None, found: MatchedPrices, warnings: tuple[str, ...] = ()) -> ToolValue:
    n_obs = len(found.logs)
    if value is None:
        return ToolValue(None, n_obs, _STILL)
    return ToolValue(value, n_obs, None, (*found.warnings, *warnings))
