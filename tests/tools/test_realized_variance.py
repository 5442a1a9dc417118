"""Bipower and exponentially weighted volatility against plain twins and on paths of known volatility."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from contracts.market import Bars
from tests.tools.brownian_paths import brownian_bars, disjoint
from tests.tools.price_paths import closes_only, random_bars
from tools.realized_variance import bipower_volatility, ewma_volatility
from tools.registry import get_tool
from tools.volatility import realized_volatility

NAN = float("nan")
seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def plain_returns(bars: Bars) -> list[float]:
    close = bars.close.tolist()
    return [math.log(b / a) for a, b in pairwise(close)]


def plain_bipower(bars: Bars, period: int) -> list[float]:
    returns = [NAN, *plain_returns(bars)]
    out = [NAN] * period
    for i in range(period, len(returns)):
        pairs = [abs(returns[j]) * abs(returns[j - 1]) for j in range(i - period + 2, i + 1)]
        out.append(math.sqrt(math.pi / 2 * sum(pairs) / len(pairs)))
    return out


def plain_ewma(bars: Bars, decay: float) -> list[float]:
    returns = plain_returns(bars)
    out = [NAN]
    for i in range(1, len(returns) + 1):
        weights = [decay**k for k in range(i)]
        total = sum(w * r * r for w, r in zip(weights, reversed(returns[:i]), strict=True))
        # Known once the unseen past would weigh less than what has been seen.
        out.append(math.sqrt(total / sum(weights)) if decay**i <= 0.5 else NAN)
    return out


@seeds
@pytest.mark.parametrize("period", [2, 3, 20, 60])
@pytest.mark.parametrize("still", [0.0, 0.4])
def test_bipower_agrees_with_its_definition(seed: int, period: int, still: float) -> None:
    bars = random_bars(seed, 150, still)
    np.testing.assert_allclose(
        bipower_volatility(bars, period=period), plain_bipower(bars, period), rtol=1e-9, atol=1e-15
    )


@seeds
@pytest.mark.parametrize("decay", [0.5, 0.8, 0.94, 0.97])
def test_ewma_agrees_with_a_weighted_mean(seed: int, decay: float) -> None:
    bars = random_bars(seed, 150, 0.2)
    np.testing.assert_allclose(ewma_volatility(bars, decay=decay), plain_ewma(bars, decay), rtol=1e-9)


@seeds
def test_ewma_agrees_with_pandas(seed: int) -> None:
    bars = random_bars(seed, 300)
    squares = pd.Series(np.r_[NAN, np.diff(np.log(bars.close)) ** 2])
    expected = np.sqrt(squares.ewm(alpha=0.06, adjust=True).mean().to_numpy())
    np.testing.assert_allclose(ewma_volatility(bars)[12:], expected[12:], rtol=1e-9)


def test_ewma_comes_to_the_recursion_of_riskmetrics() -> None:
    bars = random_bars(4, 600)
    variance = 1e-4
    for r in np.diff(np.log(bars.close)).tolist():
        variance = 0.94 * variance + 0.06 * r * r
    assert ewma_volatility(bars)[-1] == pytest.approx(math.sqrt(variance), rel=1e-9)


@pytest.mark.parametrize("decay", [0.5, 0.94, 0.97])
def test_settled_ewma_has_under_one_percent_of_its_start(decay: float) -> None:
    settled = get_tool("ewma_volatility").settled_bars
    assert settled is not None
    n = settled(decay=decay)
    weight_of_the_past = [decay**k for k in (n - 2, n - 1)]
    assert weight_of_the_past[1] <= 0.01 < weight_of_the_past[0]


def test_bipower_recovers_a_path_without_jumps() -> None:
    bars = brownian_bars(np.random.default_rng(31), 101 * 200, 0.01)
    found = disjoint(bipower_volatility(bars, period=100), 100) ** 2
    assert found.mean() == pytest.approx(1e-4, rel=0.03)


def test_jump_counts_with_its_size_beside_a_usual_neighbour_and_not_with_its_square() -> None:
    rng = np.random.default_rng(32)
    bars = brownian_bars(rng, 101 * 200, 0.01)
    jumps = np.cumsum(np.where(np.arange(len(bars)) % 50 == 24, rng.choice([-0.1, 0.1], len(bars)), 0.0))
    jumped = replace(bars, close=bars.close * np.exp(jumps))
    found = disjoint(bipower_volatility(jumped, period=100), 100) ** 2
    beside = 2 / 50 * math.pi / 2 * 0.1 * 0.01 * math.sqrt(2 / math.pi)
    assert found.mean() == pytest.approx(1e-4 + beside, rel=0.03)
    squares = disjoint(realized_volatility(jumped, period=100), 100) ** 2
    assert squares.mean() == pytest.approx(1e-4 + 0.1**2 / 50, rel=0.03)


def test_still_market_has_zero_volatility() -> None:
    bars = closes_only(np.full(40, 1.1))
    assert (bipower_volatility(bars)[20:] == 0).all()
    assert (ewma_volatility(bars)[12:] == 0).all()


@pytest.mark.parametrize("price", [0.0, -1.0, NAN, math.inf])
def test_price_without_a_logarithm_ends_the_average_and_leaves_the_window_in_time(price: float) -> None:
    bars = random_bars(1, 100)
    close = bars.close.copy()
    close[40] = price
    broken = replace(bars, close=close)
    assert np.isfinite(ewma_volatility(broken)[12:40]).all()
    assert np.isnan(ewma_volatility(broken)[40:]).all()
    found = bipower_volatility(broken)
    assert np.isnan(found[40:61]).all()
    np.testing.assert_array_equal(found[61:], bipower_volatility(bars)[61:])
