"""HAR beside HARQ on an instrument's own days, walked forward: the brain sees which one to trust.

Every forecast is fitted on the days before it and on all of them: the window grows. Both go through the
insanity filter, so that neither wins or loses by a line that left the range of what was seen.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.forecast_comparison import FEWEST, compare_forecasts
from tools.har import MONTH, Days, bars_for_days, fit_har, newest_days
from tools.harq import fit_harq, sane_forecast
from tools.log_prices import NOT_POSITIVE
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate

Walked: TypeAlias = Annotated[int, Bounds(FEWEST, 2500)]


@dataclass(frozen=True, slots=True)
class WalkedForecasts:
    """Forecasts of variance and what came, one row a day; a row is NaN where the past fixed no line."""

    realized: Float1D
    har: Float1D
    harq: Float1D
    n_replaced: int
    """Forecasts of either that were outside the range of what they were fitted on."""


def walk_har(values: Float1D, quarticity: Float1D, *, first: int) -> WalkedForecasts:
    """HAR and HARQ forecasts of each day from the days before it, in a window that grows.

    Use it with `compare_forecasts` to see which of the two is closer.

    Parameters
    ----------
    values : array of shape (n,)
        Realized variance of each day, oldest first; all finite.
    quarticity : array of shape (n,)
        Realized quarticity of the same days; all finite.
    first : int
        Days before the first one forecast, 27 or more and under n; about a year is usual.

    Returns
    -------
    WalkedForecasts
        n - `first` rows, in the unit of `values`.

    Raises
    ------
    ToolInputError
        When `first` does not leave a day to forecast, or is too few for a fit.

    Notes
    -----
    Look-ahead: none, row k reads the days before `first` + k. Cost: two regressions a day.

    References
    ----------
    Bollerslev, T., Patton, A. J., Quaedvlieg, R. (2016). Exploiting the errors: a simple approach for
    improved volatility forecasting. Journal of Econometrics 192(1), 1-18.
    """
    if not MONTH + 5 <= first < len(values):
        raise ToolInputError(
            f"expected the first forecast after {MONTH + 5} days or more and under {len(values)}, found "
            f"{first}; give more days or begin earlier"
        )
    forecasts = np.full((2, len(values) - first), np.nan)
    n_replaced = 0
    for row, until in enumerate(range(first, len(values))):
        past, precision = values[:until], quarticity[:until]
        har, harq = fit_har(past), fit_harq(past, precision)
        if har is None or harq is None:
            continue
        for model, expected in enumerate((har.forecast(past), harq.forecast(past, precision))):
            forecasts[model, row], is_sane = sane_forecast(expected, past[MONTH:])
            n_replaced += not is_sane
    return WalkedForecasts(values[first:], forecasts[0], forecasts[1], n_replaced)


def _bars_for(*, days: int, walked: int) -> int:
    return bars_for_days(days=days + walked)


@estimate(
    group="volatility", unit="standard errors", reads=("close",), min_bars=_bars_for, undefined=NOT_POSITIVE
)
def har_forecast_edge(bars: Bars, *, days: Days = 250, walked: Walked = 250) -> ToolValue:
    """Which daily forecast has been closer on this instrument: HARQ over zero, HAR under zero.

    Use it to choose between `harq_volatility` and `har_volatility`. Within -2 to 2 the difference can well be
    chance: then take either, and where they disagree trust neither far.

    Parameters
    ----------
    bars : Bars
        Closed bars shorter than a day, oldest first; times and closes are read.
    days : int
        Number of days the first forecast is fitted on, 60 to 2500; 22 more are read.
    walked : int
        Number of days forecast and compared, the newest ones, 20 to 2500.

    Returns
    -------
    float
        Diebold and Mariano's statistic on QLIKE losses, HAR's less HARQ's, in standard errors. One value, for
        the newest bar.

    Notes
    -----
    `compare_forecasts` on `walk_har`, one day ahead. Each day is forecast from the days before it alone. A
    warning says how many forecasts the insanity filter replaced. The test is for one look: asked every day
    until it is over 2, it will be. HAR is HARQ with one slope at zero, so that of two equally good ones the
    statistic favours HAR a little.

    NaN policy: none while one of the days holds a close that is missing or not over zero, or one of those
    compared did not move. Smallest sample: `days` + `walked` + 22 whole days of 6 bars or more on average.
    Look-ahead: none. Cost: some 0.5 ms a day walked.

    References
    ----------
    Diebold, F. X., Mariano, R. S. (1995). Comparing predictive accuracy. Journal of Business and Economic
    Statistics 13(3), 253-263.
    Patton, A. J. (2011). Volatility forecast comparison using imperfect volatility proxies. Journal of
    Econometrics 160(1), 246-256.
    """
    daily = newest_days(bars, days + walked)
    if isinstance(daily, ToolValue):
        return daily
    n_obs = len(bars) - int(daily.first_bar[0])
    rows = walk_har(daily.values, daily.quarticity, first=days + MONTH)
    if not (rows.realized > 0).all():
        return ToolValue(None, n_obs, "undefined: no price moved on one of the days compared")
    if np.isnan(rows.har).any():
        return ToolValue(None, n_obs, "undefined: these days do not determine the coefficients")
    if not (rows.har > 0).all() or not (rows.harq > 0).all():
        return ToolValue(None, n_obs, "undefined: a forecast of no movement at all has no QLIKE loss")
    test = compare_forecasts(rows.realized, rows.har, rows.harq).test
    replaced = f"{rows.n_replaced} of {2 * walked} forecasts were outside the range of the days before them"
    warnings = (f"{replaced}; the mean of those days took their place",) if rows.n_replaced else ()
    return ToolValue(test.statistic, n_obs, test.reason, warnings)
