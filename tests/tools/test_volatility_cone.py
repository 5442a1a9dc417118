"""The cone: plain twins, how often a volatility that never changes lies in it, and the bias of its spread."""

import csv
import gzip
import math
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bench.forex_files import mt5_bars
from contracts.errors import ToolInputError
from contracts.market import Bars, Float1D
from tests.tools.price_paths import closes_only, random_bars, scaled, with_missing
from tools.registry import get_tool
from tools.volatility_cone import (
    PROBABILITIES,
    overlap_correction,
    volatility_cone,
    volatility_cone_percentile,
)

seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def plain_volatilities(bars: Bars, horizon: int) -> list[float]:
    """Of every window, the newest last."""
    close = bars.close.tolist()
    squares = [math.log(close[i] / close[i - 1]) ** 2 for i in range(1, len(close))]
    ends = range(horizon, len(squares) + 1)
    return [math.sqrt(sum(squares[end - horizon : end]) / horizon) for end in ends]


def plain_rank(newest: float, past: list[float]) -> float:
    equal = sum(math.isclose(v, newest, rel_tol=1e-9) for v in past)
    under = sum(v < newest and not math.isclose(v, newest, rel_tol=1e-9) for v in past)
    return 100 * (under + equal / 2) / len(past)


def plain_quantile(values: list[float], probability: float) -> float:
    ordered = sorted(values)
    place = probability * (len(ordered) - 1)
    low = math.floor(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


@seeds
@pytest.mark.parametrize("still", [0.0, 0.6])
def test_cone_agrees_with_its_definition(seed: int, still: float) -> None:
    bars = random_bars(seed, 150, still)
    found = volatility_cone(bars, (2, 10, 24))
    assert found.horizons == (2, 10, 24)
    for row, horizon in enumerate(found.horizons):
        *_, newest = values = plain_volatilities(bars, horizon)
        past = values[:-horizon]
        n = len(past)
        assert found.newest[row] == pytest.approx(newest)
        assert found.n_windows[row] == n == 149 - 2 * horizon + 1
        assert found.percentile[row] == pytest.approx(plain_rank(newest, past))
        expected = [plain_quantile(past, p) for p in PROBABILITIES]
        np.testing.assert_allclose(found.quantiles[row], expected, rtol=1e-9, atol=1e-15)
        raw = statistics.pvariance([v * v for v in past])
        corrected = raw / (1 - horizon / n + (horizon**2 - 1) / (3 * n**2))
        assert found.variance_spread[row] == pytest.approx(math.sqrt(corrected), rel=1e-6)


@seeds
@pytest.mark.parametrize(("horizon", "history"), [(2, 20), (10, 50), (10, 77)])
def test_percentile_ranks_among_windows_that_end_before_the_newest_begins(
    seed: int, horizon: int, history: int
) -> None:
    bars = random_bars(seed, 150, 0.5)
    values = [math.nan] * horizon + plain_volatilities(bars, horizon)
    expected = [math.nan] * 150
    for i in range(horizon + history, 150):
        past = values[i - history : i - horizon + 1]
        assert len(past) == history - horizon + 1
        expected[i] = plain_rank(values[i], past)
    found = volatility_cone_percentile(bars, horizon=horizon, history=history)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    whole = volatility_cone(bars[150 - history - horizon - 1 :], (horizon,))
    assert whole.percentile[0] == pytest.approx(found[-1])


def test_spread_is_without_bias_where_that_of_overlapping_windows_is_too_small() -> None:
    rng = np.random.default_rng(41)
    horizon, n_returns, n_runs = 20, 140, 1500
    corrected, raw = [], []
    for _ in range(n_runs):
        bars = closes_only(np.exp(np.cumsum(rng.normal(0, 1.0, n_returns + 1) * 0.01)))
        cone = volatility_cone(bars, (horizon,))
        corrected.append(cone.variance_spread[0] ** 2)
        raw.append(corrected[-1] * overlap_correction(horizon, int(cone.n_windows[0])))
    truth = 2 * 0.01**4 / horizon
    error = statistics.stdev(corrected) / math.sqrt(n_runs)
    assert abs(statistics.mean(corrected) - truth) < 3 * error
    assert statistics.mean(raw) < truth - 5 * error


def newest_ranks(horizon: int, history: int, n_runs: int) -> Float1D:
    """Of a volatility that never changes."""
    rng = np.random.default_rng(43)
    moves = rng.normal(0, 1e-3, (n_runs, horizon + history + 1))
    series = (closes_only(np.exp(np.cumsum(row))) for row in moves)
    return np.array([volatility_cone_percentile(b, horizon=horizon, history=history)[-1] for b in series])


def test_long_cone_covers_a_volatility_that_never_changes_as_often_as_it_says() -> None:
    ranks = newest_ranks(5, 500, 1500)
    inside = float(((ranks >= 5) & (ranks <= 95)).mean())
    assert abs(inside - 0.9) < 3 * math.sqrt(0.9 * 0.1 / 1500)
    assert abs(float(ranks.mean()) - 50) < 3 * 29 / math.sqrt(1500)


def test_short_cone_covers_less_and_its_edges_are_no_rare_event() -> None:
    ranks = newest_ranks(20, 100, 1500)
    assert 0.68 < float(((ranks >= 5) & (ranks <= 95)).mean()) < 0.79
    assert 1 / 8 < float(((ranks == 0) | (ranks == 100)).mean()) < 1 / 4.5


def test_burst_shows_whole_at_once() -> None:
    rng = np.random.default_rng(4)
    moves = np.r_[rng.normal(0, 1e-4, 400), rng.normal(0, 1e-3, 5)]
    bars = closes_only(np.exp(np.cumsum(moves)))
    assert volatility_cone_percentile(bars)[-1] == 100
    assert volatility_cone_percentile(closes_only(np.exp(np.cumsum(moves[::-1] * -1))))[-1] < 90


@hypothesis_settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), by=st.sampled_from([0.001, 0.5, 1024.0]), known=st.integers(121, 149))
def test_unit_of_price_and_the_future_change_nothing(seed: int, by: float, known: int) -> None:
    bars = random_bars(seed, 150)
    plain = volatility_cone(bars, (5, 20))
    moved = volatility_cone(scaled(bars, by), (5, 20))
    np.testing.assert_allclose(moved.quantiles, plain.quantiles, rtol=1e-6)
    np.testing.assert_allclose(moved.variance_spread, plain.variance_spread, rtol=1e-6)
    changed = replace(bars, close=np.r_[bars.close[:known], bars.close[known:] * 5])
    before = volatility_cone(bars[:known], (5, 20))
    np.testing.assert_array_equal(volatility_cone(changed[:known], (5, 20)).quantiles, before.quantiles)


