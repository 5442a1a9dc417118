"""Almgren and Chriss' optimal execution: how to spread a trade over time when haste costs and delay is risky.

`trajectory` gives the schedule of least cost plus risk, `expected_cost` and `variance` say what any schedule
costs, `frontier` draws the choice between the two, `half_life` says how soon a schedule has sold most.

A position is what is held: positive to be sold, negative to be bought back. All costs are positive, against
the price before the first trade. Units are the caller's: any of time, money and quantity, kept throughout.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from contracts.errors import ToolInputError
from contracts.market import Float1D

_STRAIGHT = 1e-8
"""Of kappa x horizon: under it the bend of the schedule, of its square, is lost in rounding."""


@dataclass(frozen=True, slots=True)
class MarketImpact:
    """What trading does to the price, and what the price does by itself; ToolInputError if under zero."""

    permanent: float
    """Gamma: price that stays, per unit traded."""
    temporary: float
    """Eta: price for the moment, per unit traded in a unit of time."""
    fixed: float
    """Epsilon: price per unit, whatever the size; half the spread and fees."""
    volatility: float
    """Sigma: standard deviation of the price after a unit of time; it grows with the root of time."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not (math.isfinite(value) and value >= 0):
                raise ToolInputError(
                    f"expected {each.name} at or over zero, found {value!r}; measure it anew",
                    parameter=each.name,
                )


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A position worked down in equal intervals."""

    time: Float1D
    """When each holding is reached, from 0 to the horizon, shape (n + 1,)."""
    holdings: Float1D
    """What is still held then, shape (n + 1,): the position first, 0 last."""
    trades: Float1D
    """What is sold in each interval, shape (n,); negative is bought."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """Cost and risk of the best schedule at each risk aversion, ready to be drawn."""

    risk_aversion: Float1D
    expected_cost: Float1D
    variance: Float1D


def trajectory(
    position: float, impact: MarketImpact, *, horizon: float, intervals: int, risk_aversion: float
) -> Trajectory:
    """The schedule of least expected cost plus `risk_aversion` times variance.

    Use it to split a trade that is large for its market; for one that is not, trade at once.

    Parameters
    ----------
    position : float
        What is held and must go, in units; negative is bought back.
    impact : MarketImpact
        Of the market it is traded in.
    horizon : float
        Time in which it must be done, over 0.
    intervals : int
        Number of equal intervals, 1 or more.
    risk_aversion : float
        Cost one would pay to be rid of a unit of variance, per money, 0 or more. 0 gives equal trades.

    Returns
    -------
    Trajectory
        `intervals` trades that add up to the position.

    Notes
    -----
    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T), with kappa as for `half_life`; computed by exponentials
    that do not overflow. kappa to 0 is the straight line, kappa to infinity all of it in the
    first interval. Smallest sample: none. Look-ahead: none. Cost: `intervals` steps.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 2.2.
    """
    _positive("horizon", horizon)
    if intervals < 1:
        raise ToolInputError(
            f"expected 1 interval or more, found {intervals}; give one", parameter="intervals"
        )
    if not math.isfinite(position):
        raise ToolInputError(
            f"expected a finite position, found {position!r}; give one", parameter="position"
        )
    kappa = _kappa(impact, horizon / intervals, risk_aversion)
    step = np.arange(intervals + 1) / intervals
    holdings = position * _shares_left(step, kappa * horizon)
    return Trajectory(step * horizon, holdings, -np.diff(holdings))


def expected_cost(schedule: Trajectory, impact: MarketImpact) -> float:
    """What a schedule is expected to cost, against the price before its first trade.

    Use it on any schedule, optimal or not, to compare.

    Parameters
    ----------
    schedule : Trajectory
        What is traded when.
    impact : MarketImpact
        Of the market it is traded in.

    Returns
    -------
    float
        Money, 0 or more.

    Notes
    -----
    gamma X^2 / 2 + epsilon sum |n_k| + (eta - gamma tau / 2) / tau sum n_k^2, with tau the
    interval. Look-ahead: none.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 1.5.
    """
    position, interval = schedule.holdings[0], schedule.time[1]
    squares = np.square(schedule.trades).sum()
    fixed = impact.fixed * np.abs(schedule.trades).sum()
    haste = _temporary_less_permanent(impact, interval) / interval * squares
    return float(impact.permanent * position**2 / 2 + fixed + haste)


def variance(schedule: Trajectory, impact: MarketImpact) -> float:
    """Variance of what a schedule will cost, from the price's own moves while it runs.

    Use its square root beside `expected_cost`: the two add up to what one must be ready to pay.

    Parameters
    ----------
    schedule : Trajectory
        What is traded when.
    impact : MarketImpact
        Of the market it is traded in; only its volatility is read.

    Returns
    -------
    float
        Money squared; 0 where everything goes in the first interval.

    Notes
    -----
    sigma^2 tau sum of x_k^2 over the holdings after each trade. What is traded in an interval is taken
    as traded at its start, so that one interval carries no risk. Look-ahead: none.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 1.4.
    """
    still_held = np.square(schedule.holdings[1:]).sum()
    return float(impact.volatility**2 * schedule.time[1] * still_held)


def half_life(impact: MarketImpact, *, interval: float, risk_aversion: float) -> float:
    """Time in which the best schedule works a large position down by a factor of e.

    Use it to see whether a horizon binds: with one far over it most is gone early, far under it the schedule
    is nearly a straight line.

    Parameters
    ----------
    impact : MarketImpact
        Of the market it is traded in.
    interval : float
        Time between trades, over 0.
    risk_aversion : float
        As for `trajectory`.

    Returns
    -------
    float
        Time; infinite where there is no risk or no aversion to it.

    Notes
    -----
    1 / kappa, 2 (cosh(kappa tau) - 1) = tau^2 lambda sigma^2 / (eta - gamma tau / 2). The paper calls it the
    trade's half-life; it is the time to 1 / e, not to one half. The position does not enter. Look-ahead:
    none.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 2.3.
    """
    kappa = _kappa(impact, interval, risk_aversion)
    return 1 / kappa if kappa > 0 else math.inf


def frontier(
    position: float, impact: MarketImpact, *, horizon: float, intervals: int, risk_aversions: Float1D
) -> Frontier:
    """Expected cost and variance of the best schedule at each of several risk aversions.

    Use it to show the choice: below its curve no schedule exists, above it every one wastes money or bears
    risk for nothing.

    Parameters
    ----------
    position : float
        As for `trajectory`.
    impact : MarketImpact
        Of the market it is traded in.
    horizon : float
        Time in which it must be done, over 0.
    intervals : int
        Number of equal intervals, 1 or more.
    risk_aversions : array of shape (n,)
        Per money, 0 or more; in any order.

    Returns
    -------
    Frontier
        Arrays of shape (n,): money, and money squared.

    Notes
    -----
    As risk aversion grows the cost rises and the variance falls; the curve is convex. Look-ahead: none. Cost:
    n schedules.

    References
    ----------
    Almgren, R., Chriss, N. (2000). Optimal execution of portfolio transactions. Journal of Risk 3(2), 5-39,
    section 2.4.
    """
    best = [
        trajectory(position, impact, horizon=horizon, intervals=intervals, risk_aversion=aversion)
        for aversion in risk_aversions.tolist()
    ]
    costs = np.array([expected_cost(schedule, impact) for schedule in best], dtype=np.float64)
    variances = np.array([variance(schedule, impact) for schedule in best], dtype=np.float64)
    return Frontier(risk_aversions.astype(np.float64), costs, variances)


def _kappa(impact: MarketImpact, interval: float, risk_aversion: float) -> float:
    """Rate at which the best schedule works a position down, per unit of time."""
    _positive("interval", interval)
    if not (math.isfinite(risk_aversion) and risk_aversion >= 0):
        raise ToolInputError(
            f"expected a risk aversion at or over zero, found {risk_aversion!r}; 0 cares for cost alone",
            parameter="risk_aversion",
        )
    resistance = _temporary_less_permanent(impact, interval)
    # 2 asinh(z / 2) is arccosh(1 + z^2 / 2) without its loss of digits near 1.
    scaled = math.sqrt(risk_aversion) / math.sqrt(resistance) * impact.volatility * interval
    return 2 * math.asinh(scaled / 2) / interval


def _temporary_less_permanent(impact: MarketImpact, interval: float) -> float:
    left = impact.temporary - impact.permanent * interval / 2
    if not left > 0:
        raise ToolInputError(
            f"expected a temporary impact over half the permanent one of an interval, found "
            f"{impact.temporary:g} against {impact.permanent * interval / 2:g}; give shorter intervals",
            parameter="intervals",
        )
    return left


def _shares_left(step: Float1D, bend: float) -> Float1D:
    """sinh(bend (1 - step)) / sinh(bend), without its overflow."""
    if bend < _STRAIGHT:
        return 1 - step
    lost = np.expm1(-2 * bend * (1 - step))
    left: Float1D = np.exp(-bend * step) * (lost / lost[0])
    return left


def _positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ToolInputError(f"expected {name} over zero, found {value!r}; give one", parameter=name)
