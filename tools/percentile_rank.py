"""Where a value stands among others, in percent: equal values share their ranks."""

import numpy as np
import numpy.typing as npt

from contracts.market import Float1D

_EQUAL = 1e-9


def percentile_rank(newest: Float1D, others: npt.NDArray[np.float64]) -> Float1D:
    """Percent of each row of `others` under the row's value, with half of those equal to it.

    Use it to tell how usual a value is beside its past.

    Parameters
    ----------
    newest : array of shape (n,)
        Values at or over zero, any unit.
    others : array of shape (n, m)
        What each is ranked among, itself left out.

    Returns
    -------
    array of shape (n,)
        0 to 100; NaN where the value or one of its row is not finite.

    Notes
    -----
    100 (n_under + n_equal / 2) / m. Values within 1e-9 of each other are equal: windows that differ by a bar
    without movement do so in their last bits. Look-ahead: that of the rows. Cost: n x m.

    References
    ----------
    Conover, W. J. (1999). Practical Nonparametric Statistics, 3rd edition: equal values share their ranks.
    """
    value = newest[:, None]
    margin = _EQUAL * value
    under, equal = (others < value - margin).sum(axis=1), (np.abs(others - value) <= margin).sum(axis=1)
    rank = 100.0 * (under + equal / 2) / others.shape[1]
    return np.where(np.isfinite(newest) & np.isfinite(others).all(axis=1), rank, np.nan)
