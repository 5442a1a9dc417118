"""Almgren and Chriss' schedules: against a search by scipy, twins of the definitions, and laws of scale."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize  # type: ignore[import-untyped]  # scipy brings no types

from contracts.errors import ToolInputError
from tools.almgren_chriss import (
    MarketImpact,
    Trajectory,
    expected_cost,
    frontier,
    half_life,
    trajectory,
    variance,
)

IMPACT = MarketImpact(permanent=0.2, temporary=2.0, fixed=0.05, volatility=0.9)
sizes = st.floats(0.01, 100)
aversions = st.floats(1e-4, 1e4)
some_intervals = st.integers(1, 40)
impacts = st.builds(
    MarketImpact,
    permanent=st.floats(0, 1),
    temporary=st.floats(1, 10),
    fixed=st.floats(0, 1),
    volatility=st.floats(0.01, 10),
)
"""Of intervals up to a unit of time."""


def plan(position: float, aversion: float, intervals: int = 8, impact: MarketImpact = IMPACT) -> Trajectory:
    return trajectory(position, impact, horizon=1.0, intervals=intervals, risk_aversion=aversion)


def plain_cost(trades: list[float], impact: MarketImpact, interval: float) -> float:
    """What the seller loses trade by trade, at prices that fall as the paper's equations say."""
    price, lost = 0.0, 0.0
    for trade in trades:
        got = price - impact.fixed * math.copysign(1, trade) - impact.temporary * trade / interval
        lost -= trade * got
        price -= impact.permanent * trade
    return lost


def plain_variance(trades: list[float], impact: MarketImpact, interval: float) -> float:
    held, total = sum(trades), 0.0
    for trade in trades:
        held -= trade
        total += impact.volatility**2 * interval * held**2
    return total


@given(sizes, aversions, some_intervals, impacts, st.sampled_from([-1, 1]))
def test_cost_and_variance_agree_with_trading_it_out(
    size: float, aversion: float, intervals: int, impact: MarketImpact, side: int
) -> None:
    found = plan(side * size, aversion, intervals, impact)
    trades = found.trades.tolist()
    assert expected_cost(found, impact) == pytest.approx(plain_cost(trades, impact, 1 / intervals), rel=1e-9)
    assert variance(found, impact) == pytest.approx(
        plain_variance(trades, impact, 1 / intervals), rel=1e-6, abs=1e-12 * size**2
    )


@pytest.mark.parametrize("aversion", [0.0, 0.5, 5.0, 50.0])
@pytest.mark.parametrize("side", [1, -1])
def test_search_over_all_schedules_finds_the_same_one(aversion: float, side: int) -> None:
    n, position = 6, 3.0 * side

    def wasted(free: np.ndarray) -> float:
        trades = [*free.tolist(), position - free.sum()]
        # Half the spread on each unit is the same for every schedule that trades one way.
        priced = replace(IMPACT, fixed=0.0)
        return plain_cost(trades, priced, 1 / n) + aversion * plain_variance(trades, priced, 1 / n)

    found = minimize(wasted, np.full(n - 1, position / n), method="BFGS", options={"gtol": 1e-8})
    ours = plan(position, aversion, n)
    np.testing.assert_allclose(found.x, ours.trades[:-1], atol=2e-5)
    assert wasted(ours.trades[:-1]) <= found.fun + 1e-12


@given(sizes, aversions, some_intervals, impacts)
def test_optimal_trades_satisfy_the_difference_equation(
    size: float, aversion: float, intervals: int, impact: MarketImpact
) -> None:
    # What stands for a minimum: x_{k-1} - 2 x_k + x_{k+1} = kappa~^2 tau^2 x_k inside.
    tau = 1 / intervals
    held = plan(size, aversion, intervals, impact).holdings
    pull = aversion * impact.volatility**2 / (impact.temporary - impact.permanent * tau / 2) * tau**2
    np.testing.assert_allclose(held[:-2] + held[2:] - 2 * held[1:-1], pull * held[1:-1], atol=1e-9 * size)


