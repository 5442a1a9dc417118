"""Marks with two thresholds, volatility of volatility, short over long: plain twins and known cases."""

import math
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import polygamma  # type: ignore[import-untyped]  # SciPy comes without types

from bench.forex_files import mt5_bars
from contracts.errors import ToolInputError
from contracts.market import Bars
from tests.tools.price_paths import closes_only, random_bars
from tools.regime import volatility_percentile
from tools.registry import get_tool
from tools.volatility_state import held_marks, volatility_of_volatility, volatility_ratio, volatility_regime

NAN = math.nan
seeds = pytest.mark.parametrize("seed", [1, 2, 3])


def plain_volatility(bars: Bars, end: int, period: int) -> float:
    close = bars.close.tolist()
    squares = [math.log(close[i] / close[i - 1]) ** 2 for i in range(end - period + 1, end + 1)]
    return math.sqrt(sum(squares) / period)


def plain_mark(newest: list[float]) -> float:
    """Of the remembered percentiles alone, the newest last."""
    if any(math.isnan(p) for p in newest):
        return NAN
    for back in range(1, len(newest) + 1):
        since = newest[-back:]
        if since[0] > 80 and min(since) >= 70:
            return 1.0
        if since[0] < 20 and max(since) <= 30:
            return -1.0
    return 0.0


@given(
    percentiles=st.lists(
        st.sampled_from([0.0, 19.9, 20.0, 25.0, 30.0, 30.1, 50.0, 69.9, 70.0, 75.0, 80.0, 80.1, 100.0, NAN])
    ),
    memory=st.integers(1, 8),
)
def test_marks_are_those_of_the_remembered_percentiles_alone(percentiles: list[float], memory: int) -> None:
    expected = [
        plain_mark(percentiles[i - memory + 1 : i + 1]) if i >= memory - 1 else NAN
        for i in range(len(percentiles))
    ]
    np.testing.assert_array_equal(held_marks(np.array(percentiles), memory), expected)


def test_regime_holds_over_the_band_and_is_forgotten_in_time() -> None:
    wavering = np.array([50.0, 81, 79, 81, 71, 75, 69.9, 75, 19, 29, 30, 31, 25, 50])
    marks = held_marks(np.r_[np.full(19, 50.0), wavering], 20)[19:]
    assert marks.tolist() == [0, 1, 1, 1, 1, 1, 0, 0, -1, -1, -1, 0, 0, 0]
    long = held_marks(np.r_[np.full(3, 50.0), 90.0, np.full(6, 75.0)], 4)
    assert long[3:].tolist() == [1, 1, 1, 1, 0, 0, 0]


@seeds
def test_regime_is_the_marks_of_the_percentile(seed: int) -> None:
    bars = random_bars(seed, 250, 0.3)
    percentiles = volatility_percentile(bars, period=5, window=30)
    found = volatility_regime(bars, period=5, window=30)
    np.testing.assert_array_equal(found, held_marks(percentiles, 30))
    assert set(found[np.isfinite(found)].tolist()) == {-1.0, 0.0, 1.0}
    assert np.flatnonzero(np.isfinite(found))[0] == 5 + 2 * 30 - 2


def test_storm_is_stressed_and_the_calm_after_it_calm() -> None:
    rng = np.random.default_rng(4)
    usual, storm, calm = rng.normal(0, 1e-3, 400), rng.normal(0, 5e-3, 30), rng.normal(0, 1e-4, 30)
    for newest, mark in ((storm, 1.0), (calm, -1.0)):
        bars = closes_only(np.exp(np.cumsum(np.r_[usual, newest])))
        assert volatility_regime(bars)[-1] == mark


def test_marks_change_less_often_than_a_single_threshold() -> None:
    bars = random_bars(7, 4000)
    found = volatility_regime(bars)
    known = np.isfinite(found)
    percentiles = volatility_percentile(bars, window=120)
    single = np.select([percentiles > 80, percentiles < 20], [1, -1])
    assert np.abs(np.diff(found[known])).sum() < 0.8 * np.abs(np.diff(single[known])).sum()
    # A volatility that never changes is outside the middle half of the time, by rank alone.
    assert 0.4 < float(np.mean(found[known] != 0)) < 0.6


