"""Mean and variance of every window of a series, each window on its own.

A running sum would be faster and would carry one bar's rounding, or its NaN, to the end of the series.
Here a value depends on its window alone: windows that hold a missing value are unknown and no others, and
a window of equal values has a variance of exactly 0.
"""

import numpy as np
import numpy.typing as npt

from contracts.market import Float1D


def rolling_mean(values: Float1D, period: int) -> Float1D:
    """Mean of the newest `period` values at each place; NaN where one of them is not finite.

    Use it for any window statistic that is a mean.

    Parameters
    ----------
    values : array of shape (n,)
        Any unit; NaN and infinity count as missing.
    period : int
        Length of the window, 1 or more.

    Returns
    -------
    array of shape (n,)
        Unit of `values`; NaN at the first `period` - 1 places.

    Notes
    -----
    x_0 + mean(x - x_0), x_0 the oldest of the window: exact for equal values and nothing is lost when the
    level is large beside the moves. Look-ahead: none. Cost: n x period, in time and in memory.

    References
    ----------
    Chan, T. F., Golub, G. H., LeVeque, R. J. (1983). Algorithms for computing the sample variance: shifting.
    """
    oldest, offsets = _windows(values, period)
    return _aligned(oldest + offsets.sum(axis=0) / period, len(values))


def rolling_variance(values: Float1D, period: int, *, ddof: int) -> Float1D:
    """Variance of the newest `period` values at each place; NaN where one of them is not finite.

    Use it with `ddof` 1 for an estimate from a sample and 0 for the spread of the window itself.

    Parameters
    ----------
    values : array of shape (n,)
        Any unit; NaN and infinity count as missing.
    period : int
        Length of the window, more than `ddof`.
    ddof : int
        The divisor is `period` - `ddof`.

    Returns
    -------
    array of shape (n,)
        Unit of `values`, squared; NaN at the first `period` - 1 places.

    Notes
    -----
    Two passes over x - x_0, x_0 the oldest of the window. Look-ahead: none. Cost: n x period, in time and
    in memory.

    References
    ----------
    Chan, T. F., Golub, G. H., LeVeque, R. J. (1983). Algorithms for computing the sample variance: shifting.
    """
    return rolling_moments(values, period, ddof=ddof)[1]


def rolling_moments(values: Float1D, period: int, *, ddof: int) -> tuple[Float1D, Float1D]:
    """Mean and variance of the newest `period` values at each place, for little more than the variance.

    Use it where both are wanted.

    Parameters
    ----------
    values : array of shape (n,)
        Any unit; NaN and infinity count as missing.
    period : int
        Length of the window, more than `ddof`.
    ddof : int
        The divisor of the variance is `period` - `ddof`.

    Returns
    -------
    tuple of two arrays of shape (n,)
        What `rolling_mean` and `rolling_variance` say, to the last bit.

    Notes
    -----
    See those two. Look-ahead: none.

    References
    ----------
    Chan, T. F., Golub, G. H., LeVeque, R. J. (1983). Algorithms for computing the sample variance: shifting.
    """
    oldest, offsets = _windows(values, period)
    mean = offsets.sum(axis=0) / period
    variance = np.square(offsets - mean).sum(axis=0) / (period - ddof)
    return _aligned(oldest + mean, len(values)), _aligned(variance, len(values))


def _windows(values: Float1D, period: int) -> tuple[Float1D, npt.NDArray[np.float64]]:
    if len(values) < period:
        return np.empty(0), np.empty((period, 0))
    finite = np.where(np.isfinite(values), values, np.nan)
    # Overlapping columns of one array, as sliding_window_view gives them at many times the cost.
    shape, step = (period, len(values) - period + 1), finite.itemsize
    windows = np.ndarray(shape, finite.dtype, finite, strides=(step, step))
    return windows[0], windows - windows[0]


def _aligned(known: Float1D, n: int) -> Float1D:
    values = np.full(n, np.nan)
    values[n - len(known) :] = known
    return values
