"""Cointegration of two instruments by Engle and Granger: a hedge whose worth comes back to a mean.

    log closes of both  ->  regression of the first on the second  ->  spread  ->  is it a random walk?

The regression chooses the spread that looks tamest, so that its test has points of its own, and its
half-life is somewhat too short. The other way round (second on first) gives another ratio and another
p-value; ask both and take neither where they disagree.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.mean_reversion import fit_reversion
from tools.pairs import MatchedPrices, matched_prices
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.stationarity import residual_test
from tools.talib_guard import window

SpreadPeriod: TypeAlias = Annotated[int, Bounds(100, 5000)]

_ONE = "undefined: one of the two did not move, the two move as one, or their spread is too regular"
_SAME = 1e-9
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class CointegrationFit:
    """A spread, ours - hedge_ratio * theirs - constant, and the test of it."""

    hedge_ratio: float
    constant: float
    spread: Float1D
    statistic: float
    p_value: float

    @property
    def zscore(self) -> float:
        """The newest spread in standard deviations; the mean of all is zero."""
        n = len(self.spread)
        return float(self.spread[-1] / np.sqrt(self.spread @ self.spread / (n - 2)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to say where the spread need not come back."""
        if self.p_value < _LEVEL:
            return ()
        return (
            f"not cointegrated at {_LEVEL:.0%}: two random walks would look the same, p {self.p_value:.2f}",
        )


def fit_cointegration(ours: Float1D, theirs: Float1D) -> CointegrationFit | None:
    """Engle and Granger's two steps: regress, then test what is left for a unit root.

    Use it on the log prices of two instruments that something ties together.

    Parameters
    ----------
    ours, theirs : arrays of shape (n,)
        Log prices of the same moments, oldest first, n of 50 or more; all finite.

    Returns
    -------
    CointegrationFit or None
        None where a column does not move, one is a line of the other, or the spread is too regular to test.

    Notes
    -----
    Least squares of ours on theirs and a constant; augmented Dickey-Fuller test of the residuals, without a
    constant and with lags chosen by AIC; MacKinnon's p-value for two variables. It is `coint` of
    `statsmodels`, which answers minus infinity and 0, untested, once the spread's variance is under 1.5e-6 of
    the first one's: as of two venues of one instrument. Look-ahead: it sees every value it is given. Cost: 10
    to 20 ms for 500 values, and 2 s once for the import of statsmodels.

    References
    ----------
    Engle, R. F., Granger, C. W. J. (1987). Co-integration and error correction. Econometrica 55(2).
    MacKinnon, J. G. (2010). Critical values for cointegration tests. Queen's Economics Department 1227.
    """
    y, x = ours - ours.mean(), theirs - theirs.mean()
    if not (np.ptp(ours) > 0 and np.ptp(theirs) > 0):
        return None
    ratio = float(x @ y) / float(x @ x)
    spread = y - ratio * x
    if float(spread @ spread) <= _SAME * float(y @ y):
        return None
    tested = residual_test(spread)
    if tested is None:
        return None
    constant = float(ours.mean() - ratio * theirs.mean())
    return CointegrationFit(ratio, constant, spread, tested.statistic, tested.p_value)


@estimate(group="correlation", unit="probability", reads=("close",), min_bars=window)
def cointegration_p_value(bars: Bars, other: Bars, *, period: SpreadPeriod = 500) -> ToolValue:
    """p-value of cointegration: how often two unrelated random walks look as tied as these instruments.

    Use it before a trade on the spread of two instruments: under 0.05 there is some evidence that the spread
    comes back. Returns that correlate are no such evidence, and two walks often look tied by eye.

    Parameters
    ----------
    bars : Bars
        Closed bars of the instrument that is explained, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Bars in common, 100 to 5000.

    Returns
    -------
    float
        0 to 1. It is no probability that the two are unrelated.

    Notes
    -----
    `fit_cointegration` of log closes. A bar that one of them lacks is left out. Of unrelated walks of 250
    bars 8 % come under 0.05, by the choice of lags; who asks many pairs finds some where there is nothing,
    and the other way round is no independent second test.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` bars
    in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: 10 to 20 ms, and 2 s
    once for the import.

    References
    ----------
    Engle, R. F., Granger, C. W. J. (1987). Co-integration and error correction. Econometrica 55(2).
    MacKinnon, J. G. (2010). Critical values for cointegration tests. Queen's Economics Department 1227.
    """
    found = _fitted(bars, other, period)
    if isinstance(found, ToolValue):
        return found
    prices, fit = found
    return ToolValue(fit.p_value, period, None, prices.warnings)


