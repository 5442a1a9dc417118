"""Two tests with opposite claims: ADF's is that the price is a random walk, KPSS's that it has a mean.

One that both refute is neither; one that neither refutes is too short to say. `statsmodels` computes them
and comes in with the first test: about two seconds, once.
"""

import warnings
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_price, why_still
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.shared_bars import shared
from tools.talib_guard import window

StationarityPeriod: TypeAlias = Annotated[int, Bounds(100, 5000)]

_NO_TEST = "undefined: these moves are too regular for the test, their own past leaves nothing of them"
_NO_RESIDUAL = 1e3
"""Of a t statistic: what is further out is rounding over rounding."""


@dataclass(frozen=True, slots=True)
class UnitRootTest:
    """The augmented Dickey-Fuller statistic, and how often a random walk has one as low."""

    statistic: float
    p_value: float


def unit_root_test(values: Float1D) -> UnitRootTest | None:
    """Augmented Dickey-Fuller test with a constant, its lags chosen by AIC.

    Use it on values of which it is asked whether they have a mean to come back to.

    Parameters
    ----------
    values : array of shape (n,)
        Oldest first, any unit, n of 50 or more; all finite, with moves that differ.

    Returns
    -------
    UnitRootTest or None
        A p-value under 0.05 speaks against a random walk; None where the regression has no one solution or
        leaves no residual.

    Notes
    -----
    t of gamma in dx_t = c + gamma x_{t-1} + sum of b_i dx_{t-i} + e_t, up to 12 (n / 100)^(1/4) lags.
    Look-ahead: it sees every value it is given. Cost: some 10 ms for 500 values.

    References
    ----------
    Said, S. E., Dickey, D. A. (1984). Testing for unit roots in autoregressive-moving average models of
    unknown order. Biometrika 71(3).
    MacKinnon, J. G. (2010). Critical values for cointegration tests. Queen's Economics Department 1227.
    """
    return _dickey_fuller(values, "c", 1)


def residual_test(spread: Float1D) -> UnitRootTest | None:
    """The same test of what a regression of one variable on another left, which has a p-value of its own.

    Use it through `fit_cointegration`.

    Parameters
    ----------
    spread : array of shape (n,)
        Residuals with a mean of zero, oldest first, n of 50 or more; all finite.

    Returns
    -------
    UnitRootTest or None
        A p-value under 0.05 speaks for cointegration; None as in `unit_root_test`.

    Notes
    -----
    As in `unit_root_test` without c; MacKinnon's p-value for two variables. Look-ahead and cost as there.

    References
    ----------
    Engle, R. F., Granger, C. W. J. (1987). Co-integration and error correction. Econometrica 55(2).
    MacKinnon, J. G. (2010). Critical values for cointegration tests. Queen's Economics Department 1227.
    """
    return _dickey_fuller(spread, "n", 2)


@estimate(group="regime", unit="t statistic", reads=("close",), min_bars=window, undefined=NOT_POSITIVE)
def adf_statistic(bars: Bars, *, period: StationarityPeriod = 500) -> ToolValue:
    """Augmented Dickey-Fuller statistic: the evidence against a random walk.

    Use it, or `adf_p_value`, before a trade on a return to the mean: under -2.87 a random walk is unlikely.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of closes, 100 to 5000.

    Returns
    -------
    float
        Usually -5 to 2; the lower, the stronger the pull to a mean.

    Notes
    -----
    `unit_root_test` of log closes. Under the walk 5 % lie under -2.87 and 1 % under -3.44, of 500 bars; with
    lags chosen by AIC a little more: 6.5 % under the 5 % point, measured on 800 walks of 250. Volatility that
    changes within the window makes false alarms.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` bars. Look-ahead: none. Cost: some 10 ms, and 2 s once for the import.

    References
    ----------
    Said, S. E., Dickey, D. A. (1984). Testing for unit roots in autoregressive-moving average models of
    unknown order. Biometrika 71(3).
    """
    found = _tested(bars, period)
    return found if isinstance(found, ToolValue) else ToolValue(found.statistic, period)


