"""How fast a price comes back to its mean: the half-life of a first-order autoregression."""

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_price
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.talib_guard import NEVER_MOVED, window

ReversionPeriod: TypeAlias = Annotated[int, Bounds(60, 5000)]

NO_REVERSION = "undefined: no return to a mean is seen on these bars"
_TOO_FAST = "undefined: it turns back within a bar"
_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True)
class Reversion:
    """An autoregression of first order, x_t = c + phi x_{t-1} + e_t."""

    phi: float
    """As least squares gives it: too low on a short sample."""
    corrected_phi: float
    dickey_fuller: float
    """(phi - 1) over its standard error."""
    n_obs: int
    """Pairs of neighbours."""

    @property
    def half_life(self) -> float | None:
        """Values until half of a deviation is gone; None where phi is not between 0 and 1."""
        phi = self.corrected_phi
        return math.log(0.5) / math.log(phi) if 0 < phi < 1 else None

    @property
    def is_told_from_a_walk(self) -> bool:
        """Whether a random walk would give so low a Dickey-Fuller statistic less than once in twenty."""
        return self.dickey_fuller < critical_dickey_fuller(self.n_obs)

    @property
    def why_none(self) -> str:
        """Reason for the absent half-life."""
        return NO_REVERSION if self.corrected_phi >= 1 else _TOO_FAST


def fit_reversion(values: Float1D) -> Reversion | None:
    """Least squares of each value on the one before it, with the bias of short samples taken out.

    Use it on what may have a mean to come back to: a spread, a log price in a range.

    Parameters
    ----------
    values : array of shape (n,)
        Oldest first, any unit, n of 10 or more; all finite.

    Returns
    -------
    Reversion or None
        None where the values do not move.

    Notes
    -----
    Of m pairs the estimate lies (1 + 3 phi) / m too low on average; solved for phi, the corrected one is
    (m phi + 1) / (m - 3). Uncorrected, half-lives of a tenth of the sample and more come out at half their
    length. Look-ahead: it sees every value it is given. Cost: 0.1 ms.

    References
    ----------
    Kendall, M. G. (1954). Note on bias in the estimation of autocorrelation. Biometrika 41.
    Marriott, F. H. C., Pope, J. A. (1954). Bias in the estimation of autocorrelations. Biometrika 41.
    """
    offsets = values - values[0]
    before, after = offsets[:-1] - offsets[:-1].mean(), offsets[1:] - offsets[1:].mean()
    spread, m = float(before @ before), len(before)
    if not spread > 0:
        return None
    phi = float(before @ after) / spread
    rest = after - phi * before
    variance = float(rest @ rest) / (m - 2)
    exact = variance <= _ENOUGH * float(after @ after) / m
    ratio = -math.inf if exact else (phi - 1) / math.sqrt(variance / spread)
    return Reversion(phi, (m * phi + 1) / (m - 3), ratio, m)


def critical_dickey_fuller(n_obs: int) -> float:
    """What the Dickey-Fuller statistic of a random walk is under once in twenty (constant, no lags).

    MacKinnon, J. G. (2010). Critical values for cointegration tests, table 2: N = 1, constant, 5 %.
    """
    return -2.86154 - 2.8903 / n_obs - 4.234 / n_obs**2 - 40.04 / n_obs**3


@estimate(group="regime", unit="bars", reads=("close",), min_bars=window, undefined=NOT_POSITIVE)
def half_life(bars: Bars, *, period: ReversionPeriod = 250) -> ToolValue:
    """Half-life: bars until half of a price's distance from its mean is gone.

    Use it to set how long a trade against the move may take: a few half-lives, and no longer. Where there is
    no value, or a warning, do not trade on a return to the mean.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of closes, 60 to 5000; it cannot see half-lives over a tenth of it.

    Returns
    -------
    float
        Bars, over 0; a warning where a random walk would look the same.

    Notes
    -----
    ln(1/2) / ln(phi) of `fit_reversion` on log closes, the half-life of the Ornstein-Uhlenbeck process that
    is seen once a bar. No value where the corrected phi is 1 or more, as it is on half of all random walks,
    or 0 or less. The warning is where its Dickey-Fuller statistic is over the 5 % point.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` bars. Look-ahead: none. Cost: 0.2 ms.

    References
    ----------
    Kendall, M. G. (1954). Note on bias in the estimation of autocorrelation. Biometrika 41.
    MacKinnon, J. G. (2010). Critical values for cointegration tests. Queen's Economics Department 1227.
    """
    logs = log_price(bars.close[len(bars) - period :])
    if not np.isfinite(logs).all():
        return ToolValue(None, period)
    found = fit_reversion(logs)
    if found is None:
        return ToolValue(None, period, NEVER_MOVED)
    if found.half_life is None:
        return ToolValue(None, period, found.why_none)
    doubt = f"a random walk would look the same: Dickey-Fuller {found.dickey_fuller:.2f}"
    return ToolValue(found.half_life, period, None, () if found.is_told_from_a_walk else (doubt,))