@given(sizes, aversions, some_intervals, impacts, st.sampled_from([-1, 1]))
def test_trades_go_one_way_add_up_to_the_position_and_never_grow(
    size: float, aversion: float, intervals: int, impact: MarketImpact, side: int
) -> None:
    found = plan(side * size, aversion, intervals, impact)
    assert len(found.time) == len(found.holdings) == len(found.trades) + 1 == intervals + 1
    assert found.time[[0, -1]].tolist() == [0.0, 1.0]
    assert (found.holdings[0], found.holdings[-1]) == (side * size, 0.0)
    assert found.trades.sum() == pytest.approx(side * size, rel=1e-12)
    assert (side * found.trades >= 0).all()
    assert (np.diff(side * found.trades) <= 1e-12 * size).all()


@given(sizes, aversions, aversions, some_intervals, impacts)
def test_more_aversion_costs_more_and_risks_less(
    size: float, one: float, other: float, intervals: int, impact: MarketImpact
) -> None:
    patient, hasty = (plan(size, aversion, intervals, impact) for aversion in sorted((one, other)))
    cost = expected_cost(patient, impact), expected_cost(hasty, impact)
    risk = variance(patient, impact), variance(hasty, impact)
    assert cost[0] <= cost[1] * (1 + 1e-12)
    assert risk[0] >= risk[1] * (1 - 1e-12)


@given(sizes, aversions, some_intervals, impacts)
def test_twice_the_quantity_is_traded_alike_at_four_times_the_variance(
    size: float, aversion: float, intervals: int, impact: MarketImpact
) -> None:
    once, twice = (plan(k * size, aversion, intervals, impact) for k in (1, 2))
    np.testing.assert_allclose(twice.holdings, 2 * once.holdings, rtol=1e-12)
    assert variance(twice, impact) == pytest.approx(4 * variance(once, impact))
    fixed = impact.fixed * size
    per_square = expected_cost(once, impact) - fixed
    assert expected_cost(twice, impact) == pytest.approx(4 * per_square + 2 * fixed)


@given(sizes, aversions, some_intervals, impacts)
def test_buying_back_costs_and_risks_what_selling_does(
    size: float, aversion: float, intervals: int, impact: MarketImpact
) -> None:
    sold, bought = (plan(side * size, aversion, intervals, impact) for side in (1, -1))
    np.testing.assert_array_equal(bought.holdings, -sold.holdings)
    assert expected_cost(bought, impact) == expected_cost(sold, impact)
    assert variance(bought, impact) == variance(sold, impact)


@given(sizes, aversions, some_intervals, impacts, st.floats(0.1, 10))
def test_another_unit_of_time_changes_nothing(
    size: float, aversion: float, intervals: int, impact: MarketImpact, unit: float
) -> None:
    # A rate of trading is `unit` times smaller and a variance a unit smaller in a shorter unit of time.
    other = replace(impact, temporary=impact.temporary * unit, volatility=impact.volatility / math.sqrt(unit))
    found = trajectory(size, other, horizon=unit, intervals=intervals, risk_aversion=aversion)
    same = plan(size, aversion, intervals, impact)
    np.testing.assert_allclose(found.holdings, same.holdings, rtol=1e-9, atol=1e-12 * size)
    assert expected_cost(found, other) == pytest.approx(expected_cost(same, impact))
    assert variance(found, other) == pytest.approx(variance(same, impact), abs=1e-12 * size**2)


@pytest.mark.parametrize("aversion", [0.0, 5e-324, 1e-30, 1e-14])
def test_no_aversion_trades_equal_parts(aversion: float) -> None:
    np.testing.assert_allclose(plan(7.0, aversion).holdings, np.linspace(7, 0, 9), rtol=1e-13)


