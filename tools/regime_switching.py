"""Two regimes of volatility and how likely the stressed one is now: Hamilton's Markov switching.

    returns, standardised  ->  EM from several begins  ->  the best  ->  filter  ->  P(stressed | past)

Fitted to the newest returns up to the newest bar and to nothing later. Smoothed probabilities, which know
what came after a bar, serve the fit alone and never leave it. Nothing is random: the same returns give the
same figures. Kernels: `regime_kernels.py`.
"""

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_returns, why_still
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.talib_guard import changes

RegimePeriod: TypeAlias = Annotated[int, Bounds(250, 5000)]

_FIRST_STEPS, _FIRST_GAIN = 40, 1e-4
_MOST_STEPS, _GAIN = 2000, 1e-7
_SHARES, _STAYS = (0.5, 0.75, 0.9), (0.8, 0.97)
_COLLAPSED = 1e-4
"""Of the variance of all: less is a state that shrank onto equal returns, whose likelihood has no end."""
_SHORT_STAY = 0.5
_N_MORE = 3
"""Parameters that a second state adds: a variance and two probabilities to stay."""


@dataclass(frozen=True, slots=True)
class Regimes:
    """Two states with one mean, the calm one first, in the unit of the returns."""

    mean: float
    volatility: tuple[float, float]
    stay: tuple[float, float]
    """Probability that the next bar is of the same state."""
    log_likelihood: float
    one_state_log_likelihood: float
    n_obs: int
    n_steps: int

    @property
    def are_two(self) -> bool:
        """Whether two states are worth three more parameters, by Schwarz's criterion."""
        gain = 2 * (self.log_likelihood - self.one_state_log_likelihood)
        return gain > _N_MORE * math.log(self.n_obs)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against trusting the states."""
        found = []
        if self.n_steps >= _MOST_STEPS:
            found.append(f"the fit did not converge in {_MOST_STEPS} steps")
        if not self.are_two:
            found.append("two states fit these returns no better than one (BIC)")
        elif self.stay[1] < _SHORT_STAY:
            found.append(
                f"the stressed state lasts {1 / (1 - self.stay[1]):.1f} bars: outliers and no regime"
            )
        return tuple(found)


def fit_regimes(returns: Float1D) -> Regimes | None:
    """Fit two volatility states to returns by maximum likelihood.

    Use it where the states themselves are wanted; for the newest bar alone there is `stressed_probability`.

    Parameters
    ----------
    returns : array of shape (n,)
        Oldest first, any unit, n of 100 or more; all finite.

    Returns
    -------
    Regimes or None
        Ordered by volatility; None where they do not move, or every search shrinks onto equal returns.

    Notes
    -----
    r_t = mu + sigma_s e_t, e normal; s follows a chain of first order that begins in its stationary law: the
    model of `statsmodels`' MarkovRegression with switching variance. EM from six begins, which split the
    returns by size at the median, the upper quarter and the upper tenth; the best after 40 steps is followed
    until a step gains under 1e-7 in log likelihood, and the next best where that one shrinks onto a few
    returns: there the likelihood has no end. Several tops may exist and the highest need not be found.

    Look-ahead: the fit sees every return it is given, so give it the past. Cost: 2 to 50 ms for 500 returns,
    and up to a second once for numba's import.

    References
    ----------
    Hamilton, J. D. (1989). A new approach to the economic analysis of nonstationary time series and the
    business cycle. Econometrica 57(2).
    Hamilton, J. D. (1990). Analysis of time series subject to changes in regime. J. of Econometrics 45: EM.
    Kim, C.-J. (1994). Dynamic linear models with Markov-switching. Journal of Econometrics 60: smoothing.
    """
    from tools.regime_kernels import climb

    scale = float(np.std(returns))
    if not scale > 0:
        return None
    x = np.ascontiguousarray(returns / scale)
    begins = [_begin(x, share, stay) for share in _SHARES for stay in _STAYS]
    heights = [climb(x, begin, _FIRST_STEPS, _FIRST_GAIN)[0] for begin in begins]
    for place in sorted(range(len(begins)), key=lambda at: -np.nan_to_num(heights[at], nan=-np.inf)):
        found = begins[place]
        height, n_steps = climb(x, found, _MOST_STEPS, _GAIN)
        if math.isfinite(height) and found[1:3].min() > _COLLAPSED:
            return _in_unit(found, height, n_steps, len(x), scale)
    return None


def filtered_stress(returns: Float1D, regimes: Regimes) -> Float1D:
    """Probability of the stressed state at each return, from that return and those before it.

    Use it with regimes that were fitted on earlier returns; on those they were fitted on, only the newest
    value is free of the future.

    Parameters
    ----------
    returns : array of shape (n,)
        Oldest first, in the unit of the fit; all finite.
    regimes : Regimes
        Parameters, from returns up to a moment that is known.

    Returns
    -------
    array of shape (n,)
        0 to 1.

    Notes
    -----
    Hamilton's filter, begun in the stationary law of the chain. Look-ahead: none beyond the parameters.
    Cost: 20 us for 500 returns.

    References
    ----------
    Hamilton, J. D. (1989). A new approach to the economic analysis of nonstationary time series and the
    business cycle. Econometrica 57(2), section 4.
    """
    from tools.regime_kernels import filter_states

    predicted, filtered = np.empty((len(returns), 2)), np.empty((len(returns), 2))
    variance, stay = np.square(regimes.volatility), np.array(regimes.stay)
    filter_states(np.ascontiguousarray(returns), regimes.mean, variance, stay, predicted, filtered)
    return filtered[:, 1].copy()


@estimate(group="regime", unit="probability", reads=("close",), min_bars=changes, undefined=NOT_POSITIVE)
def stressed_probability(bars: Bars, *, period: RegimePeriod = 500) -> ToolValue:
    """Probability that the newest bar belongs to the stressed one of two volatility regimes.

    Use it as a switch: near 0 the market is calm, near 1 its volatility is that of its stressed times. Unlike
    `volatility_percentile` it is quick, and knows how long regimes last here. A warning says where there are
    no two regimes to choose from.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns it is fitted on, 250 to 5000.

    Returns
    -------
    float
        0 to 1, for the newest bar.

    Notes
    -----
    The newest value of `filtered_stress` under `fit_regimes`, both on the newest `period` log returns. What
    is stressed is relative to these bars. A fit on one more bar may redraw the states, so that two values of
    neighbouring bars can differ by more than the bar tells. Hours of a trading day that are always calm and
    always busy make two states as well.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: 2 to 50 ms for 500 returns, and up to a second once for
    numba's import.

    References
    ----------
    Hamilton, J. D. (1989). A new approach to the economic analysis of nonstationary time series and the
    business cycle. Econometrica 57(2).
    """
    n_obs = changes(period=period)
    returns = log_returns(bars.close[len(bars) - n_obs :])[1:]
    if not np.isfinite(returns).all():
        return ToolValue(None, n_obs)
    if still := why_still(returns):
        return ToolValue(None, n_obs, still)
    regimes = fit_regimes(returns)
    if regimes is None:
        return ToolValue(None, n_obs, "the fit failed: one state shrank onto returns that are all equal")
    return ToolValue(float(filtered_stress(returns, regimes)[-1]), n_obs, None, regimes.warnings)


def _begin(x: Float1D, share: float, stay: float) -> Float1D:
    mean = float(x.mean())
    squares = np.sort(np.square(x - mean))
    cut = int(share * len(x))
    # A tenth of all variance: returns that do not move must not begin as a state of their own.
    low, high = max(float(squares[:cut].mean()), 0.1), float(squares[cut:].mean())
    return np.array([mean, low, max(high, 2 * low), stay, stay])


def _in_unit(found: Float1D, height: float, n_steps: int, n: int, scale: float) -> Regimes:
    low, high = (1, 2) if found[1] <= found[2] else (2, 1)
    volatility = (math.sqrt(found[low]) * scale, math.sqrt(found[high]) * scale)
    stay = (float(found[low + 2]), float(found[high + 2]))
    unit = n * math.log(scale)
    single = -n / 2 * (math.log(2 * math.pi) + 1) - unit
    return Regimes(float(found[0]) * scale, volatility, stay, float(height) - unit, single, n, n_steps)