@seeds
@pytest.mark.parametrize(("period", "blocks"), [(2, 5), (7, 6), (20, 12)])
def test_volatility_of_volatility_is_that_of_stretches_without_a_common_return(
    seed: int, period: int, blocks: int
) -> None:
    bars = random_bars(seed, 260)
    found = volatility_of_volatility(bars, period=period, blocks=blocks)
    assert np.isnan(found[: period * blocks]).all()
    for i in (period * blocks, period * blocks + 3, 259):
        logs = [math.log(plain_volatility(bars, i - k * period, period)) for k in range(blocks)]
        assert found[i] == pytest.approx(statistics.stdev(logs), rel=1e-9)


@pytest.mark.parametrize("wandering", [0.0, 0.5])
def test_volatility_of_volatility_recovers_the_spread_beside_what_sampling_adds(wandering: float) -> None:
    rng = np.random.default_rng(51)
    period, blocks, n_runs = 20, 100, 60
    levels = rng.normal(0, wandering, (n_runs * blocks, 1))
    moves = 1e-3 * np.exp(levels) * rng.normal(0, 1, (n_runs * blocks, period))
    bars = closes_only(np.exp(np.cumsum(np.r_[0.0, moves.ravel()])))
    found = (
        volatility_of_volatility(bars, period=period, blocks=blocks)[period * blocks :: period * blocks] ** 2
    )
    # The variance of the logarithm of a chi-square of k degrees is the trigamma function at k / 2.
    truth = wandering**2 + float(polygamma(1, period / 2)) / 4
    assert len(found) == n_runs
    assert abs(found.mean() - truth) < 3 * found.std(ddof=1) / math.sqrt(n_runs)


@seeds
def test_ratio_is_short_over_long_and_shows_a_burst(seed: int) -> None:
    bars = random_bars(seed, 120, 0.3)
    found = volatility_ratio(bars, short=5, long=40)
    assert np.isnan(found[:40]).all()
    for i in (40, 80, 119):
        assert found[i] == pytest.approx(plain_volatility(bars, i, 5) / plain_volatility(bars, i, 40))
    close = bars.close.copy()
    close[-1] *= 1.5
    assert volatility_ratio(replace(bars, close=close), short=5, long=40)[-1] == pytest.approx(
        math.sqrt(8), rel=1e-2
    )


def test_ratio_of_a_volatility_that_never_changes_is_one_within_its_error() -> None:
    rng = np.random.default_rng(52)
    bars = closes_only(np.exp(np.cumsum(rng.normal(0, 1e-3, 61 * 500))))
    apart = volatility_ratio(bars)[60::61]
    assert apart.mean() == pytest.approx(1, abs=0.03)
    assert apart.std() == pytest.approx(math.sqrt((1 / 10 - 1 / 60) / 2), rel=0.1)


def test_still_market_has_a_reason_or_an_undecided_mark() -> None:
    still = closes_only(np.full(300, 1.1))
    for name in ("volatility_of_volatility", "volatility_ratio"):
        found = get_tool(name).call(still)
        assert (found.value, found.reason) == (None, "undefined: no price has moved on these bars")
    assert get_tool("volatility_regime").call(still).value == 0.0


def test_short_window_not_under_the_long_one_is_refused() -> None:
    for attempt in (
        get_tool("volatility_ratio").check,
        lambda **k: volatility_ratio(random_bars(1, 100), **k),
    ):
        with pytest.raises(ToolInputError, match="expected short under long, found 60 and 60"):
            attempt(short=60, long=60)


def test_real_hours_have_calm_and_stressed_times(shared_data: Path) -> None:
    bars = mt5_bars(shared_data, "gbpusd")[-8000:]
    marks = volatility_regime(bars, period=24, window=240)
    known = marks[np.isfinite(marks)]
    assert all(0.1 < float(np.mean(known == mark)) < 0.6 for mark in (-1, 0, 1))
    # By the day, so that the hours of much movement do not count.
    restless = volatility_of_volatility(bars, period=24, blocks=20)
    assert 0.16 < float(np.nanmedian(restless)) < 0.8
