"""Corsi's HAR model: tomorrow's realized variance from that of the last day, week and month.

`daily_realized_variance` makes days out of intraday bars, `fit_har` regresses, `har_volatility` is the tool.

A day ends at 17:00 New York: the forex day, and a cut that no session of a stock exchange or of the CME's
futures crosses. Only whole days count. The first one of the bars lacks its first return and is left out; the
newest one is whole once a bar closes at the cut or after it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from contracts.market import Bars, Float1D, Int1D
from tools.log_prices import NOT_POSITIVE, log_returns
from tools.registry import Bounds, ToolValue, estimate
from tools.windows import rolling_mean

Days: TypeAlias = Annotated[int, Bounds(60, 2500)]

WEEK, MONTH = 5, 22
_HOUR_MS = 3_600_000
_CUT = ZoneInfo("America/New_York")
_FEWEST_BARS_A_DAY = 6


@dataclass(frozen=True, slots=True)
class DailyVariance:
    """Realized variance of whole days, oldest first; `first_bar` is where each day begins in the bars."""

    values: Float1D
    first_bar: Int1D
    bars_a_day: float


@dataclass(frozen=True, slots=True)
class HarFit:
    """Coefficients of the regression, and on how many days it was fitted."""

    constant: float
    day: float
    week: float
    month: float
    n_obs: int

    def forecast(self, values: Float1D) -> float:
        """Variance to expect of the day after the newest of `values`; it needs a month of them."""
        week, month = values[-WEEK:].mean(), values[-MONTH:].mean()
        return float(self.constant + self.day * values[-1] + self.week * week + self.month * month)


def daily_realized_variance(bars: Bars) -> DailyVariance:
    """Realized variance of each whole day: the sum of its bars' squared log returns.

    Use it to make days out of intraday bars, for `fit_har`.

    Parameters
    ----------
    bars : Bars
        Closed bars shorter than a day, oldest first; times and closes are read.

    Returns
    -------
    DailyVariance
        Squared log returns per day; NaN for a day with a close that is missing or not over zero.

    Notes
    -----
    The first return of a day is from the last close before it, so that a night or a weekend is counted.
    Days without bars do not exist. Look-ahead: none; a day is there once it is over. Cost: n steps.

    References
    ----------
    Andersen, T. G., Bollerslev, T., Diebold, F. X., Labys, P. (2003). Modeling and forecasting realized
    volatility. Econometrica 71(2).
    """
    if len(bars) == 0:
        return DailyVariance(np.empty(0), np.empty(0, np.int64), 0.0)
    # A bar that closes at the cut belongs to the day that ends there.
    day = _day(bars.close_time - 1)
    _, first_bar, place = np.unique(day, return_index=True, return_inverse=True)
    sums = np.bincount(place, np.square(log_returns(bars.close))).astype(np.float64)
    is_newest_over = _day(bars.close_time[-1:])[0] > day[-1]
    until = len(sums) if is_newest_over else len(sums) - 1
    n_bars = (len(bars) if is_newest_over else int(first_bar[-1])) - int(first_bar[min(1, len(sums) - 1)])
    return DailyVariance(sums[1:until], first_bar[1:until], n_bars / max(until - 1, 1))


def fit_har(values: Float1D) -> HarFit | None:
    """Ordinary least squares of each day's variance on the day, the week and the month before it.

    Use it on whole days up to now, and `forecast` of its result for the day that follows.

    Parameters
    ----------
    values : array of shape (n,)
        Realized variance of each day, oldest first, any unit; all finite.

    Returns
    -------
    HarFit or None
        Fitted on n - 22 days; None where they do not determine four coefficients.

    Notes
    -----
    RV_t = constant + day RV_{t-1} + week (mean of RV_{t-5}..RV_{t-1}) + month (mean of RV_{t-22}..RV_{t-1}).
    Smallest sample: 26 days; under a hundred the coefficients are mostly noise. Look-ahead: the fit sees
    every day it is given, so give it the past. Cost: one regression, some 0.1 ms for 1,000 days.

    References
    ----------
    Corsi, F. (2009). A simple approximate long-memory model of realized volatility. Journal of Financial
    Econometrics 7(2), 174-196, equation 10.
    """
    size = values.mean() if len(values) else 0.0
    if not size > 0:
        return None
    # In units of their mean, so that the constant's column is not a million times the others'.
    scaled = values / size
    past = (np.ones(len(scaled)), scaled, rolling_mean(scaled, WEEK), rolling_mean(scaled, MONTH))
    design = np.column_stack(past)[MONTH - 1 : -1]
    target = scaled[MONTH:]
    coefficients, _, rank, _ = np.linalg.lstsq(design, target, rcond=None)
    if rank < len(past):
        return None
    constant, day, week, month = coefficients.tolist()
    return HarFit(constant * float(size), day, week, month, len(target))


def _bars_for(*, days: int) -> int:
    return _FEWEST_BARS_A_DAY * (days + MONTH)


@estimate(
    group="volatility",
    unit="log return per day",
    reads=("close",),
    min_bars=_bars_for,
    undefined=NOT_POSITIVE,
)
def har_volatility(bars: Bars, *, days: Days = 250) -> ToolValue:
    """HAR-RV forecast: the size of move to expect of the trading day that follows the newest whole one.

    Use it on intraday bars to plan a day: it knows that volatility comes in long and short waves. For the
    next bar take `garch_volatility`. It needs a long history: a year of days by default.

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
    The square root of `HarFit.forecast` on `daily_realized_variance`. A day in progress is not read, so that
    the value stays the same until the next 17:00 New York. No value where the line forecasts a variance at
    or under zero; a warning where it forecasts one outside the range of the days it was fitted on.

    NaN policy: none while one of the days holds a close that is missing or not over zero. Smallest sample:
    `days` + 22 whole days of 6 bars or more on average. Look-ahead: none. Cost: some 3 us a bar it is given.

    References
    ----------
    Corsi, F. (2009). A simple approximate long-memory model of realized volatility. Journal of Financial
    Econometrics 7(2), 174-196.
    """
    daily, needed = daily_realized_variance(bars), days + MONTH
    if len(daily.values) < needed:
        return ToolValue(None, len(bars), f"needs {needed} whole days, has {len(daily.values)}")
    n_obs, values = len(bars) - int(daily.first_bar[-needed]), daily.values[-needed:]
    if daily.bars_a_day < _FEWEST_BARS_A_DAY:
        few = f"needs {_FEWEST_BARS_A_DAY} bars a day, has {daily.bars_a_day:.1f}"
        return ToolValue(None, n_obs, few)
    if not np.isfinite(values).all():
        return ToolValue(None, n_obs)
    fit = fit_har(values)
    if fit is None:
        return ToolValue(None, n_obs, "undefined: these days do not determine the coefficients")
    expected = fit.forecast(values)
    if expected <= 0:
        return ToolValue(None, n_obs, "undefined: the fitted line forecasts a variance that is not over zero")
    seen = values[MONTH:]
    is_seen = float(seen.min()) <= expected <= float(seen.max())
    warnings = () if is_seen else ("the forecast is outside the range of the days it was fitted on",)
    return ToolValue(float(np.sqrt(expected)), n_obs, None, warnings)


def _day(moments: Int1D) -> Int1D:
    """Number of the day that ends at the next 17:00 New York."""
    hours, place = np.unique(moments // _HOUR_MS, return_inverse=True)
    # Clocks there change on the whole UTC hour.
    zone = [datetime.fromtimestamp(hour * 3600, UTC).astimezone(_CUT).utcoffset() for hour in hours.tolist()]
    offsets = np.array([0 if offset is None else round(offset.total_seconds()) for offset in zone])
    local = moments // 1000 + offsets[place]
    days: Int1D = (local + 7 * 3600) // 86_400
    return days
