"""Cointegration: against statsmodels, and on pairs whose tie is known."""

import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.noises import autoregression
from tests.tools.paired_bars import oanda_hours, tied_prices, with_other
from tests.tools.price_paths import closes_only, random_bars, scaled
from tools.cointegration import fit_cointegration
from tools.mean_reversion import fit_reversion
from tools.registry import get_tool
from tools.stationarity import residual_test

TOOLS = ("cointegration_p_value", "hedge_ratio", "spread_zscore", "spread_half_life")


@pytest.mark.parametrize("phi", [0.5, 0.9, 1.0])
def test_fit_is_statsmodels_coint_and_a_plain_regression(phi: float) -> None:
    from statsmodels.tsa.stattools import coint  # type: ignore[import-untyped]  # has no types

    rng = np.random.default_rng(51)
    x = np.cumsum(rng.normal(size=300))
    y = 3 + 0.7 * x + autoregression(rng, 300, phi)
    found = fit_cointegration(y, x)
    assert found is not None
    statistic, p_value, _ = coint(y, x)
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    assert found.p_value == pytest.approx(p_value, rel=1e-6)
    plain = statistics.linear_regression(x, y)
    assert found.hedge_ratio == pytest.approx(plain.slope, rel=1e-9)
    assert found.constant == pytest.approx(plain.intercept, rel=1e-6)
    left = [b - plain.slope * a - plain.intercept for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found.spread, left, atol=1e-9)
    assert found.zscore == pytest.approx(left[-1] / math.sqrt(sum(v * v for v in left) / 298), rel=1e-9)


def test_tools_are_the_fit_of_the_newest_log_closes() -> None:
    bars, other = tied_prices(np.random.default_rng(52), 500, 0.6, 0.8)
    fit = fit_cointegration(np.log(bars.close[-300:]), np.log(other.close[-300:]))
    assert fit is not None
    back = fit_reversion(fit.spread)
    assert back is not None
    expected = (fit.p_value, fit.hedge_ratio, fit.zscore, back.half_life)
    for name, value in zip(TOOLS, expected, strict=True):
        found = get_tool(name).call(with_other(bars, other), period=300)
        assert found.value == pytest.approx(value, rel=1e-9)
        assert (found.n_obs, found.warnings) == (300, ())


@pytest.mark.slow
def test_known_hedge_ratio_and_half_life_are_recovered() -> None:
    rng = np.random.default_rng(53)
    ratios, lives, trusted = [], [], 0
    for _ in range(30):
        pair = with_other(*tied_prices(rng, 500, 0.6, 0.9))
        ratios.append(get_tool("hedge_ratio").call(pair).value or math.nan)
        life = get_tool("spread_half_life").call(pair)
        lives.append(life.value or math.nan)
        trusted += not life.warnings
    assert np.mean(ratios) == pytest.approx(0.6, abs=4 * np.std(ratios) / math.sqrt(30) + 0.01)
    assert np.std(ratios) < 0.15
    # The ratio's own freedom takes some off: about a tenth.
    true = math.log(0.5) / math.log(0.9)
    assert 0.75 * true < np.median(lives) < 1.1 * true
    assert trusted >= 27


def test_unrelated_walks_are_warned_of_and_tied_ones_are_not() -> None:
    rng = np.random.default_rng(54)
    free = [
        with_other(*(closes_only(np.exp(1e-3 * autoregression(rng, 500, 1.0))) for _ in range(2)))
        for _ in range(20)
    ]
    asked = [get_tool("hedge_ratio").call(pair) for pair in free]
    doubted = [found for found in asked if found.warnings]
    assert len(doubted) >= 16
    p_value = get_tool("cointegration_p_value").call(free[asked.index(doubted[0])]).value
    expected = f"not cointegrated at 5%: two random walks would look the same, p {p_value:.2f}"
    assert doubted[0].warnings == (expected,)


@pytest.mark.slow
def test_size_of_the_test_of_cointegration_at_five_percent() -> None:
    rng = np.random.default_rng(55)
    n_pairs = 400
    low = 0
    for _ in range(n_pairs):
        found = fit_cointegration(autoregression(rng, 250, 1.0), autoregression(rng, 250, 1.0))
        assert found is not None
        low += found.p_value < 0.05
    share, error = low / n_pairs, math.sqrt(0.05 * 0.95 / n_pairs)
    # Lags chosen by AIC bring some 8 % where 5 % is said.
    assert 0.05 - 3 * error < share < 0.08 + 3 * error


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-3, 1e3))
def test_unit_of_either_price_moves_the_constant_alone(seed: int, factor: float) -> None:
    bars, other = random_bars(seed, 120), random_bars(seed + 1, 120)
    plain = fit_cointegration(np.log(bars.close), np.log(other.close))
    moved = fit_cointegration(np.log(scaled(bars, factor).close), np.log(other.close))
    assert plain is not None
    assert moved is not None
    assert moved.hedge_ratio == pytest.approx(plain.hedge_ratio, rel=1e-6, abs=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-3, abs=1e-9)
    assert moved.constant == pytest.approx(plain.constant + math.log(factor), abs=1e-6)


def test_one_instrument_twice_is_no_pair() -> None:
    bars = random_bars(56, 500)
    for name in TOOLS:
        found = get_tool(name).call(with_other(bars, closes_only(bars.close**2)))
        assert found.reason is not None
        assert "the two move as one" in found.reason


def test_euro_and_new_zealand_dollar_of_two_months_are_not_cointegrated(shared_data: Path) -> None:
    pairs = ("eurusd", "nzdusd")
    one, other = (oanda_hours(shared_data, pair, "20140401", "20140530") for pair in pairs)
    found = get_tool("hedge_ratio").call(with_other(one, other), period=600)
    assert found.value is not None
    assert "not cointegrated" in found.warnings[0]


@pytest.mark.parametrize("noise", [1e-4, 1e-5, 1e-6])
def test_two_venues_of_one_instrument_are_tested_and_not_taken_as_tied(noise: float) -> None:
    """Of so small a spread `coint` answers minus infinity and 0 whatever it does."""
    rng = np.random.default_rng(57)
    x = np.cumsum(rng.normal(0, 1e-3, 500))
    tied = fit_cointegration(x + noise * rng.normal(size=500), x)
    apart = fit_cointegration(x + noise / 10 * np.cumsum(rng.normal(size=500)), x)
    assert tied is not None
    assert apart is not None
    assert -40 < tied.statistic < -10
    assert tied.p_value < 0.001
    assert apart.p_value > 0.05
    assert apart.warnings


def test_residual_test_is_the_second_step_of_statsmodels_coint() -> None:
    from statsmodels.tsa.stattools import coint

    rng = np.random.default_rng(58)
    x = np.cumsum(rng.normal(size=400))
    y = 0.5 * x + autoregression(rng, 400, 0.9)
    slope = np.polyfit(x, y, 1)
    found = residual_test(y - np.polyval(slope, x))
    assert found is not None
    assert (found.statistic, found.p_value) == pytest.approx(coint(y, x)[:2], rel=1e-6)