@estimate(group="correlation", unit="ratio", reads=("close",), min_bars=window)
def hedge_ratio(bars: Bars, other: Bars, *, period: SpreadPeriod = 500) -> ToolValue:
    """Hedge ratio: money to hold against in the second instrument for each unit of money in the first.

    Use it for a spread that is held over many bars; for a hedge of the next bar take `beta`. Do not use it
    with a warning: between two unrelated walks it is a number without a meaning.

    Parameters
    ----------
    bars : Bars
        Closed bars of the instrument that is hedged, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Bars in common, 100 to 5000.

    Returns
    -------
    float
        Percent of the first's price per percent of the second's; a warning where they are not cointegrated.

    Notes
    -----
    Slope of least squares of log closes on the other's log closes and a constant. With cointegration it comes
    near the true one at the speed of 1 / n; its usual standard error does not hold.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` bars
    in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: 10 to 20 ms, and 2 s
    once for the import.

    References
    ----------
    Stock, J. H. (1987). Asymptotic properties of least squares estimators of cointegrating vectors.
    Econometrica 55(5).
    """
    found = _fitted(bars, other, period)
    if isinstance(found, ToolValue):
        return found
    prices, fit = found
    return ToolValue(fit.hedge_ratio, period, None, (*prices.warnings, *fit.warnings))


@estimate(group="correlation", unit="standard deviations", reads=("close",), min_bars=window)
def spread_zscore(bars: Bars, other: Bars, *, period: SpreadPeriod = 500) -> ToolValue:
    """Where the spread of two instruments stands now: how far the first is dear beside the second.

    Use it to enter a spread: over 2 the first is dear, under -2 it is cheap. Without cointegration, which a
    warning tells, it need not come back.

    Parameters
    ----------
    bars : Bars
        Closed bars of the first instrument, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Bars in common, 100 to 5000.

    Returns
    -------
    float
        Standard deviations of the spread around its mean; 0 is the mean.

    Notes
    -----
    Residual of the newest bar in `fit_cointegration` over the residuals' standard deviation (divisor
    `period` - 2). The newest bar takes part in the fit, which draws the value towards zero a little.

    NaN policy: none while a close in the window is missing or not over zero, nor where the second instrument
    has no bar that closed with the newest one. Smallest sample: `period` bars in common. Look-ahead: none.
    Cost: 10 to 20 ms, and 2 s once for the import.

    References
    ----------
    Engle, R. F., Granger, C. W. J. (1987). Co-integration and error correction. Econometrica 55(2).
    """
    found = _fitted(bars, other, period)
    if isinstance(found, ToolValue):
        return found
    prices, fit = found
    if prices.n_behind:
        return ToolValue(None, period, f"needs the spread of the newest bar: {prices.warnings[0]}")
    return ToolValue(fit.zscore, period, None, fit.warnings)


@estimate(group="correlation", unit="bars", reads=("close",), min_bars=window)
def spread_half_life(bars: Bars, other: Bars, *, period: SpreadPeriod = 500) -> ToolValue:
    """Half-life of a spread: bars until half of its distance from the mean is gone.

    Use it to set how long a trade on the spread may take: a few half-lives, and no longer.

    Parameters
    ----------
    bars : Bars
        Closed bars of the first instrument, oldest first; times and closes are read.
    other : Bars
        Closed bars of the second instrument, of the same timeframe.
    period : int
        Bars in common, 100 to 5000; it cannot see half-lives over a tenth of it.

    Returns
    -------
    float
        Bars in common, over 0; a warning where the two are not cointegrated.

    Notes
    -----
    `fit_reversion` of the residuals of `fit_cointegration`. Its correction is for an estimated mean; the
    estimated hedge ratio takes a little more off, so that the value is somewhat low. No value where the
    spread shows no return, or one within a bar.

    NaN policy: none while a close in the window is missing or not over zero. Smallest sample: `period` bars
    in common; a warning where the newest bar is not one of them. Look-ahead: none. Cost: 10 to 20 ms, and 2 s
    once for the import.

    References
    ----------
    Kendall, M. G. (1954). Note on bias in the estimation of autocorrelation. Biometrika 41.
    """
    found = _fitted(bars, other, period)
    if isinstance(found, ToolValue):
        return found
    prices, fit = found
    back = fit_reversion(fit.spread)
    if back is None or back.half_life is None:
        return ToolValue(None, period, back.why_none if back else _ONE)
    return ToolValue(back.half_life, period, None, (*prices.warnings, *fit.warnings))


def _fitted(bars: Bars, other: Bars, period: int) -> tuple[MatchedPrices, CointegrationFit] | ToolValue:
    prices = matched_prices(bars, other, window(period=period))
    if isinstance(prices, ToolValue):
        return prices
    fit = fit_cointegration(prices.logs[:, 0], prices.logs[:, 1])
    return ToolValue(None, period, _ONE) if fit is None else (prices, fit)