@estimate(group="regime", unit="probability", reads=("close",), min_bars=window, undefined=NOT_POSITIVE)
def adf_p_value(bars: Bars, *, period: StationarityPeriod = 500) -> ToolValue:
    """p-value of the augmented Dickey-Fuller test: how often a random walk looks as tame as this price.

    Use it before a trade on a return to the mean: under 0.05 there is some evidence for a mean, over 0.1
    there is none. It says nothing of how fast the price returns; for that see `half_life`.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of closes, 100 to 5000.

    Returns
    -------
    float
        0 to 1. It is no probability that the price is a random walk.

    Notes
    -----
    MacKinnon's approximation for `unit_root_test` of log closes. Who asks many instruments finds one in
    twenty under 0.05 where there is nothing.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` bars. Look-ahead: none. Cost: some 10 ms, and 2 s once for the import.

    References
    ----------
    MacKinnon, J. G. (1994). Approximate asymptotic distribution functions for unit-root and cointegration
    tests. Journal of Business and Economic Statistics 12(2).
    """
    found = _tested(bars, period)
    return found if isinstance(found, ToolValue) else ToolValue(found.p_value, period)


@estimate(group="regime", unit="statistic", reads=("close",), min_bars=window, undefined=NOT_POSITIVE)
def kpss_statistic(bars: Bars, *, period: StationarityPeriod = 500) -> ToolValue:
    """KPSS statistic: the evidence against a price that stays around one level.

    Use it beside `adf_p_value`: a price that comes back has a low p-value there and a statistic under 0.46
    here. A slow return is often over it.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of closes, 100 to 5000.

    Returns
    -------
    float
        Over 0; the 10, 5 and 1 % points are 0.347, 0.463 and 0.739.

    Notes
    -----
    sum of S_t^2 / (n^2 s^2), S the partial sums of log closes less their mean, s^2 their long-run variance
    with Bartlett's weights and the number of lags that Hobijn, Franses and Ooms choose. Of prices that do
    come back, in 500 bars, 14 % are over the 5 % point with a half-life of 3 bars, 30 % with one of 10 and
    74 % with one of 34: over it says little, under it much.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` bars. Look-ahead: none. Cost: 1 ms, and 2 s once for the import.

    References
    ----------
    Kwiatkowski, D., Phillips, P. C. B., Schmidt, P., Shin, Y. (1992). Testing the null hypothesis of
    stationarity against the alternative of a unit root. Journal of Econometrics 54, table 1.
    Hobijn, B., Franses, P. H., Ooms, M. (2004). Generalizations of the KPSS-test for stationarity.
    Statistica Neerlandica 58(4).
    """
    logs = _logs(bars, period)
    if isinstance(logs, ToolValue):
        return logs
    from statsmodels.tsa.stattools import kpss  # type: ignore[import-untyped]  # has no types

    # Its warning is about the p-value, whose table has four entries; the statistic is exact.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = kpss((logs - logs.mean()) / logs.std(), nlags="auto", result_object=True)
    return ToolValue(float(found.statistic), period)


def _dickey_fuller(values: Float1D, constant: str, n_variables: int) -> UnitRootTest | None:
    from statsmodels.tools.sm_exceptions import (  # type: ignore[import-untyped]  # has no types
        SingularMatrixWarning,
    )
    from statsmodels.tsa.adfvalues import mackinnonp  # type: ignore[import-untyped]  # has no types
    from statsmodels.tsa.stattools import adfuller

    # In units of the spread: the unit of the values is not to decide a pivot.
    scaled = (values - values.mean()) / values.std()
    with warnings.catch_warnings():
        warnings.simplefilter("error", SingularMatrixWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            statistic = float(adfuller(scaled, regression=constant, result_object=True).statistic)
        except (SingularMatrixWarning, RuntimeWarning):
            return None
    if abs(statistic) > _NO_RESIDUAL:
        return None
    return UnitRootTest(statistic, float(mackinnonp(statistic, regression="c", N=n_variables)))


def _tested(bars: Bars, period: int) -> UnitRootTest | ToolValue:
    return shared(_unit_root_of, bars, period)


def _unit_root_of(bars: Bars, period: int) -> UnitRootTest | ToolValue:
    logs = _logs(bars, period)
    if isinstance(logs, ToolValue):
        return logs
    found = unit_root_test(logs)
    return ToolValue(None, period, _NO_TEST) if found is None else found


def _logs(bars: Bars, period: int) -> Float1D | ToolValue:
    logs = log_price(bars.close[len(bars) - period :])
    if not np.isfinite(logs).all():
        return ToolValue(None, period)
    still = why_still(np.diff(logs))
    return ToolValue(None, period, still) if still else logs
