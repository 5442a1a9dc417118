"""A straight line through points, with how sure its slope is."""

import math
from dataclasses import dataclass

from contracts.market import Float1D


@dataclass(frozen=True, slots=True)
class Slope:
    """Least squares of y on x with a constant; the error is that of equal, uncorrelated residuals."""

    value: float
    standard_error: float
    constant: float
    n_obs: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Said where the slope is less than two standard errors from zero."""
        if abs(self.value) >= 2 * self.standard_error:
            return ()
        return (f"standard error {self.standard_error:.3g}: the slope is under two of them from zero",)


def fit_slope(x: Float1D, y: Float1D) -> Slope | None:
    """Slope of y on x by ordinary least squares.

    Use it where one quantity is asked for per unit of another, with its error.

    Parameters
    ----------
    x, y : arrays of shape (n,)
        Any unit, all finite.

    Returns
    -------
    Slope or None
        Unit of y per unit of x; None under three points and where x does not change.

    Notes
    -----
    value = S_xy / S_xx, error = sqrt(S_ee / (n - 2) / S_xx), S the sums of products of deviations from the
    means. Residuals that follow each other make the error too small. Smallest sample: 3. Cost: n steps.

    References
    ----------
    Greene, W. H. (2012). Econometric Analysis, 7th edition, chapter 4.
    """
    n = len(x)
    if n < 3 or x.min() == x.max():
        return None
    mean_x, mean_y = float(x.mean()), float(y.mean())
    dx, dy = x - mean_x, y - mean_y
    spread = float(dx @ dx)
    if not spread > 0:
        return None
    slope = float(dx @ dy) / spread
    residual = dy - slope * dx
    error = math.sqrt(float(residual @ residual) / (n - 2) / spread)
    return Slope(slope, error, mean_y - slope * mean_x, n)
