"""Corsi's HAR model: tomorrow's realized variance from that of the last day, week and month.

`daily_realized_variance` makes days out of intraday bars, `fit_har` regresses, `har_volatility` is the tool;
`harq.py` has the model that weighs how well the last day was measured.

A day ends at 17:00 New York: the forex day, and a cut that no session of a stock exchange or of the CME's
futures crosses. Only whole days count. The first one of the bars lacks its first return and is left out; the
newest one is whole once a bar closes at the cut or after it.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from contracts.market import Bars, Float1D, Int1D
from tools.log_prices import NOT_POSITIVE, log_returns
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.windows import rolling_mean

Days: TypeAlias = Annotated[int, Bounds(60, 2500)]

WEEK, MONTH = 5, 22
_HOUR_MS = 3_600_000
_CUT = ZoneInfo("America/New_York")
_FEWEST_BARS_A_DAY = 6
_POWER = 4 / 3
_MEAN_POWER = 2 ** (_POWER / 2) * math.gamma((_POWER + 1) / 2) / math.gamma(1 / 2)
"""E|z|^(4/3) of a standard normal z."""


@dataclass(frozen=True, slots=True)
class DailyVariance:
    """Realized variance of whole days, oldest first; `first_bar` is where each day begins in the bars."""

    values: Float1D
    first_bar: Int1D
    bars_a_day: float
    quarticity: Float1D
    """How uncertain each variance is: a day of n returns has a standard error of sqrt(2 quarticity / n)."""
    tripower_quarticity: Float1D
    """The same with little weight on jumps; NaN for a day of fewer than three returns."""

    def newest(self, count: int) -> "DailyVariance":
        """The last `count` days."""
        return DailyVariance(
            self.values[-count:],
            self.first_bar[-count:],
            self.bars_a_day,
            self.quarticity[-count:],
            self.tripower_quarticity[-count:],
        )


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
    """Realized variance of each whole day: the sum of its bars' squared log returns; and its quarticity.

    Use it to make days out of intraday bars, for `fit_har` and `fit_harq`.

    Parameters
    ----------
    bars : Bars
        Closed bars shorter than a day, oldest first; times and closes are read.

    Returns
    -------
    DailyVariance
        Squared log returns per day, and the fourth power of log returns per day for both quarticities; NaN
        for a day with a close that is missing or not over zero.

    Notes
    -----
    The first return of a day is from the last close before it, so that a night or a weekend is counted.
    Days without bars do not exist. With n returns a day, quarticity is n / 3 sum of r_i^4, and tripower
    quarticity n^2 / (n - 2) m^-3 sum of |r_i r_{i-1} r_{i-2}|^(4/3) over the neighbours of one day, m the
    mean of |z|^(4/3) for a standard normal z; without jumps both estimate the integral of sigma^4 over the
    day. Look-ahead: none; a day is there once it is over. Cost: n steps.

    References
    ----------
    Andersen, T. G., Bollerslev, T., Diebold, F. X., Labys, P. (2003). Modeling and forecasting realized
    volatility. Econometrica 71(2).
    Barndorff-Nielsen, O. E., Shephard, N. (2002). Econometric analysis of realized volatility and its use in
    estimating stochastic volatility models. J. Royal Statistical Society B 64(2): quarticity.
    Andersen, T. G., Bollerslev, T., Diebold, F. X. (2007). Roughing it up: including jump components in the
    measurement, modeling, and forecasting of return volatility. Review of Economics and Statistics 89(4):
    tripower quarticity.
    """
    if len(bars) == 0:
        return DailyVariance(np.empty(0), np.empty(0, np.int64), 0.0, np.empty(0), np.empty(0))
    # A bar that closes at the cut belongs to the day that ends there.
    day = _day(bars.close_time - 1)
    _, first_bar, place = np.unique(day, return_index=True, return_inverse=True)
    returns = log_returns(bars.close)
    sums = np.bincount(place, np.square(returns)).astype(np.float64)
    is_newest_over = _day(bars.close_time[-1:])[0] > day[-1]
    until = len(sums) if is_newest_over else len(sums) - 1
    n_bars = (len(bars) if is_newest_over else int(first_bar[-1])) - int(first_bar[min(1, len(sums) - 1)])
    whole, bars_a_day = slice(1, until), n_bars / max(until - 1, 1)
    fourth, tripower = _quarticities(returns, place.astype(np.int64))
    return DailyVariance(sums[whole], first_bar[whole], bars_a_day, fourth[whole], tripower[whole])


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


def bars_for_days(*, days: int) -> int:
    """The fewest bars that can hold `days` whole days and the month before them."""
    return _FEWEST_BARS_A_DAY * (days + MONTH)


def newest_days(bars: Bars, days: int) -> DailyVariance | ToolValue:
    """The newest `days` whole days and the month before them, all known, or why there are none such."""
    daily, needed = daily_realized_variance(bars), days + MONTH
    if len(daily.values) < needed:
        return ToolValue(None, len(bars), f"needs {needed} whole days, has {len(daily.values)}")
    newest = daily.newest(needed)
    n_obs = len(bars) - int(newest.first_bar[0])
    if newest.bars_a_day < _FEWEST_BARS_A_DAY:
        few = f"needs {_FEWEST_BARS_A_DAY} bars a day, has {newest.bars_a_day:.1f}"
        return ToolValue(None, n_obs, few)
    return newest if np.isfinite(newest.values).all() else ToolValue(None, n_obs)


@estimate(
    group="volatility",
    unit="log return per day",
    reads=("close",),
    min_bars=bars_for_days,
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
    daily = newest_days(bars, days)
    if isinstance(daily, ToolValue):
        return daily
    n_obs, values = len(bars) - int(daily.first_bar[0]), daily.values
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


def _quarticities(returns: Float1D, day: Int1D) -> tuple[Float1D, Float1D]:
    n = np.bincount(day).astype(np.float64)
    fourth = n / 3 * np.bincount(day, returns**4)
    sizes = np.abs(returns) ** _POWER
    triples = np.zeros(len(sizes))
    triples[2:] = np.where(day[2:] == day[:-2], sizes[2:] * sizes[1:-1] * sizes[:-2], 0.0)
    n_triples = np.where(n > 2, n - 2, np.nan)
    tripower = n**2 / n_triples / _MEAN_POWER**3 * np.bincount(day, triples)
    return fourth, tripower


def _day(moments: Int1D) -> Int1D:
    """Number of the day that ends at the next 17:00 New York."""
    hours, place = np.unique(moments // _HOUR_MS, return_inverse=True)
    # Clocks there change on the whole UTC hour.
    zone = [datetime.fromtimestamp(hour * 3600, UTC).astimezone(_CUT).utcoffset() for hour in hours.tolist()]
    offsets = np.array([0 if offset is None else round(offset.total_seconds()) for offset in zone])
    local = moments // 1000 + offsets[place]
    days: Int1D = (local + 7 * 3600) // 86_400
    return days
