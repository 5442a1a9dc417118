"""Models of the volatility itself, fitted by maximum likelihood: GARCH, GJR-GARCH, EGARCH.

    returns, standardised  ->  `arch` fits  ->  variance of the next bar  ->  back to log returns

`fit_volatility` is the kernel; each tool is it on the newest `period` returns. Nothing is random: the same
returns give the same figures. Some searches end as converged where nothing is: here the likelihood must beat
that of a constant volatility, and an EGARCH must be at a top and forget where its recursion begins. A fit
that fails has no value and says why; one at the edge of what its model allows has a warning. `arch` comes in
with the first fit, and with it scipy and statsmodels: about two seconds, once.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np

from contracts.market import Bars, Float1D
from tools.log_prices import NOT_POSITIVE, log_returns
from tools.parameters import Bounds
from tools.registry import ToolValue, estimate
from tools.talib_guard import changes

if TYPE_CHECKING:
    from arch.univariate.base import ARCHModelResult

Model: TypeAlias = Literal["GARCH", "GJR-GARCH", "EGARCH"]
Sample: TypeAlias = Annotated[int, Bounds(250, 5000)]

# With the optimiser's own 1e-6 the fifth digit of alpha depends on the unit of the returns.
_FINE, _COARSE = 1e-10, 1e-8
_MOST_STEPS = 150
_EDGE = 1e-4
_SLACK = 1e-6
_STEEP = 0.005

# Where the search begins and how fine it ends; the first sound fit is taken. None is arch's choice, the
# others are usual values for standardised returns, in arch's order: mu, omega, alpha, (gamma,) beta.
# On the edge of what the model allows, rounding can stop a search that wants the finer end.
_Attempt: TypeAlias = tuple[tuple[float, ...] | None, float]
_ATTEMPTS: Mapping[Model, tuple[_Attempt, ...]] = {
    "GARCH": ((None, _FINE), (None, _COARSE), ((0.0, 0.05, 0.05, 0.9), _COARSE)),
    "GJR-GARCH": ((None, _FINE), (None, _COARSE), ((0.0, 0.05, 0.03, 0.04, 0.9), _COARSE)),
    "EGARCH": ((None, _FINE), ((0.0, 0.0, 0.1, 0.0, 0.95), _FINE), ((0.0, -0.3, 0.3, 0.0, 0.7), _FINE)),
}

# Two recursions of ln sigma2, begun this far apart, must come this near to each other, and never go so far.
_APART, _SAME, _FAR = math.log(4), 1e-3, 100.0
_MEAN_SIZE = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True)
class VolatilityFit:
    """A converged fit, in the unit of its returns: parameters by name, and what it says of the next one."""

    model: Model
    parameters: Mapping[str, float]
    log_likelihood: float
    next_volatility: float
    n_obs: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoFit:
    """Why there are no parameters."""

    reason: str


def fit_volatility(returns: Float1D, model: Model) -> VolatilityFit | NoFit:
    """Fit a model of volatility to returns and forecast that of the next one.

    Use it where the parameters are wanted; for the forecast alone there are the tools below.

    Parameters
    ----------
    returns : array of shape (n,)
        Oldest first, any unit; all finite.
    model : Model
        All of first order, with a constant mean and normal shocks.

    Returns
    -------
    VolatilityFit or NoFit
        Parameters under `arch`'s names: mu, omega, alpha[1], gamma[1], beta[1].

    Notes
    -----
    With e_t = r_t - mu and z_t = e_t / sigma_t:
    GARCH sigma2_t = omega + alpha e_{t-1}^2 + beta sigma2_{t-1};
    GJR-GARCH adds gamma e_{t-1}^2 where e_{t-1} < 0;
    EGARCH ln sigma2_t = omega + alpha (|z_{t-1}| - sqrt(2 / pi)) + gamma z_{t-1} + beta ln sigma2_{t-1}.
    The returns are divided by their standard deviation for the fit, and the figures brought back. The
    recursion starts from the returns' variance (arch's `backcast`), not from arch's weighted mean of the
    first ones: it is the start of the published benchmark.

    Look-ahead: the fit sees every return it is given, so give it the past. Cost: 20 to 60 ms for 500 to
    2,000 returns; up to a second for an EGARCH whose search goes astray.

    References
    ----------
    Bollerslev, T. (1986). Generalized autoregressive conditional heteroskedasticity. J. Econometrics 31(3).
    Glosten, L. R., Jagannathan, R., Runkle, D. E. (1993). On the relation between the expected value and the
    volatility of the nominal excess return on stocks. Journal of Finance 48(5).
    Nelson, D. B. (1991). Conditional heteroskedasticity in asset returns. Econometrica 59(2).
    Fiorentini, G., Calzolari, G., Panattoni, L. (1996). Analytic derivatives and the computation of GARCH
    estimates. Journal of Applied Econometrics 11(4): the benchmark.
    """
    scale = float(np.std(returns)) if len(returns) else 0.0
    if not scale > 0:
        return NoFit("undefined: no price has moved on these bars")
    standardised = returns / scale
    reason = ""
    for start, tolerance in _ATTEMPTS[model]:
        found = _fitted(standardised, model, start, tolerance)
        reason = _fault(found, model, standardised)
        if not reason:
            return _in_unit(found, model, scale)
    return NoFit(reason)


@estimate(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=changes,
    undefined=NOT_POSITIVE,
)
def garch_volatility(bars: Bars, *, period: Sample = 500) -> ToolValue:
    """GARCH(1,1) forecast: the size of move to expect of the next bar.

    Use it to size a position or a stop for the bar ahead. Other than a window or an exponential average it
    knows how fast a burst fades in this market, and to which level. A rise and a fall count alike.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns it is fitted on, 250 to 5000.

    Returns
    -------
    float
        Standard deviation of the next bar's log return: 0.001 is a tenth of a percent. One value, for the
        newest bar.

    Notes
    -----
    `fit_volatility` on the newest `period` log returns. No value where the fit did not converge. A warning
    where shocks never fade (alpha + beta is 1) or do not count (alpha is 0): the forecast is then little
    more than the newest level, or the average. It knows nothing of the time of day: on intraday bars it
    smooths over the usual hours of much and little movement.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: 20 to 60 ms, and 2 s once for the import.

    References
    ----------
    Bollerslev, T. (1986). Generalized autoregressive conditional heteroskedasticity. J. Econometrics 31(3).
    """
    return _expected(bars, period, "GARCH")


@estimate(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=changes,
    undefined=NOT_POSITIVE,
)
def gjr_garch_volatility(bars: Bars, *, period: Sample = 500) -> ToolValue:
    """GJR-GARCH forecast: the size of move to expect of the next bar, falls counted apart from rises.

    Use it for stock indices, where a fall raises volatility more than a rise of the same size. In forex
    expect it to say what `garch_volatility` says.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns it is fitted on, 250 to 5000.

    Returns
    -------
    float
        Standard deviation of the next bar's log return: 0.001 is a tenth of a percent. One value, for the
        newest bar.

    Notes
    -----
    `fit_volatility` on the newest `period` log returns; persistence is alpha + gamma / 2 + beta. No value
    where the fit did not converge, warnings as in `garch_volatility`.

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: 20 to 60 ms, and 2 s once for the import.

    References
    ----------
    Glosten, L. R., Jagannathan, R., Runkle, D. E. (1993). On the relation between the expected value and the
    volatility of the nominal excess return on stocks. Journal of Finance 48(5).
    """
    return _expected(bars, period, "GJR-GARCH")


@estimate(
    group="volatility",
    unit="log return per bar",
    reads=("close",),
    min_bars=changes,
    undefined=NOT_POSITIVE,
)
def egarch_volatility(bars: Bars, *, period: Sample = 500) -> ToolValue:
    """EGARCH forecast: the size of move to expect of the next bar, on a logarithmic scale.

    Use it as a second opinion beside `gjr_garch_volatility`: it too counts falls apart from rises, but one
    extreme bar moves it less in proportion. Where the two disagree, trust neither far.

    Parameters
    ----------
    bars : Bars
        Closed bars, oldest first; closes are read.
    period : int
        Number of returns it is fitted on, 250 to 5000.

    Returns
    -------
    float
        Standard deviation of the next bar's log return: 0.001 is a tenth of a percent. One value, for the
        newest bar.

    Notes
    -----
    `fit_volatility` on the newest `period` log returns; persistence is beta. No value where the fit did not
    converge, a warning where shocks never fade (beta is 1).

    NaN policy: none while the window holds a close that is missing or not over zero. Smallest sample:
    `period` + 1 bars. Look-ahead: none. Cost: 20 to 60 ms, up to
    1 s where the search goes astray, and 2 s once for the import.

    References
    ----------
    Nelson, D. B. (1991). Conditional heteroskedasticity in asset returns. Econometrica 59(2).
    """
    return _expected(bars, period, "EGARCH")


def _expected(bars: Bars, period: int, model: Model) -> ToolValue:
    n_obs = changes(period=period)
    returns = log_returns(bars.close[len(bars) - n_obs :])[1:]
    if not np.isfinite(returns).all():
        return ToolValue(None, n_obs)
    fit = fit_volatility(returns, model)
    if isinstance(fit, NoFit):
        return ToolValue(None, n_obs, fit.reason)
    return ToolValue(fit.next_volatility, n_obs, None, fit.warnings)


def _fitted(
    standardised: Float1D, model: Model, start: tuple[float, ...] | None, tolerance: float
) -> "ARCHModelResult":
    from arch.univariate import EGARCH, GARCH, ConstantMean

    order = 0 if model == "GARCH" else 1
    process = EGARCH(1, 1, 1) if model == "EGARCH" else GARCH(1, order, 1)
    fitter = ConstantMean(standardised, volatility=process, rescale=False)
    # The optimiser tries impossible places and says so; what it comes to is checked by `_fault`.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return fitter.fit(
            disp="off",
            show_warning=False,
            starting_values=None if start is None else np.array(start),
            backcast=float(np.var(standardised)),
            options={"ftol": tolerance, "maxiter": _MOST_STEPS},
        )


def _fault(found: "ARCHModelResult", model: Model, standardised: Float1D) -> str:
    if found.convergence_flag != 0:
        return f"the {model} fit did not converge: {found.optimization_result.message}"
    constant = -len(standardised) / 2 * (math.log(2 * math.pi * float(np.var(standardised))) + 1)
    if not found.loglikelihood > constant - _SLACK:
        return f"the {model} fit did not converge: it is worse than a volatility that never changes"
    if model == "EGARCH" and not _is_at_a_top(found):
        return "the EGARCH fit did not converge: the likelihood still rises where the search ended"
    if model == "EGARCH" and not _forgets_its_start(found.params.to_numpy(), standardised):
        return "the EGARCH fit has no use: its volatility depends on where the recursion begins"
    return ""


def _is_at_a_top(found: "ARCHModelResult") -> bool:
    # Only beta can be held back, by its bounds of 0 and 1; the others are free.
    slopes = np.abs(found.optimization_result.jac) / found.nobs
    beta = float(found.params.to_numpy()[-1])
    is_free = _EDGE < beta < 1 - _EDGE
    return float(slopes.max() if is_free else slopes[:-1].max()) < _STEEP


def _forgets_its_start(parameters: Float1D, standardised: Float1D) -> bool:
    # Such fits exist, with a likelihood better than any sound one: the recursion is then chaotic.
    mu, omega, alpha, gamma, beta = parameters.tolist()
    shocks = (standardised - mu).tolist()
    one, other = 0.0, _APART
    for shock in shocks:
        one, other = (
            omega + alpha * (abs(z) - _MEAN_SIZE) + gamma * z + beta * level
            for level, z in ((level, shock * math.exp(-level / 2)) for level in (one, other))
        )
        if not max(abs(one), abs(other)) < _FAR:
            return False
    return abs(one - other) < _SAME


def _in_unit(found: "ARCHModelResult", model: Model, scale: float) -> VolatilityFit:
    ahead = float(found.forecast(horizon=1, reindex=False).variance.to_numpy()[-1, 0])
    fitted = {str(name): float(value) for name, value in found.params.items()}
    restored = fitted | {"mu": fitted["mu"] * scale}
    if model == "EGARCH":
        restored["omega"] += (1 - fitted["beta[1]"]) * 2 * math.log(scale)
    else:
        restored["omega"] *= scale**2
    likelihood, n_obs = float(found.loglikelihood), int(found.nobs)
    return VolatilityFit(
        model,
        restored,
        likelihood - n_obs * math.log(scale),
        math.sqrt(ahead) * scale,
        n_obs,
        _at_the_edge(fitted, model),
    )


def _at_the_edge(parameters: Mapping[str, float], model: Model) -> tuple[str, ...]:
    alpha, beta = parameters["alpha[1]"], parameters["beta[1]"]
    gamma = parameters.get("gamma[1]", 0.0)
    persistence = beta if model == "EGARCH" else alpha + gamma / 2 + beta
    found = []
    if persistence >= 1 - _EDGE:
        found.append(f"in the {model} fit shocks never fade: persistence {persistence:.4f}")
    if model != "EGARCH" and max(alpha, alpha + gamma) <= _EDGE:
        found.append(f"in the {model} fit shocks do not count: alpha {alpha:.4f}, gamma {gamma:.4f}")
    return tuple(found)