@pytest.mark.parametrize("aversion", [1e-17, 1e-15, 1e-12, 1e-9, 1e-6, 1e-5])
def test_small_bend_follows_its_expansion(aversion: float) -> None:
    bend = 1 / half_life(IMPACT, interval=1 / 8, risk_aversion=aversion)
    left = np.linspace(1, 0, 9)
    # sinh(b y) / sinh(b) = y (1 - b^2 (1 - y^2) / 6 + ...)
    np.testing.assert_allclose(
        plan(1.0, aversion).holdings - left, -(bend**2) * left * (1 - left**2) / 6, rtol=1e-5, atol=3e-16
    )


@pytest.mark.parametrize("aversion", [1e8, 1e30, 1e300])
def test_extreme_aversion_trades_at_once(aversion: float) -> None:
    found = plan(7.0, aversion)
    np.testing.assert_allclose(found.trades, [7.0, *[0.0] * 7], atol=1e-4)
    assert np.isfinite(found.holdings).all()
    # epsilon X + eta X^2 / tau, and no risk.
    assert expected_cost(found, IMPACT) == pytest.approx(0.05 * 7 + 2 * 49 * 8, rel=1e-4)
    assert variance(found, IMPACT) == pytest.approx(0, abs=1e-6)


def test_one_interval_and_no_position_are_schedules_too() -> None:
    assert plan(7.0, 1.0, 1).trades.tolist() == [7.0]
    assert not plan(0.0, 1.0).trades.any()


def test_frontier_is_convex_and_holds_the_schedules_it_is_made_of() -> None:
    chosen = np.geomspace(1e-3, 1e3, 60)
    found = frontier(5.0, IMPACT, horizon=1.0, intervals=10, risk_aversions=chosen)
    one = plan(5.0, float(chosen[20]), 10)
    assert (found.expected_cost[20], found.variance[20]) == (
        expected_cost(one, IMPACT),
        variance(one, IMPACT),
    )
    slopes = np.diff(found.expected_cost) / np.diff(found.variance)
    assert (slopes < 0).all()
    assert (np.diff(slopes) < 0).all()
    # The slope of the frontier is the aversion it was found with: between those of its neighbours.
    assert all(-high <= slope <= -low for slope, (low, high) in zip(slopes, pairwise(chosen), strict=True))


def test_half_life_is_the_time_in_which_a_long_schedule_falls_by_e() -> None:
    life = half_life(IMPACT, interval=0.001, risk_aversion=2000.0)
    found = trajectory(1.0, IMPACT, horizon=1.0, intervals=1000, risk_aversion=2000.0)
    assert np.interp(life, found.time, found.holdings) == pytest.approx(math.exp(-1), rel=1e-4)
    # As the interval vanishes: sqrt(eta / (lambda sigma^2)).
    assert life == pytest.approx(math.sqrt(2.0 / (2000 * 0.81)), rel=1e-3)
    assert half_life(IMPACT, interval=1.0, risk_aversion=0.0) == math.inf


@pytest.mark.parametrize("name", ["permanent", "temporary", "fixed", "volatility"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_impact_that_cannot_be_is_refused(name: str, value: float) -> None:
    with pytest.raises(ToolInputError, match=f"expected {name} at or over zero"):
        replace(IMPACT, **{name: value})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizon": 0.0}, "horizon over zero"),
        ({"horizon": math.nan}, "horizon over zero"),
        ({"intervals": 0}, "1 interval or more"),
        ({"position": math.inf}, "finite position"),
        ({"risk_aversion": -1.0}, "risk aversion at or over zero"),
        ({"risk_aversion": math.inf}, "risk aversion at or over zero"),
        ({"horizon": 100.0}, "give shorter intervals"),
    ],
)
def test_schedule_that_cannot_be_planned_is_refused(changes: dict[str, float], words: str) -> None:
    given: dict[str, float] = {
        "position": 1.0,
        "horizon": 1.0,
        "intervals": 4,
        "risk_aversion": 1.0,
    } | changes
    with pytest.raises(ToolInputError, match=words):
        trajectory(
            given["position"],
            IMPACT,
            horizon=given["horizon"],
            intervals=int(given["intervals"]),
            risk_aversion=given["risk_aversion"],
        )
