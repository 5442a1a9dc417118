"""The HARQ model: HAR with less weight on a last day whose variance was measured badly.

`fit_harq` regresses, `harq_volatility` is the tool. The days come from `daily_realized_variance`.

The slope on the newest day moves with its quarticity, so that a day beyond all that was fitted can bring the
line anywhere, under zero as well. `sane_forecast` is the model's own remedy, and part of it.
"""

import math
from dataclasses import dataclass

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tools.har import MONTH, WEEK, Days, bars_for_days, newest_days
from tools.log_prices import NOT_POSITIVE
from tools.registry import ToolValue, estimate
from tools.windows import rolling_mean


@dataclass(frozen=True, slots=True)
class HarqFit:
    """Coefficients of the regression, and on how many days it was fitted.

    `day` is the slope on the last day where it was measured as well as days are on average; `precision` is
    by how much it changes per unit of the root of quarticity over `centre`, usually under zero.
    """

    constant: float
    day: float
    week: float
    month: float
    precision: float
    centre: float
    n_obs: int

    def forecast(self, values: Float1D, quarticity: Float1D) -> float:
        """Variance to expect of the day after the newest of `values`; it needs a month of them."""
        week, month = values[-WEEK:].mean(), values[-MONTH:].mean()
        day = self.day + self.precision * (math.sqrt(quarticity[-1]) - self.centre)
        return float(self.constant + day * values[-1] + self.week * week + self.month * month)


def fit_harq(values: Float1D, quarticity: Float1D) -> HarqFit | None:
    """Ordinary least squares of each day's variance on the past, the last day weighed by its quarticity.

    Use it on whole days up to now, and `forecast` of its result for the day that follows.

    Parameters
    ----------
    values : array of shape (n,)
        Realized variance of each day, oldest first, any unit; all finite.
    quarticity : array of shape (n,)
        Realized quarticity of the same days, any unit, all finite and at or over zero; tripower quarticity
        does as well.

    Returns
    -------
    HarqFit or None
        Fitted on n - 22 days; None where they do not determine five coefficients.

    Raises
    ------
    ToolInputError
        When the two do not have the same days, or a quarticity is under zero.

    Notes
    -----
    RV_t = constant + (day + precision (sqrt(RQ_{t-1}) - centre)) RV_{t-1}
    + week (mean of RV_{t-5}..RV_{t-1}) + month (mean of RV_{t-22}..RV_{t-1}), centre = sqrt(mean RQ) over all
    days given. The centre moves `day` and no forecast. Smallest sample: 27 days; under a few hundred the
    coefficients are mostly noise. Look-ahead: the fit sees every day it is given, so give it the past. Cost:
    one regression, some 0.1 ms for 1,000 days.

    References
    ----------
    Bollerslev, T., Patton, A. J., Quaedvlieg, R. (2016). Exploiting the errors: a simple approach for
    improved volatility forecasting. Journal of Econometrics 192(1), 1-18: the HARQ model.
    """
    if len(values) != len(quarticity) or (quarticity < 0).any():
        raise ToolInputError(
            f"expected a quarticity at or over zero for each of {len(values)} days, found {len(quarticity)} "
            f"with {int((quarticity < 0).sum())} under zero; give those of the same days"
        )
    size, centre = (float(x.mean()) if len(x) else 0.0 for x in (values, quarticity))
    if not (size > 0 and centre > 0):
        return None
    # In units of their means, as in `fit_har`.
    scaled, spread = values / size, np.sqrt(quarticity / centre) - 1
    past = (
        np.ones(len(scaled)),
        scaled,
        rolling_mean(scaled, WEEK),
        rolling_mean(scaled, MONTH),
        spread * scaled,
    )
    design, target = np.column_stack(past)[MONTH - 1 : -1], scaled[MONTH:]
    coefficients, _, rank, _ = np.linalg.lstsq(design, target, rcond=None)
    if rank < len(past):
        return None
    constant, day, week, month, precision = coefficients.tolist()
    root = math.sqrt(centre)
    return HarqFit(constant * size, day, week, month, precision / root, root, len(target))


def sane_forecast(expected: float, seen: Float1D) -> tuple[float, bool]:
    """`expected`, or the mean of `seen` where it is outside their range, and whether it was inside.

    Use it on a forecast of variance before anything is made of it.

    Parameters
    ----------
    expected : float
        What the fitted line says.
    seen : array of shape (n,)
        The variances the line was fitted to, n of 1 or more.

    Returns
    -------
    tuple of float and bool
        Unit of `seen`; False where it is their mean.

    Notes
    -----
    The insanity filter: what no past day has shown is no information, and then the mean is the better guess.
    The range ends at the least of `seen`, as in the paper; R's highfrequency lets its fitted values down to
    zero. Look-ahead: none.

    References
    ----------
    Bollerslev, T., Patton, A. J., Quaedvlieg, R. (2016). Exploiting the errors: a simple approach for
    improved volatility forecasting. Journal of Econometrics 192(1), 1-18.
    Swanson, N. R., White, H. (1997). Forecasting economic time series using flexible versus fixed
    specification and linear versus nonlinear econometric models. International Journal of Forecasting 13(4).
    """
    is_sane = bool(seen.min() <= expected <= seen.max())
    return (expected if is_sane else float(seen.mean())), is_sane


@estimate(
    group="volatility",
    unit="log return per day",
    reads=("close",),
    min_bars=bars_for_days,
    undefined=NOT_POSITIVE,
)
def harq_volatility(bars: Bars, *, days: Days = 250) -> ToolValue:
    """HARQ forecast: the move to expect of the next trading day, with less trust in a day measured badly.

    Use it beside `har_volatility`, above all after a day of few, large moves: that day's variance says less
    than its size, and HARQ lets it fade faster. `har_forecast_edge` tells which of the two has been closer on
    this instrument.

    Parameters
    ----------
    bars : Bars
        Closed bars shorter than a day, oldest first; times and closes are read.
    days : int
        Number of days the regression is fitted on, 60 to 2500; 22 more are read.

    Returns
    -------
    float
        Standard deviation of a log return per day: 0.01 is one percent. One value, for the newest bar.

    Notes
    -----
    The square root of `HarqFit.forecast` on `daily_realized_variance`, quarticity n / 3 sum of r^4. A
    forecast outside the range of the days it was fitted on, under zero as well, is replaced by their mean,
    with a warning (`sane_forecast`): in the middle of a storm the value is then too low. A day in progress is
    not read.

    NaN policy: none while one of the days holds a close that is missing or not over zero. Smallest sample:
    `days` + 22 whole days of 6 bars or more on average; of hourly bars quarticity itself is a rough figure,
    the paper has 5-minute returns. Look-ahead: none. Cost: some 3 us a bar it is given.

    References
    ----------
    Bollerslev, T., Patton, A. J., Quaedvlieg, R. (2016). Exploiting the errors: a simple approach for
    improved volatility forecasting. Journal of Econometrics 192(1), 1-18.
    """
    daily = newest_days(bars, days)
    if isinstance(daily, ToolValue):
        return daily
    n_obs, values = len(bars) - int(daily.first_bar[0]), daily.values
    fit = fit_harq(values, daily.quarticity)
    if fit is None:
        return ToolValue(None, n_obs, "undefined: these days do not determine the coefficients")
    expected, is_sane = sane_forecast(fit.forecast(values, daily.quarticity), values[MONTH:])
    replaced = (
        "the forecast was outside the range of the days it was fitted on; their mean is given in its place"
    )
    return ToolValue(math.sqrt(expected), n_obs, None, () if is_sane else (replaced,))
