"""Which of two forecasts of volatility was closer, and whether that can be chance.

    loss of each forecast  ->  their difference, forecast by forecast  ->  Diebold and Mariano's test

What volatility was is itself only measured. QLIKE and the squared error rank forecasts as they would against
the true variance; most other losses, of absolute errors or of standard deviations, do not (Patton 2011).
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D

Loss: TypeAlias = Literal["qlike", "squared error"]

_EQUAL = 1e-9
FEWEST = 20
"""Forecasts that are compared at least."""


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """Corrected statistic and its two-sided p-value; None where the reason is given."""

    statistic: float | None
    p_value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ForecastComparison:
    """Mean losses of two forecasts; a difference over zero means that the other one was closer."""

    loss: Loss
    mean_loss_one: float
    mean_loss_other: float
    difference: float
    test: DieboldMariano
    n_obs: int


def compare_forecasts(
    realized: Float1D, one: Float1D, other: Float1D, *, loss: Loss = "qlike", horizon: int = 1
) -> ForecastComparison:
    """Mean losses of two forecasts of variance, their difference, and Diebold and Mariano's test of it.

    Use it on forecasts that were made before what they forecast was known.

    Parameters
    ----------
    realized : array of shape (n,)
        What was measured, n of 20 or more, in time order; variances over zero for QLIKE.
    one, other : array of shape (n,)
        What was forecast of the same places, in the same unit; over zero for QLIKE.
    loss : Loss
        "qlike" counts errors in proportion; "squared error" is ruled by the wildest days.
    horizon : int
        Steps ahead of each forecast, 1 or more and under n: errors of neighbours up to it overlap.

    Returns
    -------
    ForecastComparison
        Losses without unit for QLIKE, in units of `realized`, squared, for the squared error.

    Raises
    ------
    ToolInputError
        For series of different length, too few, or with values the loss cannot take.

    Notes
    -----
    QLIKE is realized / forecast - ln(realized / forecast) - 1. NaN policy: refused. Smallest sample: 20.
    Look-ahead: that of the forecasts. Cost: n x horizon.

    References
    ----------
    Patton, A. J. (2011). Volatility forecast comparison using imperfect volatility proxies. Journal of
    Econometrics 160(1), 246-256: why these two losses.
    Diebold, F. X., Mariano, R. S. (1995). Comparing predictive accuracy. Journal of Business and Economic
    Statistics 13(3), 253-263.
    """
    n = len(realized)
    if not len(one) == len(other) == n or n < FEWEST:
        raise ToolInputError(
            f"expected {FEWEST} or more values and as many of each forecast, found {n}, {len(one)} and "
            f"{len(other)}; give all three of the same places"
        )
    losses_one, losses_other = _losses(realized, one, loss), _losses(realized, other, loss)
    difference = losses_one - losses_other
    mean_one, mean_other, mean = (float(x.mean()) for x in (losses_one, losses_other, difference))
    return ForecastComparison(loss, mean_one, mean_other, mean, diebold_mariano(difference, horizon), n)


def diebold_mariano(difference: Float1D, horizon: int) -> DieboldMariano:
    """Diebold and Mariano's test that a mean difference of losses is zero, corrected for small samples.

    Use it on losses of any kind; `compare_forecasts` makes those of volatility.

    Parameters
    ----------
    difference : array of shape (n,)
        Loss of one forecast less that of the other, in time order; all finite.
    horizon : int
        Steps ahead of each forecast, 1 or more and under n.

    Returns
    -------
    DieboldMariano
        Statistic in standard errors; over zero where the first forecast lost more.

    Raises
    ------
    ToolInputError
        For a difference that is not finite, or a horizon that does not fit it.

    Notes
    -----
    mean(d) / sqrt(V / n) with V = gamma_0 + 2 (gamma_1 + ... + gamma_{h-1}), autocovariances with divisor n,
    times sqrt((n + 1 - 2 h + h (h - 1) / n) / n), against Student's t of n - 1 degrees of freedom. V can come
    out at or under zero with h over 1: no statistic then. Of nested models, as HAR in HARQ, the smaller one
    is favoured: where both would be equal, the larger one loses a little by what it has to estimate.

    References
    ----------
    Diebold, F. X., Mariano, R. S. (1995). Comparing predictive accuracy. Journal of Business and Economic
    Statistics 13(3), 253-263.
    Harvey, D., Leybourne, S., Newbold, P. (1997). Testing the equality of prediction mean squared errors.
    International Journal of Forecasting 13(2), 281-291: the correction and Student's t.
    """
    n = len(difference)
    if not 1 <= horizon < n or not np.isfinite(difference).all():
        raise ToolInputError(
            f"expected a horizon of 1 or more under the number of differences, all finite, found {horizon} "
            f"for {n} with {int((~np.isfinite(difference)).sum())} not finite; shorten it or mend them"
        )
    mean = float(difference.mean())
    around = difference - mean
    covariances = [float(around[lag:] @ around[: n - lag]) / n for lag in range(horizon)]
    variance = covariances[0] + 2 * sum(covariances[1:])
    # Equal differences are so but for their last bits.
    is_steady = np.ptp(difference) <= _EQUAL * np.abs(difference).max()
    if is_steady or not variance > 0:
        return DieboldMariano(None, None, "undefined: the difference of the losses has no variance over zero")
    correction = (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n
    statistic = mean / math.sqrt(variance / n) * math.sqrt(correction)
    return DieboldMariano(statistic, _two_sided(statistic, n - 1))


def _losses(realized: Float1D, forecast: Float1D, loss: Loss) -> Float1D:
    lowest = 0.0 if loss == "qlike" else -math.inf
    for name, values in (("realized", realized), ("forecast", forecast)):
        n_unfit = int((~(np.isfinite(values) & (values > lowest))).sum())
        if n_unfit:
            over = " and over zero" if loss == "qlike" else ""
            raise ToolInputError(
                f"expected {name} values to be finite{over}, found {n_unfit} of {len(values)} that are not; "
                "leave those places out of all three"
            )
    if loss == "squared error":
        return np.square(realized - forecast)
    ratio = realized / forecast
    return ratio - np.log(ratio) - 1


def _two_sided(statistic: float, degrees: int) -> float:
    from scipy.special import stdtr  # type: ignore[import-untyped]  # SciPy comes without types

    return float(2 * stdtr(degrees, -abs(statistic)))