def test_missing_close_makes_the_row_unknown_and_still_market_ranks_in_the_middle() -> None:
    bars = random_bars(2, 150)
    found = volatility_cone(with_missing(bars, "close", 60), (5, 20))
    assert np.isnan(found.quantiles).all()
    assert np.isnan(found.percentile).all()
    assert np.isnan(found.variance_spread).all()
    still = volatility_cone(closes_only(np.full(150, 1.1)), (5,))
    assert (still.percentile[0], still.variance_spread[0]) == (50.0, 0.0)


@pytest.mark.parametrize("horizons", [(1,), (0,), (-5,), (5, 25), ()])
def test_horizons_that_do_not_fit_are_refused(horizons: tuple[int, ...]) -> None:
    bars = random_bars(2, 145)
    assert len(volatility_cone(bars, (2, 24)).newest) == 2
    with pytest.raises(
        ToolInputError, match=r"expected (horizons of 2 to a sixth of 144|one horizon or more)"
    ):
        volatility_cone(bars, horizons)
    with pytest.raises(ToolInputError, match="5 horizons or more, found 50 for a horizon of 20"):
        get_tool("volatility_cone_percentile").call(bars, history=50)


def test_real_days_and_hours_make_a_cone(shared_data: Path) -> None:
    path = shared_data / "volatility" / "dmbp.csv.gz"
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        percent = np.array([float(row["V1"]) for row in csv.DictReader(file)])
    days = closes_only(np.exp(np.r_[0.0, np.cumsum(percent / 100)]))
    for bars, horizons in ((days, (5, 20, 60, 120, 240)), (mt5_bars(shared_data, "gbpusd"), (24, 120, 480))):
        cone = volatility_cone(bars, horizons)
        assert (np.diff(cone.quantiles, axis=1) > 0).all()
        width = cone.quantiles[:, -1] / cone.quantiles[:, 0]
        # It narrows as the horizon grows: that is why it is called a cone.
        assert (np.diff(width) < 0).all()
        assert (np.diff(cone.variance_spread) < 0).all()
